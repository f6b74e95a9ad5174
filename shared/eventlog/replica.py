"""The replica's consumer takes over another service's events verbatim: from Kafka, and where needed from its feed."""

import faulthandler
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog.broker import Broker, Consumer, Record
from shared.eventlog.chain import EMPTY, Head, read_link
from shared.eventlog.errors import Ahead, Busy, ChainBreak
from shared.eventlog.feed import FeedError
from shared.eventlog.kafka import partition_of, topic_name
from shared.eventlog.log import Log
from shared.eventlog.traces import traced
from shared.said import said_of
from shared.worker import MACHINE, Machine

logger = logging.getLogger(__name__)

BATCH = 500

# kafka-python starts joining its group again when the broker's answer comes between two polls. A consumer that polls
# for a few milliseconds at a time may never join. What comes ends a poll; this long takes the word to stop.
POLL_S = 1.0
RETRY_S = 1.0
HEADS_S = 60.0

# After this long without a group a worker looks after every commune: doing work twice is harmless, leaving it is not.
ALONE_S = 30.0

# Lag without progress for this long means that the consumer hangs: its supervisor restarts it.
STUCK_S = 300.0
LATE_S = 5.0
STUCK_EXIT_CODE = 70  # EX_SOFTWARE

Fetch = Callable[[str, int, int], list[bytes]]  # commune, after, limit → stored bytes from the owner


class ReplicaStatus(msgspec.Struct):
    """What the consumer has done since it started, and what is wrong."""

    taken: int = 0
    fetched: int = 0
    rejected: int = 0
    last_rejected: str | None = None
    lag: int = 0
    behind: dict[str, int] = {}  # commune → how many events the owner has more, at the last comparison
    broken: dict[str, str] = {}
    problem: str | None = None


class Share(msgspec.Struct, frozen=True):
    """The partitions that the group assigned to this worker, out of `total`, and when it was last in the group
    (monotonic seconds)."""

    partitions: frozenset[int]
    total: int
    at: float

    def holds(self, commune: str) -> bool:
        return self.total == 0 or partition_of(commune, self.total) in self.partitions


