"""Communes: opened, renamed, closed, with their settings."""

from typing import Any

from shared.events.catalogue import event
from shared.events.values import Data, Day, Pin, Text


@event("commune.opened", source="tasks", subject="commune/{commune}")
class CommuneOpened(Data):
    """The first event of a commune's tasks log; other services accept the commune once their replica holds it."""

    name: str
    code: str
    valid_from: Day
    parent: str | None = None
    predecessors: list[Pin] | None = None


@event("commune.renamed", source="tasks", subject="commune/{commune}")
class CommuneRenamed(Data):
    valid_from: Day
    legal_basis: Text
    name: str | None = None
    code: str | None = None


@event("commune.closed", source="tasks", subject="commune/{commune}")
class CommuneClosed(Data):
    """The commune ends on this day (a merger); its log is read for ever and not written any more."""

    on: Day
    successors: list[str]
    legal_basis: Text


@event("commune.settings_chosen", source="tasks", subject="commune/{commune}")
class CommuneSettingsChosen(Data):
    settings: dict[str, Any]
    by: str
    reason: Text
