"""Logs recorded by released versions, replayed by this one: the same facts and sheets, byte for byte.

`v1/` holds the demo year as the first version recorded it, `v2/` a year under nd335 with its whole procedure.
The logs are never edited once they are released; what a rule set or a figure's wording adds is written anew with
`python -m tests.golden.test_golden` and read in the diff.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from services.scoring.domain.fold import evolve
from services.scoring.domain.records import Records
from services.scoring.domain.sheet import sheet_bytes, sheets
from services.scoring.domain.table import table as table_of
from services.scoring.domain.table import table_bytes
from services.scoring.recheck import Checked, recheck
from services.tasks.domain.streams import evolve as evolve_stream
from shared.eventlog import Log, open_database, tables
from shared.eventlog.chain import EMPTY, follow
from shared.events import decode, event_hash

FOLDER = Path(__file__).parent
COMMUNE = "tien-canh"


class Recorded(NamedTuple):
    """The rating year of a log, the days as of whose ends it is looked at, and how many proposals it holds."""

    year: int
    days: tuple[date, ...]
    proposals: int


# While the year goes on, about the cut-off, and long after.
VERSIONS = {
    "v1": Recorded(2024, (date(2024, 9, 30), date(2024, 12, 11), date(2026, 1, 1)), 0),
    "v2": Recorded(2026, (date(2026, 6, 30), date(2026, 12, 12), date(2026, 12, 31), date(2027, 1, 31)), 9),
}


def lines(version: str, source: str) -> list[bytes]:
    return (FOLDER / version / f"{source}.jsonl").read_bytes().splitlines()


def records_until(version: str, day: date) -> Records:
    records = Records(COMMUNE)
    for source in ("tasks", "scoring"):
        for envelope in map(decode, lines(version, source)):
            if envelope.day <= day:
                evolve(records, envelope)
    return records


def results(version: str) -> dict[str, dict[str, str]]:
    """Per day the SHA-256 of the year's table and of every sheet, with the level."""
    found = {}
    year, days, _ = VERSIONS[version]
    for day in days:
        records = records_until(version, day)
        of_day = {"table": event_hash(table_bytes(table_of(records, year, on=day)))}
        for sheet in sheets(records, year, day):
            of_day[sheet.staff] = f"{sheet.level} {event_hash(sheet_bytes(sheet))}"
        found[day.isoformat()] = of_day
    return found


@contextmanager
def logs_of(version: str, folder: Path) -> Iterator[dict[str, Log]]:
    """The recorded bytes in a database, as a replica takes them."""
    engine = open_database(f"sqlite:///{folder / 'replica.db'}")
    tables.metadata.create_all(engine)
    logs = {source: Log(engine, source) for source in ("tasks", "scoring")}
    for source, log in logs.items():
        log.append_verbatim(COMMUNE, lines(version, source))
    yield logs
    engine.dispose()


def test_every_recorded_year_is_replayed():
    assert sorted(path.name for path in FOLDER.glob("v*") if path.is_dir()) == sorted(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("source", ["tasks", "scoring"])
def test_a_recorded_log_is_whole_and_every_event_is_read(version: str, source: str):
    bodies = lines(version, source)
    [*_, (head, _, _)] = follow(EMPTY, bodies, source, COMMUNE)
    assert head.position == len(bodies)
    assert all(decode(body).data is not None for body in bodies)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_log_gives_the_recorded_results(version: str):
    expected = msgspec.json.decode((FOLDER / version / "results.json").read_bytes())
    assert results(version) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_proposal_is_computed_again_to_the_byte(version: str, tmp_path: Path):
    year, days, proposals = VERSIONS[version]
    with logs_of(version, tmp_path) as logs:
        found: list[Checked] = recheck(logs, COMMUNE, records_until(version, days[-1]), year, every=True)
    assert len(found) == proposals
    assert [each for each in found if each.findings] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tasks_service_reads_its_own_recorded_log(version: str):
    states: dict[str, object] = {}
    for envelope in map(decode, lines(version, "tasks")):
        states[envelope.subject] = evolve_stream(states.get(envelope.subject), envelope)
    assert None not in states.values()


def write_results(version: str) -> None:
    written = msgspec.json.format(msgspec.json.encode(results(version)), indent=1)
    (FOLDER / version / "results.json").write_bytes(written + b"\n")


if __name__ == "__main__":
    for each in VERSIONS:
        write_results(each)
