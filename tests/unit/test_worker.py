"""A service's background loops: they end when told to, and a failing one ends them all."""

import threading

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
