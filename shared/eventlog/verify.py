"""Verifying logs: the chain of a store or a replica, a replica against its owner, a topic against the store, all of
them against signed checkpoints."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.decoding import decoder
from shared.eventlog.broker import Broker
from shared.eventlog.chain import EMPTY, follow
from shared.eventlog.checkpoints import SUBJECT, PublicKeys, signature_problem
from shared.eventlog.database import EVERY_COMMUNE, reading, run
from shared.eventlog.errors import ChainBreak
from shared.eventlog.kafka import topic_name
from shared.eventlog.log import Log
from shared.eventlog.replica import foreign
from shared.events import CheckpointSigned, MalformedEvent, decode, event_hash

BATCH = 5000


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it was recorded. `where`: store, replica, topic or checkpoint (then `source` and
    `position` are what it signs); `position` 0 when none applies."""

    where: str
    source: str
    commune: str
    position: int
    problem: str


def verify_log(log: Log, commune: str | None = None, *, where: str = "store") -> list[Finding]:
    """Walk the chain of one commune or of all: hashes, positions, times, stream versions, columns and head rows."""
    communes = [commune] if commune else _communes(log)
    return [finding for each in communes for finding in _verify_chain(log, each, where)]


def _verify_chain(log: Log, commune: str, where: str) -> Iterator[Finding]:
    head = EMPTY
    versions: dict[str, int] = {}
    try:
        for row in _rows(log, commune):
            head, link, _ = next(follow(head, [row[4]], log.source, commune))
            version = versions[link.subject] = versions.get(link.subject, 0) + 1
            if link.streamversion != version:
                problem = f"{link.subject} nhảy từ phiên bản {version - 1} sang {link.streamversion}"
                yield Finding(where, log.source, commune, link.position, problem)
            if tuple(row[:4]) != (link.position, link.subject, link.streamversion, link.time):
                problem = "các cột bên cạnh khác với sự kiện"
                yield Finding(where, log.source, commune, link.position, problem)
    except ChainBreak as error:
        yield Finding(where, log.source, commune, error.position, error.reason)
        return
    stored = log.head(commune)
    if stored != head:
        problem = (
            f"dòng cuối ghi {stored.position} {stored.hash[:12]}, nhật ký kết thúc ở {head.position} {head.hash[:12]}"
        )
        yield Finding(where, log.source, commune, min(head.position, stored.position) + 1, problem)


def _communes(log: Log) -> list[str]:
    with reading(log.engine, EVERY_COMMUNE) as connection:
        return sorted(row[0] for row in run(connection, _COMMUNES, [log.source, log.source]))


def _rows(log: Log, commune: str) -> Iterator[Any]:
    position = 0
    while True:
        with reading(log.engine, commune) as connection:
            rows = run(connection, _ROWS, [log.source, commune, position, BATCH]).fetchall()
        if not rows:
            return
        yield from rows
        position = rows[-1][0]


def compare_logs(own: Log, replica: Log) -> list[Finding]:
    """Where a replica holds different bytes than its owner, or more. Lagging behind is no finding."""
    findings = []
    heads = own.heads()
    for commune, head in sorted(replica.heads().items()):
        end = heads.get(commune, EMPTY).position
        if head.position > end:
            problem = f"kết thúc ở {head.position}, nhật ký gốc ở {end}"
            findings.append(Finding("replica", own.source, commune, end + 1, problem))
        shared = min(head.position, end)
        pairs = zip(own.read_all(commune, until=shared), replica.read_all(commune, until=shared), strict=True)
        differing = next((at for at, (ours, theirs) in enumerate(pairs, 1) if ours != theirs), None)
        if differing:
            findings.append(Finding("replica", own.source, commune, differing, "nội dung khác nhật ký gốc"))
    return findings


def recorded_checkpoints(log: Log) -> Iterator[CheckpointSigned]:
    """Every checkpoint that a log holds, of each of its communes. What can't be read is a finding of `verify_log`."""
    for commune in _communes(log):
        for body in log.read_stream(commune, SUBJECT):
            with contextlib.suppress(MalformedEvent, TypeError):
                checkpoint = decode(body).data
                if isinstance(checkpoint, CheckpointSigned):
                    yield checkpoint


