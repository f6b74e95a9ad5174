"""Levels of a year under nd90: the worked examples of rating.md, then each rule at its boundaries."""

from typing import Any

import pytest

from services.scoring.domain.sheet import Sheet, sheet
from tests.support.histories import (
    History,
    absent,
    appointed,
    asked,
    assigned,
    changed,
    common,
    completed,
    day,
    discipline_withdrawn,
    disciplined,
    granted,
    left,
    reopened,
    reported,
    returned,
    settings,
    unit_result,
)

Days = list[tuple[Any, ...]]


def rated(*days: Any, on: str = "31/12", year: int = 2024, person: Any = None) -> Sheet:
    history = History().record("1/1", person or appointed("p07"))
    for when, *events in sorted(days, key=lambda given: day(given[0])):
        history.record(when, *events)
    return sheet(history.records(on), year, "p07", on=day(on))


def tasks(good: int = 0, *, late: int = 0, poor: int = 0, undone: int = 0, exceeded: int = 0) -> Days:
    """So many tasks of each kind; `exceeded` of the good ones are beyond what was asked."""
    kinds = ["late"] * late + ["poor"] * poor + ["undone"] * undone + ["good"] * good
    days: Days = []
    for index, kind in enumerate(kinds):
        task = f"t{index}"
        days.append(("14/6", assigned(task)))
        if kind != "undone":
            on = "5/7" if kind == "late" else "20/6"
            better = kind == "good" and index - late - poor - undone < exceeded
            days.append((on, reported(task, on), completed(task, on, met=kind != "poor", exceeded=better)))
    return days


def rule_of(found: Sheet) -> str:
    """The rule that decided."""
    return next(step.rule for step in found.steps if step.applies)


class TestWorkedExamples:
    def test_2_extension_asked_in_time(self) -> None:
        found = rated(
            *tasks(4),
            ("14/6", assigned("x")),
            ("28/6", asked("x", "15/7")),
            ("3/7", granted("x", "15/7", 2)),
            ("12/7", reported("x", "12/7"), completed("x", "12/7")),
        )
        assert (found.figures["n"], found.figures["f"], found.level) == (5, "0", "tot")

    def test_2_extension_asked_late(self) -> None:
        found = rated(
            *tasks(4),
            ("14/6", assigned("x")),
            ("1/7", asked("x", "15/7")),
            ("2/7", granted("x", "15/7", 2, late=True)),
            ("12/7", reported("x", "12/7"), completed("x", "12/7")),
        )
        assert (found.figures["f"], found.shown["f"], found.level) == ("1/5", "20,00 %", "hoan_thanh")
        assert found.figures["late_times"] == 1

    @pytest.mark.parametrize(("on", "pending"), [("11/12", 1), ("12/12", 0)])
    def test_3_returned_after_the_cut_off(self, on: str, pending: int) -> None:
        days = [
            *tasks(4),
            ("14/6", assigned("x", due="8/12")),
            ("8/12", reported("x", "8/12")),
            ("12/12", returned("x", "20/12", 2)),
        ]
        found = rated(*days, on=on)
        assert (found.figures["n"], found.figures["f"], found.figures["pending"], found.level) == (
            4,
            "0",
            pending,
            "tot",
        )
        assert rated(*days, on="31/12/2025", year=2025).figures["n"] == 1

    def test_3_not_reported_and_extended_after_the_cut_off(self) -> None:
        days = [
            *tasks(4),
            ("14/6", assigned("x", due="8/12")),
            ("11/12", asked("x", "20/12")),
            ("12/12", granted("x", "20/12", 2, late=True)),
        ]
        found = rated(*days)
        assert (found.figures["f"], found.figures["undone"], found.level) == ("1/5", 1, "can_xem_xet")
        assert rated(*days, on="31/12/2025", year=2025).figures["n"] == 0

    @pytest.mark.parametrize(("again", "late_times", "level"), [("25/9", 0, "tot"), ("5/10", 1, "khong_hoan_thanh")])
    def test_4_reopened(self, again: str, late_times: int, level: str) -> None:
        found = rated(
            ("14/6", assigned("x"), settings(min_tasks=1)),
            ("29/6", reported("x", "29/6"), completed("x", "29/6")),
            ("10/9", reopened("x", "30/9", 2)),
            (again, reported("x", again), completed("x", again)),
        )
        assert (found.figures["late_times"], found.level) == (late_times, level)


