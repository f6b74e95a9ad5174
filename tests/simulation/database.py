"""A database server, simulated: SQLite files behind a server that crashes, freezes, fills up or gets an old backup.

What a service sees of it is an engine as `open_database` makes it. Each statement may take its time, or never be
answered; a commit may be done and its answer lost.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InvalidatePoolError

from shared.eventlog import open_database
from shared.eventlog.database import LOCK_TIMEOUT_S, POSTGRESQL_CONNECT, _until_the_end, driver_of
from tests.simulation.network import Link
from tests.simulation.scheduler import Fiber, Scheduler

# As the product sets its connections: how long a statement waits for a server that is silent.
UNANSWERED_S = (POSTGRESQL_CONNECT["tcp_user_timeout"] or 0) / 1000

# idle_in_transaction_session_timeout: a transaction whose client is silent does not hold its locks for ever.
IDLE_S = 10.0

# How often another fiber gets a turn between two statements of a transaction.
YIELDS = 0.2


class Database:
    """The database of one service. `committed` hears of each commit, before its answer."""

    def __init__(self, scheduler: Scheduler, service: str, file: Path) -> None:
        self.scheduler = scheduler
        self.service = service
        self.file = file
        self.down = False
        self.full = False
        self.frozen_until = 0.0
        self.committed: Callable[[], object] = lambda: None
        self.loses_answers = 0  # so many commits from now on
        self.waiting: set[Fiber] = set()  # loops that sleep until something is written
        self._sessions: list[Session] = []
        self.writer: Session | None = None
        self._queueing: set[Fiber] = set()
        self.eye = self._look()

    # As services reach it

    def engine(self, link: Link) -> Engine:
        """An engine of one process."""
        engine = open_database("sqlite://", creator=lambda: self._connect(link), pool_size=8)
        engine.update_execution_options(cchc_writer=_Writer())

        @event.listens_for(engine, "connect")
        def arm(session: Session, _: Any) -> None:
            session.execute("PRAGMA synchronous=OFF")  # what is tested is not the disk
            session.armed = True

        @event.listens_for(engine, "checkout")
        def notice_the_end(session: Session, *_: Any) -> None:
            if session.closed:
                raise InvalidatePoolError("the server has ended the connection")

        return engine

    def _connect(self, link: Link) -> "Session":
        self.scheduler.pause(0.001)
        if self.down or not link.up:
            self.scheduler.pause(5.0 if link.silent or not self.down else 0.001)
            raise sqlite3.OperationalError("could not connect to the server")
        session = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None, factory=Session)
        session.database, session.link = self, link
        session.create_function("clock_timestamp", 0, lambda: self.scheduler.now)
        session.create_function("set_config", 3, lambda *_: None)
        self._sessions.append(session)
        return session

    # What happens to it

    def crash(self) -> None:
        """All connections end; what was not committed is gone."""
        for session in self._sessions:
            session.end()
        self._sessions.clear()

    def disconnect(self, link: Link) -> None:
        """The server learns that a client is gone."""
        for session in self._sessions:
            if session.link is link:
                session.end()
        self._sessions = [session for session in self._sessions if not session.closed]

    def back_up(self, to: Path) -> None:
        copy = sqlite3.connect(to)
        with sqlite3.connect(self.file) as source:
            source.backup(copy)
        copy.close()
        source.close()

    def put_back(self, backup: Path) -> None:
        """The server runs on older data, as after a volume was exchanged."""
        self.crash()
        self.eye.close()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copy(backup, self.file)
        self.eye = self._look()

    def close(self) -> None:
        self.crash()
        self.eye.close()

    def _look(self) -> sqlite3.Connection:
        """A connection that reads beside everything, for the oracle."""
        return sqlite3.connect(self.file, isolation_level=None)

    # What a session asks

    def take_write_lock(self, session: "Session") -> None:
        end = self.scheduler.now + LOCK_TIMEOUT_S
        while self.writer is not None:
            if self.scheduler.now >= end:
                raise sqlite3.OperationalError("database is locked")
            self.scheduler.wait(end - self.scheduler.now, self._queueing)
            session.must_be_connected()
        self.writer = session

        self._watch_idle(session)

    def _watch_idle(self, session: "Session") -> None:
        spoke_at = session.spoke_at

        def look() -> None:
            if self.writer is session and session.spoke_at == spoke_at:
                session.end()
            elif self.writer is session:
                self._watch_idle(session)

        self.scheduler.later(IDLE_S, look)

    def release(self, session: "Session") -> None:
        if self.writer is session:
            self.writer = None
            self.scheduler.wake(self._queueing)


class Session(sqlite3.Connection):
    """A connection of a service to the server."""

    database: Database
    link: Link
    armed = False
    closed = False
    spoke_at = 0.0
    news = False  # has it written anything but a lease?

    def cursor(self, *_: Any) -> "_Cursor":  # type: ignore[override]
        return super().cursor(_Cursor)

    def execute(self, statement: str, *parameters: Any) -> "_Cursor":  # type: ignore[override]
        return self.cursor().execute(statement, *parameters)

    def ask(self, statement: str) -> None:
        """Before a statement: let others go on, and be refused or left without an answer."""
        if not self.armed:
            return
        scheduler, database = self.database.scheduler, self.database
        begins = statement.startswith("BEGIN")
        if begins or scheduler.random.random() < YIELDS:
            scheduler.pause(latency(scheduler))
        self.must_be_connected()
        silent_since = scheduler.now
        while database.frozen_until > scheduler.now or self.link.silent:
            left = silent_since + UNANSWERED_S - scheduler.now
            if left <= 0:
                self.end()
                raise sqlite3.OperationalError("the server does not answer")
            scheduler.pause(min(left, max(0.05, database.frozen_until - scheduler.now)))
            self.must_be_connected()
        if not self.link.up:
            self.end()
            raise sqlite3.OperationalError("connection reset by peer")
        self.spoke_at = scheduler.now
        writes = statement.startswith(("INSERT", "UPDATE", "DELETE"))
        if statement.startswith("BEGIN IMMEDIATE") or (writes and database.writer is not self):
            database.take_write_lock(self)
        self.news = self.news or (writes and "leases" not in statement)
        if writes and database.full:
            raise sqlite3.OperationalError("database or disk is full")

    def must_be_connected(self) -> None:
        if self.closed:
            raise sqlite3.OperationalError("server closed the connection unexpectedly")

    def commit(self) -> None:
        if not self.armed or (not self.closed and not self.in_transaction):
            self.must_be_connected()
            super().commit()
            return
        self.ask("COMMIT")
        wrote = self.database.writer is self
        super().commit()
        self.database.release(self)
        if not wrote:
            return
        news, self.news = self.news, False
        scheduler = self.database.scheduler
        if news:
            self.database.committed()
            scheduler.wake(self.database.waiting, 0.05 + scheduler.random.random())
        if self.database.loses_answers:
            self.database.loses_answers -= 1
            scheduler.say(f"the answer to a commit in {self.database.service} is lost")
            self.end()
        scheduler.pause(latency(scheduler))
        self.must_be_connected()

    def rollback(self) -> None:
        self.must_be_connected()
        super().rollback()
        self.news = False
        if self.armed:
            self.database.release(self)

    def end(self) -> None:
        """The connection is gone, from whichever side."""
        if not self.closed:
            self.closed = True
            super().close()
            self.database.release(self)

    def close(self) -> None:
        self.end()


class _Cursor(sqlite3.Cursor):
    connection: Session

    def execute(self, statement: str, *parameters: Any) -> "_Cursor":
        if statement == "COMMIT":
            self.connection.commit()
            return self
        self.connection.ask(statement)
        super().execute(_in_sqlite(statement), *parameters)
        return self

    def executemany(self, statement: str, *parameters: Any) -> "_Cursor":
        self.connection.ask(statement)
        super().executemany(statement, *parameters)
        return self


@cache
def _in_sqlite(statement: str) -> str:
    """What the product says to PostgreSQL only."""
    if statement.startswith("SET LOCAL"):
        return "SELECT 1"
    for theirs, ours in ((" FOR SHARE", ""), ("make_interval(secs => ?)", "?"), ("least(", "min(")):
        statement = statement.replace(theirs, ours)
    return statement


class _Writer:
    """In place of the lock that the writers of one real file share."""

    connection = None

    @contextmanager
    def transaction(self, engine: Engine) -> Iterator[Connection]:
        with engine.connect() as connection:
            driver_of(connection).execute("BEGIN IMMEDIATE")
            with _until_the_end(connection):
                yield connection


def latency(scheduler: Scheduler) -> float:
    """Mostly a moment, now and then long enough for anything to come between."""
    drawn = scheduler.random.random()
    return 0.0005 + (drawn * 0.002 if drawn < 0.9 else drawn * 0.1 if drawn < 0.99 else 2.0)
