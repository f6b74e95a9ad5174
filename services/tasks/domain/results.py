"""From taking a task on to its verified result: progress, report, return, acceptance, reopening, objective causes."""

from datetime import date
from typing import Literal

import msgspec

from services.tasks.domain import refusals
from services.tasks.domain.authority import (
    as_authority,
    as_lead,
    as_verifier,
    must_be,
    must_be_running,
    taking_part,
)
from services.tasks.domain.context import Command, Context, acting, canonical, required_text
from services.tasks.domain.deadlines import resolved_not_past
from services.tasks.domain.task import RUNNING, Task
from shared.events import (
    Data,
    Due,
    Evidence,
    Exceeded,
    ObjectiveCauseConfirmed,
    ProgressNoted,
    ResultReported,
    ResultReturned,
    TaskAcknowledged,
    TaskCompleted,
    TaskReopened,
)


class AcknowledgeTask(Command):
    task: str
    by: str | None = None


class NoteProgress(Command):
    task: str
    note: str
    percent: int | None = None
    by: str | None = None


class ReportResult(Command):
    """`on` is today, or, for what the Office records in its own name, an earlier day with the reason.

    `evidence` names files that were stored for the task, by their SHA-256.
    """

    task: str
    summary: str
    evidence: list[str] = msgspec.field(default_factory=list)
    explanation: str | None = None
    on: date | None = None
    reason: str | None = None
    by: str | None = None


class ReturnResult(Command):
    task: str
    reason: str
    quality_failure: bool
    due: Due
    by: str | None = None


class Beyond(msgspec.Struct, frozen=True, kw_only=True):
    """ "Vượt mức", with its reason; confirmed by `confirmed_by`, by default the one who accepts."""

    kind: Literal["early", "quantity", "value"]
    reason: str
    confirmed_by: str | None = None


class AcceptResult(Command):
    task: str
    quality: Literal["met", "not_met"] = "met"
    exceeded: Beyond | None = None
    by: str | None = None


class ReopenTask(Command):
    task: str
    reason: str
    quality_failure: bool
    due: Due
    by: str | None = None


class ConfirmObjectiveCause(Command):
    """Without `due_version`: for all deadlines set until now."""

    task: str
    of: Literal["lateness", "quality"]
    reason: str
    due_version: int | None = None
    document: str | None = None
    by: str | None = None


def acknowledge(state: Task | None, command: AcknowledgeTask, context: Context) -> list[Data]:
    """The lead took it on. Refuses: not the lead, not running, acknowledged before."""
    task = must_be_running(state, command.task)
    by = as_lead(task, command.by, context)
    if task.acknowledged:
        raise refusals.ALREADY_ACKNOWLEDGED(task=task.task)
    return [TaskAcknowledged(task=task.task, by=by)]


def note_progress(state: Task | None, command: NoteProgress, context: Context) -> list[Data]:
    """By a person who takes part, or the Office. Refuses: others, not running, no words, a percentage beyond 0–100."""
    task = must_be_running(state, command.task)
    by = acting(context, command.by)
    if not taking_part(task, by, context) and not context.has_role(by, "office"):
        raise refusals.NOT_TAKING_PART(staff=by)
    if command.percent is not None and not 0 <= command.percent <= 100:
        raise refusals.PERCENT_OUT_OF_RANGE(percent=command.percent)
    note = required_text(command.note, refusals.NOTE_REQUIRED)
    return [ProgressNoted(task=task.task, by=by, note=note, percent=command.percent)]


