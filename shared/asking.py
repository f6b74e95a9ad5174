"""Asking what may hang, such as a database that does not answer any more."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Asking(Generic[T]):
    """A question that is waited for only so long. What hangs is not asked again before it has answered: otherwise each
    probe of a hanging database would leave one more thread and connection."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._answer: Future[T] | None = None

    def begin(self) -> Future[T]:
        """The answer to come; `result(seconds)` raises TimeoutError, or what the question raised."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                threading.Thread(target=self._ask, args=(self._answer,), name="asking", daemon=True).start()
            return self._answer

    def _ask(self, answer: Future[T]) -> None:
        try:
            answer.set_result(self._question())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            answer.set_exception(error)
