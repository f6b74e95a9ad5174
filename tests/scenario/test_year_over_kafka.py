"""The same year through a real Kafka: separate processes, a fresh replica, the same bytes, facts and sheets."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from cchc.installation import Installation
from demo.year import COMMUNE
from services.scoring.domain.sheet import sheet_bytes, sheets
from services.scoring.views import known_now
from shared.eventlog.relay import Relay
from shared.eventlog.replica import fill_from_topic
from shared.eventlog.verify import verify_topic
from shared.events import decode
from tests.scenario.conftest import CCHC, ROOT, Cchc, read_json, settings_of
from tests.support.kafka import Kafka, PrivateKafka
from tests.support.waiting import until

ON = date(2024, 12, 31)


@contextmanager
def working(service: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`cchc work SERVICE` as a process of its own; it must end by itself when told to, unless it was killed."""
    command = [*CCHC, "work", service]
    with (
        tempfile.NamedTemporaryFile() as said,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=said) as process,
    ):
        try:
            until(lambda: b"is at work" in Path(said.name).read_bytes(), deadline=60, what=f"{service} is at work")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGKILL)


def all_sheets(installation: Installation) -> list[bytes]:
    scoring = installation.scoring
    known = known_now(scoring.engine, scoring.logs, COMMUNE, ON)
    return [sheet_bytes(found) for found in sheets(known.records, 2024, ON)]


@pytest.fixture
def deployed(data: Path, cchc: Cchc, private_kafka: PrivateKafka, tmp_path: Path) -> dict[str, str]:
    """The environment of services that meet over Kafka only: the year's tasks, and a scoring database without them."""
    environment = {
        "CCHC_DATA": str(data),
        "CCHC_KAFKA": private_kafka.bootstrap,
        "CCHC_DATABASE_SCORING": f"sqlite:///{tmp_path / 'fresh.db'}",
        "PYTHONPATH": str(ROOT),
    }
    exported = tmp_path / "scoring.jsonl"
    exported.write_text(cchc("export-log", "scoring").stdout, "utf-8")
    cchc("migrate", **environment)
    cchc("import-log", "scoring", str(exported), **environment)
    cchc("topics", "--partitions", "3", **environment)
    return environment


def status_of(cchc: Cchc, environment: dict[str, str]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = read_json(cchc("status", "--json", **environment))
    return next(row for row in rows if row["service"] == "tasks")


def is_caught_up(status: dict[str, Any]) -> bool:
    return bool(status["head"] == status["published"] == status["held_by_scoring"] == status["folded"])


def test_the_same_year_through_kafka_gives_the_same_bytes_facts_and_sheets(
    installation: Installation, cchc: Cchc, deployed: dict[str, str]
):
    embedded = all_sheets(installation)
    lived = list(installation.tasks.log.read_all(COMMUNE))

    def is_signed_and_caught_up() -> bool:
        status = status_of(cchc, deployed)
        return bool(status["head"] > len(lived)) and is_caught_up(status)

    with working("scoring", deployed) as scoring, working("tasks", deployed):
        until(lambda: status_of(cchc, deployed)["published"], deadline=60, what="the relay has begun")
        scoring.kill()
    with working("tasks", deployed), working("scoring", deployed):
        until(is_signed_and_caught_up, deadline=90, what="scoring has folded the whole year and its checkpoint")
    over_kafka = Installation(settings_of(installation.settings.data, **deployed))
    assert over_kafka.scoring.logs["tasks"] is not over_kafka.tasks.log
    log_bytes = list(over_kafka.tasks.log.read_all(COMMUNE))
    assert log_bytes[: len(lived)] == lived
    assert {decode(body).type for body in log_bytes[len(lived) :]} == {"vn.cchc.checkpoint.signed.v1"}
    assert list(over_kafka.scoring.logs["tasks"].read_all(COMMUNE)) == log_bytes
    assert all_sheets(over_kafka) == embedded
    over_kafka.close()
    shown = [read_json(cchc("rating", "show", "--year", "2024", "--json", **more)) for more in ({}, deployed)]
    assert shown[0] == shown[1]
    checked = read_json(cchc("verify", "--json", **deployed))
    assert checked["findings"] == []
    assert [name for name in checked["checked"] if "topic" in name or "bản sao" in name] == [
        "topic của tasks",
        "topic của scoring",
        "bản sao tasks ở scoring",
    ]

    # And once more from the topic alone.
    rebuilt = read_json(cchc("rebuild", "scoring", "--from-kafka", "--json", **deployed))
    assert rebuilt["communes"] == [COMMUNE]
    over_kafka = Installation(settings_of(installation.settings.data, **deployed))
    assert list(over_kafka.scoring.logs["tasks"].read_all(COMMUNE)) == log_bytes
    assert all_sheets(over_kafka) == embedded
    over_kafka.close()


@pytest.fixture
def published(installation: Installation, kafka: Kafka) -> str:
    """A topic of this test alone that holds the year's tasks log."""
    topic = kafka.create_topic("tasks", partitions=3)
    relay = Relay(installation.tasks.log, kafka.bootstrap, topic=topic)
    while relay.step():
        pass
    relay._close()
    return topic


def altered(installation: Installation) -> bytes:
    """Event 100 with one bit flipped, still an event."""
    return installation.tasks.log.read(COMMUNE, 99, 1)[0].replace(b'"specversion":"1.0"', b'"specversion":"1.1"')


def send(kafka: Kafka, topic: str, body: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send(topic, key=COMMUNE.encode(), value=body).get(10)
    producer.close()


def test_a_flipped_byte_in_the_topic_is_found(installation: Installation, kafka: Kafka, published: str):
    log = installation.tasks.log
    assert verify_topic(kafka.bootstrap, log, published) == []
    send(kafka, published, altered(installation))
    [finding] = verify_topic(kafka.bootstrap, log, published)
    assert (finding.where, finding.commune, finding.position) == ("topic", COMMUNE, 100)


def test_a_replica_does_not_take_a_flipped_byte_from_the_topic(
    installation: Installation, kafka: Kafka, published: str, tmp_path: Path
):
    send(kafka, published, altered(installation))
    fresh = Installation(settings_of(tmp_path / "fresh", CCHC_KAFKA=kafka.bootstrap))
    fresh.migrate()
    filled: Any = fill_from_topic(fresh.scoring.logs["tasks"], kafka.bootstrap, published)
    assert "100" in filled.broken[COMMUNE]
    assert list(fresh.scoring.logs["tasks"].read_all(COMMUNE)) == list(installation.tasks.log.read_all(COMMUNE))
    fresh.close()
