"""The life of a task, from the imported row to its result, as rating.md reads it."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from shared.events.catalogue import CATALOGUE, event
from shared.events.values import (
    Data,
    Day,
    Decimal,
    Due,
    Evidence,
    Exceeded,
    Item,
    Origin,
    TaskPin,
    Text,
)

SUBJECT = "task/{task}"


@event("task.drafted", source="tasks", subject=SUBJECT)
class TaskDrafted(Data):
    """An imported row that waits for a person; nothing counts yet."""

    task: str
    item: Item
    row: dict[str, Any]
    questions: list[str]
    directive: str | None = None


@event("task.draft_settled", source="tasks", subject=SUBJECT)
class DraftSettled(Data):
    """A person answered: the row became these tasks, or a template; an empty list drops it."""

    task: str
    into: list[str]
    by: str


@event("task.assigned", source="tasks", subject=SUBJECT)
class TaskAssigned(Data):
    """A task is given to its one lead (chủ trì). `assigned_on` only when it was recorded later than given."""

    task: str
    by: str
    title: Text
    product: Text
    field: int
    lead: str
    collaborators: list[str]
    coefficient: Decimal | None
    origin: Origin
    due: Due
    due_version: int
    evidence_required: bool
    directive: str | None = None
    item: Item | None = None
    parent: str | None = None
    template: str | None = None
    taken_over_from: str | None = None
    from_: TaskPin | None = msgspec.field(name="from", default=None)
    assigned_on: Day | None = None


class PastEvent(Data):
    """One event of a task's life in the commune it came from, ids of people and units mapped."""

    type: str
    time: str
    data: dict[str, Any]
    actor: str | None = None


@event("task.carried_over", source="tasks", subject=SUBJECT)
class TaskCarriedOver(Data):
    """A task of a merged commune with its life there; one that was running goes on here (docs/adr/0019).

    A life that is too long for one event comes in several, each with the part that follows; `from` is its last event.
    """

    task: str
    from_: TaskPin = msgspec.field(name="from")
    history: list[PastEvent]


def past_events(carried: TaskCarriedOver) -> Iterator[tuple[PastEvent, Any]]:
    """Each past event with its data, decoded as if it stood in the log by itself (None for a type nobody knows)."""
    for past in carried.history:
        yield past, CATALOGUE.decode_data(past.type, past.data | {"task": carried.task})


@event("task.corrected", source="tasks", subject=SUBJECT)
class TaskCorrected(Data):
    """Wording and company put right; never the lead, the due date or the coefficient."""

    task: str
    by: str
    reason: Text
    title: Text | None = None
    product: Text | None = None
    collaborators: list[str] | None = None
    field: int | None = None


@event("task.due_confirmed", source="tasks", subject=SUBJECT)
class DueConfirmed(Data):
    """A deadline given as free text gets its structure; the date may be past."""

    task: str
    due: Due
    due_version: int
    by: str
    reason: Text


@event("task.due_recomputed", source="tasks", subject=SUBJECT)
class DueRecomputed(Data):
    """A new revision of the working calendar moved an open deadline given in working days."""

    task: str
    due: Due
    due_version: int
    by: str
    reason: Text


@event("task.acknowledged", source="tasks", subject=SUBJECT)
class TaskAcknowledged(Data):
    task: str
    by: str


@event("task.progress_noted", source="tasks", subject=SUBJECT)
class ProgressNoted(Data):
    task: str
    by: str
    note: Text
    percent: int | None = None


@event("task.extension_requested", source="tasks", subject=SUBJECT)
class ExtensionRequested(Data):
    task: str
    by: str
    reason: Text
    proposed_due: Due


@event("task.extension_granted", source="tasks", subject=SUBJECT)
class ExtensionGranted(Data):
    """`late`: asked, or granted unasked, after the date in force."""

    task: str
    by: str
    late: bool
    reason: Text
    due: Due | None = None
    due_version: int | None = None


@event("task.extension_refused", source="tasks", subject=SUBJECT)
class ExtensionRefused(Data):
    task: str
    by: str
    late: bool
    reason: Text


@event("task.result_reported", source="tasks", subject=SUBJECT)
class ResultReported(Data):
    """`on` is the day of recording when the lead reports; an earlier day only by another person, with the reason.
    `lead` is named where the Office reports in its own name what the lead did."""

    task: str
    by: str
    on: Day
    summary: Text
    evidence: list[Evidence]
    explanation: Text | None = None
    reason: Text | None = None
    lead: str | None = None


@event("task.result_returned", source="tasks", subject=SUBJECT)
class ResultReturned(Data):
    """Sent back with a new date. `quality_failure`: a major content error (NĐ 335 Đ14)."""

    task: str
    by: str
    reason: Text
    quality_failure: bool
    due: Due
    due_version: int


@event("task.completed", source="tasks", subject=SUBJECT)
class TaskCompleted(Data):
    """Accepted by a person who is neither lead nor collaborator; `on` is the day of the report, not of verifying."""

    task: str
    verified_by: str
    on: Day
    quality: Literal["met", "not_met"]
    exceeded: Exceeded | None = None


@event("task.objective_cause_confirmed", source="tasks", subject=SUBJECT)
class ObjectiveCauseConfirmed(Data):
    """The competent authority confirms an objective cause; without `due_version`, for all versions set until then."""

    task: str
    of: Literal["lateness", "quality"]
    reason: Text
    by: str
    due_version: int | None = None
    document: Text | None = None


@event("task.handed_back", source="tasks", subject=SUBJECT)
class TaskHandedBack(Data):
    """unable: the lead says they cannot; reassigned: the lead left, moved or is on long leave (NĐ 335 Đ18)."""

    task: str
    by: str
    kind: Literal["unable", "reassigned"]
    reason: Text


@event("task.coefficient_corrected", source="tasks", subject=SUBJECT)
class CoefficientCorrected(Data):
    task: str
    coefficient: Decimal
    reason: Text
    by: str


@event("task.cancelled", source="tasks", subject=SUBJECT)
class TaskCancelled(Data):
    task: str
    by: str
    reason: Text


@event("task.reopened", source="tasks", subject=SUBJECT)
class TaskReopened(Data):
    """An accepted result was found wrong."""

    task: str
    by: str
    reason: Text
    quality_failure: bool
    due: Due
    due_version: int
