"""A full disk and a database that may only be read: refused with a reason, nothing half-written, then it goes on."""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.eventlog import Log, reading
from shared.eventlog.database import driver_of, run, writing
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.eventlog.trouble import trouble_of
from shared.eventlog.verify import verify_log
from shared.worker import Loops
from tests.conftest import RUN
from tests.support import postgres as servers
from tests.support.evidence import pdf
from tests.support.kafka import Kafka
from tests.support.logs import COMMUNE as SMALL
from tests.support.logs import contents, filled, migrated, sqlite_url
from tests.support.postgres import execute, with_driver
from tests.support.reminded import COMMUNE as SMALL_COMMUNE
from tests.support.reminded import SmallCommune
from tests.support.servers import Unavailable
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.tasks_web import COMMUNE, Commune, done, refused
from tests.support.waiting import until

PDF = pdf(size=100_000)


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk(8) as disk:
        yield disk


def opened(folder: Path, url: str | None = None) -> Commune:
    commune = Commune(folder, url)
    commune.open()
    commune.enter_roster()
    return commune


def progress(commune: Commune, number: int, task: str) -> TestResponse:
    """A command of some KiB, so that it needs new pages soon."""
    body = {"note": "Tiến độ " + "x" * 4000}
    version = done(commune.get("p01", f"/tasks/{task}"))["version"]
    return commune.send("p15", f"/tasks/{task}/progress", body, based_on=version, key=f"k{number}")


def refused_until_fixed(commune: Commune, task: str, code: str, fix: Callable[[], object]) -> None:
    """Commands go on until one is refused with this code; that one changes nothing, and works once it is fixed."""
    for number in range(2000):
        before = rows_of(commune)
        answer = progress(commune, number, task)
        if answer.status_code != 200:
            break
    assert refused(answer) == (503, code)
    assert int(answer.headers["Retry-After"]) > 0
    assert rows_of(commune) == before
    assert refused(progress(commune, number, task)) == (503, code)
    assert verify_log(commune.tasks.log) == []
    fix()
    again = progress(commune, number, task)
    assert again.status_code == 200, again.text
    assert progress(commune, number, task).get_data() == again.get_data()
    assert commune.position == position_in(before) + 1
    assert verify_log(commune.tasks.log) == []


