"""Tasks: given out, taken on, reported, verified; the list, one task with its history, and the counts."""

from typing import Any

import flask

from services.tasks import queries
from services.tasks.api.changes import add, change
from services.tasks.api.request import PREFIX, answer_one, known, plain, service
from services.tasks.domain.assigning import AssignTask, CancelTask, CorrectCoefficient, CorrectTask, HandBackTask
from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.results import (
    AcceptResult,
    AcknowledgeTask,
    ConfirmObjectiveCause,
    NoteProgress,
    ReopenTask,
    ReportResult,
    ReturnResult,
)
from services.tasks.queries import TaskFilter
from services.tasks.schemas import (
    AcceptBody,
    AssignBody,
    ByBody,
    CauseBody,
    CoefficientBody,
    CorrectionBody,
    DueChangeBody,
    ExtensionBody,
    GrantBody,
    HandBackBody,
    ProgressBody,
    ReasonedBody,
    ReportBody,
    ReturnBody,
    TasksQuery,
)
from shared.events import Envelope
from shared.web.answers import as_json
from shared.web.auth import action, principal
from shared.web.paging import page
from shared.web.schema import Blueprint

CHANGES = (
    change("/tasks", AssignTask, AssignBody, "Give a task to its one lead.", makes="task"),
    change("/tasks/<task>", CorrectTask, CorrectionBody, "Put wording, collaborators or field right.", "PATCH"),
    change("/tasks/<task>/coefficient", CorrectCoefficient, CoefficientBody, "Correct the coefficient."),
    change("/tasks/<task>/acknowledgement", AcknowledgeTask, ByBody, "The lead takes the task on."),
    change("/tasks/<task>/progress", NoteProgress, ProgressBody, "Note how far it has come."),
    change("/tasks/<task>/due", ConfirmDue, DueChangeBody, "Give a deadline its structure, or correct it."),
    change("/tasks/<task>/extension/request", RequestExtension, ExtensionBody, "Ask for a later date."),
    change("/tasks/<task>/extension/grant", GrantExtension, GrantBody, "Grant a later date."),
    change("/tasks/<task>/extension/refusal", RefuseExtension, ReasonedBody, "Refuse the later date."),
    change("/tasks/<task>/report", ReportResult, ReportBody, "Report a result; its evidence was stored before."),
    change("/tasks/<task>/return", ReturnResult, ReturnBody, "Send a result back with a new date."),
    change("/tasks/<task>/acceptance", AcceptResult, AcceptBody, "Verify a result."),
    change("/tasks/<task>/reopening", ReopenTask, ReturnBody, "An accepted result was found wrong."),
    change("/tasks/<task>/causes", ConfirmObjectiveCause, CauseBody, "Confirm an objective cause."),
    change("/tasks/<task>/hand-back", HandBackTask, HandBackBody, "The lead cannot, or left: another is to take it."),
    change("/tasks/<task>/cancellation", CancelTask, ReasonedBody, "Cancel a task."),
)

blueprint = Blueprint("tasks", __name__, url_prefix=PREFIX, description="Nhiệm vụ")
add(blueprint, CHANGES)


@blueprint.route("/tasks")
@blueprint.arguments(TasksQuery, location="query")
@action("task.read")
def task_list(query: dict[str, Any], commune: str) -> flask.Response:
    """Tasks in the order of their ids; those who don't see all see the ones they lead or take part in."""
    wanted = TaskFilter(
        status=[query["status"]] if "status" in query else None,
        lead=query.get("lead"),
        field=query.get("field"),
        directive=query.get("directive"),
        due_from=query.get("due_from"),
        due_to=query.get("due_to"),
        title=query.get("q"),
    )
    after = query["cursor"][0] if "cursor" in query else None
    limit: int = query["limit"]
    rows = queries.visible_tasks(service(), commune, principal(), wanted, limit=limit + 1, after=after)
    shown, headers = page(rows, limit, lambda stored: (stored.subject,))
    return as_json({"tasks": [plain(stored) for stored in shown]}, headers)


@blueprint.route("/tasks/<task>")
@action("task.read")
def task_one(commune: str, task: str) -> flask.Response:
    """One task with its history, every event with its position, and the files stored for it."""
    record = known(queries.task_record(service(), commune, principal(), task))
    history = [_entry(envelope) for envelope in record.history]
    return answer_one(record.stored, history=history, files=[file._asdict() for file in record.files])


@blueprint.route("/reports/tasks")
@action("report.read")
def report_counts(commune: str) -> flask.Response:
    """How many tasks there are by field and status, and how many of them are overdue: no person, no title."""
    return as_json({"on": service().today, "counts": queries.field_counts(service(), commune)})


def _entry(envelope: Envelope) -> dict[str, Any]:
    return {
        "position": envelope.position,
        "version": envelope.streamversion,
        "time": envelope.time,
        "type": envelope.type,
        "actor": envelope.actor,
        "data": envelope.data,
    }
