"""Logs as one JSON object per line on stdout, with the trace id and the commune of their request."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import flask
import msgspec

from shared.web.trace import trace_id

# What every LogRecord has; anything else came through `extra=` and is written out.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Time in UTC, level, logger, message, the fields given as `extra`, and the stack when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if flask.has_request_context():
            line["trace_id"] = trace_id()
            if commune := (flask.request.view_args or {}).get("commune"):
                line["commune"] = commune
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        # A log line must never fail: values that JSON lacks are written as text, lone surrogates escaped.
        try:
            return msgspec.json.encode(line, enc_hook=str).decode()
        except UnicodeEncodeError:
            return msgspec.json.encode({"level": line["level"], "message": ascii(line)}).decode()


def log_to(stream: TextIO | None = None, level: int | str = logging.INFO) -> None:
    """Send the process's logs to `stream` (default stdout). Only entry points call this, never a library."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
