"""Communes merged into a new one: how the old logs end, and with what the new one begins (docs/adr/0019).

Everything of the new log is a function of the ended logs and of what the operator said, so that a merger that was
interrupted can be continued: the same events come out again.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from services.tasks.domain import refusals
from services.tasks.domain.communes import Commune
from services.tasks.domain.context import new_code
from services.tasks.domain.directives import Directive
from services.tasks.domain.staff import Staff, groups_of
from services.tasks.domain.streams import evolve, kind_of
from services.tasks.domain.task import RUNNING, Task
from services.tasks.domain.templates import Template
from shared.collation import fold
from shared.events import (
    GENESIS_HASH,
    MAX_EVENT_BYTES,
    CalendarPublished,
    CheckpointSigned,
    CommuneClosed,
    CommuneOpened,
    Data,
    DirectiveIssued,
    DirectiveWithdrawn,
    Envelope,
    PastEvent,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    StaffTakenOver,
    TaskCarriedOver,
    TaskHandedBack,
    TemplateEnded,
    UnitDefined,
    decode,
    event_hash,
    past_events,
    subject_of,
    type_name,
)
from shared.events.values import EXTERNAL, Pin, StaffPin, TaskPin
from shared.text import is_code

NO_CODE = re.compile(r"[^A-Za-z0-9._-]+")
LEADING = frozenset({"chair", "vice_chair"})
ONE_DAY = timedelta(days=1)
# What becomes of the plain strings in events, by the name of their field: ids of people and of units are those of the
# new commune there, the others stay. A test fails on a field that is in none of these tables.
PEOPLE = frozenset({"staff", "by", "lead", "verified_by", "confirmed_by", "tracker", "rater", "substitute", "head"})
UNITS = frozenset({"unit", "leads_unit"})
PEOPLE_OR_UNITS = frozenset({"collaborators"})
# `parent` is a task's elsewhere, and the district of a commune.
UNITS_OF: Mapping[type, frozenset[str]] = {UnitDefined: frozenset({"parent"})}
STAYS = frozenset(
    {
        # ids that are unique over all communes, or that nothing of another commune can name
        *("task", "into", "parent", "taken_over_from", "template", "directive", "supersedes", "calendar", "import_"),
        *("absence", "act", "similar_group"),
        # words and codes
        *("name", "code", "number", "post", "sheet", "no", "media_type", "questions", "row", "settings"),
        # of the commune itself and its files, which are not carried over
        *("successors", "commune", "held"),
    }
)
# Values and events that keep everything: they speak of the former commune's log, or are ids mapped already.
KEPT_WHOLE = (Pin, CheckpointSigned, PastEvent)
# Of what an event may have, a history leaves room for the envelope and the pin around it.
LARGEST_EVENT = MAX_EVENT_BYTES - 2048
LARGEST_HISTORY = 192 * 1024


class Merger(msgspec.Struct, frozen=True, kw_only=True):
    """`on` is the new commune's first day; `communes` the former ones, of which `seat` keeps its chairs in office."""

    commune: str
    name: str
    code: str
    on: date
    legal_basis: str
    communes: Sequence[str]
    seat: str
    parent: str | None = None

    @property
    def last_day(self) -> date:
        """The former communes' last day."""
        return self.on - ONE_DAY

    @property
    def mark(self) -> str:
        """The correlation id of all events of this merger; it marks those that end an old log."""
        return f"merger/{self.commune}"

    @property
    def since(self) -> date:
        """Tasks that were over before this day cannot count in the year of the merger."""
        return date(self.on.year - 1, 1, 1)


class Newcomer(msgspec.Struct, frozen=True):
    """A person's id in the new commune, and what is said of their post there (fields of an appointment)."""

    staff: str
    post: Mapping[str, Any] = {}


# (commune, staff) there → the person here.
Newcomers = Mapping[tuple[str, str], Newcomer]


class Recorded(NamedTuple):
    """An event of an old log, with the SHA-256 of its bytes."""

    envelope: Envelope
    hash: str


