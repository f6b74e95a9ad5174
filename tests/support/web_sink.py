"""A real web server that keeps what is posted to it and answers as a test says."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Sink:
    """`status` and `headers` are the answer; `answer`, when set, gives it instead, by hand on the connection. `names`
    are the host names that clients asked TLS for."""

    port: int
    requests: list[Request] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    names: list[str | None] = field(default_factory=list)

    @property
    def request(self) -> Request:
        [request] = self.requests
        return request


@contextmanager
def web_sink(tls: ssl.SSLContext | None = None) -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.requests.append(Request(self.path, headers, body))
            if sink.answer:
                sink.answer(self)
                return
            self.send_response(sink.status)
            for name, value in sink.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up, or trusts no such certificate, is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    sink = Sink(server.server_address[1])
    if tls:
        tls.sni_callback = lambda _, name, __: sink.names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
