"""One at a time: of several processes one runs the loops, and another as soon as that one is gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from shared.eventlog import open_database
from shared.leader import one_at_a_time
from shared.worker import Loops
from tests.support.waiting import until


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    engine = open_database(postgres)
    yield engine
    engine.dispose()


class Process:
    """What stands for a process here: its loops in threads, and whether the one loop runs."""

    def __init__(self, engine: Engine, name: str = "relay") -> None:
        self.begun = 0
        self.runs = threading.Event()
        self.fails = threading.Event()
        self.loops = Loops({"alone": one_at_a_time(engine, name, {"one": self._loop})})

    def _loop(self, stop: threading.Event) -> None:
        self.begun += 1
        self.runs.set()
        try:
            while not stop.wait(0.01):
                if self.fails.is_set():
                    raise RuntimeError("the restore is unfinished")
        finally:
            self.runs.clear()

    @contextmanager
    def started(self) -> Iterator["Process"]:
        self.loops.start()
        try:
            yield self
        finally:
            self.loops.stop()
        assert not self.runs.is_set()


def test_one_runs_and_the_other_takes_over_when_it_stops(engine: Engine) -> None:
    second = Process(engine)
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        with second.started():
            with Process(engine, "another name").started() as other:
                until(other.runs.is_set, what="under another name nobody waits")
            assert not second.runs.is_set()
            first.loops.stop()
            assert not first.runs.is_set()
            until(second.runs.is_set, deadline=5, what="the second runs at once")


def test_who_loses_the_connection_stops(engine: Engine) -> None:
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        with Process(engine).started() as second:
            with engine.connect() as connection:
                held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
                connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({held}) AS holder"))
            until(lambda: first.begun + second.begun == 2, deadline=10, what="it stops, and one of them begins")
            until(lambda: first.runs.is_set() != second.runs.is_set(), what="one of them runs")
            leader, other = (first, second) if first.runs.is_set() else (second, first)
            leader.loops.stop()
            until(other.runs.is_set, deadline=5, what="and then the other")


def test_a_loop_that_fails_ends_its_process_and_frees_the_lock(engine: Engine) -> None:
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        with Process(engine).started() as second:
            first.fails.set()
            until(lambda: first.loops.failure, what="the failure is the process's")
            assert str(first.loops.failure) == "the restore is unfinished"
            until(second.runs.is_set, deadline=5, what="the second runs")
