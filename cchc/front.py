"""The HTTP server: one waitress loop reads and writes at the clients' pace; threads get whole requests (ADR 0033).

waitress parses, buffers and answers. This module adds deadlines for clients, limits on connections, a fair queue of
requests, and problem documents for requests that no app sees.
"""

import fcntl
import resource
import select
import socket
import struct
import sys
import termios
import threading
import time
from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from cchc.limits import MIB, Limits
from cchc.messages import CROWD, FULL, SLOW, Answer, Refusal, Request
from cchc.turns import Turns
from shared import metrics
from shared.hosts import host_of
from shared.web import problems

KIB = 1024

# A supervisor takes a late answer for a dead process, so each probe has its own thread.
PROBES = ("/livez", "/readyz", "/metrics")

HEAD_BYTES = 64 * KIB
# The largest upload is 20 MiB plus its form. Each view has a limit of its own.
BODY_BYTES = 24 * MIB
# Bytes of a request or an answer kept in memory; the rest waits in a file.
IN_MEMORY = 64 * KIB
# A client that moves this much in a second is not slow.
STEADY_BYTES_S = 64 * KIB
# Closing at once after a refusal would reset the connection of a client that still sends, and lose the answer.
LINGER_S = 2.0
# Seconds before an idle connection is closed.
IDLE_S = 5.0
# Seconds left while the server ends: for a connection that has begun a request, and for an idle one.
LAST_S, LAST_IDLE_S = 5.0, 1.0
# A connection younger than this has had no chance to send anything.
NEW_S = 1.0
LOOK_S = 0.25
# Descriptors that the process needs for itself, and for each client: its socket, its body and its answer.
OWN_FILES, FILES_EACH = 256, 3


class _Client(HTTPChannel):
    """One connection.

    since    when the client's turn to send or to read began
    moved    bytes sent or read in that turn
    refused  an error answer is on its way
    lingers  the answer is sent; what still arrives is read and dropped
    """

    parser_class = Request
    task_class = Answer
    error_task_class = Refusal

    server: "Front"
    requests: list[Request]
    request: Request | None
    total_outbufs_len: int

    def __init__(self, server: "Front", sock: socket.socket, addr: Any, adj: Adjustments, map: Any = None) -> None:  # noqa: A002 - its name in waitress
        super().__init__(server, sock, addr, adj, map)
        self.sendbuf_len = IN_MEMORY
        self.host = host_of(addr[0])
        self.refused = self.lingers = False
        self._has_turn()

    def _has_turn(self) -> None:
        self.since, self.moved = time.monotonic(), 0

    @property
    def pace(self) -> float:
        """Bytes a second."""
        return self.moved / max(0.001, time.monotonic() - self.since)

    @property
    def held(self) -> int:
        """Bytes buffered for the client: bodies, and answers except files that are sent from disk."""
        bodies = [one.body_rcv for one in (*self.requests, self.request) if one is not None]
        answer = [part for part in list(self.outbufs) if not isinstance(part, ReadOnlyFileBasedBuffer)]
        return sum(len(part) for part in (*bodies, *answer) if part is not None)

    @property
    def reads(self) -> bool:
        """Is part of the answer unread, in our buffers or in the kernel's?"""
        left = array("i", [0])
        if not self.total_outbufs_len:
            with suppress(OSError):
                fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
        return bool(self.total_outbufs_len or left[0])

    @property
    def patience(self) -> float:
        """Seconds that the client may still take. While the server works on its request there is no limit."""
        limits, ending = self.server.limits, self.server.ending
        if self.requests:
            return float("inf")
        if self.lingers:
            allowed = LINGER_S
        elif self.request is not None or self.reads:
            allowed = LAST_S if ending else limits.request_s + self.moved / STEADY_BYTES_S
        else:
            allowed = LAST_IDLE_S if ending else IDLE_S
        return self.since + allowed - time.monotonic()

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self._has_turn()
        self.moved += len(data)
        taken: bool = super().received(data)
        return taken

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close)
        self.moved += sent
        return sent

    def service(self) -> None:
        try:
            super().service()
        finally:
            self._has_turn()

    def answer(self, request: Request) -> None:
        """Serve a request, then end its turn.

        The turn belongs to the request, not to the client: the loop may read the next request before this returns.
        """
        try:
            self.service()
        finally:
            self.server.threads.end(request)

    def handle_write(self) -> None:
        waited = self.total_outbufs_len
        if self.refused and self.close_when_flushed:
            self._flush_exception(self._flush_some)
            if not self.total_outbufs_len and not self.will_close:
                self._linger()
        else:
            super().handle_write()
        if waited and not self.total_outbufs_len:
            self._has_turn()

    def _linger(self) -> None:
        self.close_when_flushed, self.lingers = False, True
        self._has_turn()
        self.socket.shutdown(socket.SHUT_WR)

    def readable(self) -> bool:
        return self.lingers or bool(super().readable())

    def handle_read(self) -> None:
        try:
            data = self.recv(self.adj.recv_bytes)  # closes the connection when the client has
        except BlockingIOError:
            return  # another connection with this descriptor was ready, and was closed in this round
        except OSError:
            self.handle_close()
            return
        if data and not self.lingers:
            self.received(data)

    def handle_close(self) -> None:
        if self.request is not None:
            self.request.close()
        super().handle_close()

    def give_up(self, problem: problems.Problem) -> None:
        """End the connection. A client that has begun to send gets `problem` first."""
        if self.lingers:
            self.handle_close()
        elif self.reads:
            self.server.turned_away("reads-too-slowly")
            # An ordinary close would leave the unread answer in the kernel.
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.handle_close()
        elif self.request is None:
            self.handle_close()
        else:
            with self.requests_lock:
                request, self.request = self.request, None
                assert request is not None  # noqa: S101 - for the type checker
                request.close()  # frees the room at once
                request.body_rcv = None
                request.problem = problem
                self.requests.append(request)
            self.server.add_task(self)


