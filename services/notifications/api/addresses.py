"""People's own addresses of channels that have some, kept outside the log."""

from typing import Any

from services.notifications import outside_log
from services.notifications.access import person
from services.notifications.answers import Address
from services.notifications.api.handle import notifications
from services.notifications.schemas import AddressBody
from shared.web.auth import action, principal
from shared.web.schema import Blueprint

blueprint = Blueprint("addresses", __name__, url_prefix="/communes/<commune>", description="Địa chỉ nhận tin")


@blueprint.route("/addresses/<channel>")
@blueprint.answers(200, Address)
@action("preferences.own")
def read_address(commune: str, channel: str) -> Address:
    """One's own address of a channel; other people's are not shown."""
    return Address(outside_log.address_of(notifications(), commune, person(principal()), channel))


@blueprint.route("/addresses/<channel>", methods=["PUT"])
@blueprint.arguments(AddressBody)
@blueprint.answers(204)
@action("preferences.own")
def save_address(body: dict[str, Any], commune: str, channel: str) -> None:
    """Save one's own address, outside the log."""
    outside_log.save_address(notifications(), commune, person(principal()), channel, body["address"])


@blueprint.route("/addresses/<channel>", methods=["DELETE"])
@blueprint.answers(204)
@action("preferences.own")
def erase_address(commune: str, channel: str) -> None:
    """Erase one's own address."""
    outside_log.erase_address(notifications(), commune, person(principal()), channel)
