"""Working days as published data: which days are working days, counting in them, moving dates off days off.

Sources: BLDS 2015, Điều 147-148 (counting starts the day after the event; a last day on a day off moves on);
BLLĐ 2019, Điều 112 (holidays); the yearly announcements of swapped days, named in each calendar's legal bases.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from shared.events.calendars import CalendarPublished, DayOff, WorkingWeekend
from shared.events.values import Roll
from shared.refusal import Refusal

CALENDAR_UNDECIDED = Refusal(
    "calendar-undecided", "Lịch còn ngày chưa quyết định", "Lịch năm {year} còn ngày chờ quyết định: {days}."
)

ONE_DAY = timedelta(days=1)
SATURDAY = 5


class CalendarMissing(Exception):
    """No calendar of this year is published. A Monday-to-Friday guess would be wrong around Tết, so there is none."""

    def __init__(self, year: int) -> None:
        super().__init__(f"no working calendar is published for {year}")
        self.year = year


class Calendar(msgspec.Struct, frozen=True):
    """One year's calendar. `id` names the revision: "vn-2024-r2"."""

    id: str
    year: int
    days_off: frozenset[date]
    working_weekends: frozenset[date]

    def is_working(self, day: date) -> bool:
        if day.weekday() >= SATURDAY:
            return day in self.working_weekends
        return day not in self.days_off


def calendar_of(published: CalendarPublished) -> Calendar:
    """The calendar that an event published."""
    return Calendar(
        published.calendar,
        published.year,
        frozenset(off.date for off in published.days_off),
        frozenset(weekend.date for weekend in published.working_weekends),
    )


class Calendars:
    """The calendars in force, one per year; every question about a year without one raises `CalendarMissing`."""

    def __init__(self, calendars: Iterable[Calendar] = ()) -> None:
        self._by_year = {calendar.year: calendar for calendar in calendars}

    def of(self, year: int) -> Calendar:
        try:
            return self._by_year[year]
        except KeyError:
            raise CalendarMissing(year) from None

    def get(self, year: int) -> Calendar | None:
        return self._by_year.get(year)

    def is_working(self, day: date) -> bool:
        return self.of(day.year).is_working(day)

    def add_working_days(self, day: date, count: int) -> date:
        """The day `count` working days after `day` (before it when negative); `day` itself is never counted."""
        step = ONE_DAY if count > 0 else -ONE_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_working(day):
                day += step
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` lies before `start`.

        `add_working_days(start, working_days_between(start, end)) == end` for every working day `end`.
        """
        if end >= start:
            return sum(self.is_working(day) for day in _days(start + ONE_DAY, end))
        return -sum(self.is_working(day) for day in _days(end, start - ONE_DAY))

    def roll(self, day: date, roll: Roll) -> date:
        """`day` when it is a working day or `roll` is "none"; else the next or the last working day."""
        if roll == "none":
            return day
        step = ONE_DAY if roll == "forward" else -ONE_DAY
        while not self.is_working(day):
            day += step
        return day

    def revisions(self, first: date, last: date) -> tuple[str, ...]:
        """The ids of the calendars that a computation from `first` to `last` (in either order) rests on."""
        years = sorted((first.year, last.year))
        return tuple(self.of(year).id for year in range(years[0], years[1] + 1))


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE_DAY


def undecided(file: Mapping[str, Any]) -> list[date]:
    """The days off of a calendar file that are only proposed: a person decides on each before publishing."""
    return [
        date.fromisoformat(off["date"])
        for off in file["days_off"]
        if "proposed" in (file.get("status"), off.get("status"))
    ]


def published_from(
    file: Mapping[str, Any], *, calendar: str, by: str, decided: Mapping[date, bool], supersedes: str | None = None
) -> CalendarPublished:
    """The event's data for a calendar file; `decided` says of each proposed day whether it is a day off.

    Refuses `calendar-undecided` while a proposed day has no decision.
    """
    proposed = set(undecided(file))
    open_days = sorted(proposed - decided.keys())
    if open_days:
        raise CALENDAR_UNDECIDED(year=file["year"], days=[day.isoformat() for day in open_days])
    days_off = msgspec.convert(file["days_off"], list[DayOff])
    return CalendarPublished(
        calendar=calendar,
        year=file["year"],
        days_off=[off for off in days_off if off.date not in proposed or decided[off.date]],
        working_weekends=msgspec.convert(file["working_weekends"], list[WorkingWeekend]),
        by=by,
        supersedes=supersedes,
    )
