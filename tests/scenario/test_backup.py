"""Backup and restore: to another machine, from a damaged file, over databases that went on meanwhile."""

import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from cchc.installation import Installation
from cchc.services import SERVICES
from services.tasks.commands import execute
from services.tasks.domain.organisation import AppointStaff
from services.tasks.evidence import store_evidence
from shared.web.auth import Principal
from tests.scenario.conftest import CCHC, ROOT, Cchc, command_line, read_json, settings_of
from tests.support.evidence import pdf
from tests.support.postgres import Postgres
from tests.support.reminded import COMMUNE, SmallCommune
from tests.support.small_disk import small_disk


def contents(database: Path) -> dict[str, list[Any]]:
    """Every row of a SQLite file, by table; the journal goes on by the restore itself (test_journal_command.py)."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables.remove("journal")
        found = {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in tables}
    connection.close()
    return found


def all_contents(data: Path) -> dict[str, dict[str, list[Any]]]:
    return {service: contents(data / f"{service}.db") for service in SERVICES}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def backed_up(cchc: Cchc, folder: Path, **environment: str) -> Path:
    return Path(read_json(cchc("backup", str(folder), "--json", **environment))["file"])


def appoint(data: Path, staff: str, **environment: str) -> None:
    """One more command of the Office."""
    installation = Installation(settings_of(data, **environment))
    command = AppointStaff(
        staff=staff,
        category="cong_chuc",
        roles=["staff"],
        post="Công chức",
        unit=COMMUNE,
        leader=False,
        tracker="p01",
        valid_from=date(2025, 1, 1),
    )
    execute(installation.tasks, Principal("operator/test", COMMUNE, frozenset({"admin"})), command, commune=COMMUNE)
    installation.close()


@pytest.fixture(scope="module")
def lived_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commune with a task that was reminded of, and its evidence; not to be changed."""
    data = tmp_path_factory.mktemp("small") / "data"
    commune = SmallCommune(data, "2024-01-02")
    commune.assign("báo cáo", lead="p04", due="2024-01-05")
    commune.to("2024-01-08 09:00")
    store_evidence(commune.tasks, COMMUNE, commune.names["báo cáo"], "báo cáo.pdf", pdf(size=300_000))
    assert commune.told("báo cáo")
    commune.report("báo cáo", "p04")
    assert commune.installation.signing_key and commune.installation.checkpoint_key
    commune.installation.close()
    return data


@pytest.fixture
def data(lived_days: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lived_days, tmp_path / "data"))


@pytest.fixture
def backup(cchc: Cchc, tmp_path: Path) -> Path:
    return backed_up(cchc, tmp_path)


def test_a_backup_brings_everything_back_on_another_machine(lived_year: Path, tmp_path: Path):
    data = Path(shutil.copytree(lived_year, tmp_path / "year"))
    cchc = command_line(data)
    backup = backed_up(cchc, tmp_path)
    assert backup.stat().st_mode & 0o777 == 0o600
    elsewhere = tmp_path / "elsewhere"
    there = command_line(elsewhere)
    restored = read_json(there("restore", str(backup), "--json"))
    assert restored["aside"] == []
    assert all_contents(elsewhere) == all_contents(data)
    assert files_below(elsewhere / "evidence") == files_below(data / "evidence")
    assert read_json(there("verify", "--json"))["findings"] == []
    for asked in (
        ["rating", "show", "--year", "2024", "--as-of", "2024-12-31"],
        ["remind", "why", "--staff", "p28", "--day", "2024-10-03"],
    ):
        assert read_json(there(*asked, "--json")) == read_json(cchc(*asked, "--json"))
    # Private keys are not in it: another machine has its own.
    with zipfile.ZipFile(backup) as archive:
        assert not [name for name in archive.namelist() if "private" in name or "checkpoint.pem" in name]
        assert b"PRIVATE KEY" not in b"".join(map(archive.read, archive.namelist()))


def test_what_was_recorded_after_the_backup_is_taken_from_the_database_that_is_replaced(
    cchc: Cchc, data: Path, backup: Path
):
    appoint(data, "p90")
    appoint(data, "p91")
    before = all_contents(data)
    restored = read_json(cchc("restore", str(backup), "--json"))
    [log] = [log for log in restored["logs"] if log["source"] == "tasks"]
    assert log["taken"] == {"tasks": 2} and log["head"]["position"] == log["restored"]["position"] + 2
    assert all_contents(data) == before
    assert read_json(cchc("verify", "--json"))["findings"] == []
    # What was there is kept, and a second restore is another.
    [kept] = [Path(place) for place in restored["aside"] if place.endswith("tasks.db")]
    assert contents(kept) == before["tasks"]
    appoint(data, "p92")


def test_without_the_old_database_what_came_after_is_lost_and_it_says_so(cchc: Cchc, data: Path, backup: Path):
    held = cchc("export-log", "tasks").stdout
    appoint(data, "p90")
    for service in SERVICES:
        (data / f"{service}.db").unlink()
    said = cchc("restore", str(backup)).stdout
    assert "Không còn nơi nào khác giữ nhật ký tasks" in said and "đã mất" in said
    assert cchc("export-log", "tasks").stdout == held
    appoint(data, "p91")
    assert read_json(cchc("verify", "--json"))["findings"] == []


