"""Working calendars: the revision in force of each year, and those it superseded."""

from datetime import date

import msgspec

from services.tasks.domain import Evolvers
from shared.calendar import Calendar
from shared.events import CalendarPublished


class CalendarYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """`calendar` is the revision in force; `revisions` every one published, oldest first."""

    year: int
    calendar: str
    days_off: list[date]
    working_weekends: list[date]
    revisions: list[str] = []


def as_calendar(year: CalendarYear) -> Calendar:
    return Calendar(year.calendar, year.year, frozenset(year.days_off), frozenset(year.working_weekends))


def _published(state: CalendarYear | None, data: CalendarPublished, _: date) -> CalendarYear:
    return CalendarYear(
        data.year,
        data.calendar,
        [off.date for off in data.days_off],
        [weekend.date for weekend in data.working_weekends],
        [*(state.revisions if state else []), data.calendar],
    )


EVOLVE: Evolvers = {CalendarPublished: _published}
