"""The product's processes as an operator starts them: their lines, their end."""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
CCHC = [sys.executable, "-c", "from cchc.cli import main; main()"]


@dataclass(frozen=True)
class Process:
    """A `cchc` that runs; what it says on either stream goes to one file."""

    popen: subprocess.Popen[bytes]
    said: Path

    def terminate(self) -> None:
        self.popen.send_signal(signal.SIGTERM)

    def lines(self, after: str | None = None) -> list[dict[str, Any]]:
        """What it has said, after the line that holds these words: each must be JSON."""
        lines = self.said.read_text().splitlines()
        begin = next(number for number, line in enumerate(lines, 1) if after in line) if after else 0
        return [msgspec.json.decode(line) for line in lines[begin:]]


@contextmanager
def started(*arguments: str, environment: Mapping[str, str]) -> Iterator[Process]:
    """`cchc …` in a process group of its own, of which nothing is left at the end."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            popen = subprocess.Popen(
                [*CCHC, *arguments],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield Process(popen, said)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait(10)


def get(url: str) -> tuple[int, str]:
    """Status and body; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_until_ready(address: str) -> None:
    until(lambda: get(f"{address}/readyz")[0] == 200, deadline=60, what=f"{address} is ready")


def figures(address: str) -> dict[str, float]:
    """What /metrics says: series → value."""
    status, text = get(f"{address}/metrics")
    assert status == 200, text
    return read_figures(text)


def read_figures(text: str) -> dict[str, float]:
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, _, value in pairs}
