"""The week for the leaders and the month for supervisors: what is counted where, who knows, what is named to whom."""

import io
import re
from datetime import date
from typing import Any

import openpyxl
import pytest

from services.notifications.channels.interface import Contact
from services.notifications.documents import reports as report
from services.notifications.domain import fold
from services.notifications.domain.records import Records
from services.notifications.domain.weekly import Month, ReachedRecipient, Week, WeekCounts, month, week
from services.notifications.queries import last_month
from shared.events import CalendarPublished, ProgressNoted, TaskAcknowledged, parse_time
from tests.support.histories import (
    COMMUNE,
    History,
    appointed,
    asked,
    assigned,
    cancelled,
    completed,
    day,
    handed_back,
    opened,
    reopened,
    reported,
    returned,
)

# Wednesday 20/11/2024, nine in the morning in Vietnam.
NOW = "2024-11-20T02:59:00.000Z"
CALENDAR = CalendarPublished(calendar="vn-2024-r1", year=2024, days_off=[], working_weekends=[], by="p14")
FORMULA = '=HYPERLINK("x")<b>&'


def history() -> History:
    return (
        History()
        .record("1/1", opened(), CALENDAR)
        .record(
            "1/1",
            appointed("p01", roles=["chair"]),
            appointed("p02", roles=["vice_chair"]),
            appointed("p14", roles=["office", "staff"]),
            appointed("p07"),
            appointed("p08", post="Công chức Tư pháp - Hộ tịch"),
        )
        .record(
            "1/10",
            assigned("rest", due="30/12"),
            assigned("sunday", due="24/11"),
            assigned("monday", due="25/11"),
            assigned("today", due="20/11"),
            assigned("late", due="15/11", field=2, title=FORMULA),
            assigned("undone", due="8/11", lead="p08", field=2),
            assigned("asked", due="18/11"),
            assigned("waiting", due="11/11", lead="p08"),
            assigned("in-time", due="18/11", lead="p08"),
            assigned("behind", due="14/11", lead="p08"),
            assigned("before", due="14/11"),
            assigned("again", due="1/11"),
            assigned("regular", due=None),
            assigned("dropped", due="1/11"),
            assigned("given-back", due="1/11"),
        )
        .record("4/10", TaskAcknowledged(task="undone", by="p08"), TaskAcknowledged(task="again", by="p07"))
        .record("5/11", ProgressNoted(task="late", by="p07", note="Đang tổng hợp"))
        .record("6/11", cancelled("dropped"), reported("again", on="6/11"), returned("again", due="14/11", version=2))
        .record("15/11", reported("before", on="14/11"), completed("before", on="14/11"))
        .record("18/11", reported("in-time", on="18/11"), reported("behind", on="18/11"), asked("asked", due="30/11"))
        .record("19/11", reported("waiting", on="19/11"), completed("in-time", on="18/11"))
        .record("20/11", completed("behind", on="18/11"), handed_back("given-back"))
    )


def records(of: History | None = None) -> Records:
    found = fold.empty(COMMUNE)
    for envelope in (of or history()).envelopes():
        fold.evolve(found, envelope)
    return found


def told(task: str, recipient: str, on: str, version: int = 1) -> ReachedRecipient:
    return ReachedRecipient(task, version, day(on), recipient)


def counts(**some: int) -> WeekCounts:
    return WeekCounts(**dict.fromkeys(WeekCounts.__struct_fields__, 0) | some)


def now(*reminders: ReachedRecipient) -> Week:
    return week(records(), NOW, reminders)


# The week


def test_a_week_counts_each_running_task_once_and_what_ended_in_it():
    found = now()
    assert (found.week, found.monday, found.sunday, found.on) == (
        "2024-W47",
        day("18/11"),
        day("24/11"),
        day("20/11"),
    )
    expected = counts(open=9, due=2, in_time=1, behind=1, late=3, undone=1, waiting=1, requests=1)
    # late: "late" (progress), "asked" (asked after its deadline was set), and "undone" (acknowledged since)
    assert found.total == expected


def test_undone_has_no_sign_since_its_deadline_was_set():
    kinds = {late.task: late.kind for late in now().late}
    # "again" was acknowledged and reported before it was returned with a new deadline.
    assert kinds == {"undone": "late", "again": "undone", "late": "late", "asked": "late"}


def test_people_and_fields_add_up_to_the_total():
    found = now()
    for parts in (found.people, found.fields):
        for name in WeekCounts.__struct_fields__:
            assert sum(getattr(part.tasks, name) for part in parts) == getattr(found.total, name), name
    assert [person.staff for person in found.people] == ["p07", "p08"]
    assert found.people[1].tasks == counts(open=1, in_time=1, behind=1, late=1, waiting=1)
    assert found.people[1].post == "Công chức Tư pháp - Hộ tịch"
    assert [field.field for field in found.fields] == list(range(8))
    assert found.fields[2].tasks == counts(open=2, late=2)


def test_the_longest_overdue_comes_first_with_working_days_over():
    assert [(late.task, late.due, late.days_over) for late in now().late] == [
        ("undone", day("8/11"), 8),
        ("again", day("14/11"), 4),
        ("late", day("15/11"), 3),
        ("asked", day("18/11"), 2),
    ]
    assert {late.task: late.requested_on for late in now().late}["asked"] == day("18/11")


def test_who_knows_is_the_highest_who_was_told_since_the_deadline_passed():
    found = now(
        told("late", "p07", "18/11"),
        told("undone", "p08", "11/11"),
        told("undone", "p14", "11/11"),
        told("undone", "p02", "15/11"),
        told("asked", "p07", "13/11"),  # before the deadline
        told("again", "p14", "4/11", version=1),  # of the deadline before
    )
    assert {late.task: late.told for late in found.late} == {
        "undone": "vice_chair",
        "late": "lead",
        "asked": None,
        "again": None,
    }
    assert {late.task: late.told for late in now(told("undone", "p01", "18/11")).late}["undone"] == "chair"


