"""What must still hold for a write to count: who no longer leads writes nothing, however late it wakes up."""

from contextvars import ContextVar
from typing import NamedTuple

from sqlalchemy import URL


class Fence(NamedTuple):
    """Writes to the database of `url` first run this query, which locks a row. Without one they raise Deposed."""

    url: URL
    query: tuple[str, tuple[object, ...]]


# None in every thread but those of the loops that a leader runs (shared/leader.py).
fence: ContextVar[Fence | None] = ContextVar("fence", default=None)
