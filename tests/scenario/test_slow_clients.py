"""Slow clients of every kind, hundreds of them: others are served, probes answer, and their time ends."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from cchc.installation import Installation
from cchc.output import REFUSED
from cchc.services import SERVICES
from cchc.settings import Settings
from shared.web.keys import load_key, mint
from tests.support.processes import Process, figures, get, started, wait_until_ready
from tests.support.reminded import COMMUNE as SMALL
from tests.support.reminded import SmallCommune
from tests.support.servers import free_port
from tests.support.slow_clients import KINDS, slow_clients
from tests.support.waiting import until

HERE = "127.0.0.1"
COUNT = 200
PROBE_S = 1.0  # the limit
# What stalled everybody for 6 s may cost others a moment, on a machine that is busy with tests too.
OTHERS_S = 3.0
# As a browser: something that needs a thread, in each process.
PATHS = {"run": "/sign-in", "serve": "/api/v1/tasks/status", "work": "/readyz"}
COMMANDS = {
    "run": ["run", "--no-demo"],
    "serve": ["serve", "tasks", "--workers", "2"],
    "work": ["work", "tasks"],
}


def source(number: int) -> str:
    """Half of them share the address of those who are to be served; the others come from many."""
    return HERE if number % 2 else f"127.0.1.{number % 250 + 1}"


@contextmanager
def serving(kind: str, data: Path, **environment: str) -> Iterator[tuple[Process, int]]:
    with closing(Installation(Settings.from_environment({}, data=data))) as installation:
        installation.migrate()
        assert installation.signing_key
    port = free_port()
    variables = {"CCHC_DATA": str(data), **environment}
    with started(*COMMANDS[kind], "--bind", f"{HERE}:{port}", environment=variables) as process:
        wait_until_ready(f"http://{HERE}:{port}")
        yield process, port


def turned_away(base: str) -> float:
    return sum(value for series, value in figures(base).items() if series.startswith("cchc_http_turned_away_total"))


@pytest.mark.parametrize("process", ["run", "serve", "work"])
def test_slow_clients_keep_nobody_waiting(process: str, tmp_path: Path):
    path = PATHS[process]
    with serving(process, tmp_path / "data", CCHC_REQUEST_SECONDS="3") as (running, port):
        base = f"http://{HERE}:{port}"
        expected = get(base + path)[0]
        assert expected
        # A background process has no answer that the kernel would not take from it at once.
        for kind in KINDS.keys() - ({"reading", "many"} if process == "work" else set()):
            with slow_clients(HERE, port, kind, COUNT, source) as slow:
                for _ in range(5):
                    begun = time.monotonic()
                    assert get(f"{base}/livez")[0] == 200, kind
                    assert time.monotonic() - begun < PROBE_S, kind
                    assert get(base + path)[0] == expected, kind
                until(slow.all_ended, deadline=60, what=f"the time of {kind} clients ends")
        assert turned_away(base)
        running.terminate()
        assert running.popen.wait(30) == 0


def test_slow_clients_do_not_hold_up_the_end(tmp_path: Path):
    with (
        serving("run", tmp_path / "data") as (running, port),
        slow_clients(HERE, port, "body", 20),
        slow_clients(HERE, port, "silent", 20),
        slow_clients(HERE, port, "reading", 5),
    ):
        running.terminate()
        assert running.popen.wait(40) == 0


@pytest.mark.parametrize("command", [["run", "--no-demo"], ["serve", "web"]], ids=["run", "serve"])
def test_an_address_is_open_to_others_only_when_that_is_meant(command: list[str], tmp_path: Path):
    environment = {"CCHC_DATA": str(tmp_path / "data")}
    port = free_port()
    bind = ["--bind", f"0.0.0.0:{port}"]
    with started(*command, *bind, environment=environment) as process:
        assert process.popen.wait(30) == REFUSED
        said = process.said.read_text()
    assert "không mã hóa" in said and "--behind-proxy" in said and "--unencrypted" in said
    for meant in ("--behind-proxy", "--unencrypted"):
        with started(*command, *bind, meant, environment=environment) as process:
            until(lambda: get(f"http://{HERE}:{port}/livez")[0] == 200, deadline=60, what=f"it answers with {meant}")
            process.terminate()
            assert process.popen.wait(30) == 0


def test_a_limit_that_is_no_number_stops_the_start(tmp_path: Path):
    with started("run", environment={"CCHC_DATA": str(tmp_path), "CCHC_CONNECTIONS": "nhiều"}) as process:
        assert process.popen.wait(30) != 0
        assert "CCHC_CONNECTIONS" in process.said.read_text()


def test_a_port_is_given_up_at_once(tmp_path: Path):
    """Who asks while the process ends is refused, not kept waiting."""
    with serving("serve", tmp_path / "data") as (running, port):
        running.terminate()
        assert running.popen.wait(30) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HERE, port), timeout=5)


def asked(base: str, path: str, token: str, method: str = "GET", **headers: str) -> tuple[int, str | None]:
    """Status and Retry-After."""
    headers |= {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if method == "GET" else b"{}"
    request = urllib.request.Request(base + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Retry-After"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def test_one_person_who_waits_and_uploads_stops_nobody(tmp_path: Path):
    """24 requests that wait for a position that never comes, and eight uploads of 20 MiB: others are answered first."""
    data, port = tmp_path / "data", free_port()
    commune = SmallCommune(data, "2024-01-02", (2024,))
    base = f"http://{HERE}:{port}"

    def token(sub: str) -> str:
        key = commune.installation.signing_key
        return mint(key, sub=sub, commune=SMALL, roles=["office"], lifetime=timedelta(minutes=5))

    busy, other = token("operator/busy"), token("operator/other")
    year = f"/api/v1/scoring/communes/{SMALL}/years/2024/ratings"
    upload = b"POST /api/v1/tasks/communes/%b/imports/annex HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n" % (
        SMALL.encode(),
        busy.encode(),
    )
    body = b"x" * (20 * 1024 * 1024)
    with (
        closing(commune.installation),
        started("run", "--no-demo", "--bind", f"{HERE}:{port}", environment={"CCHC_DATA": str(data)}) as process,
        ThreadPoolExecutor(40) as clients,
    ):
        wait_until_ready(base)
        assert asked(base, year, other)[0] == 200
        never = {"Cchc-Wait-For": f"tasks/{SMALL}/999999"}
        waiting = [clients.submit(asked, base, year, busy, **never) for _ in range(24)]
        uploads = [clients.submit(sent, port, upload, body) for _ in range(8)]
        for _ in range(5):
            begun = time.monotonic()
            assert asked(base, year, other)[0] == 200
            assert get(f"{base}/livez")[0] == 200
            assert time.monotonic() - begun < OTHERS_S
        assert not all(one.done() for one in waiting)
        answers = {one.result(60) for one in waiting}
        # Two at a time, each for 2 s; a dozen in the queue; the rest is refused at once.
        assert {status for status, _ in answers} == {429, 503} and all(again for _, again in answers)
        assert all(one.result(60) for one in uploads)
        process.terminate()
        assert process.popen.wait(60) == 0


def sent(port: int, head: bytes, body: bytes) -> bytes:
    with socket.create_connection((HERE, port), timeout=60) as sock:
        sock.sendall(head + b"Content-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        with suppress(OSError):
            sock.sendall(body)
        return sock.recv(12)


CHANGES = {
    "tasks": "POST communes/x/directives",
    "scoring": "POST communes/x/years/2024/publication",
    "notifications": "PUT communes/x/policy",
}


def test_what_is_served_has_budgets(tmp_path: Path):
    data = tmp_path / "data"
    with serving("run", data, CCHC_CHANGES_A_MINUTE="2") as (_, port):
        key = load_key(data / "keys" / "private.pem")
        token = mint(key, sub="operator/o1", commune="x", roles=["chair", "office"], lifetime=timedelta(minutes=5))
        assert CHANGES.keys() == SERVICES.keys()
        for service, change in CHANGES.items():
            method, _, path = change.partition(" ")
            # Nothing is recorded for an empty body, and it costs as much. A minute may end meanwhile.
            answers = [asked(f"http://{HERE}:{port}", f"/api/v1/{service}/{path}", token, method) for _ in range(6)]
            assert answers[0][0] in {409, 422} and 429 in {status for status, _ in answers}, service
            assert all(again for status, again in answers if status == 429)
