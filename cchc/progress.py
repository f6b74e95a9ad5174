"""How far every commune's logs have come: published, held and folded by each reader; what stands still, and why.

It reads the databases only and asks no broker, so no broker can delay the answer.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cchc.installation import Installation
from cchc.services import SERVICES, readers
from shared.decoding import decoder
from shared.eventlog import EMPTY, Head, Log
from shared.events import parse_time
from shared.projection import Position, all_positions

# Work under way is behind for a moment; after this long, a person should know.
PATIENCE = timedelta(minutes=1)

# A replica is right where its owner was put back, and wrong where it took what nobody published.
TOO_LONG = (
    "{service} vừa được phục hồi từ bản cũ thì dừng nó, cchc restore --tail --service {service};"
    " nếu không: cchc rebuild {reader} --from-owner --commune {commune}"
)
# What may stand still → its words, and what fixes it.
STOPS = {
    "parked": ("dừng đọc", "cập nhật cchc, rồi: cchc rebuild {reader} --commune {commune}"),
    "outdated": ("không đọc tiếp được", "nâng cấp cchc work {reader} lên bản mới"),
    "broken": ("có bản sao không khớp", "cchc verify, rồi: cchc rebuild {reader} --from-owner --commune {commune}"),
    "ahead": ("có bản sao dài hơn nơi sở hữu", TOO_LONG),
}
# What may be behind → its words, and what fixes it.
STAGES = {
    "published": ("chưa phát lên Kafka", "cchc work {service}"),
    "held": ("{reader} chưa nhận", "cchc work {reader}"),
    "folded": ("{reader} chưa đọc", "cchc work {reader}"),
}


class Behind(msgspec.Struct, frozen=True):
    """A stage that lacks `events`, the first of which was recorded at `since`, as stored. Only the stage `published`
    has no reader."""

    stage: str
    reader: str | None
    events: int
    since: str

    @property
    def what(self) -> str:
        return f"{self.stage}_by_{self.reader}" if self.reader else self.stage

    def words(self, service: str) -> tuple[str, str]:
        """What to say of it, and what fixes it."""
        words, fix = STAGES[self.stage]
        return words.format(reader=self.reader), fix.format(service=service, reader=self.reader)


class Stopped(msgspec.Struct, frozen=True):
    """What does not go on without help: `reader` holds a broken chain, or more than its owner, or parked its fold at
    `position`, an event that was recorded at `since` (None when that event is not held)."""

    reader: str
    what: str
    position: int
    since: str | None
    reason: str


class Reached(msgspec.Struct, frozen=True):
    """How far one reader holds a log and has folded it."""

    held: int
    folded: int


class LogProgress(msgspec.Struct, frozen=True):
    """One commune's log of one service. `published` is None without Kafka; `readers` are those that fold the log."""

    service: str
    commune: str
    head: int
    time: str
    published: int | None
    readers: dict[str, Reached]
    behind: list[Behind]
    stops: list[Stopped]

    @property
    def stopped(self) -> str | None:
        """The reasons of all stops, each once."""
        return "; ".join(dict.fromkeys(stop.reason for stop in self.stops)) or None

    def late(self, now: datetime) -> list[Behind]:
        """What has been waiting for longer than it should, though nothing stops it."""
        stopped = {stop.reader for stop in self.stops}
        return [
            behind
            for behind in self.behind
            if behind.reader not in stopped and now - parse_time(behind.since) > PATIENCE
        ]

    def row(self) -> dict[str, Any]:
        """For programs and tables: flat, with the same keys for every log; a key of no reader is None."""
        reached = {
            f"{stage}_by_{reader}": getattr(self.readers.get(reader), stage, None)
            for reader in readers()
            for stage in ("held", "folded")
        }
        behind = [{"what": each.what, "events": each.events, "since": each.since} for each in self.behind]
        return {
            "service": self.service,
            "commune": self.commune,
            "head": self.head,
            "time": self.time,
            "published": self.published,
            **reached,
            "behind": behind,
            "stops": self.stops,
            "stopped": self.stopped,
        }


