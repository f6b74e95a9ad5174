"""A minute in which nothing happens costs each loop a few statements; the clock is moved by what the loops wait for."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from services.notifications.reactors import Reminding
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.service import open_scoring
from services.scoring.views import PROJECTION
from shared.eventlog import Log
from shared.eventlog.checkpoints import checkpoint_key
from shared.eventlog.signer import Signer
from shared.projection import Runner
from shared.wake import SAFETY_S, Waiting
from tests.support.logs import filled, migrated, sqlite_url
from tests.support.reminding import World

# A loop that looks every 50 ms needs thousands.
MOST_STATEMENTS = 100


class Minute(threading.Event):
    """The word to stop, a minute of waiting from now; `turns` counts the waits."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 60.0
        self.turns = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.turns += 1
        self.left -= timeout or 0.0
        if self.left <= 0:
            self.set()
        return self.is_set()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with migrated(sqlite_url(tmp_path, "scoring"), "services.scoring") as engine:
        yield engine


@pytest.mark.parametrize("loop", ["records", "announcer", "signer"])
def test_an_idle_minute_costs_a_few_statements(
    engine: Engine, loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = filled(Log(engine, "tasks"))
    scoring = open_scoring(engine, tasks)
    runner = Runner(engine, scoring.logs, PROJECTION)
    announcer = ScoreAnnouncer(scoring)
    signer = Signer(tasks, checkpoint_key(tmp_path / "key.pem", tmp_path / "public"))
    loops: dict[str, Callable[[threading.Event], None]] = {
        "records": runner.run,
        "announcer": announcer.run,
        "signer": signer.run,
    }
    runner.catch_up()
    announcer.step()
    signer.step()

    monkeypatch.setattr(Waiting, "__enter__", lambda self: self)  # nobody writes, so nobody need be heard
    monkeypatch.setattr(Waiting, "_wait", lambda _, stop, seconds: stop.wait(seconds) and False)
    statements = traced(engine)
    minute = Minute()
    loops[loop](minute)
    assert minute.turns == 60 / SAFETY_S
    assert 0 < len(statements) <= MOST_STATEMENTS, statements[:20]


def test_an_idle_minute_of_reminding_costs_a_few_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with migrated(sqlite_url(tmp_path, "notifications"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 09:00").open()
        world.look()
        monkeypatch.setattr(Waiting, "__enter__", lambda self: self)
        monkeypatch.setattr(Waiting, "_wait", lambda _, stop, seconds: stop.wait(seconds) and False)
        statements = traced(engine)
        minute = Minute()
        Reminding(world.notifications).run(minute)
        assert minute.turns == 60 / SAFETY_S
        # Each looks how far everything is: five logs and records, the policy and the preferences.
        assert 0 < len(statements) <= 20 * minute.turns, statements[:40]


def traced(engine: Engine) -> list[str]:
    """Every statement that connections made from now on execute."""
    seen: list[str] = []

    def trace(connection: object, _: object) -> None:
        connection.set_trace_callback(seen.append)  # type: ignore[attr-defined]

    engine.dispose()
    event.listen(engine, "connect", trace)
    return seen
