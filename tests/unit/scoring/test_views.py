"""The rows of scoring's records, as a rebuild replaces them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from services.scoring import tables
from services.scoring.domain.records import PersonRecord, Records
from services.scoring.views import PROJECTION
from shared.eventlog import EVERY_COMMUNE, open_database, reading, writing


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'scoring.db'}")
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


def records(commune: str, *people: str) -> Records:
    made = Records(commune)
    for staff in people:
        made.put("person", staff, PersonRecord(staff, []))
    return made


def test_a_rebuild_takes_out_what_it_no_longer_keeps_and_leaves_other_communes_alone(engine: Engine):
    for state in (records("a", "p1", "p2"), records("b", "p1", "p2"), records("a", "p2", "p3")):
        with writing(engine, state.commune) as connection:
            PROJECTION.replace(connection, state.commune, state)
    with reading(engine, EVERY_COMMUNE) as connection:
        rows = connection.execute(select(tables.records.c.commune, tables.records.c.id)).all()
    assert sorted(map(tuple, rows)) == [("a", "p2"), ("a", "p3"), ("b", "p1"), ("b", "p2")]
