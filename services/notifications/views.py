"""The records folded from the logs of tasks and scoring, as rows; what a morning needs of them."""

from collections.abc import Collection

from sqlalchemy import Connection, or_, select

from services.notifications.domain import fold
from services.notifications.domain.records import Records, ended_at
from services.notifications.tables import records
from shared.projection.records import RecordsProjection
from shared.refusal import Refused

PROJECTION = RecordsProjection(
    records,
    Records,
    fold.evolve,
    fold_version=fold.FOLD_VERSION,
    sources=("tasks", "scoring"),
    columns={"ended": ended_at},
)
SOURCES = PROJECTION.sources


def running(connection: Connection, commune: str, ended_after: str) -> Records:
    """The records without the tasks that had come to their end by then (RFC 3339 in UTC)."""
    return PROJECTION.read(connection, commune, or_(records.c.ended.is_(None), records.c.ended > ended_after))


def of_tasks(connection: Connection, commune: str, tasks: Collection[str]) -> Records:
    """The records with no other tasks than these."""
    return PROJECTION.read(connection, commune, or_(records.c.kind != "task", records.c.id.in_(tasks)))


def of_kinds(connection: Connection, commune: str, *kinds: str) -> Records:
    """Only the records of these kinds."""
    return PROJECTION.read(connection, commune, records.c.kind.in_(kinds))


def require_person(connection: Connection, commune: str, staff: str) -> None:
    """Refuses `staff-unknown`: a misspelt code must not look like somebody with nothing to do."""
    this = (records.c.commune == commune, records.c.kind == "person", records.c.id == staff)
    if connection.execute(select(records.c.id).where(*this)).first() is None:
        raise Refused("staff-unknown", staff=staff)
