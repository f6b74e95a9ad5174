"""Reports over HTTP: as JSON and as workbooks, as of any moment, and who may read what."""

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from shared.eventlog import Decision
from shared.events import RatingsPublished
from tests.integration.test_scoring_api import BASE, World, history
from tests.support.histories import COMMUNE, appointed, assigned, completed, reported
from tests.unit.scoring.test_reports import issued, item

YEAR = f"{BASE}/years/2024/reports"
PERSONAL = [
    f"{YEAR}/people",
    f"{YEAR}/units",
    f"{YEAR}/fields",
    f"{BASE}/reports/directives",
    f"{BASE}/reports/directives/d1",
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.hold(
        history()
        .record(
            "4/10",
            issued(on="4/10"),
            appointed("p80", category="dau_moi", rated=False, roles=["supervisor"]),
            *(appointed(f"p2{number}") for number in range(5)),
            assigned("t3", lead="p20", due="30/11", directive="d1", item=item("1"), title="=Báo cáo quý IV"),
            assigned("t4", lead="p20", due="30/11", directive="d1", item=item("2")),
        )
        .record("1/11", reported("t3", on="1/11"))
        .record("2/11", completed("t3", on="1/11"))
    )
    yield world
    world.scoring.engine.dispose()


def lines(answer: Any, sheet: int = 0) -> list[list[Any]]:
    """The table of a workbook's sheet below its headings, headings first."""
    assert answer.status_code == 200, answer.data
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    found = book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    return found[next(number for number, line in enumerate(found) if not any(line)) + 1 :]


def test_the_people_report_in_both_forms_holds_the_same_numbers(world: World):
    report = world.get(f"{YEAR}/people").json["result"]
    head, *rows = lines(world.get(f"{YEAR}/people", format="xlsx"))
    at = {heading: number for number, heading in enumerate(head)}
    by_staff = {row[0]: row for row in rows}
    assert by_staff.keys() >= {person["rating"]["staff"] for person in report["people"]}
    for person in report["people"]:
        row, tasks = by_staff[person["rating"]["staff"]], person["tasks"]
        assert row[at["Mức xếp loại"]] == person["rating"]["level_text"]
        named = {"Nhiệm vụ": "tasks", "Hoàn thành trễ": "late", "Quá hạn chưa xong": "undone"}
        assert {heading: row[at[heading]] for heading in named} == {h: tasks[name] for h, name in named.items()}
    assert by_staff["p07"][at["Tỷ lệ không đạt"]] == 0.5
    assert by_staff["Cộng"][at["Nhiệm vụ"]] == report["total"]["tasks"]


def test_units_and_fields_in_both_forms_hold_the_same_numbers(world: World):
    units = world.get(f"{YEAR}/units").json["result"]["units"]
    _, *rows = lines(world.get(f"{YEAR}/units", format="xlsx"))
    assert [(row[0], row[1]) for row in rows[:-1]] == [(unit["unit"], unit["people"]) for unit in units]
    fields = world.get(f"{YEAR}/fields").json["result"]["fields"]
    head, *rows = lines(world.get(f"{YEAR}/fields", format="xlsx"))
    late = head.index("Hoàn thành trễ")
    assert [row[late] for row in rows[:-1]] == [field["tasks"]["late"] for field in fields]


def test_a_directives_progress_in_both_forms(world: World):
    report = world.get(f"{BASE}/reports/directives/d1").json["result"]
    assert [(task["no"], task["state"], task["undone"]) for task in report["tasks"]] == [
        ("1", "completed", False),
        ("2", "undone", True),
    ]
    counts = report["directive"]["tasks"]
    assert (counts["tasks"], counts["in_time"], counts["undone"]) == (2, 1, 1)
    head, first, second = lines(world.get(f"{BASE}/reports/directives/d1", format="xlsx"))
    at = {heading: number for number, heading in enumerate(head)}
    assert first[at["Nhiệm vụ"]] == "=Báo cáo quý IV"
    assert (first[at["Hạn"]], first[at["Ngày hoàn thành"]]) == (date(2024, 11, 30), date(2024, 11, 1))
    assert (second[at["Quá hạn chưa xong"]], second[at["Ngày hoàn thành"]]) == ("x", "")
    listed = world.get(f"{BASE}/reports/directives").json["result"]["directives"]
    assert listed == [report["directive"]]


def test_an_unknown_directive_is_not_found(world: World):
    answer = world.get(f"{BASE}/reports/directives/d9")
    assert (answer.status_code, answer.json["code"]) == (404, "directive-unknown")


def test_a_workbook_says_what_it_was_computed_from_and_is_the_same_each_time(world: World):
    asked = {"as_of": "2024-12-01"}
    pins = world.get(f"{YEAR}/people", **asked).json["inputs"]
    first, again = (world.get(f"{YEAR}/people", format="xlsx", **asked) for _ in range(2))
    assert first.data == again.data
    book = CalamineWorkbook.from_filelike(io.BytesIO(first.data)).get_sheet_by_index(0).to_python()
    about: dict[Any, Any] = {line[0]: line[1] for line in book[1:5]}
    assert about["Xã"] == "xã Tiên Cảnh" and about["Năm"] == 2024 and about["Tính đến ngày"] == date(2024, 12, 1)
    assert [f"#{pin['position']} {pin['hash'][:12]}" in about["Căn cứ"] for pin in pins] == [True, True]
    assert "bao-cao-people-2024.xlsx" in first.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (XLSX, XLSX),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_the_form_is_what_accept_asks_for(world: World, accept: str, form: str):
    answer = world.get(f"{YEAR}/fields", as_=world.auth("staff/p14", "office") | {"Accept": accept})
    assert answer.content_type == form
    assert "Accept" in answer.headers["Vary"]


def test_an_unknown_form_is_refused(world: World):
    answer = world.get(f"{YEAR}/fields", format="pdf")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize("path", [*PERSONAL, f"{YEAR}/aggregates"])
def test_a_report_as_of_then_is_the_same_bytes_by_its_positions(world: World, path: str):
    then = world.get(path, as_of="2024-11-01")
    assert then.json["evaluated_on"] == "2024-11-01"
    positions = ",".join(f"{pin['source']}:{pin['position']}" for pin in then.json["inputs"])
    assert world.get(path, positions=positions, on="2024-11-01").data == then.data
    assert world.get(path).data != then.data


@pytest.mark.parametrize("path", PERSONAL)
def test_reports_that_name_people_are_for_those_who_follow_up_and_inspect(world: World, path: str):
    allowed = {"office": "p14", "chair": "p01", "vice_chair": "p03"}
    assert {
        role: world.get(path, as_=world.auth(f"staff/{who}", role)).status_code for role, who in allowed.items()
    } == dict.fromkeys(allowed, 200)
    refused = {"supervisor": "p80", "staff": "p07"}
    for role, who in refused.items():
        answer = world.get(path, as_=world.auth(f"staff/{who}", role))
        assert (answer.status_code, answer.json["code"]) == (403, "role")


@pytest.mark.parametrize("form", ["json", "xlsx"])
def test_supervisors_read_aggregates_in_which_nobody_is_named(world: World, form: str):
    said = RatingsPublished(year=2024, on=date(2024, 12, 20))
    world.scoring.logs["scoring"].append(COMMUNE, lambda _: Decision([said]), actor="staff/p14")
    answer = world.get(f"{YEAR}/aggregates", as_=world.auth("staff/p80", "supervisor"), format=form)
    assert answer.status_code == 200
    if form == "json":
        text = answer.data.decode()
        assert answer.json["result"]["levels"]["can_xem_xet"] > 0
    else:
        book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
        text = "\n".join(str(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names)
    assert not re.findall(r"\bp\d\d\b", text)
    assert "Nhiệm vụ t" not in text


def test_nobody_else_reads_aggregates(world: World):
    answer = world.get(f"{YEAR}/aggregates", as_=world.auth("staff/p07", "staff"))
    assert (answer.status_code, answer.json["code"]) == (403, "role")
