"""The fold of the tasks log and the scoring log of one commune into its records."""

from collections.abc import Callable
from typing import Any

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain.records import KINDS, Key, Moment, Records, TaskRecord
from services.scoring.domain.settings import validate
from shared import events
from shared.events import Envelope
from shared.refusal import Refused

# Another version at start rebuilds the records from the log.
FOLD_VERSION = 2

Handler = Callable[[Records, Envelope, Any], Key]


class FoldError(ValueError):
    """An event that contradicts what is recorded: the commune is parked until the fold or the log is mended."""

    def __init__(self, envelope: Envelope, why: str) -> None:
        super().__init__(f"{envelope.source} {envelope.position} {envelope.type}: {why}")
        self.envelope = envelope


def empty(commune: str) -> Records:
    return Records(commune)


def evolve(records: Records, envelope: Envelope) -> None:
    """Fold one event in place. Event types that no record keeps pass by. Raises FoldError."""
    data = envelope.data
    handler = _HANDLERS.get(type(data))
    if handler is not None:
        records.changed.add(handler(records, envelope, data))


def _task(records: Records, e: Envelope, task: str) -> TaskRecord:
    try:
        return records.tasks[task]
    except KeyError:
        raise FoldError(e, f"task {task} was never assigned") from None


def _new_due(records: Records, e: Envelope, d: Any) -> TaskRecord:
    """The task, its last due version moved on."""
    task = _task(records, e, d.task)
    if d.due_version <= task.due_version:
        raise FoldError(e, f"due version {d.due_version} does not follow {task.due_version}")
    task.due_version = d.due_version
    return task


def _assigned(records: Records, e: Envelope, d: events.TaskAssigned) -> Key:
    if d.task in records.tasks:
        raise FoldError(e, f"task {d.task} is assigned twice")
    begin = kept.Assigned(e.position, e.id, e.time, e.actor, d.due_version, d.due.date, d.assigned_on)
    records.tasks[d.task] = TaskRecord(
        d.task, d.title, d.product, d.field, d.lead, d.collaborators, d.coefficient, d.origin, d.due_version, [begin],
        d.directive, d.item, d.parent, d.template, d.taken_over_from,
    )  # fmt: skip
    return "task", d.task


def _corrected(records: Records, e: Envelope, d: events.TaskCorrected) -> Key:
    task = _task(records, e, d.task)
    for name in ("title", "product", "collaborators", "field"):
        value = getattr(d, name)
        if value is not None:
            setattr(task, name, value)
    return "task", d.task


def _due_confirmed(records: Records, e: Envelope, d: events.DueConfirmed) -> Key:
    moment = kept.DueRevised(e.position, e.id, e.time, e.actor, d.due_version, d.due.date, "confirmed")
    _new_due(records, e, d).moments.append(moment)
    return "task", d.task


def _due_recomputed(records: Records, e: Envelope, d: events.DueRecomputed) -> Key:
    moment = kept.DueRevised(e.position, e.id, e.time, e.actor, d.due_version, d.due.date, "recomputed")
    _new_due(records, e, d).moments.append(moment)
    return "task", d.task


def _requested(records: Records, e: Envelope, d: events.ExtensionRequested) -> Key:
    _task(records, e, d.task).moments.append(kept.Requested(e.position, e.id, e.time, e.actor))
    return "task", d.task


def _granted(records: Records, e: Envelope, d: events.ExtensionGranted) -> Key:
    task = _task(records, e, d.task) if d.due_version is None else _new_due(records, e, d)
    date = d.due.date if d.due else None
    task.moments.append(kept.Granted(e.position, e.id, e.time, e.actor, d.due_version, date))
    return "task", d.task


def _refused(records: Records, e: Envelope, d: events.ExtensionRefused) -> Key:
    _task(records, e, d.task).moments.append(kept.Refusal(e.position, e.id, e.time, e.actor))
    return "task", d.task


def _reported(records: Records, e: Envelope, d: events.ResultReported) -> Key:
    _task(records, e, d.task).moments.append(kept.Reported(e.position, e.id, e.time, e.actor, d.on))
    return "task", d.task


def _returned(records: Records, e: Envelope, d: events.ResultReturned) -> Key:
    moment = kept.Returned(e.position, e.id, e.time, e.actor, d.due_version, d.due.date, d.quality_failure)
    _new_due(records, e, d).moments.append(moment)
    return "task", d.task


def _completed(records: Records, e: Envelope, d: events.TaskCompleted) -> Key:
    more = d.exceeded
    exceeded = (more.kind, more.reason, more.confirmed_by) if more else (None, None, None)
    _task(records, e, d.task).moments.append(
        kept.Completed(e.position, e.id, e.time, e.actor, d.on, d.quality == "met", d.verified_by, *exceeded)
    )
    return "task", d.task


