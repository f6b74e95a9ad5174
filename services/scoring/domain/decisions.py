"""The table of commands: which action each is, on what it is decided, and by which function."""

from collections.abc import Callable
from typing import Any, NamedTuple

from services.scoring.domain import assessment
from services.scoring.domain.concerns import (
    ALL_ALIKE,
    NO_RATING,
    OWN_ACT,
    Concerns,
    Exempt,
    a_keeper,
    a_keeper_or_the_chair,
    must_not_concern_the_sender,
    the_chair_or_above,
    the_chair_or_an_administrator,
    the_people_named,
    the_people_voted_on,
    the_person,
    the_person_unless_self_assessed,
    the_rated,
    the_rater,
    the_tracker_or_rater,
)
from services.scoring.domain.context import Command, Context, Decision
from services.scoring.domain.procedure import appeal, decision, meeting, periods, proposal, rule_set


class Handler(NamedTuple):
    """What is to be known of a kind of command.

    action      the row of the role × action table
    concerns    whose rating rests on it, who so neither decides nor types it; or why that is nobody's own
    step        a step of the procedure: decided on all records at the ends of both logs (`ProcedureContext`), not on
                the rows folded so far
    pins        its events pin those ends, so the local logs must hold all there is
    """

    action: str
    decide: Callable[[Any, Any], Decision]
    concerns: Concerns | Exempt
    step: bool = True
    pins: bool = False


_RATED = Concerns(the_rated, the_chair_or_an_administrator)
_ASSESSED = Concerns(the_person_unless_self_assessed, the_tracker_or_rater)
_UNIT = Concerns(assessment.answer_for, the_chair_or_above)
_JUDGED = Concerns(the_person, the_rater)
_KEPT = Concerns(the_person, a_keeper)
_KEPT_OR_LED = Concerns(the_person, a_keeper_or_the_chair)
_CLOSED = Concerns(the_people_named, a_keeper_or_the_chair)
_REOPENED = Concerns(the_people_named, the_chair_or_above)
_VOTED = Concerns(the_people_voted_on, a_keeper)

HANDLERS: dict[type[Command], Handler] = {
    assessment.ChooseSettings: Handler("rating.settings", assessment.choose_settings, _RATED, step=False),
    assessment.AssessCommon: Handler("rating.common", assessment.assess_common, _ASSESSED, step=False),
    assessment.RecordUnitResult: Handler("rating.unit_result", assessment.record_unit_result, _UNIT, step=False),
    rule_set.ChooseRuleSet: Handler("rating.rule_set", rule_set.choose_rule_set, _RATED),
    periods.AssessPeriod: Handler("rating.common", periods.assess_period, _ASSESSED),
    periods.RecordLeaderCriteria: Handler("rating.leader_criteria", periods.record_leader_criteria, _JUDGED),
    periods.ReceivePeriodResult: Handler("rating.period_result", periods.receive_period_result, _KEPT),
    periods.ClosePeriod: Handler("rating.close", periods.close_period, _CLOSED, pins=True),
    periods.ReopenPeriod: Handler("rating.close", periods.reopen_period, _REOPENED),
    proposal.Propose: Handler("rating.propose", proposal.propose, ALL_ALIKE, pins=True),
    proposal.ProposeOne: Handler("rating.propose", proposal.propose_one, _KEPT_OR_LED, pins=True),
    meeting.AssessOneself: Handler("rating.own", meeting.assess_oneself, OWN_ACT),
    meeting.RecordMeeting: Handler("rating.minutes", meeting.record_meeting, _VOTED),
    meeting.RecordOpinion: Handler("rating.minutes", meeting.record_opinion, _KEPT),
    decision.Decide: Handler("rating.decide", decision.decide, _JUDGED),
    decision.Notify: Handler("rating.notice", decision.notify, _KEPT_OR_LED),
    decision.Publish: Handler("rating.notice", decision.publish, NO_RATING),
    appeal.FileAppeal: Handler("rating.own", appeal.file_appeal, OWN_ACT),
    appeal.ResolveAppeal: Handler("rating.decide", appeal.resolve_appeal, _JUDGED),
    appeal.ReRate: Handler("rating.decide", appeal.re_rate, _JUDGED),
}


def decide(command: Command, context: Context) -> Decision:
    """What a command leads to; for a step of the procedure, `context` is a `ProcedureContext`. Raises Refused."""
    handler = HANDLERS[type(command)]
    must_not_concern_the_sender(handler.concerns, context, command)
    return handler.decide(context, command)
