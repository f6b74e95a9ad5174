"""The scoring service over HTTP, one module for each part of the API."""

from services.scoring.api import base, checking, procedure, ratings, recording, reports

BLUEPRINTS = [module.blueprint for module in (procedure, ratings, recording, checking, reports)]

for blueprint in BLUEPRINTS:
    blueprint.before_request(base.wait_for_records)
