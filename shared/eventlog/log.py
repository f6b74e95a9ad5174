"""The log: one source's events per commune, gapless and chained, in a SQL database; also where replicas are kept."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.eventlog import tables
from shared.eventlog.chain import EMPTY, Head, follow, misfit, read_link
from shared.eventlog.database import reading, writing
from shared.eventlog.errors import Ahead, ChainBreak, ClockBehind, EventTooLarge, KeyReused, UnknownCommune
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

# A head further ahead of the clock than this is a clock gone wrong, not two servers slightly apart.
CLOCK_TOLERANCE = timedelta(minutes=10)


def utcnow() -> datetime:
    return datetime.now(UTC)


class Key(msgspec.Struct, frozen=True):
    """An Idempotency-Key, with a digest of the request it stands for."""

    key: str
    digest: str


class Decision(msgspec.Struct, frozen=True):
    """What a command leads to: events to append, and what to answer."""

    events: Sequence[Any]
    result: Any = None


class Appended(msgspec.Struct, frozen=True):
    """The outcome of a command. `versions` holds the stream version of each subject it wrote to."""

    commune: str
    position: int
    versions: dict[str, int]
    result: Any = None
    replayed: bool = False


class Transaction:
    """What a command sees while it holds the head of its commune: nobody else changes this commune meanwhile."""

    def __init__(self, log: "Log", connection: Connection, commune: str, head: Head, time: str) -> None:
        self.connection = connection
        self.commune = commune
        self.head = head
        self.time = time
        self.versions: dict[str, int] = {}
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
        if subject not in self.versions:
            self._log._load_versions(self, {subject})
        return self.versions[subject]


Decide = Callable[[Transaction], Decision]
OnAppend = Callable[[Connection, str, Sequence[Envelope]], None]


class Log:
    """The events of one source in one database.

    As a service's own log it is appended to; as a replica it takes the owner's bytes verbatim. `on_append` writes the
    service's own read tables in the same transaction. `knows` says whether a commune exists, for a log that does not
    itself begin with `commune.opened`.
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
        with reading(self.engine) as connection:
            rows = connection.execute(_HEADS, {"source": self.source})
            return {row.commune: Head(row.position, row.hash, row.time) for row in rows}

    def head(self, commune: str) -> Head:
        with reading(self.engine) as connection:
            return self._head(connection, commune)

    def broken(self) -> dict[str, str]:
        """The communes whose chain broke here, with the reason."""
        with reading(self.engine) as connection:
            rows = connection.execute(_HEADS, {"source": self.source})
            return {row.commune: row.broken for row in rows if row.broken}

    def read(self, commune: str, after: int = 0, limit: int = 500) -> list[bytes]:
        """Up to `limit` stored bytes after a position, in order."""
        with reading(self.engine) as connection:
            return self._read(connection, commune, after, limit)

    def read_all(self, commune: str, after: int = 0, until: int | None = None, batch: int = 5000) -> Iterator[bytes]:
        """The stored bytes after a position, batch by batch, so that no read transaction stays open."""
        while until is None or after < until:
            size = batch if until is None else min(batch, until - after)
            bodies = self.read(commune, after, size)
            yield from bodies
            after += len(bodies)
            if len(bodies) < size:
                return

    def position_at(self, commune: str, time: str) -> int:
        """The last position recorded at `time` or earlier. Times never go back, so it can be bisected."""
        with reading(self.engine) as connection:

            def time_of(position: int) -> str:
                return connection.execute(
                    _TIME_AT, {"source": self.source, "commune": commune, "position": position}
                ).scalar_one()

            end = self._head(connection, commune).position
            return bisect_right(range(1, end + 1), time, key=time_of)

    def read_stream(self, commune: str, subject: str) -> list[bytes]:
        """All stored bytes of one subject, in order."""
        with reading(self.engine) as connection:
            rows = connection.execute(_STREAM, {"source": self.source, "commune": commune, "subject": subject})
            return [row.body for row in rows]

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
    ) -> Appended:
        """Run a command: lock the head, let `decide` read and answer, append its events, commit.

        Raises what `decide` raises, and UnknownCommune, ClockBehind, EventTooLarge, KeyReused, Busy; then nothing
        has happened.
        """
        with writing(self.engine, commune) as connection:
            head = self._lock_head(connection, commune)
            if key and (stored := self._stored_answer(connection, commune, key)):
                return stored
            tx = Transaction(self, connection, commune, head, self._time_after(head))
            decision = decide(tx)
            sealed = self._seal(tx, decision.events, actor, correlationid, causationid)
            head = self._insert(connection, commune, head, sealed)
            if self._on_append and sealed:
                self._on_append(connection, commune, [envelope for envelope, _ in sealed])
            versions = {envelope.subject: envelope.streamversion for envelope, _ in sealed}
            answer = Appended(commune, head.position, versions, decision.result)
            if key:
                self._store_answer(connection, key, answer, tx.time)
            return answer

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
        events: Sequence[Any],
        actor: str,
        correlationid: str | None,
        causationid: str | None,
    ) -> list[tuple[Envelope, bytes]]:
        if tx.head == EMPTY and events:
            self._must_know(tx.commune, events[0])
        self._load_versions(tx, {subject_of(data, tx.commune) for data in events} - tx.versions.keys())
        sealed = []
        position, previous = tx.head.position, tx.head.hash
        for data in events:
            subject = subject_of(data, tx.commune)
            position += 1
            tx.versions[subject] += 1
            envelope = Envelope(
                specversion="1.0",
                id=tx.new_id(),
                source=f"/{self.source}",
                type=type_name(data),
                subject=subject,
                time=tx.time,
                commune=tx.commune,
                position=position,
                streamversion=tx.versions[subject],
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
        return sealed

    def _must_know(self, commune: str, first: Any) -> None:
        known = self._knows(commune) if self._knows else isinstance(first, CommuneOpened)
        if not known:
            raise UnknownCommune(commune)

    def _load_versions(self, tx: Transaction, subjects: Iterable[str]) -> None:
        wanted = sorted(subjects)
        tx.versions.update(dict.fromkeys(wanted, 0))
        for start in range(0, len(wanted), 500):
            rows = tx.connection.execute(
                _VERSIONS, {"source": self.source, "commune": tx.commune, "subjects": wanted[start : start + 500]}
            )
            tx.versions.update({row.subject: row.version for row in rows})

    def _stored_answer(self, connection: Connection, commune: str, key: Key) -> Appended | None:
        row = connection.execute(_ANSWER, {"commune": commune, "key": key.key}).one_or_none()
        if row is None:
            return None
        if row.digest != key.digest:
            raise KeyReused(key.key)
        return msgspec.structs.replace(msgspec.json.decode(row.answer, type=Appended), replayed=True)

    def _store_answer(self, connection: Connection, key: Key, answer: Appended, time: str) -> None:
        row = {"commune": answer.commune, "key": key.key, "digest": key.digest, "at": time}
        connection.execute(insert(tables.idempotency), row | {"answer": msgspec.json.encode(answer)})

    # Taking over bytes that were recorded elsewhere

    def append_verbatim(self, commune: str, bodies: Sequence[bytes]) -> int:
        """Take events as they were stored by their owner, and return how many were new.

        The next one is inserted; the same bytes that are here already are passed over. Raises Ahead for one ahead
        of its place, ChainBreak for other bytes or a hash that does not fit; what came before it is kept.
        """
        failure: Ahead | ChainBreak | None = None
        with writing(self.engine, commune) as connection:
            head = self._lock_head(connection, commune)
            self._refuse_broken(connection, commune)
            links: list[dict[str, Any]] = []
            for body in bodies:
                try:
                    link = read_link(body)
                    reason = misfit(link, head, self.source, commune)
                except msgspec.DecodeError as error:
                    failure = ChainBreak(self.source, commune, head.position + 1, f"is no event: {error}")
                    break
                if reason is None:
                    head = Head(link.position, event_hash(body), link.time)
                    links.append(_row(self.source, link, body))
                    continue
                same_log = (link.source, link.commune) == (f"/{self.source}", commune)
                if same_log and link.position > head.position + 1:
                    failure = Ahead(commune, head.position + 1, link.position)
                    break
                if same_log and link.position <= head.position:
                    if self._body_at(connection, commune, link.position, links) == body:
                        continue
                    reason = "other bytes are stored at its place"
                failure = ChainBreak(self.source, commune, link.position, reason)
                break
            if links:
                connection.execute(insert(tables.events), links)
                self._write_head(connection, commune, head)
                if self._on_append:
                    self._on_append(connection, commune, [decode(row["body"]) for row in links])
            if isinstance(failure, ChainBreak):
                self._mark_broken(connection, commune, str(failure))
        if failure:
            raise failure
        return len(links)

    def _body_at(self, connection: Connection, commune: str, position: int, fresh: list[dict[str, Any]]) -> bytes:
        if fresh and position >= fresh[0]["position"]:
            return fresh[position - fresh[0]["position"]]["body"]
        return self._read(connection, commune, position - 1, 1)[0]

    def _refuse_broken(self, connection: Connection, commune: str) -> None:
        where = {"source": self.source, "commune": commune}
        row = connection.execute(_HEAD, where).one_or_none()
        if row and row.broken:
            raise ChainBreak(self.source, commune, row.position + 1, row.broken)

    def _mark_broken(self, connection: Connection, commune: str, reason: str) -> None:
        where = (tables.heads.c.source == self.source) & (tables.heads.c.commune == commune)
        connection.execute(update(tables.heads).where(where).values(broken=reason))

    def forget(self, commune: str) -> None:
        """Drop a replica of one commune, so that it can be filled anew. A service's own log refuses this."""
        with writing(self.engine, commune) as connection:
            for table in (tables.events, tables.heads):
                connection.execute(
                    table.delete().where((table.c.source == self.source) & (table.c.commune == commune))
                )

    # SQL

    def _head(self, connection: Connection, commune: str) -> Head:
        row = connection.execute(_HEAD, {"source": self.source, "commune": commune}).one_or_none()
        return Head(row.position, row.hash, row.time) if row else EMPTY

    def _lock_head(self, connection: Connection, commune: str) -> Head:
        # The lock is alone in its statement: reading in the same one would show what was before the wait.
        if connection.dialect.name == "sqlite":
            return self._head(connection, commune)
        where = {"source": self.source, "commune": commune}
        row = connection.execute(_LOCK_HEAD, where).one_or_none()
        if row is None:
            connection.execute(_FIRST_HEAD, where | {"position": 0, "hash": EMPTY.hash, "time": EMPTY.time})
            row = connection.execute(_LOCK_HEAD, where).one()
        return Head(row.position, row.hash, row.time)

    def _read(self, connection: Connection, commune: str, after: int, limit: int) -> list[bytes]:
        rows = connection.execute(
            _BODIES, {"source": self.source, "commune": commune, "after": after, "limit": limit}
        )
        return list(rows.scalars())

    def _insert(
        self, connection: Connection, commune: str, head: Head, sealed: Sequence[tuple[Envelope, bytes]]
    ) -> Head:
        if not sealed:
            return head
        connection.execute(insert(tables.events), [_row(self.source, envelope, body) for envelope, body in sealed])
        last, body = sealed[-1]
        head = Head(last.position, event_hash(body), last.time)
        self._write_head(connection, commune, head)
        return head

    def _write_head(self, connection: Connection, commune: str, head: Head) -> None:
        row = {"source": self.source, "commune": commune, "position": head.position}
        upsert = _UPSERT_HEAD[connection.dialect.name]
        connection.execute(upsert, row | {"hash": head.hash, "time": head.time})


def _row(source: str, event: Any, body: bytes) -> dict[str, Any]:
    return {
        "source": source,
        "commune": event.commune,
        "position": event.position,
        "subject": event.subject,
        "streamversion": event.streamversion,
        "time": event.time,
        "body": body,
    }


def _upsert_head(dialect: Any) -> Any:
    statement = dialect.insert(tables.heads)
    new = {name: statement.excluded[name] for name in ("position", "hash", "time")}
    return statement.on_conflict_do_update(index_elements=["source", "commune"], set_=new)


_events, _heads = tables.events.c, tables.heads.c
_OWN = (_events.source == bindparam("source")) & (_events.commune == bindparam("commune"))
_HEADS = select(tables.heads).where(_heads.source == bindparam("source"), _heads.position > 0)
_HEAD = select(tables.heads).where(_heads.source == bindparam("source"), _heads.commune == bindparam("commune"))
_LOCK_HEAD = _HEAD.with_for_update()
_FIRST_HEAD = postgresql.insert(tables.heads).on_conflict_do_nothing()
_UPSERT_HEAD = {"sqlite": _upsert_head(sqlite), "postgresql": _upsert_head(postgresql)}
_BODIES = (
    select(_events.body)
    .where(_OWN, _events.position > bindparam("after"))
    .order_by(_events.position)
    .limit(bindparam("limit"))
)
_TIME_AT = select(_events.time).where(_OWN, _events.position == bindparam("position"))
_STREAM = select(_events.body).where(_OWN, _events.subject == bindparam("subject")).order_by(_events.streamversion)
_VERSIONS = (
    select(_events.subject, func.max(_events.streamversion).label("version"))
    .where(_OWN, _events.subject.in_(bindparam("subjects", expanding=True)))
    .group_by(_events.subject)
)
_ANSWER = select(tables.idempotency).where(
    tables.idempotency.c.commune == bindparam("commune"), tables.idempotency.c.key == bindparam("key")
)
