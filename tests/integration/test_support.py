"""The servers that the other tests stand on: they are real, they can be stopped, and each test has its own part."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.support.kafka import Kafka, PrivateKafka, answers
from tests.support.postgres import Postgres, programs
from tests.support.servers import Unavailable
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


def produce(kafka: Kafka, topic: str, *values: bytes) -> None:
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        sent = [producer.send(topic, value, key=b"tien-canh") for value in values]
        for future in sent:
            future.get(20)


def consume(kafka: Kafka, topic: str, count: int) -> list[bytes]:
    """Without a group: kafka-python may join one for ever (shared.eventlog.kafka)."""
    values: list[bytes] = []

    def enough() -> bool:
        values[:] = [record.value for records in kafka.client.read_topic(topic) for record in records]
        return len(values) >= count

    until(enough, what=f"{count} records of {topic}")
    return values


def test_broker_keeps_and_gives_back(kafka: Kafka) -> None:
    topic = kafka.create_topic("tasks", **{"retention.ms": -1})
    produce(kafka, topic, b"one", "hai – xã Tiên Cảnh".encode())
    assert consume(kafka, topic, 2) == [b"one", "hai – xã Tiên Cảnh".encode()]


def test_paused_broker_goes_on_where_it_was(private_kafka: PrivateKafka) -> None:
    topic = private_kafka.create_topic("tasks")
    private_kafka.broker.pause()
    assert not answers(private_kafka.bootstrap)
    private_kafka.broker.resume()
    produce(private_kafka, topic, b"after the pause")
    assert consume(private_kafka, topic, 1) == [b"after the pause"]


def test_killed_broker_keeps_its_log(private_kafka: PrivateKafka) -> None:
    topic = private_kafka.create_topic("tasks")
    produce(private_kafka, topic, b"before")
    private_kafka.broker.stop()
    assert not answers(private_kafka.bootstrap)
    private_kafka.broker.start()
    produce(private_kafka, topic, b"after")
    assert consume(private_kafka, topic, 2) == [b"before", b"after"]


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_database_is_empty_utf8_and_durable(postgres: str) -> None:
    assert rows(postgres, "SELECT 1") == [(1,)]
    assert rows(postgres, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == [(0,)]
    for setting, value in {"server_encoding": "UTF8", "fsync": "on", "synchronous_commit": "on"}.items():
        assert rows(postgres, f"SHOW {setting}") == [(value,)]


def test_database_is_dropped_though_connected(postgres_server: Postgres) -> None:
    with postgres_server.fresh_database() as url:
        engine = create_engine(url)
        engine.connect().execute(text("SELECT 1")).close()
    name = url.rsplit("/", 1)[1]
    assert rows(postgres_server.address, f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == []
    engine.dispose()


WAITS_WITH_ITS_DATABASE = """
import os, pathlib, time

def test_inner(postgres):
    pathlib.Path(os.environ["STARTED"]).write_text(postgres)
    time.sleep(60)
"""

NEEDS_WHAT_IS_NOT_THERE = """
def test_inner(kafka):
    pass
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter, unlike those of tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def inner_run(folder: Path, body: str, *options: str, **env: str) -> subprocess.Popen[str]:
    """pytest with these fixtures over one test of its own, without Docker and apart from this run's servers."""
    (folder / "test_inner.py").write_text(body)
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CCHC_", "PYTEST_"))}
    env = kept | {"DOCKER_HOST": "unix:///nowhere", "TMPDIR": str(folder)} | env
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_servers_end_with_the_run(folder: Path, end: signal.Signals) -> None:
    try:
        programs()
    except Unavailable as error:
        pytest.skip(str(error))
    started = folder / "started"
    with inner_run(folder, WAITS_WITH_ITS_DATABASE, STARTED=str(started)) as run:
        until(lambda: started.exists() and started.read_text(), deadline=60, what="the inner run has its database")
        url = started.read_text()
        assert rows(url, "SELECT 1") == [(1,)]
        run.send_signal(end)
        run.communicate(timeout=60)
    until(lambda: not any(folder.glob("cchc-test-*")), what="the keeper ended the server and removed its directory")
    with pytest.raises(OperationalError, match="refused"):
        rows(url, "SELECT 1")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_did_not_run_is_said(folder: Path, workers: str) -> None:
    with inner_run(folder, NEEDS_WHAT_IS_NOT_THERE, "-n", workers, CCHC_TEST_KAFKA="127.0.0.1:1") as run:
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "NOT RUN: 1 kafka test: CCHC_TEST_KAFKA=127.0.0.1:1 does not answer" in said


def test_required_kind_that_is_missing_fails(folder: Path) -> None:
    missing = {"CCHC_TEST_KAFKA": "127.0.0.1:1", "CCHC_REQUIRE": "kafka,postgres"}
    with inner_run(folder, NEEDS_WHAT_IS_NOT_THERE, "-n", "2", **missing) as run:
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "CCHC_REQUIRE wants kafka" in said
