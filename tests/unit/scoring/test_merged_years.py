"""A year that is cut in two by a merger gives the figures of the same year uncut (docs/adr/0019)."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from services.scoring.domain.sheet import rated_staff, sheets
from services.tasks.domain.merging import Ids, Merger, beginning, former, ids_of, moved
from shared.events import (
    Data,
    Envelope,
    PeriodClosed,
    PeriodReopened,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    TaskCarriedOver,
    UnitDefined,
    past_events,
)
from tests.support.histories import COMMUNE, History
from tests.support.random_years import STAFF, RandomYear
from verifier import rating

# After the merger nobody puts posts of the time before it right.
BEFORE_ONLY = (StaffAppointed, StaffChanged, StaffLeft, UnitDefined)


def of_an_office(envelopes: Iterable[Envelope]) -> list[Envelope]:
    """A random year as an office lives it: no period closed (closings pin the log that they were made in), nobody
    appointed twice or leaving twice."""
    found: list[Envelope] = []
    once: set[tuple[type, str]] = set()
    for envelope in envelopes:
        data = envelope.data
        if isinstance(data, PeriodClosed | PeriodReopened):
            continue
        if isinstance(data, StaffAppointed | StaffLeft):
            if (type(data), data.staff) in once:
                continue
            once.add((type(data), data.staff))
        found.append(envelope)
    return found


def recorded(history: History, envelopes: Iterable[Envelope]) -> History:
    for envelope in envelopes:
        history.record(envelope.day, envelope.data, actor=envelope.actor)
    return history


def as_recorded_there(data: Data, ids: Ids) -> Data:
    if isinstance(data, TaskCarriedOver):
        past = [replace(one, data=msgspec.to_builtins(moved(what, ids))) for one, what in past_events(data)]
        return replace(data, history=past)
    mapped: Data = moved(data, ids)
    return mapped


def merged(whole: list[Envelope], merger: Merger) -> tuple[History, Ids]:
    """The same year whose first half is lived in the former commune and comes over on the day of the merger."""
    before = recorded(History(), [one for one in whole if one.day < merger.on and one.source == "/tasks"])
    old = former(merger, COMMUNE, before.bodies["tasks"])
    ids = ids_of(merger, old, {})
    new = History(merger.commune)
    for stream in beginning(merger, [old], {}, "operator/cchc"):
        new.record(merger.on, *stream.events)
    for envelope in whole:
        if envelope.source == "/scoring" or (envelope.day >= merger.on and not isinstance(envelope.data, BEFORE_ONLY)):
            new.record(envelope.day, as_recorded_there(envelope.data, ids))
    return new, ids


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("year", [2025, 2026])
def test_a_year_cut_by_a_merger_gives_the_same_figures(seed: int, year: int) -> None:
    random = Random(f"{seed} {year}")
    on = date(year, 7, 1) + timedelta(days=random.randint(-60, 60))
    merger = Merger(
        commune="thanh-binh",
        name="xã Thạnh Bình",
        code="20878",
        on=on,
        legal_basis="Nghị quyết 1659/NQ-UBTVQH15",
        communes=[COMMUNE],
        seat=COMMUNE,
    )
    envelopes = of_an_office(RandomYear(random, year, 220).history.envelopes())
    whole = [
        one for one in envelopes if one.day < on or one.source == "/scoring" or not isinstance(one.data, BEFORE_ONLY)
    ]
    uncut = recorded(History(), whole).records()
    history, ids = merged(whole, merger)
    cut = history.records()
    logs = {source: [json.loads(body) for body in bodies] for source, bodies in history.bodies.items()}
    assert rated_staff(cut, year - 1, on=on) == rating.rated_staff(logs, year - 1, on) == []
    for end in (date(year, 12, 31), date(year + 1, 3, 1)):
        assert rated_staff(cut, year, on=end) == rating.rated_staff(logs, year, end)
        expected = sheets(uncut, year, end, STAFF)
        found = sheets(cut, year, end, [ids.staff[staff] for staff in STAFF])
        for one, other in zip(expected, found, strict=True):
            assert (other.figures, other.level) == (one.figures, one.level), one.staff
            assert other.level == rating.rate(logs, year, other.staff, end)["level"]
            assert {name: sorted(of) for name, of in other.lists.items()} == {
                name: sorted(of) for name, of in one.lists.items()
            }
