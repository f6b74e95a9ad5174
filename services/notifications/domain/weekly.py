"""The week for the leaders, by person and by field, with all late tasks; the month in numbers for supervisors."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, TypeAlias

import msgspec

from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.people import Post, posts_on
from services.notifications.domain.records import DueSet, Ended, Records, Requested, TaskRecord
from services.notifications.domain.task_state import TaskState, state_at
from shared.calendar import CalendarMissing, Calendars
from shared.events import local_day
from shared.events.reminders import Level
from shared.records import commune_name
from shared.reform import FIELDS

# The highest first; a person with none of these roles counts as the lead.
ROLES: tuple[Level, ...] = ("chair", "vice_chair", "office")


class ReachedRecipient(msgspec.Struct, frozen=True):
    """A reminder about a task that reached its recipient."""

    task: str
    due_version: int
    run_on: date
    recipient: str


class WeekCounts(msgspec.Struct, kw_only=True):
    """Numbers of tasks. `open` waits for a result, and splits into those past their deadline with a sign of work since
    that was set (`late`), those without one (`undone`), and the others; `due` of the others are due by Sunday.
    `waiting` is reported and not verified; `requests` are open tasks with an unanswered request for more time;
    `in_time` and `behind` came to their end this week, reported by the deadline or after it."""

    open: int
    due: int
    in_time: int
    behind: int
    late: int
    undone: int
    waiting: int
    requests: int


class PersonWeek(msgspec.Struct):
    """`post` is None for a unit and for a person who left."""

    staff: str
    post: str | None
    tasks: WeekCounts


class FieldWeek(msgspec.Struct):
    field: int
    name: str
    tasks: WeekCounts


class LateTask(msgspec.Struct, kw_only=True):
    """`days_over` are working days after the deadline, None where a year has no calendar; `told` is the highest level
    that was reminded since the deadline passed, None if nobody was."""

    task: str
    title: str
    product: str
    field: int
    directive: str | None
    lead: str
    post: str | None
    due: date
    days_over: int | None
    kind: Literal["late", "undone"]
    requested_on: date | None
    told: Level | None


class Week(msgspec.Struct, kw_only=True):
    """The week from Monday to Sunday as it stood at a moment of `on`. `missing` are years without a calendar."""

    commune: str
    name: str
    week: str
    on: date
    monday: date
    sunday: date
    total: WeekCounts
    people: list[PersonWeek]
    fields: list[FieldWeek]
    late: list[LateTask]
    missing: list[int]


class _Followed(msgspec.Struct):
    """A task with its state at the moment, and the day it ended."""

    task: TaskRecord
    now: TaskState
    ended: date | None


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def week(records: Records, at: str, reminders: Iterable[ReachedRecipient]) -> Week:
    """The week of a moment (RFC 3339 in UTC). `records` must hold what ended since that Monday in Vietnam."""
    on = local_day(at)
    monday = monday_of(on)
    followed = [each for task in records.tasks.values() if (each := _follow(task, at))]
    posts = posts_on(records, on, at)
    leads = sorted({each.task.lead for each in followed if each.now.runs or _ended_since(each, monday)})
    late, missing = _late(records, followed, on, calendars_at(records, at), posts, reminders)
    year, number, _ = on.isocalendar()
    return Week(
        commune=records.commune,
        name=commune_name(records),
        week=f"{year}-W{number:02d}",
        on=on,
        monday=monday,
        sunday=monday + timedelta(days=6),
        total=_count(followed, on),
        people=[
            PersonWeek(lead, _post(posts, lead), _count([each for each in followed if each.task.lead == lead], on))
            for lead in leads
        ],
        fields=[
            FieldWeek(field, name, _count([each for each in followed if each.task.field == field], on))
            for field, name in FIELDS.items()
        ],
        late=late,
        missing=missing,
    )


def _follow(task: TaskRecord, at: str) -> _Followed | None:
    now = state_at(task, at)
    if now is None:
        return None
    return _Followed(task, now, None if now.runs else local_day(now.since))


def _post(posts: Mapping[str, Post], staff: str) -> str | None:
    return posts[staff].post if staff in posts else None


def _overdue(task: _Followed, on: date) -> bool:
    return task.now.status == "open" and task.now.due is not None and task.now.due < on


def _signed(task: _Followed) -> bool:
    """Was there a sign of work since the deadline in force was set?"""
    return task.now.last_sign is not None and task.now.last_sign >= task.now.due_set


def _ended_since(task: _Followed, first: date) -> bool:
    return task.now.status == "completed" and task.ended is not None and task.ended >= first


def _due_this_week(task: _Followed, on: date) -> bool:
    sunday = monday_of(on) + timedelta(days=6)
    return task.now.status == "open" and task.now.due is not None and on <= task.now.due <= sunday


def _in_time(task: _Followed) -> bool:
    on = task.now.reported_on or task.ended
    return task.now.due is None or (on is not None and on <= task.now.due)


_WEEK: Mapping[str, Callable[[_Followed, date], bool]] = {
    "open": lambda task, on: task.now.status == "open",
    "due": _due_this_week,
    "in_time": lambda task, on: _ended_since(task, monday_of(on)) and _in_time(task),
    "behind": lambda task, on: _ended_since(task, monday_of(on)) and not _in_time(task),
    "late": lambda task, on: _overdue(task, on) and _signed(task),
    "undone": lambda task, on: _overdue(task, on) and not _signed(task),
    "waiting": lambda task, on: task.now.status == "reported",
    "requests": lambda task, on: task.now.status == "open" and task.now.requested_on is not None,
}


def _count(followed: Iterable[_Followed], on: date) -> WeekCounts:
    tasks = list(followed)
    return WeekCounts(**{name: sum(is_one(task, on) for task in tasks) for name, is_one in _WEEK.items()})


def _late(
    records: Records,
    followed: Iterable[_Followed],
    on: date,
    calendars: Calendars,
    posts: Mapping[str, Post],
    reminders: Iterable[ReachedRecipient],
) -> tuple[list[LateTask], list[int]]:
    """All open tasks past their deadline, the longest overdue first; and the years that have no calendar."""
    rows, missing = [], set()
    reached: dict[tuple[str, int], list[ReachedRecipient]] = {}
    for reminder in reminders:
        reached.setdefault((reminder.task, reminder.due_version), []).append(reminder)
    for each in followed:
        task, now = each.task, each.now
        if not _overdue(each, on) or now.due is None:
            continue
        try:
            over: int | None = calendars.working_days_between(now.due, on)
        except CalendarMissing as without:
            over = None
            missing.add(without.year)
        directive = records.get("directive", task.directive) if task.directive else None
        rows.append(
            LateTask(
                task=task.task,
                title=task.title,
                product=task.product,
                field=task.field,
                directive=directive.number if directive else None,
                lead=task.lead,
                post=_post(posts, task.lead),
                due=now.due,
                days_over=over,
                kind="late" if _signed(each) else "undone",
                requested_on=now.requested_on,
                told=_level(reached.get((task.task, now.due_version), []), task.lead, now.due, posts),
            )
        )
    return sorted(rows, key=lambda late: (late.due, late.lead, late.task)), sorted(missing)


def _level(reminders: Iterable[ReachedRecipient], lead: str, due: date, posts: Mapping[str, Post]) -> Level | None:
    """The highest level, by their posts, of those who were reminded after the deadline."""
    people = {reminder.recipient for reminder in reminders if reminder.run_on > due}
    roles = {role for staff in people - {lead} if staff in posts for role in posts[staff].roles}
    return next((level for level in ROLES if level in roles), "lead" if people else None)


# The month


# A lead's part in each number.
Part: TypeAlias = dict[str, int]


class MonthCounts(msgspec.Struct, kw_only=True):
    """Numbers of tasks of a month: assigned in it; completed in it, reported by the deadline or after it; cancelled or
    handed back in it; asked more time for in it; and at its end open, of these past the deadline, and waiting to be
    verified. None is not shown."""

    assigned: int | None
    in_time: int | None
    behind: int | None
    dropped: int | None
    requests: int | None
    open: int | None
    overdue: int | None
    waiting: int | None


# Which of them are of the month itself, and how things stand at its end.
FLOWS = ("assigned", "in_time", "behind", "dropped", "requests")
STOCKS = ("open", "overdue", "waiting")


class FieldMonth(msgspec.Struct):
    field: int
    name: str
    tasks: MonthCounts


class Month(msgspec.Struct, kw_only=True):
    """A month in numbers that name nobody: by field only, nothing by person, unit or task. `complete`: it is over.
    `notes` say what is not shown, and why."""

    commune: str
    name: str
    month: str
    on: date
    complete: bool
    total: MonthCounts
    fields: list[FieldMonth]
    notes: list[str] = []


def month(records: Records, first: date, at: str) -> Month:
    """The month that begins on `first`, at its end or as it stood at an earlier moment `at` (RFC 3339 in UTC).
    `records` must hold what ended since its first day in Vietnam."""
    last = last_of(first)
    on = min(local_day(at), last)
    tasks = list(records.tasks.values())
    return Month(
        commune=records.commune,
        name=commune_name(records),
        month=f"{first:%Y-%m}",
        on=on,
        complete=local_day(at) > last,
        total=summed(parts_of(tasks, first, on, at)),
        fields=[
            FieldMonth(field, name, summed(parts_of([task for task in tasks if task.field == field], first, on, at)))
            for field, name in FIELDS.items()
        ],
    )


def summed(parts: Mapping[str, Part], shown: Collection[str] = (*FLOWS, *STOCKS)) -> MonthCounts:
    """All parts together; None for what is not shown."""
    counts = {name: sum(part[name] for part in parts.values()) for name in shown}
    return MonthCounts(**dict.fromkeys((*FLOWS, *STOCKS)) | counts)


def last_of(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def parts_of(tasks: Sequence[TaskRecord], first: date, on: date, at: str) -> dict[str, Part]:
    """By lead, their part in the numbers of a month, of those who have one."""
    parts: dict[str, Part] = {}
    for task in tasks:
        moments = [moment for moment in task.moments if moment.time <= at and moment.day <= on]
        if not moments:
            continue
        now = state_at(task, moments[-1].time)
        if now is None:
            continue
        followed = _Followed(task, now, None if now.runs else local_day(now.since))
        ended = isinstance(moments[-1], Ended) and moments[-1].day >= first
        counts = {
            "assigned": isinstance(moments[0], DueSet) and moments[0].day >= first,
            "in_time": ended and now.status == "completed" and _in_time(followed),
            "behind": ended and now.status == "completed" and not _in_time(followed),
            "dropped": ended and now.status != "completed",
            "requests": any(isinstance(moment, Requested) and moment.day >= first for moment in moments),
            "open": now.status == "open",
            "overdue": _overdue(followed, on),
            "waiting": now.status == "reported",
        }
        if any(counts.values()):
            part = parts.setdefault(task.lead, dict.fromkeys(counts, 0))
            for name, is_one in counts.items():
                part[name] += is_one
    return parts
