"""One id for everything a request causes: W3C `traceparent` in, `trace_id` in problems, logs and the answer."""

import secrets

import flask

from shared.eventlog.traces import TRACEPARENT, traceparent


def trace_of(header: str) -> tuple[str | None, str]:
    """What a caller's `traceparent` continues, if it is well-formed, and the trace's id: the caller's or a new one."""
    match = TRACEPARENT.fullmatch(header)
    return (match[1], match[2]) if match else (None, secrets.token_hex(16))


def begin_trace() -> None:
    """Continue the caller's trace, or begin a new one if it sent no well-formed trace."""
    continued, flask.g.trace_id = trace_of(flask.request.headers.get("traceparent", ""))
    traceparent.set(continued)


def end_trace() -> None:
    """Forget the trace: the thread's next work belongs to another request."""
    traceparent.set(None)


def trace_id() -> str:
    """The trace id of the current request."""
    if "trace_id" not in flask.g:
        begin_trace()
    found: str = flask.g.trace_id
    return found
