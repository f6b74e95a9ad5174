"""What somebody who can write to a topic may put there, so that it looks like the next events of a commune."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.eventlog.seals import HEADER
from shared.events import event_hash
from tests.support.seals import headers_of, key_of

Headers = Sequence[tuple[str, bytes]]


class Forged(NamedTuple):
    value: bytes
    headers: Headers = ()


def rewritten(body: bytes, **changes: Any) -> bytes:
    """The event with other attributes, as a newer or a wrong program would have recorded it."""
    raw = msgspec.json.decode(body)
    return msgspec.json.encode(raw | changes)


def next_events(last: bytes, count: int = 3) -> Iterator[bytes]:
    """Events that fit the chain after `last`."""
    for _ in range(count):
        raw = msgspec.json.decode(last)
        changes = {"position": raw["position"] + 1, "streamversion": raw["streamversion"] + 1}
        last = rewritten(last, previoushash=event_hash(last), data=raw["data"] | {"note": "giả"}, **changes)
        yield last


def with_headers(bodies: Iterator[bytes], headers: Callable[[bytes], Headers]) -> list[Forged]:
    return [Forged(body, headers(body)) for body in bodies]


def seal_of(body: bytes) -> bytes:
    [(_, seal)] = headers_of(body)
    return seal


STRANGER = key_of(9)  # of another service

# Name → what comes after the events that were published, given those that are going to be.
FORGERIES: dict[str, Callable[[list[bytes], list[bytes]], list[Forged]]] = {
    "three-that-fit-the-chain": lambda held, _: [Forged(body) for body in next_events(held[-1])],
    "sealed-by-another-service": lambda held, _: with_headers(
        next_events(held[-1]), lambda body: headers_of(body, STRANGER)
    ),
    "under-a-strange-key-s-name": lambda held, _: with_headers(
        next_events(held[-1]),
        lambda body: [(HEADER, seal_of(body).split()[0] + b" " + headers_of(body, STRANGER)[0][1].split()[1])],
    ),
    "with-the-seal-of-a-held-event": lambda held, _: with_headers(
        next_events(held[-1]), lambda _: [(HEADER, seal_of(held[-1]))]
    ),
    "with-the-seal-of-the-event-to-come": lambda held, coming: with_headers(
        next_events(held[-1]), lambda _: [(HEADER, seal_of(coming[0]))]
    ),
    "with-no-seal-in-the-header": lambda held, _: [
        Forged(body, [(HEADER, seal)])
        for body in next_events(held[-1], 1)
        for seal in (b"", b" ", b"\xff\xfe \xff", b"cchc", seal_of(held[0])[:-4], b"0" * 100_000)
    ],
    "in-the-place-of-a-held-event": lambda held, _: [
        Forged(rewritten(held[1], actor="staff/p99")),
        Forged(rewritten(held[0], data={})),
    ],
    "far-ahead": lambda held, _: [
        Forged(rewritten(held[-1], position=position, actor="staff/p99"))
        for position in (0, -5, 10_000, 2**62, 2**63 - 1)
    ],
    "in-a-strange-place-with-a-seal": lambda held, _: [
        Forged(rewritten(held[-1], position=position, actor="staff/p99"), headers_of(held[-1])) for position in (0, -5)
    ],
    "before-the-true-one-with-its-start": lambda held, coming: [
        Forged(coming[0]),
        *(Forged(body) for body in next_events(coming[0])),
    ],
    "a-fork-of-two": lambda held, coming: [
        Forged(rewritten(coming[0], actor="staff/p99")),
        Forged(rewritten(coming[1], actor="staff/p99")),
    ],
    "no-events": lambda held, _: [
        Forged(b"{"),
        Forged(b"\xff\xfe"),
        Forged(rewritten(held[-1], source="/scoring")),
        Forged(rewritten(held[-1], commune="x" * 5000)),
    ],
}
