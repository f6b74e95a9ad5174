"""Personal data and names, outside the log so that they can be erased: of people, units and evidence files.

No event records a change of them: each has its row in the journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, collate, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from services.tasks.tables import evidence_files, people, unit_names
from shared import journal
from shared.decoding import decoder
from shared.journal import kinds
from shared.names import holds_name, letters


class Person(NamedTuple):
    staff: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


_names = decoder(list[str])
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


def save_person(
    connection: Connection, commune: str, *persons: Person, named_before: Mapping[str, Iterable[str]] = {}
) -> None:
    """One or several at once; `named_before` holds names by staff ids. A name that changes is kept among the former
    ones until the person is erased. The journal says which fields changed; who is as before is passed over."""
    known, changed = people_of(connection, commune), {}
    former = former_names(connection, commune)
    for person in persons:
        before = known.get(person.staff, Person(person.staff))
        fields = {name for name in DATA if getattr(person, name) != getattr(before, name)}
        if not fields:
            continue
        changed[person.staff] = fields
        names = [*former.get(person.staff, ()), *named_before.get(person.staff, ()), *filter(None, [before.name])]
        other = {letters(name): name for name in names if letters(name) != letters(person.name or "")}
        row = {"commune": commune, **person._asdict(), "former_names": _json([*other.values()]) if other else None}
        _save(connection, people, row)
    if changed:
        fields = set().union(*changed.values())
        detail = {"fields": " ".join(name for name in DATA if name in fields)}
        journal.record(connection, commune, kinds.PERSON_SAVED, [f"staff/{staff}" for staff in changed], detail)


def former_names(connection: Connection, commune: str) -> dict[str, list[str]]:
    """By staff ids. They are there to find at an erasure what is named after them; nobody is shown them."""
    c = people.c
    rows = connection.execute(select(c.staff, c.former_names).where(c.commune == commune, c.former_names.is_not(None)))
    return {row.staff: _names(row.former_names) for row in rows}


def names_of(connection: Connection, commune: str, staff: str) -> list[str]:
    """Every name that is kept of a person, the present one first."""
    person = people_of(connection, commune).get(staff)
    return [*([person.name] if person and person.name else []), *former_names(connection, commune).get(staff, ())]


def erase_person(connection: Connection, commune: str, staff: str) -> None:
    """The person's code stays in the log without a name."""
    erased = connection.execute(delete(people).where(people.c.commune == commune, people.c.staff == staff))
    if erased.rowcount:
        journal.record(connection, commune, kinds.PERSON_ERASED, [f"staff/{staff}"])


def tasks_with_files_named(connection: Connection, commune: str, names: Sequence[str]) -> list[str]:
    """The tasks with evidence files that are named after a person of these names."""
    table = evidence_files.c
    rows = connection.execute(select(table.task, table.file_name).where(table.commune == commune))
    return sorted({row.task for row in rows if holds_name(row.file_name, names)})


def units_named(connection: Connection, commune: str, names: Sequence[str]) -> list[str]:
    """The units that are named after a person of these names."""
    rows = connection.execute(select(unit_names).where(unit_names.c.commune == commune))
    return sorted(row.unit for row in rows if holds_name(row.name, names))


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
    """Names by the ids of their units; one that is as before is passed over."""
    known = unit_names_of(connection, commune) if names else {}
    changed = {unit: name for unit, name in names.items() if known.get(unit) != name}
    for unit, name in changed.items():
        _save(connection, unit_names, {"commune": commune, "unit": unit, "name": name})
    if changed:
        journal.record(connection, commune, kinds.UNIT_NAMED, [f"unit/{unit}" for unit in changed])


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


def _json(names: list[str]) -> str:
    return msgspec.json.encode(names).decode()


def _of_file(task: str, sha256: str) -> tuple[str, str]:
    return f"task/{task}", f"sha256/{sha256}"


def _save(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert, or replace what the row's key holds."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row)
    keys = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new))
