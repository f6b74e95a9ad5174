"""The door: base Schema and Blueprint that every service declares its input and output with; strict, in Vietnamese."""

import re
import unicodedata
from typing import Any, NoReturn

import flask
import flask_smorest
import marshmallow
import msgspec
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from shared.web.problems import Invalid, Rejected
from shared.web.vietnamese import speak_vietnamese

speak_vietnamese()

# U+0000 is a legal JSON string character, but no PostgreSQL text can hold it.
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Schema(marshmallow.Schema):
    """Base of all schemas. Texts are composed (NFC); unknown fields are refused, so that a misspelt one is noticed."""

    @marshmallow.pre_load
    def compose(self, data: Any, **_: Any) -> Any:
        try:
            return composed(data)
        except RecursionError as error:
            raise marshmallow.ValidationError("Các phần lồng vào nhau quá sâu.") from error


def composed(value: Any) -> Any:
    """What came in, with all its texts, names too, in NFC: a Vietnamese letter is written in one way only."""
    if isinstance(value, MultiDictProxy):  # a query or a form, which knows which of its fields are lists
        sent: Any = value.data
        value.data = MultiDict([(composed(name), composed(text)) for name, text in sent.items(multi=True)])
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [composed(each) for each in value]
    if isinstance(value, dict):
        return {composed(name): composed(each) for name, each in value.items()}
    return value


class Parser(FlaskParser):
    """Reads strictly: JSON only as JSON, and no unknown query parameter (`as_off=` must not answer for today)."""

    # webargs declares it as a plain class attribute to be overridden so.
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": marshmallow.RAISE}  # noqa: RUF012

    def use_args(self, argmap: Any, *args: Any, **options: Any) -> Any:
        """One instance for all requests of a route: to make one takes longer than to check a body with it."""
        return super().use_args(argmap() if isinstance(argmap, type) else argmap, *args, **options)

    def _raw_load_json(self, req: flask.Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return core.missing
        if not is_json_request(req):
            raise UnsupportedMediaType
        # The standard library's decoder would let through NaN and lone surrogates, which nothing behind can store.
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Rejected("invalid-json") from error
        if NUL.search(body):
            raise Rejected("invalid-json")
        return value

    def handle_error(self, error: marshmallow.ValidationError, *_: Any, **__: Any) -> NoReturn:
        [(location, messages)] = error.normalized_messages().items()
        raise Invalid(messages, location) from error


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's Blueprint with the strict parser. All query parameters of a route belong in one schema."""

    ARGUMENTS_PARSER = Parser()


class ProblemError(Schema):
    """One thing that is wrong in the input."""

    pointer = marshmallow.fields.String(
        required=True,
        metadata={"description": "JSON Pointer as a fragment (#/lead); parameters are prefixed (query#/limit)"},
    )
    detail = marshmallow.fields.String(required=True)


class Problem(Schema):
    """RFC 9457 problem details."""

    type = marshmallow.fields.String(required=True, metadata={"description": "urn:cchc:problem:<code>"})
    title = marshmallow.fields.String(required=True)
    status = marshmallow.fields.Integer(required=True)
    detail = marshmallow.fields.String(required=True)
    code = marshmallow.fields.String(required=True, metadata={"description": "Stable; programs decide by it"})
    formerly = marshmallow.fields.List(
        marshmallow.fields.String(),
        metadata={"description": "Codes that this problem had in earlier releases; they go with the next one"},
    )
    errors = marshmallow.fields.List(marshmallow.fields.Nested(ProblemError))
    trace_id = marshmallow.fields.String(required=True)
