"""Durable single-event commands of the tasks service, beside bare one-row commits to the same kind of database.

Two figures for each database. "append transaction" is what the floors speak of: `Log.append` of an event that is
decided already, so lock the head; read head, key and stream; seal the event; write it with head, key and state; commit.
"whole command" is what a route calls: that, and who may, what stands in the way, and which event follows.
The baseline on PostgreSQL commits each INSERT by itself (autocommit) from one connection, with a prepared statement.
"""

import multiprocessing
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from bench.generate import communes, open_service, take_over, tasks_log
from bench.measure import in_turn, show, show_rates
from bench.servers import Servers
from services.tasks import queries, views
from services.tasks.commands import execute, read_streams
from services.tasks.domain.assigning import CorrectCoefficient
from services.tasks.queries import TaskFilter
from services.tasks.service import open_tasks
from shared.eventlog import Decision, Key, Log, Transaction, open_database
from shared.events import CoefficientCorrected
from shared.web.auth import Principal

ROUNDS = 5
SECONDS = {False: 2.0, True: 0.4}
PAST = {False: 3000, True: 600}  # events that a commune has when it is measured
BODY = b"x" * 600  # as long as most events
REASON = "Xác định lại độ khó"


class Commands:
    """One command after the other to one commune: the chair corrects the coefficient of a task, of many in turn."""

    def __init__(self, url: str, commune: str) -> None:
        self.engine = open_database(url)
        self.commune = commune
        self.service = open_tasks(self.engine, Path(tempfile.gettempdir()))
        self.log = self.service.log
        stored = queries.tasks(self.service, commune, TaskFilter(status=["open", "completed"]), limit=200)
        self._tasks = [each.state.task for each in stored]
        self._count = int.from_bytes(os.urandom(3), "big")  # two writers never set the same one
        self._chair = Principal("staff/p01", commune, frozenset({"chair"}))

    def _next(self) -> tuple[str, Key]:
        self._count += 1
        return self._tasks[self._count % len(self._tasks)], Key(f"bench-{os.getpid()}-{self._count}", "digest")

    def __call__(self) -> int:
        """Run a whole command; the position of the event, when it is durable."""
        task, key = self._next()
        command = CorrectCoefficient(task=task, coefficient=f"{self._count}", reason=REASON)
        return execute(self.service, self._chair, command, commune=self.commune, key=key).position

    def append(self) -> int:
        """Append the event that such a command leads to."""
        task, key = self._next()
        event = CoefficientCorrected(task=task, coefficient=f"{self._count}", reason=REASON, by="p01")
        streams = [f"task/{task}"]

        def decide(tx: Transaction) -> Decision:
            return Decision([event], read=read_streams(tx, streams).states)

        reads = views.reads(self.commune, streams)
        return self.log.append(self.commune, decide, actor=self._chair.actor, key=key, reads=reads).position


def fill(url: str, number: int, past: int) -> None:
    with open_service(url, "services.tasks") as engine:
        log = Log(engine, "tasks", on_append=views.apply)
        for commune in communes(number):
            take_over(log, commune, tasks_log(commune, past))


def rate(once: Callable[[], object], seconds: float) -> float:
    """How often a second."""
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        once()
        count += 1
    return count / (time.perf_counter() - begin)


def bare_sqlite(path: Path) -> Callable[[], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bare (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return lambda: connection.execute("INSERT INTO bare (body) VALUES (?)", [BODY])


def bare_postgresql(url: str) -> Callable[[], object]:
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    connection.execute("CREATE TABLE bare (position bigserial PRIMARY KEY, body bytea NOT NULL)")
    return lambda: connection.execute("INSERT INTO bare (body) VALUES (%s)", [BODY])


def writers(url: str, number: int, seconds: float) -> float:
    """Commands a second of so many processes together, two to a commune."""
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(number), context.Queue()
    names = communes(max(1, number // 2))
    processes = [
        context.Process(target=_writer, args=(url, names[count % len(names)], seconds, ready, results))
        for count in range(number)
    ]
    for process in processes:
        process.start()
    rates = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return float(sum(rates))


def _writer(url: str, commune: str, seconds: float, ready: Any, results: Any) -> None:
    commands = Commands(url, commune)
    commands.append()
    ready.wait(60)
    results.put(rate(commands.append, seconds))
    commands.engine.dispose()


def run(quick: bool, servers: Servers) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/tasks.db"
        fill(url, 1, PAST[quick])
        _beside("SQLite, synchronous=FULL", url, bare_sqlite(Path(folder, "bare.db")), 0.5, SECONDS[quick])
    with servers.postgres().fresh_database() as url:
        fill(url, 4, PAST[quick])
        _beside("PostgreSQL", url, bare_postgresql(url), 0.35, SECONDS[quick])
        one, eight = in_turn(ROUNDS, *(lambda number=number: writers(url, number, SECONDS[quick]) for number in (1, 8)))
        show_rates("8 writers (processes) on 4 communes, PostgreSQL", eight, "commits", "one writer", one, 1.3)


def _beside(where: str, url: str, bare: Callable[[], object], floor: float, seconds: float) -> None:
    ours = Commands(url, communes(1)[0])
    measured: list[Callable[[], object]] = [ours.append, ours, bare]
    append, command, theirs = in_turn(ROUNDS, *(lambda once=once: rate(once, seconds) for once in measured))
    show_rates(f"append transaction, {where}", append, "commits", "bare INSERT", theirs, floor)
    show(f"whole command, {where}", f"{command:,.0f} commits/s", f"bare INSERT {theirs:,.0f}/s", command / theirs)
    ours.engine.dispose()
