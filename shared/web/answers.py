"""Answers: JSON of typed values, types made of the values that a service works with, and workbooks."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_type_hints

import flask
import msgspec

S = TypeVar("S", bound=msgspec.Struct)

JSON = "application/json"
HTML = "text/html"
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


def answer_type(name: str, base: type | None = None, doc: str = "", /, **more: Any) -> type[msgspec.Struct]:
    """The type of an answer that has the fields of a Struct or NamedTuple, and more; every field of it is sent.

    What a service stores may leave out its defaults; what it answers does not.
    """
    fields: dict[str, Any] = {}
    if base is not None:
        hints = get_type_hints(base, include_extras=True)
        names = getattr(base, "__struct_fields__", None) or base._fields  # type: ignore[attr-defined]
        fields |= {field: hints[field] for field in names}
    fields |= more
    namespace = {"__doc__": doc or (base.__doc__ if base is not None else "")}
    made: list[Any] = [
        (field, hint, msgspec.UNSET) if msgspec.UnsetType in get_args(hint) else (field, hint)
        for field, hint in fields.items()
    ]
    return msgspec.defstruct(name, made, frozen=True, kw_only=True, namespace=namespace)


def answer_of(answer: type[S], value: Any, /, **more: Any) -> S:
    """An answer with the fields that it takes from a value, and more."""
    names = getattr(value, "__struct_fields__", None) or value._fields
    taken = {name: getattr(value, name) for name in names if name in answer.__struct_fields__ and name not in more}
    return answer(**taken, **more)