def own_log(installation: Installation, service: str) -> Log:
    """A service's log to read from. Nothing else of the service is opened: neither its channels nor its keys."""
    return Log(installation.engine(service), service)


def held_logs(installation: Installation, reader: str) -> dict[str, Log]:
    """The logs that a reader folds, by their source: replicas of its own when there is a broker."""
    sources = readers()[reader].sources
    if installation.settings.kafka:
        return {source: Log(installation.engine(reader), source) for source in sources}
    return {source: own_log(installation, source) for source in sources}


def progress_of_logs(installation: Installation, commune: str | None = None) -> Iterator[LogProgress]:
    """Service by service, commune by commune; or of one commune."""
    held = {reader: held_logs(installation, reader) for reader in readers()}
    # Readers are looked at before the logs they read: one may seem to be behind, and never to be ahead.
    folded = {reader: all_positions(installation.engine(reader), records.name) for reader, records in readers().items()}
    for service in SERVICES:
        own = own_log(installation, service)
        published = own.published() if installation.settings.kafka else None
        copies = {reader: (logs[service], logs[service].heads()) for reader, logs in held.items() if service in logs}
        broken = {reader: log.broken() for reader, (log, _) in copies.items()}
        owners = own.heads()
        for name in sorted(owners.keys() | {name for _, heads in copies.values() for name in heads}):
            if commune not in (None, name):
                continue
            head = owners.get(name, EMPTY)
            reached: dict[str, Reached] = {}
            stops: list[Stopped] = []
            for reader, (log, heads) in copies.items():
                at = folded[reader].get(name, {}).get(service)
                holds = heads.get(name, EMPTY)
                reached[reader] = Reached(holds.position, at.position if at else 0)
                stops += _stops(reader, log, name, broken[reader].get(name) or _differs(holds, head), at)
                if holds.position > head.position:
                    reason = f"{service} chỉ đến {head.position}, bản sao đến {holds.position}"
                    stops.append(Stopped(reader, "ahead", head.position + 1, None, reason))
            until = None if published is None else published.get(name, 0)
            behind = [
                Behind(stage, reader, head.position - position, _time_of(own, name, position + 1) or head.time)
                for stage, reader, position in _stages(until, reached)
                if position < head.position
            ]
            yield LogProgress(service, name, head.position, head.time, until, reached, behind, stops)


def _stages(published: int | None, reached: Mapping[str, Reached]) -> Iterator[tuple[str, str | None, int]]:
    if published is not None:
        yield "published", None, published
    for reader, at in reached.items():
        yield "held", reader, at.held
        yield "folded", reader, at.folded


def _differs(held: Head, owners: Head) -> str | None:
    differs = held.position == owners.position and held.hash != owners.hash
    return f"sự kiện {held.position} khác với nơi sở hữu" if differs else None


def _stops(reader: str, log: Log, commune: str, broken: str | None, at: Position | None) -> Iterator[Stopped]:
    if broken:
        yield Stopped(reader, "broken", log.head(commune).position + 1, None, broken)
    version = readers()[reader].fold_version
    if at and at.fold_version > version:
        reason = f"dữ liệu đọc do bản phần mềm mới hơn dựng (fold {at.fold_version}, bản này {version})"
        yield Stopped(reader, "outdated", at.position + 1, None, reason)
    elif at and at.parked:
        yield Stopped(reader, "parked", at.position + 1, _time_of(log, commune, at.position + 1), at.parked)


def _time_of(log: Log, commune: str, position: int) -> str | None:
    bodies = log.read(commune, position - 1, 1)
    return _recorded(bodies[0]).time if bodies else None


class _Recorded(msgspec.Struct):
    time: str


_recorded = decoder(_Recorded)