def verify_checkpoints(
    signed: Iterable[CheckpointSigned], logs: Mapping[str, Sequence[Log]], keys: PublicKeys
) -> Iterator[Finding]:
    """Each checkpoint's signature, and the event at its position. `logs`: source → its own log, then replicas of it,
    which need not have come that far.

    An earlier checkpoint reveals a chain rewritten with new hashes, or one whose end was cut off.
    """
    for checkpoint in signed:
        problems = [signature_problem(checkpoint, keys)]
        held = logs.get(checkpoint.source, [])
        if not held:
            problems.append("không có nhật ký này ở đây")
        reached = [log for log in held[1:] if log.head(checkpoint.commune).position >= checkpoint.position]
        problems += [_against(checkpoint, log) for log in [*held[:1], *reached]]
        for problem in dict.fromkeys(filter(None, problems)):
            yield Finding("checkpoint", checkpoint.source, checkpoint.commune, checkpoint.position, problem)


def _against(checkpoint: CheckpointSigned, log: Log) -> str | None:
    if checkpoint.position < 1:
        return "không nêu vị trí nào"
    end = log.head(checkpoint.commune).position
    # Nothing is read beyond the end: a file may name a position that no database can hold. The head row is checked
    # against the events by `verify_log`.
    if checkpoint.position > end:
        return f"nhật ký kết thúc ở {end}: sự kiện đã ký không còn"
    body = next(iter(log.read(checkpoint.commune, checkpoint.position - 1, 1)), None)
    if not isinstance(body, bytes) or event_hash(body) != checkpoint.hash:
        return f"sự kiện ở vị trí đó khác lúc ký ({checkpoint.signed_at})"
    return None


def verify_topic(broker: Broker, log: Log, topic: str | None = None) -> list[Finding]:
    """Compare every record with the store: different bytes, records the store lacks, events that the topic should hold
    but lacks. An own log must be there up to the relay's cursor, a replica up to its head."""
    topic = topic or topic_name(log.source)
    # Cursors are read before the topic, so that what is published meanwhile is not missed.
    expected = log.published() or {commune: head.position for commune, head in log.heads().items()}
    seen = {commune: bytearray(position) for commune, position in expected.items()}
    findings: list[Finding] = []
    for records in broker.read_topic(topic):
        by_commune: dict[str, list[Any]] = {}
        for record in records:
            reason = foreign(record, log.source)
            if reason:
                problem = f"phân vùng {record.partition}, offset {record.offset}: {reason}"
                findings.append(Finding("topic", log.source, _text(record.key), 0, problem))
            else:
                by_commune.setdefault(record.key.decode(), []).append(record)
        for commune, of_commune in by_commune.items():
            findings += _compare(log, commune, of_commune, seen.setdefault(commune, bytearray()))
    for commune, positions in sorted(seen.items()):
        missing = positions.find(0)
        if missing >= 0:
            problem = f"thiếu {positions.count(0)} trong {len(positions)} sự kiện, đầu tiên là {missing + 1}"
            findings.append(Finding("topic", log.source, commune, missing + 1, problem))
    return findings


def _compare(log: Log, commune: str, records: list[Any], seen: bytearray) -> Iterator[Finding]:
    positions = [_position(record.value) for record in records]
    low, high = min(positions), max(positions)
    stored = dict(enumerate(log.read_all(commune, after=low - 1, until=high), low))
    for record, position in zip(records, positions, strict=True):
        if position not in stored:
            problem = f"offset {record.offset} không có trong kho"
            yield Finding("topic", log.source, commune, position, problem)
        elif stored[position] != record.value:
            problem = f"phân vùng {record.partition}, offset {record.offset}: nội dung khác trong kho"
            yield Finding("topic", log.source, commune, position, problem)
        if position <= len(seen):
            seen[position - 1] = 1


class _Position(msgspec.Struct):
    position: int


def _position(body: bytes) -> int:
    return _positions(body).position


_positions = decoder(_Position)


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")


_COMMUNES = "SELECT commune FROM heads WHERE source = ? UNION SELECT commune FROM events WHERE source = ?"
_ROWS = (
    "SELECT position, subject, streamversion, time, body FROM events WHERE source = ? AND commune = ? AND position > ?"
    " ORDER BY position LIMIT ?"
)
