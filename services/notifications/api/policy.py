"""The policy of a commune: who is reminded of what, when and by which channels."""

from typing import Any

from services.notifications import views
from services.notifications.api.handle import notifications, now
from services.notifications.commands import execute
from services.notifications.domain.policy import PublishPolicy
from services.notifications.schemas import PolicyBody, PolicyShown, Recorded
from shared.eventlog import reading
from shared.web import changes
from shared.web.auth import action
from shared.web.changes import Change
from shared.web.conditional import etag
from shared.web.openapi import ETAG
from shared.web.schema import Blueprint

blueprint = Blueprint("policy", __name__, url_prefix="/communes/<commune>", description="Chính sách nhắc việc")


@blueprint.route("/policy")
@blueprint.answers(200, PolicyShown, headers=[ETAG])
@action("policy.read")
def read_policy(commune: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The policy in force, as PUT takes it, and its revisions."""
    with reading(notifications().engine, commune) as connection:
        history = views.policies(connection, commune)
    revisions = [
        {"policy": policy.policy, "from": time, "by": policy.by, "reason": policy.reason} for time, policy in history
    ]
    return {"in_force": views.policy_in_force(history, now()), "revisions": revisions}, etag(len(history))


CHANGES = [
    Change(
        "/policy",
        PublishPolicy,
        PolicyBody,
        "Publish a revision; it is in force from now on.",
        "policy.publish",
        method="PUT",
        versioned="always",
    )
]
changes.add(blueprint, CHANGES, execute, answer=Recorded)
