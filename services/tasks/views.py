"""The read side of the tasks service: the current state of every stream, written in the append transaction."""

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    false,
    func,
    or_,
    select,
)

from services.tasks.domain.staff import Post, Staff
from services.tasks.domain.streams import decode_state, encode_state, evolve, kind_of
from services.tasks.domain.task import RUNNING, Task
from shared.eventlog import Log
from shared.eventlog.database import Query, Rows, run_many, run_together
from shared.events import Envelope, decode

metadata = MetaData()

# The columns after `state` are of tasks only, for filtering; `people` holds lead and collaborators as "|p15|p18|".
states = Table(
    "states",
    metadata,
    Column("commune", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("status", Text),
    Column("lead", Text),
    Column("people", Text),
    Column("due_date", Date),
    Column("field", Integer),
    Column("directive", Text),
    Column("title", Text),
    PrimaryKeyConstraint("commune", "subject", name="states_pk"),
    Index("states_kind", "commune", "kind", "status"),
)

# What nearly every decision looks at; a commune has some dozens of each.
NEIGHBOURS = frozenset({"commune", "unit", "staff", "directive", "calendar"})
# A row that is no stream: its version is the position of the event that last changed a neighbour.
NEIGHBOURS_MARK = "neighbours"
# Well below what either database takes as parameters of one statement.
CHUNK = 5000


class Stored(NamedTuple):
    """A stream's current state, with the version that is its ETag."""

    subject: str
    version: int
    state: Any


class States(Mapping[str, Any]):
    """Stored states by subject, decoded when looked at: a command reads many and needs few."""

    def __init__(self, stored: Mapping[str, bytes]) -> None:
        self._stored = stored
        self._decoded: dict[str, Any] = {}

    def __getitem__(self, subject: str) -> Any:
        if subject not in self._decoded:
            self._decoded[subject] = decode_state(subject, self._stored[subject])
        return self._decoded[subject]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class TaskFilter(NamedTuple):
    """None asks for all. `seen_by` are the staff and unit ids one of which must lead or collaborate."""

    status: Collection[str] | None = None
    lead: str | None = None
    field: int | None = None
    directive: str | None = None
    due_from: date | None = None
    due_to: date | None = None
    title: str | None = None
    seen_by: Collection[str] | None = None


# Writing


def apply(connection: Connection, commune: str, envelopes: Sequence[Envelope], read: Mapping[str, Any]) -> list[Query]:
    """Fold new events into the states they concern: the log's `on_append`. `read` holds states known already."""
    begun = {envelope.subject for envelope in envelopes if envelope.streamversion == 1}
    unread = {envelope.subject for envelope in envelopes} - begun - read.keys()
    known = {one.subject: one.state for one in stored(connection, commune, unread)} if unread else {}
    changed: dict[str, Stored] = {}
    for envelope in envelopes:
        subject = envelope.subject
        before = changed[subject].state if subject in changed else known.get(subject, read.get(subject))
        changed[subject] = Stored(subject, envelope.streamversion, evolve(before, envelope))
    return [(_UPSERT, _row(commune, one)) for one in _with_neighbours_mark(changed, envelopes)]


def _with_neighbours_mark(states: Mapping[str, Stored], envelopes: Iterable[Envelope]) -> list[Stored]:
    """The states to write; when a neighbour is among them also the mark that says so, with the event's position."""
    written = [one for one in states.values() if one.state is not None]
    changes = [each.position for each in envelopes if kind_of(each.subject) in NEIGHBOURS]
    return [*written, Stored(NEIGHBOURS_MARK, max(changes), None)] if changes else written


def rebuild(connection: Connection, commune: str, log: Log) -> int:
    """Fold a commune's whole log anew and replace its states; returns how many rows there are.

    Called in a write transaction of that commune, so that readers see the old rows until it commits.
    """
    folded: dict[str, Stored] = {}
    mark: list[Envelope] = []
    for envelope in map(decode, log.read_all(commune)):
        before = folded[envelope.subject].state if envelope.subject in folded else None
        folded[envelope.subject] = Stored(envelope.subject, envelope.streamversion, evolve(before, envelope))
        mark = [envelope] if kind_of(envelope.subject) in NEIGHBOURS else mark
    rows = [_row(commune, one) for one in _with_neighbours_mark(folded, mark)]
    connection.execute(delete(states).where(states.c.commune == commune))
    run_many(connection, _UPSERT, rows)
    return len(rows)


def _row(commune: str, one: Stored) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    row = (commune, one.subject, kind_of(one.subject), one.version, encode_state(one.state))
    if not isinstance(one.state, Task):
        return *row, None, None, None, None, None, None, None
    task = one.state
    people = f"|{'|'.join([task.lead, *task.collaborators])}|"
    due = task.due_date.isoformat() if task.due_date else None
    return *row, task.status, task.lead, people, due, task.field, task.directive, task.title


_COLUMNS = [column.name for column in states.columns]
_UPSERT = (
    f"INSERT INTO states ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"  # noqa: S608 - own names
    f" ON CONFLICT (commune, subject) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[3:])}"
)


# Reading


def load(
    connection: Connection,
    commune: str,
    subjects: Collection[str],
    *,
    kinds: Collection[str] = NEIGHBOURS,
    running: bool = False,
) -> States:
    """The states a decision needs, in one statement: these subjects, all of these kinds, the running tasks if asked."""
    wanted = sorted(subjects)
    found: dict[str, bytes] = {}
    for start in range(0, max(len(wanted), 1), CHUNK):
        which: list[ColumnElement[bool]] = [states.c.subject.in_(wanted[start : start + CHUNK])]
        if start == 0 and kinds:
            which.append(states.c.kind.in_(sorted(kinds)))
        if start == 0 and running:
            which.append((states.c.kind == "task") & states.c.status.in_(sorted(RUNNING)))
        rows = connection.execute(
            select(states.c.subject, states.c.state).where(states.c.commune == commune, or_(*which))
        )
        found.update((row.subject, row.state) for row in rows)
    return States(found)


def stored(connection: Connection, commune: str, subjects: Collection[str]) -> list[Stored]:
    """The states of these subjects that have begun."""
    return [one for rows in run_together(connection, reads(commune, subjects)) for one in decoded(rows)]


def reads(commune: str, subjects: Collection[str]) -> list[Query]:
    """The cheapest way to ask for them: it is what every command waits for."""
    wanted = sorted(subjects)
    chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    return [(_STATES.format(_marks(len(some))), [commune, *some]) for some in chunks]


def decoded(rows: Rows) -> list[Stored]:
    return [Stored(subject, version, decode_state(subject, state)) for subject, version, state in rows]


_STATES = "SELECT subject, version, state FROM states WHERE commune = ? AND subject IN ({})"


@functools.cache
def _marks(count: int) -> str:
    return ", ".join("?" * count)


def one(connection: Connection, commune: str, subject: str) -> Stored | None:
    """One stream's state, None when it has not begun."""
    return next(iter(_read(connection, commune, states.c.subject == subject)), None)


def all_of(connection: Connection, commune: str, kind: str) -> list[Stored]:
    """Every stream of a kind, by subject."""
    return _read(connection, commune, states.c.kind == kind)


def tasks(
    connection: Connection,
    commune: str,
    wanted: TaskFilter,
    *,
    limit: int,
    after: str | None = None,
) -> list[Stored]:
    """Up to `limit` tasks after a subject, in the order of their ids (that of their assignment). No drafts."""
    statuses = wanted.status if wanted.status is not None else _NOT_DRAFTS
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
        # Nothing is seen by nobody.
        where.append(or_(false(), *(states.c.people.contains(f"|{who}|", autoescape=True) for who in wanted.seen_by)))
    if after is not None:
        where.append(states.c.subject > after)
    return _read(connection, commune, *where, limit=limit)


_NOT_DRAFTS = frozenset({"open", "reported", "completed", "handed_back", "cancelled"})


def drafts(connection: Connection, commune: str) -> list[Stored]:
    """The imported rows that wait for a person."""
    return _read(connection, commune, states.c.kind == "task", states.c.status == "draft")


def staff_on(connection: Connection, commune: str, day: date) -> list[tuple[Staff, Post]]:
    """Who is in post on a day, with the post, by staff id."""
    people: Iterable[Staff] = (stored.state for stored in all_of(connection, commune, "staff"))
    return [(staff, post) for staff in people if (post := staff.post_on(day)) is not None]


def history(log: Log, commune: str, subject: str) -> list[Envelope]:
    """Every event of a stream, read from the log."""
    return [decode(body) for body in log.read_stream(commune, subject)]


def _read(connection: Connection, commune: str, *where: Any, limit: int | None = None) -> list[Stored]:
    statement = (
        select(states.c.subject, states.c.version, states.c.state)
        .where(states.c.commune == commune, *where)
        .order_by(states.c.subject)
        .limit(limit)
    )
    rows = connection.execute(statement)
    return [Stored(row.subject, row.version, decode_state(row.subject, row.state)) for row in rows]
