"""Facts per task under nd90: rating.md, "Dates" and "Facts per task", branch by branch."""

from typing import Any

import pytest

from services.scoring.domain.rules.interface import TaskFacts
from services.scoring.domain.sheet import Sheet, can_be_proposed, sheet
from tests.support.histories import (
    History,
    absent,
    appointed,
    asked,
    assigned,
    cancelled,
    cause,
    completed,
    confirmed,
    day,
    granted,
    handed_back,
    recomputed,
    refused,
    reopened,
    reported,
    returned,
    settings,
)

Days = list[tuple[Any, ...]]


def sheet_on(on: str, days: Days, year: int = 2024) -> Sheet:
    """The sheet of p07 as of a day, knowing what was recorded by then."""
    history = History().record("1/1", appointed("p07"), appointed("p08"))
    for when, *events in days:
        history.record(when, *events)
    return sheet(history.records(on), year, "p07", on=day(on))


def task_of(found: Sheet, task: str = "t1") -> TaskFacts | None:
    return next((facts for facts in found.tasks if facts.task == task), None)


def task_on(on: str, days: Days, year: int = 2024) -> TaskFacts:
    facts = task_of(sheet_on(on, days, year))
    assert facts is not None
    return facts


EXTENDED_IN_TIME: Days = [("14/6", assigned()), ("28/6", asked("t1", "15/7")), ("3/7", granted("t1", "15/7", 2))]
EXTENDED_LATE: Days = [("14/6", assigned()), ("1/7", asked("t1", "15/7")), ("2/7", granted("t1", "15/7", 2))]
DONE = (reported("t1", "20/6"), completed("t1", "20/6"))

