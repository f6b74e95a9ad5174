"""An operator's commands leave rows; `cchc journal` shows them; an audit bundle carries them; a restore keeps them."""

import json
import os
import pwd
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cchc.cli import cli
from cchc.installation import Installation
from shared import journal as journals
from tests.scenario.conftest import Cchc, command_line, settings_of

COMMUNE = "xa-moi"
ROSTER = Path(__file__).parents[2] / "demo" / "data" / "danh-sach-can-bo-2024.xlsx"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cchc(data: Path) -> Cchc:
    run = command_line(data)
    run("migrate")
    run("commune", "open", COMMUNE, "--name", "xã Mới", "--code", "20878", "--valid-from", "2024-01-01")
    return run


def journal(cchc: Cchc, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cchc("journal", *options, "--json").stdout)
    return found


def kinds_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["row"]["kind"] for row in rows]


# What each command leaves; a reason where it leaves nothing.
READS, EVENTS = "reads what people see anyway", "records events"
COMMANDS: dict[str, set[str] | str] = {
    "run": {"schema.migrated", "sign_in.issued"},
    "serve": "what it serves leaves its own rows",
    "work": "what it does unasked are events",
    "databases": "makes the databases that a journal will be in",
    "migrate": {"schema.migrated"},
    "secrets": "makes the keys before there is a database: key.used says when each is used first",
    "demo": "lives its year by ordinary commands, which leave theirs",
    "commune open": EVENTS,
    "commune list": READS,
    "commune close": EVENTS,
    "commune settings": EVENTS,
    "commune roles": EVENTS,
    "commune merge": {"person.saved", "unit.named", "evidence.stored"},
    "import": {"upload.kept", "person.saved", "unit.named"},
    "person erase": {"person.erased", "uploads.erased", "slips.erased", "address.erased"},
    "token": {"token.minted", "sign_in.issued", "key.used"},
    "verify": READS,
    "checkpoint sign": {"key.used"},
    "checkpoint list": READS,
    "checkpoint export": READS,
    "checkpoint key": READS,
    "audit-bundle": {"bundle.made"},
    "journal": READS,
    "rebuild": {"records.rebuilt"},
    "rating show": READS,
    "rating explain": READS,
    "rating diff": READS,
    "rating recheck": READS,
    "status": READS,
    "doctor": READS,
    "topics": "makes topics in Kafka, which holds its own record of them",
    "export-log": {"log.exported"},
    "import-log": {"log.imported"},
    "asyncapi": READS,
    "openapi": READS,
    "backup": {"backup.taken"},
    "restore": {"backup.restored", "journal.left", "tail.taken"},
    "slip": EVENTS,
}
# Groups whose commands all read or record events.
GROUPS = {"report": READS, "remind": READS, "calendar": EVENTS}


def leaves(group: click.Group, before: str = "") -> Iterator[str]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from leaves(command, f"{before}{name} ")
            else:
                yield before + name


def test_every_command_says_what_it_leaves():
    commands = {name for name in leaves(cli) if name.partition(" ")[0] not in GROUPS}
    assert commands == COMMANDS.keys()


def test_what_an_operator_does_is_shown_with_their_account(cchc: Cchc, data: Path, tmp_path: Path):
    cchc("import", "roster", str(ROSTER), "--confirm")
    cchc("token", "--staff", "p13")
    cchc("token", "--staff", "p13", "--link")
    cchc("rebuild", "tasks")
    exported = tmp_path / "tasks.jsonl"
    exported.write_text(cchc("export-log", "tasks").stdout)
    cchc("backup", str(tmp_path / "b.zip"))
    rows = journal(cchc)
    left = set().union(*(kinds for name, kinds in COMMANDS.items() if isinstance(kinds, set) and name in DONE))
    assert set(kinds_of(rows)) == left
    account = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    assert {(row["row"]["actor"], row["row"]["from"]) for row in rows} == {("operator/cchc", account)}
    keys = journal(cchc, "--kind", "key.used")
    assert [(row["service"], row["row"]["detail"]) for row in keys] == [("tasks", {"for": "tokens"})], "once"
    minted = journal(cchc, "--kind", "token.minted")
    assert [(row["row"]["about"], row["row"]["detail"]["hours"]) for row in minted] == [(["staff/p13"], 8)]
    assert journal(cchc, "--to", "2020-01-01") == []
    assert "Cấp mã truy cập" in cchc("journal", "--limit", "50").stdout
    assert "nguyên vẹn" in cchc("journal", "--verify").stdout


