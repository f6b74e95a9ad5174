"""The read side of scoring: the records of each commune as rows, and the same records as of any past position."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    select,
)

from services.scoring.domain import fold, refusals
from services.scoring.domain.records import Records, decode_record, encode_record
from shared.eventlog import Log, snapshot
from shared.eventlog.database import run_many
from shared.events import GENESIS_HASH, Input, event_hash, local_day
from shared.projection import read_positions, replay

SOURCES = ("tasks", "scoring")

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("commune", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # With SQLite's rowid: without it a row over a quarter of a page takes whole pages of its own, as task rows do.
    PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
)


class RecordsProjection:
    """Keeps a commune's records, one row each."""

    name = "records"
    fold_version = fold.FOLD_VERSION
    sources = SOURCES

    def empty(self, commune: str) -> Records:
        return fold.empty(commune)

    fold = staticmethod(fold.evolve)

    def load(self, connection: Connection, commune: str) -> Records:
        state = fold.empty(commune)
        for row in connection.execute(select(records.c.kind, records.c.id, records.c.body).where(_of(commune))):
            state.put(row.kind, row.id, decode_record(row.kind, row.body))
        return state

    def save(self, connection: Connection, commune: str, state: Records) -> None:
        changed = sorted(state.take_changed())
        rows = [(commune, kind, key, encode_record(state.get(kind, key))) for kind, key in changed]
        run_many(connection, _UPSERT, rows)

    def replace(self, connection: Connection, commune: str, state: Records) -> None:
        connection.execute(delete(records).where(_of(commune)))
        state.take_changed()
        run_many(connection, _INSERT, [(commune, *row) for row in state.rows()])


_INSERT = "INSERT INTO records (commune, kind, id, body) VALUES (?, ?, ?, ?)"
_UPSERT = _INSERT + " ON CONFLICT (commune, kind, id) DO UPDATE SET body = excluded.body"


def _of(commune: str) -> ColumnElement[bool]:
    return records.c.commune == commune


PROJECTION = RecordsProjection()


def records_of(connection: Connection, commune: str, kinds: Collection[str]) -> Records:
    """The records of some kinds as the projection last wrote them."""
    state = fold.empty(commune)
    columns = select(records.c.kind, records.c.id, records.c.body)
    for row in connection.execute(columns.where(_of(commune), records.c.kind.in_(kinds))):
        state.put(row.kind, row.id, decode_record(row.kind, row.body))
    return state


def one(connection: Connection, commune: str, kind: str, key: str) -> Any:
    """One record as the projection last wrote it, None when there is none."""
    found = connection.execute(select(records.c.body).where(_of(commune), records.c.kind == kind, records.c.id == key))
    body = found.scalar_one_or_none()
    return None if body is None else decode_record(kind, body)


class Moment(msgspec.Struct, frozen=True):
    """What an as-of question is about: positions per source, and the evaluation date."""

    positions: dict[str, int]
    on: date


class Known(msgspec.Struct, frozen=True):
    """A commune's records at some positions, with the evaluation date and what pins them."""

    records: Records
    on: date
    inputs: list[Input]


def moment_at(logs: Mapping[str, Log], commune: str, recorded: str) -> Moment:
    """As of a recorded time: per log, the last position at or before it; its day is the evaluation date."""
    return Moment({s: logs[s].position_at(commune, recorded) for s in SOURCES}, local_day(recorded))


def known_now(engine: Engine, logs: Mapping[str, Log], commune: str, on: date) -> Known:
    """The records as the projection last wrote them, of one consistent position."""
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
    """Refuses positions that the logs do not have yet."""
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
