"""A service's background loops: they end when told to, and a failing one ends them all."""

import threading
import time
from collections.abc import Callable

import pytest

from shared import worker
from shared.worker import Loops
from tests.support.waiting import until


def test_loops_run_until_they_are_told_to_stop():
    begun, ended = threading.Event(), threading.Event()

    def loop(stop: threading.Event) -> None:
        begun.set()
        stop.wait()
        ended.set()

    loops = Loops({"one": loop})
    loops.start()
    assert begun.wait(5)
    assert not ended.is_set()
    loops.stop()
    assert ended.is_set()
    assert loops.failure is None


def test_a_loop_that_fails_stops_the_others_and_says_why():
    stopped = threading.Event()

    def patient(stop: threading.Event) -> None:
        stop.wait()
        stopped.set()

    def broken(_: threading.Event) -> None:
        raise RuntimeError("the fold's table is gone")

    loops = Loops({"patient": patient, "broken": broken})
    loops.start()
    assert stopped.wait(5)
    until(lambda: loops.failure is not None, what="the failure is kept")
    assert str(loops.failure) == "the fold's table is gone"
    loops.stop()


def test_a_loop_that_hangs_and_one_that_ended_show(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "SILENT_S", 0.2)
    release = threading.Event()

    def turning(stop: threading.Event) -> None:
        while not stop.wait(0.01):
            pass

    def hanging(stop: threading.Event) -> None:
        stop.is_set()
        release.wait(20)

    loops = Loops({"scoring.turning": turning, "scoring.hanging": hanging, "scoring.replica.tasks": lambda _: None})
    checks = loops.checks()
    loops.start()

    def failing() -> set[str]:
        return {name for name, check in checks.items() if not passes(check)}

    until(lambda: failing() == {"scoring.hanging", "scoring.replica.tasks"}, what="what does not go on is named")
    figures = {(sample.name, *sample.labels): sample.value for sample in loops.measure()}
    assert figures["cchc_loop_up", "scoring", "turning"] == figures["cchc_loop_up", "scoring", "hanging"] == 1
    assert figures["cchc_loop_up", "scoring", "replica.tasks"] == 0
    assert figures["cchc_loop_silent_seconds", "scoring", "hanging"] > 0.2
    release.set()
    assert loops.stop()


def passes(check: Callable[[], None]) -> bool:
    try:
        check()
    except RuntimeError:
        return False
    return True


def test_all_loops_together_have_one_time_to_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "DRAIN_S", 0.2)
    release = threading.Event()
    loops = Loops({f"scoring.{name}": lambda _: (release.wait(20), None)[1] for name in ("one", "two", "three")})
    loops.start()
    begun = time.monotonic()
    assert not loops.stop()
    assert time.monotonic() - begun < 5
    release.set()
    assert loops.stop()


def test_a_long_pause_is_no_silence():
    stop = worker.Stop()
    thread = threading.Thread(target=stop.wait, args=(3600,))
    until(lambda: stop.silent_s() > 0.05, what="nobody asks")
    thread.start()
    until(lambda: stop.silent_s() == 0, what="somebody waits")
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert stop.silent_s() < 5


def test_a_pause_ends_in_its_time():
    begun = time.monotonic()
    assert not worker.Stop().wait(0.05)
    assert time.monotonic() - begun >= 0.05
