"""The tail: what was recorded after a backup was taken, from every database and topic that still holds it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

import msgspec
from kafka.errors import KafkaError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cchc.services import SERVICES
from shared.eventlog import EMPTY, Ahead, Busy, ChainBreak, Head, Log, writing
from shared.eventlog.broker import Broker
from shared.eventlog.kafka import TopicMissing
from shared.eventlog.replica import Filled, fill_from_topic
from shared.eventlog.seals import Keys

TOPIC = "topic"
BATCH = 500


class HolderAway(Exception):
    """A possible holder of the tail can't be read: a person has to decide whether to go on without it."""

    def __init__(self, holder: str, reason: object) -> None:
        super().__init__(f"{holder}: {reason}")
        self.holder, self.reason = holder, reason


class Contradiction(Exception):
    """Two holders have different events in the same place, or one lacks what comes before the events that it has."""

    def __init__(self, holder: str, reason: object) -> None:
        super().__init__(f"{holder}: {reason}")
        self.holder, self.reason = holder, reason


class NotSealed(Exception):
    """A topic that only releases before seals wrote holds more: a person has to decide whether to trust it."""

    def __init__(self, source: str, count: int) -> None:
        super().__init__(f"{source}: {count}")
        self.source, self.count = source, count


class Topic(msgspec.Struct, frozen=True):
    """The broker of the topics, the public keys of each service's seals; `trusting` takes what no seal vouches for."""

    broker: Broker
    keys: Callable[[str], Keys]
    trusting: bool = False


class Grown(msgspec.Struct, frozen=True):
    """How far one log of a commune came: its end in the backup, its end now, and how many events each holder gave."""

    source: str
    commune: str
    restored: Head
    head: Head
    taken: dict[str, int]


def fetch_tail(log: Log, databases: Mapping[str, Engine], topic: Topic | None) -> tuple[list[Grown], list[str], int]:
    """Append verbatim what these databases and the topic have of this log beyond its end; returns also which of them
    hold any of it, and how many records of the topic the service did not publish.

    The longest wins; what another has in a place is compared with what is there already. Raises HolderAway,
    Contradiction, NotSealed; what was taken before is kept. Nothing else may append meanwhile.
    """
    begin = log.heads()
    taken: dict[str, dict[str, int]] = {}
    holders = []
    for name, engine in databases.items():
        held = Log(engine, log.source)
        with _holder_away(name):
            communes = held.heads()
        for commune in communes:
            if count := take_over(name, held, log, commune):
                taken.setdefault(commune, {})[name] = count
        holders += [name] if communes else []
    rejected = 0
    if topic:
        before = log.heads()
        filled = _take_from_topic(log, topic)
        holders += [TOPIC] if filled.records else []
        rejected = filled.rejected + sum(filled.unsealed.values())
        for commune, head in log.heads().items():
            if count := head.position - before.get(commune, EMPTY).position:
                taken.setdefault(commune, {})[TOPIC] = count
    grown = [
        Grown(log.source, commune, begin.get(commune, EMPTY), head, taken.get(commune, {}))
        for commune, head in sorted(log.heads().items())
    ]
    return grown, holders, rejected


def take_over(holder: str, held: Log, into: Log, commune: str) -> int:
    """Append one commune's events from another copy of a log; returns how many were new. From the last event that
    both have, which is compared: its hash stands for all before it. Raises HolderAway, Contradiction."""
    with _holder_away(holder):
        shared = min(held.head(commune).position, into.head(commune).position)
    bodies = _read(holder, held, commune, max(shared - 1, 0))
    count = 0
    while batch := list(islice(bodies, BATCH)):
        try:
            count += into.append_verbatim(commune, batch, mark_broken=False)
        except (Ahead, ChainBreak) as error:
            raise Contradiction(holder, error) from error
    return count


def rebuild_own_tables(service: str, engine: Engine, communes: Collection[str]) -> None:
    """Appending writes the tables of a service's own log; taking events over does not."""
    if rebuild := SERVICES[service].rebuild_own:
        for commune in communes:
            with writing(engine, commune) as connection:
                rebuild(connection, commune, Log(engine, service))


def _read(holder: str, held: Log, commune: str, after: int) -> Iterator[bytes]:
    with _holder_away(holder):
        yield from held.read_all(commune, after, batch=BATCH)


@contextmanager
def _holder_away(holder: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, Busy) as error:
        raise HolderAway(holder, getattr(error, "orig", None) or error) from error


def _take_from_topic(log: Log, topic: Topic) -> Filled:
    keys = topic.keys(log.source)
    try:
        filled = fill_from_topic(log, topic.broker, keys, mark_broken=False, trusting=topic.trusting)
    except (KafkaError, TopicMissing) as error:
        raise HolderAway(TOPIC, error) from error
    problems = [*filled.broken.values()]
    problems += [f"{log.source}/{commune}: thiếu từ vị trí {at}" for commune, at in filled.gaps.items()]
    if problems:
        raise Contradiction(TOPIC, "; ".join(problems))
    if filled.unsealed and not filled.sealed and not topic.trusting:
        raise NotSealed(log.source, sum(filled.unsealed.values()))
    return filled
