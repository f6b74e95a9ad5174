"""Giving tasks out and taking them back: assignment, correction, coefficient, hand-back, cancellation."""

import re
from datetime import date
from fractions import Fraction
from typing import Any, Literal

import msgspec

from services.tasks.domain import refusals
from services.tasks.domain.authority import as_authority, as_lead, must_be, must_be_running
from services.tasks.domain.context import Command, Context, acting, canonical, required_text
from services.tasks.domain.deadlines import resolved
from services.tasks.domain.directives import in_force
from services.tasks.domain.task import RUNNING, Task
from shared.events import (
    CoefficientCorrected,
    Data,
    Due,
    Item,
    TaskAssigned,
    TaskCancelled,
    TaskCorrected,
    TaskDrafted,
    TaskHandedBack,
)
from shared.reform import FIELDS

NUMBER = re.compile(r"\d+(\.\d+)?(/\d+)?", re.ASCII)
ASSIGNERS = frozenset({"chair", "vice_chair", "office"})


class DraftTask(Command):
    """An imported row that waits for a person."""

    task: str
    item: Item
    row: dict[str, Any]
    questions: list[str]
    directive: str | None = None


class AssignTask(Command):
    """`coefficient` is text ("1.5"), None when the annex leaves it blank."""

    task: str
    title: str
    lead: str
    due: Due
    product: str = ""
    field: int = 0
    collaborators: list[str] = msgspec.field(default_factory=list)
    coefficient: str | None = None
    origin: Literal["planned", "ad_hoc", "taken_over"] = "planned"
    evidence_required: bool = False
    directive: str | None = None
    item: Item | None = None
    parent: str | None = None
    taken_over_from: str | None = None
    assigned_on: date | None = None
    by: str | None = None


class CorrectTask(Command):
    """Never the lead, the due date or the coefficient."""

    task: str
    reason: str
    title: str | None = None
    product: str | None = None
    collaborators: list[str] | None = None
    field: int | None = None
    by: str | None = None


class CorrectCoefficient(Command):
    task: str
    coefficient: str
    reason: str
    by: str | None = None


class HandBackTask(Command):
    task: str
    kind: Literal["unable", "reassigned"]
    reason: str
    by: str | None = None


class CancelTask(Command):
    task: str
    reason: str
    by: str | None = None


def draft(state: Task | None, command: DraftTask, context: Context) -> list[Data]:
    """Keep an imported row until a person answers. Refuses: an id in use, no question, an unknown directive."""
    _must_be_new(state, command.task)
    if not command.questions:
        raise refusals.QUESTION_REQUIRED()
    if command.directive is not None:
        in_force(context.state(f"directive/{command.directive}"), command.directive)
    return [
        TaskDrafted(
            task=command.task,
            item=command.item,
            row=command.row,
            questions=command.questions,
            directive=command.directive,
        )
    ]


def assign(state: Task | None, command: AssignTask, context: Context) -> list[Data]:
    """Give a task to its one lead.

    Refuses: an id in use, who may not assign, no title, a lead not in post or among the collaborators, unknown
    collaborators, directive, parent or predecessor, a field or coefficient that is none, a day of assignment to come.
    """
    _must_be_new(state, command.task)
    by = as_assigner(command.by, context)
    given_on = command.assigned_on or context.today
    if given_on > context.today:
        raise refusals.DAY_IN_THE_FUTURE(day=given_on)
    if command.directive is not None:
        in_force(context.state(f"directive/{command.directive}"), command.directive)
    _must_have_parent(command, context)
    _must_have_predecessor(command, context)
    lead = known_lead(command.lead, context)
    return [
        TaskAssigned(
            task=command.task,
            by=by,
            title=required_text(command.title, refusals.TITLE_REQUIRED),
            product=command.product,
            field=known_field(command.field),
            lead=lead,
            collaborators=known_collaborators(command.collaborators, lead, context),
            coefficient=known_coefficient(command.coefficient),
            origin=command.origin,
            due=resolved(command.due, context.calendars, counted_from=given_on),
            due_version=1,
            evidence_required=command.evidence_required,
            directive=command.directive,
            item=command.item,
            parent=command.parent,
            taken_over_from=command.taken_over_from,
            assigned_on=given_on if given_on < context.today else None,
        )
    ]


