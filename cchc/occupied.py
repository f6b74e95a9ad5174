"""Who works on a data folder: any number who open its databases, or one restore alone."""

import fcntl
import os
from pathlib import Path


class Occupied(Exception):
    """Somebody works on this data folder in a way that does not go together with what was asked."""


def occupy(folder: Path, *, alone: bool = False) -> int:
    """Hold a data folder until the returned descriptor is closed, or the process ends however it ends.

    Raises Occupied: `alone` while others hold it, or else while a restore does.
    """
    # Names and addresses lie in it, which other users of the machine are not to read.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The folder itself and no file in it: that also works where the folder may only be read.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise Occupied(str(folder)) from None
        raise
    return descriptor
