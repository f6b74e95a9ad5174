"""Working days, rolling, periods and deadlines over the published calendars of 2023 to 2026."""

import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import (
    CalendarMissing,
    Calendars,
    Period,
    calendar_of,
    occurrence_due,
    period_of,
    periods,
    published_from,
    resolve_due,
    rests_on,
    undecided,
)
from shared.events.values import Due, Recurrence
from shared.refusal import Refused

FILES = Path(__file__).parents[3] / "demo" / "data" / "lich-lam-viec"


def file_of(year):
    return json.loads((FILES / f"{year}.json").read_text(encoding="utf-8"))


def published(year, revision=1):
    file = file_of(year)
    decided = dict.fromkeys(undecided(file), True)
    return published_from(file, calendar=f"vn-{year}-r{revision}", by="p14", decided=decided)


CALENDARS = Calendars(calendar_of(published(year)) for year in (2023, 2024, 2025, 2026))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2024-02-07", True),
        ("2024-02-08", False),
        ("2024-02-14", False),
        ("2024-04-18", False),
        ("2024-04-29", False),  # swapped with Saturday 4 May
        ("2024-05-04", True),
        ("2024-05-05", False),
        ("2025-05-02", False),
        ("2025-04-26", True),
        ("2026-01-02", False),
        ("2026-01-10", True),
        ("2026-08-22", True),
        ("2026-08-31", False),
        ("2026-11-24", False),  # because a person decided so in `published`
    ],
)
def test_swapped_days_come_from_the_published_calendar(day, working):
    assert CALENDARS.is_working(date.fromisoformat(day)) is working


def test_a_proposed_day_off_is_never_published_without_a_decision():
    file = file_of(2026)
    culture_day = date(2026, 11, 24)
    assert undecided(file) == [culture_day]
    with pytest.raises(Refused) as refused:
        published_from(file, calendar="vn-2026-r1", by="p14", decided={})
    assert (refused.value.code, refused.value.params["days"]) == ("calendar-undecided", ["2026-11-24"])
    declined = calendar_of(published_from(file, calendar="vn-2026-r1", by="p14", decided={culture_day: False}))
    assert declined.is_working(culture_day)
    assert len(undecided(file_of(2023))) == 17


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2024-06-14", 5, "2024-06-21"),
        ("2024-06-15", 1, "2024-06-17"),
        ("2024-02-07", 1, "2024-02-15"),
        ("2024-04-26", 5, "2024-05-07"),  # 29/4-1/5 off, Saturday 4/5 worked
        ("2024-12-31", 1, "2025-01-02"),
        ("2024-06-17", -1, "2024-06-14"),
        ("2024-02-15", -1, "2024-02-07"),
        ("2025-01-02", -2, "2024-12-30"),
        ("2024-06-15", 0, "2024-06-15"),
    ],
)
def test_counting_starts_the_day_after(start, count, end):
    assert CALENDARS.add_working_days(date.fromisoformat(start), count) == date.fromisoformat(end)


@given(st.dates(date(2023, 8, 1), date(2026, 6, 1)), st.integers(-120, 120).filter(bool))
def test_counting_there_and_measuring_agree(start, count):
    end = CALENDARS.add_working_days(start, count)
    assert CALENDARS.is_working(end)
    assert CALENDARS.working_days_between(start, end) == count


@given(st.dates(date(2023, 2, 1), date(2026, 11, 30)))
def test_rolling_gives_the_nearest_working_day_on_its_side(day):
    forward, backward = CALENDARS.roll(day, "forward"), CALENDARS.roll(day, "backward")
    assert backward <= day <= forward
    assert CALENDARS.is_working(forward)
    assert CALENDARS.is_working(backward)
    between = [backward + timedelta(days=n) for n in range(1, (forward - backward).days)]
    assert not any(CALENDARS.is_working(other) for other in between)
    assert CALENDARS.roll(day, "none") == day


