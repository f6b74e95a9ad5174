"""How every run begins: migrated databases, and communes with their people in the tasks log. Made once, then copied."""

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cchc.services import SERVICES
from services.tasks.commands import execute
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.organisation import AppointStaff
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.service import Tasks, open_tasks
from shared.eventlog import open_database
from shared.eventlog.migrations import migrate
from shared.events import DayOff, uuid7
from shared.web.auth import Principal

COMMUNES = ("xa-an", "xa-binh", "xa-cat")
OPENED = datetime(2024, 3, 4, 0, 0, tzinfo=UTC)  # 7 o'clock on a Monday in Vietnam
YEAR = 2024

# Staff id → roles, and whose tracking they are under.
PEOPLE: Mapping[str, tuple[list[Any], str | None]] = {
    "p01": (["chair"], None),
    "p02": (["vice_chair"], "p01"),
    "p03": (["office", "staff"], "p01"),
    "p04": (["staff"], "p02"),
    "p05": (["staff"], "p02"),
}
OFFICE, VICE_CHAIR, STAFF = "p03", "p02", ("p04", "p05")


def scratch() -> str | None:
    """Where databases may lie: in memory if there is such a place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def copy_to(folder: Path) -> None:
    for service in SERVICES:
        shutil.copy(made() / f"{service}.db", folder / f"{service}.db")


@cache
def made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cchc-simulation-", dir=scratch()))
    for name, service in SERVICES.items():
        engine = open_database(f"sqlite:///{folder}/{name}.db")
        migrate(engine, service.migrations)
        if name == "tasks":
            _open_communes(open_tasks(engine, folder / "evidence", clock=_Clock(), new_id=_new_id))
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return folder


def _open_communes(tasks: Tasks) -> None:
    since = OPENED.date()
    calendar = PublishCalendar(
        calendar=f"vn-{YEAR}-r1",
        year=YEAR,
        days_off=[DayOff(date=date(YEAR, 4, 18), name="Giỗ Tổ", legal_basis="BLLĐ")],
        working_weekends=[],
        supersedes=None,
    )
    for commune in COMMUNES:
        commands: list[Command] = [OpenCommune(name=f"xã {commune}", code="20000", valid_from=since), calendar]
        commands += [
            AppointStaff(
                staff=staff,
                category="can_bo" if staff == "p01" else "cong_chuc",
                roles=roles,
                post="Công chức",
                unit=commune,
                leader=staff in ("p01", "p02"),
                tracker=tracker,
                valid_from=since,
            )
            for staff, (roles, tracker) in PEOPLE.items()
        ]
        for command in commands:
            execute(tasks, Principal("operator/test", commune, frozenset({"admin"})), command, commune=commune)


class _Clock:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> datetime:
        self.count += 1
        return OPENED + timedelta(seconds=self.count / 10)


def _new_id(now: datetime) -> str:
    return uuid7(now, sha256(now.isoformat().encode()).digest()[:10])
