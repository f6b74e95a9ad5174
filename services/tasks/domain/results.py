"""From taking a task on to its verified result: progress, report, return, acceptance, reopening, objective causes."""

from datetime import date
from typing import Literal

import msgspec

from services.tasks.domain.authority import as_authority, as_lead, must_be, must_be_running, roles_of, taking_part
from services.tasks.domain.context import Command, Context, acting, canonical, must_say
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
from shared.refusal import Refused


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
    task = must_be_running(state)
    by = as_lead(task, command.by, context)
    if task.acknowledged:
        raise Refused("already-acknowledged", task=task.task)
    return [TaskAcknowledged(task=task.task, by=by)]


def note_progress(state: Task | None, command: NoteProgress, context: Context) -> list[Data]:
    """By whoever takes part, or the Office. Refuses: others, not running, no words, a percentage beyond 0–100."""
    task = must_be_running(state)
    by = acting(context, command.by)
    if not taking_part(task, by, context) and "office" not in roles_of(by, context):
        raise Refused("not-taking-part", staff=by)
    if command.percent is not None and not 0 <= command.percent <= 100:
        raise Refused("percent-out-of-range", percent=command.percent)
    note = must_say(command.note, "note-required")
    return [ProgressNoted(task=task.task, by=by, note=note, percent=command.percent)]


def report(state: Task | None, command: ReportResult, context: Context) -> list[Data]:
    """Report a result of an open task.

    Refuses: neither the lead nor the Office, not open, a result pending, another day than today by the lead (typing it
    in a colleague's name included), a day before the assignment or to come, recorded for another without a reason,
    neither evidence nor explanation, evidence that was not stored for the task.
    """
    task = must_be(state, {"open"})
    by = acting(context, command.by)
    on = command.on or context.today
    if by != task.lead and "office" not in roles_of(by, context):
        raise Refused("not-the-lead", staff=by)
    if task.lead in (by, context.actor_staff) and on != context.today:
        raise Refused("lead-reports-today")
    if on > context.today:
        raise Refused("day-in-the-future", day=on)
    if task.assigned_on is not None and on < task.assigned_on:
        raise Refused("report-before-assignment", day=on, assigned_on=task.assigned_on)
    if not by == context.actor_staff == task.lead:
        must_say(command.reason)
    if task.evidence_required and not command.evidence:
        raise Refused("evidence-required")
    if not command.evidence and not (command.explanation or "").strip():
        raise Refused("evidence-or-explanation-required")
    return [
        ResultReported(
            task=task.task,
            by=by,
            on=on,
            summary=must_say(command.summary, "summary-required"),
            evidence=_stored(command, context),
            explanation=command.explanation,
            reason=command.reason,
        )
    ]


def _stored(command: ReportResult, context: Context) -> list[Evidence]:
    """Each file once, with the size and kind that it was stored with."""
    files = context.files.get(command.task, {})
    for sha256 in command.evidence:
        if sha256 not in files:
            raise Refused("evidence-not-stored", sha256=sha256)
    return [files[sha256] for sha256 in dict.fromkeys(command.evidence)]


def return_result(state: Task | None, command: ReturnResult, context: Context) -> list[Data]:
    """Send a result back with a new date. Refuses: none pending, not the competent person, a date past, no reason."""
    task = must_be(state, {"reported"})
    by = as_authority(task, command.by, context)
    return [
        ResultReturned(
            task=task.task,
            by=by,
            reason=must_say(command.reason),
            quality_failure=command.quality_failure,
            due=resolved_not_past(command.due, context),
            due_version=task.due_version + 1,
        )
    ]


def accept(state: Task | None, command: AcceptResult, context: Context) -> list[Data]:
    """Verify a result; the day is that of the report. Refuses: none pending, not the competent person.

    "Vượt mức" is refused without a reason, beside a quality not met, or confirmed by someone not competent.
    """
    task = must_be(state, {"reported"})
    by = as_authority(task, command.by, context)
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
        raise Refused("exceeded-but-not-met")
    confirmed_by = canonical(beyond.confirmed_by) if beyond.confirmed_by else by
    if confirmed_by != by:
        as_authority(task, confirmed_by, context)
    return Exceeded(kind=beyond.kind, reason=must_say(beyond.reason), confirmed_by=confirmed_by)


def reopen(state: Task | None, command: ReopenTask, context: Context) -> list[Data]:
    """An accepted result was found wrong. Refuses: not completed, not the competent person, a date past, no reason."""
    task = must_be(state, {"completed"}, "task-not-completed")
    by = as_authority(task, command.by, context)
    return [
        TaskReopened(
            task=task.task,
            by=by,
            reason=must_say(command.reason),
            quality_failure=command.quality_failure,
            due=resolved_not_past(command.due, context),
            due_version=task.due_version + 1,
        )
    ]


def confirm_cause(state: Task | None, command: ConfirmObjectiveCause, context: Context) -> list[Data]:
    """Also of a closed task. Refuses: cancelled, not the competent person, a version that was never set, no reason."""
    task = must_be(state, RUNNING | {"completed", "handed_back"})
    by = as_authority(task, command.by, context)
    if command.due_version is not None:
        if command.of == "quality":
            raise Refused("quality-has-no-due-version")
        if not 1 <= command.due_version <= task.due_version:
            raise Refused("unknown-due-version", due_version=command.due_version)
    return [
        ObjectiveCauseConfirmed(
            task=task.task,
            of=command.of,
            reason=must_say(command.reason),
            by=by,
            due_version=command.due_version,
            document=command.document,
        )
    ]
