"""HTTP at the pace of its clients, by waitress: one loop reads and writes, and a thread gets a request when it is whole
(ADR 0033).

waitress parses, buffers and answers. Added here: how long a client may keep the loop waiting, how many it may be, whose
request comes next, and problem documents for what no app sees.
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

# Asked by supervisors, who take a late answer for a dead process: each has a thread of its own.
PROBES = ("/livez", "/readyz", "/metrics")

HEAD_BYTES = 64 * KIB
# The largest upload that a view takes is 20 MiB with its form; the view refuses what is too large for it.
BODY_BYTES = 24 * MIB
# What a request or an answer keeps in memory; the rest of it waits in a file.
IN_MEMORY = 64 * KIB
# A client that sends or reads this much in a second is not slow.
STEADY_BYTES_S = 64 * KIB
# A client that is refused before it has sent everything would see its connection reset instead of the answer.
LINGER_S = 2.0
# An idle connection costs little, but a proxy or browser expects its end some time.
IDLE_S = 5.0
# While the server ends: for a connection that has begun a request, and for one that has not.
LAST_S, LAST_IDLE_S = 5.0, 1.0
# A connection that is new has had no chance to send anything.
NEW_S = 1.0
LOOK_S = 0.25
# Files and connections of a process besides its clients'; a client may have a file for its body and one for its answer.
OWN_FILES, FILES_EACH = 256, 3


class _Client(HTTPChannel):
    """One connection. `since` is when the client got its turn to send or to read, `moved` what it did since, in bytes;
    while its request is being answered (`requests`), it keeps nobody waiting."""

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
        """Bytes kept for it: of its body, and of its answer but for files that are sent from where they are."""
        bodies = [one.body_rcv for one in (*self.requests, self.request) if one is not None]
        answer = [part for part in list(self.outbufs) if not isinstance(part, ReadOnlyFileBasedBuffer)]
        return sum(len(part) for part in (*bodies, *answer) if part is not None)

    @property
    def reads(self) -> bool:
        """Has it still to read of its answer, here or in the kernel?"""
        left = array("i", [0])
        if not self.total_outbufs_len:
            with suppress(OSError):
                fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
        return bool(self.total_outbufs_len or left[0])

    @property
    def patience(self) -> float:
        """Seconds that it may still take."""
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
        """Serve it in its turn. Before this returns the loop may have read the client's next one, with a turn of its
        own: a turn belongs to a request."""
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
            return  # what was ready was a connection of the same number, which gave way in this round
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
        """Enough was waited for it. `problem` is what it is told, if it has begun to send."""
        if self.lingers:
            self.handle_close()
        elif self.reads:
            self.server.turned_away("reads-too-slowly")
            # Closed in the usual way, what it does not read would stay in the kernel.
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.handle_close()
        elif self.request is None:
            self.handle_close()
        else:
            with self.requests_lock:
                request, self.request = self.request, None
                assert request is not None  # noqa: S101 - for the type checker
                request.close()  # now: it may be given up for the room that it takes
                request.body_rcv = None
                request.problem = problem
                self.requests.append(request)
            self.server.add_task(self)


_AT_ONCE = struct.pack("ii", 1, 0)


class _Threads:
    """Whole requests wait here for a thread; waitress calls it a task dispatcher.

    A probe has a thread of its own. So have refusals, which wait for nothing."""

    def __init__(self, threads: int, limits: Limits) -> None:
        self.turns: Turns[Request] = Turns(threads, limits.waiting)
        self._lock = threading.Lock()
        self._clients: dict[Request, _Client] = {}  # of requests that wait or are answered
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
        """It is answered."""
        with self._lock:
            del self._clients[request]
            self.turns.end(request)
        self._begin()

    def shutdown(self) -> None:
        for pool in (self._pool, self._refusals, *self._probes.values()):
            pool.shutdown(wait=False)


class _Refused:
    """Marks a request as one that no app answers; waitress asks for nothing else."""

    code = 400


_REFUSED = _Refused()


class Front(TcpWSGIServer):
    """Serves an app to the clients of a listening socket; `turn` is one round of its loop.

    service  what metrics call it
    threads  requests that are answered at once, besides the probes
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
        # Whose headers count: those of a proxy that somebody vouched for, and nobody else's.
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
            # No thread waits for a client to read; `Limits.buffered` is the bound.
            outbuf_high_watermark=sys.maxsize,
            connection_limit=sys.maxsize,
            cleanup_interval=0,
            log_socket_errors=False,
        )
        settings.socket_options = [
            *settings.socket_options,
            # Else it grows to some MiB a connection. What is left there after the end of a connection has its time too.
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
        """Wait up to `timeout` seconds for something to do, and do it."""
        wait = min(timeout, LOOK_S) if self.active_channels else timeout
        wasyncore.loop(timeout=wait, use_poll=True, map=self._map, count=1)
        if self.ending:
            self.maintenance(time.time())

    def maintenance(self, now: float) -> None:
        """waitress calls it before each round."""
        if now < self.next_look:
            return
        self.next_look = now + LOOK_S
        for client in self.clients:
            if client.patience < 0:
                client.give_up(SLOW)
        self._keep_within_bounds()

    def stop_listening(self) -> None:
        """Let nobody in from now on; those who are connected have most likely sent a request already, and the kernel
        would reset them with the socket."""
        self.ending = True
        while select.select([self.socket], [], [], 0)[0]:
            self.handle_accept()
        wasyncore.dispatcher.close(self)

    def end(self) -> None:
        self.threads.shutdown()
        for client in self.clients:
            client.handle_close()
        wasyncore.close_all(self._map, ignore_all=True)

    # Who is let in

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
        """Is there room for one more of this host, at the cost of the slowest if need be? A connection whose request is
        being answered is not counted against its host: how many wait for an answer has a limit of its own."""
        waited_for = [client for client in self.clients if not client.requests]
        own = [client for client in waited_for if client.host == host]
        if self.limits.per_address is not None and len(own) >= self.limits.per_address:
            self._give_way(own)
        elif len(self.active_channels) >= self.most:
            crowd = Counter(client.host for client in waited_for).most_common(1)
            return bool(crowd) and self._give_way([one for one in waited_for if one.host == crowd[0][0]])
        return True

    def _keep_within_bounds(self) -> None:
        """Give up the slowest clients when bodies and answers together take too much."""
        while sum(client.held for client in self.clients) > self.limits.buffered:
            large = [client for client in self.clients if not client.requests and client.held > IN_MEMORY]
            if not self._give_way(large):
                break

    def _give_way(self, clients: Collection[_Client]) -> bool:
        """Give up the one that keeps us waiting most, and none that is new if there is another."""
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
    """Serve an app from threads of this process; for one that has no gunicorn."""
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
    """How many files the process may have open, after asking for as many as it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 16384) if hard != resource.RLIM_INFINITY else 16384
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(2 * OWN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
