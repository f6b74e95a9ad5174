"""Servers that tests start and throw away: one test run, found once for all xdist workers, ended with it."""

import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from tests.support.waiting import until

KEEPER = Path(__file__).with_name("keeper.py")
DOCKER_ANSWER_SECONDS = 3
DOCKER_START_SECONDS = 180  # includes pulling the image

_keepers: list[subprocess.Popen[bytes]] = []  # referenced until exit, as their servers are shared with other workers


class Unavailable(Exception):
    """Why a kind of server can't be had here."""


@dataclass(frozen=True)
class Found:
    """A server that answers: where, and which way it was found."""

    how: str
    address: str


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass
class Run:
    """One test run: a directory that all its workers know and a lock that the controlling process holds."""

    directory: Path
    _held: IO[bytes] | None = field(default=None, repr=False)

    @classmethod
    def begin(cls) -> "Run":
        directory = Path(tempfile.mkdtemp(prefix="cchc-test-"))
        directory.chmod(0o711)  # a server that gives up root must reach its own directory
        held = (directory / "alive").open("wb")
        fcntl.flock(held, fcntl.LOCK_EX)
        return cls(directory, held)

    @property
    def lock(self) -> Path:
        return self.directory / "alive"

    def end(self) -> None:
        """Let the keepers end their servers, and wait until they have; only the process that began the run does."""
        if self._held is None:
            return
        self._held.close()
        for kept in self.directory.glob("*/kept"):
            with suppress(FileNotFoundError), locked(kept):
                continue
        shutil.rmtree(self.directory, ignore_errors=True)

    def once(self, kind: str, find: Callable[["Run"], Found]) -> Found:
        """What `find` finds, looked for by the first worker that asks; the others get the same answer."""
        answer = self.directory / f"{kind}.json"
        with locked(self.directory / f"{kind}.lock"):
            if not answer.exists():
                try:
                    found: dict[str, str] = asdict(find(self))
                except Unavailable as error:
                    found = {"missing": str(error)}
                answer.write_text(json.dumps(found))
        found = json.loads(answer.read_text())
        if "missing" in found:
            raise Unavailable(found["missing"])
        return Found(**found)

    def found(self, kind: str) -> Found | None:
        """What was found in this run, without looking for it."""
        answer = self.directory / f"{kind}.json"
        found = json.loads(answer.read_text()) if answer.exists() else {"missing": ""}
        return None if "missing" in found else Found(**found)


def first_that_works(
    variable: str, check: Callable[[str], None], ways: Mapping[str, Callable[[Run], Found]]
) -> Callable[[Run], Found]:
    """The address in `variable` if it is set, else the first way that works; Unavailable names every way's reason."""

    def find(run: Run) -> Found:
        if address := os.environ.get(variable):
            try:
                check(address)
            except Exception as error:
                # A server named by hand is never silently replaced by another.
                raise Unavailable(f"{variable}={address} does not answer: {error}") from error
            return Found(variable, address)
        reasons = [f"{variable} is not set"]
        for name, start in ways.items():
            try:
                return start(run)
            except Unavailable as error:
                reasons.append(f"{name}: {error}")
        raise Unavailable("; ".join(reasons))

    return find


def free_port() -> int:
    """A port nobody uses, below the range of outgoing connections: a client that calls a stopped server at a port of
    that range can be given the same port and connect to itself."""
    for port in random.sample(range(15_000, 32_000), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Unavailable("no free port")


class Server:
    """One server under a keeper: started, signalled and, in the end, removed."""

    def __init__(self, run: Run, name: str, spec: Mapping[str, Any], directory: Path | None = None) -> None:
        self.run = run
        self.name = name
        self.spec = spec
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"{name}-", dir=run.directory))

    def launch(self, ready: Callable[[], bool], deadline: float) -> None:
        """Start it and wait until it is `ready`; Unavailable with the end of its log when that does not come."""
        for mark in ("pid", "container"):
            (self.directory / mark).unlink(missing_ok=True)
        with (self.directory / "keeper.log").open("ab") as log:
            keeper = subprocess.Popen(
                # -P: the modules beside the keeper have the names of packages
                [sys.executable, "-P", str(KEEPER), str(self.run.lock), str(self.directory)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the test run, whose end the keeper then sees
            )
        _keepers.append(keeper)
        assert keeper.stdin
        keeper.stdin.write(json.dumps(self.spec).encode())
        keeper.stdin.close()
        self.keeper = keeper
        try:
            until(lambda: keeper.poll() is not None or (self.started and ready()), deadline=deadline, every=0.05)
        except AssertionError as error:
            self.kill()
            raise Unavailable(f"{self.name} did not answer within {deadline:g} s: {self.last_words()}") from error
        if keeper.poll() is not None:
            raise Unavailable(f"{self.name} ended at once: {self.last_words()}")

    @property
    def started(self) -> bool:
        return any((self.directory / mark).exists() for mark in ("pid", "container"))

    def signal(self, number: int) -> None:
        os.kill(int((self.directory / "pid").read_text()), number)

    def kill(self) -> None:
        """End it now, whatever it is doing, and its keeper with it."""
        if self.keeper.poll() is None:
            if (self.directory / "pid").exists():
                self.signal(signal.SIGKILL)
            else:
                self.keeper.terminate()
        self.keeper.wait(10)

    def last_words(self) -> str:
        logs = [self.directory / "log", self.directory / "keeper.log"]
        ends = [path.read_text(errors="replace").strip().splitlines()[-4:] for path in logs if path.exists()]
        return " | ".join(line for end in ends for line in end) or "no word from it"


def run_quietly(command: Sequence[str], *, deadline: float, **options: Any) -> None:
    """Run a preparing command; Unavailable with the end of what it printed when it fails."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=deadline, **options)
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines()
        raise Unavailable(f"{Path(command[0]).name} failed: {' | '.join(said[-3:])}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{Path(command[0]).name}: {error}") from error


def docker_host() -> str:
    """The address at which a container's ports are found; Unavailable unless the engine answers quickly."""
    run_quietly(["docker", "version", "--format", "{{.Server.Version}}"], deadline=DOCKER_ANSWER_SECONDS)
    return urlsplit(os.environ.get("DOCKER_HOST", "")).hostname or "127.0.0.1"
