"""Two of each worker as processes of their own: they share the communes, and when one is killed the other has all."""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cchc.installation import Installation
from services.scoring.views import PROJECTION
from shared.eventlog import Decision, Log
from shared.eventlog.kafka import KafkaBroker, topic_name
from shared.events import VIETNAM, ScoreUpdated, decode
from shared.projection import all_positions
from tests.scenario.conftest import ROOT, Worker, command_line, read_json, settings_of, working
from tests.support.histories import appointed, assigned, completed, opened, reported
from tests.support.postgres import Postgres
from tests.support.waiting import until

PARTITIONS = 6
COMMUNES = [f"xa-{number:02d}" for number in range(12)]
SESSION_S = 10.0  # after which Kafka misses a worker that was killed


@pytest.fixture
def deployed(postgres_server: Postgres, bootstrap: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of tasks and scoring on PostgreSQL, which meet over Kafka."""
    with postgres_server.fresh_database() as tasks, postgres_server.fresh_database() as scoring:
        environment = {
            "CCHC_DATA": str(tmp_path / "data"),
            "CCHC_KAFKA": bootstrap,
            "CCHC_DATABASE_TASKS": tasks,
            "CCHC_DATABASE_SCORING": scoring,
            "PYTHONPATH": str(ROOT),
        }
        cchc = command_line(tmp_path / "data")
        cchc("migrate", **environment)
        cchc("topics", "--partitions", str(PARTITIONS), **environment)
        yield environment


@pytest.fixture
def installation(deployed: dict[str, str], tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(settings_of(tmp_path / "data", **deployed))
    yield installation
    installation.close()


def partitions_of(worker: Worker) -> list[int] | None:
    """Those that the worker last said it looks after."""
    found = [re.match(r"looks after partitions (\[.*\]) of", said) for said in worker.said()]
    last = next((match for match in reversed(found) if match), None)
    return json.loads(last[1]) if last else None


def leads(worker: Worker) -> bool:
    return any(said.startswith("this process runs") for said in worker.said())


def whole_shares(*workers: Worker) -> Callable[[], bool]:
    """Every partition is exactly one's, and each has some."""

    def whole() -> bool:
        shares = [partitions_of(worker) or [] for worker in workers]
        return all(shares) and sorted(itertools.chain(*shares)) == list(range(PARTITIONS))

    return whole


def lives(installation: Installation, number: int) -> None:
    """One more task in every commune, assigned, due and completed today."""
    today, task = datetime.now(VIETNAM).date(), f"t{number}"
    events: list[Any] = [opened(), appointed("p07")] if number == 1 else []
    events += [assigned(task, lead="p07", due=today), reported(task, on=today), completed(task, on=today)]
    for commune in COMMUNES:
        installation.tasks.log.append(commune, lambda _: Decision(events), actor="staff/vp")


def is_settled(installation: Installation, announced: int) -> Callable[[], bool]:
    """Everything is published, held and folded, and so many scores are announced in each commune."""
    tasks, scoring = installation.tasks.log, installation.scoring

    def settled() -> bool:
        owners, own = positions(tasks), positions(scoring.logs["scoring"])
        reached = all_positions(scoring.engine, PROJECTION.name)
        folded = {
            source: {commune: at[source].position for commune, at in reached.items()} for source in PROJECTION.sources
        }
        return (
            tasks.published() == owners == positions(scoring.logs["tasks"]) == folded["tasks"]
            and scoring.logs["scoring"].published() == own == folded["scoring"]
            and announcements(installation) == dict.fromkeys(COMMUNES, announced)
        )

    return settled


def positions(log: Log) -> dict[str, int]:
    return {commune: head.position for commune, head in log.heads().items()}


def announcements(installation: Installation) -> dict[str, int]:
    """How many scores were announced in each commune; fails where one was announced twice."""
    log, counted = installation.own_log("scoring"), {}
    for commune in COMMUNES:
        data = [decode(body).data for body in log.read_all(commune)]
        told = [
            (each.staff, each.year, each.level, str(each.figures)) for each in data if isinstance(each, ScoreUpdated)
        ]
        assert len(told) == len(set(told)), f"{commune} was told twice"
        counted[commune] = len(told)
    return counted


def records_on(bootstrap: str, service: str) -> int:
    return sum(map(len, KafkaBroker(bootstrap).read_topic(topic_name(service))))


def recorded(installation: Installation, service: str) -> int:
    return sum(head.position for head in installation.own_log(service).heads().values())


def test_two_workers_share_and_the_other_takes_over_from_one_that_is_killed(
    deployed: dict[str, str], installation: Installation, bootstrap: str, tmp_path: Path
):
    cchc = command_line(tmp_path / "data")
    with working("tasks", deployed) as relays, working("scoring", deployed) as first:
        lives(installation, 1)
        until(is_settled(installation, 1), deadline=90, what="one worker does everything")
        with working("tasks", deployed) as stands_by, working("scoring", deployed) as second:
            until(whole_shares(first, second), deadline=60, what="the second has its share")
            lives(installation, 2)
            until(is_settled(installation, 2), deadline=60, what="both do everything")
            assert (leads(relays), leads(first)) == (True, True)
            assert (leads(stands_by), leads(second)) == (False, False)
            for service in ("tasks", "scoring"):
                assert records_on(bootstrap, service) == recorded(installation, service)

            first.kill()
            relays.kill()
            killed = time.monotonic()
            lives(installation, 3)
            until(lambda: leads(stands_by) and leads(second), deadline=SESSION_S, what="relaying is taken over at once")
            until(is_settled(installation, 3), deadline=60, what="the other has taken over")
            assert partitions_of(second) == list(range(PARTITIONS))
            assert time.monotonic() - killed < 3 * SESSION_S  # the session, a heartbeat, and a busy machine
    for service in ("tasks", "scoring"):
        published = {
            record.value for batch in KafkaBroker(bootstrap).read_topic(topic_name(service)) for record in batch
        }
        log = installation.own_log(service)
        logged = {body: (commune, decode(body).position) for commune in COMMUNES for body in log.read_all(commune)}
        assert [place for body, place in logged.items() if body not in published] == []
        assert len(published) == len(logged)
    assert (
        read_json(cchc("verify", "--json", "--service", "tasks", "--service", "scoring", **deployed))["findings"] == []
    )
    stopped = [row["stopped"] for row in read_json(cchc("status", "--json", **deployed))]
    assert set(stopped) == {None}
