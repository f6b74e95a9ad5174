"""Webhooks to a real web server, checked with the official Standard Webhooks library; what they never reach."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifications.channels.interface import Item, Message, NoAddress, Permanent, Temporary, Undeliverable
from services.notifications.channels.webhooks import Webhooks, new_secret
from services.notifications.tables import endpoints, metadata
from shared.eventlog import open_database, reading, utcnow, writing
from tests.support.certificates import certificate
from tests.support.web_sink import Sink, web_sink

COMMUNE = "tien-canh"
SECRET = new_secret()
MESSAGE = Message(
    message="0b1d2c1e-9d51-5f1a-8a7e-000000000001",
    commune=COMMUNE,
    recipient="endpoint/e1",
    at="2024-11-28T00:30:00.000Z",
    subject="Quá hạn 1 ngày làm việc: Rà soát thủ tục",
    greeting="Kính gửi,",
    items=[
        Item(
            reminder="r1",
            about="task/t1",
            rule="overdue-1",
            heading="Quá hạn",
            title="Rà soát thủ tục",
            text="Quá hạn 1 ngày làm việc (hạn 27/11/2024): Rà soát thủ tục",
            staff="p07",
            due="2024-11-27",
            due_version=2,
        )
    ],
    closing="Tin tự động.",
    urgent=True,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'notifications.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with web_sink() as sink:
        yield sink


def at(engine: Engine, url: str, *allowed: str, timeout: float = 10) -> Webhooks:
    """The channel, with an endpoint of this URL."""
    row = {"commune": COMMUNE, "endpoint": "e1", "url": url, "secret": SECRET, "rules": "[]", "created_at": "2024"}
    with writing(engine, COMMUNE) as connection:
        connection.execute(insert(endpoints).values(row))
    return Webhooks(engine, utcnow, frozenset(allowed), timeout)


def to(engine: Engine, sink: Sink, path: str = "/hooks", timeout: float = 10) -> Webhooks:
    return at(engine, f"http://127.0.0.1:{sink.port}{path}", f"127.0.0.1:{sink.port}", timeout=timeout)


def refusal(webhooks: Webhooks) -> Undeliverable:
    with pytest.raises(Undeliverable) as refused:
        webhooks.send(MESSAGE)
    return refused.value


def test_the_official_library_takes_the_signature(engine: Engine, sink: Sink) -> None:
    to(engine, sink, "/hooks?xa=1").send(MESSAGE)
    request = sink.request
    assert request.path == "/hooks?xa=1" and request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == MESSAGE.message
    assert request.headers["host"] == f"127.0.0.1:{sink.port}"
    told: Any = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert told["type"] == "reminder" and told["timestamp"] == "2024-11-28T00:30:00.000Z"


def test_the_payload_holds_ids_of_staff(engine: Engine, sink: Sink) -> None:
    to(engine, sink).send(MESSAGE)
    told = json.loads(sink.request.body)
    assert told["data"] == {
        "commune": COMMUNE,
        "subject": "Quá hạn 1 ngày làm việc: Rà soát thủ tục",
        "reminders": [
            {
                "reminder": "r1",
                "about": "task/t1",
                "rule": "overdue-1",
                "text": "Quá hạn 1 ngày làm việc (hạn 27/11/2024): Rà soát thủ tục",
                "staff": "p07",
                "due": "2024-11-27",
                "link": None,
            }
        ],
    }


def test_another_secret_or_another_body_does_not_pass(engine: Engine, sink: Sink) -> None:
    to(engine, sink).send(MESSAGE)
    request = sink.request
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers))


def test_an_attempt_later_has_the_same_id_and_body_and_its_own_time(engine: Engine, sink: Sink) -> None:
    webhooks = to(engine, sink)
    times = iter(
        [datetime.fromisoformat("2024-11-28T07:30:00+07:00"), datetime.fromisoformat("2024-11-28T07:31:00+07:00")]
    )
    webhooks = Webhooks(engine, lambda: next(times), webhooks.allowed)
    webhooks.send(MESSAGE)
    webhooks.send(MESSAGE)
    first, second = sink.requests
    assert first.body == second.body and first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60


def test_a_secret_is_made_at_random() -> None:
    first, second = new_secret(), new_secret()
    assert first != second and first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


# Answers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_in_the_two_hundreds_is_taken_over(engine: Engine, sink: Sink, status: int) -> None:
    sink.status = status
    to(engine, sink).send(MESSAGE)


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 503])
def test_any_other_answer_is_tried_again(engine: Engine, sink: Sink, status: int) -> None:
    sink.status = status
    refused = refusal(to(engine, sink))
    assert isinstance(refused, Temporary) and refused.reason == f"http {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(engine: Engine, sink: Sink, status: int) -> None:
    with web_sink() as inner:
        sink.status, sink.headers = status, {"Location": f"http://127.0.0.1:{inner.port}/"}
        refused = refusal(to(engine, sink))
        assert isinstance(refused, Temporary) and refused.reason == f"http {status}"
        assert inner.requests == [] and len(sink.requests) == 1


def test_gone_disables_the_endpoint(engine: Engine, sink: Sink) -> None:
    sink.status = 410
    webhooks = to(engine, sink)
    refused = refusal(webhooks)
    assert isinstance(refused, Permanent) and refused.reason == "http 410"
    with reading(engine, COMMUNE) as connection:
        row = connection.execute(select(endpoints)).one()
    assert row.disabled_at is not None and row.disabled_reason == "http 410"
    sink.status = 200
    assert isinstance(refusal(webhooks), NoAddress)
    assert len(sink.requests) == 1


def test_an_endpoint_that_was_removed_gets_nothing(engine: Engine) -> None:
    assert isinstance(refusal(Webhooks(engine, utcnow)), NoAddress)


# Limits


def test_a_server_that_does_not_answer_is_given_up(engine: Engine, sink: Sink) -> None:
    released = threading.Event()
    sink.answer = lambda _: (released.wait(20), None)[1]
    started = time.monotonic()
    try:
        assert isinstance(refusal(to(engine, sink, timeout=0.2)), Temporary)
    finally:
        released.set()
    assert time.monotonic() - started < 5


def test_a_server_that_answers_by_drops_is_given_up(engine: Engine, sink: Sink) -> None:
    """Each drop begins a socket's own limit anew."""
    released = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-More: ")
        while not released.wait(0.05):
            handler.wfile.write(b"x")

    sink.answer = drip
    started = time.monotonic()
    try:
        assert isinstance(refusal(to(engine, sink, timeout=0.3)), Temporary)
    finally:
        released.set()
    assert 0.3 <= time.monotonic() - started < 5


