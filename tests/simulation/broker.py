"""A message broker, simulated: topics that grow, groups that rebalance, producers whose messages come late or twice.

It promises what Kafka promises to an idempotent producer with acks=all and to a group's consumer that commits by hand,
and nothing more: a message that was not acknowledged may be there, or come later, after its producer is gone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from shared.eventlog.kafka import TopicMissing, partition_of
from tests.simulation.database import latency
from tests.simulation.network import Link
from tests.simulation.scheduler import Fiber, Scheduler

# A group misses a silent member after this, and waits this long for its members to join again.
SESSION_S = 10.0
REBALANCE_S = 3.0

# How long a client tries before it gives up.
CONNECT_S = 3.0
REQUEST_S = 10.0

# A poll that finds nothing may come back late: the fewer turns of an idle loop, the more runs in the same time.
IDLE_POLL_S = 10.0


class Record(NamedTuple):
    partition: int
    offset: int
    key: Any
    value: Any
    headers: Sequence[tuple[str, bytes]]


class Topic:
    def __init__(self, partitions: int, made_at: float) -> None:
        self.made_at = made_at
        self.partitions: list[list[Record]] = [[] for _ in range(partitions)]

    def append(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> Record:
        at = partition_of((key or b"").decode(errors="replace"), len(self.partitions))
        record = Record(at, len(self.partitions[at]), key, value, headers)
        self.partitions[at].append(record)
        return record


class Group:
    def __init__(self) -> None:
        self.members: list[Member] = []
        self.generation = 0
        self.assignments: dict[Member, frozenset[int]] = {}
        self.committed: dict[int, int] = {}
        self.stable_at = 0.0

    def change(self, now: float, partitions: int) -> None:
        """A member came or went: all join again, and each gets its part."""
        self.generation += 1
        self.stable_at = now
        self.assignments = {
            member: frozenset(range(number, partitions, len(self.members)))
            for number, member in enumerate(self.members)
        }


class BrokerServer:
    """All brokers as one. `topics` and `groups` are what it keeps."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.topics: dict[str, Topic] = {}
        self.groups: dict[tuple[str, str], Group] = {}
        self.down = False
        self.frozen_until = 0.0
        self.loses_acknowledgements = 0.0  # the share of batches
        self.repeats = 0.0
        self.refuses = 0.0
        self.waiting: set[Fiber] = set()  # polls that found nothing
        self.heard: Callable[[str, Any, Any], object] = lambda *_: None  # of each message of a producer
        self.made: Callable[[str], object] = lambda _: None  # of each topic that is made

    def is_well(self) -> bool:
        shares = self.loses_acknowledgements, self.refuses
        return not self.down and self.frozen_until <= self.scheduler.now and not any(shares)

    def append(self, topic: str, key: bytes | None, value: bytes | None, headers: Any = ()) -> None:
        """Whoever it comes from."""
        self.topics[topic].append(key, value, headers)
        self.scheduler.wake(self.waiting, 0.001)

    def publish(self, topic: str, key: bytes, value: bytes, headers: Any) -> None:
        """A message of one of our producers."""
        if topic in self.topics:
            self.append(topic, key, value, headers)
            self.heard(topic, key, value)

    def make(self, topic: str, partitions: int) -> None:
        """Make a topic, empty, whether or not there was one."""
        self.topics[topic] = Topic(partitions, self.scheduler.now)
        self.made(topic)
        for (of, _), group in self.groups.items():
            if of == topic:
                group.change(self.scheduler.now, partitions)

    def values(self, topic: str) -> Iterator[tuple[Any, Any]]:
        for partition in self.topics[topic].partitions:
            for record in partition:
                yield record.key, record.value

    def miss_members(self, topic: str, group: Group) -> None:
        """Members that were silent for too long are out."""
        now = self.scheduler.now
        there = [member for member in group.members if not member.is_silent(now)]
        if len(there) != len(group.members):
            group.members = there
            group.change(now, len(self.topics[topic].partitions) if topic in self.topics else 0)


