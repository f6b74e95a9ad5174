"""Deadlines of a task: resolved to dates, confirmed, extended, recomputed."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from msgspec.structs import replace

from services.tasks.domain import refusals
from services.tasks.domain.authority import as_authority, as_lead, must_be, must_be_running
from services.tasks.domain.context import Command, Context, acting, required_text
from services.tasks.domain.task import RUNNING, Task
from shared.calendar import CalendarMissing, Calendars, resolve_due, rests_on
from shared.events import Data, Due, DueConfirmed, DueRecomputed, ExtensionGranted, ExtensionRefused, ExtensionRequested


class ConfirmDue(Command):
    task: str
    due: Due
    reason: str
    by: str | None = None


class RequestExtension(Command):
    task: str
    proposed_due: Due
    reason: str
    by: str | None = None


class GrantExtension(Command):
    """Without `due` the proposed date is granted."""

    task: str
    reason: str
    due: Due | None = None
    by: str | None = None


class RefuseExtension(Command):
    task: str
    reason: str
    by: str | None = None


def confirm_due(state: Task | None, command: ConfirmDue, context: Context) -> list[Data]:
    """A deadline given as free text gets its structure; the date may be past.

    A date in force is corrected by the competent person only, since the correction counts from that date's beginning.
    Refuses: not running, the same deadline again, no reason.
    """
    task = must_be_running(state, command.task)
    by = acting(context, command.by) if task.due_date is None else as_authority(task, command.by, context)
    due = resolved(command.due, context.calendars, counted_from=task.due_from)
    if due == task.due:
        raise refusals.NOTHING_CHANGES()
    return [
        DueConfirmed(
            task=task.task, due=due, due_version=task.due_version + 1, by=by, reason=required_text(command.reason)
        )
    ]


def request_extension(state: Task | None, command: RequestExtension, context: Context) -> list[Data]:
    """Refuses: not the lead, no date in force, a result pending, a date that is past or not later, no reason."""
    task = must_be(state, command.task, {"open"})
    by = as_lead(task, command.by, context)
    due = _later(task, command.proposed_due, context)
    return [ExtensionRequested(task=task.task, by=by, reason=required_text(command.reason), proposed_due=due)]


def grant_extension(state: Task | None, command: GrantExtension, context: Context) -> list[Data]:
    """`late`: asked, or granted unasked, after the date in force.

    Refuses: not the competent person, not running, neither asked nor dated, a date past or not later, no reason.
    """
    task = must_be_running(state, command.task)
    by = as_authority(task, command.by, context)
    wanted = command.due or (task.request.proposed if task.request else None)
    if wanted is None:
        raise refusals.DUE_DATE_REQUIRED()
    return [
        ExtensionGranted(
            task=task.task,
            by=by,
            late=_asked_late(task, context.today),
            reason=required_text(command.reason),
            due=_later(task, wanted, context),
            due_version=task.due_version + 1,
        )
    ]


def refuse_extension(state: Task | None, command: RefuseExtension, context: Context) -> list[Data]:
    """Refuses: not the competent person, not running, nothing asked, no reason."""
    task = must_be_running(state, command.task)
    by = as_authority(task, command.by, context)
    if task.request is None:
        raise refusals.NO_EXTENSION_REQUESTED()
    late = _asked_late(task, context.today)
    return [ExtensionRefused(task=task.task, by=by, late=late, reason=required_text(command.reason))]


def recompute(tasks: Iterable[Task], superseded: str, calendars: Calendars, by: str, reason: str) -> list[Data]:
    """New due versions of the running tasks whose working-day deadline the superseding calendar moves."""
    events: list[Data] = []
    for task in tasks:
        if task.status not in RUNNING or task.due is None or task.due.working_days is None:
            continue
        if not rests_on(task.due, superseded):
            continue
        due = resolved(task.due, calendars, counted_from=task.due_from)
        if due.date != task.due.date:
            version = task.due_version + 1
            events.append(DueRecomputed(task=task.task, due=due, due_version=version, by=by, reason=reason))
    return events


def resolved(due: Due, calendars: Calendars, *, counted_from: date | None) -> Due:
    """The deadline with the date that rules use and the calendar it rests on.

    Working days count from `after` when that is a date (2024-06-14), from `counted_from` when nothing is said, and
    from nothing yet when `after` names an event. Refuses: a count that is not above 0, no calendar for the year.
    """
    plain: dict[str, Any] = {"calendar": None}
    if due.working_days is not None:
        if due.working_days < 1:
            raise refusals.WORKING_DAYS_NOT_POSITIVE()
        plain["date"] = None
    try:
        return resolve_due(replace(due, **plain), calendars, after=_start(due, counted_from))
    except CalendarMissing as error:
        raise refusals.CALENDAR_MISSING(year=error.year) from error


def resolved_not_past(due: Due, context: Context) -> Due:
    """A new deadline that has a date, not before the day of recording."""
    due = resolved(due, context.calendars, counted_from=context.today)
    if due.date is None:
        raise refusals.DUE_DATE_REQUIRED()
    if due.date < context.today:
        raise refusals.DUE_DATE_PAST(date=due.date)
    return due


def _start(due: Due, counted_from: date | None) -> date | None:
    if due.after is None:
        return counted_from
    try:
        return date.fromisoformat(due.after)
    except ValueError:
        return None


def _later(task: Task, due: Due, context: Context) -> Due:
    if task.due_date is None:
        raise refusals.NO_DATE_TO_EXTEND(task=task.task)
    due = resolved_not_past(due, context)
    if due.date is None or due.date <= task.due_date:
        raise refusals.EXTENSION_NOT_LATER(date=task.due_date)
    return due


def _asked_late(task: Task, today: date) -> bool:
    asked_on = task.request.asked_on if task.request else today
    return task.due_date is not None and asked_on > task.due_date
