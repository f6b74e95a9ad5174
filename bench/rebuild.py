"""Rebuild of scoring from its local log, beside the eventsourcing library reading as many of its own events."""

import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, Transcoding, UUIDAsHex
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from bench.measure import MEBIBYTE, in_child, in_turn, peak_memory, show, show_rates
from bench.servers import Servers
from services.scoring.views import PROJECTION, SOURCES
from shared.eventlog import Log, open_database
from shared.events import (
    CATALOGUE,
    Data,
    DayOff,
    Due,
    Envelope,
    Evidence,
    Exceeded,
    Item,
    Recurrence,
    WorkingWeekend,
    decode,
)
from shared.projection import Runner

SIZES = {False: (1_000_000, 30), True: (60_000, 6)}  # quick → events, communes
LIBRARY_EVENTS = {False: 100_000, True: 20_000}
ROUNDS = 5
PAGE = 1000


def run(quick: bool, _: Servers) -> None:
    events, communes = SIZES[quick]
    path = in_child("bench.generate:log_file", events, communes)
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder, "library.db"))
        in_child("bench.rebuild:store_in_library", path, library, LIBRARY_EVENTS[quick])
        peaks: list[float] = []

        def ours() -> float:
            rate, peak = in_child("bench.rebuild:rebuild", path)
            peaks.append(peak)
            return float(rate)

        rate, theirs = in_turn(ROUNDS, ours, lambda: in_child("bench.rebuild:read_with_library", library))
    what = f"rebuild scoring, {events:,} events, {communes} communes"
    show(what, f"{rate:,.0f} events/s", bound="≥ 200,000/s", ok=rate >= 200_000)
    show_rates("  beside a library that reads and decodes only", rate, "events", "eventsourcing", theirs, 5)
    peak = max(peaks)
    show("  memory at its peak", f"{peak / MEBIBYTE:,.0f} MiB", bound="< 500 MB", ok=peak < 500e6)


def rebuild(path: str) -> tuple[float, int]:
    """Events a second (read, chain checked, decoded, folded, rows replaced and committed), and the peak of memory."""
    engine = open_database(f"sqlite:///{path}")
    runner = Runner(engine, {source: Log(engine, source) for source in SOURCES}, PROJECTION)
    begin = time.perf_counter()
    events = runner.rebuild()
    return events / (time.perf_counter() - begin), peak_memory()


class Recorded(DomainEvent):
    """An event of ours as one of the library's; `data` is typed here as it is there."""

    id: str
    type: str
    subject: str
    commune: str
    position: int
    actor: str
    data: Data


class DateAsISO(Transcoding):
    type = date
    name = "date"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


def value_object(kind: type[Data]) -> Transcoding:
    """How the library takes a type of its user's: fields as a dict, put together again by name."""

    class AsDict(Transcoding):
        type = kind
        name = kind.__name__

        def encode(self, obj: Any) -> dict[str, Any]:
            return {field: getattr(obj, field) for field in obj.__struct_fields__}

        def decode(self, data: dict[str, Any]) -> Any:
            return kind(**data)

    return AsDict()


def store_in_library(path: str, library: str, number: int) -> None:
    engine = open_database(f"sqlite:///{path}")
    recorder, mapper = _library(library)
    recorder.create_table()
    log, stored = Log(engine, "tasks"), 0
    for commune in sorted(log.heads()):
        for first in range(0, log.head(commune).position, PAGE):
            bodies = log.read(commune, first, PAGE)[: number - stored]
            recorder.insert_events([mapper.to_stored_event(_recorded(decode(body))) for body in bodies])
            stored += len(bodies)


def _recorded(event: Envelope) -> Recorded:
    return Recorded(
        originator_id=uuid5(NAMESPACE_URL, f"{event.commune}/{event.subject}"),
        originator_version=event.streamversion,
        timestamp=datetime.fromisoformat(event.time),
        id=event.id,
        type=event.type,
        subject=event.subject,
        commune=event.commune,
        position=event.position,
        actor=event.actor,
        data=event.data,
    )


def read_with_library(library: str) -> float:
    """Events a second, read as notifications and decoded by its mapper; nothing is verified, folded or written."""
    recorder, mapper = _library(library)
    begin, read = time.perf_counter(), 0
    while page := recorder.select_notifications(start=read + 1, limit=PAGE):
        for notification in page:
            mapper.to_domain_event(notification)
        read += len(page)
    return read / (time.perf_counter() - begin)


def _library(path: str) -> tuple[SQLiteApplicationRecorder, Mapper[UUID]]:
    transcoder = JSONTranscoder()
    values = [DayOff, WorkingWeekend, Due, Evidence, Exceeded, Item, Recurrence]
    for transcoding in (UUIDAsHex(), DatetimeAsISO(), DateAsISO()):
        transcoder.register(transcoding)
    for kind in [*values, *(event.data for event in CATALOGUE)]:
        transcoder.register(value_object(kind))
    return SQLiteApplicationRecorder(SQLiteDatastore(path)), Mapper(transcoder)