def test_rows_of_somebody_are_found_by_their_code_and_none_is_said(cchc: Cchc, data: Path):
    cchc("import", "roster", str(ROSTER), "--confirm")
    note(data, "staff/p13")
    for typed in ("p13", "P13", "staff/p13"):
        assert [row["row"]["actor"] for row in journal(cchc, "--actor", typed)] == ["staff/p13"]
    assert "lần thứ 10 trong giờ" in cchc("journal", "--actor", "p13").stdout
    assert "Từ chối yêu cầu: Không có quyền" in cchc("journal", "--actor", "p13").stdout
    unknown = cchc("journal", "--actor", "p99")
    assert unknown.stdout == "" and "p99" in unknown.stderr and "Không có cán bộ" in unknown.stderr
    for options in (("--actor", "p14"), ("--actor", "operator/ai"), ("--to", "2020-01-01")):
        nothing = cchc("journal", *options)
        assert nothing.stdout == "" and "Không có dòng nào" in nothing.stderr


def note(data: Path, actor: str) -> None:
    """A request of this person that was refused, for the tenth time within an hour."""
    installation = Installation(settings_of(data))
    detail: dict[str, str | int] = {"status": 403, "code": "role", "times": 10}
    journals.note(installation.engine("tasks"), COMMUNE, journals.kinds.REQUEST_REFUSED, (), detail, actor=actor)
    installation.close()


DONE = {"migrate", "import", "token", "rebuild", "export-log", "backup"}


def test_a_changed_row_is_found(cchc: Cchc, data: Path):
    cchc("token", "--operator", "an", "--commune", COMMUNE)
    cchc("token", "--operator", "an", "--commune", COMMUNE)
    with sqlite3.connect(data / "tasks.db") as store:
        store.execute("DROP TRIGGER journal_insert_only_update")
        store.execute("UPDATE journal SET body = CAST(replace(body, 'operator/an', 'operator/bo') AS BLOB)")
    store.close()
    verified = cchc("journal", "--verify", code=1)
    assert f"tasks/{COMMUNE}: dòng 2 không khớp" in verified.stdout


@pytest.mark.parametrize("change", ["replace(body, 'operator/an', 'operator/bo')", "'{}'"], ids=["another", "garbage"])
def test_the_doctor_looks_at_the_journals(cchc: Cchc, data: Path, change: str):
    for _ in range(2):  # the last row of a chain is held by nothing that follows
        cchc("token", "--operator", "an", "--commune", COMMUNE)
    found = {each["check"]: each for each in json.loads(cchc("doctor", "--json", code=1).stdout)}
    assert found["journal"]["state"] == "ok"
    with sqlite3.connect(data / "tasks.db") as store:
        store.execute("DROP TRIGGER journal_insert_only_update")
        store.execute(f"UPDATE journal SET body = CAST({change} AS BLOB)")
    store.close()
    cchc("journal", "--verify", code=1)
    found = {each["check"]: each for each in json.loads(cchc("doctor", "--json", code=2).stdout)}
    assert found["journal"]["state"] == "failure" and found["journal"]["mend"] == "cchc journal --verify"


