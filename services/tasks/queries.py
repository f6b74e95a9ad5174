"""Everything that the API, the command line and the papers ask. Each answer is read in one transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Connection, case, false, func, or_, select

from services.tasks import personal, views
from services.tasks.access import Viewer
from services.tasks.commands import roles_granted
from services.tasks.domain import refusals
from services.tasks.domain.context import canonical
from services.tasks.domain.staff import Post, Staff
from services.tasks.domain.streams import STATES
from services.tasks.domain.task import ASSIGNED
from services.tasks.domain.units import Unit
from services.tasks.personal import EvidenceFile, Person
from services.tasks.service import Tasks
from services.tasks.tables import states
from services.tasks.views import Stored
from shared.collation import in_order_of, natural
from shared.eventlog import Head, reading
from shared.events import Envelope, decode
from shared.web.auth import Principal


class TaskFilter(NamedTuple):
    """None asks for all. `seen_by` are the staff and unit ids one of which must lead or collaborate, `verified` other
    leads whose tasks are wanted then too."""

    status: Collection[str] | None = None
    lead: str | None = None
    field: int | None = None
    directive: str | None = None
    due_from: date | None = None
    due_to: date | None = None
    title: str | None = None
    seen_by: Collection[str] | None = None
    verified: Collection[str] = ()


class TaskRecord(msgspec.Struct, frozen=True):
    """A task with its history and the files stored for it."""

    stored: Stored
    history: list[Envelope]
    files: list[EvidenceFile]


class Colleague(msgspec.Struct, frozen=True):
    """A person in post today; `name` only for those who may read names, and where one is kept."""

    id: str
    post: Post
    absent: bool
    name: str | UnsetType | None = UNSET


class StaffRecord(msgspec.Struct, frozen=True):
    """A person's state; `contact` only for those who may read names, `whole` when absences and acts are shown."""

    stored: Stored
    post: Post | None
    contact: Person | None
    whole: bool


class CommuneStatus(msgspec.Struct, frozen=True):
    """The head of the log, and how many streams of each kind and tasks of each status there are."""

    head: Head
    streams: dict[str, int]
    tasks: dict[str, int]


class FieldCount(msgspec.Struct, frozen=True):
    """How many tasks of a field of reform have a status, and how many of them are overdue."""

    field: int
    status: str
    tasks: int
    overdue: int


def viewer(service: Tasks, connection: Connection, commune: str, principal: Principal) -> Viewer:
    """The person who asks, in today's post. Refuses: a person who is in no post today."""
    if principal.staff is None:
        return Viewer(None, None, principal.roles)
    person = views.one(connection, commune, f"staff/{principal.staff}")
    post = person.state.post_on(service.today) if person else None
    if post is None:
        raise refusals.NOT_IN_POST(staff=principal.staff)
    found = Viewer(principal.staff, post.unit, roles_granted(principal, post))
    return found if found.sees_all else found._replace(verifies=_followed(connection, commune, found, service.today))


def _followed(connection: Connection, commune: str, tracker: Viewer, today: date) -> frozenset[str]:
    """The people whose results a tracker may verify: none unless the commune's settings say so."""
    opened = views.one(connection, commune, f"commune/{commune}")
    if opened is None or not opened.state.tracker_verifies:
        return frozenset()
    people: list[Staff] = [stored.state for stored in views.all_of(connection, commune, "staff")]
    posts = {person.staff: person.last_post(today) for person in people}
    return frozenset(staff for staff, post in posts.items() if post is not None and post.tracker == tracker.staff)


def one(service: Tasks, commune: str, subject: str) -> Stored | None:
    """A stream's state, None when it has not begun."""
    with reading(service.engine, commune) as connection:
        return views.one(connection, commune, subject)


def all_of(service: Tasks, commune: str, kind: str) -> list[Stored]:
    """Every stream of a kind, by subject."""
    with reading(service.engine, commune) as connection:
        return views.all_of(connection, commune, kind)


# Tasks


def tasks(service: Tasks, commune: str, wanted: TaskFilter, *, limit: int, after: str | None = None) -> list[Stored]:
    """Up to `limit` tasks after a subject, in the order of their ids (that of their assignment). No drafts."""
    with reading(service.engine, commune) as connection:
        return _tasks(connection, commune, wanted, limit, after)


