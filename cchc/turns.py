"""Whose request a free thread takes next, so that no person and no commune holds all of them (ADR 0034)."""

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

# A request that waits for a position holds a thread while it does nothing; a large body is an upload.
WAITS, UPLOADS = "waits", "uploads"
WAIT_HEADER = "CCHC_WAIT_FOR"
UPLOAD_BYTES = 1024 * 1024
# Requests of one token that may wait for their turn, and those among them of a kind that has its own limits.
QUEUED, QUEUED_OF_KIND = 64, 12
# Strangers may be many behind one address: an office that opens its browsers in the morning.
QUEUED_STRANGERS = 200
LONGEST_TOKEN = 4096
_COOKIE = re.compile(rf"(?:^|;\s*)(?:__Host-)?{re.escape(COOKIE)}=([^;]+)")

# What is counted → how many may be answered at once.
Claims = dict[tuple[str, ...], int]
Headers = Mapping[str, str]  # names in capitals, with underscores


class _Ticket(Generic[T]):
    def __init__(self, item: T, person: tuple[str, ...], queues: Claims, claims: Claims) -> None:
        self.item = item
        self.person = person
        self.queues = queues
        self.claims = claims


class Turns(Generic[T]):
    """A queue in front of some threads.

    One person gets three quarters of the threads, one commune seven eighths; all requests that wait for a position, or
    that upload, get half, and one person's a quarter. The person with the fewest is next. The person is whom the token
    claims to be: a false claim is refused within a millisecond of its turn, and has a queue of its own.
    """

    def __init__(self, threads: int, most: int) -> None:
        """most: requests that may wait, of all together."""
        self.threads = threads
        self.most = most
        self._queue: list[_Ticket[T]] = []
        self._queued: Counter[tuple[str, ...]] = Counter()
        self._running: Counter[tuple[str, ...]] = Counter()
        self._tickets: dict[T, _Ticket[T]] = {}

    @property
    def idle(self) -> bool:
        """Nobody waits, and nobody is being answered."""
        return not self._queue and not self._running

    @property
    def full(self) -> bool:
        return len(self._queue) >= self.most

    def wait(self, item: T, headers: Headers, size: int, address: str) -> bool:
        """Queue a request with a body of so many bytes; False when too many of the same person wait."""
        address = host_of(address)
        token = _token(headers)
        name, commune = _claimed(token) if token else ("", "")
        if not name:
            name = address  # strangers; so are those who claim nothing that we could read
        person = ("person", commune, name)
        claims: Claims = {("all",): self.threads, person: self._part(3, 4), ("commune", commune): self._part(7, 8)}
        # Counted by token, not by whom it claims to be: a forged one takes nobody's place.
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
        """Those whose turn has come."""
        while (ticket := self._next()) is not None:
            self._queue.remove(ticket)
            _less(self._queued, ticket.queues)
            self._running.update(ticket.claims.keys())
            self._tickets[ticket.item] = ticket
            yield ticket.item

    def end(self, item: T) -> None:
        """It is answered."""
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
    """Person and commune that a token names, unchecked: the app checks it. Empty for what cannot be read."""
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
