"""HTTP at the pace of its clients, in one event loop: a thread gets a request when it is whole, and nobody waits for a
client to read (ADR 0033).

The loop reads heads and bodies, and writes what a thread could not hand over at once. gunicorn's parser decides what a
head says; here is only how much of it may be waited for, by whom and how long.
"""

import errno
import html
import io
import logging
import os
import re
import resource
import selectors
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any
from wsgiref.types import WSGIApplication

import msgspec
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from cchc.limits import MIB, Limits
from cchc.turns import Turns
from shared import metrics
from shared.web import problems

log = logging.getLogger(__name__)

KIB = 1024

# Asked by supervisors, who take a late answer for a dead process: each has a thread of its own.
PROBES = ("/livez", "/readyz", "/metrics")

# gunicorn takes no longer head either; the line and the fields have their own limits in its parser.
HEAD_BYTES = 64 * KIB
# The largest upload that a view takes is 20 MiB with its form; the view refuses what is too large for it.
BODY_BYTES = 24 * MIB
CHUNK_LINE = 1 * KIB
TRAILERS = 16
# What a request or an answer keeps in memory; the rest of it waits in a file.
IN_MEMORY = 64 * KIB
READ_BYTES = 256 * KIB
# A client that sends or reads this much in a second is not slow.
STEADY_BYTES_S = 64 * KIB
# A client that is refused before it has sent everything would see its connection reset instead of the answer.
LINGER_S = 2.0
# An idle connection costs nothing here, but a proxy or browser expects its end some time.
IDLE_S = 5.0
# While the server ends: for a connection that has begun a request, and for one that has not.
LAST_S, LAST_IDLE_S = 5.0, 1.0
# A connection that is new has had no chance to send anything.
NEW_S = 1.0
SWEEP_S = 0.25
# Files and connections of a process besides its clients'.
OWN_FILES = 256


def gunicorn_settings(limits: Limits) -> dict[str, Any]:
    """Whose headers count: those of a proxy that somebody vouched for, and nobody else's."""
    return {"forwarded_allow_ips": "*" if limits.behind_proxy else "", "forwarder_headers": ""}


class _Turned(Exception):
    """The request is answered here, before any app sees it."""

    def __init__(self, problem: problems.Problem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem
        self.reason = reason


def _plain(status: int) -> problems.Problem:
    return problems.Problem(status, *problems.HTTP[status])


_BAD = _plain(400)
_SLOW = _plain(408)
_LARGE = _plain(413)
_HEAD = problems.Problem(431, "head-too-large", "Tiêu đề quá lớn", "Phần đầu của yêu cầu vượt quá kích thước cho phép.")
_EXPECTATION = problems.Problem(417, "expectation", "Không đáp ứng Expect", "Máy chủ chỉ biết Expect: 100-continue.")
_CODING = problems.Problem(501, "transfer-coding", "Không đọc được Transfer-Encoding", "Máy chủ chỉ nhận chunked.")
_FULL = problems.Problem(
    503, "overloaded", "Đang quá tải", "Máy chủ đang nhận quá nhiều yêu cầu cùng lúc; hãy thử lại.", 5
)
_CROWD = problems.Problem(
    429,
    "too-many-waiting",
    "Quá nhiều yêu cầu cùng lúc",
    "Bạn đang có quá nhiều yêu cầu chờ trả lời; yêu cầu này chưa được thực hiện. Đợi vài giây rồi gửi lại.",
    5,
)
# What gunicorn's parser says of a head → the answer; everything else is 400.
_PARSER = {
    LimitRequestHeaders: _HEAD,
    LimitRequestLine: _HEAD,
    ExpectationFailed: _EXPECTATION,
    UnsupportedTransferCoding: _CODING,
}


class Room:
    """The bytes that all bodies and answers of the process may keep waiting."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        with self._lock:
            if self.used + size > self.size:
                return False
            self.used += size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self.used -= size


class _Body:
    """A body as it comes: of a length, or in chunks (RFC 9112, 7.1)."""

    def __init__(self, length: int | None, room: Room) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed with its request
        self.room = room
        self.size = 0
        self.chunked = length is None
        self.left = length or 0  # of the body, or of this chunk
        self.expects = "size"
        self.trailers = 0

    def take(self, buffer: bytearray) -> bool:
        """Take what has come out of the buffer. Is the body whole? Raises _Turned."""
        if not self.chunked:
            self._data(buffer)
            return not self.left
        while True:
            if self.left:
                self._data(buffer)
                if self.left:
                    return False
                self.expects = "end"
            end = buffer.find(b"\r\n")
            if end < 0:
                if len(buffer) > CHUNK_LINE:
                    raise _Turned(_BAD, "bad-chunk")
                return False
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if self._line(line):
                return True

    def _line(self, line: bytes) -> bool:
        """One line between the data of two chunks; true for the last one of the body."""
        if self.expects == "end":
            if line:
                raise _Turned(_BAD, "bad-chunk")
            self.expects = "size"
        elif self.expects == "size":
            match = _CHUNK.fullmatch(line)
            if match is None or len(line) > CHUNK_LINE:
                raise _Turned(_BAD, "bad-chunk")
            self.left = int(match[1], 16)
            if not self.left:
                self.expects = "trailer"
        else:
            self.trailers += 1
            if self.trailers > TRAILERS or len(line) > CHUNK_LINE:
                raise _Turned(_BAD, "bad-chunk")
            return not line
        return False

    def _data(self, buffer: bytearray) -> None:
        data = buffer[: self.left]
        if self.size + len(data) > BODY_BYTES:
            raise _Turned(_LARGE, "too-large")
        if not self.room.take(len(data)):
            raise _Turned(_FULL, "no-room")
        self.size += len(data)
        self.file.write(data)
        del buffer[: len(data)]
        self.left -= len(data)

    def close(self) -> None:
        self.file.close()
        self.room.give_back(self.size)
        self.size = 0


_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\r\n]*)?")


class _Gone(OSError):
    """The client is no longer there, or an answer found no room to wait for it."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the client is gone")


