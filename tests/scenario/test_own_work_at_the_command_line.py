"""G18 at the command line: a file that somebody confirms leaves out the rows about them, and another confirms the same
file; who typed it is seen beside the sheets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cchc.cli import cli
from cchc.installation import Installation
from demo.year import COMMUNE
from services.tasks import views
from services.tasks.domain.staff import Post
from services.tasks.domain.task import Task
from shared.eventlog import reading, utcnow
from shared.events import format_time, local_day
from tests.integration.test_own_record import CONTENT, OFFICE
from tests.scenario.conftest import Cchc, read_json, settings_of
from tests.scenario.test_commune_command import shell

# The commands that name the person who answers for them (`--by`). No rating rests on what reminds.
NAME_THEIR_PERSON = {"import": "files, tried below", "urge": "reminds", "publish": "reminds", "slip": "reminds"}


@pytest.fixture
def cchc(data: Path) -> Cchc:
    return shell(data)


def commands(context: click.Context, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(context, command)
        elif command is not None:
            yield name, command


def states(data: Path, kind: str) -> dict[str, Any]:
    """The current states of a kind, by id."""
    installation = Installation(settings_of(data))
    with reading(installation.tasks.engine, COMMUNE) as connection:
        found = {each.subject.partition("/")[2]: each.state for each in views.all_of(connection, COMMUNE, kind)}
    installation.close()
    return found


def post(data: Path, staff: str) -> Post:
    found: Post | None = states(data, "staff")[staff].post_on(local_day(format_time(utcnow())))
    assert found is not None
    return found


def rows(cchc: Cchc, *arguments: str, code: int = 0) -> dict[str, Any]:
    return {row["label"]: row for row in read_json(cchc("import", *arguments, "--json", code=code))["rows"]}


def test_every_command_that_names_its_person_is_classified() -> None:
    context = click.Context(cli)
    named = {
        name for name, command in commands(context, cli) if any("--by" in option.opts for option in command.params)
    }
    assert named == NAME_THEIR_PERSON.keys()


def test_a_roster_changes_nothing_of_who_confirms_it(cchc: Cchc, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "danh-sach.csv"
    file.write_bytes(CONTENT)
    before = post(data, OFFICE)
    found = rows(cchc, "roster", str(file), "--by", OFFICE.upper(), "--confirm")
    assert found[OFFICE]["status"] == "waits" and OFFICE in found[OFFICE]["needs"][0]["text"]
    assert post(data, OFFICE) == before and post(data, "p16").tracker == "p17"
    assert "Cần người khác" not in cchc("import", "roster", str(file), "--by", "p01").stdout
    assert rows(cchc, "roster", str(file), "--by", "p01", "--confirm")[OFFICE]["status"] == "changed"
    assert post(data, OFFICE).tracker == "p16"
    # Whoever decides on the year sees it: who typed it, and from when.
    day = local_day(format_time(utcnow())).isoformat()
    asked = ("rating", "explain", OFFICE, "--year", "2026", "--as-of", day)
    explained = read_json(cchc(*asked, "--json"))
    [change] = [flag for flag in explained["flags"] if flag["text"].startswith("người theo dõi")]
    assert (change["kind"], change["event"]["actor"]) == ("judge_changed", "staff/p01")
    assert "người theo dõi: p03 → p16" in cchc(*asked).stdout


def test_an_annex_gives_no_task_to_who_confirms_it(cchc: Cchc, data: Path, tmp_path: Path) -> None:
    head = "STT;Nội dung công việc;Sản phẩm;Chủ trì;Phối hợp;Thời hạn;Hệ số"
    area = ";I. Công tác chỉ đạo, điều hành;;;;;"
    lines = (f"1;Việc mới của Văn phòng;Kế hoạch;{OFFICE};;28/6/2024;2", "2;Việc mới tư pháp;Kế hoạch;p16;;28/6/2024;2")
    file = tmp_path / "phu-luc.csv"
    file.write_bytes("\r\n".join((head, area, *lines)).encode("utf-8-sig"))

    def leads() -> list[str]:
        tasks: list[Task] = [task for task in states(data, "task").values() if task.title.startswith("Việc mới")]
        return sorted(task.lead for task in tasks)

    arguments = ("annex", str(file), "--directive", "01/CT-UBND", "--confirm")
    found = rows(cchc, *arguments, "--by", OFFICE)
    assert [row["status"] for row in found.values()] == ["waits", "new"] and leads() == ["p16"]
    assert "Chủ tịch" in found["1"]["questions"][-1]["text"]
    assert rows(cchc, *arguments, "--by", OFFICE)["1"]["status"] == "waits" and leads() == ["p16"]
    assert rows(cchc, *arguments, "--by", "p01")["1"]["status"] == "changed" and leads() == [OFFICE, "p16"]
