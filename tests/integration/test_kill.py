"""kill -9 with real processes, at the places where two things would have to happen at once."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.eventlog import Log
from shared.eventlog.kafka import TOPIC_SETTINGS, KafkaBroker
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.eventlog.verify import compare_logs, verify_log, verify_topic
from tests.support.kafka import Kafka, admin
from tests.support.logs import COMMUNE, contents, filled, migrated, note, sqlite_url
from tests.support.postgres import Postgres
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where the log and its replica are."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path, "own"), sqlite_url(tmp_path, "replica")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.fresh_database() as own, server.fresh_database() as replica:
        yield own, replica


@pytest.fixture
def own(urls: tuple[str, str]) -> Iterator[Engine]:
    with migrated(urls[0]) as engine:
        yield engine


@pytest.fixture
def copy(urls: tuple[str, str]) -> Iterator[Log]:
    with migrated(urls[1], "services.scoring") as engine:
        yield Log(engine, "tasks")


@pytest.fixture
def topic(kafka: Kafka) -> str:
    return kafka.create_topic("tasks", 2, **TOPIC_SETTINGS)


def killed(role: str, url: str, kafka: Kafka, topic: str) -> None:
    """Run a process of tests.support.dies to its end, which must be its own kill -9."""
    command = [sys.executable, "-m", "tests.support.dies", role, url, kafka.bootstrap, topic]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def carried_over(log: Log, copy: Log, kafka: Kafka, topic: str, group: str) -> None:
    """Let a relay and a consumer that live bring everything to the replica."""
    stop = threading.Event()
    options = {"session_timeout_ms": 1000, "heartbeat_interval_ms": 200}
    loops = [
        Relay(log, kafka.client, topic=topic).run,
        Replica(copy, KafkaBroker(kafka.bootstrap, **options), group, topic=topic).run,
    ]
    threads = [threading.Thread(target=loop, args=(stop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        until(lambda: copy.heads() == log.heads(), deadline=60, what="the replica is up to date")
        until(lambda: log.published() == {c: h.position for c, h in log.heads().items()}, what="the cursors are too")
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def assert_whole(log: Log, copy: Log, kafka: Kafka, topic: str) -> None:
    assert contents(copy) == contents(log)
    assert verify_log(log) == verify_log(copy) == compare_logs(log, copy) == []
    assert verify_topic(kafka.client, log, topic) == []


def test_a_writer_killed_before_its_commit(
    own: Engine, urls: tuple[str, str], copy: Log, kafka: Kafka, topic: str
) -> None:
    log = filled(Log(own, "tasks"))
    before = contents(log)
    killed("writer", urls[0], kafka, topic)
    assert contents(log) == before
    assert note(log).position == 7
    carried_over(log, copy, kafka, topic, topic)
    assert_whole(log, copy, kafka, topic)


def test_a_relay_killed_between_publishing_and_its_cursor(
    own: Engine, urls: tuple[str, str], copy: Log, kafka: Kafka, topic: str
) -> None:
    log = filled(Log(own, "tasks"), ("a", "b"))
    killed("relay", urls[0], kafka, topic)
    assert log.published() == {}
    assert sum(map(len, kafka.client.read_topic(topic))) == 12
    note(log, "a")
    carried_over(log, copy, kafka, topic, topic)
    assert sum(map(len, kafka.client.read_topic(topic))) == 25
    assert_whole(log, copy, kafka, topic)


def test_a_consumer_killed_between_database_and_offsets(
    own: Engine, urls: tuple[str, str], copy: Log, kafka: Kafka, topic: str
) -> None:
    log = filled(Log(own, "tasks"), (COMMUNE,))
    Relay(log, kafka.client, topic=topic).step()
    killed("replica", urls[1], kafka, topic)
    assert contents(copy) == contents(log)
    with admin(kafka.bootstrap) as client:
        assert not any(at.offset > 0 for at in client.list_group_offsets([topic])[topic].values())
    note(log)
    carried_over(log, copy, kafka, topic, topic)
    assert_whole(log, copy, kafka, topic)
