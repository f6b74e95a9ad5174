"""The records folded from the logs of tasks and scoring, as rows; what a morning needs of them."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from services.notifications.domain import fold
from services.notifications.domain.records import Records, decode_record, encode_record, ended_at
from services.notifications.tables import records
from shared.eventlog.database import run_many
from shared.refusal import Refused

SOURCES = ("tasks", "scoring")


class RecordsProjection:
    """Keeps a commune's records, one row each."""

    name = "records"
    fold_version = fold.FOLD_VERSION
    sources = SOURCES

    def empty(self, commune: str) -> Records:
        return fold.empty(commune)

    fold = staticmethod(fold.evolve)

    def load(self, connection: Connection, commune: str) -> Records:
        return _read(connection, commune)

    def save(self, connection: Connection, commune: str, state: Records) -> None:
        changed = [(*key, state.get(*key)) for key in sorted(state.take_changed())]
        run_many(connection, _UPSERT, [(commune, k, i, ended_at(r), encode_record(r)) for k, i, r in changed])

    def replace(self, connection: Connection, commune: str, state: Records) -> None:
        connection.execute(delete(records).where(records.c.commune == commune))
        state.take_changed()
        run_many(connection, _INSERT, [(commune, k, i, ended_at(r), encode_record(r)) for k, i, r in state.rows()])


_INSERT = "INSERT INTO records (commune, kind, id, ended, body) VALUES (?, ?, ?, ?, ?)"
_UPSERT = _INSERT + " ON CONFLICT (commune, kind, id) DO UPDATE SET ended = excluded.ended, body = excluded.body"

PROJECTION = RecordsProjection()


def running(connection: Connection, commune: str, ended_after: str) -> Records:
    """The records without the tasks that had come to their end by then (RFC 3339 in UTC)."""
    return _read(connection, commune, or_(records.c.ended.is_(None), records.c.ended > ended_after))


def of_tasks(connection: Connection, commune: str, tasks: Collection[str]) -> Records:
    """The records with no other tasks than these."""
    return _read(connection, commune, or_(records.c.kind != "task", records.c.id.in_(tasks)))


def of_kinds(connection: Connection, commune: str, *kinds: str) -> Records:
    """Only the records of these kinds."""
    return _read(connection, commune, records.c.kind.in_(kinds))


def require_person(connection: Connection, commune: str, staff: str) -> None:
    """Refuses `staff-unknown`: a misspelt code must not look like somebody with nothing to do."""
    this = (records.c.commune == commune, records.c.kind == "person", records.c.id == staff)
    if connection.execute(select(records.c.id).where(*this)).first() is None:
        raise Refused("staff-unknown", staff=staff)


def _read(connection: Connection, commune: str, *where: ColumnElement[bool]) -> Records:
    state = Records(commune)
    columns = select(records.c.kind, records.c.id, records.c.body)
    for row in connection.execute(columns.where(records.c.commune == commune, *where)):
        state.put(row.kind, row.id, decode_record(row.kind, row.body))
    return state
