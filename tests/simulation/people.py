"""The people of a commune: they send commands, with a key each, until they are answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from cchc.installation import Installation
from services.scoring.commands import execute as execute_scoring
from services.scoring.domain.assessment import AssessCommon
from services.tasks.commands import execute as execute_tasks
from services.tasks.domain.assigning import AssignTask
from services.tasks.domain.results import AcceptResult, NoteProgress, ReportResult, ReturnResult
from shared.eventlog import Appended, Busy, ClockBehind, Key, StaleVersion, UnknownCommune
from shared.eventlog.traces import traceparent
from shared.events import Due
from shared.refusal import Refused
from shared.web.auth import Principal, Rejected
from tests.simulation.beginning import OFFICE, PEOPLE, STAFF, VICE_CHAIR, YEAR
from tests.simulation.world import NoAnswer, World

PATIENCE_S = 30.0
PAUSE_S = 3.0
MARKS = ("tot", "dat", "chua_dat")

Execute = Callable[[Installation, Principal, Any, Key], Appended]


class People:
    """Those of one commune. What they know of their tasks is what they were told."""

    def __init__(self, world: World, commune: str) -> None:
        self.world = world
        self.commune = commune
        self.random = world.random
        self.open: dict[str, str] = {}  # task → its lead
        self.reported: dict[str, str] = {}

    def live(self) -> None:
        self.world.people_at_work += 1
        while not self.world.quiet:
            self.act()
            self.world.scheduler.pause(self.random.expovariate(1 / PAUSE_S))
        self.world.people_at_work -= 1

    def act(self) -> None:
        choice = self.random.random()
        if choice < 0.1:
            self.assess()
        elif self.reported and choice < 0.4:
            self.judge()
        elif self.open and choice < 0.7:
            self.work()
        else:
            self.assign()

    def assign(self) -> None:
        task, lead = self._id(), self.random.choice(STAFF)
        today = (self.world.wall() + timedelta(hours=7)).date()
        due = Due(text="Theo chỉ đạo", date=today + timedelta(days=self.random.randint(0, 9)))
        if self.send(OFFICE, AssignTask(task=task, title=f"Việc {len(self.open)}", lead=lead, due=due)):
            self.open[task] = lead

    def work(self) -> None:
        task = self.random.choice(sorted(self.open))
        lead = self.open[task]
        if self.random.random() < 0.5:
            self.send(lead, NoteProgress(task=task, note="Đang làm"))
        elif self.send(lead, ReportResult(task=task, summary="Đã xong", explanation="Lưu tại bộ phận")):
            self.reported[task] = self.open.pop(task)

    def judge(self) -> None:
        task = self.random.choice(sorted(self.reported))
        if self.random.random() < 0.8:
            command: Any = AcceptResult(task=task)
        else:
            today = (self.world.wall() + timedelta(hours=7)).date()
            again = Due(text="Làm lại", date=today + timedelta(days=3))
            command = ReturnResult(task=task, reason="Thiếu biểu", quality_failure=False, due=again)
        if self.send(VICE_CHAIR, command):
            lead = self.reported.pop(task)
            if isinstance(command, ReturnResult):
                self.open[task] = lead

    def assess(self) -> None:
        staff = self.random.choice(STAFF)
        items = {name: self.random.choice(MARKS) for name in ("k1", "k2", "k3", "k4")}
        self.send(staff, AssessCommon(staff=staff, year=YEAR, items=items, stage="self", by=staff))

    def send(self, staff: str, command: Any) -> bool:
        """Send until it is answered; was it done?"""
        scheduler = self.world.scheduler
        service = "scoring" if isinstance(command, AssessCommon) else "tasks"
        execute = execute_scoring if service == "scoring" else execute_tasks
        roles = frozenset(PEOPLE[staff][0])
        principal = Principal(f"staff/{staff}", self.commune, roles)
        trace = f"00-{self.random.getrandbits(128) | 1:032x}-{self.random.getrandbits(64) | 1:016x}-01"
        key = Key(self._id(), "digest")

        def request(installation: Installation) -> Appended:
            traceparent.set(trace)
            handle: Any = getattr(installation, service)
            done: Appended = execute(handle, principal, command, commune=self.commune, key=key)
            return done

        self.world.oracle.sent(trace, service, self.commune)
        while True:
            try:
                appended = self.world.ask(service, request, PATIENCE_S)
            except (Refused, Rejected) as error:
                scheduler.say(f"{type(command).__name__} refused: {error}")
                return False
            except (NoAnswer, SQLAlchemyError, Busy, ClockBehind, UnknownCommune, StaleVersion) as error:
                scheduler.say(f"{type(command).__name__} again: {type(error).__name__} {error}")
                scheduler.pause(1.0 + self.random.random() * 4)
                continue
            scheduler.say(f"{type(command).__name__} is {service}/{self.commune}/{appended.position}")
            self.world.oracle.acknowledged(trace, appended)
            return True

    def _id(self) -> str:
        return f"{self.random.getrandbits(128):032x}"
