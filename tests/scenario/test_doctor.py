"""The doctor and the status on one machine: what is broken is found, and what they say to type fixes it."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click import Context, Group

from cchc import progress
from cchc.cli import COMMANDS, cli
from cchc.doctor import machine
from cchc.doctor.checks import every_check
from cchc.doctor.examination import Check, Result, examine, exit_code
from cchc.doctor.finding import Finding, failure, ok
from cchc.installation import Installation
from cchc.progress import own_log
from cchc.services import SERVICES
from demo.year import COMMUNE
from shared.eventlog import Decision
from shared.events import CommuneClosed
from shared.web.keys import generate_key
from tests.scenario.conftest import Cchc, command_line, read_json, settings_of
from tests.support.mail import smtp_server

# The day after the demo year's last event, of which its calendar is published.
AFTER = datetime(2024, 12, 31, 9, tzinfo=UTC)
FIELDS = ["check", "group", "title", "state", "detail", "mend"]


def found_by(check: str, data: Path, now: datetime = AFTER, **environment: str) -> list[Finding]:
    """What one check says, whatever those that it rests on say."""
    installation = Installation(settings_of(data, **environment), clock=lambda: now)
    try:
        look = next(one.look for one in every_check() if one.id == check)
        return [Finding(each.state, each.detail, each.fix) for each in _run(installation, Check(check, "", "", look))]
    finally:
        installation.close()


def _run(installation: Installation, *checks: Check, limit_s: float = 15) -> list[Result]:
    return list(examine(installation, checks, limit_s))


def sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def without_guard(database: Path, *statements: str) -> None:
    """As whoever holds the file may: the triggers go first."""
    guards = [f"DROP TRIGGER IF EXISTS events_append_only_{action}" for action in ("update", "delete")]
    sql(database, *guards, *statements)


@pytest.fixture
def path_without_fonts(tmp_path: Path) -> str:
    """Programs without fontconfig, as in a container: which fonts this machine has is no matter of these tests."""
    programs = tmp_path / "bin"
    programs.mkdir()
    git = shutil.which("git")
    assert git
    (programs / "git").symlink_to(git)
    return str(programs)


# The command line, as a person uses it


def test_before_the_first_run_it_says_how_to_begin_and_makes_nothing(tmp_path: Path, path_without_fonts: str):
    empty = tmp_path / "data"
    said = command_line(empty)("doctor", code=1, PATH=path_without_fonts).stdout
    assert "! Kết nối: chưa có cơ sở dữ liệu" in said and "→ cchc migrate" in said
    assert "✗" not in said
    assert not empty.exists()


def test_following_its_advice_makes_an_installation_well(
    cchc: Cchc, data: Path, tmp_path: Path, path_without_fonts: str
):
    def doctor(code: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = read_json(cchc("doctor", "--json", code=code, PATH=path_without_fonts))
        return found

    (data / "keys" / "private.pem").chmod(0o644)
    data.chmod(0o755)
    before = doctor(2)
    assert all(list(each) == FIELDS for each in before)
    fixes = [each["mend"] for each in before if each["state"] in ("warning", "failure")]
    assert all(bool(each["mend"]) == (each["state"] in ("warning", "failure")) for each in before)
    for fix in fixes:
        program, *arguments = fix.split()
        if program == "chmod":
            subprocess.run([program, *arguments], check=True)
        else:
            assert program == "cchc"
            cchc(*[calendar_file(tmp_path, each) if each.startswith("TỆP-") else each for each in arguments])
    for reader in ("scoring", "notifications"):  # which `cchc run` would have read meanwhile
        cchc("rebuild", reader)
    after = doctor(0)
    assert {each["state"] for each in after} == {"ok", "not_applicable"}
    shown = cchc("doctor", PATH=path_without_fonts).stdout
    assert "  ✓ Lịch làm việc: 1 xã có lịch" in shown and "→" not in shown


def calendar_file(folder: Path, name: str) -> str:
    file = folder / name
    year = int(file.stem.removeprefix("TỆP-"))
    file.write_text(json.dumps({"year": year, "days_off": [], "working_weekends": []}), "utf-8")
    return str(file)


def test_what_it_says_to_type_can_be_typed():
    """Every `cchc …` of the texts, whichever check says it."""
    sources = [*Path(machine.__file__).parent.glob("*.py"), Path(progress.__file__)]
    said = {
        command
        for file in sources
        for command in re.findall(r"cchc( [a-z]+(?:-[a-z]+)*(?: [^\"',;:()]*)?)", file.read_text("utf-8"))
    }
    known = {command for command in said if command.split()[0] in COMMANDS}
    assert len(known) >= 8
    for words in map(str.split, known):
        command = cli.get_command(Context(cli), words[0])
        options = {name for parameter in command.params for name in parameter.opts} if command else set()
        if isinstance(command, Group):
            inner = command.get_command(Context(command), words[1])
            assert inner, words
            options |= {name for parameter in inner.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, words


def test_a_check_that_breaks_or_hangs_is_its_own_finding_and_the_others_go_on(data: Path):
    def breaks(_: Installation) -> Iterator[Finding]:
        yield ok("nửa đầu")
        raise ValueError("hỏng ở đây")

    def ends_the_program(_: Installation) -> Iterator[Finding]:
        raise SystemExit(2)

    def hangs(_: Installation) -> Iterator[Finding]:
        yield failure("thấy trước khi treo", "sửa")
        threading.Event().wait(60)

    def checks_in_order(*looks: Any) -> list[Check]:
        return [Check(str(number), "", "", look) for number, look in enumerate(looks)]

    checks = [*checks_in_order(breaks, ends_the_program, hangs), Check("last", "", "", lambda _: [ok("đến lượt")])]
    rests = Check("rests", "", "", lambda _: [ok("không được hỏi")], ("last", "0"))
    found = _run(Installation(settings_of(data)), *checks, rests, limit_s=0.5)
    assert [(each.check, each.state) for each in found] == [
        ("0", "ok"),
        ("0", "failure"),
        ("1", "failure"),
        ("2", "failure"),
        ("2", "failure"),
        ("last", "ok"),
        ("rests", "not_applicable"),
    ]
    assert "ValueError: hỏng ở đây" in found[1].detail
    assert "không xong trong 0.5 giây" in found[4].detail
    assert exit_code(found) == 2


@pytest.mark.parametrize(("states", "code"), [([], 0), (["ok", "not_applicable"], 0), (["ok", "warning"], 1)])
def test_the_exit_code_is_that_of_the_worst(states: list[Any], code: int):
    assert exit_code([Result("", "", "", state, "", None) for state in states]) == code


def test_each_check_has_an_id_of_its_own_and_rests_on_earlier_ones():
    ids = [check.id for check in every_check()]
    assert len(set(ids)) == len(ids)
    for number, check in enumerate(every_check()):
        assert set(check.needs) <= set(ids[:number])


# The machine


def test_packages_outside_their_bounds(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed = tmp_path / "cchc-9.dist-info"
    installed.mkdir()
    wanted = "Requires-Dist: click>=99\nRequires-Dist: kein-paket\nRequires-Dist: pytest>=99; extra == 'test'\n"
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cchc\nVersion: 9\n{wanted}")
    monkeypatch.syspath_prepend(tmp_path)
    found = found_by("python", data)
    assert [each.state for each in found] == ["failure", "failure"]
    assert "click" in found[0].detail and found[1].detail == "thiếu gói kein-paket"
    assert found[0].fix == "pip install --require-hashes -r requirements.txt"


def test_kafka_without_crc32c(data: Path, monkeypatch: pytest.MonkeyPatch):
    assert found_by("crc32c", data)[0].state == "not_applicable"
    assert found_by("crc32c", data, CCHC_KAFKA="127.0.0.1:1")[0].state == "ok"
    monkeypatch.setitem(sys.modules, "crc32c", None)
    [found] = found_by("crc32c", data, CCHC_KAFKA="127.0.0.1:1")
    assert (found.state, found.fix) == ("warning", "pip install 'kafka-python[crc32c]'")


def test_a_machine_without_time_zones(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tzdata", None)
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        [found] = found_by("time-zones", data)
    finally:
        zoneinfo.reset_tzpath()
    assert (found.state, found.fix) == ("warning", "pip install tzdata")


@pytest.mark.parametrize(
    ("total", "free", "state"),
    [
        (2000, 10, "ok"),  # 0.5 %, but enough for years of evidence
        (2000, 4, "warning"),
        (2000, 0.9, "failure"),
        (10, 2, "ok"),
        (10, 1, "warning"),
        (10, 0.4, "failure"),
    ],
)
def test_a_disk_that_fills(data: Path, monkeypatch: pytest.MonkeyPatch, total: float, free: float, state: str):
    usage = SimpleNamespace(total=total * machine.GIB, free=free * machine.GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    [found] = found_by("disk", data)
    assert (found.state, bool(found.fix)) == (state, state != "ok")


def test_a_machine_with_little_memory(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "WARN_MEMORY", 2**60)
    [found] = found_by("memory", data)
    assert found.state == "warning" and found.fix and "ps -eo rss" in found.fix


@pytest.mark.parametrize(
    ("families", "state"),
    [("DejaVu Sans", "warning"), ("Tinos,Tinos Bold\nDejaVu Sans", "ok"), (None, "not_applicable")],
)
def test_fonts_to_print_with(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, families: str | None, state: str
):
    if families:
        (tmp_path / "fc-list").write_text(f"#!/bin/sh\nprintf '%s\\n' '{families}'\n")
        (tmp_path / "fc-list").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found_by("fonts", data)[0].state == state


# Secrets


def _weaken(data: Path) -> None:
    (data / "keys" / "private.pem").chmod(0o644)


def _forget_public(data: Path) -> None:
    (data / "keys" / "public.json").unlink()
    generate_key(data / "other.pem", data / "keys" / "public.json")


def _lose_public(data: Path) -> None:
    (data / "keys" / "public.json").unlink()


def _age(data: Path) -> None:
    four_years_ago = time.time() - 4 * 365 * 86400
    os.utime(data / "keys" / "private.pem", (four_years_ago, four_years_ago))


def _spoil(data: Path) -> None:
    (data / "keys" / "private.pem").write_text("-----BEGIN PRIVATE KEY-----")


def _remove(data: Path) -> None:
    (data / "keys" / "private.pem").unlink()


@pytest.mark.parametrize(
    ("spoil", "state", "fix"),
    [
        (_weaken, "failure", "chmod 600 "),
        (_forget_public, "failure", "cchc migrate"),
        (_lose_public, "failure", "cchc migrate"),
        (_age, "warning", "cchc token"),
        (_spoil, "failure", "bản sao lưu"),
        (_remove, "warning", "cchc migrate"),
    ],
)
def test_the_key_that_tokens_are_made_with(data: Path, spoil: Callable[[Path], None], state: str, fix: str):
    assert [each.state for each in found_by("signing-key", data)] == ["ok"]
    spoil(data)
    found = next(each for each in found_by("signing-key", data) if each.state != "ok")
    assert found.state == state and fix in str(found.fix)


def test_the_key_that_logs_are_signed_with(data: Path, cchc: Cchc):
    [found] = found_by("checkpoint-key", data)
    assert (found.state, found.fix) == ("warning", "cchc checkpoint key")
    cchc("checkpoint", "key")
    [found] = found_by("checkpoint-key", data)
    assert found.state == "ok"
    shutil.rmtree(data / "keys" / "checkpoints")
    [found] = found_by("checkpoint-key", data)
    assert (found.state, found.fix) == ("failure", "cchc checkpoint key")
    (data / "keys" / "checkpoint.pem").chmod(0o640)
    assert found_by("checkpoint-key", data)[0].fix == f"chmod 600 {data}/keys/checkpoint.pem"


def test_data_within_a_repository(tmp_path: Path):
    data = tmp_path / "repository" / "data"
    data.mkdir(parents=True)
    assert found_by("repository", data)[0].state == "ok"
    subprocess.run(["git", "init", "--quiet", str(data.parent)], check=True)
    [found] = found_by("repository", data)
    assert found.state == "failure" and found.fix
    subprocess.run(found.fix.partition("hoặc: ")[2], shell=True, check=True)  # noqa: S602 - as a person types it
    assert found_by("repository", data)[0].state == "ok"


# Databases


def test_a_database_that_is_not_migrated_and_what_rests_on_it(cchc: Cchc, data: Path):
    (data / "scoring.db").unlink()
    sql(data / "scoring.db", "CREATE TABLE t (x)")
    found = read_json(cchc("doctor", "--json", code=2))
    migrations = [each for each in found if each["check"] == "migrations"]
    assert [(each["state"], each["mend"]) for each in migrations] == [("failure", "cchc migrate"), ("ok", None)]
    assert "scoring: chưa có bảng nào" in migrations[0]["detail"]
    [rests] = [each for each in found if each["check"] == "chain-tail"]
    assert rests["state"] == "not_applicable" and "Lược đồ" in rests["detail"]
    cchc("migrate")
    assert [each.state for each in found_by("migrations", data)] == ["ok"]


def test_a_database_of_a_later_release(data: Path):
    sql(data / "tasks.db", "UPDATE alembic_version SET version_num = '9999'")
    assert found_by("migrations", data)[0].fix == "cập nhật cchc"


def test_a_database_file_that_is_gone_is_not_made_anew(cchc: Cchc, data: Path):
    (data / "tasks.db").unlink()
    said = cchc("doctor", code=2).stdout
    assert f"không còn {data / 'tasks.db'}" in said and "bản sao lưu" in said
    assert not (data / "tasks.db").exists()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql+psycopg://x:secret@127.0.0.1:1/none", "không trả lời"),
        ("no address", "không có địa chỉ đúng dạng"),
    ],
)
def test_a_database_that_is_away(cchc: Cchc, address: str, says: str):
    done = cchc("doctor", code=2, CCHC_DATABASE_SCORING=address)
    assert says in done.stdout and "sửa CCHC_DATABASE_SCORING" in done.stdout
    assert "secret" not in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_a_damaged_file(data: Path):
    file = data / "tasks.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as pages:
        pages.seek(file.stat().st_size // 2)
        pages.write(b"\xff" * 8192)
    found = found_by("sqlite", data)
    assert found[0].state == "failure" and "cchc verify" in str(found[0].fix)


def test_data_that_other_users_read(data: Path):
    assert [each.state for each in found_by("sqlite", data)] == ["ok"]
    data.chmod(0o755)
    assert found_by("sqlite", data)[0].fix == f"chmod 700 {data}"


def test_a_new_data_folder_is_its_owners_alone(tmp_path: Path):
    command_line(tmp_path / "new")("migrate")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


# Logs


def test_a_clock_behind_the_logs(data: Path):
    assert found_by("clock", data)[0].state == "ok"
    found = found_by("clock", data, now=datetime(2024, 12, 1, tzinfo=UTC))
    assert [(each.state, each.fix) for each in found] == [("failure", "timedatectl set-ntp true")] * len(SERVICES)
    with closing(Installation(settings_of(data))) as installation:
        newest = max(datetime.fromisoformat(own_log(installation, service).head(COMMUNE).time) for service in SERVICES)
    assert found_by("clock", data, now=newest - timedelta(minutes=1))[0].state == "warning"
    assert found_by("clock", data, now=newest - timedelta(seconds=3))[0].state == "ok"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events)", "nhật ký kết thúc ở"),
        ("DELETE FROM events WHERE position = (SELECT max(position) - 3 FROM events)", "có vị trí"),
        ("UPDATE events SET body = replace(body, 'staff/', 'stuff/') WHERE position = 479", "dưới dạng byte"),
        ("UPDATE events SET body = CAST(replace(body, '20', '21') AS BLOB) WHERE position = 479", "previoushash"),
    ],
)
def test_an_end_that_was_changed(data: Path, change: str, says: str):
    assert found_by("chain-tail", data)[0].state == "ok"
    without_guard(data / "tasks.db", change)
    [found] = found_by("chain-tail", data)
    assert (found.state, found.fix) == ("failure", "cchc verify")
    assert f"tasks/{COMMUNE}" in found.detail and says in found.detail


def park(data: Path) -> None:
    sql(data / "scoring.db", "UPDATE positions SET parked = 'không đọc được', position = 470 WHERE source = 'tasks'")


def test_a_projection_that_is_parked(data: Path, cchc: Cchc):
    park(data)
    [found] = found_by("stopped", data)
    assert found.state == "failure" and f"tasks/{COMMUNE} ở sự kiện 471: không đọc được" in found.detail
    assert found.fix and found.fix.endswith(f"cchc rebuild scoring --commune {COMMUNE}")
    assert found_by("unread", data)[0].state == "ok"  # it is not slow, it has stopped
    cchc(*found.fix.partition("cchc rebuild")[2].split(), code=2)
    cchc("rebuild", "scoring", "--commune", COMMUNE)
    assert found_by("stopped", data)[0].state == "ok"


def test_a_projection_that_is_behind(data: Path):
    sql(data / "scoring.db", "UPDATE positions SET position = 470 WHERE source = 'tasks'")
    [found] = found_by("unread", data)
    assert (found.state, found.fix) == ("failure", "cchc work scoring")
    assert "scoring chưa đọc 11 sự kiện của tasks" in found.detail and COMMUNE in found.detail


def test_a_broken_replica(data: Path):
    sql(data / "tasks.db", "UPDATE heads SET broken = 'băm khác'")
    found = found_by("stopped", data)
    assert {each.state for each in found} == {"failure"}
    assert found[0].fix and "--from-kafka" in found[0].fix


def test_calendars_that_are_not_published(data: Path):
    def calendars(month: int) -> list[Finding]:
        return found_by("calendars", data, now=datetime(2024, month, 15, tzinfo=UTC))

    assert [each.state for each in calendars(10)] == ["ok"]
    [found] = calendars(11)
    assert found.state == "warning" and "2025" in found.detail
    assert found.fix == f"cchc calendar publish TỆP-2025.json --revision vn-2025-r1 --commune {COMMUNE}"
    close(data)
    assert [each.state for each in calendars(11)] == ["not_applicable"]


def close(data: Path) -> None:
    closed = CommuneClosed(on=AFTER.date(), successors=["thanh-binh"], legal_basis="Nghị quyết")
    installation = Installation(settings_of(data))
    installation.tasks.log.append(COMMUNE, lambda _: Decision([closed]), actor="operator/test")
    installation.close()


# Outside


def test_the_mail_server(data: Path):
    sender: dict[str, Any] = {
        "CCHC_MAIL_FROM": "UBND xã <vanphong@example.org>",
        "CCHC_LINK_BASE": "https://cchc.example",
    }
    assert found_by("mail", data)[0].state == "not_applicable"
    with smtp_server() as postbox:
        address = f"smtp://127.0.0.1:{postbox.port}"
        assert [each.state for each in found_by("mail", data, CCHC_SMTP=address, **sender)] == ["ok"]
        assert [each.state for each in found_by("mail", data, CCHC_SMTP=address)] == ["failure", "warning", "ok"]
        assert postbox.raw == []
    [away] = found_by("mail", data, CCHC_SMTP=address, **sender)
    assert away.state == "failure" and f"127.0.0.1:{postbox.port} không trả lời" in away.detail
    assert found_by("mail", data, CCHC_SMTP="mail")[0].state == "failure"


@pytest.mark.parametrize(
    ("origin", "state"),
    [
        ("https://cchc.example", "ok"),
        ("http://127.0.0.1:8080", "ok"),
        ("http://cchc.example", "warning"),
        ("cchc.example", "failure"),
        ("", "not_applicable"),
    ],
)
def test_the_address_that_browsers_use(data: Path, origin: str, state: str):
    assert found_by("origin", data, CCHC_ORIGIN=origin)[0].state == state


# The status


def test_the_status_shows_what_is_not_well_and_what_mends_it(cchc: Cchc, data: Path):
    well = cchc("status")
    assert (well.stdout, well.stderr) == ("", "1 xã, 3 nhật ký: 1 xã ổn, 0 xã chậm, 0 xã dừng.\n")
    assert len(cchc("status", "--all").stdout.splitlines()) == len(SERVICES)
    sql(data / "notifications.db", "UPDATE positions SET position = 470 WHERE source = 'tasks'")
    behind = cchc("status")
    assert behind.stdout.startswith(f"! tasks/{COMMUNE}: notifications chưa đọc 11 sự kiện, từ ")
    assert "→ cchc work notifications" in behind.stdout and "1 xã chậm" in behind.stderr
    park(data)
    stopped = cchc("status", "--commune", COMMUNE, code=1)
    assert f"✗ tasks/{COMMUNE}: scoring dừng đọc ở sự kiện 471 (ghi lúc " in stopped.stdout
    assert "không đọc được" in stopped.stdout and "1 xã dừng" in stopped.stderr
    [row] = [each for each in read_json(cchc("status", "--json", code=1)) if each["service"] == "tasks"]
    assert row["stopped"] == "không đọc được"
    assert [(each["reader"], each["what"], each["position"]) for each in row["stops"]] == [("scoring", "parked", 471)]
    lacking = {each["what"]: each["events"] for each in row["behind"]}
    assert lacking == {"folded_by_scoring": 11, "folded_by_notifications": 11}


def test_the_status_of_a_commune_that_is_not_there(cchc: Cchc):
    assert COMMUNE in cchc("status", "--commune", "khong-co", code=2).stderr
