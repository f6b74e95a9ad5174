"""Why a person was or was not reminded of a task on a day, from what was known then."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import msgspec

from services.notifications.domain.audience import Concerned, Roll
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.plan import ABOVE_THE_OFFICE, View, counted
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import TaskRecord
from services.notifications.domain.task_state import TaskState, state_at
from shared.calendar import CalendarMissing
from shared.events import VIETNAM, PolicyRule, end_of_day, format_time, local_day


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `code` names it (texts.WHY), `params` fill its words. With a `reminder` it says what became of that
    one; without, why there was none."""

    about: str
    code: str
    params: dict[str, Any] = {}
    rule: str | None = None
    channel: str | None = None
    reminder: str | None = None


def why(view: View, occurrences: Iterable[Occurrence], staff: str, day: date, now: str) -> list[Line]:
    """The reminders that `staff` had on a day, and for each task that concerns them why there was no other.

    `view` is of the end of the day, or of now when that is earlier (`now`, RFC 3339 in UTC); `occurrences` are theirs.
    """
    at = min(now, end_of_day(day))
    became = [_became(each) for each in occurrences if day in (each.run_on, local_day(each.state_at))]
    answered = {(task_of(line.about), line.rule) for line in became}
    silent = [
        line
        for task in view.records.tasks.values()
        if _concerns(view, task, staff, day, at)
        for line in _silence(view, task, staff, day, at)
        if (task.task, line.rule) not in answered
    ]
    return [*became, *silent]


def _became(each: Occurrence) -> Line:
    return Line(
        about=each.about,
        code=each.state,
        params={"at": each.state_at, "reason": each.reason, "run_on": each.run_on, "queued_at": each.queued_at},
        rule=each.rule,
        channel=each.channel,
        reminder=each.reminder,
    )


def _concerns(view: View, task: TaskRecord, staff: str, day: date, at: str) -> bool:
    if staff == task.lead or staff in task.collaborators:
        return True
    roll = Roll(view.records, day, at)
    return any(staff in roll.heads(unit) for unit in (task.lead, *task.collaborators) if unit in view.records.units)


def _silence(view: View, task: TaskRecord, staff: str, day: date, at: str) -> list[Line]:
    """Why they were not reminded of a task, as a whole or rung by rung."""
    about = f"task/{task.task}"
    now = state_at(task, at)
    if now is None:
        return [Line(about=about, code="not_assigned_yet")]
    if now.status != "open" and local_day(now.since) < day:
        return [Line(about=about, code=now.status, params={"since": now.since})]
    if now.due is None:
        return [Line(about=about, code="no_deadline")]
    if view.policies and at < view.policies[0][0]:
        return [Line(about=about, code="not_watched_yet", params={"from": view.policies[0][0]})]
    revisions = [policy for begin, policy in view.policies if begin <= at] or [default_policy()]
    rungs: list[tuple[date, PolicyRule]] = []
    for rule in revisions[-1].rules:
        if rule.base == "due":
            try:
                base = max(now.due, local_day(now.due_set)) if rule.offset_days > 0 else now.due
                rungs.append((counted(calendars_at(view.records, at), base, rule.offset_days), rule))
            except CalendarMissing as error:
                return [Line(about=about, code="calendar-missing", params={"year": error.year})]
    today = [rule for run_on, rule in rungs if run_on == day]
    if not today:
        return [Line(about=about, code="no_rung", params=_neighbours(rungs, day) | {"due": now.due})]
    roll = Roll(view.records, day, at)
    concerned = Concerned(lead=task.lead, collaborators=tuple(task.collaborators))
    return [_of_rung(about, rule, now, day, roll.recipients(rule.audience, concerned), staff) for rule in today]


def _of_rung(about: str, rule: PolicyRule, now: TaskState, day: date, recipients: Sequence[str], staff: str) -> Line:
    if now.due_set > _moment(day, rule.at):
        return Line(about=about, rule=rule.rule, code="recorded_later", params={"due_set": now.due_set})
    if now.status != "open":
        return Line(about=about, rule=rule.rule, code=now.status)
    if now.frozen and rule.escalates_to in ABOVE_THE_OFFICE:
        return Line(about=about, rule=rule.rule, code="held_back")
    if staff not in recipients:
        return Line(about=about, rule=rule.rule, code="others_told", params={"told": list(recipients)})
    return Line(about=about, rule=rule.rule, code="not_queued")


def _moment(day: date, clock: str) -> str:
    return format_time(datetime.combine(day, time.fromisoformat(clock), VIETNAM))


def _neighbours(rungs: Sequence[tuple[date, PolicyRule]], day: date) -> dict[str, Any]:
    before = max((run_on for run_on, _ in rungs if run_on < day), default=None)
    after = min((run_on for run_on, _ in rungs if run_on > day), default=None)
    return {"before": before, "after": after}
