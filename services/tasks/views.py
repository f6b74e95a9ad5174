"""The current state of every stream: a row each, written in the append transaction."""

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from services.tasks.domain.streams import decode_state, encode_state, evolve, kind_of
from services.tasks.domain.task import RUNNING, Task
from services.tasks.tables import states
from shared.eventlog import Log
from shared.eventlog.database import Query, Rows, run_many, run_together
from shared.events import Envelope, decode

# What nearly every decision looks at; a commune has some dozens of each.
NEIGHBOUR_KINDS = frozenset({"commune", "unit", "staff", "directive", "calendar"})
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
    changes = [each.position for each in envelopes if kind_of(each.subject) in NEIGHBOUR_KINDS]
    return [*written, Stored(NEIGHBOURS_MARK, max(changes), None)] if changes else written


def rebuild(connection: Connection, commune: str, log: Log) -> int:
    """Fold a commune's whole log again and replace its states; returns how many rows there are.

    Called in a write transaction of that commune, so that readers see the old rows until it commits.
    """
    folded: dict[str, Stored] = {}
    mark: list[Envelope] = []
    for envelope in map(decode, log.read_all(commune)):
        before = folded[envelope.subject].state if envelope.subject in folded else None
        folded[envelope.subject] = Stored(envelope.subject, envelope.streamversion, evolve(before, envelope))
        mark = [envelope] if kind_of(envelope.subject) in NEIGHBOUR_KINDS else mark
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
    kinds: Collection[str] = NEIGHBOUR_KINDS,
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
    return next(iter(select_states(connection, commune, states.c.subject == subject)), None)


def all_of(connection: Connection, commune: str, kind: str) -> list[Stored]:
    """Every stream of a kind, by subject."""
    return select_states(connection, commune, states.c.kind == kind)


def select_states(
    connection: Connection, commune: str, *where: ColumnElement[bool], limit: int | None = None
) -> list[Stored]:
    """The states that meet all conditions, by subject."""
    statement = (
        select(states.c.subject, states.c.version, states.c.state)
        .where(states.c.commune == commune, *where)
        .order_by(states.c.subject)
        .limit(limit)
    )
    rows = connection.execute(statement)
    return [Stored(row.subject, row.version, decode_state(row.subject, row.state)) for row in rows]