def test_an_endless_answer_is_not_read(engine: Engine, sink: Sink) -> None:
    written = 0

    def flood(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while written < 2**30:
                written += handler.wfile.write(b"x" * 65536)
        except OSError:
            return

    sink.answer = flood
    to(engine, sink).send(MESSAGE)
    assert written < 2**28


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200]
)
def test_an_answer_that_is_no_http_is_tried_again(engine: Engine, sink: Sink, answer: bytes) -> None:
    sink.answer = lambda handler: (handler.wfile.write(answer), None)[1]
    assert isinstance(refusal(to(engine, sink)), Temporary)


# Where they never go


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]",
        "[::ffff:127.0.0.1]", "[::ffff:8.8.8.8]", "[2002:7f00:1::1]", "[64:ff9b::7f00:1]", "[::7f00:1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    ],
)  # fmt: skip
def test_the_own_network_is_out_of_reach(engine: Engine, host: str) -> None:
    refused = refusal(at(engine, f"https://{host}/"))
    assert isinstance(refused, Permanent) and refused.reason == "inner_address"


def _resolves(monkeypatch: pytest.MonkeyPatch, name: str, *answers: list[str]) -> list[str]:
    """A name server's answers in turn; returns the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != name:
            return real(host, port, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers[len(asked) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_with_one_inner_address_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolves(monkeypatch, "hooks.example.org", ["8.8.8.8", "127.0.0.1"])
    refused = refusal(at(engine, "https://hooks.example.org/"))
    assert isinstance(refused, Permanent) and refused.reason == "inner_address"


def test_the_address_that_was_looked_at_is_connected_to(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers otherwise the second time is not asked twice; TLS and Host still speak of the name."""
    trusted, context = certificate(tmp_path, "hooks.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web_sink(context) as sink:
        asked = _resolves(monkeypatch, "hooks.example.org", ["127.0.0.1"], ["192.0.2.1"])
        at(engine, f"https://hooks.example.org:{sink.port}/in", "hooks.example.org").send(MESSAGE)
        assert asked == ["hooks.example.org"]
        assert sink.names == ["hooks.example.org"]
        assert sink.request.headers["host"] == f"hooks.example.org:{sink.port}"
        Webhook(SECRET).verify(sink.request.body, dict(sink.request.headers))


def test_a_certificate_of_another_name_is_refused(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path, "other.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web_sink(context) as sink:
        refused = refusal(at(engine, f"https://localhost:{sink.port}/", "localhost"))
        assert isinstance(refused, Temporary) and refused.reason == "http SSLCertVerificationError"
        assert sink.requests == []


def test_plain_http_is_for_hosts_that_an_operator_names(engine: Engine, sink: Sink) -> None:
    refused = refusal(at(engine, f"http://127.0.0.1:{sink.port}/", "127.0.0.1:1"))
    assert isinstance(refused, Permanent) and refused.reason == "https_required"
    assert sink.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.org", "ftp://example.org/", "file:///etc/passwd", "https://", "https:///x", "https://a:0/",
        "https://a:99999/", "https://user:word@example.org/", "https://[::1/", "https://example.org/a b",
        "https://example.org/\r\nX-Other: 1", "https://ví-dụ.vn/",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_web_server_is_refused(engine: Engine, url: str) -> None:
    with pytest.raises(Permanent, match="bad_url"):
        Webhooks(engine, utcnow).check(url)


def test_a_name_that_nobody_knows_may_be_known_later(engine: Engine) -> None:
    with pytest.raises(Temporary, match="unknown_host"):
        Webhooks(engine, utcnow).check("https://no-such-host.invalid/")


def test_a_server_that_is_away_may_come_back(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = refusal(at(engine, f"http://127.0.0.1:{port}/", "127.0.0.1"))
    assert isinstance(refused, Temporary) and refused.reason == "http ConnectionRefusedError"
