"""What the relay and the replicas ask of a message broker; kafka.py answers it over Kafka."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class Record(Protocol):
    """One message of a topic. Key and value are bytes, or None: others than our relays may have written it."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> Any: ...
    @property
    def value(self) -> Any: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Sent(Protocol):
    @property
    def is_done(self) -> bool:
        """Is it acknowledged or refused?"""

    def get(self, timeout: float) -> object:
        """Wait until the broker acknowledges the message. Raises KafkaError."""


class Producer(Protocol):
    """Keeps the order of a key's messages."""

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> Sent:
        """Raises KafkaError."""

    def close(self) -> None: ...


class Consumer(Protocol):
    """A member of a group that reads one topic, from the first message that the group has not committed."""

    @property
    def assigned(self) -> frozenset[int] | None:
        """The partitions that the group assigned to it; None while it is in no group."""

    def partitions(self) -> int:
        """How many the topic has, 0 without a topic."""

    def poll(self, timeout_s: float, limit: int) -> Sequence[Record]:
        """Raises KafkaError."""

    def lag(self) -> int:
        """How many messages its partitions hold beyond what it has polled."""

    def commit(self) -> bool:
        """Commit what was polled; False when the group has changed, and another member reads it again."""

    def close(self) -> None: ...


class Broker(Protocol):
    """Its methods raise KafkaError for a broker that does not answer, and TopicMissing."""

    def producer(self, delivery_timeout_s: float) -> Producer:
        """A producer whose messages are acknowledged, or refused, within a time."""

    def consumer(self, topic: str, group: str) -> Consumer: ...

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last message of each partition."""

    def read_topic(self, topic: str, *, last: int | None = None) -> Iterator[Sequence[Record]]:
        """The messages that a topic holds now, in batches, each partition in order; `last` limits how many of each."""
