"""The home page: what there is to look at; for strangers what is served here."""

from collections.abc import Mapping

import flask
import msgspec
from werkzeug.wrappers import Response

from shared.web.auth import EVERY_COMMUNE, Principal, public, signed_in
from web.client import Problem
from web.menu import may
from web.page import api, page, screens

blueprint = flask.Blueprint("home", __name__)


class Head(msgspec.Struct):
    position: int
    time: str


class Commune(msgspec.Struct):
    """How a service stands in one commune. Only those who look after it are told `head`, the end of the service's log,
    `read`, how far it has read which logs, and `reasons`, why it has stopped reading one."""

    commune: str
    stopped: bool
    head: Head | None = None
    read: Mapping[str, int] = {}
    reasons: Mapping[str, str] = {}


class Status(msgspec.Struct):
    communes: list[Commune]


class Years(msgspec.Struct):
    years: list[int]


@blueprint.get("/")
@public
def index() -> Response:
    """What there is to look at; a stranger sees the sign-in form alone."""
    asking = signed_in()
    if asking is None:
        return page("sign_in/sign_in.html", code="", failed=False)
    services = {name: api(name).get("status").read(Status).communes for name in screens().clients}
    return page(
        "home/home.html",
        services=services,
        detailed=any(row.head for rows in services.values() for row in rows),
        years=_years(asking),
        sees_table=may(asking, "ratings.year"),
    )


def _years(asking: Principal) -> list[int]:
    """The rating years that a signed-in person may look at, latest first."""
    if asking.commune == EVERY_COMMUNE or not may(asking, "ratings.sheet"):
        return []
    if asking.staff is None and not may(asking, "ratings.year"):
        return []  # an operator has no sheet
    try:
        return api("scoring").get("communes", asking.commune, "years").read(Years).years
    except Problem as problem:
        # In no post any more, or in a commune that is not served here: the page is still one to sign out from.
        if problem.status in (403, 404):
            return []
        raise
