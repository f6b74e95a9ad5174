"""Kafka's side of the log: topics with the settings they need, and reading them from end to end."""

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner.default import murmur2

from shared.eventlog.brokers import Brokers, NotBrokers, UnusableFile
from shared.events.asyncapi import topic as topic_name

# A topic keeps every event for ever, each up to 256 KiB with room for the envelope of a batch.
TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(1024 * 1024),
}

# With three copies or more, a message is acknowledged when two brokers have it; one may be away.
SAFE_REPLICATION, IN_SYNC = 3, {"min.insync.replicas": "2"}

# If the first brokers do not answer within this, the client tries again.
BOOTSTRAP_TIMEOUT_MS = 3_000

# kafka-python logs every failed connection and each retry; what matters is raised, and shown in a status.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class TopicMissing(Exception):
    """The topic is not there; `cchc topics` creates it."""


class WrongBrokers(KafkaError):
    """The address of the brokers, or a file that it names, cannot be used; what is wrong, in our words."""

    def __str__(self) -> str:  # KafkaError would say its own name before
        return str(self.args[0])


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


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition. Raises TopicMissing."""
    with plain_consumer(bootstrap) as consumer:
        ends: dict[TopicPartition, int] = consumer.end_offsets(_partitions(consumer, topic))
        return {place.partition: offset for place, offset in ends.items()}


def read_topic(bootstrap: str, topic: str, *, last: int | None = None) -> Iterator[list[Any]]:
    """The records that the topic holds now, in batches, each partition in order; `last` limits how many of each."""
    with plain_consumer(bootstrap) as consumer:
        places = _partitions(consumer, topic)
        begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        waiting = {place for place in places if begins[place] < ends[place]}
        consumer.assign(list(waiting))
        for place in waiting:
            consumer.seek(place, begins[place] if last is None else max(begins[place], ends[place] - last))
        while waiting:
            for place, records in consumer.poll(1000, max_records=5000).items():
                yield [record for record in records if record.offset < ends[place]]
            waiting = {place for place in waiting if consumer.position(place) < ends[place]}


def connect(kind: Callable[..., Any], bootstrap: str, *topics: str, **options: Any) -> Any:
    """A client of kafka-python that leaves nothing behind when no broker answers; `bootstrap` as in Brokers.parse.

    Its constructors leave a thread and four files open when they raise, which adds up while a broker is away. Raises
    KafkaError; WrongBrokers for certificates that cannot be read, which may be there again at the next try.
    """
    try:
        reached = Brokers.parse(bootstrap).options()
    except (NotBrokers, UnusableFile) as error:
        raise WrongBrokers(str(error)) from error
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


def plain_consumer(bootstrap: str, **options: Any) -> Any:
    """A consumer that belongs to no group, and never makes a topic."""
    options = {
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
    } | options
    return connect(KafkaConsumer, bootstrap, **options)


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise TopicMissing(f"{topic} is missing: cchc topics creates it")
    return [TopicPartition(topic, partition) for partition in sorted(partitions)]


def _admin(bootstrap: str) -> Any:
    return connect(KafkaAdminClient, bootstrap)
