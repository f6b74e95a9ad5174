"""One seeded scheduler: it alone decides which fiber goes on, and when. There are no threads, and time is a number.

A fiber is a loop of the real code in a greenlet. It gives way wherever it would wait for the world: at a statement, a
message, a request, a pause. Between two such places nothing else happens, as on a machine with one core.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from zlib import crc32

import greenlet

# The last steps that a failing run prints.
REMEMBERED = 60

# A run that needs more is in a loop that does not wait.
MOST_STEPS = 400_000


class Killed(BaseException):
    """The process of a fiber has ended: nothing that the fiber still does has any effect."""


class Fiber:
    """`owner` is the process that it belongs to; None for the world outside."""

    def __init__(self, name: str, function: Callable[[], object], owner: Any, hub: greenlet.greenlet) -> None:
        self.name = name
        self.owner = owner
        self.turn = 0  # which of its entries in the queue still counts
        self.at = 0.0
        self.joined: set[Fiber] = set()
        self.greenlet = greenlet.greenlet(lambda: _until_killed(function), hub)

    @property
    def ended(self) -> bool:
        return bool(self.greenlet.dead)


def _until_killed(function: Callable[[], object]) -> None:
    with suppress(Killed):
        function()


class Scheduler:
    """The queue of what happens next. The same seed gives the same run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.steps = 0
        self.trace: deque[str] = deque(maxlen=REMEMBERED)
        self.faults: Counter[str] = Counter()
        self.current: Fiber | None = None
        self._queue: list[tuple[float, int, int, Fiber | Callable[[], object]]] = []
        self._count = 0
        self._hub = greenlet.getcurrent()
        self.digest = 0
        self.violation: AssertionError | None = None

    # What fibers call

    def pause(self, seconds: float = 0.0) -> None:
        """Let others go on; come back after `seconds`."""
        if self.current is None:
            return  # a look from outside: the oracle reads
        fiber = self.current
        self._must_live(fiber)
        self._push(self.now + seconds, fiber)
        self._give_way(fiber)

    def wait(self, seconds: float, sleepers: "set[Fiber]") -> None:
        """Pause until somebody wakes the `sleepers`, at most `seconds`."""
        fiber = self.current
        assert fiber is not None
        sleepers.add(fiber)
        try:
            self.pause(seconds)
        finally:
            sleepers.discard(fiber)

    def wake(self, sleepers: "set[Fiber]", seconds: float = 0.0) -> None:
        for fiber in sorted(sleepers, key=lambda each: each.name):
            if fiber.at > self.now + seconds:
                self._push(self.now + seconds, fiber)

    def spawn(self, name: str, function: Callable[[], object], owner: Any = None, seconds: float = 0.0) -> Fiber:
        fiber = Fiber(name, function, owner, self._hub)
        if owner:
            owner.fibers.append(fiber)
        self._push(self.now + seconds, fiber)
        return fiber

    def later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call a function that does not wait."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, 0, function))

    def say(self, what: str) -> None:
        who = self.current.name if self.current else "·"
        self.trace.append(f"{self.now:10.3f}  {who}: {what}")

    def fault(self, kind: str, what: str) -> None:
        self.faults[kind] += 1
        self.say(f"** {kind}: {what}")

    # What the run calls

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Go on to a moment, or until `done`."""
        while self._queue and self._queue[0][0] <= until and not done():
            self.step()
            if self.violation:
                raise self.violation
        if not done():
            self.now = max(self.now, until)

    def step(self) -> None:
        at, _, turn, what = heapq.heappop(self._queue)
        if not isinstance(what, Fiber):
            self.now = max(self.now, at)
            what()
            return
        if turn != what.turn or what.ended:
            return
        thaw = what.owner.frozen_until if what.owner else 0.0
        self.now = max(self.now, at)
        if thaw > self.now and not what.owner.dead:
            self._push(thaw, what)
            return
        self.steps += 1
        self.digest = crc32(f"{at} {what.name}".encode(), self.digest)
        if self.steps > MOST_STEPS:
            raise AssertionError(f"more than {MOST_STEPS} steps: {what.name} does not wait")
        self.current = what
        try:
            if what.owner and what.owner.dead:
                self._end(what)
            else:
                what.greenlet.switch()
        finally:
            self.current = None
        if what.ended:
            self.wake(what.joined)

    def end(self, owner: Any) -> None:
        """Let the fibers of a dead process find out at once."""
        for fiber in owner.fibers:
            if fiber is not self.current and not fiber.ended:
                self._push(self.now, fiber)

    def thaw(self) -> None:
        """Frozen processes go on: what they waited for was meanwhile queued for their thaw."""
        for _, _, turn, what in list(self._queue):
            if isinstance(what, Fiber) and turn == what.turn and what.owner and what.owner.frozen_at:
                self._push(min(what.at, self.now + self.random.random()), what)

    def close(self) -> None:
        """Unwind all fibers."""
        for _, _, _, what in sorted(self._queue, key=lambda entry: entry[:3]):
            if isinstance(what, Fiber) and not what.ended:
                self.current = what
                if what.owner:
                    what.owner.dead = True
                self._end(what)
        self.current = None
        self._queue.clear()

    # Inside

    def _push(self, at: float, fiber: Fiber) -> None:
        self._count += 1
        fiber.turn += 1
        fiber.at = at
        heapq.heappush(self._queue, (at, self._count, fiber.turn, fiber))

    def _give_way(self, fiber: Fiber) -> None:
        self._hub.switch()
        self._must_live(fiber)

    def _must_live(self, fiber: Fiber) -> None:
        if fiber.owner is not None and fiber.owner.dead:
            raise Killed

    def _end(self, fiber: Fiber) -> None:
        with suppress(Killed):  # it may not have begun
            fiber.greenlet.throw(Killed)
        if not fiber.ended:
            raise AssertionError(f"{fiber.name} swallows its end")