def _reopened(records: Records, e: Envelope, d: events.TaskReopened) -> Key:
    moment = kept.Reopened(e.position, e.id, e.time, e.actor, d.due_version, d.due.date, d.quality_failure)
    task = _new_due(records, e, d)
    if not any(type(earlier) is kept.Completed for earlier in task.moments):
        raise FoldError(e, f"task {d.task} is reopened but no result was ever accepted")
    task.moments.append(moment)
    return "task", d.task


def _cause(records: Records, e: Envelope, d: events.ObjectiveCauseConfirmed) -> Key:
    task = _task(records, e, d.task)
    if d.due_version is not None and d.due_version > task.due_version:
        raise FoldError(e, f"due version {d.due_version} of task {d.task} was never set")
    task.moments.append(kept.Cause(e.position, e.id, e.time, e.actor, d.of, d.due_version, d.reason, d.document, d.by))
    return "task", d.task


def _handed_back(records: Records, e: Envelope, d: events.TaskHandedBack) -> Key:
    _task(records, e, d.task).moments.append(kept.HandedBack(e.position, e.id, e.time, e.actor, d.kind))
    return "task", d.task


def _coefficient(records: Records, e: Envelope, d: events.CoefficientCorrected) -> Key:
    _task(records, e, d.task).moments.append(kept.CoefficientSet(e.position, e.id, e.time, e.actor, d.coefficient))
    return "task", d.task


def _cancelled(records: Records, e: Envelope, d: events.TaskCancelled) -> Key:
    _task(records, e, d.task).moments.append(kept.Cancelled(e.position, e.id, e.time, e.actor, d.reason))
    return "task", d.task


def _carried_over(records: Records, e: Envelope, d: events.TaskCarriedOver) -> Key:
    """The past events are folded with their own times; in this log they all stand at the carrying event."""
    for past, there in events.lived(d):
        actor = past.actor or e.actor
        evolve(records, msgspec.structs.replace(e, type=past.type, time=past.time, actor=actor, data=there))
    if not d.history or d.task not in records.tasks:
        raise FoldError(e, f"the history of task {d.task} does not begin with its assignment")
    return "task", d.task


def _appointed(records: Records, e: Envelope, d: events.StaffAppointed) -> Key:
    return _on_person(records, e, kept.Appointed(e.position, e.id, e.time, e.actor, d))


def _changed(records: Records, e: Envelope, d: events.StaffChanged) -> Key:
    return _on_known_person(records, e, kept.Changed(e.position, e.id, e.time, e.actor, d))


def _left(records: Records, e: Envelope, d: events.StaffLeft) -> Key:
    return _on_known_person(records, e, kept.Left(e.position, e.id, e.time, e.actor, d))


def _taken_over(records: Records, e: Envelope, d: events.StaffTakenOver) -> Key:
    return _on_person(records, e, kept.TakenOver(e.position, e.id, e.time, e.actor, d))


def _absence(records: Records, e: Envelope, d: events.AbsenceRecorded) -> Key:
    return _on_known_person(records, e, kept.Absence(e.position, e.id, e.time, e.actor, d))


def _disciplined(records: Records, e: Envelope, d: events.StaffDisciplined) -> Key:
    return _on_known_person(records, e, kept.Disciplined(e.position, e.id, e.time, e.actor, d))


def _discipline_withdrawn(records: Records, e: Envelope, d: events.DisciplineWithdrawn) -> Key:
    person = records.people.get(d.staff)
    if not person or not any(isinstance(m, kept.Disciplined) and m.data.act == d.act for m in person.moments):
        raise FoldError(e, f"act {d.act} of {d.staff} was never recorded")
    return _on_person(records, e, kept.Withdrawn(e.position, e.id, e.time, e.actor, d))


def _on_known_person(records: Records, e: Envelope, moment: Any) -> Key:
    if moment.data.staff not in records.people:
        raise FoldError(e, f"{moment.data.staff} was never appointed")
    return _on_person(records, e, moment)


def _on_person(records: Records, e: Envelope, moment: Any) -> Key:
    return _note(records, "person", moment.data.staff, moment, moment.data.staff)


def _unit_defined(records: Records, e: Envelope, d: events.UnitDefined) -> Key:
    return _note(records, "unit", d.unit, kept.Defined(e.position, e.id, e.time, e.actor, d), d.unit)


def _settings_chosen(records: Records, e: Envelope, d: events.SettingsChosen) -> Key:
    try:
        validate(d.settings)
    except Refused as refusal:
        raise FoldError(e, str(refusal)) from refusal
    return _note(records, "year", str(d.year), kept.Chosen(e.position, e.id, e.time, e.actor, d), d.year)


def _unit_result(records: Records, e: Envelope, d: events.UnitResultRecorded) -> Key:
    moment = kept.ResultRecorded(e.position, e.id, e.time, e.actor, d)
    return _note(records, "unit_result", f"{d.year}/{d.unit}", moment, d.year, d.unit)


