"""The notifications service over HTTP, one module for each part of the API."""

import flask

from services.notifications.api import slips, weekly


def blueprints() -> list[flask.Blueprint]:
    return [slips.blueprint, weekly.blueprint]