class Client:
    """The broker as one process reaches it (`shared.eventlog.broker.Broker`)."""

    def __init__(self, server: BrokerServer, link: Link, process: Any) -> None:
        self.server = server
        self.link = link
        self.process = process
        self.scheduler = server.scheduler

    def producer(self, delivery_timeout_s: float) -> "Producer":
        self.reach(CONNECT_S)
        return Producer(self, delivery_timeout_s)

    def consumer(self, topic: str, group: str) -> "Member":
        self.reach(CONNECT_S)
        return Member(self, topic, group)

    def end_offsets(self, topic: str) -> dict[int, int]:
        self.reach(REQUEST_S)
        return {number: len(records) for number, records in enumerate(self._topic(topic).partitions)}

    def read_topic(self, topic: str, *, last: int | None = None) -> Iterator[Sequence[Record]]:
        self.reach(REQUEST_S)
        held = [records[-last:] if last else list(records) for records in self._topic(topic).partitions]
        for records in held:
            self.reach(REQUEST_S)
            if records:
                yield records

    def _topic(self, topic: str) -> Topic:
        if topic not in self.server.topics:
            raise TopicMissing(f"{topic} is missing")
        return self.server.topics[topic]

    def is_reached(self) -> bool:
        return self.link.up and not self.server.down and self.server.frozen_until <= self.scheduler.now

    def reach(self, seconds: float) -> None:
        """A request and its answer. Raises KafkaError when there is none in time."""
        self.scheduler.pause(latency(self.scheduler))
        end = self.scheduler.now + seconds
        while not self.is_reached():
            if self.scheduler.now >= end:
                raise KafkaConnectionError("no broker answers")
            self.scheduler.pause(min(1.0, end - self.scheduler.now))


class Sent:
    """A message on its way."""

    def __init__(self, producer: "Producer", topic: str, message: tuple[bytes, bytes, Any]) -> None:
        self.producer = producer
        self.topic = topic
        self.message = message
        self.begun = producer.client.scheduler.now
        self.outcome: KafkaError | bool = False  # acknowledged, or why not
        self.waiting: set[Fiber] = set()

    @property
    def is_done(self) -> bool:
        return self.outcome is not False

    def get(self, timeout: float) -> object:
        scheduler = self.producer.client.scheduler
        end = scheduler.now + timeout
        while self.outcome is False:
            if scheduler.now >= end:
                raise KafkaTimeoutError("not acknowledged in time")
            scheduler.wait(end - scheduler.now, self.waiting)
        if isinstance(self.outcome, KafkaError):
            raise self.outcome
        return None

    def end(self, outcome: KafkaError | bool) -> None:
        self.outcome = outcome
        self.producer.client.scheduler.wake(self.waiting)


class Producer:
    """Its messages go out in order. After the first that is not acknowledged nothing more is."""

    def __init__(self, client: Client, delivery_timeout_s: float) -> None:
        self.client = client
        self.delivery_timeout_s = delivery_timeout_s
        self._queue: list[Sent] = []
        self._failed: KafkaError | None = None
        self._closed = False
        self._sending = False

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> Sent:
        if topic not in self.client.server.topics:
            raise KafkaTimeoutError(f"no metadata of {topic}")
        sent = Sent(self, topic, (key, value, headers))
        self._queue.append(sent)
        if not self._sending:
            self._sending = True
            self._again(latency(self.client.scheduler))
        return sent

    def close(self) -> None:
        """What is under way may still arrive."""
        self._closed = True

    def _again(self, seconds: float) -> None:
        self.client.scheduler.later(seconds, self._transmit)

    def _transmit(self) -> None:
        scheduler, server, process = self.client.scheduler, self.client.server, self.client.process
        chance = scheduler.random
        if not self._queue or process.dead:
            self._sending = False
            return
        if process.frozen_until > scheduler.now:
            self._again(process.frozen_until - scheduler.now + 0.001)
            return
        now, first = scheduler.now, self._queue[0]
        if self._failed or (not self.client.is_reached() and now - first.begun >= self.delivery_timeout_s):
            self._fail(self._failed or KafkaTimeoutError("delivery timed out"))
            return
        if not self.client.is_reached():
            if self._closed:
                self._fail(KafkaTimeoutError("closed"))
            else:
                self._again(min(1.0, max(0.05, first.begun + self.delivery_timeout_s - now)))
            return
        batch = self._queue[: chance.randint(1, 20)]
        del self._queue[: len(batch)]
        if chance.random() < server.refuses:
            self._queue = batch + self._queue
            self._fail(MessageSizeTooLargeError("refused"))
            return
        lost = chance.random() < server.loses_acknowledgements
        for _ in range(2 if chance.random() < server.repeats else 1):
            for sent in batch:
                server.publish(sent.topic, *sent.message)
        if lost:
            self._queue = batch + self._queue
            scheduler.later(self.delivery_timeout_s, lambda: self._fail(KafkaTimeoutError("no acknowledgement")))
            return
        for sent in batch:
            sent.end(True)
        self._again(latency(scheduler))

    def _fail(self, error: KafkaError) -> None:
        """The batch under way, and all after it; at a broker that is only slow it may arrive long after."""
        self._failed = error
        server, chance = self.client.server, self.client.scheduler.random
        if server.frozen_until > self.client.scheduler.now and self.client.link.up and chance.random() < 0.5:
            late = [(sent.topic, sent.message) for sent in self._queue[:20]]

            def arrive() -> None:
                for topic, message in late:
                    server.publish(topic, *message)

            self.client.scheduler.later(server.frozen_until - self.client.scheduler.now + 0.01, arrive)
        for sent in self._queue:
            sent.end(error)
        self._queue.clear()
        self._sending = False


