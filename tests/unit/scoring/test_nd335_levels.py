"""Levels of a year under nd335: thresholds, what decides before them, the head's cap, and picked rule sets."""

import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import services
from services.scoring.domain import rules, texts
from services.scoring.domain.sheet import Sheet, explain, sheet, sheet_bytes, sheets
from shared import events as ev
from tests.support.histories import (
    History,
    absent,
    appointed,
    assigned,
    changed,
    completed,
    day,
    leader_criteria,
    left,
    period_closed,
    period_common,
    period_received,
    reported,
    rule_set_chosen,
    settings,
    unit_defined,
    unit_result,
)


def rated(common: str, *events: Any, on: str = "31/12/2026", year: int = 2026, **person: Any) -> Sheet:
    """A year with one month that counts: all done in time, so 70 points and those of the common criteria."""
    history = History().record("1/1/2026", appointed("p07", **person))
    history.record("1/6/2026", assigned("t1", due="20/6/2026"), reported("t1", "1/6/2026"), completed("t1", "1/6/2026"))
    history.record("1/7/2026", period_common("2026-06", common), leader_criteria("2026-06"), *events)
    return sheet(history.records(on), year, "p07", on=day(on))


def scored(score: str, *events: Any, **person: Any) -> Sheet:
    """A year whose only score came from a former agency."""
    history = History().record("1/1/2026", appointed("p07", **person))
    history.record("1/7/2026", period_received("2026-06", score), *events)
    return sheet(history.records(), 2026, "p07", on=day("31/12/2026"))


def rule_of(found: Sheet) -> str:
    return next(step.rule for step in found.steps if step.applies)


def act(decided: str = "1/6/2026", done: str = "1/5/2026", **fields: Any) -> ev.StaffDisciplined:
    given: dict[str, Any] = {"public_duty": True, "degradation": False} | fields
    return ev.StaffDisciplined(
        staff="p07",
        act="h1",
        act_date=day(done),
        decision_date=day(decided),
        of="administration",
        form="khien_trach",
        **given,
    )


@pytest.mark.parametrize(
    ("score", "level"),
    [
        ("100", "xuat_sac"),
        ("90", "xuat_sac"),
        ("89.999", "tot"),
        ("70", "tot"),
        ("69.999", "hoan_thanh"),
        ("50", "hoan_thanh"),
        ("49.999", "khong_hoan_thanh"),
        ("0", "khong_hoan_thanh"),
    ],
)
def test_the_exact_score_gives_the_level(score: str, level: str) -> None:
    found = scored(score)
    assert (found.level, rule_of(found)) == (level, "4")


class TestBeforeTheScore:
    def test_not_in_post_at_the_cut_off_comes_first(self) -> None:
        found = rated("30", left("p07", "9/12/2026"), act())
        assert (found.level, rule_of(found), found.figures["2026-06.score"]) == ("khong_xep_loai", "0", "100")

    @pytest.mark.parametrize(("since", "level"), [("5/7/2026", "khong_hoan_thanh"), ("6/7/2026", "khong_xep_loai")])
    def test_180_days_worked(self, since: str, level: str) -> None:
        history = History().record("1/7/2026", appointed("p07", since=since), period_received("2026-07", "20"))
        assert sheet(history.records(), 2026, "p07", on=day("31/12/2026")).level == level

    @pytest.mark.parametrize(
        ("kind", "level", "days"),
        [
            ("insured", "xuat_sac", 0),
            ("protected", "xuat_sac", 0),
            ("unpaid", "khong_xep_loai", 200),
            ("other", "khong_xep_loai", 200),
        ],
    )
    def test_absence_by_its_kind(self, kind: str, level: str, days: int) -> None:
        found = scored("95", absent("p07", "1/1/2026", "19/7/2026", kind=kind))
        assert (found.level, found.figures["days_absent"]) == (level, days)

    def test_three_months_of_absence_cap_nothing(self) -> None:
        assert scored("95", absent("p07", "1/1/2026", "30/4/2026", kind="unpaid")).level == "xuat_sac"

    @pytest.mark.parametrize(
        ("of_the_act", "level"),
        [
            ({}, "khong_hoan_thanh"),
            ({"public_duty": False, "degradation": True}, "khong_hoan_thanh"),
            ({"public_duty": False}, "xuat_sac"),
            ({"done": "31/12/2019"}, "xuat_sac"),
            ({"decided": "1/6/2025"}, "xuat_sac"),
            ({"used_in_year": 2025}, "xuat_sac"),
            ({"decided": "1/6/2025", "used_in_year": 2026}, "khong_hoan_thanh"),
        ],
        ids=["in public duty", "degradation", "neither", "before the post here", "of 2025", "used in 2025", "used now"],
    )
    def test_an_act_decides(self, of_the_act: dict[str, Any], level: str) -> None:
        assert scored("95", act(**of_the_act)).level == level

    @pytest.mark.parametrize(
        ("first", "last", "level"),
        [("1/5/2026", "1/5/2019", "xuat_sac"), ("1/5/2019", "1/5/2026", "khong_hoan_thanh")],
    )
    def test_an_act_of_two_decisions_has_the_day_recorded_last(self, first: str, last: str, level: str) -> None:
        """Public duty counts as soon as one of them says so: a Party decision may not."""
        assert scored("95", act(done=first), act(done=last, public_duty=False)).level == level

    def test_an_act_that_does_not_decide_is_listed(self) -> None:
        found = scored("95", act(public_duty=False))
        assert found.figures["discipline"] == 1
        assert [event.what for event in explain(found, "discipline").events] == ["disciplined"]

    @pytest.mark.parametrize(
        ("leader", "figures", "level"),
        [
            (True, {"corruption": True}, "khong_hoan_thanh"),
            (False, {"corruption": True}, "xuat_sac"),
            (True, {}, "xuat_sac"),
            (True, {"corruption": True, "targets": 0}, "xuat_sac"),
        ],
    )
    def test_corruption_in_a_leaders_unit(self, leader: bool, figures: dict[str, Any], level: str) -> None:
        found = rated("30", unit_result("xa", 2026, **figures), leader=leader, leads_unit="xa")
        assert (found.level, "unit-targets" in [each.code for each in found.missing]) == (level, "targets" in figures)

    def test_a_leaders_poor_unit_does_not_decide(self) -> None:
        assert rated("30", unit_result("xa", 2026, completed=0), leader=True, leads_unit="xa").level == "xuat_sac"

    def test_no_score_in_any_period(self) -> None:
        history = History().record("1/1/2026", appointed("p07"))
        found = sheet(history.records(), 2026, "p07", on=day("31/12/2026"))
        assert (found.level, rule_of(found), len(found.missing)) == ("chua_du_du_lieu", "3", 12)