class Former(msgspec.Struct, kw_only=True):
    """A commune that is merged into another: the whole log's head, the log without what ended it by stream, the states
    before that; `closed` when this merger ended it already."""

    commune: str
    head: Pin
    closed: CommuneClosed | None = None
    streams: dict[str, list[Recorded]]
    states: dict[str, Any]

    def of_kind(self, kind: str) -> dict[str, Any]:
        """The states of one kind of stream, by the id in its subject."""
        return {
            subject.partition("/")[2]: state
            for subject, state in sorted(self.states.items())
            if kind_of(subject) == kind and state is not None
        }

    @property
    def name(self) -> str:
        named: Commune = self.states[f"commune/{self.commune}"]
        return named.name


class Beginning(NamedTuple):
    """One stream of the new log: it is appended whole, or not at all. `of` is where it comes from: the former commune
    and the id there."""

    subject: str
    events: list[Data]
    of: tuple[str, str] | None = None


class Ids(NamedTuple):
    """One former commune's ids of people and units → those of the new commune."""

    staff: Mapping[str, str]
    units: Mapping[str, str]


def former(merger: Merger, commune: str, bodies: Iterable[bytes]) -> Former:
    """Fold a log of a former commune up to the merger."""
    streams: dict[str, list[Recorded]] = {}
    states: dict[str, Any] = {}
    head = Pin(commune=commune, position=0, hash=GENESIS_HASH)
    closed: CommuneClosed | None = None
    for body in bodies:
        envelope, digest = decode(body), event_hash(body)
        head = Pin(commune=commune, position=envelope.position, hash=digest)
        if envelope.correlationid == merger.mark and isinstance(envelope.data, CommuneClosed):
            closed = envelope.data
        if envelope.correlationid == merger.mark or envelope.data is None:
            continue
        states[envelope.subject] = evolve(states.get(envelope.subject), envelope)
        streams.setdefault(envelope.subject, []).append(Recorded(envelope, digest))
    return Former(commune=commune, head=head, closed=closed, streams=streams, states=states)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What comes over from a commune, in numbers, and what does not: `templates` by title, rows that wait (`drafts`).
    `out_of_office` are the people of the new commune who led the old one."""

    commune: str
    people: int
    in_post: int
    tasks: int
    running: int
    reported: int
    directives: int
    out_of_office: list[str]
    templates: list[str]
    drafts: int


def summary(merger: Merger, one: Former) -> Summary:
    tasks, people = carried(merger, one), one.of_kind("staff")
    templates: dict[str, Template] = one.of_kind("template")
    return Summary(
        commune=one.commune,
        people=len(people),
        in_post=sum(state.post_on(merger.last_day) is not None for state in people.values()),
        tasks=len(tasks),
        running=sum(task.status in RUNNING for task in tasks),
        reported=sum(task.status == "reported" for task in tasks),
        directives=len({task.directive for task in tasks} - {None}),
        out_of_office=[old for old, state in people.items() if _loses_office(merger, one, state)],
        templates=[template.latest.title for template in templates.values() if template.ended_on is None],
        drafts=sum(task.status == "draft" for task in one.of_kind("task").values()),
    )


# The old log ends


def ending(merger: Merger, states: Mapping[str, Any], by: str) -> list[Data]:
    """Everyone leaves their post, running tasks are handed back, templates end; then the commune is closed."""
    reason = f"Sắp xếp đơn vị hành chính: {merger.legal_basis}"
    events: list[Data] = []
    for _, one in sorted(states.items()):
        if isinstance(one, Staff):
            days = [merger.last_day] if one.post_on(merger.last_day) else []
            # An appointment for a later day ends on that day: there is no earlier end of it.
            days += [step.on for step in one.steps if step.kind == "appointed" and step.on > merger.last_day]
            events += [StaffLeft(staff=one.staff, valid_to=day, reason=reason) for day in days]
        elif isinstance(one, Task) and one.status in RUNNING:
            events.append(TaskHandedBack(task=one.task, by=by, kind="reassigned", reason=reason))
        elif isinstance(one, Template) and one.ended_on is None:
            events.append(TemplateEnded(template=one.template, by=by, reason=reason))
    closed = CommuneClosed(on=merger.last_day, successors=[merger.commune], legal_basis=merger.legal_basis)
    return [*events, closed]


# The new log begins


def beginning(merger: Merger, formers: Sequence[Former], newcomers: Newcomers, by: str) -> list[Beginning]:
    """The streams of the new log in the order of recording: commune, calendars, units, directives, people, tasks.

    Refuses: an id that two would have, and a post of the new commune that names a person or unit which is unknown.
    """
    ids = {one.commune: ids_of(merger, one, newcomers) for one in formers}
    _must_be_known(newcomers, ids, groups_of(state for one in formers for state in one.of_kind("staff").values()))
    opened = CommuneOpened(
        name=merger.name,
        code=merger.code,
        valid_from=merger.on,
        parent=merger.parent,
        predecessors=[one.head for one in formers],
    )
    streams = [Beginning(subject_of(opened, merger.commune), [opened]), *_calendars(merger, formers, by)]
    for one in formers:
        streams += _units(merger, one, ids[one.commune])
    for one in formers:
        streams += _directives(merger, one)
    for one in formers:
        streams += _people(merger, one, ids[one.commune], newcomers)
    for one in formers:
        streams += _tasks(merger, one, ids[one.commune])
    subjects: dict[str, Beginning] = {}
    for stream in streams:
        if stream.subject in subjects:
            raise refusals.MERGER_SAME_ID(subject=stream.subject)
        subjects[stream.subject] = stream
    return streams


def ids_of(merger: Merger, one: Former, newcomers: Newcomers) -> Ids:
    """Codes such as p07 are of one commune only: in the new one they carry its id, unless it is said otherwise."""
    staff = {
        old: newcomers[one.commune, old].staff if (one.commune, old) in newcomers else f"{one.commune}-{_plain(old)}"
        for old in one.of_kind("staff")
    }
    units = {old: f"{one.commune}-{_plain(old)}" for old in one.of_kind("unit")}
    return Ids(staff, units | {one.commune: merger.commune})


def _plain(code: str) -> str:
    """A code of an earlier release as one of today."""
    return code if is_code(code) else NO_CODE.sub("-", fold(code)).strip("-")


def _must_be_known(newcomers: Newcomers, ids: Mapping[str, Ids], groups: Collection[str]) -> None:
    """Refuses posts of the new commune that name an unknown person or unit, and new ids that are no codes."""
    people = {staff for each in ids.values() for staff in each.staff.values()}
    units = {unit for each in ids.values() for unit in each.units.values()}
    for (commune, staff), said in newcomers.items():
        new_code(said.staff)
        if (group := said.post.get("similar_group")) is not None and group not in groups:
            new_code(group)
        if commune not in ids or staff not in ids[commune].staff:
            raise refusals.MERGER_PERSON_UNKNOWN(commune=commune, staff=staff)
        for name, known, refusal in (
            ("tracker", people - {said.staff}, refusals.STAFF_UNKNOWN),
            ("rater", people - {said.staff} | {EXTERNAL}, refusals.STAFF_UNKNOWN),
            ("unit", units, refusals.UNIT_UNKNOWN),
            ("leads_unit", units, refusals.UNIT_UNKNOWN),
        ):
            if (named := said.post.get(name)) is not None and named not in known:
                raise refusal(**{"unit" if name.endswith("unit") else "staff": named})


def moved(data: Any, ids: Ids) -> Any:
    """An event's data with the ids of people and units as they are in the new commune."""
    changed = {name: _moved(getattr(data, name), name, type(data), ids) for name in data.__struct_fields__}
    return replace(data, **changed)