class Member:
    """A consumer of a group (`shared.eventlog.broker.Consumer`)."""

    def __init__(self, client: Client, topic: str, group: str) -> None:
        self.client = client
        self.topic = topic
        self.assigned: frozenset[int] | None = None
        self._server = client.server
        self._group = client.server.groups.setdefault((topic, group), Group())
        self._generation = -1
        self._joining_until = 0.0
        self._positions: dict[int, int] = {}
        self._closed_at = float("inf")

    def is_silent(self, now: float) -> bool:
        """Has the group not heard of it for a session?"""
        process, link = self.client.process, self.client.link
        if process.dead:
            return now - process.died_at > SESSION_S
        frozen = process.frozen_until > now and now - process.frozen_at > SESSION_S
        return frozen or now - self._closed_at > SESSION_S or (not link.up and now - link.cut_at > SESSION_S)

    def partitions(self) -> int:
        topic = self._server.topics.get(self.topic)
        return len(topic.partitions) if topic else 0

    def poll(self, timeout_s: float, limit: int) -> list[Record]:
        scheduler = self.client.scheduler
        scheduler.pause(latency(scheduler))
        if not self.client.is_reached():
            scheduler.pause(max(timeout_s, 1.0))
            return []
        self._server.miss_members(self.topic, self._group)
        self._join()
        records = self._fetch(limit)
        if not records:
            scheduler.wait(self._patience(timeout_s), self._server.waiting)
            records = self._fetch(limit)
        return records

    def _patience(self, timeout_s: float) -> float:
        joining = self._joining_until - self.client.scheduler.now
        return max(timeout_s, joining if joining > 0 else self.client.scheduler.random.random() * IDLE_POLL_S)

    def _join(self) -> None:
        scheduler, group = self.client.scheduler, self._group
        if self not in group.members:
            group.members.append(self)
            group.change(scheduler.now, self.partitions())
        if self._generation != group.generation:
            self._generation = group.generation
            self.assigned = None
            self._joining_until = scheduler.now + scheduler.random.random() * REBALANCE_S
        elif self.assigned is None and scheduler.now >= self._joining_until:
            self.assigned = group.assignments[self]
            self._positions = {at: group.committed.get(at, 0) for at in sorted(self.assigned)}

    def _fetch(self, limit: int) -> list[Record]:
        topic = self._server.topics.get(self.topic)
        if self.assigned is None or topic is None or not self.client.is_reached():
            return []
        records: list[Record] = []
        for at, position in self._positions.items():
            if at >= len(topic.partitions):
                continue
            held = topic.partitions[at]
            begin = position if position <= len(held) else 0  # out of range: auto.offset.reset is earliest
            count = min(limit - len(records), self.client.scheduler.random.randint(1, 60))
            some = held[begin : begin + count]
            self._positions[at] = begin + len(some)
            records += some
        return records

    def lag(self) -> int:
        topic = self._server.topics.get(self.topic)
        if topic is None:
            return 0
        places = ((at, position) for at, position in self._positions.items() if at < len(topic.partitions))
        return sum(max(0, len(topic.partitions[at]) - position) for at, position in places)

    def commit(self) -> bool:
        self.client.reach(REQUEST_S)
        if self not in self._group.members or self._generation != self._group.generation:
            return False
        self._group.committed |= self._positions
        return True

    def close(self) -> None:
        """A broker that does not hear of it misses it after a session."""
        self._closed_at = self.client.scheduler.now
        if self in self._group.members and self.client.is_reached():
            self._group.members.remove(self)
            self._group.change(self.client.scheduler.now, self.partitions())
