"""The feed of a service's own log: stored bytes line by line, and the heads beside them."""

from typing import Any

import flask
from marshmallow import fields, validate

from shared.eventlog import Log
from shared.web.auth import action
from shared.web.schema import Blueprint, Schema

# To be merged into the service's role × action table.
FEED_ACTIONS = {
    "log.read": frozenset({"replicator", "inspector", "admin"}),
    "log.heads": frozenset({"replicator", "admin"}),
}


class EventsQuery(Schema):
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**63 - 1))
    limit = fields.Integer(load_default=500, validate=validate.Range(1, 500))


class HeadSchema(Schema):
    """The end of a commune's log; before its first event position 0, hash of 64 zeros and an empty time."""

    position = fields.Integer(required=True)
    hash = fields.String(required=True)
    time = fields.String(required=True)


class HeadsSchema(Schema):
    heads = fields.Dict(fields.String(), fields.Nested(HeadSchema), required=True)


def feed_blueprint(log: Log) -> Blueprint:
    """/communes/{commune}/events, /communes/{commune}/heads and /heads of this log."""
    blueprint = Blueprint("feed", __name__, description="The event log as stored")

    @blueprint.route("/communes/<commune>/events")
    @blueprint.arguments(EventsQuery, location="query")
    @blueprint.response(200, {"type": "string"}, content_type="application/jsonl")
    @action("log.read")
    def events(query: dict[str, Any], commune: str) -> flask.Response:
        """Events after a position, in order, one line = the stored bytes; fewer than `limit` = the end for now."""
        lines = log.read(commune, query["after"], query["limit"])
        return flask.Response(b"".join(line + b"\n" for line in lines), content_type="application/jsonl")

    @blueprint.route("/communes/<commune>/heads")
    @blueprint.response(200, HeadsSchema)
    @action("log.read")
    def head(commune: str) -> dict[str, Any]:
        """The end of one commune's log."""
        return {"heads": {commune: log.head(commune)}}

    @blueprint.route("/heads")
    @blueprint.response(200, HeadsSchema)
    @action("log.heads")
    def heads() -> dict[str, Any]:
        """The ends of all communes' logs."""
        return {"heads": log.heads()}

    return blueprint
