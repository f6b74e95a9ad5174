"""From a structured deadline to the date that rules use, with the calendar revisions it was computed with."""

from datetime import date

import msgspec

from shared.calendar.days import Calendars
from shared.events.values import Due

SEPARATOR = "+"


def resolve_due(due: Due, calendars: Calendars, *, after: date | None = None) -> Due:
    """The same deadline with `date` after rolling and `calendar` naming the revisions used ("vn-2024-r2").

    A deadline in working days counts from the day `after` on which its event happened (Điều 147 k2 BLDS 2015: that day
    is not counted); until that day is known it stays without a date. A plain date is only rolled. A computation that
    touches two years names both calendars, joined by "+". Raises `CalendarMissing`.
    """
    if due.working_days is not None:
        if after is None:
            return due
        day = calendars.add_working_days(after, due.working_days)
        return _pinned(due, day, calendars.revisions(after, day))
    if due.date is None or due.roll == "none":
        return due
    day = calendars.roll(due.date, due.roll)
    return _pinned(due, day, calendars.revisions(due.date, day))


def rests_on(due: Due, calendar: str) -> bool:
    """Whether the deadline was computed with this revision: what a superseding calendar has to recompute."""
    return calendar in (due.calendar or "").split(SEPARATOR)


def _pinned(due: Due, day: date, revisions: tuple[str, ...]) -> Due:
    return msgspec.structs.replace(due, date=day, calendar=SEPARATOR.join(revisions))
