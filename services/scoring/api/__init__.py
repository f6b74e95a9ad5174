"""The scoring service over HTTP, one module for each part of the API."""

import flask

from services.scoring.api import procedure, ratings, recording, reports


def blueprints() -> list[flask.Blueprint]:
    return [module.blueprint for module in (ratings, recording, procedure, reports)]
