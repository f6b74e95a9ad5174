"""Webhook endpoints: where other systems take reminders, kept outside the log."""

from typing import Any

from services.notifications import outside_log, queries
from services.notifications.answers import EndpointAdded, Endpoints, EndpointShown
from services.notifications.api.handle import notifications
from services.notifications.schemas import EndpointBody
from shared.web.answers import answer_of
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("endpoints", __name__, url_prefix="/communes/<commune>", description="Địa chỉ webhook")


@blueprint.route("/endpoints")
@blueprint.answers(200, Endpoints)
@action("endpoint.manage")
def list_endpoints(commune: str) -> Endpoints:
    """All endpoints, without their secrets."""
    endpoints = queries.endpoints(notifications(), commune)
    return Endpoints([answer_of(EndpointShown, endpoint) for endpoint in endpoints])


@blueprint.route("/endpoints", methods=["POST"])
@blueprint.arguments(EndpointBody)
@blueprint.answers(201, EndpointAdded)
@action("endpoint.manage")
def add_endpoint(body: dict[str, Any], commune: str) -> EndpointAdded:
    """Add an endpoint; its secret is in this answer only."""
    added = outside_log.add_endpoint(notifications(), commune, body["url"], body["rules"])
    return answer_of(EndpointAdded, added)


@blueprint.route("/endpoints/<endpoint>", methods=["DELETE"])
@blueprint.answers(204)
@action("endpoint.manage")
def remove_endpoint(commune: str, endpoint: str) -> None:
    """Send nothing there any more."""
    outside_log.remove_endpoint(notifications(), commune, endpoint)


@blueprint.route("/endpoints/<endpoint>/enablement", methods=["POST"])
@blueprint.answers(204)
@action("endpoint.manage")
def enable_endpoint(commune: str, endpoint: str) -> None:
    """Use an endpoint again that answered 410."""
    outside_log.enable_endpoint(notifications(), commune, endpoint)
