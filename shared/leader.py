"""Loops that only one of several processes runs, until it is gone, stuck or cut off, and another takes over."""

import logging
import math
import threading
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog.errors import Busy, Deposed
from shared.eventlog.fencing import Fence, fence
from shared.lease import Lease
from shared.said import said_of
from shared.worker import MACHINE, Loop, Loops, Machine, Unwell

logger = logging.getLogger(__name__)

# How soon a waiting process sees that the lease is free.
LOOK_S = 1.0

# A loop that asks for nothing this long hangs. Every loop of a leader asks at least for each commune.
HUNG_S = 10.0


class Leader:
    """Runs `loops` while this process holds the lease; another waits.

    It renews the lease while the loops go on and nothing has `stalled` them. Otherwise it lets another take the lease
    that nothing makes `unable` to, and goes on itself if none does. Both say what is wrong, or None. Without a lease,
    as on SQLite, every process runs the loops.
    """

    def __init__(
        self,
        name: str,
        lease: Lease | None,
        loops: Mapping[str, Loop],
        *,
        stalled: Callable[[], str | None] = lambda: None,
        unable: Callable[[], str | None] = lambda: None,
        machine: Machine = MACHINE,
    ) -> None:
        self.name = name
        self._lease = lease
        self._loops = loops
        self._machine = machine
        self._stalled = stalled
        self._unable = unable
        self._leads_until = -math.inf
        self.problem: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Lead whenever nobody else does. Raises what a loop raised, and Unwell for one that does not end."""
        while not stop.is_set():
            try:
                leads = self._take()
            except (SQLAlchemyError, Busy) as error:
                logger.warning("%s waits for the database: %s", self.name, said_of(error))
                leads = False
            if leads:
                self._lead(stop)
            else:
                stop.wait(LOOK_S)

    def leads(self) -> bool:
        """Does this process hold the lease, as far as it can know, and does its work go on?"""
        return self.problem is None and self._machine.monotonic() < self._leads_until

    def is_led(self) -> bool:
        """Does any process hold it? Asks the database; raises its errors."""
        return self.leads() or (self._lease is not None and not self._lease.is_free())

    def _take(self) -> bool:
        if self._lease is None:
            self._leads_until = math.inf
            return True
        if not self._lease.is_free():
            self.problem = None
            return False
        before, self.problem = self.problem, self._unable()
        if self.problem and self.problem != before:
            logger.warning("%s is not taken over: %s", self.name, self.problem)
        return not self.problem and self._hold(self._lease, self._lease.take)

    def _hold(self, lease: Lease, act: Callable[[], bool]) -> bool:
        begun = self._machine.monotonic()
        holds = act()
        self._leads_until = begun + lease.lasts_s if holds else -math.inf
        return holds

    def _lead(self, stop: threading.Event) -> None:
        logger.info("this process runs %s", ", ".join(self._loops))
        deposed = threading.Event()
        fenced = self._lease.fence() if self._lease else None
        running = Loops({name: _behind(fenced, loop, deposed) for name, loop in self._loops.items()}, self._machine)
        running.start()
        pause = self._lease.lasts_s / 4 if self._lease else LOOK_S
        try:
            while not (stop.wait(pause) or running.stopping.is_set() or deposed.is_set()):
                self._keep(running, deposed)
        finally:
            ended = running.stop()
            self._leads_until = -math.inf
            self.problem = None
        if deposed.is_set():
            logger.warning("another process runs %s by now", ", ".join(self._loops))
        elif self._lease:
            self._leave(self._lease)
        if running.failure:
            raise running.failure
        if not ended:
            raise Unwell(f"{self.name}: a loop does not end")

    def _keep(self, running: Loops, deposed: threading.Event) -> None:
        """Renew the lease or, while the work does not go on, leave it to others."""
        if silent := running.silent():
            raise Unwell(f"does not go on: {', '.join(silent)}")
        hung = running.silent(HUNG_S)
        problem = f"does not go on: {', '.join(hung)}" if hung else self._stalled()
        if problem and not self.problem:
            logger.warning("%s may be taken over: %s", self.name, problem)
        self.problem = problem
        if self._lease is None:
            return
        try:
            mine = self._lease.let_go() if problem else self._hold(self._lease, self._lease.renew)
        except (SQLAlchemyError, Busy) as error:
            logger.warning("%s waits for the database: %s", self.name, said_of(error))
            return
        if not mine:
            deposed.set()

    def _leave(self, lease: Lease) -> None:
        try:
            lease.let_go()
        except (SQLAlchemyError, Busy) as error:
            logger.warning("the lease %s expires by itself: %s", self.name, said_of(error))


def _behind(fenced: Fence | None, loop: Loop, deposed: threading.Event) -> Loop:
    """The loop in a thread whose writes count only while the lease is held."""

    def run(stop: threading.Event) -> None:
        fence.set(fenced)
        try:
            loop(stop)
        except Deposed:
            deposed.set()

    return run
