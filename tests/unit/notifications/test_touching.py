"""Whose rating an event touches: every event has its place, and each is told to whom it is about."""

from typing import Any

import pytest

from services.notifications import act_words
from services.notifications.domain import fold
from services.notifications.domain.acts import told_in
from services.notifications.domain.records import Records
from services.notifications.domain.rules import ABOUT, JUDGES, OUTSIDE, TYPED
from services.notifications.domain.texts import ACTS
from services.notifications.domain.touching import DECLINED, TOUCHES
from shared import events as ev
from shared.events import CATALOGUE, Envelope
from tests.support.histories import (
    COMMUNE,
    History,
    absent,
    appointed,
    asked,
    assigned,
    cancelled,
    cause,
    changed,
    common,
    completed,
    confirmed,
    corrected_coefficient,
    day,
    discipline_withdrawn,
    disciplined,
    granted,
    handed_back,
    leader_criteria,
    left,
    opened,
    period_closed,
    period_common,
    period_reopened,
    recomputed,
    refused,
    reopened,
    reported,
    returned,
    rule_set_chosen,
    settings,
    unit_defined,
    unit_result,
)

OFFICE = "staff/p14"
RULING: dict[str, Any] = {"staff": "p07", "year": 2024, "proposal": "d1", "level": "tot", "decided_on": day("1/7")}
TEMPLATE: dict[str, Any] = {
    "template": "m1", "by": "p14", "title": "Báo cáo", "product": "", "field": 0, "lead": "p07", "collaborators": [],
    "coefficient": None, "evidence_required": False, "recurrence": ev.Recurrence(every="month", day=25),
    "due_text": "Ngày 25", "roll": "forward",
}  # fmt: skip
VOTE = ev.Vote(staff="p07", level="tot", for_=9, against=1)


def begun() -> History:
    """p07 leads t1 and heads the unit vp; p08 was rated within the year and is not today."""
    return (
        History()
        .record("1/1", opened())
        .record(
            "1/1",
            appointed("p01", roles=["chair"], rated=False),
            appointed("p02", roles=["vice_chair"], tracker="p01", rated=False),
            appointed("p07", tracker="p02"),
            appointed("p08", category="hop_dong"),
            appointed("p14", roles=["office"], rated=False),
            unit_defined("vp", "p07"),
            changed("p08", since="1/6", rated=False),
            assigned("t1", due="30/6"),
        )
    )


def told(event: Any, actor: str = OFFICE) -> tuple[set[tuple[str, str]], str]:
    """By rule, who hears of an event that is recorded on 1 July, and what p07 reads."""
    history = begun().record("1/7", event, actor=actor)
    records = Records(COMMUNE)
    envelopes: list[Envelope] = history.envelopes()
    for envelope in envelopes:
        fold.evolve(records, envelope)
    [recorded] = [each for each in envelopes if each.data == event]
    found = told_in(records, [recorded])
    said = [line for rule, who in found if who == "p07" for line in act_words.details(records, rule, [recorded], str)]
    return {*found}, " ".join(said)


def by_office(event: Any) -> Any:
    """In the Office's own name."""
    names = {"by", "verified_by"} & {*event.__struct_fields__}
    return type(event)(**{name: getattr(event, name) for name in event.__struct_fields__} | dict.fromkeys(names, "p14"))


# By event, the words that p07 reads.
OF_P07: list[tuple[Any, str]] = [
    (absent("p07", "1/2", "30/4", kind="unpaid"), "Vắng từ ngày 01/02/2024 đến ngày 30/04/2024, loại: không hưởng"),
    (absent("p07", "1/2"), "Tính từ ngày 01/02/2024, ghi sau 151 ngày."),
    (absent("p07", "1/7", "5/7"), "Vắng từ ngày 01/07/2024"),
    (disciplined("p07", "1/4"), "Vi phạm ngày 01/03/2024, quyết định ngày 01/04/2024."),
    (discipline_withdrawn("p07"), "Người ghi: p14"),
    (changed("p07", since="1/2", category="hop_dong"), "Nhóm: từ Công chức thành Người lao động hợp đồng, từ ngày"),
    (changed("p07", since="1/2", category="hop_dong"), "Tính từ ngày 01/02/2024, ghi sau 151 ngày."),
    (changed("p07", since="1/7", similar_group="x"), "Nhóm công việc tương đồng: từ không ghi thành x"),
    (changed("p07", since="1/7", service_from=day("1/5")), "Ngày tính thời gian công tác: từ không ghi thành 01/05"),
    (changed("p07", since="1/7", leader=True), "Người lãnh đạo, quản lý: từ không thành có"),
    (changed("p07", since="1/7", leads_unit="vp"), "Đơn vị phụ trách: từ không ghi thành vp"),
    (changed("p07", since="1/7", unit="kt"), "Bộ phận: từ vp thành kt"),
    (appointed("p07", since="1/2", category="can_bo", tracker="p02"), "Nhóm: từ Công chức thành Cán bộ"),
    (left("p07", "31/5"), "Ngày cuối giữ chức vụ: 31/05/2024."),
    (unit_defined("vp", "p08", since="1/7"), "Người ghi: p14"),
    (unit_defined("kt", "p07", since="1/7"), "Người ghi: p14"),
    (assigned("t2", due="1/6"), "Thời hạn đã qua khi ghi."),
    (assigned("t2", due="20/12", assigned_on="1/2"), "Ghi cho ngày 01/02/2024, khác ngày ghi."),
    (ev.TemplateSet(**TEMPLATE, valid_from=day("1/1")), "Người ghi: p14"),
    (ev.TaskCorrected(task="t1", by="p14", reason="x", title="Khác"), "Người ghi: p14"),
    (corrected_coefficient("t1", "3"), "Hệ số: 3."),
    (confirmed("t1", "1/6", 2), "Thời hạn: 01/06/2024. Thời hạn đã qua khi ghi."),
    (recomputed("t1", "5/7", 2), "Thời hạn: 05/07/2024."),
    (cause("t1"), "Người ghi: p14"),
    (handed_back("t1", "reassigned"), "Người ghi: p14"),
    (common("p07"), "Người ghi: p14"),
    (period_common("2024-06"), "Người ghi: p14"),
    (leader_criteria("2024-06"), "Người ghi: p14"),
    (unit_result("vp"), "Người ghi: p14"),
    (period_closed("2024-06", History(), "1/7", "p07"), "Người ghi: p14"),
    (period_reopened("2024-06", "p07"), "Người ghi: p14"),
    (ev.MeetingRecorded(year=2024, held_on=day("30/6"), present=10, absent=0, votes=[VOTE]), "Người ghi: p14"),
    (ev.RatingDecided(**RULING, by="p14"), "Người ghi: p14"),
    (ev.ReRated(**RULING, by="p14", replaces="x", reason="x"), "Người ghi: p14"),
    (ev.RatingNotified(staff="p07", year=2024, on=day("1/6")), "Ghi cho ngày 01/06/2024, khác ngày ghi."),
    (ev.AppealResolved(staff="p07", year=2024, appeal="k1", outcome="upheld", on=day("1/7"), by="p14"), "Người ghi"),
]  # fmt: skip

