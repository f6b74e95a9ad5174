"""Rows of a journal: added within the transaction of the change, read newest first, checked along their hashes."""

import hashlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import EVERY_COMMUNE, Busy, reading, utcnow, writing
from shared.eventlog.database import Query, read_together, run, run_together
from shared.events import VIETNAM, end_of_day, format_time, local_day
from shared.journal.acting import NOBODY, acting
from shared.journal.kinds import KINDS, Kind

logger = logging.getLogger(__name__)

FIRST = "0" * 64
LONGEST_ID = 200
BATCH = 500
# Codes and counts: words that people typed do not fit.
PLAIN = re.compile(r"[\x21-\x7e ]{0,200}")


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """One row. `number`: 1, 2, 3 … in its commune (`*`: the whole installation); `time`: RFC 3339 in UTC; `origin`: a
    client's address, `cli:USER`, or `process`; `about`: ids as events name them; `detail`: codes and counts."""

    commune: str
    number: int
    time: str
    actor: str
    origin: str
    kind: str
    about: list[str] = []
    detail: dict[str, str | int] = {}
    trace_id: str | None = None
    previoushash: str = FIRST

    @property
    def text(self) -> str:
        """What happened, in Vietnamese. An older release may lack the words of a newer one's row."""
        known = KINDS.get(self.kind)
        return known.text if known else self.kind


class Wanted(msgspec.Struct, frozen=True):
    """Which rows: recorded from `since` until `until` (RFC 3339, both included), by whom, of which kind."""

    since: str | None = None
    until: str | None = None
    actor: str | None = None
    kind: str | None = None

    @classmethod
    def on_days(
        cls, first: date | None, last: date | None, *, actor: str | None = None, kind: str | None = None
    ) -> "Wanted":
        """From the beginning of one day in Vietnam until the end of another. An actor without a kind is a person's
        code: `p14` is `staff/p14`."""
        if actor and "/" not in actor and actor != NOBODY:
            actor = f"staff/{actor.strip().lower()}"
        since = format_time(datetime.combine(first, time(), VIETNAM)) if first else None
        return cls(since, end_of_day(last) if last else None, actor, kind)


EVERYTHING = Wanted()

_decoder = msgspec.json.Decoder(Entry)


def record(
    connection: Connection,
    commune: str,
    kind: Kind,
    about: Sequence[str] = (),
    detail: Mapping[str, str | int] | None = None,
    *,
    actor: str | None = None,
) -> None:
    """Add a row, in the transaction of `commune` (or of all communes: `*`) that makes the change.

    `about` names what it concerns by ids (`staff/p14`), never by names, addresses or secrets. Who and from where comes
    from the door (`act_as`); `actor` is said where the door did not know it. Other writers of the commune's journal
    wait until this transaction ends, so record last. Raises ValueError for a detail that is no code.
    """
    who = acting.get()
    detail = dict(detail or {})
    if wrong := [name for name, value in detail.items() if isinstance(value, str) and not PLAIN.fullmatch(value)]:
        raise ValueError(f"{kind.code}: {', '.join(wrong)} is no code")
    # A statement of its own: the next one sees what the transaction that held the lock has committed.
    lock = [(_LOCK, [f"journal/{commune}"])] if connection.dialect.name == "postgresql" else []
    last = run_together(connection, [*lock, (_LAST, [commune])])[-1]
    number, before, body = last[0] if last else (0, "", None)
    entry = Entry(
        commune=commune,
        number=number + 1,
        time=max(format_time(utcnow()), before),
        actor=actor or who.actor,
        origin=who.origin,
        kind=kind.code,
        about=[each[:LONGEST_ID] for each in about],
        detail=detail,
        trace_id=who.trace,
        previoushash=FIRST if body is None else _hash(body),
    )
    run(connection, _ADD, (commune, entry.number, entry.time, entry.actor, entry.kind, msgspec.json.encode(entry)))


def note(
    engine: Engine,
    commune: str,
    kind: Kind,
    about: Sequence[str] = (),
    detail: Mapping[str, str | int] | None = None,
    *,
    actor: str | None = None,
) -> None:
    """Add a row in a transaction of its own, for what this database does not hold."""
    with writing(engine, commune) as connection:
        record(connection, commune, kind, about, detail, actor=actor)


# What each process has seen read today: who, what, of which database.
_seen: set[tuple[str, ...]] = set()
_seen_lock = threading.Lock()
MOST_SEEN = 10_000


def seen(engine: Engine, commune: str, kind: Kind, about: Sequence[str] = ()) -> None:
    """Somebody reads personal data: a row for the first time of the day in this process. What cannot be written is
    read all the same, and logged: a full disk must not keep people from their work."""
    case = (
        local_day(format_time(utcnow())).isoformat(),
        str(engine.url),
        commune,
        acting.get().actor,
        kind.code,
        *about,
    )
    with _seen_lock:
        if case in _seen:
            return
    try:
        note(engine, commune, kind, about)
    except (SQLAlchemyError, Busy) as error:
        logger.warning("%s is not in the journal: %s", kind.code, type(error).__name__, extra={"commune": commune})
        return
    with _seen_lock:
        if len(_seen) >= MOST_SEEN:
            _seen.clear()
        _seen.add(case)


