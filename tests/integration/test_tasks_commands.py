"""Commands of the tasks service against a real log: rights, versions, keys, states, rebuild, recurring tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.pool import NullPool

from services.tasks import personal, queries, views
from services.tasks.commands import execute
from services.tasks.domain.assigning import AssignTask, CancelTask, DraftTask
from services.tasks.domain.communes import OpenCommune
from services.tasks.domain.context import Command
from services.tasks.domain.decisions import SettleDraft, Together
from services.tasks.domain.organisation import AppointStaff, ChangeStaff, DefineUnit, EndAppointment
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import AcceptResult, ReportResult
from services.tasks.domain.templates import SetTemplate
from services.tasks.queries import TaskFilter
from services.tasks.reactors import open_recurring
from services.tasks.service import Tasks, open_tasks
from services.tasks.tables import states
from shared.eventlog import Appended, Key, KeyReused, Log, StaleVersion, open_database, reading, writing
from shared.eventlog.migrations import migrate
from shared.events import CalendarPublished, DayOff, Due, DueRecomputed, Item, Recurrence, TaskAssigned, decode
from shared.refusal import Refused
from shared.web.auth import Principal

COMMUNE = "tien-canh"
EVERY_ROLE = frozenset({"chair", "vice_chair", "office", "staff", "village_head", "focal_point", "inspector"})


@dataclass
class Clock:
    """Stands still until it is told otherwise."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def on(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)


@dataclass
class Service:
    handle: Tasks
    clock: Clock

    @property
    def log(self) -> Log:
        return self.handle.log

    @property
    def engine(self) -> Engine:
        return self.log.engine

    def run(self, actor: str, command: Command, **more: Any) -> Appended:
        """Someone's command; a person's token carries every role, so that only the post decides."""
        roles = frozenset({"admin", "office"}) if actor.startswith("operator/") else EVERY_ROLE
        principal = Principal(actor if "/" in actor else f"staff/{actor}", COMMUNE, more.pop("roles", roles))
        return execute(self.handle, principal, command, commune=COMMUNE, **more)

    def state(self, subject: str) -> Any:
        with reading(self.engine, COMMUNE) as connection:
            found = views.one(connection, COMMUNE, subject)
        return found.state if found else None

    def tasks(self, limit: int = 100, after: str | None = None, **wanted: Any) -> list[str]:
        found = queries.tasks(self.handle, COMMUNE, TaskFilter(**wanted), limit=limit, after=after)
        return [stored.state.task for stored in found]


def person(staff: str, *roles: Any, tracker: str | None = None, unit: str = COMMUNE) -> AppointStaff:
    return AppointStaff(
        staff=staff,
        category="cong_chuc",
        roles=list(roles),
        post=f"Chức vụ {staff}",
        unit=unit,
        valid_from=date(2024, 1, 1),
        tracker=tracker,
    )


def calendar(revision: int, *off: date) -> PublishCalendar:
    days = [DayOff(date=day, name="Nghỉ", legal_basis="Thông báo") for day in off]
    return PublishCalendar(calendar=f"vn-2024-r{revision}", year=2024, days_off=days, working_weekends=[])


def assign(task: str = "t1", **more: Any) -> AssignTask:
    due = Due(text="28/6", date=date(2024, 6, 28))
    usual: dict[str, Any] = {"task": task, "title": "Báo cáo quý II", "lead": "p15", "due": due}
    return AssignTask(**(usual | more))


def report(task: str = "t1") -> ReportResult:
    return ReportResult(task=task, summary="Đã xong", explanation="Họp trực tiếp")


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'tasks.db'}")
    else:
        engine = open_database(request.getfixturevalue("postgres"), poolclass=NullPool)
    migrate(engine, "services.tasks")
    clock = Clock(datetime(2024, 6, 17, 2, tzinfo=UTC))
    service = Service(open_tasks(engine, tmp_path / "evidence", clock=clock), clock)
    service.run("operator/cli", OpenCommune(name="Xã Tiên Cảnh", code="20878", valid_from=date(2024, 1, 1)))
    roster = [
        DefineUnit(unit="dia-chinh", kind="department", valid_from=date(2024, 1, 1)),
        person("p01", "chair"),
        person("p02", "vice_chair", tracker="p01"),
        person("p14", "office", tracker="p02"),
        person("p15", "staff", tracker="p02"),
        person("p17", "staff", tracker="p02", unit="dia-chinh"),
    ]
    service.run("operator/cli", Together(commands=[*roster, calendar(1)]))
    yield service
    engine.dispose()


def test_a_task_goes_from_assignment_to_acceptance(service: Service) -> None:
    assert service.run("p14", assign()).versions == {"task/t1": 1}
    service.run("p15", report())
    answer = service.run("p02", AcceptResult(task="t1"), if_match=2)
    assert answer.versions == {"task/t1": 3}
    assert answer.position == service.log.head(COMMUNE).position
    task = service.state("task/t1")
    assert (task.status, task.completed_on, task.quality) == ("completed", date(2024, 6, 17), "met")
    events = queries.history(service.handle, COMMUNE, "task/t1")
    assert [event.streamversion for event in events] == [1, 2, 3]
    assert [event.actor for event in events] == ["staff/p14", "staff/p15", "staff/p02"]


