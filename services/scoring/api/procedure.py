"""The evaluation procedure of a year: its steps, and how far it has come."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.api.base import COMMUNE, PERSON, YEAR, answer, scoring
from services.scoring.api.steps import record_step, why
from services.scoring.domain import procedure
from services.scoring.schemas import (
    AppealBody,
    AsOfQuery,
    By,
    CloseBody,
    DecisionBody,
    LeaderCriteriaBody,
    MeetingBody,
    OnBody,
    OpinionBody,
    PeriodCommonBody,
    PeriodResultBody,
    Recorded,
    ReopenBody,
    ReRatingBody,
    ResolutionBody,
    RuleSetBody,
    SelfAssessmentBody,
)
from shared.events import Vote
from shared.web.auth import action, principal
from shared.web.schema import Blueprint

blueprint = Blueprint("procedure", __name__, url_prefix=COMMUNE, description="Quy trình xếp loại")

PERIOD = f"{PERSON}/periods/<period>"


# How far it has come


@blueprint.route(f"{YEAR}/procedure")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.table")
def year_procedure(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The year: deadline of the decision, meetings, publication, and for each person what comes next."""
    return answer(queries.year_course(scoring(), commune, year, query))


@blueprint.route(f"{PERSON}/procedure")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.sheet")
def person_procedure(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's year: proposal, steps, decision in force and earlier ones, and what became known since."""
    return answer(queries.person_course(scoring(), principal(), commune, year, staff, query))


@blueprint.route("/periods/<period>")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.period")
def period_table(query: dict[str, Any], commune: str, period: str) -> flask.Response:
    """A period: everyone's score, what is missing, and whether it can be closed."""
    return answer(queries.period_table(scoring(), commune, period, query))


# The year's rule set, and periods


@blueprint.route(f"{YEAR}/rule-set", methods=["POST"])
@blueprint.arguments(RuleSetBody)
@blueprint.response(201, Recorded)
@action("rating.rule_set")
def rule_set(body: dict[str, Any], commune: str, year: int) -> Any:
    """Choose another rule set than the law's for a category, with the reason."""
    return record_step(commune, procedure.choose_rule_set, procedure.ChooseRuleSet(year=year, **body))


@blueprint.route(f"{PERIOD}/common", methods=["POST"])
@blueprint.arguments(PeriodCommonBody)
@blueprint.response(201, Recorded)
@action("rating.common")
def period_common(body: dict[str, Any], commune: str, year: int, staff: str, period: str) -> Any:
    """Record common criteria of a period: one's own points, or the confirmed ones."""
    command = procedure.AssessPeriod(year=year, staff=staff, period=period, **body)
    return record_step(commune, procedure.assess_period, command)


@blueprint.route(f"{PERIOD}/leader-criteria", methods=["POST"])
@blueprint.arguments(LeaderCriteriaBody)
@blueprint.response(201, Recorded)
@action("rating.leader_criteria")
def leader_criteria(body: dict[str, Any], commune: str, year: int, staff: str, period: str) -> Any:
    """Record d, đ and e of a leader's period."""
    command = procedure.RecordLeaderCriteria(year=year, staff=staff, period=period, **body)
    return record_step(commune, procedure.record_leader_criteria, command)


@blueprint.route(f"{PERIOD}/result", methods=["POST"])
@blueprint.arguments(PeriodResultBody)
@blueprint.response(201, Recorded)
@action("rating.period_result")
def period_result(body: dict[str, Any], commune: str, year: int, staff: str, period: str) -> Any:
    """Record what a transferred person scored at the former agency."""
    command = procedure.ReceivePeriodResult(year=year, staff=staff, period=period, **body)
    return record_step(commune, procedure.receive_period_result, command)


@blueprint.route("/periods/<period>/closing", methods=["POST"])
@blueprint.arguments(CloseBody)
@blueprint.response(201, Recorded)
@action("rating.close")
def closing(body: dict[str, Any], commune: str, period: str) -> Any:
    """Lock a period; it is computed from the positions pinned here until it is reopened."""
    return record_step(commune, procedure.close_period, procedure.ClosePeriod(period=period, **body), pins=True)


@blueprint.route("/periods/<period>/reopening", methods=["POST"])
@blueprint.arguments(ReopenBody)
@blueprint.response(201, Recorded)
@action("rating.close")
def reopening(body: dict[str, Any], commune: str, period: str) -> Any:
    """Unlock a period, and with it the later ones of the year."""
    return record_step(commune, procedure.reopen_period, procedure.ReopenPeriod(period=period, **body))


# From the proposal to the decision


@blueprint.route(f"{YEAR}/proposals", methods=["POST"])
@blueprint.arguments(By)
@blueprint.response(201, Recorded)
@action("rating.propose")
def proposals(body: dict[str, Any], commune: str, year: int) -> Any:
    """Let the system propose for everyone who can be; the answer says for whom it could not, and why."""
    done, headers = record_step(commune, procedure.propose, procedure.Propose(year=year, **body), pins=True)
    for each in done["result"]:
        each["detail"] = why(each) if each["code"] else None
        del each["params"]
    return done, headers


@blueprint.route(f"{PERSON}/proposal", methods=["POST"])
@blueprint.arguments(By)
@blueprint.response(201, Recorded)
@action("rating.propose")
def proposal(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Let the system propose one person's level."""
    command = procedure.ProposeOne(year=year, staff=staff, **body)
    return record_step(commune, procedure.propose_one, command, pins=True)


@blueprint.route(f"{PERSON}/self-assessment", methods=["POST"])
@blueprint.arguments(SelfAssessmentBody)
@blueprint.response(201, Recorded)
@action("rating.own")
def self_assessment(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Assess one's own year."""
    return record_step(commune, procedure.assess_oneself, procedure.AssessOneself(year=year, staff=staff, **body))


@blueprint.route(f"{YEAR}/meeting", methods=["POST"])
@blueprint.arguments(MeetingBody)
@blueprint.response(201, Recorded)
@action("rating.minutes")
def meeting(body: dict[str, Any], commune: str, year: int) -> Any:
    """Record the minutes of the collective meeting."""
    votes = [Vote(**vote) for vote in body.pop("votes")]
    command = procedure.RecordMeeting(year=year, votes=votes, **body)
    return record_step(commune, procedure.record_meeting, command)


@blueprint.route(f"{PERSON}/opinion", methods=["POST"])
@blueprint.arguments(OpinionBody)
@blueprint.response(201, Recorded)
@action("rating.minutes")
def opinion(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Record the Party committee's written opinion on a leader."""
    return record_step(commune, procedure.record_opinion, procedure.RecordOpinion(year=year, staff=staff, **body))


@blueprint.route(f"{PERSON}/decision", methods=["POST"])
@blueprint.arguments(DecisionBody)
@blueprint.response(201, Recorded)
@action("rating.decide")
def decision(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Decide a person's level; nothing but a re-rating changes it afterwards."""
    return record_step(commune, procedure.decide, procedure.Decide(year=year, staff=staff, **body))


# Notice, publication, appeal, re-rating


@blueprint.route(f"{PERSON}/notice", methods=["POST"])
@blueprint.arguments(OnBody)
@blueprint.response(201, Recorded)
@action("rating.notice")
def notice(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Record the written notice to the person."""
    return record_step(commune, procedure.notify, procedure.Notify(year=year, staff=staff, **body))


@blueprint.route(f"{YEAR}/publication", methods=["POST"])
@blueprint.arguments(OnBody)
@blueprint.response(201, Recorded)
@action("rating.notice")
def publication(body: dict[str, Any], commune: str, year: int) -> Any:
    """Record the public notice in the agency; the answer names who is not decided yet."""
    return record_step(commune, procedure.publish, procedure.Publish(year=year, **body))


@blueprint.route(f"{PERSON}/appeals", methods=["POST"])
@blueprint.arguments(AppealBody)
@blueprint.response(201, Recorded)
@action("rating.own")
def appeals(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Appeal against a decided rating; the answer says until when it must be resolved."""
    return record_step(commune, procedure.appeal, procedure.FileAppeal(year=year, staff=staff, **body))


@blueprint.route(f"{PERSON}/appeals/<appeal>/resolution", methods=["POST"])
@blueprint.arguments(ResolutionBody)
@blueprint.response(201, Recorded)
@action("rating.decide")
def resolution(body: dict[str, Any], commune: str, year: int, staff: str, appeal: str) -> Any:
    """Resolve an appeal."""
    command = procedure.ResolveAppeal(year=year, staff=staff, appeal=appeal, **body)
    return record_step(commune, procedure.resolve_appeal, command)


@blueprint.route(f"{PERSON}/re-rating", methods=["POST"])
@blueprint.arguments(ReRatingBody)
@blueprint.response(201, Recorded)
@action("rating.decide")
def re_rating(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Replace a decision, which stays readable."""
    return record_step(commune, procedure.re_rate, procedure.ReRate(year=year, staff=staff, **body))
