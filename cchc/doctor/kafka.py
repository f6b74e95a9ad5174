"""Kafka: the brokers, the topics with their settings and replicas, and what they hold against the stores."""

from collections.abc import Iterator

from kafka.errors import KafkaError

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.progress import own_log
from cchc.services import SERVICES
from shared.eventlog.brokers import Brokers
from shared.eventlog.kafka import Cluster, WrongBrokers, describe_cluster, topic_name, wrong_settings
from shared.eventlog.relay import RestoreUnfinished, compare_tail
from shared.said import said_of

# Records read from the end of each partition, what was published lately. A relay that starts looks further back.
TAIL = 2_000

# From this many brokers on, each record is to be on three of them, two of which have it before it is acknowledged.
REPLICATION, MIN_IN_SYNC = 3, 2


def broker(installation: Installation) -> Iterator[Finding]:
    kafka = installation.settings.kafka
    if not kafka:
        yield not_applicable("không dùng Kafka")
        return
    try:
        cluster = describe_cluster(kafka, [])
    except WrongBrokers as error:
        yield failure(f"{error}", "đặt đúng tệp, địa chỉ trong CCHC_KAFKA; docs/how-to/tls.md")
    except KafkaError as error:
        reason = said_of(error)
        yield failure(f"{kafka} không trả lời ({reason})", "khởi động broker, hoặc sửa CCHC_KAFKA")
    else:
        yield ok(f"{kafka}: {cluster.brokers} broker, giao thức của Kafka {cluster.version} trở lên")


def topics(installation: Installation) -> Iterator[Finding]:
    """They are there, keep every event for ever, and have room for the largest."""
    there = _cluster(installation).topics
    wrong = False
    for topic in topics_of_services():
        if topic not in there:
            wrong = True
            yield failure(f"chưa có {topic}", "cchc topics")
            continue
        for name, actual, least, right in wrong_settings(there[topic].settings):
            wrong = True
            yield failure(
                f"{topic}: {name} là {actual}, phải {'từ' if least else 'là'} {right}",
                f"kafka-configs.sh --bootstrap-server {_servers(installation)} --alter"
                f" --entity-type topics --entity-name {topic} --add-config {name}={right}",
            )
    if not wrong:
        yield ok(f"{', '.join(topics_of_services())}: giữ mọi sự kiện mãi mãi")


def partitions(installation: Installation) -> Iterator[Finding]:
    """One count for all topics, a leader and every replica for each, and enough replicas for the brokers there are."""
    yield from findings_of(_cluster(installation), _servers(installation))


def findings_of(cluster: Cluster, bootstrap: str) -> list[Finding]:
    there = cluster.topics
    found: list[Finding] = []
    counts = {topic: len(one.partitions) for topic, one in there.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{topic} {count}" for topic, count in counts.items())
        found.append(warning(f"số phân vùng khác nhau: {said}", RECREATE))
    for topic, one in there.items():
        replicas = min(each.replicas for each in one.partitions)
        leaderless = sum(not each.led for each in one.partitions)
        lacking = sum(each.in_sync < each.replicas for each in one.partitions)
        if leaderless:
            found.append(failure(f"{topic}: {leaderless} phân vùng không có broker phụ trách", START_BROKERS))
        elif lacking:
            found.append(warning(f"{topic}: {lacking} phân vùng chưa đủ bản sao", START_BROKERS))
        min_in_sync = int(one.settings["min.insync.replicas"])
        if replicas >= REPLICATION and min_in_sync < MIN_IN_SYNC:
            fix = (
                f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics"
                f" --entity-name {topic} --add-config min.insync.replicas={MIN_IN_SYNC}"
            )
            found.append(failure(f"{topic}: min.insync.replicas là {min_in_sync}, phải từ {MIN_IN_SYNC}", fix))
        elif replicas < REPLICATION <= cluster.brokers:
            found.append(warning(f"{topic}: {replicas} bản sao trên {cluster.brokers} broker", RECREATE))
    fewest = min(each.replicas for one in there.values() for each in one.partitions)
    return found or [ok(f"{max(counts.values())} phân vùng, {fewest} bản sao, {cluster.brokers} broker")]


START_BROKERS = "khởi động các broker còn lại, xem nhật ký của chúng"
# The partition count is never changed in place: a commune's events would lie in two partitions.
RECREATE = "dừng cchc work, xóa các topic, rồi: cchc topics --partitions 12 --replication 3 (kho phát lại đủ)"


def heads_against_topics(installation: Installation) -> Iterator[Finding]:
    """The newest event of each commune on a topic is in the store with the same bytes."""
    wrong = False
    for service, topic in zip(SERVICES, topics_of_services(), strict=True):
        try:
            compare_tail(own_log(installation, service), installation.settings.kafka or "", topic, TAIL)
        except RestoreUnfinished as error:
            wrong = True
            if error.position > error.held:
                said = f"{topic} có {error.commune} đến {error.position}, kho mới đến {error.held}: khôi phục chưa xong"
            else:
                said = f"{topic} có sự kiện {error.commune}/{error.position} khác với kho"
            yield failure(said, "cchc verify --topic, rồi khôi phục phần còn thiếu từ topic")
    if not wrong:
        yield ok("kho có đủ những gì đã phát gần đây")


def _servers(installation: Installation) -> str:
    return Brokers.parse(installation.settings.kafka or "").servers


def _cluster(installation: Installation) -> Cluster:
    return describe_cluster(installation.settings.kafka or "", topics_of_services())


def topics_of_services() -> list[str]:
    """The topic of each service, in their order."""
    return [topic_name(service) for service in SERVICES]
