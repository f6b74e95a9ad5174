"""Deadlines: confirmed, extended, refused, moved by a new calendar."""

from typing import Any

import pytest
from msgspec import structs

from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.publishing import PublishCalendar
from shared.events import (
    CalendarPublished,
    DayOff,
    Due,
    DueConfirmed,
    DueRecomputed,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    TaskAssigned,
    TaskCancelled,
    WorkingWeekend,
)
from tests.unit.tasks.spec import CALENDAR, LAW, TODAY, asked, assigned, completed, day, due, fields, given, reported

PINNED = "vn-2024-r1"
OVERDUE = assigned(due="6-15")


def pinned(text: str) -> Due:
    return Due(text=text, date=day(text), calendar=PINNED)


def ask(until: str = "7-15", **more: Any) -> RequestExtension:
    return RequestExtension(**fields({"task": "t1", "reason": "Chờ số liệu", "proposed_due": due(until)}, more))


def grant(**more: Any) -> GrantExtension:
    return GrantExtension(**fields({"task": "t1", "reason": "Đồng ý"}, more))


def confirm(**more: Any) -> ConfirmDue:
    return ConfirmDue(**fields({"task": "t1", "due": due("6-10"), "reason": "Theo văn bản"}, more))


def test_free_text_gets_its_structure_and_the_date_may_be_past() -> None:
    given(assigned(due=None)).when(confirm()).then(
        DueConfirmed(task="t1", due=pinned("6-10"), due_version=2, by="p14", reason="Theo văn bản")
    )


def test_working_days_after_an_event_count_once_its_day_is_known() -> None:
    waiting = Due(text="05 ngày sau khi có QĐ", working_days=5, after="có quyết định")
    known = Due(text=waiting.text, working_days=5, after="2024-06-20")
    given(assigned(due=None), DueConfirmed(task="t1", due=waiting, due_version=2, by="p01", reason="x")).when(
        confirm(due=known)
    ).then_event(due=Due(text=waiting.text, date=day("6-27"), working_days=5, after="2024-06-20", calendar=PINNED))


def test_a_date_in_force_is_corrected_by_the_competent_person_only() -> None:
    given(assigned()).when(confirm()).then_refused("not-the-competent-authority")
    given(assigned()).by("p02").when(confirm()).then_event(due=pinned("6-10"), due_version=2)


def test_nobody_dates_their_own_task() -> None:
    given(assigned(lead="p14", due=None)).when(confirm()).then_refused("own-task")


def test_the_same_deadline_and_no_reason_are_refused() -> None:
    confirmed = DueConfirmed(task="t1", due=pinned("6-10"), due_version=2, by="p02", reason="x")
    given(assigned(), confirmed).by("p02").when(confirm()).then_refused("nothing-changes")
    given(assigned(due=None)).when(confirm(reason="")).then_refused("reason-required")


def test_the_lead_asks_for_a_later_date() -> None:
    given(assigned()).by("p15").when(ask()).then(
        ExtensionRequested(task="t1", by="p15", reason="Chờ số liệu", proposed_due=pinned("7-15"))
    )


@pytest.mark.parametrize(
    ("facts", "actor", "command", "code"),
    [
        ((assigned(),), "p16", ask(), "not-the-lead"),
        ((assigned(),), "p15", ask("6-28"), "extension-not-later"),
        ((assigned(due="6-10"),), "p15", ask("6-14"), "due-date-past"),
        ((assigned(),), "p15", ask(proposed_due=Due(text="khi nào xong")), "due-date-required"),
        ((assigned(),), "p15", ask(reason=""), "reason-required"),
        ((assigned(due=None),), "p15", ask(), "no-date-to-extend"),
        ((assigned(), reported()), "p15", ask(), "result-pending"),
        ((assigned(), reported(), completed()), "p15", ask(), "task-completed"),
        ((assigned(),), "p02", grant(), "due-date-required"),
        ((assigned(), asked()), "p14", grant(), "not-the-competent-authority"),
        ((assigned(), asked()), "p15", grant(), "own-task"),
        ((assigned(), asked()), "p02", grant(due=due("6-20")), "extension-not-later"),
        ((assigned(due=None),), "p02", grant(due=due("6-20")), "no-date-to-extend"),
        ((assigned(), TaskCancelled(task="t1", by="p01", reason="x")), "p02", grant(due=due("7-20")), "task-cancelled"),
        ((assigned(),), "p02", RefuseExtension(task="t1", reason="Không"), "no-extension-requested"),
        ((assigned(), asked()), "p03", RefuseExtension(task="t1", reason="Không"), "not-the-competent-authority"),
        ((assigned(), asked()), "p02", RefuseExtension(task="t1", reason=""), "reason-required"),
    ],
)
def test_an_extension_is_refused(facts: Any, actor: str, command: Any, code: str) -> None:
    given(*facts).by(actor).when(command).then_refused(code)


