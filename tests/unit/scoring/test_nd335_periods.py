"""Periods under nd335: which task counts where and for how much; closing, reopening, what is left out."""

from fractions import Fraction
from typing import Any, ClassVar

import pytest

from services.scoring.domain.rules.interface import PeriodSheet
from services.scoring.domain.sheet import Sheet, can_be_proposed, explain, sheet
from tests.support.histories import (
    History,
    absent,
    appointed,
    asked,
    assigned,
    cancelled,
    cause,
    changed,
    completed,
    corrected_coefficient,
    day,
    granted,
    handed_back,
    leader_criteria,
    left,
    period_closed,
    period_common,
    period_received,
    period_reopened,
    recomputed,
    reopened,
    reported,
    returned,
    settings,
)

Days = list[tuple[Any, ...]]
END = "31/12/2026"


def recorded(days: Days, person: Any = None) -> History:
    """The history of p07 from the year's first day on; a function among the events is given the history so far."""
    history = History().record("1/1/2026", person or appointed("p07"), appointed("p08"))
    for when, *events in days:
        for event in events:
            history.record(when, event(history) if callable(event) else event)
    return history


def seen(history: History, on: str = END, year: int = 2026, staff: str = "p07") -> Sheet:
    return sheet(history.records(on), year, staff, on=day(on))


def period(found: Sheet, name: str = "2026-06") -> PeriodSheet:
    return next(each for each in found.periods if each.period == name)


def roles(of: PeriodSheet) -> dict[str, str]:
    return {task.task.task: task.role for task in of.tasks}


def give(task: str = "t1", due: str | None = "20/6/2026", **more: Any) -> Any:
    return assigned(task, due=due, **more)


def done(task: str = "t1", on: str = "15/6/2026", **more: Any) -> tuple[Any, ...]:
    return reported(task, on), completed(task, on, **more)


def close(name: str, on: str) -> Any:
    return lambda history: period_closed(name, history, on)


def shares(found: Sheet, name: str = "2026-06") -> dict[str, str]:
    of = period(found, name).figures
    return {figure: of[figure] for figure in ("W", "a", "b", "c") if figure in of}


NOTHING: dict[str, str] = {}


def figures(w: str, a: str, b: str, c: str) -> dict[str, str]:
    return {"W": w, "a": a, "b": b, "c": c}


