"""A clock that stands still while this process does: whoever was suspended has not been silent meanwhile."""

import os
import threading
import time

TICK_S = 1.0


class _Clock:
    """The monotonic clock without the time in which nothing here ran, which late ticks show: the process was stopped
    (SIGSTOP, a paused container), or was given no CPU."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0.0
        self._ticked = 0.0
        self._ticks = False

    def __call__(self) -> float:
        with self._lock:
            if not self._ticks:
                self._ticked, self._ticks = time.monotonic(), True
                threading.Thread(target=self._tick, name="awake", daemon=True).start()
            return min(time.monotonic(), self._ticked + 2 * TICK_S) - self._lost

    def _tick(self) -> None:
        while True:
            time.sleep(TICK_S)
            with self._lock:
                now = time.monotonic()
                self._lost += max(0.0, now - self._ticked - 2 * TICK_S)
                self._ticked = now


awake_s = _Clock()

# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=awake_s.begin)
