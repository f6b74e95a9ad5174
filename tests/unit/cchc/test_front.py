"""What the front takes for a request, and what it answers itself."""

import http.client
import json
import re
import select
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from cchc.front import BODY_BYTES, Front, answering
from cchc.limits import MIB, Limits
from cchc.served import listen
from tests.support.waiting import until

OK = b"HTTP/1.1 200 OK"
LARGE = 4 * MIB

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Asked:
    """An app that remembers what reached it, and answers with as many bytes as the query says."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read())
        self.requests.append(environ)
        body = b"x" * int(environ["QUERY_STRING"] or 2)
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


@contextmanager
def served(app: App, limits: Limits | None = None, threads: int = 2) -> Iterator[tuple[Front, tuple[str, int]]]:
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    with answering(app, listener, "front", limits or Limits(), threads=threads) as front:
        yield front, address


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    with closing(socket.create_connection(address, timeout=20)) as sock:
        yield sock


def all_of(sock: socket.socket) -> bytes:
    """What is answered until the server ends the connection."""
    answer = b""
    while data := sock.recv(65536):
        answer += data
    return answer


def sent(app: App, *parts: bytes) -> bytes:
    with served(app) as (_, address), connected(address) as sock:
        for part in parts:
            sock.sendall(part)
        return all_of(sock)


def problem(answer: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return document


GET = b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

# Requests that a proxy and a server may read to different ends.
SMUGGLED = {
    "length and chunks": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "chunks and length": (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + GET),
    "chunks alone": (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n" + GET),
    "a bad chunk": (b"Transfer-Encoding: chunked\r\n", b"0x3\r\nabc\r\n0\r\n\r\n" + GET),
    "a coding that is none": (b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n", b"abc" + GET),
    "two codings": (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + GET),
    "a coding with a tab": (b"Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n", b"abc" + GET),
    "a name with a space": (b"Transfer-Encoding : chunked\r\nContent-Length: 3\r\n", b"abc" + GET),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n", b"abc" + GET),
    "a folded field": (b"Content-Length: 3\r\nX: a\r\n b\r\n", b"abc" + GET),
    "two lengths": (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abc" + GET),
    "a length twice": (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc" + GET),
    "two lengths in one": (b"Content-Length: 3, 3\r\n", b"abc" + GET),
    "a length with a sign": (b"Content-Length: +3\r\n", b"abc" + GET),
    "a length that is none": (b"Content-Length: 3e1\r\n", b"abc" + GET),
    "a line end of one byte": (b"Content-Length: 3\nX: y\r\n", b"abc" + GET),
    "a return alone": (b"Content-Length: 3\rX: y\r\n", b"abc" + GET),
    "two hosts": (b"Host: y\r\nContent-Length: 3\r\n", b"abc" + GET),
}


@pytest.mark.parametrize("kind", SMUGGLED)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one piece", "byte for byte"])
def test_a_request_with_two_readings_reaches_no_app(kind: str, at_once: bool):
    fields, rest = SMUGGLED[kind]
    whole = b"POST /first HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + rest
    parts = [whole] if at_once else [whole[i : i + 1] for i in range(len(whole))]
    app = Asked()
    answer = sent(app, *parts)
    assert re.match(rb"HTTP/1\.[01] (400|411) ", answer), answer
    assert answer.count(b"HTTP/1.") == 1 and b"Connection: close" in answer
    assert problem(answer)["status"] in {400, 411}
    assert app.requests == []


def test_a_coding_of_the_old_protocol_is_refused_too():
    app = Asked()
    answer = sent(app, b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert problem(answer)["code"] == "length-required" and app.requests == []


def test_what_is_sent_behind_a_request_is_given_up_with_the_connection():
    app = Asked()
    answer = sent(app, b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET * 20)
    assert answer.count(OK) == 1 and b"Connection: close" in answer
    assert [request["PATH_INFO"] for request in app.requests] == ["/first"] and app.bodies == [b"abc"]


def test_one_request_after_the_other_on_one_connection():
    app = Asked()
    with served(app) as (_, address), connected(address) as sock:
        for _ in range(3):
            sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            answer = b""
            while not answer.endswith(b"xx"):
                answer += sock.recv(65536)
            assert answer.startswith(OK)
    assert app.bodies == [b"abc"] * 3


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431, "head-too-large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413, "too-large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413, "too-large"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(request_: bytes, status: int, code: str):
    app = Asked()
    answer = sent(app, request_)
    assert answer.split()[1] == str(status).encode()
    said = problem(answer)
    assert said["code"] == code and app.requests == []
    assert re.fullmatch("[0-9a-f]{32}", said["trace_id"]) and f"Trace-Id: {said['trace_id']}".encode() in answer
    limit = {413: "24 MiB một lần gửi, trong đó một tệp nhiều nhất 20 MiB. Hãy nén ảnh", 431: "64 KiB. Hãy xóa cookie"}
    assert limit.get(status, "") in said["detail"] and "{" not in said["detail"]
    assert b"Cache-Control: no-store" in answer and b"Server:" not in answer


def test_what_is_refused_stays_in_the_caller_s_trace():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\ntraceparent: 00-%s-00f067aa0ba902b7-01\r\n\r\n"
    assert problem(sent(Asked(), head % trace.encode()))["trace_id"] == trace


LINE = b"GET / HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "a bracket that is not closed": b"GET http://[::1/livez HTTP/1.1\r\nHost: x\r\n",
    "a bracket that is not opened": b"GET http://::1]/livez HTTP/1.1\r\nHost: x\r\n",
    "nothing in brackets": b"GET http://[]/ HTTP/1.1\r\nHost: x\r\n",
    "no address in brackets": b"GET http://[x]/ HTTP/1.1\r\nHost: x\r\n",
    "a bracket behind a person": b"GET http://a@[::1/ HTTP/1.1\r\nHost: x\r\n",
    "a bracket in another scheme": b"GET x://[/ HTTP/1.1\r\nHost: x\r\n",
    "a bracket in the old protocol": b"GET http://[::1 HTTP/1.0\r\n",
    "a bracket without a protocol": b"GET http://[::1\r\n",
    "a bracket after blank lines": b"\r\n\r\nGET http://[ HTTP/1.1\r\nHost: x\r\n",
    "letters that are no ASCII": b"GET http://\xff/ HTTP/1.1\r\nHost: x\r\n",
    "a path that is no ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n",
    "a length of 5,000 digits": LINE + b"Content-Length: " + b"1" * 5000 + b"\r\n",
    "a length of 5,000 zeros": LINE + b"Content-Length: " + b"0" * 5000 + b"\r\n",
    "a negative length": LINE + b"Content-Length: -1\r\n",
    "no length": LINE + b"Content-Length:\r\n",
    "a length that is none": LINE + b"Content-Length: \xb2\r\n",
    "a length with a zero byte": LINE + b"Content-Length: 1\0\r\n",
    "a version that is none": b"GET / HTTP/1.1.1\r\nHost: x\r\n",
    "a version of other digits": b"GET / HTTP/1.\xb9\r\nHost: x\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\nHost: x\r\n",
    "a method that is none": b"\xff / HTTP/1.1\r\nHost: x\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n",
    "no name": LINE + b": y\r\n",
    "a name alone": LINE + b"X\r\n",
    "a name that is no ASCII": LINE + b"\xc3\xa9: y\r\n",
    "a zero byte": LINE + b"X: \0\r\n",
}
BEHIND = {
    "a scheme that is none": b"X-Forwarded-Proto: ftp\r\n",
    "two schemes": b"X-Forwarded-Proto: http, https\r\n",
    "a quotation that does not end": b'X-Forwarded-For: "\r\n',
    "a port alone": b"X-Forwarded-For: :8.0\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
@pytest.mark.parametrize("behind_proxy", [False, True])
def test_every_malformed_head_gets_an_answer(kind: str, behind_proxy: bool):
    app = Asked()
    with served(app, Limits(per_address=None) if behind_proxy else None) as (_, address), connected(address) as sock:
        sock.sendall(MALFORMED[kind] + b"\r\n")
        answer = all_of(sock)
    assert answer.split()[1:2] == [b"400"], answer
    assert problem(answer)["code"] == "bad-request" and app.requests == []


@pytest.mark.parametrize("kind", BEHIND)
def test_what_a_proxy_says_wrongly_is_answered_by_a_problem_document_too(kind: str):
    for limits, status in ((Limits(per_address=None), b"400"), (Limits(), b"200")):
        app = Asked()
        with served(app, limits) as (_, address), connected(address) as sock:
            sock.sendall(LINE + b"Connection: close\r\n" + BEHIND[kind] + b"\r\n")
            answer = all_of(sock)
        assert answer.split()[1] == status
        assert status == b"200" or (problem(answer)["code"] == "bad-request" and app.requests == [])


def test_a_browser_gets_a_page():
    answer = sent(Asked(), b"POST / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Length: 99999999\r\n\r\n")
    assert b"Content-Type: text/html" in answer and "Nội dung quá lớn" in answer.decode()


def test_the_answer_to_a_body_that_is_too_large_is_not_lost():
    """A client that sends on without looking reads why, instead of seeing its connection reset."""
    with served(Asked()) as (_, address), connected(address) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + MIB))
        for _ in range(64):
            sock.sendall(b"x" * 65536)
        assert problem(all_of(sock))["code"] == "too-large"


def test_a_client_that_waits_for_the_word_is_told_to_go_on():
    app = Asked()
    with served(app) as (_, address), connected(address) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert sock.recv(65536).startswith(OK)
    assert app.bodies == [b"abc"]


CLAIMS = (
    b"X-Forwarded-For: 10.9.9.9, 2001:db8::7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
    b"Forwarded: for=1.2.3.4\r\n"
)


@pytest.mark.parametrize(
    ("behind_proxy", "address", "scheme"), [(False, "127.0.0.1", "http"), (True, "2001:db8::7", "https")]
)
def test_only_a_proxy_says_who_asks(behind_proxy: bool, address: str, scheme: str):
    app = Asked()
    limits = Limits(per_address=None) if behind_proxy else Limits()
    with served(app, limits) as (_, where), connected(where) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + CLAIMS + b"\r\n")
        all_of(sock)
    [environ] = app.requests
    assert environ["REMOTE_ADDR"] == address and environ["wsgi.url_scheme"] == scheme
    assert environ["HTTP_HOST"] == "x" and "HTTP_FORWARDED" not in environ and "HTTP_X_FORWARDED_HOST" not in environ


def test_who_reads_slowly_gets_the_whole_answer_and_holds_no_thread():
    app = Asked()
    with served(app, threads=1) as (_, address), connected(address) as slow, connected(address) as other:
        slow.sendall(b"GET /?%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % LARGE)
        until(lambda: len(app.requests) == 1, what="the large answer has begun")
        other.sendall(GET)
        assert all_of(other).startswith(OK)
        assert len(all_of(slow).partition(b"\r\n\r\n")[2]) == LARGE


def test_answers_that_nobody_reads_are_given_up_when_they_take_too_much():
    app = Asked()
    limits = Limits(buffered=2 * LARGE)
    with served(app, limits) as (front, address):
        slow = [socket.create_connection(address, timeout=20) for _ in range(6)]
        for sock in slow:
            sock.sendall(b"GET /?%d HTTP/1.1\r\nHost: x\r\n\r\n" % LARGE)
        until(lambda: len(app.requests) == len(slow), what="all are answered")
        until(lambda: sum(client.held for client in front.clients) <= limits.buffered, what="the rest is given up")
        assert front.clients
        for sock in slow:
            sock.close()


def test_bodies_that_never_end_are_given_up_when_they_take_too_much():
    app = Asked()
    limits = Limits(buffered=2 * MIB)
    begun = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (2 * MIB) + b"x" * MIB
    with served(app, limits) as (front, address):
        slow = [socket.create_connection(address, timeout=20) for _ in range(6)]
        for sock in slow:
            with suppress(OSError):
                sock.sendall(begun)
        until(lambda: sum(client.held for client in front.clients) <= limits.buffered, what="the rest is given up")
        given_up = [sock for sock in slow if select.select([sock], [], [], 5)[0]]
        assert 0 < len(given_up) < len(slow)
        assert problem(all_of(given_up[0]))["code"] == "overloaded"
        with connected(address) as sock:
            sock.sendall(GET)
            assert all_of(sock).startswith(OK)
        for sock in slow:
            sock.close()


def test_of_one_address_the_slowest_gives_way_and_of_another_nobody():
    app = Asked()
    with served(app, Limits(per_address=3)) as (front, address):
        elsewhere = socket.create_connection(address, timeout=20, source_address=("127.0.1.9", 0))
        own = [socket.create_connection(address, timeout=20) for _ in range(3)]
        until(lambda: len(front.clients) == 4, what="all are let in")
        with connected(address) as sock:
            sock.sendall(GET)
            assert all_of(sock).startswith(OK)
        assert own[0].recv(1) == b""
        elsewhere.sendall(GET)
        assert all_of(elsewhere).startswith(OK)
        for each in (elsewhere, *own):
            each.close()


def test_at_the_limit_of_all_the_crowd_gives_way():
    app = Asked()
    with served(app, Limits(connections=4)) as (front, address):
        alone = socket.create_connection(address, timeout=20, source_address=("127.0.1.9", 0))
        crowd = [socket.create_connection(address, timeout=20) for _ in range(20)]
        until(lambda: len(front.clients) <= 5, what="no more than the limit, and one that is just being closed")
        alone.sendall(GET)
        assert all_of(alone).startswith(OK)
        for each in (alone, *crowd):
            each.close()


def test_after_thousands_of_requests_in_a_row_every_turn_is_given_back():
    def ask() -> None:
        with closing(http.client.HTTPConnection(*address, timeout=20)) as client:
            for _ in range(500):
                client.request("GET", "/")
                client.getresponse().read()

    with served(Asked(), threads=4) as (front, address):
        with ThreadPoolExecutor(4) as clients:
            for asked in [clients.submit(ask) for _ in range(4)]:
                asked.result()
        until(lambda: front.threads.turns.idle, what="no turn is held")
