"""The replica's consumer takes over another service's events verbatim: from Kafka, and where needed from its feed."""

import faulthandler
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice

import msgspec
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog.broker import Broker, Consumer, Record
from shared.eventlog.chain import EMPTY, Head
from shared.eventlog.errors import Ahead, Busy, ChainBreak
from shared.eventlog.feed import FeedError
from shared.eventlog.kafka import partition_of, topic_name
from shared.eventlog.log import Log
from shared.eventlog.seals import Keys
from shared.eventlog.traces import traced
from shared.eventlog.unsealed import Candidate, Unsealed, different, link_of, take_sealed
from shared.events import event_hash
from shared.said import said_of
from shared.worker import MACHINE, Machine

logger = logging.getLogger(__name__)

BATCH = 500

# kafka-python starts joining its group again when the broker's answer comes between two polls. A consumer that polls
# for a few milliseconds at a time may never join.
POLL_S = 0.2
RETRY_S = 1.0
HEADS_S = 60.0

# What no seal vouches for within this comes from a relay that does not seal yet, or from nobody: the owner is asked.
SEAL_S = 2.0

# After this long without a group a worker looks after every commune: doing work twice is harmless, leaving it is not.
ALONE_S = 30.0

# Lag without progress for this long means that the consumer hangs: its supervisor restarts it.
STUCK_S = 300.0
STUCK_EXIT_CODE = 70  # EX_SOFTWARE

MOST_LINES = 5  # of the log for the rejected records of one step

Fetch = Callable[[str, int, int], list[bytes]]  # commune, after, limit → stored bytes from the owner
Report = Callable[[int, str], None]  # how many records the owner did not publish, where the last one is


