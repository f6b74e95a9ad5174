"""The tasks service over HTTP, one module for each part of the API."""

import flask

from services.tasks.api import communes, directives, drafts, evidence, imports, people, tasks


def blueprints() -> list[flask.Blueprint]:
    return [module.blueprint() for module in (communes, people, directives, tasks, evidence, drafts, imports)]
