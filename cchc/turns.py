"""A fair queue: which request a free thread takes next, so that no person or commune holds all threads (ADR 0034)."""

import base64
import binascii
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from shared.decoding import decoder
from shared.hosts import host_of
from shared.web.auth import COOKIE

T = TypeVar("T")

# Kinds with their own limits: a request that waits for a position holds an idle thread; a large body is an upload.
WAITS, UPLOADS = "waits", "uploads"
WAIT_HEADER = "CCHC_WAIT_FOR"
UPLOAD_BYTES = 1024 * 1024
# Requests that one token may have in the queue: in all, and of each kind above.
QUEUED, QUEUED_OF_KIND = 64, 12
# The same for one address without a token: a whole office may open its browsers behind it in the morning.
QUEUED_STRANGERS = 200
LONGEST_TOKEN = 4096
_COOKIE = re.compile(rf"(?:^|;\s*)(?:__Host-)?{re.escape(COOKIE)}=([^;]+)")

# Counter → its limit.
Claims = dict[tuple[str, ...], int]
Headers = Mapping[str, str]  # names in capitals, with underscores


class _Ticket(Generic[T]):
    def __init__(self, item: T, person: tuple[str, ...], queues: Claims, claims: Claims) -> None:
        self.item = item
        self.person = person
        self.queues = queues
        self.claims = claims


class Turns(Generic[T]):
    """The queue in front of a pool of threads.

    One person gets at most three quarters of the threads, one commune seven eighths. All requests of one kind (waits,
    uploads) get half, those of one person a quarter. The person with the fewest running requests is next.

    The token says who the person is, unverified: the app refuses a forged token within a millisecond. Queue limits are
    counted per token, so that a forged one takes nobody's place.
    """

    def __init__(self, threads: int, most: int) -> None:
        """most: limit of all requests in the queue."""
        self.threads = threads
        self.most = most
        self._queue: list[_Ticket[T]] = []
        self._queued: Counter[tuple[str, ...]] = Counter()
        self._running: Counter[tuple[str, ...]] = Counter()
        self._tickets: dict[T, _Ticket[T]] = {}

    @property
    def idle(self) -> bool:
        """No request waits or runs."""
        return not self._queue and not self._running

    @property
    def full(self) -> bool:
        return len(self._queue) >= self.most

    def wait(self, item: T, headers: Headers, size: int, address: str) -> bool:
        """Queue a request with a body of `size` bytes. False when its token or address has too many in the queue."""
        address = host_of(address)
        token = _token(headers)
        name, commune = _claimed(token) if token else ("", "")
        if not name:
            name = address  # no token, or none that can be read
        person = ("person", commune, name)
        claims: Claims = {("all",): self.threads, person: self._part(3, 4), ("commune", commune): self._part(7, 8)}
        whose = ("token", token) if token else ("address", address)
        queues: Claims = {whose: QUEUED if token else QUEUED_STRANGERS}
        for kind in _kinds(headers, size):
            claims |= {(kind,): self._part(2, 4), (kind, *person): self._part(1, 4)}
            queues[kind, *whose] = QUEUED_OF_KIND
        if any(self._queued[key] >= most for key, most in queues.items()):
            return False
        self._queued.update(queues.keys())
        self._queue.append(_Ticket(item, person, queues, claims))
        return True

    def begin(self) -> Iterator[T]:
        """Requests that may run now; each counts as running until `end`."""
        while (ticket := self._next()) is not None:
            self._queue.remove(ticket)
            _less(self._queued, ticket.queues)
            self._running.update(ticket.claims.keys())
            self._tickets[ticket.item] = ticket
            yield ticket.item

    def end(self, item: T) -> None:
        """The request is answered."""
        _less(self._running, self._tickets.pop(item).claims)

    def _next(self) -> _Ticket[T] | None:
        if self._running["all",] >= self.threads:
            return None
        free = [
            ticket for ticket in self._queue if all(self._running[key] < most for key, most in ticket.claims.items())
        ]
        return min(free, key=lambda ticket: self._running[ticket.person], default=None)

    def _part(self, parts: int, of: int) -> int:
        return max(1, self.threads * parts // of)


def _less(counter: Counter[tuple[str, ...]], keys: Claims) -> None:
    for key in keys:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]


def _kinds(headers: Headers, size: int) -> Iterator[str]:
    if WAIT_HEADER in headers:
        yield WAITS
    if size > UPLOAD_BYTES:
        yield UPLOADS


def _token(headers: Headers) -> str | None:
    if "AUTHORIZATION" in headers:
        return headers["AUTHORIZATION"].rpartition(" ")[2]
    cookie = _COOKIE.search(headers.get("COOKIE", ""))
    return cookie[1] if cookie else None


class _Claim(msgspec.Struct):
    sub: str
    commune: str


def _claimed(token: str) -> tuple[str, str]:
    """The person and the commune that a token names, unverified; empty if it cannot be read."""
    return _read(token) if len(token) <= LONGEST_TOKEN else ("", "")


_claim = decoder(_Claim)


@functools.lru_cache(maxsize=1000)
def _read(token: str) -> tuple[str, str]:
    part = token.split(".")[1:2]
    try:
        claim = _claim(base64.urlsafe_b64decode(part[0] + "=="))
    except (IndexError, binascii.Error, ValueError):
        return "", ""
    return claim.sub[:200], claim.commune[:64]
