"""What the doctor says of each way between the parts: in the clear, unchecked, untrusted, about to end, well."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from cchc.doctor.encryption import SSL_REQUEST, Way, found
from tests.support.certificates import certificate

HOST = "127.0.0.1"


@contextmanager
def speaking_tls(context: ssl.SSLContext, asked: bytes = b"") -> Iterator[int]:
    """A server that answers `asked` as PostgreSQL does, and then shakes hands."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            if asked:
                assert self.request.recv(len(asked)) == asked
                self.request.sendall(b"S")
            try:
                context.wrap_socket(self.request, server_side=True).close()
            except OSError:
                return  # the client does not trust us

    with TCPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def trusting(file: Path) -> Callable[[], ssl.SSLContext]:
    return partial(ssl.create_default_context, cafile=str(file))


@pytest.mark.parametrize(
    ("days", "state", "says"),
    [(90, "ok", "TLSv1.3, chứng thư đến"), (20, "warning", "còn dưới 30 ngày"), (-1, "failure", "has expired")],
)
@pytest.mark.parametrize("asked", [b"", SSL_REQUEST], ids=["TLS at once", "as PostgreSQL"])
def test_until_when_a_certificate_holds(tmp_path: Path, days: int, state: str, says: str, asked: bytes):
    trusted, context = certificate(tmp_path, HOST, days)
    with speaking_tls(context, asked) as port:
        one = found(Way("Kafka", HOST, port, trusting(trusted), "…", asked))
    assert (one.state, says in one.detail) == (state, True), one


def test_a_certificate_of_another_name_or_authority_is_a_failure(tmp_path: Path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    wrong_name, context = certificate(tmp_path, "localhost")
    stranger, _ = certificate(elsewhere, HOST)
    with speaking_tls(context) as port:
        of_name = found(Way("Kafka", HOST, port, trusting(wrong_name), "…"))
        of_stranger = found(Way("Kafka", HOST, port, trusting(stranger), "…"))
    assert [of_name.state, of_stranger.state] == ["failure", "failure"]
    assert "IP address mismatch" in of_name.detail
    assert "docs/how-to/tls.md" in (of_name.fix or "")


@pytest.mark.parametrize(
    ("host", "state"),
    [
        ("db.tinh.example", "warning"),
        ("10.0.0.5", "warning"),
        ("127.0.0.1", "ok"),
        ("::1", "ok"),
        ("localhost", "ok"),
        ("postgres", "ok"),
        ("/var/run/postgresql", "ok"),
    ],
)
def test_in_the_clear_is_well_within_one_machine_only(host: str, state: str):
    one = found(Way("PostgreSQL", host, 5432, None, "bật ssl"))
    assert one.state == state
    assert one.fix == ("bật ssl" if state == "warning" else None)


def test_encrypted_but_unchecked_is_said():
    one = found(Way("PostgreSQL", HOST, 5432, ssl.create_default_context, "verify-full", unchecked="không kiểm tra"))
    assert (one.state, one.fix) == ("warning", "verify-full")


def test_who_does_not_answer_is_said(tmp_path: Path):
    with speaking_tls(certificate(tmp_path, HOST)[1]) as port:
        pass
    assert found(Way("Kafka", HOST, port, ssl.create_default_context, "…")).state == "warning"
