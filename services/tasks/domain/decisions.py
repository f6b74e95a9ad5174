"""The table of commands: which action each is, which stream it concerns, which function decides it."""

import dataclasses
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from services.tasks.domain import (
    assigning,
    communes,
    deadlines,
    directives,
    judging,
    organisation,
    publishing,
    refusals,
    results,
    templates,
)
from services.tasks.domain.authority import must_be
from services.tasks.domain.communes import must_be_open
from services.tasks.domain.context import Command, Context, canonical, new_code, recorder
from services.tasks.domain.imports import Import
from services.tasks.domain.judging import (
    CORRECTED,
    EACH_PART,
    EVERYBODY,
    HEADS,
    LEAD,
    LED,
    NOBODY,
    OWN_ACT,
    PARTICIPANTS,
    RECORD,
    RECURRING,
    ROW,
    Concerns,
)
from services.tasks.domain.streams import after
from services.tasks.domain.task import Task
from shared.events import PLAUSIBLE_YEARS, Data, DraftSettled, Due, ImportConfirmed, subject_of
from shared.refusal import Refused


class SettleDraft(Command):
    """A person's answer to an imported row: the tasks or the template it becomes; none drops it."""

    task: str
    into: Sequence[assigning.AssignTask | templates.SetTemplate]
    by: str | None = None


class Together(Command):
    """Several commands in one append: all of them, or none."""

    commands: Sequence[Command]


class ConfirmImport(Command):
    """A file's dry run is confirmed: `commands` is what its rows became, done by the same person; `held` are the rows
    about that person, which wait for another."""

    import_: str
    kind: Literal["annex", "roster"]
    sha256: str
    rows: int
    created: int
    changed: int
    waiting: int
    rejected: int
    commands: Sequence[Command] = ()
    by: str | None = None
    held: Sequence[str] = ()


class Stream(NamedTuple):
    """The stream that a command concerns: its kind, and the command's field that holds its id (None: the commune)."""

    kind: str
    id: str | None = None

    def subject(self, command: Command, commune: str) -> str:
        """With a staff id as it is stored."""
        if self.id is None:
            return f"{self.kind}/{commune}"
        id_ = getattr(command, self.id)
        return f"{self.kind}/{canonical(id_) if self.kind == 'staff' else id_}"


class Handler(NamedTuple):
    """Everything to know about a kind of command.

    concerns              whom it is about: they neither send it nor are named as its author
    parts                 the commands inside it; `decide` gets their cases as a fourth argument
    in_open_commune       the commune must be open
    arrives               others in the same append may point at what it brings
    publishes_calendar    it moves the open deadlines that were counted in working days
    reads_files           its `evidence` names files stored for its task
    other_tasks           the fields that name another task which the decision looks at
    """

    action: str
    stream: Stream
    concerns: Concerns
    decide: Callable[..., list[Data]]
    parts: Callable[[Any], Sequence[Command]] | None = None
    in_open_commune: bool = True
    arrives: bool = False
    publishes_calendar: bool = False
    reads_files: bool = False
    other_tasks: Sequence[str] = ()


class Case(NamedTuple):
    """A command with all that follows from it alone, found once and carried to the answer.

    `actions` are all that the sender must be allowed; `streams` the subjects whose states the decision looks at,
    besides the commune's staff, units, directives and calendars; `files_of` the tasks whose stored files it looks at.
    """

    command: Command
    handler: Handler
    subject: str
    parts: Sequence["Case"]
    actions: frozenset[str]
    streams: frozenset[str]
    needs_running_tasks: bool
    files_of: frozenset[str]


def case(command: Command, commune: str) -> Case:
    handler = HANDLERS[type(command)]
    subject = handler.stream.subject(command, commune)
    streams = {f"commune/{commune}", subject}
    for name in handler.other_tasks:
        if (other := getattr(command, name)) is not None:
            streams.add(f"task/{other}")
    files_of = [command.task] if handler.reads_files and command.evidence else []  # type: ignore[attr-defined]
    alone = Case(
        command,
        handler,
        subject,
        (),
        frozenset((handler.action,)),
        frozenset(streams),
        handler.publishes_calendar,
        frozenset(files_of),
    )
    return _with_parts(alone, [case(part, commune) for part in handler.parts(command)]) if handler.parts else alone


def _with_parts(whole: Case, parts: Sequence[Case]) -> Case:
    return whole._replace(
        parts=parts,
        actions=whole.actions.union(*(part.actions for part in parts)),
        streams=whole.streams.union(*(part.streams for part in parts)),
        needs_running_tasks=whole.needs_running_tasks or any(part.needs_running_tasks for part in parts),
        files_of=whole.files_of.union(*(part.files_of for part in parts)),
    )