def rows_of(commune: Commune) -> dict[str, Any]:
    """Of every table that a command writes."""
    with reading(commune.engine, COMMUNE) as connection:
        count = {t: run(connection, f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("events", "states", "people")}
        heads = run(connection, "SELECT source, commune, position, hash FROM heads").fetchall()
        keys = run(connection, "SELECT count(*) FROM idempotency").fetchone()[0]
    return count | {"heads": heads, "idempotency": keys}


def position_in(found: dict[str, Any]) -> int:
    return int(found["heads"][0][2])


def test_sqlite_on_a_full_disk(disk: SmallDisk):
    commune = opened(disk.folder)
    task = commune.assign()
    disk.fill()
    refused_until_fixed(commune, task, "storage-full", disk.free)
    commune.engine.dispose()


def test_sqlite_that_may_grow_no_more(tmp_path: Path):
    """The same by SQLite's own limit, where no disk can be mounted."""
    commune = opened(tmp_path)
    task = commune.assign()
    with writing(commune.engine, COMMUNE) as connection:
        driver = driver_of(connection)
    driver.execute("PRAGMA max_page_count=1")  # which is as many as there are
    refused_until_fixed(commune, task, "storage-full", lambda: driver.execute("PRAGMA max_page_count=1000000"))
    commune.engine.dispose()


def test_sqlite_that_may_only_be_read(tmp_path: Path):
    commune = opened(tmp_path)
    task = commune.assign()
    with writing(commune.engine, COMMUNE) as connection:
        driver = driver_of(connection)
    driver.execute("PRAGMA query_only=on")
    refused_until_fixed(commune, task, "read-only", lambda: driver.execute("PRAGMA query_only=off"))
    commune.engine.dispose()


def test_evidence_on_a_full_disk_leaves_no_file_and_no_row(disk: SmallDisk, tmp_path: Path):
    commune = opened(disk.folder, f"sqlite:///{tmp_path / 'tasks.db'}")
    task = commune.assign()
    path = f"/tasks/{task}/evidence"
    disk.fill()
    files = sorted(commune.tasks.evidence.rglob("*"))
    assert refused(commune.upload("p15", path, PDF, "a.pdf")) == (503, "storage-full")
    assert [file for file in sorted(commune.tasks.evidence.rglob("*")) if file.is_file()] == [
        file for file in files if file.is_file()
    ]
    assert done(commune.get("p15", path))["files"] == []
    disk.free()
    sha256 = done(commune.upload("p15", path, PDF, "a.pdf"))["sha256"]
    assert sha256 == hashlib.sha256(PDF).hexdigest()
    with commune.get("p15", f"{path}/{sha256}") as answer:
        assert answer.data == PDF
    commune.engine.dispose()


def test_postgresql_on_a_full_disk(tmp_path: Path, pytestconfig: pytest.Config):
    try:
        server = servers.Postgres(servers.local(pytestconfig.stash[RUN]).address)
    except Unavailable as error:
        pytest.skip(str(error))
    with small_disk(32) as disk, server.fresh_database() as url:
        place = disk.folder / "tablespace"
        place.mkdir()
        if user := servers.unprivileged():
            shutil.chown(place, user)
        execute(server.address, f"CREATE TABLESPACE small LOCATION '{place}'")
        execute(server.address, f"ALTER DATABASE {with_driver(url).database} SET TABLESPACE small")
        commune = opened(tmp_path, url)
        task = commune.assign()
        disk.fill()
        refused_until_fixed(commune, task, "storage-full", disk.free)
        commune.engine.dispose()


def test_postgresql_that_may_only_be_read(tmp_path: Path, postgres: str):
    commune = opened(tmp_path, postgres)
    task = commune.assign()
    database = with_driver(postgres).database

    def only_read(yes: bool) -> None:
        # In a session that may write, or the setting could not be taken back.
        writing_session = with_driver(postgres).update_query_dict({"options": "-c default_transaction_read_only=off"})
        setting = "on" if yes else "off"
        execute(writing_session, f"ALTER DATABASE {database} SET default_transaction_read_only = {setting}")
        commune.engine.dispose()

    only_read(True)
    refused_until_fixed(commune, task, "read-only", lambda: only_read(False))
    commune.engine.dispose()


def test_postgresql_that_takes_no_more_connections(tmp_path: Path, postgres: str, postgres_server: servers.Postgres):
    commune = opened(tmp_path, postgres)
    database = with_driver(postgres).database
    commune.engine.dispose()
    execute(postgres_server.address, f"ALTER DATABASE {database} CONNECTION LIMIT 0")
    body = {"title": "Việc", "lead": "p15", "due": {"date": "2024-06-28"}}
    headers = commune.auth("staff/p01", "chair")
    answer = commune.client.post(commune.url("/tasks"), json=body, headers=headers)
    assert refused(answer) == (503, "too-many-connections")
    execute(postgres_server.address, f"ALTER DATABASE {database} CONNECTION LIMIT -1")
    assert commune.client.post(commune.url("/tasks"), json=body, headers=headers).status_code == 201
    commune.engine.dispose()


def test_relay_and_replica_wait_for_room_and_go_on(disk: SmallDisk, tmp_path: Path, kafka: Kafka):
    topic = kafka.create_topic("tasks")
    with migrated(sqlite_url(disk.folder, "own")) as own, migrated(sqlite_url(disk.folder, "copy")) as copy:
        log, replica = filled(Log(own, "tasks"), notes=40), Log(copy, "tasks")
        consumer = Replica(replica, kafka.client, kafka.name("copies"), topic=topic, retry_s=0.1)
        relay = Relay(log, kafka.client, topic=topic, retry_s=0.1)
        disk.fill()
        loops = Loops({"relay": relay.run, "replica": consumer.run})
        loops.start()
        try:
            until(lambda: "full" in (relay.status.problem or ""), deadline=60, what="the relay waits for room")
            until(lambda: "full" in (consumer.status.problem or ""), deadline=60, what="the replica waits for room")
            disk.free()
            until(lambda: log.published() == {SMALL: 41}, deadline=60, what="all is published")
            until(lambda: contents(replica) == contents(log), deadline=60, what="all is taken over")
        finally:
            loops.stop()
        assert loops.failure is None
        assert verify_log(replica) == verify_log(log) == []


def test_the_loops_of_a_service_wait_for_room_and_go_on(
    disk: SmallDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    url = sqlite_url(disk.folder, "scoring")
    commune = SmallCommune(tmp_path, "2024-01-02", CCHC_DATABASE_SCORING=url)
    scoring = commune.installation.scoring
    loops = Loops(commune.installation.background("scoring").named_loops())
    disk.fill()
    loops.start()
    try:

        def waits_for_room() -> bool:
            commune.assign("việc", lead="p04", due="2024-03-01")
            return "waits" in caplog.text and "full" in caplog.text

        until(waits_for_room, deadline=60, what="the records wait for room")
        disk.free()
        head = commune.tasks.log.head(SMALL_COMMUNE).position
        until(lambda: scoring.reached("tasks", SMALL_COMMUNE).position == head, deadline=60, what="all is folded")
    finally:
        loops.stop()
    assert loops.failure is None
    commune.installation.close()


WORDS = {errno.EDQUOT: "storage-full", errno.EIO: "storage-failing", errno.EROFS: "read-only", errno.ENOENT: None}


@pytest.mark.parametrize("number", WORDS)
def test_what_a_file_system_says(number: int):
    assert trouble_of(OSError(number, "…")) == WORDS[number]