def _moved(value: Any, name: str, of: type, ids: Ids) -> Any:
    if isinstance(value, list):
        return [_moved(element, name, of, ids) for element in value]
    if isinstance(value, msgspec.Struct):
        return value if isinstance(value, KEPT_WHOLE) else moved(value, ids)
    if not isinstance(value, str):
        return value
    if name in PEOPLE_OR_UNITS:
        return ids.staff.get(value) or ids.units.get(value, value)
    if name in PEOPLE:
        return ids.staff.get(value, value)
    if name in UNITS or name in UNITS_OF.get(of, ()):
        return ids.units.get(value, value)
    return value


def _calendars(merger: Merger, formers: Sequence[Former], by: str) -> Iterator[Beginning]:
    """The revision in force of each year, of the first commune that has one."""
    found: dict[str, CalendarPublished] = {}
    for one in formers:
        for year in one.of_kind("calendar"):
            if int(year) >= merger.since.year and year not in found:
                found[year] = one.streams[f"calendar/{year}"][-1].envelope.data
    for year, published in sorted(found.items()):
        yield Beginning(f"calendar/{year}", [replace(published, by=by, supersedes=None)])


def calendars_that_differ(merger: Merger, formers: Sequence[Former]) -> list[tuple[int, list[str]]]:
    """Years whose days off or revisions are not the same in all communes, with the communes."""
    years: dict[int, dict[str, Any]] = {}
    for one in formers:
        for year, state in one.of_kind("calendar").items():
            if int(year) >= merger.since.year:
                years.setdefault(int(year), {})[one.commune] = replace(state, revisions=[])
    return [
        (year, list(of)) for year, of in sorted(years.items()) if len(set(map(msgspec.json.encode, of.values()))) > 1
    ]


