"""A task's facts by a day: its one state, its failings, and the events behind them (rating.md, "Facts per task")."""

from datetime import date
from typing import Literal

from services.scoring.domain.records import Moment, PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.dates import Life, Version, passed
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.interface import CauseLine, EventRef, State, TaskFacts


def task_facts(snapshot: Snapshot, life: Life, person: PersonRecord, by: date) -> TaskFacts:
    """What a task was for its lead by E (`by`); A is the snapshot's own day."""
    task = life.task
    version, result = life.version_by(by), life.result_by(by)
    due = version.due if version else None
    part = _own_part(snapshot, life, due, by)
    state = _state(snapshot, life, version, part, by)
    late_for = [missed for missed in life.missed(by, snapshot.on) if life.excuse(missed) is None]
    failures = [
        failure for failure in life.failures if failure.effective <= by and not life.quality_excuse(failure.order)
    ]
    done = result is not None and state == "completed"
    late = done and bool(late_for)
    poor = done and result is not None and not result.accepted.met and not life.quality_excuse(result.order)
    exceeded = done and result is not None and result.accepted.exceeded is not None and not late and not poor
    because: dict[str, list[int]] = {"state": _why(life, state, version, part, by)}
    if late_for:
        because["late"] = [position for missed in late_for for position in missed.positions]
    if result is not None and (poor or exceeded):
        because["poor" if poor else "exceeded"] = [result.accepted.position]
    if failures:
        because["quality_failures"] = [failure.position for failure in failures]
    events = [ref("tasks", moment) for moment in task.moments]
    if part is not None:
        events.append(ref("tasks", part.task.moments[0]))
    return TaskFacts(
        task=task.task,
        title=task.title,
        state=state,
        assigned_on=life.assigned,
        due=due,
        on=result.on if result else None,
        missed=[missed.due for missed in late_for if missed.due is not None],
        late_times=len(late_for),
        late=late,
        poor=poor,
        exceeded=exceeded,
        quality_failures=len(failures),
        due_in_absence=due is not None and people.absence_on(person, due) is not None,
        causes=[
            CauseLine(cause.of, cause.due_version, cause.reason, cause.document, cause.by, cause.position)
            for _, cause in life.causes
        ],
        because=because,
        events=events,
    )


def _state(snapshot: Snapshot, life: Life, version: Version | None, part: Life | None, by: date) -> State:
    due = version.due if version else None
    if life.cancelled is not None:
        return "cancelled"
    if part is not None:
        return "split"
    if life.handed_back is not None and life.handed_back_by(by):
        # After its due date a task handed back is undone, for either kind.
        if due is None or life.handed_back.day <= due:
            return "handed_back"
    elif life.result_by(by) is not None:
        return "completed"
    elif life.pending_by(by):
        return "pending"
    elif version is None or due is None:
        return "regular"
    elif not passed(due, by, snapshot.on):
        return "not_yet_due"
    return "excused" if version is not None and life.excuse(version) else "undone"


def _own_part(snapshot: Snapshot, life: Life, due: date | None, by: date) -> Life | None:
    """A sub-task at any depth that counts in the place of a task which was split (NĐ 335 Đ18: the outputs count)."""
    seen = {life.task.task}
    below = list(snapshot.parts(life.task.task))
    while below:
        task = below.pop()
        if task.task in seen:
            continue
        seen.add(task.task)
        below.extend(snapshot.parts(task.task))
        part = snapshot.life(task)
        in_time = part.assigned <= by and (due is None or part.assigned <= due)
        if task.lead == life.task.lead and in_time and part.cancelled is None and not part.handed_back_by(by):
            return part
    return None


def _why(life: Life, state: State, version: Version | None, part: Life | None, by: date) -> list[int]:
    """The events (by position) that put a task in its state."""
    match state:
        case "completed":
            result = life.result_by(by)
            return [*result.reports, result.accepted.position] if result else []
        case "pending":
            return [report.position for report in life.unanswered if report.on <= by]
        case "cancelled":
            return [life.cancelled.position] if life.cancelled else []
        case "handed_back":
            return [life.handed_back.position] if life.handed_back else []
        case "split":
            return [part.task.moments[0].position] if part else []
    positions = list(version.positions) if version else [life.task.moments[0].position]
    if state == "excused":
        excuse = life.excuse(version) if version else None
        positions += [excuse.position] if excuse else []
    if state in {"undone", "excused"} and life.handed_back is not None and life.handed_back_by(by):
        positions.append(life.handed_back.position)
    return positions


def ref(source: Literal["tasks", "scoring"], moment: Moment, what: str | None = None) -> EventRef:
    """The event of a moment; `what` is the moment's own tag, where its record holds several kinds."""
    tag = what or str(type(moment).__struct_config__.tag)
    return EventRef(source, moment.position, moment.id, moment.time, moment.actor, tag)