class _Answer:
    """What a thread answers, as gunicorn's Response sees a socket: sent at once as far as the client takes it, the rest
    kept for the loop. A whole file is not copied, but sent from where it is."""

    def __init__(self, sock: socket.socket, room: Room) -> None:
        self.sock = sock
        self.room = room
        self.sent = 0
        self._pending = bytearray()
        self._kept: Any = None
        self._kept_size = 0  # bytes in `_kept`, which is written to its end and read from its start
        self._file: Any = None
        self._file_left = 0
        self._part = memoryview(b"")

    def sendall(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) >= IN_MEMORY:
            self._push()

    send = sendall

    @property
    def begun(self) -> bool:
        return bool(self.sent or self._pending or self._kept)

    def append_file(self, file: Any, size: int) -> None:
        """The rest of the answer is in a file."""
        self._file, self._file_left = file, size

    def _push(self) -> None:
        if self._kept is None:
            while self._pending and (sent := self._send(self._pending)):
                del self._pending[:sent]
        if self._pending:
            if not self.room.take(len(self._pending)):
                log.warning("an answer is cut: %s bytes wait for slow clients already", self.room.used)
                raise _Gone
            if self._kept is None:
                self._kept = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed with the answer
            self._kept_size += len(self._pending)
            self._kept.write(self._pending)
            self._pending.clear()

    def _send(self, data: Any) -> int:
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        self.sent += sent
        return sent

    def complete(self) -> bool:
        """Nothing more will be added. Is all of it sent?"""
        self._push()
        if self._kept is not None:
            self._kept.seek(0)
        return self.go_on()

    def go_on(self) -> bool:
        """Send what the client takes now. Is all of it sent? Raises OSError."""
        while True:
            if not self._part and not self._next():
                return True
            sent = self._send(self._part)
            if not sent:
                return False
            self._part = self._part[sent:]

    def _next(self) -> bool:
        data = b""
        if self._kept is not None:
            data = self._kept.read(READ_BYTES)
        if not data and self._file_left:
            data = self._file.read(min(READ_BYTES, self._file_left))
            if not data:
                raise _Gone  # the file is shorter than the length that was promised
            self._file_left -= len(data)
        self._part = memoryview(data)
        return bool(data)

    def close(self) -> None:
        for file in (self._kept, self._file):
            if file is not None:
                file.close()
        self.room.give_back(self._kept_size)
        self._kept_size = 0
        self._kept = self._file = None


