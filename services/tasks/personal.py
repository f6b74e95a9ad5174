"""Personal data and names, outside the log so that they can be erased: of people, units and evidence files.

No event records a change of them: each has its row in the journal.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, collate, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from services.tasks.tables import evidence_files, people, unit_names
from shared import journal
from shared.journal import kinds


class Person(NamedTuple):
    staff: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


# What is kept of a person.
DATA = ("name", "email", "phone")


class EvidenceFile(NamedTuple):
    """`stored_at` is the recorded time of storing (RFC 3339)."""

    task: str
    sha256: str
    file_name: str
    size: int
    media_type: str
    stored_at: str


def save_person(connection: Connection, commune: str, *persons: Person) -> None:
    """One or several at once."""
    for person in persons:
        _save(connection, people, {"commune": commune, **person._asdict()})
    if persons:
        about = [f"staff/{person.staff}" for person in persons]
        kept = [name for name in DATA if any(getattr(person, name) for person in persons)]
        journal.record(connection, commune, kinds.PERSON_SAVED, about, {"fields": " ".join(kept)})


def erase_person(connection: Connection, commune: str, staff: str) -> None:
    """The person's code stays in the log without a name."""
    erased = connection.execute(delete(people).where(people.c.commune == commune, people.c.staff == staff))
    if erased.rowcount:
        journal.record(connection, commune, kinds.PERSON_ERASED, [f"staff/{staff}"])


def tasks_with_files_named(connection: Connection, commune: str, name: str) -> list[str]:
    """The tasks with evidence files whose name holds a text, whatever its case and spaces."""
    table = evidence_files.c
    rows = connection.execute(select(table.task, table.file_name).where(table.commune == commune))
    wanted = "".join(name.casefold().split())
    return sorted({row.task for row in rows if wanted in "".join(row.file_name.casefold().split())})


def people_of(connection: Connection, commune: str) -> dict[str, Person]:
    """Everybody's, in the order of given names, those without a name last."""
    given_name, name = (collate(each, "vietnamese") for each in (func.given_name(people.c.name), people.c.name))
    rows = connection.execute(
        select(people).where(people.c.commune == commune).order_by(given_name.nulls_last(), name, people.c.staff)
    )
    return {row.staff: Person(row.staff, row.name, row.email, row.phone) for row in rows}


def save_unit_name(connection: Connection, commune: str, unit: str, name: str) -> None:
    save_unit_names(connection, commune, {unit: name})


def save_unit_names(connection: Connection, commune: str, names: Mapping[str, str]) -> None:
    """Names by the ids of their units."""
    for unit, name in names.items():
        _save(connection, unit_names, {"commune": commune, "unit": unit, "name": name})
    if names:
        journal.record(connection, commune, kinds.UNIT_NAMED, [f"unit/{unit}" for unit in names])


def unit_names_of(connection: Connection, commune: str) -> dict[str, str]:
    """In the order of the names."""
    name = collate(unit_names.c.name, "vietnamese")
    rows = connection.execute(
        select(unit_names).where(unit_names.c.commune == commune).order_by(name, unit_names.c.unit)
    )
    return {row.unit: row.name for row in rows}


def save_evidence(connection: Connection, commune: str, *files: EvidenceFile) -> None:
    """One or several at once."""
    for file in files:
        _save(connection, evidence_files, {"commune": commune, **file._asdict()})
    if files:
        about = [each for file in files for each in _of_file(file.task, file.sha256)]
        journal.record(connection, commune, kinds.EVIDENCE_STORED, about)


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
    journal.record(connection, commune, kinds.EVIDENCE_ERASED, _of_file(task, sha256))


def _of_file(task: str, sha256: str) -> tuple[str, str]:
    return f"task/{task}", f"sha256/{sha256}"


def _save(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert, or replace what the row's key holds."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row)
    keys = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new))
