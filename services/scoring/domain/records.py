"""What a fold keeps of one commune: dated moments in the order of recording, one row per task, person, unit.

Nothing here depends on today, and no effective day is worked out: that is for the facts, which rule sets own.
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal, TypeAlias

import msgspec

from shared.events import (
    AbsenceRecorded,
    AppealResolved,
    CalendarPublished,
    CommonAssessed,
    CommuneClosed,
    CommuneOpened,
    CommuneRenamed,
    DirectiveAmended,
    DirectiveIssued,
    DirectiveWithdrawn,
    DisciplineWithdrawn,
    Item,
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
    SelfAssessed,
    SettingsChosen,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    StaffTakenOver,
    UnitDefined,
    UnitResultRecorded,
    local_day,
)
from shared.records import Records as RecordsByKind


# array_like: a commune has tens of thousands of moments, and rows without field names are half as large.
# gc=False throughout: records hold no cycles.
class Moment(msgspec.Struct, array_like=True, gc=False):
    """One event as its record keeps it: its place in the log, and who recorded it when."""

    position: int
    id: str
    time: str
    actor: str

    @property
    def day(self) -> date:
        """The day of recording in Vietnam."""
        return local_day(self.time)


class Assigned(Moment, tag="assigned", gc=False):
    due_version: int
    due: date | None
    assigned_on: date | None


class DueRevised(Moment, tag="revised", gc=False):
    """`task.due_confirmed` or `task.due_recomputed`."""

    due_version: int
    due: date | None
    of: Literal["confirmed", "recomputed"]


class Requested(Moment, tag="requested", gc=False):
    pass


class Granted(Moment, tag="granted", gc=False):
    due_version: int | None
    due: date | None


class Refusal(Moment, tag="refused", gc=False):
    """A request for more time was refused."""


class Reported(Moment, tag="reported", gc=False):
    on: date


class Returned(Moment, tag="returned", gc=False):
    due_version: int
    due: date | None
    quality_failure: bool


class Completed(Moment, tag="completed", gc=False):
    on: date
    met: bool
    verified_by: str
    exceeded: str | None
    exceeded_reason: str | None
    exceeded_by: str | None


class Reopened(Moment, tag="reopened", gc=False):
    due_version: int
    due: date | None
    quality_failure: bool


class Cause(Moment, tag="cause", gc=False):
    """An objective cause; without `due_version`, for all versions set until then."""

    of: Literal["lateness", "quality"]
    due_version: int | None
    reason: str
    document: str | None
    by: str


class HandedBack(Moment, tag="handed_back", gc=False):
    kind: Literal["unable", "reassigned"]


class CoefficientSet(Moment, tag="coefficient", gc=False):
    coefficient: str


class Cancelled(Moment, tag="cancelled", gc=False):
    reason: str


TaskMoment: TypeAlias = (
    Assigned
    | DueRevised
    | Requested
    | Granted
    | Refusal
    | Reported
    | Returned
    | Completed
    | Reopened
    | Cause
    | HandedBack
    | CoefficientSet
    | Cancelled
)


class TaskRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """A task: what it was assigned with (wording as last corrected), then its life. `due_version` is the last set.
    `typed_for` names, by the index of a moment, the people in whose name somebody else typed it."""

    task: str
    title: str
    product: str
    field: int
    lead: str
    collaborators: list[str]
    coefficient: str | None
    origin: str
    due_version: int
    moments: list[TaskMoment]
    directive: str | None = None
    item: Item | None = None
    parent: str | None = None
    template: str | None = None
    taken_over_from: str | None = None
    typed_for: dict[int, list[str]] = {}


# Of people, units and years there are few events: their moments keep the event's own data.
class Appointed(Moment, tag="appointed", gc=False):
    data: StaffAppointed


class Changed(Moment, tag="changed", gc=False):
    data: StaffChanged


class Left(Moment, tag="left", gc=False):
    data: StaffLeft


class TakenOver(Moment, tag="taken_over", gc=False):
    data: StaffTakenOver


class Absence(Moment, tag="absence", gc=False):
    data: AbsenceRecorded


class Disciplined(Moment, tag="disciplined", gc=False):
    data: StaffDisciplined


class Withdrawn(Moment, tag="withdrawn", gc=False):
    data: DisciplineWithdrawn


PersonMoment: TypeAlias = Appointed | Changed | Left | TakenOver | Absence | Disciplined | Withdrawn


class PersonRecord(msgspec.Struct, gc=False):
    staff: str
    moments: list[PersonMoment]


class Defined(Moment, gc=False):
    data: UnitDefined


class UnitRecord(msgspec.Struct, gc=False):
    unit: str
    moments: list[Defined]


class Chosen(Moment, tag="settings", gc=False):
    data: SettingsChosen


class RuleSetPick(Moment, tag="rule_set", gc=False):
    data: RuleSetChosen


class Meeting(Moment, tag="meeting", gc=False):
    data: MeetingRecorded


class Published(Moment, tag="published", gc=False):
    data: RatingsPublished


class YearRecord(msgspec.Struct, gc=False):
    year: int
    moments: list[Chosen | RuleSetPick | Meeting | Published]


class Assessed(Moment, gc=False):
    data: CommonAssessed


class CommonRecord(msgspec.Struct, gc=False):
    year: int
    staff: str
    moments: list[Assessed]


class ResultRecorded(Moment, gc=False):
    data: UnitResultRecorded


class UnitResultRecord(msgspec.Struct, gc=False):
    year: int
    unit: str
    moments: list[ResultRecorded]


class LeaderCriteria(Moment, tag="leader_criteria", gc=False):
    data: LeaderCriteriaRecorded


class PeriodResult(Moment, tag="period_result", gc=False):
    """What a former agency sent."""

    data: PeriodResultReceived


class Proposed(Moment, tag="proposed", gc=False):
    data: RatingProposed


class SelfAssessment(Moment, tag="self_assessed", gc=False):
    data: SelfAssessed


class Opinion(Moment, tag="opinion", gc=False):
    data: OpinionRecorded


class Decided(Moment, tag="decided", gc=False):
    data: RatingDecided


class Notified(Moment, tag="notified", gc=False):
    data: RatingNotified


class Appealed(Moment, tag="appealed", gc=False):
    data: RatingAppealed


class Resolved(Moment, tag="appeal_resolved", gc=False):
    data: AppealResolved


class ReRating(Moment, tag="re_rated", gc=False):
    data: ReRated


RatingMoment: TypeAlias = (
    LeaderCriteria
    | PeriodResult
    | Proposed
    | SelfAssessment
    | Opinion
    | Decided
    | Notified
    | Appealed
    | Resolved
    | ReRating
)


class RatingRecord(msgspec.Struct, gc=False):
    """A person's rating year: what enters its periods from people, then the procedure."""

    year: int
    staff: str
    moments: list[RatingMoment]