def test_a_new_key_shows_when_it_is_used_first(cchc: Cchc, data: Path):
    for _ in range(2):
        cchc("token", "--operator", "an")
        cchc("checkpoint", "sign")
    (data / "keys" / "private.pem").unlink()
    (data / "keys" / "checkpoint.pem").unlink()
    cchc("token", "--operator", "an")
    cchc("token", "--operator", "an", "--commune", COMMUNE)
    cchc("checkpoint", "sign")
    used = [row["row"] for row in journal(cchc, "--kind", "key.used")]
    keys = [row["about"][0] for row in used]
    uses = [row["detail"]["for"] for row in used]
    assert uses.count("tokens") == 2 and len(set(keys)) == 4 and uses.count("checkpoints") == 6, "each in each service"


@pytest.mark.parametrize("command", [("token", "--operator", "an"), ("journal", "--verify"), ("status",)])
def test_an_empty_folder_is_told_what_it_lacks(tmp_path: Path, command: tuple[str, ...]):
    refused = command_line(tmp_path / "empty")(*command, code=3).stderr
    assert "Chạy cchc migrate" in refused and "no such table" not in refused


def test_a_restore_says_where_another_journal_is_left(cchc: Cchc, data: Path, tmp_path: Path):
    """The machine was lost, and its backup lived on elsewhere: what either did stays to be found."""
    cchc("backup", str(tmp_path / "old.zip"))
    cchc("token", "--operator", "an", "--commune", COMMUNE)
    cchc("backup", str(tmp_path / "new.zip"))
    cchc("restore", str(tmp_path / "old.zip"), "--without", "tasks")
    restored = journal(cchc, "--kind", "backup.restored")
    assert {row["service"]: row["row"]["detail"]["journal"] for row in restored} == {
        "tasks": "of the backup",
        "scoring": "of before",
        "notifications": "of before",
    }
    cchc("token", "--operator", "bo", "--commune", COMMUNE)
    before = [row for row in journal(cchc, "--commune", COMMUNE) if row["service"] == "tasks"]
    said = cchc("restore", str(tmp_path / "new.zip"))
    assert f"sổ truy vết tasks/{COMMUNE} khác bản sao lưu" in said.stderr
    left = [row["row"] for row in journal(cchc, "--kind", "journal.left") if row["row"]["commune"] == COMMUNE]
    [row] = left
    assert row["detail"]["aside_rows"] == max(each["row"]["number"] for each in before if each["row"]["commune"] != "*")
    assert "nguyên vẹn" in cchc("journal", "--verify").stdout


def test_a_restore_does_not_take_rows_away(cchc: Cchc, tmp_path: Path):
    cchc("backup", str(tmp_path / "old.zip"))
    cchc("token", "--operator", "an", "--commune", COMMUNE)
    before = journal(cchc)
    cchc("restore", str(tmp_path / "old.zip"))
    after = journal(cchc)
    assert [row for row in after if row["row"]["kind"] != "backup.restored"] == before
    assert kinds_of(after).count("backup.restored") == 3
    assert "nguyên vẹn" in cchc("journal", "--verify").stdout


def test_a_bundle_carries_the_journals_and_its_program_checks_them(lived_year: Path, tmp_path: Path):
    import shutil

    data = Path(shutil.copytree(lived_year, tmp_path / "data"))
    cchc = command_line(data)
    cchc("token", "--staff", "p14")
    cchc("audit-bundle", "--year", "2024", "-o", str(tmp_path / "b.zip"))
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        archive.extractall(tmp_path / "b")
    rows = [json.loads(line) for line in (tmp_path / "b" / "journal" / "tasks.jsonl").read_text().splitlines()]
    assert "token.minted" in {row["kind"] for row in rows}

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-I", "verify_journal.py"],
            cwd=tmp_path / "b",
            capture_output=True,
            text=True,
            check=False,
        )

    assert check().returncode == 0, check().stdout
    file = tmp_path / "b" / "journal" / "tasks.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    assert check().returncode == 1 and "journal/tasks.jsonl" in check().stdout
    assert kinds_of(journal(cchc, "--kind", "bundle.made")) == ["bundle.made"]
