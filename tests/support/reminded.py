"""A small commune that lives its days through the real services with a clock that is told the time, and is reminded.

p01 is the Chairman, p02 the vice-chair in charge of p04 and p05, p03 the Office; p06 answers to the Chairman himself.
Times are those of Vietnam, "2024-02-07 07:30".
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from cchc.installation import Installation
from cchc.settings import Settings
from demo.year import FILES
from services.notifications import tables
from services.notifications.reactors import Reminding
from services.tasks import personal
from services.tasks.commands import execute
from services.tasks.domain.assigning import AssignTask
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.organisation import AppointStaff
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import AcceptResult, ReportResult
from shared.eventlog import reading, writing
from shared.events import VIETNAM, Due, Envelope, decode, format_time, uuid7
from shared.web.auth import Principal

COMMUNE = "xa-nho"
OFFICE, CHAIR, VICE_CHAIR = "p03", "p01", "p02"
# Staff id → roles, and whose tracking they are under.
PEOPLE: Mapping[str, tuple[list[Any], str | None]] = {
    "p01": (["chair"], None),
    "p02": (["vice_chair"], "p01"),
    "p03": (["office", "staff"], "p01"),
    "p04": (["staff"], "p02"),
    "p05": (["staff"], "p02"),
    "p06": (["staff"], "p01"),
}
# When the background process looks, every day: before work, at the rules' times, in and after the quiet hours.
LOOKS = ("06:00", "07:30", "08:00", "12:00", "13:00", "18:00")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def local(time: str) -> str:
    """A recorded time as a clock in Vietnam showed it, to the minute."""
    return f"{datetime.fromisoformat(time).astimezone(VIETNAM):%Y-%m-%d %H:%M}"


class SmallCommune:
    """`environment` are settings besides the data folder, such as CCHC_SMTP."""

    def __init__(self, folder: Path, opened: str, years: Iterable[int] = (2024,), **environment: str) -> None:
        self.now = moment(f"{opened} 07:40")
        self.count = 0
        settings = Settings.from_environment(environment, data=folder)
        self.installation = Installation(settings, clock=lambda: self.now, new_id=self._new_id)
        self.installation.migrate()
        self.tasks = self.installation.tasks
        self.notifications = self.installation.notifications
        self.reminding = Reminding(self.notifications)
        self._folds = {service: self.installation.folds(service) for service in ("scoring", "notifications")}
        self.names: dict[str, str] = {}
        self._open(opened, years)
        self.look()

    def _new_id(self, now: datetime) -> str:
        self.count += 1
        return uuid7(now, hashlib.sha256(f"{COMMUNE} {self.count}".encode()).digest()[:10])

    def _open(self, opened: str, years: Iterable[int]) -> None:
        since = date.fromisoformat(opened)
        self.do(None, OpenCommune(name="xã Nhỏ", code="20000", valid_from=since))
        for year in years:
            self.publish_calendar(year)
        for staff, (roles, tracker) in PEOPLE.items():
            appointed = AppointStaff(
                staff=staff,
                category="can_bo" if staff == CHAIR else "cong_chuc",
                roles=roles,
                post="Công chức",
                unit=COMMUNE,
                leader=staff in (CHAIR, VICE_CHAIR),
                tracker=tracker,
                valid_from=since,
            )
            self.do(None, appointed)
        with writing(self.tasks.engine, COMMUNE) as connection:
            for staff in PEOPLE:
                person = personal.Person(staff, f"Người {staff}", f"{staff}@xa-nho.example", None)
                personal.save_person(connection, COMMUNE, person)

    def publish_calendar(
        self, year: int, revision: str = "r1", *, supersedes: str | None = None, off: Sequence[str] = ()
    ) -> None:
        """The year's calendar as it was announced; `off` are more days off."""
        file = json.loads((FILES / "lich-lam-viec" / f"{year}.json").read_text("utf-8"))
        added = [{"date": day, "name": "Nghỉ thêm", "legal_basis": "Thông báo"} for day in off]
        publish = {
            "calendar": f"vn-{year}-{revision}",
            "year": year,
            "days_off": [
                {name: each.get(name) for name in ("date", "name", "legal_basis")} for each in file["days_off"]
            ]
            + added,
            "working_weekends": file["working_weekends"],
            "supersedes": supersedes and f"vn-{year}-{supersedes}",
        }
        self.do(None if supersedes is None else OFFICE, msgspec.convert(publish, PublishCalendar))

    # Time

    def look(self) -> None:
        """What the background processes do at this moment."""
        for runner in self._folds.values():
            runner.catch_up()
        while self.reminding.step():
            pass

    def to(self, text: str) -> None:
        """Live on until then, looking at the usual times and at the end."""
        self._pass(moment(text), looking=True)
        self.look()

    def down_to(self, text: str) -> None:
        """Time passes and the background process is not there."""
        self._pass(moment(text), looking=False)

    def _pass(self, end: datetime, *, looking: bool) -> None:
        day = self.now.date()
        while looking and day <= end.date():
            for look in LOOKS:
                at = moment(f"{day} {look}")
                if self.now < at < end:
                    self.now = at
                    self.look()
            day += timedelta(days=1)
        self.now = max(self.now, end)

    # Who acts

    def do(self, staff: str | None, command: Command) -> None:
        """A command of somebody in post, or of the operator."""
        self.now += timedelta(seconds=1)
        if staff is None:
            principal = Principal("operator/test", COMMUNE, frozenset({"admin"}))
        else:
            principal = Principal(f"staff/{staff}", COMMUNE, self.tasks.roles_of(COMMUNE, staff))
        execute(self.tasks, principal, command, commune=COMMUNE)

    def assign(self, name: str, *, lead: str, due: Due | str, **more: Any) -> None:
        self.names[name] = self._new_id(self.now)
        given = Due(text="Theo chỉ đạo", date=date.fromisoformat(due)) if isinstance(due, str) else due
        title = f"Việc {name}"
        self.do(OFFICE, AssignTask(task=self.names[name], title=title, lead=lead, due=given, **more))

    def report(self, name: str, lead: str) -> None:
        self.do(lead, ReportResult(task=self.names[name], summary="Đã xong", explanation="Lưu tại bộ phận"))

    def accept(self, name: str, by: str = VICE_CHAIR) -> None:
        self.do(by, AcceptResult(task=self.names[name]))

    # What became of it

    def occurrences(self, name: str | None = None, **equal: Any) -> list[Any]:
        """Rows of occurrences, of a task when it is named, whose columns have these values."""
        about = {} if name is None else {"about": f"task/{self.names[name]}"}
        of = tables.occurrences.c
        where = [of.commune == COMMUNE, *(of[column] == value for column, value in (about | equal).items())]
        order = (of.run_on, of.rule, of.recipient, of.channel)
        with reading(self.notifications.engine, COMMUNE) as connection:
            return list(connection.execute(select(tables.occurrences).where(*where).order_by(*order)))

    def told(self, name: str, channel: str = "inbox") -> list[tuple[str, str, str]]:
        """What reached anybody about a task: when, by which rule, whom; in the order of time."""
        rows = [row for row in self.occurrences(name, channel=channel) if row.state in ("delivered", "sent")]
        return sorted((local(row.state_at), row.rule, row.recipient) for row in rows)

    def suppressed(self, name: str) -> list[tuple[str, str, str]]:
        """What was not told about a task: rule, whom, and why."""
        rows = self.occurrences(name, state="suppressed", channel="inbox")
        return [(row.rule, row.recipient, row.reason) for row in rows]

    def events(self) -> list[Envelope]:
        """The own log of notifications."""
        return [decode(body) for body in self.notifications.log.read_all(COMMUNE)]

    def at(self) -> str:
        return format_time(self.now)
