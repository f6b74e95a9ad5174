"""What the doctor says of each way between the parts: in the clear, unchecked, untrusted, about to end, well."""

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from cchc.doctor import kafka, keys
from cchc.doctor.encryption import SSL_REQUEST, Way, found, in_transit
from cchc.doctor.finding import Finding
from cchc.installation import Installation
from cchc.settings import Settings
from shared.eventlog.kafka import WrongBrokers, describe_cluster
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


def looked_at(tmp_path: Path, **environment: str) -> list[Finding]:
    installation = Installation(Settings.from_environment(environment, tmp_path / "data"))
    try:
        return [*in_transit(installation)]
    finally:
        installation.close()


# A port where nothing listens: the database is away.
AWAY = "postgresql+psycopg://tasks@{host}:1/tasks"


@pytest.mark.parametrize(
    ("environment", "state", "said"),
    [
        ({}, "not_applicable", "mọi thứ ở trong một máy"),
        ({"CCHC_DATABASE_TASKS": AWAY.format(host="127.0.0.1")}, "ok", "ở trong cùng một máy"),
        ({"CCHC_DATABASE_TASKS": "postgresql+psycopg:///tasks?host=/nowhere"}, "ok", "ở trong cùng một máy"),
        ({"CCHC_DATABASE_TASKS": AWAY.format(host="db.tinh.invalid")}, "warning", "sslmode=prefer để dữ liệu"),
        (
            {"CCHC_DATABASE_TASKS": AWAY.format(host="db.tinh.invalid") + "?sslmode=require"},
            "warning",
            "không kiểm tra tên máy chủ (sslmode=require)",
        ),
        (
            {"CCHC_DATABASE_TASKS": AWAY.format(host="db.tinh.invalid") + "?sslmode=verify-full&sslrootcert=/no/ca"},
            "failure",
            "/no/ca (PGSSLROOTCERT)",
        ),
        ({"CCHC_DATABASE_SCORING": AWAY.format(host="db.tinh.invalid")}, "warning", "db.tinh.invalid:1"),
        ({"CCHC_ORIGIN": "http://cchc.xa.example"}, "warning", "http://cchc.xa.example"),
        ({"CCHC_ORIGIN": "http://may-chu"}, "warning", "ở dạng rõ"),
        ({"CCHC_ORIGIN": "http://localhost:8080"}, "not_applicable", "mọi thứ ở trong một máy"),
        ({"CCHC_SMTP": "smtps://a:b@mail.example"}, "ok", "mail.example"),
    ],
)
def test_what_goes_over_a_network_is_judged_by_its_address(
    tmp_path: Path, environment: dict[str, str], state: str, said: str
):
    [one] = looked_at(tmp_path, **environment)
    assert (one.state, said in one.detail) == (state, True), one


def test_files_that_brokers_need_are_named_with_their_place(tmp_path: Path):
    trusted, _ = certificate(tmp_path, HOST)
    (garbage := tmp_path / "garbage.pem").write_text("-")
    gone = tmp_path / "gone.pem"
    for query, named in (
        (f"ca={gone}", f"không có tệp {gone} (ca= trong CCHC_KAFKA)"),
        (f"ca={garbage}", f"tệp {garbage} (ca= trong CCHC_KAFKA) không phải chứng thư"),
        (f"ca={trusted}&certificate={gone}&key={trusted}", f"không có tệp {gone} (certificate= trong CCHC_KAFKA)"),
        (f"ca={trusted}&certificate={trusted}&key={gone}", f"không có tệp {gone} (key= trong CCHC_KAFKA)"),
        (f"ca={trusted}&certificate={garbage}&key={garbage}", f"tệp {garbage} và {garbage} (certificate=, key="),
        (f"ca={tmp_path}", f"không đọc được tệp {tmp_path} (ca= trong CCHC_KAFKA)"),
    ):
        address = f"ssl://kafka.invalid:9093?{query}"
        with pytest.raises(WrongBrokers) as refused:
            describe_cluster(address, [])
        assert named in str(refused.value) and "WrongBrokers" not in str(refused.value)
        environment = {"CCHC_KAFKA": address, "CCHC_ORIGIN": "https://cchc.invalid"}
        installation = Installation(Settings.from_environment(environment, tmp_path / "data"))
        findings = [*kafka.broker(installation), *in_transit(installation)]
        installation.close()
        named_by = [one for one in findings if named in one.detail]
        assert len(named_by) == 2 and {one.state for one in named_by} == {"failure"}, findings
        assert not any("khởi động broker" in (one.fix or "") for one in findings)


def test_keys_inside_a_repository_that_ignores_them_contradict_no_title(tmp_path: Path):
    from cchc.doctor.checks import every_check

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/data/\n")
    installation = Installation(Settings.from_environment({}, tmp_path / "data"))
    [one] = keys.repository(installation)
    installation.close()
    [title] = [check.title for check in every_check() if check.id == "repository"]
    assert (one.state, "nằm trong kho mã nguồn" in one.detail) == ("ok", True) and "Ngoài" not in title
