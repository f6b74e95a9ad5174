"""Engines and transactions: SQLite in one process, PostgreSQL when deployed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from shared.eventlog.errors import Busy

# Longer than any healthy command holds a head, shorter than a clerk's patience.
LOCK_TIMEOUT_S = 3

_write_locks: dict[str, threading.Lock] = {}


def open_database(url: str, **options: Any) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://…`, set up so that COMMIT survives a loss of power."""
    if not url.startswith("sqlite"):
        return create_engine(url, **options)
    engine = create_engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Transactions are begun by hand: the driver's own BEGIN would come too late for IMMEDIATE.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={LOCK_TIMEOUT_S * 1000}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("cchc_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent snapshot (SQLite) or one statement's view at a time (PostgreSQL)."""
    with engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, commune: str | None = None) -> Iterator[Connection]:
    """One write transaction; on leaving it is committed, on an exception rolled back.

    `commune` becomes the row-level security setting of the transaction. Raises Busy when a lock is not to be had.
    """
    with _write_lock(engine):
        try:
            with engine.connect().execution_options(cchc_write=True) as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(_POSTGRESQL_SETTINGS, {"commune": commune or ""})
                yield connection
        except OperationalError as error:
            if _is_lock_timeout(error):
                raise Busy(str(error.orig)) from error
            raise


_POSTGRESQL_SETTINGS = text(
    f"SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', true),"
    " set_config('idle_in_transaction_session_timeout', '10s', true),"
    " set_config('cchc.commune', :commune, true)"
)


def _is_lock_timeout(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)


@contextmanager
def _write_lock(engine: Engine) -> Iterator[None]:
    # SQLite has one writer per file and lets waiters poll; a lock in the process makes them queue instead.
    if engine.dialect.name != "sqlite":
        yield
        return
    lock = _write_locks.setdefault(str(engine.url), threading.Lock())
    if not lock.acquire(timeout=LOCK_TIMEOUT_S):
        raise Busy("another write in this process goes on for too long")
    try:
        yield
    finally:
        lock.release()
