"""The notifications service over HTTP, one module for each part of the API."""

import flask


def blueprints() -> list[flask.Blueprint]:
    return []
