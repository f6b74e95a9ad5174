"""The fold of one commune's tasks log and scoring log into the records of reminding."""

from collections.abc import Callable
from typing import Any

import msgspec

from services.notifications.domain import records as kept
from services.notifications.domain.records import DirectiveRecord, Records, TaskRecord
from shared import events
from shared.events import Envelope
from shared.records import Fold, FoldError, Key
from shared.records import Handler as HandlerOf

# A service that starts with another version rebuilds the records from the logs.
FOLD_VERSION = 2

Handler = HandlerOf[Records]


def empty(commune: str) -> Records:
    return Records(commune)


def _assigned(records: Records, e: Envelope, d: events.TaskAssigned) -> Key:
    if d.task in records.tasks:
        raise FoldError(e, f"task {d.task} is assigned twice")
    first = kept.DueSet(e.position, e.time, d.due_version, d.due.date, d.due.cadence, "assigned")
    records.tasks[d.task] = TaskRecord(
        d.task, d.title, d.product, d.field, d.lead, d.collaborators, [first], d.directive, d.item, d.template
    )
    return "task", d.task


def _carried_over(records: Records, e: Envelope, d: events.TaskCarriedOver) -> Key:
    """The past events are folded with their own times: the watch of the new commune begins after them."""
    for past, there in events.past_events(d):
        evolve(records, msgspec.structs.replace(e, type=past.type, time=past.time, data=there))
    return "task", d.task


def _corrected(records: Records, e: Envelope, d: events.TaskCorrected) -> Key:
    task = _task(records, e, d.task)
    for name in ("title", "product", "collaborators", "field"):
        value = getattr(d, name)
        if value is not None:
            setattr(task, name, value)
    return "task", d.task


def _task(records: Records, e: Envelope, task: str) -> TaskRecord:
    try:
        return records.tasks[task]
    except KeyError:
        raise FoldError(e, f"task {task} was never assigned") from None


def _live(moment: Callable[[Envelope, Any], kept.TaskMoment]) -> Handler:
    """An event of a task's life becomes one moment of it."""

    def handle(records: Records, e: Envelope, d: Any) -> Key:
        _task(records, e, d.task).moments.append(moment(e, d))
        return "task", d.task

    return handle


def _due_set(of: kept.DueSetting) -> Callable[[Envelope, Any], kept.TaskMoment]:
    return lambda e, d: kept.DueSet(e.position, e.time, d.due_version, d.due.date, d.due.cadence, of)


def _granted(e: Envelope, d: events.ExtensionGranted) -> kept.TaskMoment:
    return _due_set("granted")(e, d) if d.due else kept.Answered(e.position, e.time)


def _ended(of: kept.Ending) -> Callable[[Envelope, Any], kept.TaskMoment]:
    return lambda e, _: kept.Ended(e.position, e.time, of)


def _sign(of: kept.Sign) -> Callable[[Envelope, Any], kept.TaskMoment]:
    return lambda e, _: kept.Signed(e.position, e.time, of)


def _directive_issued(records: Records, _: Envelope, d: events.DirectiveIssued) -> Key:
    directive = DirectiveRecord(d.directive, d.number, d.title, d.issued_on)
    records.by_kind["directive"][d.directive] = directive
    return "directive", d.directive


def _directive_amended(records: Records, e: Envelope, d: events.DirectiveAmended) -> Key:
    directive: DirectiveRecord | None = records.get("directive", d.directive)
    if directive is None:
        raise FoldError(e, f"directive {d.directive} was never issued")
    for name in ("number", "title", "issued_on"):
        value = getattr(d, name, None)
        if value is not None:
            setattr(directive, name, value)
    return "directive", d.directive


def _kept(kind: str, moment: Callable[..., kept.Moment], *identity: str) -> Handler:
    """A rare event is kept with its data, in the record that these fields of it name."""

    def handle(records: Records, e: Envelope, d: Any) -> Key:
        return records.note(kind, moment(e.position, e.time, d), *(getattr(d, name) for name in identity))

    return handle


