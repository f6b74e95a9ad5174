"""Send statements to PostgreSQL together, on libpq itself: psycopg's cursors take twice the CPU."""

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Wait

# Statements prepared per connection. Commands use some dozens; lists of parameters make any number of others.
MOST_PREPARED = 100


class RoundTrips:
    """The round trips of one psycopg connection. Between two of them psycopg may use it as always."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._prepared: dict[str, bytes] = {}

    def run(self, queries: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
        """The rows of each. Raises psycopg's error of the first that fails; those after it do not run."""
        pgconn = self._connection.pgconn
        sends = [self._ready(pgconn, *query) for query in queries]
        try:
            pgconn.enter_pipeline_mode()
            for send in sends:
                send()
            pgconn.pipeline_sync()
            results = self._connection.wait(_results(pgconn))
            pgconn.exit_pipeline_mode()
        except BaseException:
            # Results that are still to come would be taken for those of a later statement.
            self._connection.close()
            raise
        return list(self._rows(results))

    def _ready(self, pgconn: PGconn, statement: str, parameters: Sequence[Any]) -> Callable[[], None]:
        # Bytes go as they are, the rest as text, so that the server chooses the types, whatever the size of a number.
        formats = [PyFormat.BINARY if isinstance(value, bytes) else PyFormat.TEXT for value in parameters]
        transformer = Transformer(self._connection)
        values = transformer.dump_sequence(parameters, formats)
        if name := self._prepare(pgconn, statement):
            return partial(pgconn.send_query_prepared, name, values, transformer.formats, Format.BINARY)
        return partial(pgconn.send_query_params, _numbered(statement), values, None, transformer.formats, Format.BINARY)

    def _prepare(self, pgconn: PGconn, statement: str) -> bytes | None:
        name = self._prepared.get(statement)
        if name is None and len(self._prepared) < MOST_PREPARED:
            name = f"roundtrip_{len(self._prepared)}".encode()
            result = pgconn.prepare(name, _numbered(statement))
            if pgconn.status == ConnStatus.BAD:
                raise OperationalError(pgconn.get_error_message())
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)
            self._prepared[statement] = name
        return name

    def _rows(self, results: Sequence[PGresult]) -> Iterator[list[tuple[Any, ...]]]:
        transformer = Transformer(self._connection)
        for result in results:
            if result.status not in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
                raise error_from_result(result)
            transformer.set_pgresult(result)
            yield transformer.load_rows(0, result.ntuples, tuple) if result.ntuples else []


def _results(pgconn: PGconn) -> Generator[Wait, int, list[PGresult]]:
    """Everything up to the sync. psycopg waits on it, lets other threads run meanwhile and notices Ctrl-C."""
    while pgconn.flush():
        yield Wait.RW
        pgconn.consume_input()
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # the end of one statement's results
            if pgconn.status == ConnStatus.BAD:
                raise OperationalError(pgconn.get_error_message())
        elif result.status == ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


def _numbered(statement: str) -> bytes:
    """`?` placeholders as PostgreSQL's own."""
    first, *others = statement.split("?")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))).encode()
