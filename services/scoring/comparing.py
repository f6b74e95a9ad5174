"""Compare two moments of a commune's logs: what changed a person's sheet between them."""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from services.scoring.domain import refusals
from services.scoring.domain.differences import Differences, differences
from services.scoring.views import SOURCES, Known, Moment, known_at, moment_at, must_have_reached, pins
from shared.eventlog import Log
from shared.eventlog.chain import Head, decode_verified
from shared.events import Envelope, format_time
from shared.projection import CannotFold
from shared.records import FoldError


class Compared(msgspec.Struct):
    """The differences, and the pins of both moments."""

    first: Known
    last: Known
    result: Differences


def compare(
    logs: Mapping[str, Log], commune: str, year: int, staff: str, query: Mapping[str, Any], now: datetime
) -> Compared:
    """What changed a person's sheet between `first` and `last` of the query (default `now`).

    Refuses `staff-unknown`, `position-unknown`, and `moments-reversed` when the second lies before the first.
    """
    last = _moment(logs, commune, query["last"] or format_time(now))
    first = _moment(logs, commune, query["first"])
    if first.on > last.on or any(first.positions[source] > last.positions[source] for source in SOURCES):
        raise refusals.MOMENTS_REVERSED()
    known = known_at(logs, commune, first)
    events = _between(logs, commune, known, last.positions)
    try:
        found = differences(known.records, year, staff, first.on, last.on, events)
    except FoldError as error:
        at = error.envelope
        raise CannotFold(at.source.strip("/"), commune, at.position, error) from error
    if staff not in known.records.people:
        raise refusals.STAFF_UNKNOWN(staff=staff)
    return Compared(known, Known(known.records, last.on, pins(logs, commune, last.positions)), found)


def _moment(logs: Mapping[str, Log], commune: str, asked: str | Moment) -> Moment:
    if isinstance(asked, str):
        return moment_at(logs, commune, asked)
    must_have_reached(logs, commune, asked.positions)
    return asked


def _between(logs: Mapping[str, Log], commune: str, first: Known, last: Mapping[str, int]) -> Iterator[Envelope]:
    """The events behind the one moment and not behind the other, in the order of their recorded times."""
    of_each = [
        _events(logs[pin.source], commune, Head(pin.position, pin.hash, ""), last[pin.source]) for pin in first.inputs
    ]
    return heapq.merge(*of_each, key=lambda event: (event.time, event.source, event.position))


def _events(log: Log, commune: str, head: Head, until: int) -> Iterator[Envelope]:
    bodies = log.read_all(commune, head.position, until)
    return (event for event, _ in decode_verified(log.source, commune, head, bodies))
