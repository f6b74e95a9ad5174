"""Urging slips over HTTP: look at them, issue them, print them one by one or together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import flask
from marshmallow import fields, validate
from webargs.fields import DelimitedList

from services.notifications import slips
from services.notifications.channels.interface import Contact, Undeliverable
from services.notifications.schemas import Day
from services.notifications.slips import DOCX, MOST_TOGETHER, Wish
from services.notifications.views import of_tasks
from shared.eventlog import reading
from shared.events import format_time
from shared.refusal import Refused
from shared.web.app import service
from shared.web.auth import action, principal
from shared.web.idempotency import idempotency_key
from shared.web.positions import recorded_at, wait_for_header
from shared.web.schema import Blueprint, Schema

blueprint = Blueprint("slips", __name__, url_prefix="/communes/<commune>/slips", description="Phiếu đôn đốc")

_ID = fields.String(validate=validate.Length(min=1, max=64))
_SOME = validate.Length(min=1, max=MOST_TOGETHER)


class DraftQuery(Schema):
    """`tasks` by their ids with commas between; a slip for each lead."""

    tasks = DelimitedList(_ID, required=True, validate=_SOME)
    signed_by = fields.String(load_default=None)
    reply_by = Day(load_default=None)


class SlipsQuery(Schema):
    task = fields.String(load_default=None)


class PrintQuery(Schema):
    """Slips by their ids with commas between."""

    slips = DelimitedList(_ID, required=True, validate=_SOME)


class SlipBody(Schema):
    """Without `number` the clerk writes it in; without `signed_by` the name is left blank."""

    tasks = fields.List(_ID, required=True, validate=_SOME)
    number = fields.String(load_default=None, validate=validate.Length(min=1, max=20))
    signed_by = fields.String(load_default=None)
    reply_by = Day(load_default=None)


class IssuedSlip(Schema):
    slip = fields.String(required=True)
    lead = fields.String(required=True)
    tasks = fields.List(fields.String(), required=True)
    sha256 = fields.String(required=True)


class SlipsIssued(Schema):
    """Where it was recorded, and one slip for each lead."""

    commune = fields.String(required=True)
    position = fields.Integer(required=True)
    slips = fields.List(fields.Nested(IssuedSlip), required=True)


class Slip(Schema):
    slip = fields.String(required=True)
    time = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    signed_by = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True)
    tasks = fields.List(fields.String(), required=True)


@blueprint.route("")
@blueprint.arguments(SlipsQuery, location="query")
@blueprint.response(200, Slip(many=True))
@action("slip.read")
def listed(query: dict[str, Any], commune: str) -> Any:
    """The slips issued, the last one first; or those that name a task."""
    with reading(service().engine, commune) as connection:
        return slips.issued(connection, commune, task=query["task"])


@blueprint.route("", methods=["POST"])
@blueprint.arguments(SlipBody)
@blueprint.response(201, SlipsIssued)
@action("slip.issue")
def issue(body: dict[str, Any], commune: str) -> Any:
    """Issue a slip for each lead of these overdue tasks."""
    wait_for_header(service().reached)
    asking = principal()
    done = slips.issue(
        service().log,
        lambda: contacts(commune),
        commune,
        asking.actor,
        asking.staff or asking.actor,
        Wish(**body),
        key=idempotency_key(),
    )
    answer = {"commune": done.commune, "position": done.position, "slips": done.result}
    return answer, recorded_at("notifications", commune, done.position)


@blueprint.route("/draft.docx")
@blueprint.arguments(DraftQuery, location="query")
@action("slip.issue")
def draft(query: dict[str, Any], commune: str) -> flask.Response:
    """The slips as they would be issued now, to look at; nothing is recorded."""
    wait_for_header(service().reached)
    now: datetime = service().clock()
    at = format_time(now)
    with reading(service().engine, commune) as connection:
        records = of_tasks(connection, commune, query["tasks"])
    found = slips.drafts(records, contacts(commune), Wish(**query), at)
    return _paper([each.document for each in found], f"phieu-don-doc-du-thao-{at[:10]}.docx")


@blueprint.route("/print.docx")
@blueprint.arguments(PrintQuery, location="query")
@action("slip.read")
def printed(query: dict[str, Any], commune: str) -> flask.Response:
    """Slips together in one document, each from its first page on, to be printed at once."""
    return _paper(_stored(commune, query["slips"]), "phieu-don-doc.docx")


@blueprint.route("/<slip>.docx")
@action("slip.read")
def one(commune: str, slip: str) -> flask.Response:
    """A slip as it was issued, byte by byte."""
    return _paper(_stored(commune, [slip]), f"phieu-don-doc-{slip}.docx")


def contacts(commune: str) -> Mapping[str, Contact]:
    """The people's names, read now. Refuses: names-away."""
    try:
        found: Mapping[str, Contact] = service().channels.directory(commune)
    except Undeliverable as error:
        raise Refused("names-away") from error
    return found


def _stored(commune: str, wanted: Sequence[str]) -> list[bytes]:
    with reading(service().engine, commune) as connection:
        return slips.stored(connection, commune, wanted)


def _paper(documents: Sequence[bytes], name: str) -> flask.Response:
    response = flask.Response(slips.together(documents), content_type=DOCX)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
