"""Kafka's side of the log: the broker that relays and replicas use, and topics with the settings they need."""

import functools
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import CommitFailedError, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner.default import murmur2

from shared.eventlog.brokers import Brokers, NotBrokers
from shared.events.asyncapi import topic as topic_name
from shared.said import said_of

# A topic keeps every event for ever, each up to 256 KiB with room for the envelope of a batch.
TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(1024 * 1024),
}

# With three copies or more, a message is acknowledged when two brokers have it; one may be away.
SAFE_REPLICATION, IN_SYNC = 3, {"min.insync.replicas": "2"}

# Joining a group never takes longer; a consumer that is still waiting has lost track.
JOIN_S = 30.0

# If the first brokers do not answer within this, the client tries again.
BOOTSTRAP_TIMEOUT_MS = 3_000

# A request of a consumer that is not answered for so long has failed: longer than any fetch or commit takes.
REQUEST_S = 15.0

# A member of a group whose heartbeats are not answered for so long is given up.
HEARTBEAT_S, SILENT_S = 3.0, 8.0

# kafka-python logs every failed connection and each retry; what matters is raised, and shown in a status.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class TopicMissing(Exception):
    """The topic is not there; `cchc topics` creates it."""


class WrongBrokers(KafkaError):
    """The address of the brokers, or a file that it names, cannot be used; what is wrong, in our words."""


@functools.lru_cache(maxsize=10_000)
def partition_of(commune: str, partitions: int) -> int:
    """Where every Kafka client puts the events of a commune."""
    return (murmur2(commune.encode()) & 0x7FFFFFFF) % partitions


