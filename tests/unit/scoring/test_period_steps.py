"""Each step of a period under nd335: given what is recorded, when somebody asks, then what follows or why not."""

from typing import Any

import pytest

from services.scoring.domain import periods
from services.scoring.domain.procedure.periods import (
    AssessPeriod,
    ClosePeriod,
    ReceivePeriodResult,
    RecordLeaderCriteria,
    ReopenPeriod,
)
from services.scoring.domain.procedure.proposal import ProposeOne
from services.scoring.domain.sheet import sheet
from services.scoring.domain.table import Quota, table
from shared import events as ev
from tests.support.histories import (
    COMMUNE,
    FULL,
    History,
    appointed,
    assigned,
    completed,
    day,
    leader_criteria,
    left,
    opened,
    period_closed,
    period_common,
    period_received,
    period_reopened,
    reported,
    rule_set_chosen,
    settings,
    unit_result,
)
from tests.unit.scoring.test_procedure import PINS, Spec

MARCH = "5/3/2026"


def begun() -> History:
    """A leader (p05) with one person to track (p07), the Office, the Chairman under nd90, and contract staff."""
    return (
        History()
        .record("1/1/2026", opened())
        .record(
            "1/1/2026",
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external"),
            appointed("p05", leader=True, tracker="p01"),
            appointed("p14", roles=["office", "staff"], tracker="p05"),
            appointed("p07", tracker="p05"),
            appointed("p30", category="hop_dong", tracker="p05"),
        )
        .record("5/1/2026", assigned("t1", due="20/1/2026"), assigned("t2", due="20/2/2026"))
        .record("15/1/2026", reported("t1", "15/1/2026"), completed("t1", "15/1/2026"))
        .record("16/2/2026", reported("t2", "16/2/2026"), completed("t2", "16/2/2026"))
    )


def given(*events: Any, actor: str = "p14", today: str = MARCH) -> Spec:
    """The Office typing in March, with p07's January and February done; `events` were recorded in February."""
    return Spec(begun().record("17/2/2026", *events)).by(actor).on(today)


def points(period: str = "2026-01", **more: Any) -> AssessPeriod:
    said: dict[str, Any] = {"staff": "p07", "items": dict(FULL), "stage": "confirmed", "by": "p05"}
    return AssessPeriod(year=2026, period=period, **said | more)


def criteria(**more: Any) -> RecordLeaderCriteria:
    reasons = {"d": "Cấp dưới đều đạt", "dd": "Điều hành tốt", "e": "Đoàn kết"}
    said: dict[str, Any] = {"staff": "p05", "d": 100, "dd": 50, "e": 100, "reasons": reasons, "by": "p01"}
    return RecordLeaderCriteria(year=2026, period="2026-01", **said | more)


def received(**more: Any) -> ReceivePeriodResult:
    said: dict[str, Any] = {"staff": "p09", "period": "2026-01", "score": "88.5", "from_": "Xã cũ", "by": "p14"}
    said |= {"document": "15/BC-UBND", "document_date": day("5/2/2026"), "document_sha256": "d" * 64}
    return ReceivePeriodResult(year=2026, **said | more)


def close(period: str = "2026-01", *staff: str, by: str = "p14") -> ClosePeriod:
    return ClosePeriod(period=period, by=by, staff=list(staff) or None)


def closed(period: str, *staff: str) -> ev.PeriodClosed:
    return period_closed(period, begun(), "17/2/2026", *staff)


