"""A small disk that is filled and freed: a file system of its own, or where none can be mounted no test."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """`folder` is all of it; what fills it is a file beside what a test keeps there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Until not a byte more fits. Again when somebody has freed some since."""
        with (self.folder / "filler").open("ab", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        (self.folder / "filler").unlink()


@contextmanager
def small_disk(mib: int) -> Iterator[SmallDisk]:
    """Of so many MiB, in memory. Skips the test where mounting is not allowed."""
    with tempfile.TemporaryDirectory(prefix="cchc-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=777", "tmpfs", name]
        try:
            done = subprocess.run(mount, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("no program mount, to have a disk that is full")
        if done.returncode:
            pytest.skip(f"no disk of one's own to fill: {done.stderr.strip()}")
        try:
            yield SmallDisk(Path(name))
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)
