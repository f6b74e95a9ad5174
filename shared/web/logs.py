"""Logs as one JSON object per line on stdout, with the trace id and the commune of their request.

No exception speaks for itself here, as its words may hold a name, an address or a secret (shared/said.py).
"""

import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import flask
import msgspec

from shared import metrics
from shared.eventlog import EVERY_COMMUNE
from shared.said import said_of, stack_of
from shared.web.trace import trace_id

# What every LogRecord has; anything else came through `extra=` and is written out.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# In place of a path that is no route's.
UNMATCHED = "none"
# Libraries whose lines are about connections and processes. Others may format what was sent into theirs.
TRUSTED = ("shared", "services", "cchc", "web", "gunicorn", "kafka", "uncaught", "root")


class JsonFormatter(logging.Formatter):
    """Time in UTC, level, logger, message, the fields given as `extra`, and the stack when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if flask.has_request_context():
            line["trace_id"] = trace_id()
            # The token's: what stands in the path may be anybody's name.
            if (asking := flask.g.get("principal")) and asking.commune != EVERY_COMMUNE:
                line["commune"] = asking.commune
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info and record.exc_info[1]:
            line["stack"] = stack_of(record.exc_info[1])
        # A log line must never fail: values that JSON lacks are written as text, lone surrogates escaped.
        try:
            return msgspec.json.encode(line, enc_hook=_plain).decode()
        except UnicodeEncodeError:
            return msgspec.json.encode({"level": line["level"], "message": ascii(line)}).decode()


def _message(record: logging.LogRecord) -> str:
    if str(record.name).partition(".")[0] not in TRUSTED:
        return str(record.msg) if record.args else f"{record.module}:{record.lineno}"
    if isinstance(record.msg, BaseException):
        return said_of(record.msg)
    if not record.args:
        return str(record.msg)
    if isinstance(record.args, Mapping):
        return str(record.msg) % {name: _argument(value) for name, value in record.args.items()}
    return str(record.msg) % tuple(map(_argument, record.args))


def _argument(value: object) -> object:
    return said_of(value) if isinstance(value, BaseException) else value


def _plain(value: object) -> str:
    return said_of(value) if isinstance(value, BaseException) else str(value)


def logged_route() -> str:
    """The template of the request's path; never the path as it was typed, in which a name may be."""
    return flask.request.url_rule.rule if flask.request.url_rule else UNMATCHED


def logged_method() -> str:
    """The request's method, if it is one: a client may send any word."""
    return flask.request.method if flask.request.method in metrics.METHODS else "other"


def log_to(stream: TextIO | None = None, level: int | str = logging.INFO) -> None:
    """Send the process's logs to `stream` (default stdout), and what no one catches too. Only entry points call this,
    never a library."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A line that fails to be formatted would print its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda thread: _uncaught(thread.exc_type, thread.exc_value, thread.exc_traceback)
    sys.unraisablehook = lambda lost: _uncaught(lost.exc_type, lost.exc_value, lost.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if error is None or issubclass(kind, SystemExit):
        return
    logging.getLogger("uncaught").critical("an exception that nothing caught", exc_info=error)
