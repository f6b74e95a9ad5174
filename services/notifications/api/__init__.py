"""The notifications service over HTTP, one module for each part of the API."""

import flask

from services.notifications.api import (
    addresses,
    endpoints,
    erasures,
    policy,
    preferences,
    reminders,
    reports,
    slips,
    worklist,
)


def blueprints() -> list[flask.Blueprint]:
    modules = (worklist, reminders, policy, preferences, addresses, endpoints, slips, reports, erasures)
    return [module.blueprint for module in modules]
