"""Who may do what in the notifications service: action → roles; whose reminders a role sees."""

from collections.abc import Collection

from services.notifications.domain import refusals
from shared.events.values import POST_ROLES
from shared.web.auth import Principal
from shared.web.feed import FEED_ACTIONS
from shared.web.journal import JOURNAL_ACTIONS

_IN_POST = frozenset(POST_ROLES)

ACTIONS: dict[str, frozenset[str]] = {
    "worklist.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "reminder.urge": frozenset({"chair", "vice_chair", "office"}),
    "reminder.preview": frozenset({"chair", "vice_chair", "office", "inspector"}),
    # Their own for everybody; all of them for those who follow up, decide or inspect.
    "reminder.read": _IN_POST | {"inspector"},
    "reminder.own": _IN_POST | {"supervisor"},
    "reminder.by_hand": frozenset({"office"}),
    "policy.read": _IN_POST | {"inspector", "supervisor"},
    "policy.publish": frozenset({"chair", "office"}),
    "preferences.own": _IN_POST | {"supervisor", "inspector"},
    "endpoint.manage": frozenset({"office", "admin"}),
    # As in tasks, which asks for it in the name of whoever erases a person there.
    "person.erase": frozenset({"office", "admin"}),
    "slip.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "slip.issue": frozenset({"chair", "office"}),
    "weekly.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    # The supervising bodies (HĐND, Mặt trận) read numbers that name nobody.
    "monthly.read": frozenset({"chair", "vice_chair", "office", "inspector", "supervisor"}),
    **FEED_ACTIONS,
    **JOURNAL_ACTIONS,
}

SEE_ALL = frozenset({"chair", "vice_chair", "office", "inspector"})


def sees_all(roles: Collection[str]) -> bool:
    """May these roles see everybody's reminders?"""
    return not SEE_ALL.isdisjoint(roles)


def person(principal: Principal) -> str:
    """The staff id of the person who asks. Refuses `staff-only` to operators and services."""
    if principal.staff is None:
        raise refusals.STAFF_ONLY()
    return principal.staff
