"""Periods (month, quarter, half-year, year) and when the occurrence of a recurring task is due in each."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec

from shared.events.values import Recurrence

Every = Literal["month", "quarter", "half", "year"]
MONTHS: dict[Every, int] = {"month": 1, "quarter": 3, "half": 6, "year": 12}


class Period(msgspec.Struct, frozen=True, order=True):
    """The `index`-th (from 1) month, quarter or half of a year, or the year itself."""

    year: int
    index: int
    every: Every

    @property
    def last_month(self) -> int:
        return self.index * MONTHS[self.every]

    @property
    def start(self) -> date:
        return date(self.year, self.last_month - MONTHS[self.every] + 1, 1)

    @property
    def end(self) -> date:
        return last_day(self.year, self.last_month)

    @property
    def key(self) -> str:
        """As in events: "2024-06", "2024-Q2", "2024-H1", "2024"."""
        shapes: dict[Every, str] = {
            "month": f"{self.year}-{self.index:02}",
            "quarter": f"{self.year}-Q{self.index}",
            "half": f"{self.year}-H{self.index}",
            "year": str(self.year),
        }
        return shapes[self.every]

    def next(self) -> "Period":
        if self.last_month == 12:
            return Period(self.year + 1, 1, self.every)
        return Period(self.year, self.index + 1, self.every)


def last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def period_of(every: Every, day: date) -> Period:
    """The period that holds `day`."""
    return Period(day.year, (day.month - 1) // MONTHS[every] + 1, every)


def periods(every: Every, first: date, last: date) -> Iterator[Period]:
    """Each period with at least one day between `first` and `last`, in order."""
    period = period_of(every, first)
    while period.start <= last:
        yield period
        period = period.next()


def occurrence_due(recurrence: Recurrence, period: Period) -> date:
    """The due date in a period, before rolling: `day` of its last month moved by `month_offset` months.

    A day that the month does not have is its last day (day 31 of a quarter ending in June: 30 June).
    """
    year, month = divmod(period.year * 12 + period.last_month - 1 + recurrence.month_offset, 12)
    end = last_day(year, month + 1)
    return end if recurrence.day == "last" else end.replace(day=min(recurrence.day, end.day))