def test_a_year_without_calendar_is_an_error_not_a_guess():
    only_2024 = Calendars([calendar_of(published(2024))])
    for ask in (
        lambda: only_2024.is_working(date(2025, 1, 2)),
        lambda: only_2024.add_working_days(date(2024, 12, 31), 1),
        lambda: only_2024.roll(date(2027, 1, 2), "forward"),
        lambda: only_2024.working_days_between(date(2023, 12, 29), date(2024, 1, 2)),
    ):
        with pytest.raises(CalendarMissing):
            ask()
    with pytest.raises(CalendarMissing) as missing:
        only_2024.of(2031)
    assert missing.value.year == 2031


@pytest.mark.parametrize(
    ("due", "after", "day", "calendar"),
    [
        (Due(text="15/6/2024", date=date(2024, 6, 15)), None, "2024-06-17", "vn-2024-r1"),
        (Due(text="15/6/2024", date=date(2024, 6, 15), roll="backward"), None, "2024-06-14", "vn-2024-r1"),
        (Due(text="15/6/2024", date=date(2024, 6, 15), roll="none"), None, "2024-06-15", None),
        (Due(text="01/01/2025", date=date(2025, 1, 1), roll="backward"), None, "2024-12-31", "vn-2024-r1+vn-2025-r1"),
        (Due(text="05 ngày làm việc", working_days=5, after="QĐ"), date(2024, 6, 14), "2024-06-21", "vn-2024-r1"),
        (Due(text="05 ngày làm việc", working_days=5, after="QĐ"), None, None, None),
        (Due(text="Khi có văn bản cấp trên"), None, None, None),
    ],
)
def test_a_deadline_names_the_revision_it_was_computed_with(due, after, day, calendar):
    resolved = resolve_due(due, CALENDARS, after=after)
    assert resolved.date == (date.fromisoformat(day) if day else None)
    assert resolved.calendar == calendar
    assert resolved.text == due.text


def test_a_plain_date_with_roll_none_needs_no_calendar():
    assert resolve_due(Due(text="x", date=date(2031, 1, 1), roll="none"), Calendars()).date == date(2031, 1, 1)


def test_a_superseded_revision_is_found_in_a_deadline_over_two_years():
    due = Due(text="x", date=date(2025, 1, 2), calendar="vn-2024-r1+vn-2025-r1")
    assert rests_on(due, "vn-2025-r1")
    assert not rests_on(due, "vn-2025-r10")
    assert not rests_on(Due(text="x"), "vn-2025-r1")


@pytest.mark.parametrize(
    ("recurrence", "period", "day"),
    [
        (Recurrence(every="quarter", day=14), Period(2024, 3, "quarter"), "2024-09-14"),
        (Recurrence(every="month", day=4, month_offset=1), Period(2024, 12, "month"), "2025-01-04"),
        (Recurrence(every="month", day="last"), Period(2024, 2, "month"), "2024-02-29"),
        (Recurrence(every="month", day=31), Period(2024, 6, "month"), "2024-06-30"),
        (Recurrence(every="quarter", day=15, month_offset=1), Period(2024, 4, "quarter"), "2025-01-15"),
        (Recurrence(every="half", day=20), Period(2024, 1, "half"), "2024-06-20"),
        (Recurrence(every="year", day=31, month_offset=-11), Period(2024, 1, "year"), "2024-01-31"),
        (Recurrence(every="quarter", day="last", month_offset=-4), Period(2024, 1, "quarter"), "2023-11-30"),
    ],
)
def test_an_occurrence_is_due_on_its_day_of_the_moved_last_month(recurrence, period, day):
    assert occurrence_due(recurrence, period) == date.fromisoformat(day)


def test_periods_follow_one_another_without_gap():
    found = list(periods("quarter", date(2024, 5, 20), date(2025, 1, 1)))
    assert [period.key for period in found] == ["2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
    assert [period.key for period in periods("half", date(2024, 1, 1), date(2024, 7, 1))] == ["2024-H1", "2024-H2"]
    assert period_of("month", date(2024, 6, 14)).key == "2024-06"
    assert period_of("year", date(2024, 6, 14)).key == "2024"
    for before, behind in pairwise(found):
        assert before.end + timedelta(days=1) == behind.start
