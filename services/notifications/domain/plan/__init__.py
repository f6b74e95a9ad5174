"""Which reminders a moment wants: a pure function of what is known, the policy and the time (docs/adr/0017).

It looks at dated moments only, so that it answers for this morning, for a past one and for a future one alike.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan.appeals import appeals, unresolved
from services.notifications.domain.plan.checks import checks
from services.notifications.domain.plan.deadlines import ABOVE_THE_OFFICE, deadlines
from services.notifications.domain.plan.digests import months, weeks
from services.notifications.domain.plan.planning import DueRung, Planning, Problem, RuleInForce, counted
from services.notifications.domain.plan.sheets import sheets
from services.notifications.domain.plan.view import RungKey, View, channels_to
from shared.events.reminders import Base

__all__ = ["ABOVE_THE_OFFICE", "Problem", "RungKey", "View", "channels_to", "counted", "plan", "unresolved"]

_BASES: Mapping[Base, Callable[[Planning, list[RuleInForce]], Iterator[DueRung]]] = {
    "due": deadlines,
    "check": checks,
    "week": weeks,
    "month": months,
    "sheet": sheets,
    "appeal": appeals,
}


def plan(view: View, at: str, since: str) -> tuple[list[Wanted], list[Problem]]:
    """What should be queued at `at`, by the time it was wanted, and what could not be worked out.

    `since` is until when it was planned before (both RFC 3339 in UTC): anything due by then was handled already, except
    escalations above the Office that a pending extension request held back. A task that had ended by `since` may be
    left out of the records.
    """
    planning = Planning(view, at, since)
    due: list[DueRung] = []
    for base, rungs in _BASES.items():
        if rules := planning.rules(base):
            due += rungs(planning, rules)
    wanted = [reminder for rung in due for reminder in planning.wanted(rung)]
    return _latest(wanted), list(planning.problems.values())


def _latest(wanted: list[Wanted]) -> list[Wanted]:
    """Of the rungs about one thing for one recipient and channel only the last is sent; the others were missed."""
    last: dict[tuple[str, str, str], tuple[str, str]] = {}
    for reminder in wanted:
        if reminder.suppressed is None:
            key = (_thing(reminder.about), reminder.recipient, reminder.channel)
            last[key] = max(last.get(key, ("", "")), (reminder.wanted_at, reminder.rule))

    def is_last(reminder: Wanted) -> bool:
        key = (_thing(reminder.about), reminder.recipient, reminder.channel)
        return last[key] == (reminder.wanted_at, reminder.rule)

    reminders = [
        reminder
        if reminder.suppressed or is_last(reminder)
        else msgspec.structs.replace(reminder, suppressed="superseded")
        for reminder in wanted
    ]
    return sorted(reminders, key=lambda one: (one.wanted_at, one.about, one.rule, one.recipient, one.channel))


def _thing(about: str) -> str:
    """What is sent once however often it was missed: a task, its checks, the weeks, the months."""
    kind, _, rest = about.partition("/")
    if kind in ("week", "month"):
        return kind
    return f"check/{rest.partition('/')[0]}" if kind == "check" else about
