"""Since when an event holds."""

from datetime import date
from typing import Any

import msgspec
import pytest

from shared.events import CATALOGUE, Due
from shared.events.since import OTHER_DAYS, SINCE, days_before, past_due
from tests.support.histories import absent, assigned, completed, confirmed, left, reported

RECORDED = date(2024, 7, 1)


def names_a_day(data: type) -> bool:
    return any("date" in str(field.type) for field in msgspec.structs.fields(data))


def test_every_day_of_an_event_says_since_when_it_holds_or_why_not() -> None:
    assert SINCE.keys() | OTHER_DAYS.keys() == {of.data for of in CATALOGUE if names_a_day(of.data)}
    assert not SINCE.keys() & OTHER_DAYS.keys() and all(OTHER_DAYS.values())
    deadlines = {of.data for of in CATALOGUE if any(field.type is Due for field in msgspec.structs.fields(of.data))}
    assert {type(assigned()), type(confirmed("t1", "1/6", 2))} <= deadlines


@pytest.mark.parametrize(
    ("event", "days"),
    [
        (absent("p07", "1/6"), 30),
        (absent("p07", "1/7"), 0),
        (absent("p07", "1/8"), 0),
        (left("p07", "30/6"), 0),  # the last day in post
        (left("p07", "29/6"), 1),
        (reported("t1", "28/6"), 3),
        (assigned(assigned_on="1/6"), 30),
        (assigned(), 0),
        (completed("t1", "1/6"), 0),  # the day of the report
    ],
)
def test_the_days_before_the_recording(event: Any, days: int) -> None:
    assert days_before(event, RECORDED) == days


@pytest.mark.parametrize(
    ("event", "day"),
    [
        (assigned(due="30/6"), date(2024, 6, 30)),
        (confirmed("t1", "30/6", 2), date(2024, 6, 30)),
        (assigned(due="1/7"), None),
        (assigned(due=None), None),
        (absent("p07", "1/6"), None),
    ],
)
def test_a_deadline_that_was_over(event: Any, day: date | None) -> None:
    assert past_due(event, RECORDED) == day
