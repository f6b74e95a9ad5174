"""A task's state, folded from its events: what decisions about it look at."""

from datetime import date
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers, refusals
from shared.events import (
    CoefficientCorrected,
    DraftSettled,
    Due,
    DueConfirmed,
    DueRecomputed,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    Item,
    ObjectiveCauseConfirmed,
    ProgressNoted,
    ResultReported,
    ResultReturned,
    TaskAcknowledged,
    TaskAssigned,
    TaskCancelled,
    TaskCarriedOver,
    TaskCompleted,
    TaskCorrected,
    TaskDrafted,
    TaskHandedBack,
    TaskReopened,
    local_day,
    past_events,
)
from shared.events.values import Exceeded, Origin
from shared.refusal import Refusal

Status = Literal["draft", "settled", "open", "reported", "completed", "handed_back", "cancelled"]


class StatusRule(NamedTuple):
    """`assigned`: it was given out, and is no imported row; `refusal`: of a command that wants another status."""

    assigned: bool
    running: bool
    refusal: Refusal | None


# Every status. Which refusal an open task gives depends on what the command wants of it.
STATUSES: dict[Status, StatusRule] = {
    "draft": StatusRule(assigned=False, running=False, refusal=refusals.TASK_IS_A_DRAFT),
    "settled": StatusRule(assigned=False, running=False, refusal=refusals.TASK_IS_A_DRAFT),
    "open": StatusRule(assigned=True, running=True, refusal=None),
    "reported": StatusRule(assigned=True, running=True, refusal=refusals.RESULT_PENDING),
    "completed": StatusRule(assigned=True, running=False, refusal=refusals.TASK_COMPLETED),
    "handed_back": StatusRule(assigned=True, running=False, refusal=refusals.TASK_HANDED_BACK),
    "cancelled": StatusRule(assigned=True, running=False, refusal=refusals.TASK_CANCELLED),
}
RUNNING = frozenset(status for status, rule in STATUSES.items() if rule.running)
ASSIGNED = tuple(status for status, rule in STATUSES.items() if rule.assigned)


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """An imported row that waits for a person, and what it became."""

    row: dict[str, Any]
    questions: list[str]
    into: list[str] = []


