"""Sheets, tables and explanations: choice of rule set, settings, quota, bytes that stay."""

import hashlib
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from services.scoring.domain import rules, texts
from services.scoring.domain.records import Records
from services.scoring.domain.settings import DEFAULTS, settings_of, validate
from services.scoring.domain.sheet import explain, sheet, sheet_bytes
from services.scoring.domain.table import Quota, table
from shared.refusal import Refused
from tests.support.histories import (
    History,
    absent,
    appointed,
    assigned,
    common,
    completed,
    day,
    disciplined,
    left,
    reported,
    rule_set_chosen,
    settings,
    unit_result,
)


def one_year(**person: Any) -> History:
    history = History().record("1/1", appointed("p07", **person))
    history.record("14/6", assigned("t1"), assigned("t2"), assigned("t3", due=None))
    history.record("20/6", reported("t1", "20/6"), completed("t1", "20/6"))
    return history.record("5/7", reported("t2", "5/7"), completed("t2", "5/7"))


class TestChoice:
    @pytest.mark.parametrize(
        ("year", "category", "name"),
        [
            (2025, "cong_chuc", "nd90"),
            (2026, "cong_chuc", "nd335"),
            (2025, "can_bo", "nd90"),
            (2026, "can_bo", "nd90"),
            (2025, "truong_thon", "nd90"),
            (2026, "truong_thon", "none"),
            (2025, "khong_chuyen_trach", "nd90"),
            (2026, "khong_chuyen_trach", "none"),
            (2025, "hop_dong", "nd90"),
            (2026, "hop_dong", "none"),
            (2025, "dau_moi", "none"),
        ],
    )
    def test_by_year_and_category(self, year: int, category: str, name: str) -> None:
        assert rules.by_law(year, category) == name

    def test_a_rule_set_that_is_not_installed_gives_no_level(self) -> None:
        history = one_year().record("2/1/2026", rule_set_chosen("tinh", year=2026))
        found = sheet(history.records(), 2026, "p07", on=date(2026, 12, 31))
        assert (found.rule_set, found.rule_set_sha256, found.level) == ("tinh", None, "can_xem_xet")
        assert [missing.code for missing in found.missing] == ["rule-set-not-installed"]

    def test_no_rule_set_gives_no_rating(self) -> None:
        found = sheet(one_year(category="truong_thon").records(), 2026, "p07", on=date(2026, 12, 31))
        assert (found.rule_set, found.level) == ("none", "khong_xep_loai")

    def test_who_is_not_rated_here_has_figures_and_no_level(self) -> None:
        found = sheet(one_year(rated=False).records(), 2024, "p07", on=day("31/12"))
        assert (found.level, found.figures["n"]) == ("khong_xep_loai", 2)

    def test_the_hash_is_of_the_sorted_paths_and_bytes(self) -> None:
        rule_set = rules.installed("nd90")
        assert rule_set is not None
        digest = hashlib.sha256()
        for path in sorted(rule_set.files):
            digest.update(f"{path} {len(rule_set.files[path])}\n".encode() + rule_set.files[path])
        assert rule_set.sha256 == digest.hexdigest()
        assert {"nd90/rules.toml", "nd90/facts.py", "nd90/levels.py", "facts/dates.py"} <= set(rule_set.files)


class TestSettings:
    def test_defaults(self) -> None:
        assert settings_of(History().records(), 2024) == DEFAULTS

    def test_each_choice_changes_what_it_names_in_its_year_from_then_on(self) -> None:
        history = History().record("1/3", settings(min_tasks=5, quota_percent=25)).record("1/4", settings(min_tasks=4))
        assert settings_of(history.records("1/3"), 2024).min_tasks == 5
        now = settings_of(history.records(), 2024)
        assert (now.min_tasks, now.quota_percent) == (4, 25)
        assert settings_of(history.records(), 2025) == DEFAULTS

    @pytest.mark.parametrize(
        ("chosen", "code"),
        [
            ({"cutoff": "12-10"}, "setting-unknown"),
            ({"cut_off": "10/12"}, "setting-invalid"),
            ({"cut_off": "02-30"}, "setting-invalid"),
            ({"cut_off": "02-29"}, "setting-invalid"),
            ({"decision_by": "04-31"}, "setting-invalid"),
            ({"quota_percent": 101}, "setting-invalid"),
            ({"min_tasks": -1}, "setting-invalid"),
            ({"blank_coefficient": "0"}, "setting-invalid"),
            ({"blank_coefficient": "1/0"}, "setting-invalid"),
            ({"blank_coefficient": "1.5/2"}, "setting-invalid"),
            ({"period": "week"}, "setting-invalid"),
            ({"quota_denominator": "all"}, "setting-invalid"),
        ],
    )
    def test_what_no_rule_can_read_is_refused(self, chosen: dict[str, Any], code: str) -> None:
        with pytest.raises(Refused) as refusal:
            validate(chosen)
        assert refusal.value.code == code


