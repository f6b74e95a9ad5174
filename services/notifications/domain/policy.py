"""The policy as data: the default ladder, and what a revision of it must be like."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from services.notifications.domain import refusals
from services.notifications.domain.rules import RESERVED
from shared.events import Digest, PolicyPublished, PolicyRule, Quiet, Span
from shared.events.reminders import Audience, Base, Channel, Urgency
from shared.text import is_code

DEFAULT_POLICY = "mac-dinh-1"
ALL: list[Channel] = ["inbox", "email", "apprise", "webhook"]


def _rule(rule: str, base: Base, offset: int, audience: list[Audience], urgency: Urgency, **more: Any) -> PolicyRule:
    return PolicyRule(
        rule=rule, base=base, offset_days=offset, audience=audience, urgency=urgency, channels=ALL, **more
    )


# After QĐ 42/2014/QĐ-TTg on following up, and what communes do; all offsets in working days.
DEFAULT_RULES = [
    _rule("due-7", "due", -7, ["lead"], "digest"),
    _rule("due-3", "due", -3, ["lead"], "digest"),
    _rule("due-1", "due", -1, ["lead", "collaborators"], "immediate"),
    _rule("due-0", "due", 0, ["lead"], "immediate", at="08:00"),
    _rule("overdue-1", "due", 1, ["lead", "office"], "immediate", escalates_to="office"),
    _rule("overdue-3", "due", 3, ["lead", "office"], "immediate", document=True),
    _rule("overdue-5", "due", 5, ["in_charge"], "immediate", escalates_to="vice_chair"),
    _rule("overdue-7", "due", 7, ["chair"], "immediate", escalates_to="chair"),
    _rule("check", "check", 0, ["lead"], "digest"),
    _rule("weekly", "week", 0, ["leaders"], "digest"),
    _rule("monthly", "month", 1, ["chair", "supervisors"], "digest"),
    _rule("sheet", "sheet", 2, ["person", "tracker"], "immediate"),
    _rule("appeal", "appeal", 5, ["rater", "office"], "immediate"),
]


def default_policy() -> PolicyPublished:
    """What holds until a commune publishes its own: no reminder outside office hours."""
    return PolicyPublished(
        policy=DEFAULT_POLICY,
        rules=DEFAULT_RULES,
        quiet=Quiet(spans=[Span(from_="11:30", to="13:00"), Span(from_="17:00", to="07:30")]),
        digest=Digest(),
    )


# Allowed audiences for each base; no others exist for it.
_ANYBODY = frozenset({"office", "chair", "leaders"})
AUDIENCES: dict[str, frozenset[str]] = {
    "due": _ANYBODY | {"lead", "collaborators", "in_charge"},
    "check": _ANYBODY | {"lead", "collaborators", "in_charge"},
    "week": _ANYBODY | {"supervisors"},
    "month": _ANYBODY | {"supervisors"},
    "sheet": _ANYBODY | {"person", "tracker", "rater"},
    "appeal": _ANYBODY | {"person", "tracker", "rater"},
}
FARTHEST_DAYS = 60
MOST_RULES = 50


class PublishPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of the policy; `policy` is its id."""

    policy: str
    rules: list[PolicyRule]
    quiet: Quiet
    digest: Digest
    reason: str


def publish(command: PublishPolicy, by: str, known: Collection[str] = ()) -> PolicyPublished:
    """The policy from now on. `known` are the ids of earlier revisions. Refuses what `validate` does."""
    policy = PolicyPublished(
        policy=command.policy,
        rules=command.rules,
        quiet=command.quiet,
        digest=command.digest,
        by=by,
        reason=command.reason,
    )
    validate(policy, known)
    return policy


def validate(policy: PolicyPublished, known: Collection[str] = ()) -> None:
    """Refuse what no morning could be planned by.

    Refuses: `policy-id-taken`, `code-not-plain`, `policy-rules`, `policy-rule-twice`, `policy-base`, `policy-audience`,
    `policy-inbox`, `policy-offset`, `policy-same-offset`, `policy-escalation`, `policy-never-open`.
    """
    if policy.policy in known:
        raise refusals.POLICY_ID_TAKEN(policy=policy.policy)
    if not 0 < len(policy.rules) <= MOST_RULES:
        raise refusals.POLICY_RULES(most=MOST_RULES)
    if not all(map(is_code, (policy.policy, *(rule.rule for rule in policy.rules)))):
        raise refusals.CODE_NOT_PLAIN()
    names: set[str] = set()
    places: dict[tuple[str, int, str], str] = {}
    for rule in policy.rules:
        if rule.rule in names or rule.rule in RESERVED:
            raise refusals.POLICY_RULE_TWICE(rule=rule.rule)
        names.add(rule.rule)
        _validate_rule(rule)
        place = (rule.base, rule.offset_days, rule.at)
        if rule.base == "due" and place in places:
            raise refusals.POLICY_SAME_OFFSET(rule=rule.rule, other=places[place])
        places[place] = rule.rule
    if _never_open(policy.quiet.spans):
        raise refusals.POLICY_NEVER_OPEN()


def _validate_rule(rule: PolicyRule) -> None:
    allowed = AUDIENCES.get(rule.base)
    if allowed is None:
        raise refusals.POLICY_BASE(rule=rule.rule, base=rule.base)
    if not rule.audience or not allowed.issuperset(rule.audience):
        raise refusals.POLICY_AUDIENCE(rule=rule.rule, allowed=sorted(allowed))
    if "inbox" not in rule.channels:
        raise refusals.POLICY_INBOX(rule=rule.rule)
    lowest = -FARTHEST_DAYS if rule.base == "due" else 0
    if not lowest <= rule.offset_days <= FARTHEST_DAYS:
        raise refusals.POLICY_OFFSET(rule=rule.rule, lowest=lowest, highest=FARTHEST_DAYS)
    if rule.escalates_to and (rule.base != "due" or rule.offset_days < 1):
        raise refusals.POLICY_ESCALATION(rule=rule.rule)


def _never_open(spans: Sequence[Span]) -> bool:
    """Is every minute of the day quiet?"""
    quiet: set[int] = set()
    for span in spans:
        begin, end = _minutes(span.from_), _minutes(span.to)
        quiet.update(range(begin, end) if begin < end else {*range(begin, DAY), *range(end)})
    return len(quiet) == DAY


DAY = 24 * 60


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
