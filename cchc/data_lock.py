"""The lock on a data folder: shared by every process that opens its databases, held alone by a restore."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file of its own: on the folder itself this process holds the shared lock as well.
FIRST_RUN = ".first-run"


class DataInUse(Exception):
    """Another process holds this data folder: a restore, or for a restore any process."""


def lock(folder: Path, *, alone: bool = False) -> int:
    """Hold a data folder until the returned descriptor is closed or the process ends, for whatever reason.

    Raises DataInUse: with `alone` while any process holds it, otherwise while a restore does.
    """
    if not folder.exists():
        _make(folder)
    # On the folder itself rather than a file in it, so that it also works on a read-only folder.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise DataInUse(str(folder)) from None
        raise
    return descriptor


@contextmanager
def first_run(folder: Path) -> Iterator[None]:
    """Let one process at a time bring a data folder up to date; the next one finds everything done."""
    if not folder.exists():
        _make(folder)
    descriptor = os.open(folder / FIRST_RUN, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    # It holds names and addresses, which other users of the machine must not read.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Wherever it lies, also within a repository: no `git add` takes keys and data.
    (folder / ".gitignore").write_text("*\n", "ascii")
