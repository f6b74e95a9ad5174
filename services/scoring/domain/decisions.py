"""The table of commands: which action each is, on what it is decided, and by which function."""

from collections.abc import Callable
from typing import Any, NamedTuple

from services.scoring.domain import assessment
from services.scoring.domain.context import Command, Context, Decision
from services.scoring.domain.procedure import appeal, decision, meeting, periods, proposal, rule_set


class Handler(NamedTuple):
    """What is to be known of a kind of command.

    action      the row of the role × action table
    step        a step of the procedure: decided on all records at the ends of both logs (`ProcedureContext`), not on
                the rows folded so far
    pins        its events pin those ends, so the local logs must hold all there is
    """

    action: str
    decide: Callable[[Any, Any], Decision]
    step: bool = True
    pins: bool = False


HANDLERS: dict[type[Command], Handler] = {
    assessment.ChooseSettings: Handler("rating.settings", assessment.choose_settings, step=False),
    assessment.AssessCommon: Handler("rating.common", assessment.assess_common, step=False),
    assessment.RecordUnitResult: Handler("rating.unit_result", assessment.record_unit_result, step=False),
    rule_set.ChooseRuleSet: Handler("rating.rule_set", rule_set.choose_rule_set),
    periods.AssessPeriod: Handler("rating.common", periods.assess_period),
    periods.RecordLeaderCriteria: Handler("rating.leader_criteria", periods.record_leader_criteria),
    periods.ReceivePeriodResult: Handler("rating.period_result", periods.receive_period_result),
    periods.ClosePeriod: Handler("rating.close", periods.close_period, pins=True),
    periods.ReopenPeriod: Handler("rating.close", periods.reopen_period),
    proposal.Propose: Handler("rating.propose", proposal.propose, pins=True),
    proposal.ProposeOne: Handler("rating.propose", proposal.propose_one, pins=True),
    meeting.AssessOneself: Handler("rating.own", meeting.assess_oneself),
    meeting.RecordMeeting: Handler("rating.minutes", meeting.record_meeting),
    meeting.RecordOpinion: Handler("rating.minutes", meeting.record_opinion),
    decision.Decide: Handler("rating.decide", decision.decide),
    decision.Notify: Handler("rating.notice", decision.notify),
    decision.Publish: Handler("rating.notice", decision.publish),
    appeal.FileAppeal: Handler("rating.own", appeal.file_appeal),
    appeal.ResolveAppeal: Handler("rating.decide", appeal.resolve_appeal),
    appeal.ReRate: Handler("rating.decide", appeal.re_rate),
}


def decide(command: Command, context: Context) -> Decision:
    """What a command leads to; for a step of the procedure, `context` is a `ProcedureContext`. Raises Refused."""
    return HANDLERS[type(command)].decide(context, command)
