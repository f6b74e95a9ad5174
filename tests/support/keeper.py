"""Keeps one throw-away server as long as the test run holds its lock, however the run ends: run as its own process.

usage: keeper.py LOCK DIRECTORY < spec, the arguments of keep_process or keep_container as a JSON object.
Writes DIRECTORY/pid or DIRECTORY/container. A server that ends by itself ends its keeper and leaves the directory; the
end of the test run ends the server and removes it.
"""

import ctypes
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

PR_SET_PDEATHSIG = 1

run_is_over = threading.Event()


def when_run_ends(lock: TextIO, directory: Path, end: Callable[[], object]) -> None:
    """The run holds the lock exclusively until it ends or dies: to get it is to know that it is over."""

    def watch() -> None:
        fcntl.flock(lock, fcntl.LOCK_SH)
        run_is_over.set()
        end()
        shutil.rmtree(directory, ignore_errors=True)
        if not any(directory.parent.glob("*/")):  # the last server
            shutil.rmtree(directory.parent, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def keep_process(lock: TextIO, directory: Path, command: list[str], user: str | None) -> int:
    libc = ctypes.CDLL(None)

    def die_with_keeper() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    with (directory / "log").open("ab") as log:
        server = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            preexec_fn=die_with_keeper,  # noqa: PLW1509 - before this process has a second thread
        )

    def end() -> None:
        # PostgreSQL takes SIGQUIT as "stop at once" and frees its shared memory; a JVM prints its threads and goes on.
        server.send_signal(signal.SIGCONT)
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            server.kill()

    when_run_ends(lock, directory, end)
    (directory / "pid").write_text(str(server.pid))
    code = server.wait()
    if run_is_over.is_set():
        threading.Event().wait()  # the watching thread has still to remove the directory, and exits
    return code


def keep_container(lock: TextIO, directory: Path, image: str, env: dict[str, str], port: int, inner_port: int) -> int:
    # The keeper itself removes the container; the reaper would be one more image to pull.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image).with_envs(**env).with_bind_ports(inner_port, port)
    when_run_ends(lock, directory, container.stop)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        container.start()
        (directory / "container").write_text(container.get_container_id())
        threading.Event().wait()
    finally:
        container.stop()
    return 0


def main(lock: str, directory: str) -> int:
    spec: dict[str, Any] = json.load(sys.stdin)
    keep = keep_process if "command" in spec else keep_container
    with open(lock) as held_by_run, open(Path(directory, "kept"), "w") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        return keep(held_by_run, Path(directory), **spec)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