# What one task of June gives, beside another of coefficient 1 that was done in time.
FAILED_TWICE = [
    (reported("t1", "10/6/2026"), returned("t1", "20/6/2026", 2, failure=True)),
    (reported("t1", "11/6/2026"), returned("t1", "20/6/2026", 3, failure=True)),
]
CASES: list[tuple[str, Days, dict[str, str], str]] = [
    ("done in time", [("1/6/2026", give()), ("15/6/2026", *done())], figures("2", "1", "1", "1"), "planned"),
    (
        "done late once",
        [("1/6/2026", give()), ("25/6/2026", *done(on="25/6/2026"))],
        figures("2", "1", "1", "7/8"),
        "planned",
    ),
    (
        "poor counts nothing in b",
        [("1/6/2026", give()), ("15/6/2026", *done(met=False))],
        figures("2", "1", "1/2", "1"),
        "planned",
    ),
    ("undone", [("1/6/2026", give())], figures("2", "1/2", "1/2", "1/2"), "planned"),
    (
        "done in the month before, due in June",
        [("1/5/2026", give()), ("15/5/2026", *done(on="15/5/2026"))],
        figures("2", "1", "1", "1"),
        "planned",
    ),
    (
        "without a date, on the day of its result",
        [("1/5/2026", give(due=None)), ("15/6/2026", *done())],
        figures("2", "1", "1", "1"),
        "planned",
    ),
    ("merged is in the plan", [("1/6/2026", give(origin="merged"))], figures("2", "1/2", "1/2", "1/2"), "planned"),
    (
        "ad hoc and done adds",
        [("1/6/2026", give(origin="ad_hoc")), ("15/6/2026", *done())],
        figures("1", "2", "2", "2"),
        "added",
    ),
    (
        "taken over and done adds",
        [("1/6/2026", give(origin="taken_over")), ("15/6/2026", *done())],
        figures("1", "2", "2", "2"),
        "added",
    ),
    ("ad hoc and undone is nowhere", [("1/6/2026", give(origin="ad_hoc"))], figures("1", "1", "1", "1"), "not_counted"),
    (
        "ad hoc and handed back is nowhere",
        [("1/6/2026", give(origin="ad_hoc")), ("10/6/2026", handed_back("t1"))],
        figures("1", "1", "1", "1"),
        "not_counted",
    ),
    (
        "unable, handed back on the due day",
        [("1/6/2026", give()), ("20/6/2026", handed_back("t1"))],
        figures("2", "1/2", "1/2", "1/2"),
        "handed_back",
    ),
    (
        "unable, handed back after it",
        [("1/6/2026", give()), ("21/6/2026", handed_back("t1"))],
        figures("2", "1/2", "1/2", "1/2"),
        "planned",
    ),
    (
        "reassigned by the due day",
        [("1/6/2026", give()), ("20/6/2026", handed_back("t1", "reassigned"))],
        figures("1", "1", "1", "1"),
        "not_counted",
    ),
    (
        "reassigned after it",
        [("1/6/2026", give()), ("21/6/2026", handed_back("t1", "reassigned"))],
        figures("2", "1/2", "1/2", "1/2"),
        "planned",
    ),
    ("excused", [("1/6/2026", give()), ("25/6/2026", cause("t1"))], figures("1", "1", "1", "1"), "not_counted"),
    (
        "cancelled after a miss",
        [("1/6/2026", give()), ("25/6/2026", cancelled("t1"))],
        figures("1", "1", "1", "1"),
        "not_counted",
    ),
    (
        "pending",
        [("1/6/2026", give()), ("15/6/2026", reported("t1", "15/6/2026"))],
        figures("1", "1", "1", "1"),
        "not_counted",
    ),
    (
        "split, its own part counts in its place",
        [("1/6/2026", give(coefficient="5")), ("2/6/2026", give("t2", parent="t1")), ("15/6/2026", *done("t2"))],
        figures("2", "1", "1", "1"),
        "not_counted",
    ),
    (
        "failed twice",
        [
            ("1/6/2026", give()),
            ("10/6/2026", *FAILED_TWICE[0]),
            ("11/6/2026", *FAILED_TWICE[1]),
            ("15/6/2026", *done()),
        ],
        figures("2", "1", "3/4", "1"),
        "planned",
    ),
    (
        "a failing excused for quality",
        [
            ("1/6/2026", give()),
            ("10/6/2026", *FAILED_TWICE[0]),
            ("15/6/2026", *done()),
            ("16/6/2026", cause("t1", of="quality")),
        ],
        figures("2", "1", "1", "1"),
        "planned",
    ),
    (
        "a lateness excused",
        [("1/6/2026", give()), ("25/6/2026", *done(on="25/6/2026")), ("26/6/2026", cause("t1"))],
        figures("2", "1", "1", "1"),
        "planned",
    ),
    (
        "the coefficient as corrected",
        [
            ("1/6/2026", give(coefficient="5")),
            ("15/6/2026", *done()),
            ("16/6/2026", corrected_coefficient("t1", "2.5")),
        ],
        figures("7/2", "1", "1", "1"),
        "planned",
    ),
    (
        "a blank coefficient by the setting",
        [("1/6/2026", give(), settings(2026, blank_coefficient="1.5"))],
        figures("5/2", "2/5", "2/5", "2/5"),
        "planned",
    ),
    (
        "a late task by the reading zero",
        [("1/6/2026", give(), settings(2026, late_reading="zero")), ("25/6/2026", *done(on="25/6/2026"))],
        figures("2", "1", "1", "1/2"),
        "planned",
    ),
    (
        "each share capped",
        [("1/6/2026", give(origin="ad_hoc"), settings(2026, cap="each")), ("15/6/2026", *done())],
        figures("1", "1", "1", "1"),
        "added",
    ),
]


