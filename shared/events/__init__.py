"""The event catalogue: the public contract between the services, and with integrators and audits."""

from shared.events.calendars import CalendarPublished, DayOff, WorkingWeekend
from shared.events.catalogue import CATALOGUE, Catalogue, EventType
from shared.events.checkpoints import CheckpointSigned
from shared.events.communes import CommuneClosed, CommuneOpened, CommuneRenamed, CommuneSettingsChosen
from shared.events.directives import DirectiveAmended, DirectiveIssued, DirectiveWithdrawn
from shared.events.envelope import (
    GENESIS_HASH,
    MAX_EVENT_BYTES,
    VIETNAM,
    Envelope,
    MalformedEvent,
    UnknownVersion,
    encode,
    event_hash,
    format_time,
    local_day,
    parse_time,
    uuid7,
)
from shared.events.imports import ImportConfirmed
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
    RuleSetChosen,
    ScoreUpdated,
    SelfAssessed,
    SettingsChosen,
    UnitFigures,
    UnitResultRecorded,
    Vote,
)
from shared.events.staff import (
    AbsenceRecorded,
    DisciplineWithdrawn,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    StaffTakenOver,
)
from shared.events.tasks import (
    CoefficientCorrected,
    DraftSettled,
    DueConfirmed,
    DueRecomputed,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    ObjectiveCauseConfirmed,
    PastEvent,
    ProgressNoted,
    ResultReported,
    ResultReturned,
    TaskAcknowledged,
    TaskAssigned,
    TaskCancelled,
    TaskCarriedOver,
    TaskCompleted,
    TaskCorrected,
    TaskDrafted,
    TaskHandedBack,
    TaskReopened,
)
from shared.events.templates import TemplateEnded, TemplateSet
from shared.events.units import UnitDefined
from shared.events.values import Data, Due, Evidence, Exceeded, Input, Item, Recurrence

CATALOGUE.check()
decode = CATALOGUE.decode


def type_name(data: object) -> str:
    """The full type of an event's data, such as `vn.cchc.task.assigned.v1`."""
    return CATALOGUE.of(data).type_name


def subject_of(data: object, commune: str) -> str:
    """The stream an event belongs to, such as `task/<id>`."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}  # type: ignore[attr-defined]
    return CATALOGUE.of(data).subject.format(**{"commune": commune} | fields)


__all__ = [
    "CATALOGUE",
    "GENESIS_HASH",
    "MAX_EVENT_BYTES",
    "VIETNAM",
    "AbsenceRecorded",
    "AppealResolved",
    "CalendarPublished",
    "Catalogue",
    "CheckpointSigned",
    "CoefficientCorrected",
    "CommonAssessed",
    "CommuneClosed",
    "CommuneOpened",
    "CommuneRenamed",
    "CommuneSettingsChosen",
    "Data",
    "DayOff",
    "DirectiveAmended",
    "DirectiveIssued",
    "DirectiveWithdrawn",
    "DisciplineWithdrawn",
    "DraftSettled",
    "Due",
    "DueConfirmed",
    "DueRecomputed",
    "Envelope",
    "EventType",
    "Evidence",
    "Exceeded",
    "ExtensionGranted",
    "ExtensionRefused",
    "ExtensionRequested",
    "ImportConfirmed",
    "Input",
    "Item",
    "LeaderCriteriaRecorded",
    "MalformedEvent",
    "MeetingRecorded",
    "ObjectiveCauseConfirmed",
    "OpinionRecorded",
    "PastEvent",
    "PeriodClosed",
    "PeriodReopened",
    "PeriodResultReceived",
    "ProgressNoted",
    "RatingAppealed",
    "RatingDecided",
    "RatingNotified",
    "RatingProposed",
    "RatingsPublished",
    "ReRated",
    "Recurrence",
    "ResultReported",
    "ResultReturned",
    "RuleSetChosen",
    "ScoreUpdated",
    "SelfAssessed",
    "SettingsChosen",
    "StaffAppointed",
    "StaffChanged",
    "StaffDisciplined",
    "StaffLeft",
    "StaffTakenOver",
    "TaskAcknowledged",
    "TaskAssigned",
    "TaskCancelled",
    "TaskCarriedOver",
    "TaskCompleted",
    "TaskCorrected",
    "TaskDrafted",
    "TaskHandedBack",
    "TaskReopened",
    "TemplateEnded",
    "TemplateSet",
    "UnitDefined",
    "UnitFigures",
    "UnitResultRecorded",
    "UnknownVersion",
    "Vote",
    "WorkingWeekend",
    "decode",
    "encode",
    "event_hash",
    "format_time",
    "local_day",
    "parse_time",
    "subject_of",
    "type_name",
    "uuid7",
]