class ReplicaStatus(msgspec.Struct):
    """What the consumer has done since it started, and what is wrong.

    rejected  records that the owner did not publish, or that are no events
    behind    commune → how many events the owner has more, at the last comparison
    ahead     commune → how many events the owner lacks: its database was put back, or the replica took what nobody
              published before there were seals
    broken    commune → why it takes nothing more
    """

    taken: int = 0
    fetched: int = 0
    rejected: int = 0
    last_rejected: str | None = None
    lag: int = 0
    behind: dict[str, int] = {}
    ahead: dict[str, int] = {}
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

    Only what a seal by one of the owner's `keys` vouches for is taken from the topic; `report` hears how many other
    records there are, and where. `fetch` and `owner_heads` are the owner's feed. Without them a gap stays, and shows,
    until the topic fills it.
    """

    def __init__(
        self,
        log: Log,
        broker: Broker,
        group: str,
        keys: Keys,
        *,
        fetch: Fetch | None = None,
        owner_heads: Callable[[], Mapping[str, Head]] | None = None,
        report: Report = lambda _, __: None,
        topic: str | None = None,
        machine: Machine = MACHINE,
        poll_s: float = POLL_S,
        retry_s: float = RETRY_S,
        heads_s: float = HEADS_S,
        seal_s: float = SEAL_S,
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
        self._report = report
        self._poll_s = poll_s
        self._retry_s = retry_s
        self._heads_s = heads_s
        self._seal_s = seal_s
        self._alone_s = alone_s
        self._stuck_s = stuck_s
        self._machine = machine
        self._monotonic = machine.monotonic
        self._consumer: Consumer | None = None
        self._unsealed = Unsealed(keys)
        # Communes of which something is missing or contested: the owner is asked, not before that moment.
        self._doubtful: set[str] = set()
        self._ask_at = float("-inf")
        self._owner_away: str | None = None
        self._rejected: dict[str, tuple[int, str]] = {}  # reason → how many in this step, where the last one is
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
                    self.status.problem = self._owner_away
                except FeedError as error:
                    # What others want to know of the owner does not keep anybody from reading what it published.
                    self.status.problem = self._owner_away = said_of(error)
                    logger.warning("replica of %s asks again: %s", self.topic, self._owner_away)
                except (KafkaError, SQLAlchemyError, Busy) as error:
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

        On any error of broker or database the consumer is closed before its offsets are committed: the batch comes
        again. The owner is asked last: raises FeedError when it does not answer.
        """
        if self._consumer is None:
            self._consumer = self.broker.consumer(self.topic, self.group)
        consumer = self._consumer
        records = consumer.poll(self._poll_s, BATCH)
        self._note_share(consumer)
        for commune in self._sort_in(records):
            self._take(commune)
            if self._stop.is_set():
                return 0  # offsets not committed: what was not taken comes again
        # What waits for its seal, or for the owner, comes again when this process ends before.
        if records and not consumer.commit(self._unsealed.first_offsets()):
            logger.info("replica of %s: offsets not committed, the group has changed", self.topic)
        self._say_rejected()
        self.status.lag = consumer.lag()
        if records or not self.status.lag:
            self._progress_at = self._monotonic()
        self._ask_owner()
        now = self._monotonic()
        if self._owner_heads and not records and now >= max(self._ask_at, self._compared_at + self._heads_s):
            self.compare_heads()
        return len(records)

    def compare_heads(self) -> None:
        """Fetch what the owner has but the topic lacks; mark a head with a different hash as broken.

        Each worker does so for its own communes.
        """
        if self._owner_heads is None:
            return
        self._ask_at = self._monotonic() + self._retry_s
        here = self.log.heads()
        owners = self._owner_heads()
        self._compared_at = self._monotonic()
        self.status.broken = self.log.broken()  # a rebuild may have put them right
        self.status.behind, self.status.ahead = {}, {}
        for commune in sorted(here.keys() | owners.keys()):
            if self._stop.is_set():
                return
            if self.is_ours(commune):
                moves = commune in self._moved
                self._compare(commune, here.get(commune, EMPTY), owners.get(commune, EMPTY), fetches=not moves)
        self._moved.clear()
        self._owner_away = None

    def _compare(self, commune: str, own: Head, owners: Head, *, fetches: bool) -> None:
        """`own` is from before the owner was asked: it can't be ahead because events came meanwhile."""
        at = owners.position
        if own.position >= at and self._hash_at(commune, at, own) != owners.hash:
            self._break(commune, f"sự kiện {at} khác với nơi sở hữu")
        elif own.position > at:
            self.status.ahead[commune] = own.position - at
            logger.error("replica of %s: %s ends at %d, its owner at %d", self.topic, commune, own.position, at)
        elif own.position < owners.position:
            self.status.behind[commune] = owners.position - own.position
            if fetches and commune not in self.status.broken:
                self._catch_up(commune, own.position)

    def _hash_at(self, commune: str, position: int, head: Head) -> str:
        if position == head.position:
            return head.hash
        return event_hash(self.log.read(commune, position - 1, 1)[0]) if position else EMPTY.hash

    def _ask_owner(self) -> None:
        """Ask the owner about what is missing or contested, and about what no seal vouches for."""
        now = self._monotonic()
        if now < self._ask_at:
            return
        due = self._doubtful | self._unsealed.waiting_since(now - self._seal_s)
        if not due or (self._owner_heads is None and self._fetch is None):
            return
        self._ask_at = now + self._retry_s
        here = self.log.heads()
        owners = self._owner_heads() if self._owner_heads else None
        for commune in sorted(due):
            if self._stop.is_set():
                return
            own = here.get(commune, EMPTY)
            if owners is None:
                self._catch_up(commune, own.position)
            else:
                self._compare(commune, own, owners.get(commune, EMPTY), fetches=True)
            if self._stop.is_set():
                return  # perhaps not everything was fetched
            self._settle(commune)
        self._owner_away = None

    def _settle(self, commune: str) -> None:
        """Whatever the owner did not give when it was asked, it does not have."""
        self._doubtful.discard(commune)
        waiting = self._unsealed.of(commune)
        self._unsealed.keep(commune, [])
        if commune not in self.status.broken:
            for candidate in different(self.log, commune, waiting):
                self._reject(candidate.record, f"{self.log.source} không phát sự kiện này")

    def _sort_in(self, records: Sequence[Record]) -> Collection[str]:
        """The communes that records came of. What is no event of this log is left out and counted: the store is the
        truth."""
        now = self._monotonic()
        communes: dict[str, None] = {}
        evicted = self._unsealed.evicted
        for record in records:
            link = link_of(record, self.log.source)
            if isinstance(link, str):
                self._reject(record, link)
            else:
                self._unsealed.add(Candidate(record, link, now))
                communes[link.commune] = None
        if evicted := self._unsealed.evicted - evicted:
            self._reject(records[-1], "quá nhiều sự kiện không có dấu", evicted)
        return communes

    def _reject(self, record: Record, reason: str, count: int = 1) -> None:
        place = f"{self.topic}[{record.partition}]@{record.offset}"
        self.status.rejected += count
        self.status.last_rejected = f"{place}: {reason}"
        before, _ = self._rejected.get(reason, (0, ""))
        self._rejected[reason] = before + count, place

    def _say_rejected(self) -> None:
        """A line for each of some reasons, whatever a flood brings."""
        if not self._rejected:
            return
        for reason, (count, place) in islice(self._rejected.items(), MOST_LINES):
            logger.error("rejected %d records, the last at %s: %s", count, place, reason)
        *_, (_, place) = self._rejected.values()
        self._report(sum(count for count, _ in self._rejected.values()), place)
        self._rejected.clear()

    def _take(self, commune: str) -> None:
        if commune in self.status.broken:
            self._unsealed.keep(commune, [])
            return
        self._doubtful.discard(commune)
        try:
            taken = take_sealed(self.log, self._unsealed, commune, self.log.head(commune))
        except Ahead:
            self._doubtful.add(commune)  # it was forgotten meanwhile
            return
        except ChainBreak as error:
            at = (each.body for each in self._unsealed.of(commune) if each.link.position == error.position)
            event = next(at, b"")
            self._note_break(commune, str(error), event)
            return
        self.status.taken += taken.new
        for candidate in taken.rejected:
            self._reject(candidate.record, f"không có dấu của {self.log.source}")
        if taken.contested and self._owner_heads is None:
            self._break(commune, f"{self.log.source} ký sự kiện {taken.contested.link.position} khác với bản sao")
        elif taken.gap or taken.contested:
            self._doubtful.add(commune)
            self._moved.discard(commune)
            if self._fetch is None:
                self.status.behind.setdefault(commune, 1)
        elif taken.new:
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
        self._unsealed.keep(commune, [])

    def _note_share(self, consumer: Consumer) -> None:
        if consumer.assigned is None:
            return
        total = consumer.partitions()
        share = Share(consumer.assigned, total, self._monotonic())
        if (share.partitions, share.total) != (self._share.partitions, self._share.total):
            self._forget_waiting()
            logger.info("looks after partitions %s of the %d of %s", sorted(share.partitions), total, self.topic)
        self._share = share

    def _forget_waiting(self) -> None:
        """What was not committed comes again, here or to another worker."""
        self._unsealed.clear()
        self._doubtful.clear()

    def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._forget_waiting()
        if consumer:
            try:
                consumer.close()
            except KafkaError as error:
                logger.warning("replica of %s: the consumer does not close: %s", self.topic, error)

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(min(1.0, self._stuck_s / 4)):
            if self.status.lag and self._monotonic() - self._progress_at > self._stuck_s:
                logger.critical("replica of %s: no progress for %g s with a lag", self.topic, self._stuck_s)
                faulthandler.dump_traceback()
                self._machine.exit(STUCK_EXIT_CODE)


