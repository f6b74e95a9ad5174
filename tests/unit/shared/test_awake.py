"""Suspended is not silent: a process that was stopped for longer than a loop may be silent goes on when it wakes up."""

import signal
import subprocess
import sys
import time

from tests.support.processes import ROOT
from tests.support.waiting import until

# A loop that asks ten times a second, and one that asks once: what each has been silent for, as a line is read.
SILENCES = """
import sys, threading
from shared.worker import Loops

def turning(stop):
    while not stop.is_set():
        threading.Event().wait(0.1)

def hanging(stop):
    stop.is_set()
    threading.Event().wait()

loops = Loops({"a.turning": turning, "a.hanging": hanging})
loops.start()
for line in sys.stdin:
    print(*(sample.value for sample in loops.measure() if sample.name.endswith("seconds")), flush=True)
"""
STOPPED_S = 4.0


def test_time_in_which_a_process_is_stopped_does_not_count():
    with subprocess.Popen(
        [sys.executable, "-c", SILENCES], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        ask, answer = process.stdin, process.stdout
        assert ask and answer

        def silences() -> list[float]:
            ask.write("\n")
            ask.flush()
            return [float(value) for value in answer.readline().split()]

        before = silences()[1]
        process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(lambda: time.monotonic() - stopped > STOPPED_S, what="it stands still")
        process.send_signal(signal.SIGCONT)
        turning, hanging = silences()
        assert turning < STOPPED_S - 1
        assert hanging < before + STOPPED_S - 1
        until(lambda: silences()[1] > hanging + 0.5, what="time goes on")
        process.kill()