def test_an_unreadable_database_is_only_passed_over_when_a_person_says_so(cchc: Cchc, data: Path, backup: Path):
    (data / "tasks.db").write_bytes(b"not a database any more" * 1000)
    refused = cchc("restore", str(backup), code=3)
    assert "--without tasks" in refused.stderr
    assert (data / "tasks.db").read_bytes().startswith(b"not a database")
    restored = read_json(cchc("restore", str(backup), "--without", "tasks", "--json"))
    assert restored["holders"] == {"tasks": [], "scoring": [], "notifications": ["notifications"]}
    assert read_json(cchc("verify", "--json"))["findings"] == []


def test_a_database_with_another_history_stops_the_restore(cchc: Cchc, data: Path, backup: Path, tmp_path: Path):
    elsewhere = Path(shutil.copytree(data, tmp_path / "elsewhere"))
    appoint(elsewhere, "p90")
    newer = backed_up(command_line(elsewhere), tmp_path / "newer.zip")
    appoint(data, "p91")
    before = all_contents(data)
    refused = cchc("restore", str(newer), code=1)
    assert "tasks/xa-nho" in refused.stderr and "--without tasks" in refused.stderr
    assert all_contents(data) == before
    cchc("restore", str(newer), "--without", "tasks")
    assert all_contents(data) == all_contents(elsewhere)


def test_nothing_else_runs_during_a_restore(cchc: Cchc, installation: Installation, backup: Path):
    before = installation.tasks.log.heads()
    refused = cchc("restore", str(backup), code=2)
    assert "Dừng các tiến trình" in refused.stderr
    assert installation.tasks.log.heads() == before
    installation.close()
    cchc("restore", str(backup))


def member(backup: Path, name: str) -> zipfile.ZipInfo:
    with zipfile.ZipFile(backup) as archive:
        return archive.getinfo(name)


def flipped(backup: Path, at: int) -> None:
    damaged = bytearray(backup.read_bytes())
    damaged[at] ^= 1
    backup.write_bytes(damaged)


def middle_of(packed: zipfile.ZipInfo) -> int:
    """Where the middle of a member stands in the file: behind the header (30 bytes), its name and its fields."""
    return packed.header_offset + 30 + len(packed.filename) + packed.compress_size // 2


