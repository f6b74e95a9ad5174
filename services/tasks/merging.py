"""A merger, recorded: the old logs end and are signed, then the new one begins stream by stream.

It can be run again after any crash: a log that has ended stays so, a stream that is there is passed over.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from services.tasks import personal, views
from services.tasks.domain import refusals
from services.tasks.domain.communes import Commune
from services.tasks.domain.context import new_code, required_text
from services.tasks.domain.merging import (
    Beginning,
    Former,
    Ids,
    Merger,
    Newcomers,
    beginning,
    ending,
    former,
    ids_of,
)
from services.tasks.domain.streams import kind_of
from services.tasks.evidence import folder, keep, path_of
from services.tasks.service import Tasks
from shared.eventlog import Decision, Transaction, reading
from shared.events import CommuneOpened, StaffTakenOver, decode
from shared.events.values import Pin

# Events of one append: a person waits no longer for the lock than for an import of a file.
BATCH = 500


class Plan(NamedTuple):
    """A merger before it is recorded: the former communes as they are, and the streams that the new log begins with."""

    merger: Merger
    formers: list[Former]
    streams: list[Beginning]
    newcomers: Newcomers

    @property
    def predecessors(self) -> list[Pin]:
        return [one.head for one in self.formers]

    def ids(self, one: Former) -> Ids:
        return ids_of(self.merger, one, self.newcomers)


def plan(service: Tasks, merger: Merger, newcomers: Newcomers, by: str) -> Plan:
    """The merger as it would be recorded now. Records nothing. Refuses what cannot be merged."""
    _must_be_possible(service, merger)
    formers = [former(merger, commune, service.log.read_all(commune)) for commune in merger.communes]
    for one in formers:
        _must_be_open(one, merger)
    planned = Plan(merger, formers, beginning(merger, formers, newcomers, by), newcomers)
    _must_continue_alike(service, planned)
    return planned


def merge(service: Tasks, merger: Merger, newcomers: Newcomers, by: str, sign: Callable[[str], Any]) -> Plan:
    """Record the merger, or what is missing of it. `sign` signs the head of a commune's log when it is not signed: the
    old heads are pinned, so nothing may follow them."""
    plan(service, merger, newcomers, by)
    for commune in merger.communes:
        _end(service, merger, commune, by)
        sign(commune)
    planned = plan(service, merger, newcomers, by)
    for batch in _batches(planned.streams):
        _begin(service, planned, batch, by)
    return planned


def _must_be_possible(service: Tasks, merger: Merger) -> None:
    if merger.on > service.today:
        raise refusals.MERGER_IN_THE_FUTURE(on=merger.on)
    required_text(merger.name, refusals.NAME_REQUIRED)
    new_code(merger.code)
    required_text(merger.legal_basis, refusals.LEGAL_BASIS_REQUIRED)
    if len(set(merger.communes)) < len(merger.communes) or merger.commune in merger.communes:
        raise refusals.OWN_SUCCESSOR()
    if merger.seat not in merger.communes:
        raise refusals.MERGER_SEAT_UNKNOWN(commune=merger.seat)
    for commune in merger.communes:
        if not service.log.head(commune).position:
            raise refusals.MERGER_COMMUNE_UNKNOWN(commune=commune)


def _must_be_open(one: Former, merger: Merger) -> None:
    """Not closed otherwise than by this merger."""
    state: Commune = one.states[f"commune/{one.commune}"]
    if state.closed_on is not None:
        raise refusals.COMMUNE_CLOSED(on=state.closed_on)
    if one.closed is not None and one.closed.on != merger.last_day:
        raise refusals.MERGER_OTHERWISE(commune=merger.commune)


def _must_continue_alike(service: Tasks, planned: Plan) -> None:
    """Refuses a new log that holds events of anything but this merger, or the same people under other ids."""
    here: dict[tuple[str, str], str] = {}
    for position, body in enumerate(service.log.read_all(planned.merger.commune)):
        data = decode(body).data
        if position == 0 and not (isinstance(data, CommuneOpened) and data == planned.streams[0].events[0]):
            raise refusals.MERGER_OTHERWISE(commune=planned.merger.commune)
        if isinstance(data, StaffTakenOver):
            here[data.from_.commune, data.from_.staff] = data.staff
    subjects = {
        stream.of: stream.subject for stream in planned.streams if stream.of and kind_of(stream.subject) == "staff"
    }
    if any(subjects.get(of) != f"staff/{staff}" for of, staff in here.items()):
        raise refusals.MERGER_OTHERWISE(commune=planned.merger.commune)


def _end(service: Tasks, merger: Merger, commune: str, by: str) -> None:
    def decide(tx: Transaction) -> Decision:
        states = views.load(tx.connection, commune, (), kinds=ENDING)
        if states[f"commune/{commune}"].closed_on is not None:
            return Decision([])
        return Decision(ending(merger, states, by))

    service.log.append(commune, decide, actor=by, correlationid=merger.mark)


ENDING = frozenset({"commune", "staff", "task", "template"})


def _batches(streams: Sequence[Beginning]) -> Iterator[list[Beginning]]:
    """Whole streams, so that a stream is there or is not."""
    batch: list[Beginning] = []
    size = 0
    for stream in streams:
        batch.append(stream)
        size += len(stream.events)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class OutsideLog(NamedTuple):
    """Names and files of a batch's streams that the former communes keep outside their logs, with the new ids."""

    people: list[personal.Person]
    former_names: dict[str, list[str]]
    unit_names: dict[str, str]
    files: list[personal.EvidenceFile]


