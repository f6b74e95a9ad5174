"""Run a check that may hang, such as a database that no longer answers, without piling up threads."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """A check that is waited for only so long. One that hangs is not started again before it has answered: otherwise
    each look at a hanging database would leave one more thread and connection."""

    def __init__(self, check: Callable[[], T]) -> None:
        self._check = check
        self._lock = threading.Lock()
        self._answer: Future[T] | None = None

    def begin(self) -> Future[T]:
        """The answer to come; `result(seconds)` raises TimeoutError, or what the check raised."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                threading.Thread(target=self._run, args=(self._answer,), name="probe", daemon=True).start()
            return self._answer

    def _run(self, answer: Future[T]) -> None:
        try:
            answer.set_result(self._check())
        except BaseException as error:  # noqa: BLE001 - the caller of result() gets it
            answer.set_exception(error)
