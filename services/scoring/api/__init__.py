"""The scoring service over HTTP, one module for each part of the API."""

import flask

from services.scoring.api import procedure, ratings, recording, replaying, reports


def blueprints() -> list[flask.Blueprint]:
    return [module.blueprint for module in (procedure, ratings, recording, replaying, reports)]
