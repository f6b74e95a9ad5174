"""Engines and transactions: SQLite in one process, PostgreSQL when deployed."""

import functools
import select
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.pool import QueuePool

from shared import collation, wake
from shared.eventlog import fencing
from shared.eventlog.errors import Busy, Deposed
from shared.eventlog.roundtrip import RoundTrips
from shared.said import said_of

# A transaction that names no single commune names all of them, to read heads, cursors and positions, or none, for
# tables without communes. Every other table then refuses it (shared/eventlog/security.py).
EVERY_COMMUNE = "*"
NO_COMMUNE = ""

# Longer than any healthy command holds a head, shorter than a clerk's patience.
LOCK_TIMEOUT_S = 3

# Requests that a process serves at once. Each uses one connection, and briefly a second one.
THREADS = 8
POSTGRESQL_POOL = {"pool_size": THREADS, "max_overflow": THREADS, "pool_timeout": LOCK_TIMEOUT_S}
POSTGRESQL_CONNECT = {
    "connect_timeout": 5,
    # A server whose machine died sends nothing: without this a statement would wait two hours for it.
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # If psycopg prepares statements itself, it drops them after a rollback with DEALLOCATE ALL, ours included.
    "prepare_threshold": None,
}

SQLITE_SETTINGS = {
    "page_size": 8192,  # most events fit a quarter of it: a rebuild reads a tenth faster than with 4096 (ADR 0016)
    "cache_size": -16384,  # KiB, so that a commune's rows stay at hand while they are replaced
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "busy_timeout": LOCK_TIMEOUT_S * 1000,
    # What is deleted is overwritten: erased names must not stay in free pages.
    "secure_delete": "ON",
}

_write_locks: dict[str, threading.Lock] = {}

Query = tuple[str, Sequence[Any]]  # SQL with `?` placeholders, and its parameters
Rows = list[tuple[Any, ...]]


