"""Rows: the records folded from the logs of tasks and scoring, and what the service's own log comes to (reminders,
policies, preferences, slips), written in its append transactions. All reads are of one commune."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, and_, delete, or_, select, tuple_

from services.notifications import tables
from services.notifications.domain import fold, refusals
from services.notifications.domain.occurrence import Occurrence, State
from services.notifications.domain.plan import RungKey
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import Records, ended_at
from services.notifications.domain.slips import IssuedSlip
from services.notifications.tables import records
from shared import metrics
from shared.eventlog import EVERY_COMMUNE, Log, reading
from shared.eventlog.database import Query, run
from shared.events import (
    CheckpointSigned,
    Envelope,
    PolicyPublished,
    PreferencesChanged,
    ReminderAcknowledged,
    ReminderDelivered,
    ReminderEscalated,
    ReminderFailed,
    ReminderQueued,
    ReminderSent,
    ReminderSentByHand,
    ReminderSuppressed,
    UrgingSlipIssued,
    decode,
)
from shared.projection.records import RecordsProjection

# Records

PROJECTION = RecordsProjection(
    records,
    Records,
    fold.evolve,
    fold_version=fold.FOLD_VERSION,
    sources=("tasks", "scoring"),
    columns={"ended": ended_at},
)


def running(connection: Connection, commune: str, ended_after: str) -> Records:
    """The records without the tasks that had come to their end by then (RFC 3339 in UTC)."""
    return PROJECTION.read(connection, commune, or_(records.c.ended.is_(None), records.c.ended > ended_after))


def of_tasks(connection: Connection, commune: str, tasks: Collection[str]) -> Records:
    """The records with no other tasks than these."""
    return PROJECTION.read(connection, commune, or_(records.c.kind != "task", records.c.id.in_(tasks)))


def of_acts(connection: Connection, commune: str, tasks: Collection[str]) -> Records:
    """The records that say who hears of acts: people, units, and these tasks."""
    who = records.c.kind.in_(("person", "unit"))
    return PROJECTION.read(connection, commune, or_(who, and_(records.c.kind == "task", records.c.id.in_(tasks))))


def of_kinds(connection: Connection, commune: str, *kinds: str) -> Records:
    """Only the records of these kinds."""
    return PROJECTION.read(connection, commune, records.c.kind.in_(kinds))


def require_person(connection: Connection, commune: str, staff: str) -> None:
    """Refuses `staff-unknown`: a misspelt code must not look like a person with nothing to do."""
    this = (records.c.commune == commune, records.c.kind == "person", records.c.id == staff)
    if connection.execute(select(records.c.id).where(*this)).first() is None:
        raise refusals.STAFF_UNKNOWN(staff=staff)


# What the own log comes to

_OCCURRENCE = (
    "INSERT INTO occurrences (commune, reminder, about, rule, run_on, recipient, channel, urgency, due_version, policy,"
    ' "by", note, queued_at, state, state_at, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
)
# A rebuild finds it there already, with the message that it may be part of.
_DELIVERY = (
    "INSERT INTO deliveries (commune, reminder, not_before) VALUES (?, ?, ?) ON CONFLICT (commune, reminder) DO NOTHING"
)
_DELIVERED = "DELETE FROM deliveries WHERE commune = ? AND reminder = ?"
_STATE = (
    "UPDATE occurrences SET state = ?, state_at = ?, attempt = ?, reason = ?, sent_as = ?"
    " WHERE commune = ? AND reminder = ?"
)
_ATTEMPT = "UPDATE occurrences SET attempt = ?, reason = ? WHERE commune = ? AND reminder = ?"
_BY_HAND = "UPDATE occurrences SET state = 'sent_by_hand', state_at = ? WHERE commune = ? AND reminder = ?"
_SUPPRESSED = "UPDATE occurrences SET state = 'suppressed', state_at = ?, reason = ? WHERE commune = ? AND reminder = ?"
_ACKNOWLEDGED = (
    "UPDATE occurrences SET acknowledged_at = coalesce(acknowledged_at, ?) WHERE commune = ? AND reminder = ?"
)
_POLICY = "INSERT INTO policies (commune, position, time, policy, body) VALUES (?, ?, ?, ?, ?)"
_PREFERENCES = "INSERT INTO preferences (commune, position, time, staff, body) VALUES (?, ?, ?, ?, ?)"
_SLIP = (
    "INSERT INTO slips (commune, position, time, slip, task, number, signed_by, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def _queued(e: Envelope, d: ReminderQueued) -> list[Query]:
    row = (
        e.commune, d.reminder, d.about, d.rule, d.run_on.isoformat(), d.recipient, d.channel, d.urgency, d.due_version,
        d.policy, d.by, d.note, e.time, "queued", e.time, 0,
    )  # fmt: skip
    return [(_OCCURRENCE, row), (_DELIVERY, (e.commune, d.reminder, e.time))]


def _sent(e: Envelope, d: ReminderSent) -> list[Query]:
    state = (_STATE, ("sent", d.at, d.attempt, None, d.message, e.commune, d.reminder))
    return [state, (_DELIVERED, (e.commune, d.reminder))]


def _delivered(e: Envelope, d: ReminderDelivered) -> list[Query]:
    state = (_STATE, ("delivered", d.at, 1, None, None, e.commune, d.reminder))
    return [state, (_DELIVERED, (e.commune, d.reminder))]


def _failed(e: Envelope, d: ReminderFailed) -> list[Query]:
    if not d.final:
        return [(_ATTEMPT, (d.attempt, d.reason, e.commune, d.reminder))]
    state = (_STATE, ("failed", d.at, d.attempt, d.reason, None, e.commune, d.reminder))
    return [state, (_DELIVERED, (e.commune, d.reminder))]


HANDLED: dict[type, Callable[[Envelope, Any], list[Query]]] = {
    ReminderQueued: _queued,
    ReminderSent: _sent,
    ReminderDelivered: _delivered,
    ReminderFailed: _failed,
    ReminderSentByHand: lambda e, d: [(_BY_HAND, (d.at, e.commune, d.reminder))],
    ReminderSuppressed: lambda e, d: [
        (_SUPPRESSED, (d.at, d.reason, e.commune, d.reminder)),
        (_DELIVERED, (e.commune, d.reminder)),
    ],
    ReminderAcknowledged: lambda e, d: [(_ACKNOWLEDGED, (e.time, e.commune, d.reminder))],
    PolicyPublished: lambda e, d: [(_POLICY, (e.commune, e.position, e.time, d.policy, msgspec.json.encode(d)))],
    PreferencesChanged: lambda e, d: [(_PREFERENCES, (e.commune, e.position, e.time, d.staff, msgspec.json.encode(d)))],
    UrgingSlipIssued: lambda e, d: [
        (_SLIP, (e.commune, e.position, e.time, d.slip, d.task, d.number, d.signed_by, d.sha256))
    ],
}
# Which level knows follows from the rules of the reminders themselves; a checkpoint is about the log.
DECLINED: frozenset[type] = frozenset({ReminderEscalated, CheckpointSigned})


def statements(envelopes: Iterable[Envelope]) -> list[Query]:
    """What these events change in the rows."""
    return [
        query
        for envelope in envelopes
        if (handler := HANDLED.get(type(envelope.data)))
        for query in handler(envelope, envelope.data)
    ]


def on_append(
    _connection: Connection, _commune: str, envelopes: Sequence[Envelope], _read: Mapping[str, Any]
) -> list[Query]:
    """The log's `on_append`: the rows change with the events alone."""
    return statements(envelopes)


