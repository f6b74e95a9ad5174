"""Clients that take their time: each kind holds a connection with as little as it can."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

# Kind → what it sends at once, and what it sends again and again.
HEAD = b"POST /api/v1/tasks/communes/x/directives HTTP/1.1\r\nHost: x\r\n"
LARGE = b"GET /api/v1/tasks/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
KINDS: Mapping[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "head": (HEAD, b"X"),
    "body": (HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    # Asks for a large answer once, or many times in a row, and reads none.
    "reading": (LARGE, b""),
    "many": (LARGE * 30, b""),
}
EVERY_S = 0.2


class Slow:
    """Some connections of one kind."""

    def __init__(self, address: tuple[str, int], kind: str, count: int, source: Callable[[int], str]) -> None:
        self.first, self.more = KINDS[kind]
        self.sockets = [_connected(address, source(number)) for number in range(count)]
        self.open = set(self.sockets)
        self.stopped = threading.Event()
        for sock in self.sockets:
            self._send(sock, self.first)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        try:
            sock.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.open.discard(sock)

    def all_ended(self) -> bool:
        return not self.open

    def go_on(self) -> None:
        """Trickle until told to stop; what the server has ended is no longer open."""
        while not self.stopped.wait(EVERY_S):
            for sock in list(self.open):
                if self.more:
                    self._send(sock, self.more)
            for sock in _ended(self.open):
                self.open.discard(sock)


def _connected(address: tuple[str, int], source: str) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.bind((source, 0))
    sock.settimeout(20)
    sock.connect(address)
    sock.setblocking(False)
    return sock


def _ended(sockets: set[socket.socket]) -> list[socket.socket]:
    """Those at whose end, after whatever was answered, the server has closed or reset the connection."""
    ended = []
    for sock in sockets:
        try:
            # The kernel tells of a close only past what is unread: TCP_INFO's first byte is the state, 1 established.
            if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\x01":
                ended.append(sock)
        except OSError:
            ended.append(sock)
    return ended


@contextmanager
def slow_clients(
    host: str, port: int, kind: str, count: int, source: Callable[[int], str] = lambda _: "127.0.0.1"
) -> Iterator[Slow]:
    """`count` connections of a kind, which go on in the background; `source` gives each its own address."""
    slow = Slow((host, port), kind, count, source)
    thread = threading.Thread(target=slow.go_on, daemon=True)
    thread.start()
    try:
        yield slow
    finally:
        slow.stopped.set()
        thread.join()
        for sock in slow.sockets:
            sock.close()
