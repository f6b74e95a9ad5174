"""The product beside the stand-alone verifier, which was written from the rules alone: on random years they agree."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.fold import evolve
from services.scoring.domain.records import Records
from services.scoring.domain.sheet import Sheet, rated_staff, sheet, sheet_bytes
from shared.events import decode
from tests.support.random_years import STAFF, RandomYear
from verifier import rating

Logs = dict[str, list[bytes]]


def logs_until(whole: Logs, day: date) -> Logs:
    """What was recorded by the end of a day in Vietnam."""
    return {source: [body for body in bodies if decode(body).day <= day] for source, bodies in whole.items()}


def folded(logs: Logs) -> Records:
    records = Records("tien-canh")
    for source in ("tasks", "scoring"):
        for body in logs[source]:
            evolve(records, decode(body))
    return records


def read_from_rows(records: Records) -> Records:
    """As a service that starts anew reads them."""
    anew = Records(records.commune)
    for kind, key, body in records.rows():
        anew.put(kind, key, Records.decode(kind, body))
    return anew


def differences(found: Sheet, expected: dict[str, Any]) -> Iterator[str]:
    """Where the sheet says something else. Of nd90 the oracle leaves mere listings out, of nd335 nothing."""
    for name in ("rule_set", "level"):
        if getattr(found, name) != expected[name]:
            yield f"{name}: {getattr(found, name)}, the oracle says {expected[name]}"
    ours = {name: str(value) for name, value in found.figures.items()}
    theirs = {name: str(value) for name, value in expected["figures"].items()}
    names = set(theirs) | (set(ours) if found.rule_set == "nd335" else set())
    for name in sorted(names):
        if ours.get(name) != theirs.get(name):
            yield f"{name}: {ours.get(name)}, the oracle says {theirs.get(name)}"


def disagreements(seed: int, year: int, steps: int, looks: int) -> Iterator[str]:
    random = Random(seed)
    whole: Logs = RandomYear(random, year, steps).history.bodies
    for _ in range(looks):
        # Known until one day, looked at on that or a later one.
        known = date(year, 1, 20) + timedelta(days=random.randint(0, 430))
        on = known + timedelta(days=random.choice((0, 0, 0, 1, 30, 300)))
        logs = logs_until(whole, known)
        records = folded(logs)
        oracle_logs = {source: [json.loads(body) for body in bodies] for source, bodies in logs.items()}
        if rated_staff(records, year, on=on) != rating.rated_staff(oracle_logs, year, on):
            yield f"{known} {on}: who is rated"
        for staff in STAFF:
            expected = rating.rate(oracle_logs, year, staff, on)
            for one in differences(sheet(records, year, staff, on=on), expected):
                yield f"known {known}, on {on}, {staff}: {one}"


@pytest.mark.parametrize("year", [2024, 2026])
@given(seed=st.integers(0, 2**32), steps=st.sampled_from((30, 80, 200)))
@settings(max_examples=200, deadline=None)
def test_product_and_oracle_agree_as_of_any_day(year: int, seed: int, steps: int) -> None:
    assert list(disagreements(seed, year, steps, looks=3)) == []


def unlike(seed: int, year: int, steps: int) -> Iterator[str]:
    """Records cut to a random position of each log, and those read from their rows, beside folding only so far."""
    random = Random(seed)
    whole: Logs = RandomYear(random, year, steps).history.bodies
    positions = {source: random.randint(0, len(bodies)) for source, bodies in whole.items()}
    so_far = folded({source: bodies[: positions[source]] for source, bodies in whole.items()})
    on = date(year, 1, 20) + timedelta(days=random.randint(0, 430))
    ways = {"until": folded(whole).until(positions), "rows": read_from_rows(so_far)}
    for staff in sorted(so_far.people):
        expected = sheet_bytes(sheet(so_far, year, staff, on=on))
        for name, records in ways.items():
            if sheet_bytes(sheet(records, year, staff, on=on)) != expected:
                yield f"{name} {positions}, on {on}, {staff}: another sheet"


@pytest.mark.parametrize("year", [2024, 2026])
@given(seed=st.integers(0, 2**32), steps=st.sampled_from((30, 80, 200)))
@settings(max_examples=150, deadline=None)
def test_records_cut_or_read_again_give_the_sheets_of_a_fold_so_far(year: int, seed: int, steps: int) -> None:
    assert list(unlike(seed, year, steps)) == []