LEADER = appointed("p07", leader=True, leads_unit="xa", category="cong_chuc")
ALL_GOOD = common()

# name, person (None: not a leader), days, level, rule that decided
LEVELS: list[tuple[str, Any, Days, str, str]] = [
    ("nothing to rate on", None, [], "chua_du_du_lieu", "3"),
    ("all in time", None, tasks(3), "tot", "6"),
    # f
    ("exactly 50 % failed", None, tasks(2, late=2), "can_xem_xet", "8"),
    ("more than 50 % failed", None, tasks(1, late=2), "khong_hoan_thanh", "4b"),
    ("more than 50 % failed of fewer than three", None, tasks(late=2), "can_xem_xet", "4b"),
    ("fewer than three, min_tasks lowered", None, [*tasks(late=2), ("1/8", settings(min_tasks=2))],
     "khong_hoan_thanh", "4b"),
    ("exactly 20 % late", None, tasks(4, late=1), "hoan_thanh", "7"),
    ("exactly 20 % poor", None, tasks(4, poor=1), "hoan_thanh", "7"),
    ("more than 20 %", None, tasks(7, late=1, poor=1), "can_xem_xet", "8"),
    ("20 % undone is no hoàn thành", None, tasks(4, undone=1), "can_xem_xet", "8"),
    ("one undone of many", None, tasks(20, undone=1), "can_xem_xet", "8"),
    ("more than 50 % undone", None, tasks(1, undone=2), "khong_hoan_thanh", "4b"),
    # common criteria
    ("half exceeded, all criteria tốt", None, [*tasks(4, exceeded=2), ("1/12", ALL_GOOD)], "xuat_sac", "5"),
    ("less than half exceeded", None, [*tasks(5, exceeded=2), ("1/12", ALL_GOOD)], "tot", "6"),
    ("exceeded, criteria not recorded", None, tasks(4, exceeded=4), "tot", "6"),
    ("exceeded, one criterion missing", None,
     [*tasks(4, exceeded=4), ("1/12", common(k1="tot", k2="tot", k3="tot"))], "tot", "6"),
    ("exceeded, one criterion only met", None,
     [*tasks(4, exceeded=4), ("1/12", common(k1="tot", k2="tot", k3="tot", k4="dap_ung"))], "tot", "6"),
    ("self-assessed criteria do not count", None,
     [*tasks(4, exceeded=4), ("1/12", common(stage="self"))], "tot", "6"),
    ("criteria of another year do not count", None,
     [*tasks(4, exceeded=4), ("1/12", common(year=2023))], "tot", "6"),
    ("a criterion not met", None, [*tasks(4, exceeded=4), ("1/12", common(k3="khong"))], "can_xem_xet", "8"),
    ("the criterion corrected later", None,
     [*tasks(4, exceeded=4), ("1/12", common(), common(k3="khong")), ("2/12", common(k3="tot"))], "xuat_sac", "5"),
    ("late forbids xuất sắc and tốt", None, [*tasks(9, late=1, exceeded=9), ("1/12", ALL_GOOD)], "hoan_thanh", "7"),
    # discipline
    ("disciplined this year", None, [*tasks(4), ("1/9", disciplined("p07", "1/9"))], "khong_hoan_thanh", "2"),
    ("disciplined after the cut-off, in the year", None,
     [*tasks(4), ("20/12", disciplined("p07", "20/12"))], "khong_hoan_thanh", "2"),
    ("decided in another year", None, [*tasks(4), ("1/9", disciplined("p07", "1/12/2023"))], "tot", "6"),
    ("the earliest decision decides the year", None,
     [*tasks(4), ("1/2", disciplined("p07", "1/12/2023", of="party")), ("1/3", disciplined("p07", "1/3"))],
     "tot", "6"),
    ("used in another year", None, [*tasks(4), ("1/9", disciplined("p07", "1/9", used_in_year=2023))], "tot", "6"),
    ("used in this year, decided in another", None,
     [*tasks(4), ("1/9", disciplined("p07", "1/12/2023", used_in_year=2024))], "khong_hoan_thanh", "2"),
    ("the last used_in_year counts", None,
     [*tasks(4), ("1/9", disciplined("p07", "1/9", used_in_year=2024)),
      ("2/9", disciplined("p07", "1/9", used_in_year=2023)), ("3/9", disciplined("p07", "2/9"))], "tot", "6"),
    ("withdrawn", None,
     [*tasks(4), ("1/9", disciplined("p07", "1/9")), ("1/10", discipline_withdrawn("p07"))], "tot", "6"),
    ("withdrawn and recorded anew", None,
     [*tasks(4), ("1/9", disciplined("p07", "1/9")), ("1/10", discipline_withdrawn("p07")),
      ("2/10", disciplined("p07", "2/10"))], "khong_hoan_thanh", "2"),
    # leaders
    ("leader without a unit result", LEADER, tasks(4), "can_xem_xet", "4c"),
    ("leader without tasks and without a unit result", LEADER, [], "chua_du_du_lieu", "3"),
    ("leader without a unit", appointed("p07", leader=True), [*tasks(4), ("1/12", unit_result())],
     "can_xem_xet", "4c"),
    ("cán bộ is a leader", appointed("p07", category="can_bo"), tasks(4), "can_xem_xet", "4c"),
    ("a unit result is nothing to who leads none", None, [*tasks(4), ("1/12", unit_result(completed=0))], "tot", "6"),
    ("leader mostly failed, no unit result", LEADER, tasks(1, late=2), "khong_hoan_thanh", "4b"),
    ("leader without tasks, with an excellent unit", LEADER, [("1/12", unit_result(), ALL_GOOD)], "xuat_sac", "5"),
    ("0 targets count as not recorded", LEADER,
     [*tasks(4), ("1/12", unit_result(targets=0, completed=0, corruption=True))], "can_xem_xet", "4c"),
    ("corruption in the unit", LEADER, [*tasks(4), ("1/12", unit_result(corruption=True))], "khong_hoan_thanh", "2"),
    ("unit under 50 %", LEADER, [*tasks(4), ("1/12", unit_result(completed=4))], "khong_hoan_thanh", "4a"),
    ("unit exactly 50 %", LEADER, [*tasks(4), ("1/12", unit_result(completed=5))], "can_xem_xet", "8"),
    ("unit exactly 70 %", LEADER, [*tasks(4), ("1/12", unit_result(completed=7))], "can_xem_xet", "8"),
    ("unit over 70 %", LEADER, [*tasks(4), ("1/12", unit_result(completed=8))], "hoan_thanh", "7"),
    ("unit over 70 %, units exactly 70 %", LEADER,
     [*tasks(4), ("1/12", unit_result(completed=8, units_hoan_thanh=7))], "hoan_thanh", "7"),
    ("unit over 70 %, units under 70 %", LEADER,
     [*tasks(4), ("1/12", unit_result(completed=8, units_hoan_thanh=6))], "can_xem_xet", "8"),
    ("leader: unit excellent", LEADER, [*tasks(4), ("1/12", unit_result(), ALL_GOOD)], "xuat_sac", "5"),
    ("leader: exceeded under 50 %", LEADER, [*tasks(4, exceeded=4), ("1/12", unit_result(exceeded=4), ALL_GOOD)],
     "tot", "6"),
    ("leader: criteria not all tốt", LEADER, [*tasks(4), ("1/12", unit_result())], "tot", "6"),
    ("leader: exactly 80 % on time", LEADER, [*tasks(4), ("1/12", unit_result(on_time_quality=8))], "tot", "6"),
    ("leader: under 80 % on time", LEADER, [*tasks(4), ("1/12", unit_result(on_time_quality=7))], "hoan_thanh", "7"),
    ("leader: one unit below hoàn thành", LEADER,
     [*tasks(4), ("1/12", unit_result(units_hoan_thanh=9), ALL_GOOD)], "hoan_thanh", "7"),
    ("leader: units tốt under 70 %", LEADER,
     [*tasks(4), ("1/12", unit_result(units_tot=6), ALL_GOOD)], "hoan_thanh", "7"),
    ("leader: 0 units are fulfilled", LEADER,
     [*tasks(4), ("1/12", unit_result(units=0, units_hoan_thanh=0, units_tot=0), ALL_GOOD)], "xuat_sac", "5"),
    ("leader: one target missing", LEADER,
     [*tasks(4), ("1/12", unit_result(completed=9), ALL_GOOD)], "hoan_thanh", "7"),
    ("leader: own task late", LEADER, [*tasks(4, late=1), ("1/12", unit_result(), ALL_GOOD)], "hoan_thanh", "7"),
    ("leader: the last unit result counts", LEADER,
     [*tasks(4), ("1/12", unit_result(completed=4)), ("2/12", unit_result())], "tot", "6"),
    ("leader: a result of another unit does not count", LEADER,
     [*tasks(4), ("1/12", unit_result("vh"))], "can_xem_xet", "4c"),
    # not in post
    ("left before the cut-off", None, [*tasks(4), ("1/9", left("p07", "9/12"))], "khong_xep_loai", "0"),
    ("last day on the cut-off", None, [*tasks(4), ("1/9", left("p07", "10/12"))], "tot", "6"),
    ("left and came back", None,
     [*tasks(4), ("1/9", left("p07", "31/8")), ("1/10", appointed("p07", since="1/10"))], "tot", "6"),
    ("the date of leaving corrected", None,
     [*tasks(4), ("1/9", left("p07", "31/8")), ("2/9", left("p07", "31/12"))], "tot", "6"),
    ("left, disciplined: not rated here all the same", None,
     [*tasks(1, late=2), ("1/9", disciplined("p07", "1/9"), left("p07", "9/9"))], "khong_xep_loai", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("person", "days", "level", "rule"), [pytest.param(*case, id=name) for name, *case in LEVELS])
def test_the_first_rule_that_applies_decides(person: Any, days: Days, level: str, rule: str) -> None:
    found = rated(*days, person=person)
    assert (found.level, rule_of(found)) == (level, rule)


class TestTimeWorked:
    """2024 has 366 days; 6 months are 180 days, 3 months 90."""

    @pytest.mark.parametrize(("since", "worked", "level"), [("5/7", 180, "tot"), ("6/7", 179, "khong_xep_loai")])
    def test_days_employed(self, since: str, worked: int, level: str) -> None:
        found = rated(*tasks(3), person=appointed("p07", since=since))
        assert (found.figures["days_worked"], found.level) == (worked, level)

    def test_service_from_counts_the_time_in_another_agency(self) -> None:
        found = rated(*tasks(3), person=appointed("p07", since="1/10", service_from="1/1/2015"))
        assert found.figures["days_worked"] == 366

    def test_service_from_may_be_recorded_later(self) -> None:
        found = rated(
            *tasks(3), ("1/11", changed("p07", "1/11", service_from=day("1/2"))), person=appointed("p07", since="1/10")
        )
        assert found.figures["days_worked"] == 366 - 31

    def test_a_new_post_does_not_take_away_the_time_in_another_agency(self) -> None:
        found = rated(
            ("1/10", appointed("p07", since="1/10")), person=appointed("p07", since="1/9", service_from="1/1/2015")
        )
        assert found.figures["days_worked"] == 366

    def test_service_from_of_a_post_that_begins_after_the_cut_off_does_not_count_yet(self) -> None:
        """Attributes are those in force, by `valid_from`, on min(A, cut(Y)): service_from is one of them."""
        days = [*tasks(3), ("1/12", appointed("p07", since="11/12", service_from="1/1/2015"))]
        found = rated(*days, person=appointed("p07", since="1/9"))
        assert (found.figures["days_worked"], found.level) == (122, "khong_xep_loai")

    def test_who_is_yet_to_come_has_the_attributes_of_the_first_appointment_and_no_service_before_it(self) -> None:
        days = [("2/1", changed("p07", "1/6", category="can_bo"))]
        found = rated(*days, person=appointed("p07", since="1/6", service_from="1/2"), on="31/5")
        assert (found.figures["days_worked"], found.category, found.level) == (214, "cong_chuc", "khong_xep_loai")

    def test_two_stays_are_added(self) -> None:
        found = rated(("1/2", left("p07", "31/1")), ("1/12", appointed("p07", since="1/12")))
        assert found.figures["days_worked"] == 31 + 31

    def test_a_departure_ends_the_earlier_appointments_too(self) -> None:
        found = rated(("1/9", appointed("p07", since="1/9")), ("20/9", left("p07", "30/9")))
        assert found.figures["days_worked"] == 274

    @pytest.mark.parametrize("end", ["28/6", None])
    def test_absence_leaves_fewer_days_and_an_open_end_runs_to_the_last_of_december(self, end: str | None) -> None:
        found = rated(*tasks(3), ("20/6", absent("p07", "1/4" if end else "29/6", end)))
        assert (found.figures["days_absent"], found.figures["days_worked"]) == ((89, 277) if end else (186, 180))

    @pytest.mark.parametrize(("end", "absent_days", "level"), [("28/6", 89, "tot"), ("29/6", 90, "hoan_thanh")])
    def test_three_months_of_absence_cap_the_level(self, end: str, absent_days: int, level: str) -> None:
        found = rated(*tasks(3), ("20/6", absent("p07", "1/4", end)))
        assert (found.figures["days_absent"], found.level) == (absent_days, level)

    def test_the_cap_takes_xuat_sac_too_and_is_a_step(self) -> None:
        found = rated(*tasks(3, exceeded=3), ("1/12", common(), absent("p07", "1/4", "30/6", kind="other")))
        assert found.level == "hoan_thanh"
        assert [(step.rule, step.level) for step in found.steps if step.applies] == [
            ("5", "xuat_sac"),
            ("9", "hoan_thanh"),
        ]

    def test_the_cap_raises_nobody(self) -> None:
        found = rated(*tasks(1, late=2), ("1/12", absent("p07", "1/4", "30/6")))
        assert found.level == "khong_hoan_thanh"

    def test_protected_absence_counts_as_worked(self) -> None:
        found = rated(*tasks(3), ("20/6", absent("p07", "1/1", kind="protected")))
        assert (found.figures["days_absent"], found.figures["days_worked"], found.level) == (0, 366, "tot")

    def test_overlapping_absences_count_each_day_once(self) -> None:
        found = rated(
            *tasks(3),
            ("20/6", absent("p07", "1/4", "30/4", absence="a1"), absent("p07", "21/4", "10/5", absence="a2")),
        )
        assert found.figures["days_absent"] == 40

    def test_a_day_of_protected_and_other_absence_is_a_day_of_absence(self) -> None:
        found = rated(
            ("20/6", absent("p07", "1/4", "30/4", absence="a1"), absent("p07", "1/4", kind="protected", absence="a2"))
        )
        assert found.figures["days_absent"] == 30

    def test_the_same_absence_again_replaces_the_first(self) -> None:
        found = rated(*tasks(3), ("20/6", absent("p07", "1/1")), ("21/6", absent("p07", "1/4", "10/4")))
        assert found.figures["days_absent"] == 10

    def test_only_employed_days_are_days_of_absence(self) -> None:
        found = rated(("20/6", absent("p07", "1/12/2023", "10/1")), person=appointed("p07", since="6/1"))
        assert found.figures["days_absent"] == 5

    def test_the_settings_move_the_borders(self) -> None:
        found = rated(*tasks(3), ("1/8", settings(days_6_months=200)), person=appointed("p07", since="1/7"))
        assert found.level == "khong_xep_loai"


class TestAttributes:
    """Attributes are those in force, by `valid_from`, on min(A, cut(Y))."""

    def test_a_change_from_the_cut_off_on_counts_and_one_after_does_not(self) -> None:
        for since, post in (("10/12", "Phó phòng"), ("11/12", "Công chức Văn phòng - Thống kê")):
            assert rated(("1/6", changed("p07", since, post=post))).post == post

    def test_what_a_change_leaves_out_stays_and_null_clears(self) -> None:
        found = rated(
            ("1/6", changed("p07", "1/6", leads_unit="xa", similar_group="nhom-1")),
            ("1/7", changed("p07", "1/7", leads_unit=None)),
        )
        assert (found.leads_unit, found.similar_group) == (None, "nhom-1")

    def test_changes_apply_by_their_date_not_their_recording(self) -> None:
        found = rated(("1/6", changed("p07", "1/9", unit="b")), ("1/7", changed("p07", "1/8", unit="a")))
        assert found.unit == "b"

    def test_a_new_appointment_replaces_them_all(self) -> None:
        found = rated(
            ("1/6", changed("p07", "1/6", similar_group="nhom-1", leads_unit="xa")),
            ("1/9", appointed("p07", since="1/9", category="can_bo")),
        )
        assert (found.category, found.similar_group, found.leads_unit) == ("can_bo", None, None)

    def test_a_change_of_the_same_day_counts_only_when_recorded_after_the_appointment(self) -> None:
        before, after = changed("p07", "1/9", unit="b"), changed("p07", "1/9", similar_group="nhom-1")
        found = rated(("1/6", before), ("2/6", appointed("p07", since="1/9", unit="a")), ("3/6", after))
        assert (found.unit, found.similar_group) == ("a", "nhom-1")

    def test_an_appointment_to_come_does_not_count_yet(self) -> None:
        days = [("1/6", appointed("p07", since="1/9", category="can_bo"))]
        assert rated(*days, on="31/8").category == "cong_chuc"
        assert rated(*days, on="1/9").category == "can_bo"

    def test_a_change_behind_a_departure_recorded_later_has_no_effect(self) -> None:
        found = rated(("1/8", changed("p07", "10/9", category="can_bo")), ("2/8", left("p07", "31/8")))
        assert (found.in_post, found.category) == (False, "cong_chuc")

    def test_who_left_keeps_the_last_post_on_the_sheet(self) -> None:
        found = rated(("1/9", left("p07", "31/8")))
        assert (found.in_post, found.post, found.level) == (False, "Công chức Văn phòng - Thống kê", "khong_xep_loai")


def test_figures_are_computed_also_for_who_is_not_rated() -> None:
    found = rated(*tasks(3, late=1), person=appointed("p07", since="1/8"))
    assert (found.level, found.figures["n"], found.figures["late"], found.shown["f"]) == (
        "khong_xep_loai",
        4,
        1,
        "25,00 %",
    )


def test_the_sheet_says_what_is_missing() -> None:
    found = rated(*tasks(3), ("1/12", common(k1="tot", k2="tot", k4="tot")), person=LEADER)
    assert [missing.code for missing in found.missing] == ["common-criteria", "unit-result"]
    assert found.missing[0].text == "Tiêu chí chung k3 chưa được xác nhận, tạm tính là đáp ứng"


def test_each_step_names_its_article_and_values() -> None:
    steps = {step.rule: step for step in rated(*tasks(1), person=appointed("p07", category="can_bo")).steps}
    assert list(steps) == ["0", "1", "2", "3", "4a", "4b", "4c"]
    assert steps["4b"].article == "NĐ 90/2020 Đ7"
    assert steps["4b"].values == {"f": "0", "n": "1", "min_tasks": "3"}
