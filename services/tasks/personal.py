"""Personal data and names, outside the log so that they can be erased: of people, units and evidence files."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, collate, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from services.tasks.tables import evidence_files, people, unit_names


class Person(NamedTuple):
    staff: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class EvidenceFile(NamedTuple):
    """`stored_at` is the recorded time of storing (RFC 3339)."""

    task: str
    sha256: str
    file_name: str
    size: int
    media_type: str
    stored_at: str


def save_person(connection: Connection, commune: str, person: Person) -> None:
    _save(connection, people, {"commune": commune, **person._asdict()})


def erase_person(connection: Connection, commune: str, staff: str) -> None:
    """The person's code stays in the log without a name."""
    connection.execute(delete(people).where(people.c.commune == commune, people.c.staff == staff))


def people_of(connection: Connection, commune: str) -> dict[str, Person]:
    """Everybody's, in the order of given names, those without a name last."""
    given_name, name = (collate(each, "vietnamese") for each in (func.given_name(people.c.name), people.c.name))
    rows = connection.execute(
        select(people).where(people.c.commune == commune).order_by(given_name.nulls_last(), name, people.c.staff)
    )
    return {row.staff: Person(row.staff, row.name, row.email, row.phone) for row in rows}


def save_unit_name(connection: Connection, commune: str, unit: str, name: str) -> None:
    _save(connection, unit_names, {"commune": commune, "unit": unit, "name": name})


def unit_names_of(connection: Connection, commune: str) -> dict[str, str]:
    """In the order of the names."""
    name = collate(unit_names.c.name, "vietnamese")
    rows = connection.execute(
        select(unit_names).where(unit_names.c.commune == commune).order_by(name, unit_names.c.unit)
    )
    return {row.unit: row.name for row in rows}


def save_evidence(connection: Connection, commune: str, file: EvidenceFile) -> None:
    _save(connection, evidence_files, {"commune": commune, **file._asdict()})


def evidence_of(connection: Connection, commune: str, task: str) -> list[EvidenceFile]:
    """The files stored for a task, in the order they came."""
    statement = (
        select(evidence_files)
        .where(evidence_files.c.commune == commune, evidence_files.c.task == task)
        .order_by(evidence_files.c.stored_at, evidence_files.c.sha256)
    )
    return [EvidenceFile(*row[1:]) for row in connection.execute(statement)]


def evidence_is_stored(connection: Connection, commune: str, sha256: str) -> bool:
    """Whether any task of the commune has this file."""
    table = evidence_files.c
    found = connection.execute(select(table.task).where(table.commune == commune, table.sha256 == sha256).limit(1))
    return found.first() is not None


def erase_evidence(connection: Connection, commune: str, task: str, sha256: str) -> None:
    """The hash stays in the log; the file's name is gone."""
    table = evidence_files.c
    connection.execute(
        delete(evidence_files).where(table.commune == commune, table.task == task, table.sha256 == sha256)
    )


def _save(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert, or replace what the row's key holds."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row)
    keys = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new))
