"""Directives (chỉ thị): what the tasks of an annex rest on."""

from shared.events.catalogue import event
from shared.events.values import Data, Day, Sha256, Text


@event("directive.issued", source="tasks", subject="directive/{directive}")
class DirectiveIssued(Data):
    directive: str
    number: str
    issued_on: Day
    title: Text
    annex_sha256: Sha256 | None = None
    supersedes: str | None = None


@event("directive.amended", source="tasks", subject="directive/{directive}")
class DirectiveAmended(Data):
    directive: str
    reason: Text
    number: str | None = None
    issued_on: Day | None = None
    title: Text | None = None
    annex_sha256: Sha256 | None = None
    supersedes: str | None = None


@event("directive.withdrawn", source="tasks", subject="directive/{directive}")
class DirectiveWithdrawn(Data):
    directive: str
    reason: Text
