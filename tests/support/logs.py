"""Logs for the tests of shared/eventlog: databases as the migrations make them, small commands, a clock to be set."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import NullPool

from shared.eventlog import Appended, Decision, Log, open_database
from shared.eventlog.migrations import migrate
from shared.events import CommuneOpened, ProgressNoted

COMMUNE = "tien-canh"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2024, 6, 14, 3, 20, 11, 123000, UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@contextmanager
def migrated(url: str, service: str = "services.tasks") -> Iterator[Engine]:
    """A service's new database. Where PostgreSQL drops it right after, no connection is kept."""
    engine = open_database(url) if url.startswith("sqlite") else open_database(url, poolclass=NullPool)
    try:
        migrate(engine, service)
        yield engine
    finally:
        engine.dispose()


def sqlite_url(folder: Path, name: str) -> str:
    return f"sqlite:///{folder / name}.db"


def open_commune(log: Log, commune: str = COMMUNE) -> Appended:
    opened = CommuneOpened(name="Tiên Cảnh", code="20878", valid_from=date(2024, 1, 1))
    return log.append(commune, lambda _: Decision([opened]), actor="operator/setup")


def note(log: Log, commune: str = COMMUNE, *notes: str, task: str = "t1", **options: Any) -> Appended:
    """Append one note, or several in one command."""
    events = [ProgressNoted(task=task, by="p07", note=each) for each in notes or ("Đã làm được một phần",)]
    return log.append(commune, lambda _: Decision(events, result=len(events)), actor="staff/p07", **options)


def filled(log: Log, communes: tuple[str, ...] = (COMMUNE,), notes: int = 5) -> Log:
    for commune in communes:
        open_commune(log, commune)
        for number in range(notes):
            note(log, commune, f"Lần {number}", task=f"t{number % 3}")
    return log


def contents(log: Log) -> dict[str, list[bytes]]:
    """All stored bytes: two logs with the same contents are the same."""
    return {commune: list(log.read_all(commune)) for commune in log.heads()}