# Answers in the course of a task, in the name of ct.
ANSWERS = [granted("t1", "5/7", 2), refused("t1"), returned("t1", "5/7", 2), cancelled("t1"), reopened("t1", "5/7", 2)]


def test_every_event_has_its_place_once() -> None:
    assert TOUCHES.keys() | DECLINED.keys() == {of.data for of in CATALOGUE}
    assert not TOUCHES.keys() & DECLINED.keys() and all(DECLINED.values())
    assert {of.name for of in CATALOGUE if of.data in TOUCHES} <= ACTS.keys()


def test_every_event_that_touches_a_person_is_tried() -> None:
    elsewhere = {
        ev.OpinionRecorded,
        ev.PeriodResultReceived,
        ev.CommuneSettingsChosen,
        ev.SettingsChosen,
        ev.RuleSetChosen,
    }
    assert {*map(type, ANSWERS), *(type(event) for event, _ in OF_P07)} | elsewhere == TOUCHES.keys()


@pytest.mark.parametrize(("event", "words"), OF_P07, ids=lambda value: type(value).__name__)
def test_what_the_office_records_reaches_the_person_with_who_recorded_it(event: Any, words: str) -> None:
    found, said = told(by_office(event))
    others = {who for _, who in found} - {"p07"}
    assert (ABOUT, "p07") in found and others <= ({"p08"} if isinstance(event, ev.UnitDefined) else set())
    assert words in said and "Người ghi: p14, lúc 09:00 ngày 01/07/2024." in said
    # Nobody hears of what they record of themselves.
    assert (ABOUT, "p07") not in told(by_office(event), "staff/p07")[0]


@pytest.mark.parametrize("event", ANSWERS, ids=lambda event: type(event).__name__)
def test_an_answer_that_the_office_types_reaches_the_lead_too(event: Any) -> None:
    assert told(event)[0] == {(TYPED, "ct"), (ABOUT, "p07")}
    assert told(event, "staff/ct")[0] == set()


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (reported("t1", "30/6"), {TYPED}),  # in p07's own name
        (changed("p07", since="1/7", tracker="p01", category="can_bo"), {JUDGES}),
        (ev.OpinionRecorded(staff="p07", year=2024, on=day("1/7"), by_body="Đảng ủy", text="x"), {OUTSIDE}),
        (ev.RatingDecided(**RULING, by="external"), {OUTSIDE}),
        (changed("p07", since="1/7", post="Khác"), set()),
        (appointed("p90"), set()),
        (assigned("t2", due="20/7", assigned_on="1/7"), set()),
        (asked("t1", "5/7"), {TYPED}),
        (completed("t1", "30/6"), set()),
        (common("p07", stage="self"), set()),
    ],
)  # fmt: skip
def test_nobody_is_told_twice_nor_of_what_is_declined(event: Any, rules: set[str]) -> None:
    assert {rule for rule, who in told(event)[0] if who == "p07"} == rules


@pytest.mark.parametrize(
    ("event", "people"),
    [
        (settings(2024, min_tasks=1), {"p07", "p08"}),
        (rule_set_chosen("none", "hop_dong"), {"p08"}),
        (settings(2023, min_tasks=1), {"p07", "p08"}),
        (settings(2025, min_tasks=1), {"p07"}),
    ],
)
def test_what_is_chosen_for_a_year_is_told_to_everybody_rated_then(event: Any, people: set[str]) -> None:
    assert {who for rule, who in told(event, "operator/cli")[0] if rule == ABOUT} == people
