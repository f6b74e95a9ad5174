"""Urging slips over HTTP: look at them, issue them, print them one by one or together."""

from collections.abc import Sequence
from typing import Any

import flask

from services.notifications import queries
from services.notifications.api.handle import notifications, now
from services.notifications.commands import execute
from services.notifications.documents.slips import DOCX, together
from services.notifications.domain.slips import IssuedSlip, IssueSlips
from services.notifications.schemas import DraftQuery, PrintQuery, SlipBody, SlipsIssued, SlipsQuery
from shared.eventlog import Appended
from shared.web import changes
from shared.web.auth import action
from shared.web.changes import Change
from shared.web.openapi import FILE_NAME
from shared.web.positions import recorded_at, wait_for_header
from shared.web.schema import Blueprint

blueprint = Blueprint("slips", __name__, url_prefix="/communes/<commune>/slips", description="Phiếu đôn đốc")


@blueprint.route("")
@blueprint.arguments(SlipsQuery, location="query")
@blueprint.answers(200, list[IssuedSlip])
@action("slip.read")
def list_slips(query: dict[str, Any], commune: str) -> list[IssuedSlip]:
    """The slips issued, the last one first; or those that name a task."""
    return queries.slips(notifications(), commune, task=query["task"])


@blueprint.route("/draft.docx")
@blueprint.arguments(DraftQuery, location="query")
@blueprint.answers(200, media=DOCX, headers=[FILE_NAME])
@action("slip.issue")
def draft_slips(query: dict[str, Any], commune: str) -> flask.Response:
    """The slips as they would be issued now, to look at; nothing is recorded."""
    wait_for_header(notifications().reached)
    drafts = queries.slip_drafts(notifications(), commune, IssueSlips(**query))
    return _paper(drafts, f"phieu-don-doc-du-thao-{now()[:10]}.docx")


@blueprint.route("/print.docx")
@blueprint.arguments(PrintQuery, location="query")
@blueprint.answers(200, media=DOCX, headers=[FILE_NAME])
@blueprint.problems(410)
@action("slip.read")
def print_slips(query: dict[str, Any], commune: str) -> flask.Response:
    """Slips together in one document, each from its first page on, to be printed at once."""
    return _paper(queries.slip_documents(notifications(), commune, query["slips"]), "phieu-don-doc.docx")


@blueprint.route("/<slip>.docx")
@blueprint.answers(200, media=DOCX, headers=[FILE_NAME])
@blueprint.problems(410)
@action("slip.read")
def download_slip(commune: str, slip: str) -> flask.Response:
    """A slip as it was issued, byte by byte."""
    return _paper(queries.slip_documents(notifications(), commune, [slip]), f"phieu-don-doc-{slip}.docx")


def _paper(documents: Sequence[bytes], name: str) -> flask.Response:
    response = flask.Response(together(documents), content_type=DOCX)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _issued(done: Appended, _: object) -> tuple[dict[str, Any], dict[str, str]]:
    body = {"commune": done.commune, "position": done.position, "slips": done.result}
    return body, recorded_at("notifications", done.commune, done.position)


CHANGES = [
    Change("", IssueSlips, SlipBody, "Issue a slip for each lead of these overdue tasks.", "slip.issue", status=201)
]
changes.add(blueprint, CHANGES, execute, answer=SlipsIssued, answered=_issued)
