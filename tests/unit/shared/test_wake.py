"""Loops sleep until something is written: no wake-up is lost, and an idle minute costs a few looks."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.eventlog import open_database, writing
from shared.wake import SAFETY_S, WATCH_S, Waiting, _File
from shared.worker import Stop


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_database(f"sqlite:///{tmp_path / 'log.db'}")
    with writing(found, "*") as connection:
        connection.exec_driver_sql("CREATE TABLE things (id INTEGER)")
    yield found
    found.dispose()


def slept(waiting: Waiting, stop: threading.Event | None = None) -> float:
    begun = time.monotonic()
    waiting.sleep(stop or Stop(), 0.05)
    return time.monotonic() - begun


def settled(waiting: Waiting) -> None:
    """The watch's first look rings too."""
    slept(waiting)


def write(engine: Engine) -> None:
    with writing(engine, "*") as connection:
        connection.exec_driver_sql("INSERT INTO things VALUES (1)")


def test_a_write_of_this_process_wakes_at_once(engine: Engine) -> None:
    with Waiting(engine) as waiting:
        settled(waiting)
        threading.Timer(0.2, write, [engine]).start()
        assert 0.1 < slept(waiting) < SAFETY_S / 2


def test_a_write_before_the_sleep_is_not_lost(engine: Engine) -> None:
    with Waiting(engine) as waiting:
        settled(waiting)
        write(engine)
        assert slept(waiting) < SAFETY_S / 2


def test_a_write_of_another_process_is_noticed_by_the_files_data_version(engine: Engine) -> None:
    def of_another() -> None:
        with sqlite3.connect(str(engine.url.database)) as connection:
            connection.execute("INSERT INTO things VALUES (2)")
        connection.close()

    with Waiting(engine) as waiting:
        settled(waiting)
        threading.Timer(0.2, of_another).start()
        assert 0.1 < slept(waiting) < SAFETY_S / 2


def test_a_file_whose_name_an_address_would_read_otherwise_is_watched(tmp_path: Path) -> None:
    folder = tmp_path / "a#b c"
    folder.mkdir()
    engine = open_database(f"sqlite:///{folder / 'log.db'}")
    with writing(engine, "*") as connection:
        connection.exec_driver_sql("CREATE TABLE things (id INTEGER)")
    watched = _File(str(engine.url.database))
    assert watched.has_changed() and not watched.has_changed()
    write(engine)
    assert watched.has_changed() and not watched.has_changed()
    watched.close()
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize("stop", [Stop(), threading.Event()], ids=["of a loop", "plain"])
def test_the_word_to_stop_wakes(engine: Engine, stop: threading.Event) -> None:
    with Waiting(engine) as waiting:
        settled(waiting)
        threading.Timer(0.2, stop.set).start()
        assert slept(waiting, stop) < SAFETY_S / 2
        assert slept(waiting, stop) < 0.1


def test_without_a_write_it_looks_by_itself(engine: Engine) -> None:
    with Waiting(engine) as waiting:
        settled(waiting)
        begun = time.monotonic()
        waiting.sleep(Stop(), 0.01, most_s=0.3)
        assert time.monotonic() - begun >= 0.3


def test_a_database_that_says_nothing_is_looked_at_at_intervals() -> None:
    engine = open_database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with Waiting(engine) as waiting:
        assert 0.05 <= slept(waiting) < SAFETY_S / 2
    engine.dispose()


def test_nobody_watches_when_nobody_waits(engine: Engine) -> None:
    with Waiting(engine):
        assert "watch" in {thread.name for thread in threading.enumerate()}
    time.sleep(WATCH_S * 4)
    assert "watch" not in {thread.name for thread in threading.enumerate()}


def test_a_thread_asks_whether_to_stop_whenever_it_sleeps(engine: Engine) -> None:
    stop = Stop()
    stop._asked_at = 0.0
    with Waiting(engine) as waiting:
        slept(waiting, stop)
    assert stop.silent_s() < SAFETY_S + 1
