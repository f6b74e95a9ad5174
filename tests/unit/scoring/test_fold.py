"""The fold: what it keeps, what it refuses, and that rows, parts and wholes give the same records."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.fold import evolve
from services.scoring.domain.records import Records
from services.scoring.domain.sheet import Sheet, sheet
from shared import events as ev
from shared.events import Envelope
from shared.records import FoldError
from tests.support import histories as h
from tests.support.histories import COMMUNE, History


def fold(envelopes: list[Envelope], onto: Records | None = None) -> Records:
    records = onto or Records(COMMUNE)
    for envelope in envelopes:
        evolve(records, envelope)
    return records


def rows(records: Records) -> dict[tuple[str, str], bytes]:
    return {(kind, key): body for kind, key, body in records.rows()}


def read_back(records: Records) -> Records:
    """The records as a worker finds them in the rows after a restart."""
    found = Records(records.commune)
    for kind, key, body in records.rows():
        found.put(kind, key, Records.decode(kind, body))
    return found


class TestKept:
    def test_each_event_changes_its_own_row(self) -> None:
        history = History().record("1/1", h.appointed("p07"), h.assigned("t1"), h.common("p07"), h.settings(cap="none"))
        history.record(
            "2/1", h.unit_result("xa"), ev.UnitDefined(unit="vp", kind="department", valid_from=date(2020, 1, 1))
        )
        records = history.records()
        assert records.take_changed() == {
            ("person", "p07"),
            ("task", "t1"),
            ("common", "2024/p07"),
            ("year", "2024"),
            ("unit_result", "2024/xa"),
            ("unit", "vp"),
        }
        assert records.take_changed() == set()

    def test_a_correction_changes_the_wording_and_nothing_else(self) -> None:
        corrected = ev.TaskCorrected(task="t1", by="vp", reason="Sai chính tả", title="Báo cáo quý III")
        task = History().record("1/1", h.assigned("t1"), corrected).records().tasks["t1"]
        assert (task.title, task.product, task.lead, len(task.moments)) == ("Báo cáo quý III", "Báo cáo", "p07", 1)

    def test_what_no_record_keeps_passes_by(self) -> None:
        noted = ev.ProgressNoted(task="t1", by="p07", note="Đang làm", percent=40)
        with_note = History().record("1/1", h.assigned("t1"), noted, ev.TaskAcknowledged(task="t1", by="p07"))
        assert rows(with_note.records()) == rows(History().record("1/1", h.assigned("t1")).records())

    def test_an_unknown_event_passes_by(self) -> None:
        envelope = History().record("1/1", h.assigned("t1")).envelopes()[0]
        envelope.data = None
        assert rows(fold([envelope])) == {}

    def test_moments_lead_back_to_their_events(self) -> None:
        history = History().record("1/1", h.assigned("t1")).record("2/1", h.reported("t1", "2/1"), actor="staff/p07")
        envelope, moment = history.envelopes()[1], history.records().tasks["t1"].moments[1]
        assert (moment.position, moment.id, moment.time) == (envelope.position, envelope.id, envelope.time)
        assert (moment.actor, moment.day) == ("staff/p07", h.day("2/1"))

    def test_a_task_carried_over_lives_on_with_its_own_times(self) -> None:
        old = History("xa-cu").record("14/6", h.assigned("o1")).record("20/6", h.reported("o1", "20/6"))
        old.record("21/6", h.completed("o1", "20/6"))
        past = lived(old)
        pin = ev.values.TaskPin(commune="xa-cu", position=3, hash="0" * 64, task="o1")
        history = History().record("1/9", h.appointed("p07"))
        history.record("1/9", ev.TaskCarriedOver(task="t9", from_=pin, history=past))
        found = sheet(history.records(), 2024, "p07", on=h.day("31/12"))
        assert found.lists["completed"] == ["t9"]
        assert [event.position for event in found.tasks[0].events] == [2, 2, 2]
        assert [event.time for event in found.tasks[0].events] == [event.time for event in past]

    def test_a_carried_over_reopening_still_withdraws_what_came_before_it(self) -> None:
        old = History("xa-cu").record("14/6", h.assigned("o1")).record("29/6", h.reported("o1", "29/6"))
        old.record("29/6", h.completed("o1", "29/6")).record("10/9", h.reopened("o1", "30/9", 2))
        old.record("25/9", h.reported("o1", "25/9"), h.completed("o1", "25/9"))
        past = lived(old)
        pin = ev.values.TaskPin(commune="xa-cu", position=6, hash="0" * 64, task="o1")
        history = History().record("1/10", h.appointed("p07"))
        history.record("1/10", ev.TaskCarriedOver(task="t9", from_=pin, history=past))
        assert sheet(history.records(), 2024, "p07", on=h.day("31/12")).figures["late_times"] == 0


def lived(old: History) -> list[ev.PastEvent]:
    """A history as a later commune's event carries it."""
    return [
        ev.PastEvent(type=envelope.type, time=envelope.time, data=msgspec.to_builtins(envelope.data))
        for envelope in old.envelopes()
    ]


