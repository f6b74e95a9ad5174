"""Wake-ups: loops sleep until something is written to the databases that they read, instead of polling.

Within a process, every commit wakes the loops that wait for its database. What other processes write is shown by a
SQLite file's data version, and announced on PostgreSQL (LISTEN and NOTIFY). Where nothing can be heard, loops poll. A
slow poll limits what a lost wake-up costs.
"""

import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.worker import Stop

logger = logging.getLogger(__name__)

# How often the data version of a file is read: how late a loop hears of what another process has written.
WATCH_S = 0.05

# At most one announcement in this time: under load others find one look enough for many commits.
ANNOUNCE_S = 0.05
CHANNEL = "cchc"

# How soon a thread that hears announcements sees that nobody waits for them any more, or tries to hear again.
HEAR_S = 1.0

# A loop that hears of every write also looks this often: for a new day, and in case a wake-up is lost.
SAFETY_S = 5.0

# A loop that is given a plain event to stop by looks at it this often.
STOP_S = 0.1


class Waiting:
    """Lets a loop wait for writes to the databases of these engines; as a context manager, it hears them inside."""

    def __init__(self, *engines: Engine) -> None:
        self._event = threading.Event()
        self._places = {place: engine for engine in engines if (place := _place(engine))}
        self._hears_some = all(map(_place, engines))
        self._stack = ExitStack()
        self._stop: threading.Event | None = None

    def __enter__(self) -> "Waiting":
        for place, engine in self._places.items():
            self._stack.enter_context(_bells.ringing(place, engine, self._event))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sleep(self, stop: threading.Event, poll_s: float, *, settle_s: float = 0.0, most_s: float = SAFETY_S) -> None:
        """Sleep until something is written, until told to stop, or for a while: `most_s` for a loop that hears of every
        write, `poll_s` otherwise. After a write, wait `settle_s` for others that come with it.

        A write before the caller looks is seen by that look, or ends the next sleep: no wake-up is lost.
        """
        if not (self._hears_some and all(map(_bells.hears, self._places))):
            stop.wait(poll_s)
        elif self._wait(stop, most_s) and settle_s:
            stop.wait(settle_s)
        self._event.clear()

    def _wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for a write: was there one?"""
        if isinstance(stop, Stop):
            if stop is not self._stop:
                self._stop = stop
                stop.wake(self._event)
            return not stop.is_set() and self._event.wait(seconds)
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if self._event.wait(min(left, STOP_S)):
                return True
        return False


def ring(engine: Engine) -> None:
    """Wake the loops that wait for the engine's database: this process has committed to it."""
    if place := _place(engine):
        _bells.ring(place)
    if announcer := engine.get_execution_options().get("cchc_announcer"):
        announcer.announce(engine)


def _place(engine: Engine) -> str | None:
    """Names the database of an engine, whatever its role: a SQLite file, or a database of a PostgreSQL server; None for
    one in memory."""
    url = engine.url
    return url.database or None if engine.dialect.name == "sqlite" else f"//{url.host}:{url.port}/{url.database}"


class _Bells:
    """The sleeping loops by place, and the threads that watch files or hear announcements while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, frozenset[threading.Event]] = {}
        self._watching = False
        self._ears: dict[str, _Ear] = {}

    def ring(self, place: str) -> None:
        for event in self._waiting.get(place, ()):
            event.set()

    def hears(self, place: str) -> bool:
        """Is this place heard of just now?"""
        ear = self._ears.get(place)
        return _is_file(place) or (ear is not None and ear.hears)

    @contextmanager
    def ringing(self, place: str, engine: Engine, event: threading.Event) -> Iterator[None]:
        with self._lock:
            self._waiting[place] = self._waiting.get(place, frozenset()) | {event}
            if not _is_file(place):
                if place not in self._ears:
                    self._ears[place] = _Ear(engine, lambda: self.ring(place), lambda: self._is_wanted(place))
            elif not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="watch", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting[place] -= {event}
                if not self._waiting[place]:
                    del self._waiting[place]

    def _is_wanted(self, place: str) -> bool:
        with self._lock:
            if place not in self._waiting:
                del self._ears[place]
            return place in self._waiting

    def _watch(self) -> None:
        files: dict[str, _File] = {}
        try:
            while True:
                with self._lock:
                    wanted = set(filter(_is_file, self._waiting))
                    if not wanted:
                        self._watching = False
                        return
                for file in files.keys() - wanted:
                    files.pop(file).close()
                for file in wanted:
                    if file not in files:
                        files[file] = _File(file)
                    if files[file].has_changed():
                        self.ring(file)
                time.sleep(WATCH_S)
        finally:
            for watched in files.values():
                watched.close()


class _File:
    """A SQLite file and the last data version that was read of it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._not_before = 0.0

    def has_changed(self) -> bool:
        """Was anything committed since the last look? True when that cannot be read."""
        if time.monotonic() < self._not_before:
            return False
        try:
            # rw: a file that is not there must not be made.
            self._connection = self._connection or sqlite3.connect(f"file:{quote(self.file)}?mode=rw", uri=True)
            [version] = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            logger.debug("cannot watch %s: %s", self.file, error)
            self.close()
            self._not_before = time.monotonic() + 1
            return True
        changed, self._version = version != self._version, version
        return changed

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()


def _is_file(place: str) -> bool:
    return not place.startswith("//")


def _own_name() -> str:
    """Announcements of this process begin with it: its loops were woken already."""
    return f"{socket.gethostname()}/{os.getpid()}"


class _Ear:
    """Hears what is announced in a PostgreSQL database, on a connection of its own, as long as that is wanted."""

    def __init__(self, engine: Engine, ring: Callable[[], None], wanted: Callable[[], bool]) -> None:
        self.hears = False
        self._engine = engine
        self._ring = ring
        self._wanted = wanted
        threading.Thread(target=self._run, name="hear", daemon=True).start()

    def _run(self) -> None:
        error = self._engine.dialect.loaded_dbapi.Error
        while self._wanted():
            try:
                with closing(self._connected()) as driver:
                    driver.execute(f"LISTEN {CHANNEL}")
                    self._hear(driver)
                return
            except (error, SQLAlchemyError) as failure:
                logger.debug("hears nothing of %s: %s", self._engine.url.database, failure)
            self.hears = False
            time.sleep(HEAR_S)

    def _connected(self) -> Any:
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        driver.autocommit = True
        return driver

    def _hear(self, driver: Any) -> None:
        self.hears = True
        self._ring()  # for what was written before
        while self._wanted():
            heard = [notice.payload for notice in driver.notifies(timeout=HEAR_S, stop_after=1)]
            if set(heard) - {_own_name()}:
                self._ring()


class Announcer:
    """Tells other processes that this one has committed to the PostgreSQL database of one engine.

    It does so after the commit and in a thread of its own: NOTIFY within the transaction would make all commits of the
    server queue.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._more = False
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def announce(self, engine: Engine) -> None:
        with self._lock:
            self._more = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(engine,), name="announce", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Announce what is left: the engine's connections are being closed."""
        self._ended.set()
        if thread := self._thread:
            thread.join(HEAR_S)
        self._ended.clear()

    def _run(self, engine: Engine) -> None:
        while self._has_more():
            try:
                with engine.begin() as connection:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                    connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, _own_name()))
            except SQLAlchemyError as error:
                logger.debug("does not announce in %s: %s", engine.url.database, error)
            self._ended.wait(ANNOUNCE_S)

    def _has_more(self) -> bool:
        with self._lock:
            more, self._more = self._more, False
            if not more:
                self._thread = None
            return more


_bells = _Bells()
