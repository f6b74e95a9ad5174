"""Tasks: given out, taken on, reported, verified; the list, one task with its history, and the counts."""

from typing import Any

from services.tasks import answers, queries
from services.tasks.api.changes import add, change
from services.tasks.api.request import PREFIX, Versioned, known, service
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
from shared.web.auth import action, principal
from shared.web.conditional import etag
from shared.web.openapi import ETAG, LINK
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
@blueprint.answers(200, answers.Tasks, headers=[LINK])
@action("task.read")
def list_tasks(query: dict[str, Any], commune: str) -> Versioned:
    """Tasks in the order of their ids; those who don't see all see the ones they lead, take part in or verify."""
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
    return answers.Tasks(tasks=[answers.state(answers.TaskState, stored) for stored in shown]), headers


@blueprint.route("/tasks/<task>")
@blueprint.answers(200, answers.TaskWithHistory, headers=[ETAG])
@action("task.read")
def read_task(commune: str, task: str) -> Versioned:
    """One task with its history, every event with its position, and the files stored for it."""
    record = known(queries.task_record(service(), commune, principal(), task))
    return answers.task(record), etag(record.stored.version)


@blueprint.route("/reports/tasks")
@blueprint.answers(200, answers.TaskCounts)
@action("report.read")
def count_tasks(commune: str) -> answers.TaskCounts:
    """How many tasks there are by field and status, and how many of them are overdue: no person, no title."""
    return answers.TaskCounts(service().today, queries.field_counts(service(), commune))
