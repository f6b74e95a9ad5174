"""Reports as pure functions of records: what they count, how they are ordered, and what they withhold."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest

from services.scoring.domain.reports import (
    CROSSED,
    FEW,
    MERGED,
    NOT_DIVIDED,
    TaskCounts,
    aggregates,
    directive_report,
    directives_report,
    fields_report,
    people_report,
    units_report,
)
from shared.events import DirectiveAmended, DirectiveIssued, DirectiveWithdrawn, Item
from shared.refusal import Refused
from tests.support.histories import (
    YEAR,
    History,
    appointed,
    assigned,
    cancelled,
    cause,
    completed,
    day,
    granted,
    handed_back,
    reported,
    returned,
)

END = day("31/12")


def issued(directive: str = "d1", number: str = "01/CT-UBND", on: str = "14/6") -> DirectiveIssued:
    return DirectiveIssued(directive=directive, number=number, issued_on=day(on), title="Về cải cách hành chính")


def item(no: str, sheet: str = "Phụ lục I") -> Item:
    return Item(sheet=sheet, no=no)


def year() -> History:
    """Two officers in two units, one unrated contact point; each with work of some outcome."""
    return (
        History()
        .record(
            "1/1",
            appointed("p07", unit="vp"),
            appointed("p08", unit="tp"),
            appointed("p90", unit="cong-an", category="dau_moi", rated=False),
        )
        .record("14/6", issued())
        .record(
            "14/6",
            assigned("late", lead="p07", field=0, directive="d1", item=item("10")),
            assigned("done", lead="p07", field=2, directive="d1", item=item("2"), due="30/9"),
            assigned("undone", lead="p08", field=2, directive="d1", item=item("1"), due="30/9"),
            assigned("excused", lead="p08", field=5, directive="d1", item=item("3"), due="30/9"),
            assigned("unrated", lead="p90", field=2, directive="d1", item=item("1", "Phụ lục II"), due="30/9"),
            assigned("cancelled", lead="p08", field=7, directive="d1", item=item("4")),
            assigned("given-back", lead="p08", field=7, due="31/10"),
            assigned("open", lead="p08", field=7, due=None),
        )
        .record("20/6", cancelled("cancelled"), handed_back("given-back"))
        .record("2/7", reported("late", on="2/7"))
        .record("3/7", completed("late", on="2/7"))
        .record("1/8", reported("done", on="1/8"))
        .record("2/8", returned("done", due="30/9", version=2, failure=True), granted("done", due="15/10", version=3))
        .record("1/9", reported("done", on="1/9"))
        .record("2/9", completed("done", on="1/9", exceeded=True))
        .record("1/10", cause("excused", 1), reported("unrated", on="1/10"))
        .record("2/10", completed("unrated", on="1/10"))
    )


def numbers(of: TaskCounts) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: number for name, number in msgspec.structs.asdict(of).items() if number}


def test_the_people_report_counts_each_persons_tasks_and_those_of_people_not_rated():
    report = people_report(year().records(), YEAR, END)
    assert {person.rating.staff: numbers(person.tasks) for person in report.people} == {
        "p07": {
            "tasks": 2, "evaluated": 2, "completed": 2, "in_time": 1, "late": 1, "exceeded": 1,
            "returned": 1, "returned_times": 1, "extended": 1,
        },
        "p08": {
            "tasks": 4, "evaluated": 1, "undone": 1, "excused": 1, "open": 1, "handed_back": 1, "cancelled": 1,
            "objective_causes": 1,
        },
    }  # fmt: skip
    assert numbers(report.unrated) == {"tasks": 1, "evaluated": 1, "completed": 1, "late": 1}
    assert report.total.tasks == 7


def test_the_people_report_agrees_with_the_sheets():
    for person in people_report(year().records(), YEAR, END).people:
        figures = person.rating.figures
        for name in ("completed", "late", "poor", "undone", "exceeded", "excused", "handed_back", "cancelled"):
            assert getattr(person.tasks, name) == figures[name], name
        assert person.tasks.evaluated == figures["n"]


def test_units_count_the_rated_and_the_tasks_of_all_who_work_there():
    report = units_report(year().records(), YEAR, END)
    assert [(unit.unit, unit.people, unit.tasks.tasks) for unit in report.units] == [
        ("cong-an", 0, 1),
        ("tp", 1, 4),
        ("vp", 1, 2),
    ]
    [vp] = [unit for unit in report.units if unit.unit == "vp"]
    assert {level for level, people in vp.levels.items() if people} == {"can_xem_xet"}  # one of two late
    assert (report.total.people, report.total.tasks.tasks, sum(report.total.levels.values())) == (2, 7, 2)


def test_fields_hold_every_task_once():
    report = fields_report(year().records(), YEAR, END)
    assert {field.field: field.tasks.tasks for field in report.fields} == {
        0: 1, 1: 0, 2: 3, 3: 0, 4: 0, 5: 1, 6: 0, 7: 2,
    }  # fmt: skip
    assert numbers(report.fields[2].tasks) == {
        "tasks": 3, "evaluated": 3, "completed": 2, "in_time": 1, "late": 1, "exceeded": 1, "undone": 1,
        "returned": 1, "returned_times": 1, "extended": 1,
    }  # fmt: skip
    assert report.total.tasks == sum(field.tasks.tasks for field in report.fields)


def test_the_states_add_up_to_the_tasks():
    for field in fields_report(year().records(), YEAR, END).fields:
        of = field.tasks
        assert of.tasks == of.completed + of.undone + of.excused + of.pending + of.open + of.handed_back


def test_a_year_without_rule_set_is_followed_up_all_the_same():
    history = History().record("1/1", appointed("p30", category="truong_thon", unit="thon-1"))
    history.record("14/6/2026", assigned("t1", lead="p30", due="30/6/2026"))
    report = units_report(history.records(), 2026, day("1/9/2026"))
    [village] = report.units
    assert (village.people, village.levels["khong_xep_loai"]) == (1, 1)
    assert numbers(village.tasks) == {"tasks": 1, "evaluated": 1, "undone": 1}


def test_a_directives_tasks_stand_in_the_order_of_its_annex():
    report = directive_report(year().records(), "d1", END)
    assert [(task.sheet, task.no) for task in report.tasks] == [
        ("Phụ lục I", "1"),
        ("Phụ lục I", "2"),
        ("Phụ lục I", "3"),
        ("Phụ lục I", "4"),
        ("Phụ lục I", "10"),
        ("Phụ lục II", "1"),
    ]


def test_a_directives_progress_tells_of_each_task():
    tasks = {task.task: task for task in directive_report(year().records(), "d1", END).tasks}
    done = tasks["done"]
    assert (done.state, done.due, done.on, done.returned, done.extensions, done.late) == (
        "completed", day("15/10"), day("1/9"), 1, 1, False,
    )  # fmt: skip
    late = tasks["late"]
    assert (late.late, late.late_times, late.reported_on, late.state_text) == (True, 1, day("2/7"), "Đã hoàn thành")
    assert tasks["undone"].undone
    assert [(of.reason, of.document) for of in tasks["excused"].causes] == [("Bão số 6", None)]
    assert tasks["cancelled"].state == "cancelled"


def test_progress_does_not_stop_at_a_cut_off():
    history = History().record("1/1", appointed("p07")).record("14/6", issued())
    history.record("14/6", assigned("t1", lead="p07", directive="d1", due="30/11"))
    history.record("20/12", reported("t1", on="20/12")).record("21/12", completed("t1", on="20/12"))
    [task] = directive_report(history.records(), "d1", END).tasks
    assert (task.state, task.on, task.late) == ("completed", day("20/12"), True)
    assert numbers(fields_report(history.records(), YEAR, END).total)["undone"] == 1


def test_a_task_given_after_the_day_is_not_there_yet():
    assert directive_report(year().records(), "d1", day("13/6")).tasks == []


def test_a_directive_is_told_as_last_amended():
    history = year().record(
        "3/10",
        DirectiveAmended(directive="d1", reason="Sai số", number="02/CT-UBND"),
        issued("d0", on="1/2"),
        DirectiveWithdrawn(directive="d0", reason="Thay thế"),
    )
    older, newer = directives_report(history.records(), END).directives
    assert (older.directive, older.withdrawn, older.tasks.tasks) == ("d0", True, 0)
    assert (newer.number, newer.title, newer.withdrawn) == ("02/CT-UBND", "Về cải cách hành chính", False)
    assert newer.tasks == directive_report(history.records(), "d1", END).directive.tasks


def test_an_unknown_directive_is_refused():
    with pytest.raises(Refused, match="directive-unknown"):
        directive_report(year().records(), "d9", END)


# Aggregates


@dataclass
class Body:
    """So many people of one category and unit; the first `best` of them tốt, the others without data."""

    people: int
    best: int = 1
    category: str = "cong_chuc"
    unit: str = "vp"


def staffed(*bodies: Body) -> History:
    history, number = History(), 0
    for body in bodies:
        for place in range(body.people):
            number += 1
            staff = f"p{number:02}"
            history.record("1/1", appointed(staff, category=body.category, unit=body.unit))
            if place < body.best:
                history.record("1/1", assigned(f"t{number}", lead=staff, due="30/6", assigned_on="1/1"))
                history.record("1/1", reported(f"t{number}", on="1/1"), completed(f"t{number}", on="1/1"))
    return history


def shown(groups: Any) -> dict[str | None, int]:
    return {group.name: group.people for group in groups}


def of(*bodies: Body) -> Any:
    return aggregates(staffed(*bodies).records(), YEAR, END)


def test_fewer_than_five_people_have_no_levels():
    report = of(Body(4))
    assert (report.people, report.levels, report.by_category, report.by_unit) == (4, None, [], [])
    assert report.notes == [FEW]


def test_a_group_of_five_is_shown_with_its_levels():
    report = of(Body(5, 2, unit="vp"), Body(6, 1, unit="tp"))
    assert shown(report.by_unit) == {"tp": 6, "vp": 5}
    [vp] = [group for group in report.by_unit if group.name == "vp"]
    assert (vp.levels["tot"], vp.levels["chua_du_du_lieu"]) == (2, 3)
    assert (report.levels["tot"], report.levels["chua_du_du_lieu"]) == (3, 8)


def test_groups_too_small_are_merged_until_they_tell_of_nobody():
    merged = of(Body(6, unit="vp"), Body(3, unit="tp"), Body(2, unit="dc"))
    assert shown(merged.by_unit) == {"vp": 6, None: 5}
    assert MERGED in merged.notes


def test_the_rest_may_not_be_found_by_taking_the_shown_from_the_total():
    report = of(Body(8, unit="vp"), Body(6, unit="tp"), Body(2, unit="dc"))
    assert shown(report.by_unit) == {"vp": 8, None: 8}


def test_a_group_all_of_one_level_is_not_shown_apart():
    report = of(Body(6, 6, unit="vp"), Body(6, 2, unit="tp"), Body(6, 3, unit="dc"))
    assert None in shown(report.by_unit) and "vp" not in shown(report.by_unit)


def test_without_a_group_to_show_nothing_is_divided():
    report = of(Body(5, unit="vp"), Body(2, unit="tp"))
    assert report.by_unit == []
    assert NOT_DIVIDED.format(what="đơn vị") in report.notes


def test_two_divisions_together_may_not_tell_of_a_small_group():
    # All but one of the officers sit in one unit: officers less that unit would be one person.
    report = of(Body(6, 2, "cong_chuc", "vp"), Body(1, 1, "cong_chuc", "thon"), Body(8, 3, "truong_thon", "thon"))
    assert shown(report.by_category) == {"cong_chuc": 7, "truong_thon": 8}
    assert report.by_unit == []
    assert CROSSED in report.notes


def test_divisions_that_coincide_tell_nothing_new():
    report = of(Body(6, 2, "cong_chuc", "vp"), Body(8, 3, "truong_thon", "thon"))
    assert shown(report.by_unit) == {"thon": 8, "vp": 6}
    assert CROSSED not in report.notes


def test_what_is_shown_adds_up():
    report = of(Body(7, 2, unit="vp"), Body(6, 3, unit="tp"), Body(3, 1, "truong_thon", "thon"))
    for groups in (report.by_category, report.by_unit):
        for level, people in report.levels.items():
            assert not groups or sum(group.levels[level] for group in groups) == people
    assert sum(shown(report.by_unit).values()) == report.people


def test_aggregates_name_no_person_and_no_task():
    history = year()
    body = msgspec.json.encode(aggregates(history.records(), YEAR, date(2024, 12, 31))).decode()
    assert not [staff for staff in history.records().people if f'"{staff}"' in body]
    assert not [task.title for task in history.records().tasks.values() if task.title in body]
