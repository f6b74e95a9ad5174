"""The same year through a real Kafka: separate processes, a fresh replica, the same bytes, facts and sheets."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from cchc.installation import Installation
from demo.year import COMMUNE
from services.notifications.domain.policy import default_policy
from services.notifications.views import occurrences
from services.scoring.domain.sheet import sheet_bytes, sheets
from services.scoring.views import known_now
from services.tasks.domain.publishing import PublishCalendar
from shared.eventlog import Decision, reading
from shared.eventlog.relay import Relay
from shared.eventlog.replica import fill_from_topic
from shared.eventlog.verify import verify_topic
from shared.events import VIETNAM, Quiet, WorkingWeekend, decode
from shared.web.mount import mount
from tests.scenario.conftest import ROOT, Cchc, command_line, read_json, settings_of, working
from tests.support.kafka import Kafka
from tests.support.reminded import COMMUNE as SMALL
from tests.support.reminded import SmallCommune
from tests.support.waiting import until
from tests.support.web import served

ON = date(2024, 12, 31)


def all_sheets(installation: Installation) -> list[bytes]:
    scoring = installation.scoring
    known = known_now(scoring.engine, scoring.logs, COMMUNE, ON)
    return [sheet_bytes(found) for found in sheets(known.records, 2024, ON)]


@pytest.fixture
def deployed(data: Path, cchc: Cchc, bootstrap: str, tmp_path: Path) -> dict[str, str]:
    """The environment of services that meet over Kafka only: the year's tasks, and databases of scoring and
    notifications without them."""
    environment = {
        "CCHC_DATA": str(data),
        "CCHC_KAFKA": bootstrap,
        "CCHC_DATABASE_SCORING": f"sqlite:///{tmp_path / 'fresh.db'}",
        "CCHC_DATABASE_NOTIFICATIONS": f"sqlite:///{tmp_path / 'fresh-notifications.db'}",
        "PYTHONPATH": str(ROOT),
    }
    move_own_logs(cchc, environment, tmp_path, "scoring", "notifications")
    cchc("topics", "--partitions", "3", **environment)
    return environment


def move_own_logs(cchc: Cchc, environment: dict[str, str], folder: Path, *services: str) -> None:
    """Into fresh databases, whose replicas are to come over Kafka."""
    cchc("migrate", **environment)
    for service in services:
        exported = folder / f"{service}.jsonl"
        exported.write_text(cchc("export-log", service).stdout, "utf-8")
        cchc("import-log", service, str(exported), **environment)


def status_of(cchc: Cchc, environment: dict[str, str]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = read_json(cchc("status", "--json", **environment))
    return next(row for row in rows if row["service"] == "tasks")


def is_caught_up(status: dict[str, Any]) -> bool:
    return bool(status["head"] == status["published"] == status["held_by_scoring"] == status["folded_by_scoring"])


def test_the_same_year_through_kafka_gives_the_same_bytes_facts_and_sheets(
    installation: Installation, cchc: Cchc, deployed: dict[str, str]
):
    embedded = all_sheets(installation)
    lived = list(installation.tasks.log.read_all(COMMUNE))

    def is_signed_and_caught_up() -> bool:
        status = status_of(cchc, deployed)
        return bool(status["head"] > len(lived)) and is_caught_up(status)

    def all_are_published() -> bool:
        rows = read_json(cchc("status", "--json", **deployed))
        return all(row["published"] == row["head"] for row in rows)

    with working("scoring", deployed) as scoring, working("tasks", deployed):
        until(lambda: status_of(cchc, deployed)["published"], deadline=60, what="the relay has begun")
        scoring.kill()
    reminded = list(installation.notifications.log.read_all(COMMUNE))
    with working("tasks", deployed), working("scoring", deployed):
        until(is_signed_and_caught_up, deadline=90, what="scoring has folded the whole year and its checkpoint")
    # What was told rests on whole replicas: they are filled before anybody is reminded by them.
    assert read_json(cchc("rebuild", "notifications", "--from-kafka", "--json", **deployed))["communes"] == [COMMUNE]
    with working("notifications", deployed):
        until(all_are_published, deadline=60, what="every log is in its topic")
    over_kafka = Installation(settings_of(installation.settings.data, **deployed))
    assert over_kafka.scoring.logs["tasks"] is not over_kafka.tasks.log
    log_bytes = list(over_kafka.tasks.log.read_all(COMMUNE))
    assert log_bytes[: len(lived)] == lived
    assert {decode(body).type for body in log_bytes[len(lived) :]} == {"vn.cchc.checkpoint.signed.v1"}
    assert list(over_kafka.scoring.logs["tasks"].read_all(COMMUNE)) == log_bytes
    assert all_sheets(over_kafka) == embedded
    # Nobody is told again what was told in 2024.
    told = list(over_kafka.notifications.log.read_all(COMMUNE))
    assert told[: len(reminded)] == reminded
    assert {decode(body).type for body in told[len(reminded) :]} <= {"vn.cchc.checkpoint.signed.v1"}
    over_kafka.close()
    shown = [read_json(cchc("rating", "show", "--year", "2024", "--json", **more)) for more in ({}, deployed)]
    assert shown[0] == shown[1]
    checked = read_json(cchc("verify", "--json", **deployed))
    assert checked["findings"] == []
    assert [name for name in checked["checked"] if "topic" in name or "bản sao" in name] == [
        "topic của tasks",
        "topic của scoring",
        "bản sao tasks ở scoring",
        "topic của notifications",
        "bản sao tasks ở notifications",
        "bản sao scoring ở notifications",
    ]

    # And once more from the topic alone.
    rebuilt = read_json(cchc("rebuild", "scoring", "--from-kafka", "--json", **deployed))
    assert rebuilt["communes"] == [COMMUNE]
    over_kafka = Installation(settings_of(installation.settings.data, **deployed))
    assert list(over_kafka.scoring.logs["tasks"].read_all(COMMUNE)) == log_bytes
    assert all_sheets(over_kafka) == embedded
    over_kafka.close()


def began_yesterday(data: Path) -> SmallCommune:
    """Today is a working day there, and nothing is quiet."""
    today = datetime.now(VIETNAM).date()
    days = (today - timedelta(days=1), today)
    commune = SmallCommune(data, str(days[0]), years=())
    for year in range(days[0].year, today.year + 2):
        worked = [day for day in days if day.year == year and day.weekday() >= 5]
        published = PublishCalendar(
            calendar=f"vn-{year}-r1",
            year=year,
            days_off=[],
            working_weekends=[WorkingWeekend(date=day, legal_basis="Thông báo") for day in worked],
        )
        commune.do(None, published)
    [on_the_day] = [rule for rule in default_policy().rules if rule.rule == "due-0"]
    policy = msgspec.structs.replace(
        default_policy(),
        policy="ca-ngay",
        rules=[msgspec.structs.replace(on_the_day, at="00:00")],
        quiet=Quiet(spans=[], days_off=False),
    )
    commune.notifications.log.append(SMALL, lambda _: Decision([policy]), actor="staff/p01")
    commune.assign("báo cáo", lead="p04", due=str(today))
    return commune


def test_over_kafka_a_reminder_is_queued_and_delivered(bootstrap: str, tmp_path: Path):
    """A commune that began yesterday, with a task that is due today; the rest is up to `cchc work`."""
    data = tmp_path / "data"
    commune = began_yesterday(data)
    task, lived = commune.names["báo cáo"], list(commune.tasks.log.read_all(SMALL))
    commune.installation.close()
    environment = {
        "CCHC_DATA": str(data),
        "CCHC_KAFKA": bootstrap,
        "CCHC_DATABASE_NOTIFICATIONS": f"sqlite:///{tmp_path / 'fresh.db'}",
        "PYTHONPATH": str(ROOT),
    }
    cchc = command_line(data)
    move_own_logs(cchc, environment, tmp_path, "notifications")
    cchc("topics", "--partitions", "3", **environment)
    deployed = Installation(settings_of(data, **environment))

    def told() -> list[tuple[str, str]]:
        with reading(deployed.engine("notifications"), SMALL) as connection:
            found = occurrences(connection, SMALL, about=f"task/{task}", states=["delivered"])
        return [(each.rule, each.recipient) for each in found]

    owners = {name: deployed.web(name) for name in ("tasks", "scoring")}
    with (
        served(mount({"/": owners["tasks"]} | {f"/api/v1/{name}": app for name, app in owners.items()})) as url,
        working("tasks", environment),
        working("scoring", environment),
        working("notifications", environment | {f"CCHC_URL_{n.upper()}": f"{url}/api/v1/{n}" for n in owners}),
    ):
        until(lambda: ("due-0", "p04") in told(), deadline=90, what="the lead is told that the task is due")
    replica = deployed.notifications.logs["tasks"]
    assert replica is not deployed.tasks.log
    assert list(replica.read_all(SMALL))[: len(lived)] == lived
    deployed.close()
    rows = read_json(cchc("status", "--json", **environment))
    of_tasks = next(row for row in rows if row["service"] == "tasks")
    assert of_tasks["held_by_notifications"] == of_tasks["folded_by_notifications"] >= len(lived)
    assert read_json(cchc("verify", "--json", **environment))["findings"] == []
    # From the topics alone, the same is known, and nothing is told again.
    before = cchc("export-log", "notifications", **environment).stdout
    assert read_json(cchc("rebuild", "notifications", "--from-kafka", "--json", **environment))["communes"] == [SMALL]
    assert cchc("export-log", "notifications", **environment).stdout == before


@pytest.fixture
def published(installation: Installation, kafka: Kafka) -> str:
    """A topic of this test alone that holds the year's tasks log."""
    topic = kafka.create_topic("tasks", partitions=3)
    relay = Relay(installation.tasks.log, kafka.client, topic=topic)
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
    assert verify_topic(kafka.client, log, published) == []
    send(kafka, published, altered(installation))
    [finding] = verify_topic(kafka.client, log, published)
    assert (finding.where, finding.commune, finding.position) == ("topic", COMMUNE, 100)


def test_a_replica_does_not_take_a_flipped_byte_from_the_topic(
    installation: Installation, kafka: Kafka, published: str, tmp_path: Path
):
    send(kafka, published, altered(installation))
    fresh = Installation(settings_of(tmp_path / "fresh", CCHC_KAFKA=kafka.bootstrap))
    fresh.migrate()
    filled: Any = fill_from_topic(fresh.scoring.logs["tasks"], kafka.client, published)
    assert "100" in filled.broken[COMMUNE]
    assert list(fresh.scoring.logs["tasks"].read_all(COMMUNE)) == list(installation.tasks.log.read_all(COMMUNE))
    fresh.close()
