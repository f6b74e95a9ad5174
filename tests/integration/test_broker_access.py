"""Brokers that ask who connects: each service writes its own topic and no other (ADR 0049)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from cchc.kafka_access import TOPICS, grants, group_of, users
from cchc.services import SERVICES
from shared.eventlog.brokers import Brokers, NotBrokers
from shared.eventlog.kafka import (
    KafkaBroker,
    connect,
    describe_cluster,
    ensure_topics,
    grant,
    topic_name,
    writers,
)
from tests.conftest import RUN
from tests.support.kafka import with_users
from tests.support.servers import Unavailable
from tests.support.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def test_addresses_with_users(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("mật khẩu\n")
    options = Brokers.parse(f"sasl://tasks@a:1,b:2?password={tmp_path / 'p'}").options()
    assert options == {
        "bootstrap_servers": "a:1,b:2",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "tasks",
        "sasl_plain_password": "mật khẩu",
    }
    both = Brokers.parse(f"SASL+SSL://t%40x@a:1?password={tmp_path / 'p'}&mechanism=SCRAM-SHA-512").options()
    assert (both["security_protocol"], both["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert both["sasl_plain_username"] == "t@x" and "ssl_context" in both


@pytest.mark.parametrize(
    "address",
    [
        "sasl://a:1",
        "sasl://tasks@a:1",
        "sasl://tasks@a:1?password=",
        "sasl://@a:1?password=f",
        "sasl://tasks@?password=f",
        "sasl://tasks@a:1?password=f&ca=f",
        "sasl://tasks@a:1?password=f&mechanism=GSSAPI",
        "ssl://tasks@a:1",
        "ssl://a:1?password=f",
        "plain://a:1",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(NotBrokers):
        Brokers.parse(address)


Address = Callable[[str], str]


@pytest.fixture(scope="module")
def address(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """Where a user reaches brokers with the topics and rules that `cchc topics` makes."""
    folder = tmp_path_factory.mktemp("passwords")
    passwords = {user: f"of-{user}" for user in [*users(), "stranger"]}
    for user, password in passwords.items():
        (folder / user).write_text(password)
    (folder / "wrong").write_text("wrong")
    try:
        place = with_users(pytestconfig.stash[RUN], passwords)
    except Unavailable as error:
        pytest.skip(str(error))

    def of(user: str, password: str | None = None) -> str:
        return f"sasl://{user}@{place}?password={folder / (password or user)}"

    ensure_topics(of(TOPICS), SERVICES, partitions=2, replication=1)
    assert grant(of(TOPICS), grants())
    return of


def may_write(address: str, service: str) -> bool:
    producer: Any = connect(KafkaProducer, address, acks="all", enable_idempotence=True, max_block_ms=10_000)
    try:
        producer.send(topic_name(service), b"x", key=b"a").get(10)
    except TopicAuthorizationFailedError:
        return False
    finally:
        producer.close(timeout=1)
    return True


def may_read(address: str, service: str) -> bool:
    try:
        for _ in KafkaBroker(address).read_topic(topic_name(service)):
            pass
    except TopicAuthorizationFailedError:
        return False
    return True


def may_join(address: str, service: str, group: str) -> bool:
    consumer: Any = connect(KafkaConsumer, address, topic_name(service), group_id=group)
    try:
        until(lambda: bool(consumer.poll(200) or consumer.assignment()), what="it has joined", every=0)
    except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
        return False
    finally:
        consumer.close(autocommit=False, timeout_ms=1000)
    return True


def test_a_service_writes_its_own_topic_and_no_other(address: Address) -> None:
    for user in [*SERVICES, "operator", "stranger"]:
        assert {topic for topic in SERVICES if may_write(address(user), topic)} == {user} & {*SERVICES}
    for service in SERVICES:
        assert writers(address("operator"), topic_name(service)) == {f"User:{service}"}


def test_it_reads_what_it_folds_in_a_group_of_its_own(address: Address) -> None:
    reads: Mapping[str, set[str]] = {name: {name, *service.replicas} for name, service in SERVICES.items()}
    for user in SERVICES:
        assert {topic for topic in SERVICES if may_read(address(user), topic)} == reads[user]
    assert may_join(address("scoring"), "tasks", group_of("scoring"))
    assert not may_join(address("scoring"), "tasks", group_of("notifications"))
    assert not may_read(address("stranger"), "tasks")


def test_the_operator_looks_at_everything(address: Address) -> None:
    there = describe_cluster(address("operator"), map(topic_name, SERVICES))
    assert there.topics.keys() == {*map(topic_name, SERVICES)}
    assert all(may_read(address("operator"), service) for service in SERVICES)


def test_whoever_has_no_password_is_not_let_in(address: Address) -> None:
    with pytest.raises(KafkaError):
        may_write(address("tasks", "wrong"), "tasks")
