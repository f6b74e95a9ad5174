"""The evaluation procedure of a year: how far it has come, and its steps from the proposal to the re-rating."""

from typing import Any

from services.scoring import queries
from services.scoring.answers import AsKnown, as_known
from services.scoring.api.base import COMMUNE, PERSON, YEAR, change, scoring
from services.scoring.commands import execute
from services.scoring.domain.course import Course, PersonCourse
from services.scoring.domain.periods import PeriodTable
from services.scoring.domain.procedure.appeal import FileAppeal, ReRate, ResolveAppeal
from services.scoring.domain.procedure.decision import Decide, Notify, Publish
from services.scoring.domain.procedure.meeting import AssessOneself, RecordMeeting, RecordOpinion
from services.scoring.domain.procedure.proposal import Propose, ProposeOne
from services.scoring.schemas import (
    AppealBody,
    AsOfQuery,
    By,
    DecisionBody,
    MeetingBody,
    OnBody,
    OpinionBody,
    Recorded,
    ReRatingBody,
    ResolutionBody,
    SelfAssessmentBody,
)
from shared.web.auth import action, principal
from shared.web.changes import add
from shared.web.schema import Blueprint

blueprint = Blueprint("procedure", __name__, url_prefix=COMMUNE, description="Quy trình xếp loại")

CHANGES = (
    change(f"{YEAR}/proposals", Propose, By, "Let the system propose everyone's level; the answer says who was not."),
    change(f"{PERSON}/proposal", ProposeOne, By, "Let the system propose one person's level."),
    change(f"{PERSON}/self-assessment", AssessOneself, SelfAssessmentBody, "Assess one's own year."),
    change(f"{YEAR}/meeting", RecordMeeting, MeetingBody, "Record the minutes of the collective meeting."),
    change(f"{PERSON}/opinion", RecordOpinion, OpinionBody, "Record the Party committee's opinion on a leader."),
    change(f"{PERSON}/decision", Decide, DecisionBody, "Decide a person's level; only a re-rating changes it then."),
    change(f"{PERSON}/notice", Notify, OnBody, "Record the written notice to the person."),
    change(f"{YEAR}/publication", Publish, OnBody, "Record the public notice; the answer names who is undecided."),
    change(f"{PERSON}/appeals", FileAppeal, AppealBody, "Appeal against a decided rating; due as the answer says."),
    change(f"{PERSON}/appeals/<appeal>/resolution", ResolveAppeal, ResolutionBody, "Resolve an appeal."),
    change(f"{PERSON}/re-rating", ReRate, ReRatingBody, "Replace a decision, which stays readable."),
)

add(blueprint, CHANGES, execute, answer=Recorded)


@blueprint.route(f"{YEAR}/procedure")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, AsKnown[Course])
@action("rating.table")
def read_year_procedure(query: dict[str, Any], commune: str, year: int) -> AsKnown[Course]:
    """The year: deadline of the decision, meetings, publication, and for each person what comes next."""
    return as_known(queries.year_course(scoring(), commune, year, query))


@blueprint.route(f"{PERSON}/procedure")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, AsKnown[PersonCourse])
@action("rating.sheet")
def read_person_procedure(query: dict[str, Any], commune: str, year: int, staff: str) -> AsKnown[PersonCourse]:
    """A person's year: proposal, steps, decision in force and earlier ones, and what became known since."""
    return as_known(queries.person_course(scoring(), principal(), commune, year, staff, query))


@blueprint.route("/periods/<period>")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, AsKnown[PeriodTable])
@action("rating.period")
def read_period(query: dict[str, Any], commune: str, period: str) -> AsKnown[PeriodTable]:
    """A period: everyone's score, what is missing, and whether it can be closed."""
    return as_known(queries.period_table(scoring(), commune, period, query))