def visible_tasks(
    service: Tasks, commune: str, principal: Principal, wanted: TaskFilter, *, limit: int, after: str | None = None
) -> list[Stored]:
    """The same, of the tasks that who asks may see: all, or those they lead, take part in or verify."""
    with reading(service.engine, commune) as connection:
        asker = viewer(service, connection, commune, principal)
        if not asker.sees_all:
            seen_by = [id_ for id_ in (asker.staff, asker.unit) if id_]
            wanted = wanted._replace(seen_by=seen_by, verified=asker.verifies)
        return _tasks(connection, commune, wanted, limit, after)


def visible_task(service: Tasks, commune: str, principal: Principal, task: str) -> Stored | None:
    """A task or a row that waits, None when there is none. Refuses: who asks may not see it."""
    with reading(service.engine, commune) as connection:
        return _visible_task(connection, commune, viewer(service, connection, commune, principal), task)


def task_of_others(service: Tasks, commune: str, principal: Principal, task: str) -> Stored | None:
    """The same. Refuses besides: who asks takes part in it."""
    with reading(service.engine, commune) as connection:
        asker = viewer(service, connection, commune, principal)
        stored = _visible_task(connection, commune, asker, task)
        if stored is not None:
            asker._replace(headed=_headed(connection, commune, asker)).must_not_take_part(stored.state)
        return stored


def _headed(connection: Connection, commune: str, asker: Viewer) -> frozenset[str]:
    units: list[Unit] = [stored.state for stored in views.all_of(connection, commune, "unit")]
    return frozenset(unit.unit for unit in units if asker.staff and unit.was_headed_by(asker.staff))


def task_record(service: Tasks, commune: str, principal: Principal, task: str) -> TaskRecord | None:
    """One task with everything that is kept of it, None when it was not given out. Refuses: who asks may not see it."""
    with reading(service.engine, commune) as connection:
        stored = _visible_task(connection, commune, viewer(service, connection, commune, principal), task, ASSIGNED)
        if stored is None:
            return None
        files = personal.evidence_of(connection, commune, task)
    return TaskRecord(stored, history(service, commune, stored.subject), files)


def evidence_files(service: Tasks, commune: str, task: str) -> list[EvidenceFile]:
    """The files stored for a task, in the order they came."""
    with reading(service.engine, commune) as connection:
        return personal.evidence_of(connection, commune, task)


def history(service: Tasks, commune: str, subject: str) -> list[Envelope]:
    """Every event of a stream, read from the log."""
    return [decode(body) for body in service.log.read_stream(commune, subject)]


def drafts(service: Tasks, commune: str) -> list[Stored]:
    """The imported rows that wait for a person, as their annexes number them."""
    with reading(service.engine, commune) as connection:
        waiting = views.select_states(connection, commune, states.c.kind == "task", states.c.status == "draft")
    return sorted(waiting, key=_place_in_annex)


def _place_in_annex(stored: Stored) -> tuple[str, str, tuple[tuple[int, int | str], ...]]:
    task = stored.state
    item = task.item
    return (task.directive or "", item.sheet if item else "", natural(item.no) if item else ())


def field_counts(service: Tasks, commune: str) -> list[FieldCount]:
    """How many tasks there are by field and status, and how many of them are overdue today: no person, no title."""
    late = case((states.c.status.in_(("open",)) & (states.c.due_date < service.today), 1), else_=0)
    statement = (
        select(states.c.field, states.c.status, func.count(), func.sum(late))
        .where(states.c.commune == commune, states.c.kind == "task", states.c.status.in_(sorted(ASSIGNED)))
        .group_by(states.c.field, states.c.status)
        .order_by(states.c.field, states.c.status)
    )
    with reading(service.engine, commune) as connection:
        rows = connection.execute(statement).all()
    return [FieldCount(field, status, count, int(overdue)) for field, status, count, overdue in rows]


def _visible_task(
    connection: Connection, commune: str, asker: Viewer, task: str, statuses: Collection[str] | None = None
) -> Stored | None:
    stored = views.one(connection, commune, f"task/{task}")
    if stored is None or (statuses is not None and stored.state.status not in statuses):
        return None
    asker.must_see(stored.state)
    return stored


