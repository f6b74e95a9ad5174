"""The log: one source's events per commune, gapless and chained, in a SQL database; also where replicas are kept."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from shared.eventlog.chain import EMPTY, Head, Linked, linked, misfit
from shared.eventlog.database import (
    EVERY_COMMUNE,
    Query,
    Rows,
    read_together,
    reading,
    run,
    run_at_last,
    run_together,
    writing,
    writing_after,
)
from shared.eventlog.errors import Ahead, ChainBreak, ClockBehind, EventTooLarge, KeyReused, UnknownCommune
from shared.eventlog.spending import purse
from shared.eventlog.traces import traceparent
from shared.events import (
    MAX_EVENT_BYTES,
    CommuneOpened,
    Envelope,
    decode,
    encode,
    event_hash,
    format_time,
    local_day,
    parse_time,
    subject_of,
    type_name,
    uuid7,
)

# A head further ahead of the clock than this means a wrong clock, not two servers slightly apart.
CLOCK_TOLERANCE = timedelta(minutes=10)


def utcnow() -> datetime:
    return datetime.now(UTC)


class Key(msgspec.Struct, frozen=True):
    """An Idempotency-Key, with a digest of the request it stands for."""

    key: str
    digest: str


class Decision(msgspec.Struct, frozen=True):
    """What a command leads to: events to append, and what to answer. `read` holds the states that it has read, by
    subject, for `on_append`, which then need not read them again. `later` are bytes of text that will follow from the
    events without anybody asking."""

    events: Sequence[Any]
    result: Any = None
    read: Mapping[str, Any] = {}
    later: int = 0


class Appended(msgspec.Struct, frozen=True):
    """The outcome of a command. `versions` holds the stream version of each subject it wrote to."""

    commune: str
    position: int
    versions: dict[str, int]
    result: Any = None
    replayed: bool = False


class Transaction:
    """What a command sees while it holds the head of its commune, so that nothing else changes the commune."""

    def __init__(
        self, log: "Log", connection: Connection, commune: str, head: Head, time: str, answers: list[Rows]
    ) -> None:
        self.answers = answers
        self.connection = connection
        self.commune = commune
        self.head = head
        self.time = time
        self._versions: dict[str, int] = {}
        self._log = log

    @property
    def now(self) -> datetime:
        return parse_time(self.time)

    @property
    def today(self) -> date:
        """The day in Vietnam that the events of this transaction are recorded on."""
        return local_day(self.time)

    def new_id(self) -> str:
        return self._log.new_id(self.now)

    def version(self, subject: str) -> int:
        """The version of a stream, 0 when it has no event."""
        if subject not in self._versions:
            self._log._load_versions(self, {subject})
        return self._versions[subject]

    def remember(self, versions: Mapping[str, int]) -> None:
        """Versions of streams that came with the lock: they need not be read again."""
        self._versions.update(versions)


Decide = Callable[[Transaction], Decision]
# Connection, commune, new events, and the states that the decision has read → the statements to run with the events.
OnAppend = Callable[[Connection, str, Sequence[Envelope], Mapping[str, Any]], Sequence[Query]]


class Log:
    """The events of one source in one database.

    A service appends to its own log; a replica takes the owner's bytes verbatim. The statements that `on_append`
    returns run in the same transaction: they keep the service's read tables. `knows` says whether a commune exists, for
    a log that does not itself begin with `commune.opened`.
    """

    def __init__(
        self,
        engine: Engine,
        source: str,
        *,
        clock: Callable[[], datetime] = utcnow,
        new_id: Callable[[datetime], str] = uuid7,
        on_append: OnAppend | None = None,
        knows: Callable[[str], bool] | None = None,
    ) -> None:
        self.engine = engine
        self.source = source
        self.clock = clock
        self.new_id = new_id
        self._on_append = on_append
        self._knows = knows

    # Reading

    def heads(self) -> dict[str, Head]:
        rows = self._asked(EVERY_COMMUNE, _HEADS, self.source)
        return {commune: Head(position, hash_, time) for commune, position, hash_, time, _ in rows}

    def head(self, commune: str) -> Head:
        rows = self._asked(commune, _HEAD, self.source, commune)
        return Head(*rows[0][:3]) if rows else EMPTY

    def broken(self) -> dict[str, str]:
        """The communes whose chain broke here, with the reason."""
        return dict(self._asked(EVERY_COMMUNE, _BROKEN, self.source))

    def read(self, commune: str, after: int = 0, limit: int = 500) -> list[bytes]:
        """Up to `limit` stored bytes after a position, in order."""
        return [row[0] for row in self._asked(commune, _BODIES, self.source, commune, after, limit)]

    def read_all(self, commune: str, after: int = 0, until: int | None = None, batch: int = 1000) -> Iterator[bytes]:
        """The stored bytes after a position, batch by batch, so that no read transaction stays open."""
        while until is None or after < until:
            size = batch if until is None else min(batch, until - after)
            bodies = self.read(commune, after, size)
            yield from bodies
            after += len(bodies)
            if len(bodies) < size:
                return

    def position_at(self, commune: str, time: str) -> int:
        """The last position recorded at `time` or earlier. Times never go back, so bisection finds it."""
        with reading(self.engine, commune) as connection:

            def time_of(position: int) -> str:
                return str(run(connection, _TIME_AT, [self.source, commune, position]).fetchone()[0])

            head = run(connection, _HEAD, [self.source, commune]).fetchone()
            return bisect_right(range(1, head[0] + 1), time, key=time_of) if head else 0

    def read_stream(self, commune: str, subject: str) -> list[bytes]:
        """All stored bytes of one subject, in order."""
        return [row[0] for row in self._asked(commune, _STREAM, self.source, commune, subject)]

    def last_of(self, commune: str, subject: str) -> bytes | None:
        """The stored bytes of a subject's last event."""
        rows = self._asked(commune, _LAST, self.source, commune, subject)
        return rows[0][0] if rows else None

    def published(self) -> dict[str, int]:
        """How far the relay has seen each commune's events acknowledged by the broker."""
        return dict(self._asked(EVERY_COMMUNE, _PUBLISHED, self.source))

    def _asked(self, commune: str, statement: str, *parameters: Any) -> Rows:
        [rows] = read_together(self.engine, commune, (statement, parameters))
        return rows

    # Appending to one's own log

    def append(
        self,
        commune: str,
        decide: Decide,
        *,
        actor: str,
        key: Key | None = None,
        correlationid: str | None = None,
        causationid: str | None = None,
        reads: Sequence[Query] = (),
    ) -> Appended:
        """Run a command: lock the head, let `decide` read and answer, append its events, commit.

        The events' correlationid is the `traceparent` of the request being answered, unless another is given.
        The rows of `reads` come with the lock, in the same round trip, as `tx.answers`, in their order. The text of the
        events is charged to the request that is being answered.

        Raises what `decide` and the purse raise, and UnknownCommune, ClockBehind, EventTooLarge, KeyReused, Busy.
        Nothing has happened then.
        """
        then = [*([(_ANSWER, [commune, key.key])] if key else []), *reads]
        with writing_after(self.engine, commune, self._lock(commune), *then) as (connection, (locked, *read)):
            head, _ = self._locked(connection, commune, locked)
            # With no row to lock yet, another first command may have come between the lock and the reads.
            answers = read if head != EMPTY else run_together(connection, then)
            if key and (stored := answers.pop(0)):
                return _same_answer(key, *stored[0])
            tx = Transaction(self, connection, commune, head, self._time_after(head), answers)
            decision = decide(tx)
            sealed = self._seal(tx, decision, actor, correlationid or traceparent.get(), causationid)
            versions = {envelope.subject: envelope.streamversion for envelope, _ in sealed}
            if sealed:
                last, body = sealed[-1]
                head = Head(last.position, event_hash(body), last.time)
            answer = Appended(commune, head.position, versions, decision.result)
            writes = self._writes(connection, commune, sealed, head, decision.read)
            if key:
                writes.append((_STORE_ANSWER, [commune, key.key, key.digest, msgspec.json.encode(answer), tx.time]))
            self._finish(connection, writes)
            return answer

    def _finish(self, connection: Connection, writes: Sequence[Query]) -> None:
        """The end of an append. A test kills the process here."""
        run_at_last(connection, writes)

    def _time_after(self, head: Head) -> str:
        now = format_time(self.clock())
        if head.time <= now:
            return now
        if parse_time(head.time) - self.clock() > CLOCK_TOLERANCE:
            raise ClockBehind(f"the log's last event is of {head.time}, the clock says {now}")
        return head.time

    def _seal(
        self,
        tx: Transaction,
        decision: Decision,
        actor: str,
        correlationid: str | None,
        causationid: str | None,
    ) -> list[tuple[Envelope, bytes]]:
        events, spent, paying = decision.events, decision.later, purse.get()
        if tx.head == EMPTY and events:
            self._must_know(tx.commune, events[0])
        subjects = [subject_of(data, tx.commune) for data in events]
        self._load_versions(tx, set(subjects) - tx._versions.keys())
        sealed = []
        position, previous = tx.head.position, tx.head.hash
        for subject, data in zip(subjects, events, strict=True):
            if paying:
                spent += len(msgspec.json.encode(data))
                paying.must_afford(spent)  # before all the rest of a hundred thousand is encoded
            position += 1
            tx._versions[subject] += 1
            envelope = Envelope(
                specversion="1.0",
                id=tx.new_id(),
                source=f"/{self.source}",
                type=type_name(data),
                subject=subject,
                time=tx.time,
                commune=tx.commune,
                position=position,
                streamversion=tx._versions[subject],
                actor=actor,
                correlationid=correlationid,
                causationid=causationid,
                previoushash=previous,
                data=data,
            )
            body = encode(envelope)
            if len(body) > MAX_EVENT_BYTES:
                raise EventTooLarge(f"{envelope.type} of {subject} has {len(body)} bytes, at most {MAX_EVENT_BYTES}")
            previous = event_hash(body)
            sealed.append((envelope, body))
        if paying and sealed:
            paying.pay(text=spent)
        return sealed

    def _must_know(self, commune: str, first: Any) -> None:
        known = self._knows(commune) if self._knows else isinstance(first, CommuneOpened)
        if not known:
            raise UnknownCommune(commune)

    def _load_versions(self, tx: Transaction, subjects: Collection[str]) -> None:
        if not subjects:
            return
        wanted = list(subjects)
        answers = run_together(tx.connection, [(_VERSION, [self.source, tx.commune, each]) for each in wanted])
        tx.remember({subject: rows[0][0] for subject, rows in zip(wanted, answers, strict=True)})

    # Taking over bytes that were recorded elsewhere

    def append_verbatim(self, commune: str, bodies: Sequence[bytes], *, mark_broken: bool = True) -> int:
        """Take events as they were stored by their owner, and return how many were new.

        Inserts each event that is next, and skips bytes that are stored already. Raises Ahead for an event ahead of its
        place, and ChainBreak for different bytes or a hash that does not fit; the events before it are kept. After a
        ChainBreak the commune takes nothing more, unless `mark_broken` is false: the bytes are wrong, not the log.
        """
        events: list[Linked] = []
        for body in bodies:
            try:
                events.append(linked(body))
            except msgspec.DecodeError as error:
                reason = f"không phải sự kiện: {error}"
                return self.append_linked(commune, events, mark_broken=mark_broken, then=reason)
        return self.append_linked(commune, events, mark_broken=mark_broken)

    def append_linked(
        self, commune: str, events: Sequence[Linked], *, mark_broken: bool = True, then: str | None = None
    ) -> int:
        """The same for events whose links and hashes are known; `then`: why what comes after them is none."""
        failure: Ahead | ChainBreak | None = None
        with writing_after(self.engine, commune, self._lock(commune)) as (connection, (locked,)):
            head, broken = self._locked(connection, commune, locked)
            if broken:
                raise ChainBreak(self.source, commune, head.position + 1, broken)
            fresh: list[Linked] = []
            for event in events:
                link = event.link
                reason = misfit(link, head, self.source, commune)
                if reason is None:
                    head = Head(link.position, event.hash, link.time)
                    fresh.append(event)
                    continue
                if (link.source, link.commune) == (f"/{self.source}", commune):
                    if link.position > head.position + 1:
                        failure = Ahead(commune, head.position + 1, link.position)
                        break
                    if link.position <= head.position:
                        if self._body_at(connection, commune, link.position, fresh) == event.body:
                            continue
                        reason = "ở vị trí đó đã lưu nội dung khác"
                failure = ChainBreak(self.source, commune, link.position, reason)
                break
            if then and not failure:
                failure = ChainBreak(self.source, commune, head.position + 1, then)
            if fresh:
                taken = [(decode(event.body) if self._on_append else event.link, event.body) for event in fresh]
                run_together(connection, self._writes(connection, commune, taken, head, {}))
            if isinstance(failure, ChainBreak) and mark_broken:
                self._mark_broken(connection, commune, head, str(failure))
        if failure:
            raise failure
        return len(fresh)

    def _body_at(self, connection: Connection, commune: str, position: int, fresh: Sequence[Linked]) -> bytes:
        if fresh and position >= fresh[0].link.position:
            return fresh[position - fresh[0].link.position].body
        body: bytes = run(connection, _BODIES, [self.source, commune, position - 1, 1]).fetchone()[0]
        return body

    def mark_broken(self, commune: str, reason: str) -> None:
        """Let a replica take nothing more of a commune until it is forgotten and filled again."""
        with writing_after(self.engine, commune, self._lock(commune)) as (connection, (locked,)):
            self._mark_broken(connection, commune, self._locked(connection, commune, locked)[0], reason)

    def _mark_broken(self, connection: Connection, commune: str, head: Head, reason: str) -> None:
        run(connection, _MARK_BROKEN, [self.source, commune, head.position, head.hash, head.time, reason])

    def forget(self, commune: str) -> None:
        """Drop a replica of one commune, so that it can be filled again. On a service's own log a trigger refuses."""
        with writing(self.engine, commune) as connection:
            run(connection, _FORGET_EVENTS, [self.source, commune])
            run(connection, _FORGET_HEAD, [self.source, commune])

    # SQL

    def _lock(self, commune: str) -> Query:
        # The lock has a statement of its own: rows read in the same one would be as they were before the wait.
        postgresql = self.engine.dialect.name == "postgresql"
        return _HEAD + " FOR UPDATE" if postgresql else _HEAD, [self.source, commune]

    def _locked(self, connection: Connection, commune: str, locked: Rows) -> tuple[Head, str | None]:
        """The head, held until the transaction ends, and why its chain is broken."""
        if not locked and connection.dialect.name == "postgresql":
            # Before the first event there is no row to lock: the insert makes two first commands queue.
            first = (_FIRST_HEAD, [self.source, commune, EMPTY.position, EMPTY.hash, EMPTY.time])
            _, locked = run_together(connection, [first, self._lock(commune)])
        return (Head(*locked[0][:3]), locked[0][3]) if locked else (EMPTY, None)

    def _writes(
        self,
        connection: Connection,
        commune: str,
        events: Sequence[tuple[Any, bytes]],
        head: Head,
        read: Mapping[str, Any],
    ) -> list[Query]:
        """The writes for new events: their rows, the moved head, and what `on_append` adds."""
        if not events:
            return []
        writes: list[Query] = [
            (_INSERT, (self.source, commune, one.position, one.subject, one.streamversion, one.time, body))
            for one, body in events
        ]
        where = (self.source, commune)
        if connection.dialect.name == "postgresql":
            # The row exists, since it is locked; an upsert would make the transaction a fifth slower.
            writes.append((_MOVE_HEAD, (head.position, head.hash, head.time, *where)))
        else:
            writes.append((_UPSERT_HEAD, (*where, head.position, head.hash, head.time)))
        if self._on_append:
            writes.extend(self._on_append(connection, commune, [event for event, _ in events], read))
        return writes