def correct(state: Task | None, command: CorrectTask, context: Context) -> list[Data]:
    """Correct wording, collaborators or field. Refuses: not running, who may not assign, nothing differs, no reason."""
    task = must_be_running(state, command.task)
    by = as_assigner(command.by, context)
    given = {
        "title": None if command.title is None else required_text(command.title, refusals.TITLE_REQUIRED),
        "product": command.product,
        "field": None if command.field is None else known_field(command.field),
        "collaborators": None
        if command.collaborators is None
        else known_collaborators(command.collaborators, task.lead, context),
    }
    changed: dict[str, Any] = {n: v for n, v in given.items() if v is not None and v != getattr(task, n)}
    if not changed:
        raise refusals.NOTHING_CHANGES()
    return [TaskCorrected(task=task.task, by=by, reason=required_text(command.reason), **changed)]


def correct_coefficient(state: Task | None, command: CorrectCoefficient, context: Context) -> list[Data]:
    """Also of a closed task. Refuses: cancelled, not the competent person, no number above 0, the same, no reason."""
    task = must_be(state, command.task, RUNNING | {"completed", "handed_back"})
    by = as_authority(task, command.by, context)
    coefficient = known_coefficient(command.coefficient)
    if coefficient is None or coefficient == task.coefficient:
        raise refusals.NOTHING_CHANGES()
    return [CoefficientCorrected(task=task.task, coefficient=coefficient, reason=required_text(command.reason), by=by)]


def hand_back(state: Task | None, command: HandBackTask, context: Context) -> list[Data]:
    """`unable`: the lead says so; `reassigned` (the lead left, moved or is long away): an assigner who is not the lead.

    Refuses: not open, a result pending, the wrong person, no reason.
    """
    task = must_be(state, command.task, {"open"})
    by = as_lead(task, command.by, context) if command.kind == "unable" else as_assigner(command.by, context)
    return [TaskHandedBack(task=task.task, by=by, kind=command.kind, reason=required_text(command.reason))]


def cancel(state: Task | None, command: CancelTask, context: Context) -> list[Data]:
    """Refuses: not running, not the competent person, no reason."""
    task = must_be_running(state, command.task)
    by = as_authority(task, command.by, context)
    return [TaskCancelled(task=task.task, by=by, reason=required_text(command.reason))]


def as_assigner(by: str | None, context: Context) -> str:
    """The person who gives tasks: chair, vice-chair, the Office. Refuses: others."""
    who = acting(context, by)
    if not context.has_role(who, *ASSIGNERS):
        raise refusals.MAY_NOT_ASSIGN(staff=who)
    return who


def known_lead(lead: str, context: Context) -> str:
    found = canonical(lead)
    if not context.knows_staff(found):
        raise refusals.STAFF_UNKNOWN(staff=found)
    if context.post(found) is None:
        raise refusals.STAFF_NOT_IN_POST(staff=found)
    return found


def known_collaborators(collaborators: list[str], lead: str, context: Context) -> list[str]:
    """Staff or unit ids as they are stored, each once."""
    found: dict[str, None] = {}
    for one in collaborators:
        if context.knows_staff(canonical(one)):
            found[canonical(one)] = None
        elif context.knows_unit(one):
            found[one] = None
        else:
            raise refusals.COLLABORATOR_UNKNOWN(collaborator=one)
    if lead in found:
        raise refusals.LEAD_AMONG_COLLABORATORS(staff=lead)
    return list(found)


def known_field(field: int) -> int:
    if field not in FIELDS:
        raise refusals.FIELD_UNKNOWN(field=field)
    return field


def known_coefficient(coefficient: str | None) -> str | None:
    """Exact text of a number above 0; a blank one stays blank."""
    if coefficient is None:
        return None
    try:
        if NUMBER.fullmatch(coefficient) and Fraction(coefficient) > 0:
            return coefficient
    except (ValueError, ZeroDivisionError):
        pass
    raise refusals.COEFFICIENT_NOT_POSITIVE(coefficient=coefficient)


def _must_be_new(state: Task | None, task: str) -> None:
    if state is not None:
        raise refusals.TASK_EXISTS(task=task)


def _must_have_parent(command: AssignTask, context: Context) -> None:
    # A parent is older than its part and never changes, so there are no cycles beyond the task itself.
    if command.parent is None:
        return
    if command.parent == command.task:
        raise refusals.OWN_PARENT()
    must_be_running(context.state(f"task/{command.parent}"), command.parent)


def _must_have_predecessor(command: AssignTask, context: Context) -> None:
    other = command.taken_over_from
    if other is not None:
        must_be(context.state(f"task/{other}"), other, {"handed_back"}, refusals.TASK_NOT_HANDED_BACK)
    elif command.origin == "taken_over":
        raise refusals.PREDECESSOR_REQUIRED()
