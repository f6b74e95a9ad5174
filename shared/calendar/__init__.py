"""Working days, periods and deadlines over published calendars."""

from shared.calendar.days import (
    CALENDAR_UNDECIDED,
    Calendar,
    CalendarMissing,
    Calendars,
    calendar_of,
    published_from,
    undecided,
)
from shared.calendar.due import resolve_due, rests_on
from shared.calendar.periods import Every, Period, last_day, occurrence_due, period_of, periods

__all__ = [
    "CALENDAR_UNDECIDED",
    "Calendar",
    "CalendarMissing",
    "Calendars",
    "Every",
    "Period",
    "calendar_of",
    "last_day",
    "occurrence_due",
    "period_of",
    "periods",
    "published_from",
    "resolve_due",
    "rests_on",
    "undecided",
]
