"""What the process logs, as it would stand in its log."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.web.logs import log_to


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that the process logs, as its log has it."""
    root, stream = logging.getLogger(), io.StringIO()
    kept = root.handlers, root.level, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions
    root.handlers = []
    log_to(stream, logging.DEBUG)
    try:
        yield stream
    finally:
        root.handlers, root.level = kept[:2]
        sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions = kept[2:]
