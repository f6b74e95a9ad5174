"""Each step of the procedure: given what is recorded, when somebody asks, then what follows or why it is refused."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from services.scoring.domain import decisions
from services.scoring.domain.assessment import ChooseSettings
from services.scoring.domain.context import Command, Decision, ProcedureContext
from services.scoring.domain.procedure.appeal import FileAppeal, ReRate, ResolveAppeal
from services.scoring.domain.procedure.decision import Decide, Notify, Publish
from services.scoring.domain.procedure.meeting import AssessOneself, RecordMeeting, RecordOpinion
from services.scoring.domain.procedure.periods import AssessPeriod, ClosePeriod, ReopenPeriod
from services.scoring.domain.procedure.proposal import Propose, ProposeOne
from services.scoring.domain.procedure.rule_set import ChooseRuleSet
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.rules.facts.periods import closings
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.standing import standing
from shared import events as ev
from shared.events import Input
from shared.refusal import Refused
from tests.support.histories import (
    COMMUNE,
    History,
    appointed,
    assigned,
    changed,
    day,
    disciplined,
    left,
    opened,
    reported,
)

TODAY = day("20/12")
PINS = [Input(source="tasks", position=9, hash="0" * 64), Input(source="scoring", position=2, hash="1" * 64)]


@dataclass(frozen=True)
class Spec:
    history: History
    actor: str | None = "p14"
    today: date = TODAY
    command: Command | None = None

    def by(self, actor: str | None) -> "Spec":
        return replace(self, actor=actor)

    def on(self, text: str) -> "Spec":
        return replace(self, today=day(text))

    def when(self, command: Command) -> "Spec":
        return replace(self, command=command)

    @property
    def context(self) -> ProcedureContext:
        records = self.history.records()
        posts = {staff: post_on(person, self.today) for staff, person in records.people.items()}
        return ProcedureContext(
            actor=self.actor,
            posts={staff: post for staff, post in posts.items() if post},
            units=frozenset({COMMUNE}),
            records=records,
            today=self.today,
            inputs=PINS,
            new_id=lambda: "new",
        )

    def decided(self) -> Decision:
        assert self.command
        return decisions.decide(self.command, self.context)

    def then(self, *kinds: type) -> Any:
        decision = self.decided()
        assert [type(event) for event in decision.events] == list(kinds)
        return decision

    def then_refused(self, code: str) -> None:
        with pytest.raises(Refused) as caught:
            self.decided()
        assert caught.value.code == code, caught.value
        assert caught.value.refusal.detail.format(**caught.value.params)


def given(*events: Any) -> Spec:
    """The commune of 2024, its Office typing on 20 December; `events` were recorded on the 12th and after."""
    history = (
        History()
        .record("1/1", opened())
        .record(
            "1/1",
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external"),
            appointed("p03", category="can_bo", roles=["vice_chair"], leader=True, tracker="p01"),
            appointed("p14", roles=["office", "staff"], tracker="p03"),
            appointed("p07", tracker="p14"),
            appointed("p08", tracker="p14", rated=False),
        )
    )
    return Spec(history.record("12/12", *events))


def proposed(staff: str = "p07", level: Any = "tot", proposal: str = "d1") -> ev.RatingProposed:
    return ev.RatingProposed(
        proposal=proposal, staff=staff, year=2024, level=level, figures={}, rule_set="nd90", sheet_sha256="a" * 64,
        evaluated_on=day("11/12"), inputs=PINS, by="p14",
    )  # fmt: skip


def self_assessed(staff: str = "p07") -> ev.SelfAssessed:
    return ev.SelfAssessed(staff=staff, year=2024, on=day("11/12"), level="tot")


def met(*staff: str) -> ev.MeetingRecorded:
    votes = [ev.Vote(staff=one, level="tot", for_=9, against=1) for one in staff]
    return ev.MeetingRecorded(year=2024, held_on=day("12/12"), present=10, absent=0, votes=votes)


def opined(staff: str) -> ev.OpinionRecorded:
    return ev.OpinionRecorded(staff=staff, year=2024, on=day("12/12"), by_body="Đảng ủy", text="Nhất trí")


def decided(staff: str = "p07", proposal: str = "d1", level: Any = "tot") -> ev.RatingDecided:
    return ev.RatingDecided(staff=staff, year=2024, proposal=proposal, level=level, decided_on=day("12/12"), by="p01")


def appealed(appeal: str = "k1") -> ev.RatingAppealed:
    return ev.RatingAppealed(
        staff="p07", year=2024, appeal=appeal, received_on=day("12/12"), text="Xem lại", due=day("23/12")
    )


def resolved(appeal: str = "k1") -> ev.AppealResolved:
    return ev.AppealResolved(staff="p07", year=2024, appeal=appeal, outcome="upheld", on=day("12/12"), by="p01")


def decide(staff: str = "p07", **more: Any) -> Decide:
    said: dict[str, Any] = {"year": 2024, "staff": staff, "proposal": "d1", "level": "tot", "by": "p01"}
    return Decide(**said | more)


FROM_ABOVE = {
    "by": "external",
    "decision_number": "1187/QĐ-UBND",
    "decided_on": day("12/12"),
    "document_sha256": "d" * 64,
}

READY = (proposed(), self_assessed(), met("p07"))


class TestDecision:
    def test_the_chairman_decides_by_default(self) -> None:
        [event] = given(*READY).by("p01").when(decide()).then(ev.RatingDecided).events
        assert (event.level, event.decided_on, event.differs_reason) == ("tot", TODAY, None)

    def test_the_level_above_decides_on_the_chairman_without_the_steps_here(self) -> None:
        given(proposed("p01")).when(decide("p01", **FROM_ABOVE)).then_refused("outside-needs-chair-or-admin")
        spec = given(proposed("p01")).by(None).when(decide("p01", **FROM_ABOVE))
        [event] = spec.then(ev.RatingDecided).events
        assert (event.decision_number, event.document_sha256) == ("1187/QĐ-UBND", "d" * 64)

    def test_a_person_not_rated_by_law_is_decided_so(self) -> None:
        spec = given(proposed(level="khong_xep_loai"), self_assessed(), met("p07"))
        spec.when(decide(level="khong_xep_loai")).then(ev.RatingDecided)

    @pytest.mark.parametrize(
        ("code", "recorded", "actor", "more"),
        [
            ("proposal-missing", (), "p01", {}),
            ("proposal-not-last", (*READY, proposed(proposal="d2")), "p01", {}),
            ("self-assessment-missing", (proposed(),), "p01", {}),
            ("meeting-missing", (proposed(), self_assessed(), met("p03")), "p01", {}),
            ("opinion-missing", (proposed("p03"), self_assessed("p03"), met("p03")), "p01", {"staff": "p03"}),
            ("already-decided", (*READY, decided()), "p01", {}),
            ("differs-reason-required", READY, "p01", {"level": "hoan_thanh", "differs_reason": " "}),
            ("level-not-decidable", READY, "p01", {"level": "can_xem_xet"}),
            ("level-not-decidable", READY, "p01", {"level": "khong_xep_loai", "differs_reason": "Khác"}),
            ("not-the-rater", READY, "p14", {"by": "p14"}),
            ("acts-for-another", READY, "p03", {}),
            ("not-rated-externally", READY, "p01", {"by": "external"}),
            ("rates-oneself", READY, "p07", {"by": "p07"}),
            ("rates-oneself", (proposed("p14"),), "p14", {"staff": "p14"}),
            ("rates-oneself", (proposed("p01"),), "p01", {"staff": "p01"}),
            ("not-rated-here", READY, "p01", {"staff": "p08"}),
            ("staff-unknown", READY, "p01", {"staff": "p99"}),
            ("day-out-of-order", READY, "p01", {"decided_on": day("10/12")}),
            ("day-out-of-order", READY, "p01", {"decided_on": day("21/12")}),
            ("day-out-of-order", READY, "p01", {"decided_on": day("11/12")}),  # the meeting was on the 12th
        ],
    )  # fmt: skip
    def test_refusals(self, code: str, recorded: tuple[Any, ...], actor: str, more: dict[str, Any]) -> None:
        given(*recorded).by(actor).when(decide(**more)).then_refused(code)

    def test_a_leader_is_decided_after_the_opinion(self) -> None:
        recorded = (proposed("p03"), self_assessed("p03"), met("p03"), opined("p03"))
        given(*recorded).by("p01").when(decide("p03")).then(ev.RatingDecided)


class TestReRating:
    def spec(self, *more: Any, **said: Any) -> Spec:
        spec = given(*READY, decided(), *more)
        in_force = standing(spec.history.records(), 2024, "p07").decision
        assert in_force
        fields: dict[str, Any] = {
            "proposal": "d2",
            "level": "hoan_thanh",
            "replaces": in_force.event,
            "reason": "Kiến nghị đúng",
        }
        fields |= {"year": 2024, "staff": "p07", "by": "p01"}
        return spec.by("p01").when(ReRate(**fields | said))

    def test_it_replaces_the_decision_in_force(self) -> None:
        spec = self.spec(proposed(proposal="d2"))
        [event] = spec.then(ev.ReRated).events
        after = standing(spec.history.record("20/12", event).records(), 2024, "p07")
        assert (after.kind, after.level, [ruling.level for ruling in after.earlier]) == (
            "re_rated", "hoan_thanh", ["tot"],
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("replaces-another", {"replaces": "x"}),
            ("proposal-not-last", {"proposal": "d1"}),
            ("reason-required", {"reason": " "}),
            ("not-the-rater", {"by": "p03"}),
            ("level-not-decidable", {"level": "chua_du_du_lieu"}),
            ("staff-unknown", {"staff": "p99"}),
            ("not-decided", {"staff": "p14"}),
        ],
    )
    def test_refusals(self, code: str, said: dict[str, Any]) -> None:
        self.spec(proposed(proposal="d2"), **said).by(said.get("by", "p01")).then_refused(code)

    def test_it_rests_on_a_proposal_made_since(self) -> None:
        self.spec(proposal="d1").then_refused("proposal-not-new")


class TestBesideTheDecision:
    @pytest.mark.parametrize(
        ("code", "recorded", "actor", "command"),
        [
            ("already-decided", (*READY, decided()), "p07", AssessOneself(year=2024, staff="p07", level="tot")),
            ("acts-for-another", (), "p03", AssessOneself(year=2024, staff="p07", level="tot")),
            ("year-not-begun", (), "p07", AssessOneself(year=2025, staff="p07", level="tot")),
            ("voted-twice", (), "p14",
             RecordMeeting(year=2024, held_on=TODAY, present=10, absent=0, votes=met("p07", "p07").votes)),
            ("meeting-numbers", (), "p14",
             RecordMeeting(year=2024, held_on=TODAY, present=9, absent=0, votes=met("p07").votes)),
            ("meeting-numbers", (), "p14", RecordMeeting(year=2024, held_on=TODAY, present=0, absent=0, votes=[])),
            ("day-out-of-order", (), "p14",
             RecordMeeting(year=2024, held_on=day("21/12"), present=9, absent=0, votes=[])),
            ("not-a-leader", (), "p14", RecordOpinion(year=2024, staff="p07", by_body="Đảng ủy", text="Nhất trí")),
            ("text-required", (), "p14", RecordOpinion(year=2024, staff="p03", by_body="Đảng ủy", text=" ")),
            ("not-decided", READY, "p14", Notify(year=2024, staff="p07")),
            ("nothing-decided", READY, "p14", Publish(year=2024)),
            ("not-decided", READY, "p07", FileAppeal(year=2024, staff="p07", text="Xem lại")),
            ("acts-for-another", (*READY, decided()), "p03", FileAppeal(year=2024, staff="p07", text="Xem lại")),
            ("appeal-open", (*READY, decided(), appealed()), "p07", FileAppeal(year=2024, staff="p07", text="Xem lại")),
            ("appeal-unknown", (*READY, decided()), "p01",
             ResolveAppeal(year=2024, staff="p07", appeal="k1", outcome="upheld", by="p01")),
            ("appeal-resolved", (*READY, decided(), appealed(), resolved()), "p01",
             ResolveAppeal(year=2024, staff="p07", appeal="k1", outcome="upheld", by="p01")),
            ("rates-oneself", (*READY, decided(), appealed()), "p07",
             ResolveAppeal(year=2024, staff="p07", appeal="k1", outcome="upheld", by="p07")),
            ("chair-or-office-only", (), "p07", Propose(year=2024, by="p07")),
            ("not-rated-here", (), "p14", ProposeOne(year=2024, by="p14", staff="p08")),
        ],
    )  # fmt: skip
    def test_refusals(self, code: str, recorded: tuple[Any, ...], actor: str, command: Command) -> None:
        given(*recorded).by(actor).when(command).then_refused(code)

    def test_an_appeal_is_due_after_seven_weekdays_where_no_calendar_is_published(self) -> None:
        decision = given(*READY, decided()).by("p07").when(
            FileAppeal(year=2024, staff="p07", text="Xem lại", received_on=day("13/12"))
        ).then(ev.RatingAppealed)  # fmt: skip
        assert decision.result == {"appeal": "new", "due": day("24/12"), "calendar": None}

    def test_a_proposal_waits_for_a_result(self) -> None:
        spec = given(assigned("t1", due="10/12", assigned_on="1/10"), reported("t1", "9/12"))
        spec.when(ProposeOne(year=2024, by="p14", staff="p07")).then_refused("result-waits")
        decision = spec.when(Propose(year=2024, by="p14")).decided()
        assert {each.staff: each.code for each in decision.result}["p07"] == "result-waits"

    def test_one_act_does_not_lower_two_years(self) -> None:
        spec = given(disciplined("p07", "15/6"))
        later = spec.history.record("12/1/2025", disciplined("p07", "10/1/2025", of="party"))
        levels = []
        for year, on in ((2024, "20/1/2025"), (2025, "20/12/2025")):
            command = ProposeOne(year=year, by="p14", staff="p07")
            [event] = Spec(later).on(on).when(command).then(ev.RatingProposed).events
            levels.append(event.level)
        assert levels == ["khong_hoan_thanh", "chua_du_du_lieu"]


def rule_set(**more: Any) -> ChooseRuleSet:
    said: dict[str, Any] = {
        "year": 2024,
        "category": "cong_chuc",
        "rule_set": "nd90",
        "by": "p01",
        "reason": "Theo tỉnh",
    }
    return ChooseRuleSet(**said | more)


@pytest.mark.parametrize(
    ("code", "actor", "more"),
    [
        ("rule-set-unknown", "p01", {"rule_set": "nd999"}),
        ("rule-set-differs", "p01", {"rule_set_sha256": "f" * 64}),
        ("rule-set-differs", "p01", {"rule_set": "none", "rule_set_sha256": "f" * 64}),
        ("chair-only", None, {"by": "p14", "category": "hop_dong"}),
        ("rates-oneself", "p14", {"by": "p14"}),
        ("rates-oneself", "p14", {}),
        ("acts-for-another", "p08", {}),
        ("reason-required", "p01", {"reason": " "}),
    ],
)
def test_a_rule_set_is_not_chosen(code: str, actor: str | None, more: dict[str, Any]) -> None:
    given().by(actor).when(rule_set(**more)).then_refused(code)


@pytest.mark.parametrize(("actor", "category"), [("p01", "cong_chuc"), (None, "cong_chuc"), ("p14", "hop_dong")])
def test_a_rule_set_is_typed_by_the_chairman_an_operator_or_the_office_for_others(actor: str | None, category: Any):
    given().by(actor).when(rule_set(rule_set="none", category=category)).then(ev.RuleSetChosen)


def settings(**more: Any) -> ChooseSettings:
    usual: dict[str, Any] = {"year": 2024, "settings": {"cut_off": "11-30"}, "by": "p01", "reason": "Theo tỉnh"}
    return ChooseSettings(**usual | more)


# What p14, of the Office and rated as a cong_chuc in 2024, became in 2025.
BECAME = [{"category": "hop_dong"}, {"rated": False}, {"roles": ["office"], "rated": False}]


@pytest.mark.parametrize("now", BECAME, ids=str)
def test_a_year_is_not_chosen_for_by_one_who_was_rated_in_it(now: dict[str, Any]):
    """Whom it concerns is read off the year's posts too, not off today's alone."""
    spec = given(changed("p14", "1/1/2025", **now)).on("10/2/2025").by("p14")
    spec.when(rule_set(rule_set="none")).then_refused("rates-oneself")
    spec.when(settings()).then_refused("rates-oneself")
    spec.when(rule_set(rule_set="none", year=2025)).then(ev.RuleSetChosen)
    # For a part of the year only, it was her rating all the same.
    part = given(changed("p14", "1/9/2024", **now)).by("p14")
    part.when(rule_set(rule_set="none")).then_refused("rates-oneself")
    # Today's post counts as before, also for a year before it.
    given().on("10/2/2025").by("p14").when(rule_set(rule_set="none", year=2019)).then_refused("rates-oneself")


def test_a_new_chairman_chooses_for_the_years_that_go_by_that_post():
    new = given(left("p01", "30/6/2024"), changed("p03", "1/7/2024", category="can_bo", roles=["chair"])).by("p03")
    new.when(rule_set(rule_set="none", category="can_bo", by="p03")).then(ev.RuleSetChosen)
    new.when(settings(by="p03")).then(ev.SettingsChosen)
    before = rule_set(rule_set="none", category="can_bo", by="p03", year=2023)
    new.when(before).then_refused("rates-oneself")
    new.by(None).when(before).then_refused("rates-oneself")
    new.when(rule_set(rule_set="none", by="p03", year=2023)).then(ev.RuleSetChosen)


def test_what_concerns_every_chairman_is_chosen_by_an_administrator_whom_it_does_not() -> None:
    admin = appointed("p60", roles=["admin"], rated=False)
    took_over = (left("p01", "30/6/2024"), changed("p03", "1/7/2024", category="can_bo", roles=["chair"]))
    new, now = given(*took_over, admin), given(admin)
    for sender, by in ((None, "operator"), ("p60", "p60")):
        for command in (settings(by=None, year=2023), rule_set(rule_set="none", category="can_bo", by=None, year=2023)):
            assert [getattr(event, "by", None) for event in new.by(sender).when(command).decided().events] == [by]
            now.by(sender).when(command).then_refused("chair-only")
        # In the name of the new Chairman it is her rating all the same.
        new.by(sender).when(settings(by="p03", year=2023)).then_refused("rates-oneself")
        assert now.by(sender).when(settings(by="p01", year=2023)).decided()
        assert given(left("p01", "30/6/2024"), admin).by(sender).when(settings(by=None)).decided()
    with pytest.raises(Refused, match="rates-oneself") as caught:
        new.by("p03").when(settings(by="p03", year=2023)).decided()
    assert "người quản trị hệ thống" in caught.value.detail and "(p0" not in caught.value.detail
    rated = given(*took_over, appointed("p60", roles=["admin"]))
    rated.by("p60").when(settings(by=None, year=2023)).then_refused("rates-oneself")


def points(period: str = "2024-11", **more: Any) -> AssessPeriod:
    said: dict[str, Any] = {"items": {"I.1": "4.5"}, "stage": "confirmed", "by": "p14"}
    return AssessPeriod(year=2024, staff="p07", period=period, **said | more)


@pytest.mark.parametrize(
    ("code", "period"),
    [
        ("period-unknown", "2024-13"),
        ("period-kind", "2024-Q1"),
        ("period-of-another-year", "2023-11"),
        ("no-periods", "2024-11"),
    ],
)
def test_points_are_for_a_period_of_the_year_that_the_person_is_tracked_in(code: str, period: str) -> None:
    given().when(points(period)).then_refused(code)


def test_a_period_that_has_not_begun_takes_no_points() -> None:
    given().on("20/11").when(points("2024-12")).then_refused("period-not-begun")


def closed(period: str, *staff: str) -> ev.PeriodClosed:
    return ev.PeriodClosed(period=period, staff=list(staff), by="p14", closed_on=day("12/12"), inputs=PINS)


class TestReopening:
    def test_the_later_ones_open_with_it(self) -> None:
        spec = given(closed("2024-10", "p07", "p14"), closed("2024-11", "p07")).by("p01")
        command = ReopenPeriod(period="2024-10", by="p01", reason="Sai số liệu")
        decision = spec.when(command).then(ev.PeriodReopened)
        assert decision.result == {"period": "2024-10", "staff": ["p07", "p14"], "also": {"2024-11": ["p07"]}}
        records = spec.history.record("20/12", *decision.events).records()
        assert not closings(Snapshot(records, TODAY), "p07")

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("period-open", {"period": "2024-09"}),
            ("period-open", {"staff": ["p08"]}),
            ("rates-oneself", {"staff": ["p14"]}),
            ("chair-only", {"by": "p14"}),
            ("reason-required", {"reason": " "}),
        ],
    )
    def test_refusals(self, code: str, said: dict[str, Any]) -> None:
        fields: dict[str, Any] = {"period": "2024-10", "by": "p01", "reason": "Sai số liệu"}
        given(closed("2024-10", "p07")).when(ReopenPeriod(**fields | said)).then_refused(code)


@pytest.mark.parametrize(
    ("code", "period", "by"),
    [
        ("period-not-over", "2024-12", "p14"),
        ("chair-or-office-only", "2024-11", "p03"),
        ("nothing-to-close", "2024-11", "p14"),
    ],
)
def test_a_period_is_not_closed(code: str, period: str, by: str) -> None:
    given().when(ClosePeriod(period=period, by=by)).then_refused(code)
