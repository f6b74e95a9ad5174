"""Choosing another rule set for a category than the law names."""

from services.scoring.domain import refusals, rules
from services.scoring.domain.concerns import must_choose_for_all
from services.scoring.domain.context import Command, Decision, ProcedureContext, must_have_reason
from shared import events
from shared.events.values import Category


class ChooseRuleSet(Command, frozen=True, kw_only=True):
    year: int
    category: Category
    rule_set: str
    reason: str
    by: str | None = None
    rule_set_sha256: str | None = None


def choose_rule_set(context: ProcedureContext, command: ChooseRuleSet) -> Decision:
    """Another rule set than the law's for a category, chosen by the Chairman with a reason, typed by nobody who is
    rated by it; by an administrator where it concerns every Chairman. Refuses one that is not installed
    (`rule-set-unknown`), or with other bytes (`rule-set-differs`)."""
    by = must_choose_for_all(context, command)
    must_have_reason(command.reason)
    rule_set = rules.installed(command.rule_set)
    if rule_set is None and command.rule_set != "none":
        known = ", ".join([*rules.names(), "none"])
        raise refusals.RULE_SET_UNKNOWN(rule_set=command.rule_set, known=known)
    if command.rule_set_sha256 not in (None, rule_set.sha256 if rule_set else None):
        raise refusals.RULE_SET_DIFFERS(rule_set=command.rule_set)
    return Decision(
        [
            events.RuleSetChosen(
                year=command.year,
                category=command.category,
                rule_set=command.rule_set,
                rule_set_sha256=command.rule_set_sha256,
                by=by,
                reason=command.reason.strip(),
            )
        ]
    )
