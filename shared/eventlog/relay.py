"""The relay publishes what follows its cursor, per commune and in order; the log is the outbox."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
from kafka.errors import BrokerResponseError, KafkaError, RequestTimedOutError
from sqlalchemy.exc import SQLAlchemyError

from shared.decoding import decoder
from shared.eventlog.broker import Broker, Producer, Sent
from shared.eventlog.chain import read_link
from shared.eventlog.database import EVERY_COMMUNE, reading, run, writing
from shared.eventlog.errors import Busy
from shared.eventlog.kafka import TopicMissing, partition_of, topic_name
from shared.eventlog.log import Log
from shared.eventlog.traces import TRACEPARENT, traced
from shared.events import event_hash
from shared.said import said_of
from shared.wake import Waiting
from shared.worker import MACHINE, Machine

logger = logging.getLogger(__name__)

BATCH = 500
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


class RestoreUnfinished(Exception):
    """The topic holds events that the store does not: a restored backup lacks what was published after it was taken."""

    def __init__(self, topic: str, commune: str, position: int, held: int) -> None:
        ahead = f"holds {commune} up to {position}, the store up to {held}: the restore is unfinished"
        other = f"holds another event {commune}/{position} than the store"
        super().__init__(f"{topic} {ahead if position > held else other}")
        self.topic, self.commune, self.position, self.held = topic, commune, position, held


def compare_tail(
    log: Log, broker: Broker, topic: str, heard: Callable[[], object] = lambda: None, *, last: int = TAIL
) -> None:
    """Compare each commune's newest event among the `last` records of each partition with the store; `heard` is called
    with each batch of them.

    Raises RestoreUnfinished when the store lacks one, or holds another in its place.
    """
    newest: dict[str, tuple[int, bytes]] = {}
    for records in broker.read_topic(topic, last=last):
        heard()
        for record in records:
            try:
                link = read_link(record.value)
            except msgspec.DecodeError:
                continue
            ours = link.source == f"/{log.source}" and record.key == link.commune.encode()
            if ours and link.position >= newest.get(link.commune, (0, b""))[0]:
                newest[link.commune] = link.position, record.value
    heads = log.heads()
    for commune, (position, body) in newest.items():
        held = heads[commune].position if commune in heads else 0
        if position > held or event_hash(log.read(commune, position - 1, 1)[0]) != event_hash(body):
            raise RestoreUnfinished(topic, commune, position, held)


class RelayStatus(msgspec.Struct):
    """What the relay has done since it started, and what is stopping it."""

    published: int = 0
    refused: dict[str, str] = {}  # commune → why its next event is not taken by the broker
    problem: str | None = None


class Relay:
    """Publishes one service's own log. Any number may run at once: the repeats that this makes change nothing."""

    def __init__(
        self,
        log: Log,
        broker: Broker,
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
                self._move(here, dict.fromkeys(here, 0))
        if not self._tail_compared:
            compare_tail(self.log, self.broker, self.topic, self._heard)
            self._tail_compared = True
        self._asking_since = None
        self._checked_at = self._monotonic()

    def _publish(self, cursors: Mapping[str, int]) -> int:
        """Publish one batch of each commune. A commune whose batch fails is tried again later; the others continue."""
        self._ask()
        sent = {commune: self._send(commune, self.log.read(commune, at, BATCH)) for commune, at in cursors.items()}
        # One deadline for all: a broker that is away answers none of them.
        self._deadline = self._monotonic() + self._delivery_timeout_s * 2
        acknowledged = {}
        failures = {}
        for commune, futures in sent.items():
            problems = [self._problem(future) for future in futures]
            first = next(((before, problem) for before, problem in enumerate(problems) if problem), None)
            acknowledged[commune] = cursors[commune] + (first[0] if first else len(problems))
            if first:
                failures[commune] = first[1]
        if not any(map(_silent, failures.values())):
            self._asking_since = None
        self._move(cursors, acknowledged)
        for commune in cursors:
            self._retry_at.pop(commune, None)
            self.status.refused.pop(commune, None)
        if failures:
            # A producer does not recover from a rejected record or a long outage.
            self._close()
            again = self._monotonic() + self._retry_s
            for commune, failure in failures.items():
                reason = said_of(failure)
                [event] = self.log.read(commune, acknowledged[commune], 1)
                position = acknowledged[commune] + 1
                logger.warning("%s: %s/%d: %s", self.topic, commune, position, reason, extra=traced(event))
                self._retry_at[commune] = again
                self.status.refused[commune] = f"{acknowledged[commune] + 1}: {reason}"
        count = sum(acknowledged.values()) - sum(cursors.values())
        self.status.published += count
        return count

    def _send(self, commune: str, bodies: Sequence[bytes]) -> list[Sent | KafkaError]:
        futures: list[Sent | KafkaError] = []
        if self._producer is None:
            self._producer = self.broker.producer(self._delivery_timeout_s)
        for body in bodies:
            try:
                futures.append(self._producer.send(self.topic, body, commune.encode(), _headers(body)))
            except KafkaError as error:
                futures.append(error)
                break
        return futures

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

    def _behind(self) -> dict[str, int]:
        with reading(self.log.engine, EVERY_COMMUNE) as connection:
            return dict(run(connection, _BEHIND, [self.log.source]).fetchall())

    def _move(self, old: Mapping[str, int], new: Mapping[str, int]) -> None:
        """Compare and set: if another relay has moved a cursor meanwhile, its position stands."""
        with writing(self.log.engine, EVERY_COMMUNE) as connection:
            for commune, position in new.items():
                if position != old[commune]:
                    run(connection, _FIRST_CURSOR, [self.log.source, commune])
                    run(connection, _MOVE, [position, self.log.source, commune, old[commune]])


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
    "SELECT heads.commune, coalesce(cursors.position, 0) FROM heads LEFT JOIN cursors"
    " ON cursors.source = heads.source AND cursors.commune = heads.commune"
    " WHERE heads.source = ? AND heads.position > coalesce(cursors.position, 0)"
)
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
_MOVE = "UPDATE cursors SET position = ? WHERE source = ? AND commune = ? AND position = ?"
