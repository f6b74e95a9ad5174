"""What travels between the parts of an installation: encrypted, with the other side's certificate known and lasting."""

import ipaddress
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.doctor.outside import LOOPBACK
from cchc.installation import Installation
from cchc.services import SERVICES
from cchc.settings import WrongSetting
from shared.eventlog import NO_COMMUNE, reading
from shared.eventlog.brokers import Brokers, NotBrokers, UnusableFile
from shared.eventlog.database import driver_of
from shared.events import VIETNAM
from shared.said import said_of

TIMEOUT_S = 3
# A certificate is renewed while there is still time to notice that its renewal fails.
RENEW_DAYS = 30
# PostgreSQL is asked for TLS before the handshake: length, and the number that stands for the request.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)

CLEAR = "dữ liệu đi qua mạng ở dạng rõ, ai ở giữa cũng đọc và sửa được"


class Way(NamedTuple):
    """To one other side. `context` makes the connection as the installation does, None: in the clear; `unchecked` says
    what it leaves unchecked, `clear` what being in the clear means. `fix` is how to encrypt it."""

    name: str
    host: str
    port: int
    context: Callable[[], ssl.SSLContext] | None
    fix: str
    ask: bytes = b""
    unchecked: str | None = None
    clear: str = CLEAR


def in_transit(installation: Installation) -> Iterator[Finding]:
    """Every way to another machine: databases, brokers, services, mail, and the browsers' to the proxy."""
    ways = [*_databases(installation), *_brokers(installation), *_addresses(installation), *_mail(installation)]
    findings = [found(way) for way in {(way.host, way.port): way for way in ways}.values()]
    findings += [*_elsewhere(installation)]
    yield from findings or [not_applicable("mọi thứ ở trong một máy, không có gì đi qua mạng")]


def found(way: Way) -> Finding:
    place = f"{way.name} ({way.host}:{way.port})"
    if way.context is None:
        if _is_near(way.host):
            return ok(f"{place}: không mã hóa, ở trong cùng một máy")
        return warning(f"{place}: {way.clear}", way.fix)
    if way.unchecked:
        return warning(f"{place}: mã hóa nhưng {way.unchecked}: ai ở giữa cũng giả làm máy chủ được", way.fix)
    try:
        version, ends = _shaken_hands(way, way.context())
    except UnusableFile as error:
        return failure(f"{place}: {error}", "đặt đúng tệp; docs/how-to/tls.md")
    except ssl.SSLCertVerificationError as error:
        return failure(f"{place}: chứng thư không được chấp nhận: {error.verify_message}", RENEW)
    except OSError as error:
        return warning(f"{place}: không hỏi được chứng thư từ máy này: {said_of(error)}", "kiểm tra địa chỉ, tường lửa")
    until = f"{version}, chứng thư đến {ends.astimezone(VIETNAM):%d/%m/%Y}"
    if (ends - datetime.now(UTC)).days < RENEW_DAYS:
        return warning(f"{place}: {until}, còn dưới {RENEW_DAYS} ngày", RENEW)
    return ok(f"{place}: {until}")


RENEW = "cấp lại chứng thư của máy chủ đó với đúng tên, và đặt đúng tệp CA; docs/how-to/tls.md"


def _shaken_hands(way: Way, context: ssl.SSLContext) -> tuple[str, datetime]:
    """The version of TLS, and until when the other side's certificate holds. Raises OSError."""
    with socket.create_connection((way.host, way.port), timeout=TIMEOUT_S) as plain:
        if way.ask:
            plain.sendall(way.ask)
            if plain.recv(1) != b"S":
                raise ConnectionRefusedError
        with context.wrap_socket(plain, server_hostname=way.host) as secured:
            certificate = secured.getpeercert() or {}
            ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            return secured.version() or "TLS", datetime.fromtimestamp(ends, UTC)


