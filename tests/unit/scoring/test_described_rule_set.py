"""A rule set describes itself: one made-up folder, and its figures, criteria and words are on every output."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from cchc.cli import cli
from services.notifications.domain import fold as reminded
from services.notifications.domain.people import Post as Reminded
from services.notifications.domain.sheets import scored_by_period
from services.scoring.documents.sheet import sheet_page
from services.scoring.domain import rules
from services.scoring.domain.assessment import AssessCommon, assess_common
from services.scoring.domain.context import Context
from services.scoring.domain.differences import differences
from services.scoring.domain.periods import lines
from services.scoring.domain.reports import people_report
from services.scoring.domain.rules.description import DescriptionError, merged
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.sheet import explain, sheet
from services.scoring.domain.table import columns, table
from services.scoring.report_tables import xlsx
from services.scoring.views import Known
from shared.calendar import Period
from shared.events import CommonAssessed
from shared.law import law
from shared.refusal import Refused
from tests.support.histories import (
    History,
    appointed,
    assigned,
    common,
    completed,
    day,
    opened,
    period_common,
    reported,
    rule_set_chosen,
)

FOLDER = Path(__file__).parents[2] / "rule_sets"
NAME = "tinh_mau"
END = day("31/12")


@pytest.fixture(autouse=True)
def province() -> Iterator[None]:
    rules.use([FOLDER])
    yield
    rules.use([])


def style(period: str, points: str) -> CommonAssessed:
    return msgspec.structs.replace(period_common(period), items={"S": points})


def lived(rule_set: str = NAME) -> History:
    """p07 with one result in time and one late, rated by the rule set; p08, a Chairman, is rated by nd90 as ever."""
    return (
        History()
        .record("1/1", opened(), appointed("p07"), appointed("p08", category="can_bo", roles=["chair"]))
        .record("2/1", rule_set_chosen(rule_set))
        .record("14/6", assigned("t1", due="30/6"), assigned("t2", due="31/7"))
        .record("29/6", reported("t1", on="29/6"))
        .record("30/6", completed("t1", on="29/6"))
        .record("5/8", reported("t2", on="5/8"))
        .record("6/8", completed("t2", on="5/8"), style("2024-06", "17.5"), common(civility="A"))
    )


def test_the_sheet_shows_its_figures_levels_and_words() -> None:
    of = sheet(lived().records(), 2024, "p07", on=END)
    assert (of.rule_set, of.level) == (NAME, "khong_hoan_thanh")
    assert {name: of.shown[name] for name in ("in_time", "in_time_share", "civility", "score", "2024-06.done")} == {
        "in_time": "1",
        "in_time_share": "50,00 %",
        "civility": "Loại A",
        "score": "27,50",
        "2024-06.done": "10,00",
    }


def test_its_figures_unfold_to_tasks_parts_and_events() -> None:
    of = sheet(lived().records(), 2024, "p07", on=END)

    def unfolded(figure: str) -> tuple[str, list[str], list[str], list[str]]:
        found = explain(of, figure)
        return found.text, [task.task for task in found.tasks], found.parts, [event.what for event in found.events]

    assert unfolded("in_time") == ("Việc xong đúng hẹn", ["t1"], [], [])
    assert unfolded("civility") == ("Văn hóa công sở", [], [], ["common"])
    assert unfolded("score") == ("Điểm theo quy chế tỉnh", [], ["2024-06.score"], [])
    assert unfolded("2024-06.score") == (
        "Tháng 6/2024: Điểm kỳ của tỉnh",
        ["t1"],
        ["2024-06.done", "2024-06.style"],
        [],
    )


def test_the_table_has_its_columns_besides_those_of_the_decree() -> None:
    found = table(lived().records(), 2024, END)
    assert [figure.heading for figure in columns(found.rows)][-4:] == [
        "Việc xong",
        "Xong đúng hẹn",
        "Tỷ lệ đúng hẹn",
        "Điểm tỉnh",
    ]
    only = [row for row in found.rows if row.staff == "p07"]
    assert [figure.name for figure in columns(only)] == ["all_done", "in_time", "in_time_share", "score"]


def test_a_change_is_told_in_its_words() -> None:
    history = lived()
    later = [event for event in history.envelopes() if event.day > day("30/6")]
    found = differences(history.records("30/6"), 2024, "p07", day("30/6"), END, later)
    told = {(change.text, change.shown_before, change.shown_after) for change in found.changes}
    assert ("Văn hóa công sở", "Loại B", "Loại A") in told
    assert ("Tháng 6/2024: Điểm phong cách", "–", "17,50") in told


def test_a_change_of_the_rule_set_names_the_figures_of_both() -> None:
    history = lived()
    before = [event for event in history.envelopes() if event.data.__class__.__name__ == "RuleSetChosen"]
    found = differences(history.records("1/1"), 2024, "p07", day("1/1"), day("2/1"), before)
    told = {change.text for change in found.changes}
    assert {"Bộ quy tắc", "Vượt mức", "Việc đã làm xong"} <= told


def test_the_report_has_its_columns_as_data_and_as_a_workbook() -> None:
    known = Known(records=lived().records(), on=END, inputs=[])
    report = people_report(known.records, 2024, END)
    assert report.people[0].rating.shown["in_time_share"] == "50,00 %"
    rows = CalamineWorkbook.from_filelike(io.BytesIO(xlsx(known, report, 2024))).get_sheet_by_index(0).to_python()
    heading = next(row for row in rows if "Tỷ lệ đúng hẹn" in row)
    person = next(row for row in rows if row[0] == "p07")
    of = dict(zip(heading, person, strict=True))
    assert (of["Tỷ lệ đúng hẹn"], of["Văn hóa công sở"], of["Tỷ lệ không đạt"]) == (0.5, "Loại A", "")


def test_the_printed_sheet_shows_its_arithmetic_periods_and_note() -> None:
    page = sheet_page(Known(records=lived().records(), on=END, inputs=[]), 2024, "p07")
    for said in (
        "Quy chế mẫu của tỉnh",
        "việc đúng hẹn / việc xong = 1/2",
        "<th>Phong cách</th><th>Tổng</th>",
        "không vào trung bình: Chưa chấm phong cách",
        "Mỗi việc đúng hẹn 10 điểm",
        "điểm cần đạt: 80,00; Văn hóa công sở: Loại A",
    ):
        assert said in page, said
    for foreign in ("Tổng hệ số", "<th>W</th>", "Tiêu chí chung"):
        assert foreign not in page, foreign


def test_a_period_asks_for_its_criteria_and_lacks_them_until_recorded() -> None:
    found = {line.staff: line for line in lines(lived().records(), Period(2024, 7, "month"), END)}
    assert "criteria-missing" in found["p07"].against
    assert rules.described(NAME).criteria.period[0].limit == 20


def test_a_year_is_graded_by_its_criteria() -> None:
    records = lived().records()
    posts = {staff: post for staff, person in records.people.items() if (post := post_on(person, END))}
    context = Context("p08", posts, frozenset(), records, END)

    def assess(staff: str, **items: str) -> Any:
        return assess_common(context, AssessCommon(staff=staff, year=2024, items=items, stage="confirmed", by="p08"))

    assert assess("p07", civility="A").events
    with pytest.raises(Refused, match="common-criteria"):
        assess("p07", k1="tot")


def test_it_applies_by_law_where_it_says_so_and_is_reminded_of_by_period() -> None:
    assert [rules.by_law(year, "truong_thon") for year in (2024, 2026, 2027)] == ["nd90", "none", NAME]
    appointment: dict[str, Any] = {"category": "truong_thon", "roles": (), "post": "", "unit": "", "leader": False}
    village_head = Reminded(staff="p41", rated=True, tracker=None, rater=None, **appointment)
    nothing_recorded = reminded.empty("tien-canh")
    assert scored_by_period(nothing_recorded, {"p41": village_head}, 2027, "2027-02-01T00:00:00.000Z") == ["p41"]
    rules.use([])
    assert rules.by_law(2027, "truong_thon") == "none"
    assert law().by_period == {"nd335"}


def test_the_command_line_shows_it(tmp_path: Path) -> None:
    history = lived()
    data = {"CCHC_DATA": str(tmp_path / "data"), "CCHC_RULE_SETS": str(FOLDER)}

    def cchc(*arguments: str) -> str:
        done = CliRunner().invoke(cli, arguments, env=data, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    cchc("migrate")
    for source, bodies in history.bodies.items():
        file = tmp_path / f"{source}.jsonl"
        file.write_bytes(b"".join(body + b"\n" for body in bodies))
        cchc("import-log", source, str(file))
    moment = ("--year", "2024", "--as-of", "2024-12-31")
    row = next(line for line in cchc("rating", "show", "p07", *moment).splitlines() if line.startswith("p07"))
    assert row.split("\t")[-4:] == ["2", "1", "50,00 %", "27,50"]
    explained = cchc("rating", "explain", "p07", *moment)
    assert "Quy chế mẫu Đ2" in explained and "Việc xong đúng hẹn: 1" in explained
    assert "Văn hóa công sở: Loại A" in cchc("rating", "explain", "p07", *moment, "--figure", "civility")
    changed = cchc("rating", "diff", "p07", "--year", "2024", "--from", "2024-06-30", "--to", "2024-12-31")
    assert "Văn hóa công sở: Loại B → Loại A" in changed
    assert json.loads(cchc("report", "people", *moment, "--json"))["people"][0]["rating"]["shown"]["score"] == "27,50"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("table", 0), "sai", "table names"),
        (("report", 0), "sai", "report names"),
        (("ranking", 0), "score/sai", "ranking names"),
        (("criteria", "year", 0), "sai", "criteria.year names"),
        (("criteria", "leader"), ["d"], "criteria.leader names"),
        (("criteria", "period", 0, "most"), "nhiều", "is no number"),
        (("figures", 0, "tasks", 0), "sai", "all_done.tasks names"),
        (("figures", 2, "arithmetic"), "= {sai}", "in_time_share.arithmetic names"),
        (("figures", 2, "if_zero", "figure"), "sai", "in_time_share.if_zero names"),
        (("left_out", 1, "name"), "no_style", "twice"),
        (("figures", 0, "format"), "màu", "format"),
        (("figures", 0, "labl"), "Việc", "unknown field"),
        (("period_figures", 2, "parts", 0), "sai", "score.parts names"),
        (("figures", 3, "name"), "other", "figures misses"),
        (("period_figures", 1, "name"), "other", "names"),
        (("applies", 0, "rule_set"), "other", "applies names 'other'"),
    ],
)
def test_a_description_that_fits_nothing_is_refused(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, message: str
) -> None:
    def edit(described: Any) -> None:
        *above, last = path
        for key in above:
            described = described[key]
        described[last] = value

    with pytest.raises(DescriptionError, match=f"rule set {NAME}.*{message}"):
        rules.use([edited(tmp_path, edit)])


def test_a_figure_that_its_description_misses_is_refused(tmp_path: Path) -> None:
    folder = edited(tmp_path, lambda described: described["figures"].pop(4))
    with pytest.raises(DescriptionError, match=r"figures misses \['days_worked'\]"):
        rules.use([folder])
    text = (folder / NAME / "rules.toml").read_text(encoding="utf-8").replace(', "days_worked"', "")
    (folder / NAME / "rules.toml").write_text(text, encoding="utf-8")
    described = json.loads((folder / NAME / "description.json").read_text(encoding="utf-8"))
    described["report"].remove("days_worked")
    (folder / NAME / "description.json").write_text(json.dumps(described), encoding="utf-8")
    rules.use([folder])
    with pytest.raises(DescriptionError, match="'days_worked' that its description does not name"):
        sheet(lived().records(), 2024, "p07", on=END)


def test_a_folder_without_a_description_and_a_taken_name_are_refused(tmp_path: Path) -> None:
    folder = edited(tmp_path, lambda described: None)
    (folder / NAME / "description.json").unlink()
    with pytest.raises(DescriptionError, match=r"description\.json"):
        rules.use([folder])
    (folder / NAME).rename(folder / "nd90")
    with pytest.raises(DescriptionError, match="nd90: two folders have this name"):
        rules.use([folder])


@pytest.mark.parametrize("name", ["facts", "interface", "description", "v.2", "..x", "a b"])
def test_a_name_that_cannot_be_imported_is_refused(tmp_path: Path, name: str) -> None:
    folder = edited(tmp_path, lambda described: None)
    (folder / NAME).rename(folder / name)
    with pytest.raises(DescriptionError, match=f"{name}: a folder cannot have this name"):
        rules.use([folder])
    assert name not in rules.names()


def edited(tmp_path: Path, edit: Callable[[Any], object]) -> Path:
    """The province's folder with a changed description."""
    file = Path(shutil.copytree(FOLDER / NAME, tmp_path / "sets" / NAME)) / "description.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    edit(described)
    file.write_text(json.dumps(described), encoding="utf-8")
    return tmp_path / "sets"


def test_words_do_not_change_the_hash(tmp_path: Path) -> None:
    before = rules.installed(NAME)
    folder = edited(tmp_path, lambda described: described.update(period_note="Lời khác"))
    rules.use([folder])
    after = rules.installed(NAME)
    assert before and after and before.sha256 == after.sha256
    assert f"{NAME}/description.json" not in after.files
    assert rules.described(NAME).period_note == "Lời khác"


def test_the_decrees_describe_themselves() -> None:
    for name in ("nd90", "nd335"):
        assert rules.described(name).figures


@pytest.mark.parametrize(
    ("lists", "one"),
    [
        ([["f", "days"], ["score", "days"]], ["f", "score", "days"]),
        ([["a", "b"], ["c"]], ["a", "b", "c"]),
        ([[], ["a"], ["b", "a", "c"]], ["b", "a", "c"]),
    ],
)
def test_columns_of_several_rule_sets_keep_the_order_of_each(lists: list[list[str]], one: list[str]) -> None:
    assert merged(lists) == one
