"""Issue 4's speed: a commune's year as of a day from its log, a province's year rebuilt, decisions computed again.

CCHC_BENCH_EVENTS=10000000 makes the largest province that large.
"""

import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bench import generate
from bench.measure import MEBIBYTE, in_child, in_turn, peak_memory, show
from bench.servers import Servers
from cchc.serve import settle
from services.scoring.domain.sheet import sheet, sheet_bytes
from services.scoring.domain.table import table
from services.scoring.recheck import recheck
from services.scoring.views import PROJECTION, SOURCES, known_at, moment_at, pins
from shared.eventlog import Decision, Log, open_database
from shared.events import RatingDecided, RatingProposed, decode, end_of_day
from shared.projection import Runner, replay
from shared.projection.parallel import rebuild

COMMUNE_YEAR = 10_000  # events
SIZES = {False: (100_000, 1_000_000, 3_000_000), True: (20_000, 60_000)}  # quick → events of provinces
TEMPLATES = 4  # communes that are made up; the others are these under other names
YEAR = generate.FIRST_DAY.year
TASKS_BEGIN = 300 * 24 * 60  # minutes of the year within which tasks are given
END = date(YEAR, 12, 31)
ROUNDS = 5
AIM = 3_000_000 / 18 / 2  # events a second and core