def _same_answer(key: Key, digest: str, answer: bytes) -> Appended:
    if digest != key.digest:
        raise KeyReused(key.key)
    return msgspec.structs.replace(msgspec.json.decode(answer, type=Appended), replayed=True)


# `?` stands for a parameter on both databases.
_PUBLISHED = "SELECT commune, position FROM cursors WHERE source = ?"
_HEADS = "SELECT commune, position, hash, time, broken FROM heads WHERE source = ? AND position > 0"
_BROKEN = "SELECT commune, broken FROM heads WHERE source = ? AND broken IS NOT NULL"
_HEAD = "SELECT position, hash, time, broken FROM heads WHERE source = ? AND commune = ?"
_FIRST_HEAD = (
    "INSERT INTO heads (source, commune, position, hash, time) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (source, commune) DO NOTHING"
)
_UPSERT_HEAD = (
    "INSERT INTO heads (source, commune, position, hash, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT (source, commune)"
    " DO UPDATE SET position = excluded.position, hash = excluded.hash, time = excluded.time"
)
_MOVE_HEAD = "UPDATE heads SET position = ?, hash = ?, time = ? WHERE source = ? AND commune = ?"
_MARK_BROKEN = (
    "INSERT INTO heads (source, commune, position, hash, time, broken) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (source, commune) DO UPDATE SET broken = excluded.broken"
)
_INSERT = (
    "INSERT INTO events (source, commune, position, subject, streamversion, time, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_BODIES = "SELECT body FROM events WHERE source = ? AND commune = ? AND position > ? ORDER BY position LIMIT ?"
_TIME_AT = "SELECT time FROM events WHERE source = ? AND commune = ? AND position = ?"
_STREAM = "SELECT body FROM events WHERE source = ? AND commune = ? AND subject = ? ORDER BY streamversion"
_LAST = _STREAM + " DESC LIMIT 1"
_VERSION = "SELECT coalesce(max(streamversion), 0) FROM events WHERE source = ? AND commune = ? AND subject = ?"
_ANSWER = "SELECT digest, answer FROM idempotency WHERE commune = ? AND key = ?"
_STORE_ANSWER = "INSERT INTO idempotency (commune, key, digest, answer, at) VALUES (?, ?, ?, ?, ?)"
_FORGET_EVENTS = "DELETE FROM events WHERE source = ? AND commune = ?"
_FORGET_HEAD = "DELETE FROM heads WHERE source = ? AND commune = ?"
