"""How a service stands in its communes: for strangers which it serves, for those who look after it how far it is."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import fields

from shared.eventlog import EVERY_COMMUNE, Log
from shared.projection import Position
from shared.web.auth import Principal, public, signed_in
from shared.web.feed import HeadSchema
from shared.web.schema import Blueprint, Schema

# Roles that are told positions, and in their own commune why reading stands still.
CARETAKERS = frozenset({"admin", "inspector", "office"})

# Commune → source → how far the service has read that log.
Positions = Callable[[], Mapping[str, Mapping[str, Position]]]


class CommuneStatus(Schema):
    """`stopped`: reading stands still until somebody looks after it. The rest is only told to caretakers."""

    commune = fields.String(required=True)
    stopped = fields.Boolean(required=True)
    head = fields.Nested(HeadSchema, metadata={"description": "The end of the service's own log"})
    read = fields.Dict(
        fields.String(), fields.Integer(), metadata={"description": "Source of a log → how far the service has read it"}
    )
    reasons = fields.Dict(
        fields.String(), fields.String(), metadata={"description": "Source of a log → why reading it stands still"}
    )


class StatusSchema(Schema):
    communes = fields.List(fields.Nested(CommuneStatus), required=True)


def status_blueprint(log: Log, positions: Positions = dict) -> Blueprint:
    """GET /status; `positions` tells how far the service has folded the logs that it reads."""
    blueprint = Blueprint("status", __name__, description="How the service stands")

    @blueprint.route("/status")
    @blueprint.response(200, StatusSchema)
    @public
    def status() -> dict[str, Any]:
        """The communes that the service serves, and whether it stands still in one of them."""
        asking, heads, read = signed_in(), log.heads(), positions()
        communes = []
        for commune in sorted(heads.keys() | read.keys()):
            at = read.get(commune, {})
            row: dict[str, Any] = {"commune": commune, "stopped": any(position.parked for position in at.values())}
            if _takes_care(asking, commune):
                row["head"] = heads.get(commune)
                row["read"] = {source: position.position for source, position in at.items()}
                row["reasons"] = {source: position.parked for source, position in at.items() if position.parked}
            communes.append({name: value for name, value in row.items() if value is not None})
        return {"communes": communes}

    return blueprint


def _takes_care(asking: Principal | None, commune: str) -> bool:
    return asking is not None and asking.commune in (EVERY_COMMUNE, commune) and not asking.roles.isdisjoint(CARETAKERS)
