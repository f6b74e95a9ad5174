"""Since when an event holds, which may lie before the day of its recording: what was dated back."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from shared.events.communes import CommuneClosed, CommuneOpened, CommuneRenamed
from shared.events.directives import DirectiveAmended, DirectiveIssued
from shared.events.ratings import (
    AppealResolved,
    CommonAssessed,
    LeaderCriteriaRecorded,
    MeetingRecorded,
    OpinionRecorded,
    PeriodClosed,
    PeriodReopened,
    PeriodResultReceived,
    RatingAppealed,
    RatingDecided,
    RatingNotified,
    RatingProposed,
    RatingsPublished,
    ReRated,
    ScoreUpdated,
    SelfAssessed,
    UnitResultRecorded,
)
from shared.events.reminders import ReminderQueued
from shared.events.staff import (
    AbsenceRecorded,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    StaffTakenOver,
)
from shared.events.tasks import ResultReported, TaskAssigned, TaskCompleted
from shared.events.templates import TemplateSet
from shared.events.units import UnitDefined
from shared.events.values import Due

# A weekend and the day after it: what is typed later than this stands out among what is typed in time.
LATE_DAYS = 3

# The field that says since when an event holds.
SINCE: Mapping[type, str] = {
    StaffAppointed: "valid_from",
    StaffChanged: "valid_from",
    StaffLeft: "valid_to",
    AbsenceRecorded: "from_",
    StaffDisciplined: "decision_date",
    UnitDefined: "valid_from",
    TaskAssigned: "assigned_on",
    ResultReported: "on",
    TemplateSet: "valid_from",
    RatingDecided: "decided_on",
    ReRated: "decided_on",
    RatingNotified: "on",
    AppealResolved: "on",
}
# Why the days of other events are no such day.
OTHER_DAYS: Mapping[type, str] = {
    **dict.fromkeys((CommuneOpened, CommuneRenamed, CommuneClosed), "No rating rests on it"),
    **dict.fromkeys((DirectiveIssued, DirectiveAmended), "The day of a paper"),
    **dict.fromkeys((CommonAssessed, UnitResultRecorded, LeaderCriteriaRecorded), "The day of a paper from above"),
    **dict.fromkeys((PeriodReopened, PeriodResultReceived, OpinionRecorded), "The day of a paper from outside"),
    **dict.fromkeys((PeriodClosed, RatingProposed, ScoreUpdated), "The day of computing is the day of recording"),
    **dict.fromkeys((MeetingRecorded, RatingsPublished), "Typed from minutes, or a notice board, once it has happened"),
    **dict.fromkeys((SelfAssessed, RatingAppealed), "The person's own word"),
    TaskCompleted: "The day of the report",
    StaffTakenOver: "A merger carries over what is known",
    ReminderQueued: "The day of reminding",
}


def since(data: Any) -> date | None:
    """The first day on which an event holds; None for one that holds from its recording."""
    field = SINCE.get(type(data))
    day: date | None = getattr(data, field) if field else None
    return day + timedelta(days=1) if day and isinstance(data, StaffLeft) else day


def days_before(data: Any, recorded: date) -> int:
    """How many days before its recording an event begins to hold."""
    first = since(data)
    return max((recorded - first).days, 0) if first else 0


def past_due(data: Any, recorded: date) -> date | None:
    """The deadline that an event sets, when it was over already."""
    due = getattr(data, "due", None)
    return due.date if isinstance(due, Due) and due.date and due.date < recorded else None
