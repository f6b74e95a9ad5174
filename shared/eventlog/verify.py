"""Verifying logs: the chain of a store or a replica, a replica against its owner, a topic against the store, all of
them against signed checkpoints."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.eventlog.broker import Broker, Record
from shared.eventlog.chain import EMPTY, Head, follow
from shared.eventlog.checkpoints import SUBJECT, CheckpointKeys, signature_problem
from shared.eventlog.database import EVERY_COMMUNE, reading, run
from shared.eventlog.errors import ChainBreak
from shared.eventlog.kafka import topic_name
from shared.eventlog.log import Log
from shared.eventlog.seals import Keys
from shared.eventlog.unsealed import Candidate, different, link_of
from shared.events import CheckpointSigned, MalformedEvent, decode, event_hash

BATCH = 5000


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it was recorded. `where`: store, replica, topic, stranger (on a topic, and not counted)
    or checkpoint (then `source` and `position` are what it signs); `position` 0 when none applies."""

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
    signed: Iterable[CheckpointSigned],
    logs: Mapping[str, Sequence[Log]],
    keys: CheckpointKeys,
    signers: Callable[[CheckpointSigned], Collection[str]],
) -> Iterator[Finding]:
    """Each checkpoint's signature, by one of its `signers`, and the event at its position. `logs`: source → its own
    log, then replicas of it, which need not have come that far.

    An earlier checkpoint reveals a chain rewritten with new hashes, or one whose end was cut off.
    """
    for checkpoint in signed:
        problems = [signature_problem(checkpoint, keys, signers(checkpoint))]
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


def verify_topic(
    broker: Broker, log: Log, keys: Keys, topic: str | None = None, *, last: int | None = None
) -> list[Finding]:
    """Compare every record with the store: what it lacks or holds otherwise, and events that the topic should hold but
    lacks. An own log must be there up to the relay's cursor, a replica up to its head. `last`: only so many records of
    each partition, of which nothing can be missing.

    What no seal vouches for, and the store does not hold, is not counted by anybody: one finding for a commune.
    """
    topic = topic or topic_name(log.source)
    # Cursors are read before the topic, so that what is published meanwhile is not missed.
    expected = log.published() or {commune: head.position for commune, head in log.heads().items()}
    seen = {commune: bytearray(position) for commune, position in expected.items() if last is None}
    findings: list[Finding] = []
    strangers = _Strangers(log.source, keys)
    for records in broker.read_topic(topic, last=last):
        by_commune: dict[str, list[Candidate]] = {}
        for record in records:
            link = link_of(record, log.source)
            if isinstance(link, str):
                findings.append(Finding("stranger", log.source, _text(record.key), 0, f"{_place(record)}: {link}"))
            else:
                by_commune.setdefault(link.commune, []).append(Candidate(record, link))
        for commune, candidates in by_commune.items():
            _tick(seen.get(commune, bytearray()), candidates)
            strangers.add(commune, different(log, commune, candidates))
    findings += strangers.findings(log.heads())
    for commune, positions in sorted(seen.items()):
        missing = positions.find(0)
        if missing >= 0:
            problem = f"thiếu {positions.count(0)} trong {len(positions)} sự kiện, đầu tiên là {missing + 1}"
            findings.append(Finding("topic", log.source, commune, missing + 1, problem))
    return findings


def _tick(seen: bytearray, candidates: Sequence[Candidate]) -> None:
    for candidate in candidates:
        if 0 < candidate.link.position <= len(seen):
            seen[candidate.link.position - 1] = 1


class _Stranger(NamedTuple):
    """A record of the topic that the store does not hold."""

    position: int
    previous: str
    place: str


class _Strangers:
    """The strangers of a topic, by commune and hash: those that a seal vouches for are the owner's, others nobody's."""

    def __init__(self, source: str, keys: Keys) -> None:
        self._source = source
        self._keys = keys
        self._owners: list[tuple[str, _Stranger]] = []
        self._nobodys: dict[str, dict[str, _Stranger]] = {}

    def add(self, commune: str, candidates: Iterable[Candidate]) -> None:
        nobodys = self._nobodys.setdefault(commune, {})
        for candidate in candidates:
            link, place = candidate.link, _place(candidate.record)
            nobodys[candidate.hash] = _Stranger(link.position, link.previoushash, place)
            hash_ = candidate.hash if candidate.is_vouched(self._keys) else ""
            while found := nobodys.pop(hash_, None):
                self._owners.append((commune, found))
                hash_ = found.previous

    def findings(self, heads: Mapping[str, Head]) -> Iterator[Finding]:
        for commune, found in sorted(self._owners):
            lacks = found.position > heads.get(commune, EMPTY).position
            problem = f"{found.place}: {'không có trong kho' if lacks else 'nội dung khác trong kho'}"
            yield Finding("topic", self._source, commune, found.position, problem)
        for commune, nobodys in sorted(self._nobodys.items()):
            if first := min(nobodys.values(), default=None):
                problem = f"{len(nobodys)} sự kiện {self._source} không phát, không được tính: {first.place}"
                yield Finding("stranger", self._source, commune, first.position, problem)


def _place(record: Record) -> str:
    return f"phân vùng {record.partition}, offset {record.offset}"


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")


_COMMUNES = "SELECT commune FROM heads WHERE source = ? UNION SELECT commune FROM events WHERE source = ?"
_ROWS = (
    "SELECT position, subject, streamversion, time, body FROM events WHERE source = ? AND commune = ? AND position > ?"
    " ORDER BY position LIMIT ?"
)
