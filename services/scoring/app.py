"""The scoring service's web app."""

import flask

from services.scoring.access import ACTIONS
from services.scoring.api import BLUEPRINTS
from services.scoring.service import Scoring
from services.scoring.texts import STATUSES, TEXTS
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.positions import after_waiting


def create_web(scoring: Scoring, verifier: Verifier, *, origin: str | None = None) -> flask.Flask:
    return create_app(
        "scoring",
        blueprints=[*BLUEPRINTS, feed_blueprint(scoring.log)],
        actions=ACTIONS,
        verifier=verifier,
        service=scoring,
        roles_in_force=after_waiting(scoring.reached, scoring.roles_in_force),
        checks={"database": scoring.log.heads},
        texts=TEXTS,
        statuses=STATUSES,
        origin=origin,
    )