def _units(merger: Merger, one: Former, ids: Ids) -> Iterator[Beginning]:
    for unit in one.of_kind("unit"):
        events = [moved(recorded.envelope.data, ids) for recorded in one.streams[f"unit/{unit}"]]
        yield Beginning(f"unit/{ids.units[unit]}", events, (one.commune, unit))


def _directives(merger: Merger, one: Former) -> Iterator[Beginning]:
    """Those that carried tasks rest on, as last worded; numbers repeat, so each says whose it is."""
    wanted = {task.directive for task in carried(merger, one)}
    found: dict[str, Directive] = {name: state for name, state in one.of_kind("directive").items() if name in wanted}
    for name, state in found.items():
        issued = DirectiveIssued(
            directive=name,
            number=f"{state.number} ({one.name})",
            issued_on=state.issued_on,
            title=state.title,
            annex_sha256=state.annex_sha256,
            supersedes=state.supersedes if state.supersedes in found else None,
        )
        withdrawn = DirectiveWithdrawn(directive=name, reason=f"Đã thu hồi ở {one.name}")
        events: list[Data] = [issued, withdrawn] if state.withdrawn else [issued]
        yield Beginning(f"directive/{name}", events, (one.commune, name))


def _people(merger: Merger, one: Former, ids: Ids, newcomers: Newcomers) -> Iterator[Beginning]:
    """Everybody with posts, absences and acts as they were there, each from its own day on; who was in post on the last
    day is appointed in the new commune."""
    lost = {old for old, state in one.of_kind("staff").items() if _loses_office(merger, one, state)}
    for old, state in one.of_kind("staff").items():
        last = one.streams[f"staff/{old}"][-1]
        pin = StaffPin(commune=one.commune, staff=old, position=last.envelope.position, hash=last.hash)
        new = ids.staff[old]
        events: list[Data] = [StaffTakenOver(staff=new, from_=pin, valid_from=merger.on)]
        recorded = [each.envelope.data for each in one.streams[f"staff/{old}"]]
        there = [data for data in recorded if not isinstance(data, StaffTakenOver)]
        place = next((i for i, data in enumerate(there) if _takes_force(data) >= merger.on), len(there))
        begun = [moved(data, ids) for data in there]
        said = newcomers.get((one.commune, old), Newcomer(new))
        appointed = _appointment(merger, state, ids, said, lost)
        here = [appointed] if appointed else []
        yield Beginning(f"staff/{new}", [*events, *begun[:place], *here, *begun[place:]], (one.commune, old))


def _takes_force(data: Any) -> date:
    if isinstance(data, StaffLeft):
        return data.valid_to + ONE_DAY
    return data.valid_from if isinstance(data, StaffAppointed | StaffChanged) else date.min


