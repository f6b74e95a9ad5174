"""Which roles may call what in the scoring service. Object rules stand with the commands."""

from shared.web.feed import FEED_ACTIONS
from shared.web.journal import JOURNAL_ACTIONS

# Of those with `rating.sheet`, readers.py lets a sheet's person, tracker and rater, the Office and inspectors read it.
ACTIONS: dict[str, frozenset[str]] = {
    "rating.table": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "rating.sheet": frozenset({"chair", "vice_chair", "office", "staff", "village_head", "inspector"}),
    "rating.recheck": frozenset({"chair", "office", "inspector"}),
    "rating.settings": frozenset({"chair", "office", "admin"}),
    "rating.common": frozenset({"chair", "vice_chair", "office", "staff", "village_head", "admin"}),
    "rating.unit_result": frozenset({"chair", "vice_chair", "office", "admin"}),
    "rating.rule_set": frozenset({"chair", "office", "admin"}),
    "rating.period": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "rating.leader_criteria": frozenset({"chair", "vice_chair", "office", "staff", "admin"}),
    # A leader keeps and asks for what concerns the Office's own people (domain/concerns.py).
    "rating.period_result": frozenset({"chair", "vice_chair", "office"}),
    "rating.close": frozenset({"chair", "vice_chair", "office", "admin"}),
    "rating.propose": frozenset({"chair", "vice_chair", "office"}),
    # By the person concerned, or typed by the Office.
    "rating.own": frozenset({"chair", "vice_chair", "office", "staff", "village_head"}),
    "rating.minutes": frozenset({"chair", "vice_chair", "office"}),
    # Raters may hold any post in the commune; what was decided above it an administrator types, or the Chairman.
    "rating.decide": frozenset({"chair", "vice_chair", "office", "staff", "admin"}),
    "rating.notice": frozenset({"chair", "vice_chair", "office"}),
    "report.read": frozenset({"chair", "vice_chair", "office", "inspector"}),
    # The supervising bodies (HĐND, Mặt trận) read numbers that reveal nobody.
    "report.aggregates": frozenset({"chair", "vice_chair", "office", "inspector", "supervisor"}),
    "scoring.status": frozenset({"office", "admin", "inspector"}),
    **FEED_ACTIONS,
    **JOURNAL_ACTIONS,
}
