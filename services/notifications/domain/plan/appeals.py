"""Appeals against a rating: a working day after receipt on which one is not resolved."""

from collections.abc import Iterator, Sequence

from services.notifications.domain import records as kept
from services.notifications.domain.audience import Concerned
from services.notifications.domain.plan.planning import DueRung, Planning, RuleInForce


def appeals(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    for record in planning.records.by_kind["appeal"].values():
        appealed = unresolved(record, planning.at)
        if appealed is not None:
            for time in planning.due(rules, appealed.data.received_on, recorded=appealed.time):
                yield time.rung(f"appeal/{record.appeal}", Concerned(person=appealed.data.staff))


def unresolved(record: kept.AppealRecord, at: str) -> kept.Appealed | None:
    """The appeal, if it was not answered by a time."""
    known = [moment for moment in record.moments if moment.time <= at]
    if any(isinstance(moment, kept.Resolved) for moment in known):
        return None
    return next((moment for moment in known if isinstance(moment, kept.Appealed)), None)
