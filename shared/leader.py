"""Loops that only one of several processes runs, until it is gone and another takes over."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from shared.worker import MACHINE, Loop, Loops, Machine, Unwell

logger = logging.getLogger(__name__)

# How soon a waiting process takes over, and how soon one that lost its connection stops.
LOOK_S = 1.0


def one_at_a_time(engine: Engine, name: str, loops: Mapping[str, Loop], machine: Machine = MACHINE) -> Loop:
    """A loop that runs `loops` while no other process on this database does so under this name.

    On PostgreSQL this is a session's advisory lock, which the server releases when the connection ends, however the
    process ended. A process that loses the connection has lost the lock and stops. Two may overlap for a moment, and
    the loops must tolerate that. SQLite has no such lock; there every process runs them.
    """

    def run(stop: threading.Event) -> None:
        while not stop.is_set():
            failure = None
            try:
                with _turn(engine, name, stop) as check:
                    if not stop.is_set():
                        failure = _lead(loops, machine, stop, check)
            except SQLAlchemyError as error:
                logger.warning("%s waits for the database: %s", name, error)
                stop.wait(LOOK_S)
            if failure:
                raise failure

    return run


def _lead(
    loops: Mapping[str, Loop], machine: Machine, stop: threading.Event, check: Callable[[], object]
) -> BaseException | None:
    """Run the loops until told to stop, until `check` raises, or until one fails or hangs, which is returned."""
    logger.info("this process runs %s", ", ".join(loops))
    running = Loops(loops, machine)
    running.start()
    try:
        while not stop.wait(LOOK_S) and not running.stopping.is_set():
            check()
            if silent := running.silent():
                return Unwell(f"does not go on: {', '.join(silent)}")
    finally:
        running.stop()
    return running.failure


@contextmanager
def _turn(engine: Engine, name: str, stop: threading.Event) -> Iterator[Callable[[], object]]:
    """Wait for the lock, or to be told to stop; yield a check that raises once the lock is lost."""
    if engine.dialect.name == "sqlite":
        yield lambda: None
        return
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.detach()  # closed at the end, instead of returning to the pool with its lock
        while not (stop.is_set() or session.execute(_TRY, {"key": key}).scalar_one()):
            stop.wait(LOOK_S)
        yield lambda: session.execute(_ASK)


_TRY = text("SELECT pg_try_advisory_lock(:key)")
_ASK = text("SELECT 1")
