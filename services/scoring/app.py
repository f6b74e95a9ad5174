"""The scoring service's web app."""

from functools import partial

import flask

from services.scoring.access import ACTIONS
from services.scoring.api import BLUEPRINTS
from services.scoring.api.about import ABOUT
from services.scoring.domain import refusals
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION
from shared.projection import all_positions
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.journal import journal_blueprint
from shared.web.positions import after_waiting
from shared.web.status import status_blueprint


def create_web(scoring: Scoring, verifier: Verifier, *, origin: str | None = None) -> flask.Flask:
    positions = partial(all_positions, scoring.engine, PROJECTION.name)
    return create_app(
        "scoring",
        blueprints=[
            *BLUEPRINTS,
            feed_blueprint(scoring.log),
            journal_blueprint(scoring.engine),
            status_blueprint(scoring.log, positions),
        ],
        actions=ACTIONS,
        verifier=verifier,
        service=scoring,
        journal=scoring.engine,
        roles_in_force=after_waiting(scoring.reached, scoring.roles_in_force),
        knows=partial(PROJECTION.knows, scoring.engine),
        checks={"database": scoring.log.heads},
        refusals=refusals.ALL,
        origin=origin,
        about=ABOUT,
    )
