"""Loops on PostgreSQL sleep until something is written, also by another process; where they hear nothing, they poll."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import Engine, text

from shared import wake
from shared.eventlog import open_database, writing
from shared.wake import CHANNEL, SAFETY_S, Waiting
from shared.worker import Stop
from tests.support.processes import ROOT
from tests.support.waiting import until

# Another process, which writes once for each line.
WRITES = """
import sys
from shared.eventlog import open_database, writing
engine = open_database(sys.argv[1])
print("ready", flush=True)
for _ in sys.stdin:
    with writing(engine, "*") as connection:
        connection.exec_driver_sql("INSERT INTO things VALUES (2)")
"""
POLL_S = 0.01


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    found = open_database(postgres)
    with writing(found, "*") as connection:
        connection.exec_driver_sql("CREATE TABLE things (id INTEGER)")
    yield found
    found.dispose()


@contextmanager
def hearing(engine: Engine) -> Iterator[Waiting]:
    place = wake._place(engine)
    assert place
    with Waiting(engine) as waiting:
        until(lambda: wake._bells.hears(place), what="it hears")
        slept(waiting)  # the first look rings too
        yield waiting
    until(lambda: place not in wake._bells._ears, what="nobody hears any more")


def slept(waiting: Waiting) -> float:
    begun = time.monotonic()
    waiting.sleep(Stop(), POLL_S)
    return time.monotonic() - begun


def write(engine: Engine) -> None:
    with writing(engine, "*") as connection:
        connection.exec_driver_sql("INSERT INTO things VALUES (1)")


def test_a_write_of_this_process_wakes_once(engine: Engine) -> None:
    with hearing(engine) as waiting:
        threading.Timer(0.2, write, [engine]).start()
        assert 0.1 < slept(waiting) < SAFETY_S / 2
        begun = time.monotonic()
        waiting.sleep(Stop(), POLL_S, most_s=0.5)  # its own announcement is no news
        assert time.monotonic() - begun >= 0.5


def test_a_write_before_the_sleep_is_not_lost(engine: Engine) -> None:
    with hearing(engine) as waiting:
        write(engine)
        assert slept(waiting) < SAFETY_S / 2


def test_a_write_of_another_process_wakes(engine: Engine, postgres: str) -> None:
    command = [sys.executable, "-c", WRITES, postgres]
    with (
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
        hearing(engine) as waiting,
    ):
        assert other.stdin and other.stdout
        assert other.stdout.readline()
        other.stdin.write("\n")
        other.stdin.flush()
        assert slept(waiting) < SAFETY_S / 2
        other.stdin.close()


def test_who_loses_the_connection_polls_until_it_hears_again(engine: Engine) -> None:
    place = wake._place(engine)
    assert place
    with hearing(engine) as waiting:
        with engine.connect() as connection:
            heard = "SELECT pid FROM pg_stat_activity WHERE query LIKE :listen AND datname = current_database()"
            ended = f"SELECT pg_terminate_backend(pid) FROM ({heard}) AS ears"
            assert connection.execute(text(ended), {"listen": f"LISTEN {CHANNEL}%"}).all()
        until(lambda: not wake._bells.hears(place), what="it hears nothing")
        assert slept(waiting) < SAFETY_S / 2
        until(lambda: wake._bells.hears(place), what="it hears again")


def test_what_is_rolled_back_is_not_announced(engine: Engine) -> None:
    with hearing(engine) as waiting:
        with suppress(RuntimeError), writing(engine, "*") as connection:
            connection.exec_driver_sql("INSERT INTO things VALUES (1)")
            raise RuntimeError("changed its mind")
        begun = time.monotonic()
        waiting.sleep(Stop(), POLL_S, most_s=0.5)
        assert time.monotonic() - begun >= 0.5
