"""Cursor paging: `limit` and an opaque `cursor` in, `Link: rel="next"` out."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

import flask
import msgspec
from marshmallow import ValidationError, fields, validate

from shared.decoding import decoder
from shared.text import fault
from shared.web.schema import Schema

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Cursor(fields.Field[tuple[Any, ...]]):
    """Where the previous page ended: the sort key of its last row, e.g. `Cursor(str, int)`."""

    described: ClassVar = {"type": "string", "description": "Where the page before ended, as its Link header says"}

    def __init__(self, *types: type, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._read = decoder(tuple[types])  # type: ignore[valid-type]

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Any, ...]:
        try:
            key: tuple[Any, ...] = self._read(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            raise ValidationError("Con trỏ trang không hợp lệ; hãy đi từ trang đầu.") from error
        if wrong := next((wrong for part in key if isinstance(part, str) and (wrong := fault(part))), None):
            raise ValidationError(wrong)
        return key


class PageQuery(Schema):
    """Base of a list's query schema; the list adds `cursor = Cursor(…)` with the types of its sort key."""

    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "Rows a page"},
    )


def page(
    rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[Any, ...]]
) -> tuple[Sequence[Row], dict[str, str]]:
    """One page of `rows`, which were read with limit + 1, and the Link header if there is more.

    `key` gives the sort key of a row, of the types the list's Cursor declares.
    """
    if len(rows) <= limit:
        return rows, {}
    shown = rows[:limit]
    cursor = urlsafe_b64encode(msgspec.json.encode(key(shown[-1]))).rstrip(b"=").decode()
    query = {**flask.request.args.to_dict(flat=False), "cursor": [cursor]}
    return shown, {"Link": f'<{flask.request.path}?{urlencode(query, doseq=True)}>; rel="next"'}
