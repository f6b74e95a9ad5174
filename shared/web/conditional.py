"""The ETag is the stream's version: sent when it is read, required to change it."""

import re

import flask

from shared.web.problems import Rejected

VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(version: int) -> dict[str, str]:
    """The header that names the version of what is sent: `return task, etag(task.version)`."""
    return {"ETag": f'"{version}"'}


def if_match() -> int:
    """The version the client's change is based on. Raises Rejected: `if-match-required` (428), `stale` (412).

    `*` would mean "whatever it is now": the blind overwriting that the header exists to prevent.
    """
    header = flask.request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        raise Rejected("if-match-required")
    match = VERSION.fullmatch(header)
    if match is None:
        raise Rejected("stale")  # not an ETag that we ever sent, so not the current one
    return int(match[1])