def test_a_refused_command_leaves_nothing(service: Service) -> None:
    before = service.log.head(COMMUNE)
    with pytest.raises(Refused, match="staff-unknown"):
        service.run("p14", assign(lead="p99"))
    assert service.log.head(COMMUNE) == before
    assert service.state("task/t1") is None


@pytest.mark.parametrize(
    ("actor", "roles", "code"),
    [
        ("p15", EVERY_ROLE, "role"),  # the token says office, the post does not
        ("p14", frozenset({"staff"}), "role"),  # the post says office, the token does not
        ("p99", EVERY_ROLE, "not-in-post"),
        ("service/portal", frozenset({"replicator"}), "role"),
    ],
)
def test_a_command_needs_a_role_by_post_and_by_token(
    service: Service, actor: str, roles: frozenset[str], code: str
) -> None:
    with pytest.raises(Refused, match=code):
        service.run(actor, assign(), roles=roles)


def test_rights_end_with_the_post(service: Service) -> None:
    service.run("operator/cli", EndAppointment(staff="p14", valid_to=date(2024, 6, 17)))
    service.run("p14", assign())
    service.clock.on(date(2024, 6, 18))
    with pytest.raises(Refused, match="not-in-post"):
        service.run("p14", assign("t2"))


def test_each_of_several_commands_needs_its_own_right(service: Service) -> None:
    with pytest.raises(Refused, match="role"):
        service.run("p14", Together(commands=[assign(), OpenCommune(name="x", code="1", valid_from=date(2024, 1, 1))]))


def test_a_token_of_another_commune_does_nothing(service: Service) -> None:
    principal = Principal("staff/p14", "xa-khac", EVERY_ROLE)
    with pytest.raises(Refused, match="other-commune"):
        execute(service.handle, principal, assign(), commune=COMMUNE)


def test_of_two_commands_from_one_version_one_wins(service: Service) -> None:
    service.run("p14", assign())
    service.run("p15", report(), if_match=1)
    with pytest.raises(StaleVersion) as stale:
        service.run("p01", CancelTask(task="t1", reason="Giao nhầm"), if_match=1)
    assert (stale.value.expected, stale.value.actual) == (1, 2)
    assert service.state("task/t1").status == "reported"


def test_a_new_stream_is_based_on_version_zero(service: Service) -> None:
    with pytest.raises(StaleVersion):
        service.run("p14", assign(), if_match=1)
    assert service.run("p14", assign(), if_match=0).versions == {"task/t1": 1}


def test_a_repeated_command_has_one_effect_and_one_answer(service: Service) -> None:
    first = service.run("p14", assign(), key=Key("k1", "digest"))
    again = service.run("p14", assign(), key=Key("k1", "digest"))
    assert (again.position, again.versions, again.replayed) == (first.position, first.versions, True)
    with pytest.raises(KeyReused):
        service.run("p14", assign("t2"), key=Key("k1", "other"))


def test_what_lies_beside_the_log_is_written_with_the_command_or_not_at_all(service: Service) -> None:
    def name_them(tx: Any) -> None:
        personal.save_person(tx.connection, tx.commune, personal.Person("p20", "Tên người", "a@b.vn"))

    service.run("p01", person("p20", "staff"), outside_log=name_them)
    with pytest.raises(Refused):
        service.run("p01", person("p21", "staff", unit="khong-co"), outside_log=name_them)
    with writing(service.engine, COMMUNE) as connection:
        assert personal.people_of(connection, COMMUNE)["p20"].name == "Tên người"
        personal.erase_person(connection, COMMUNE, "p20")
        assert personal.people_of(connection, COMMUNE) == {}
    assert service.state("staff/p20").post_on(date(2024, 6, 17)) is not None


def test_names_and_files_beside_the_log_are_replaced_listed_and_erased(service: Service) -> None:
    file = personal.EvidenceFile("t1", "a" * 64, "báo cáo.pdf", 10, "application/pdf", "2024-06-17T02:00:00.000Z")
    with writing(service.engine, COMMUNE) as connection:
        for name in ("Địa chính", "Địa chính - Xây dựng"):
            personal.save_unit_name(connection, COMMUNE, "dia-chinh", name)
        personal.save_evidence(connection, COMMUNE, file)
        assert personal.unit_names_of(connection, COMMUNE) == {"dia-chinh": "Địa chính - Xây dựng"}
        assert personal.evidence_of(connection, COMMUNE, "t1") == [file]
        assert personal.evidence_of(connection, "xa-khac", "t1") == []
        personal.erase_evidence(connection, COMMUNE, "t1", "a" * 64)
        assert personal.evidence_of(connection, COMMUNE, "t1") == []


