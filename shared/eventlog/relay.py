"""The relay publishes what follows its cursor, per commune and in order; the log is the outbox."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec
from kafka.errors import BrokerResponseError, KafkaError, RequestTimedOutError
from sqlalchemy.exc import SQLAlchemyError

from shared.decoding import decoder
from shared.eventlog.broker import Broker, Producer, Sent
from shared.eventlog.database import EVERY_COMMUNE, reading, run, writing
from shared.eventlog.errors import Busy
from shared.eventlog.kafka import TopicMissing, partition_of, topic_name
from shared.eventlog.log import Log
from shared.eventlog.seals import HEADER, Keys, make_seal
from shared.eventlog.traces import TRACEPARENT, traced
from shared.eventlog.unsealed import Candidate, different, link_of
from shared.events import event_hash
from shared.keys import KeyPair
from shared.said import said_of
from shared.wake import Waiting
from shared.worker import MACHINE, Machine

logger = logging.getLogger(__name__)

BATCH = 500
# The last event of each batch has a seal, and one in so many bytes: what waits for a seal is little.
SEALED_EVERY = 256 * 1024
POLL_S = 0.05
SETTLE_S = 0.01  # what is recorded at nearly the same time is published in one batch
LOOK_S = 1.0  # when nothing is recorded: batches that the broker refused are tried again
RETRY_S = 1.0

# A broker that has answered nothing for so long may answer another process.
STALLED_S = 5.0

# How often a relay that waits for the broker looks whether it is to stop.
TURN_S = 0.5

# Longer than a broker's restart, shorter than what a person would call a hang.
DELIVERY_TIMEOUT_S = 30.0

# How often a relay, idle or busy, checks whether the topic was recreated.
TOPIC_CHECK_S = 60.0

# How far back from its end each partition is compared with the store. Relays repeat at most a batch per commune, so
# that the newest events of every commune lie within this.
TAIL = 20_000

# How many sealed events of a commune, the last ones on the topic, are compared with what the store holds there.
RECENT = 20


class RestoreUnfinished(Exception):
    """The topic holds events that the store does not: a restored backup lacks what was published after it was taken."""

    def __init__(self, topic: str, commune: str, position: int, held: int) -> None:
        ahead = f"holds {commune} up to {position}, the store up to {held}: the restore is unfinished"
        other = f"holds another event {commune}/{position} than the store"
        super().__init__(f"{topic} {ahead if position > held else other}")
        self.topic, self.commune, self.position, self.held = topic, commune, position, held


def compare_tail(
    log: Log, broker: Broker, keys: Keys, topic: str, heard: Callable[[], object] = lambda: None, *, last: int = TAIL
) -> None:
    """Compare what the owner sealed among the `last` records of each partition with the store; `heard` is called with
    each batch of them.

    Raises RestoreUnfinished when the store lacks an event that is vouched for, or holds another in its place. Where
    nothing was ever sealed, the newest event of each commune counts as it stands, whoever may have published it: former
    releases sealed nothing, and no acknowledged event may be lost.
    """
    heads = log.heads()
    newest: dict[str, Candidate] = {}
    sealed: dict[str, deque[Candidate]] = {}
    beyond: dict[str, Candidate] = {}
    vouched = _has_sealed(log)
    for records in broker.read_topic(topic, last=last):
        heard()
        for record in records:
            link = link_of(record, log.source)
            if isinstance(link, str):
                continue
            commune, candidate = link.commune, Candidate(record, link)
            if commune not in newest or link.position >= newest[commune].link.position:
                newest[commune] = candidate
            if candidate.seal is None:
                continue
            held = heads[commune].position if commune in heads else 0
            if link.position <= held:
                sealed.setdefault(commune, deque(maxlen=RECENT)).append(candidate)
            elif commune in beyond and link.position <= beyond[commune].link.position:
                continue
            elif candidate.is_vouched(keys):
                beyond[commune] = candidate
    vouched = vouched or bool(beyond) or any(each.is_vouched(keys) for there in sealed.values() for each in there)
    for commune in sorted(newest):
        wrong = beyond.get(commune)
        if wrong is None and vouched:
            others = different(log, commune, sealed.get(commune, ()))
            wrong = next((each for each in others if each.is_vouched(keys)), None)
        elif wrong is None:
            wrong = next(iter(different(log, commune, [newest[commune]])), None)
        if wrong:
            held = heads[commune].position if commune in heads else 0
            raise RestoreUnfinished(topic, commune, wrong.link.position, held)


def _has_sealed(log: Log) -> bool:
    with reading(log.engine, EVERY_COMMUNE) as connection:
        return run(connection, _SEALED, [log.source]).fetchone() is not None


class Cursor(NamedTuple):
    """How far a commune's events are acknowledged by the broker, and up to where a seal vouches for them."""

    position: int
    sealed: int