def _of_commune(moment: Callable[..., kept.Moment]) -> Handler:
    def handle(records: Records, e: Envelope, d: Any) -> Key:
        return records.note("commune", moment(e.position, e.time, d), records.commune)

    return handle


_HANDLES: dict[type, Handler] = {
    events.TaskAssigned: _assigned,
    events.TaskCarriedOver: _carried_over,
    events.TaskCorrected: _corrected,
    events.DueConfirmed: _live(_due_set("confirmed")),
    events.DueRecomputed: _live(_due_set("recomputed")),
    events.TaskAcknowledged: _live(_sign("acknowledged")),
    events.ProgressNoted: _live(_sign("progress")),
    events.ExtensionRequested: _live(lambda e, d: kept.Requested(e.position, e.time, d.by, d.proposed_due.date)),
    events.ExtensionGranted: _live(_granted),
    events.ExtensionRefused: _live(lambda e, _: kept.Answered(e.position, e.time)),
    events.ResultReported: _live(lambda e, d: kept.Reported(e.position, e.time, d.on, d.by)),
    events.ResultReturned: _live(_due_set("returned")),
    events.TaskReopened: _live(_due_set("reopened")),
    events.TaskCompleted: _live(_ended("completed")),
    events.TaskCancelled: _live(_ended("cancelled")),
    events.TaskHandedBack: _live(_ended("handed_back")),
    events.DirectiveIssued: _directive_issued,
    events.DirectiveAmended: _directive_amended,
    events.StaffAppointed: _kept("person", kept.Appointed, "staff"),
    events.StaffChanged: _kept("person", kept.Changed, "staff"),
    events.StaffLeft: _kept("person", kept.Left, "staff"),
    events.StaffTakenOver: _kept("person", kept.TakenOver, "staff"),
    events.AbsenceRecorded: _kept("person", kept.Absence, "staff"),
    events.UnitDefined: _kept("unit", kept.Defined, "unit"),
    events.CalendarPublished: _kept("calendar", kept.Announced, "year"),
    events.CommuneOpened: _of_commune(kept.Opened),
    events.CommuneRenamed: _of_commune(kept.Renamed),
    events.CommuneClosed: _of_commune(kept.Closed),
    events.SettingsChosen: _kept("year", kept.Chosen, "year"),
    events.RuleSetChosen: _kept("year", kept.RuleSetPick, "year"),
    events.CommonAssessed: _kept("sheet", kept.Assessed, "year", "staff"),
    events.PeriodClosed: _kept("period", kept.Closing, "period"),
    events.PeriodReopened: _kept("period", kept.Reopening, "period"),
    events.RatingAppealed: _kept("appeal", kept.Appealed, "appeal"),
    events.AppealResolved: _kept("appeal", kept.Resolved, "appeal"),
}

# Nobody is reminded because of these: no record keeps them.
_DECLINES = (
    events.CheckpointSigned,
    events.CommuneSettingsChosen,
    events.DirectiveWithdrawn,
    events.ImportConfirmed,
    events.ScoreUpdated,
    events.UnitResultRecorded,
    events.LeaderCriteriaRecorded,
    events.PeriodResultReceived,
    events.RatingProposed,
    events.SelfAssessed,
    events.MeetingRecorded,
    events.OpinionRecorded,
    events.RatingDecided,
    events.RatingNotified,
    events.RatingsPublished,
    events.ReRated,
    events.StaffDisciplined,
    events.DisciplineWithdrawn,
    events.TaskDrafted,
    events.DraftSettled,
    events.ObjectiveCauseConfirmed,
    events.CoefficientCorrected,
    events.TemplateSet,
    events.TemplateEnded,
)

FOLD = Fold(_HANDLES, _DECLINES)
evolve = FOLD.evolve