@pytest.mark.parametrize(("days", "expected", "role"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_task_of_june(days: Days, expected: dict[str, str], role: str) -> None:
    beside = ("1/5/2026", give("x", coefficient="1")), ("10/5/2026", *done("x", "10/5/2026"))
    days = sorted([*beside, *days], key=lambda given: day(given[0]))
    found = seen(recorded(days))
    assert (shares(found), roles(period(found))["t1"]) == (expected, role)


def test_four_failings_leave_nothing_and_a_fifth_takes_no_more() -> None:
    history = recorded([("1/6/2026", give())])
    for version in range(2, 7):
        history.record("10/6/2026", reported("t1", "10/6/2026"), returned("t1", "20/6/2026", version, failure=True))
    assert shares(seen(history.record("15/6/2026", *done()))) == figures("1", "1", "0", "1")


def test_a_task_counts_in_no_month_before_its_date_has_passed() -> None:
    history = recorded([("1/6/2026", give())])
    assert shares(seen(history, "20/6/2026")) == NOTHING
    assert shares(seen(history, "21/6/2026")) == figures("1", "0", "0", "0")


def test_an_extension_asked_late_moves_the_task_and_costs_a_lateness() -> None:
    days: Days = [
        ("1/6/2026", give()),
        ("25/6/2026", asked("t1", "15/7/2026")),
        ("26/6/2026", granted("t1", "15/7/2026", 2)),
        ("10/7/2026", *done(on="10/7/2026")),
    ]
    found = seen(recorded(days))
    assert (shares(found, "2026-06"), shares(found, "2026-07")) == (NOTHING, figures("1", "1", "1", "3/4"))


@pytest.mark.parametrize(("cap", "score"), [("total", "100"), ("each", "97"), ("none", "167")])
def test_the_cap(cap: str, score: str) -> None:
    days: Days = [
        ("1/6/2026", give(), give("t2", origin="ad_hoc"), settings(2026, cap=cap)),
        ("15/6/2026", *done(), *done("t2")),
        ("30/6/2026", period_common("2026-06", "27")),
    ]
    assert period(seen(recorded(days))).score == score


class TestLeftOut:
    @pytest.mark.parametrize("kind", ["insured", "protected", "unpaid", "other"])
    def test_absent_on_every_day_of_the_month_of_whatever_kind(self, kind: str) -> None:
        days: Days = [
            ("1/6/2026", give(), absent("p07", "1/6/2026", "30/6/2026", kind=kind)),
            ("30/6/2026", period_common("2026-06")),
        ]
        of = period(seen(recorded(days)))
        assert (of.left_out, of.figures["a"], of.score, of.provisional) == ("absent", "0", None, True)

    def test_a_single_day_of_work_is_enough(self) -> None:
        days: Days = [
            ("1/6/2026", give(), absent("p07", "1/6/2026", "29/6/2026")),
            ("30/6/2026", period_common("2026-06")),
        ]
        assert period(seen(recorded(days))).left_out is None

    def test_not_employed_in_the_month(self) -> None:
        days: Days = [("31/5/2026", left("p07", "31/5/2026"))]
        assert period(seen(recorded(days))).left_out == "absent"

    def test_no_task(self) -> None:
        found = seen(recorded([("30/6/2026", period_common("2026-06"))]))
        assert (period(found).left_out, shares(found)) == ("no_data", NOTHING)

    def test_one_criterion_not_confirmed(self) -> None:
        given = period_common("2026-06")
        lacking = {name: points for name, points in given.items.items() if name != "II.3"}
        days: Days = [
            ("1/6/2026", give()),
            ("15/6/2026", *done(), period_common("2026-06", stage="self")),
            (
                "30/6/2026",
                type(given)(staff="p07", year=2026, items=lacking, stage="confirmed", by="ct", period="2026-06"),
            ),
        ]
        found = seen(recorded(days))
        of = period(found)
        assert (of.left_out, of.figures["R"], "common" in of.figures, of.provisional) == ("common", "1", False, True)
        assert any("Tháng 6/2026" in missing.text and "(II.3)" in missing.text for missing in found.missing)

    def test_a_leaders_criteria_not_recorded(self) -> None:
        days: Days = [("1/6/2026", give()), ("15/6/2026", *done()), ("30/6/2026", period_common("2026-06"))]
        of = period(seen(recorded(days, appointed("p07", leader=True))))
        assert (of.left_out, of.figures["a"], "R" in of.figures) == ("leader_criteria", "1", False)

    def test_months_left_out_do_not_enter_the_mean_and_are_named(self) -> None:
        days: Days = [
            ("1/6/2026", give(), give("t2", "20/7/2026")),
            ("15/6/2026", *done(), *done("t2")),
            ("30/6/2026", period_common("2026-06", "20")),
        ]
        found = seen(recorded(days))
        assert (found.figures["score"], found.figures["h1"], found.figures["q2"]) == ("90", "90", "90")
        assert "q3" not in found.figures
        named = [missing.code for missing in found.missing]
        assert named.count("period-no_data") == 10
        assert named.count("period-common") == 1


class TestLeader:
    @pytest.mark.parametrize(
        ("d", "dd", "e", "share"), [(100, 100, 100, "1"), (50, 100, 100, "11/12"), (50, 50, 50, "3/4")]
    )
    def test_r_is_of_six(self, d: int, dd: int, e: int, share: str) -> None:
        days: Days = [
            ("1/6/2026", give()),
            ("15/6/2026", *done()),
            ("30/6/2026", leader_criteria("2026-06", d=d, dd=dd, e=e), period_common("2026-06")),
        ]
        found = seen(recorded(days, appointed("p07", leader=True)))
        assert period(found).figures["R"] == share
        assert explain(found, "2026-06.d").events[0].what == "leader_criteria"

    def test_who_became_a_leader_in_july_was_none_in_june(self) -> None:
        days: Days = [
            ("1/6/2026", give(), give("t2", "20/7/2026")),
            ("15/6/2026", *done(), *done("t2")),
            ("1/7/2026", changed("p07", "1/7/2026", leader=True)),
        ]
        found = seen(recorded(days))
        assert [period(found, name).leader for name in ("2026-06", "2026-07")] == [False, True]

    @pytest.mark.parametrize(
        ("points", "undone", "proposed"), [("15", False, "1"), ("15", True, "1/2"), (None, True, None)]
    )
    def test_d_is_proposed_by_the_points_of_those_tracked(
        self, points: str | None, undone: bool, proposed: str | None
    ) -> None:
        history = recorded([], appointed("p07", leader=True))
        history.record("1/5/2026", changed("p08", "1/5/2026", tracker="p07"), give("x", lead="p08"), give())
        if not undone:
            history.record("15/6/2026", *done("x"))
        if points:
            history.record("30/6/2026", period_common("2026-06", points, "p08"))
        assert period(seen(history)).d_proposed == proposed
        assert "2026-06.d" not in seen(history).figures

    def test_two_who_track_each_other_find_an_end(self) -> None:
        history = recorded([], appointed("p07", leader=True, tracker="p08"))
        history.record("1/5/2026", changed("p08", "1/5/2026", tracker="p07", leader=True), give("x", lead="p08"))
        assert period(seen(history)).d_proposed is None


JUNE: Days = [
    ("1/6/2026", give()),
    ("15/6/2026", *done()),
    ("30/6/2026", period_common("2026-06", "20")),
    ("5/7/2026", close("2026-06", "5/7/2026")),
]


class TestClosed:
    @pytest.mark.parametrize(
        "later",
        [
            cause("t1", of="quality"),
            corrected_coefficient("t1", "9"),
            cancelled("t1"),
            reopened("t1", "20/8/2026", 2, failure=True),
            recomputed("t1", "20/8/2026", 2),
            period_common("2026-06", "5"),
            settings(2026, blank_coefficient="7", cap="none", late_reading="zero"),
            absent("p07", "1/6/2026", "30/6/2026"),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_nothing_recorded_later_changes_it(self, later: Any) -> None:
        history = recorded([*JUNE])
        before = period(seen(history, "5/7/2026"))
        after = period(seen(history.record("10/7/2026", later)))
        assert (after.figures, roles(after), after.status, after.provisional) == (
            before.figures, roles(before), "closed", False,
        )  # fmt: skip

    def test_a_task_stays_in_it_though_its_date_moves(self) -> None:
        history = recorded(
            [("1/6/2026", give(), give("x")), ("15/6/2026", *done("x")), ("5/7/2026", close("2026-06", "5/7/2026"))]
        )
        history.record("6/7/2026", granted("t1", "20/8/2026", 2))
        found = seen(history)
        assert (roles(period(found))["t1"], shares(found, "2026-08")) == ("planned", NOTHING)

    def test_also_though_its_date_moves_into_another_year(self) -> None:
        days: Days = [("1/12/2026", give(due="20/12/2026")), ("4/1/2027", close("2026-12", "4/1/2027"))]
        history = recorded(days).record("5/1/2027", granted("t1", "20/3/2027", 2))
        assert shares(seen(history, "31/3/2027", 2027), "2027-03") == NOTHING
        history.record("1/4/2027", *done(on="1/4/2027"))
        assert shares(seen(history, "30/4/2027", 2027), "2027-04")["a"] == "1"

    def test_reopened_it_is_computed_anew(self) -> None:
        history = recorded([*JUNE, ("6/7/2026", corrected_coefficient("t1", "9"), period_reopened("2026-06"))])
        assert (shares(seen(history))["W"], period(seen(history)).status) == ("9", "open")

    def test_closed_again_it_is_computed_from_the_new_pins(self) -> None:
        history = recorded([*JUNE, ("6/7/2026", corrected_coefficient("t1", "9"), period_reopened("2026-06"))])
        history.record("8/7/2026", period_closed("2026-06", history, "8/7/2026"))
        history.record("9/7/2026", corrected_coefficient("t1", "4"))
        assert (shares(seen(history))["W"], period(seen(history)).status) == ("9", "closed")

    def test_reopening_an_earlier_one_opens_the_later_ones_of_the_year_only(self) -> None:
        days: Days = [(f"5/{month}/2026", close(f"2026-0{month - 1}", f"5/{month}/2026")) for month in range(2, 8)]
        history = recorded([*days, ("6/7/2026", period_reopened("2026-04"))])
        assert [each.status for each in seen(history, "6/7/2026").periods[:6]] == ["closed"] * 3 + ["open"] * 3

    def test_it_is_open_for_whom_its_closing_does_not_name(self) -> None:
        history = recorded([*JUNE, ("6/7/2026", period_reopened("2026-06", "p08"))])
        assert [period(seen(history, staff=staff)).status for staff in ("p07", "p08")] == ["closed", "open"]

    def test_in_a_moment_before_the_closing_it_is_open(self) -> None:
        assert period(seen(recorded([*JUNE]), "4/7/2026")).status == "open"

    def test_the_month_before_it_stays_open(self) -> None:
        history = recorded([*JUNE])
        assert period(seen(history), "2026-05").status == "open"


class TestLateAfterClosing:
    CLOSED: ClassVar[Days] = [
        ("1/6/2026", give(), give("x"), give("y", "20/7/2026"), give("z", "20/8/2026")),
        ("15/6/2026", *done("x")),
        ("5/7/2026", close("2026-06", "5/7/2026")),
    ]

    def test_it_adds_in_the_month_of_recording_not_of_the_result(self) -> None:
        history = recorded(
            [*self.CLOSED, ("9/7/2026", reported("t1", "9/7/2026")), ("3/8/2026", completed("t1", "9/7/2026"))]
        )
        found = seen(history)
        assert shares(found, "2026-07")["a"] == "0"
        assert (shares(found, "2026-08")["a"], roles(period(found, "2026-08"))["t1"]) == ("1", "late_added")

    def test_accepted_before_reopened_and_accepted_again_adds_nothing(self) -> None:
        history = recorded(
            [*self.CLOSED, ("9/7/2026", reopened("x", "20/7/2026", 2)), ("12/7/2026", *done("x", "12/7/2026"))]
        )
        assert "x" not in roles(period(seen(history), "2026-07"))

    def test_first_accepted_after_reopened_and_accepted_again_adds_once(self) -> None:
        history = recorded([*self.CLOSED, ("9/7/2026", *done(on="9/7/2026"))])
        history.record("3/8/2026", reopened("t1", "20/8/2026", 2)).record("5/8/2026", *done(on="5/8/2026"))
        found = seen(history)
        assert [name for name in ("2026-07", "2026-08") if "t1" in roles(period(found, name))] == ["2026-07"]

    def test_handed_back_it_adds_nothing(self) -> None:
        found = seen(recorded([*self.CLOSED, ("9/7/2026", handed_back("t1"))]))
        assert shares(found, "2026-07") == figures("1", "0", "0", "0")

    def test_a_month_with_nothing_else_is_measured_by_it(self) -> None:
        history = recorded([*self.CLOSED, ("9/9/2026", *done(on="9/9/2026"))])
        assert shares(seen(history), "2026-09") == figures("1", "1", "1", "3/4")

    def test_closed_itself_the_month_of_recording_keeps_it(self) -> None:
        history = recorded(
            [*self.CLOSED, ("9/7/2026", *done(on="9/7/2026")), ("5/8/2026", close("2026-07", "5/8/2026"))]
        )
        history.record("6/8/2026", cause("t1"))
        assert shares(seen(history), "2026-07")["c"] == "3/4"


class TestQuarters:
    def test_four_periods_and_their_means(self) -> None:
        days: Days = [
            ("2/1/2026", settings(2026, period="quarter")),
            (
                "1/6/2026",
                give(due="20/5/2026", assigned_on="1/5/2026"),
                give("t2", "30/6/2026"),
                give("t3", "1/7/2026"),
            ),
            ("25/6/2026", *done("t2", "25/6/2026"), *done("t1", "25/6/2026"), *done("t3", "25/6/2026")),
            ("30/9/2026", period_common("2026-Q2", "20"), period_common("2026-Q3", "10")),
        ]
        found = seen(recorded(days))
        assert [each.period for each in found.periods] == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
        assert roles(period(found, "2026-Q2")) == {"t1": "planned", "t2": "planned"}
        score = Fraction(found.figures["q2"])
        assert [found.figures[name] for name in ("h2", "q3", "score")] == ["80", "80", str((score + 80) / 2)]


class TestReceived:
    def test_a_former_agencys_score_enters_where_there_is_none_of_ones_own(self) -> None:
        days: Days = [*JUNE, ("10/7/2026", period_received("2026-05", "70"), period_received("2026-06", "1"))]
        found = seen(recorded([*days, ("11/7/2026", period_received("2026-05", "80.5"))]))
        assert (period(found, "2026-05").score, period(found).score) == ("161/2", "90")
        assert (found.figures["score"], found.shown["q2"]) == ("341/4", "85,25")
        assert [event.what for event in explain(found, "2026-05.score").events] == ["period_result"]

    def test_it_stands_for_a_closed_period_without_a_score(self) -> None:
        found = seen(
            recorded([("5/6/2026", close("2026-05", "5/6/2026")), ("9/6/2026", period_received("2026-05", "66"))])
        )
        assert (period(found, "2026-05").status, found.figures["score"]) == ("closed", "66")


class TestDecember:
    DAYS: ClassVar[Days] = [("1/12/2026", give(due="5/12/2026")), ("4/12/2026", *done(on="4/12/2026"))]

    def test_it_enters_as_of_the_day_once_its_criteria_are_confirmed(self) -> None:
        history = recorded([*self.DAYS])
        assert period(seen(history, "9/12/2026"), "2026-12").left_out == "common"
        of = period(seen(history.record("10/12/2026", period_common("2026-12")), "12/12/2026"), "2026-12")
        assert (of.score, of.provisional) == ("100", True)
        history.record("4/1/2027", period_closed("2026-12", history, "4/1/2027"))
        assert period(seen(history, "4/1/2027", 2026), "2026-12").provisional is False


class TestWaiting:
    def test_a_result_that_waits_keeps_the_proposal_back(self) -> None:
        history = recorded([("1/6/2026", give()), ("15/6/2026", reported("t1", "15/6/2026"))])
        assert not can_be_proposed(seen(history))
        assert can_be_proposed(seen(history.record("16/6/2026", completed("t1", "15/6/2026"))))

    def test_also_of_a_task_due_in_the_next_year(self) -> None:
        history = recorded([("1/6/2026", give(due="20/1/2027")), ("15/12/2026", reported("t1", "15/12/2026"))])
        assert not can_be_proposed(seen(history))

    def test_not_one_of_the_next_year(self) -> None:
        history = recorded([("1/6/2026", give(due="20/1/2027")), ("15/1/2027", reported("t1", "15/1/2027"))])
        assert can_be_proposed(seen(history, "16/1/2027", 2026))
