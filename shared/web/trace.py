"""One id for everything a request causes: W3C `traceparent` in, `trace_id` in problems, logs and the answer."""

import re
import secrets

import flask

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def trace_id() -> str:
    """The trace id of the current request: the caller's, or a new one when it sent none that is well formed."""
    if "trace_id" not in flask.g:
        match = TRACEPARENT.fullmatch(flask.request.headers.get("traceparent", ""))
        flask.g.trace_id = match[1] if match else secrets.token_hex(16)
    found: str = flask.g.trace_id
    return found
