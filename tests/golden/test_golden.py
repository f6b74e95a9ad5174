"""Logs recorded by released versions, replayed by this one: the same facts and sheets, byte for byte.

`v1/` holds the demo year as this release's first version recorded it. The files are never edited; what a rule set or
a figure's wording adds is written anew with `python -m tests.golden.test_golden` and read in the diff.
"""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from services.scoring.domain.fold import empty, evolve
from services.scoring.domain.records import Records
from services.scoring.domain.sheet import sheet_bytes, sheets
from services.scoring.domain.table import table as table_of
from services.scoring.domain.table import table_bytes
from services.tasks.domain.streams import evolve as evolve_stream
from shared.eventlog.chain import EMPTY, follow
from shared.events import decode, event_hash

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name.startswith("v"))
# While the year goes on, just after the cut-off, and long after.
DAYS = (date(2024, 9, 30), date(2024, 12, 11), date(2026, 1, 1))


def lines(version: str, source: str) -> list[bytes]:
    return (FOLDER / version / f"{source}.jsonl").read_bytes().splitlines()


def records_until(version: str, day: date) -> Records:
    records = empty("tien-canh")
    for source in ("tasks", "scoring"):
        for envelope in map(decode, lines(version, source)):
            if envelope.day <= day:
                evolve(records, envelope)
    return records


def results(version: str) -> dict[str, dict[str, str]]:
    """Per day the SHA-256 of the year's table and of every sheet, with the level."""
    found = {}
    for day in DAYS:
        records = records_until(version, day)
        of_day = {"table": event_hash(table_bytes(table_of(records, 2024, on=day)))}
        for sheet in sheets(records, 2024, day):
            of_day[sheet.staff] = f"{sheet.level} {event_hash(sheet_bytes(sheet))}"
        found[day.isoformat()] = of_day
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("source", ["tasks", "scoring"])
def test_a_recorded_log_is_whole_and_every_event_is_read(version: str, source: str):
    bodies = lines(version, source)
    [*_, (head, _, _)] = follow(EMPTY, bodies, source, "tien-canh")
    assert head.position == len(bodies)
    assert all(decode(body).data is not None for body in bodies)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_log_gives_the_recorded_results(version: str):
    expected = msgspec.json.decode((FOLDER / version / "results.json").read_bytes())
    assert results(version) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tasks_service_reads_its_own_recorded_log(version: str):
    states: dict[str, object] = {}
    for envelope in map(decode, lines(version, "tasks")):
        states[envelope.subject] = evolve_stream(states.get(envelope.subject), envelope)
    assert None not in states.values()


if __name__ == "__main__":
    for each in VERSIONS:
        written = msgspec.json.format(msgspec.json.encode(results(each)), indent=1)
        (FOLDER / each / "results.json").write_bytes(written + b"\n")