PIN = ev.values.TaskPin(commune="xa-cu", position=1, hash="0" * 64, task="o1")


@pytest.mark.parametrize(
    "event",
    [
        h.reported("t2", "2/1"),
        h.assigned("t1"),
        h.granted("t1", "15/7", 1),
        h.reopened("t1", "15/7", 2),
        h.cause("t1", 2),
        h.changed("p99", "1/1", unit="b"),
        h.left("p99", "1/1"),
        h.absent("p99", "1/1"),
        h.disciplined("p99", "1/1"),
        h.discipline_withdrawn("p07"),
        h.settings(cut_off="31-12"),
        h.settings(unknown=1),
        ev.TaskCarriedOver(task="t1", from_=PIN, history=[]),
        ev.TaskCarriedOver(task="t3", from_=PIN, history=[]),
    ],
    ids=ev.type_name,
)
def test_what_contradicts_the_records_cannot_be_folded(event: Any) -> None:
    history = History().record("1/1", h.appointed("p07"), h.assigned("t1"))
    records = history.records()
    history.record("2/1", event)
    with pytest.raises(FoldError, match=ev.type_name(event)):
        evolve(records, history.envelopes(ev.CATALOGUE.of(event).sources[0])[-1])


Step = tuple[int, str, int, int, bool]


class Open(msgspec.Struct):
    """What decides which step a task of a random history allows next."""

    version: int = 1
    first_report: date | None = None
    accepted: bool = False


def on_task(what: str, task: str, at: Open, on: date, other: date, flag: bool) -> Any:
    """The event of a step, or None where the tasks service would refuse it. New dates never lie before `on`."""
    new_due, version = max(on, other), at.version + 1
    match what:
        case "ask":
            return h.asked(task, new_due)
        case "grant":
            return h.granted(task, new_due, version)
        case "refuse":
            return h.refused(task)
        case "report":
            return h.reported(task, min(on, other) if flag else on)
        case "return":
            return h.returned(task, new_due, version, failure=flag)
        case "complete":
            return h.completed(task, at.first_report, met=flag, exceeded=other > on) if at.first_report else None
        case "reopen":
            return h.reopened(task, new_due, version, failure=flag) if at.accepted else None
        case "confirm":
            return h.confirmed(task, other, version)
        case "excuse":
            return h.cause(task, at.version if flag else None)
        case "excuse_quality":
            return h.cause(task, of="quality")
        case "hand_back":
            return h.handed_back(task)
    return h.cancelled(task)