class TestHead:
    @pytest.mark.parametrize(
        ("unit", "level"),
        [("xuat_sac", "xuat_sac"), ("tot", "tot"), ("khong_hoan_thanh", "khong_hoan_thanh"), (None, "xuat_sac")],
    )
    def test_at_most_the_level_of_the_unit(self, unit: str | None, level: str) -> None:
        found = scored("95", unit_defined("vp", "p07"), unit_result("vp", 2026, level=unit))
        assert found.level == level
        assert ("unit-level" in [each.code for each in found.missing]) == (unit is None)
        assert [step.rule for step in found.steps if step.applies] == (["4"] if level == "xuat_sac" else ["4", "5"])

    def test_a_better_unit_lifts_nobody(self) -> None:
        assert scored("60", unit_defined("vp", "p07"), unit_result("vp", 2026, level="tot")).level == "hoan_thanh"

    def test_of_two_units_the_lower_one_caps(self) -> None:
        events = [unit_defined(unit, "p07") for unit in ("vp", "kt")]
        results = unit_result("vp", 2026, level="tot"), unit_result("kt", 2026, level="hoan_thanh")
        assert scored("95", *events, *results).level == "hoan_thanh"

    @pytest.mark.parametrize(
        "definition",
        [
            unit_defined("vp", "p08"),
            unit_defined("vp", "p07", until="9/12/2026"),
            unit_defined("vp", "p07", since="11/12/2026"),
        ],
        ids=["another", "until before the cut-off", "since behind the cut-off"],
    )
    def test_who_is_not_the_head_at_the_cut_off_is_not_capped(self, definition: Any) -> None:
        assert scored("95", definition, unit_result("vp", 2026, level="tot")).level == "xuat_sac"

    def test_to_lead_a_unit_is_not_to_head_it(self) -> None:
        assert rated("30", unit_result("vp", 2026, level="tot"), leader=True, leads_unit="vp").level == "xuat_sac"


class TestPicked:
    def test_a_choice_for_contracts_is_told_with_its_reason_and_event(self) -> None:
        found = rated("30", rule_set_chosen("nd335", "hop_dong", 2026), category="hop_dong")
        assert (found.rule_set, found.level) == ("nd335", "xuat_sac")
        first = found.steps[0]
        assert (first.rule, first.values["by_law"], first.applies) == ("rule_set", "none", False)
        assert "Theo quy chế của xã" in first.text
        assert [event.what for event in found.because["rule_set"]] == ["rule_set"]

    def test_nobody_is_picked_for_by_the_choice_of_another_category_or_year(self) -> None:
        of_category = rated("30", rule_set_chosen("nd335", "hop_dong", 2026), category="truong_thon")
        of_year = rated("30", rule_set_chosen("nd335", "truong_thon", 2027), category="truong_thon")
        assert [found.rule_set for found in (of_category, of_year)] == ["none", "none"]

    def test_civil_servants_may_be_rated_by_nd90_again(self) -> None:
        found = rated("30", rule_set_chosen("nd90", "cong_chuc", 2026))
        assert (found.rule_set, found.level, found.periods) == ("nd90", "tot", [])

    def test_nobody_chose_so_nothing_is_said(self) -> None:
        assert [step.rule for step in rated("30").steps] == ["0", "1", "2a", "2b", "3", "4"]


