"""Recurring rows: templates, and the occurrences they open also after downtime; drafts and imports."""

from datetime import date
from typing import Any

import pytest

from services.tasks.domain.assigning import AssignTask, DraftTask
from services.tasks.domain.decisions import ConfirmImport, SettleDraft, Together
from services.tasks.domain.organisation import AppointStaff, DefineUnit
from services.tasks.domain.templates import EndTemplate, SetTemplate, expected, open_occurrences
from shared.events import (
    Data,
    DirectiveIssued,
    DraftSettled,
    Due,
    ImportConfirmed,
    Item,
    Recurrence,
    StaffLeft,
    TaskAssigned,
    TaskDrafted,
    TemplateEnded,
    TemplateSet,
)
from tests.unit.tasks.spec import COMMUNE, Spec, assigned, day, due, fields, given

MONTHLY = Recurrence(every="month", day=25)


def set_template(**more: Any) -> SetTemplate:
    usual = {"template": "m1", "title": "Báo cáo tháng", "lead": "P15", "recurrence": MONTHLY, "due_text": "ngày 25"}
    return SetTemplate(**fields(usual, more))


def template(**more: Any) -> TemplateSet:
    said: dict[str, Any] = {
        "template": "m1",
        "by": "p14",
        "title": "Báo cáo tháng",
        "product": "",
        "field": 0,
        "lead": "p15",
        "collaborators": [],
        "coefficient": None,
        "evidence_required": False,
        "recurrence": MONTHLY,
        "due_text": "ngày 25",
        "valid_from": day("6-1"),
    }
    return TemplateSet(**(said | more))


ENDED = TemplateEnded(template="m1", by="p14", reason="Hết năm")


def test_a_template_is_set_from_today_unless_it_says_when() -> None:
    given().when(set_template()).then(template(valid_from=day("6-17")))
    given().when(set_template(valid_from=day("6-1"))).then(template())


@pytest.mark.parametrize(
    ("facts", "more", "code"),
    [
        ((template(), ENDED), {}, "template-ended"),
        ((), {"title": ""}, "title-required"),
        ((), {"lead": "p19"}, "staff-not-in-post"),
        ((), {"collaborators": ["p15"]}, "lead-among-collaborators"),
        ((), {"field": 9}, "field-unknown"),
        ((), {"coefficient": "-1"}, "coefficient-not-positive"),
        ((), {"directive": "d9"}, "directive-unknown"),
        ((), {"recurrence": Recurrence(every="month", day=32)}, "recurrence-day"),
        ((), {"valid_from": date(2013, 12, 31)}, "template-too-far-back"),
        ((), {"valid_from": date(204, 6, 1)}, "day-implausible"),
    ],
)
def test_a_template_is_refused(facts: Any, more: dict[str, Any], code: str) -> None:
    given(*facts).when(set_template(**more)).then_refused(code)


def test_a_template_is_ended_once_with_a_reason() -> None:
    end = EndTemplate(template="m1", reason="Hết năm")
    given(template()).when(end).then(ENDED)
    given(template(), ENDED).when(end).then_refused("template-ended")
    given().when(end).then_refused("template-unknown")
    given(template()).when(EndTemplate(template="m1", reason="")).then_refused("reason-required")
    given(template()).by("p16").when(end).then_refused("may-not-assign")


def opened(spec: Spec) -> list[TaskAssigned]:
    """What the reactor assigns in this world, and nothing is held back."""
    events, held = react(spec)
    assert held == []
    return [event for event in events if isinstance(event, TaskAssigned)]


def react(spec: Spec) -> tuple[list[Data], list[Any]]:
    templates = spec.context.of_kind("template").values()
    return open_occurrences(expected(templates, COMMUNE, spec.today), spec.context)