def on_people(what: str, on: date, other: date, flag: bool) -> Any:
    match what:
        case "absent":
            return h.absent("p07", min(on, other), max(on, other), kind="other" if flag else "protected")
        case "leave":
            return h.left("p07", other)
        case "appoint":
            return h.appointed("p07", since=other, leader=flag)
        case "assess":
            return h.common("p07", other.year, k1="tot" if flag else "khong")
    return h.settings(other.year, cut_off="11-30" if flag else "12-10")


TASKS = (
    "ask", "grant", "refuse", "report", "return", "complete", "reopen", "confirm", "excuse", "excuse_quality",
    "hand_back", "cancel",
)  # fmt: skip
PEOPLE = ("absent", "leave", "appoint", "assess", "choose")
STEP = st.tuples(
    st.integers(0, 25),  # days since the last step
    st.sampled_from(TASKS + PEOPLE),
    st.integers(0, 4),  # the task
    st.integers(-20, 60),  # another day, from the day of the step
    st.booleans(),
)


def history_of(steps: list[Step]) -> History:
    """A task begins with the first step that names it; steps that its state does not allow are passed over."""
    history = History().record("1/1", h.appointed("p07"), h.appointed("p08"))
    on, tasks = date(2024, 1, 1), dict[str, Open]()
    for gap, what, number, offset, flag in steps:
        on += timedelta(days=gap)
        task, other = f"t{number}", on + timedelta(days=offset)
        if what in PEOPLE:
            history.record(on, on_people(what, on, other, flag))
        elif task not in tasks:
            tasks[task] = Open()
            parent = f"t{(number + 1) % 5}" if flag else None
            lead = "p08" if number == 4 else "p07"
            history.record(on, h.assigned(task, due=other if offset else None, parent=parent, lead=lead))
        elif event := on_task(what, task, tasks[task], on, other, flag):
            history.record(on, event)
            follow(tasks[task], event)
    return history


def follow(at: Open, event: Any) -> None:
    match event:
        case ev.ResultReported():
            at.first_report = at.first_report or event.on
        case ev.TaskCompleted():
            at.accepted, at.first_report = True, None
        case ev.ResultReturned():
            at.first_report = None
        case ev.TaskReopened():
            at.accepted = False
    if isinstance(event, ev.ExtensionGranted | ev.ResultReturned | ev.TaskReopened | ev.DueConfirmed):
        at.version += 1


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(0, 60), st.integers(0, 900))
def test_random_histories(steps: list[Step], cut: int, after: int) -> None:
    envelopes = history_of(steps).envelopes()
    whole = fold(envelopes)
    assert rows(fold(envelopes[cut:], read_back(fold(envelopes[:cut])))) == rows(whole)
    for kind, _, body in whole.rows():
        assert Records.encode(Records.decode(kind, body)) == body
    evaluated: list[str] = []
    for year in (2024, 2025, 2026, 2027):
        for staff in ("p07", "p08"):
            found = sheet(whole, year, staff, on=date(2024, 1, 1) + timedelta(days=after))
            if found.rule_set == "nd90":
                agree(found)
                evaluated += found.lists["evaluated"]
    assert len(evaluated) == len(set(evaluated)), "a task counts in one year only"


def agree(found: Sheet) -> None:
    figures, lists = found.figures, {name: set(tasks) for name, tasks in found.lists.items()}
    assert figures["n"] == len(lists["evaluated"]) == len(lists["completed"]) + len(lists["undone"])
    assert lists["failed"] == lists["late"] | lists["poor"] | lists["undone"]
    assert lists["failed"] <= lists["evaluated"]
    assert not lists["late"] & lists["undone"]
    assert not lists["exceeded"] & lists["failed"]
    states = (
        "completed",
        "undone",
        "excused",
        "pending",
        "not_yet_due",
        "regular",
        "cancelled",
        "split",
        "handed_back",
    )
    assert sum(len(lists[state]) for state in states) == len(found.tasks)
    for task in found.tasks:
        known = {event.position for event in task.events}
        assert task.because["state"]
        assert all(set(positions) <= known for positions in task.because.values())
