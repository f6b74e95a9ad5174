"""What can come between an append and a replica, over a real Kafka: each case that the design names is a test."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from shared.eventlog import ChainBreak, Head, Log
from shared.eventlog.feed import FeedError
from shared.eventlog.kafka import (
    TOPIC_SETTINGS,
    KafkaBroker,
    TopicMissing,
    check_topic_settings,
    connect,
    ensure_topics,
    topic_name,
)
from shared.eventlog.relay import Relay, RestoreUnfinished
from shared.eventlog.replica import Replica, fill_from_topic
from shared.eventlog.verify import compare_logs, verify_log, verify_topic
from shared.events import decode, event_hash
from tests.support.kafka import Kafka, PrivateKafka, admin
from tests.support.logs import COMMUNE, contents, filled, migrated, note, open_commune, sqlite_url
from tests.support.waiting import until

# kafka-python leaves the sockets of its failed attempts to connect to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

# Short enough for a test.
QUICK: dict[str, Any] = {"retry_s": 0.1}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with migrated(sqlite_url(tmp_path, "own")) as engine:
        yield Log(engine, "tasks")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Log]:
    with migrated(sqlite_url(tmp_path, "replica"), "services.scoring") as engine:
        yield Log(engine, "tasks")


@pytest.fixture
def topic(kafka: Kafka) -> str:
    return kafka.create_topic("tasks", partitions=2, **TOPIC_SETTINGS)


@contextmanager
def running(*loops: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=loop, args=(stop,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        gc.collect()
    assert not any(thread.is_alive() for thread in threads)


def put(kafka: Kafka, topic: str, *values: bytes, key: str = COMMUNE) -> None:
    """Put records on the topic as somebody else would."""
    with KafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for future in [producer.send(topic, value, key=key.encode()) for value in values]:
            future.get(20)


def values(kafka: Kafka, topic: str) -> list[bytes]:
    return [record.value for records in kafka.client.read_topic(topic) for record in records]


def first_of_each(bodies: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(bodies))


def set_topic(kafka: Kafka, topic: str, **settings: object) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    with admin(kafka.bootstrap) as client:
        configs = {key: str(value) for key, value in settings.items()}
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])


def made_anew(kafka: Kafka, topic: str, partitions: int = 2) -> None:
    with admin(kafka.bootstrap) as client:
        client.delete_topics([topic])
        until(lambda: topic not in client.list_topics(), what="the topic is gone")
    kafka.create_topic(topic.removeprefix(kafka.prefix), partitions=partitions, **TOPIC_SETTINGS)


def rewritten(body: bytes, **changes: Any) -> bytes:
    """The event with other attributes, as a newer or a wrong program would have recorded it."""
    raw = msgspec.json.decode(body)
    return msgspec.json.encode(raw | changes)


def is_up_to_date(copy: Log, log: Log) -> Callable[[], bool]:
    return lambda: copy.heads() == log.heads()


def has_joined(client: KafkaAdminClient, group: str) -> Callable[[], bool]:
    def joined() -> bool:
        try:
            return bool(client.describe_groups([group])[group]["group_state"] == "Stable")
        except KafkaError:
            return False  # a new broker has no coordinators yet

    return joined


# The relay


def test_headers_and_key_are_as_documented(kafka: Kafka, topic: str, log: Log) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    open_commune(log)
    note(log, correlationid=trace)
    note(log, correlationid="a human's word")
    assert Relay(log, kafka.client, topic=topic).step() == 3
    [opened, traced, untraced] = [record for records in kafka.client.read_topic(topic) for record in records]
    event = decode(traced.value)
    assert traced.key == COMMUNE.encode()
    assert traced.headers == [
        ("content-type", b"application/cloudevents+json"),
        ("ce_type", b"vn.cchc.task.progress_noted.v1"),
        ("ce_id", event.id.encode()),
        ("traceparent", trace.encode()),
    ]
    assert "traceparent" not in dict(opened.headers) | dict(untraced.headers)
    assert [record.value for record in (opened, traced, untraced)] == log.read(COMMUNE)


def test_a_batch_has_an_end_and_the_rest_follows(kafka: Kafka, topic: str, log: Log) -> None:
    open_commune(log)
    note(log, COMMUNE, *[f"Lần {number}" for number in range(700)])
    relay = Relay(log, kafka.client, topic=topic)
    assert [relay.step(), relay.step(), relay.step()] == [500, 201, 0]
    assert values(kafka, topic) == log.read(COMMUNE, limit=1000)


def test_two_relays_at_once(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log, ("a", "b"), notes=3)
    relays = [Relay(log, kafka.client, topic=topic, **QUICK) for _ in range(2)]
    replica = Replica(copy, kafka.client, topic, topic=topic, **QUICK)
    with running(*(relay.run for relay in relays), replica.run):
        for number in range(40):
            note(log, "ab"[number % 2], f"Lần {number}")
        until(is_up_to_date(copy, log), what="the replica has everything")
        until(lambda: not relays[0].step(), what="the cursors are at the heads")
    assert contents(copy) == contents(log)
    assert replica.status.broken == {}
    for commune in "ab":
        published = [body for body in values(kafka, topic) if decode(body).commune == commune]
        assert first_of_each(published) == log.read(commune)


def test_relays_that_read_the_same_cursor_do_not_skip(kafka: Kafka, topic: str, log: Log) -> None:
    """One starts the topic over while the other is in the middle of its batch: the later word does not undo it."""
    filled(log, notes=4)
    slow, quick = (Relay(log, kafka.client, topic=topic) for _ in range(2))
    slow.step()
    note(log, COMMUNE, "sau đó")
    old = slow._behind()
    made_anew(kafka, topic)
    quick.check_topic()
    slow._move(old, {COMMUNE: 6})
    assert quick._behind() == {COMMUNE: 0}


def test_broker_away_at_the_start(private_kafka: PrivateKafka, log: Log, copy: Log) -> None:
    topic = private_kafka.create_topic("tasks", 1, **TOPIC_SETTINGS)
    private_kafka.broker.stop()
    relay = Relay(log, private_kafka.client, topic=topic, **QUICK)
    replica = Replica(copy, private_kafka.client, topic, topic=topic, **QUICK)
    with running(relay.run, replica.run):
        filled(log)
        until(lambda: relay.status.problem and replica.status.problem, what="both say what they wait for")
        assert copy.heads() == {}
        private_kafka.broker.start()
        until(is_up_to_date(copy, log), deadline=60, what="everything arrives when the broker is back")
        until(lambda: not relay.status.problem and not replica.status.problem, what="and nobody complains any more")
    assert contents(copy) == contents(log)


def test_broker_paused_beyond_the_delivery_timeout(private_kafka: PrivateKafka, log: Log, copy: Log) -> None:
    topic = private_kafka.create_topic("tasks", 1, **TOPIC_SETTINGS)
    relay = Relay(log, private_kafka.client, topic=topic, delivery_timeout_s=1, **QUICK)
    replica = Replica(copy, private_kafka.client, topic, topic=topic, **QUICK)
    filled(log, ("a", "b"))
    with running(relay.run, replica.run):
        until(is_up_to_date(copy, log), what="it works at first")
        private_kafka.broker.pause()
        for number in range(10):  # commands go on
            note(log, "ab"[number % 2], f"Trong lúc chờ {number}")
        until(lambda: relay.status.refused or relay.status.problem, what="the delivery timeout is over")
        note(log, "a", "Sau thời hạn")
        private_kafka.broker.resume()
        until(is_up_to_date(copy, log), deadline=60, what="the backlog arrives")
        until(lambda: not relay.status.refused, what="nothing is refused any more")
    assert contents(copy) == contents(log)
    for commune in "ab":
        published = [body for body in values(private_kafka, topic) if decode(body).commune == commune]
        assert first_of_each(published) == log.read(commune)


def test_a_rejected_record_stops_its_commune_alone(kafka: Kafka, log: Log, copy: Log) -> None:
    topic = kafka.create_topic("tasks", 1, **TOPIC_SETTINGS)
    relay = Relay(log, kafka.client, topic=topic, **QUICK)
    replica = Replica(copy, kafka.client, topic, topic=topic, **QUICK)
    filled(log, ("a", "b"))
    set_topic(kafka, topic, **{"max.message.bytes": 2000})
    assert check_topic_settings(kafka.bootstrap, [topic]) == [
        f"{topic}: max.message.bytes is 2000, must be at least 1048576"
    ]
    note(log, "a", "x" * 5000)
    note(log, "a", "sau đó")
    with running(relay.run, replica.run):
        until(lambda: "a" in relay.status.refused, what="the relay says which commune waits")
        assert relay.status.refused["a"].startswith("7: ")
        note(log, "b", "sau đó")
        until(lambda: copy.head("b") == log.head("b"), what="the other commune goes on")
        assert copy.head("a").position == 6
        set_topic(kafka, topic, **{"max.message.bytes": 1048576})
        until(is_up_to_date(copy, log), what="the topic takes it now, and what follows arrives in order")
        until(lambda: not relay.status.refused, what="nobody waits any more")
    assert contents(copy) == contents(log)
    assert verify_topic(kafka.client, log, topic) == []


def test_a_topic_that_was_made_anew_is_filled_at_once(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log, ("a", "b", "c"))
    Relay(log, kafka.client, topic=topic).step()
    made_anew(kafka, topic, partitions=3)
    relay = Relay(log, kafka.client, topic=topic)
    assert relay.step() == 18
    assert verify_topic(kafka.client, log, topic) == []
    assert fill_from_topic(copy, kafka.client, topic).taken == 18
    assert contents(copy) == contents(log)


def test_a_topic_made_anew_behind_a_running_relay(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log, ("a", "b"))
    relay = Relay(log, kafka.client, topic=topic, topic_check_s=0.2, **QUICK)
    replica = Replica(
        copy,
        KafkaBroker(kafka.bootstrap, metadata_max_age_ms=500),
        topic,
        topic=topic,
        fetch=log.read,
        owner_heads=log.heads,
        heads_s=0.2,
        **QUICK,
    )
    with running(relay.run, replica.run):
        until(is_up_to_date(copy, log), what="it works at first")
        made_anew(kafka, topic)
        for number in range(5):
            note(log, "ab"[number % 2], f"Sau đó {number}")
        until(is_up_to_date(copy, log), deadline=40, what="the replica has what came later")
        note(log, "a", "một lần nữa")
        until(
            lambda: verify_topic(kafka.client, log, topic) == [],
            deadline=40,
            what="the topic is whole again",
        )
        until(is_up_to_date(copy, log), what="the last one has arrived too")
    assert contents(copy) == contents(log)


def test_a_topic_ahead_of_the_store_is_an_unfinished_restore(
    kafka: Kafka, topic: str, log: Log, tmp_path: Path
) -> None:
    filled(log, ("a", "b"))
    with migrated(sqlite_url(tmp_path, "restored")) as engine:
        restored = Log(engine, "tasks")
        for commune in "ab":
            restored.append_verbatim(commune, log.read(commune)[:4])
        note(log, "b", "nach dem backup")
        Relay(log, kafka.client, topic=topic).step()
        relay = Relay(restored, kafka.client, topic=topic)
        with pytest.raises(RestoreUnfinished, match="up to 6, the store up to 4"):
            relay.run(threading.Event())
        assert fill_from_topic(restored, kafka.client, topic).taken == 5
        assert relay.step() == 13  # repeats: nobody told the restored store what had been acknowledged
        assert contents(restored) == contents(log)


def test_a_store_that_went_another_way_is_noticed(kafka: Kafka, topic: str, log: Log, tmp_path: Path) -> None:
    filled(log)
    Relay(log, kafka.client, topic=topic).step()
    with migrated(sqlite_url(tmp_path, "restored")) as engine:
        restored = Log(engine, "tasks")
        restored.append_verbatim(COMMUNE, log.read(COMMUNE)[:5])
        note(restored, COMMUNE, "ein anderer Weg")
        with pytest.raises(RestoreUnfinished, match="another event tien-canh/6"):
            Relay(restored, kafka.client, topic=topic).step()


def test_a_missing_topic_is_waited_for(kafka: Kafka, log: Log, copy: Log) -> None:
    topic = kafka.name("tasks")
    filled(log)
    relay = Relay(log, kafka.client, topic=topic, **QUICK)
    with pytest.raises(TopicMissing):
        relay.step()
    with running(relay.run):
        until(lambda: "TopicMissing" in (relay.status.problem or ""), what="the relay says what is missing")
        kafka.create_topic("tasks", 1, **TOPIC_SETTINGS)
        until(lambda: len(values(kafka, topic)) == 6, what="it goes on when the topic is there")
    assert fill_from_topic(copy, kafka.client, topic).taken == 6


def test_topics_are_made_with_settings_that_keep_everything(kafka: Kafka) -> None:
    service = kafka.name("x").replace(".", "-")
    topic = topic_name(service)
    assert check_topic_settings(kafka.bootstrap, [topic]) == [f"{topic}: is missing"]
    assert ensure_topics(kafka.bootstrap, [service], partitions=3, replication=1) == [topic]
    assert ensure_topics(kafka.bootstrap, [service], partitions=5, replication=1) == []
    assert check_topic_settings(kafka.bootstrap, [topic]) == []
    set_topic(kafka, topic, **{"cleanup.policy": "compact", "retention.ms": 1000})
    wrong = [
        f"{topic}: cleanup.policy is compact, must be delete",
        f"{topic}: retention.ms is 1000, must be -1",
    ]
    # A broker answers a change of settings before it has applied it.
    until(lambda: check_topic_settings(kafka.bootstrap, [topic]) == wrong, what="the wrong settings are named")


@pytest.mark.parametrize("kind", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_a_broker_that_stays_away_leaves_no_threads_behind(kind: type) -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(KafkaError):
            connect(kind, "127.0.0.1:1")
    gc.collect()
    assert threading.active_count() == before


# The consumer


def consumed(kafka: Kafka, topic: str, copy: Log, **options: Any) -> Replica:
    """A replica that has read the topic to its present end."""
    replica = Replica(copy, kafka.client, kafka.name("group"), topic=topic, **(QUICK | options))
    total = len(values(kafka, topic))
    count = 0

    def step() -> bool:
        nonlocal count
        count += replica.step()
        return count >= total

    until(step, what=f"{total} records are read", every=0)
    return replica


def test_repeats_on_the_topic(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log).read(COMMUNE)
    put(kafka, topic, *bodies[:3], *bodies[:3], bodies[1], *bodies[2:], *bodies)
    replica = consumed(kafka, topic, copy)
    assert replica.status.taken == 6
    assert contents(copy) == contents(log)


def test_an_event_ahead_of_its_place_is_reached_over_the_feed(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log).read(COMMUNE)
    asked = []

    def fetch(commune: str, after: int, limit: int) -> list[bytes]:
        asked.append((commune, after))
        return log.read(commune, after, limit)

    put(kafka, topic, bodies[0], bodies[1], bodies[4])
    replica = consumed(kafka, topic, copy, fetch=fetch)
    assert asked == [(COMMUNE, 2)]
    assert (replica.status.taken, replica.status.fetched) == (0, 4) or replica.status.fetched == 4
    assert contents(copy) == contents(log)


def test_without_a_feed_a_gap_stays_and_is_visible(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log).read(COMMUNE)
    put(kafka, topic, bodies[0], bodies[2])
    replica = consumed(kafka, topic, copy)
    assert list(replica.status.behind) == [COMMUNE]
    assert copy.head(COMMUNE).position == 1
    assert fill_from_topic(copy, kafka.client, topic).gaps == {COMMUNE: 2}


def test_a_missing_end_is_noticed_and_fetched(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log, (COMMUNE, "never-published")).read(COMMUNE)
    put(kafka, topic, *bodies[:4])
    replica = Replica(
        copy,
        kafka.client,
        topic,
        topic=topic,
        fetch=log.read,
        owner_heads=log.heads,
        heads_s=0.1,
        **QUICK,
    )
    with running(replica.run):
        until(is_up_to_date(copy, log), what="the owner's heads say that something is missing")
        until(lambda: not replica.status.behind, what="nothing is behind any more")
    assert contents(copy) == contents(log)


def test_an_owner_that_is_away_is_asked_again(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log).read(COMMUNE)
    put(kafka, topic, bodies[0], bodies[3])
    away = threading.Event()
    away.set()

    def heads() -> Mapping[str, Head]:
        if away.is_set():
            raise FeedError("away")
        return log.heads()

    def fetch(commune: str, after: int, limit: int) -> list[bytes]:
        if away.is_set():
            raise FeedError("away")
        return log.read(commune, after, limit)

    replica = Replica(copy, kafka.client, topic, topic=topic, fetch=fetch, owner_heads=heads, heads_s=0.1, **QUICK)
    with running(replica.run):
        until(lambda: replica.status.problem == "FeedError: away", what="it says whom it waits for")
        away.clear()
        until(is_up_to_date(copy, log), what="the owner is back")
    assert contents(copy) == contents(log)


def test_a_hash_that_does_not_fit_stops_its_commune_alone(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log, ("a", "b"))
    bodies = log.read("a")
    flipped = bodies[2].replace(b"t1", b"t2")
    put(kafka, topic, *bodies[:2], flipped, *bodies[3:], key="a")
    put(kafka, topic, *log.read("b"), key="b")
    replica = consumed(kafka, topic, copy, fetch=log.read)
    assert "previoushash" in replica.status.broken["a"]
    assert copy.broken() == replica.status.broken
    assert copy.read("b") == log.read("b")
    assert [finding.position for finding in verify_topic(kafka.client, log, topic)] == [3]
    assert [(finding.position, finding.problem) for finding in compare_logs(log, copy)] == [
        (3, "nội dung khác nhật ký gốc")
    ]
    # It stays so for whoever comes next, until it is forgotten and filled anew.
    assert Replica(copy, kafka.client, "another", topic=topic).status.broken == copy.broken()
    copy.forget("a")
    copy.append_verbatim("a", bodies)
    assert contents(copy) == contents(log)


def test_a_flipped_last_event_is_noticed_by_the_heads(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    bodies = filled(log).read(COMMUNE)
    put(kafka, topic, *bodies[:-1], bodies[-1].replace(b"t1", b"t2"))
    replica = consumed(kafka, topic, copy, owner_heads=log.heads)
    replica.compare_heads()
    assert "another hash" in copy.broken()[COMMUNE]
    with pytest.raises(ChainBreak):
        copy.append_verbatim(COMMUNE, bodies)


def test_what_is_no_event_of_this_log_is_left_out_and_counted(
    kafka: Kafka, log: Log, copy: Log, caplog: pytest.LogCaptureFixture
) -> None:
    topic = kafka.create_topic("tasks", 1, **TOPIC_SETTINGS)
    filled(log, (COMMUNE, "other"))
    bodies = log.read(COMMUNE)
    put(kafka, topic, bodies[0], b"{", b"\xff\xfe", rewritten(bodies[1], source="/scoring"), *bodies[1:])
    put(kafka, topic, log.read("other")[0], key=COMMUNE)
    caplog.set_level(logging.ERROR)
    replica = consumed(kafka, topic, copy)
    assert replica.status.rejected == 4
    assert "có khóa của xã khác, không phải other" in (replica.status.last_rejected or "")
    assert "là của /scoring" in caplog.text
    assert contents(copy) == {COMMUNE: bodies}
    foreign = [finding.problem for finding in verify_topic(kafka.client, log, topic) if not finding.position]
    assert [problem.split("offset ")[1].split(":")[0] for problem in foreign] == ["1", "2", "3", "9"]


def test_unknown_types_and_versions_are_passed_on(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    """What a program cannot read it can still hold: the chain needs no data."""
    bodies = filled(log, notes=1).read(COMMUNE)
    for number, type_ in enumerate(["vn.cchc.unheard.of.v1", "vn.cchc.task.progress_noted.v99"], 3):
        newer = {"type": type_, "position": number, "streamversion": number - 1, "data": {"neu": [1, {}]}}
        bodies.append(rewritten(bodies[1], previoushash=event_hash(bodies[-1]), **newer))
    put(kafka, topic, *bodies)
    replica = consumed(kafka, topic, copy)
    assert replica.status.taken == 4
    assert copy.read(COMMUNE) == bodies
    assert [finding for finding in verify_log(copy) if "phiên bản" not in finding.problem] == []


def test_offsets_that_no_longer_exist(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log)
    Relay(log, kafka.client, topic=topic).step()
    consumed(kafka, topic, copy)._close()
    group = kafka.name("group")
    with KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        places = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
        consumer.assign(places)
        consumer.commit({place: OffsetAndMetadata(10_000) for place in places})
    note(log, COMMUNE, "sau đó")
    Relay(log, kafka.client, topic=topic).step()
    replica = Replica(copy, kafka.client, group, topic=topic, **QUICK)
    with running(replica.run):
        until(is_up_to_date(copy, log), what="it starts over from the earliest")
    assert (replica.status.taken, replica.status.broken) == (1, {})


def test_an_expired_group_starts_over(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log)
    Relay(log, kafka.client, topic=topic).step()
    consumed(kafka, topic, copy)._close()
    with admin(kafka.bootstrap) as client:
        client.delete_groups([kafka.name("group")])
    note(log, COMMUNE, "sau đó")
    Relay(log, kafka.client, topic=topic).step()
    replica = consumed(kafka, topic, copy)
    assert (replica.status.taken, replica.status.broken) == (1, {})
    assert contents(copy) == contents(log)


def test_a_topic_that_is_made_while_its_consumer_waits(kafka: Kafka, log: Log, copy: Log) -> None:
    """Polls so short that kafka-python loses the join which the new topic asks for; see KafkaBroker."""
    filled(log, ("a", "b", "c"))
    topic = kafka.name("late")
    replica = Replica(
        copy, KafkaBroker(kafka.bootstrap, join_s=2, metadata_max_age_ms=300), topic, topic=topic, poll_s=0.005, **QUICK
    )
    with running(replica.run):
        with admin(kafka.bootstrap) as client:
            until(has_joined(client, topic), what="it has joined its group")
        kafka.create_topic("late", partitions=2, **TOPIC_SETTINGS)
        with running(Relay(log, kafka.client, topic=topic, **QUICK).run):
            until(is_up_to_date(copy, log), what="it takes what the new topic brings")
    assert contents(copy) == contents(log)


def test_workers_take_over_from_each_other(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    """Worker A, then B, then A again: what A last saw is old when it comes back, and changes nothing."""
    filled(log, ("a", "b", "c"))
    options = {"session_timeout_ms": 1000, "heartbeat_interval_ms": 200}
    first, second = (
        Replica(copy, KafkaBroker(kafka.bootstrap, **options), kafka.name("group"), topic=topic, **QUICK)
        for _ in range(2)
    )
    relay = Relay(log, kafka.client, topic=topic, **QUICK)
    with running(relay.run):
        for round_, worker in enumerate([first, second, first]):
            for commune in "abc":
                note(log, commune, f"Vòng {round_}")
            with running(worker.run):
                until(is_up_to_date(copy, log), what=f"round {round_} has arrived")
        with running(first.run, second.run):
            for number in range(30):
                note(log, "abc"[number % 3], f"Cả hai {number}")
            until(is_up_to_date(copy, log), what="both together keep up")
    assert contents(copy) == contents(log)
    assert first.status.broken == second.status.broken == {}
    assert verify_log(copy) == []


def test_offsets_are_committed_after_the_database(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log)
    Relay(log, kafka.client, topic=topic).step()

    class Failing(Log):
        def append_verbatim(self, commune: str, bodies: Any, *, mark_broken: bool = True) -> int:
            super().append_verbatim(commune, bodies)
            raise KeyboardInterrupt

    dying = Replica(Failing(copy.engine, "tasks"), kafka.client, kafka.name("group"), topic=topic, **QUICK)

    def dies() -> bool:
        try:
            dying.step()
        except KeyboardInterrupt:
            return True
        return False

    until(dies, what="a worker dies between database and offsets", every=0)
    dying._close()
    copy.forget(COMMUNE)
    replica = consumed(kafka, topic, copy)
    assert replica.status.taken == 6
    assert contents(copy) == contents(log)


# Verification


def test_a_flipped_byte_in_the_store_is_found(log: Log, copy: Log) -> None:
    filled(log)
    copy.append_verbatim(COMMUNE, log.read(COMMUNE))
    assert verify_log(copy) == []
    flip = "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), 'L', 'l') AS BLOB) WHERE position = ?"
    # The next event tells, or for the last one the row of the head.
    for position, problem in ((3, "previoushash"), (6, "dòng cuối ghi 6")):
        with copy.engine.begin() as connection:
            connection.exec_driver_sql(flip, (position,))
        [finding] = verify_log(copy)
        assert problem in finding.problem
        copy.forget(COMMUNE)
        copy.append_verbatim(COMMUNE, log.read(COMMUNE))


def test_a_removed_event_and_a_removed_end_are_found(kafka: Kafka, topic: str, log: Log, copy: Log) -> None:
    filled(log)
    Relay(log, kafka.client, topic=topic).step()
    for statement, problem in (
        ("DELETE FROM events WHERE position = 3", "có vị trí 4, phải là 3"),
        ("DELETE FROM events WHERE position = 6", "dòng cuối ghi 6"),
        ("UPDATE events SET time = '2020' WHERE position = 2", "các cột bên cạnh"),
    ):
        copy.append_verbatim(COMMUNE, log.read(COMMUNE))
        with copy.engine.begin() as connection:
            connection.exec_driver_sql(statement)
        assert any(problem in finding.problem for finding in verify_log(copy)), statement
        copy.forget(COMMUNE)
    copy.append_verbatim(COMMUNE, log.read(COMMUNE)[:5])
    [finding] = verify_topic(kafka.client, copy, topic)
    assert finding.problem.endswith("không có trong kho")
    assert verify_log(copy) == []


def test_what_the_topic_lacks_is_found(kafka: Kafka, topic: str, log: Log) -> None:
    filled(log, ("a", "b"))
    Relay(log, kafka.client, topic=topic).step()
    made_anew(kafka, topic)
    put(kafka, topic, *log.read("a")[1:], key="a")
    assert [(finding.commune, finding.position) for finding in verify_topic(kafka.client, log, topic)] == [
        ("a", 1),
        ("b", 1),
    ]
