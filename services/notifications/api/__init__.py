"""The notifications service over HTTP, one module for each part of the API."""

import flask

from services.notifications.api import choices, reminders, slips, weekly, worklist


def blueprints() -> list[flask.Blueprint]:
    return [module.blueprint for module in (worklist, reminders, choices, slips, weekly)]
