"""The doctor where services run apart: PostgreSQL with its roles, Kafka with its topics, what is away."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cchc.doctor.checks import every_check
from cchc.doctor.examination import Result, examine
from cchc.doctor.finding import Finding
from cchc.doctor.kafka import findings_of, topics_of_services
from cchc.installation import Installation
from cchc.services import SERVICES
from demo.year import COMMUNE
from shared.eventlog import NO_COMMUNE, open_database, writing
from shared.eventlog.kafka import TOPIC_SETTINGS, Cluster, KafkaBroker, Partition, Topic, ensure_topics
from shared.eventlog.relay import Relay
from shared.eventlog.replica import fill_from_topic
from shared.events import decode, event_hash
from shared.web.mount import mount
from tests.scenario.conftest import Cchc, read_json, settings_of
from tests.scenario.test_doctor import AFTER, without_guard
from tests.support.deployed import Deployed
from tests.support.kafka import PrivateKafka, admin
from tests.support.postgres import execute, with_driver
from tests.support.reminded import SmallCommune
from tests.support.web import served

OF_POSTGRES = ["postgres", "roles", "row-security", "append-only", "collation", "connections"]
# What a machine has, not what is deployed on it.
OF_MACHINE = {"python", "crc32c", "time-zones", "disk", "memory", "fonts"}


def findings(installation: Installation, check: str) -> list[Finding]:
    look = next(one.look for one in every_check() if one.id == check)
    return list(look(installation))


def states(installation: Installation, check: str) -> list[str]:
    return [each.state for each in findings(installation, check)]


# PostgreSQL


@pytest.fixture
def migrated(deployed: Deployed, tmp_path: Path) -> Iterator[Installation]:
    """The deployment's databases, as the background process and the operator's command line see them."""
    installation = deployed.installation("worker", tmp_path / "data")
    installation.migrate()
    yield installation
    installation.close()


def as_owner(installation: Installation, *statements: str) -> None:
    with writing(installation.owner("tasks"), NO_COMMUNE) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_deployment_on_postgresql_that_is_well(deployed: Deployed, tmp_path: Path):
    lived = SmallCommune(tmp_path / "data", "2024-01-02", (2024,), **deployed.environment("worker"))
    with closing(lived.installation) as installation:
        assert installation.checkpoint_key
        # The clock of a commune that lives in 2024 is not that of the server.
        checks = [check for check in every_check() if check.id not in OF_MACHINE | {"clock"}]
        found = list(examine(installation, checks))
        assert [each for each in found if each.state not in ("ok", "not_applicable")] == []
        assert {each.check for each in found if each.state == "ok"} >= {*OF_POSTGRES, "chain-tail", "calendars"}
        [apart] = {each.state for each in findings(installation, "clock")}
        assert apart == "failure"


@pytest.mark.parametrize(
    ("spoil", "check", "says", "fix"),
    [
        ("ALTER TABLE states DISABLE ROW LEVEL SECURITY", "row-security", "states chưa bật", "cchc migrate"),
        ("ALTER TABLE heads NO FORCE ROW LEVEL SECURITY", "row-security", "heads không ràng buộc", "cchc migrate"),
        ("DROP POLICY own_commune ON people", "row-security", "people không có chính sách", "cchc migrate"),
        ("GRANT UPDATE ON events TO tasks_server", "append-only", "tasks_server có quyền UPDATE", "cchc migrate"),
    ],
)
def test_what_is_not_secured_and_how_a_migration_secures_it(
    migrated: Installation, spoil: str, check: str, says: str, fix: str
):
    as_owner(migrated, spoil)
    [found] = findings(migrated, check)
    assert (found.state, found.fix) == ("failure", fix) and says in found.detail
    migrated.migrate()
    assert states(migrated, check) == ["ok"]


def test_what_no_migration_secures(migrated: Installation):
    as_owner(migrated, "CREATE POLICY all_of_it ON events USING (true)", "DROP TRIGGER events_append_only ON events")
    [opened] = findings(migrated, "row-security")
    assert opened.fix == "psql tasks -c 'DROP POLICY all_of_it ON events'"
    [unguarded] = findings(migrated, "append-only")
    assert unguarded.state == "failure" and "events_append_only" in unguarded.detail


def test_a_database_that_lost_its_vietnamese(migrated: Installation):
    assert states(migrated, "collation") == ["ok"]
    as_owner(migrated, "DROP COLLATION vietnamese", "DROP EXTENSION unaccent")
    found = findings(migrated, "collation")
    assert [each.state for each in found] == ["failure", "failure"]
    as_owner(migrated, *(str(each.fix).partition(" -c ")[2][1:-1] for each in found))  # what psql is to run
    assert states(migrated, "collation") == ["ok"]


def test_roles_that_no_policy_binds(deployed: Deployed, migrated: Installation, tmp_path: Path):
    assert states(migrated, "roles") == ["ok"]
    superuser = with_driver(deployed.server.address).set(database="tasks").render_as_string(hide_password=False)
    owner = deployed.url("tasks", "tasks_owner")
    for url, state in ((superuser, "failure"), (owner, "warning")):
        environment = deployed.environment("worker") | {"CCHC_DATABASE_TASKS": url}
        with closing(Installation(settings_of(tmp_path / "data", **environment))) as installation:
            [found] = findings(installation, "roles")
            assert found.state == state and found.fix and found.fix.startswith("cchc databases")
    execute(deployed.server.address, "ALTER ROLE tasks_worker BYPASSRLS")
    try:
        [found] = findings(migrated, "roles")
        assert (found.state, found.fix) == ("failure", "psql -c 'ALTER ROLE tasks_worker NOBYPASSRLS'")
    finally:
        execute(deployed.server.address, "ALTER ROLE tasks_worker NOBYPASSRLS")


def test_a_server_that_does_not_keep_what_it_acknowledges(deployed: Deployed, migrated: Installation):
    assert states(migrated, "postgres") == ["ok"] * (len(SERVICES) + 1)
    execute(deployed.server.address, "ALTER DATABASE tasks SET synchronous_commit = off")
    migrated.close()
    found = next(each for each in findings(migrated, "postgres") if each.state == "failure")
    assert "synchronous_commit=off" in found.detail and found.fix and "ALTER SYSTEM" in found.fix


def test_a_server_without_room_for_another_process(migrated: Installation):
    assert states(migrated, "connections") == ["ok"]
    migrated.close()
    migrated._engines["tasks"] = open_database(migrated.settings.databases["tasks"], pool_size=10_000)
    [found] = findings(migrated, "connections")
    assert found.state == "warning" and found.fix and "max_connections" in found.fix


# Kafka


def test_what_is_away_is_said_within_seconds(cchc: Cchc):
    begun = time.monotonic()
    rows = read_json(cchc("doctor", "--json", code=2, CCHC_KAFKA="127.0.0.1:1"))
    found = {each["check"]: each for each in rows}
    assert found["kafka"]["state"] == "failure" and "CCHC_KAFKA" in found["kafka"]["mend"]
    assert {found[check]["state"] for check in ("kafka-topics", "kafka-tail", "unpublished")} == {"not_applicable"}
    assert found["services"]["state"] == "failure"
    assert found["chain-tail"]["state"] == "ok"
    assert cchc("status", CCHC_KAFKA="127.0.0.1:1").returncode == 0
    assert time.monotonic() - begun < 90  # of two programs that start, on a busy machine


def test_a_broker_that_stands_still(data: Path, private_kafka: PrivateKafka):
    settings = settings_of(data, CCHC_KAFKA=private_kafka.bootstrap)
    private_kafka.broker.pause()
    try:
        with closing(Installation(settings)) as installation:
            [found] = examine(installation, [next(check for check in every_check() if check.id == "kafka")], limit_s=20)
    finally:
        private_kafka.broker.resume()
    assert found.state == "failure"


@pytest.fixture
def published(data: Path, bootstrap: str) -> Iterator[Installation]:
    """The year on its topics and in replicas that have folded it, with services that answer."""
    assert len(ensure_topics(bootstrap, SERVICES, partitions=2, replication=1)) == len(SERVICES)
    embedded = Installation(settings_of(data))
    apps: dict[str, Any] = {f"/api/v1/{service}": embedded.web(service) for service in SERVICES}
    with served(mount({"/": apps["/api/v1/tasks"], **apps})) as base:
        urls = {f"CCHC_URL_{service.upper()}": f"{base}/api/v1/{service}" for service in SERVICES}
        more = {"CCHC_KAFKA": bootstrap, "CCHC_ORIGIN": "https://cchc.example"} | urls
        installation = Installation(settings_of(data, **more), clock=lambda: AFTER)
        for service in SERVICES:
            with_relay(installation, service)
        for reader in ("scoring", "notifications"):
            for replica in installation.replicas(reader):
                fill_from_topic(replica, KafkaBroker(bootstrap))
            installation.folds(reader).rebuild()
        yield installation
        installation.close()
        embedded.close()


def with_relay(installation: Installation, service: str) -> None:
    relay = Relay(installation.own_log(service), KafkaBroker(installation.settings.kafka or ""))
    while relay.step():
        pass
    relay._close()


def test_a_deployment_over_kafka_that_is_well_and_what_is_missing_then(published: Installation, data: Path):
    def run() -> dict[str, list[Result]]:
        found: dict[str, list[Result]] = {}
        for each in examine(published, [check for check in every_check() if check.id not in OF_MACHINE]):
            found.setdefault(each.check, []).append(each)
        return found

    of_kafka = {"kafka", "kafka-topics", "kafka-partitions", "kafka-tail", "unpublished", "unread", "services"}
    well = run()
    assert {each.state for check in of_kafka for each in well[check]} == {"ok"}
    of_tasks, of_scoring = (published.own_log(service).head(COMMUNE).position for service in ("tasks", "scoring"))
    # A backup of before the last events is restored, and one of scoring's cursors is lost.
    without_guard(data / "tasks.db", "DELETE FROM events WHERE source = 'tasks' AND position > 479")
    last = published.own_log("tasks").read(COMMUNE, 478, 1)[0]
    without_guard(
        data / "tasks.db",
        f"UPDATE heads SET position = 479, hash = '{event_hash(last)}', time = '{decode(last).time}'"
        " WHERE source = 'tasks'",
    )
    without_guard(data / "scoring.db", "UPDATE cursors SET position = 300")
    ill = run()
    assert f"cchc.tasks.v1 có {COMMUNE} đến {of_tasks}, kho mới đến 479" in ill["kafka-tail"][0].detail
    [unpublished] = ill["unpublished"]
    assert (unpublished.state, unpublished.fix) == ("failure", "cchc work scoring")
    assert f"chưa phát lên Kafka {of_scoring - 300} sự kiện của scoring" in unpublished.detail


def test_topics_that_are_not_as_they_must_be(data: Path, bootstrap: str):
    with closing(Installation(settings_of(data, CCHC_KAFKA=bootstrap))) as installation:
        missing = findings(installation, "kafka-topics")
        assert [(each.state, each.fix) for each in missing] == [("failure", "cchc topics")] * len(SERVICES)
        wrong = TOPIC_SETTINGS | {"retention.ms": "1000", "max.message.bytes": "1000"}
        with admin(bootstrap) as client:
            client.create_topics(
                {
                    topic: {"num_partitions": 1 + number, "replication_factor": 1, "configs": wrong}
                    for number, topic in enumerate(topics_of_services())
                },
                wait_for_metadata=True,
            )
        found = findings(installation, "kafka-topics")
        assert [each.state for each in found] == ["failure"] * 2 * len(SERVICES)
        assert "retention.ms là 1000, phải là -1" in found[0].detail and "phải từ 1048576" in found[1].detail
        assert found[0].fix and found[0].fix.endswith(
            f"--entity-name {topics_of_services()[0]} --add-config retention.ms=-1"
        )
        [counts] = findings(installation, "kafka-partitions")
        assert counts.state == "warning" and "số phân vùng khác nhau" in counts.detail


@pytest.mark.parametrize(
    ("brokers", "partition", "min_in_sync", "expected"),
    [
        (1, Partition(1, 1, True), 1, "ok"),
        (3, Partition(3, 3, True), 2, "ok"),
        (3, Partition(3, 3, True), 1, "failure"),  # one broker's word is not enough
        (3, Partition(3, 2, True), 2, "warning"),
        (3, Partition(3, 0, False), 2, "failure"),
        (3, Partition(1, 1, True), 1, "warning"),
    ],
)
def test_replicas_for_the_brokers_that_there_are(brokers: int, partition: Partition, min_in_sync: int, expected: str):
    topic = Topic([partition], {"min.insync.replicas": str(min_in_sync)})
    found = findings_of(Cluster(brokers, "4.1", {"cchc.tasks.v1": topic}), "broker:9092")
    assert [each.state for each in found] == [expected]