def _begin(service: Tasks, planned: Plan, batch: Sequence[Beginning], by: str) -> None:
    merger = planned.merger
    comes = _outside_log(service, planned, batch)

    def decide(tx: Transaction) -> Decision:
        fresh = [one for one in batch if tx.version(one.subject) == 0]
        subjects = {one.subject for one in fresh}
        persons = [person for person in comes.people if f"staff/{person.staff}" in subjects]
        names = {unit: name for unit, name in comes.unit_names.items() if f"unit/{unit}" in subjects}
        files = [file for file in comes.files if f"task/{file.task}" in subjects]
        personal.save_person(tx.connection, merger.commune, *persons, named_before=comes.former_names)
        personal.save_unit_names(tx.connection, merger.commune, names)
        personal.save_evidence(tx.connection, merger.commune, *files)
        return Decision([data for one in fresh for data in one.events])

    service.log.append(merger.commune, decide, actor=by, correlationid=merger.mark)


def _outside_log(service: Tasks, planned: Plan, batch: Sequence[Beginning]) -> OutsideLog:
    """Read from the former communes; the bytes of evidence are copied, as each commune erases its own."""
    comes = OutsideLog([], {}, {}, [])
    into = folder(service, planned.merger.commune)
    for one in planned.formers:
        ids = planned.ids(one)
        tasks_of = [stream.of[1] for stream in batch if stream.of and _is_of("task", stream, one)]
        with reading(service.engine, one.commune) as connection:
            people = personal.people_of(connection, one.commune)
            former_names = personal.former_names(connection, one.commune)
            names = personal.unit_names_of(connection, one.commune)
            files = [file for task in tasks_of for file in personal.evidence_of(connection, one.commune, task)]
        comes.people.extend(p._replace(staff=ids.staff[p.staff]) for p in people.values() if p.staff in ids.staff)
        comes.former_names.update({ids.staff[p]: former for p, former in former_names.items() if p in ids.staff})
        comes.unit_names.update({ids.units[unit]: name for unit, name in names.items() if unit in ids.units})
        for file in files:
            path = path_of(folder(service, one.commune), file.sha256)
            if path.exists():
                keep(into, path.read_bytes())
                comes.files.append(file)
    return comes


def _is_of(kind: str, stream: Beginning, one: Former) -> bool:
    return kind_of(stream.subject) == kind and stream.of is not None and stream.of[0] == one.commune