def report(state: Task | None, command: ReportResult, context: Context) -> list[Data]:
    """Report a result of an open task.

    Refuses: neither the lead nor the Office, not open, a result pending, another day than today by the lead (typing it
    in a colleague's name included), a day before the assignment or to come, recorded for another without a reason,
    neither evidence nor explanation, evidence that was not stored for the task.
    """
    task = must_be(state, command.task, {"open"})
    by = acting(context, command.by)
    on = command.on or context.today
    if by != task.lead and not context.has_role(by, "office"):
        raise refusals.NOT_THE_LEAD(staff=by, lead=task.lead)
    if task.lead in (by, context.actor_staff) and on != context.today:
        raise refusals.LEAD_REPORTS_TODAY()
    if on > context.today:
        raise refusals.DAY_IN_THE_FUTURE(day=on)
    if task.assigned_on is not None and on < task.assigned_on:
        raise refusals.REPORT_BEFORE_ASSIGNMENT(day=on, assigned_on=task.assigned_on)
    if not by == context.actor_staff == task.lead:
        required_text(command.reason)
    if task.evidence_required and not command.evidence:
        raise refusals.EVIDENCE_REQUIRED()
    if not command.evidence and not (command.explanation or "").strip():
        raise refusals.EVIDENCE_OR_EXPLANATION_REQUIRED()
    return [
        ResultReported(
            task=task.task,
            by=by,
            on=on,
            summary=required_text(command.summary, refusals.SUMMARY_REQUIRED),
            evidence=_stored(command, context),
            explanation=command.explanation,
            reason=command.reason,
            lead=None if by == task.lead else task.lead,
        )
    ]


def _stored(command: ReportResult, context: Context) -> list[Evidence]:
    """Each file once, with the size and kind that it was stored with."""
    files = context.files.get(command.task, {})
    for sha256 in command.evidence:
        if sha256 not in files:
            raise refusals.EVIDENCE_NOT_STORED(sha256=sha256)
    return [files[sha256] for sha256 in dict.fromkeys(command.evidence)]


def return_result(state: Task | None, command: ReturnResult, context: Context) -> list[Data]:
    """Send a result back with a new date. Refuses: none pending, who may not verify, a date past, no reason."""
    task = must_be(state, command.task, {"reported"})
    by = as_verifier(task, command.by, context)
    return [
        ResultReturned(
            task=task.task,
            by=by,
            reason=required_text(command.reason),
            quality_failure=command.quality_failure,
            due=resolved_not_past(command.due, context),
            due_version=task.due_version + 1,
        )
    ]


def accept(state: Task | None, command: AcceptResult, context: Context) -> list[Data]:
    """Verify a result; the day is that of the report. Refuses: none pending, who may not verify.

    "Vượt mức" is refused without a reason, together with a quality not met, or confirmed by who may not verify.
    """
    task = must_be(state, command.task, {"reported"})
    by = as_verifier(task, command.by, context)
    return [
        TaskCompleted(
            task=task.task,
            verified_by=by,
            on=task.first_report or context.today,
            quality=command.quality,
            exceeded=_exceeded(task, command, by, context),
        )
    ]


def _exceeded(task: Task, command: AcceptResult, by: str, context: Context) -> Exceeded | None:
    beyond = command.exceeded
    if beyond is None:
        return None
    if command.quality == "not_met":
        raise refusals.EXCEEDED_BUT_NOT_MET()
    confirmed_by = canonical(beyond.confirmed_by) if beyond.confirmed_by else by
    if confirmed_by != by:
        as_verifier(task, confirmed_by, context)
    return Exceeded(kind=beyond.kind, reason=required_text(beyond.reason), confirmed_by=confirmed_by)


def reopen(state: Task | None, command: ReopenTask, context: Context) -> list[Data]:
    """An accepted result was found wrong. Refuses: not completed, not the competent person, a date past, no reason."""
    task = must_be(state, command.task, {"completed"}, refusals.TASK_NOT_COMPLETED)
    by = as_authority(task, command.by, context)
    return [
        TaskReopened(
            task=task.task,
            by=by,
            reason=required_text(command.reason),
            quality_failure=command.quality_failure,
            due=resolved_not_past(command.due, context),
            due_version=task.due_version + 1,
        )
    ]


def confirm_cause(state: Task | None, command: ConfirmObjectiveCause, context: Context) -> list[Data]:
    """Also of a closed task. Refuses: cancelled, not the competent person, a version that was never set, no reason."""
    task = must_be(state, command.task, RUNNING | {"completed", "handed_back"})
    by = as_authority(task, command.by, context)
    if command.due_version is not None:
        if command.of == "quality":
            raise refusals.QUALITY_HAS_NO_DUE_VERSION()
        if not 1 <= command.due_version <= task.due_version:
            raise refusals.DUE_VERSION_UNKNOWN(due_version=command.due_version)
    return [
        ObjectiveCauseConfirmed(
            task=task.task,
            of=command.of,
            reason=required_text(command.reason),
            by=by,
            due_version=command.due_version,
            document=command.document,
        )
    ]
