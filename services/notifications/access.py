"""Who may do what in the notifications service: action → roles."""

from shared.web.feed import FEED_ACTIONS

_IN_POST = frozenset({"chair", "vice_chair", "office", "staff", "village_head", "focal_point"})

ACTIONS: dict[str, frozenset[str]] = {
    **FEED_ACTIONS,
}
