"""Whole years of a small commune in seconds, its clock told the time: who is told what, when, and why not."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from services.notifications import tables, views
from services.notifications.domain.policy import default_policy
from services.tasks.domain.assigning import CancelTask
from services.tasks.domain.deadlines import GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.organisation import RecordAbsence
from services.tasks.domain.results import ReturnResult
from shared.calendar import Calendars, calendar_of
from shared.eventlog import reading, writing
from shared.events import (
    CalendarPublished,
    Due,
    ReminderDelivered,
    ReminderQueued,
    ReminderSent,
    ReminderSuppressed,
    ResultReported,
    ResultReturned,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskReopened,
    decode,
)
from tests.support.reminded import CHAIR, COMMUNE, OFFICE, VICE_CHAIR, SmallCommune, local, moment

Open = Callable[..., SmallCommune]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens small communes that are closed after the test."""
    communes: list[SmallCommune] = []

    def open_one(day: str, *years: int, **environment: str) -> SmallCommune:
        found = SmallCommune(tmp_path / f"data{len(communes)}", day, years or (int(day[:4]),), **environment)
        communes.append(found)
        return found

    yield open_one
    for commune in communes:
        commune.installation.close()


def due_on(day: str, **more: Any) -> Due:
    return Due(text="Theo chỉ đạo", date=date.fromisoformat(day), **more)


# Days


def test_tet_is_jumped_over(opened: Open):
    commune = opened("2024-01-15")
    commune.assign("báo cáo", lead="p04", due="2024-02-15")
    commune.to("2024-02-16 09:00")
    assert commune.told("báo cáo") == [
        ("2024-01-30 07:30", "due-7", "p04"),
        ("2024-02-05 07:30", "due-3", "p04"),
        ("2024-02-07 07:30", "due-1", "p04"),
        ("2024-02-15 08:00", "due-0", "p04"),
        ("2024-02-16 07:30", "overdue-1", OFFICE),
        ("2024-02-16 07:30", "overdue-1", "p04"),
    ]


def test_a_date_within_tet_is_reminded_of_before_and_is_late_after(opened: Open):
    commune = opened("2024-02-01")
    commune.assign("báo cáo", lead="p04", due=due_on("2024-02-12", roll="none"))
    commune.to("2024-02-16 09:00")
    assert commune.told("báo cáo") == [
        ("2024-02-02 07:30", "due-3", "p04"),
        ("2024-02-06 07:30", "due-1", "p04"),
        ("2024-02-07 08:00", "due-0", "p04"),
        ("2024-02-15 07:30", "overdue-1", OFFICE),
        ("2024-02-15 07:30", "overdue-1", "p04"),
    ]


@pytest.mark.parametrize(
    ("from_", "due", "worked", "rule"),
    [
        ("2024-04-22", "2024-05-06", "2024-05-04", "due-1"),  # for 29/4/2024
        ("2025-04-21", "2025-04-25", "2025-04-26", "overdue-1"),  # for 2/5/2025
        ("2026-01-05", "2026-01-12", "2026-01-10", "due-1"),  # for 2/1/2026
        ("2026-08-10", "2026-08-21", "2026-08-22", "overdue-1"),  # for 31/8/2026
    ],
)
def test_a_saturday_worked_for_a_swapped_day_counts(opened: Open, from_: str, due: str, worked: str, rule: str):
    commune = opened(from_)
    commune.assign("báo cáo", lead="p04", due=due)
    commune.to(f"{worked} 09:00")
    assert (f"{worked} 07:30", rule, "p04") in commune.told("báo cáo")


def test_a_new_calendar_moves_what_is_still_to_come(opened: Open):
    commune = opened("2024-08-01")
    commune.assign("báo cáo", lead="p04", due="2024-08-19")
    commune.to("2024-08-12 09:00")
    commune.publish_calendar(2024, "r2", supersedes="r1", off=("2024-08-16",))
    commune.to("2024-08-19 09:00")
    assert commune.told("báo cáo") == [
        ("2024-08-08 07:30", "due-7", "p04"),
        ("2024-08-13 07:30", "due-3", "p04"),
        ("2024-08-15 07:30", "due-1", "p04"),
        ("2024-08-19 08:00", "due-0", "p04"),
    ]


def test_a_rung_that_was_told_is_not_told_again_after_a_new_calendar(opened: Open):
    commune = opened("2024-08-01")
    commune.assign("báo cáo", lead="p04", due="2024-08-19")
    commune.to("2024-08-08 09:00")  # due-7 is told; with the new calendar it would be on the 7th or, later, the 9th
    commune.publish_calendar(2024, "r2", supersedes="r1", off=("2024-08-16",))
    commune.to("2024-08-09 09:00")
    commune.publish_calendar(2024, "r3", supersedes="r2")
    commune.to("2024-08-19 09:00")
    assert [rule for _, rule, _ in commune.told("báo cáo")] == ["due-7", "due-3", "due-1", "due-0"]