def test_each_period_is_opened_on_its_first_day_also_after_downtime() -> None:
    events = opened(given(template()).at("8-15"))
    assert [(event.assigned_on, event.due.date) for event in events] == [
        (day("6-1"), day("6-25")),
        (day("7-1"), day("7-25")),
        (day("8-1"), day("8-26")),  # the 25th is a Sunday
    ]
    assert {(event.template, event.lead, event.origin) for event in events} == {("m1", "p15", "planned")}


def test_an_occurrence_opened_on_its_day_needs_no_other_day() -> None:
    assert [event.assigned_on for event in opened(given(template(valid_from=day("7-1"))).at("7-1"))] == [None]


def test_no_period_is_opened_twice() -> None:
    spec = given(template()).at("8-15")
    once = opened(spec)
    assert opened(spec.and_(*((spec.today, event) for event in once))) == []
    assert [event.task for event in opened(spec)] == [event.task for event in once]
    assert len({event.task for event in once}) == 3


def test_a_template_set_again_counts_for_the_periods_that_follow() -> None:
    changed = template(title="Báo cáo mới", valid_from=day("7-1"))
    assert [event.title for event in opened(given(template(), changed).at("7-2"))] == ["Báo cáo tháng", "Báo cáo mới"]


def test_another_recurrence_opens_nothing_again_in_the_periods_before_it() -> None:
    quarterly = template(recurrence=Recurrence(every="quarter", day=25), valid_from=day("8-1"))
    events = opened(given(template(), quarterly).at("10-15"))
    assert [(event.assigned_on, event.due.date) for event in events] == [
        (day("6-1"), day("6-25")),
        (day("7-1"), day("7-25")),
        (day("10-1"), day("12-25")),
    ]


def test_the_month_that_has_begun_before_the_template_is_not_opened() -> None:
    assert opened(given(template(valid_from=day("6-2"))).at("6-30")) == []


def test_an_ended_template_opens_nothing() -> None:
    assert opened(given(template(), ENDED).at("8-15")) == []


def test_an_occurrence_whose_lead_left_waits_until_a_person_mends_the_template() -> None:
    spec = given(template(), StaffLeft(staff="p15", valid_to=day("6-30"))).at("7-1")
    events, held = react(spec)
    assert events == []
    assert [(one.period, one.refused.code) for one in held] == [
        ("2024-06", "staff-not-in-post"),
        ("2024-07", "staff-not-in-post"),
    ]
    assert [event.lead for event in opened(spec.and_(template(lead="p16")))] == ["p16", "p16"]


# Drafts

ITEM = Item(sheet="PL1", no="9")
ISSUED = DirectiveIssued(directive="d1", number="01/CT-UBND", issued_on=day("6-14"), title="Phân công nhiệm vụ")
DRAFTED = TaskDrafted(task="r1", item=ITEM, row={"Chủ trì": "các thôn"}, questions=["chu_tri_la_nhom"], directive="d1")


def draft(**more: Any) -> DraftTask:
    said: dict[str, Any] = {
        "task": "r1",
        "item": ITEM,
        "row": {"Chủ trì": "các thôn"},
        "questions": ["chu_tri_la_nhom"],
        "directive": "d1",
    }
    return DraftTask(**(said | more))


def part(task: str, lead: str) -> AssignTask:
    return AssignTask(task=task, title="Báo cáo thôn", lead=lead, due=due("6-28"))


def test_a_row_that_waits_is_drafted_with_its_questions() -> None:
    given(ISSUED).when(draft()).then(DRAFTED)
    given(ISSUED, DRAFTED).when(draft()).then_refused("task-exists")
    given(ISSUED).when(draft(questions=[])).then_refused("question-required")
    given().when(draft()).then_refused("directive-unknown")


def test_an_answered_row_becomes_tasks_of_its_directive() -> None:
    spec = given(ISSUED, DRAFTED).when(SettleDraft(task="r1", into=[part("t5", "p36"), part("t6", "p15")]))
    first, second, settled = spec.decided()
    assert isinstance(first, TaskAssigned)
    assert isinstance(second, TaskAssigned)
    assert (first.directive, first.item, first.lead, second.lead) == ("d1", ITEM, "p36", "p15")
    assert settled == DraftSettled(task="r1", into=["t5", "t6"], by="p14")


