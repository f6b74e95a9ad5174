"""Tasks: given out, taken on, reported, verified; the list, one task with its history, and the counts."""

from typing import Any

import flask
from sqlalchemy import case, func, select

from services.tasks import beside, views
from services.tasks.api import reading as read
from services.tasks.api.recording import PREFIX, Change, add, command_of, record, tasks
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
from services.tasks.domain.task import Task
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
    Recorded,
    ReportBody,
    ReturnBody,
    TasksQuery,
)
from services.tasks.views import TaskFilter
from shared.eventlog import reading
from shared.events import Envelope, Evidence
from shared.refusal import Refused
from shared.web.auth import action
from shared.web.paging import page
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

CHANGES = (
    Change("/tasks", AssignTask, AssignBody, "Give a task to its one lead.", makes="task"),
    Change("/tasks/<task>", CorrectTask, CorrectionBody, "Put wording, company or field right.", "PATCH"),
    Change("/tasks/<task>/coefficient", CorrectCoefficient, CoefficientBody, "Correct the coefficient."),
    Change("/tasks/<task>/acknowledgement", AcknowledgeTask, ByBody, "The lead takes the task on."),
    Change("/tasks/<task>/progress", NoteProgress, ProgressBody, "Note how far it has come."),
    Change("/tasks/<task>/due", ConfirmDue, DueChangeBody, "Give a deadline its structure, or correct it."),
    Change("/tasks/<task>/extension/request", RequestExtension, ExtensionBody, "Ask for a later date."),
    Change("/tasks/<task>/extension/grant", GrantExtension, GrantBody, "Grant a later date."),
    Change("/tasks/<task>/extension/refusal", RefuseExtension, ReasonedBody, "Refuse the later date."),
    Change("/tasks/<task>/return", ReturnResult, ReturnBody, "Send a result back with a new date."),
    Change("/tasks/<task>/acceptance", AcceptResult, AcceptBody, "Verify a result."),
    Change("/tasks/<task>/reopening", ReopenTask, ReturnBody, "An accepted result was found wrong."),
    Change("/tasks/<task>/causes", ConfirmObjectiveCause, CauseBody, "Confirm an objective cause."),
    Change("/tasks/<task>/hand-back", HandBackTask, HandBackBody, "The lead cannot, or left: another is to take it."),
    Change("/tasks/<task>/cancellation", CancelTask, ReasonedBody, "Cancel a task."),
)


def blueprint() -> Blueprint:
    routes = Blueprint("tasks", __name__, url_prefix=PREFIX, description="Nhiệm vụ")
    add(routes, CHANGES)

    @routes.route("/tasks/<task>/report", methods=["POST"])
    @routes.arguments(ReportBody)
    @routes.response(200, Recorded)
    @action("task.report")
    def report(body: dict[str, Any], commune: str, task: str) -> Any:
        """Report a result; its evidence was stored before."""
        evidence = _stored_evidence(commune, task, body.pop("evidence"))
        return record(commune, command_of(ReportResult, body, task=task, evidence=evidence))

    @routes.route("/tasks")
    @routes.arguments(TasksQuery, location="query")
    @action("task.read")
    def task_list(query: dict[str, Any], commune: str) -> flask.Response:
        """Tasks in the order of their ids; those who don't see all see the ones they lead or take part in."""
        with reading(tasks().engine, commune) as connection:
            asking = read.asking(connection, commune)
            mine = None if asking.sees_all else [str(one) for one in (asking.staff, asking.unit) if one]
            wanted = TaskFilter(
                status=[query["status"]] if "status" in query else None,
                lead=query.get("lead"),
                field=query.get("field"),
                directive=query.get("directive"),
                due_from=query.get("due_from"),
                due_to=query.get("due_to"),
                title=query.get("q"),
                seen_by=mine,
            )
            after = query["cursor"][0] if "cursor" in query else None
            limit: int = query["limit"]
            found = views.tasks(connection, commune, wanted, limit=limit + 1, after=after)
        shown, headers = page(found, limit, lambda one: (one.subject,))
        return read.answer({"tasks": [read.plain(one) for one in shown]}, headers)

    @routes.route("/tasks/<task>")
    @action("task.read")
    def task_one(commune: str, task: str) -> flask.Response:
        """One task with its history, every event with its position, and the files stored for it."""
        with reading(tasks().engine, commune) as connection:
            asking = read.asking(connection, commune)
            found = views.one(connection, commune, f"task/{task}")
            if found is None or found.state.status in ("draft", "settled"):
                raise Rejected("not-found")
            asking.must_see(found.state)
            files = beside.evidence_of(connection, commune, task)
        history = [_happened(envelope) for envelope in views.history(tasks().log, commune, found.subject)]
        return read.answer_one(found, history=history, files=[file._asdict() for file in files])

    @routes.route("/reports/tasks")
    @action("report.read")
    def report_counts(commune: str) -> flask.Response:
        """How many tasks there are by field and status, and how many of them are overdue: no person, no title."""
        table = views.states.c
        late = case((table.status.in_(("open",)) & (table.due_date < read.today()), 1), else_=0)
        with reading(tasks().engine, commune) as connection:
            rows = connection.execute(
                select(table.field, table.status, func.count(), func.sum(late))
                .where(table.commune == commune, table.kind == "task", table.status.not_in(("draft", "settled")))
                .group_by(table.field, table.status)
                .order_by(table.field, table.status)
            ).all()
        counts = [
            {"field": field, "status": status, "tasks": count, "overdue": int(overdue)}
            for field, status, count, overdue in rows
        ]
        return read.answer({"on": read.today(), "counts": counts})

    return routes


def must_see(commune: str, task: str) -> Task:
    """A task that the one who asks may see. Raises Rejected 404, Refused `not-taking-part` and `holds-no-post`."""
    with reading(tasks().engine, commune) as connection:
        asking = read.asking(connection, commune)
        found: Task = read.stored(connection, commune, f"task/{task}").state
    asking.must_see(found)
    return found


def _stored_evidence(commune: str, task: str, hashes: list[str]) -> list[Evidence]:
    """Size and kind are ours to say; a report names what was stored for this task."""
    with reading(tasks().engine, commune) as connection:
        files = {file.sha256: file for file in beside.evidence_of(connection, commune, task)}
    for sha256 in hashes:
        if sha256 not in files:
            raise Refused("evidence-not-stored", sha256=sha256)
    return [
        Evidence(sha256=file.sha256, size=file.size, media_type=file.media_type)
        for file in (files[sha256] for sha256 in dict.fromkeys(hashes))
    ]


def _happened(envelope: Envelope) -> dict[str, Any]:
    return {
        "position": envelope.position,
        "version": envelope.streamversion,
        "time": envelope.time,
        "type": envelope.type,
        "actor": envelope.actor,
        "data": envelope.data,
    }