def decide(case: Case, context: Context) -> list[Data]:
    """The events a command leads to. Raises Refused.

    Nobody decides what their own rating rests on: that holds here, for every command and door.
    """
    handler, command = case.handler, case.command
    _must_have_plausible_days(command)
    if handler.in_open_commune:
        must_be_open(context.state(f"commune/{context.commune}"), context.today)
    state = context.state(case.subject)
    judging.must_not_concern_the_sender(handler.concerns, state, command, context)
    if handler.parts:
        return handler.decide(state, command, context, case.parts)
    events = handler.decide(state, command, context)
    if state is None and handler.stream.id is not None:
        new_code(case.subject.partition("/")[2])
    judging.must_be_allowed(events, command, context)
    return events


def concerns_sender(case: Case, context: Context) -> bool:
    """Is the command, or one inside it, about a person who sends it or in whose name it is sent?"""
    try:
        judging.must_not_concern_the_sender(case.handler.concerns, context.state(case.subject), case.command, context)
    except Refused:
        return True
    return any(concerns_sender(part, context) for part in case.parts)


def _must_have_plausible_days(command: Command) -> None:
    """Its own days and those of its deadlines."""
    for name in command.__struct_fields__:
        value = getattr(command, name)
        day = value.date if isinstance(value, Due) else value
        if isinstance(day, date) and day.year not in PLAUSIBLE_YEARS:
            raise refusals.DAY_IMPLAUSIBLE(day=day)


def decide_each(parts: Sequence[Case], context: Context) -> list[Data]:
    """Decide one after the other, each seeing what those before it led to; staff and units see each other."""
    return [data for events in _each(parts, context, decide) for data in events]


def changes_of_judges(parts: Sequence[Case], context: Context) -> list[tuple[str, list[str]]]:
    """For each of several commands why this sender may not send it, and what of who judges it changes.

    The context's roles are an administrator's, so that only what the sender may not do for themselves is refused.
    """
    found: list[tuple[str, list[str]]] = []

    def looked_at(part: Case, seen: Context) -> list[Data]:
        try:
            events = decide(part, seen)
        except Refused as refused:
            found.append((refused.detail if refused.refusal.status == FORBIDDEN else "", []))
            return []
        found.append(("", [change for data in events for change in judging.changes_of_judges(data, seen)]))
        return events

    for _ in _each(parts, context, looked_at):
        pass
    return found


FORBIDDEN = 403


def _each(
    parts: Sequence[Case], context: Context, decide: Callable[[Case, Context], list[Data]]
) -> Iterator[list[Data]]:
    arriving = {part.subject for part in parts if part.handler.arrives}
    begun: dict[str, Any] = {}
    seen = context.over(ChainMap(begun, context.states), context.arriving | arriving)  # type: ignore[arg-type]
    for part in parts:
        events = decide(part, seen)
        yield events
        for data in events:
            stream = subject_of(data, context.commune)
            begun[stream] = after(seen.state(stream), data, context.today)
        if part.handler.publishes_calendar or part.handler.stream is STAFF:
            seen = seen.without_cache()


def settle_draft(state: Task | None, command: SettleDraft, context: Context, parts: Sequence[Case]) -> list[Data]:
    """Refuses: not a draft, settled before, who may not assign, and what its assignments refuse."""
    if state is not None and state.status == "settled":
        raise refusals.DRAFT_SETTLED(task=state.task)
    draft = must_be(state, command.task, {"draft"}, refusals.NOT_A_DRAFT)
    by = assigning.as_assigner(command.by, context)
    into: list[Case] = []
    for part, answer in zip(parts, command.into, strict=True):
        directive, item = answer.directive or draft.directive, answer.item or draft.item
        into.append(part._replace(command=replace(answer, by=by, directive=directive, item=item)))
    ids = [answer.task if isinstance(answer, assigning.AssignTask) else answer.template for answer in command.into]
    return [*decide_each(into, context), DraftSettled(task=draft.task, into=ids, by=by)]


def together(_: Any, __: Together, context: Context, parts: Sequence[Case]) -> list[Data]:
    return decide_each(parts, context)


def confirm_import(state: Import | None, command: ConfirmImport, context: Context, parts: Sequence[Case]) -> list[Data]:
    """Refuses: confirmed before, and what its rows refuse."""
    if state is not None:
        raise refusals.IMPORT_EXISTS()
    if command.by:
        parts = [_in_name_of(command.by, part) for part in parts]
        context = dataclasses.replace(context, in_name_of=command.by)
    counts = {name: getattr(command, name) for name in ("rows", "created", "changed", "waiting", "rejected")}
    by = recorder(context, command.by)
    confirmed = ImportConfirmed(
        import_=command.import_,
        kind=command.kind,
        sha256=command.sha256,
        by=by,
        held=list(command.held) or None,
        **counts,
    )
    return [*decide_each(parts, context), confirmed]


def _in_name_of(by: str, part: Case) -> Case:
    """The same, done by this person when the part names no one."""
    if getattr(part.command, "by", by) is not None:
        return part
    return part._replace(command=replace(part.command, by=by))


