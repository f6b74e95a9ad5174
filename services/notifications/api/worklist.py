"""The Office's day: the worklist, urging, the dry run, and the answer to "why (not)?"."""

from typing import Any

from services.notifications import queries
from services.notifications.answers import Why
from services.notifications.api.handle import notifications, now
from services.notifications.commands import execute
from services.notifications.domain.urging import UrgeTasks
from services.notifications.domain.worklist import Worklist
from services.notifications.schemas import AtQuery, PreviewQuery, Urged, UrgingBody, WhyQuery
from shared.web import changes
from shared.web.auth import action, principal
from shared.web.changes import Change
from shared.web.positions import wait_for_header
from shared.web.schema import Blueprint

blueprint = Blueprint("worklist", __name__, url_prefix="/communes/<commune>", description="Theo dõi, đôn đốc")


@blueprint.route("/worklist")
@blueprint.arguments(AtQuery, location="query")
@blueprint.answers(200, Worklist)
@action("worklist.read")
def read_worklist(query: dict[str, Any], commune: str) -> Worklist:
    """Late, undone, due soon, waiting, extensions, failed deliveries; counts per person and field."""
    wait_for_header(notifications().reached)
    return queries.worklist_at(notifications(), commune, query["at"] or now())


@blueprint.route("/preview")
@blueprint.arguments(PreviewQuery, location="query")
@blueprint.answers(200, queries.Preview)
@action("reminder.preview")
def preview_reminders(query: dict[str, Any], commune: str) -> queries.Preview:
    """Who would get what and why at a moment, past or future; nothing is recorded."""
    wait_for_header(notifications().reached)
    return queries.preview(notifications(), commune, query["at"] or now(), query["staff"])


@blueprint.route("/why")
@blueprint.arguments(WhyQuery, location="query")
@blueprint.answers(200, Why)
@action("reminder.read")
def explain_reminders(query: dict[str, Any], commune: str) -> Why:
    """What a person was reminded of on a day, and why not of more; others' only for those who see all reminders."""
    wait_for_header(notifications().reached)
    return Why(queries.why_then(notifications(), principal(), commune, query["staff"], query["day"], now()))


CHANGES = [
    Change(
        "/urgings",
        UrgeTasks,
        UrgingBody,
        "Remind the leads of these tasks now, each once a day; says for each task what was done.",
        "reminder.urge",
        answer=Urged,
        status=201,
    )
]
changes.add(blueprint, CHANGES, execute, answer=Urged)