def ensure_topics(bootstrap: str, services: Iterable[str], *, partitions: int, replication: int) -> list[str]:
    """Create the topics that are missing, and return their names. Those that exist are left as they are."""
    created = []
    settings = TOPIC_SETTINGS | (IN_SYNC if replication >= SAFE_REPLICATION else {})
    with _admin(bootstrap) as admin:
        for topic in map(topic_name, services):
            wanted = {"num_partitions": partitions, "replication_factor": replication, "configs": settings}
            try:
                admin.create_topics({topic: wanted}, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                continue
            created.append(topic)
    return created


def check_topic_settings(bootstrap: str, topics: Iterable[str]) -> list[str]:
    """What is wrong with the topics, in words; empty when all is well."""
    wanted = list(topics)
    there = describe_cluster(bootstrap, wanted).topics
    problems = []
    for topic in wanted:
        if topic not in there:
            problems.append(f"{topic}: is missing")
        else:
            wrong = wrong_settings(there[topic].settings)
            problems += [f"{topic}: {name} is {actual}, must be {least}{right}" for name, actual, least, right in wrong]
    return problems


def wrong_settings(settings: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Of a topic: the name, what it is, "at least " or nothing, what it must be."""
    for name, right in TOPIC_SETTINGS.items():
        actual = settings[name]
        if name == "max.message.bytes":
            if int(actual) < int(right):
                yield name, actual, "at least ", right
        elif actual != right:
            yield name, actual, "", right


class Partition(msgspec.Struct, frozen=True):
    """`in_sync` of its `replicas` are complete; without a leader nothing is written or read."""

    replicas: int
    in_sync: int
    led: bool


class Topic(msgspec.Struct, frozen=True):
    partitions: list[Partition]
    settings: dict[str, str]


class Cluster(msgspec.Struct, frozen=True):
    """`topics` are those that are there; `version` the newest that the client knows to be spoken by the brokers."""

    brokers: int
    version: str
    topics: dict[str, Topic]


def describe_cluster(bootstrap: str, topics: Iterable[str]) -> Cluster:
    """The brokers and these topics. Raises KafkaError when no broker answers."""
    with _admin(bootstrap) as admin:
        brokers = admin.describe_cluster()["brokers"]
        version = admin.get_broker_version_data(brokers[0]["broker_id"]).broker_version
        there = sorted(set(topics) & set(admin.list_topics()))
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in there]
        settings = admin.describe_configs(resources, config_filter="all")["topic"] if there else {}
        found = {
            topic["name"]: Topic(
                [
                    Partition(len(one["replica_nodes"]), len(one["isr_nodes"]), one["leader_id"] >= 0)
                    for one in topic["partitions"]
                ],
                {name: setting["value"] for name, setting in settings[topic["name"]].items()},
            )
            for topic in (admin.describe_topics(there) if there else [])
        }
        return Cluster(len(brokers), ".".join(map(str, version)), found)


def connect(kind: Callable[..., Any], bootstrap: str, *topics: str, **options: Any) -> Any:
    """A client of kafka-python that leaves nothing behind when no broker answers; `bootstrap` as in Brokers.parse.

    Its constructors leave a thread and four files open when they raise, which adds up while a broker is away. Raises
    KafkaError; WrongBrokers for certificates that cannot be read, which may be there again at the next try.
    """
    try:
        reached = Brokers.parse(bootstrap).options()
    except (NotBrokers, OSError) as error:
        raise WrongBrokers(said_of(error)) from error
    clients = []

    def remembered(**config: Any) -> KafkaNetClient:
        clients.append(KafkaNetClient(**config))
        return clients[-1]

    try:
        return kind(
            *topics,
            **reached,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            kafka_client=remembered,
            **options,
        )
    except BaseException:
        for client in clients:
            client.close()
        raise


class KafkaBroker:
    """The Broker that is Kafka, at `bootstrap`. Options are kafka-python's, for the consumers of groups."""

    def __init__(self, bootstrap: str, *, join_s: float = JOIN_S, **consumer_options: Any) -> None:
        self.bootstrap = bootstrap
        self._join_s = join_s
        self._consumer_options = consumer_options

    def producer(self, delivery_timeout_s: float) -> "_Producer":
        return _Producer(self.bootstrap, int(delivery_timeout_s * 1000))

    def consumer(self, topic: str, group: str) -> "_Member":
        return _Member(self.bootstrap, topic, group, self._join_s, self._consumer_options)

    def end_offsets(self, topic: str) -> dict[int, int]:
        with plain_consumer(self.bootstrap) as consumer:
            ends: dict[TopicPartition, int] = consumer.end_offsets(_partitions(consumer, topic))
            return {place.partition: offset for place, offset in ends.items()}

    def read_topic(self, topic: str, *, last: int | None = None) -> Iterator[list[Any]]:
        with plain_consumer(self.bootstrap) as consumer:
            places = _partitions(consumer, topic)
            begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
            waiting = {place for place in places if begins[place] < ends[place]}
            consumer.assign(list(waiting))
            for place in waiting:
                consumer.seek(place, begins[place] if last is None else max(begins[place], ends[place] - last))
            heard = time.monotonic()
            while waiting:
                for place, records in consumer.poll(1000, max_records=5000).items():
                    yield [record for record in records if record.offset < ends[place]]
                    heard = time.monotonic()
                if time.monotonic() - heard > REQUEST_S:
                    raise KafkaTimeoutError(f"nothing of {topic} for {REQUEST_S:g} s")
                waiting = {place for place in waiting if consumer.position(place) < ends[place]}


class _Producer:
    def __init__(self, bootstrap: str, milliseconds: int) -> None:
        self._kafka = connect(
            KafkaProducer,
            bootstrap,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            delivery_timeout_ms=milliseconds,
            request_timeout_ms=milliseconds,
            max_block_ms=milliseconds,
        )

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> Any:
        return self._kafka.send(topic, value=value, key=key, headers=headers)

    def close(self) -> None:
        try:
            self._kafka.close(timeout=1)
        except KafkaError:
            # close() begins with flush(); if that does not finish, the sending thread stays.
            self._kafka._sender.force_close()


class _Member(ConsumerRebalanceListener):
    """A consumer of a group.

    kafka-python 3.0 forgets a join started by new metadata if `poll` returns while the group's leader waits for its
    assignment. It then polls without partitions, at full speed, for ever: `poll` raises when joining takes too long.
    """

    def __init__(self, bootstrap: str, topic: str, group: str, join_s: float, options: Mapping[str, Any]) -> None:
        self.assigned: frozenset[int] | None = None
        self._topic = topic
        self._join_s = join_s
        self._joining_since: float | None = None
        defaults = {
            "group_id": group,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "allow_auto_create_topics": False,
            # The group notices a killed worker within this, and another takes over.
            "session_timeout_ms": 10_000,
            "heartbeat_interval_ms": int(HEARTBEAT_S * 1000),
            "request_timeout_ms": int(REQUEST_S * 1000),
            # How long the broker keeps a fetch for which there is nothing; what comes is answered at once.
            "fetch_max_wait_ms": 2_000,
            # How soon a topic that is created later is noticed.
            "metadata_max_age_ms": 30_000,
        }
        self._kafka = connect(KafkaConsumer, bootstrap, **(defaults | dict(options)))
        # kafka-python lets `poll` wait until a heartbeat is due, though a thread of its own sends it. One that a frozen
        # broker does not answer stays due: `poll` would turn at full speed, and each turn leaves kilobytes with the
        # fetch that is not answered either (ADR 0047).
        self._kafka._coordinator.time_to_next_poll = lambda: math.inf
        try:
            self._kafka.subscribe([topic], listener=self)
            # Ask for the partitions first: a consumer that joins without knowing them has to join again.
            self._kafka.partitions_for_topic(topic)
        except KafkaError:
            self.close()
            raise

    def on_partitions_revoked(self, revoked: Any) -> None:
        self._joining_since = time.monotonic()
        self.assigned = None

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._joining_since = None
        self.assigned = frozenset(place.partition for place in assigned)

    def partitions(self) -> int:
        return len(self._kafka.partitions_for_topic(self._topic) or ())

    def poll(self, timeout_s: float, limit: int) -> list[Any]:
        batches = self._kafka.poll(int(timeout_s * 1000), max_records=limit)
        since = self._joining_since
        if since is not None and time.monotonic() - since > self._join_s:
            raise KafkaTimeoutError(f"no partitions within {self._join_s:g} s of joining the group")
        heartbeat = self._kafka._coordinator.heartbeat
        heard = max(heartbeat.last_receive, heartbeat.last_reset)
        if not batches and self.assigned is not None and time.monotonic() - heard > SILENT_S:
            raise KafkaTimeoutError(f"the broker has answered no heartbeat for {SILENT_S:g} s")
        return [record for batch in batches.values() for record in batch]

    def lag(self) -> int:
        kafka = self._kafka
        return sum(max(0, (kafka.highwater(at) or 0) - kafka.position(at)) for at in kafka.assignment())

    def commit(self) -> bool:
        try:
            self._kafka.commit(timeout_ms=int(REQUEST_S * 1000))
        except CommitFailedError:
            return False
        return True

    def close(self) -> None:
        self._kafka.close(autocommit=False, timeout_ms=1000)


def plain_consumer(bootstrap: str, **options: Any) -> Any:
    """A consumer that belongs to no group, and never makes a topic."""
    options = {
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
        "request_timeout_ms": int(REQUEST_S * 1000),
    } | options
    return connect(KafkaConsumer, bootstrap, **options)


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise TopicMissing(f"{topic} is missing: cchc topics creates it")
    return [TopicPartition(topic, partition) for partition in sorted(partitions)]


def _admin(bootstrap: str) -> Any:
    return connect(KafkaAdminClient, bootstrap)
