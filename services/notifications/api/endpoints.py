"""Webhook endpoints: where other systems take reminders, kept outside the log."""

from typing import Any

import flask

from services.notifications import outside_log, queries
from services.notifications.api.handle import notifications
from services.notifications.schemas import EndpointBody
from shared.web.answers import as_json
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("endpoints", __name__, url_prefix="/communes/<commune>", description="Địa chỉ webhook")


@blueprint.route("/endpoints")
@action("endpoint.manage")
def listed(commune: str) -> flask.Response:
    """All endpoints, without their secrets."""
    shown = ("endpoint", "url", "rules", "created_at", "disabled_at", "disabled_reason")
    endpoints = queries.endpoints(notifications(), commune)
    return as_json({"endpoints": [{name: getattr(endpoint, name) for name in shown} for endpoint in endpoints]})


@blueprint.route("/endpoints", methods=["POST"])
@blueprint.arguments(EndpointBody)
@action("endpoint.manage")
def add(body: dict[str, Any], commune: str) -> Any:
    """Add an endpoint; its secret is in this answer only."""
    added = outside_log.add_endpoint(notifications(), commune, body["url"], body["rules"])
    return as_json({"endpoint": added.endpoint, "url": added.url, "rules": added.rules, "secret": added.secret}), 201


@blueprint.route("/endpoints/<endpoint>", methods=["DELETE"])
@blueprint.response(204)
@action("endpoint.manage")
def remove(commune: str, endpoint: str) -> None:
    """Send nothing there any more."""
    outside_log.remove_endpoint(notifications(), commune, endpoint)


@blueprint.route("/endpoints/<endpoint>/enablement", methods=["POST"])
@blueprint.response(204)
@action("endpoint.manage")
def enable(commune: str, endpoint: str) -> None:
    """Use an endpoint again that answered 410."""
    outside_log.enable_endpoint(notifications(), commune, endpoint)