class TestSheet:
    def test_the_same_records_and_day_give_the_same_bytes(self) -> None:
        history = one_year().record("1/9", common(), unit_result(), absent("p07", "1/8", "3/8"))
        live, read_back = history.records(), Records(history.commune)
        for kind, key, body in reversed(list(live.rows())):
            read_back.put(kind, key, Records.decode(kind, body))
        once, again = (sheet_bytes(sheet(records, 2024, "p07", on=day("31/12"))) for records in (live, read_back))
        assert once == again

    def test_levels_bear_the_exact_words_of_the_decree(self) -> None:
        assert sheet(one_year().records(), 2024, "p07", on=day("31/12")).level_text == "Cần người có thẩm quyền xem xét"
        assert [texts.LEVELS[level] for level in ("xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh")] == [
            "Hoàn thành xuất sắc nhiệm vụ",
            "Hoàn thành tốt nhiệm vụ",
            "Hoàn thành nhiệm vụ",
            "Không hoàn thành nhiệm vụ",
        ]

    def test_the_evaluation_ends_at_the_cut_off(self) -> None:
        records = one_year().records()
        assert sheet(records, 2024, "p07", on=day("9/12")).effective_by == day("9/12")
        assert sheet(records, 2024, "p07", on=day("31/12")).effective_by == day("10/12")

    def test_nobody_knows_the_person(self) -> None:
        with pytest.raises(Refused, match="staff-unknown"):
            sheet(one_year().records(), 2024, "p99", on=day("31/12"))

    def test_every_figure_and_event_has_its_vietnamese_text(self) -> None:
        history = one_year(leader=True, leads_unit="xa").record("1/9", unit_result(), common())
        found = sheet(history.records(), 2024, "p07", on=day("31/12"))
        assert set(found.figures) == {figure.name for figure in rules.described("nd90").figures}
        assert {task.state for task in found.tasks} <= set(texts.STATES)
        lists = [*(task.events for task in found.tasks), *found.because.values()]
        assert {event.what for events in lists for event in events} <= set(texts.EVENTS)


class TestExplain:
    def test_a_count_unfolds_to_its_tasks_and_their_events(self) -> None:
        found = explain(sheet(one_year().records(), 2024, "p07", on=day("31/12")), "late")
        assert (found.value, [task.task for task in found.tasks]) == (1, ["t2"])
        assert [event.what for event in found.tasks[0].events] == ["assigned", "reported", "completed"]

    def test_the_share_unfolds_to_what_failed(self) -> None:
        found = explain(sheet(one_year().records(), 2024, "p07", on=day("31/12")), "f")
        assert (found.value, found.shown, [task.task for task in found.tasks]) == ("1/2", "50,00 %", ["t2"])

    @pytest.mark.parametrize(
        ("figure", "source", "whats"),
        [
            ("days_absent", "tasks", ["absence"]),
            ("days_worked", "tasks", ["appointed", "absence"]),
            ("discipline", "tasks", ["disciplined"]),
            ("k2", "scoring", ["common"]),
            ("unit_completed", "scoring", ["unit_result"]),
        ],
    )
    def test_the_persons_figures_unfold_to_events(self, figure: str, source: str, whats: list[str]) -> None:
        history = one_year(leader=True, leads_unit="xa")
        history.record("1/9", unit_result(), common(), absent("p07", "1/8", "3/8"), disciplined("p07", "1/9"))
        found = explain(sheet(history.records(), 2024, "p07", on=day("31/12")), figure)
        assert [(event.source, event.what) for event in found.events] == [(source, what) for what in whats]

    def test_an_unknown_figure_is_refused(self) -> None:
        with pytest.raises(Refused, match="figure-unknown"):
            explain(sheet(one_year().records(), 2024, "p07", on=day("31/12")), "W")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1/3", "0,33"), ("1/200", "0,01"), ("2/3", "0,67"), ("1/8", "0,13"), ("0", "0,00"), ("199/200", "1,00")],
)
def test_numbers_are_rounded_half_up(value: str, shown: str) -> None:
    assert texts.decimal(Fraction(value)) == shown


