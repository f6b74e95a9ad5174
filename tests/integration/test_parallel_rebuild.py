"""A rebuild over several processes leaves the rows that one process leaves, and stops only at what cannot be folded."""

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.scoring.service import open_scoring
from services.scoring.tables import metadata, records
from services.scoring.views import PROJECTION
from shared.eventlog import EVERY_COMMUNE, open_database, reading, tables
from shared.projection import Runner, all_positions
from shared.projection.parallel import rebuild
from tests.support.histories import History, appointed, assigned, completed, opened, reported

COMMUNES = [f"xa-{number}" for number in range(6)]


def open_runner(path: str) -> Runner:
    scoring = open_scoring(open_database(f"sqlite:///{path}"))
    return Runner(scoring.engine, scoring.logs, PROJECTION)


def history(commune: str) -> History:
    return (
        History(commune)
        .record("1/1", opened(), appointed("p07"))
        .record("14/6", assigned("t1", lead="p07"))
        .record("28/6", reported("t1", on="28/6"))
        .record("1/7", completed("t1", on="28/6"))
    )


def rows(runner: Runner) -> list[Any]:
    with reading(runner.engine, EVERY_COMMUNE) as connection:
        found = connection.execute(select(records).order_by(records.c.commune, records.c.kind, records.c.id))
        return [tuple(row) for row in found]


def filled(path: Path) -> Runner:
    runner = open_runner(str(path))
    tables.metadata.create_all(runner.engine)
    metadata.create_all(runner.engine)
    for commune in COMMUNES:
        runner.logs["tasks"].append_verbatim(commune, history(commune).bodies["tasks"])
    return runner


def test_several_processes_leave_the_same_rows_as_one(tmp_path: Path):
    path = tmp_path / "scoring.db"
    runner = filled(path)
    alone = runner.rebuild(COMMUNES)
    expected, reached = rows(runner), all_positions(runner.engine, PROJECTION.name)
    with runner.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM records")
    told: list[tuple[str, int, int]] = []
    folded = rebuild(partial(open_runner, str(path)), COMMUNES, 2, lambda *of: told.append(of))
    assert folded == alone
    assert rows(runner) == expected
    assert all_positions(runner.engine, PROJECTION.name) == reached
    assert sorted(commune for commune, _, _ in told) == COMMUNES
    assert [(done, total) for _, done, total in told] == [(number, 6) for number in range(1, 7)]
    runner.engine.dispose()


def test_a_commune_that_cannot_be_folded_stops_no_other(tmp_path: Path):
    path = tmp_path / "scoring.db"
    runner = filled(path)
    with runner.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE events SET body = X'7B7D' WHERE commune = 'xa-3' AND position = 4")
    rebuild(partial(open_runner, str(path)), COMMUNES, 2)
    reached = all_positions(runner.engine, PROJECTION.name)
    assert [commune for commune in COMMUNES if reached[commune]["tasks"].parked] == ["xa-3"]
    assert {commune for commune in COMMUNES if reached[commune]["tasks"].position == 5} == {*COMMUNES} - {"xa-3"}
    runner.engine.dispose()
