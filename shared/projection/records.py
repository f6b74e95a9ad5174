"""The projection of records: one row for each record of a commune."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, select

from shared.eventlog import reading
from shared.eventlog.database import run_many
from shared.records import Records

R = TypeVar("R", bound=Records)


class RecordsProjection(Generic[R]):
    """Keeps a commune's records in `table`: commune, kind, id, body, and what `columns` takes out of a record.

    `sources` are the logs that `fold` folds into `records`. Another `fold_version` at start rebuilds the rows.
    """

    name = "records"

    def __init__(
        self,
        table: Table,
        records: type[R],
        fold: Callable[[R, Any], None],
        *,
        fold_version: int,
        sources: tuple[str, ...],
        columns: Mapping[str, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.table = table
        self.records = records
        self.fold = fold
        self.fold_version = fold_version
        self.sources = sources
        self._columns = dict(columns or {})
        names = ["commune", "kind", "id", *self._columns, "body"]
        places = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 (names of ours)
        moved = ", ".join(f"{name} = excluded.{name}" for name in names[3:])
        self._upsert = f"{self._insert} ON CONFLICT (commune, kind, id) DO UPDATE SET {moved}"

    def empty(self, commune: str) -> R:
        return self.records(commune)

    def load(self, connection: Connection, commune: str) -> R:
        return self.read(connection, commune)

    def save(self, connection: Connection, commune: str, state: R) -> None:
        changed = [(kind, key, state.get(kind, key)) for kind, key in sorted(state.take_changed())]
        run_many(connection, self._upsert, self._rows(commune, changed))

    def replace(self, connection: Connection, commune: str, state: R) -> None:
        connection.execute(delete(self.table).where(self.table.c.commune == commune))
        state.take_changed()
        run_many(connection, self._insert, self._rows(commune, state.items()))

    def _rows(self, commune: str, records: Iterable[tuple[str, str, Any]]) -> list[tuple[Any, ...]]:
        columns, encode = self._columns.values(), self.records.encode
        return [
            (commune, kind, key, *(column(record) for column in columns), encode(record))
            for kind, key, record in records
        ]

    # What queries read of the rows

    def read(self, connection: Connection, commune: str, *where: ColumnElement[bool]) -> R:
        """The records, or those of the rows that fit the conditions."""
        state, table, decode = self.records(commune), self.table, self.records.decode
        columns = select(table.c.kind, table.c.id, table.c.body)
        for row in connection.execute(columns.where(table.c.commune == commune, *where)):
            state.put(row.kind, row.id, decode(row.kind, row.body))
        return state

    def knows(self, engine: Engine, commune: str, kind: str, key: str) -> bool:
        """Is there a record of this person (`staff`), task or unit?"""
        with reading(engine, commune) as connection:
            return self.one(connection, commune, "person" if kind == "staff" else kind, key) is not None

    def one(self, connection: Connection, commune: str, kind: str, key: str) -> Any:
        """One record as it was last written, None when there is none."""
        where = (self.table.c.commune == commune, self.table.c.kind == kind, self.table.c.id == key)
        body = connection.execute(select(self.table.c.body).where(*where)).scalar_one_or_none()
        return None if body is None else self.records.decode(kind, body)