class Replica:
    """Keeps `log` (a replica) up with its owner. Any number of workers may share a group; repeats change nothing.

    `fetch` and `owner_heads` are the owner's feed. Without them a gap stays, and shows, until the topic fills it.
    """

    def __init__(
        self,
        log: Log,
        broker: Broker,
        group: str,
        *,
        fetch: Fetch | None = None,
        owner_heads: Callable[[], Mapping[str, Head]] | None = None,
        topic: str | None = None,
        machine: Machine = MACHINE,
        poll_s: float = POLL_S,
        retry_s: float = RETRY_S,
        heads_s: float = HEADS_S,
        alone_s: float = ALONE_S,
        stuck_s: float = STUCK_S,
    ) -> None:
        self.log = log
        self.broker = broker
        self.group = group
        self.topic = topic or topic_name(log.source)
        self.status = ReplicaStatus(broken=log.broken())
        self._fetch = fetch
        self._owner_heads = owner_heads
        self._poll_s = poll_s
        self._retry_s = retry_s
        self._heads_s = heads_s
        self._alone_s = alone_s
        self._stuck_s = stuck_s
        self._machine = machine
        self._monotonic = machine.monotonic
        self._consumer: Consumer | None = None
        self._share = Share(frozenset(), 1, self._monotonic())
        self._compared_at = float("-inf")
        self._moved: set[str] = set()
        self._progress_at = self._monotonic()
        self._stop = threading.Event()

    @property
    def joined(self) -> bool:
        """Has the group assigned it its partitions, even if none?"""
        return self._consumer is not None and self._consumer.assigned is not None

    def run(self, stop: threading.Event) -> None:
        """Take events over until told to stop; wait for whatever is away."""
        self._stop = stop
        ended = self._machine.stop()
        self._machine.thread(target=self._watch, args=(ended,), name=f"watch {self.topic}", daemon=True).start()
        try:
            while not stop.is_set():
                try:
                    self.step()
                    self.status.problem = None
                except (KafkaError, SQLAlchemyError, Busy, FeedError) as error:
                    self.status.problem = said_of(error)
                    logger.warning("replica of %s waits: %s", self.topic, self.status.problem)
                    self._close()
                    stop.wait(self._retry_s)
        finally:
            self._close()
            ended.set()

    def is_ours(self, commune: str) -> bool:
        """Should this worker look after the commune, that is, fold it and react to it?

        None before the group's first assignment. While the group changes, the last assignment counts: two workers at
        once are harmless.
        """
        share = self._share
        return share.holds(commune) or self._monotonic() - share.at > self._alone_s

    def step(self) -> int:
        """Take one batch from the topic, commit it, then its offsets; returns how many records there were.

        On any error the consumer is closed before its offsets are committed: the batch comes again.
        """
        if self._consumer is None:
            self._consumer = self.broker.consumer(self.topic, self.group)
        consumer = self._consumer
        records = consumer.poll(self._poll_s, BATCH)
        self._note_share(consumer)
        for commune, bodies in self._sorted_out(records).items():
            self._take(commune, bodies)
            if self._stop.is_set():
                return 0  # offsets not committed: what was not taken, or not fetched to its end, comes again
        if records and not consumer.commit():
            logger.info("replica of %s: offsets not committed, the group has changed", self.topic)
        self.status.lag = consumer.lag()
        if records or not self.status.lag:
            self._progress_at = self._monotonic()
        if self._owner_heads and not records and self._monotonic() - self._compared_at >= self._heads_s:
            self.compare_heads()
        return len(records)

    def compare_heads(self) -> None:
        """Fetch what the owner has but the topic lacks; mark a head with a different hash as broken.

        Each worker does so for its own communes.
        """
        if self._owner_heads is None:
            return
        self._compared_at = self._monotonic()
        here = self.log.heads()
        self.status.behind = {}
        for commune, owners in self._owner_heads().items():
            if self._stop.is_set():
                return
            if not self.is_ours(commune):
                continue
            own = here.get(commune, EMPTY)
            if own.position == owners.position and own.hash != owners.hash:
                self._break(commune, f"the owner's event {owners.position} has another hash")
            if own.position < owners.position:
                self.status.behind[commune] = owners.position - own.position
                if commune not in self._moved and commune not in self.status.broken:
                    self._catch_up(commune, own.position)
        self._moved.clear()

    def _sorted_out(self, records: Sequence[Record]) -> dict[str, list[bytes]]:
        """Bodies per commune. A record that is no event of this log is skipped and counted: the store is the truth."""
        sorted_out: dict[str, list[bytes]] = {}
        for record in records:
            reason = foreign(record, self.log.source)
            if reason is None:
                sorted_out.setdefault(record.key.decode(), []).append(record.value)
                continue
            self.status.rejected += 1
            self.status.last_rejected = f"{self.topic}[{record.partition}]@{record.offset}: {reason}"
            logger.error("rejected %s", self.status.last_rejected)
        return sorted_out

    def _take(self, commune: str, bodies: Sequence[bytes]) -> None:
        if commune in self.status.broken:
            return
        try:
            taken = self.log.append_verbatim(commune, bodies)
        except Ahead as ahead:
            logger.warning("replica of %s: %s", self.topic, ahead, extra={"commune": commune})
            self._moved.discard(commune)
            self._catch_up(commune, ahead.expected - 1)
        except ChainBreak as error:
            self._note_break(commune, str(error), _at(error.position, bodies))
        else:
            self.status.taken += taken
            if taken:
                self._moved.add(commune)

    def _catch_up(self, commune: str, position: int) -> None:
        """Fetch from the owner up to its end, events that came early included."""
        if self._fetch is None:
            self.status.behind.setdefault(commune, 1)
            return
        try:
            while not self._stop.is_set() and (bodies := self._fetch(commune, position, BATCH)):
                self.status.fetched += self.log.append_verbatim(commune, bodies)
                position += len(bodies)
                if len(bodies) < BATCH:
                    break
            self.status.behind.pop(commune, None)
        except (Ahead, ChainBreak) as error:
            self._note_break(commune, str(error))

    def _break(self, commune: str, reason: str) -> None:
        self.log.mark_broken(commune, reason)
        self._note_break(commune, reason)

    def _note_break(self, commune: str, reason: str, event: bytes = b"") -> None:
        about = {"commune": commune} | traced(event)
        logger.error("replica of %s stops at %s: %s", self.topic, commune, reason, extra=about)
        self.status.broken[commune] = reason

    def _note_share(self, consumer: Consumer) -> None:
        if consumer.assigned is None:
            return
        total = consumer.partitions()
        share = Share(consumer.assigned, total, self._monotonic())
        if (share.partitions, share.total) != (self._share.partitions, self._share.total):
            logger.info("looks after partitions %s of the %d of %s", sorted(share.partitions), total, self.topic)
        self._share = share

    def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer:
            try:
                consumer.close()
            except KafkaError as error:
                logger.warning("replica of %s: the consumer does not close: %s", self.topic, error)

    def _watch(self, ended: threading.Event) -> None:
        pause, looked_at = min(1.0, self._stuck_s / 4), self._monotonic()
        while not ended.wait(pause):
            before, looked_at = looked_at, self._monotonic()
            if looked_at - before > pause + LATE_S:
                self._progress_at = looked_at  # this process stood still, and the consumer with it
            if self.status.lag and self._monotonic() - self._progress_at > self._stuck_s:
                logger.critical("replica of %s: no progress for %g s with a lag", self.topic, self._stuck_s)
                faulthandler.dump_traceback()
                self._machine.exit(STUCK_EXIT_CODE)


