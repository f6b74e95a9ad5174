"""The feed of a service's own log: stored bytes line by line, and the heads."""

from collections.abc import Mapping
from typing import Any

import flask
import msgspec
from marshmallow import fields, validate

from shared.eventlog import Head, Log
from shared.web.auth import action
from shared.web.schema import Blueprint, Schema

LINES = "application/jsonl"

# Every service merges these into its role × action table.
FEED_ACTIONS = {
    "log.read": frozenset({"replicator", "inspector", "admin"}),
    "log.heads": frozenset({"replicator", "admin"}),
}


class EventsQuery(Schema):
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**63 - 1))
    limit = fields.Integer(load_default=500, validate=validate.Range(1, 500))


class Heads(msgspec.Struct, frozen=True):
    """The ends of logs, by commune; before its first event position 0, hash of 64 zeros and an empty time."""

    heads: Mapping[str, Head]


def feed_blueprint(log: Log) -> Blueprint:
    """/communes/{commune}/events, /communes/{commune}/heads and /heads of this log."""
    blueprint = Blueprint("feed", __name__, description="The event log as stored")

    @blueprint.route("/communes/<commune>/events")
    @blueprint.arguments(EventsQuery, location="query")
    @blueprint.answers(200, media=LINES)
    @action("log.read")
    def list_events(query: dict[str, Any], commune: str) -> flask.Response:
        """Events after a position, in order, one line = the stored bytes; fewer than `limit` = the end for now."""
        lines = log.read(commune, query["after"], query["limit"])
        return flask.Response(b"".join(line + b"\n" for line in lines), content_type=LINES)

    @blueprint.route("/communes/<commune>/heads")
    @blueprint.answers(200, Heads)
    @action("log.read")
    def read_head(commune: str) -> Heads:
        """The end of one commune's log."""
        return Heads({commune: log.head(commune)})

    @blueprint.route("/heads")
    @blueprint.answers(200, Heads)
    @action("log.heads")
    def list_heads() -> Heads:
        """The ends of all communes' logs."""
        return Heads(log.heads())

    return blueprint