class Request(msgspec.Struct, frozen=True):
    """An extension that is asked for: since when (the first request not answered yet), and the date proposed last."""

    asked_on: date
    by: str
    proposed: Due
    reason: str


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`due_from` is the day from which the deadline in force counts working days.

    `first_report` is the day of the first report since the last return or reopening: what acceptance will count.
    """

    task: str
    status: Status
    title: str = ""
    product: str = ""
    field: int = 0
    lead: str = ""
    collaborators: list[str] = []
    coefficient: str | None = None
    origin: Origin = "planned"
    directive: str | None = None
    item: Item | None = None
    parent: str | None = None
    template: str | None = None
    taken_over_from: str | None = None
    evidence_required: bool = False
    assigned_by: str = ""
    assigned_on: date | None = None
    due: Due | None = None
    due_version: int = 0
    due_from: date | None = None
    acknowledged: bool = False
    percent: int | None = None
    first_report: date | None = None
    request: Request | None = None
    completed_on: date | None = None
    quality: Literal["met", "not_met"] | None = None
    exceeded: Exceeded | None = None
    draft: Draft | None = None

    @property
    def due_date(self) -> date | None:
        return self.due.date if self.due else None


def _drafted(_: Task | None, data: TaskDrafted, __: date) -> Task:
    draft = Draft(data.row, data.questions)
    return Task(task=data.task, status="draft", directive=data.directive, item=data.item, draft=draft)


def _settled(state: Task, data: DraftSettled, _: date) -> Task:
    draft = replace(state.draft, into=data.into) if state.draft else None
    return replace(state, status="settled", draft=draft)


def _assigned(_: Task | None, data: TaskAssigned, day: date) -> Task:
    given = data.assigned_on or day
    return Task(
        task=data.task,
        status="open",
        title=data.title,
        product=data.product,
        field=data.field,
        lead=data.lead,
        collaborators=data.collaborators,
        coefficient=data.coefficient,
        origin=data.origin,
        directive=data.directive,
        item=data.item,
        parent=data.parent,
        template=data.template,
        taken_over_from=data.taken_over_from,
        evidence_required=data.evidence_required,
        assigned_by=data.by,
        assigned_on=given,
        due=data.due,
        due_version=data.due_version,
        due_from=given,
    )


def _carried_over(state: Task | None, data: TaskCarriedOver, _: date) -> Task | None:
    """Fold its life in the former commune, each event on the day it was recorded there."""
    for past, there in past_events(data):
        if there is not None:
            state = EVOLVE[type(there)](state, there, local_day(past.time))
    return state


def _corrected(state: Task, data: TaskCorrected, _: date) -> Task:
    names = ("title", "product", "collaborators", "field")
    return replace(state, **{name: value for name in names if (value := getattr(data, name)) is not None})


def _due_set(state: Task, data: DueConfirmed | DueRecomputed, _: date) -> Task:
    # It corrects the version in force, so working days are counted from where that one counted them.
    return replace(state, due=data.due, due_version=data.due_version)


def _acknowledged(state: Task, _: TaskAcknowledged, __: date) -> Task:
    return replace(state, acknowledged=True)


def _progress_noted(state: Task, data: ProgressNoted, _: date) -> Task:
    return replace(state, percent=state.percent if data.percent is None else data.percent)


def _extension_requested(state: Task, data: ExtensionRequested, day: date) -> Task:
    asked_on = state.request.asked_on if state.request else day
    return replace(state, request=Request(asked_on, data.by, data.proposed_due, data.reason))


def _extension_granted(state: Task, data: ExtensionGranted, day: date) -> Task:
    if data.due is None or data.due_version is None:
        return replace(state, request=None)
    return replace(state, request=None, due=data.due, due_version=data.due_version, due_from=day)


def _extension_refused(state: Task, _: ExtensionRefused, __: date) -> Task:
    return replace(state, request=None)


def _result_reported(state: Task, data: ResultReported, _: date) -> Task:
    return replace(state, status="reported", first_report=state.first_report or data.on)


def _taken_up_again(state: Task, data: ResultReturned | TaskReopened, day: date) -> Task:
    return replace(
        state,
        status="open",
        first_report=None,
        completed_on=None,
        quality=None,
        exceeded=None,
        due=data.due,
        due_version=data.due_version,
        due_from=day,
    )


def _completed(state: Task, data: TaskCompleted, _: date) -> Task:
    return replace(state, status="completed", completed_on=data.on, quality=data.quality, exceeded=data.exceeded)


def _cause_confirmed(state: Task, _: ObjectiveCauseConfirmed, __: date) -> Task:
    return state  # it weighs in the rating only


def _handed_back(state: Task, _: TaskHandedBack, __: date) -> Task:
    return replace(state, status="handed_back")


def _coefficient_corrected(state: Task, data: CoefficientCorrected, _: date) -> Task:
    return replace(state, coefficient=data.coefficient)


def _cancelled(state: Task, _: TaskCancelled, __: date) -> Task:
    return replace(state, status="cancelled")


EVOLVE: Evolvers = {
    TaskDrafted: _drafted,
    DraftSettled: _settled,
    TaskAssigned: _assigned,
    TaskCarriedOver: _carried_over,
    TaskCorrected: _corrected,
    DueConfirmed: _due_set,
    DueRecomputed: _due_set,
    TaskAcknowledged: _acknowledged,
    ProgressNoted: _progress_noted,
    ExtensionRequested: _extension_requested,
    ExtensionGranted: _extension_granted,
    ExtensionRefused: _extension_refused,
    ResultReported: _result_reported,
    ResultReturned: _taken_up_again,
    TaskCompleted: _completed,
    ObjectiveCauseConfirmed: _cause_confirmed,
    TaskHandedBack: _handed_back,
    CoefficientCorrected: _coefficient_corrected,
    TaskCancelled: _cancelled,
    TaskReopened: _taken_up_again,
}