class TestPoints:
    def test_are_scored_by_oneself_and_confirmed_by_the_tracker(self) -> None:
        given(actor="p07").when(points(stage="self", by="p07")).then(ev.CommonAssessed)
        [event] = given(actor="p05").when(points()).then(ev.CommonAssessed).events
        assert (event.period, event.items) == ("2026-01", FULL)

    @pytest.mark.parametrize("value", ["0", "2.5", "5/2"])
    def test_are_exact(self, value: str) -> None:
        given().when(points(items={"II.1": value})).then(ev.CommonAssessed)

    @pytest.mark.parametrize(
        ("code", "actor", "more"),
        [
            ("period-criteria", "p05", {"items": {}}),
            ("period-criteria", "p05", {"items": {"k1": "tot"}}),
            ("period-criteria", "p05", {"items": FULL | {"II.5": "1"}}),
            ("points-out-of-range", "p05", {"items": {"I.1": "5.1"}}),
            ("points-out-of-range", "p05", {"items": {"III.4": "2.6"}}),
            ("not-a-number", "p05", {"items": {"I.1": "-1"}}),
            ("not-a-number", "p05", {"items": {"I.1": "4,5"}}),
            ("not-a-number", "p05", {"items": {"I.1": "1/0"}}),
            ("not-a-number", "p05", {"items": {"I.1": "4.5\n"}}),
            ("not-a-number", "p05", {"items": {"I.1": "٤"}}),
            ("not-a-number", "p05", {"items": {"I.1": "0." + "1" * 5000}}),
            ("self-assessment-by-another", "p05", {"stage": "self"}),
            ("acts-for-another", "p05", {"stage": "self", "by": "p07"}),
            ("neither-tracker-nor-rater", "p30", {"by": "p30"}),
            ("rates-oneself", "p07", {"by": "p07"}),
            ("rates-oneself", "p14", {"staff": "p14"}),
            ("no-periods", "p14", {"staff": "p01", "by": "external"}),
            ("no-periods", "p05", {"staff": "p30"}),
            ("staff-unknown", "p05", {"staff": "p99"}),
        ],
    )
    def test_refusals(self, code: str, actor: str, more: dict[str, Any]) -> None:
        given(actor=actor).when(points(**more)).then_refused(code)

    def test_a_closed_period_takes_none_until_it_is_reopened(self) -> None:
        spec = given(closed("2026-01"), actor="p05").when(points())
        spec.then_refused("period-closed")
        given(closed("2026-01"), period_reopened("2026-01"), actor="p05").when(points()).then(ev.CommonAssessed)


class TestLeaderCriteria:
    def test_are_recorded_by_the_rater_each_with_its_reason(self) -> None:
        [event] = given(actor="p01").when(criteria()).then(ev.LeaderCriteriaRecorded).events
        assert (event.d, event.dd, event.e) == (100, 50, 100)

    @pytest.mark.parametrize(
        ("code", "actor", "more"),
        [
            ("leader-reasons", "p01", {"reasons": {"d": "Đạt", "e": "Đạt"}}),
            ("leader-reasons", "p01", {"reasons": {"d": "Đạt", "dd": " ", "e": "Đạt"}}),
            ("leader-reasons", "p01", {"reasons": {"d": "Đạt", "dd": "Đạt", "e": "Đạt", "f": "Thừa"}}),
            ("not-a-leader", "p01", {"staff": "p07"}),
            ("not-the-rater", "p14", {"by": "p14"}),
            ("acts-for-another", "p07", {}),
            ("rates-oneself", "p05", {"by": "p05"}),
            ("no-periods", "p14", {"staff": "p01", "by": "external"}),
        ],
    )
    def test_refusals(self, code: str, actor: str, more: dict[str, Any]) -> None:
        given(actor=actor).when(criteria(**more)).then_refused(code)

    def test_a_closed_period_takes_none(self) -> None:
        given(closed("2026-01", "p05"), actor="p01").when(criteria()).then_refused("period-closed")


class TestFormerAgency:
    arrived = appointed("p09", since="2/1/2026", tracker="p05")

    def test_its_score_is_recorded_by_the_office(self) -> None:
        [event] = given(self.arrived).when(received()).then(ev.PeriodResultReceived).events
        assert (event.score, event.from_) == ("88.5", "Xã cũ")

    @pytest.mark.parametrize(
        ("code", "actor", "more"),
        [
            ("score-out-of-range", "p14", {"score": "100.01"}),
            ("not-a-number", "p14", {"score": "tám mươi"}),
            ("office-only", "p01", {"by": "p01"}),
            ("outside-document-required", "p14", {"document_sha256": None}),
            ("acts-for-another", "p05", {}),
            ("rates-oneself", "p14", {"staff": "p14"}),
            ("period-begun-here", "p14", {"staff": "p07"}),
            ("period-begun-here", "p14", {"period": "2026-02"}),
            ("period-not-begun", "p14", {"period": "2026-04"}),
            ("period-of-another-year", "p14", {"period": "2025-12"}),
            ("period-kind", "p14", {"period": "2026-Q1"}),
            ("period-unknown", "p14", {"period": "2026-1"}),
            ("period-unknown", "p14", {"period": "٢٠٢٦-٠١"}),
        ],
    )
    def test_refusals(self, code: str, actor: str, more: dict[str, Any]) -> None:
        given(self.arrived, actor=actor).when(received(**more)).then_refused(code)


