"""The hands that live the scripted year: every happening is an ordinary command of the services, on its own day."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec

from cchc.installation import Installation
from cchc.settings import Settings
from services.notifications.reactors import Reminding
from services.scoring.reactors import ScoreAnnouncer
from services.tasks import importing, views
from services.tasks.commands import execute
from services.tasks.domain.assigning import AssignTask, CancelTask, CorrectCoefficient, CorrectTask, HandBackTask
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.decisions import SettleDraft
from services.tasks.domain.directives import IssueDirective
from services.tasks.domain.organisation import (
    ChangeStaff,
    DefineUnit,
    RecordDiscipline,
    WithdrawDiscipline,
)
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import (
    AcceptResult,
    AcknowledgeTask,
    Beyond,
    ConfirmObjectiveCause,
    NoteProgress,
    ReopenTask,
    ReportResult,
    ReturnResult,
)
from services.tasks.domain.task import Task
from services.tasks.domain.templates import EndTemplate, SetTemplate, Template
from services.tasks.evidence import store_evidence
from services.tasks.reactors import react
from shared.eventlog import Appended, reading
from shared.events import VIETNAM, Due, Recurrence, StaffDisciplined, TaskCompleted, decode, uuid7
from shared.web.auth import Principal

COMMUNE = "tien-canh"
FILES = Path(__file__).parent / "data"
OFFICE, CHAIR, DEPUTY = "p14", "p01", "p03"
# Whose tasks the other deputy decides, by the roster's chain of superiors, and whose only the Chairman does.
IN_CHARGE_OF = {"p02": ("p18", "p19", "p20", "p21", "p29", "p30"), CHAIR: ("p13", "p24")}


DAY_BEGINS, RULES_FALL_DUE = time(7, 30), time(8)
ONE_DAY, LAST_DAY = timedelta(days=1), date(2024, 12, 31)
# After a storm the server stood still for three days: what was to be told then came on the morning after.
WITHOUT_POWER = (date(2024, 10, 28), date(2024, 10, 30))


class ScriptedClock:
    """Stands at the day the script is on, a little later with every command, so that the log has an order to show."""

    def __init__(self) -> None:
        self.now = datetime(2024, 6, 1, tzinfo=VIETNAM)

    def __call__(self) -> datetime:
        return self.now

    def turn_to(self, day: date, clock: time = DAY_BEGINS) -> None:
        self.now = datetime.combine(day, clock, VIETNAM)

    def tick(self) -> None:
        self.now += timedelta(minutes=1)


class CountedIds:
    """UUIDs of version 7 whose random part is drawn from a counter: the same year again has the same log bytes."""

    def __init__(self, of: str = COMMUNE) -> None:
        self.of = of
        self.count = 0

    def __call__(self, now: datetime) -> str:
        self.count += 1
        return uuid7(now, hashlib.sha256(f"{self.of} {self.count}".encode()).digest()[:10])


class Year:
    """Verbs of the story. A task is named as in the annex: "3", "5 kế hoạch", "8 2024-07" (its July occurrence)."""

    def __init__(self, settings: Settings) -> None:
        self.clock = ScriptedClock()
        self.installation = Installation(settings, clock=self.clock, new_id=CountedIds())
        self.tasks = self.installation.tasks
        self.scoring = self.installation.scoring
        self.names: dict[str, str] = {}
        self.directive = ""
        self._records = self.installation.folds("scoring")
        self._announcer = ScoreAnnouncer(self.scoring)
        # With ids of their own, reminders leave the other logs as they are.
        self.notifications = self.installation.notifications
        self.notifications.log.new_id = CountedIds(f"{COMMUNE} reminders")
        self._reminded_of = self.installation.folds("notifications")
        self._reminding = Reminding(self.notifications)

    # Days

    def on(self, day: str) -> None:
        """Go to the morning of a day; what the services do by themselves happens first."""
        self.close()
        self.let_pass(date.fromisoformat(day))
        self.clock.turn_to(date.fromisoformat(day))
        react(self.tasks)
        self.remind()

    def close(self) -> None:
        """The end of a day: scores that changed are announced."""
        self._records.catch_up()
        self._announcer.step()
        self._records.catch_up()

    def let_pass(self, until: date) -> None:
        """The rest of today and the days before another one, on which nobody does anything and people are reminded."""
        self.clock.now = max(self.clock.now, datetime.combine(self.clock.now.date(), RULES_FALL_DUE, VIETNAM))
        self.remind()
        day = self.clock.now.date() + ONE_DAY
        while day < until:
            for at in (DAY_BEGINS, RULES_FALL_DUE):
                self.clock.turn_to(day, at)
                self.remind()
            day += ONE_DAY

    def remind(self) -> None:
        """What falls due by now is queued and lies in the inboxes."""
        if WITHOUT_POWER[0] <= self.clock.now.date() <= WITHOUT_POWER[1]:
            return
        self._reminded_of.catch_up()
        while self._reminding.step():
            pass

    # Who acts

    def do(self, staff: str, command: Command) -> Appended:
        """A command of somebody in post, with the roles of that post."""
        roles = self.tasks.roles_of(COMMUNE, staff)
        return self._execute(Principal(f"staff/{staff}", COMMUNE, roles), command)

    def office(self, command: Command) -> Appended:
        return self.do(OFFICE, command)

    def operator(self, command: Command) -> Appended:
        return self._execute(self._operator(), command)

    def _operator(self) -> Principal:
        return Principal("operator/demo", COMMUNE, frozenset({"admin"}))

    def _execute(self, principal: Principal, command: Command) -> Appended:
        self.clock.tick()
        return execute(self.tasks, principal, command, commune=COMMUNE)

    # Beginning

    def open_commune(self) -> None:
        self.operator(OpenCommune(name="xã Tiên Cảnh", code="20878", parent="Tiên Phước", valid_from=date(2024, 6, 14)))

    def publish_calendar(self, revision: str, *, supersedes: str | None = None, without: Sequence[str] = ()) -> None:
        """The calendar of 2024; `without` leaves out days, as the first publication did."""
        published = json.loads((FILES / "lich-lam-viec" / "2024.json").read_text("utf-8"))
        days_off = [day for day in published["days_off"] if day["date"] not in without]
        publish = self.operator if supersedes is None else self.office
        publish(
            msgspec.convert(
                {
                    "calendar": f"vn-2024-{revision}",
                    "year": 2024,
                    "days_off": days_off,
                    "working_weekends": published["working_weekends"],
                    "supersedes": supersedes and f"vn-2024-{supersedes}",
                },
                PublishCalendar,
            )
        )

    def import_roster(self) -> None:
        self._import("roster", "danh-sach-can-bo-2024.xlsx", self._operator())
        office = ChangeStaff(
            staff=OFFICE, roles=["office", "staff"], valid_from=date(2024, 6, 14), reason="Phụ trách Văn phòng"
        )
        self.operator(office)
        for staff in ("p06", "p08"):
            self.operator(ChangeStaff(staff=staff, roles=["supervisor"], valid_from=date(2024, 6, 14)))

    def define_areas(self) -> None:
        """The parts of the work in the deputies' charge; the Chairman leads the commune itself."""
        for staff, area in (("p01", COMMUNE), ("p02", "mang-kinh-te"), ("p03", "mang-van-hoa-xa-hoi")):
            if area != COMMUNE:
                self.office(DefineUnit(unit=area, kind="area", valid_from=date(2024, 6, 14)))
            self.office(ChangeStaff(staff=staff, leads_unit=area, valid_from=date(2024, 6, 14)))

    def issue_directive(self) -> None:
        self.directive = self._new_id()
        title = "Tăng cường thực hiện công tác cải cách hành chính năm 2024"
        directive = {"directive": self.directive, "number": "01/CT-UBND", "title": title}
        self.do(CHAIR, IssueDirective(**directive, issued_on=date(2024, 6, 14)))

    def import_annex(self) -> None:
        # The Office prepared the file. The Chairman confirms it, since some rows are the Office's own work.
        principal = Principal(f"staff/{CHAIR}", COMMUNE, self.tasks.roles_of(COMMUNE, CHAIR))
        self._import("annex", "danh-muc-cong-viec-2024.xlsx", principal)

    def _import(self, kind: importing.Kind, file: str, principal: Principal) -> None:
        self.clock.tick()
        content = (FILES / file).read_bytes()
        directive = self.directive if kind == "annex" else None
        found = importing.dry_run(self.tasks, COMMUNE, kind, content, file, directive=directive, sender=principal.staff)
        importing.confirm(self.tasks, principal, COMMUNE, found)

    # Rows that waited

    def settle(self, number: str, into: Sequence[AssignTask | SetTemplate]) -> None:
        row = self._row(number)
        named = {row["lead"], *row["candidates"], *(answer.lead for answer in into)}
        self._not_their_own(named, SettleDraft(task=self._named(number, "draft"), into=into))

    def part(
        self, number: str, name: str, *, due: str, lead: str | None = None, collaborators: Sequence[str] = ()
    ) -> AssignTask:
        """A task that a waiting row becomes; without a lead the one that the row names."""
        row = self._row(number)
        label = f"{number} {name}".strip()
        title = row["title"] if lead or not name else f"{row['title']} ({name})"
        return AssignTask(
            task=self._name(label if name else f"{number} giao"),
            title=title,
            product=row["product"],
            field=row["field"],
            lead=lead or row["lead"],
            collaborators=list(collaborators),
            coefficient=row["coefficient"],
            due=_due(due),
        )

    def regular(self, number: str, *, lead: str, text: str, cadence: Any) -> AssignTask:
        due = Due(text=text, cadence=cadence)
        return msgspec.structs.replace(self.part(number, "thường xuyên", due="2024-12-31", lead=lead), due=due)

    def each_period(self, number: str, lead: str, recurrence: Recurrence, text: str) -> SetTemplate:
        row = self._row(number)
        return SetTemplate(
            template=self._name(f"{number} {lead}"),
            title=row["title"],
            product=row["product"],
            field=row["field"],
            lead=lead,
            recurrence=recurrence,
            due_text=text,
        )

    # The life of tasks

    def assign(
        self, name: str, title: str, *, lead: str, due: str, taken_over_from: str | None = None, **more: Any
    ) -> None:
        other = self.task(taken_over_from) if taken_over_from else None
        task = AssignTask(task=self._name(name), title=title, lead=lead, due=_due(due), taken_over_from=other, **more)
        self._not_their_own({lead}, task)

    def assign_each(self, leads: Iterable[str], name: str, title: str, *, due: str, field: int) -> None:
        for lead in leads:
            self.assign(f"{name} {lead}", title, lead=lead, due=due, field=field, origin="ad_hoc")

    def assign_working_days(self, name: str, title: str, days: int, *, lead: str) -> None:
        due = Due(text=f"{days:02d} ngày làm việc", working_days=days)
        self.office(AssignTask(task=self._name(name), title=title, lead=lead, due=due, field=2, origin="ad_hoc"))

    def split(self, number: str, name: str, title: str, *, lead: str, due: str) -> None:
        self.assign(f"{number} {name}", title, lead=lead, due=due, parent=self.task(number))

    def acknowledge(self, *names: str) -> None:
        for name in names:
            self.do(self._state(name).lead, AcknowledgeTask(task=self.task(name)))

    def progress(self, name: str, note: str, percent: int) -> None:
        self.do(self._state(name).lead, NoteProgress(task=self.task(name), note=note, percent=percent))

    def report(self, name: str, summary: str, *, evidence: str | None = None, explanation: str | None = None) -> None:
        task = self._state(name)
        files = [self._file(task, evidence).sha256] if evidence else []
        if not files and explanation is None:
            explanation = "Sản phẩm lưu tại hồ sơ công việc của bộ phận"
        self.do(task.lead, ReportResult(task=task.task, summary=summary, evidence=files, explanation=explanation))

    def report_for(self, name: str, summary: str, *, on: str, reason: str) -> None:
        self.office(
            ReportResult(
                task=self.task(name),
                summary=summary,
                explanation="Văn bản giấy, đã vào sổ",
                on=date.fromisoformat(on),
                reason=reason,
            )
        )

    def accept(self, *names: str, quality: Any = "met", exceeded: str | None = None) -> None:
        beyond = Beyond(kind="value", reason=exceeded) if exceeded else None
        for name in names:
            self._decide(name, lambda task: AcceptResult(task=task, quality=quality, exceeded=beyond))

    def send_back(self, name: str, reason: str, *, due: str, quality_failure: bool) -> None:
        self._decide(
            name, lambda task: ReturnResult(task=task, reason=reason, quality_failure=quality_failure, due=_due(due))
        )

    def reopen(self, name: str, reason: str, *, due: str) -> None:
        self._decide(name, lambda task: ReopenTask(task=task, reason=reason, quality_failure=False, due=_due(due)))

    def cause(self, name: str, of: Any, reason: str, *, document: str) -> None:
        self._decide(name, lambda task: ConfirmObjectiveCause(task=task, of=of, reason=reason, document=document))

    def extension(self, name: str, due: str, reason: str, *, typed_by: str | None = None) -> None:
        task = self._state(name)
        asked = RequestExtension(task=task.task, proposed_due=_due(due), reason=reason, by=task.lead)
        self.do(typed_by or task.lead, asked)

    def grant(self, name: str, reason: str) -> None:
        self._decide(name, lambda task: GrantExtension(task=task, reason=reason))

    def refuse(self, name: str, reason: str) -> None:
        self._decide(name, lambda task: RefuseExtension(task=task, reason=reason))

    def confirm_due(self, name: str, due: str, reason: str) -> None:
        self._decide(name, lambda task: ConfirmDue(task=task, due=_due(due), reason=reason))

    def cancel(self, name: str, reason: str) -> None:
        self._decide(name, lambda task: CancelTask(task=task, reason=reason))

    def hand_back(self, name: str, kind: Any, reason: str, *, by: str) -> None:
        self.do(by, HandBackTask(task=self.task(name), kind=kind, reason=reason))

    def correct_title(self, name: str, title: str, reason: str) -> None:
        task = self._state(name)
        self._not_their_own({task.lead, *task.collaborators}, CorrectTask(task=task.task, title=title, reason=reason))

    def correct_coefficient(self, name: str, coefficient: str, reason: str) -> None:
        self._decide(name, lambda task: CorrectCoefficient(task=task, coefficient=coefficient, reason=reason))

    def end_template(self, number: str, reason: str) -> None:
        template = self.names.get(number) or self._named(number, "template")
        lead = self._states()[f"template/{template}"].latest.lead
        self._not_their_own({lead}, EndTemplate(template=template, reason=reason))

    def _not_their_own(self, leads: Collection[str | None], command: Command) -> None:
        """The Office keeps the list, but the Chairman decides on the Office's own tasks."""
        self.do(CHAIR if OFFICE in leads else OFFICE, command)

    def _decide(self, name: str, command: Callable[[str], Command]) -> None:
        """The vice-chair in charge decides, the Chairman where that one takes part."""
        task = self._state(name)
        decider = next((deputy for deputy, leads in IN_CHARGE_OF.items() if task.lead in leads), DEPUTY)
        taking_part = decider == task.lead or decider in task.collaborators
        self.do(CHAIR if taking_part else decider, command(task.task))

    # People

    def follow(self, staff: str, tracker: str, reason: str) -> None:
        """Another follows a person's work from today."""
        since = self.clock.now.date()
        self.office(ChangeStaff(staff=staff, tracker=tracker, valid_from=since, reason=reason))

    def discipline(self, staff: str, form: Any, *, act: str, act_date: str, decision_date: str) -> None:
        self.office(
            RecordDiscipline(
                staff=staff,
                act=act,
                act_date=date.fromisoformat(act_date),
                decision_date=date.fromisoformat(decision_date),
                of="administration",
                form=form,
                public_duty=True,
                degradation=False,
            )
        )

    def discipline_of(self, staff: str) -> str:
        """The id of the event that last recorded a disciplined act."""
        return self._last_id(f"staff/{staff}", StaffDisciplined)

    def withdraw_discipline(self, staff: str, act: str, reason: str) -> None:
        self.office(WithdrawDiscipline(staff=staff, act=act, reason=reason))

    # Names

    def acceptance_of(self, name: str) -> str:
        """The id of the event that last accepted a task's result."""
        return self._last_id(f"task/{self.task(name)}", TaskCompleted)

    def _last_id(self, subject: str, kind: type) -> str:
        found = [
            event for event in map(decode, self.tasks.log.read_stream(COMMUNE, subject)) if type(event.data) is kind
        ]
        return found[-1].id

    def task(self, name: str) -> str:
        return self._state(name).task

    def _state(self, name: str) -> Task:
        if name in self.names:
            return self._states()[f"task/{self.names[name]}"]
        number, period = name.rsplit(" ", 1) if " " in name else (name, "")
        states = self._states()
        for state in states.values():
            if not isinstance(state, Task) or state.status in ("draft", "settled"):
                continue
            if period and state.template is not None:
                template = states[f"template/{state.template}"]
                if self._is(template, number) and period in _periods(state):
                    return state
            elif not period and state.item and state.item.no == name and state.template is None:
                return state
        raise LookupError(f"no task {name}")

    def _is(self, template: Template, number: str) -> bool:
        named = self.names.get(number)
        return named == template.template if named else bool(template.latest.item and template.latest.item.no == number)

    def _named(self, number: str, kind: str) -> str:
        """The draft or template of an annex row."""
        for subject, state in self._states().items():
            is_template = isinstance(state, Template)
            item = state.latest.item if is_template else state.item
            right_kind = is_template if kind == "template" else not is_template and state.status == kind
            if item and item.no == number and right_kind:
                return subject.partition("/")[2]
        raise LookupError(f"no {kind} {number}")

    def _row(self, number: str) -> dict[str, Any]:
        """The words of a waiting row, as the import proposed them."""
        return self._states()[f"task/{self._named(number, 'draft')}"].draft.row

    def _states(self) -> dict[str, Any]:
        """The current tasks and templates by subject."""
        with reading(self.tasks.engine, COMMUNE) as connection:
            return {
                stored.subject: stored.state
                for kind in ("task", "template")
                for stored in views.all_of(connection, COMMUNE, kind)
            }

    def _name(self, name: str) -> str:
        self.names[name] = self._new_id()
        return self.names[name]

    def _new_id(self) -> str:
        return self.installation.new_id(self.clock.now)

    def _file(self, task: Task, name: str) -> Any:
        text = f"Xã Tiên Cảnh 2024 (dữ liệu mẫu)\n{task.title}\n{name}\n"
        return store_evidence(self.tasks, COMMUNE, task.task, name.replace(".pdf", ".txt"), text.encode())


def _due(day: str) -> Due:
    on = date.fromisoformat(day)
    return Due(text=f"{on:%d/%m/%Y}", date=on)


def _periods(task: Task) -> set[str]:
    """An occurrence is assigned on its period's first day: "2024-07" of a monthly row, "2024-Q3" of a quarterly one."""
    begun = task.assigned_on
    return {f"{begun:%Y-%m}", f"{begun:%Y}-Q{(begun.month + 2) // 3}"} if begun else set()


def load(settings: Settings) -> None:
    """Live the year into a migrated, empty installation."""
    from demo.story import tell

    year = Year(settings)
    try:
        tell(year)
        year.let_pass(LAST_DAY + ONE_DAY)
    finally:
        year.installation.close()
