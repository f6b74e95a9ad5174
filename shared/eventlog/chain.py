"""The chain: each event carries the SHA-256 of its predecessor's stored bytes (as commits do in git)."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from shared.decoding import decoder
from shared.eventlog.errors import ChainBreak
from shared.events import GENESIS_HASH, Envelope, decode, event_hash
from shared.said import said_of


class Head(msgspec.Struct, frozen=True):
    """The end of a commune's log: its position, the SHA-256 of the bytes there, when it was recorded."""

    position: int
    hash: str
    time: str


EMPTY = Head(0, GENESIS_HASH, "")


class Link(msgspec.Struct, gc=False):
    """The fields of an event that the chain checks. Data is not decoded: any version of any event can be passed on."""

    source: str
    commune: str
    position: int
    previoushash: str
    time: str
    subject: str
    streamversion: int


class Linked(Protocol):
    """An event as it is stored, with its links and its hash."""

    @property
    def link(self) -> Link: ...
    @property
    def body(self) -> bytes: ...
    @property
    def hash(self) -> str: ...


class _Event(NamedTuple):
    link: Link
    body: bytes
    hash: str


def linked(body: bytes) -> Linked:
    """Raises msgspec.DecodeError for bytes that are no event."""
    return _Event(read_link(body), body, event_hash(body))


_read_link = decoder(Link)


def read_link(body: bytes) -> Link:
    """Read the links of one event. Raises msgspec.DecodeError for bytes that are no event."""
    return _read_link(body)


def misfit(link: Link, head: Head, source: str, commune: str) -> str | None:
    """Why an event cannot follow `head`, or None when it does."""
    if (link.source, link.commune) != (f"/{source}", commune):
        return f"thuộc nhật ký {link.source}/{link.commune}"
    if link.position != head.position + 1:
        return f"có vị trí {link.position}, phải là {head.position + 1}"
    if link.previoushash != head.hash:
        return "previoushash không khớp với sự kiện đứng trước"
    if link.time < head.time:
        return "thời điểm ghi lùi lại"
    return None


def follow(head: Head, bodies: Iterable[bytes], source: str, commune: str) -> Iterator[tuple[Head, Link, bytes]]:
    """Walk the chain from `head`, yielding the new head with each event; raises ChainBreak where one does not fit."""
    for body in bodies:
        if not isinstance(body, bytes):
            raise ChainBreak(source, commune, head.position + 1, "không được lưu dưới dạng byte")
        try:
            link = read_link(body)
        except msgspec.DecodeError as error:
            raise ChainBreak(source, commune, head.position + 1, f"không phải sự kiện: {said_of(error)}") from error
        reason = misfit(link, head, source, commune)
        if reason:
            raise ChainBreak(source, commune, head.position + 1, reason)
        head = Head(link.position, event_hash(body), link.time)
        yield head, link, body


def decode_verified(source: str, commune: str, head: Head, bodies: Iterable[bytes]) -> Iterator[tuple[Envelope, str]]:
    """Decode events that follow `head`, with the hash of each; the fast path of every fold.

    Raises ChainBreak at the first event that does not fit, and what `decode` raises.
    """
    position, previous, time = head.position, head.hash, head.time
    own = f"/{source}"
    for body in bodies:
        envelope = decode(body)
        position += 1
        if (
            envelope.previoushash != previous
            or envelope.position != position
            or envelope.commune != commune
            or envelope.source != own
            or envelope.time < time
        ):
            raise ChainBreak(source, commune, position, "các byte đã lưu không khớp chuỗi")
        previous, time = sha256(body).hexdigest(), envelope.time
        yield envelope, previous
