"""The rows of a database, out of it and into it: whatever tables its migrations made, in SQLite and PostgreSQL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from shared.eventlog.database import driver_of, run_many

# Most events have 1 KiB, the largest 256 KiB: a compromise between round trips and memory.
BATCH = 200

# Where the schema stands, which migrations write; and who leads, which concerns the processes of a moment.
LEFT_OUT = frozenset({"alembic_version", "leases"})

Row = Sequence[Any]


def revision_of(connection: Connection) -> str | None:
    """Where the database stands in its migrations; None for one that was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def columns_of(connection: Connection) -> dict[str, list[str]]:
    """Table → its columns without the generated ones, which follow from others."""
    inspector = inspect(connection)
    return {
        table: [column["name"] for column in inspector.get_columns(table) if "computed" not in column]
        for table in sorted(inspector.get_table_names())
        if table not in LEFT_OUT
    }


def read_rows(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[Row]:
    """All rows as the driver gives them, so that bytes are the stored ones; a batch of them in memory."""
    statement = f"SELECT {_names(connection, columns)} FROM {_names(connection, [table])}"  # noqa: S608 - own names
    driver = driver_of(connection)
    if connection.dialect.name == "sqlite":
        yield from driver.execute(statement)
        return
    with driver.cursor(name="rows", binary=True) as cursor:
        cursor.itersize = BATCH
        cursor.execute(statement)
        yield from cursor


def write_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Into an empty table."""
    into = f"{_names(connection, [table])} ({_names(connection, columns)})"
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {into} VALUES ({', '.join('?' for _ in columns)})"  # noqa: S608 - own names
        left = iter(rows)
        while batch := list(islice(left, BATCH)):
            run_many(connection, statement, batch)
        return
    # As text, so that the server converts what SQLite holds as text or number to the column's own type.
    with driver_of(connection).cursor().copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def read_tables(connection: Connection) -> Mapping[str, tuple[Sequence[str], Iterator[Row]]]:
    """Table → its columns and its rows, which are read as they are asked for."""
    return {
        table: (columns, read_rows(connection, table, columns)) for table, columns in columns_of(connection).items()
    }


def _names(connection: Connection, names: Sequence[str]) -> str:
    return ", ".join(map(connection.dialect.identifier_preparer.quote_identifier, names))