class TestClosing:
    def test_pins_what_it_is_computed_from(self) -> None:
        decision = given(period_common("2026-01")).when(close("2026-01", "p07")).then(ev.PeriodClosed)
        [event] = decision.events
        assert (event.staff, event.closed_on, event.inputs) == (["p07"], day(MARCH), PINS)
        assert decision.result == {"period": "2026-01", "staff": ["p07"]}

    def test_is_for_everyone_for_whom_it_is_open(self) -> None:
        recorded = (period_common("2026-01"), closed("2026-01", "p05"))
        [event] = given(*recorded).when(close()).then(ev.PeriodClosed).events
        assert event.staff == ["p07", "p14"]  # who had nothing to do has no score, and is closed all the same

    def test_passes_over_who_was_absent_or_scored_elsewhere(self) -> None:
        recorded = (
            period_common("2026-01"),
            closed("2026-01", "p05", "p14"),
            appointed("p08", since="1/2/2026", tracker="p05"),
            appointed("p09", since="1/2/2026", tracker="p05"),
            period_received("2026-01", "80", "p09"),
        )
        [event] = given(*recorded).when(close()).then(ev.PeriodClosed).events
        assert event.staff == ["p07"]

    def test_is_of_a_quarter_where_the_year_is_tracked_so(self) -> None:
        recorded = (settings(2026, period="quarter"), period_common("2026-Q1"))
        spec = given(*recorded, today="2/4/2026").when(close("2026-Q1", "p07"))
        [event] = spec.then(ev.PeriodClosed).events
        assert event.period == "2026-Q1"
        spec.when(close("2026-03", "p07")).then_refused("period-kind")

    @pytest.mark.parametrize(
        ("code", "recorded", "command"),
        [
            ("criteria-missing", (), close("2026-01", "p07")),
            ("criteria-missing", (period_common("2026-01", stage="self"),), close("2026-01", "p07")),
            ("earlier-period-open", (period_common("2026-02"),), close("2026-02", "p07")),
            ("period-closed", (closed("2026-01"),), close("2026-01", "p07")),
            ("no-periods", (), close("2026-01", "p01", "p07")),
            ("no-periods", (), close("2026-01", "p30")),
            ("no-periods", (), close("2026-01", "p99")),
            ("nothing-to-close", (closed("2026-01", "p05", "p07", "p14"),), close("2026-01")),
            ("period-not-over", (), close("2026-03", "p07")),
            ("period-kind", (), close("2026-Q1", "p07")),
            ("period-unknown", (), close("2026-00", "p07")),
            ("period-unknown", (), close("0000-01", "p07")),
            ("period-unknown", (), close("9999-12", "p07")),
            ("chair-or-office-only", (), close("2026-01", "p07", by="p05")),
        ],
    )
    def test_refusals(self, code: str, recorded: tuple[Any, ...], command: ClosePeriod) -> None:
        given(*recorded).when(command).then_refused(code)

    def test_waits_for_a_leaders_criteria(self) -> None:
        led = (
            assigned("t3", lead="p05", due="18/2/2026"),
            reported("t3", "17/2/2026"),
            completed("t3", "17/2/2026"),
            period_common("2026-02", staff="p05"),
            closed("2026-01", "p05"),
        )
        command = close("2026-02", "p05")
        given(*led).when(command).then_refused("criteria-missing")
        given(*led, leader_criteria("2026-02", "p05")).when(command).then(ev.PeriodClosed)

    def test_waits_for_a_result_to_be_answered(self) -> None:
        waits = (period_common("2026-01"), assigned("t3", due="25/2/2026"), reported("t3", "17/2/2026"))
        given(*waits).when(close("2026-01", "p07")).then_refused("result-waits")

    def test_is_done_for_who_left_during_the_year_too(self) -> None:
        recorded = (period_common("2026-01"), left("p07", "17/2/2026"))
        given(*recorded).when(close("2026-01", "p07")).then(ev.PeriodClosed)

    def test_the_table_of_the_period_says_what_stands_against_it(self) -> None:
        spec = given(closed("2026-01", "p14"), period_common("2026-02"))
        month = periods.tracked(spec.history.records(), "2026-02")
        found = {line.staff: line for line in periods.lines(spec.history.records(), month, day(MARCH))}
        assert found.keys() == {"p05", "p07", "p14"}
        assert (found["p07"].against, found["p07"].open_before) == (["earlier-period-open"], ["2026-01"])
        assert (found["p07"].score, found["p07"].shown, found["p07"].closed_on) == ("100", "100,00", None)
        assert (found["p14"].left_out, found["p14"].against) == ("no_data", [])


