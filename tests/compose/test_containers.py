"""Our log on the images that the compose file names, each in a container of its own, as testcontainers runs them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from services.tasks.commands import execute
from services.tasks.domain.communes import OpenCommune
from services.tasks.service import open_tasks
from shared.eventlog import open_database
from shared.eventlog.kafka import KafkaBroker, check_topic_settings, ensure_topics, topic_name
from shared.eventlog.migrations import migrate
from shared.eventlog.relay import Relay
from shared.eventlog.verify import verify_log, verify_topic
from shared.web.auth import Principal
from tests.support import kafka, postgres
from tests.support.servers import Found, free_port
from tests.support.waiting import until

COMMUNE = "tien-ha"
OPERATOR = Principal("operator/thu", "*", frozenset({"admin"}))


@pytest.fixture(autouse=True)
def without_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its image may not be had; each container here is ended by who began it."""
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)


@pytest.fixture
def database(container_engine: Found) -> Iterator[str]:
    with PostgresContainer(postgres.IMAGE, driver="psycopg") as server:
        yield server.get_connection_url(host=container_engine.address)


@pytest.fixture
def bootstrap(container_engine: Found) -> Iterator[str]:
    port = free_port()
    settings = kafka.SETTINGS | kafka.listeners(port, 9093, listen="0.0.0.0", host=container_engine.address)
    broker = DockerContainer(f"apache/kafka:{kafka.VERSION}").with_bind_ports(port, port)
    for name, value in settings.items():
        broker.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
    with broker.with_env("KAFKA_HEAP_OPTS", "-Xmx256m"):
        address = f"{container_engine.address}:{port}"
        until(lambda: kafka.answers(address), deadline=60, what="the broker answers", every=0.2)
        yield address


def test_what_is_recorded_in_one_container_is_published_to_the_other(database: str, bootstrap: str, tmp_path: Path):
    opened = open_database(database)
    migrate(opened, "services.tasks")
    service = open_tasks(opened, tmp_path)
    log = service.log
    ensure_topics(bootstrap, ["tasks"], partitions=3, replication=1)
    assert check_topic_settings(bootstrap, [topic_name("tasks")]) == []
    execute(
        service, OPERATOR, OpenCommune(name="xã Tiên Hà", code="20878", valid_from=date(2025, 1, 1)), commune=COMMUNE
    )
    relay = Relay(log, KafkaBroker(bootstrap))
    assert relay.step() == 1
    relay._close()
    assert log.published() == {COMMUNE: 1}
    assert verify_log(log) == verify_topic(KafkaBroker(bootstrap), log) == []
    opened.dispose()