# Stop, freeze, arm again


def test_a_pending_request_holds_up_the_leaders_not_the_clock(opened: Open):
    commune = opened("2024-06-03")
    commune.assign("báo cáo", lead="p04", due="2024-06-14")
    commune.to("2024-06-13 09:00")
    commune.do("p04", RequestExtension(task=commune.names["báo cáo"], proposed_due=due_on("2024-06-28"), reason="Chờ"))
    commune.to("2024-06-24 09:00")
    rules = {rule for _, rule, _ in commune.told("báo cáo")}
    assert {"overdue-1", "overdue-3"} <= rules
    assert rules.isdisjoint({"overdue-5", "overdue-7"})
    commune.do(VICE_CHAIR, RefuseExtension(task=commune.names["báo cáo"], reason="Không có lý do chính đáng"))
    commune.look()
    assert ("2024-06-24 09:00", "overdue-5", VICE_CHAIR) in commune.told("báo cáo")
    commune.to("2024-06-26 09:00")
    assert ("2024-06-25 07:30", "overdue-7", CHAIR) in commune.told("báo cáo")


def test_a_granted_extension_is_a_ladder_of_its_own(opened: Open):
    commune = opened("2024-06-03")
    commune.assign("báo cáo", lead="p04", due="2024-06-14")
    commune.to("2024-06-13 09:00")
    commune.do("p04", RequestExtension(task=commune.names["báo cáo"], proposed_due=due_on("2024-06-28"), reason="Chờ"))
    commune.to("2024-06-13 10:00")
    commune.do(VICE_CHAIR, GrantExtension(task=commune.names["báo cáo"], reason="Chờ văn bản của huyện"))
    commune.to("2024-06-28 09:00")
    told = [(at, rule) for at, rule, _ in commune.told("báo cáo")]
    assert told == [
        ("2024-06-05 07:30", "due-7"),
        ("2024-06-11 07:30", "due-3"),
        ("2024-06-13 07:30", "due-1"),
        ("2024-06-19 07:30", "due-7"),
        ("2024-06-25 07:30", "due-3"),
        ("2024-06-27 07:30", "due-1"),
        ("2024-06-28 08:00", "due-0"),
    ]


def test_a_report_stops_the_ladder_and_a_return_arms_it_again(opened: Open):
    commune = opened("2024-06-03")
    commune.assign("báo cáo", lead="p04", due="2024-06-14")
    commune.to("2024-06-12 09:00")
    commune.report("báo cáo", "p04")
    commune.to("2024-06-20 09:00")
    assert [rule for _, rule, _ in commune.told("báo cáo")] == ["due-7", "due-3"]
    returned = ReturnResult(
        task=commune.names["báo cáo"], reason="Thiếu phụ lục", quality_failure=False, due=due_on("2024-06-28")
    )
    commune.do(VICE_CHAIR, returned)
    commune.to("2024-07-01 09:00")
    assert [(at, rule) for at, rule, _ in commune.told("báo cáo")][2:] == [
        ("2024-06-25 07:30", "due-3"),
        ("2024-06-27 07:30", "due-1"),
        ("2024-06-28 08:00", "due-0"),
        ("2024-07-01 07:30", "overdue-1"),
        ("2024-07-01 07:30", "overdue-1"),
    ]


def test_escalation_goes_up_rung_by_rung(opened: Open):
    commune = opened("2024-06-03")
    commune.assign("báo cáo", lead="p04", due="2024-06-14")
    commune.assign("việc của Chủ tịch", lead="p06", due="2024-06-14")
    commune.to("2024-06-26 09:00")
    late = [entry for entry in commune.told("báo cáo") if entry[1].startswith("overdue")]
    assert late == [
        ("2024-06-17 07:30", "overdue-1", "p03"),
        ("2024-06-17 07:30", "overdue-1", "p04"),
        ("2024-06-19 07:30", "overdue-3", "p03"),
        ("2024-06-19 07:30", "overdue-3", "p04"),
        ("2024-06-21 07:30", "overdue-5", VICE_CHAIR),
        ("2024-06-25 07:30", "overdue-7", CHAIR),
    ]
    # Whom no vice-chair stands above: the Chairman knows after five days, and is not told the same again after seven.
    above = [entry[1:] for entry in commune.told("việc của Chủ tịch") if entry[2] == CHAIR]
    assert above == [("overdue-5", CHAIR)]
    escalated = [(e.data.from_level, e.data.to_level, e.data.overdue_working_days) for e in commune.events()
                 if e.type == "vn.cchc.reminder.escalated.v1" and e.data.task == commune.names["báo cáo"]]  # fmt: skip
    assert escalated == [("lead", "office", 1), ("office", "vice_chair", 5), ("vice_chair", "chair", 7)]


