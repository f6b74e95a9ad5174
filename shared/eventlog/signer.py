"""The reactor that signs a log, live only: once a day, and at once after the events that must not wait."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from shared.decoding import decoder
from shared.eventlog.chain import EMPTY, Head, follow
from shared.eventlog.checkpoints import SUBJECT, CheckpointKey, record
from shared.eventlog.errors import Busy, ChainBreak, ClockBehind
from shared.eventlog.log import Log, utcnow
from shared.events import (
    VIETNAM,
    CheckpointSigned,
    MalformedEvent,
    UnknownVersion,
    decode,
    local_day,
)
from shared.wake import Waiting

logger = logging.getLogger(__name__)

PAUSE_S = 1.0


class Signer:
    """Appends `checkpoint.signed` at the first look after midnight in Vietnam when anything else was recorded since
    the last one, and at once after an event of a type in `at_once`: then it also signs how far it holds the logs in
    `rests_on`, which such an event was decided on.

    It compares with its own log first, so that any number of processes may run it.
    """

    def __init__(
        self,
        log: Log,
        key: CheckpointKey,
        *,
        rests_on: Sequence[Log] = (),
        at_once: Collection[str] = (),
        clock: Callable[[], datetime] = utcnow,
    ) -> None:
        self.log = log
        self.key = key
        self.rests_on = rests_on
        self.at_once = frozenset(at_once)
        self.clock = clock
        self._looked_at: dict[str, tuple[Head, date]] = {}

    def run(self, stop: threading.Event) -> None:
        with Waiting(self.log.engine) as waiting:
            while not stop.is_set():
                try:
                    self.step(stop)
                except SQLAlchemyError as error:
                    logger.warning("signing checkpoints of %s waits: %s", self.log.source, error)
                waiting.sleep(stop, PAUSE_S, settle_s=PAUSE_S)

    def step(self, stop: threading.Event | None = None) -> list[CheckpointSigned]:
        """Look at each commune whose log or day moved on, until told to stop; returns what was signed."""
        stop = stop or threading.Event()
        today = self.clock().astimezone(VIETNAM).date()
        signed = []
        for commune, head in self.log.heads().items():
            if stop.is_set():
                break
            if self._looked_at.get(commune) != (head, today):
                try:
                    signed += self._look(commune, head, today)
                except (Busy, ClockBehind) as error:  # of this commune: the others go on
                    logger.warning(
                        "signing checkpoints of %s/%s waits: %s",
                        self.log.source,
                        commune,
                        error,
                        extra={"commune": commune},
                    )
                    continue
                self._looked_at[commune] = (head, today)
        return signed

    def _look(self, commune: str, head: Head, today: date) -> list[CheckpointSigned]:
        try:
            unsigned = unsigned_in(self.log, commune, head, self.at_once)
        except (ChainBreak, MalformedEvent, UnknownVersion, TypeError) as error:  # TypeError: stored as no bytes
            logger.error("a log that is not as it was recorded is not signed: %s", error, extra={"commune": commune})
            return []
        if not unsigned.waits and not (unsigned.anything and unsigned.since < today):
            return []
        held = {log.source: log.head(commune) for log in self.rests_on} if unsigned.waits else {}
        actor = f"service/{self.log.source}"
        return record(self.log, commune, self.key, actor=actor, held=held, seen=unsigned.seen)


class Unsigned(msgspec.Struct, frozen=True):
    """What follows the last checkpoint.

    since     the day of the last checkpoint; without one, that of the first event
    seen      how many checkpoints there are
    anything  is there anything but checkpoints?
    waits     is there an event that must be signed at once?
    """

    since: date
    seen: int
    anything: bool
    waits: bool


def unsigned_in(log: Log, commune: str, head: Head, at_once: Collection[str] = ()) -> Unsigned:
    """What is to be signed up to `head`, which is not empty.

    Raises ChainBreak where what follows the last checkpoint does not fit it, MalformedEvent.
    """
    body = log.last_of(commune, SUBJECT)
    last = decode(body) if body else None
    start = Head(last.data.position, last.data.hash, "") if last else EMPTY
    first = log.read(commune, 0, 1)
    if not first:
        raise ChainBreak(log.source, commune, 1, "sự kiện đầu tiên không còn")
    since = (last or decode(first[0])).time
    anything = waits = False
    for _, link, behind in follow(start, log.read_all(commune, start.position, head.position), log.source, commune):
        anything = anything or link.subject != SUBJECT
        waits = waits or _type(behind).type in at_once
    return Unsigned(local_day(since), last.streamversion if last else 0, anything, waits)


def sign_now(log: Log, commune: str, key: CheckpointKey, actor: str) -> list[CheckpointSigned]:
    """Sign a log's head, unless nothing was recorded since the last checkpoint. Raises as `unsigned_in`."""
    head = log.head(commune)
    if not head.position or not (unsigned := unsigned_in(log, commune, head)).anything:
        return []
    return record(log, commune, key, actor=actor, held={}, seen=unsigned.seen)


class _Type(msgspec.Struct):
    type: str


_type = decoder(_Type)
