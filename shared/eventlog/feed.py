"""The client of an owner's feed: what fills the gaps of a replica."""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Protocol

import msgspec

from shared.decoding import decoder
from shared.eventlog.chain import Head
from shared.said import said_of

# A page is at most 500 events; an owner that takes longer counts as unreachable.
TIMEOUT_S = 10


class FeedError(Exception):
    """The owner's feed does not answer, or answers wrongly."""


class Feed(Protocol):
    """An owner's log as replicas see it. Raises FeedError."""

    def fetch(self, commune: str, after: int, limit: int = 500) -> list[bytes]:
        """Stored bytes after a position, in order; fewer than `limit` at the end."""

    def heads(self) -> dict[str, Head]:
        """The ends of all communes' logs."""


class FeedClient:
    """Reads `/communes/{commune}/events` and `/heads` below a base such as `http://host/api/v1/tasks`.

    `token` is called before each request, since tokens of the role replicator expire after some hours.
    """

    def __init__(self, base: str, token: Callable[[], str]) -> None:
        self._base = base.rstrip("/")
        self._token = token

    def fetch(self, commune: str, after: int, limit: int = 500) -> list[bytes]:
        query = urllib.parse.urlencode({"after": after, "limit": limit})
        return self._get(f"/communes/{urllib.parse.quote(commune, safe='')}/events?{query}").splitlines()

    def heads(self) -> dict[str, Head]:
        try:
            return _heads(self._get("/heads")).heads
        except msgspec.DecodeError as error:
            raise FeedError(f"{self._base}/heads: {said_of(error)}") from error

    def _get(self, path: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the base is set by the operator
            self._base + path, headers={"Authorization": f"Bearer {self._token()}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except (OSError, HTTPException) as error:  # OSError includes urllib's errors
            raise FeedError(f"{self._base}{path}: {said_of(error)}") from error


class _Heads(msgspec.Struct):
    heads: dict[str, Head]


_heads = decoder(_Heads)
