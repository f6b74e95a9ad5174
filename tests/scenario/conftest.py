"""The demo year, lived once per test process and copied for each test that changes it."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cchc.installation import Installation
from cchc.settings import Settings
from demo.year import load
from tests.support.kafka import PrivateKafka, admin
from tests.support.processes import CCHC, ROOT
from tests.support.waiting import until


def settings_of(data: Path, **environment: str) -> Settings:
    return Settings.from_environment(environment, data=data)


@pytest.fixture(scope="session")
def lived_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the demo year; not to be changed."""
    data = tmp_path_factory.mktemp("demo") / "data"
    installation = Installation(settings_of(data))
    installation.migrate()
    assert installation.signing_key
    installation.close()
    load(settings_of(data))
    return data


@pytest.fixture
def data(lived_year: Path, tmp_path: Path) -> Path:
    """A copy of the demo year's data directory."""
    return Path(shutil.copytree(lived_year, tmp_path / "data"))


@pytest.fixture
def installation(data: Path) -> Iterator[Installation]:
    installation = Installation(settings_of(data))
    yield installation
    installation.close()


Cchc = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cchc(data: Path) -> Cchc:
    """Run the command line on the copy: `cchc("verify", "--json", code=1)`."""
    return command_line(data)


def command_line(data: Path) -> Cchc:
    """The command line on a data directory."""

    def run(*arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*CCHC, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
            env=os.environ | {"CCHC_DATA": str(data), "PYTHONPATH": str(ROOT)} | environment,
            check=False,
        )
        assert done.returncode == code, f"cchc {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def read_json(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Worker:
    """A running `cchc work`, and the file that it logs to."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        self.process.kill()

    def said(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.log.read_text("utf-8").splitlines()]


@contextmanager
def working(service: str, environment: dict[str, str]) -> Iterator[Worker]:
    """`cchc work SERVICE` as a process of its own; it must end by itself when told to, unless it was killed."""
    command = [*CCHC, "work", service]
    with (
        tempfile.NamedTemporaryFile() as said,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=said) as process,
    ):
        try:
            until(lambda: b"is at work" in Path(said.name).read_bytes(), deadline=60, what=f"{service} is at work")
            yield Worker(process, Path(said.name))
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGKILL)


@pytest.fixture
def bootstrap(private_kafka: PrivateKafka) -> str:
    """A broker without the topics that a test before this one made under the product's own names."""

    def topics() -> list[str]:
        return [topic for topic in client.list_topics() if topic.startswith("cchc.")]

    with admin(private_kafka.bootstrap) as client:
        if old := topics():
            client.delete_topics(old)
        until(lambda: not topics(), deadline=30, what="the old topics are gone")
    return private_kafka.bootstrap