class Closing(Moment, tag="period_closed", gc=False):
    data: PeriodClosed


class Reopening(Moment, tag="period_reopened", gc=False):
    data: PeriodReopened


class PeriodRecord(msgspec.Struct, gc=False):
    period: str
    moments: list[Closing | Reopening]


class Directed(Moment, tag="directive_issued", gc=False):
    data: DirectiveIssued


class Amended(Moment, tag="directive_amended", gc=False):
    data: DirectiveAmended


class WithdrawnDirective(Moment, tag="directive_withdrawn", gc=False):
    data: DirectiveWithdrawn


class DirectiveRecord(msgspec.Struct, gc=False):
    directive: str
    moments: list[Directed | Amended | WithdrawnDirective]


class Announced(Moment, gc=False):
    data: CalendarPublished


class CalendarRecord(msgspec.Struct, gc=False):
    """The working calendars published for a year; the last one is in force."""

    year: int
    moments: list[Announced]


class Opened(Moment, tag="opened", gc=False):
    data: CommuneOpened


class Renamed(Moment, tag="renamed", gc=False):
    data: CommuneRenamed


class Closed(Moment, tag="closed", gc=False):
    data: CommuneClosed


class CommuneRecord(msgspec.Struct, gc=False):
    commune: str
    moments: list[Opened | Renamed | Closed]


Record: TypeAlias = (
    CommuneRecord
    | CalendarRecord
    | DirectiveRecord
    | TaskRecord
    | PersonRecord
    | UnitRecord
    | YearRecord
    | CommonRecord
    | UnitResultRecord
    | RatingRecord
    | PeriodRecord
)

# By the source of the events that they are folded from.
_KINDS_OF: dict[str, dict[str, type[msgspec.Struct]]] = {
    "tasks": {
        "commune": CommuneRecord,
        "calendar": CalendarRecord,
        "directive": DirectiveRecord,
        "task": TaskRecord,
        "person": PersonRecord,
        "unit": UnitRecord,
    },
    "scoring": {
        "year": YearRecord,
        "common": CommonRecord,
        "unit_result": UnitResultRecord,
        "rating": RatingRecord,
        "period": PeriodRecord,
    },
}
KINDS: dict[str, type[msgspec.Struct]] = {
    kind: record for kinds in _KINDS_OF.values() for kind, record in kinds.items()
}
SOURCE_OF: dict[str, Literal["tasks", "scoring"]] = {
    kind: source  # type: ignore[misc]
    for source, kinds in _KINDS_OF.items()
    for kind in kinds
}


class Records(RecordsByKind):
    """All records of one commune."""

    __slots__ = ("people", "tasks")

    KINDS = KINDS

    def __init__(self, commune: str) -> None:
        super().__init__(commune)
        self.tasks: dict[str, TaskRecord] = self.by_kind["task"]
        self.people: dict[str, PersonRecord] = self.by_kind["person"]

    def until(self, positions: Mapping[str, int]) -> "Records":
        """What these records were at earlier positions (source → position), but for wording corrected since."""
        then = Records(self.commune)
        for kind, records in self.by_kind.items():
            last = positions[SOURCE_OF[kind]]
            for key, record in records.items():
                moments = [moment for moment in record.moments if moment.position <= last]
                if len(moments) == len(record.moments):
                    then.put(kind, key, record)
                elif moments:
                    then.put(kind, key, msgspec.structs.replace(record, moments=moments))
        return then


def closed_by(records: Records, day: date) -> bool:
    """Is the commune's last day over?"""
    record: CommuneRecord | None = records.get("commune", records.commune)
    return any(isinstance(m, Closed) and m.data.on < day for m in (record.moments if record else ()))


def begun_by_merger(records: Records) -> date | None:
    """The first day of a commune that others were merged into: what was before counts there."""
    record: CommuneRecord | None = records.get("commune", records.commune)
    opened = record.moments[0] if record else None
    return opened.data.valid_from if isinstance(opened, Opened) and opened.data.predecessors else None
