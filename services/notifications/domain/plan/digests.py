"""The digests of weeks and months."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from services.notifications.domain.audience import Concerned
from services.notifications.domain.plan.checks import week_key
from services.notifications.domain.plan.planning import ONE_DAY, DueRung, Planning, RuleInForce


def weeks(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    """The policy's weekday, or the first working day after it in the same week; a week without one has no digest."""
    first = planning.reach_back(rules, 0)
    monday = first - timedelta(days=first.weekday())
    while monday <= planning.today:
        for each in rules:
            day = _first_working(planning, monday + timedelta(days=each.policy.digest.weekday), monday)
            time = planning.time_of(each, day) if day is not None else None
            if time and time.in_force and planning.since < time.wanted_at <= planning.at:
                yield time.rung(f"week/{week_key(monday)}", Concerned())
        monday += timedelta(days=7)


def _first_working(planning: Planning, day: date, monday: date) -> date | None:
    days = (day + timedelta(days=more) for more in range((monday + timedelta(days=7) - day).days))
    return planning.computed(lambda: next((each for each in days if planning.calendars.is_working(each)), None))


def months(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    """About the month that ended, on a working day of the next."""
    start = planning.reach_back(rules, 1).replace(day=1)
    while start <= planning.today:
        last = start - ONE_DAY
        for time in planning.due(rules, last):
            yield time.rung(f"month/{last:%Y-%m}", Concerned())
        start = (start + timedelta(days=31)).replace(day=1)