def open_database(url: str, **options: Any) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://…`, set up so that COMMIT survives a loss of power."""
    if not url.startswith("sqlite"):
        return _open_postgresql(url, options)
    engine = _engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False}, **options)
    engine.update_execution_options(cchc_writer=_Writer(_write_locks.setdefault(str(engine.url), threading.Lock())))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Transactions are begun by hand: the driver's own BEGIN would come too late for IMMEDIATE.
        connection.isolation_level = None
        for name, value in SQLITE_SETTINGS.items():
            connection.execute(f"PRAGMA {name}={value}")
        connection.create_collation("vietnamese", collation.compare)
        for function, arguments in ((collation.mentions, 2), (collation.given_name, 1)):
            connection.create_function(function.__name__, arguments, function, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not driver_of(connection).in_transaction:
            connection.exec_driver_sql("BEGIN")

    @event.listens_for(engine, "engine_disposed")
    def close_writer(engine: Engine) -> None:
        writer: _Writer = engine.get_execution_options()["cchc_writer"]
        if writer.connection:
            # Otherwise the connection would return to the pool that was just emptied, and stay open.
            writer.connection.detach()
            writer.connection.close()
            writer.connection = None

    return engine


def _engine(url: str, **options: Any) -> Engine:
    """An engine whose errors and lines name no value of a statement: those are people's names and secrets."""
    return create_engine(url, hide_parameters=True, **options)


def _open_postgresql(url: str, options: dict[str, Any]) -> Engine:
    pool = {} if "poolclass" in options else POSTGRESQL_POOL
    engine = _engine(url, connect_args=POSTGRESQL_CONNECT, **(pool | options))
    announcer = wake.Announcer()
    engine.update_execution_options(cchc_announcer=announcer)

    @event.listens_for(engine, "checkout")
    def notice_the_end(connection: Any, *_: Any) -> None:
        """After a restart of the server every pooled connection is dead, which its socket shows without a query."""
        waiting = select.poll()
        waiting.register(connection.pgconn.socket, select.POLLIN)
        # A server writes to an idle connection when it shuts down, and rarely otherwise; reconnecting is harmless.
        if waiting.poll(0):
            raise InvalidatePoolError("the server has ended the connection")

    @event.listens_for(engine, "engine_disposed")
    def announce_no_more(engine: Engine) -> None:
        announcer.end()
        engine.pool.dispose()  # a connection that came back meanwhile

    return engine


class _Writer:
    """The one connection of an engine that writes to a SQLite file, and the lock that all writers of that file share.

    SQLite allows one writer per file and makes the others poll; the lock makes those of this process queue instead. The
    connection stays open: taking one from the pool for each command would cost half as much as the command.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self.lock = lock
        self.connection: Connection | None = None

    @contextmanager
    def transaction(self, engine: Engine) -> Iterator[Connection]:
        if not self.lock.acquire(timeout=LOCK_TIMEOUT_S):
            raise Busy("another write in this process takes too long")
        try:
            connection = self.connection = self.connection or engine.connect()
            driver_of(connection).execute("BEGIN IMMEDIATE")
            with _until_the_end(connection):
                yield connection
        finally:
            self.lock.release()
        wake.ring(engine)


@contextmanager
def reading(engine: Engine, commune: str) -> Iterator[Connection]:
    """A consistent snapshot (SQLite) or one statement's view at a time (PostgreSQL) of one commune's rows.

    Row-level security goes by `commune`: a commune, EVERY_COMMUNE or NO_COMMUNE.
    """
    with _reading(engine, commune, "BEGIN READ ONLY") as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine, commune: str) -> Iterator[Connection]:
    """Like `reading`, but several statements see one moment on both databases."""
    with _reading(engine, commune, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
        yield connection


@contextmanager
def _reading(engine: Engine, commune: str, begin: str) -> Iterator[Connection]:
    with _errors_of_sqlalchemy(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            run_together(connection, [(begin, ()), (_COMMUNE_OF_TRANSACTION, [commune])])
        yield connection


def read_together(engine: Engine, commune: str, *queries: Query) -> list[Rows]:
    """The rows of each query. On PostgreSQL everything from BEGIN to COMMIT takes one round trip."""
    if engine.dialect.name == "postgresql":
        return _together(engine, "BEGIN READ ONLY", commune, queries)
    with _errors_of_sqlalchemy(engine), engine.connect() as connection:
        return run_together(connection, queries)


def write_together(engine: Engine, commune: str, *queries: Query) -> list[Rows]:
    """One write transaction in one round trip, on PostgreSQL; it passes every fence. Raises Busy as `writing`."""
    return _together(engine, "BEGIN", commune, queries)


def _together(engine: Engine, begin: str, commune: str, queries: Sequence[Query]) -> list[Rows]:
    with _errors_of_sqlalchemy(engine), engine.connect() as connection:
        together = [(begin, ()), (_COMMUNE_OF_TRANSACTION, [commune]), *queries, ("COMMIT", ())]
        _, _, *answers, _ = run_together(connection, together)
        return answers


@contextmanager
def writing(engine: Engine, commune: str) -> Iterator[Connection]:
    """One write transaction: committed at the end, rolled back on an exception.

    `commune` as in `reading`. Raises Busy when a lock cannot be taken in time, Deposed in a loop of a former leader.
    """
    with writing_after(engine, commune) as (connection, _):
        yield connection


@contextmanager
def writing_after(engine: Engine, commune: str, *first: Query) -> Iterator[tuple[Connection, list[Rows]]]:
    """`writing`, with the rows of the first statements, which on PostgreSQL share the round trip of its BEGIN."""
    fence = fencing.fence.get()
    fenced = [fence.query] if fence and fence.url == engine.url else []
    with _errors_of_sqlalchemy(engine):
        if engine.dialect.name == "sqlite":
            writer: _Writer = engine.get_execution_options()["cchc_writer"]
            with writer.transaction(engine) as connection:
                yield connection, _behind(fenced, run_together(connection, [*fenced, *first]))
            return
        with engine.connect() as connection, _until_the_end(connection):
            begin = [("BEGIN", ()), (_COMMUNE_OF_TRANSACTION, [commune])]
            _, _, *answers = run_together(connection, [*begin, *fenced, *first])
            yield connection, _behind(fenced, answers)
    wake.ring(engine)


def _behind(fenced: Sequence[Query], answers: list[Rows]) -> list[Rows]:
    """The answers that follow those of the fence. Raises Deposed."""
    if fenced and not answers[0]:
        raise Deposed("another process leads by now")
    return answers[len(fenced) :]


@contextmanager
def _until_the_end(connection: Connection) -> Iterator[None]:
    """Commit or roll back a transaction that was begun on the driver."""
    driver = driver_of(connection)
    try:
        yield
        (connection if connection.in_transaction() else driver).commit()
    except BaseException:
        # Also when COMMIT fails, as on a full disk: otherwise the next transaction would continue this one.
        if getattr(driver, "closed", False):
            connection.invalidate()
        else:
            # SQLAlchemy has a transaction of its own only if its statements were used. After a failed COMMIT it
            # forgets that one and leaves the driver's open.
            connection.rollback()
            driver.rollback()
        raise


@contextmanager
def _errors_of_sqlalchemy(engine: Engine) -> Iterator[None]:
    """Raise SQLAlchemy's errors however a statement was run, and Busy when a lock cannot be taken in time."""
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except OperationalError as error:
        if _is_lock_timeout(error.orig):
            raise Busy(said_of(error)) from error
        raise
    except driver.Error as error:
        if _is_lock_timeout(error):
            raise Busy(said_of(error)) from error
        raise DBAPIError.instance(None, None, error, driver.Error, hide_parameters=True) from error


def leave_nothing(engine: Engine, tables: Sequence[str]) -> bool:
    """After an erasure from these tables, leave no byte of what was deleted in the database's files: True when done.

    SQLite has overwritten it; its write-ahead log, which holds earlier versions of pages, is emptied, unless readers
    hinder it: then the next erasure or checkpoint overwrites it. On PostgreSQL the tables are written anew: VACUUM
    alone would leave the bytes of dead rows in free space. Only their owner may, and only while nobody reads them for
    long. Its write-ahead log and what was archived of that go as its administrator has set.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver_of(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return True
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not all(connection.scalar(_OWNS, {"table": table}) for table in tables):
            return False
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
        try:
            for table in tables:
                connection.execute(text(f"VACUUM FULL {table}"))
        except OperationalError as error:
            if not _is_lock_timeout(error.orig):
                raise
            return False
        finally:
            connection.execute(text("RESET lock_timeout"))
    return True


_OWNS = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = CAST(:table AS regclass)")


def run(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> Any:
    """Execute SQL with `?` placeholders on the driver itself, and return its cursor: a fifth of SQLAlchemy's cost."""
    if connection.dialect.name == "sqlite":
        return driver_of(connection).execute(statement, parameters)
    # Binary, so that bodies need not be decoded from text.
    return driver_of(connection).execute(_for_psycopg(statement), parameters, binary=True)


def run_together(connection: Connection, queries: Sequence[Query]) -> list[Rows]:
    """Run statements one after the other, and return the rows of each: on PostgreSQL in one round trip."""
    if connection.dialect.name == "sqlite":
        execute = driver_of(connection).execute
        return [execute(*query).fetchall() for query in queries]
    return _round_trips(connection).run(queries) if queries else []


def run_at_last(connection: Connection, queries: Sequence[Query]) -> None:
    """Run the last statements of a transaction. On PostgreSQL COMMIT goes with them, and an error stops before it."""
    commit = [] if connection.dialect.name == "sqlite" else [("COMMIT", ())]
    run_together(connection, [*queries, *commit])


def run_many(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute SQL with `?` placeholders for every row."""
    in_style = statement if connection.dialect.name == "sqlite" else _for_psycopg(statement)
    driver_of(connection).cursor().executemany(in_style, rows)


def driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _round_trips(connection: Connection) -> RoundTrips:
    known = connection.info.get("cchc_round_trips")
    if known is None:
        known = connection.info["cchc_round_trips"] = RoundTrips(driver_of(connection))
        known.run(_POSTGRESQL_SETTINGS)
    return known


@functools.cache
def _for_psycopg(statement: str) -> str:
    return statement.replace("?", "%s")


# Set once per connection: setting them for each command would cost a tenth of it.
_POSTGRESQL_SETTINGS = [
    (f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'", ()),
    ("SET idle_in_transaction_session_timeout = '10s'", ()),
]
_COMMUNE_OF_TRANSACTION = "SELECT set_config('cchc.commune', ?, true)"


def _is_lock_timeout(error: Any) -> bool:
    return getattr(error, "sqlstate", None) == "55P03" or "database is locked" in str(error)
