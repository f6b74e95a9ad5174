"""The Office's worklist at a moment: what is due, late or waits for a person, and what could not be delivered."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal

import msgspec

from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.people import Post, posts_on
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.domain.task_state import TaskState, state_at
from shared.calendar import CalendarMissing, Calendars
from shared.events import local_day
from shared.reform import FIELDS

SOON_DAYS = 7
Section = Literal["undone", "late", "due_soon", "waiting", "extensions", "checks"]
SECTIONS: tuple[Section, ...] = ("undone", "late", "due_soon", "waiting", "extensions", "checks")


class Row(msgspec.Struct, kw_only=True):
    """A task in a section. `days` are working days: over the deadline, left until it, or waited for an answer; None
    where a year has no calendar. `reminders` counts those delivered or sent about it so far."""

    task: str
    title: str
    lead: str
    post: str | None
    field: int
    due: date | None
    days: int | None
    reminders: int
    acknowledged: bool
    proposed: date | None = None


class Undelivered(msgspec.Struct, kw_only=True):
    """A reminder that no channel took after all attempts: the Office has to tell the person itself (gửi tay)."""

    reminder: str
    about: str
    rule: str
    recipient: str
    post: str | None
    channel: str
    run_on: date
    failed_at: str
    attempt: int
    reason: str | None


class Count(msgspec.Struct, kw_only=True):
    """How many tasks of each section a person leads, or a field has."""

    key: str
    name: str | None
    undone: int = 0
    late: int = 0
    due_soon: int = 0
    waiting: int = 0
    extensions: int = 0
    checks: int = 0


class Worklist(msgspec.Struct, kw_only=True):
    """`undone` and `late` are past their deadline, without and with a sign of work since it was set (docs/adr/0017);
    `due_soon` within seven working days; `waiting` reported and not verified; `extensions` asked for and not answered,
    besides the section of their deadline; `checks` are permanent tasks. `missing` are years without a calendar."""

    on: date
    undone: list[Row]
    late: list[Row]
    due_soon: list[Row]
    waiting: list[Row]
    extensions: list[Row]
    checks: list[Row]
    undelivered: list[Undelivered]
    people: list[Count]
    fields: list[Count]
    missing: list[int]


def worklist(records: Records, occurrences: Iterable[Occurrence], at: str) -> Worklist:
    """The worklist at a moment (RFC 3339 in UTC); `occurrences` are all of the commune that were queued by then."""
    on = local_day(at)
    counting = _Counting(calendars_at(records, at))
    posts = posts_on(records, on, at)
    queued = list(occurrences)
    reached: dict[str, int] = {}
    for each in queued:
        if (about := task_of(each.about)) and each.state in ("sent", "delivered", "sent_by_hand"):
            reached[about] = reached.get(about, 0) + 1
    sections: dict[Section, list[Row]] = {section: [] for section in SECTIONS}
    for task in records.tasks.values():
        now = state_at(task, at)
        if now is not None and now.runs:
            for section, days in _places(now, on, counting):
                sections[section].append(_row(task, now, posts, days, reached.get(task.task, 0)))
    for section, rows in sections.items():
        by_deadline = section not in ("waiting", "checks")
        rows.sort(key=lambda row: ((row.due or date.max) if by_deadline else -(row.days or 0), row.lead, row.task))
    return Worklist(
        on=on,
        **sections,
        undelivered=[_undelivered(each, posts) for each in queued if each.state == "failed"],
        people=_counts(sections, lambda row: row.lead, lambda row: row.post),
        fields=_counts(sections, lambda row: str(row.field), lambda row: FIELDS[row.field]),
        missing=sorted(counting.missing),
    )


class _Counting:
    """Working days, as far as calendars are published."""

    def __init__(self, calendars: Calendars) -> None:
        self.calendars = calendars
        self.missing: set[int] = set()

    def between(self, first: date, last: date) -> int | None:
        try:
            return self.calendars.working_days_between(first, last)
        except CalendarMissing as error:
            self.missing.add(error.year)
            return None


def _places(now: TaskState, on: date, counting: _Counting) -> list[tuple[Section, int | None]]:
    """The sections that a running task belongs to, with the working days that each shows."""
    if now.status == "reported":
        return [("waiting", counting.between(local_day(now.since), on))]
    places: list[tuple[Section, int | None]] = []
    if now.due is None:
        places = [("checks", None)] if now.cadence else []
    elif now.due < on:
        signed = now.last_sign is not None and now.last_sign >= now.due_set
        places = [("late" if signed else "undone", counting.between(now.due, on))]
    else:
        left = counting.between(on, now.due)
        places = [("due_soon", left)] if left is None or left <= SOON_DAYS else []
    if now.requested_on is not None:
        places.append(("extensions", counting.between(now.requested_on, on)))
    return places


def _row(task: TaskRecord, now: TaskState, posts: dict[str, Post], days: int | None, reminders: int) -> Row:
    return Row(
        task=task.task,
        title=task.title,
        lead=task.lead,
        post=posts[task.lead].post if task.lead in posts else None,
        field=task.field,
        due=now.due,
        days=days,
        reminders=reminders,
        acknowledged=now.last_sign is not None,
        proposed=now.proposed,
    )


def _undelivered(each: Occurrence, posts: dict[str, Post]) -> Undelivered:
    return Undelivered(
        reminder=each.reminder,
        about=each.about,
        rule=each.rule,
        recipient=each.recipient,
        post=posts[each.recipient].post if each.recipient in posts else None,
        channel=each.channel,
        run_on=each.run_on,
        failed_at=each.state_at,
        attempt=each.attempt,
        reason=each.reason,
    )


def _counts(
    sections: dict[Section, list[Row]], key: Callable[[Row], str], name: Callable[[Row], str | None]
) -> list[Count]:
    counts: dict[str, Count] = {}
    for section, rows in sections.items():
        for row in rows:
            count = counts.setdefault(key(row), Count(key=key(row), name=name(row)))
            setattr(count, section, getattr(count, section) + 1)
    return [counts[each] for each in sorted(counts)]
