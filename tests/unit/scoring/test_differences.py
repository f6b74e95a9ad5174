"""Which event, or which passing day, changed which figure of a sheet; on random histories against a slow walk."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain import texts
from services.scoring.domain.differences import Differences, differences, figures_of
from services.scoring.domain.fold import evolve
from services.scoring.domain.records import KINDS, Records
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.sheet import sheet
from shared.events import Envelope, TaskCompleted
from tests.support.histories import (
    YEAR,
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
    day,
    disciplined,
    granted,
    handed_back,
    left,
    opened,
    refused,
    reopened,
    reported,
    returned,
    unit_result,
)
from tests.support.histories import settings as chosen


def compared(
    history: History, first: str | date, last: str | date, staff: str = "p07", year: int = YEAR
) -> Differences:
    """What led from the end of one day to that of another."""
    events = merged(history)
    records = folded(event for event in events if event.day <= day(first))
    between = [event for event in events if day(first) < event.day <= day(last)]
    return differences(records, year, staff, day(first), day(last), between)


def merged(history: History) -> list[Envelope]:
    return sorted(history.envelopes(), key=lambda event: (event.time, event.source, event.position))


def folded(events: Any) -> Records:
    records = Records(History().commune)
    for event in events:
        evolve(records, event)
    return records


def said(of: Differences) -> list[tuple[str, Any, Any, Any]]:
    """(figure, before, after, what happened or on which day)."""
    return [(c.figure, c.before, c.after, c.event.what if c.event else c.day) for c in of.changes]


def one_late() -> History:
    return (
        History()
        .record("1/1", opened(), appointed("p07"), appointed("p08"))
        .record("14/6", assigned("t1", due="30/6"), assigned("t2", due="30/6", lead="p08"))
        .record("5/7", reported("t1", "5/7"))
        .record("8/7", completed("t1", "5/7"))
    )


def test_an_event_and_a_day_that_passed_are_different_causes():
    found = compared(one_late(), "1/6", "31/12")
    assert [change for change in said(found) if change[0] in {"undone", "pending", "late", "level"}] == [
        ("undone", 0, 1, day("1/7")),  # due on 30/6: undone from the day after
        ("level", "chua_du_du_lieu", "can_xem_xet", day("1/7")),
        ("undone", 1, 0, "reported"),
        ("pending", 0, 1, "reported"),
        ("level", "can_xem_xet", "chua_du_du_lieu", "reported"),
        ("late", 0, 1, "completed"),
        ("pending", 1, 0, "completed"),
        ("level", "chua_du_du_lieu", "can_xem_xet", "completed"),
    ]


def test_a_change_names_the_event_and_the_tasks():
    [late] = [change for change in compared(one_late(), "1/6", "31/12").changes if change.figure == "late"]
    assert late.event is not None
    assert (late.event.source, late.event.position, late.event.actor) == ("tasks", 7, "staff/vp")
    assert [task.task for task in late.tasks] == ["t1"]
    assert (late.text, late.shown_before, late.shown_after) == ("Hoàn thành trễ", "0", "1")


def test_what_is_of_others_changes_nothing():
    history = one_late().record("1/8", assigned("t3", due="15/8", lead="p08"), absent("p08", "1/8"))
    assert compared(history, "31/7", "31/12").changes == []


def test_the_cut_off_stops_the_passing():
    history = one_late().record("1/12", assigned("t3", due="9/12"), assigned("t4", due="10/12"))
    days = [(change.figure, change.day) for change in compared(history, "1/12", "31/12").changes if change.day]
    assert [of for of in days if of[0] == "undone"] == [("undone", day("10/12")), ("undone", day("11/12"))]


def test_a_moment_however_far_costs_no_walk_through_the_years_between():
    far = said(compared(one_late(), "1/6", date(9999, 12, 31)))  # minutes, when every month were looked at
    assert far == said(compared(one_late(), "1/6", date(YEAR + 1, 12, 31)))


def test_a_setting_that_moves_the_cut_off_is_a_cause():
    history = one_late().record("1/12", assigned("t3", due="5/12")).record("20/12", chosen(cut_off="12-01"))
    found = compared(history, "19/12", "31/12")
    assert ("undone", 1, 0, "settings") in said(found)


def test_a_part_given_to_the_same_lead_takes_the_tasks_place():
    history = one_late().record("1/9", assigned("t5", due="30/9", lead="p08"))
    history.record("2/9", assigned("t6", due="20/9", lead="p07", parent="t5"), assigned("t7", due="30/10"))
    history.record("3/9", assigned("t8", due="20/10", lead="p08", parent="t7"))
    history.record("4/9", assigned("t9", due="10/10", lead="p07", parent="t8"))
    assert ("split", 0, 1, "assigned") in said(compared(history, "3/9", "5/9"))


def test_somebody_who_is_appointed_meanwhile_begins_with_nothing():
    found = compared(one_late().record("1/9", appointed("p30", since="1/9")), "31/8", "2/9", "p30")
    assert found.before == {}
    assert ("level", None, "khong_xep_loai", "appointed") in said(found)


def test_another_rule_set_of_another_category_is_a_change():
    history = one_late().record("1/9", changed("p07", "1/9", category="dau_moi"))
    assert ("rule_set", "nd90", "none", "changed") in said(compared(history, "31/8", "2/9"))


def test_nothing_between_gives_no_change():
    found = compared(one_late(), "8/7", "8/7")
    assert found.changes == []
    assert found.before == found.after


def test_every_moment_that_a_record_keeps_has_words():
    moments = {
        str(moment.__struct_config__.tag or kind)
        for kind, record in KINDS.items()
        for moment in _alternatives(record.__annotations__["moments"])
    }
    assert moments | {"corrected", "carried_over"} <= texts.EVENTS.keys()


def _alternatives(annotation: Any) -> list[Any]:
    [inner] = annotation.__args__
    return list(getattr(inner, "__args__", (inner,)))


# Random histories: each step lets some days pass, then something happens to one of a few tasks or people.
TASKS = ("t1", "t2", "t3", "t4")
DAY = st.dates(date(2023, 11, 1), date(2025, 2, 28))


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    today = date(2023, 12, 1)
    versions: dict[str, int] = {}
    accepted: set[str] = set()

    history.record(today, opened(), appointed("p07"), appointed("p08", leader=True, leads_unit="vp"))
    for _ in range(draw(st.integers(3, 25))):
        today += timedelta(days=draw(st.integers(0, 30)))
        task = draw(st.sampled_from(TASKS))
        staff = draw(st.sampled_from(["p07", "p08"]))
        if task not in versions:
            parent = draw(st.sampled_from([None, *versions]))
            history.record(
                today,
                assigned(
                    task,
                    due=draw(st.sampled_from([None, today + timedelta(days=draw(st.integers(-5, 40)))])),
                    lead=staff,
                    parent=parent,
                ),
            )
            versions[task] = 1
            continue
        happened = _happens(draw, today, task, staff, versions[task] + 1, task in accepted)
        if getattr(happened, "due_version", None) == versions[task] + 1:
            versions[task] += 1
        if isinstance(happened, TaskCompleted):
            accepted.add(task)
        history.record(today, happened)
    return history


def _happens(draw: Any, today: date, task: str, staff: str, version: int, accepted: bool) -> Any:
    """Something that the fold takes."""

    def due() -> date:
        return today + timedelta(days=draw(st.integers(-5, 40)))

    return draw(
        st.sampled_from(
            [
                lambda: asked(task, due()),
                lambda: granted(task, due(), version),
                lambda: reported(task, today - timedelta(days=draw(st.integers(0, 9)))),
                lambda: completed(task, today, met=draw(st.booleans()), exceeded=draw(st.booleans())),
                lambda: returned(task, due(), version, failure=draw(st.booleans())),
                lambda: reopened(task, due(), version) if accepted else refused(task),
                lambda: confirmed(task, due(), version),
                lambda: cause(task, of=draw(st.sampled_from(["lateness", "quality"]))),
                lambda: handed_back(task),
                lambda: cancelled(task),
                lambda: absent(staff, due(), due() + timedelta(days=60)),
                lambda: changed(staff, due(), leader=draw(st.booleans()), leads_unit="vp"),
                lambda: left(staff, due()),
                lambda: appointed(staff, since=due()),
                lambda: disciplined(staff, due()),
                lambda: common(staff, k1=draw(st.sampled_from(["tot", "khong"]))),
                lambda: unit_result("vp", completed=draw(st.integers(0, 10))),
                lambda: chosen(cut_off=draw(st.sampled_from(["11-30", "12-10", "12-20"]))),
            ]
        )
    )()


def slow(history: History, first: date, last: date, staff: str) -> list[tuple[str, Any, Any, Any]]:
    """As `differences`, by computing a sheet on each day and after each event."""
    events = merged(history)
    records = folded(event for event in events if event.day <= first)

    def now() -> dict[str, Any]:
        person = records.people.get(staff)
        return figures_of(sheet(records, YEAR, staff, on=on) if person and post_on(person, on) else None)

    on = first
    found: list[tuple[str, Any, Any, Any]] = []
    figures = now()

    def compare(why: Any) -> None:
        nonlocal figures
        before, figures = figures, now()
        names = [*figures, *(name for name in before if name not in figures)]
        found.extend((n, before.get(n), figures.get(n), why) for n in names if before.get(n) != figures.get(n))

    for event in [event for event in events if first < event.day <= last]:
        while on < event.day:
            on += timedelta(days=1)
            compare(on)
        evolve(records, event)
        compare((event.source.strip("/"), event.position))
    while on < last:
        on += timedelta(days=1)
        compare(on)
    return found


@settings(max_examples=60, deadline=None)
@given(histories(), DAY, DAY, st.sampled_from(["p07", "p08"]))
def test_each_change_has_the_cause_that_a_slow_walk_finds(history: History, one: date, other: date, staff: str):
    first, last = min(one, other), max(one, other)
    found = compared(history, first, last, staff)
    changes = [
        (c.figure, c.before, c.after, (c.event.source, c.event.position) if c.event else c.day) for c in found.changes
    ]
    assert changes == slow(history, first, last, staff)


@settings(max_examples=60, deadline=None)
@given(histories(), DAY, DAY, st.sampled_from(["p07", "p08"]))
def test_the_changes_lead_from_the_first_sheet_to_the_last(history: History, one: date, other: date, staff: str):
    first, last = min(one, other), max(one, other)
    found = compared(history, first, last, staff)
    figures = dict(found.before)
    for change in found.changes:
        assert figures.get(change.figure) == change.before
        figures[change.figure] = change.after  # type: ignore[assignment]
    reached = {name: value for name, value in figures.items() if value is not None}
    records = history.records(last)
    assert reached == found.after
    if staff in records.people:
        assert reached == figures_of(sheet(records, YEAR, staff, on=last))
