"""Templates of recurring rows, and the occurrences they open on each period's first day."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers, refusals
from services.tasks.domain.assigning import (
    as_assigner,
    known_coefficient,
    known_collaborators,
    known_field,
    known_lead,
)
from services.tasks.domain.context import Command, Context, required_text
from services.tasks.domain.deadlines import resolved
from services.tasks.domain.directives import in_force
from shared.calendar import Calendar, Calendars, Period, occurrence_due, periods, resolve_due
from shared.events import Data, Due, Item, Recurrence, TaskAssigned, TemplateEnded, TemplateSet, uuid7
from shared.events.values import Roll
from shared.refusal import Refused

# Every period since `valid_from` becomes a task: a year mistyped would make thousands.
YEARS_BACK = 10


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """`versions` in the order they were set."""

    template: str
    versions: list[TemplateSet] = []
    ended_on: date | None = None

    @property
    def latest(self) -> TemplateSet:
        return self.versions[-1]

    def version_on(self, day: date) -> TemplateSet | None:
        """What an occurrence of the period that begins on `day` is assigned with."""
        return next((one for one in reversed(self.versions) if one.valid_from <= day), None)


class SetTemplate(Command):
    """For the periods that begin on `valid_from` (default today) or later."""

    template: str
    title: str
    lead: str
    recurrence: Recurrence
    due_text: str
    product: str = ""
    field: int = 0
    collaborators: list[str] = msgspec.field(default_factory=list)
    coefficient: str | None = None
    evidence_required: bool = False
    roll: Roll = "forward"
    directive: str | None = None
    item: Item | None = None
    valid_from: date | None = None
    by: str | None = None


class EndTemplate(Command):
    template: str
    reason: str
    by: str | None = None


class Occurrence(NamedTuple):
    """One period of a template: the task it is, and what it is assigned with."""

    task: str
    period: Period
    version: TemplateSet


class Held(NamedTuple):
    """An occurrence that cannot be opened until a person fixes its template."""

    template: str
    period: str
    refused: Refused


def set_template(state: Template | None, command: SetTemplate, context: Context) -> list[Data]:
    """Refuses: ended, a recurrence whose day is none, a first period long ago, and what an assignment refuses."""
    if state is not None and state.ended_on is not None:
        raise refusals.TEMPLATE_ENDED(template=state.template)
    by = as_assigner(command.by, context)
    if command.directive is not None:
        in_force(context.state(f"directive/{command.directive}"), command.directive)
    if command.recurrence.day != "last" and not 1 <= command.recurrence.day <= 31:
        raise refusals.RECURRENCE_DAY(day=command.recurrence.day)
    first = context.today.replace(year=context.today.year - YEARS_BACK, month=1, day=1)
    if command.valid_from is not None and command.valid_from < first:
        raise refusals.TEMPLATE_TOO_FAR_BACK(first=first)
    lead = known_lead(command.lead, context)
    return [
        TemplateSet(
            template=command.template,
            by=by,
            title=required_text(command.title, refusals.TITLE_REQUIRED),
            product=command.product,
            field=known_field(command.field),
            lead=lead,
            collaborators=known_collaborators(command.collaborators, lead, context),
            coefficient=known_coefficient(command.coefficient),
            evidence_required=command.evidence_required,
            recurrence=command.recurrence,
            due_text=command.due_text,
            valid_from=command.valid_from or context.today,
            roll=command.roll,
            directive=command.directive,
            item=command.item,
        )
    ]


def end_template(state: Template | None, command: EndTemplate, context: Context) -> list[Data]:
    """Refuses: unknown, ended before, who may not assign, no reason."""
    if state is None:
        raise refusals.TEMPLATE_UNKNOWN(template=command.template)
    if state.ended_on is not None:
        raise refusals.TEMPLATE_ENDED(template=state.template)
    by = as_assigner(command.by, context)
    return [TemplateEnded(template=state.template, by=by, reason=required_text(command.reason))]


def expected(templates: Iterable[Template], commune: str, today: date) -> Iterator[Occurrence]:
    """Every occurrence that has begun by today, opened or not, whether or not the service ran on that day."""
    for template in templates:
        if template.ended_on is not None:
            continue
        for version in template.versions:
            for period in periods(version.recurrence.every, version.valid_from, today):
                if template.version_on(period.start) is version:
                    yield Occurrence(occurrence_id(commune, template.template, period), period, version)


def moved(template: Template, published: Calendar, calendars: Calendars, since: date) -> TemplateSet | None:
    """The version of which a calendar, once published, moves an occurrence of a period that begins on `since` or later.

    A year without a calendar counts as one without holidays: its first calendar moves what is due on a holiday.
    """
    years = (published.year - 1, published.year, published.year + 1)
    before = {year: calendars.get(year) or Calendar("", year, frozenset(), frozenset()) for year in years}
    with_it = Calendars([*(before | {published.year: published}).values()])
    without = Calendars(before.values())
    for version in () if template.ended_on else template.versions:
        for period in periods(version.recurrence.every, max(version.valid_from, since), date(published.year, 12, 31)):
            due = Due(text="", date=occurrence_due(version.recurrence, period), roll=version.roll)
            if template.version_on(period.start) is version and (
                resolve_due(due, with_it).date != resolve_due(due, without).date
            ):
                return version
    return None


def text_to_come(events: Iterable[Data], today: date) -> int:
    """Bytes of the words that occurrences repeat as soon as these templates are set: of periods that began before."""
    return sum(
        len(msgspec.json.encode(data))
        for data in events
        if isinstance(data, TemplateSet)
        for period in periods(data.recurrence.every, data.valid_from, today)
        if period.start >= data.valid_from
    )


def open_occurrences(occurrences: Iterable[Occurrence], context: Context) -> tuple[list[Data], list[Held]]:
    """The assignments of those not opened yet, and those that wait for a person (their lead has left)."""
    events: list[Data] = []
    held: list[Held] = []
    for occurrence in occurrences:
        if context.state(f"task/{occurrence.task}") is not None:
            continue
        try:
            events.append(_assignment(occurrence, context))
        except Refused as refused:
            held.append(Held(occurrence.version.template, occurrence.period.key, refused))
    return events, held


def _assignment(occurrence: Occurrence, context: Context) -> TaskAssigned:
    version, period = occurrence.version, occurrence.period
    due = Due(text=version.due_text, date=occurrence_due(version.recurrence, period), roll=version.roll)
    return TaskAssigned(
        task=occurrence.task,
        by=version.by,
        title=version.title,
        product=version.product,
        field=version.field,
        lead=known_lead(version.lead, context),
        collaborators=version.collaborators,
        coefficient=version.coefficient,
        origin="planned",
        due=resolved(due, context.calendars, counted_from=None),
        due_version=1,
        evidence_required=version.evidence_required,
        directive=version.directive,
        item=version.item,
        template=version.template,
        assigned_on=period.start if period.start < context.today else None,
    )


def occurrence_id(commune: str, template: str, period: Period) -> str:
    """A UUIDv7 that is the same whenever it is asked for, so that no period is opened twice."""
    seed = hashlib.sha256(f"{commune}/{template}/{period.key}".encode()).digest()
    return uuid7(datetime(period.start.year, period.start.month, 1, tzinfo=UTC), seed[:10])


def _set(state: Template | None, data: TemplateSet, _: date) -> Template:
    return Template(data.template, [*(state.versions if state else []), data])


def _ended(state: Template, _: TemplateEnded, day: date) -> Template:
    return replace(state, ended_on=day)


EVOLVE: Evolvers = {TemplateSet: _set, TemplateEnded: _ended}