# name, days, evaluated on, expected fields of the task's facts
CASES: list[tuple[str, Days, str, dict[str, Any]]] = [
    ("not yet due on its due day", [("14/6", assigned())], "30/6", {"state": "not_yet_due"}),
    ("undone the day after", [("14/6", assigned())], "1/7", {"state": "undone", "late_times": 1, "late": False}),
    ("due on the cut-off, asked on it", [("14/6", assigned(due="10/12"))], "10/12", {"state": "not_yet_due"}),
    ("due on the cut-off, asked after", [("14/6", assigned(due="10/12"))], "11/12", {"state": "undone"}),
    ("without a date it is regular", [("14/6", assigned(due=None))], "31/12", {"state": "regular", "due": None}),
    (
        "regular and accepted counts",
        [("14/6", assigned(due=None)), ("20/6", *DONE)],
        "31/12",
        {"state": "completed", "late": False},
    ),
    ("done in time", [("14/6", assigned()), ("20/6", *DONE)], "31/12", {"state": "completed", "late_times": 0}),
    (
        "done on the due day, verified much later",
        [("14/6", assigned()), ("30/6", reported("t1", "30/6")), ("9/9", completed("t1", "30/6"))],
        "31/12",
        {"state": "completed", "late": False, "on": day("30/6")},
    ),
    (
        "done a day late",
        [("14/6", assigned()), ("1/7", reported("t1", "1/7"), completed("t1", "1/7"))],
        "31/12",
        {"state": "completed", "late": True, "late_times": 1, "missed": [day("30/6")]},
    ),
    ("pending", [("14/6", assigned()), ("20/6", reported("t1", "20/6"))], "31/12", {"state": "pending"}),
    (
        "pending though late, the miss is there",
        [("14/6", assigned()), ("5/7", reported("t1", "5/7"))],
        "31/12",
        {"state": "pending", "late_times": 1, "late": False},
    ),
    # (1) the next version took effect in time
    ("asked in time", EXTENDED_IN_TIME, "31/12", {"state": "undone", "due": day("15/7"), "missed": [day("15/7")]}),
    (
        "asked in time, done in the new time",
        [*EXTENDED_IN_TIME, ("12/7", reported("t1", "12/7"), completed("t1", "12/7"))],
        "31/12",
        {"late": False, "late_times": 0},
    ),
    (
        "asked on the due day itself",
        [("14/6", assigned()), ("30/6", asked("t1", "15/7")), ("2/7", granted("t1", "15/7", 2)), ("12/7", *DONE)],
        "31/12",
        {"late_times": 0},
    ),
    (
        "asked after the due day",
        [*EXTENDED_LATE, ("12/7", reported("t1", "12/7"), completed("t1", "12/7"))],
        "31/12",
        {"late": True, "missed": [day("30/6")]},
    ),
    (
        "granted unasked in time",
        [("14/6", assigned()), ("30/6", granted("t1", "15/7", 2)), ("12/7", reported("t1", "12/7"))],
        "31/12",
        {"state": "pending", "late_times": 0},
    ),
    (
        "granted unasked too late",
        [("14/6", assigned()), ("1/7", granted("t1", "15/7", 2)), ("12/7", reported("t1", "12/7"))],
        "31/12",
        {"state": "pending", "late_times": 1},
    ),
    (
        "the first request since the last answer counts, not one that was refused",
        [
            ("14/6", assigned()),
            ("20/6", asked("t1", "15/7")),
            ("21/6", refused("t1")),
            ("1/7", asked("t1", "15/7"), asked("t1", "16/7")),
            ("2/7", granted("t1", "15/7", 2)),
            ("12/7", reported("t1", "12/7"), completed("t1", "12/7")),
        ],
        "31/12",
        {"late": True, "missed": [day("30/6")]},
    ),
    (
        "of two open requests the first counts",
        [
            ("14/6", assigned()),
            ("29/6", asked("t1", "10/7")),
            ("3/7", asked("t1", "15/7")),
            ("4/7", granted("t1", "15/7", 2)),
            ("12/7", reported("t1", "12/7"), completed("t1", "12/7")),
        ],
        "31/12",
        {"late": False},
    ),
    (
        "both dates missed: two times late",
        [*EXTENDED_LATE, ("20/7", reported("t1", "20/7"), completed("t1", "20/7"))],
        "31/12",
        {"late": True, "late_times": 2},
    ),
    # a return takes effect on the day of the report it answers
    (
        "returned after the due day, reported in time",
        [
            ("14/6", assigned()),
            ("30/6", reported("t1", "30/6")),
            ("5/7", returned("t1", "20/7", 2)),
            ("18/7", reported("t1", "18/7"), completed("t1", "18/7")),
        ],
        "31/12",
        {"late": False, "due": day("20/7")},
    ),
    (
        "returned, reported too late",
        [
            ("14/6", assigned()),
            ("2/7", reported("t1", "2/7")),
            ("5/7", returned("t1", "20/7", 2)),
            ("18/7", reported("t1", "18/7"), completed("t1", "18/7")),
        ],
        "31/12",
        {"late": True, "late_times": 1},
    ),
    (
        "the first of several reports is the one answered",
        [
            ("14/6", assigned()),
            ("29/6", reported("t1", "29/6")),
            ("2/7", reported("t1", "2/7")),
            ("5/7", returned("t1", "20/7", 2)),
            ("18/7", reported("t1", "18/7"), completed("t1", "18/7")),
        ],
        "31/12",
        {"late": False},
    ),
    (
        "returned without a report: the day of recording",
        [("14/6", assigned()), ("2/7", returned("t1", "20/7", 2)), ("18/7", reported("t1", "18/7"))],
        "31/12",
        {"state": "pending", "missed": [day("30/6")]},
    ),
    (
        "a major content error is counted",
        [
            ("14/6", assigned()),
            ("20/6", reported("t1", "20/6")),
            ("21/6", returned("t1", "30/6", 2, failure=True)),
            ("25/6", reported("t1", "25/6"), completed("t1", "25/6", exceeded=True)),
        ],
        "31/12",
        {"quality_failures": 1, "exceeded": True, "poor": False},
    ),
    # due_confirmed and due_recomputed
    (
        "confirmed to a later date: in the place of the first",
        [("14/6", assigned()), ("5/7", confirmed("t1", "15/7", 2)), ("10/7", reported("t1", "10/7"))],
        "31/12",
        {"state": "pending", "late_times": 0, "due": day("15/7")},
    ),
    (
        "confirmed to the same date after it: missed all the same",
        [("14/6", assigned()), ("5/7", confirmed("t1", "30/6", 2)), ("10/7", reported("t1", "10/7"))],
        "31/12",
        {"late_times": 1},
    ),
    (
        "confirmed to an earlier date: from the day of recording",
        [("14/6", assigned()), ("20/6", confirmed("t1", "25/6", 2)), ("27/6", reported("t1", "27/6"))],
        "31/12",
        {"missed": [day("25/6")], "due": day("25/6")},
    ),
    (
        "confirmed to a date already past: not missed, but undone",
        [("14/6", assigned()), ("20/6", confirmed("t1", "17/6", 2))],
        "31/12",
        {"state": "undone", "late_times": 0, "due": day("17/6")},
    ),
    (
        "the first date of a regular task, already past",
        [("14/6", assigned(due=None)), ("20/7", confirmed("t1", "15/7", 2))],
        "31/12",
        {"state": "undone", "late_times": 0},
    ),
    (
        "confirmed to have no date: regular from the day of recording",
        [("14/6", assigned()), ("20/6", confirmed("t1", None, 2))],
        "31/12",
        {"state": "regular", "late_times": 0},
    ),
    (
        "its date taken away after it passed: the miss stays",
        [("14/6", assigned()), ("5/7", confirmed("t1", None, 2)), ("6/7", reported("t1", "6/7"))],
        "31/12",
        {"state": "pending", "late_times": 1},
    ),
    (
        "a recomputed extension keeps the extension's beginning",
        [*EXTENDED_IN_TIME, ("5/7", recomputed("t1", "16/7", 3)), ("16/7", reported("t1", "16/7"))],
        "31/12",
        {"late_times": 0, "due": day("16/7")},
    ),
    (
        "a recorded assignment was given earlier",
        [("5/7", assigned(assigned_on="14/6")), ("6/7", reported("t1", "6/7"), completed("t1", "6/7"))],
        "31/12",
        {"late": True, "assigned_on": day("14/6")},
    ),
    (
        "(3) assigned when its date was past",
        [("5/7", assigned()), ("6/7", reported("t1", "6/7"), completed("t1", "6/7"))],
        "31/12",
        {"late": False, "late_times": 0},
    ),
    (
        "given on its due day, done the day after",
        [("30/6", assigned()), ("1/7", reported("t1", "1/7"), completed("t1", "1/7"))],
        "31/12",
        {"late": True},
    ),
    (
        "granted again unasked: the answered request does not reach further",
        [
            ("14/6", assigned()),
            ("20/6", asked("t1", "5/7")),
            ("1/7", granted("t1", "5/7", 2)),
            ("10/7", granted("t1", "20/7", 3)),
            ("12/7", reported("t1", "12/7"), completed("t1", "12/7")),
        ],
        "31/12",
        {"late": True, "missed": [day("5/7")]},
    ),
    # objective causes
    (
        "cause for a version confirmed to the same date",
        [("14/6", assigned()), ("20/6", confirmed("t1", "30/6", 2)), ("3/7", cause("t1", 1))],
        "31/12",
        {"state": "excused"},
    ),
    (
        "cause for the version in force leaves it out",
        [("14/6", assigned()), ("1/8", cause("t1", 1))],
        "31/12",
        {"state": "excused", "late_times": 0},
    ),
    (
        "cause for an earlier version does not",
        [*EXTENDED_LATE, ("1/8", cause("t1", 1))],
        "31/12",
        {"state": "undone", "missed": [day("15/7")]},
    ),
    (
        "cause for all versions set until then",
        [*EXTENDED_LATE, ("1/8", cause("t1"))],
        "31/12",
        {"state": "excused", "late_times": 0},
    ),
    (
        "cause for all does not reach a version set later",
        [("14/6", assigned()), ("1/7", cause("t1")), ("2/7", granted("t1", "15/7", 2))],
        "31/12",
        {"state": "undone", "missed": [day("15/7")]},
    ),
    (
        "cause for a version that a correction took the place of",
        [("14/6", assigned()), ("20/6", recomputed("t1", "1/7", 2)), ("3/7", cause("t1", 1))],
        "31/12",
        {"state": "excused"},
    ),
    (
        "cause for lateness removes one time of two",
        [*EXTENDED_LATE, ("20/7", reported("t1", "20/7"), completed("t1", "20/7"), cause("t1", 1))],
        "31/12",
        {"late": True, "missed": [day("15/7")]},
    ),
    (
        "cause confirmed after the cut-off counts",
        [("14/6", assigned()), ("20/12", cause("t1"))],
        "31/12",
        {"state": "excused"},
    ),
    (
        "quality not met",
        [("14/6", assigned()), ("20/6", reported("t1", "20/6"), completed("t1", "20/6", met=False, exceeded=True))],
        "31/12",
        {"poor": True, "exceeded": False},
    ),
    (
        "quality cause removes a not-met until then",
        [
            ("14/6", assigned()),
            ("20/6", reported("t1", "20/6"), completed("t1", "20/6", met=False)),
            ("1/7", cause("t1", of="quality")),
        ],
        "31/12",
        {"poor": False},
    ),
    (
        "quality cause confirmed before does not",
        [
            ("14/6", assigned()),
            ("15/6", cause("t1", of="quality")),
            ("20/6", reported("t1", "20/6"), completed("t1", "20/6", met=False)),
        ],
        "31/12",
        {"poor": True},
    ),
    (
        "quality cause says nothing of lateness",
        [("14/6", assigned()), ("1/8", cause("t1", of="quality"))],
        "31/12",
        {"state": "undone", "late_times": 1},
    ),
    (
        "late forbids exceeded",
        [("14/6", assigned()), ("1/7", reported("t1", "1/7"), completed("t1", "1/7", exceeded=True))],
        "31/12",
        {"late": True, "exceeded": False},
    ),
    # reopening
    (
        "reopened and done again in time",
        [
            ("14/6", assigned()),
            ("29/6", reported("t1", "29/6"), completed("t1", "29/6")),
            ("10/9", reopened("t1", "30/9", 2)),
            ("25/9", reported("t1", "25/9"), completed("t1", "25/9")),
        ],
        "31/12",
        {"state": "completed", "late": False, "on": day("25/9")},
    ),
    (
        "reopened and done too late: only the new date is missed",
        [
            ("14/6", assigned()),
            ("29/6", reported("t1", "29/6"), completed("t1", "29/6")),
            ("10/9", reopened("t1", "30/9", 2)),
            ("5/10", reported("t1", "5/10"), completed("t1", "5/10")),
        ],
        "31/12",
        {"late": True, "missed": [day("30/9")]},
    ),
    (
        "reopened after a late result: the old miss stays",
        [
            ("14/6", assigned()),
            ("5/7", reported("t1", "5/7"), completed("t1", "5/7")),
            ("10/9", reopened("t1", "30/9", 2, failure=True)),
            ("25/9", reported("t1", "25/9"), completed("t1", "25/9")),
        ],
        "31/12",
        {"late": True, "missed": [day("30/6")], "quality_failures": 1},
    ),
    (
        "withdrawn from the day of reopening on",
        [
            ("14/6", assigned()),
            ("29/6", reported("t1", "29/6"), completed("t1", "29/6")),
            ("10/9", reopened("t1", "30/9", 2)),
        ],
        "10/9",
        {"state": "not_yet_due", "on": None, "due": day("30/9")},
    ),
    (
        "reopened after the cut-off: this year's result stands",
        [
            ("14/6", assigned()),
            ("29/6", reported("t1", "29/6"), completed("t1", "29/6")),
            ("12/12", reopened("t1", "30/12", 2)),
        ],
        "31/12",
        {"state": "completed", "due": day("30/6")},
    ),
    # handed back
    (
        "handed back on its due day",
        [("14/6", assigned()), ("30/6", handed_back("t1"))],
        "31/12",
        {"state": "handed_back"},
    ),
    (
        "handed back after it, unable",
        [("14/6", assigned()), ("1/7", handed_back("t1"))],
        "31/12",
        {"state": "undone"},
    ),
    (
        "handed back after it, reassigned",
        [("14/6", assigned()), ("1/7", handed_back("t1", "reassigned"))],
        "31/12",
        {"state": "undone"},
    ),
    (
        "handed back after it, with an objective cause",
        [("14/6", assigned()), ("1/7", handed_back("t1"), cause("t1"))],
        "31/12",
        {"state": "excused"},
    ),
    (
        "handed back without a due date",
        [("14/6", assigned(due=None)), ("1/7", handed_back("t1"))],
        "31/12",
        {"state": "handed_back"},
    ),
    (
        "handed back while a result waits",
        [("14/6", assigned()), ("20/6", reported("t1", "20/6"), handed_back("t1"))],
        "31/12",
        {"state": "handed_back"},
    ),
    (
        "handed back after the cut-off is not handed back yet",
        [("14/6", assigned(due="9/12")), ("11/12", handed_back("t1"))],
        "31/12",
        {"state": "undone"},
    ),
    # cancelled
    ("cancelled after a miss", [("14/6", assigned()), ("1/8", cancelled("t1"))], "31/12", {"state": "cancelled"}),
    (
        "cancelled after the cut-off",
        [("14/6", assigned()), ("20/12", cancelled("t1"))],
        "31/12",
        {"state": "cancelled"},
    ),
    # absence on the due date
    (
        "due in the lead's absence: marked, and counts",
        [("14/6", assigned(), absent("p07", "30/6", "30/6", kind="protected"))],
        "31/12",
        {"state": "undone", "due_in_absence": True},
    ),
    (
        "due in an absence with an open end",
        [("14/6", assigned(), absent("p07", "20/6"))],
        "31/12",
        {"due_in_absence": True},
    ),
    (
        "due the day after the absence",
        [("14/6", assigned(), absent("p07", "20/6", "29/6"))],
        "31/12",
        {"due_in_absence": False},
    ),
    # after the cut-off
    (
        "accepted after the cut-off, reported by it",
        [("14/6", assigned(due="9/12")), ("9/12", reported("t1", "9/12")), ("14/12", completed("t1", "9/12"))],
        "31/12",
        {"state": "completed", "late": False},
    ),
    (
        "reported after the cut-off: undone this year",
        [("14/6", assigned(due="9/12")), ("14/12", reported("t1", "14/12"), completed("t1", "14/12"))],
        "31/12",
        {"state": "undone", "on": None},
    ),
    (
        "a content error of a result after the cut-off is next year's",
        [
            ("14/6", assigned(due="9/12")),
            ("12/12", reported("t1", "12/12")),
            ("13/12", returned("t1", "20/12", 2, failure=True)),
        ],
        "31/12",
        {"state": "undone", "quality_failures": 0},
    ),
    (
        "an extension asked after the cut-off does not reach back",
        [("14/6", assigned(due="8/12")), ("11/12", asked("t1", "20/12")), ("12/12", granted("t1", "20/12", 2))],
        "31/12",
        {"state": "undone", "due": day("8/12")},
    ),
]


