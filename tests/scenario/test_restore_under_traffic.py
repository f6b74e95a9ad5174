"""G16: the databases are lost under traffic, an older backup is restored, and nothing that was published is missing."""

import itertools
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from cchc.data_lock import DataInUse
from cchc.installation import Installation
from cchc.services import SERVICES
from services.tasks.commands import execute
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.organisation import AppointStaff
from shared.eventlog import Busy, UnknownCommune
from shared.web.auth import Principal
from tests.scenario.conftest import CCHC, ROOT, command_line, read_json, settings_of, working
from tests.support.kafka import admin
from tests.support.waiting import until

COMMUNE = "xa-nho"
OPERATOR = Principal("operator/test", COMMUNE, frozenset({"admin"}))


class Commune:
    """Services that meet over Kafka only, on one data folder; each command is a process of its own life."""

    def __init__(self, data: Path, bootstrap: str) -> None:
        self.data = data
        self.environment = {"CCHC_DATA": str(data), "CCHC_KAFKA": bootstrap, "PYTHONPATH": str(ROOT)}
        self.run = command_line(data)
        self.cchc("migrate")
        self.cchc("topics", "--partitions", "3")
        self.do(OpenCommune(name="xã Nhỏ", code="20000", valid_from=date(2024, 1, 1)))

    def cchc(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run(*arguments, code=code, **self.environment)

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        installation = Installation(settings_of(self.data, **self.environment))
        try:
            yield installation
        finally:
            installation.close()

    def do(self, command: Command) -> int:
        """The position that the command's answer names."""
        with self.opened() as installation:
            return execute(installation.tasks, OPERATOR, command, commune=COMMUNE).position

    def log(self) -> list[bytes]:
        return [line.encode() for line in self.cchc("export-log", "tasks").stdout.splitlines()]

    def reached(self) -> dict[str, int]:
        """How far the tasks log is: at its end, published, and in the replicas."""
        rows = read_json(self.cchc("status", "--json"))
        [row] = [row for row in rows if row["service"] == "tasks"]
        return {key: row[key] or 0 for key in ("head", "published", "held_by_scoring", "held_by_notifications")}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with ExitStack() as stack:
            for service in SERVICES:
                stack.enter_context(working(service, self.environment))
            yield


class Traffic:
    """Appoints one person after the other for as long as it lasts; what is refused is asked again."""

    def __init__(self, commune: Commune) -> None:
        self.commune = commune
        self.acknowledged: list[int] = []
        self.unexpected: list[Exception] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        for number in itertools.count(1):
            command = AppointStaff(
                staff=f"p{number}",
                category="cong_chuc",
                roles=["staff"],
                post="Công chức",
                unit=COMMUNE,
                leader=False,
                valid_from=date(2025, 1, 1),
            )
            while not self._stop.is_set():
                try:
                    self.acknowledged.append(self.commune.do(command))
                    break
                except (DataInUse, Busy, OperationalError, UnknownCommune):
                    self._stop.wait(0.2)  # a restore, or no database at all
                except Exception as error:
                    self.unexpected.append(error)
                    return
            if self._stop.wait(0.05):
                return

    def goes_on(self, by: int) -> None:
        """Wait for so many more commands to be acknowledged."""
        enough = len(self.acknowledged) + by
        until(lambda: len(self.acknowledged) >= enough or self.unexpected, deadline=90, what="commands go on")
        assert self.unexpected == []


def lose(data: Path, *services: str) -> None:
    for service in services:
        for ending in ("", "-wal", "-shm"):
            (data / f"{service}.db{ending}").unlink(missing_ok=True)


def delete_topics(bootstrap: str) -> None:
    with admin(bootstrap) as client:
        client.delete_topics([f"cchc.{service}.v1" for service in SERVICES])
        until(lambda: not [topic for topic in client.list_topics() if topic.startswith("cchc.")], deadline=30)


@pytest.mark.parametrize("holder", ["topic", "scoring", "nobody"])
def test_a_restore_of_an_older_backup_under_traffic(bootstrap: str, tmp_path: Path, holder: str):
    commune = Commune(tmp_path / "data", bootstrap)
    with Traffic(commune) as traffic:
        with commune.at_work():
            traffic.goes_on(10)
            backup = read_json(commune.cchc("backup", str(tmp_path), "--json"))
            in_backup = backup["heads"]["tasks"][COMMUNE]["position"]
            traffic.goes_on(20)
            enough = traffic.acknowledged[-1]
            until(lambda: min(commune.reached().values()) >= enough, deadline=120, every=0.5, what="replicas hold it")
        # Commands went on until the end: not all of them were published, nor taken over all that were.
        reached = commune.reached()
        held = (
            reached["published"]
            if holder == "topic"
            else max(reached["held_by_scoring"], reached["held_by_notifications"])
        )
        known = commune.log()[:held]
        assert len(known) >= enough > in_backup + 10

        lose(commune.data, *(["tasks"] if holder == "scoring" else SERVICES))
        if holder != "topic":
            delete_topics(bootstrap)

        without = [] if holder == "topic" else ["--without", "topic"]
        restored = restore(commune, backup["file"], *without)
        if without:
            commune.cchc("topics", "--partitions", "3")
        traffic.goes_on(5)
        with commune.at_work():
            traffic.goes_on(10)
            done = traffic.acknowledged[-1]
            until(lambda: min(commune.reached().values()) >= done, deadline=120, every=0.5, what="all is published")

    log = commune.log()
    if holder == "nobody":
        assert log[:in_backup] == known[:in_backup] and log[in_backup] != known[in_backup]
        assert "Không còn nơi nào khác giữ nhật ký tasks" in restored
    else:
        assert log[:held] == known
    assert len(log) >= traffic.acknowledged[-1]
    # Store, replicas and topic agree: nothing forked.
    checked = read_json(commune.cchc("verify", "--json"))
    assert checked["findings"] == []
    assert "topic của tasks" in checked["checked"] and "bản sao tasks ở scoring" in checked["checked"]


def restore(commune: Commune, file: str, *options: str) -> str:
    """As an operator would: again while it says that a command is just being carried out."""
    said: list[str] = []
    environment = os.environ | commune.environment

    def done() -> bool:
        run = subprocess.run(
            [*CCHC, "restore", file, *options], env=environment, capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert run.returncode in (0, 2), run.stderr
        assert run.returncode == 0 or "Dừng các tiến trình" in run.stderr, run.stderr
        said.append(run.stdout)
        return run.returncode == 0

    until(done, deadline=120, what="the restore finds a moment without commands")
    return said[-1]


def test_without_its_topic_a_restore_stops_until_a_person_says_that_it_is_lost(bootstrap: str, tmp_path: Path):
    commune = Commune(tmp_path / "data", bootstrap)
    backup = read_json(commune.cchc("backup", str(tmp_path), "--json"))["file"]
    before = commune.log()
    delete_topics(bootstrap)
    refused = commune.cchc("restore", backup, code=3)
    assert "--without topic" in refused.stderr
    assert commune.log() == before


def test_only_the_tail_for_a_database_that_was_brought_back_by_other_means(bootstrap: str, tmp_path: Path):
    commune = Commune(tmp_path / "data", bootstrap)
    old = (commune.data / "tasks.db").read_bytes()
    with Traffic(commune) as traffic, commune.at_work():
        traffic.goes_on(10)
        enough = traffic.acknowledged[-1]
        until(lambda: min(commune.reached().values()) >= enough, deadline=120, every=0.5, what="replicas hold it")
    before = commune.log()[: commune.reached()["published"]]
    lose(commune.data, "tasks")
    (commune.data / "tasks.db").write_bytes(old)
    said = commune.cchc("restore", "--tail").stdout
    assert "topic" in said and "scoring" in said
    assert commune.log()[: len(before)] == before
    # The tables that come with appending know the staff as well, and the relay does not stop.
    with Traffic(commune) as traffic, commune.at_work():
        traffic.goes_on(1)
        done = traffic.acknowledged[-1]
        until(lambda: min(commune.reached().values()) >= done, deadline=120, every=0.5, what="all is published")
    assert read_json(commune.cchc("verify", "--json"))["findings"] == []