def with_another_manifest(backup: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    with zipfile.ZipFile(backup, "w") as archive:
        for name, body in (members | {"manifest.json": json.dumps(manifest).encode()}).items():
            archive.writestr(name, body)


def added(backup: Path) -> None:
    with zipfile.ZipFile(backup, "a") as archive:
        archive.writestr("evidence/../../keys/private.pem", b"mine")


def replaced(backup: Path) -> None:
    """A member of the same size, and whole as far as the zip is concerned."""
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert b'"p04"' in members["tasks/events"]
    members["tasks/events"] = members["tasks/events"].replace(b'"p04"', b'"p05"', 1)
    with zipfile.ZipFile(backup, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit of the log": lambda backup: flipped(backup, middle_of(member(backup, "tasks/events"))),
    "a flipped bit of the manifest": lambda backup: flipped(backup, member(backup, "manifest.json").header_offset + 99),
    "a truncated file": lambda backup: backup.write_bytes(backup.read_bytes()[:-50_000]),
    "an empty file": lambda backup: backup.write_bytes(b""),
    "another file": lambda backup: backup.write_bytes(b"%PDF-1.7" * 1000),
    "a member more": added,
    "a member replaced": replaced,
    "a member less": lambda backup: with_another_manifest(backup, lambda m: m["members"].pop("tasks/events")),
    "a database less": lambda backup: with_another_manifest(backup, lambda m: m["databases"].pop("tasks")),
    "a later format": lambda backup: with_another_manifest(backup, lambda m: m.update(format=2)),
    "a later schema": lambda backup: with_another_manifest(
        backup, lambda m: m["databases"]["tasks"].update(revision="9999")
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_and_nothing_written(cchc: Cchc, data: Path, backup: Path, damage: str):
    before = files_below(data)
    DAMAGES[damage](backup)
    refused = cchc("restore", str(backup), code=2)
    assert "Tệp sao lưu" in refused.stderr and "Traceback" not in refused.stderr
    assert files_below(data) == before


def test_a_backup_that_fails_leaves_nothing(cchc: Cchc, data: Path, tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    (data / "scoring.db").unlink()
    refused = cchc("backup", str(target), code=2)
    assert "cchc migrate" in refused.stderr
    assert list(target.iterdir()) == []
    taken = target / "a.zip"
    taken.write_bytes(b"yesterday's")
    cchc("migrate")
    cchc("backup", str(taken), code=2)
    assert taken.read_bytes() == b"yesterday's"


def test_a_backup_onto_a_full_disk_leaves_nothing(cchc: Cchc):
    with small_disk(1) as disk:
        disk.fill()
        refused = cchc("backup", str(disk.folder), code=3)
        assert "storage-full" in refused.stderr
        assert [path.name for path in disk.folder.iterdir()] == ["filler"]


def test_a_restore_onto_a_full_disk_changes_nothing(lived_days: Path, tmp_path: Path):
    with small_disk(8) as disk:
        data = Path(shutil.copytree(lived_days, disk.folder / "data"))
        cchc = command_line(data)
        backup = backed_up(cchc, tmp_path)
        appoint(data, "p90")
        before = all_contents(data)
        disk.fill()
        refused = cchc("restore", str(backup), code=3)
        assert "storage-full" in refused.stderr
        disk.free()
        assert all_contents(data) == before
        cchc("restore", str(backup))
        assert all_contents(data) == before


@pytest.mark.parametrize("step", ["nạp scoring", "lấy phần ghi sau", "đưa scoring vào dùng", "đưa tasks vào dùng"])
def test_a_restore_that_was_killed_is_simply_run_again(cchc: Cchc, data: Path, backup: Path, step: str):
    appoint(data, "p90")
    before = all_contents(data)
    environment = os.environ | {"CCHC_DATA": str(data)}
    with subprocess.Popen(
        [*CCHC, "restore", str(backup)], cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE
    ) as restore:
        assert restore.stderr
        assert any(step in line for line in restore.stderr)
        restore.kill()
    # Whatever was swapped by then, what was recorded is there and goes on.
    assert contents(data / "tasks.db") == before["tasks"]
    appoint(data, "p91")
    cchc("restore", str(backup))
    assert read_json(cchc("verify", "--json"))["findings"] == []
    assert len(cchc("export-log", "tasks").stdout.splitlines()) == len(before["tasks"]["events"]) + 1
    assert not list(data.glob("*.restoring*"))


@contextmanager
def databases(server: Postgres) -> Iterator[dict[str, str]]:
    """Where PostgreSQL keeps what, as the environment says it."""
    with ExitStack() as stack:
        yield {f"CCHC_DATABASE_{name.upper()}": stack.enter_context(server.fresh_database()) for name in SERVICES}


def test_from_sqlite_to_postgresql_and_back(
    cchc: Cchc, data: Path, backup: Path, postgres_server: Postgres, tmp_path: Path
):
    lived = all_contents(data)
    with databases(postgres_server) as environment:
        deployed = tmp_path / "deployed"
        there = command_line(deployed)
        there("restore", str(backup), **environment)
        assert read_json(there("verify", "--json", **environment))["findings"] == []
        assert there("export-log", "tasks", **environment).stdout == cchc("export-log", "tasks").stdout
        asked = ["remind", "why", "--staff", "p04", "--day", "2024-01-05", "--json"]
        assert read_json(there(*asked, **environment)) == read_json(cchc(*asked)) != []
        appoint(deployed, "p90", **environment)
        second = backed_up(there, tmp_path, **environment)
        # Over itself: what came after the first backup is in the tables that are moved aside.
        restored = read_json(there("restore", str(backup), "--json", **environment))
        assert [log["taken"] for log in restored["logs"] if log["source"] == "tasks"] == [{"tasks": 1}]
        assert read_json(there("verify", "--json", **environment))["findings"] == []
        schema = restored["aside"][-1].split()[-1]
        [kept] = rows(environment["CCHC_DATABASE_TASKS"], f"SELECT max(position) FROM {schema}.heads")
        assert kept == rows(environment["CCHC_DATABASE_TASKS"], "SELECT max(position) FROM heads")[0]
        appoint(deployed, "p91", **environment)
    back = tmp_path / "back"
    command_line(back)("restore", str(second))
    appoint(data, "p90")
    known = {table: rows for table, rows in all_contents(back)["tasks"].items() if table not in ("events", "heads")}
    assert known["states"] != lived["tasks"]["states"]
    assert {t: r for t, r in known.items() if t != "states"} == {
        t: r for t, r in lived["tasks"].items() if t not in ("events", "heads", "states")
    }
    assert len(known["states"]) == len(contents(data / "tasks.db")["states"])
    assert read_json(command_line(back)("verify", "--json"))["findings"] == []


def rows(url: str, statement: str) -> list[Any]:
    import psycopg

    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        found = list(connection.execute(statement))
    connection.close()
    return found


def test_postgresql_is_not_restored_while_a_service_is_connected(
    cchc: Cchc, backup: Path, postgres_server: Postgres, tmp_path: Path
):
    with databases(postgres_server) as environment:
        there = command_line(tmp_path / "deployed")
        there("migrate", **environment)
        web = Installation(settings_of(tmp_path / "web", **environment))
        assert web.tasks.log.heads() == {}
        refused = there("restore", str(backup), code=2, **environment)
        assert "tasks" in refused.stderr and "Dừng serve và work" in refused.stderr
        assert web.tasks.log.heads() == {}
        web.close()
        there("restore", str(backup), **environment)
