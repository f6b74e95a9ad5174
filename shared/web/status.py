"""How a service stands in its communes: for the people of one whether it stands still, for caretakers how far it is.

Strangers are told no commune, and the people of one commune no other."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from shared.eventlog import EVERY_COMMUNE, Head, Log
from shared.projection import Position
from shared.web.auth import Principal, public, signed_in
from shared.web.schema import Blueprint

# Roles that are told positions, and in their own commune why reading stands still.
CARETAKERS = frozenset({"admin", "inspector", "office"})

# Commune → source → how far the service has read that log.
Positions = Callable[[], Mapping[str, Mapping[str, Position]]]


class CommuneStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """`stopped`: reading stands still until it is looked after. Caretakers are also told `head`, the end of the
    service's own log, and by source of a log `read`, how far the service has read it, and `reasons`, why it stopped."""

    commune: str
    stopped: bool
    head: Head | None = None
    read: Mapping[str, int] = {}
    reasons: Mapping[str, str] = {}


class Status(msgspec.Struct, frozen=True):
    """How the service stands in the communes of the person who asks."""

    communes: Sequence[CommuneStatus]


def status_blueprint(log: Log, positions: Positions = dict) -> Blueprint:
    """GET /status; `positions` tells how far the service has folded the logs that it reads."""
    blueprint = Blueprint("status", __name__, description="How the service stands")

    @blueprint.route("/status")
    @blueprint.answers(200, Status)
    @public
    def read_status() -> Status:
        """The communes of the person who asks, and whether the service stands still there; none without a token."""
        asking, heads, read = signed_in(), log.heads(), positions()
        served = sorted(heads.keys() | read.keys())
        return Status([_of(commune, heads, read, asking) for commune in served if _belongs(asking, commune)])

    return blueprint


def _of(
    commune: str,
    heads: Mapping[str, Head],
    read: Mapping[str, Mapping[str, Position]],
    asking: Principal | None,
) -> CommuneStatus:
    at = read.get(commune, {})
    reasons = {source: position.parked for source, position in at.items() if position.parked}
    if not _takes_care(asking, commune):
        return CommuneStatus(commune, bool(reasons))
    positions = {source: position.position for source, position in at.items()}
    return CommuneStatus(commune, bool(reasons), heads.get(commune), positions, reasons)


def _takes_care(asking: Principal | None, commune: str) -> bool:
    return _belongs(asking, commune) and asking is not None and not asking.roles.isdisjoint(CARETAKERS)


def _belongs(asking: Principal | None, commune: str) -> bool:
    return asking is not None and asking.commune in (EVERY_COMMUNE, commune)
