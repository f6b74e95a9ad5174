"""Names and e-mail addresses, read from tasks over HTTP when they are needed, and stored nowhere."""

import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException

import msgspec

from services.notifications.channels.interface import Contact, Temporary
from shared.decoding import decoder

# A message waits for the answer: one that takes longer is as good as none.
TIMEOUT_S = 5
# A morning's messages ask once; a person who was erased is called by name for a minute at most.
REMEMBERED_S = 60.0


class _Person(msgspec.Struct):
    staff: str
    name: str | None = None
    email: str | None = None


class _People(msgspec.Struct):
    people: list[_Person]


_people = decoder(_People)


class Directory:
    """Reads `/communes/{commune}/people` below a base such as `http://host/api/v1/tasks`, with a token of the role
    messenger, which is fetched before each request."""

    def __init__(self, base: str, token: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._base = base.rstrip("/")
        self._token = token
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[str, tuple[float, Mapping[str, Contact]]] = {}

    def __call__(self, commune: str) -> Mapping[str, Contact]:
        """The contacts of a commune by staff id. Raises Temporary when they cannot be read now."""
        with self._lock:
            at, known = self._read.get(commune, (0.0, None))
            if known is None or self._clock() - at >= REMEMBERED_S:
                known = self._fetch(commune)
                self._read[commune] = (self._clock(), known)
            return known

    def read_now(self, commune: str) -> Mapping[str, Contact]:
        """The contacts as they are at this moment, remembered from now on. Raises Temporary."""
        with self._lock:
            self._read.pop(commune, None)
        return self(commune)

    def _fetch(self, commune: str) -> Mapping[str, Contact]:
        request = urllib.request.Request(  # noqa: S310 - the base is set by the operator
            f"{self._base}/communes/{urllib.parse.quote(commune, safe='')}/people",
            headers={"Authorization": f"Bearer {self._token()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                found = _people(answer.read())
        except (OSError, HTTPException, msgspec.DecodeError) as error:  # OSError includes urllib's errors
            raise Temporary("directory_away") from error
        return {each.staff: Contact(each.staff, each.name, each.email) for each in found.people}
