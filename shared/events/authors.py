"""In whose name an act is recorded, which may be another person than the one who typed it."""

from typing import Any

from shared.events.envelope import Envelope
from shared.events.ratings import RatingAppealed, SelfAssessed
from shared.events.reminders import PreferencesChanged, UrgingSlipIssued
from shared.events.tasks import ResultReported, TaskCompleted
from shared.events.values import EXTERNAL

# The fields that name an author, where it is not `by` alone; `a.b` is the field b of the part a.
AUTHOR_FIELDS: dict[type, tuple[str, ...]] = {
    ResultReported: ("by", "lead"),
    TaskCompleted: ("verified_by", "exceeded.confirmed_by"),
    SelfAssessed: ("staff",),
    RatingAppealed: ("staff",),
    UrgingSlipIssued: ("by", "signed_by"),
    PreferencesChanged: ("staff", "by"),
}


def authors(data: Any) -> frozenset[str]:
    """The staff ids in whose name an event is recorded. Operators, services and bodies above the commune are none."""
    named = {_at(data, field) for field in AUTHOR_FIELDS.get(type(data), ("by",))}
    return frozenset(name for name in named if name and name != EXTERNAL and "/" not in name)


def _at(data: Any, field: str) -> Any:
    for name in field.split("."):
        data = getattr(data, name, None)
    return data


def typed_for(event: Envelope) -> frozenset[str]:
    """The staff ids whose act somebody else typed ("ghi thay"): a colleague of the Office, an operator, another system.
    What a service does by itself in its own log, such as opening a recurring task, nobody typed."""
    if event.actor == f"service{event.source}":
        return frozenset()
    return authors(event.data) - {event.actor.removeprefix("staff/")}
