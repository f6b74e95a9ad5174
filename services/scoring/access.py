"""Who may do what in the scoring service: action → roles. Object rules stand in domain/assessment.py."""

from shared.web.feed import FEED_ACTIONS

# A sheet is read by its person, tracker, rater and the Office.
ACTIONS: dict[str, frozenset[str]] = {
    "rating.table": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "rating.sheet": frozenset({"chair", "vice_chair", "office", "staff", "village_head", "inspector"}),
    "rating.settings": frozenset({"chair", "office"}),
    "rating.common": frozenset({"chair", "vice_chair", "office", "staff", "village_head"}),
    "rating.unit_result": frozenset({"chair", "office"}),
    "scoring.status": frozenset({"office", "admin", "inspector"}),
    **FEED_ACTIONS,
}
