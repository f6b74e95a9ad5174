"""A worker that was stopped for a while (SIGSTOP, a paused container) goes on; one that hangs ends itself."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from cchc.serve import LOOK_S
from tests.support.processes import ROOT, get, started
from tests.support.servers import free_port
from tests.support.waiting import until

# `cchc` with a loop more that asks once and never again; patience is short.
HANGING = """
import threading
from shared import worker
from shared.background import Background
worker.SILENT_S, worker.DRAIN_S = 1.0, 0.5
loops = Background.named_loops
stuck = lambda stop: stop.is_set() or threading.Event().wait()
Background.named_loops = lambda self: loops(self) | {"tasks.stuck": stuck}
from cchc.cli import main
main()
"""


def test_a_worker_that_was_stopped_goes_on_and_ends_when_told_to(data: Path):
    door = f"127.0.0.1:{free_port()}"
    with started("work", "tasks", "--bind", door, environment={"CCHC_DATA": str(data)}) as process:
        until(lambda: get(f"http://{door}/readyz")[0] == 200, deadline=60, what="it is ready")
        process.popen.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(lambda: time.monotonic() - stopped > 4 * LOOK_S, what="it stands still for longer than it waits at once")
        process.popen.send_signal(signal.SIGCONT)
        until(lambda: get(f"http://{door}/readyz")[0] == 200, what="it is ready again")
        awake = time.monotonic()
        until(lambda: time.monotonic() - awake > 4 * LOOK_S, what="it had the time to take that for a signal")
        assert process.popen.poll() is None
        assert "ends what it has begun" not in process.said.read_text()
        process.terminate()
        assert process.popen.wait(40) == 0


def test_a_worker_with_a_loop_that_hangs_ends_with_the_stacks(data: Path):
    command = [sys.executable, "-c", HANGING, "--data", str(data), "work", "tasks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "does not go on: tasks.stuck" in done.stdout
    assert "most recent call first" in done.stderr
