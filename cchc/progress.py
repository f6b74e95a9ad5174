"""How far every commune's logs have come: published, held by who folds them, folded; and what stands still, and why.

Read from the databases alone: no broker is asked, none can keep the answer waiting.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from cchc.installation import PROJECTIONS, Installation
from cchc.settings import SERVICES
from shared.eventlog import Log
from shared.events import parse_time
from shared.projection import Position, all_positions

# What is under way is behind for a moment; longer than this, somebody should know.
PATIENCE = timedelta(minutes=1)

# Who folds logs → the keys of what they hold of one and how far they have folded it.
READERS = {
    "scoring": ("held_by_scoring", "folded"),
    "notifications": ("held_by_notifications", "folded_by_notifications"),
}

# What may stand still → what to say of it, and what fixes it.
STOPS = {
    "parked": ("dừng đọc", "cập nhật cchc, rồi: cchc rebuild {reader} --commune {commune}"),
    "outdated": ("không đọc tiếp được", "nâng cấp cchc work {reader} lên bản mới"),
    "broken": ("có bản sao không khớp", "cchc verify, rồi: cchc rebuild {reader} --from-kafka --commune {commune}"),
}
# What may be behind → what to say of it, and what fixes it.
BEHIND = {
    "published": ("chưa phát lên Kafka", "cchc work {service}"),
    **{
        key: (f"{reader} chưa {done}", f"cchc work {reader}")
        for reader, keys in READERS.items()
        for key, done in zip(keys, ("nhận", "đọc"), strict=True)
    },
}


class Behind(msgspec.Struct, frozen=True):
    """`what` is a key of Standing; `since` the recorded time of the first of the `events` that it lacks, as stored."""

    what: str
    events: int
    since: str


class Stopped(msgspec.Struct, frozen=True):
    """What does not go on by itself: `reader` holds a broken chain, or parked its fold at `position`, an event that was
    recorded at `since` (None when that event is not held)."""

    reader: str
    what: str
    position: int
    since: str | None
    reason: str


class Standing(msgspec.Struct, frozen=True):
    """One commune's log of one service. A key of what nobody publishes, holds or folds is None."""

    service: str
    commune: str
    head: int
    time: str
    published: int | None = None
    held_by_scoring: int | None = None
    folded: int | None = None
    held_by_notifications: int | None = None
    folded_by_notifications: int | None = None
    behind: list[Behind] = []
    stops: list[Stopped] = []
    stopped: str | None = None

    def late(self, now: datetime) -> list[Behind]:
        """What has been waiting for longer than it should, though nothing stops it."""
        stopped = {key for stop in self.stops for key in READERS[stop.reader]}
        return [each for each in self.behind if each.what not in stopped and now - parse_time(each.since) > PATIENCE]


def own_log(installation: Installation, service: str) -> Log:
    """A service's log to read from. Nothing else of the service is opened: neither its channels nor its keys."""
    return Log(installation.engine(service), service)


def held_logs(installation: Installation, reader: str) -> dict[str, Log]:
    """The logs that a reader folds, by their source: replicas of its own when there is a broker."""
    sources = PROJECTIONS[reader].sources
    if installation.settings.kafka:
        return {source: Log(installation.engine(reader), source) for source in sources}
    return {source: own_log(installation, source) for source in sources}


def standings(installation: Installation, commune: str | None = None) -> Iterator[Standing]:
    """Service by service, commune by commune; or of one commune."""
    held = {reader: held_logs(installation, reader) for reader in READERS}
    # What reads is looked at before what it reads from: it may be behind, and never seems to be ahead.
    folded = {reader: all_positions(installation.engine(reader), PROJECTIONS[reader].name) for reader in READERS}
    for service in SERVICES:
        own = own_log(installation, service)
        published = own.published()
        copies = {reader: (logs[service], logs[service].heads()) for reader, logs in held.items() if service in logs}
        broken = {reader: log.broken() for reader, (log, _) in copies.items()}
        for name, head in sorted(own.heads().items()):
            if commune not in (None, name):
                continue
            reached = {"published": published.get(name, 0)} if installation.settings.kafka else {}
            stops: list[Stopped] = []
            for reader, (log, heads) in copies.items():
                holds, folds = READERS[reader]
                at = folded[reader].get(name, {}).get(service)
                reached[holds] = heads[name].position if name in heads else 0
                reached[folds] = at.position if at else 0
                stops += _stops(reader, log, name, reached[holds], broken[reader].get(name), at)
            behind = [
                Behind(what, head.position - position, _time_of(own, name, position + 1) or head.time)
                for what, position in reached.items()
                if position < head.position
            ]
            reasons = "; ".join(dict.fromkeys(each.reason for each in stops)) or None
            yield Standing(
                service, name, head.position, head.time, **reached, behind=behind, stops=stops, stopped=reasons
            )


def _stops(
    reader: str, log: Log, commune: str, held: int, broken: str | None, at: Position | None
) -> Iterator[Stopped]:
    if broken:
        yield Stopped(reader, "broken", held + 1, None, broken)
    version = PROJECTIONS[reader].fold_version
    if at and at.fold_version > version:
        reason = f"dữ liệu đọc do bản phần mềm mới hơn dựng (fold {at.fold_version}, bản này {version})"
        yield Stopped(reader, "outdated", at.position + 1, None, reason)
    elif at and at.parked:
        yield Stopped(reader, "parked", at.position + 1, _time_of(log, commune, at.position + 1), at.parked)


def _time_of(log: Log, commune: str, position: int) -> str | None:
    bodies = log.read(commune, position - 1, 1)
    return _recorded.decode(bodies[0]).time if bodies else None


class _Recorded(msgspec.Struct):
    time: str


_recorded = msgspec.json.Decoder(_Recorded)
