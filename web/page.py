"""A page: a template with what every page shows, and the headers that keep anything foreign out of it."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import flask
from werkzeug.wrappers import Response

from shared.web.app import service
from shared.web.auth import public, signed_in, token
from web.client import Client
from web.menu import menu_of

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
STATIC = Path(__file__).with_name("static")
# A file is asked for by its digest, so what a browser holds never differs from what is here.
KEPT_S = 365 * 24 * 3600

blueprint = flask.Blueprint("page", __name__)


class Screens(NamedTuple):
    """What the screens work with: the services' APIs, and what time it is."""

    clients: Mapping[str, Client]
    clock: Callable[[], datetime]


def screens() -> Screens:
    """What `create_web` was given."""
    found: Screens = service()
    return found


def api(name: str) -> Client:
    """A service's API in the name of the person who is signed in; a stranger asks in nobody's."""
    return screens().clients[name].of(token() if signed_in() else None)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """An HTML page of a template."""
    asking = signed_in()
    menu = menu_of(asking, screens().clock())
    response = flask.make_response(flask.render_template(template, asking=asking, menu=menu, **values), status)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@functools.cache
def asset(name: str) -> str:
    """The address of a static file as it is now."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:16]
    return f"/static/{name}?v={digest}"


@blueprint.get("/static/<name>")
@public
def static(name: str) -> Response:
    """A stylesheet or picture of ours."""
    response = flask.send_from_directory(STATIC, name)
    kept = "v" in flask.request.args
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}, immutable" if kept else "no-cache"
    return response
