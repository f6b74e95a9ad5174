"""Working calendars as published data."""

from msgspec import field

from shared.events.catalogue import event
from shared.events.values import Data, Day, Text


class DayOff(Data):
    date: Day
    name: Text
    legal_basis: Text


class WorkingWeekend(Data):
    """A weekend day that is worked to make up for a swapped day off (`for`)."""

    date: Day
    legal_basis: Text
    for_: Day | None = field(name="for", default=None)


@event("calendar.published", source="tasks", subject="calendar/{year}")
class CalendarPublished(Data):
    """A revision such as `vn-2024-r2`; a new one supersedes the last and recomputes open working-day deadlines."""

    calendar: str
    year: int
    days_off: list[DayOff]
    working_weekends: list[WorkingWeekend]
    by: str
    supersedes: str | None = None
