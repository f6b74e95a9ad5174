"""How a task stood at a time, from its moments: what the ladder and the worklist look at."""

from datetime import date
from typing import Literal

import msgspec

from services.notifications.domain import records as kept
from services.notifications.domain.records import TaskRecord
from shared.events import local_day

Status = Literal["open", "reported", "completed", "cancelled", "handed_back"]


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """`due_set` is when the deadline in force was recorded; `requested_on` the day of an extension request that is not
    answered yet; `last_sign` when the lead last acknowledged, noted progress or reported; `since` when the present
    status began. Times are RFC 3339 in UTC."""

    status: Status
    since: str
    due: date | None
    due_version: int
    due_set: str
    cadence: str | None
    requested_on: date | None = None
    proposed: date | None = None
    last_sign: str | None = None
    reported_on: date | None = None

    @property
    def runs(self) -> bool:
        return self.status in ("open", "reported")

    @property
    def frozen(self) -> bool:
        """A pending request stops escalation, not the clock."""
        return self.requested_on is not None


def state_at(task: TaskRecord, at: str) -> TaskState | None:
    """How the task stood at a time; None before it was assigned."""
    now: TaskState | None = None
    for moment in task.moments:
        if moment.time > at:
            break
        now = _after(now, moment)
    return now


def _after(now: TaskState | None, moment: kept.TaskMoment) -> TaskState | None:
    replace = msgspec.structs.replace
    if isinstance(moment, kept.DueSet):
        armed = now is None or moment.of in ("returned", "reopened")
        answered = armed or moment.of == "granted"
        return TaskState(
            status="open" if now is None or armed else now.status,
            since=moment.time if now is None or armed else now.since,
            due=moment.due,
            due_version=moment.due_version,
            due_set=moment.time,
            cadence=moment.cadence,
            requested_on=None if now is None or answered else now.requested_on,
            proposed=None if now is None or answered else now.proposed,
            last_sign=now.last_sign if now else None,
            reported_on=None if now is None or armed else now.reported_on,
        )
    if now is None:
        return None
    if isinstance(moment, kept.Requested):
        asked = now.requested_on or local_day(moment.time)
        return replace(now, requested_on=asked, proposed=moment.proposed, last_sign=moment.time)
    if isinstance(moment, kept.Answered):
        return replace(now, requested_on=None, proposed=None)
    if isinstance(moment, kept.Signed):
        return replace(now, last_sign=moment.time)
    if isinstance(moment, kept.Reported):
        first = now.reported_on if now.status == "reported" else moment.on
        since = now.since if now.status == "reported" else moment.time
        return replace(now, status="reported", since=since, reported_on=first, last_sign=moment.time)
    return replace(now, status=moment.of, since=moment.time, requested_on=None, proposed=None)