class TestRuleSets:
    def test_contract_staff_has_periods_once_nd335_was_chosen_for_it(self) -> None:
        chosen = rule_set_chosen("nd335", "hop_dong", 2026)
        given(chosen, actor="p05").when(points(staff="p30")).then(ev.CommonAssessed)

    def test_nothing_is_proposed_by_a_version_that_is_not_installed(self) -> None:
        chosen = ev.RuleSetChosen(
            year=2026, category="cong_chuc", rule_set="nd335", rule_set_sha256="f" * 64, by="p01", reason="Bản của tỉnh"
        )
        command = ProposeOne(year=2026, by="p14", staff="p07")
        given(chosen).when(command).then_refused("rule-set-not-installed")


class TestReopening:
    def test_a_reopened_period_is_computed_from_what_is_known_now(self) -> None:
        of = begun().record("17/2/2026", period_common("2026-01", "10"))
        of.record("18/2/2026", period_closed("2026-01", of, "18/2/2026"))
        of.record("19/2/2026", period_common("2026-01", "20"))
        assert sheet(of.records(), 2026, "p07", on=day(MARCH)).figures["2026-01.score"] == "80"
        command = ReopenPeriod(period="2026-01", by="p01", reason="Chấm nhầm", staff=["p07"])
        [event] = Spec(of).by("p01").on(MARCH).when(command).then(ev.PeriodReopened).events
        assert sheet(of.record(MARCH, event).records(), 2026, "p07", on=day(MARCH)).figures["2026-01.score"] == "90"


class TestTable:
    """One xuất sắc among five: 20 % of four tốt is none, 25 % is one (Đ20 k5)."""

    def at_years_end(self, *more: Any) -> tuple[Any, Quota]:
        of = begun()
        for number in range(4):
            of.record("17/2/2026", appointed(f"q{number}", tracker="p05"))
            of.record("17/2/2026", assigned(f"u{number}", lead=f"q{number}", due="20/2/2026"))
            of.record("17/2/2026", reported(f"u{number}", "17/2/2026"), completed(f"u{number}", "17/2/2026"))
            of.record("17/2/2026", period_common("2026-02", "15", f"q{number}"))
        of.record("17/2/2026", period_common("2026-02", "28"), *more)
        found = table(of.records(), 2026, day("31/12/2026"))
        return {row.staff: row for row in found.rows}, next(each for each in found.quotas if each.scope == "agency")

    def test_a_row_shows_points_and_level(self) -> None:
        rows, _ = self.at_years_end()
        assert (rows["p07"].rule_set, rows["p07"].level) == ("nd335", "xuat_sac")
        assert (rows["p07"].figures["score"], rows["p07"].shown["score"]) == ("98", "98,00")
        assert (rows["q0"].level, rows["q0"].shown["2026-02.score"]) == ("tot", "85,00")
        assert any("Tháng 1/2026" in text for text in rows["p07"].missing)
        assert (rows["p01"].rule_set, rows["p30"].rule_set) == ("nd90", "none")

    def test_the_quota_is_a_fifth(self) -> None:
        rows, quota = self.at_years_end()
        assert (quota.percent, quota.tot, quota.limit, quota.excess) == (20, 4, 0, 1)
        assert (quota.candidates, rows["p07"].over_quota) == (["p07"], ["agency", "cong_chuc"])

    def test_the_quota_is_a_quarter_where_the_commune_was_outstanding(self) -> None:
        rows, quota = self.at_years_end(unit_result(COMMUNE, 2026, outstanding=True))
        assert (quota.percent, quota.limit, quota.excess, rows["p07"].over_quota) == (25, 1, 0, [])