def test_a_leader_who_leads_a_task_knows_of_it_as_its_lead():
    of = History().record("1/1", opened(), CALENDAR, appointed("p01", roles=["chair"]))
    of.record("1/10", assigned("t1", lead="p01", due="15/11"))
    assert week(records(of), NOW, [told("t1", "p01", "18/11")]).late[0].told == "lead"


def test_a_past_moment_is_as_it_stood_then():
    found = week(records(), "2024-11-15T16:59:59.999Z", [])
    assert (found.week, found.total.in_time) == ("2024-W46", 1)  # "before", completed on the 15th
    assert "asked" not in {late.task for late in found.late}
    assert week(records(), "2023-12-31T00:00:00.000Z", []).total == counts()


def test_a_task_completed_and_opened_again_in_the_week_runs():
    of = history().record("20/11", reopened("in-time", due="29/11", version=2))
    found = week(records(of), "2024-11-20T03:59:00.000Z", [])
    assert (found.total.in_time, found.total.open) == (0, 10)


def test_a_year_without_a_calendar_has_no_days_over_and_says_so():
    found = week(records(), "2025-01-06T02:00:00.000Z", [])
    assert found.missing == [2025]
    assert {late.days_over for late in found.late} == {None}


# The month


def test_a_month_counts_what_was_given_done_and_left_over():
    found = month(records(), day("1/11"), NOW)
    assert not found.complete and found.on == day("20/11")
    total = {name: getattr(found.total, name) for name in found.total.__struct_fields__}
    assert total == {
        "assigned": 0,
        "in_time": 2,
        "behind": 1,
        "dropped": 2,
        "requests": 1,
        "open": 9,
        "overdue": 4,
        "waiting": 1,
    }
    october = month(records(), day("1/10"), NOW)
    assert october.complete and october.on == day("31/10")
    assert (october.total.assigned, october.total.open, october.total.overdue) == (15, 15, 0)


def test_a_month_names_nobody_and_nothing():
    found = month(records(), day("1/11"), NOW)
    printed = report.month_page(found) + str(found)
    assert not re.search(r"\bp\d\d\b|Nhiệm vụ|Công chức|HYPERLINK", printed)


# On paper and as a workbook

NAMES = {"p07": Contact("p07", "Nguyễn Thị <Hường>"), "p08": Contact("p08")}


def book(of: Week | Month) -> Any:
    return openpyxl.load_workbook(io.BytesIO(report.document(of, NAMES)))


def test_the_workbook_holds_numbers_dates_and_no_formula():
    found = book(now())
    assert found.sheetnames == ["Quá hạn", "Theo người", "Theo lĩnh vực"]
    lines = list(found["Quá hạn"].iter_rows(min_row=6, values_only=True))
    by_title = {line[0]: line for line in lines}
    late = by_title[FORMULA]
    assert late[5].date() == day("15/11") and late[6] == 3
    assert (late[4], late[7], late[9]) == ("Nguyễn Thị <Hường>", "Trễ hạn, đang làm", "Chưa báo")
    cells = [cell for sheet in found for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    people = list(found["Theo người"].iter_rows(min_row=6, values_only=True))
    assert people[-1][0] == "Cộng" and people[-1][3] == now().total.open
    assert report.document(now(), NAMES) == report.document(now(), NAMES)


def test_the_workbook_of_a_month_is_by_field_only():
    found = book(month(records(), day("1/11"), NOW))
    assert found.sheetnames == ["Theo lĩnh vực"]
    assert "Không nêu" in str(list(found["Theo lĩnh vực"].iter_rows(values_only=True))[-1])


def test_the_page_escapes_titles_and_names_and_needs_no_other_file():
    page = report.week_page(now(), NAMES)
    assert "=HYPERLINK(&#34;x&#34;)&lt;b&gt;&amp;" in page and "Nguyễn Thị &lt;Hường&gt; (p07)" in page
    assert "XÃ TIÊN CẢNH" in page and "số liệu đến ngày 20/11/2024" in page
    assert not re.search(r"<script|<link|src=|href=|style=", page)
    assert "@page { size: A4" in page


def test_people_stand_in_the_order_of_their_names_and_the_nameless_last():
    def codes(*named: str) -> list[str]:
        contacts = {staff: Contact(staff, f"Tên {staff}") for staff in named}
        on_page = re.findall(r"<tr><td>(?:Tên p\d\d)? \((p\d\d)\)", report.week_page(now(), contacts))
        [table] = [table for table in report.tables_of(now(), contacts) if table.name == "Theo người"]
        assert [row.staff for row in table.rows] == [*on_page, "Cộng"]
        return on_page

    assert codes("p08", "p14", "p07")[:2] == ["p08", "p07"]
    assert codes("p08")[0] == "p08"
    assert codes() == sorted(codes())


def test_the_page_says_which_calendar_is_missing():
    page = report.week_page(week(records(), "2025-01-06T02:00:00.000Z", []), NAMES)
    assert "Năm 2025 chưa công bố lịch làm việc" in page


def test_nothing_late_is_said_too():
    empty = week(records(History().record("1/1", opened(), CALENDAR)), NOW, [])
    assert "<p>Không có.</p>" in report.week_page(empty, {})


@pytest.mark.parametrize(("today", "first"), [("2024-03-01", "2024-02-01"), ("2025-01-31", "2024-12-01")])
def test_the_month_that_ended_last(today: str, first: str):
    assert last_month(parse_time(f"{today}T02:00:00.000Z")) == date.fromisoformat(first)
