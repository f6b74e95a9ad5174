"""Who acts at the moment, and from where: said once at each door, read by whatever is recorded behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Acting(NamedTuple):
    """`actor` as in events (`staff/p14`). `origin`: a client's address, `cli:USER` for a terminal, `process` for what
    a process does unasked. `trace`: that of the request."""

    actor: str
    origin: str
    trace: str | None = None


# Who came with no token, or with none that says who it is.
NOBODY = "anonymous"
# Nobody asked: a background loop, or a program that uses the code itself.
PROCESS = Acting("service/cchc", "process")

acting: ContextVar[Acting] = ContextVar("acting", default=PROCESS)


@contextmanager
def act_as(who: Acting) -> Iterator[None]:
    """Whatever is recorded inside is done by `who`."""
    before = acting.get()
    acting.set(who)
    try:
        yield
    finally:
        acting.set(before)
