"""Rebuild of scoring from its local log, beside the eventsourcing library reading as many of its own events.

Ours reads, checks source, position, hash and time, decodes every event by its type, folds, and replaces the rows. The
library's are the first of the same events, stored as its own by an ordinary application as it is documented: aggregate
events with typed fields, the default transcoder, transcodings for dates and value objects. It only reads and decodes
them, so every ratio is to its advantage:

- its event store, aggregate by aggregate, as its repository does before it folds;
- its notification log in sections of its default size, as its own followers do;
- its recorder asked directly for pages of 1,000, past the log, whose sections are of at most 10 unless set otherwise.

The first two are what its users do, and the floor is held against the faster of them; the third shows what is left
for those who know its inside.
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_type_hints
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import JSONTranscoder, Transcoding
from eventsourcing.system import NotificationLogReader

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

        rate, by_aggregate, by_section, by_page = in_turn(
            ROUNDS,
            ours,
            lambda: in_child("bench.rebuild:read_event_store", library),
            lambda: in_child("bench.rebuild:read_notification_log", library),
            lambda: in_child("bench.rebuild:read_pages", library),
        )
    what = f"rebuild scoring, {events:,} events, {communes} communes"
    show(what, f"{rate:,.0f} events/s", bound="≥ 200,000/s", ok=rate >= 200_000)
    beside = "eventsourcing, event store" if by_aggregate > by_section else "eventsourcing, its log"
    show_rates(
        "  beside a library that reads and decodes only", rate, "events", beside, max(by_aggregate, by_section), 5
    )
    show("    its event store, by aggregate", f"{by_aggregate:,.0f} events/s", ratio=rate / by_aggregate)
    show("    its notification log, by section", f"{by_section:,.0f} events/s", ratio=rate / by_section)
    show("    its recorder, pages of 1,000", f"{by_page:,.0f} events/s", ratio=rate / by_page)
    peak = max(peaks)
    show("  memory at its peak", f"{peak / MEBIBYTE:,.0f} MiB", bound="< 500 MB", ok=peak < 500e6)


def rebuild(path: str) -> tuple[float, int]:
    """Events a second (read, chain checked, decoded, folded, rows replaced and committed), and the peak of memory."""
    engine = open_database(f"sqlite:///{path}")
    runner = Runner(engine, {source: Log(engine, source) for source in SOURCES}, PROJECTION)
    begin = time.perf_counter()
    events = runner.rebuild()
    return events / (time.perf_counter() - begin), peak_memory()


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
            return _fields(obj)

        def decode(self, data: dict[str, Any]) -> Any:
            return kind(**data)

    return AsDict()


_values: list[type[Data]] = [DayOff, WorkingWeekend, Due, Evidence, Exceeded, Item, Recurrence]
VALUES = [DateAsISO(), *(value_object(kind) for kind in _values)]


def _fields(data: Any) -> dict[str, Any]:
    return {field: getattr(data, field) for field in data.__struct_fields__}


def _first(path: str, number: int) -> Iterator[list[Envelope]]:
    """The first events of the file, page by page."""
    log, left = Log(open_database(f"sqlite:///{path}"), "tasks"), number
    for commune in sorted(log.heads()):
        for first in range(0, log.head(commune).position, PAGE):
            bodies = log.read(commune, first, PAGE)[:left]
            left -= len(bodies)
            yield [decode(body) for body in bodies]


def _of_library(event: Envelope) -> Aggregate.Event:
    kind = getattr(Subject, type(event.data).__name__)
    made: Aggregate.Event = kind(
        originator_id=uuid5(NAMESPACE_URL, f"{event.commune}/{event.subject}"),
        originator_version=event.streamversion,
        timestamp=datetime.fromisoformat(event.time),
        id=event.id,
        commune=event.commune,
        position=event.position,
        actor=event.actor,
        **_fields(event.data),
    )
    return made


class Subject(Aggregate):
    """What our events are about; each type of ours is an event class of it, with the same fields."""


for _type in CATALOGUE:
    _name, _own = _type.data.__name__, {"id": str, "commune": str, "position": int, "actor": str}
    _annotations = _own | dict.fromkeys(get_type_hints(_type.data), Any)
    _body = {"__annotations__": _annotations, "__module__": __name__, "__qualname__": f"Subject.{_name}"}
    setattr(Subject, _name, type(_name, (Aggregate.Event,), _body))


class Subjects(Application[UUID]):
    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        super().register_transcodings(transcoder)
        for transcoding in VALUES:
            transcoder.register(transcoding)


def _application(library: str) -> Subjects:
    return Subjects(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": library})


def store_in_library(path: str, library: str, number: int) -> None:
    application = _application(library)
    for events in _first(path, number):
        application.events.put(list(map(_of_library, events)))


def read_event_store(library: str) -> float:
    """Events a second, aggregate after aggregate."""
    application = _application(library)
    pages = NotificationLogReader(application.notification_log).select(start=1)
    aggregates = list(dict.fromkeys(notification.originator_id for page in pages for notification in page))
    begin, read = time.perf_counter(), 0
    for aggregate in aggregates:
        read += sum(1 for _ in application.events.get(aggregate))
    return read / (time.perf_counter() - begin)


def read_notification_log(library: str) -> float:
    """Events a second, in the order of recording."""
    application = _application(library)
    begin, read = time.perf_counter(), 0
    for page in NotificationLogReader(application.notification_log).select(start=1):
        for notification in page:
            application.mapper.to_domain_event(notification)
        read += len(page)
    return read / (time.perf_counter() - begin)


def read_pages(library: str) -> float:
    """Events a second, in the order of recording."""
    application = _application(library)
    begin, read = time.perf_counter(), 0
    while page := application.recorder.select_notifications(start=read + 1, limit=PAGE):
        for notification in page:
            application.mapper.to_domain_event(notification)
        read += len(page)
    return read / (time.perf_counter() - begin)