def test_an_answered_row_becomes_a_template_or_is_dropped() -> None:
    spec = given(ISSUED, DRAFTED)
    *_, settled = spec.when(SettleDraft(task="r1", into=[set_template()])).decided()
    assert settled == DraftSettled(task="r1", into=["m1"], by="p14")
    spec.when(SettleDraft(task="r1", into=[])).then(DraftSettled(task="r1", into=[], by="p14"))


def test_a_row_is_settled_once_and_all_or_nothing() -> None:
    settled = DraftSettled(task="r1", into=[], by="p14")
    given(ISSUED, DRAFTED, settled).when(SettleDraft(task="r1", into=[])).then_refused("draft-settled")
    given(assigned()).when(SettleDraft(task="t1", into=[])).then_refused("not-a-draft")
    given().when(SettleDraft(task="r1", into=[])).then_refused("task-unknown")
    given(ISSUED, DRAFTED).by("p15").when(SettleDraft(task="r1", into=[])).then_refused("may-not-assign")
    twice = SettleDraft(task="r1", into=[part("t5", "p15"), part("t5", "p16")])
    given(ISSUED, DRAFTED).when(twice).then_refused("task-exists")


def test_a_draft_is_no_task_yet() -> None:
    below = AssignTask(task="t9", title="x", lead="p15", due=Due(text="x"), parent="r1")
    given(ISSUED, DRAFTED).when(below).then_refused("task-is-a-draft")


# Imports


def confirm(**more: Any) -> ConfirmImport:
    said: dict[str, Any] = {
        "import_": "i1",
        "kind": "roster",
        "sha256": "c" * 64,
        "rows": 2,
        "created": 2,
        "changed": 0,
        "waiting": 0,
        "rejected": 0,
    }
    return ConfirmImport(**(said | more))


def person(staff: str, tracker: str, unit: str = "to-moi") -> AppointStaff:
    return AppointStaff(
        staff=staff,
        category="cong_chuc",
        roles=["staff"],
        post="Chức vụ",
        unit=unit,
        valid_from=day("6-1"),
        tracker=tracker,
    )


def test_rows_of_one_file_point_at_each_other_in_any_order() -> None:
    unit = DefineUnit(unit="to-moi", kind="department", valid_from=day("6-1"), head="p51")
    events = given().by("p01").when(confirm(commands=[person("P50", "P51"), unit, person("p51", "p02")])).decided()
    assert [type(event).__name__ for event in events] == [
        "StaffAppointed",
        "UnitDefined",
        "StaffAppointed",
        "ImportConfirmed",
    ]
    assert events[-1] == ImportConfirmed(
        import_="i1",
        kind="roster",
        sha256="c" * 64,
        rows=2,
        created=2,
        changed=0,
        waiting=0,
        rejected=0,
        by="p01",
    )


def test_one_refused_row_refuses_the_file() -> None:
    given().when(confirm(commands=[person("p50", "p99", "van-phong")])).then_refused("staff-unknown")


def test_an_import_is_confirmed_once() -> None:
    spec = given().when(confirm())
    spec.and_(*spec.decided()).when(confirm()).then_refused("import-exists")


def test_an_operator_confirms_an_import_before_anybody_is_in_post() -> None:
    given().by("operator/cli", "admin").when(confirm()).then_event(by="operator/cli")


def test_of_several_commands_each_sees_what_those_before_it_led_to() -> None:
    several = Together(commands=[person("p50", "p02", "van-phong"), part("t5", "p50")])
    assert [type(event).__name__ for event in given().by("p01").when(several).decided()] == [
        "StaffAppointed",
        "TaskAssigned",
    ]
