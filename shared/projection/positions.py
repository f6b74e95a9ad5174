"""How far a projection has folded each log, per commune. Positions move by compare-and-set only."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from shared.eventlog import EVERY_COMMUNE, reading
from shared.eventlog.tables import positions

_c = positions.c


class Position(msgspec.Struct, frozen=True):
    """Where a projection stands in one log of one commune; `parked` says why it has stopped there."""

    source: str
    commune: str
    position: int
    fold_version: int
    parked: str | None


class MovedMeanwhile(Exception):
    """Another worker has folded further: the state in memory is stale and must be dropped."""


def all_positions(engine: Engine, projection: str) -> dict[str, dict[str, Position]]:
    """Commune → source → position."""
    with reading(engine, EVERY_COMMUNE) as connection:
        found: dict[str, dict[str, Position]] = {}
        for row in connection.execute(_ALL, {"projection": projection}):
            at = Position(row.source, row.commune, row.position, row.fold_version, row.parked)
            found.setdefault(row.commune, {})[row.source] = at
        return found


def read_positions(connection: Connection, projection: str, commune: str, *, lock: bool = False) -> dict[str, Position]:
    """Source → position of one commune; `lock` keeps other workers out until the transaction ends."""
    statement = _OF_COMMUNE_LOCKED if lock else _OF_COMMUNE
    rows = connection.execute(statement, {"projection": projection, "commune": commune})
    return {row.source: Position(row.source, commune, row.position, row.fold_version, row.parked) for row in rows}


def move(
    connection: Connection, projection: str, commune: str, moves: Mapping[str, tuple[int, int]], fold_version: int
) -> None:
    """Set each source's position from the value that was folded to, in this transaction.

    Raises MovedMeanwhile when a position is not what it was, or the rows are of another fold version.
    """
    for source, (old, new) in sorted(moves.items()):
        where = {"p": projection, "s": source, "c": commune, "old": old, "new": new, "v": fold_version}
        if connection.execute(_MOVE, where).rowcount != 1:
            raise MovedMeanwhile(f"{projection}: {source}/{commune} is not at {old} of fold {fold_version} any more")


def set_positions(
    connection: Connection,
    projection: str,
    commune: str,
    reached: Mapping[str, int],
    fold_version: int,
    parked: Mapping[str, str],
) -> None:
    """Replace a commune's positions after a rebuild."""
    where = (_c.projection == projection) & (_c.commune == commune)
    connection.execute(delete(positions).where(where))
    connection.execute(
        insert(positions),
        [
            {
                "projection": projection,
                "source": source,
                "commune": commune,
                "position": position,
                "fold_version": fold_version,
                "parked": parked.get(source),
            }
            for source, position in sorted(reached.items())
        ],
    )


def set_parked(connection: Connection, projection: str, commune: str, source: str, reason: str | None) -> None:
    """Mark why the commune stands still; None clears it."""
    where = (_c.projection == projection) & (_c.commune == commune) & (_c.source == source)
    connection.execute(update(positions).where(where).values(parked=reason))


_ALL = select(positions).where(_c.projection == bindparam("projection"))
_OF_COMMUNE = _ALL.where(_c.commune == bindparam("commune"))
_OF_COMMUNE_LOCKED = _OF_COMMUNE.order_by(_c.source).with_for_update()
_MOVE = (
    update(positions)
    .where(
        _c.projection == bindparam("p"),
        _c.source == bindparam("s"),
        _c.commune == bindparam("c"),
        _c.position == bindparam("old"),
        _c.fold_version == bindparam("v"),
    )
    .values(position=bindparam("new"), parked=None)
)
