"""Webhooks after Standard Webhooks (standardwebhooks.com): signed, never redirected, never into the own network."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

import msgspec
from sqlalchemy import Engine, select, update

from services.notifications.channels.interface import Message, NoAddress, Permanent, Temporary
from services.notifications.tables import endpoints
from shared import journal
from shared.eventlog import Busy, reading, writing
from shared.events import format_time
from shared.journal import kinds

# For one attempt from connecting to the answer's status; the rest of an answer is not read.
TIMEOUT_S = 10
SECRET = "whsec_"  # noqa: S105 -- the prefix of secrets, not one
SECRET_BYTES = 32
GONE = 410
DEFAULT_PORTS = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}
# Nothing that could end the line of a request or a header, and no character that a URL cannot hold.
SENDABLE = re.compile(r"[!-~]+")


class Webhooks(msgspec.Struct, frozen=True):
    """Reads endpoints from the service's database. `allowed` names hosts (`name` or `name:port`, in lower case) that an
    operator vouches for: they may lie in the own network and speak plain HTTP. `timeout` is in seconds."""

    engine: Engine
    clock: Callable[[], datetime]
    allowed: frozenset[str] = frozenset()
    timeout: float = TIMEOUT_S

    def send(self, message: Message) -> None:
        endpoint = message.recipient.removeprefix("endpoint/")
        key = (endpoints.c.commune == message.commune, endpoints.c.endpoint == endpoint)
        columns = select(endpoints.c.url, endpoints.c.secret).where(*key, endpoints.c.disabled_at.is_(None))
        with reading(self.engine, message.commune) as connection:
            row = connection.execute(columns).first()
        if row is None:
            raise NoAddress("no_endpoint")
        body = payload(message)
        now = self.clock()
        headers = {
            "content-type": "application/json",
            "user-agent": "cchc",
            "webhook-id": message.message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature(row.secret, message.message, int(now.timestamp()), body),
        }
        status = self._post(row.url, body, headers)
        if status == GONE:
            disabled = {"disabled_at": format_time(now), "disabled_reason": "http 410"}
            try:
                with writing(self.engine, message.commune) as connection:
                    connection.execute(update(endpoints).where(*key).values(disabled))
                    journal.record(
                        connection,
                        message.commune,
                        kinds.ENDPOINT_DISABLED,
                        [f"endpoint/{endpoint}"],
                        actor="service/notifications",
                    )
            except Busy:
                raise Temporary("http 410") from None
            raise Permanent("http 410")
        if not 200 <= status < 300:
            # Standard Webhooks: everything but 2xx is tried again, and redirects are not followed.
            raise Temporary(f"http {status}")

    def check(self, url: str) -> None:
        """May messages go to a URL, as far as is known today? Raises Permanent, or Temporary when its name is
        not known."""
        parts = self._parts(url)
        self._address(parts)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        parts = self._parts(url)
        address = self._address(parts)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with (
                _connected(address, _port(parts), self.timeout) as plain,
                closing(_Through(plain, parts)) as connection,
            ):
                connection.request("POST", path, body, headers)
                return connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise Temporary(f"http {type(problem).__name__}") from problem

    def _parts(self, url: str) -> SplitResult:
        """Raises Permanent for anything but the URL of a web server, or for plain HTTP to a host not allowed."""
        try:
            parts = urlsplit(url)
            usable = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0 and parts.username is None
        except ValueError:
            raise Permanent("bad_url") from None
        if not usable or not SENDABLE.fullmatch(url):
            raise Permanent("bad_url")
        if parts.scheme == "http" and not self._allows(parts):
            raise Permanent("https_required")
        return parts

    def _allows(self, parts: SplitResult) -> bool:
        return not self.allowed.isdisjoint({parts.hostname, f"{parts.hostname}:{_port(parts)}"})

    def _address(self, parts: SplitResult) -> str:
        """The one address to connect to. A name is resolved here only, so that it cannot change between the check and
        the connection; one inner address among several refuses the name."""
        try:
            resolved = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Temporary("unknown_host") from None
        addresses = [str(sockaddr[0]) for *_, sockaddr in resolved]
        if not self._allows(parts) and not all(_is_public(address) for address in addresses):
            raise Permanent("inner_address")
        return addresses[0]


class _Through(http.client.HTTPConnection):
    """HTTP over an existing connection; host name and certificate are those of the URL."""

    def __init__(self, connected: socket.socket, parts: SplitResult) -> None:
        super().__init__(parts.hostname or "", _port(parts))
        # The Host header leaves out the default port.
        self.default_port = DEFAULT_PORTS[parts.scheme]
        self._connected = connected
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def connect(self) -> None:
        tls = self._tls
        self.sock = tls.wrap_socket(self._connected, server_hostname=self.host) if tls else self._connected


@contextmanager
def _connected(address: str, port: int, seconds: float) -> Iterator[socket.socket]:
    """A connection with a limit on its whole time: a socket's own timeout starts again with every byte. Raises
    TimeoutError when it was cut off, as that looks like an answer that came to its end."""
    with socket.create_connection((address, port), timeout=seconds) as connected, connected.dup() as handle:
        late = Event()

        def cut() -> None:
            late.set()
            _shut(handle)

        deadline = Timer(seconds, cut)
        deadline.daemon = True
        deadline.start()
        try:
            yield connected
        finally:
            deadline.cancel()
            deadline.join()
            _shut(handle)
        if late.is_set():
            raise TimeoutError


def _shut(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


def _port(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]


def _is_public(text: str) -> bool:
    """Does an address belong to the open internet? IPv6 that carries an IPv4 address does not: where it comes out
    cannot be seen from here."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def payload(message: Message) -> bytes:
    """Ids of staff, no names; the same bytes at every attempt."""
    reminders = [
        {
            "reminder": item.reminder,
            "about": item.about,
            "rule": item.rule,
            "text": item.text,
            "staff": item.staff,
            "due": item.due,
            "link": item.link,
        }
        for item in message.items
    ]
    data = {"commune": message.commune, "subject": message.subject, "reminders": reminders}
    return msgspec.json.encode({"type": "reminder", "timestamp": message.at, "data": data})


def new_secret() -> str:
    return SECRET + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, seconds and body. Raises ValueError for a secret that is not base64."""
    key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