_AT_ONCE = struct.pack("ii", 1, 0)


class _Threads:
    """The task dispatcher of waitress: whole requests wait here for a thread.

    Each probe has its own thread. Refusals share one, as they wait for nothing.
    """

    def __init__(self, threads: int, limits: Limits) -> None:
        self.turns: Turns[Request] = Turns(threads, limits.waiting)
        self._lock = threading.Lock()
        self._clients: dict[Request, _Client] = {}  # by request, waiting or being answered
        self._pool = ThreadPoolExecutor(threads, "request")
        self._refusals = ThreadPoolExecutor(1, "refusal")
        self._probes = {path: ThreadPoolExecutor(1, f"probe {path}") for path in PROBES}

    def add_task(self, client: _Client) -> None:
        request = client.requests[0]
        if not request.error and not request.problem:
            if probe := self._probes.get(request.path):
                probe.submit(client.service)
                return
            request.problem = self._queue(client, request)
            if request.problem is None:
                self._begin()
                return
        request.error = request.error or _REFUSED
        self._refusals.submit(client.service)

    def _queue(self, client: _Client, request: Request) -> problems.Problem | None:
        address = request.forwarded_for or client.addr[0]
        with self._lock:
            if self.turns.full:
                return FULL
            if not self.turns.wait(request, request.headers, request.content_length, address):
                return CROWD
            self._clients[request] = client
            return None

    def _begin(self) -> None:
        with self._lock:
            for request in self.turns.begin():
                self._pool.submit(self._clients[request].answer, request)

    def end(self, request: Request) -> None:
        """The request is answered: give its turn to the next."""
        with self._lock:
            del self._clients[request]
            self.turns.end(request)
        self._begin()

    def shutdown(self) -> None:
        for pool in (self._pool, self._refusals, *self._probes.values()):
            pool.shutdown(wait=False)


class _Refused:
    """The error of a request that no app answers; waitress reads only its code."""

    code = 400


_REFUSED = _Refused()