def test_what_was_asked_in_time_is_granted_in_time_however_late_the_grant() -> None:
    given(assigned(), (day("6-28"), asked())).at("7-3").by("p02").when(grant()).then(
        ExtensionGranted(task="t1", by="p02", late=False, reason="Đồng ý", due=pinned("7-15"), due_version=2)
    )


def test_what_was_asked_or_granted_after_the_date_is_late() -> None:
    given(OVERDUE, (TODAY, asked())).by("p02").when(grant()).then_event(late=True)
    given(OVERDUE).by("p02").when(grant(due=due("6-20"))).then_event(late=True, due=pinned("6-20"))
    given(assigned()).by("p02").when(grant(due=due("7-20"))).then_event(late=False)


def test_the_first_request_since_the_last_answer_decides() -> None:
    first, second = (day("6-14"), asked("7-1")), (day("7-1"), asked("7-15"))
    given(assigned(), first, second).at("7-2").by("p02").when(grant()).then_event(late=False, due=pinned("7-15"))
    refused = (day("6-15"), ExtensionRefused(task="t1", by="p02", late=False, reason="Không"))
    given(assigned(), first, refused, second).at("7-2").by("p02").when(grant()).then_event(late=True)


def test_a_request_is_refused_with_a_reason() -> None:
    given(assigned(), asked()).by("p02").when(RefuseExtension(task="t1", reason="Việc gấp")).then(
        ExtensionRefused(task="t1", by="p02", late=False, reason="Việc gấp")
    )
    given(assigned(), asked()).by("p02").when(RefuseExtension(task="t1", reason="Việc gấp")).then_state(
        request=None, due_version=1
    )


# Calendars


def publish(**more: Any) -> PublishCalendar:
    said: dict[str, Any] = {
        "calendar": "vn-2024-r2",
        "year": 2024,
        "days_off": [*CALENDAR.days_off, DayOff(date=day("6-20"), name="Nghỉ bù", legal_basis=LAW)],
        "working_weekends": CALENDAR.working_weekends,
    }
    return PublishCalendar(**(said | more))


WORKING = Due(text="5 ngày làm việc", date=day("6-24"), working_days=5, calendar=PINNED)


def counted(task: str) -> TaskAssigned:
    return structs.replace(assigned(task=task, assigned_on=TODAY), due=WORKING)


def test_the_first_calendar_of_a_year_supersedes_nothing() -> None:
    weekend = WorkingWeekend(date=day("1-4").replace(year=2025), legal_basis=LAW)
    given().when(publish(calendar="vn-2025-r1", year=2025, days_off=[], working_weekends=[weekend])).then(
        CalendarPublished(calendar="vn-2025-r1", year=2025, days_off=[], working_weekends=[weekend], by="p14")
    )


def test_a_new_revision_moves_open_deadlines_counted_in_working_days_and_no_others() -> None:
    done = (counted("t3"), TaskCancelled(task="t3", by="p01", reason="x"))
    events = given(counted("t1"), assigned(task="t2", due="6-24"), *done).when(publish()).decided()
    published, moved = events
    assert isinstance(published, CalendarPublished)
    assert published.supersedes == PINNED
    assert moved == DueRecomputed(
        task="t1",
        due=Due(text=WORKING.text, date=day("6-25"), working_days=5, calendar="vn-2024-r2"),
        due_version=2,
        by="p14",
        reason="Áp dụng lịch làm việc vn-2024-r2 thay vn-2024-r1",
    )


def test_a_deadline_that_does_not_move_gets_no_new_version() -> None:
    elsewhere = [*CALENDAR.days_off, DayOff(date=day("10-10"), name="Nghỉ", legal_basis=LAW)]
    assert len(given(counted("t1")).when(publish(days_off=elsewhere)).decided()) == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"calendar": PINNED}, "calendar-exists"),
        ({"calendar": " "}, "code-required"),
        ({"supersedes": "vn-2024-r0"}, "calendar-not-in-force"),
        ({"year": 10**40, "days_off": [], "working_weekends": []}, "calendar-year"),
        ({"days_off": [DayOff(date=day("9-2").replace(year=2025), name="x", legal_basis=LAW)]}, "calendar-other-year"),
        ({"days_off": CALENDAR.days_off * 2}, "calendar-day-twice"),
        ({"working_weekends": [WorkingWeekend(date=day("6-19"), legal_basis=LAW)]}, "calendar-not-a-weekend"),
    ],
)
def test_a_calendar_is_refused(more: dict[str, Any], code: str) -> None:
    given().when(publish(**more)).then_refused(code)


def test_a_calendar_is_published_by_an_operator_before_anybody_is_in_post() -> None:
    given().by("operator/cli", "admin").when(publish()).then_event(by="operator/cli")
