"""What the API answers with: the types of its JSON, made of the states and records that the service works with."""

from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.tasks.domain.calendars import CalendarYear
from services.tasks.domain.communes import Commune
from services.tasks.domain.directives import Directive
from services.tasks.domain.imports import Import
from services.tasks.domain.staff import Post, Staff, Step
from services.tasks.domain.task import Task
from services.tasks.domain.templates import Template
from services.tasks.domain.units import Unit
from services.tasks.importing import DryRun
from services.tasks.personal import EvidenceFile, Person
from services.tasks.queries import Colleague, FieldCount, StaffRecord, TaskRecord
from services.tasks.views import Stored
from shared.events import Envelope
from shared.events.values import AbsenceKind
from shared.web.answers import S, answer_of, answer_type

Answer = type[msgspec.Struct]


def _state(name: str, state: type[msgspec.Struct], /, **more: Any) -> Answer:
    """A stream's state with its id, and the version that a change of it names in If-Match."""
    return answer_type(name, state, id=str, version=int, **more)


def _list(name: str, field: str, item: Any) -> Answer:
    return answer_type(name, None, f"All of them, in `{field}`.", **{field: list[item]})


class Entry(msgspec.Struct, frozen=True):
    """An event of a stream's history: its place in the log, its actor, and its fields as AsyncAPI describes them."""

    position: int
    version: int
    time: str
    type: str
    actor: str
    data: Any


class Question(msgspec.Struct, frozen=True):
    """What a person is asked about an imported row."""

    code: str
    text: str


class TaskCounts(msgspec.Struct, frozen=True):
    """Tasks counted by field and status on a day."""

    on: date
    counts: list[FieldCount]


Contact = answer_type("Contact", Person, "A person's name and addresses; what is not kept is null.")
File = answer_type("File", EvidenceFile)

CommuneState = _state("CommuneState", Commune)
UnitState = _state("UnitState", Unit, name=str | None)
DirectiveState = _state("DirectiveState", Directive)
TemplateState = _state("TemplateState", Template)
CalendarState = _state("CalendarState", CalendarYear)
ImportState = _state("ImportState", Import)
TaskState = _state("TaskState", Task)
TaskWithHistory = _state("TaskWithHistory", Task, history=list[Entry], files=list[File])  # type: ignore[valid-type]
DraftState = _state("DraftState", Task, questions=list[Question])

Units = _list("Units", "units", UnitState)
Calendars = _list("Calendars", "calendars", CalendarState)
Directives = _list("Directives", "directives", DirectiveState)
Templates = _list("Templates", "templates", TemplateState)
Imports = _list("Imports", "imports", ImportState)
Tasks = _list("Tasks", "tasks", TaskState)
Drafts = _list("Drafts", "drafts", DraftState)
StaffList = _list("StaffList", "staff", Colleague)
Contacts = _list("Contacts", "people", Contact)
Files = _list("Files", "files", File)


class AbsenceShown(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """An absence, in the words that record one; `from_` is what `from` was called in 0.1."""

    kind: AbsenceKind
    start: date
    from_: date
    to: date | None = None
    substitute: str | None = None


class StaffState(msgspec.Struct, frozen=True, kw_only=True):
    """A person: `steps`, `absences` and `acts` only for themselves and those who see every record, `contact` only for
    those who may read names."""

    id: str
    version: int
    post: Post | None
    steps: list[Step] | UnsetType = UNSET
    absences: dict[str, AbsenceShown] | UnsetType = UNSET
    acts: list[str] | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET  # type: ignore[valid-type]


# Everything but the commands that it leads to.
DryRunAnswer = msgspec.defstruct(
    "DryRunAnswer",
    [(field.name, field.type) for field in msgspec.structs.fields(DryRun) if field.name != "plan"],
    frozen=True,
    kw_only=True,
    namespace={"__doc__": "What confirming a file would record, row by row, on top of the log up to `position`."},
)


def state(answer: type[S], stored: Stored, **more: Any) -> S:
    """A stream's state as one of these answers."""
    return answer_of(answer, stored.state, id=stored.subject.partition("/")[2], version=stored.version, **more)


def staff(record: StaffRecord) -> StaffState:
    person: Staff = record.stored.state
    shown: dict[str, Any] = {}
    if record.whole:
        absences = {key: answer_of(AbsenceShown, one, start=one.from_) for key, one in person.absences.items()}
        shown = {"steps": person.steps, "absences": absences, "acts": person.acts}
    contact = contact_of(record.contact) if record.contact else UNSET
    return StaffState(id=person.staff, version=record.stored.version, post=record.post, contact=contact, **shown)


def contact_of(person: Person) -> msgspec.Struct:
    return answer_of(Contact, person)


def files(kept: list[EvidenceFile]) -> list[msgspec.Struct]:
    return [answer_of(File, file) for file in kept]


def task(record: TaskRecord) -> msgspec.Struct:
    history = [_entry(envelope) for envelope in record.history]
    return state(TaskWithHistory, record.stored, history=history, files=files(record.files))


def _entry(envelope: Envelope) -> Entry:
    return Entry(envelope.position, envelope.streamversion, envelope.time, envelope.type, envelope.actor, envelope.data)
