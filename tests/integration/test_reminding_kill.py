"""Reminding with real processes: killed at each step (kill -9), and two that share the work."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from services.notifications.domain.policy import DEFAULT_RULES
from services.notifications.outbox import LEASE
from shared.eventlog import Decision
from shared.events import PolicyPublished, ReminderQueued, ReminderSent
from tests.support.histories import COMMUNE, assigned
from tests.support.logs import migrated, sqlite_url
from tests.support.mail import Postbox, smtp_server
from tests.support.postgres import Postgres
from tests.support.reminding import CROWD, SILENT, World, mail_channel, moment, urging
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
MORNING = "2024-06-13 07:30"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path, "own")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.fresh_database() as own:
        yield own


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with smtp_server() as postbox:
        yield postbox


def command(role: str, url: str, postbox: Postbox, now: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.reminds", role, url, str(postbox.port), now]


def published(world: World, policy: PolicyPublished) -> None:
    world.notifications.log.append(COMMUNE, lambda _: Decision([policy]), actor="staff/p14")


# What the place of death leaves behind: states before anybody takes over, and how often the mail comes in the end.
@pytest.mark.parametrize(
    ("role", "left", "mails"),
    [
        ("queue", set(), 1),
        ("queued", {"queued"}, 1),
        ("claim", {"queued", "delivered"}, 1),
        ("send", {"queued", "delivered"}, 2),
        ("record", {"queued", "delivered"}, 2),
    ],
)
def test_killed_at_each_step(url: str, postbox: Postbox, role: str, left: set[str], mails: int) -> None:
    with migrated(url, "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00", email=mail_channel(postbox.port)).open()
        only = [rule for rule in DEFAULT_RULES if rule.rule == "due-1"]
        published(world, msgspec.structs.replace(SILENT, policy="mot-bac", rules=only))
        world.record(assigned("t1", due="14/6"))
        world.to("2024-06-13 07:00")
        assert world.occurrences() == []

        done = subprocess.run(
            command(role, url, postbox, MORNING), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert {each.state for each in world.occurrences()} == left

        world.to(MORNING)
        if role in ("claim", "send", "record"):
            assert {each.state for each in world.occurrences(channel="email")} == {"queued"}
            world.now = moment(MORNING) + LEASE
            world.look()
        assert {each.channel: each.state for each in world.occurrences()} == {"inbox": "delivered", "email": "sent"}
        ids = [str(mail["Message-ID"]) for mail in postbox.mails()]
        assert len(ids) == mails
        assert len(set(ids)) == 1
        recorded = [data for data in world.events() if isinstance(data, ReminderQueued | ReminderSent)]
        assert Counter(type(data) for data in recorded) == {ReminderQueued: 2, ReminderSent: 1}
        assert f"<{world.occurrences(channel='email')[0].sent_as}@xa.example>" == ids[0]


def test_two_workers_share_ten_thousand_without_a_double(postgres: str, postbox: Postbox) -> None:
    with migrated(postgres, "services.notifications") as engine:
        world = World(engine, "2024-06-13 08:00").open()
        published(world, SILENT)
        tasks = [f"t{number}" for number in range(20)]
        world.record(*CROWD, *(assigned(task) for task in tasks))
        world.look()
        for task in tasks:
            world.queue(*(urging(task, one.staff, "2024-06-13", urgency="digest") for one in CROWD))
        assert len(world.occurrences()) == 10_000

        workers = [
            subprocess.Popen(
                command("work", postgres, postbox, "2024-06-13 09:00"), cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        try:
            until(lambda: not world.occurrences(states=["queued"]), deadline=240, every=0.5, what="all is sent")
        finally:
            for worker in workers:
                worker.terminate()
            sent = [int(worker.communicate(timeout=60)[0]) for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
        assert all(sent)
        assert sum(sent) == len(CROWD)

        assert len({str(mail["Message-ID"]) for mail in postbox.mails()}) == len(postbox.mails()) == len(CROWD)
        assert len(set(postbox.recipients)) == len(CROWD)
        results = Counter(data.reminder for data in world.events() if isinstance(data, ReminderSent))
        assert len(results) == 10_000
        assert set(results.values()) == {1}
        assert {each.state for each in world.occurrences(first=date(2024, 6, 13))} == {"sent"}
