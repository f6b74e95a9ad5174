"""The periods of a rating year, month or quarter, and for whom each is closed (ADR 0014, points 1 and 2)."""

import re
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain import texts
from services.scoring.domain.records import Records
from services.scoring.domain.settings import settings_of
from services.scoring.domain.sheet import Sheet, sheets
from shared.calendar import Period
from shared.refusal import Refused

_NAME = re.compile(r"(2\d{3})-(?:(0[1-9]|1[0-2])|Q([1-4]))")


def named(key: str) -> Period:
    """`2026-03` or `2026-Q1`. Refuses `period-unknown`."""
    match = _NAME.fullmatch(key)
    if match is None:
        raise Refused("period-unknown", period=key)
    if match[2]:
        return Period(int(match[1]), int(match[2]), "month")
    return Period(int(match[1]), int(match[3]), "quarter")


def tracked(records: Records, key: str) -> Period:
    """A period by name. Refuses one that its year is not tracked by (`period-kind`)."""
    period = named(key)
    every = settings_of(records, period.year).period
    if period.every != every:
        raise Refused("period-kind", period=key, example=Period(period.year, 1, every).key)
    return period


def closing_of(records: Records, period: Period, staff: str) -> kept.Closing | None:
    """The last closing that names the person, unless it was reopened since, or an earlier period of the year was."""
    closings = [m for m in _moments(records, period, staff) if isinstance(m, kept.Closing)]
    if not closings:
        return None
    for index in range(1, period.index + 1):
        for moment in _moments(records, Period(period.year, index, period.every), staff):
            if isinstance(moment, kept.Reopening) and moment.position > closings[-1].position:
                return None
    return closings[-1]


def _moments(records: Records, period: Period, staff: str) -> list[kept.Closing | kept.Reopening]:
    record: kept.PeriodRecord | None = records.get("period", period.key)
    return [moment for moment in record.moments if staff in moment.data.staff] if record else []


def later(period: Period) -> list[Period]:
    """The periods of the year that follow."""
    found = []
    following = period.next()
    while following.year == period.year:
        found.append(following)
        following = following.next()
    return found


def earlier(period: Period) -> list[Period]:
    """The periods of the year before it, in order."""
    return [Period(period.year, index, period.every) for index in range(1, period.index)]


class Line(msgspec.Struct):
    """One person's period. `left_out` says why its score does not enter the mean; `against` by codes what stands
    against closing it now, tasks and earlier periods named beside."""

    staff: str
    rule_set: str
    closed_on: date | None
    score: str | None
    shown: str | None
    left_out: str | None
    to_close: bool
    against: list[str]
    waiting: list[str]
    open_before: list[str]


class PeriodTable(msgspec.Struct):
    """Everyone's period. `over`: its last day has passed, so that it may be closed for whom nothing stands against."""

    commune: str
    period: str
    first_day: date
    last_day: date
    over: bool
    people: list[Line]


# In the order in which closing refuses.
AGAINST = ("period-closed", "result-waits", "criteria-missing", "earlier-period-open")
# Left out for these reasons, the period has figures but lacks what people record.
_CRITERIA = {"common", "leader_criteria"}


def table(records: Records, period: Period, on: date) -> PeriodTable:
    """A period as of the end of a day."""
    found = lines(records, period, on)
    return PeriodTable(records.commune, period.key, period.start, period.end, on > period.end, found)


def lines(records: Records, period: Period, on: date) -> list[Line]:
    """The period of everyone who is rated by periods, as of the end of a day."""
    found = [_line(records, period, sheet) for sheet in sheets(records, period.year, on)]
    return [line for line in found if line is not None]


def _line(records: Records, period: Period, sheet: Sheet) -> Line | None:
    of = {each.period: each for each in periods_of(sheet)}
    this = of.get(period.key)
    if this is None:
        return None
    closing = closing_of(records, period, sheet.staff)
    open_before = [
        before.key
        for before in earlier(period)
        if before.key in of and _is_kept_here(of[before.key]) and not closing_of(records, before, sheet.staff)
    ]
    waiting = [blocker.task for blocker in sheet.blockers]
    stands = {
        "period-closed": closing is not None,
        "result-waits": bool(waiting),
        "criteria-missing": this.left_out in _CRITERIA,
        "earlier-period-open": bool(open_before),
    }
    return Line(
        staff=sheet.staff,
        rule_set=sheet.rule_set,
        closed_on=closing.data.closed_on if closing else None,
        score=this.score,
        shown=texts.decimal(Fraction(this.score)) if this.score is not None else None,
        left_out=this.left_out,
        to_close=closing is None and _is_kept_here(this),
        against=[code for code in AGAINST if stands[code]],
        waiting=waiting,
        open_before=open_before,
    )


def _is_kept_here(of: Any) -> bool:
    """Was the person here in the period, so that it is closed here?"""
    return of.left_out != "absent" and of.received_from is None


def periods_of(sheet: Sheet) -> list[Any]:
    return getattr(sheet, "periods", [])
