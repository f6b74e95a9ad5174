"""Whatever is asked in whatever order, a task keeps its invariants."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.tasks.domain.assigning import (
    AssignTask,
    CancelTask,
    CorrectCoefficient,
    CorrectTask,
    HandBackTask,
)
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.results import (
    AcceptResult,
    AcknowledgeTask,
    Beyond,
    ConfirmObjectiveCause,
    NoteProgress,
    ReopenTask,
    ReportResult,
    ReturnResult,
)
from services.tasks.domain.task import RUNNING
from shared.events import Due, ResultReported, ResultReturned, TaskAssigned, TaskCompleted, TaskReopened
from shared.refusal import Refused
from tests.unit.tasks.spec import FILE, TODAY, given

PEOPLE = ["p01", "p02", "p03", "p14", "p15", "p16", "p18", "p36"]
people = st.sampled_from(PEOPLE)
maybe = st.none() | people
days = st.integers(-20, 40).map(lambda count: TODAY + timedelta(days=count))
dues = st.one_of(
    days.map(lambda on: Due(text=str(on), date=on)),
    st.integers(1, 20).map(lambda count: Due(text=f"{count} ngày làm việc", working_days=count)),
    st.just(Due(text="thường xuyên")),
)
flags = st.booleans()
T = {"task": st.just("t1"), "reason": st.just("lý do"), "by": maybe}
NO_REASON = {"task": T["task"], "by": maybe}

commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        AssignTask,
        **NO_REASON,
        title=st.just("x"),
        lead=people,
        due=dues,
        collaborators=st.lists(people, max_size=2),
        assigned_on=st.none() | days,
    ),
    st.builds(ReportResult, **T, summary=st.just("x"), evidence=st.just([FILE.sha256]), on=st.none() | days),
    st.builds(ReturnResult, **T, quality_failure=flags, due=dues),
    st.builds(
        AcceptResult,
        **NO_REASON,
        exceeded=st.none() | st.builds(Beyond, kind=st.just("early"), reason=st.just("x"), confirmed_by=maybe),
    ),
    st.builds(ReopenTask, **T, quality_failure=flags, due=dues),
    st.builds(ConfirmDue, **T, due=dues),
    st.builds(RequestExtension, **T, proposed_due=dues),
    st.builds(GrantExtension, **T, due=st.none() | dues),
    st.builds(RefuseExtension, **T),
    st.builds(AcknowledgeTask, **NO_REASON),
    st.builds(NoteProgress, **NO_REASON, note=st.just("x"), percent=st.integers(0, 100)),
    st.builds(CorrectTask, **T, collaborators=st.lists(people, max_size=2)),
    st.builds(CorrectCoefficient, **T, coefficient=st.sampled_from(["1", "2", "1.5"])),
    st.builds(ConfirmObjectiveCause, **T, of=st.sampled_from(["lateness", "quality"])),
    st.builds(HandBackTask, **T, kind=st.sampled_from(["unable", "reassigned"])),
    st.builds(CancelTask, **T),
)
# Endings are rarer than their share, so that a task lives long enough to be interesting.
steps = st.tuples(people, st.integers(0, 3), commands)


@settings(max_examples=200, deadline=None)
@for_all(st.lists(steps, max_size=40))
def test_no_sequence_of_commands_breaks_a_task(asked: list[tuple[str, int, Command]]) -> None:
    spec = given().and_(*_an_open_task())
    version = 1
    for actor, later, command in asked:
        spec = replace(spec.by(actor), today=spec.today + timedelta(days=later))
        before = spec.states["task/t1"]
        try:
            events = spec.when(command).decided()
        except Refused:
            continue
        for event in events:
            version = _check(event, version, spec.today, actor, before)
        spec = spec.and_(*((spec.today, event) for event in events))
        after = spec.states["task/t1"]
        assert after.due_version == version
        assert after.lead not in after.collaborators
        # A task that was cancelled or handed back keeps what was reported before.
        if after.status in RUNNING:
            assert (after.status == "reported") == (after.first_report is not None)
        assert (after.status == "completed") <= (after.completed_on is not None)


def _an_open_task() -> list[Any]:
    return [
        (TODAY, event)
        for event in given()
        .when(AssignTask(task="t1", title="x", lead="p15", due=Due(text="28/6", date=TODAY + timedelta(days=11))))
        .decided()
    ]


def _check(event: Any, version: int, today: Any, actor: str, before: Any) -> int:
    """The version after an event that was decided; each new one is the next."""
    assert not isinstance(event, TaskAssigned), "a task is assigned once"
    if isinstance(event, TaskCompleted):
        part = {before.lead, *before.collaborators}
        assert not {event.verified_by, actor} & part
        assert event.exceeded is None or event.exceeded.confirmed_by not in part
        assert event.on == before.first_report
    if isinstance(event, ResultReported):
        assert before.assigned_on <= event.on <= today
        assert event.by != before.lead or event.on == today
    if isinstance(event, ResultReturned | TaskReopened):
        assert event.due.date is not None
        assert event.due.date >= today
    new = getattr(event, "due_version", None)
    if new is None or type(event).__name__ == "ObjectiveCauseConfirmed":
        return version
    assert new == version + 1
    return new
