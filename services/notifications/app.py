"""The web app of the notifications service."""

from functools import partial

import flask

from services.notifications.access import ACTIONS
from services.notifications.api import blueprints
from services.notifications.api.about import ABOUT
from services.notifications.domain import refusals
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION
from shared.projection import all_positions
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.journal import journal_blueprint
from shared.web.positions import after_waiting
from shared.web.status import status_blueprint


def create_web(service: Notifications, verifier: Verifier, *, origin: str | None = None) -> flask.Flask:
    positions = partial(all_positions, service.engine, PROJECTION.name)
    return create_app(
        "notifications",
        blueprints=[
            *blueprints(),
            feed_blueprint(service.log),
            journal_blueprint(service.engine),
            status_blueprint(service.log, positions),
        ],
        actions=ACTIONS,
        verifier=verifier,
        service=service,
        journal=service.engine,
        roles_in_force=after_waiting(service.reached, service.roles_in_force),
        knows=partial(PROJECTION.knows, service.engine),
        checks={"database": service.log.heads},
        refusals=refusals.ALL,
        origin=origin,
        about=ABOUT,
    )
