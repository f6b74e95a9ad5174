"""Urging slips (phiếu đôn đốc): to whom one goes for which tasks, and in whose name it is signed."""

from collections.abc import Sequence
from datetime import date

import msgspec

from services.notifications.domain import refusals
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.people import Post, holders, post_on, posts_on, unit_on
from services.notifications.domain.records import DirectiveRecord, Records, TaskRecord
from services.notifications.domain.task_state import state_at
from shared.calendar import CalendarMissing, Calendars
from shared.events import local_day

# Working days that a lead has for the answer, unless the slip says a day.
REPLY_DAYS = 2
MOST_TASKS = 200


class IssueSlips(msgspec.Struct, frozen=True, kw_only=True):
    """A slip for each lead of these tasks. `number` only for the tasks of one lead: each slip has its own. `by` is who
    issues them, when somebody else types it."""

    tasks: list[str]
    number: str | None = None
    signed_by: str | None = None
    reply_by: date | None = None
    by: str | None = None


class IssuedSlip(msgspec.Struct, frozen=True, kw_only=True):
    """A slip as recorded; `time` is RFC 3339 in UTC."""

    slip: str
    time: str
    number: str | None
    signed_by: str | None
    sha256: str
    tasks: list[str]


class SlipTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as a slip states it. `days_over` are working days after `due`; `requested_on` the day of a request for
    more time that is not answered yet."""

    task: str
    title: str
    product: str
    due: date
    days_over: int
    directive: str | None = None
    directive_title: str | None = None
    directive_on: date | None = None
    requested_on: date | None = None


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """One slip to one lead. `addressee` is the staff id that it is handed to: the lead, or the head of a unit that
    leads; None for a unit without a head. `post` is that person's, or the unit."""

    lead: str
    addressee: str | None
    post: str
    on: date
    reply_by: date
    tasks: list[SlipTask]


class Signature(msgspec.Struct, frozen=True):
    """The lines above the name (NĐ 30/2020, Phụ lục I, Phần I, Mục II.7), and whose name stands below."""

    lines: list[str]
    staff: str | None = None


# Who may issue one.
ISSUERS = ("chair", "office")


def must_issue(records: Records, by: str, on: date, at: str) -> None:
    """Refuses `slip-issuer`: only the Chairman and the Office issue slips."""
    if by not in holders(posts_on(records, on, at), *ISSUERS):
        raise refusals.SLIP_ISSUER(by=by)


def slips(records: Records, tasks: Sequence[str], at: str, *, reply_by: date | None = None) -> list[Slip]:
    """One slip for each lead of these tasks, by staff id; the tasks of each by deadline. `at` is RFC 3339 in UTC.

    Refuses: task-unknown, slip-not-open, slip-not-overdue, slip-lead-left, slip-reply-by, slip-too-many,
    working-calendar-missing.
    """
    named = list(dict.fromkeys(tasks))
    if len(named) > MOST_TASKS:
        raise refusals.SLIP_TOO_MANY(most=MOST_TASKS)
    calendars = calendars_at(records, at)
    try:
        by_lead: dict[str, list[SlipTask]] = {}
        for task in named:
            record = records.tasks.get(task)
            if record is None:
                raise refusals.TASK_UNKNOWN(task=task)
            by_lead.setdefault(record.lead, []).append(_overdue(records, record, at, calendars))
        day = _reply_by(local_day(at), reply_by, calendars)
    except CalendarMissing as missing:
        raise refusals.WORKING_CALENDAR_MISSING(year=missing.year) from missing
    return [
        _slip(records, lead, sorted(found, key=lambda each: (each.due, each.task)), at, day)
        for lead, found in sorted(by_lead.items())
    ]


def _overdue(records: Records, record: TaskRecord, at: str, calendars: Calendars) -> SlipTask:
    now, on = state_at(record, at), local_day(at)
    if now is None:
        raise refusals.TASK_UNKNOWN(task=record.task)
    if now.status != "open":
        raise refusals.SLIP_NOT_OPEN(task=record.task)
    if now.due is None or now.due >= on:
        raise refusals.SLIP_NOT_OVERDUE(task=record.task)
    directive: DirectiveRecord | None = records.get("directive", record.directive) if record.directive else None
    return SlipTask(
        task=record.task,
        title=record.title,
        product=record.product,
        due=now.due,
        days_over=calendars.working_days_between(now.due, on),
        directive=directive.number if directive else None,
        directive_title=directive.title if directive else None,
        directive_on=directive.issued_on if directive else None,
        requested_on=now.requested_on,
    )


def _reply_by(on: date, given: date | None, calendars: Calendars) -> date:
    if given is None:
        return calendars.add_working_days(on, REPLY_DAYS)
    if given < on:
        raise refusals.SLIP_REPLY_BY(on=f"{on:%d/%m/%Y}")
    return given


def _slip(records: Records, lead: str, tasks: list[SlipTask], at: str, reply_by: date) -> Slip:
    on = local_day(at)
    if lead in records.people:
        post = post_on(records.people[lead], on, at)
        if post is None:
            raise refusals.SLIP_LEAD_LEFT(lead=lead)
        return Slip(lead=lead, addressee=lead, post=post.post, on=on, reply_by=reply_by, tasks=tasks)
    addressee = addressee_of(records, lead, at)
    return Slip(lead=lead, addressee=addressee, post=lead, on=on, reply_by=reply_by, tasks=tasks)


def addressee_of(records: Records, lead: str, at: str) -> str | None:
    """Whom a slip to a lead is handed to: that person, or the head of a unit that leads."""
    if lead in records.people:
        return lead
    unit = unit_on(records, lead, local_day(at), at)
    return unit.head if unit else None


# Role → the lines over the signature; the Office signs by the Chairman's order.
_LINES = {"chair": ("CHỦ TỊCH",), "vice_chair": ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")}
OFFICE_LINES = ("TL. CHỦ TỊCH", "VĂN PHÒNG")


def signature(records: Records, at: str, staff: str | None = None) -> Signature:
    """How a slip is signed: by the Office without a name, or by the person named. Refuses: slip-signer."""
    if staff is None:
        return Signature(list(OFFICE_LINES))
    post: Post | None = posts_on(records, local_day(at), at).get(staff)
    for role, lines in _LINES.items():
        if post and role in post.roles:
            return Signature(list(lines), staff)
    if post is None or "office" not in post.roles:
        raise refusals.SLIP_SIGNER(staff=staff)
    return Signature([OFFICE_LINES[0], post.post.upper()], staff)