def _tasks(connection: Connection, commune: str, wanted: TaskFilter, limit: int, after: str | None) -> list[Stored]:
    statuses = wanted.status if wanted.status is not None else ASSIGNED
    exact = {name: value for name in ("lead", "field", "directive") if (value := getattr(wanted, name)) is not None}
    where: list[ColumnElement[bool]] = [states.c.kind == "task", states.c.status.in_(sorted(statuses))]
    where += [states.c[name] == value for name, value in exact.items()]
    if wanted.due_from is not None:
        where.append(states.c.due_date >= wanted.due_from)
    if wanted.due_to is not None:
        where.append(states.c.due_date <= wanted.due_to)
    if wanted.title is not None:
        where.append(func.mentions(states.c.title, wanted.title))
    if wanted.seen_by is not None:
        # An empty `seen_by` finds nothing.
        named = [states.c.people.contains(f"|{id_}|", autoescape=True) for id_ in wanted.seen_by]
        where.append(or_(false(), *named, states.c.lead.in_(sorted(wanted.verified))))
    if after is not None:
        where.append(states.c.subject > after)
    return views.select_states(connection, commune, *where, limit=limit)


# The commune and its people


def commune_status(service: Tasks, commune: str) -> CommuneStatus:
    statement = (
        select(states.c.kind, states.c.status, func.count())
        .where(states.c.commune == commune, states.c.kind.in_(STATES))
        .group_by(states.c.kind, states.c.status)
        .order_by(states.c.kind, states.c.status)
    )
    with reading(service.engine, commune) as connection:
        rows = connection.execute(statement).all()
    streams: dict[str, int] = {}
    for kind, _, count in rows:
        streams[kind] = streams.get(kind, 0) + count
    by_status = {status: count for kind, status, count in rows if kind == "task"}
    return CommuneStatus(service.log.head(commune), streams, by_status)


def units(service: Tasks, commune: str) -> list[tuple[Stored, str | None]]:
    """All units with their names, in the order of these."""
    with reading(service.engine, commune) as connection:
        names = personal.unit_names_of(connection, commune)
        defined = views.all_of(connection, commune, "unit")
    ordered = in_order_of(names, defined, lambda stored: str(stored.state.unit))
    return [(stored, names.get(stored.state.unit)) for stored in ordered]


def staff_on(service: Tasks, commune: str, day: date) -> list[tuple[Staff, Post]]:
    """The people in post on a day, with their posts, by staff id."""
    with reading(service.engine, commune) as connection:
        return _staff_on(connection, commune, day)


def colleagues(service: Tasks, commune: str, principal: Principal) -> list[Colleague]:
    """The people in post today; names, and their order, only for those who may read them."""
    today = service.today
    with reading(service.engine, commune) as connection:
        contacts = _contacts(service, connection, commune, principal)
        in_post = _staff_on(connection, commune, today)
    names: dict[str, str | None] = {staff: contact.name for staff, contact in contacts.items()}
    return [
        Colleague(person.staff, post, person.absent_on(today), names.get(person.staff, UNSET))
        for person, post in in_order_of(contacts, in_post, lambda row: row[0].staff)
    ]


def staff_record(service: Tasks, commune: str, principal: Principal, staff: str) -> StaffRecord | None:
    """A person with the post of today, None when there is none."""
    with reading(service.engine, commune) as connection:
        asker = viewer(service, connection, commune, principal)
        stored = views.one(connection, commune, f"staff/{canonical(staff)}")
        if stored is None:
            return None
        contacts = personal.people_of(connection, commune) if asker.may("person.read") else {}
    code = stored.state.staff
    own = asker.staff == code
    return StaffRecord(stored, stored.state.post_on(service.today), contacts.get(code), asker.sees_all or own)


def contacts(service: Tasks, commune: str, principal: Principal) -> dict[str, Person]:
    """Names and addresses by staff id, in the order of given names; none for those who may not read them."""
    with reading(service.engine, commune) as connection:
        return _contacts(service, connection, commune, principal)


def names_of(service: Tasks, commune: str) -> Mapping[str, Person]:
    """Names and addresses by staff id, for the installation itself."""
    with reading(service.engine, commune) as connection:
        return personal.people_of(connection, commune)


def _contacts(service: Tasks, connection: Connection, commune: str, principal: Principal) -> dict[str, Person]:
    asker = viewer(service, connection, commune, principal)
    return personal.people_of(connection, commune) if asker.may("person.read") else {}


def _staff_on(connection: Connection, commune: str, day: date) -> list[tuple[Staff, Post]]:
    people: Iterable[Staff] = (stored.state for stored in views.all_of(connection, commune, "staff"))
    return [(person, post) for person in people if (post := person.post_on(day)) is not None]
