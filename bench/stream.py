"""From Kafka: poll, hash check, decode, fold, beside a bare poll loop; then a replica filled, and the relay."""

import gc
import tempfile
import time

from kafka import KafkaConsumer, TopicPartition

from bench.generate import open_service
from bench.measure import in_child, in_turn, show, show_rates
from bench.servers import Servers
from services.scoring.domain.records import Records
from services.scoring.views import PROJECTION
from shared.eventlog import EMPTY, EVERY_COMMUNE, Head, Log, open_database, writing
from shared.eventlog.chain import decode_verified
from shared.eventlog.database import run as run_sql
from shared.eventlog.kafka import TOPIC_SETTINGS, KafkaBroker
from shared.eventlog.relay import Relay
from shared.eventlog.replica import fill_from_topic
from shared.worker import COLLECTOR_THRESHOLDS

SIZES = {False: (200_000, 6), True: (20_000, 6)}  # quick → events, communes
PARTITIONS = 12  # as `cchc topics` makes them
ROUNDS = 5


def run(quick: bool, servers: Servers) -> None:
    events, communes = SIZES[quick]
    path = in_child("bench.generate:log_file", events, communes)
    kafka = servers.kafka()
    topic = kafka.create_topic("bench", PARTITIONS, **TOPIC_SETTINGS)
    published = in_child("bench.stream:publish", path, kafka.bootstrap, topic)
    folded, polled = in_turn(
        ROUNDS,
        lambda: in_child("bench.stream:poll_and_fold", kafka.bootstrap, topic),
        lambda: in_child("bench.stream:poll", kafka.bootstrap, topic),
    )
    what = f"poll, check, decode, fold, {events:,} events"
    show_rates(what, folded, "events", "bare kafka-python poll loop", polled, 0.6)
    (filled,) = in_turn(ROUNDS // 2, lambda: in_child("bench.stream:fill_replica", kafka.bootstrap, topic))
    show("  fill a replica (SQLite) from the topic", f"{filled:,.0f} events/s")
    show("  relay publishes to the topic", f"{published:,.0f} events/s")


def publish(path: str, bootstrap: str, topic: str) -> float:
    """All of the tasks logs through the relay; events a second."""
    engine = open_database(f"sqlite:///{path}")
    with writing(engine, EVERY_COMMUNE) as connection:
        run_sql(connection, "DELETE FROM cursors")
    relay = Relay(Log(engine, "tasks"), KafkaBroker(bootstrap), topic=topic)
    begin, published = time.perf_counter(), 0
    while step := relay.step():
        published += step
    return published / (time.perf_counter() - begin)


def poll(bootstrap: str, topic: str) -> float:
    """Records a second, with kafka-python alone; connecting counts, and the collector is a worker's, here as below."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    begin = time.perf_counter()
    ends = KafkaBroker(bootstrap).end_offsets(topic)
    left = sum(ends.values())
    with KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False) as consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in ends])
        number = left
        while left:
            left -= sum(map(len, consumer.poll(1000, max_records=5000).values()))
        return number / (time.perf_counter() - begin)


def poll_and_fold(bootstrap: str, topic: str) -> float:
    """Events a second into the records of scoring, in memory; what is not next would raise."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    heads: dict[str, Head] = {}
    states: dict[str, Records] = {}
    begin, number = time.perf_counter(), 0
    for records in KafkaBroker(bootstrap).read_topic(topic):
        bodies: dict[str, list[bytes]] = {}
        for record in records:
            bodies.setdefault(record.key.decode(), []).append(record.value)
        for commune, batch in bodies.items():
            state = states.setdefault(commune, PROJECTION.empty(commune))
            head = heads.get(commune, EMPTY)
            for envelope, hash_ in decode_verified("tasks", commune, head, batch):
                PROJECTION.fold(state, envelope)
                head = Head(envelope.position, hash_, envelope.time)
            heads[commune] = head
        number += len(records)
    return number / (time.perf_counter() - begin)


def fill_replica(bootstrap: str, topic: str) -> float:
    """Events a second, verified and committed to a new SQLite file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_service(f"sqlite:///{folder}/scoring.db", "services.scoring") as to,
    ):
        begin = time.perf_counter()
        return fill_from_topic(Log(to, "tasks"), KafkaBroker(bootstrap), topic).taken / (time.perf_counter() - begin)
