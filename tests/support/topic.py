"""A broker in memory: one topic with one partition, and what each group has committed of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    offset: int = 0
    partition: int = 0

    is_done = True

    def get(self, _: float) -> None:
        """It is acknowledged."""


@dataclass
class MemoryBroker:
    """Whatever the name of the topic, it is this one."""

    messages: list[Message] = field(default_factory=list)
    committed: dict[str, int] = field(default_factory=dict)

    def put(self, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> Message:
        self.messages.append(Message(key, value, headers, len(self.messages)))
        return self.messages[-1]

    def producer(self, _: float) -> "MemoryProducer":
        return MemoryProducer(self)

    def consumer(self, _: str, group: str) -> "MemoryConsumer":
        return MemoryConsumer(self, group)

    def end_offsets(self, _: str) -> dict[int, int]:
        return {0: len(self.messages)}

    def read_topic(self, _: str, *, last: int | None = None) -> Iterator[Sequence[Message]]:
        yield self.messages[-last if last else 0 :]


@dataclass
class MemoryProducer:
    broker: MemoryBroker

    def send(self, _: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> Message:
        return self.broker.put(value, key, headers)

    def close(self) -> None: ...


class MemoryConsumer:
    assigned: frozenset[int] | None = frozenset([0])

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker = broker
        self._group = group
        self._next = broker.committed.get(group, 0)

    def partitions(self) -> int:
        return 1

    def poll(self, _: float, limit: int) -> Sequence[Message]:
        polled = self._broker.messages[self._next : self._next + limit]
        self._next += len(polled)
        return polled

    def lag(self) -> int:
        return len(self._broker.messages) - self._next

    def commit(self, waiting: Mapping[int, int]) -> bool:
        self._broker.committed[self._group] = min(self._next, waiting.get(0, self._next))
        return True

    def close(self) -> None: ...
