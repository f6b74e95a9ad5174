"""The table of commands: which action each is, which stream it concerns, which function decides it."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from msgspec.structs import asdict, replace

from services.tasks.domain import (
    assigning,
    communes,
    deadlines,
    directives,
    organisation,
    publishing,
    results,
    templates,
)
from services.tasks.domain.authority import must_be
from services.tasks.domain.communes import must_be_open
from services.tasks.domain.context import Command, Context, canonical, recorder
from services.tasks.domain.imports import Import
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
    """A file's dry run is confirmed: `commands` is what its rows became."""

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


class Handler(NamedTuple):
    """`subject` is a template over the command's fields and `commune`."""

    action: str
    subject: str
    decide: Callable[[Any, Any, Context], list[Data]]


def decide(command: Command, context: Context) -> list[Data]:
    """The events a command leads to. Raises Refused."""
    handler = HANDLERS[type(command)]
    _must_have_plausible_days(command)
    if not isinstance(command, communes.OpenCommune | Together):
        must_be_open(context.state(f"commune/{context.commune}"), context.today)
    return handler.decide(context.state(subject(command, context.commune)), command, context)


def _must_have_plausible_days(command: Command) -> None:
    """Its own days and those of its deadlines."""
    for name in command.__struct_fields__:
        value = getattr(command, name)
        day = value.date if isinstance(value, Due) else value
        if isinstance(day, date) and day.year not in PLAUSIBLE_YEARS:
            raise Refused("day-implausible", day=day)


def decide_each(commands: Sequence[Command], context: Context) -> list[Data]:
    """Decide one after the other, each seeing what those before it led to; staff and units see each other."""
    arriving = {subject(one, context.commune) for one in commands if isinstance(one, ARRIVALS)}
    begun: dict[str, Any] = {}
    seen = context.over(ChainMap(begun, context.states), context.arriving | arriving)  # type: ignore[arg-type]
    events = []
    for command in commands:
        for data in decide(command, seen):
            events.append(data)
            stream = subject_of(data, context.commune)
            begun[stream] = after(seen.state(stream), data, context.today)
        if isinstance(command, publishing.PublishCalendar):
            seen = seen.over(seen.states, seen.arriving)
    return events


ARRIVALS = (organisation.AppointStaff, organisation.DefineUnit)


def settle_draft(state: Task | None, command: SettleDraft, context: Context) -> list[Data]:
    """Refuses: not a draft, settled before, who may not assign, and what its assignments refuse."""
    if state is not None and state.status == "settled":
        raise Refused("draft-settled", task=state.task)
    draft = must_be(state, {"draft"}, "not-a-draft")
    by = assigning.as_assigner(command.by, context)
    into = [
        replace(one, by=by, directive=one.directive or draft.directive, item=one.item or draft.item)
        for one in command.into
    ]
    ids = [one.task if isinstance(one, assigning.AssignTask) else one.template for one in into]
    return [*decide_each(into, context), DraftSettled(task=draft.task, into=ids, by=by)]


def together(_: Any, command: Together, context: Context) -> list[Data]:
    return decide_each(command.commands, context)


def confirm_import(state: Import | None, command: ConfirmImport, context: Context) -> list[Data]:
    """Refuses: confirmed before, and what its rows refuse."""
    if state is not None:
        raise Refused("import-exists")
    counts = {name: getattr(command, name) for name in ("rows", "created", "changed", "waiting", "rejected")}
    by = recorder(context, command.by)
    confirmed = ImportConfirmed(import_=command.import_, kind=command.kind, sha256=command.sha256, by=by, **counts)
    return [*decide_each(command.commands, context), confirmed]


COMMUNE, UNIT, STAFF, DIRECTIVE = "commune/{commune}", "unit/{unit}", "staff/{staff}", "directive/{directive}"
TASK, TEMPLATE, CALENDAR = "task/{task}", "template/{template}", "calendar/{year}"

