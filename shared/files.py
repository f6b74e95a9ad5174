"""Small files that several processes read and write."""

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` at `path` at once: no reader sees half of it, nor does a crash leave half of it.

    Each writer prepares a file of its own, so two of them do not disturb each other: the later one counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(written, path)
    except BaseException:
        os.unlink(written)
        raise