def _of_year(moment_type: Any) -> Handler:
    def on_year(records: Records, e: Envelope, d: Any) -> Key:
        return _note(records, "year", str(d.year), moment_type(e.position, e.id, e.time, e.actor, d), d.year)

    return on_year


def _of_person_and_year(kind: str, moment_type: Any) -> Handler:
    def on_person_and_year(records: Records, e: Envelope, d: Any) -> Key:
        moment = moment_type(e.position, e.id, e.time, e.actor, d)
        return _note(records, kind, f"{d.year}/{d.staff}", moment, d.year, d.staff)

    return on_person_and_year


def _of_period(moment_type: Any) -> Handler:
    def on_period(records: Records, e: Envelope, d: Any) -> Key:
        return _note(records, "period", d.period, moment_type(e.position, e.id, e.time, e.actor, d), d.period)

    return on_period


def _of_directive(moment_type: Any) -> Handler:
    def on_directive(records: Records, e: Envelope, d: Any) -> Key:
        return _note(records, "directive", d.directive, moment_type(e.position, e.id, e.time, e.actor, d), d.directive)

    return on_directive


def _calendar(records: Records, e: Envelope, d: events.CalendarPublished) -> Key:
    return _note(records, "calendar", str(d.year), kept.Announced(e.position, e.id, e.time, e.actor, d), d.year)


def _commune(moment_type: Any) -> Handler:
    def on_commune(records: Records, e: Envelope, d: Any) -> Key:
        moment = moment_type(e.position, e.id, e.time, e.actor, d)
        return _note(records, "commune", e.commune, moment, e.commune)

    return on_commune


def _note(records: Records, kind: str, key: str, moment: Moment, *identity: Any) -> Key:
    """Add a moment to the record of that kind and key, which begins with its first one."""
    record = records.get(kind, key)
    if record is None:
        records.put(kind, key, KINDS[kind](*identity, [moment]))
    else:
        record.moments.append(moment)
    return kind, key


_HANDLERS: dict[type, Handler] = {
    events.CommuneOpened: _commune(kept.Opened),
    events.CommuneRenamed: _commune(kept.Renamed),
    events.CommuneClosed: _commune(kept.Closed),
    events.CalendarPublished: _calendar,
    events.DirectiveIssued: _of_directive(kept.Directed),
    events.DirectiveAmended: _of_directive(kept.Amended),
    events.DirectiveWithdrawn: _of_directive(kept.WithdrawnDirective),
    events.UnitDefined: _unit_defined,
    events.StaffAppointed: _appointed,
    events.StaffChanged: _changed,
    events.StaffLeft: _left,
    events.StaffTakenOver: _taken_over,
    events.AbsenceRecorded: _absence,
    events.StaffDisciplined: _disciplined,
    events.DisciplineWithdrawn: _discipline_withdrawn,
    events.TaskAssigned: _assigned,
    events.TaskCarriedOver: _carried_over,
    events.TaskCorrected: _corrected,
    events.DueConfirmed: _due_confirmed,
    events.DueRecomputed: _due_recomputed,
    events.ExtensionRequested: _requested,
    events.ExtensionGranted: _granted,
    events.ExtensionRefused: _refused,
    events.ResultReported: _reported,
    events.ResultReturned: _returned,
    events.TaskCompleted: _completed,
    events.ObjectiveCauseConfirmed: _cause,
    events.TaskHandedBack: _handed_back,
    events.CoefficientCorrected: _coefficient,
    events.TaskCancelled: _cancelled,
    events.TaskReopened: _reopened,
    events.SettingsChosen: _settings_chosen,
    events.RuleSetChosen: _of_year(kept.RuleSetPick),
    events.MeetingRecorded: _of_year(kept.Meeting),
    events.RatingsPublished: _of_year(kept.Published),
    events.CommonAssessed: _of_person_and_year("common", kept.Assessed),
    events.UnitResultRecorded: _unit_result,
    events.LeaderCriteriaRecorded: _of_person_and_year("rating", kept.LeaderCriteria),
    events.PeriodResultReceived: _of_person_and_year("rating", kept.PeriodResult),
    events.RatingProposed: _of_person_and_year("rating", kept.Proposed),
    events.SelfAssessed: _of_person_and_year("rating", kept.SelfAssessment),
    events.OpinionRecorded: _of_person_and_year("rating", kept.Opinion),
    events.RatingDecided: _of_person_and_year("rating", kept.Decided),
    events.RatingNotified: _of_person_and_year("rating", kept.Notified),
    events.RatingAppealed: _of_person_and_year("rating", kept.Appealed),
    events.AppealResolved: _of_person_and_year("rating", kept.Resolved),
    events.ReRated: _of_person_and_year("rating", kept.ReRating),
    events.PeriodClosed: _of_period(kept.Closing),
    events.PeriodReopened: _of_period(kept.Reopening),
}