class Front(TcpWSGIServer):
    """Serves an app on a listening socket. `turn` runs one round of the loop.

    service  its name in metrics
    threads  requests answered at once, not counting probes
    """

    channel_class = _Client

    def __init__(
        self, listener: socket.socket, app: WSGIApplication, *, service: str, threads: int, limits: Limits
    ) -> None:
        self.service = service
        self.limits = limits
        self.ending = False
        self.next_look = 0.0
        self.threads = _Threads(threads, limits)
        self.most = min(limits.connections, (_files() - OWN_FILES) // FILES_EACH)
        self._turned_away = metrics.web().turned_away
        # Forwarded headers count only from a proxy that the operator vouched for.
        proxy = {"trusted_proxy": "*", "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
        settings = Adjustments(
            **proxy if limits.behind_proxy else {},
            clear_untrusted_proxy_headers=True,
            sockets=[listener],
            ident="",
            max_request_header_size=HEAD_BYTES,
            max_request_body_size=BODY_BYTES,
            recv_bytes=IN_MEMORY,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            # A thread never waits for a client to read; `Limits.buffered` is the bound.
            outbuf_high_watermark=sys.maxsize,
            connection_limit=sys.maxsize,
            cleanup_interval=0,
            log_socket_errors=False,
        )
        settings.socket_options = [
            *settings.socket_options,
            # Without limits the kernel buffers some MiB per connection, and keeps it long after the connection ends.
            (socket.SOL_SOCKET, socket.SO_SNDBUF, IN_MEMORY),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.request_s * 1000)),
        ]
        where = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(app, _sock=listener, dispatcher=self.threads, adj=settings, sockinfo=where, bind_socket=False)

    @property
    def clients(self) -> list[_Client]:
        return list(self.active_channels.values())

    def turned_away(self, reason: str) -> None:
        self._turned_away.labels(self.service, reason).inc()

    # The loop

    def turn(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for events and handle them."""
        wait = min(timeout, LOOK_S) if self.active_channels else timeout
        wasyncore.loop(timeout=wait, use_poll=True, map=self._map, count=1)
        if self.ending:
            self.maintenance(time.time())

    def maintenance(self, now: float) -> None:
        """Give up clients that took too long. waitress calls this before each round."""
        if now < self.next_look:
            return
        self.next_look = now + LOOK_S
        for client in self.clients:
            if client.patience < 0:
                client.give_up(SLOW)
        self._keep_within_bounds()

    def stop_listening(self) -> None:
        """Accept what already waits, then close the listening socket.

        Waiting connections have probably sent a request; the kernel would reset them with the socket.
        """
        self.ending = True
        while select.select([self.socket], [], [], 0)[0]:
            self.handle_accept()
        wasyncore.dispatcher.close(self)

    def end(self) -> None:
        self.threads.shutdown()
        for client in self.clients:
            client.handle_close()
        wasyncore.close_all(self._map, ignore_all=True)

    # Accepting connections

    def handle_accept(self) -> None:
        accepted = self.accept()
        if accepted is None:
            return
        sock, address = accepted
        if self._make_room(host_of(address[0])):
            self.set_socket_options(sock)
            self.channel_class(self, sock, address, self.adj, map=self._map)
        else:
            self.turned_away("no-room")
            sock.close()

    def _make_room(self, host: str) -> bool:
        """Is there room for one more connection of this host? If need be the slowest one is given up.

        Connections whose request is being answered do not count: waiting requests have their own limit.
        """
        waited_for = [client for client in self.clients if not client.requests]
        own = [client for client in waited_for if client.host == host]
        if self.limits.per_address is not None and len(own) >= self.limits.per_address:
            self._give_way(own)
        elif len(self.active_channels) >= self.most:
            crowd = Counter(client.host for client in waited_for).most_common(1)
            return bool(crowd) and self._give_way([one for one in waited_for if one.host == crowd[0][0]])
        return True

    def _keep_within_bounds(self) -> None:
        """Give up the slowest clients while all buffers together exceed the limit."""
        while sum(client.held for client in self.clients) > self.limits.buffered:
            large = [client for client in self.clients if not client.requests and client.held > IN_MEMORY]
            if not self._give_way(large):
                break

    def _give_way(self, clients: Collection[_Client]) -> bool:
        """Give up the slowest client, a new one only if there is no other."""
        if not clients:
            return False
        now = time.monotonic()
        slowest = min(clients, key=lambda one: (not one.lingers, now - one.since < NEW_S, one.pace, one.since))
        self.turned_away("gives-way")
        slowest.give_up(FULL)
        return True


@contextmanager
def answering(
    app: WSGIApplication, listener: socket.socket, service: str, limits: Limits, *, threads: int = 1
) -> Iterator[Front]:
    """Serve an app from threads of this process, without gunicorn."""
    front = Front(listener, app, service=service, threads=threads, limits=limits)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            front.turn(LOOK_S)
        front.end()

    thread = threading.Thread(target=serve, name="answering", daemon=True)
    thread.start()
    try:
        yield front
    finally:
        ended.set()
        thread.join()


def _files() -> int:
    """Raise the soft limit of open files as far as allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 16384) if hard != resource.RLIM_INFINITY else 16384
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(2 * OWN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
