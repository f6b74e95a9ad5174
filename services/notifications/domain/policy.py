"""The policy as data: the default ladder, and what a revision of it must be like."""

from typing import Any

from shared.events import Digest, PolicyPublished, PolicyRule, Quiet, Span

DEFAULT_POLICY = "mac-dinh-1"
ALL: Any = ["inbox", "email", "apprise", "webhook"]


def _rule(rule: str, base: Any, offset: int, audience: Any, urgency: Any, **more: Any) -> PolicyRule:
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
