"""Who may do what in the notifications service: action → roles."""

from shared.web.feed import FEED_ACTIONS

_IN_POST = frozenset({"chair", "vice_chair", "office", "staff", "village_head", "focal_point"})

ACTIONS: dict[str, frozenset[str]] = {
    "slip.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "slip.issue": frozenset({"chair", "office"}),
    "weekly.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    # The supervising bodies (HĐND, Mặt trận) read numbers that name nobody.
    "monthly.read": frozenset({"chair", "vice_chair", "office", "inspector", "supervisor"}),
    **FEED_ACTIONS,
}