NOTHING = Cursor(0, 0)


class RelayStatus(msgspec.Struct):
    """What the relay has done since it started, and what is stopping it."""

    published: int = 0
    refused: dict[str, str] = {}  # commune → why its next event is not taken by the broker
    problem: str | None = None


class Relay:
    """Publishes one service's own log, sealed with its `key`; `keys` are this and former ones. Any number may run at
    once: the repeats that this makes change nothing."""

    def __init__(
        self,
        log: Log,
        broker: Broker,
        key: KeyPair,
        keys: Keys,
        *,
        topic: str | None = None,
        machine: Machine = MACHINE,
        poll_s: float = POLL_S,
        retry_s: float = RETRY_S,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
        topic_check_s: float = TOPIC_CHECK_S,
    ) -> None:
        self.log = log
        self.broker = broker
        self.key = key
        self.keys = keys
        self.topic = topic or topic_name(log.source)
        self.status = RelayStatus()
        self._monotonic = machine.monotonic
        self._poll_s = poll_s
        self._retry_s = retry_s
        self._delivery_timeout_s = delivery_timeout_s
        self._topic_check_s = topic_check_s
        self._producer: Producer | None = None
        self._stop = threading.Event()
        self._asking_since: float | None = None  # the broker owes an answer
        self._deadline = 0.0  # for the broker's answers to a batch
        self._checked_at = float("-inf")
        self._tail_compared = False
        # Communes whose last batch failed, and when each is tried again. Each is tried alone, since one refused record
        # can fail its neighbours in the same partition.
        self._retry_at: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop. Raises RestoreUnfinished; everything else is tried again."""
        self._stop = stop
        try:
            with Waiting(self.log.engine) as waiting:
                while not stop.is_set():
                    try:
                        published = self.step()
                        self.status.problem = None
                    except (KafkaError, TopicMissing, SQLAlchemyError, Busy) as error:
                        if not _silent(error):
                            self._asking_since = None
                        self._wait_for(error, stop)
                        continue
                    if not published:
                        waiting.sleep(stop, self._poll_s, settle_s=SETTLE_S, most_s=LOOK_S)
        finally:
            self._asking_since = None
            self._close()

    def stalled(self) -> str | None:
        """Why it does not go on, though another process might: the broker has not answered for a while."""
        since = self._asking_since
        if since is None or self._monotonic() - since < STALLED_S:
            return None
        return self.status.problem or "the broker does not answer"

    def unable(self) -> str | None:
        """Why this process could not relay now."""
        try:
            self.broker.end_offsets(self.topic)
        except (KafkaError, TopicMissing) as error:
            return said_of(error)
        return None

    def step(self) -> int:
        """Publish up to one batch of every commune that is behind; returns how many events were acknowledged."""
        now = self._monotonic()
        # Also when nothing is behind: a recreated topic is filled before its next event.
        if now - self._checked_at >= self._topic_check_s:
            self.check_topic()
        behind = self._behind()
        ready = {commune: at for commune, at in behind.items() if self._retry_at.get(commune, now) <= now}
        together = {commune: at for commune, at in ready.items() if commune not in self._retry_at}
        alone = [{commune: at} for commune, at in ready.items() if commune in self._retry_at]
        return sum(self._publish(cursors) for cursors in [together, *alone] if cursors)

    def check_topic(self) -> None:
        """Compare the topic's ends with the store, which is the truth.

        A topic with fewer records than were acknowledged was recreated: everything is published again from the start.
        The first time its newest events are compared too. Raises RestoreUnfinished when the store lacks one of them.
        """
        self._ask()
        ends = self.broker.end_offsets(self.topic)
        self._heard()
        cursors = self.log.published()
        for partition, end in ends.items():
            here = {commune: at for commune, at in cursors.items() if partition_of(commune, len(ends)) == partition}
            if end < sum(here.values()):
                logger.warning(
                    "%s[%d] was recreated: %d communes are published again", self.topic, partition, len(here)
                )
                self._move({commune: Cursor(at, 0) for commune, at in here.items()}, dict.fromkeys(here, NOTHING))
        if not self._tail_compared:
            compare_tail(self.log, self.broker, self.keys, self.topic, self._heard)
            self._tail_compared = True
        self._asking_since = None
        self._checked_at = self._monotonic()

    def _publish(self, cursors: Mapping[str, Cursor]) -> int:
        """Publish one batch of each commune. A commune whose batch fails is tried again later; the others continue."""
        self._ask()
        sent = {commune: self._send(commune, cursor) for commune, cursor in cursors.items()}
        # One deadline for all: a broker that is away answers none of them.
        self._deadline = self._monotonic() + self._delivery_timeout_s * 2
        reached: dict[str, Cursor] = {}
        failures: dict[str, tuple[int, KafkaError]] = {}
        for commune, messages in sent.items():
            position, sealed = cursors[commune]
            for at, is_sealed, future in messages:
                if problem := self._problem(future):
                    failures.setdefault(commune, (at, problem))
                elif commune not in failures:
                    position, sealed = at, at if is_sealed else sealed
            reached[commune] = Cursor(position, sealed)
        if not any(_silent(problem) for _, problem in failures.values()):
            self._asking_since = None
        self._move(cursors, reached)
        for commune in cursors:
            self._retry_at.pop(commune, None)
            self.status.refused.pop(commune, None)
        if failures:
            # A producer does not recover from a rejected record or a long outage.
            self._close()
            again = self._monotonic() + self._retry_s
            for commune, (at, problem) in failures.items():
                reason = said_of(problem)
                [event] = self.log.read(commune, at - 1, 1)
                logger.warning("%s: %s/%d: %s", self.topic, commune, at, reason, extra=traced(event))
                self._retry_at[commune] = again
                self.status.refused[commune] = f"{at}: {reason}"
        count = sum(reached[commune].position - cursors[commune].position for commune in cursors)
        self.status.published += count
        return count

    def _send(self, commune: str, cursor: Cursor) -> list[tuple[int, bool, Sent | KafkaError]]:
        """Send what follows a cursor: of each event its position, whether it is sealed, and the broker's answer."""
        if self._producer is None:
            self._producer = self.broker.producer(self._delivery_timeout_s)
        sent: list[tuple[int, bool, Sent | KafkaError]] = []
        for at, body, seal in self._sealed(commune, cursor):
            headers = _headers(body)
            if seal:
                headers.append((HEADER, seal))
            try:
                sent.append((at, seal is not None, self._producer.send(self.topic, body, commune.encode(), headers)))
            except KafkaError as error:
                sent.append((at, False, error))
                break
        return sent

    def _sealed(self, commune: str, cursor: Cursor) -> Iterator[tuple[int, bytes, bytes | None]]:
        """A batch of events: position, bytes, and seal where it has one.

        It begins with the last event that was acknowledged, once more, if that has no seal: a batch was cut short, or
        an earlier release published it.
        """
        lacks = cursor.sealed < cursor.position
        bodies = self.log.read(commune, cursor.position - lacks, BATCH + lacks)
        waiting = 0
        for at, body in enumerate(bodies, cursor.position - lacks + 1):
            waiting += len(body)
            seal = None
            if at == cursor.position or waiting >= SEALED_EVERY or at == cursor.position + len(bodies) - lacks:
                seal = make_seal(self.key, self.log.source, commune, at, event_hash(body))
                waiting = 0
            yield at, body, seal

    def _problem(self, future: Sent | KafkaError) -> KafkaError | None:
        """Wait until the broker acknowledges one record; return why it did not, or None."""
        if isinstance(future, KafkaError):
            return future
        # Not flush(): it raises for a batch that kafka-python has split because it was too large.
        while not future.is_done and (left := self._deadline - self._monotonic()) > 0:
            if self._stop.is_set():
                self._deadline = min(self._deadline, self._monotonic() + STALLED_S)
            with suppress(KafkaError):
                future.get(min(left, TURN_S))
        try:
            future.get(0)
        except KafkaError as error:
            return error
        self._heard()
        return None

    def _ask(self) -> None:
        if self._asking_since is None:
            self._heard()

    def _heard(self) -> None:
        self._asking_since = self._monotonic()
        self._stop.is_set()  # shows whoever watches that this loop goes on

    def _close(self) -> None:
        producer, self._producer = self._producer, None
        # With a new producer, compare again what the topic holds.
        self._checked_at = float("-inf")
        if producer:
            producer.close()

    def _wait_for(self, error: Exception, stop: threading.Event) -> None:
        self.status.problem = said_of(error)
        logger.warning("%s waits: %s", self.topic, self.status.problem)
        self._close()
        stop.wait(self._retry_s)

    # SQL

    def backlog(self) -> tuple[int, str | None]:
        """How many events are not acknowledged by the broker, and when the oldest of them was recorded."""
        with reading(self.log.engine, EVERY_COMMUNE) as connection:
            events, oldest = run(connection, _BACKLOG, [self.log.source]).fetchone()
            return int(events), oldest

    def _behind(self) -> dict[str, Cursor]:
        """The communes with something to publish, or to seal."""
        with reading(self.log.engine, EVERY_COMMUNE) as connection:
            rows = run(connection, _BEHIND, [self.log.source]).fetchall()
            return {commune: Cursor(position, sealed) for commune, position, sealed in rows}

    def _move(self, old: Mapping[str, Cursor], new: Mapping[str, Cursor]) -> None:
        """Compare and set: if another relay has moved a cursor meanwhile, its position stands."""
        with writing(self.log.engine, EVERY_COMMUNE) as connection:
            for commune, cursor in new.items():
                if cursor != old[commune]:
                    run(connection, _FIRST_CURSOR, [self.log.source, commune])
                    run(connection, _MOVE, [*cursor, self.log.source, commune, old[commune].position])