@pytest.mark.parametrize(("days", "on", "expected"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_a_task_is_what_its_days_say(days: Days, on: str, expected: dict[str, Any]) -> None:
    facts = task_on(on, days)
    assert {name: getattr(facts, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("on", "state"),
    [
        ("13/6", None),
        ("14/6", "not_yet_due"),
        ("30/6", "not_yet_due"),
        ("1/7", "undone"),
        ("4/7", "undone"),
        ("5/7", "pending"),
        ("8/7", "pending"),
        ("9/7", "completed"),
        ("31/8", "completed"),
        ("1/9", "not_yet_due"),
        ("16/9", "undone"),
        ("20/9", "excused"),
        ("1/10", "cancelled"),
    ],
)
def test_as_of_each_day_only_what_was_known_counts(on: str, state: str | None) -> None:
    life: Days = [
        ("14/6", assigned()),
        ("5/7", reported("t1", "5/7")),
        ("9/7", completed("t1", "5/7")),
        ("1/9", reopened("t1", "15/9", 2)),
        ("20/9", cause("t1", 2)),
        ("1/10", cancelled("t1")),
    ]
    facts = task_of(sheet_on(on, life))
    assert (facts.state if facts else None) == state


class TestYear:
    """A task belongs to the first year whose cut-off finds d, and stays there."""

    def test_a_task_due_by_the_cut_off_belongs_to_the_year_and_not_to_the_next(self) -> None:
        days: Days = [("14/6", assigned(due="10/12"))]
        assert task_of(sheet_on("1/3/2025", days)) is not None
        assert task_of(sheet_on("1/3/2025", days, 2025)) is None

    def test_a_task_due_after_the_cut_off_is_listed_as_open_and_belongs_to_the_next(self) -> None:
        days: Days = [("14/6", assigned(due="11/12"))]
        this, following = sheet_on("1/3/2025", days), sheet_on("1/3/2025", days, 2025)
        assert this.lists["not_yet_due"] == ["t1"]
        assert (this.figures["n"], following.figures["n"], following.lists["undone"]) == (0, 1, ["t1"])

    def test_a_later_extension_does_not_move_it(self) -> None:
        days: Days = [("14/6", assigned(due="8/12")), ("11/12", granted("t1", "20/12", 2, late=True))]
        assert sheet_on("1/3/2025", days).lists["undone"] == ["t1"]
        assert task_of(sheet_on("1/3/2025", days, 2025)) is None

    def test_done_before_the_cut_off_it_belongs_to_the_year_although_due_in_the_next(self) -> None:
        days: Days = [("14/6", assigned(due="20/12")), ("9/12", reported("t1", "9/12"), completed("t1", "9/12"))]
        assert sheet_on("1/3/2025", days).lists["completed"] == ["t1"]
        assert task_of(sheet_on("1/3/2025", days, 2025)) is None

    def test_given_after_the_cut_off_it_belongs_to_the_next_year(self) -> None:
        days: Days = [("12/12", assigned(due="20/12"))]
        assert task_of(sheet_on("1/3/2025", days)) is None
        assert sheet_on("1/3/2025", days, 2025).lists["undone"] == ["t1"]

    def test_given_after_the_cut_off_it_is_not_moved_by_a_result_dated_before(self) -> None:
        days: Days = [("12/12", assigned(due="20/12"), reported("t1", "9/12"), completed("t1", "9/12"))]
        assert task_of(sheet_on("1/3/2025", days)) is None
        assert sheet_on("1/3/2025", days, 2025).lists["completed"] == ["t1"]

    def test_given_before_and_recorded_after_the_cut_off_it_belongs_to_this_year(self) -> None:
        days: Days = [("12/12", assigned(due="9/12", assigned_on="1/12"))]
        assert sheet_on("1/3/2025", days).lists["undone"] == ["t1"]

    def test_a_result_waiting_at_the_cut_off_keeps_its_proposal_back_although_due_later(self) -> None:
        found = sheet_on("15/12", [("14/6", assigned(due="20/12")), ("9/12", reported("t1", "9/12"))])
        assert found.lists["pending"] == ["t1"]
        assert not can_be_proposed(found)

    def test_a_result_of_the_next_year_keeps_nothing_back(self) -> None:
        days: Days = [("14/6", assigned(due="20/12")), ("15/12", reported("t1", "15/12"))]
        assert can_be_proposed(sheet_on("16/12", days))

    def test_another_cut_off_moves_the_border(self) -> None:
        days: Days = [("14/6", assigned(due="5/12")), ("15/6", settings(cut_off="11-30"))]
        assert sheet_on("10/12", days).figures["n"] == 0
        assert sheet_on("10/12", days, 2025).figures["n"] == 1

    def test_a_cancelled_or_handed_back_task_without_a_date_is_listed_in_its_year_only(self) -> None:
        days: Days = [
            ("14/6", assigned(due=None), assigned("t2", due=None)),
            ("1/7", cancelled("t1"), handed_back("t2")),
        ]
        this, following = sheet_on("1/3/2025", days), sheet_on("1/3/2025", days, 2025)
        assert (this.lists["cancelled"], this.lists["handed_back"]) == (["t1"], ["t2"])
        assert following.tasks == []


class TestSplit:
    """A task that was split does not count beside its own parts (Đ18)."""

    def test_left_out_beside_a_part_of_the_same_lead(self) -> None:
        found = sheet_on("31/12", [("14/6", assigned(), assigned("t2", parent="t1"))])
        assert (found.lists["split"], found.lists["undone"], found.figures["n"]) == (["t1"], ["t2"], 1)

    def test_at_any_depth_through_other_leads(self) -> None:
        days: Days = [
            ("14/6", assigned(), assigned("t2", parent="t1", lead="p08")),
            ("15/6", assigned("t3", parent="t2")),
        ]
        assert sheet_on("31/12", days).lists["split"] == ["t1"]

    def test_through_a_cancelled_part(self) -> None:
        days: Days = [("14/6", assigned(), assigned("t2", parent="t1"), assigned("t3", parent="t2"), cancelled("t2"))]
        found = sheet_on("31/12", days)
        assert (found.lists["split"], found.lists["cancelled"], found.lists["undone"]) == (["t1"], ["t2"], ["t3"])

    def test_parts_of_others_change_nothing(self) -> None:
        found = sheet_on("31/12", [("14/6", assigned(), assigned("t2", parent="t1", lead="p08"))])
        assert found.lists["undone"] == ["t1"]

    @pytest.mark.parametrize("event", [cancelled("t2"), handed_back("t2"), handed_back("t2", "reassigned")])
    def test_not_beside_a_part_that_was_cancelled_or_handed_back(self, event: Any) -> None:
        found = sheet_on("31/12", [("14/6", assigned(), assigned("t2", parent="t1")), ("15/6", event)])
        assert found.lists["undone"] == ["t1"]

    @pytest.mark.parametrize(("given", "left_out"), [("30/6", ["t1"]), ("1/7", [])])
    def test_only_beside_a_part_given_by_its_due_date(self, given: str, left_out: list[str]) -> None:
        days: Days = [("14/6", assigned()), (given, assigned("t2", parent="t1", due="15/7"))]
        assert sheet_on("31/12", days).lists["split"] == left_out

    def test_without_a_due_date_beside_any_part(self) -> None:
        days: Days = [("14/6", assigned(due=None)), ("1/9", assigned("t2", parent="t1", due="1/10"))]
        assert sheet_on("31/12", days).lists["split"] == ["t1"]

    def test_not_beside_a_part_handed_back_after_its_due_date(self) -> None:
        days: Days = [("14/6", assigned(due="15/8"), assigned("t2", parent="t1")), ("1/7", handed_back("t2"))]
        assert sheet_on("31/12", days).lists["undone"] == ["t2", "t1"]

    def test_not_beside_a_part_given_after_the_cut_off(self) -> None:
        days: Days = [("14/6", assigned(due="20/12")), ("15/12", assigned("t2", parent="t1", due="20/12"))]
        assert sheet_on("31/12", days).lists["not_yet_due"] == ["t1"]

    def test_parents_in_a_circle_end(self) -> None:
        days: Days = [("14/6", assigned(parent="t2", due="1/8"), assigned("t2", parent="t1", due="1/8"))]
        assert sheet_on("31/12", days).lists["split"] == ["t1", "t2"]


def test_each_occurrence_of_a_template_is_a_task() -> None:
    days: Days = [
        ("1/6", assigned("t1", template="m1", assigned_on="1/6")),
        ("1/7", assigned("t2", template="m1", due="31/7", assigned_on="1/7")),
    ]
    assert sheet_on("31/12", days).figures["n"] == 2


def test_a_collaborator_is_credited_nothing() -> None:
    found = sheet_on("31/12", [("14/6", assigned(lead="p08"))])
    assert found.tasks == []


def test_every_fact_names_its_events() -> None:
    facts = task_on(
        "31/12",
        [
            ("14/6", assigned()),
            ("5/7", reported("t1", "5/7")),
            ("9/7", completed("t1", "5/7", met=False)),
        ],
    )
    events = {event.position: event for event in facts.events}
    assert [events[position].what for position in facts.because["state"]] == ["reported", "completed"]
    assert [events[position].what for position in facts.because["late"]] == ["assigned"]
    assert [events[position].what for position in facts.because["poor"]] == ["completed"]
    assert all(event.source == "tasks" and event.actor == "staff/vp" and len(event.id) == 36 for event in facts.events)