class TestSheet:
    def test_e_is_a_also_after_the_cut_off(self) -> None:
        assert rated("30", on="31/1/2027").effective_by == day("31/1/2027")

    def test_every_figure_is_named_and_unfolds(self) -> None:
        found = rated("30", settings(2026, cut_off="12-01"), act(), leader=True, leads_unit="xa")
        for figure in found.figures:
            explained = explain(found, figure)
            assert explained.text
            assert explained.shown
        assert explain(found, "2026-06.W").text == "Tháng 6/2026: Tổng hệ số nhiệm vụ được giao (W)"
        assert [task.task for task in explain(found, "2026-06.c").tasks] == ["t1"]
        assert [event.what for event in explain(found, "2026-06.common").events] == ["common"]
        assert explain(found, "score").parts == ["2026-06.score"]
        assert explain(found, "2026-06.score").parts == ["2026-06.R", "2026-06.common"]
        lists = [*(task.events for task in found.tasks), *found.because.values()]
        lists += [events for period in found.periods for events in period.because.values()]
        assert {event.what for events in lists for event in events} <= set(texts.EVENTS)

    def test_quarters_bear_their_names(self) -> None:
        assert rules.described("nd335").label("2026-Q2.a") == "Quý 2/2026: Số lượng (a)"

    def test_articles_stand_beside_every_rule(self) -> None:
        assert all(step.article.startswith("NĐ 335/2025 Đ") for step in rated("30").steps)

    def test_who_comes_by_transfer_is_rated_on_both_agencies_scores(self) -> None:
        history = History().record("1/7/2026", appointed("p07", since="1/7/2026", service_from="1/1/2015"))
        for month, score in ((1, "60"), (2, "70"), (3, "80")):
            history.record("2/7/2026", period_received(f"2026-0{month}", score))
        history.record("5/7/2026", assigned("t1", due="20/7/2026"), reported("t1", "5/7/2026"))
        history.record("6/7/2026", completed("t1", "5/7/2026"), period_common("2026-07", "20"))
        found = sheet(history.records(), 2026, "p07", on=day("31/12/2026"))
        assert (found.figures["score"], found.figures["q1"], found.level) == ("75", "70", "tot")

    def test_an_earlier_attribute_holds_in_its_months(self) -> None:
        found = rated("30", changed("p07", "1/8/2026", leader=True))
        assert [period.leader for period in found.periods] == [False] * 7 + [True] * 5


def busy_year() -> History:
    """40 people with 60 tasks each, 11 months closed: some ten thousand events."""
    history = History().record("1/1/2026", *(appointed(f"p{i}", tracker="p0", leader=i == 0) for i in range(40)))
    staff = [f"p{i}" for i in range(40)]
    for month in range(1, 13):
        for who in staff:
            for index in range(5):
                task = f"{who}-{month}-{index}"
                history.record(f"2/{month}/2026", assigned(task, due=f"20/{month}/2026", lead=who))
        for who in staff:
            for index in range(5):
                on, task = f"19/{month}/2026", f"{who}-{month}-{index}"
                history.record(on, reported(task, on), completed(task, on))
            history.record(f"21/{month}/2026", period_common(f"2026-{month:02}", "25", who))
            history.record(f"21/{month}/2026", leader_criteria(f"2026-{month:02}", "p0"))
        if month < 12:
            history.record(
                f"2/{month + 1}/2026", period_closed(f"2026-{month:02}", history, f"2/{month + 1}/2026", *staff)
            )
    return history


def test_a_year_of_closed_months_is_computed_in_a_moment_and_always_alike() -> None:
    records = busy_year().records()
    begin = time.perf_counter()
    found = sheets(records, 2026, day("31/12/2026"))
    # A second on one slow core; ten times that is somebody's mistake.
    assert time.perf_counter() - begin < 10
    assert {Fraction(each.figures["score"]) for each in found} == {Fraction(95)}
    assert sheet_bytes(found[1]) == sheet_bytes(sheet(records, 2026, found[1].staff, on=day("31/12/2026")))


def test_a_provinces_own_rule_set_is_a_folder_and_nothing_else(tmp_path: Path) -> None:
    root = Path(services.__file__).parent.parent
    for package in ("services", "shared"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "services/scoring/domain/rules"
    shutil.copytree(folder / "nd335", folder / "tinh")
    for path in (folder / "tinh").iterdir():
        text = path.read_text(encoding="utf-8").replace("rules.nd335", "rules.tinh").replace('"nd335"', '"tinh"')
        path.write_text(text.replace('xuat_sac = "90"', 'xuat_sac = "95"'), encoding="utf-8")
    asking = (
        "from services.scoring.domain import rules; found = rules.installed('tinh'); "
        "print(rules.names(), found.name, found.sha256 == rules.installed('nd335').sha256)"
    )
    done = subprocess.run([sys.executable, "-c", asking], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['nd335', 'nd90', 'tinh'] tinh False"
    assert "tinh" not in rules.names()
