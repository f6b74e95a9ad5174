"""Erasing what is kept of a person: asked by the tasks service, which knows the name, before it erases that."""

from typing import Any

from services.notifications import erasure
from services.notifications.answers import Erased
from services.notifications.api.handle import notifications
from services.notifications.schemas import ErasureBody
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("erasures", __name__, url_prefix="/communes/<commune>", description="Xóa dữ liệu cá nhân")


@blueprint.route("/erasures", methods=["POST"])
@blueprint.arguments(ErasureBody)
@blueprint.answers(200, Erased)
@action("person.erase")
def erase_person(body: dict[str, Any], commune: str) -> Erased:
    """Erase a person's addresses, and stored documents of slips that name the person. `DELETE …/people/{staff}` of the
    tasks service does this too: the name itself is there."""
    addresses, slips = erasure.erase_person(notifications(), commune, body["staff"], body["names"])
    return Erased(addresses, slips)