def _is_near(host: str) -> bool:
    """On this machine: a loopback address, a socket's folder, or a name without a dot as compose gives containers."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.startswith("/") or "." not in host


FIX_DATABASE = "bật ssl ở PostgreSQL, đặt PGSSLMODE=verify-full và PGSSLROOTCERT=tệp CA; docs/how-to/tls.md"


def _databases(installation: Installation) -> Iterator[Way]:
    away = set[tuple[str, int]]()
    for service in SERVICES:
        try:
            address = make_url(installation.settings.databases[service])
        except ArgumentError:
            continue  # another check says so
        # Opening one on SQLite would make its file.
        if address.get_backend_name() != "postgresql":
            continue
        by_address = _by_address(address)
        if (by_address.host, by_address.port) in away:
            continue
        try:
            with reading(installation.engine(service), NO_COMMUNE) as connection:
                libpq = driver_of(connection).pgconn
                said = {one.keyword.decode(): (one.val or b"").decode() for one in libpq.info}
                host, port, encrypted = said["host"], int(said["port"]), libpq.ssl_in_use
        except SQLAlchemyError:  # another check says that it is away
            away.add((by_address.host, by_address.port))
            yield by_address
            continue
        ca = None if said["sslrootcert"] in ("", "system") else said["sslrootcert"]
        yield Way(
            "PostgreSQL",
            host,
            port,
            partial(_trusting, ca) if encrypted else None,
            FIX_DATABASE,
            SSL_REQUEST,
            None if said["sslmode"] == "verify-full" else f"không kiểm tra tên máy chủ (sslmode={said['sslmode']})",
        )


def _by_address(address: URL) -> Way:
    """To a database that does not answer: what libpq would do there, by its address and the environment."""

    def said(parameter: str, variable: str, otherwise: str) -> str:
        written = address.query.get(parameter)
        return (written if isinstance(written, str) else None) or os.environ.get(variable) or otherwise

    # Without a host, libpq takes a socket of this machine.
    host, port = address.host or said("host", "PGHOST", "/"), address.port or int(said("port", "PGPORT", "5432"))
    mode, ca = said("sslmode", "PGSSLMODE", "prefer"), said("sslrootcert", "PGSSLROOTCERT", "system")
    encrypted = mode in ("require", "verify-ca", "verify-full")
    return Way(
        "PostgreSQL",
        host,
        port,
        partial(_trusting, None if ca == "system" else ca) if encrypted else None,
        FIX_DATABASE,
        SSL_REQUEST,
        None if mode == "verify-full" else f"không kiểm tra tên máy chủ (sslmode={mode})",
        f"máy chủ không trả lời, và sslmode={mode} để dữ liệu đi qua mạng ở dạng rõ",
    )


def _trusting(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise UnusableFile(f"không dùng được tệp {ca} (PGSSLROOTCERT)") from error


def _brokers(installation: Installation) -> Iterator[Way]:
    try:
        brokers = Brokers.parse(installation.settings.kafka or "")
    except NotBrokers:
        return  # another check says so
    for server in filter(None, brokers.servers.split(",")):
        host, _, port = server.strip().rpartition(":")
        fix = "mở cổng SSL ở broker, đặt CCHC_KAFKA=ssl://máy-chủ:cổng?ca=tệp CA; docs/how-to/tls.md"
        yield Way("Kafka", host.strip("[]"), int(port), brokers.context if brokers.tls else None, fix)


def _addresses(installation: Installation) -> Iterator[Way]:
    settings = installation.settings
    named: dict[str, tuple[str, str]] = {}
    if settings.origin and settings.origin.startswith("https:"):  # in the clear: the check of the origin says so
        named["Địa chỉ trình duyệt"] = settings.origin, "CCHC_ORIGIN"
    if settings.kafka:
        named |= {f"Dịch vụ {service}": (settings.urls[service], f"CCHC_URL_{service.upper()}") for service in SERVICES}
    if "://" in settings.keys:
        named["Bộ khóa công khai"] = (settings.keys, "CCHC_KEYS")
    for name, (address, variable) in named.items():
        parts = urlsplit(address)
        if not parts.hostname:
            continue
        encrypted = parts.scheme == "https"
        fix = f"đặt chứng thư TLS ở proxy, rồi {variable}=https://…; docs/how-to/tls.md"
        port = parts.port or (443 if encrypted else 80)
        yield Way(name, parts.hostname, port, ssl.create_default_context if encrypted else None, fix)


def _elsewhere(installation: Installation) -> Iterator[Finding]:
    """What goes over a network and has a check of its own."""
    settings = installation.settings
    origin = urlsplit(settings.origin or "")
    if origin.scheme == "http" and origin.hostname and origin.hostname not in LOOPBACK:
        yield warning(
            f"Địa chỉ trình duyệt ({settings.origin}): {CLEAR}", "đặt chứng thư TLS ở proxy; docs/how-to/tls.md"
        )
    server = settings.smtp
    if server and not isinstance(server, WrongSetting) and server.tls is not None:
        yield ok(f"Máy chủ thư ({server.host}:{server.port}): mã hóa, mục “Thư điện tử” kiểm tra chứng thư")


def _mail(installation: Installation) -> Iterator[Way]:
    """Only in the clear: where it is encrypted, the check of the mail server connects and checks all that is asked."""
    server = installation.settings.smtp
    if server and not isinstance(server, WrongSetting) and server.tls is None:
        yield Way("Máy chủ thư", server.host, server.port, None, "đặt CCHC_SMTP=smtps://… hoặc thêm ?starttls=1")
