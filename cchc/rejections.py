"""Records on a topic that its owner did not publish: the journal of each service that reads it says how many."""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cchc.services import SERVICES
from shared.eventlog import EVERY_COMMUNE, Busy
from shared.events import format_time
from shared.journal import Wanted, entries, kinds, note
from shared.said import said_of

logger = logging.getLogger(__name__)

# Between two rows of one process: a flood of records fills no disk.
NOTE_EVERY_S = 600.0

# How long status and doctor speak of them.
SHOWN_FOR = timedelta(days=1)


class Rejections:
    """Counts what a replica of `source` rejects, in rows of the journal of the database that holds the replica."""

    def __init__(self, engine: Engine, source: str) -> None:
        self._engine = engine
        self._source = source
        self._count = 0
        self._not_before = float("-inf")

    def add(self, count: int, place: str) -> None:
        """The first ones at once. What cannot be written now is counted in the next row."""
        self._count += count
        if time.monotonic() < self._not_before:
            return
        self._not_before = time.monotonic() + NOTE_EVERY_S
        detail: dict[str, str | int] = {"count": self._count, "last_at": place}
        try:
            note(self._engine, EVERY_COMMUNE, kinds.MESSAGES_REJECTED, [f"log/{self._source}"], detail)
        except (SQLAlchemyError, Busy) as error:
            logger.warning("rejected messages are not in the journal: %s", said_of(error))
            return
        self._count = 0


class Rejected(msgspec.Struct, frozen=True):
    """What a reader rejected of a source's topic in the last day: at least how many, the last when and where."""

    reader: str
    source: str
    count: int
    time: str
    place: str


def rejected_lately(engine: Engine, reader: str, now: datetime) -> Iterator[Rejected]:
    """Of each topic that a reader reads."""
    wanted = Wanted(since=format_time(now - SHOWN_FOR), kind=kinds.MESSAGES_REJECTED.code)
    rows = entries(engine, EVERY_COMMUNE, wanted)
    for source in SERVICES[reader].replicas:
        of_source = [row for row in rows if row.about == [f"log/{source}"]]
        if of_source:
            count = sum(int(row.detail["count"]) for row in of_source)
            yield Rejected(reader, source, count, of_source[0].time, str(of_source[0].detail["last_at"]))