def people_rated(**groups: int) -> History:
    """So many people of each kind: `xs…` end xuất sắc, `tot…` tốt; the rest of the name is their similar group."""
    history = History()
    staff = [(f"{name}{index}", name) for name, count in groups.items() for index in range(count)]
    for who, name in staff:
        group = name.partition("_")[2] or None
        history.record("1/1", appointed(who, similar_group=group))
    for who, name in staff:
        history.record("14/6", assigned(f"t-{who}", lead=who))
        better = name.startswith("xs")
        history.record(
            "14/6", reported(f"t-{who}", "14/6"), completed(f"t-{who}", "14/6", exceeded=better), common(who)
        )
    return history


class TestQuota:
    def quotas(self, history: History) -> dict[str, Quota]:
        return {quota.name or quota.scope: quota for quota in table(history.records(), 2024, day("31/12")).quotas}

    def test_four_good_allow_none_and_five_allow_one(self) -> None:
        assert self.quotas(people_rated(xs=1, tot=4))["agency"].excess == 1
        assert self.quotas(people_rated(xs=1, tot=5))["agency"].excess == 0

    def test_both_denominators_are_shown_and_the_setting_decides(self) -> None:
        history = people_rated(xs=1, tot=4)
        quota = self.quotas(history)["agency"]
        assert (quota.limit_tot, quota.limit_tot_and_xuat_sac, quota.limit) == (0, 1, 0)
        history.record("1/12", settings(quota_denominator="tot_and_xuat_sac"))
        quota = self.quotas(history)["agency"]
        assert (quota.limit, quota.excess) == (1, 0)

    def test_the_limit_is_rounded_down(self) -> None:
        assert self.quotas(people_rated(tot=9))["agency"].limit == 1

    def test_each_group_has_its_own_and_nobody_is_dropped(self) -> None:
        history = people_rated(xs_a=1, tot_a=4, tot_b=6, tot=1)
        found = table(history.records(), 2024, day("31/12"))
        quotas = {(quota.scope, quota.name): quota.excess for quota in found.quotas}
        assert quotas == {
            ("agency", ""): 0,
            ("category", "cong_chuc"): 0,
            ("similar_group", "a"): 1,
            ("similar_group", "b"): 0,
        }
        flagged = [row for row in found.rows if row.over_quota]
        assert [(row.staff, row.level, row.over_quota) for row in flagged] == [("xs_a0", "xuat_sac", ["a"])]


class TestTable:
    def test_rated_are_those_employed_on_a_day_of_the_year(self) -> None:
        history = History().record("1/1", appointed("p01"), appointed("p02"), appointed("p03", rated=False))
        history.record("1/2", left("p02", "1/1"), appointed("p04", since="31/12"), appointed("p05", since="1/1/2025"))
        found = table(history.records(), 2024, day("31/12"))
        assert [(row.staff, row.level) for row in found.rows] == [
            ("p01", "chua_du_du_lieu"),
            ("p02", "khong_xep_loai"),
            ("p04", "khong_xep_loai"),
        ]

    def test_who_left_the_year_before_is_not_in_it(self) -> None:
        history = History().record("1/1", appointed("p02")).record("1/2", left("p02", "31/12/2023"))
        assert table(history.records(), 2024, day("31/12")).rows == []

    def test_a_row_says_what_keeps_the_proposal_back(self) -> None:
        history = History().record("1/1", appointed("p07")).record("14/6", assigned(), reported("t1", "14/6"))
        assert [row.can_be_proposed for row in table(history.records(), 2024, day("31/12")).rows] == [False]