HANDLERS: dict[type[Command], Handler] = {
    communes.OpenCommune: Handler("commune.open", COMMUNE, communes.open_commune),
    communes.RenameCommune: Handler("commune.rename", COMMUNE, communes.rename_commune),
    communes.CloseCommune: Handler("commune.close", COMMUNE, communes.close_commune),
    communes.ChooseCommuneSettings: Handler("commune.choose_settings", COMMUNE, communes.choose_settings),
    organisation.DefineUnit: Handler("unit.define", UNIT, organisation.define_unit),
    organisation.AppointStaff: Handler("staff.appoint", STAFF, organisation.appoint_staff),
    organisation.ChangeStaff: Handler("staff.change", STAFF, organisation.change_staff),
    organisation.EndAppointment: Handler("staff.end", STAFF, organisation.end_appointment),
    organisation.RecordAbsence: Handler("staff.record_absence", STAFF, organisation.record_absence),
    organisation.RecordDiscipline: Handler("staff.record_discipline", STAFF, organisation.record_discipline),
    organisation.WithdrawDiscipline: Handler("staff.withdraw_discipline", STAFF, organisation.withdraw_discipline),
    directives.IssueDirective: Handler("directive.issue", DIRECTIVE, directives.issue),
    directives.AmendDirective: Handler("directive.amend", DIRECTIVE, directives.amend),
    directives.WithdrawDirective: Handler("directive.withdraw", DIRECTIVE, directives.withdraw),
    assigning.DraftTask: Handler("task.draft", TASK, assigning.draft),
    SettleDraft: Handler("task.settle_draft", TASK, settle_draft),
    assigning.AssignTask: Handler("task.assign", TASK, assigning.assign),
    assigning.CorrectTask: Handler("task.correct", TASK, assigning.correct),
    assigning.CorrectCoefficient: Handler("task.correct_coefficient", TASK, assigning.correct_coefficient),
    assigning.HandBackTask: Handler("task.hand_back", TASK, assigning.hand_back),
    assigning.CancelTask: Handler("task.cancel", TASK, assigning.cancel),
    deadlines.ConfirmDue: Handler("task.confirm_due", TASK, deadlines.confirm_due),
    deadlines.RequestExtension: Handler("task.request_extension", TASK, deadlines.request_extension),
    deadlines.GrantExtension: Handler("task.grant_extension", TASK, deadlines.grant_extension),
    deadlines.RefuseExtension: Handler("task.refuse_extension", TASK, deadlines.refuse_extension),
    results.AcknowledgeTask: Handler("task.acknowledge", TASK, results.acknowledge),
    results.NoteProgress: Handler("task.note_progress", TASK, results.note_progress),
    results.ReportResult: Handler("task.report", TASK, results.report),
    results.ReturnResult: Handler("task.return", TASK, results.return_result),
    results.AcceptResult: Handler("task.accept", TASK, results.accept),
    results.ReopenTask: Handler("task.reopen", TASK, results.reopen),
    results.ConfirmObjectiveCause: Handler("task.confirm_cause", TASK, results.confirm_cause),
    templates.SetTemplate: Handler("template.set", TEMPLATE, templates.set_template),
    templates.EndTemplate: Handler("template.end", TEMPLATE, templates.end_template),
    publishing.PublishCalendar: Handler("calendar.publish", CALENDAR, publishing.publish),
    Together: Handler("several", COMMUNE, together),
    ConfirmImport: Handler("import.confirm", "import/{import_}", confirm_import),
}

# Fields of commands that name another task which the decision looks at.
NEIGHBOURS = ("parent", "taken_over_from")


def subject(command: Command, commune: str) -> str:
    """The stream a command concerns, with a staff id as it is stored."""
    fields = asdict(command) | {"commune": commune}
    if isinstance(fields.get("staff"), str):
        fields["staff"] = canonical(fields["staff"])
    return HANDLERS[type(command)].subject.format(**fields)


def parts(command: Command) -> Iterator[Command]:
    """The command and those inside it."""
    yield command
    inner: Sequence[Command] = ()
    if isinstance(command, Together | ConfirmImport):
        inner = command.commands
    elif isinstance(command, SettleDraft):
        inner = command.into
    for one in inner:
        yield from parts(one)


def actions(command: Command) -> set[str]:
    """Every action that somebody must be allowed, to have this decided."""
    return {HANDLERS[type(one)].action for one in parts(command)}


def looks_at(command: Command, commune: str) -> set[str]:
    """The subjects whose states the decision needs, beside the commune's staff, units, directives and calendars."""
    found = {f"commune/{commune}"}
    for one in parts(command):
        found.add(subject(one, commune))
        found.update(f"task/{other}" for name in NEIGHBOURS if (other := getattr(one, name, None)) is not None)
    return found


def looks_at_running_tasks(command: Command) -> bool:
    """Publishing a calendar moves the open deadlines that were counted in working days."""
    return any(isinstance(one, publishing.PublishCalendar) for one in parts(command))