def test_who_is_away_is_stood_in_for(opened: Open):
    commune = opened("2024-06-24")
    commune.assign("báo cáo", lead="p04", due="2024-07-08")
    away = RecordAbsence(
        staff="p04",
        absence="nghi-1",
        kind="other",
        from_=date(2024, 7, 1),
        to=date(2024, 7, 5),
        substitute="p05",
    )
    commune.do(OFFICE, away)
    commune.to("2024-07-08 09:00")
    assert commune.told("báo cáo") == [
        ("2024-06-27 07:30", "due-7", "p04"),
        ("2024-07-03 07:30", "due-3", OFFICE),
        ("2024-07-03 07:30", "due-3", "p05"),
        ("2024-07-05 07:30", "due-1", OFFICE),
        ("2024-07-05 07:30", "due-1", "p05"),
        ("2024-07-08 08:00", "due-0", "p04"),
    ]


# The service away


def test_after_three_days_down_each_person_is_told_once_what_still_counts(opened: Open):
    commune = opened("2024-09-04")
    commune.assign("a", lead="p04", due="2024-09-18")  # due-1 and due-0 are missed
    commune.assign("b", lead="p04", due="2024-09-20")  # due-3 is missed
    commune.assign("c", lead="p04", due="2024-09-18")  # and reported meanwhile
    commune.to("2024-09-16 18:00")
    commune.down_to("2024-09-18 09:00")
    commune.report("c", "p04")
    commune.down_to("2024-09-19 09:30")
    commune.look()
    commune.to("2024-09-19 10:30")
    today = {name: [told for told in commune.told(name) if told[0] > "2024-09-17"] for name in "abc"}
    assert today["a"] == [("2024-09-19 09:30", "overdue-1", OFFICE), ("2024-09-19 09:30", "overdue-1", "p04")]
    assert today["b"] == [("2024-09-19 09:30", "due-1", "p04")]
    assert today["c"] == []
    assert commune.suppressed("a") == [("due-1", "p04", "superseded"), ("due-0", "p04", "superseded")]
    assert commune.suppressed("b") == [("due-3", "p04", "superseded")]
    assert ("due-0", "p04", "reported") in commune.suppressed("c")


# A whole year

