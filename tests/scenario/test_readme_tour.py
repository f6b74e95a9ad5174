"""The tour of both READMEs, typed word for word beside a running `cchc run`: what it prints is what they show.

The address is the one that is served here. Shown lines are compared between their ellipses; the day, the signing key
and the hashes behind its first signature are each reader's own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.conftest import ROOT, command_line
from tests.scenario.test_run import running
from tests.support.servers import free_port
from tests.support.waiting import until

FENCED = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(cchc|curl|cp) ", re.MULTILINE)
SHOWN_ADDRESS = "http://127.0.0.1:8080"
# The day of the README, its key, and the ends of its logs, where its key has signed.
OWN = re.compile(r"24/11/2026|2026-11-24|5cb2d76b2e\w*|824a0d9f67\w*|30c848650c98805d")
# A terminal shows headings over its tables, which a pipe leaves out.
HEADING = re.compile(r"^(Mã +Chức|Về việc|Mục  |─)")
SIGNED = ["điểm chốt của tasks (1)", "điểm chốt của scoring (2)", "điểm chốt của notifications (1)"]


def tour(readme: Path) -> Iterator[tuple[str, str]]:
    """The commands of the tour, block by block, with what is shown below them."""
    text = readme.read_text("utf-8").split("\n## ")[3]
    blocks = [block for block in FENCED.findall(text) if not block.startswith("export PATH")]
    commands: list[str] = []
    for block in blocks:
        if COMMAND.search(block):
            commands.append(block)
        else:
            yield "".join(commands), block
            commands.clear()


def normal(text: str) -> str:
    return " ".join(text.split())


def shows(printed: str, line: str) -> bool:
    """Is there a printed line that holds the parts of the shown one in their order?"""
    parts = [re.escape(normal(part)) for part in OWN.sub("…", line).split("…") if part.strip()]
    return any(re.search(".*".join(parts), normal(line)) for line in printed.splitlines())


def test_parts_are_looked_for_in_their_order():
    assert shows("p14\tCông chức Văn phòng\t17\n", "p14  Công chức …  17")
    assert not shows("p14\t17\tCông chức\n", "p14  Công chức …  17")


@pytest.mark.parametrize("readme", ["README.md", "README.vi.md"])
def test_the_tour_prints_what_is_shown(readme: str, tmp_path: Path):
    cchc = command_line(tmp_path / "data")
    with running(tmp_path / "data", free_port()) as served:
        until(lambda: all(each in cchc("verify").stdout for each in SIGNED), deadline=60, what="the logs are signed")
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        missing = []
        for commands, shown in tour(ROOT / readme):
            typed = commands.replace(SHOWN_ADDRESS, served.address)
            done = subprocess.run(
                ["bash", "-c", typed],
                check=False,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == ("forged verify" in commands), (typed, done.stderr)
            lines = [line for line in shown.splitlines() if line.strip(" …") and not HEADING.match(line)]
            missing += [(commands, line) for line in lines if not shows(done.stdout + done.stderr, line)]
    assert missing == []