IDLE, READING, ANSWERING, SENDING, LINGERING = "idle", "reading", "answering", "sending", "lingering"


class _Connection:
    """One client. Only the loop touches it, but while it is ANSWERING, when only its thread does."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, host: str, reserved: bool) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.host = host
        self.reserved = reserved
        self.buffer = bytearray()
        self.looked = 0  # how far the buffer was searched for the end of the head
        self.request: Any = None
        self.body: _Body | None = None
        self.answer: _Answer | None = None
        self.keep = False
        self.watched = 0
        self.now_is(IDLE)

    def now_is(self, state: str) -> None:
        self.state, self.since, self.moved = state, time.monotonic(), 0

    @property
    def pace(self) -> float:
        """Bytes a second since it has to do something."""
        return self.moved / max(0.001, time.monotonic() - self.since)


class Front:
    """Serves an app to the clients of some listening sockets; `turn` is one round of its loop.

    service  what metrics call it
    threads  requests that are answered at once, besides the probes
    """

    def __init__(
        self,
        listeners: Sequence[Any],
        app: WSGIApplication,
        *,
        service: str,
        threads: int,
        limits: Limits,
        config: Any,
    ) -> None:
        self.listeners = list(listeners)
        self.app = app
        self.service = service
        self.limits = limits
        self.config = config
        self.ending = False
        self.connections: set[_Connection] = set()
        self.most = min(limits.connections, _files() - OWN_FILES)
        self.room = Room(limits.buffered)
        self.turns: Turns[_Connection] = Turns(threads)
        self._by_host: dict[str, set[_Connection]] = {}
        self._reserved = 0
        self._threads = ThreadPoolExecutor(threads, "request")
        self._probes = {path: ThreadPoolExecutor(1, f"probe {path}") for path in PROBES}
        self._done: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        for listener in self.listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, _Accepts(self, listener))
        self._swept = 0.0
        self._turned_away = metrics.web().turned_away

    # The loop

    def turn(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for something to do, and do it."""
        for key, _ in self._selector.select(min(timeout, SWEEP_S) if self.connections else timeout):
            if callable(key.data):
                key.data()
            elif key.data in self.connections:
                self._go_on(key.data)
        while True:
            try:
                self._done.get_nowait()()
            except Empty:
                break
        if time.monotonic() - self._swept >= SWEEP_S:
            self._sweep()

    def stop_listening(self) -> None:
        """Let nobody in from now on; those who are connected have most likely sent a request already, and the kernel
        would reset them with the socket."""
        self.ending = True
        for listener in self.listeners:
            self._selector.unregister(listener)
            while self._accept_one(listener):
                pass
            listener.close()
        self.listeners.clear()

    def close(self) -> None:
        for pool in (self._threads, *self._probes.values()):
            pool.shutdown(wait=False)
        for connection in list(self.connections):
            if connection.state is not ANSWERING:
                self._close(connection)
        self._selector.close()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def _later(self, call: Callable[[], None]) -> None:
        """Let the loop do it; called by threads."""
        self._done.put(call)
        with suppress(OSError):  # full: it wakes anyway
            os.write(self._wake, b"\0")

    def _sweep(self) -> None:
        self._swept = now = time.monotonic()
        for connection in list(self.connections):
            if connection.state is not ANSWERING and now >= self._deadline(connection):
                self._end(connection, "idle" if connection.state in (IDLE, LINGERING) else f"slow-{connection.state}")

    def _deadline(self, connection: _Connection) -> float:
        """When its patience ends. What has come, or was read, buys more of it; waiting does not."""
        steadily = connection.moved / STEADY_BYTES_S
        seconds = {
            IDLE: LAST_IDLE_S if self.ending else min(IDLE_S, self.limits.request_s),
            READING: LAST_S if self.ending else self.limits.request_s + steadily,
            SENDING: self.limits.request_s + steadily,
            LINGERING: LINGER_S,
        }
        return connection.since + seconds[connection.state]

    # Who comes in

    def accept(self, listener: Any) -> None:
        """Take what has come to the socket, some at a time so that others are served too."""
        for _ in range(64):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: Any) -> bool:
        try:
            sock, client = listener.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                log.warning("a client waits: %s", error)
                if not self._give_way(self.connections):
                    time.sleep(0.05)  # else the loop would spin
                return False
            return error.errno == errno.ECONNABORTED
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = _host(client[0])
        there_is_room = self._make_room(host)
        if not there_is_room and self._reserved >= self.limits.reserve:
            self._turned_away.labels(self.service, "no-room").inc()
            sock.close()
            return True
        connection = _Connection(sock, client, sock.getsockname(), host, not there_is_room)
        self._reserved += connection.reserved
        self.connections.add(connection)
        self._by_host.setdefault(connection.host, set()).add(connection)
        self._go_on(connection)
        return True

    def _make_room(self, host: str) -> bool:
        """Is there room for one more from this address? At a limit, the slowest gives way."""
        own, most = self._by_host.get(host, set()), self.limits.per_address
        if most is not None and len(own) >= most and not self._give_way(own):
            return False
        if len(self.connections) - self._reserved < self.most:
            return True
        return self._give_way(max(self._by_host.values(), key=len)) or self._give_way(self.connections)

    def _give_way(self, connections: Collection[_Connection]) -> bool:
        """Close the one that keeps us waiting most: nobody whose request is whole, and none that is new if there is
        another."""
        now = time.monotonic()
        waited_for = [one for one in connections if one.state is not ANSWERING and not one.reserved]
        if not waited_for:
            return False
        slowest = min(waited_for, key=lambda one: (now - one.since < NEW_S, one.pace, one.since))
        self._end(slowest, "gives-way")
        return True

    # Reading

    def _go_on(self, connection: _Connection) -> None:
        """Its socket is ready, or what it has sent may hold the next request."""
        try:
            if connection.state is SENDING:
                self._send_on(connection)
            elif connection.state is LINGERING:
                if not connection.sock.recv(READ_BYTES):
                    self._close(connection)
            elif connection.state is not ANSWERING:
                self._read(connection)
        except (BlockingIOError, InterruptedError):
            self._watch(connection, selectors.EVENT_READ)
        except _Turned as turned:
            self._refuse(connection, turned.problem, turned.reason)
        except OSError:
            self._close(connection)
        except Exception:
            log.exception("a connection is given up")
            self._close(connection)

    def _read(self, connection: _Connection) -> None:
        data = connection.sock.recv(READ_BYTES)
        if not data:
            self._close(connection)
            return
        if connection.state is IDLE:
            connection.now_is(READING)
        connection.moved += len(data)
        connection.buffer += data
        self._advance(connection)

    def _advance(self, connection: _Connection) -> None:
        """Take from the buffer what it holds of a request, and hand the request over when it is whole."""
        if connection.request is None and not self._take_head(connection):
            self._watch(connection, selectors.EVENT_READ)
            return
        body = connection.body
        if body is not None and not body.take(connection.buffer):
            self._watch(connection, selectors.EVENT_READ)
            return
        if body is not None:
            body.file.seek(0)
        connection.request.body = body.file if body is not None else io.BytesIO()
        self._hand_over(connection)

    def _take_head(self, connection: _Connection) -> bool:
        buffer = connection.buffer
        end = buffer.find(b"\r\n\r\n", connection.looked)
        if end < 0:
            if len(buffer) > HEAD_BYTES:
                raise _Turned(_HEAD, "head-too-large")
            connection.looked = max(0, len(buffer) - 3)
            return False
        head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        connection.looked = 0
        connection.request = request = self._parsed(head, connection.client)
        reader = request.body.reader
        length = None if isinstance(reader, ChunkedReader) else int(reader.length)
        if length is not None and length > BODY_BYTES:
            raise _Turned(_LARGE, "too-large")
        if length != 0:
            connection.body = _Body(length, self.room)
            if request._expected_100_continue and not buffer:
                connection.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        request._expected_100_continue = False
        return True

    def _parsed(self, head: bytes, client: Any) -> Any:
        unreader = IterUnreader([head])
        try:
            request = Request(self.config, unreader, client)
        except (ParseException, StopIteration, ValueError) as error:
            raise _Turned(_PARSER.get(type(error), _BAD), "bad-request") from error
        if unreader.buf.getvalue():
            raise _Turned(_BAD, "bad-request")  # it reads the head to another end than we do
        return request

    # Answering

    def _hand_over(self, connection: _Connection) -> None:
        self._watch(connection, 0)
        probe = self._probes.get(connection.request.path)
        if probe is not None:
            connection.now_is(ANSWERING)
            probe.submit(self._answer, connection, False)
        elif connection.reserved:
            raise _Turned(_FULL, "no-room")
        else:
            size = connection.body.size if connection.body else 0
            if not self.turns.wait(connection, connection.request.headers, size, self._address(connection)):
                raise _Turned(_CROWD, "too-many-waiting")
            connection.now_is(ANSWERING)
            self._begin()

    def _begin(self) -> None:
        for connection in self.turns.begin():
            self._threads.submit(self._answer, connection, True)

    def _answer(self, connection: _Connection, in_turn: bool) -> None:
        """In a thread: let the app answer, and send what the client takes at once."""
        answer = connection.answer = _Answer(connection.sock, self.room)
        sent: bool | None = None  # None: give the connection up
        try:
            connection.keep = self._respond(connection, answer)
            sent = answer.complete()
        except OSError:
            log.debug("a client is gone", exc_info=True)
        except Exception:
            log.exception("a request failed outside its app")
            connection.keep = False
            if not answer.begun:
                answer.sendall(_answer_of(problems.INTERNAL, connection.request))
                sent = answer.complete()
        self._later(lambda: self._answered(connection, in_turn, sent))

    def _respond(self, connection: _Connection, answer: _Answer) -> bool:
        request = connection.request
        response, environ = wsgi.create(request, answer, connection.client, connection.server, self.config)
        environ["wsgi.multithread"] = True
        environ["REMOTE_ADDR"] = self._address(connection)
        if self.ending:
            response.force_close()
        chunks = self.app(environ, response.start_response)
        handed_on = False
        try:
            if isinstance(chunks, wsgi.FileWrapper) and response.response_length is not None and _is_file(chunks):
                response.send_headers()
                answer.append_file(chunks.filelike, response.response_length)
                handed_on = True
            else:
                for chunk in chunks:
                    response.write(chunk)
                response.close()
        finally:
            if not handed_on and hasattr(chunks, "close"):
                chunks.close()
        return not response.should_close()

    def _address(self, connection: _Connection) -> str:
        """Whose request it is: behind a proxy, whom it names last."""
        if self.limits.behind_proxy:
            named = [value for name, value in connection.request.headers if name == "X-FORWARDED-FOR"]
            if named and (last := named[-1].rpartition(",")[2].strip()):
                return str(last)
        return str(connection.client[0])

    def _answered(self, connection: _Connection, in_turn: bool, sent: bool | None) -> None:
        if in_turn:
            self.turns.end(connection)
            self._begin()
        connection.request = None
        if connection.body:
            connection.body.close()
            connection.body = None
        if sent is None:
            self._close(connection)
        elif sent:
            self._next(connection)
        else:
            connection.now_is(SENDING)
            self._watch(connection, selectors.EVENT_WRITE)

    def _send_on(self, connection: _Connection) -> None:
        answer = connection.answer
        assert answer is not None  # noqa: S101 - for the type checker
        before = answer.sent
        done = answer.go_on()
        connection.moved += answer.sent - before
        if done:
            self._next(connection)

    def _next(self, connection: _Connection) -> None:
        """The answer is out; the client may have sent the next request with the last one."""
        if connection.answer:
            connection.answer.close()
            connection.answer = None
        if not connection.keep or connection.reserved:
            self._close(connection)
            return
        connection.now_is(READING if connection.buffer else IDLE)
        try:
            if connection.buffer:
                self._advance(connection)
            else:
                self._watch(connection, selectors.EVENT_READ)
        except _Turned as turned:
            self._refuse(connection, turned.problem, turned.reason)

    # Ending

    def _end(self, connection: _Connection, reason: str) -> None:
        """Enough was waited for it."""
        if reason != "idle":
            self._turned_away.labels(self.service, reason).inc()
        if connection.state is READING:
            with suppress(OSError):
                connection.sock.send(_answer_of(_SLOW, connection.request))
        elif connection.state is SENDING:
            # Closed in the usual way, what it does not read would stay in the kernel for as long as it likes.
            with suppress(OSError):
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._close(connection)

    def _refuse(self, connection: _Connection, problem: problems.Problem, reason: str) -> None:
        """Answer it here, and read on for a moment, so that the answer is not lost with the connection."""
        self._turned_away.labels(self.service, reason).inc()
        log.info("turned away", extra={"reason": reason, "status": problem.status})
        answer = _answer_of(problem, connection.request)
        self._forget_request(connection)
        connection.now_is(LINGERING)
        try:
            connection.sock.send(answer)
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        else:
            self._watch(connection, selectors.EVENT_READ)

    def _forget_request(self, connection: _Connection) -> None:
        connection.request = None
        connection.buffer.clear()
        for part in (connection.body, connection.answer):
            if part is not None:
                part.close()
        connection.body = connection.answer = None

    def _close(self, connection: _Connection) -> None:
        if connection not in self.connections:
            return
        self._watch(connection, 0)
        self._forget_request(connection)
        self.connections.discard(connection)
        self._reserved -= connection.reserved
        own = self._by_host[connection.host]
        own.discard(connection)
        if not own:
            del self._by_host[connection.host]
        connection.sock.close()

    def _watch(self, connection: _Connection, events: int) -> None:
        if connection.watched == events:
            return
        if not events:
            self._selector.unregister(connection.sock)
        elif connection.watched:
            self._selector.modify(connection.sock, events, connection)
        else:
            self._selector.register(connection.sock, events, connection)
        connection.watched = events


