"""Templates: rows of an annex that come back every period."""

from typing import Annotated

from msgspec import Meta

from shared.events.catalogue import event
from shared.events.values import Data, Day, Decimal, Item, Recurrence, Roll, Text


@event("template.set", source="tasks", subject="template/{template}")
class TemplateSet(Data):
    """What each occurrence is assigned with; set again, it replaces the first for the periods that follow."""

    template: str
    by: str
    title: Text
    product: Text
    field: Annotated[int, Meta(ge=0, le=7)]
    lead: str
    collaborators: list[str]
    coefficient: Decimal | None
    evidence_required: bool
    recurrence: Recurrence
    due_text: Text
    valid_from: Day
    roll: Roll = "forward"
    directive: str | None = None
    item: Item | None = None


@event("template.ended", source="tasks", subject="template/{template}")
class TemplateEnded(Data):
    """No occurrence is opened any more; those open stay."""

    template: str
    by: str
    reason: Text
