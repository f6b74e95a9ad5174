"""The fold of the tasks log and the scoring log of one commune into what reminding looks at."""

from collections.abc import Callable
from typing import Any

import msgspec

from services.notifications.domain import records as kept
from services.notifications.domain.records import KINDS, DirectiveRecord, Key, Records, TaskRecord
from shared import events
from shared.events import Envelope

# Another version at start rebuilds the records from the logs.
FOLD_VERSION = 2

Handler = Callable[[Records, Envelope, Any], Key]


class FoldError(ValueError):
    """An event that contradicts what is recorded: the commune is parked until the fold or the log is mended."""

    def __init__(self, envelope: Envelope, why: str) -> None:
        super().__init__(f"{envelope.source} {envelope.position} {envelope.type}: {why}")


def empty(commune: str) -> Records:
    return Records(commune)


def evolve(records: Records, envelope: Envelope) -> None:
    """Fold one event in place. Event types that no record keeps pass by. Raises FoldError."""
    handler = _HANDLERS.get(type(envelope.data))
    if handler is not None:
        records.changed.add(handler(records, envelope, envelope.data))


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
    for past, there in events.lived(d):
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


def _due_set(of: Any) -> Callable[[Envelope, Any], kept.TaskMoment]:
    return lambda e, d: kept.DueSet(e.position, e.time, d.due_version, d.due.date, d.due.cadence, of)


def _granted(e: Envelope, d: events.ExtensionGranted) -> kept.TaskMoment:
    return _due_set("granted")(e, d) if d.due else kept.Answered(e.position, e.time)


def _ended(of: Any) -> Callable[[Envelope, Any], kept.TaskMoment]:
    return lambda e, _: kept.Ended(e.position, e.time, of)


def _sign(of: Any) -> Callable[[Envelope, Any], kept.TaskMoment]:
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


def _kept(kind: str, moment: type, key: Callable[[Any], tuple[Any, ...]]) -> Handler:
    """An event of which there are few is kept with its data, in the record of `key` (its fields, then moments)."""

    def handle(records: Records, e: Envelope, d: Any) -> Key:
        fields = key(d)
        name = "/".join(map(str, fields))
        found = records.by_kind[kind].get(name)
        if found is None:
            found = records.by_kind[kind][name] = KINDS[kind](*fields, [])
        found.moments.append(moment(e.position, e.time, d))
        return kind, name

    return handle


def _of_commune(moment: type) -> Handler:
    def handle(records: Records, e: Envelope, d: Any) -> Key:
        return _kept("commune", moment, lambda _: (records.commune,))(records, e, d)

    return handle


_HANDLERS: dict[type, Handler] = {
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
    events.StaffAppointed: _kept("person", kept.Appointed, lambda d: (d.staff,)),
    events.StaffChanged: _kept("person", kept.Changed, lambda d: (d.staff,)),
    events.StaffLeft: _kept("person", kept.Left, lambda d: (d.staff,)),
    events.StaffTakenOver: _kept("person", kept.TakenOver, lambda d: (d.staff,)),
    events.AbsenceRecorded: _kept("person", kept.Absence, lambda d: (d.staff,)),
    events.UnitDefined: _kept("unit", kept.Defined, lambda d: (d.unit,)),
    events.CalendarPublished: _kept("calendar", kept.Announced, lambda d: (d.year,)),
    events.CommuneOpened: _of_commune(kept.Opened),
    events.CommuneRenamed: _of_commune(kept.Renamed),
    events.CommuneClosed: _of_commune(kept.Closed),
    events.SettingsChosen: _kept("year", kept.Chosen, lambda d: (d.year,)),
    events.RuleSetChosen: _kept("year", kept.RuleSetPick, lambda d: (d.year,)),
    events.CommonAssessed: _kept("sheet", kept.Assessed, lambda d: (d.year, d.staff)),
    events.PeriodClosed: _kept("period", kept.Closing, lambda d: (d.period,)),
    events.PeriodReopened: _kept("period", kept.Reopening, lambda d: (d.period,)),
    events.RatingAppealed: _kept("appeal", kept.Appealed, lambda d: (d.appeal,)),
    events.AppealResolved: _kept("appeal", kept.Resolved, lambda d: (d.appeal,)),
}
