"""Wake-ups: loops sleep until something is written to the databases that they read, instead of polling.

Within a process, every commit to a SQLite file wakes the loops that wait for it. The file's data version shows what
other processes write. PostgreSQL announces nothing, so there loops poll. A slow poll limits what a lost wake-up costs.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from sqlalchemy import Engine

from shared.worker import Stop

logger = logging.getLogger(__name__)

# How often the data version of a file is read: how late a loop hears of what another process has written.
WATCH_S = 0.05

# A loop that hears of every write also looks this often: for a new day, and in case a wake-up is lost.
SAFETY_S = 5.0

# A loop that is given a plain event to stop by looks at it this often.
STOP_S = 0.1


class Waiting:
    """Lets a loop wait for writes to the databases of these engines; as a context manager, it hears them inside."""

    def __init__(self, *engines: Engine) -> None:
        self._event = threading.Event()
        self._files = {file for engine in engines if (file := _file_of(engine))}
        self._hears_all = all(map(_file_of, engines))
        self._stack = ExitStack()
        self._stop: threading.Event | None = None

    def __enter__(self) -> "Waiting":
        for file in self._files:
            self._stack.enter_context(_bells.ringing(file, self._event))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sleep(self, stop: threading.Event, poll_s: float, *, settle_s: float = 0.0, most_s: float = SAFETY_S) -> None:
        """Sleep until something is written, until told to stop, or for a while: `most_s` for a loop that hears of every
        write, `poll_s` otherwise. After a write, wait `settle_s` for others that come with it.

        A write before the caller looks is seen by that look, or ends the next sleep: no wake-up is lost.
        """
        if not self._hears_all:
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
    if file := _file_of(engine):
        _bells.ring(file)


def _file_of(engine: Engine) -> str | None:
    """The SQLite file of an engine; None for another database, or one in memory."""
    return engine.url.database or None if engine.dialect.name == "sqlite" else None


class _Bells:
    """The sleeping loops by file, and the thread that watches the files while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, frozenset[threading.Event]] = {}
        self._watching = False

    def ring(self, file: str) -> None:
        for event in self._waiting.get(file, ()):
            event.set()

    @contextmanager
    def ringing(self, file: str, event: threading.Event) -> Iterator[None]:
        with self._lock:
            self._waiting[file] = self._waiting.get(file, frozenset()) | {event}
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="watch", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting[file] -= {event}
                if not self._waiting[file]:
                    del self._waiting[file]

    def _watch(self) -> None:
        files: dict[str, _File] = {}
        try:
            while True:
                with self._lock:
                    wanted = set(self._waiting)
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


_bells = _Bells()