LEADS = ("p04", "p05", "p06")
# What befalls a task, by its number: working days after its due date, and what is done then.
FATES: Sequence[Sequence[tuple[int, str]]] = (
    ((-1, "report"), (1, "accept")),
    ((2, "report"), (3, "accept")),
    ((9, "report"), (9, "accept")),
    ((-2, "ask"), (-1, "grant"), (8, "report"), (9, "accept")),
    ((-3, "report"), (1, "return"), (7, "report"), (8, "accept")),
    ((-1, "cancel"),),
    ((-1, "ask"), (6, "refuse"), (12, "report"), (12, "accept")),
    (),
)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommune]:
    """2024 from January to December: tasks every few days, done in time, late or never, and all that befalls them;
    in July the service is away for three days."""
    commune = SmallCommune(tmp_path_factory.mktemp("year") / "data", "2024-01-02", (2024, 2025))
    working = working_days(commune, 2024)
    planned: list[tuple[int, str, str, str]] = []  # on which working day, what, of which task, by whom led
    for number, day in enumerate(working[2:], 2):
        if number == 130:
            commune.down_to(f"{working[number + 3]} 09:00")
        commune.to(f"{day} 08:30")
        if number % 4 == 0 and number + 10 < len(working):
            name, lead = f"việc {number}", LEADS[number // 4 % len(LEADS)]
            collaborators = ["p05"] if lead == "p04" else []
            commune.assign(name, lead=lead, due=str(working[number + 10]), collaborators=collaborators)
            fate = FATES[number // 4 % len(FATES)]
            planned += [(number + 10 + after, what, name, lead) for after, what in fate]
        for on, what, name, lead in planned:
            if on == number:
                befall(commune, what, name, lead, later=str(working[min(number + 8, len(working) - 1)]))
    commune.to("2024-12-31 18:30")
    yield commune
    commune.installation.close()


def befall(commune: SmallCommune, what: str, name: str, lead: str, later: str) -> None:
    task, by = commune.names[name], CHAIR if lead == "p06" else VICE_CHAIR
    if what == "report":
        commune.report(name, lead)
    elif what == "accept":
        commune.accept(name, by)
    elif what == "ask":
        commune.do(lead, RequestExtension(task=task, proposed_due=due_on(later), reason="Chờ văn bản"))
    elif what == "grant":
        commune.do(by, GrantExtension(task=task, reason="Có lý do"))
    elif what == "refuse":
        commune.do(by, RefuseExtension(task=task, reason="Không có lý do"))
    elif what == "return":
        commune.do(by, ReturnResult(task=task, reason="Thiếu phụ lục", quality_failure=False, due=due_on(later)))
    else:
        commune.do(by, CancelTask(task=task, reason="Không còn cần"))


def calendars_of(commune: SmallCommune) -> Calendars:
    published = [decode(body).data for body in commune.tasks.log.read_all(COMMUNE)]
    return Calendars([calendar_of(each) for each in published if isinstance(each, CalendarPublished)])


def working_days(commune: SmallCommune, year: int) -> list[date]:
    calendars, first = calendars_of(commune), date(year, 1, 1)
    days = [date.fromordinal(first.toordinal() + count) for count in range(366)]
    return [day for day in days if calendars.is_working(day)]


def test_a_year_has_every_rung_and_escalates(year: SmallCommune):
    told = Counter(row.rule for row in year.occurrences(state="delivered"))
    assert set(told) == {rule.rule for rule in default_policy().rules} - {"check", "sheet", "appeal"}
    # Mondays, but for those off: then the day after; 12 months ended, and December is not over.
    assert {local(row.state_at)[11:] for row in year.occurrences(rule="weekly")} <= {"07:30", "09:00"}
    assert {row.about for row in year.occurrences(rule="monthly")} == {f"month/2024-{n:02}" for n in range(1, 12)}


def test_nothing_goes_out_in_quiet_hours(year: SmallCommune):
    calendars = calendars_of(year)
    for row in year.occurrences(state="delivered"):
        at = moment(local(row.state_at))
        assert calendars.is_working(at.date()), row
        assert "07:30" <= f"{at:%H:%M}" < "17:00" and not "11:30" <= f"{at:%H:%M}" < "13:00", row


def test_nothing_goes_out_about_what_is_not_open_any_more(year: SmallCommune):
    """As the tasks log itself says, without the records of the service."""
    lives: dict[str, list[tuple[str, bool]]] = {}  # task → from when it is (not) open
    for body in year.tasks.log.read_all(COMMUNE):
        event = decode(body)
        opens = isinstance(event.data, TaskAssigned | ResultReturned | TaskReopened)
        if opens or isinstance(event.data, ResultReported | TaskCompleted | TaskCancelled):
            lives.setdefault(event.data.task, []).append((event.time, opens))
    for row in year.occurrences(state="delivered"):
        kind, _, task = row.about.partition("/")
        if kind == "task":
            assert [opens for since, opens in lives[task] if since <= row.state_at][-1], row


def test_every_occurrence_is_queued_once_and_ends_once(year: SmallCommune):
    queued, ended = Counter[str](), Counter[str]()
    for event in year.events():
        data = event.data
        if isinstance(data, ReminderQueued):
            queued[data.reminder] += 1
        elif isinstance(data, ReminderDelivered | ReminderSent | ReminderSuppressed):
            ended[data.reminder] += 1
    assert queued and set(queued.values()) == {1}
    assert ended == queued
    assert not year.occurrences(state="queued")
    with reading(year.notifications.engine, COMMUNE) as connection:
        assert not list(connection.execute(select(tables.deliveries)))


def rows_of(commune: SmallCommune) -> dict[str, list[Any]]:
    with reading(commune.notifications.engine, COMMUNE) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in (tables.records, tables.occurrences, tables.policies, tables.preferences, tables.slips)
        }


def test_a_rebuild_gives_the_same_rows_and_tells_nobody(year: SmallCommune):
    before, log = rows_of(year), list(year.notifications.log.read_all(COMMUNE))
    engine = year.notifications.engine
    year.installation.folds("notifications").rebuild()
    with writing(engine, COMMUNE) as connection:
        views.rebuild(connection, COMMUNE, year.notifications.log)
        connection.execute(delete(tables.planned))  # what was planned is worked out anew
    assert rows_of(year) == before
    year.look()
    assert list(year.notifications.log.read_all(COMMUNE)) == log
    assert rows_of(year) == before


def test_a_year_lived_again_is_the_same_to_the_byte(opened: Open):
    first, second = opened("2024-06-03"), opened("2024-06-03")
    for commune in (first, second):
        commune.assign("báo cáo", lead="p04", due="2024-06-14")
        commune.to("2024-06-26 09:00")
    assert list(first.notifications.log.read_all(COMMUNE)) == list(second.notifications.log.read_all(COMMUNE))