COMMUNE, UNIT, STAFF = Stream("commune"), Stream("unit", "unit"), Stream("staff", "staff")
DIRECTIVE, IMPORT = Stream("directive", "directive"), Stream("import", "import_")
TASK, TEMPLATE, CALENDAR = Stream("task", "task"), Stream("template", "template"), Stream("calendar", "year")

HANDLERS: dict[type[Command], Handler] = {
    communes.OpenCommune: Handler("commune.open", COMMUNE, NOBODY, communes.open_commune, in_open_commune=False),
    communes.RenameCommune: Handler("commune.rename", COMMUNE, NOBODY, communes.rename_commune),
    communes.CloseCommune: Handler("commune.close", COMMUNE, NOBODY, communes.close_commune),
    communes.ChooseCommuneSettings: Handler("commune.choose_settings", COMMUNE, EVERYBODY, communes.choose_settings),
    organisation.DefineUnit: Handler("unit.define", UNIT, HEADS, organisation.define_unit, arrives=True),
    organisation.AppointStaff: Handler("staff.appoint", STAFF, RECORD, organisation.appoint_staff, arrives=True),
    organisation.ChangeStaff: Handler("staff.change", STAFF, RECORD, organisation.change_staff),
    organisation.EndAppointment: Handler("staff.end", STAFF, RECORD, organisation.end_appointment),
    organisation.RecordAbsence: Handler("staff.record_absence", STAFF, RECORD, organisation.record_absence),
    organisation.RecordDiscipline: Handler("staff.record_discipline", STAFF, RECORD, organisation.record_discipline),
    organisation.WithdrawDiscipline: Handler(
        "staff.withdraw_discipline", STAFF, RECORD, organisation.withdraw_discipline
    ),
    directives.IssueDirective: Handler("directive.issue", DIRECTIVE, NOBODY, directives.issue),
    directives.AmendDirective: Handler("directive.amend", DIRECTIVE, NOBODY, directives.amend),
    directives.WithdrawDirective: Handler("directive.withdraw", DIRECTIVE, NOBODY, directives.withdraw),
    assigning.DraftTask: Handler("task.draft", TASK, NOBODY, assigning.draft),
    SettleDraft: Handler("task.settle_draft", TASK, ROW, settle_draft, parts=lambda command: command.into),
    assigning.AssignTask: Handler(
        "task.assign", TASK, LEAD, assigning.assign, other_tasks=("parent", "taken_over_from")
    ),
    assigning.CorrectTask: Handler("task.correct", TASK, CORRECTED, assigning.correct),
    assigning.CorrectCoefficient: Handler(
        "task.correct_coefficient", TASK, PARTICIPANTS, assigning.correct_coefficient
    ),
    assigning.HandBackTask: Handler("task.hand_back", TASK, LED, assigning.hand_back),
    assigning.CancelTask: Handler("task.cancel", TASK, PARTICIPANTS, assigning.cancel),
    deadlines.ConfirmDue: Handler("task.confirm_due", TASK, PARTICIPANTS, deadlines.confirm_due),
    deadlines.RequestExtension: Handler("task.request_extension", TASK, OWN_ACT, deadlines.request_extension),
    deadlines.GrantExtension: Handler("task.grant_extension", TASK, PARTICIPANTS, deadlines.grant_extension),
    deadlines.RefuseExtension: Handler("task.refuse_extension", TASK, PARTICIPANTS, deadlines.refuse_extension),
    results.AcknowledgeTask: Handler("task.acknowledge", TASK, OWN_ACT, results.acknowledge),
    results.NoteProgress: Handler("task.note_progress", TASK, OWN_ACT, results.note_progress),
    results.ReportResult: Handler("task.report", TASK, OWN_ACT, results.report, reads_files=True),
    results.ReturnResult: Handler("task.return", TASK, PARTICIPANTS, results.return_result),
    results.AcceptResult: Handler("task.accept", TASK, PARTICIPANTS, results.accept),
    results.ReopenTask: Handler("task.reopen", TASK, PARTICIPANTS, results.reopen),
    results.ConfirmObjectiveCause: Handler("task.confirm_cause", TASK, PARTICIPANTS, results.confirm_cause),
    templates.SetTemplate: Handler("template.set", TEMPLATE, RECURRING, templates.set_template),
    templates.EndTemplate: Handler("template.end", TEMPLATE, RECURRING, templates.end_template),
    publishing.PublishCalendar: Handler(
        "calendar.publish", CALENDAR, EVERYBODY, publishing.publish, publishes_calendar=True
    ),
    Together: Handler("several", COMMUNE, EACH_PART, together, lambda command: command.commands, in_open_commune=False),
    ConfirmImport: Handler("import.confirm", IMPORT, EACH_PART, confirm_import, lambda command: command.commands),
}
