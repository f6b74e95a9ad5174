"""What /livez, /readyz and /metrics of real processes tell while things go well, and while they do not."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from cchc.installation import Installation
from cchc.services import SERVICES
from demo.year import COMMUNE
from services.scoring.views import PROJECTION
from shared.background import Background
from shared.eventlog import Log, open_database, writing
from shared.eventlog.database import THREADS
from shared.metrics import exposition
from shared.projection import Runner
from shared.projection.positions import set_parked
from shared.web.health import DEADLINE_S
from tests.scenario.conftest import Cchc
from tests.support.kafka import PrivateKafka
from tests.support.processes import Process, figures, get, read_figures, started, wait_until_ready
from tests.support.servers import free_port
from tests.support.waiting import until


def workers_of(process: Process) -> list[int]:
    """The worker processes of a gunicorn master."""
    pid = process.popen.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_whichever_worker_answers_tells_of_all(data: Path):
    address = f"127.0.0.1:{free_port()}"
    base, series = f"http://{address}", 'cchc_http_problems_total{code="unauthenticated",service="tasks"}'
    environment = {"CCHC_DATA": str(data), "TMPDIR": str(data)}
    with started("serve", "tasks", "--workers", "2", "--bind", address, environment=environment) as process:
        wait_until_ready(base)
        until(lambda: len(workers_of(process)) == 2, what="both workers are there")
        for _ in range(20):
            assert get(f"{base}/api/v1/tasks/communes/{COMMUNE}/tasks")[0] == 401
        assert {figures(base)[series] for _ in range(10)} == {20}
        killed = workers_of(process)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len({*workers_of(process)} - {killed}) == 2, what="another worker is there")
        # What the one that died had counted is not lost, and what it had in hand is not counted for ever.
        assert {figures(base)[series] for _ in range(10)} == {20}
        assert figures(base)['cchc_http_requests_in_progress{service="tasks"}'] == 1
        assert [*data.glob("cchc-metrics-*")]
        process.terminate()
        assert process.popen.wait(30) == 0
        assert process.lines()  # gunicorn's own words of the death too are JSON
    assert [*data.glob("cchc-metrics-*")] == []


def test_the_first_requests_of_a_worker_may_come_all_at_once(data: Path):
    address = f"127.0.0.1:{free_port()}"
    path = f"http://{address}/api/v1/tasks/communes/{COMMUNE}/tasks"
    command = ["serve", "tasks", "--workers", "1", "--bind", address]
    with started(*command, environment={"CCHC_DATA": str(data)}) as process, ThreadPoolExecutor(THREADS) as clients:
        # They wait in the socket's queue while the worker gets ready.
        until(lambda: is_open(address), deadline=60, what="the door is open")
        assert {status for status, _ in clients.map(get, [path] * THREADS)} == {401}, process.said.read_text()
        process.terminate()
        assert process.popen.wait(30) == 0


def is_open(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_everything_in_one_process_tells_of_every_loop(data: Path):
    address = f"127.0.0.1:{free_port()}"
    with started("run", "--bind", address, environment={"CCHC_DATA": str(data)}) as process:
        wait_until_ready(f"http://{address}")
        until(lambda: get(f"http://{address}/livez")[0] == 200, what="its loops run")
        found = figures(f"http://{address}")
        assert all(found[f'cchc_loop_up{{loop="alone",service="{service}"}}'] == 1 for service in SERVICES)
        assert all(found[f'cchc_database_up{{service="{service}"}}'] == 1 for service in SERVICES)
        assert found['cchc_log_events{service="tasks"}'] > 0
        assert found['cchc_reminders{service="notifications",state="queued"}'] >= 0
        assert not any("relay" in series or "replica" in series for series in found)  # there are none
        assert found["process_open_fds"] > 0
        process.terminate()
        assert process.popen.wait(30) == 0


@pytest.fixture
def over_kafka(data: Path, cchc: Cchc, bootstrap: str) -> dict[str, str]:
    environment = {"CCHC_DATA": str(data), "CCHC_KAFKA": bootstrap}
    cchc("topics", **environment)
    return environment


@contextmanager
def relaying(environment: dict[str, str]) -> Iterator[tuple[Process, str]]:
    bind = f"127.0.0.1:{free_port()}"
    with started("work", "tasks", "--bind", bind, environment=environment) as process:
        until(lambda: get(f"http://{bind}/livez")[0] == 200, deadline=60, what="tasks is at work")
        yield process, f"http://{bind}"


def test_a_side_door_that_cannot_be_opened_is_said_before_anything_runs(cchc: Cchc):
    assert "0.0.0.0:9090" in cchc("work", "tasks", "--bind", "9090", code=2).stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Cổng {port}" in cchc("work", "tasks", "--bind", f"127.0.0.1:{port}", code=3).stderr


UNPUBLISHED = 'cchc_relay_unpublished_events{service="tasks"}'
OLDEST = 'cchc_relay_oldest_unpublished_seconds{service="tasks"}'
RELAY_UP = 'cchc_relay_up{service="tasks"}'


def test_a_broker_that_is_away_is_seen_and_waited_for(
    installation: Installation, over_kafka: dict[str, str], private_kafka: PrivateKafka
):
    private_kafka.broker.stop()
    head = installation.tasks.log.head(COMMUNE)
    with relaying(over_kafka) as (process, door):
        until(lambda: figures(door)[RELAY_UP] == 0, deadline=60, what="the relay is seen to wait")
        found = figures(door)
        assert found[UNPUBLISHED] >= head.position
        # The year's first event is years old.
        assert found[OLDEST] > 365 * 86_400
        assert get(f"{door}/readyz")[0] == 503 and get(f"{door}/livez")[0] == 200
        assert found['cchc_database_up{service="tasks"}'] == 1
        private_kafka.broker.start()
        until(lambda: get(f"{door}/readyz")[0] == 200, deadline=60, what="the relay goes on")
        until(lambda: figures(door)[UNPUBLISHED] == 0, deadline=60, what="all is published")
        found = figures(door)
        assert found[OLDEST] == 0 and found[RELAY_UP] == 1
        assert found['cchc_relay_published_total{service="tasks"}'] >= head.position
        assert installation.tasks.log.published()[COMMUNE] >= head.position
        process.terminate()
        assert process.popen.wait(40) == 0
        waits = [line for line in process.lines() if line["logger"] == "shared.eventlog.relay"]
        assert waits and all("waits" in line["message"] for line in waits)


def test_a_second_signal_ends_at_once(over_kafka: dict[str, str], private_kafka: PrivateKafka):
    private_kafka.broker.pause()
    with relaying(over_kafka) as (process, _):
        process.terminate()
        until(lambda: b"ends what it has begun" in process.said.read_bytes(), what="the first is heard")
        # The broker takes connections and says nothing, for which the relay waits some seconds.
        assert process.popen.poll() is None
        process.terminate()
        assert process.popen.wait(5) == 128 + signal.SIGTERM


def test_a_parked_commune_has_its_name_in_the_figures(installation: Installation):
    scoring = installation.background("scoring")
    Runner(installation.scoring.engine, installation.scoring.logs, PROJECTION).catch_up()
    series = f'cchc_projection_parked{{commune="{COMMUNE}",service="scoring"}}'
    behind = 'cchc_projection_behind_events{service="scoring",source="tasks"}'
    found = told(scoring)
    assert series not in found and found[behind] == 0
    with writing(installation.engine("scoring"), COMMUNE) as connection:
        set_parked(connection, PROJECTION.name, COMMUNE, "tasks", "p07 was never appointed")
    assert told(scoring)[series] == 1
    # The others are served: a commune that stands still takes nobody out of the proxy.
    assert installation.web("scoring").test_client().get("/readyz").status_code == 200


def told(background: Background) -> dict[str, float]:
    return read_figures(exposition(background.measures())[0].decode())


@pytest.mark.parametrize("silent", [False, True])
def test_a_database_that_is_away_or_hangs_leaves_the_other_figures(silent: bool):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()  # takes the connection and never says a word
        engine = open_database(f"postgresql+psycopg://nobody@127.0.0.1:{listener.getsockname()[1]}/nothing")
        background = Background("tasks", Log(engine, "tasks"), {})
        begun = time.monotonic()
        found = told(background)
        assert time.monotonic() - begun < DEADLINE_S + 2
        assert found['cchc_database_up{service="tasks"}'] == 0
        assert found["process_open_fds"] > 0
        engine.dispose()
