"""The Office's day: the worklist, urging, the dry run, and the answer to "why (not)?"."""

from typing import Any

import flask

from services.notifications import asked
from services.notifications.api.answers import as_json, asking, now, recorded, reminding
from services.notifications.commands import Urging, urge
from services.notifications.schemas import AtQuery, PreviewQuery, Urged, UrgingBody, WhyQuery
from shared.refusal import Refused
from shared.web.auth import action
from shared.web.idempotency import idempotency_key
from shared.web.positions import wait_for_header
from shared.web.schema import Blueprint

blueprint = Blueprint("worklist", __name__, url_prefix="/communes/<commune>", description="Theo dõi, đôn đốc")


@blueprint.route("/worklist")
@blueprint.arguments(AtQuery, location="query")
@action("worklist.read")
def worklist(query: dict[str, Any], commune: str) -> flask.Response:
    """Late, undone, due soon, waiting, extensions, failed deliveries; counts per person and field."""
    wait_for_header(reminding().reached)
    return as_json(asked.worklist_at(reminding(), commune, query["at"] or now()))


@blueprint.route("/urgings", methods=["POST"])
@blueprint.arguments(UrgingBody)
@blueprint.response(201, Urged)
@action("reminder.urge")
def urgings(body: dict[str, Any], commune: str) -> Any:
    """Remind the leads of these tasks now, each once a day; tells for each task what was done."""
    wait_for_header(reminding().reached)
    return recorded(urge(reminding(), commune, asking(), Urging(**body), key=idempotency_key()))


@blueprint.route("/preview")
@blueprint.arguments(PreviewQuery, location="query")
@action("reminder.preview")
def preview(query: dict[str, Any], commune: str) -> flask.Response:
    """Who would get what and why at a moment, past or to come; nothing is recorded."""
    wait_for_header(reminding().reached)
    return as_json(asked.preview(reminding(), commune, query["at"] or now(), query["staff"]))


@blueprint.route("/why")
@blueprint.arguments(WhyQuery, location="query")
@action("reminder.read")
def why(query: dict[str, Any], commune: str) -> flask.Response:
    """What somebody was told on a day, and why not more; others' only for those who see all reminders."""
    wait_for_header(reminding().reached)
    who = asking()
    if query["staff"] != who.staff and not sees_all(who.roles):
        raise Refused("reminder-of-another")
    return as_json({"lines": asked.why_then(reminding(), commune, query["staff"], query["day"], now())})


SEE_ALL = frozenset({"chair", "vice_chair", "office", "inspector"})


def sees_all(roles: frozenset[str]) -> bool:
    return not roles.isdisjoint(SEE_ALL)
