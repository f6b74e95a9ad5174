"""The scoring service over HTTP, one module for each part of the API."""

import flask

from services.scoring.api import ratings, recording


def blueprints() -> list[flask.Blueprint]:
    return [module.blueprint for module in (ratings, recording)]
