"""What the request under way may still store: whoever stores something says how much before it is written."""

from contextvars import ContextVar
from typing import Protocol


class Purse(Protocol):
    """The budgets of whoever asks (shared/budgets). Both raise what answers them that it is too much."""

    def must_afford(self, text: int) -> None:
        """May so many bytes of text be stored? Nothing is charged."""

    def pay(self, *, text: int = 0, files: int = 0) -> None:
        """Charge so many bytes, which are stored next."""


# None where nobody asks: a reactor, the command line.
purse: ContextVar[Purse | None] = ContextVar("purse", default=None)


def spend(*, files: int) -> None:
    """What is stored beside the log is charged too. Raises what the purse raises."""
    if paying := purse.get():
        paying.pay(files=files)