def _loses_office(merger: Merger, one: Former, state: Staff) -> bool:
    """There is one chair: those of the seat stay in office, the others leave it until a decision."""
    post = state.post_on(merger.last_day)
    return post is not None and one.commune != merger.seat and not LEADING.isdisjoint(post.roles)


def _appointment(merger: Merger, state: Staff, ids: Ids, said: Newcomer, lost: set[str]) -> StaffAppointed | None:
    """The post of the last day continues, with the changes that the new commune's Office or operator gave."""
    post = state.post_on(merger.last_day)
    if post is None:
        return None
    fields: dict[str, Any] = msgspec.structs.asdict(post) | {"valid_from": merger.on}
    if state.staff in lost:
        fields["roles"] = [role for role in post.roles if role not in LEADING] or ["staff"]
        fields["leads_unit"] = None
    if post.rater in lost:
        fields["rater"] = None
    there: StaffAppointed = moved(StaffAppointed(staff=state.staff, **fields), ids)
    return replace(there, **said.post)


def carried(merger: Merger, one: Former) -> list[Task]:
    """The tasks whose facts can still count: running, touched or due since 1 January of the year before, and the parts
    of such a task."""
    tasks: dict[str, Task] = {name: task for name, task in one.of_kind("task").items() if task.draft is None}
    wanted = {name for name, task in tasks.items() if _counts(merger, task, one.streams[f"task/{name}"])}
    parts: dict[str, list[str]] = {}
    for name, task in tasks.items():
        if task.parent is not None:
            parts.setdefault(task.parent, []).append(name)
    below = [part for name in wanted for part in parts.get(name, ())]
    while below:
        name = below.pop()
        if name not in wanted:
            wanted.add(name)
            below += parts.get(name, ())
    return [task for name, task in tasks.items() if name in wanted]


def _counts(merger: Merger, task: Task, stream: Sequence[Recorded]) -> bool:
    if task.status in RUNNING or stream[-1].envelope.day >= merger.since:
        return True
    return task.due_date is not None and task.due_date >= merger.since


def _tasks(merger: Merger, one: Former, ids: Ids) -> Iterator[Beginning]:
    """A task keeps its id, and its life continues in the new log where it was in the old one."""
    for task in carried(merger, one):
        subject = f"task/{task.task}"
        events: list[Data] = []
        for part in _parts(one.streams[subject], ids):
            last = part[-1][0]
            pin = TaskPin(commune=one.commune, task=task.task, position=last.envelope.position, hash=last.hash)
            events.append(TaskCarriedOver(task=task.task, from_=pin, history=[past for _, past in part]))
        yield Beginning(subject, events, (one.commune, task.task))


def _parts(stream: Sequence[Recorded], ids: Ids) -> Iterator[list[tuple[Recorded, PastEvent]]]:
    """A task's life as past events, in parts that an event can hold."""
    part: list[tuple[Recorded, PastEvent]] = []
    size = 0
    for recorded in stream:
        for past in _past(recorded.envelope, ids):
            length = len(msgspec.json.encode(past))
            if length > LARGEST_EVENT:
                raise refusals.MERGER_EVENT_TOO_LARGE(subject=recorded.envelope.subject)
            if part and size + length > LARGEST_HISTORY:
                yield part
                part, size = [], 0
            part.append((recorded, past))
            size += length
    if part:
        yield part


def _past(envelope: Envelope, ids: Ids) -> Iterator[PastEvent]:
    """What happened there. A task that came from a merger before brings what it brought."""
    if isinstance(envelope.data, TaskCarriedOver):
        for past, there in past_events(envelope.data):
            if there is not None:
                yield _past_event(there, past.time, past.actor or envelope.actor, ids)
    else:
        yield _past_event(envelope.data, envelope.time, envelope.actor, ids)


def _past_event(data: Any, time: str, actor: str, ids: Ids) -> PastEvent:
    kind, _, name = actor.partition("/")
    who = f"staff/{ids.staff.get(name, name)}" if kind == "staff" else actor
    return PastEvent(type=type_name(data), time=time, data=msgspec.to_builtins(moved(data, ids)), actor=who)
