"""SIGTERM to each kind of process: what it has begun it ends, nothing is cut, nothing is lost or doubled."""

import http.client
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest

from cchc.installation import Installation
from demo.year import COMMUNE
from shared.eventlog.kafka import KafkaBroker
from shared.events import DirectiveIssued, decode
from shared.web.keys import mint
from shared.worker import DRAIN_S
from tests.scenario.conftest import Cchc, settings_of
from tests.support.kafka import admin
from tests.support.processes import Process, figures, get, started, wait_until_ready
from tests.support.reminded import COMMUNE as SMALL
from tests.support.reminded import SmallCommune
from tests.support.servers import free_port
from tests.support.waiting import until

# Fewer than one worker's threads, so that somebody is left to say how many are being answered.
REQUESTS = 6


@contextmanager
def sqlite_held(url: str) -> Iterator[Callable[[], object]]:
    """Nobody can write to this database until the function is called."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection.rollback


@contextmanager
def postgres_held(url: str) -> Iterator[Callable[[], object]]:
    """Nobody can append to the commune's log until the function is called."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("SELECT 1 FROM heads WHERE source = 'tasks' AND commune = %s FOR UPDATE", [SMALL])
        yield connection.rollback


def issue(address: str, token: str, number: str) -> int:
    """The Chairman issues a directive; the status of the answer, on a connection of its own."""
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        body = msgspec.json.encode({"number": number, "issued_on": "2024-06-14", "title": "Tăng cường cải cách"})
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/tasks/communes/{SMALL}/directives", body, headers)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status


def in_progress(base: str) -> float:
    return figures(base).get('cchc_http_requests_in_progress{service="tasks"}', 0)


@pytest.mark.parametrize("kind", ["serve", "run"])
def test_requests_in_flight_are_answered(kind: str, tmp_path: Path, request: pytest.FixtureRequest):
    data, address = tmp_path / "data", f"127.0.0.1:{free_port()}"
    environment = {"CCHC_DATA": str(data)}
    if kind == "serve":
        environment["CCHC_DATABASE_TASKS"] = request.getfixturevalue("postgres")
    commune = SmallCommune(data, "2024-01-02", (2024,), **environment)
    installation, base = commune.installation, f"http://{address}"
    token = mint(
        installation.signing_key, sub="staff/p01", commune=SMALL, roles=["chair"], lifetime=timedelta(minutes=5)
    )
    url = installation.settings.databases["tasks"]
    held = postgres_held if kind == "serve" else sqlite_held
    command = ["serve", "tasks", "--workers", "2"] if kind == "serve" else ["run", "--no-demo"]
    numbers = [f"{number}/CT-UBND" for number in range(REQUESTS)]
    with (
        closing(installation),
        started(*command, "--bind", address, environment=environment) as process,
        ThreadPoolExecutor(REQUESTS) as clients,
        closing(http.client.HTTPConnection(address, timeout=10)) as idle,
    ):
        wait_until_ready(base)
        # A proxy keeps connections open for the next request; such a one must not hold up the end.
        idle.request("GET", "/livez")
        idle.getresponse().read()
        with held(url) as release:
            answers = [clients.submit(issue, address, token, number) for number in numbers]
            until(lambda: in_progress(base) >= REQUESTS, what="all requests have begun")
            process.terminate()
            until(lambda: get(f"{base}/livez")[0] == 0, what="nobody new is let in")
            release()
        statuses = [answer.result(60) for answer in answers]
        # Well before the 30 s after which whoever still waits is cut off.
        assert process.popen.wait(25) == 0
        said = process.lines(after="Ctrl+C" if kind == "run" else None)
        # A lock that is held for 3 s is given up: the answer says so, and nothing of such a command is there.
        assert set(statuses) <= {201, 503} and 201 in statuses
        acknowledged = [number for number, status in zip(numbers, statuses, strict=True) if status == 201]
        recorded = [decode(body).data for body in installation.tasks.log.read_all(SMALL)]
        assert sorted(data.number for data in recorded if isinstance(data, DirectiveIssued)) == sorted(acknowledged)
        posts = [line for line in said if line.get("method") == "POST"]
        assert len(posts) == REQUESTS and all(line["trace_id"] and line["commune"] == SMALL for line in posts)
        written = {str(line["position"]) for line in posts if line["status"] == 201}
        assert len(written) == len(acknowledged) and all(re.fullmatch(f"tasks/{SMALL}/[0-9]+", at) for at in written)


def members(bootstrap: str, group: str) -> list[object]:
    with admin(bootstrap) as client:
        return list(client.describe_groups([group])[group]["members"])


def held_by_scoring(installation: Installation) -> int:
    return installation.scoring.logs["tasks"].head(COMMUNE).position


@contextmanager
def at_work(service: str, environment: dict[str, str]) -> Iterator[tuple[Process, str]]:
    bind = f"127.0.0.1:{free_port()}"
    with started("work", service, "--bind", bind, environment=environment) as process:
        until(lambda: get(f"http://{bind}/livez")[0] == 200, deadline=60, what=f"{service} is at work")
        yield process, f"http://{bind}"


def ended(process: Process) -> None:
    process.terminate()
    assert process.popen.wait(DRAIN_S) == 0, process.said.read_text()
    assert {line["level"] for line in process.lines()} <= {"info", "warning"}


def test_a_background_process_ends_what_it_has_begun(
    installation: Installation, cchc: Cchc, bootstrap: str, tmp_path: Path
):
    environment = {
        "CCHC_DATA": str(installation.settings.data),
        "CCHC_KAFKA": bootstrap,
        "CCHC_DATABASE_SCORING": f"sqlite:///{tmp_path / 'fresh.db'}",
    }
    cchc("migrate", **environment)
    cchc("topics", "--partitions", "3", **environment)
    deployed = Installation(settings_of(installation.settings.data, **environment))
    own = deployed.own_log("tasks")
    total = own.head(COMMUNE).position

    def published() -> int:
        return own.published().get(COMMUNE, 0)

    # The relay, stopped as soon as it has begun.
    while published() < total:
        before = published()
        with at_work("tasks", environment) as (process, _):
            until(lambda: published() > before, what="the relay goes on")  # noqa: B023 - called in this round
            ended(process)
    total = own.head(COMMUNE).position
    # The replica and the fold, likewise; whoever ends has left the group, so that another takes over at once.
    rounds = 0
    while held_by_scoring(deployed) < total:
        before = held_by_scoring(deployed)
        with at_work("scoring", environment) as (process, _):
            until(lambda: held_by_scoring(deployed) > before, deadline=60, what="the replica goes on")  # noqa: B023
            ended(process)
        assert members(bootstrap, "cchc.scoring") == []
        rounds += 1
    assert rounds
    assert list(deployed.scoring.logs["tasks"].read_all(COMMUNE)) == list(own.read_all(COMMUNE))
    with at_work("scoring", environment) as (process, door):
        until(lambda: get(f"{door}/readyz")[0] == 200, deadline=60, what="scoring is ready")
        behind = 'cchc_projection_behind_events{service="scoring",source="tasks"}'
        until(lambda: figures(door)[behind] == 0, deadline=60, what="all is folded")
        assert figures(door)['cchc_replica_taken_total{service="scoring",source="tasks"}'] == 0  # it had them all
        ended(process)
    assert sum(1 for _ in records(bootstrap)) == own.head(COMMUNE).position
    deployed.close()


def records(bootstrap: str) -> Iterator[object]:
    for batch in KafkaBroker(bootstrap).read_topic("cchc.tasks.v1"):
        yield from batch
