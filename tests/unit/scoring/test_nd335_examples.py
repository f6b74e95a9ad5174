"""The worked examples of rating.md under nd335."""

from datetime import date

from services.scoring.domain.sheet import Sheet, sheet
from tests.support.histories import (
    History,
    appointed,
    assigned,
    completed,
    day,
    period_closed,
    period_common,
    reported,
    returned,
)

BEGIN = "5/1/2026"


def begun() -> History:
    return History().record("1/1/2026", appointed("p07"))


def done(history: History, on: str, task: str) -> History:
    return history.record(on, reported(task, on), completed(task, on))


def seen(history: History, on: str) -> Sheet:
    return sheet(history.records(on), day(on).year, "p07", on=day(on))


def test_1_one_task_late_once_and_one_failed_quality_once() -> None:
    history = begun()
    for coefficient in ("1", "2", "3", "4"):
        history.record(BEGIN, assigned(f"t{coefficient}", due="20/1/2026", coefficient=coefficient))
    for task in ("t1", "t2"):
        done(history, "15/1/2026", task)
    history.record("16/1/2026", reported("t3", "16/1/2026"), returned("t3", "20/1/2026", 2, failure=True))
    done(history, "18/1/2026", "t3")
    done(history, "25/1/2026", "t4")
    history.record("31/1/2026", period_common("2026-01", "28"))
    found = seen(history, "31/1/2026")
    names = ("W", "a", "b", "c", "R", "score")
    assert [found.figures[f"2026-01.{name}"] for name in names] == ["10", "1", "37/40", "9/10", "113/120", "1127/12"]
    assert [found.shown[f"2026-01.{name}"] for name in ("b", "R", "score")] == ["92,50 %", "94,17 %", "93,92"]
    assert found.shown["score"] == "93,92"
    late_in_year = seen(history, "31/12/2026")
    assert (late_in_year.level, late_in_year.shown["score"]) == ("xuat_sac", "93,92")


def test_5_late_after_closing_adds_to_the_month_of_recording_and_leaves_the_closed_one() -> None:
    history = begun()
    history.record("1/6/2026", assigned("t3", due="20/6/2026", coefficient="3"))
    history.record("1/6/2026", assigned("t1", due="25/6/2026", coefficient="1"))
    done(history, "15/6/2026", "t3")
    history.record("5/7/2026", period_common("2026-06", "27"))
    history.record("5/7/2026", period_closed("2026-06", history, "5/7/2026"))
    history.record("6/7/2026", assigned("t4", due="20/7/2026", coefficient="4"))
    done(history, "9/7/2026", "t1")
    done(history, "20/7/2026", "t4")
    history.record("31/7/2026", period_common("2026-07", "27"))
    found = seen(history, "31/7/2026")
    june = [found.figures[f"2026-06.{name}"] for name in ("a", "b", "c", "score")]
    july = [found.figures[f"2026-07.{name}"] for name in ("W", "a", "b", "c", "R", "score")]
    assert (june, found.shown["2026-06.score"]) == (["3/4", "3/4", "3/4", "159/2"], "79,50")
    assert july == ["4", "5/4", "5/4", "19/16", "59/48", "100"]
    periods = {period.period: period for period in found.periods}
    assert (periods["2026-06"].status, periods["2026-06"].evaluated_on) == ("closed", date(2026, 7, 5))
    assert [(task.task.task, task.role) for task in periods["2026-07"].tasks] == [
        ("t1", "late_added"),
        ("t4", "planned"),
    ]


def test_6_only_an_ad_hoc_task_done_late_once() -> None:
    history = begun().record(BEGIN, assigned("t1", due="20/1/2026", coefficient="2", origin="ad_hoc"))
    done(history, "25/1/2026", "t1")
    history.record("31/1/2026", period_common("2026-01", "25"))
    found = seen(history, "31/12/2026")
    assert [found.figures[f"2026-01.{name}"] for name in ("W", "a", "b", "c")] == ["2", "1", "1", "3/4"]
    assert (found.shown["2026-01.R"], found.shown["score"], found.level) == ("91,67 %", "89,17", "tot")
