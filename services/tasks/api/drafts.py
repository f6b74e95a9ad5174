"""Imported rows that wait for a person: listed, and settled one by one or in bulk."""

from typing import Any

import msgspec
from marshmallow import ValidationError

from services.tasks import answers, queries
from services.tasks.api.changes import record
from services.tasks.api.request import PREFIX, Versioned, answer_one, service, state_of
from services.tasks.domain import refusals
from services.tasks.domain.assigning import AssignTask
from services.tasks.domain.decisions import SettleDraft, Together
from services.tasks.domain.task import Task
from services.tasks.domain.templates import SetTemplate
from services.tasks.imports.texts import QUESTIONS
from services.tasks.schemas import Recorded, SettleBody, SettleManyBody
from services.tasks.views import Stored
from shared.refusal import fill
from shared.web.auth import action
from shared.web.changes import command_of, new_id
from shared.web.openapi import ETAG, IF_MATCH, KEY, POSITION
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

# An answer that leaves these out takes what the row proposed.
PROPOSED = ("title", "product", "field", "lead", "collaborators", "coefficient")
REQUIRED = {"task": ("title", "lead", "due"), "template": ("title", "lead", "recurrence", "due_text")}
# By every code that a row of an earlier release may hold as its question.
REFUSALS = {code: refusal for refusal in refusals.ALL for code in (*refusal.formerly, refusal.code)}
DUE = ("text", "date", "working_days", "after", "cadence", "roll")

blueprint = Blueprint("drafts", __name__, url_prefix=f"{PREFIX}/drafts", description="Dòng nhập chờ trả lời")


@blueprint.route("")
@blueprint.answers(200, answers.Drafts)
@action("draft.read")
def list_drafts(commune: str) -> msgspec.Struct:
    """Every row that waits, with its words and questions."""
    drafts = queries.drafts(service(), commune)
    return answers.Drafts(
        drafts=[answers.state(answers.DraftState, stored, questions=_questions(stored)) for stored in drafts]
    )


@blueprint.route("/<task>")
@blueprint.answers(200, answers.DraftState, headers=[ETAG])
@action("draft.read")
def read_draft(commune: str, task: str) -> Versioned:
    """One row that waits, or what it became."""
    draft = _draft(commune, task)
    return answer_one(answers.DraftState, draft, questions=_questions(draft))


@blueprint.route("/<task>/settlement", methods=["POST"])
@blueprint.arguments(SettleBody)
@blueprint.answers(200, Recorded, headers=[ETAG, POSITION])
@blueprint.takes(IF_MATCH, KEY)
@action("task.settle_draft")
def settle_draft(body: dict[str, Any], commune: str, task: str) -> Any:
    """Answer a row: the tasks and templates it becomes; none drops it."""
    return record(commune, _settlement(commune, task, body, ("into",)))


@blueprint.route("/settlements", methods=["POST"])
@blueprint.arguments(SettleManyBody)
@blueprint.answers(200, Recorded, headers=[ETAG, POSITION])
@blueprint.takes(KEY)
@action("task.settle_draft")
def settle_drafts(body: dict[str, Any], commune: str) -> Any:
    """Answer several rows at once, all or none; one that was answered meanwhile refuses them all."""
    commands = [
        _settlement(commune, settlement.pop("draft"), settlement, ("settlements", index, "into"))
        for index, settlement in enumerate(body["settlements"])
    ]
    return record(commune, Together(commands=commands), new=True)


def _draft(commune: str, task: str) -> Stored:
    stored = state_of(commune, f"task/{task}")
    if stored.state.draft is None:
        raise Rejected("not-found")
    return stored


def _questions(stored: Stored) -> list[answers.Question]:
    """The row keeps codes: their texts may become better words later."""
    draft = stored.state.draft
    return [answers.Question(code, _question(code, draft.row)) for code in draft.questions]


def _question(code: str, row: dict[str, Any]) -> str:
    about_lead = code in ("chu_tri_la_nhom", "nhieu_chu_tri", "khong_ro_chu_tri", "doi_chu_tri")
    detail = QUESTIONS[code][1] if code in QUESTIONS else REFUSALS[code].detail
    return fill(detail, {"text": row.get("lead_text" if about_lead else "due")})


def _settlement(commune: str, task: str, body: dict[str, Any], where: tuple[str | int, ...]) -> SettleDraft:
    draft: Task = _draft(commune, task).state
    row = draft.draft.row if draft.draft else {}
    into = [_answer(row, answer, (*where, index)) for index, answer in enumerate(body.pop("into"))]
    return SettleDraft(task=task, into=into, by=body.get("by"))


def _answer(row: dict[str, Any], sent: dict[str, Any], where: tuple[str | int, ...]) -> AssignTask | SetTemplate:
    [(kind, fields)] = sent.items()
    deadline = row.get("deadline") or {}
    proposed = {name: row[name] for name in PROPOSED if row.get(name) is not None}
    if kind == "template":
        proposed |= {"due_text": row.get("due"), "recurrence": deadline.get("recurrence")}
    elif row.get("due"):
        proposed["due"] = {name: deadline[name] for name in DUE if deadline.get(name) is not None}
    filled = {name: value for name, value in (proposed | fields).items() if value is not None}
    filled["collaborators"] = [id_ for id_ in filled.get("collaborators", ()) if id_ != filled.get("lead")]
    if missing := [name for name in REQUIRED[kind] if not filled.get(name)]:
        raise _missing((*where, kind), missing)
    if kind == "template":
        return command_of(SetTemplate, filled, template=new_id())
    return command_of(AssignTask, filled, task=new_id())


def _missing(where: tuple[str | int, ...], names: list[str]) -> ValidationError:
    messages: Any = {name: ["Bắt buộc phải có: dòng nhập không cho biết."] for name in names}
    for key in reversed(where):
        messages = {key: messages}
    return ValidationError(messages)
