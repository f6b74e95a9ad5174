"""Whose file is read next: one at a time among the web processes of a service, the least busy person's first."""

import contextlib
import fcntl
import math
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO

WAIT_S = 20  # longer than any child runs: the next one gets its turn
HALVED_S = 60  # time that a person's files took counts half as much after so long
LOOK_S = 0.05  # how often a process looks whether the others' file is read
REMEMBERED = 10_000  # people


class ReadersBusy(Exception):
    """Other files are being read, and none of them ended in time."""


class Places:
    """One place for a file that is read. Among those who wait, the person whose files took least time lately is next.

    A person whose files take long thus delays another one by a single file at most.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._waiting: list[str] = []  # in the order in which they came
        self._spent: dict[str, tuple[float, float]] = {}  # seconds, and when they were counted
        self._among: IO[bytes] | None = None

    def share(self) -> None:
        """Called before web processes are forked: they all have one place together.

        A lock of the file belongs to a process and ends with it, however that dies.
        """
        self._among = tempfile.TemporaryFile()  # noqa: SIM115 until the process ends

    @contextlib.contextmanager
    def one(self, person: str) -> Iterator[None]:
        """Hold the place. Raises ReadersBusy."""
        deadline = time.monotonic() + WAIT_S
        self._take(person, deadline)
        began = time.monotonic()
        try:
            with self._alone(deadline):
                began = time.monotonic()
                yield
        finally:
            self._leave(person, time.monotonic() - began)

    def _take(self, person: str, deadline: float) -> None:
        with self._changed:
            self._waiting.append(person)
            try:
                while self._taken or min(self._waiting, key=self._time_of) != person:
                    if not self._changed.wait(deadline - time.monotonic()):
                        raise ReadersBusy
                self._taken = True
            finally:
                self._waiting.remove(person)
                self._changed.notify_all()

    def _leave(self, person: str, seconds: float) -> None:
        with self._changed:
            self._taken = False
            self._spent[person] = (self._time_of(person) + seconds, time.monotonic())
            if len(self._spent) > REMEMBERED:
                self._spent = {who: self._spent[who] for who in self._spent if self._time_of(who) > 1}
            self._changed.notify_all()

    def _time_of(self, person: str) -> float:
        seconds, counted = self._spent.get(person, (0.0, 0.0))
        return seconds * math.pow(0.5, (time.monotonic() - counted) / HALVED_S)

    @contextlib.contextmanager
    def _alone(self, deadline: float) -> Iterator[None]:
        """While no other process that shares the place reads a file."""
        if self._among is None:
            yield
            return
        while not _locked(self._among):
            if time.monotonic() > deadline:
                raise ReadersBusy
            time.sleep(LOOK_S)
        try:
            yield
        finally:
            fcntl.lockf(self._among, fcntl.LOCK_UN)


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


PLACES = Places()