def test_a_calendar_moves_the_running_tasks_of_its_commune(service: Service) -> None:
    service.run("p14", assign(due=Due(text="5 ngày làm việc", working_days=5)))
    service.run("p14", assign("t2"))
    answer = service.run("operator/cli", calendar(2, date(2024, 6, 20)))
    published, moved = service.log.read_all(COMMUNE, answer.position - 2)
    assert isinstance(decode(published).data, CalendarPublished)
    assert isinstance(decode(moved).data, DueRecomputed)
    assert service.state("task/t1").due_date == date(2024, 6, 25)
    assert answer.versions == {"calendar/2024": 2, "task/t1": 2}


def test_tasks_are_filtered_and_paged(service: Service) -> None:
    service.run("p14", assign("t1"))
    service.run("p14", assign("t2", lead="p17", due=Due(text="5/7", date=date(2024, 7, 5)), field=3))
    service.run("p14", assign("t3", collaborators=["dia-chinh"], title="Rà soát 100% thủ tục"))
    service.run("p14", assign("t4", due=Due(text="thường xuyên")))
    service.run("p01", CancelTask(task="t4", reason="Giao nhầm"))
    service.run("p14", DraftTask(task="t5", item=Item(sheet="1", no="9"), row={}, questions=["thieu_thoi_han"]))
    assert service.tasks() == ["t1", "t2", "t3", "t4"]
    assert service.tasks(limit=2) == ["t1", "t2"]
    assert service.tasks(limit=2, after="task/t2") == ["t3", "t4"]
    assert service.tasks(status={"cancelled"}) == ["t4"]
    assert service.tasks(lead="p17") == ["t2"]
    assert service.tasks(field=3) == ["t2"]
    assert service.tasks(due_from=date(2024, 7, 1)) == ["t2"]
    assert service.tasks(due_to=date(2024, 6, 28)) == ["t1", "t3"]
    assert service.tasks(title="100%") == ["t3"]
    assert service.tasks(seen_by=["p17", "dia-chinh"]) == ["t2", "t3"]
    assert [stored.state.task for stored in queries.drafts(service.handle, COMMUNE)] == ["t5"]
    assert queries.tasks(service.handle, "xa-khac", TaskFilter(), limit=9) == []


def test_staff_are_listed_as_of_a_day(service: Service) -> None:
    service.run("p14", ChangeStaff(staff="p15", valid_from=date(2024, 7, 1), post="Kế toán"))
    service.run("p14", EndAppointment(staff="p17", valid_to=date(2024, 6, 30)))
    june = queries.staff_on(service.handle, COMMUNE, date(2024, 6, 30))
    july = queries.staff_on(service.handle, COMMUNE, date(2024, 7, 1))
    assert [staff.staff for staff, _ in june] == ["p01", "p02", "p14", "p15", "p17"]
    assert {staff.staff: post.post for staff, post in july}["p15"] == "Kế toán"
    assert "p17" not in {staff.staff for staff, _ in july}


def test_rebuilt_states_equal_the_live_ones_row_by_row(service: Service) -> None:
    service.run("p14", assign())
    service.run("p15", report())
    row = DraftTask(task="d1", item=Item(sheet="1", no="9"), row={"Hạn": "?"}, questions=["thieu_thoi_han"])
    service.run("p14", row)
    service.run("p14", SettleDraft(task="d1", into=[assign("t2")]))
    with writing(service.engine, COMMUNE) as connection:
        rows = select(states).order_by(states.c.subject)
        live = connection.execute(rows).all()
        connection.execute(states.update().values(state=b"{}", version=0))
        assert views.rebuild(connection, COMMUNE, service.log) == len(live)
        assert connection.execute(rows).all() == live


def test_recurring_tasks_are_opened_once_also_after_downtime(service: Service) -> None:
    monthly = SetTemplate(
        template="m1",
        title="Báo cáo tháng",
        lead="p15",
        recurrence=Recurrence(every="month", day="last"),
        due_text="cuối tháng",
        valid_from=date(2024, 6, 1),
    )
    service.run("p14", monthly)
    service.clock.on(date(2024, 8, 2))
    assert open_recurring(service.handle, COMMUNE) == []
    opened = [decode(body) for body in service.log.read(COMMUNE)][-3:]
    assert [(event.actor, event.data.assigned_on) for event in opened if isinstance(event.data, TaskAssigned)] == [
        ("service/tasks", date(2024, month, 1)) for month in (6, 7, 8)
    ]
    head = service.log.head(COMMUNE)
    assert open_recurring(service.handle, COMMUNE) == []
    assert service.log.head(COMMUNE) == head


def test_a_recurring_task_whose_lead_left_waits(service: Service) -> None:
    quarterly = SetTemplate(
        template="q1",
        title="Báo cáo quý",
        lead="p15",
        recurrence=Recurrence(every="quarter", day=15),
        due_text="ngày 15 tháng cuối quý",
    )
    service.run("p14", quarterly)
    service.run("p14", EndAppointment(staff="p15", valid_to=date(2024, 6, 30)))
    service.clock.on(date(2024, 7, 1))
    (held,) = open_recurring(service.handle, COMMUNE)
    assert (held.template, held.period, held.refused.code) == ("q1", "2024-Q3", "staff-not-in-post")
    assert service.tasks() == []
