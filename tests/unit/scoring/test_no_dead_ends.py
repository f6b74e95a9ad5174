"""Whoever is refused because their own rating rests on it, somebody real can do it, and the refusal names them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from services.scoring.access import ACTIONS
from services.scoring.domain import decisions
from services.scoring.domain.assessment import AssessCommon, ChooseSettings, RecordUnitResult
from services.scoring.domain.concerns import Concerns
from services.scoring.domain.context import Command, ProcedureContext
from services.scoring.domain.procedure.appeal import ReRate, ResolveAppeal
from services.scoring.domain.procedure.decision import Decide, Notify
from services.scoring.domain.procedure.meeting import RecordMeeting, RecordOpinion
from services.scoring.domain.procedure.periods import (
    AssessPeriod,
    ClosePeriod,
    ReceivePeriodResult,
    RecordLeaderCriteria,
    ReopenPeriod,
)
from services.scoring.domain.procedure.proposal import ProposeOne
from services.scoring.domain.procedure.rule_set import ChooseRuleSet
from services.scoring.domain.standing import standing
from shared import events as ev
from shared.refusal import Refused
from tests.support.histories import (
    COMMUNE,
    History,
    appointed,
    changed,
    day,
    left,
    opened,
    period_common,
    unit_defined,
)
from tests.unit.scoring.test_narrowed_tokens import FIGURES
from tests.unit.scoring.test_procedure import PINS, Spec

CHAIR: dict[str, Any] = {"category": "can_bo", "roles": ["chair"], "leader": True, "rater": "external"}
VICE: dict[str, Any] = {"category": "can_bo", "roles": ["vice_chair"], "leader": True, "tracker": "p01"}
OFFICE: dict[str, Any] = {"roles": ["office", "staff"], "tracker": "p01"}


def people(*more: Any, **posts: dict[str, Any]) -> History:
    """Everybody since long ago; `more` happened on 1 July 2024."""
    history = History().record("1/1/2023", opened(), *(appointed(staff, **post) for staff, post in posts.items()))
    history.record("1/1/2023", unit_defined("to", "p07", since="1/1/2023"))
    return history.record("1/7", *more)


STAFF: dict[str, Any] = {"leader": True, "leads_unit": "to", "tracker": "p01"}
USUAL: dict[str, Any] = {"p01": CHAIR, "p03": VICE, "p14": OFFICE, "p07": STAFF, "p08": {"tracker": "p14"}}
CONSTELLATIONS: dict[str, History] = {
    "the usual": people(**USUAL),
    "only one chair": people(p01=CHAIR | {"rater": None, "leads_unit": COMMUNE}, p14=OFFICE, p07=STAFF),
    "a new chair": people(left("p01", "30/6"), changed("p03", "1/7", roles=["chair"], rater="external"), **USUAL),
    "a new chair from the staff": people(
        left("p01", "30/6"), changed("p07", "1/7", **CHAIR), changed("p14", "1/7", tracker="p07"), **USUAL
    ),
    "two chairs in handover": people(p02=CHAIR, **USUAL),
    "a handover": people(changed("p03", "1/7", roles=["chair"], rater="external"), **USUAL),
    "two in the Office": people(p15=OFFICE, **USUAL),
    "nobody in the Office": people(p01=CHAIR, p03=VICE, p07=STAFF),
    "no chair any more": people(left("p01", "30/6"), **USUAL),
}
PAPER: dict[str, Any] = {"document_number": "1/QĐ", "document_date": day("12/12"), "document_sha256": "d" * 64}
RULED: dict[str, Any] = {"decided_on": day("20/12"), "decision_number": "2/QĐ", "document_sha256": "d" * 64}


@dataclass(frozen=True)
class Asked:
    """A command about the subject; `facts` were recorded before."""

    command: Command
    facts: tuple[Any, ...] = ()
    on: str = "20/12"


def of_the_year(subject: str, history: History) -> Iterator[Asked]:
    post = Spec(history).context.posts[subject]
    category: Any = post.category
    this: dict[str, Any] = {"year": 2024, "staff": subject}
    vote = ev.Vote(staff=subject, level="tot", for_=9, against=1)
    met = ev.MeetingRecorded(year=2024, held_on=day("12/12"), present=10, absent=0, votes=[vote])
    opined = ev.OpinionRecorded(**this, on=day("12/12"), by_body="Đảng ủy", text="Nhất trí")
    ready = (
        ev.SelfAssessed(**this, on=day("11/12"), level="tot"), met, opined, _proposed(subject, "d1")
    )  # fmt: skip
    decided = ev.RatingDecided(**this, proposal="d1", level="tot", decided_on=day("12/12"), by="p99")
    appealed = ev.RatingAppealed(**this, appeal="k1", received_on=day("12/12"), text="Xem lại", due=day("23/12"))
    for year in (2023, 2024):
        yield Asked(ChooseSettings(year=year, settings={"min_tasks": 1}, reason="Quy chế"))
        yield Asked(ChooseRuleSet(year=year, category=category, rule_set="none", reason="Quy chế"))
    yield Asked(AssessCommon(items={"k1": "tot"}, stage="confirmed", by="", **this, **PAPER))
    if post.leads_unit:
        yield Asked(RecordUnitResult(unit=post.leads_unit, year=2024, figures=FIGURES, by="", **PAPER))
    yield Asked(ProposeOne(by="", **this))
    yield Asked(RecordMeeting(year=2024, held_on=day("12/12"), present=10, absent=0, votes=[vote]))
    if post.leader:
        yield Asked(RecordOpinion(by_body="Đảng ủy", text="Nhất trí", **this))
    yield Asked(Decide(proposal="d1", level="tot", by="", **this, **RULED), ready)
    yield Asked(Notify(**this), (*ready, decided))
    answer: dict[str, Any] = {"on": day("20/12"), "document_number": "3/QĐ", "document_sha256": "d" * 64}
    resolution = ResolveAppeal(appeal="k1", outcome="upheld", by="", **this, **answer)
    yield Asked(resolution, (*ready, decided, appealed))
    re_rating: dict[str, Any] = {"proposal": "d2", "level": "tot", "reason": "Theo kiến nghị", "replaces": ""}
    yield Asked(ReRate(by="", **this, **re_rating, **RULED), (*ready, decided, _proposed(subject, "d2")))


def of_a_period(subject: str, history: History) -> Iterator[Asked]:
    """Under nd335, for 2026; the law has no periods for can_bo."""
    this: dict[str, Any] = {"year": 2026, "staff": subject, "period": "2026-03"}
    post = Spec(history).context.posts[subject]
    if post.category == "can_bo":
        return
    yield Asked(AssessPeriod(items={"I.1": "4"}, stage="confirmed", by="", **this, **PAPER), on="6/4/2026")
    if post.leader:
        reasons = dict.fromkeys(("d", "dd", "e"), "Đạt")
        criteria = RecordLeaderCriteria(d=100, dd=100, e=100, reasons=reasons, by="", **this, **PAPER)
        yield Asked(criteria, on="6/4/2026")
    yield Asked(
        ReopenPeriod(period="2026-03", by="", staff=[subject], reason="Sai", **PAPER), (_closed(subject),), "6/4/2026"
    )
    yield Asked(
        ClosePeriod(period="2026-01", by="", staff=[subject]), (period_common("2026-01", staff=subject),), "6/4/2026"
    )


def of_a_newcomer(subject: str) -> Asked:
    """With the score of a former agency for a month before they came."""
    result = ReceivePeriodResult(
        year=2019, staff=subject, period="2019-11", score="80", from_="Xã cũ", by="", document="1/BC",
        document_date=day("1/12/2019"), document_sha256="d" * 64,
    )  # fmt: skip
    return Asked(result)


def _proposed(subject: str, proposal: str) -> ev.RatingProposed:
    return ev.RatingProposed(
        proposal=proposal, staff=subject, year=2024, level="tot", figures={}, rule_set="nd90", sheet_sha256="a" * 64,
        evaluated_on=day("11/12"), inputs=PINS, by="p14",
    )  # fmt: skip


def _closed(subject: str) -> ev.PeriodClosed:
    return ev.PeriodClosed(period="2026-03", staff=[subject], by="p14", closed_on=day("5/4/2026"), inputs=PINS)


def rated(history: History) -> list[str]:
    context = Spec(history).context
    return [staff for staff, post in context.posts.items() if post.in_post and post.rated]


CASES = [
    pytest.param(history, subject, asked, id=f"{name}-{subject}-{type(asked.command).__name__}-{number}")
    for name, history in CONSTELLATIONS.items()
    for subject in rated(history)
    for number, asked in enumerate(
        [*of_the_year(subject, history), *of_a_period(subject, history), of_a_newcomer(subject)]
    )
]


def test_every_command_that_concerns_somebody_is_tried() -> None:
    tried = {type(case.values[2].command) for case in CASES}  # type: ignore[union-attr]
    concerning = {kind for kind, handler in decisions.HANDLERS.items() if isinstance(handler.concerns, Concerns)}
    assert tried == concerning


def refusal(context: ProcedureContext, command: Command, actor: str | None, by: str | None) -> Refused | str | None:
    """Why this actor may not; None when it goes through. An operator has whatever role it takes."""
    roles = frozenset({"admin", "office"} if actor is None else context.posts[actor].roles)
    if roles.isdisjoint(ACTIONS[decisions.HANDLERS[type(command)].action]):
        return "role"
    if "by" in command.__struct_fields__:
        command = msgspec.structs.replace(command, by=by)
    try:
        decisions.decide(command, msgspec.structs.replace(context, actor=actor, roles=roles))
    except Refused as refused:
        return refused
    return None


def who_can(context: ProcedureContext, command: Command) -> set[str | None]:
    """Everybody in post, and an operator (None), who can do it in some name."""
    in_post = [staff for staff, post in context.posts.items() if post.in_post]
    names = [None, "external", *in_post]
    return {actor for actor in (*in_post, None) if any(refusal(context, command, actor, by) is None for by in names)}


def prepared(history: History, subject: str, asked: Asked) -> tuple[ProcedureContext, Command]:
    spec = Spec(history.copy().record("12/12" if asked.on == "20/12" else "5/4/2026", *asked.facts)).on(asked.on)
    context, command = msgspec.structs.replace(spec.context, units=frozenset({COMMUNE, "to"})), asked.command
    if isinstance(command, ReRate):
        ruling = standing(context.records, 2024, subject).decision
        assert ruling
        command = msgspec.structs.replace(command, replaces=ruling.event)
    return context, command


@pytest.mark.parametrize(("history", "subject", "asked"), CASES)
def test_somebody_real_can_do_it_and_the_refusal_names_them(history: History, subject: str, asked: Asked) -> None:
    context, command = prepared(history, subject, asked)
    able = who_can(context, command)
    for by in (subject, None, "external"):
        refused = refusal(context, command, subject, by)
        if not isinstance(refused, Refused) or refused.code != "rates-oneself":
            continue
        assert subject not in able
        named = set(re.findall(r"\((p\d+)\)", refused.detail))
        assert named <= able, (refused.detail, able)
        if not context.holders("chair") and not able:
            # Nobody decides in a Chairman's stead: the administrator whom the refusal names appoints one.
            assert "nhờ người quản trị bổ nhiệm Chủ tịch" in refused.detail
            appointed_since = changed("p03" if subject != "p03" else "p14", asked.on, roles=["chair"], rater="external")
            assert who_can(*prepared(history.copy().record("12/12", appointed_since), subject, asked))
        else:
            assert named or (None in able and "quản trị" in refused.detail), refused.detail
