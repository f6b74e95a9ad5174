"""A service's background process: its loops in threads, until it is told to stop or one of them fails."""

import faulthandler
import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random, SystemRandom

import msgspec

from shared.awake import awake_s
from shared.metrics import Sample

Loop = Callable[[threading.Event], None]
IsOurs = Callable[[str], bool]  # commune → should this process look after it?

logger = logging.getLogger(__name__)

# A worker holds tens of thousands of records, which have no cycles. With Python's default thresholds (700, 10, 10) each
# poll would make the collector walk through all of them many times a second.
COLLECTOR_THRESHOLDS = (100_000, 20, 20)

# How long all loops together may take to finish what they have begun. The longest single steps are a mail server's
# answer (20 s), a batch that the broker does not acknowledge (30 s) and a commune's rebuild (seconds). What takes
# longer is cut off, and done again at the next start. A supervisor must wait longer than this before it kills.
DRAIN_S = 40.0

# A loop asks whether to stop at least once a minute; the longest single step is far below this.
SILENT_S = 300.0


class Unwell(RuntimeError):
    """What a check finds wrong with a loop, in our words."""


class Stop(threading.Event):
    """The word to stop, given to one loop, which shows that it is alive by asking for it at each turn."""

    def __init__(self, clock: Callable[[], float] = awake_s) -> None:
        super().__init__()
        self._clock = clock
        self._asked_at = clock()
        self._pauses = False
        self._sleeping: list[threading.Event] = []

    def wake(self, event: threading.Event) -> None:
        """Set this event too when told to stop: the loop sleeps on it."""
        self._sleeping.append(event)
        if super().is_set():
            event.set()

    def set(self) -> None:
        super().set()
        for event in self._sleeping:
            event.set()

    def is_set(self) -> bool:
        self._asked_at = self._clock()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """As threading.Event. Whoever waits here is alive, however long the pause."""
        self._pauses = True
        try:
            return super().wait(timeout)
        finally:
            self._asked_at = self._clock()
            self._pauses = False

    def silent_s(self) -> float:
        """Seconds since the loop last asked for it, while this process ran."""
        return 0.0 if self._pauses else self._clock() - self._asked_at


class Machine(msgspec.Struct, frozen=True):
    """What a process runs on: its time, its threads and the word to stop them, its chance and its end. A simulation
    brings its own."""

    monotonic: Callable[[], float] = time.monotonic
    thread: Callable[..., threading.Thread] = threading.Thread
    stop: Callable[[], Stop] = Stop
    chance: Random = SystemRandom()
    exit: Callable[[int], object] = os._exit


MACHINE = Machine()


def all_communes(_commune: str) -> bool:
    """What a process that shares the work with no other looks after: every commune."""
    return True


class Loops:
    """Loops by `<service>.<name>`, each in its thread. One that raises stops the others; the process is to restart."""

    def __init__(self, loops: Mapping[str, Loop], machine: Machine = MACHINE) -> None:
        self.stopping = machine.stop()
        self.failure: BaseException | None = None
        self._monotonic = machine.monotonic
        self._stops = {name: machine.stop() for name in loops}
        self._threads = {
            name: machine.thread(target=self._run, args=(name, loop), name=name, daemon=True)
            for name, loop in loops.items()
        }

    def start(self) -> None:
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        for thread in self._threads.values():
            thread.start()

    def ask_to_stop(self) -> None:
        self.stopping.set()
        for stop in self._stops.values():
            stop.set()

    def stop(self) -> bool:
        """Ask all loops to end and wait for them; return whether they did, and dump the stacks if not."""
        self.ask_to_stop()
        end = self._monotonic() + DRAIN_S
        for thread in self._threads.values():
            thread.join(max(0.0, end - self._monotonic()))
        late = [thread.name for thread in self._threads.values() if thread.is_alive()]
        if late:
            logger.error("does not end within %g s: %s", DRAIN_S, ", ".join(late))
            faulthandler.dump_traceback()
        return not late

    def silent(self, seconds: float | None = None) -> list[str]:
        """The loops that seem to hang: they have asked for nothing for so long, without it SILENT_S."""
        most = SILENT_S if seconds is None else seconds
        return [name for name, stop in self._stops.items() if stop.silent_s() > most]

    def checks(self) -> dict[str, Callable[[], None]]:
        """Does each loop run, and go on? For /livez."""
        return {name: partial(self._check, name) for name in self._threads}

    def measure(self) -> Iterator[Sample]:
        for name, thread in self._threads.items():
            service, _, loop = name.partition(".")
            yield Sample("cchc_loop_up", (service, loop), thread.is_alive())
            yield Sample("cchc_loop_silent_seconds", (service, loop), self._stops[name].silent_s())

    def _check(self, name: str) -> None:
        if not self._threads[name].is_alive():
            raise Unwell(f"loop {name} does not run")
        if name in self.silent():
            raise Unwell(f"loop {name} has begun no turn for {SILENT_S:g} s")

    def _run(self, name: str, loop: Loop) -> None:
        try:
            loop(self._stops[name])
        except BaseException as error:
            logger.exception("loop %s failed", name)
            self.failure = error
            self.ask_to_stop()
