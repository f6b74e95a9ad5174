"""What the fold keeps of one commune, as dated moments: enough to know how things stood at any past time.

Nothing here depends on today. A moment's `time` is that of its recording (RFC 3339 in UTC), so texts compare as times.
"""

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
    Item,
    PeriodClosed,
    PeriodReopened,
    RatingAppealed,
    RuleSetChosen,
    SettingsChosen,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    StaffTakenOver,
    UnitDefined,
    local_day,
)
from shared.records import Records as RecordsByKind


class Moment(msgspec.Struct, array_like=True, gc=False):
    position: int
    time: str

    @property
    def day(self) -> date:
        """The day of recording in Vietnam."""
        return local_day(self.time)


# What sets a deadline, what is a sign of work, and what ends a task.
DueSetting: TypeAlias = Literal["assigned", "confirmed", "recomputed", "granted", "returned", "reopened"]
Sign: TypeAlias = Literal["acknowledged", "progress"]
Ending: TypeAlias = Literal["completed", "cancelled", "handed_back"]


class DueSet(Moment, tag="due", gc=False):
    """A deadline comes into force. `granted` answers a request; `returned` and `reopened` start the ladder again."""

    due_version: int
    due: date | None
    cadence: str | None
    of: DueSetting


class Requested(Moment, tag="requested", gc=False):
    """An extension is asked for."""

    by: str
    proposed: date | None


class Answered(Moment, tag="answered", gc=False):
    """The request was refused, or granted without a new date."""


class Signed(Moment, tag="sign", gc=False):
    """A sign of work: acknowledged, or progress noted."""

    of: Sign


class Reported(Moment, tag="reported", gc=False):
    on: date
    by: str


class Ended(Moment, tag="ended", gc=False):
    of: Ending


TaskMoment: TypeAlias = DueSet | Requested | Answered | Signed | Reported | Ended


class TaskRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """A task: what it was assigned with (wording as last corrected), then its life."""

    task: str
    title: str
    product: str
    field: int
    lead: str
    collaborators: list[str]
    moments: list[TaskMoment]
    directive: str | None = None
    item: Item | None = None
    template: str | None = None


class Of(Moment, gc=False):
    """A moment of a rare kind: it keeps the event's own data."""


class Appointed(Of, tag="appointed", gc=False):
    data: StaffAppointed


class Changed(Of, tag="changed", gc=False):
    data: StaffChanged


class Left(Of, tag="left", gc=False):
    data: StaffLeft


class TakenOver(Of, tag="taken_over", gc=False):
    data: StaffTakenOver


class Absence(Of, tag="absence", gc=False):
    data: AbsenceRecorded


class PersonRecord(msgspec.Struct, gc=False):
    staff: str
    moments: list[Appointed | Changed | Left | TakenOver | Absence]


class Defined(Of, gc=False):
    data: UnitDefined


class UnitRecord(msgspec.Struct, gc=False):
    unit: str
    moments: list[Defined]


class Announced(Of, gc=False):
    data: CalendarPublished


class CalendarRecord(msgspec.Struct, gc=False):
    """The working calendars published for a year; the last one at a time is in force then."""

    year: int
    moments: list[Announced]


class DirectiveRecord(msgspec.Struct, gc=False):
    """A directive as last worded: what messages cite."""

    directive: str
    number: str
    title: str
    issued_on: date


class Opened(Of, tag="opened", gc=False):
    data: CommuneOpened


class Renamed(Of, tag="renamed", gc=False):
    data: CommuneRenamed


class Closed(Of, tag="closed", gc=False):
    data: CommuneClosed


class CommuneRecord(msgspec.Struct, gc=False):
    commune: str
    moments: list[Opened | Renamed | Closed]


class Chosen(Of, tag="settings", gc=False):
    data: SettingsChosen


class RuleSetPick(Of, tag="rule_set", gc=False):
    data: RuleSetChosen


class YearRecord(msgspec.Struct, gc=False):
    """What was chosen for a rating year."""

    year: int
    moments: list[Chosen | RuleSetPick]


class Assessed(Of, gc=False):
    data: CommonAssessed


class SheetRecord(msgspec.Struct, gc=False):
    """The assessments of a person's common criteria in a rating year, of its periods too."""

    year: int
    staff: str
    moments: list[Assessed]


class Closing(Of, tag="closed", gc=False):
    data: PeriodClosed


class Reopening(Of, tag="reopened", gc=False):
    data: PeriodReopened


class PeriodRecord(msgspec.Struct, gc=False):
    period: str
    moments: list[Closing | Reopening]


class Appealed(Of, tag="appealed", gc=False):
    data: RatingAppealed


class Resolved(Of, tag="resolved", gc=False):
    data: AppealResolved


class AppealRecord(msgspec.Struct, gc=False):
    appeal: str
    moments: list[Appealed | Resolved]


Record: TypeAlias = (
    CommuneRecord
    | CalendarRecord
    | DirectiveRecord
    | TaskRecord
    | PersonRecord
    | UnitRecord
    | YearRecord
    | SheetRecord
    | PeriodRecord
    | AppealRecord
)

KINDS: dict[str, type[msgspec.Struct]] = {
    "commune": CommuneRecord,
    "calendar": CalendarRecord,
    "directive": DirectiveRecord,
    "task": TaskRecord,
    "person": PersonRecord,
    "unit": UnitRecord,
    "year": YearRecord,
    "sheet": SheetRecord,
    "period": PeriodRecord,
    "appeal": AppealRecord,
}


class Records(RecordsByKind):
    """All records of one commune."""

    __slots__ = ("people", "tasks", "units")

    KINDS = KINDS

    def __init__(self, commune: str) -> None:
        super().__init__(commune)
        self.tasks: dict[str, TaskRecord] = self.by_kind["task"]
        self.people: dict[str, PersonRecord] = self.by_kind["person"]
        self.units: dict[str, UnitRecord] = self.by_kind["unit"]


def ended_at(record: Record) -> str | None:
    """When a task ended (and was not reopened since), None for one that runs and for any other record. Planning
    skips tasks that ended long ago."""
    if not isinstance(record, TaskRecord):
        return None
    for moment in reversed(record.moments):
        if isinstance(moment, Ended):
            return moment.time
        if isinstance(moment, DueSet) and moment.of in ("assigned", "returned", "reopened"):
            return None
    return None
