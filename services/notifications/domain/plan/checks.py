"""Running tasks without a deadline (thường xuyên): the last working day of each of their weeks, months or quarters."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from services.notifications.domain.audience import Concerned
from services.notifications.domain.plan.planning import DueRung, Planning, RuleInForce
from services.notifications.domain.task_state import state_at
from shared.calendar import period_of


def checks(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    for task in planning.records.tasks.values():
        now = state_at(task, planning.at)
        if now is None or now.status != "open" or now.due is not None or now.cadence is None:
            continue
        concerned = Concerned(lead=task.lead, collaborators=tuple(task.collaborators))
        for key, last in _periods(planning, now.cadence, planning.reach_back(rules, 0)):
            for time in planning.due(rules, last):
                if now.due_set <= time.wanted_at:
                    yield time.rung(f"check/{task.task}/{key}", concerned)


def _periods(planning: Planning, cadence: str, first: date) -> Iterator[tuple[str, date]]:
    """The periods that a day from the first until today lies in, by key and last day."""
    if cadence == "week":
        monday = first - timedelta(days=first.weekday())
        while monday <= planning.today:
            yield week_key(monday), monday + timedelta(days=6)
            monday += timedelta(days=7)
        return
    period = period_of(cadence, first)  # type: ignore[arg-type]
    while period.start <= planning.today:
        yield period.key, period.end
        period = period.next()


def week_key(day: date) -> str:
    """The ISO week of a day, such as "2024-W24"."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"