def note_first(
    engine: Engine, commune: str, kind: Kind, about: Sequence[str], detail: Mapping[str, str | int] | None = None
) -> None:
    """Add a row unless there is one of this kind about the same; two processes at once may both add theirs."""
    wanted, before = Wanted(kind=kind.code), None
    while found := entries(engine, commune, wanted, before=before):
        if any(entry.about == [*about] for entry in found):
            return
        before = found[-1].number
    note(engine, commune, kind, about, detail)


def entries(
    engine: Engine, commune: str, wanted: Wanted = EVERYTHING, *, before: int | None = None, limit: int = BATCH
) -> list[Entry]:
    """Up to `limit` rows, the newest first, those numbered below `before`."""
    conditions: list[tuple[str, Any]] = [
        (condition, value)
        for condition, value in (
            ("number < ?", before),
            ("time >= ?", wanted.since),
            ("time <= ?", wanted.until),
            ("actor = ?", wanted.actor),
            ("kind = ?", wanted.kind),
        )
        if value is not None
    ]
    where = "".join(f" AND {condition}" for condition, _ in conditions)
    query: Query = (
        f"SELECT body FROM journal WHERE commune = ?{where} ORDER BY number DESC LIMIT ?",  # noqa: S608 - own words
        [commune, *(value for _, value in conditions), limit],
    )
    [rows] = read_together(engine, commune, query)
    return [_decoder.decode(row[0]) for row in rows]


def lines(engine: Engine, commune: str, *, until: str | None = None) -> Iterator[bytes]:
    """The stored bytes of each row up to a time (RFC 3339), the first one first."""
    after = 0
    while True:
        [rows] = read_together(engine, commune, (_LINES, [commune, after, until or "9", BATCH]))
        for number, body in rows:
            after = number
            yield bytes(body)
        if len(rows) < BATCH:
            return


def communes_of(engine: Engine) -> list[str]:
    """The communes that have rows, and `*` where the whole installation has some."""
    with reading(engine, EVERY_COMMUNE) as connection:
        return [row[0] for row in run(connection, _COMMUNES)]


class End(NamedTuple):
    """The last row of a journal: its number, and the SHA-256 of its bytes."""

    number: int
    hash: str


def end_of(engine: Engine, commune: str) -> End:
    """Where a journal ends; an empty one at 0."""
    with reading(engine, commune) as connection:
        last = run(connection, _LAST, [commune]).fetchone()
    return End(last[0], _hash(last[2])) if last else End(0, FIRST)


def wrong(engine: Engine, commune: str, *, last: int | None = None) -> str | None:
    """What shows that a journal was changed, in Vietnamese; None when every row fits the one before it. `last`: only
    of so many rows at the end."""
    first = max(1, end_of(engine, commune).number - last + 1) if last else 1
    with reading(engine, commune) as connection:
        before = run(connection, _ROWS, [commune, first - 2, 1]).fetchone() if first > 1 else None
    previous, expected = (_hash(before[4]) if before else FIRST), first
    while True:
        [rows] = read_together(engine, commune, (_ROWS, [commune, expected - 1, BATCH]))
        for number, *shown, body in rows:
            try:
                entry = _decoder.decode(body)
            except msgspec.DecodeError:
                return f"dòng {expected} không đọc được"
            if (number, entry.commune, entry.number, entry.previoushash) != (expected, commune, expected, previous):
                return f"dòng {expected} không khớp dòng đứng trước"
            if [entry.time, entry.actor, entry.kind] != shown:
                return f"dòng {expected} có cột không khớp nội dung"
            previous, expected = _hash(body), expected + 1
        if len(rows) < BATCH:
            return None


def take_over(held: Engine, into: Engine, commune: str) -> int | None:
    """Add the rows that another copy of a journal has beyond this one; returns how many.

    Where neither copy continues the other they are two journals, of which nothing is taken: None.
    """
    ends, rows = end_of(into, commune), [*lines(held, commune)]
    if len(rows) < ends.number:
        return 0 if rows == [*islice(lines(into, commune), len(rows))] else None
    if ends.number and _hash(rows[ends.number - 1]) != ends.hash:
        return None
    fresh = [(body, _decoder.decode(body)) for body in rows[ends.number :]]
    with writing(into, commune) as connection:
        for body, entry in fresh:
            run(connection, _ADD, (commune, entry.number, entry.time, entry.actor, entry.kind, body))
    return len(fresh)


def _hash(body: bytes) -> str:
    return hashlib.sha256(bytes(body)).hexdigest()


# `?` stands for a parameter on both databases.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_LAST = "SELECT number, time, body FROM journal WHERE commune = ? ORDER BY number DESC LIMIT 1"
_ADD = "INSERT INTO journal (commune, number, time, actor, kind, body) VALUES (?, ?, ?, ?, ?, ?)"
_COMMUNES = "SELECT DISTINCT commune FROM journal ORDER BY commune"
_ROWS = "SELECT number, time, actor, kind, body FROM journal WHERE commune = ? AND number > ? ORDER BY number LIMIT ?"
_LINES = "SELECT number, body FROM journal WHERE commune = ? AND number > ? AND time <= ? ORDER BY number LIMIT ?"