def _silent(error: Exception) -> bool:
    """Does it mean that no broker answered?"""
    answered = isinstance(error, BrokerResponseError) and not isinstance(error, RequestTimedOutError)
    return isinstance(error, KafkaError) and not answered


def _headers(body: bytes) -> list[tuple[str, bytes]]:
    attributes = _attributes(body)
    headers = [
        ("content-type", b"application/cloudevents+json"),
        ("ce_type", attributes.type.encode()),
        ("ce_id", attributes.id.encode()),
    ]
    if match := TRACEPARENT.fullmatch(attributes.correlationid or ""):
        headers.append(("traceparent", match[1].encode()))
    return headers


class _Attributes(msgspec.Struct):
    type: str
    id: str
    correlationid: str | None = None


_attributes = decoder(_Attributes)


_BEHIND = (
    "SELECT heads.commune, coalesce(cursors.position, 0), coalesce(cursors.sealed, 0) FROM heads LEFT JOIN cursors"
    " ON cursors.source = heads.source AND cursors.commune = heads.commune"
    " WHERE heads.source = ? AND (heads.position > coalesce(cursors.position, 0) OR cursors.sealed < cursors.position)"
)
_SEALED = "SELECT sealed FROM cursors WHERE source = ? AND sealed > 0 LIMIT 1"
_BACKLOG = (
    "SELECT coalesce(sum(heads.position - coalesce(cursors.position, 0)), 0), min(events.time)"
    " FROM heads LEFT JOIN cursors ON cursors.source = heads.source AND cursors.commune = heads.commune"
    " JOIN events ON events.source = heads.source AND events.commune = heads.commune"
    " AND events.position = coalesce(cursors.position, 0) + 1"
    " WHERE heads.source = ? AND heads.position > coalesce(cursors.position, 0)"
)
_FIRST_CURSOR = (
    "INSERT INTO cursors (source, commune, position) VALUES (?, ?, 0) ON CONFLICT (source, commune) DO NOTHING"
)
_MOVE = "UPDATE cursors SET position = ?, sealed = ? WHERE source = ? AND commune = ? AND position = ?"
