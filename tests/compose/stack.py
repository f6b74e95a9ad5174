"""The real compose file as a project of its own, with ports of its own."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from cchc.services import SERVICES
from tests.support.servers import Found, Run, docker_host, free_port, run_quietly

ROOT = Path(__file__).parents[2]
# Whatever is running between jobs that are done once.
LASTING = (
    "postgres",
    "kafka",
    "mailpit",
    *SERVICES,
    *(f"{service}-work" for service in SERVICES),
    "web",
    "proxy",
)
# A test's people send in minutes what offices send in a year.
A_YEAR_IN_MINUTES = {"CCHC_CHANGES_A_MINUTE": "100000", "CCHC_TEXT_MIB_A_DAY": "1000"}
UP_SECONDS = 600  # the image is built, and the machine may be busy with other tests


def find(_: Run) -> Found:
    """An engine with compose v2; Unavailable without one."""
    address = docker_host()
    run_quietly(["docker", "compose", "version"], deadline=10)
    return Found("Docker Compose", address)


class Stack(msgspec.Struct):
    """A project that is up; `environment` is what its compose file reads."""

    project: str
    environment: dict[str, str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.environment['CCHC_PORT']}"

    def compose(self, *arguments: str, deadline: float = 120, code: int | None = 0) -> str:
        return _run(["docker", "compose", "-p", self.project, *arguments], self.environment, deadline, code)

    def docker(self, *arguments: str) -> str:
        return _run(["docker", *arguments], self.environment, 120, 0)

    def up(self) -> None:
        self.compose("up", "--build", "--wait", deadline=UP_SECONDS)

    def cchc(self, *arguments: str, code: int | None = 0) -> str:
        """The command line as the operator runs it."""
        return self.compose("run", "--rm", "-T", "cchc", *arguments, code=code)

    def cchc_json(self, *arguments: str, code: int | None = 0) -> Any:
        return msgspec.json.decode(self.cchc(*arguments, "--json", code=code))

    def errors(self) -> str:
        """What the services logged as errors."""
        said = self.compose("logs", "--no-color", code=None).splitlines()
        return "\n".join(line for line in said if '"level":"error"' in line)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "-q", "--all", service).split()


@contextmanager
def stack() -> Iterator[Stack]:
    name = f"cchc-test-{uuid.uuid4().hex[:8]}"
    ports = {"CCHC_PORT": str(free_port()), "CCHC_MAIL_PORT": str(free_port())}
    made = Stack(name, {**ports, "CCHC_TAG": "test", **A_YEAR_IN_MINUTES})
    try:
        made.up()
        yield made
    finally:
        # With a failed test it is shown what the services had to say.
        print(made.errors())
        made.compose("--profile", "demo", "--profile", "operator", "down", "--volumes", "--timeout", "5", code=None)


def _run(command: list[str], environment: dict[str, str], deadline: float, code: int | None) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )
    said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert code in (None, done.returncode), f"{' '.join(command)}: {done.returncode}\n{said}"
    return done.stdout
