"""Four communes live the first half of 2025, become one, and a fifth lives the same year uncut: the control.

Each command is done in a commune and in the control, where people have the ids that the merger gives them.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from cchc.installation import Installation
from cchc.settings import Settings
from demo.year import FILES
from services.scoring.domain.sheet import Sheet, sheets
from services.scoring.views import known_now
from services.tasks import merging, personal
from services.tasks.commands import execute
from services.tasks.domain.assigning import AssignTask
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import GrantExtension, RequestExtension
from services.tasks.domain.directives import IssueDirective
from services.tasks.domain.merging import Merger, Newcomers
from services.tasks.domain.organisation import (
    AppointStaff,
    ChangeStaff,
    DefineUnit,
    EndAppointment,
    RecordAbsence,
    RecordDiscipline,
)
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import AcceptResult, ReportResult, ReturnResult
from services.tasks.domain.templates import SetTemplate
from services.tasks.evidence import store_evidence
from shared.eventlog import Decision, Transaction, writing
from shared.eventlog.signer import sign_now
from shared.events import VIETNAM, CommonAssessed, Data, Due, Evidence, Recurrence, uuid7
from shared.web.auth import Principal
from tests.support.evidence import PDF

OLD = ("tien-canh", "tien-an", "tien-lap", "tien-loc")
NAMES = {"tien-canh": "xã Tiên Cảnh", "tien-an": "xã Tiên An", "tien-lap": "xã Tiên Lập", "tien-loc": "xã Tiên Lộc"}
NEW, CONTROL = "thanh-binh", "doi-chung"
BASIS = "Nghị quyết 1659/NQ-UBTVQH15"
CHAIR = "tien-canh-p01"
PEOPLE: Mapping[str, dict[str, Any]] = {
    "p01": {"category": "can_bo", "roles": ["chair"], "leader": True, "post": "Chủ tịch UBND xã"},
    "p02": {"category": "can_bo", "roles": ["vice_chair"], "leader": True, "post": "Phó Chủ tịch", "tracker": "p01"},
    "p14": {"category": "cong_chuc", "roles": ["office", "staff"], "post": "Văn phòng", "tracker": "p01"},
    "p07": {"category": "cong_chuc", "roles": ["staff"], "post": "Địa chính", "tracker": "p02", "unit": "kinh-te"},
    "p08": {"category": "cong_chuc", "roles": ["staff"], "post": "Tư pháp", "tracker": "p02"},
    "p09": {"category": "cong_chuc", "roles": ["staff"], "post": "Văn hóa", "tracker": "p02"},
}
OF_PEOPLE = ("lead", "staff", "tracker", "head")


def mapped(command: Any, commune: str) -> Any:
    """The command as the control hears it."""
    changed: dict[str, Any] = {n: f"{commune}-{v}" for n in OF_PEOPLE if (v := getattr(command, n, None))}
    if (unit := getattr(command, "unit", None)) is not None:
        changed["unit"] = CONTROL if unit == commune else f"{commune}-{unit}"
    return replace(command, **changed)


def appointment(staff: str, since: date, said: dict[str, Any]) -> AppointStaff:
    return AppointStaff(staff=staff, valid_from=since, **said)


def decided(data: Data, _: Transaction) -> Decision:
    return Decision([data])


class Province:
    def __init__(self, data: Path, **environment: str) -> None:
        self.now = datetime(2025, 1, 1, tzinfo=UTC)
        self.count = 0
        settings = Settings.from_environment(environment, data=data)
        self.installation = Installation(settings, clock=lambda: self.now, new_id=self._new_id)
        self.installation.migrate()
        self.tasks = self.installation.tasks

    def _new_id(self, now: datetime) -> str:
        self.count += 1
        return uuid7(now, hashlib.sha256(str(self.count).encode()).digest()[:10])

    # Days and hands

    def on(self, text: str, hour: int = 8) -> None:
        """The morning of "30/6" of 2025."""
        parts = [int(part) for part in text.split("/")]
        year = parts[2] if len(parts) > 2 else 2025
        self.now = datetime(year, parts[1], parts[0], hour, tzinfo=VIETNAM)

    def run(self, commune: str, who: str, command: Command) -> Any:
        operator = who == "operator"
        roles = frozenset({"admin"}) if operator else self.tasks.roles_of(commune, who)
        principal = Principal("operator/cchc" if operator else f"staff/{who}", commune, roles)
        return execute(self.tasks, principal, command, commune=commune)

    def do(self, commune: str, who: str, command: Command) -> None:
        """In one of the old communes and in the control, or in the new one and in the control."""
        self.run(commune, who, command)
        if commune == NEW:
            self.run(CONTROL, who, command)
        else:
            self.run(CONTROL, who if who == "operator" else f"{commune}-{who}", mapped(command, commune))

    # The first half

    def open(self) -> None:
        self.on("2/1")
        for commune in (*OLD, CONTROL):
            since = date(2020, 1, 1)
            opened = OpenCommune(name=NAMES.get(commune, "xã Đối Chứng"), code=commune, valid_from=since)
            self.run(commune, "operator", opened)
            for year in (2024, 2025, 2026):
                published = json.loads((FILES / "lich-lam-viec" / f"{year}.json").read_text("utf-8"))
                days = [day for day in published["days_off"] if day.get("status", "official") == "official"]
                calendar = {"calendar": f"vn-{year}-r1", "year": year, "days_off": days}
                calendar["working_weekends"] = published["working_weekends"]
                self.run(commune, "operator", msgspec.convert(calendar, PublishCalendar))
        for commune in OLD:
            self.do(commune, "operator", DefineUnit(unit="kinh-te", kind="department", valid_from=date(2020, 1, 1)))
            for staff, said in PEOPLE.items():
                self.do(commune, "operator", appointment(staff, date(2023, 3, 1), {"unit": commune} | said))
            directive = IssueDirective(
                directive=f"{commune}-d1", number="01/CT-UBND", issued_on=date(2025, 1, 2), title="Công tác năm 2025"
            )
            self.do(commune, "p01", directive)
            with writing(self.tasks.engine, commune) as connection:
                personal.save_unit_name(connection, commune, "kinh-te", f"Tổ kinh tế {NAMES[commune]}")
                person = personal.Person("p07", f"Người số bảy {NAMES[commune]}", f"p07@{commune}.example.org", "0900")
                personal.save_person(connection, commune, person)

    def assign(self, commune: str, name: str, lead: str, due: str) -> None:
        day = datetime.strptime(due, "%d/%m/%Y").replace(tzinfo=VIETNAM).date()
        by = CHAIR if commune == NEW else "p01"
        task = AssignTask(
            task=name,
            title=f"Việc {name}",
            product="Báo cáo",
            lead=lead,
            due=Due(text=due, date=day),
            directive=None if commune == NEW else f"{commune}-d1",
        )
        self.do(commune, by, task)

    def report(self, commune: str, name: str, lead: str, evidence: list[Evidence] | None = None) -> None:
        result = ReportResult(
            task=name, summary="Đã xong", explanation="Theo hồ sơ", evidence=[file.sha256 for file in evidence or []]
        )
        self.do(commune, lead, result)

    def accept(self, commune: str, name: str) -> None:
        self.do(commune, CHAIR if commune == NEW else "p01", AcceptResult(task=name))

    def first_half(self) -> None:
        self.on("10/1")
        for commune in OLD:
            for name, lead, due in (
                ("in-time", "p07", "31/3/2025"),
                ("late", "p07", "15/4/2025"),
                ("extended", "p07", "20/5/2025"),
                ("reported", "p08", "27/6/2025"),
                ("running", "p08", "15/8/2025"),
                ("missed", "p07", "30/5/2025"),
                ("asked", "p08", "30/6/2025"),
                ("returned", "p14", "10/6/2025"),
            ):
                self.assign(commune, f"{commune}-{name}", lead, due)
        self.assign("tien-loc", "tien-loc-undone", "p08", "20/6/2025")
        self.on("3/2")
        away = RecordAbsence(staff="p08", absence="a1", kind="insured", from_=date(2025, 2, 3), to=date(2025, 3, 14))
        self.do("tien-canh", "p14", away)
        long = RecordAbsence(staff="p14", absence="a1", kind="unpaid", from_=date(2025, 2, 3), to=date(2025, 5, 20))
        self.do("tien-an", "p01", long)
        self.on("28/2")
        self.do("tien-canh", "operator", EndAppointment(staff="p09", valid_to=date(2025, 2, 28)))
        self.do("tien-lap", "operator", EndAppointment(staff="p09", valid_to=date(2025, 2, 28)))
        self.on("28/3")
        again = appointment("p09", date(2025, 4, 1), {"unit": "tien-lap"} | PEOPLE["p09"])
        self.do("tien-lap", "operator", again)
        for commune in OLD:
            self.report(commune, f"{commune}-in-time", "p07")
            self.accept(commune, f"{commune}-in-time")
        self.on("22/4")
        for commune in OLD[:2]:
            self.report(commune, f"{commune}-late", "p07")
            self.accept(commune, f"{commune}-late")
        self.on("12/5")
        act = RecordDiscipline(
            staff="p07", act="k1", act_date=date(2025, 4, 2), decision_date=date(2025, 5, 9), of="administration",
            form="khien_trach", public_duty=True, degradation=False,
        )  # fmt: skip
        self.do("tien-lap", "p14", act)
        for commune in OLD:
            proposed = Due(text="13/6/2025", date=date(2025, 6, 13))
            asked = RequestExtension(task=f"{commune}-extended", proposed_due=proposed, reason="Chờ số liệu")
            self.do(commune, "p07", asked)
            self.do(commune, "p01", GrantExtension(task=f"{commune}-extended", reason="Đồng ý"))
        self.on("9/6")
        for commune in OLD:
            self.report(commune, f"{commune}-extended", "p07")
            self.accept(commune, f"{commune}-extended")
            self.report(commune, f"{commune}-returned", "p14")
            until = Due(text="18/7/2025", date=date(2025, 7, 18))
            sent_back = ReturnResult(task=f"{commune}-returned", reason="Thiếu", quality_failure=True, due=until)
            self.do(commune, "p01", sent_back)
        template = SetTemplate(
            template="tien-loc-m1", title="Báo cáo tháng", lead="p08", due_text="ngày 25",
            recurrence=Recurrence(every="month", day=25), valid_from=date(2025, 7, 1),
        )  # fmt: skip
        self.run("tien-loc", "p01", template)
        self.on("27/6")
        for commune in OLD:
            file = store_evidence(self.tasks, commune, f"{commune}-reported", "biên bản.pdf", PDF)
            store_evidence(self.tasks, CONTROL, f"{commune}-reported", "biên bản.pdf", PDF)
            self.report(commune, f"{commune}-reported", "p08", [file])
            proposed = Due(text="31/7/2025", date=date(2025, 7, 31))
            self.do(commune, "p08", RequestExtension(task=f"{commune}-asked", proposed_due=proposed, reason="Sáp nhập"))
        # Before the merger is entered, the old communes are used a few days longer.
        self.on("2/7")
        self.report("tien-lap", "tien-lap-late", "p07")

    # The merger

    merger = Merger(
        commune=NEW, name="xã Thạnh Bình", code="20878", on=date(2025, 7, 1), legal_basis=BASIS, communes=OLD,
        seat="tien-canh", parent="thành phố Đà Nẵng",
    )  # fmt: skip

    def merge(self, newcomers: Newcomers | None = None) -> merging.Plan:
        return merging.merge(self.tasks, self.merger, newcomers or {}, "operator/cchc", self.sign)

    def sign(self, commune: str) -> None:
        sign_now(self.tasks.log, commune, self.installation.checkpoint_key, actor="service/tasks")

    def merge_on_the_fifth(self) -> merging.Plan:
        self.on("5/7")
        for commune in OLD[1:]:
            for staff in ("p01", "p02"):
                out = ChangeStaff(staff=f"{commune}-{staff}", roles=["staff"], valid_from=date(2025, 7, 1))
                self.run(CONTROL, "operator", out)
        return self.merge()

    # The second half

    def second_half(self) -> None:
        self.on("10/7")
        for commune in OLD:
            self.accept(NEW, f"{commune}-reported")
            self.do(NEW, CHAIR, GrantExtension(task=f"{commune}-asked", reason="Đồng ý"))
            self.report(NEW, f"{commune}-returned", f"{commune}-p14")
            self.accept(NEW, f"{commune}-returned")
            self.assign(NEW, f"{commune}-new", f"{commune}-p07", "30/9/2025")
        self.accept(NEW, "tien-lap-late")
        self.on("31/7")
        for commune in OLD:
            self.report(NEW, f"{commune}-asked", f"{commune}-p08")
            self.accept(NEW, f"{commune}-asked")
            self.report(NEW, f"{commune}-missed", f"{commune}-p07")
            self.accept(NEW, f"{commune}-missed")
        self.on("14/8")
        for commune in OLD[:3]:
            self.report(NEW, f"{commune}-running", f"{commune}-p08")
            self.accept(NEW, f"{commune}-running")
        self.on("25/9")
        for commune in OLD[1:]:
            self.report(NEW, f"{commune}-new", f"{commune}-p07")
            self.accept(NEW, f"{commune}-new")
        self.on("1/12")
        for commune in OLD:
            for staff in ("p07", "p08", "p14"):
                good = CommonAssessed(
                    staff=f"{commune}-{staff}", year=2025, items=dict.fromkeys(("k1", "k2", "k3", "k4"), "tot"),
                    stage="confirmed", by=CHAIR,
                )  # fmt: skip
                for where in (NEW, CONTROL):
                    self.installation.own_log("scoring").append(where, partial(decided, good), actor="staff/x")

    def year(self) -> None:
        self.open()
        self.first_half()
        self.merge_on_the_fifth()
        self.second_half()

    # Looking

    def sheets(self, commune: str, day: date = date(2025, 12, 15)) -> dict[str, Sheet]:
        scoring = self.installation.scoring
        self.installation.folds("scoring").catch_up()
        known = known_now(scoring.engine, scoring.logs, commune, day)
        return {sheet.staff: sheet for sheet in sheets(known.records, 2025, day)}
