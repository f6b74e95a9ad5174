"""The notifications service over HTTP, one module for each part of the API."""

import flask

from services.notifications.api import addresses, endpoints, policy, preferences, reminders, reports, slips, worklist


def blueprints() -> list[flask.Blueprint]:
    modules = (worklist, reminders, policy, preferences, addresses, endpoints, slips, reports)
    return [module.blueprint for module in modules]
