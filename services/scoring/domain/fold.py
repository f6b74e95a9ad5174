"""The fold of the tasks log and the scoring log of one commune into its records."""

from collections.abc import Callable
from typing import Any

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain.records import Records, TaskRecord
from services.scoring.domain.settings import validate
from shared import events
from shared.events import Envelope
from shared.events.authors import typed_for
from shared.records import Fold, FoldError, Key
from shared.records import Handler as HandlerOf
from shared.refusal import Refused

# Another version at start rebuilds the records from the log.
FOLD_VERSION = 3

Handler = HandlerOf[Records]


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
    for past, there in events.past_events(d):
        actor = past.actor or e.actor
        evolve(records, msgspec.structs.replace(e, type=past.type, time=past.time, actor=actor, data=there))
    if not d.history or d.task not in records.tasks:
        raise FoldError(e, f"the history of task {d.task} does not begin with its assignment")
    return "task", d.task


def _with_authors(handle: Handler) -> Handler:
    """Keep beside a moment of a task in whose name it was typed, where that is another than the one who typed."""

    def handle_and_name(records: Records, e: Envelope, d: Any) -> Key:
        before = records.tasks.get(d.task)
        index = len(before.moments) if before else 0
        key = handle(records, e, d)
        task = records.tasks[d.task]
        # A correction of words adds no moment.
        if len(task.moments) > index and (names := _in_whose_name(e, d, task)):
            task.typed_for[index] = sorted(names)
        return key

    return handle_and_name


def _in_whose_name(e: Envelope, d: Any, task: TaskRecord) -> frozenset[str]:
    """The people for whom another typed; the lead, too, where an older event of the Office's own report names none."""
    names = typed_for(e)
    return names | {task.lead} if isinstance(d, events.ResultReported) and d.by != task.lead else names


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
    return records.note("person", moment, moment.data.staff)


def _settings_chosen(records: Records, e: Envelope, d: events.SettingsChosen) -> Key:
    try:
        validate(d.settings)
    except Refused as refusal:
        raise FoldError(e, str(refusal)) from refusal
    return records.note("year", kept.Chosen(e.position, e.id, e.time, e.actor, d), d.year)


def _noted(kind: str, moment: Callable[..., kept.Moment], *identity: str) -> Handler:
    """Keep the event as a moment of the record that these fields of its data name."""

    def handle(records: Records, e: Envelope, d: Any) -> Key:
        return records.note(
            kind, moment(e.position, e.id, e.time, e.actor, d), *(getattr(d, name) for name in identity)
        )

    return handle


def _of_commune(moment: Callable[..., kept.Moment]) -> Handler:
    def handle(records: Records, e: Envelope, d: Any) -> Key:
        return records.note("commune", moment(e.position, e.id, e.time, e.actor, d), e.commune)

    return handle


_OF_TASKS: dict[type, Handler] = {
    events.TaskAssigned: _assigned,
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
}

_HANDLES: dict[type, Handler] = {
    events.CommuneOpened: _of_commune(kept.Opened),
    events.CommuneRenamed: _of_commune(kept.Renamed),
    events.CommuneClosed: _of_commune(kept.Closed),
    events.CalendarPublished: _noted("calendar", kept.Announced, "year"),
    events.DirectiveIssued: _noted("directive", kept.Directed, "directive"),
    events.DirectiveAmended: _noted("directive", kept.Amended, "directive"),
    events.DirectiveWithdrawn: _noted("directive", kept.WithdrawnDirective, "directive"),
    events.UnitDefined: _noted("unit", kept.Defined, "unit"),
    events.StaffAppointed: _appointed,
    events.StaffChanged: _changed,
    events.StaffLeft: _left,
    events.StaffTakenOver: _taken_over,
    events.AbsenceRecorded: _absence,
    events.StaffDisciplined: _disciplined,
    events.DisciplineWithdrawn: _discipline_withdrawn,
    **{kind: _with_authors(handle) for kind, handle in _OF_TASKS.items()},
    events.TaskCarriedOver: _carried_over,
    events.SettingsChosen: _settings_chosen,
    events.RuleSetChosen: _noted("year", kept.RuleSetPick, "year"),
    events.MeetingRecorded: _noted("year", kept.Meeting, "year"),
    events.RatingsPublished: _noted("year", kept.Published, "year"),
    events.CommonAssessed: _noted("common", kept.Assessed, "year", "staff"),
    events.UnitResultRecorded: _noted("unit_result", kept.ResultRecorded, "year", "unit"),
    events.LeaderCriteriaRecorded: _noted("rating", kept.LeaderCriteria, "year", "staff"),
    events.PeriodResultReceived: _noted("rating", kept.PeriodResult, "year", "staff"),
    events.RatingProposed: _noted("rating", kept.Proposed, "year", "staff"),
    events.SelfAssessed: _noted("rating", kept.SelfAssessment, "year", "staff"),
    events.OpinionRecorded: _noted("rating", kept.Opinion, "year", "staff"),
    events.RatingDecided: _noted("rating", kept.Decided, "year", "staff"),
    events.RatingNotified: _noted("rating", kept.Notified, "year", "staff"),
    events.RatingAppealed: _noted("rating", kept.Appealed, "year", "staff"),
    events.AppealResolved: _noted("rating", kept.Resolved, "year", "staff"),
    events.ReRated: _noted("rating", kept.ReRating, "year", "staff"),
    events.PeriodClosed: _noted("period", kept.Closing, "period"),
    events.PeriodReopened: _noted("period", kept.Reopening, "period"),
}

# Nothing is computed from these: no record keeps them.
_DECLINES = (
    events.CheckpointSigned,
    events.CommuneSettingsChosen,
    events.ImportConfirmed,
    events.ScoreUpdated,
    events.TaskDrafted,
    events.DraftSettled,
    events.TaskAcknowledged,
    events.ProgressNoted,
    events.TemplateSet,
    events.TemplateEnded,
)

FOLD = Fold(_HANDLES, _DECLINES)
evolve = FOLD.evolve
