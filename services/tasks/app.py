"""The web app of the tasks service."""

import flask

from services.tasks import queries
from services.tasks.access import ACTIONS
from services.tasks.api import communes, directives, drafts, evidence, imports, people, tasks
from services.tasks.api.about import ABOUT
from services.tasks.domain import refusals
from services.tasks.service import Tasks
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.journal import journal_blueprint
from shared.web.status import status_blueprint

PARTS = (communes, people, directives, tasks, evidence, drafts, imports)


def create_web(
    service: Tasks, verifier: Verifier, *, origin: str | None = None, sign_in: flask.Blueprint | None = None
) -> flask.Flask:
    """`sign_in` is the API that makes tokens; it stands here until there is a service of accounts."""
    others: list[flask.Blueprint] = [
        feed_blueprint(service.log),
        journal_blueprint(service.engine),
        status_blueprint(service.log),
    ]
    if sign_in:
        others.append(sign_in)
    return create_app(
        "tasks",
        blueprints=[*(part.blueprint for part in PARTS), *others],
        actions=ACTIONS,
        verifier=verifier,
        service=service,
        journal=service.engine,
        roles_in_force=service.roles_in_force,
        knows=lambda commune, kind, id_: queries.one(service, commune, f"{kind}/{id_}") is not None,
        checks={"database": service.log.heads},
        refusals=refusals.ALL,
        origin=origin,
        about=ABOUT,
    )
