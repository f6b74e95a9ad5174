"""What people choose: the policy, their own preferences and addresses, endpoints of other systems."""

from typing import Any

import flask

from services.notifications import commands
from services.notifications.api.answers import as_json, asking, now, recorded, reminding
from services.notifications.api.worklist import sees_all
from services.notifications.channels.interface import Undeliverable
from services.notifications.channels.webhooks import new_secret
from services.notifications.commands import Preferences
from services.notifications.reminders import endpoints, policies, policy_in_force, preferences
from services.notifications.schemas import AddressBody, EndpointBody, PolicyBody, PreferencesBody, Recorded
from shared.eventlog import reading
from shared.events import PolicyPublished, PreferencesChanged
from shared.refusal import Refused
from shared.web.auth import action
from shared.web.conditional import etag, if_match
from shared.web.idempotency import idempotency_key
from shared.web.schema import Blueprint

blueprint = Blueprint("choices", __name__, url_prefix="/communes/<commune>", description="Chính sách, lựa chọn")


@blueprint.route("/policy")
@action("policy.read")
def policy(commune: str) -> flask.Response:
    """The policy in force, as PUT takes it, and its earlier revisions."""
    with reading(reminding().engine, commune) as connection:
        known = policies(connection, commune)
    revisions = [{"policy": each.policy, "from": time, "by": each.by, "reason": each.reason} for time, each in known]
    answer = {"in_force": PolicyBody().dump(policy_in_force(known, now())), "revisions": revisions}
    return as_json(answer, etag(len(known)))


@blueprint.route("/policy", methods=["PUT"])
@blueprint.arguments(PolicyBody)
@blueprint.response(200, Recorded)
@action("policy.publish")
def publish(body: PolicyPublished, commune: str) -> Any:
    """Publish a revision; it holds from now on."""
    done = commands.publish_policy(reminding(), commune, asking(), body, version=if_match(), key=idempotency_key())
    return recorded(done)


@blueprint.route("/preferences/<staff>")
@action("preferences.own")
def chosen(commune: str, staff: str) -> flask.Response:
    """What a person chose, by themselves or for those who see all."""
    who = asking()
    if staff != who.staff and not sees_all(who.roles):
        raise Refused("preferences-of-another")
    with reading(reminding().engine, commune) as connection:
        found = preferences(connection, commune).get(staff)
    return as_json(found or PreferencesChanged(staff=staff, channels={}, digest=False, by=staff))


@blueprint.route("/preferences/<staff>", methods=["PUT"])
@blueprint.arguments(PreferencesBody)
@blueprint.response(200, Recorded)
@action("preferences.own")
def choose(body: dict[str, Any], commune: str, staff: str) -> Any:
    """Choose channels, digest and quiet hours: one's own, or by the Office."""
    wanted = Preferences(**body)
    done = commands.change_preferences(reminding(), commune, asking(), staff, wanted, key=idempotency_key())
    return recorded(done)


@blueprint.route("/addresses/<channel>")
@action("preferences.own")
def address(commune: str, channel: str) -> flask.Response:
    """One's own address of a channel; nobody else's is shown."""
    return as_json({"address": commands.address_of(reminding(), commune, asking().person(), channel)})


@blueprint.route("/addresses/<channel>", methods=["PUT"])
@blueprint.arguments(AddressBody)
@blueprint.response(204)
@action("preferences.own")
def save_address(body: dict[str, Any], commune: str, channel: str) -> None:
    """Keep one's own address, beside the log."""
    commands.save_address(reminding(), commune, asking(), channel, body["address"])


@blueprint.route("/addresses/<channel>", methods=["DELETE"])
@blueprint.response(204)
@action("preferences.own")
def erase_address(commune: str, channel: str) -> None:
    """Erase one's own address."""
    commands.erase_address(reminding(), commune, asking(), channel)


@blueprint.route("/endpoints")
@action("endpoint.manage")
def endpoint_list(commune: str) -> flask.Response:
    """Where other systems take reminders; secrets are not told again."""
    with reading(reminding().engine, commune) as connection:
        found = endpoints(connection, commune, disabled=True)
    hidden = ("endpoint", "url", "rules", "created_at", "disabled_at", "disabled_reason")
    return as_json({"endpoints": [{name: getattr(each, name) for name in hidden} for each in found]})


@blueprint.route("/endpoints", methods=["POST"])
@blueprint.arguments(EndpointBody)
@action("endpoint.manage")
def add_endpoint(body: dict[str, Any], commune: str) -> Any:
    """A new endpoint; its secret is in this answer only."""
    try:
        reminding().channels.last_hops["webhook"].check(body["url"])  # type: ignore[attr-defined]
    except Undeliverable as error:
        raise Refused("endpoint-url", reason=error.reason) from error
    made = commands.add_endpoint(reminding(), commune, body["url"], body["rules"], new_secret)
    answer = {"endpoint": made.endpoint, "url": made.url, "rules": made.rules, "secret": made.secret}
    return as_json(answer), 201


@blueprint.route("/endpoints/<endpoint>", methods=["DELETE"])
@blueprint.response(204)
@action("endpoint.manage")
def remove_endpoint(commune: str, endpoint: str) -> None:
    """Send nothing there any more."""
    commands.remove_endpoint(reminding(), commune, endpoint)


@blueprint.route("/endpoints/<endpoint>/enablement", methods=["POST"])
@blueprint.response(204)
@action("endpoint.manage")
def enable_endpoint(commune: str, endpoint: str) -> None:
    """Use an endpoint again that answered 410."""
    commands.enable_endpoint(reminding(), commune, endpoint)
