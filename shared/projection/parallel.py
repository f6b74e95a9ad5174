"""A rebuild over several processes: communes do not depend on each other, and each is a transaction of its own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from shared.eventlog import Busy
from shared.projection.runner import Progress, Runner

_opened: Runner | None = None


def rebuild(
    open_runner: Callable[[], Runner], communes: Iterable[str], jobs: int, progress: Progress | None = None
) -> int:
    """As `Runner.rebuild`, commune by commune in `jobs` processes. Returns how many events were folded.

    Each process calls `open_runner`, which is pickled, once: neither connections nor threads outlive a fork.
    """
    todo = sorted(communes)
    folded = 0
    # Spawned, since forked processes would share this one's database connections.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_open, initargs=(open_runner,)) as pool:
        running = {pool.submit(_rebuild, commune): commune for commune in todo}
        for done, future in enumerate(as_completed(running), 1):
            folded += future.result()
            if progress:
                progress(running[future], done, len(todo))
    return folded


def _open(open_runner: Callable[[], Runner]) -> None:
    global _opened  # noqa: PLW0603 (what a worker process holds from task to task)
    _opened = open_runner()


def _rebuild(commune: str) -> int:
    if _opened is None:
        raise RuntimeError("a worker rebuilds before it was opened")
    while True:
        try:
            return _opened.rebuild([commune])
        except Busy:
            continue  # SQLite lets one process write at a time and does not queue the others
