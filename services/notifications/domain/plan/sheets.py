"""Sheets of periods: for each period that ended, the people who have not scored themselves or not confirmed a sheet."""

from collections.abc import Iterator, Sequence
from datetime import date

from services.notifications.domain.audience import Concerned
from services.notifications.domain.plan.planning import DueRung, Planning, RuleInForce
from services.notifications.domain.sheets import missing, period_length, scored_by_period
from shared.calendar import period_of

# Which stage of a sheet each audience is reminded of.
_STAGE = {
    "person": "self",
    **dict.fromkeys(("tracker", "rater", "office", "chair", "leaders"), "confirmed"),
}


def sheets(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    for year in range(planning.first.year - 1, planning.today.year + 1):
        period = period_of(period_length(planning.records, year, planning.at), date(year, 1, 1))
        while period.year == year and period.end < planning.today:
            # Tết closes the offices for two weeks at most: what ended longer ago had its day.
            if period.end >= planning.reach_back(rules, 0):
                for time in planning.due(rules, period.end):
                    for staff in scored_by_period(planning.records, planning.roll(period.end).posts, year, planning.at):
                        stages = missing(planning.records, period.key, year, staff, planning.at)
                        audience = [word for word in time.rule.audience if _STAGE.get(word, word) in stages]
                        if audience:
                            about = f"sheet/{period.key}/{staff}"
                            yield time.rung(about, Concerned(person=staff), audience=audience)
            period = period.next()
