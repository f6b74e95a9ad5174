"""Answers that are not written through a schema: JSON as it is, and workbooks."""

from collections.abc import Mapping
from typing import Any

import flask
import msgspec

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_json(value: Any, headers: Mapping[str, str] | None = None) -> flask.Response:
    return flask.Response(msgspec.json.encode(value), content_type=JSON, headers=dict(headers or {}))


def as_xlsx(content: bytes, filename: str) -> flask.Response:
    """A workbook that browsers save under this name."""
    response = flask.Response(content, content_type=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


def prefers_xlsx() -> bool:
    """Does the request's Accept header rank a workbook above JSON?"""
    return flask.request.accept_mimetypes.best_match([JSON, XLSX], default=JSON) == XLSX
