"""The records of each commune: as rows, and as of any past position."""

from collections.abc import Mapping
from datetime import date

import msgspec
from sqlalchemy import Engine

from services.scoring import tables
from services.scoring.domain import fold, refusals
from services.scoring.domain.records import Records
from shared.eventlog import Log, snapshot
from shared.events import GENESIS_HASH, Input, event_hash, local_day
from shared.projection import read_positions, replay
from shared.projection.records import RecordsProjection

PROJECTION = RecordsProjection(
    tables.records, Records, fold.evolve, fold_version=fold.FOLD_VERSION, sources=("tasks", "scoring")
)
SOURCES = PROJECTION.sources


class Moment(msgspec.Struct, frozen=True):
    """What an as-of question names: positions by source, and the evaluation date."""

    positions: dict[str, int]
    on: date


class Known(msgspec.Struct, frozen=True):
    """A commune's records at some positions, with the evaluation date and what pins them."""

    records: Records
    on: date
    inputs: list[Input]


def moment_at(logs: Mapping[str, Log], commune: str, recorded: str) -> Moment:
    """The moment of a recorded time: in each log the last position at or before it; its day is the evaluation date."""
    return Moment({s: logs[s].position_at(commune, recorded) for s in SOURCES}, local_day(recorded))


def known_now(engine: Engine, logs: Mapping[str, Log], commune: str, on: date) -> Known:
    """The records as the projection last wrote them, read in one snapshot."""
    with snapshot(engine, commune) as connection:
        reached = read_positions(connection, PROJECTION.name, commune)
        state = PROJECTION.load(connection, commune)
    positions = {source: reached[source].position if source in reached else 0 for source in SOURCES}
    return Known(state, on, pins(logs, commune, positions))


def known_at(logs: Mapping[str, Log], commune: str, moment: Moment) -> Known:
    """The records at exactly these positions, folded from the local logs."""
    state = replay(PROJECTION, logs, commune, moment.positions)
    return Known(state, moment.on, pins(logs, commune, moment.positions))


def must_have_reached(logs: Mapping[str, Log], commune: str, positions: Mapping[str, int]) -> None:
    """Refuses positions that the logs do not have yet (`position-unknown`)."""
    for source, position in positions.items():
        if position > logs[source].head(commune).position:
            raise refusals.POSITION_UNKNOWN(source=source, position=position)


def pins(logs: Mapping[str, Log], commune: str, positions: Mapping[str, int]) -> list[Input]:
    """Position and hash of every source: what makes an answer recomputable."""
    found = []
    for source in SOURCES:
        position = positions[source]
        bodies = logs[source].read(commune, position - 1, 1) if position else []
        found.append(Input(source=source, position=position, hash=event_hash(bodies[0]) if bodies else GENESIS_HASH))
    return found
