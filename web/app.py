"""The web app of the screens: it asks the services and shows their answers, and holds no database and no key."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import flask
import jinja2

from shared.metrics import Measure
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.health import Checks
from web import errors, menu, page, screens
from web.client import Client


def create_web(
    clients: Mapping[str, Client],
    verifier: Verifier,
    *,
    origin: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    alive: Checks | None = None,
    measures: Sequence[Measure] = (),
) -> flask.Flask:
    """The screens. `clients` are the services by name; `alive` and `measures` are of what else runs in the process, for
    /livez and /metrics. /readyz asks every service."""
    app = create_app(
        "web",
        prefix="/",
        blueprints=[page.blueprint, *screens.blueprints()],
        actions=menu.ACTIONS,
        verifier=verifier,
        service=page.Screens(clients, clock),
        checks={name: _reached(client) for name, client in clients.items()},
        origin=origin,
        alive=alive,
        measures=measures,
    )
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["asset"] = page.asset
    errors.install(app)
    return app


def _reached(client: Client) -> Callable[[], object]:
    return lambda: client.get("status")