class Filled(msgspec.Struct):
    """What a topic gave to a replica.

    gaps      communes whose chain the topic does not hold to its end, from where
    unsealed  communes with records beyond what is vouched for: how many
    sealed    is there any event that is vouched for by a seal? None in a topic that only older releases wrote
    """

    records: int = 0
    taken: int = 0
    rejected: int = 0
    gaps: dict[str, int] = {}
    broken: dict[str, str] = {}
    unsealed: dict[str, int] = {}
    sealed: bool = False


# A fill has no feed to ask about what a flood pushes out.
MOST_BYTES_OF_FILL = 128 * 1024 * 1024


def fill_from_topic(
    log: Log,
    broker: Broker,
    keys: Keys,
    topic: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    mark_broken: bool = True,
    trusting: bool = False,
) -> Filled:
    """Read the whole topic once, up to its present end, into a replica; `progress` gets records so far and of how many.

    Only what is vouched for is taken, unless `trusting`: then whatever fits the chain. A topic may hold repeats and
    events ahead of their place. Events before the log's end at the start are skipped: the hash of its last event stands
    for all before it.
    """
    topic = topic or topic_name(log.source)
    filled = Filled(broken=log.broken())
    total = sum(broker.end_offsets(topic).values())
    heads = log.heads()
    begins = {commune: head.position for commune, head in heads.items()}
    unsealed = Unsealed(None if trusting else keys, most=MOST_BYTES_OF_FILL)
    for records in broker.read_topic(topic):
        communes: dict[str, None] = {}
        for record in records:
            link = link_of(record, log.source)
            if isinstance(link, str):
                filled.rejected += 1
            elif link.position >= begins.get(link.commune, link.position):
                candidate = Candidate(record, link)
                filled.sealed = filled.sealed or bool(candidate.seal and unsealed.is_vouched(candidate))
                unsealed.add(candidate)
                communes[link.commune] = None
        for commune in communes:
            if commune in filled.broken:
                unsealed.keep(commune, [])
                continue
            try:
                taken = take_sealed(log, unsealed, commune, heads.get(commune, EMPTY), mark_broken=mark_broken)
            except ChainBreak as error:
                filled.broken[commune] = str(error)
                continue
            heads[commune] = taken.head
            filled.taken += taken.new
            filled.rejected += len(taken.rejected)
            filled.gaps.pop(commune, None)
            if taken.gap:
                filled.gaps[commune] = taken.head.position + 1
            if taken.contested:
                at = taken.contested.link.position
                filled.broken[commune] = f"{log.source}/{commune}/{at}: {log.source} đã ký một sự kiện khác ở đó"
                if mark_broken:
                    log.mark_broken(commune, filled.broken[commune])
        filled.records += len(records)
        if progress:
            progress(filled.records, total)
    filled.rejected += unsealed.evicted
    filled.unsealed = {commune: len(unsealed.of(commune)) for commune in unsealed.communes()}
    return filled
