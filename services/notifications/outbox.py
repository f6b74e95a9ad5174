"""The outbox: reminders that are queued, the worker that is sending each, and the results.

The id of a message and a lease are committed before the message is sent, so that the worker that takes over after a
crash sends the same message again. A result is decided under the lock of the commune's head, on the state that the
reminder has by then: it is recorded once, whichever worker brings it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

import msgspec
from sqlalchemy import Connection, Engine, select

from services.notifications import tables
from services.notifications.domain.occurrence import Occurrence
from services.notifications.views import OCCURRENCE, occurrence_of
from shared.eventlog import Decision, Log, Transaction, writing
from shared.eventlog.database import Query, run_together
from shared.events import (
    Data,
    ReminderDelivered,
    ReminderFailed,
    ReminderSent,
    ReminderSuppressed,
    format_time,
    parse_time,
)

ACTOR = "service/notifications"

# Longer than any channel takes to give up on a message. After it another worker takes over from one that died.
LEASE = timedelta(minutes=5)

# How long to wait after each failed attempt; after one more the Office has to act (gửi tay).
DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=24),
)
# Jitter, as a share of the delay, so that messages that failed together are not retried together.
JITTER = 0.2

# Reminders per transaction: short enough that commands behind it do not wait noticeably.
BATCH = 500


class Waiting(msgspec.Struct, frozen=True):
    """A queued reminder with its delivery. `message` is the one it was part of in an earlier attempt. Times are
    RFC 3339 in UTC."""

    occurrence: Occurrence
    message: str | None
    not_before: str
    claimed_until: str | None

    @property
    def free_at(self) -> str:
        """From when it may be taken."""
        return max(self.not_before, self.claimed_until or "")


def waiting(connection: Connection, commune: str) -> list[Waiting]:
    """All of the outbox, the first queued first."""
    o, d = tables.occurrences, tables.deliveries
    query = (
        select(*OCCURRENCE, d.c.message, d.c.not_before, d.c.claimed_until)
        .join_from(d, o, (o.c.commune == d.c.commune) & (o.c.reminder == d.c.reminder))
        .where(d.c.commune == commune, o.c.state == "queued")
        .order_by(o.c.queued_at, o.c.reminder)
    )
    outbox = []
    for row in connection.execute(query):
        fields = dict(row._mapping)
        held = [fields.pop(name) for name in ("message", "not_before", "claimed_until")]
        outbox.append(Waiting(occurrence_of(fields), *held))
    return outbox


# Claims


class Claim(msgspec.Struct, frozen=True):
    """A message that this worker may send until its lease ends, with the reminders in it."""

    commune: str
    message: str
    reminders: tuple[str, ...]
    worker: str


def message_of(commune: str, occurrences: Sequence[Occurrence]) -> str:
    """The id of a message that was not sent before: the same for the same reminders (UUIDv5)."""
    reminders = sorted(each.reminder for each in occurrences)
    return str(uuid5(NAMESPACE_URL, "cchc-message/" + "/".join([commune, *reminders])))


def claim(
    engine: Engine, commune: str, message: str, reminders: Sequence[str], *, worker: str, now: str
) -> Claim | None:
    """Claim a message before sending it; None when another worker has it, or had it.

    Its first reminder decides which worker gets it: on PostgreSQL the others skip it while it is locked, and SQLite has
    one writer.
    """
    until = format_time(parse_time(now) + LEASE)
    first, *others = sorted(reminders)
    locking = " FOR UPDATE SKIP LOCKED" if engine.dialect.name == "postgresql" else ""
    free = (message, now, now)
    with writing(engine, commune) as connection:
        [locked] = run_together(connection, [(_FREE + locking, (commune, first, *free))])
        if not locked:
            return None
        taken = [(_TAKE, (message, worker, until, commune, each, *free)) for each in (first, *others)]
        held = tuple(rows[0][0] for rows in run_together(connection, taken) if rows)
    return Claim(commune, message, held, worker)


_IS_FREE = (
    " WHERE commune = ? AND reminder = ? AND (message IS NULL OR message = ?) AND not_before <= ?"
    " AND (claimed_until IS NULL OR claimed_until <= ?)"
)
_FREE = "SELECT reminder FROM deliveries" + _IS_FREE  # noqa: S608 - placeholders only
_TAKE = (
    "UPDATE deliveries SET message = ?, claimed_by = ?, claimed_until = ?" + _IS_FREE + " RETURNING reminder"  # noqa: S608
)


# Results


class _Held(msgspec.Struct, frozen=True):
    """A reminder that is still queued when its result is recorded."""

    reminder: str
    attempt: int
    message: str | None
    claimed_by: str | None
    claimed_until: str | None


_HELD = (
    "SELECT o.reminder, o.attempt, d.message, d.claimed_by, d.claimed_until FROM occurrences o"
    " JOIN deliveries d ON d.commune = o.commune AND d.reminder = o.reminder"
    " WHERE o.commune = ? AND o.reminder = ? AND o.state = 'queued'"
)
_LATER = (
    "UPDATE deliveries SET not_before = ?, claimed_by = NULL, claimed_until = NULL WHERE commune = ? AND reminder = ?"
)


def _record(
    log: Log, commune: str, reminders: Sequence[str], result: Callable[[Transaction, list[_Held]], list[Data]]
) -> int:
    """Append the results of those that are still queued; returns how many events that made."""

    def decide(tx: Transaction) -> Decision:
        return Decision(result(tx, [_Held(*row) for rows in tx.answers for row in rows]))

    # In the order of claims: two transactions that lock the same rows never wait for each other.
    reads: list[Query] = [(_HELD, (commune, reminder)) for reminder in sorted(reminders)]
    return len(log.append(commune, decide, actor=ACTOR, reads=reads).versions)


def sent(log: Log, claim: Claim) -> int:
    """A channel took the message over. That counts even after the lease has ended, as it was sent."""
    return _record(
        log,
        claim.commune,
        claim.reminders,
        lambda tx, held: [
            ReminderSent(reminder=each.reminder, message=claim.message, at=tx.time, attempt=each.attempt + 1)
            for each in held
        ],
    )


def failed(log: Log, claim: Claim, reason: str, *, final: bool = False) -> int:
    """An attempt failed. Another follows, unless it was the last one or none can succeed (`final`). Not recorded when
    the lease was lost, as another attempt is under way."""

    def result(tx: Transaction, held: list[_Held]) -> list[Data]:
        ours = [each for each in held if (each.message, each.claimed_by) == (claim.message, claim.worker)]
        events: list[Data] = []
        for each in ours:
            attempt = each.attempt + 1
            last = final or attempt > len(DELAYS)
            events.append(
                ReminderFailed(reminder=each.reminder, at=tx.time, attempt=attempt, final=last, reason=reason)
            )
            if not last:
                again = format_time(tx.now + delay_after(attempt, claim.message))
                run_together(tx.connection, [(_LATER, (again, claim.commune, each.reminder))])
        return events

    return _record(log, claim.commune, claim.reminders, result)


def delay_after(attempt: int, message: str) -> timedelta:
    """How long to wait after a failed attempt (from 1): the same in every worker."""
    share = crc32(f"{message}/{attempt}".encode()) / 0xFFFFFFFF
    return DELAYS[attempt - 1] * (1 + JITTER * (2 * share - 1))


def delivered(log: Log, commune: str, reminders: Sequence[str]) -> int:
    """They are in the inboxes of their recipients, which are nothing but this record."""

    def result(tx: Transaction, held: list[_Held]) -> list[Data]:
        return [ReminderDelivered(reminder=each.reminder, at=tx.time) for each in held]

    return sum(_record(log, commune, batch, result) for batch in _batches(reminders))


def undeliverable(log: Log, commune: str, reminders: Sequence[str], reason: str) -> int:
    """No channel can take them: they wait for the Office at once (gửi tay), for this reason (a code)."""

    def result(tx: Transaction, held: list[_Held]) -> list[Data]:
        return [
            ReminderFailed(reminder=each.reminder, at=tx.time, attempt=1, final=True, reason=reason) for each in held
        ]

    return sum(_record(log, commune, batch, result) for batch in _batches(reminders))


def suppressed(log: Log, commune: str, reasons: Mapping[str, str], *, worker: str | None = None) -> int:
    """They are not sent, each for its reason (a code), except those that a worker other than `worker` is sending."""

    def result(tx: Transaction, held: list[_Held]) -> list[Data]:
        return [
            ReminderSuppressed(reminder=each.reminder, at=tx.time, reason=reasons[each.reminder])
            for each in held
            if each.claimed_by == worker or (each.claimed_until or "") <= tx.time
        ]

    return sum(_record(log, commune, batch, result) for batch in _batches(list(reasons)))


def _batches(reminders: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(sorted(reminders))
    while batch := list(islice(rest, BATCH)):
        yield batch
