"""What the service's own log comes to, written in its append transaction: occurrences, policies, preferences, slips."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete

from services.notifications import tables
from shared import metrics
from shared.eventlog import EVERY_COMMUNE, Log, reading
from shared.eventlog.database import Query, run
from shared.events import (
    Envelope,
    PolicyPublished,
    PreferencesChanged,
    ReminderAcknowledged,
    ReminderDelivered,
    ReminderFailed,
    ReminderQueued,
    ReminderSent,
    ReminderSentByHand,
    ReminderSuppressed,
    UrgingSlipIssued,
    decode,
)

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
# Commune by commune, so that the index leads to them.
_UNSENT = (
    "SELECT state, count(*) FROM heads JOIN occurrences ON occurrences.commune = heads.commune"
    " WHERE heads.source = ? AND state IN ('queued', 'failed') GROUP BY state"
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


_HANDLERS: dict[type, Callable[[Envelope, Any], list[Query]]] = {
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


def apply(_: Connection, __: str, envelopes: Sequence[Envelope], ___: Mapping[str, Any]) -> list[Query]:
    """What new events change: the log's `on_append`."""
    return [
        query
        for envelope in envelopes
        if (handler := _HANDLERS.get(type(envelope.data)))
        for query in handler(envelope, envelope.data)
    ]


def rebuild(connection: Connection, commune: str, log: Log) -> int:
    """Fold a commune's own log anew and replace what it comes to; returns how many events were read.

    Called in a write transaction of that commune, so that readers see the old rows until it commits. Deliveries under
    way keep their message.
    """
    for table in (tables.occurrences, tables.policies, tables.preferences, tables.slips):
        connection.execute(delete(table).where(table.c.commune == commune))
    count = 0
    for envelope in map(decode, log.read_all(commune)):
        for statement, parameters in apply(connection, commune, [envelope], {}):
            run(connection, statement, parameters)
        count += 1
    return count


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
