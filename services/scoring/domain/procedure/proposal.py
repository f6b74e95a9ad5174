"""The proposals of the system: the computed level of a person with what it takes to compute it again."""

import hashlib
from collections.abc import Collection

import msgspec

from services.scoring.domain import refusals
from services.scoring.domain.concerns import a_keeper_or_the_chair, must_not_be_for_the_sender_alone
from services.scoring.domain.context import Command, Decision, ProcedureContext
from services.scoring.domain.procedure.steps import (
    must_be_rated,
    must_be_undecided,
    must_have_begun,
    must_keep_or_lead,
)
from services.scoring.domain.sheet import Sheet, sheet, sheet_bytes, sheets
from services.scoring.domain.standing import standing
from shared import events
from shared.events.ratings import Outcome
from shared.refusal import Refused


class Propose(Command, frozen=True, kw_only=True):
    year: int
    by: str


class Proposed(msgspec.Struct, frozen=True):
    """What became of one person's proposal: its id and level, or why there is none."""

    staff: str
    proposal: str | None = None
    level: str | None = None
    code: str | None = None
    detail: str | None = None


def propose(context: ProcedureContext, command: Propose) -> Decision:
    """The system's proposals for everyone who is not decided yet, each pinning rule set, day, positions and the SHA-256
    of the sheet. The answer says of each what was proposed, or why nothing was. Refuses a sender whose own is the only
    one left."""
    _must_propose(context, command, ())
    proposals, outcomes = [], []
    for of_person in sheets(context.records, command.year, context.today):
        try:
            must_be_undecided(standing(context.records, command.year, of_person.staff))
            proposal = _proposal(context, of_person, command.by)
        except Refused as refused:
            outcomes.append(Proposed(of_person.staff, code=refused.code, detail=refused.detail))
        else:
            proposals.append(proposal)
            outcomes.append(Proposed(proposal.staff, proposal.proposal, proposal.level))
    people = [proposal.staff for proposal in proposals]
    must_not_be_for_the_sender_alone(context, command, people, a_keeper_or_the_chair)
    return Decision(proposals, outcomes)


class ProposeOne(Propose, frozen=True, kw_only=True):
    staff: str


def propose_one(context: ProcedureContext, command: ProposeOne) -> Decision:
    """The system's proposal for one person. Also possible after the decision, whatever became of the person's post: a
    re-rating rests on it. Refuses while a result waits (`result-waits`)."""
    _must_propose(context, command, {command.staff})
    if standing(context.records, command.year, command.staff).decision is None:
        must_be_rated(context, command.year, command.staff)
    of_person = sheet(context.records, command.year, command.staff, on=context.today)
    proposal = _proposal(context, of_person, command.by)
    return Decision([proposal], {"proposal": proposal.proposal, "level": proposal.level})


def _must_propose(context: ProcedureContext, command: Propose, about: Collection[str]) -> None:
    context.must_act_for(command.by)
    must_keep_or_lead(context, command.by, about)
    must_have_begun(context, command.year)


def _proposal(context: ProcedureContext, of: Sheet, by: str) -> events.RatingProposed:
    if of.blockers:
        tasks = ", ".join(blocker.task for blocker in of.blockers)
        raise refusals.RESULT_WAITS(staff=of.staff, tasks=tasks)
    if of.rule_set != "none" and of.rule_set_sha256 is None:
        raise refusals.RULE_SET_NOT_INSTALLED(rule_set=of.rule_set)
    return events.RatingProposed(
        proposal=context.new_id(),
        staff=of.staff,
        year=of.year,
        level=msgspec.convert(of.level, Outcome),
        figures=dict(of.figures),
        rule_set=of.rule_set,
        rule_set_sha256=of.rule_set_sha256,
        sheet_sha256=hashlib.sha256(sheet_bytes(of)).hexdigest(),
        evaluated_on=of.evaluated_on,
        inputs=context.inputs,
        by=by,
    )
