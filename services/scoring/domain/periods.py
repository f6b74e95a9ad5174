"""The periods of a rating year: for whom each is closed, and what prevents closing it."""

from datetime import date
from fractions import Fraction

import msgspec

from services.scoring.domain import refusals, rules, texts
from services.scoring.domain.records import Records
from services.scoring.domain.rules.description import Description
from services.scoring.domain.rules.facts.periods import named
from services.scoring.domain.rules.interface import PeriodSheet
from services.scoring.domain.settings import settings_of
from services.scoring.domain.sheet import Sheet, sheets
from shared.calendar import Period

# The years of ratings.
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def tracked(records: Records, key: str) -> Period:
    """A period by its name in events. Refuses `period-unknown`, and one that its year is not tracked by
    (`period-kind`)."""
    period = named(key)
    if period is None or period.key != key or not _FIRST_YEAR <= period.year <= _LAST_YEAR:
        raise refusals.PERIOD_UNKNOWN(period=key)
    every = settings_of(records, period.year).period
    if period.every != every:
        raise refusals.PERIOD_KIND(period=key, example=Period(period.year, 1, every).key)
    return period


def period_in(sheet: Sheet, period: Period) -> PeriodSheet | None:
    """A person's period; None for one that has not begun, and where the rule set tracks none."""
    return next((each for each in sheet.periods if each.period == period.key), None)


class Line(msgspec.Struct):
    """One person's period. `left_out` says why its score does not enter the mean. `against` holds the codes of what
    prevents closing it now; `waiting` and `open_before` name the tasks and the earlier periods."""

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
    """Everyone's period. `over`: its last day has passed, so it may be closed for everyone with an empty `against`."""

    commune: str
    period: str
    first_day: date
    last_day: date
    over: bool
    people: list[Line]


# In the order in which closing refuses.
AGAINST = (
    refusals.PERIOD_CLOSED,
    refusals.RESULT_WAITS,
    refusals.CRITERIA_MISSING,
    refusals.EARLIER_PERIOD_OPEN,
)


def table(records: Records, period: Period, on: date) -> PeriodTable:
    """A period as of the end of a day."""
    found = lines(records, period, on)
    return PeriodTable(records.commune, period.key, period.start, period.end, on > period.end, found)


def lines(records: Records, period: Period, on: date) -> list[Line]:
    """The period of everyone who is rated by periods, as of the end of a day."""
    found = [_line(period, sheet) for sheet in sheets(records, period.year, on)]
    return [line for line in found if line is not None]


def _line(period: Period, sheet: Sheet) -> Line | None:
    this = period_in(sheet, period)
    if this is None:
        return None
    closed = this.status == "closed"
    described = rules.described(sheet.rule_set)
    reason = described.left_out_as(this.left_out)
    before = [each for each in sheet.periods if each.last < this.first]
    open_before = [each.period for each in before if each.status == "open" and _is_kept_here(each, described)]
    waiting = [blocker.task for blocker in sheet.blockers]
    applies = {
        refusals.PERIOD_CLOSED: closed,
        refusals.RESULT_WAITS: bool(waiting),
        refusals.CRITERIA_MISSING: reason is not None and reason.lacks_record,
        refusals.EARLIER_PERIOD_OPEN: bool(open_before),
    }
    return Line(
        staff=sheet.staff,
        rule_set=sheet.rule_set,
        closed_on=this.evaluated_on if closed else None,
        score=this.score,
        shown=texts.decimal(Fraction(this.score)) if this.score is not None else None,
        left_out=this.left_out,
        to_close=not closed and _is_kept_here(this, described),
        against=[refusal.code for refusal in AGAINST if applies[refusal]],
        waiting=waiting,
        open_before=open_before,
    )


def _is_kept_here(of: PeriodSheet, described: Description) -> bool:
    """Was the person here in the period, so that it is closed here?"""
    reason = described.left_out_as(of.left_out)
    return of.received_from is None and not (reason and reason.away)
