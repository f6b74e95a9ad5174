"""One id for everything a request causes: W3C `traceparent` in, `trace_id` in problems, logs and the answer."""

import secrets

import flask

from shared.eventlog.traces import TRACEPARENT, traceparent


def begin_trace() -> None:
    """Continue the caller's trace, or begin a new one if it sent no well-formed trace."""
    match = TRACEPARENT.fullmatch(flask.request.headers.get("traceparent", ""))
    flask.g.trace_id = match[2] if match else secrets.token_hex(16)
    traceparent.set(match[1] if match else None)


def end_trace() -> None:
    """Forget the trace: the thread's next work belongs to another request."""
    traceparent.set(None)


def trace_id() -> str:
    """The trace id of the current request."""
    if "trace_id" not in flask.g:
        begin_trace()
    found: str = flask.g.trace_id
    return found
