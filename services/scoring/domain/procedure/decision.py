"""The competent person's decision, its notice to the person and the public notice."""

from datetime import date

from services.scoring.domain import refusals
from services.scoring.domain.context import Command, Decision, ProcedureContext, must_be_documented
from services.scoring.domain.procedure.steps import (
    day_given,
    decision_in_force,
    must_be_competent,
    must_be_decidable,
    must_be_rated,
    must_be_undecided,
    must_name_last_proposal,
    needs_opinion,
    post_of_year,
    text_or_none,
)
from services.scoring.domain.sheet import rated_staff
from services.scoring.domain.standing import Standing, standing
from shared import events
from shared.events.ratings import Outcome
from shared.events.values import EXTERNAL


class Decide(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    proposal: str
    level: Outcome
    by: str
    decided_on: date | None = None
    differs_reason: str | None = None
    decision_number: str | None = None
    document_sha256: str | None = None


def decide(context: ProcedureContext, command: Decide) -> Decision:
    """The competent person's decision on the last proposal, in the order of the law: self-assessment, meeting, for
    leaders the opinion, decision. A decision made above the commune is only recorded here, with its number, day and
    document."""
    must_be_rated(context, command.year, command.staff)
    of = standing(context.records, command.year, command.staff)
    must_be_competent(context, command.staff, command.by)
    must_be_documented(context, command.by, command.decision_number, command.decided_on, command.document_sha256)
    must_be_undecided(of)
    must_name_last_proposal(of, command.proposal)
    if command.by != EXTERNAL:
        post = post_of_year(context, command.year, command.staff)
        waits = {
            refusals.SELF_ASSESSMENT_MISSING: of.self_assessment is None,
            refusals.MEETING_MISSING: not of.votes,
            refusals.OPINION_MISSING: needs_opinion(post) and not of.opinion,
        }
        for refusal, missing in waits.items():
            if missing:
                raise refusal(staff=command.staff)
    must_be_decidable(of, command.level)
    reason = text_or_none(command.differs_reason)
    if command.level != of.proposed_level and reason is None:
        raise refusals.DIFFERS_REASON_REQUIRED(level=command.level, proposed=of.proposed_level)
    return Decision(
        [
            events.RatingDecided(
                staff=command.staff,
                year=command.year,
                proposal=command.proposal,
                level=command.level,
                decided_on=day_given(context, command.decided_on, not_before=_follows(of, command.by)),
                by=command.by,
                differs_reason=reason,
                decision_number=text_or_none(command.decision_number),
                document_sha256=command.document_sha256,
            )
        ]
    )


def _follows(of: Standing, by: str) -> date:
    """The last day of what a decision rests on. A decision above the commune rests on the proposal alone."""
    days = [of.proposal.evaluated_on] if of.proposal else []
    if by != EXTERNAL:
        days += [step.on for step in (of.self_assessment, of.opinion) if step]
        days += [min(ballot.held_on for ballot in of.votes)] if of.votes else []
    return max(days, default=date.min)


class Notify(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    on: date | None = None


def notify(context: ProcedureContext, command: Notify) -> Decision:
    """The written notice to the person, recorded by the Chairman or the Office, a vice-chair on the Office's own."""
    context.must_keep({command.staff}, "chair")
    decision = decision_in_force(context, command.year, command.staff)
    on = day_given(context, command.on, not_before=decision.decided_on)
    return Decision([events.RatingNotified(staff=command.staff, year=command.year, on=on)])


class Publish(Command, frozen=True, kw_only=True):
    year: int
    on: date | None = None


def publish(context: ProcedureContext, command: Publish) -> Decision:
    """The public notice of the year in the agency. The answer names the undecided."""
    context.must_keep((), "chair")
    staff = rated_staff(context.records, command.year, on=context.today)
    decisions = {person: standing(context.records, command.year, person).decision for person in staff}
    days = [decision.decided_on for decision in decisions.values() if decision]
    if not days:
        raise refusals.NOTHING_DECIDED(year=command.year)
    on = day_given(context, command.on, not_before=min(days))
    undecided = [person for person, decision in decisions.items() if decision is None]
    return Decision([events.RatingsPublished(year=command.year, on=on)], {"undecided": undecided})
