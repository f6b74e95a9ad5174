"""Replay: what a fold of some logs gives at given positions. It reads local logs and touches nothing else."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import EMPTY, Busy, ChainBreak, Head, Log
from shared.eventlog.chain import decode_verified
from shared.events import Envelope, event_hash

S = TypeVar("S")


class Fold(Protocol[S]):
    """A pure fold: one event after the other changes the state of a commune in place."""

    @property
    def name(self) -> str: ...
    @property
    def fold_version(self) -> int: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    def empty(self, commune: str) -> S: ...
    def fold(self, state: S, envelope: Envelope) -> None: ...


class Projection(Fold[S], Protocol[S]):
    """A fold whose state is kept as rows. None of these commits, appends or calls out."""

    def load(self, connection: Connection, commune: str) -> S: ...
    def save(self, connection: Connection, commune: str, state: S) -> None: ...
    def replace(self, connection: Connection, commune: str, state: S) -> None: ...


class CannotFold(Exception):
    """An event that cannot be decoded or folded: its commune waits there until the fold is fixed."""

    def __init__(self, source: str, commune: str, position: int, cause: Exception) -> None:
        super().__init__(f"{source}/{commune}/{position}: {type(cause).__name__}: {cause}")
        self.source, self.commune, self.position = source, commune, position


def start(log: Log, commune: str, position: int) -> Head:
    """The head that the event after `position` must follow."""
    if position == 0:
        return EMPTY
    bodies = log.read(commune, position - 1, 1)
    if not bodies:
        raise ChainBreak(log.source, commune, position, "the log ends before the position that was folded")
    return Head(position, event_hash(bodies[0]), "")


def advance(
    fold: Fold[S], state: S, log: Log, commune: str, head: Head, *, until: int | None = None, limit: int | None = None
) -> Head:
    """Fold what follows `head`, verifying the chain, to `until` (default the end) or for `limit` events.

    Raises CannotFold; the state is then half-changed and must be dropped.
    """
    bodies = log.read(commune, head.position, limit) if limit else log.read_all(commune, head.position, until)
    position, previous = head.position, head.hash
    apply = fold.fold
    try:
        for envelope, previous in decode_verified(log.source, commune, head, bodies):  # noqa: B007 (read below)
            apply(state, envelope)
            position += 1
    except (SQLAlchemyError, Busy):
        raise
    except ChainBreak as error:
        # The event before may be what broke the chain here: neither is folded.
        raise CannotFold(log.source, commune, max(position, head.position + 1), error) from error
    except Exception as error:  # a fold is pure: any other error is the event's fault or its own
        raise CannotFold(log.source, commune, position + 1, error) from error
    return Head(position, previous, "")


def replay(fold: Fold[S], logs: Mapping[str, Log], commune: str, until: Mapping[str, int]) -> S:
    """The state at exactly these positions (source → position)."""
    state = fold.empty(commune)
    for source in fold.sources:
        if until[source]:
            advance(fold, state, logs[source], commune, EMPTY, until=until[source])
    return state