def rebuild(connection: Connection, commune: str, log: Log) -> int:
    """Replace a commune's rows by what its own log comes to; returns how many events were read.

    Called in a write transaction of that commune, so that readers see the old rows until it commits. Deliveries under
    way keep their message.
    """
    for table in (tables.occurrences, tables.policies, tables.preferences, tables.slips):
        connection.execute(delete(table).where(table.c.commune == commune))
    count = 0
    for envelope in map(decode, log.read_all(commune)):
        for statement, parameters in statements([envelope]):
            run(connection, statement, parameters)
        count += 1
    return count


# Reminders

# What was queued about one thing, as domain/queuing.py asks for it.
QUEUED = (
    "SELECT about, rule, due_version, run_on, recipient, channel, (state = 'suppressed' AND state_at = queued_at)"
    " FROM occurrences WHERE commune = ? AND about = ?"
)
OCCURRENCE = [column for column in tables.occurrences.c if column.name != "commune"]
# Commune by commune, so that the index leads to them.
_UNSENT = (
    "SELECT state, count(*) FROM heads JOIN occurrences ON occurrences.commune = heads.commune"
    " WHERE heads.source = ? AND state IN ('queued', 'failed') GROUP BY state"
)


def occurrences(
    connection: Connection,
    commune: str,
    *,
    states: Collection[State] = (),
    about: str | None = None,
    recipient: str | None = None,
    channel: str | None = None,
    rule: str | None = None,
    unread: bool = False,
    first: date | None = None,
    last: date | None = None,
    after: tuple[str, str] | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[Occurrence]:
    """Reminders by (queued_at, reminder) that fit every filter given. `first` and `last` bound run_on; `after` is the
    (queued_at, reminder) of the last one of the page before."""
    c = tables.occurrences.c
    key = tuple_(c.queued_at, c.reminder)
    order = [column.desc() if newest_first else column for column in (c.queued_at, c.reminder)]
    query = select(*OCCURRENCE).where(c.commune == commune).order_by(*order).limit(limit)
    for column, value in ((c.about, about), (c.recipient, recipient), (c.channel, channel), (c.rule, rule)):
        if value is not None:
            query = query.where(column == value)
    if unread:
        query = query.where(c.acknowledged_at.is_(None))
    if states:
        query = query.where(c.state.in_(states))
    if first is not None:
        query = query.where(c.run_on >= first.isoformat())
    if last is not None:
        query = query.where(c.run_on <= last.isoformat())
    if after is not None:
        query = query.where(key < after if newest_first else key > after)
    return [occurrence_of(row._mapping) for row in connection.execute(query)]


def occurrence(connection: Connection, commune: str, reminder: str) -> Occurrence | None:
    """One reminder by its id."""
    c = tables.occurrences.c
    row = connection.execute(select(*OCCURRENCE).where(c.commune == commune, c.reminder == reminder)).one_or_none()
    return occurrence_of(row._mapping) if row else None


def occurrence_of(row: RowMapping | Mapping[str, Any]) -> Occurrence:
    """A reminder from its row."""
    return Occurrence(**{**row, "run_on": date.fromisoformat(row["run_on"])})


def rungs_queued(connection: Connection, commune: str, at: str | None = None) -> set[RungKey]:
    """What was queued (by a time): it is never wanted again."""
    c = tables.occurrences.c
    query = select(c.about, c.rule, c.due_version, c.recipient, c.channel).where(c.commune == commune)
    if at is not None:
        query = query.where(c.queued_at <= at)
    return {tuple(row) for row in connection.execute(query)}


REMINDERS = metrics.declare(
    "cchc_reminders",
    metrics.GAUGE,
    "Reminders that wait to be sent (queued) or for a person (failed)",
    ("service", "state"),
)


def measure(log: Log) -> Iterator[metrics.Sample]:
    """For /metrics: the reminders that wait."""
    for state, count in unsent(log).items():
        yield metrics.Sample(REMINDERS, (log.source, state), count)


def unsent(log: Log) -> dict[str, int]:
    """How many reminders wait to be sent (`queued`) or for a person (`failed`), in all communes together."""
    with reading(log.engine, EVERY_COMMUNE) as connection:
        return {"queued": 0, "failed": 0} | dict(run(connection, _UNSENT, [log.source]).fetchall())


# The policy and preferences


def policies(connection: Connection, commune: str, at: str | None = None) -> list[tuple[str, PolicyPublished]]:
    """The revisions of the policy (by a time) with the time of each, the first one first."""
    c = tables.policies.c
    query = select(c.time, c.body).where(c.commune == commune).order_by(c.position)
    if at is not None:
        query = query.where(c.time <= at)
    return [(row.time, _POLICY_DECODER.decode(row.body)) for row in connection.execute(query)]


def policy_in_force(revisions: Sequence[tuple[str, PolicyPublished]], at: str) -> PolicyPublished:
    """The last revision by a time; before the first the default one, which is what the first will be."""
    return next((policy for time, policy in reversed(revisions) if time <= at), None) or default_policy()


def preferences(connection: Connection, commune: str, at: str | None = None) -> dict[str, PreferencesChanged]:
    """What people last chose (by a time), by staff id."""
    c = tables.preferences.c
    query = select(c.staff, c.body).where(c.commune == commune).order_by(c.position)
    if at is not None:
        query = query.where(c.time <= at)
    return {row.staff: _PREFERENCES_DECODER.decode(row.body) for row in connection.execute(query)}


_POLICY_DECODER = msgspec.json.Decoder(PolicyPublished)
_PREFERENCES_DECODER = msgspec.json.Decoder(PreferencesChanged)


# Slips


def slips(connection: Connection, commune: str) -> list[IssuedSlip]:
    """The slips of a commune, the last one first."""
    c = tables.slips.c
    by_id: dict[str, IssuedSlip] = {}
    for row in connection.execute(select(tables.slips).where(c.commune == commune).order_by(c.position.desc())):
        slip = by_id.get(row.slip)
        if slip is None:
            slip = by_id[row.slip] = IssuedSlip(
                slip=row.slip, time=row.time, number=row.number, signed_by=row.signed_by, sha256=row.sha256, tasks=[]
            )
        slip.tasks.insert(0, row.task)
    return list(by_id.values())