@dataclass(frozen=True)
class _Accepts:
    """What the selector holds for a listener."""

    front: Front
    listener: Any

    def __call__(self) -> None:
        self.front.accept(self.listener)


@contextmanager
def answering(
    app: WSGIApplication, listener: socket.socket, service: str, limits: Limits, *, threads: int = 1
) -> Iterator[Front]:
    """Serve an app from threads of this process; for one that has no gunicorn."""
    config = Config()
    for name, value in gunicorn_settings(limits).items():
        config.set(name, value)
    front = Front([listener], app, service=service, threads=threads, limits=limits, config=config)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            front.turn(SWEEP_S)
        front.close()

    thread = threading.Thread(target=serve, name="answering", daemon=True)
    thread.start()
    try:
        yield front
    finally:
        ended.set()
        thread.join()


def _answer_of(problem: problems.Problem, request: Any) -> bytes:
    """The whole answer of a request that no app sees: a page for a browser, a problem document for a program."""
    accepts = next((value for name, value in request.headers if name == "ACCEPT"), "") if request else ""
    if "text/html" in accepts:
        media_type = "text/html; charset=utf-8"
        body = _PAGE.format(title=html.escape(problem.title), detail=html.escape(problem.detail)).encode()
    else:
        media_type = problems.MEDIA_TYPE
        body = msgspec.json.encode(problems.document(problem))
    lines = [
        f"HTTP/1.1 {problem.status} {_REASONS.get(problem.status, 'Refused')}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Content-Security-Policy: default-src 'none'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if problem.retry_after is not None:
        lines.append(f"Retry-After: {problem.retry_after}")
    head = "\r\n".join([*lines, "", ""]).encode("ascii")
    return head if request and request.method == "HEAD" else head + body


_AT_ONCE = struct.pack("ii", 1, 0)
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_PAGE = (
    '<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
    ' initial-scale=1"><title>{title}</title><h1>{title}</h1><p>{detail}</p></html>'
)


def _host(address: str) -> str:
    """Whose connections count together: an address, or a network of IPv6, which one host may have for itself."""
    return ":".join(address.split(":")[:4]) if ":" in address and not address.startswith("::") else address


def _files() -> int:
    """How many files the process may have open, after asking for as many as it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 16384) if hard != resource.RLIM_INFINITY else 16384
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(2 * OWN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _is_file(chunks: Any) -> bool:
    """Is the answer a file on disk, whose rest can be sent from where it is?"""
    try:
        return isinstance(chunks.filelike.fileno(), int)
    except (AttributeError, OSError):
        return False