def run(quick: bool, _: Servers) -> None:
    sizes = list(SIZES[quick])
    if "CCHC_BENCH_EVENTS" in os.environ:
        sizes.append(int(os.environ["CCHC_BENCH_EVENTS"]))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "scoring.db"))
        in_child("bench.ratings:fill", path, max(sizes) // COMMUNE_YEAR)
        _as_of(path)
        _recheck(path)
        _province(path, sizes)


def _as_of(path: str) -> None:
    asked = ("a_sheet", "the_table", "read_and_decode")
    one, whole, plain = in_turn(ROUNDS, *(partial(_child, f"bench.ratings:{name}", path) for name in asked))
    beside = f"read and decode {plain * 1000:,.0f} ms"
    for what, took in (("one person's sheet", one), ("the whole table", whole)):
        ok = took < 0.1
        show(f"as of a day, cold, {COMMUNE_YEAR:,} events: {what}", f"{took * 1000:,.0f} ms", beside, took / plain,
             "< 100 ms", ok)  # fmt: skip


def _recheck(path: str) -> None:
    decisions = in_child("bench.ratings:decide_year", path)
    took, peak = in_child("bench.ratings:recheck_year", path)
    show(f"recheck of {decisions} decisions of {COMMUNE_YEAR:,} events", f"{took * 1000:,.0f} ms",
         f"peak {peak / MEBIBYTE:,.0f} MiB")  # fmt: skip


def _province(path: str, sizes: list[int]) -> None:
    """What is timed: spawning the processes; reading, chain check, decoding, folding and encoding in each; and each
    commune's rows replaced and committed with fsync in the one database, which writes one transaction at a time."""
    cores = os.cpu_count() or 1
    for events in sizes:
        for jobs in sorted({1, cores}):
            folded, took, peak = in_child("bench.ratings:rebuild_province", path, events // COMMUNE_YEAR, jobs)
            rate = folded / took
            bound = "" if jobs == 1 else f"≥ {AIM * cores:,.0f}/s"
            show(f"rebuild a province-year, {folded:,} events, {jobs} process(es)", f"{rate:,.0f} events/s",
                 f"{took:.1f} s, {rate / jobs:,.0f}/s a core, peak {peak / MEBIBYTE:,.0f} MiB each", None, bound,
                 rate >= AIM * cores)  # fmt: skip


def _child(function: str, *arguments: Any) -> float:
    return float(in_child(function, *arguments))


def fill(path: str, number: int) -> None:
    """A database of scoring that holds the logs of `number` communes of 10,000 events, a year each."""
    templates = [
        (name, generate.tasks_log(name, COMMUNE_YEAR, TASKS_BEGIN))
        for name in (f"mau-{count}" for count in range(min(number, TEMPLATES)))
    ]
    with generate.open_service(f"sqlite:///{path}", "services.scoring") as engine:
        log = Log(engine, "tasks")
        for count, commune in enumerate(_communes(number)):
            name, bodies = templates[count % len(templates)]
            generate.take_over(log, commune, list(generate.under_another_name(bodies, name, commune)))
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _communes(number: int) -> list[str]:
    return [f"xa-{count:04}" for count in range(number)]


def _open(path: str) -> tuple[Engine, dict[str, Log]]:
    engine = open_database(f"sqlite:///{path}")
    logs = {source: Log(engine, source) for source in SOURCES}
    # Connected and settled, as a server that runs; nothing of the commune is read yet.
    logs["tasks"].heads()
    settle()
    return engine, logs


def _timed(path: str, ask: Callable[[dict[str, Log]], Any]) -> float:
    _, logs = _open(path)
    begin = time.perf_counter()
    ask(logs)
    return time.perf_counter() - begin


def _known(logs: dict[str, Log], commune: str) -> Any:
    return known_at(logs, commune, moment_at(logs, commune, end_of_day(END)))


def a_sheet(path: str) -> float:
    """Seconds from the question to a sheet's bytes: positions, read, chain check, decode, fold, sheet."""
    return _timed(path, lambda logs: sheet_bytes(sheet(_known(logs, "xa-0000").records, YEAR, "p07", on=END)))


def the_table(path: str) -> float:
    return _timed(path, lambda logs: table(_known(logs, "xa-0000").records, YEAR, END))


def read_and_decode(path: str) -> float:
    """Seconds to read the same events and decode each, nothing checked and nothing kept."""

    def ask(logs: dict[str, Log]) -> None:
        for body in logs["tasks"].read("xa-0000", 0, COMMUNE_YEAR):
            decode(body)

    return _timed(path, ask)


def decide_year(path: str) -> int:
    """Propose and decide everybody's rating, as the procedure does; returns how many."""
    commune = "xa-0000"
    engine, logs = _open(path)
    known = _known(logs, commune)
    rows = table(known.records, YEAR, END).rows
    events: list[Any] = []
    for row in rows:
        body = sheet_bytes(sheet(known.records, YEAR, row.staff, on=END))
        proposal = f"{YEAR}-{row.staff}"
        events.append(
            RatingProposed(
                proposal=proposal,
                staff=row.staff,
                year=YEAR,
                level=row.level,  # type: ignore[arg-type]
                figures=row.figures,
                rule_set=row.rule_set,
                rule_set_sha256=row.rule_set_sha256,
                sheet_sha256=hashlib.sha256(body).hexdigest(),
                evaluated_on=END,
                inputs=pins(logs, commune, {"tasks": COMMUNE_YEAR, "scoring": 0}),
                by=generate.CHAIR,
            )
        )
        events.append(
            RatingDecided(
                staff=row.staff,
                year=YEAR,
                proposal=proposal,
                level=row.level,  # type: ignore[arg-type]
                decided_on=END,
                by=generate.CHAIR,
            )
        )
    own = Log(engine, "scoring", knows=lambda _: True)
    own.append(commune, lambda _: Decision(events), actor=f"staff/{generate.CHAIR}")
    return len(rows)


def recheck_year(path: str) -> tuple[float, int]:
    """Seconds to compute all decisions of the year again from the log, and the peak of memory."""
    _, logs = _open(path)
    begin = time.perf_counter()
    heads = {source: log.head("xa-0000").position for source, log in logs.items()}
    checked = recheck(logs, "xa-0000", replay(PROJECTION, logs, "xa-0000", heads), YEAR)
    took = time.perf_counter() - begin
    if not checked or not all(one.ok for one in checked):
        raise RuntimeError("a decision could not be computed again")
    return took, peak_memory()


def rebuild_province(path: str, number: int, jobs: int) -> tuple[int, float, int]:
    """Events folded, seconds, and the peak of memory of the largest process."""
    begin = time.perf_counter()
    communes = _communes(number)
    if jobs == 1:
        return _runner(path).rebuild(communes), time.perf_counter() - begin, peak_memory()
    folded = rebuild(partial(_runner, path), communes, jobs)
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return folded, took, peak if sys.platform == "darwin" else peak * 1024


def _runner(path: str) -> Runner:
    engine, logs = _open(path)
    return Runner(engine, logs, PROJECTION)
