"""A person's tracking periods: which are closed, from which records each is computed, and the tasks that closed ones
hold (ADR 0014, points 1 to 4)."""

import re
from collections.abc import Iterator
from datetime import date

from services.scoring.domain import records as kept
from services.scoring.domain.records import TaskRecord
from services.scoring.domain.rules.facts.dates import Life
from services.scoring.domain.rules.facts.snapshot import Snapshot
from shared.calendar import Period, periods

_SETS_DUE = kept.Assigned | kept.DueRevised | kept.Granted | kept.Returned | kept.Reopened
_NAME = re.compile(r"(\d{4})-(?:(0[1-9]|1[0-2])|Q([1-4]))")


def named(key: str) -> Period | None:
    """`2026-03` or `2026-Q1`; None for other names."""
    match = _NAME.fullmatch(key)
    if match is None:
        return None
    year, month, quarter = match.groups()
    return Period(int(year), int(month), "month") if month else Period(int(year), int(quarter), "quarter")


def begun(snapshot: Snapshot, year: int) -> list[Period]:
    """The periods of a year whose first day is not after A."""
    last = min(snapshot.on, date(year, 12, 31))
    return list(periods(snapshot.settings(year).period, date(year, 1, 1), last)) if snapshot.on.year >= year else []


def closings(snapshot: Snapshot, staff: str) -> dict[Period, kept.Closing]:
    """The closed periods of a person, of whatever year, in the order of their closings."""
    return snapshot.once(("closings", staff), lambda: _closings(snapshot, staff))


def _closings(snapshot: Snapshot, staff: str) -> dict[Period, kept.Closing]:
    moments = [
        moment
        for record in snapshot.records.by_kind["period"].values()
        for moment in record.moments
        if staff in moment.data.staff
    ]
    closed: dict[Period, kept.Closing] = {}
    for moment in sorted(moments, key=lambda moment: moment.position):
        period = named(moment.data.period)
        if period is None:
            continue
        if isinstance(moment, kept.Closing):
            closed.pop(period, None)
            closed[period] = moment
        else:
            # Reopening one reopens the later ones of the year.
            for other in [other for other in closed if other.year == period.year and other.start >= period.start]:
                del closed[other]
    return closed


def computed_from(snapshot: Snapshot, closing: kept.Closing) -> Snapshot:
    """The records that a closed period is computed from, on the day of closing."""
    return snapshot.at(closing.data.inputs, closing.data.closed_on)


def day_of(life: Life, by: date) -> date | None:
    """The day that decides a task's period: its due date in force; without one, that of its accepted result."""
    version, result = life.version_by(by), life.result_by(by)
    if version is not None and version.due is not None:
        return version.due
    return result.on if result is not None else None


def held_by(snapshot: Snapshot, task: TaskRecord, but: Period | None = None) -> Period | None:
    """The closed period that holds a task: by its date as known then, whatever happens to that date later.
    `but` is taken as open."""
    return snapshot.once(("held", task.task, but), lambda: _held_by(snapshot, task, but))


def _held_by(snapshot: Snapshot, task: TaskRecord, but: Period | None) -> Period | None:
    life = snapshot.life(task)
    for period, closing in closings(snapshot, task.lead).items():
        # Only then are the records of that time worth cutting.
        if period == but or not any(period.start <= day <= period.end for day in _days(life)):
            continue
        then = computed_from(snapshot, closing)
        known = then.records.tasks.get(task.task)
        if known is None:
            continue
        day = day_of(then.life(known), then.on)
        if day is not None and period.start <= day <= period.end and held_by(then, known, period) is None:
            return period
    return None


def _days(life: Life) -> Iterator[date]:
    """Every day that ever could decide the task's period: a correction puts a later date in a version's place."""
    for moment in life.task.moments:
        if isinstance(moment, kept.Completed):
            yield moment.on
        elif isinstance(moment, _SETS_DUE) and moment.due is not None:
            yield moment.due
