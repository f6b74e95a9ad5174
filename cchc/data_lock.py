"""The lock on a data folder: shared by every process that opens its databases, held alone by a restore."""

import fcntl
import os
from pathlib import Path


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


def _make(folder: Path) -> None:
    # It holds names and addresses, which other users of the machine must not read.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Wherever it lies, also within a repository: no `git add` takes keys and data.
    (folder / ".gitignore").write_text("*\n", "ascii")