class Filled(msgspec.Struct):
    """What a topic gave to a replica. `gaps`: communes whose chain the topic does not hold to its end, from where."""

    records: int = 0
    taken: int = 0
    rejected: int = 0
    gaps: dict[str, int] = {}
    broken: dict[str, str] = {}


def fill_from_topic(
    log: Log,
    broker: Broker,
    topic: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    mark_broken: bool = True,
) -> Filled:
    """Read the whole topic once, up to its present end, into a replica; `progress` gets records so far and of how many.

    Events that are not next are dropped, since a topic may hold repeats and events ahead of their place. Events before
    the log's end at the start are skipped: the hash of its last event stands for all before it.
    """
    topic = topic or topic_name(log.source)
    filled = Filled(broken=log.broken())
    total = sum(broker.end_offsets(topic).values())
    begins = {commune: head.position for commune, head in log.heads().items()}
    ends = dict(begins)
    ahead: dict[str, int] = {}
    for records in broker.read_topic(topic):
        fitting: dict[str, list[bytes]] = {}
        for record in records:
            if foreign(record, log.source) is not None:
                filled.rejected += 1
                continue
            commune, position = record.key.decode(), read_link(record.value).position
            if position < begins.get(commune, 0):
                continue
            end = ends.get(commune, 0)
            if position <= end + 1:
                fitting.setdefault(commune, []).append(record.value)
                ends[commune] = max(end, position)
            else:
                ahead[commune] = max(position, ahead.get(commune, 0))
        for commune, bodies in fitting.items():
            if commune not in filled.broken:
                try:
                    filled.taken += log.append_verbatim(commune, bodies, mark_broken=mark_broken)
                except ChainBreak as error:
                    filled.broken[commune] = str(error)
        filled.records += len(records)
        if progress:
            progress(filled.records, total)
    filled.gaps = {commune: ends.get(commune, 0) + 1 for commune, far in ahead.items() if far > ends.get(commune, 0)}
    return filled


def _at(position: int, bodies: Sequence[bytes]) -> bytes:
    """The event of a batch that claims a position."""
    return next((body for body in bodies if read_link(body).position == position), b"")


def foreign(record: Record, source: str) -> str | None:
    """Why a record is no event of this log, or None when it is one."""
    if not record.key or not record.value:
        return "không có khóa hoặc không có nội dung"
    try:
        link = read_link(record.value)
    except msgspec.DecodeError as error:
        return f"không phải sự kiện: {said_of(error)}"
    if link.source != f"/{source}":
        return f"là của {link.source}"
    if link.commune.encode() != record.key:
        return f"có khóa của xã khác, không phải {link.commune}"
    return None
