"""A token counts as far as its roles: one made for less allows no more than a post with only those roles."""

from collections.abc import Collection
from itertools import chain, combinations
from typing import Any

import msgspec
import pytest

from services.scoring.access import ACTIONS
from services.scoring.domain import decisions
from services.scoring.domain.assessment import AssessCommon, RecordUnitResult
from services.scoring.domain.context import Command, ProcedureContext
from services.scoring.domain.procedure.appeal import FileAppeal, ReRate, ResolveAppeal
from services.scoring.domain.procedure.decision import Notify, Publish
from services.scoring.domain.procedure.meeting import AssessOneself, RecordMeeting, RecordOpinion
from services.scoring.domain.procedure.periods import ReopenPeriod
from services.scoring.domain.procedure.proposal import Propose, ProposeOne
from services.scoring.domain.standing import standing
from shared.events import UnitFigures
from shared.refusal import Refused
from tests.support.histories import COMMUNE, appointed
from tests.unit.scoring import test_period_steps as periods
from tests.unit.scoring.test_procedure import (
    FROM_ABOVE,
    READY,
    TODAY,
    Spec,
    appealed,
    decide,
    decided,
    given,
    met,
    opined,
    proposed,
    rule_set,
    self_assessed,
    settings,
)

ME = "p50"
ALL = ("chair", "vice_chair", "office", "admin", "staff")
SUBSETS = [*chain.from_iterable(combinations(ALL, size) for size in range(1, len(ALL) + 1))]
# What concerns ME is the same for every post: they are neither rated nor below anybody.
MINE: dict[str, Any] = {"roles": list(ALL), "rated": False, "rater": "external"}
P07: dict[str, Any] = {"year": 2024, "staff": "p07"}
FIGURES = UnitFigures(targets=1, completed=1, on_time_quality=1, exceeded=0, units=1, units_hoan_thanh=1, units_tot=1)
ABOVE: dict[str, Any] = {"document_number": "1/QĐ", "document_date": TODAY, "document_sha256": "d" * 64}
READY_P03 = (proposed("p03"), self_assessed("p03"), met("p03"), opined("p03"))


def of_2024(*recorded: Any) -> Spec:
    return given(appointed(ME, **MINE), *recorded)


def of_2026(*recorded: Any) -> Spec:
    return periods.given(appointed(ME, **MINE), *recorded)


RATED = of_2024(*READY, decided(), proposed(proposal="d2"), appealed())
IN_FORCE = standing(RATED.history.records(), 2024, "p07").decision
assert IN_FORCE
RE_RATING: dict[str, Any] = {
    "proposal": "d2", "level": "hoan_thanh", "replaces": IN_FORCE.event, "reason": "Kiến nghị đúng", "by": ME
}  # fmt: skip

# In each nothing but the sender's roles decides whether it may be sent.
SENT: list[tuple[Spec, Command]] = [
    (of_2024(), settings(by=ME)),
    (of_2024(), rule_set(rule_set="none", by=ME)),
    (of_2024(), AssessCommon(items={"k1": "tot"}, stage="confirmed", by=ME, **P07)),
    (of_2024(), RecordUnitResult(unit=COMMUNE, year=2024, figures=FIGURES, by=ME, **ABOVE)),
    (of_2024(), Propose(year=2024, by=ME)),
    (of_2024(), ProposeOne(by=ME, **P07)),
    (of_2024(), AssessOneself(level="tot", **P07)),
    (of_2024(), RecordMeeting(year=2024, held_on=TODAY, present=10, absent=0, votes=met("p07").votes)),
    (of_2024(), RecordMeeting(year=2024, held_on=TODAY, present=10, absent=0, votes=met("p14").votes)),
    (of_2024(), RecordOpinion(year=2024, staff="p03", by_body="Đảng ủy", text="Nhất trí")),
    (of_2024(*READY), decide(by=ME)),
    (of_2024(*READY_P03), decide("p03", by=ME)),
    (of_2024(proposed("p01")), decide("p01", **FROM_ABOVE)),
    (RATED, Notify(**P07)),
    (RATED, Publish(year=2024)),
    (of_2024(*READY, decided()), FileAppeal(text="Xem lại", **P07)),
    (RATED, ResolveAppeal(appeal="k1", outcome="upheld", by=ME, **P07)),
    (RATED, ReRate(**P07, **RE_RATING)),
    (of_2026(), periods.points(by=ME)),
    (of_2026(), periods.criteria(by=ME)),
    (of_2026(appointed("p09", since="10/2/2026", tracker="p05")), periods.received(by=ME)),
    (of_2026(*(periods.period_common("2026-01", staff=one) for one in ("p07", "p14", "p05"))),
     periods.close("2026-01", "p07", by=ME)),
    (of_2026(periods.closed("2026-01", "p07")), ReopenPeriod(period="2026-01", by=ME, reason="Sai")),
]  # fmt: skip
CASES = [
    (spec, variant)
    for spec, command in SENT
    for variant in (
        [command, *(msgspec.structs.replace(command, by=by) for by in ("p01", "p14", "external"))]
        if "by" in command.__struct_fields__
        else [command]
    )
]


def may(context: ProcedureContext, command: Command) -> bool:
    """Do the role × action table and the object rules allow it?"""
    assert context.roles is not None
    if context.roles.isdisjoint(ACTIONS[decisions.HANDLERS[type(command)].action]):
        return False
    try:
        decisions.decide(command, context)
    except Refused:
        return False
    return True


def narrowed(context: ProcedureContext, roles: Collection[str]) -> ProcedureContext:
    return msgspec.structs.replace(context, roles=frozenset(roles))


def in_post(context: ProcedureContext, roles: Collection[str]) -> ProcedureContext:
    post = msgspec.structs.replace(context.posts[ME], roles=list(roles))
    return narrowed(msgspec.structs.replace(context, posts={**context.posts, ME: post}), roles)


def test_every_command_is_tried_and_allowed_by_the_whole_token() -> None:
    assert {type(command) for _, command in SENT} == decisions.HANDLERS.keys()
    allowed = {type(command) for spec, command in CASES if may(in_post(of(spec), ALL), command)}
    assert allowed == decisions.HANDLERS.keys()


def of(spec: Spec) -> ProcedureContext:
    return spec.by(ME).context


@pytest.mark.parametrize(("spec", "command"), CASES, ids=lambda value: type(value).__name__)
def test_a_narrowed_token_allows_no_more_than_a_post_with_only_those_roles(spec: Spec, command: Command) -> None:
    context = of(spec)
    more = {
        roles
        for roles in SUBSETS
        if may(narrowed(context, roles), command) and not may(in_post(context, roles), command)
    }
    assert more == set()
