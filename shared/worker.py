"""A service's background process: its loops in threads, until it is told to stop or one of them fails."""

import faulthandler
import gc
import logging
import threading
from collections.abc import Callable, Mapping

Loop = Callable[[threading.Event], None]
Mine = Callable[[str], bool]  # commune → is it for this process to look after it?

logger = logging.getLogger(__name__)

# A worker holds tens of thousands of records, which have no cycles. With Python's own thresholds (700, 10, 10) the
# records of a poll make the collector walk through all of them many times a second.
COLLECTOR_THRESHOLDS = (100_000, 20, 20)

# How long a loop may take to end what it has begun.
DRAIN_S = 10.0


def all_communes(_commune: str) -> bool:
    """What a process that shares with no other looks after: every commune."""
    return True


class Loops:
    """Named loops, each in its thread; a loop that raises stops the others, and the process is to be restarted."""

    def __init__(self, loops: Mapping[str, Loop]) -> None:
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=name, daemon=True) for name, loop in loops.items()
        ]

    def start(self) -> None:
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask all loops to end and wait for them; a loop that does not is shown with its stack."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(DRAIN_S)
            if thread.is_alive():
                logger.error("loop %s does not end", thread.name)
                faulthandler.dump_traceback()

    def _run(self, loop: Loop) -> None:
        try:
            loop(self.stopping)
        except BaseException as error:
            logger.exception("loop %s failed", threading.current_thread().name)
            self.failure = error
            self.stopping.set()
