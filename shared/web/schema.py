"""Base Schema and Blueprint, with which every service declares its input and output: strict, in Vietnamese."""

import json
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import unquote_to_bytes

import flask
import flask_smorest
import marshmallow
import msgspec
import werkzeug
from flask_smorest.utils import set_status_and_headers_in_response, unpack_tuple_response
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from shared import text
from shared.decoding import read_any
from shared.web import openapi
from shared.web.form_messages import speak_vietnamese
from shared.web.problems import Invalid, Rejected

speak_vietnamese()

View = TypeVar("View", bound=Callable[..., Any])


class Schema(marshmallow.Schema):
    """Base of all schemas. Every text in the input, whatever its field, is composed (NFC) and free of the characters
    that no text may hold (shared/text.py); unknown fields are refused, so that a misspelt one is noticed."""

    @marshmallow.pre_load
    def compose(self, data: Any, **_: Any) -> Any:
        try:
            data = composed(data)
            wrong = faults(data)
        except RecursionError as error:
            raise marshmallow.ValidationError("Các phần lồng vào nhau quá sâu.") from error
        if wrong:
            raise marshmallow.ValidationError(wrong)
        return data


class Words(marshmallow.fields.String):
    """Text as people type it: trimmed, of bounded length (letters), with line ends and tabs."""

    lines = True
    visible = False

    def __init__(self, longest: int, *, shortest: int = 0, **options: Any) -> None:
        length = marshmallow.validate.Length(min=shortest or None, max=longest)
        super().__init__(validate=[length, *_validators(options.pop("validate", ()))], **options)

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> str:
        trimmed = str(super()._deserialize(value, *args, **options)).strip()
        if wrong := text.fault(trimmed, lines=self.lines, visible=self.visible):
            raise marshmallow.ValidationError(wrong)
        return trimmed


class Line(Words):
    """Text on one line."""

    lines = False


class Id(Line):
    """The id of something: one line of visible characters."""

    visible = True

    def __init__(self, longest: int = text.LONGEST_ID, **options: Any) -> None:
        super().__init__(longest, **options)


def _validators(given: Any) -> Iterable[Callable[[Any], Any]]:
    return (given,) if callable(given) else given


def composed(value: Any) -> Any:
    """Input with all its texts in NFC, names included, so that a Vietnamese letter has one spelling only."""
    if isinstance(value, MultiDictProxy):  # a query or a form, which knows its list fields
        sent: Any = value.data
        value.data = MultiDict([(composed(name), composed(text)) for name, text in sent.items(multi=True)])
        return value
    if isinstance(value, str):
        return text.composed(value)
    if isinstance(value, list):
        return [composed(each) for each in value]
    if isinstance(value, dict):
        return {composed(name): composed(each) for name, each in value.items()}
    return value


TWICE = "Chỉ được gửi một lần."


def faults(value: Any) -> Any:
    """What is wrong with the characters of an input, or given twice, as marshmallow nests its messages; or None."""
    if isinstance(value, str):
        wrong = text.fault(value, lines=True)
        return [wrong] if wrong else None
    if isinstance(value, MultiDictProxy):
        sent: Any = value.data
        if twice := [name for name in sent if name not in value.multiple_keys and len(sent.getlist(name)) > 1]:
            return {"_schema" if text.fault(name) else name: [TWICE] for name in twice}
        value = sent
    if isinstance(value, list):
        parts: Iterable[tuple[Any, Any]] = enumerate(value)
    elif isinstance(value, MultiDict):
        parts = value.items(multi=True)
    elif isinstance(value, dict):
        parts = value.items()
    else:
        return None
    found: dict[Any, Any] = {}
    for name, part in parts:
        if isinstance(name, str) and (wrong := text.fault(name)):
            found["_schema"] = [wrong]  # the name itself is not repeated
        elif wrong := faults(part):
            found[name] = wrong
    return found or None


class Parser(FlaskParser):
    """Reads strictly: JSON only as JSON, and no unknown query parameter (`as_off=` must not answer for today)."""

    # webargs declares it as a plain class attribute to be overridden so.
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": marshmallow.RAISE}  # noqa: RUF012

    def use_args(self, argmap: Any, *args: Any, **options: Any) -> Any:
        """Use one instance for all requests of a route: creating one takes longer than checking a body."""
        return super().use_args(argmap() if isinstance(argmap, type) else argmap, *args, **options)

    def load_querystring(self, req: flask.Request, schema: marshmallow.Schema) -> Any:
        """werkzeug keeps what is no UTF-8 as it was quoted, so that it would be looked for under another name."""
        try:
            unquote_to_bytes(req.query_string).decode()
        except UnicodeDecodeError as error:
            raise Invalid({"_schema": ["Không phải chuỗi UTF-8 hợp lệ."]}, "query") from error
        return super().load_querystring(req, schema)

    def _raw_load_json(self, req: flask.Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return core.missing
        if not is_json_request(req):
            raise UnsupportedMediaType
        # The standard library's decoder accepts NaN and lone surrogates, which no store behind us can hold.
        try:
            sent = read_any(body)
        except msgspec.DecodeError as error:
            if wrong := _halves(body):
                raise Invalid(wrong, "json") from error
            raise Rejected("invalid-json") from error
        if _names_one_twice(body):
            raise Invalid({"_schema": ["Một tên đứng hai lần trong cùng một đối tượng. Giữ lại một."]}, "json")
        return sent

    def handle_error(self, error: marshmallow.ValidationError, *_: Any, **__: Any) -> NoReturn:
        [(location, messages)] = error.normalized_messages().items()
        raise Invalid(messages, location) from error


def _halves(body: bytes) -> Any:
    """Where a body that is no JSON for msgspec holds halves of surrogate pairs, so that it is refused like any text."""
    try:
        return faults(json.loads(body, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return None


def _names_one_twice(body: bytes) -> bool:
    """Readers differ in which of the two they take (RFC 7493, 2.3); msgspec takes the last and says nothing."""
    twice = False

    def pairs(members: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len({text.composed(name) for name, _ in members}) < len(members)

    try:
        json.loads(body, object_pairs_hook=pairs, parse_int=len)  # a long number is for the schema to refuse
    except RecursionError as error:
        raise Rejected("invalid-json") from error
    return twice


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's Blueprint with the strict parser, whose views also declare what openapi.py describes.

    All query parameters of a route belong in one schema.
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._prepare_doc_cbks.append(self._complete)
        self.before_request(_must_be_readable)

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[View], View]:
        """As flask-smorest's; a view without a query schema takes no query."""
        decorate = super().arguments(schema, location=location, **options)

        def reading(view: View) -> View:
            decorated: View = decorate(view)
            if location == "query":
                decorated.__dict__["cchc_reads_query"] = True
            return decorated

        return reading

    def answers(
        self,
        status: int,
        of: Any = None,
        *,
        media: str | None = None,
        headers: Collection[str] = (),
        description: str | None = None,
    ) -> Callable[[View], View]:
        """What a view answers with when all is well: JSON of a type, or a file of a media type, or nothing.

        A view that returns a value of that type, alone or with headers, has it encoded. `of` may be a schema too.
        """
        if isinstance(of, marshmallow.Schema) or (isinstance(of, type) and issubclass(of, marshmallow.Schema)):
            described = openapi.headers_of(headers)
            return cast(Callable[[View], View], self.response(status, of, headers=described, description=description))
        media = media or (openapi.JSON if of is not None else "")
        declared = openapi.declare_answer(openapi.Answer(status, of, media, tuple(headers), description))

        def decorate(view: View) -> View:
            @wraps(view)
            def answering(*args: Any, **options: Any) -> flask.Response:
                value, sent, more = unpack_tuple_response(view(*args, **options))
                if not isinstance(value, werkzeug.Response):
                    body = b"" if value is None else msgspec.json.encode(value)
                    value = flask.Response(body, status, content_type=media or None)
                set_status_and_headers_in_response(value, sent, more)
                return cast(flask.Response, value)

            return cast(View, declared(answering))

        return decorate

    def takes(self, *headers: str) -> Callable[[View], View]:
        """The headers that a view reads from its request: If-Match, Idempotency-Key, Cchc-Wait-For."""
        return openapi.declare_headers(headers)

    def problems(self, *statuses: int) -> Callable[[View], View]:
        """Problems of a view besides those that follow from what it takes."""
        return openapi.declare_problems(statuses)

    def uploads(
        self, *files: str, form: type[marshmallow.Schema] | None = None, required: bool = True
    ) -> Callable[[View], View]:
        """The files that a form carries, besides the parts of a schema."""
        return openapi.declare_upload(openapi.Upload(files, form, required))

    def _store_endpoint_docs(self, endpoint: str, view: Any, *args: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, view, *args, **options)
        for name, described in self._docs[endpoint].items():
            if name != "parameters":
                described["view"] = view

    def _complete(
        self, doc: dict[str, Any], doc_info: dict[str, Any], *, api: Any, app: flask.Flask, method: str, **_: Any
    ) -> dict[str, Any]:
        doc |= doc_info["docstring"]
        doc = openapi.operation(doc, doc_info["view"], method, app.extensions["cchc.actions"], api.answer_types)
        doc_info["docstring"]["description"] = doc["description"]  # what stands there is written over the operation
        return doc


def _must_be_readable() -> None:
    """Nothing of a request is passed over: a query that its view does not read, a body that is compressed."""
    coding = flask.request.headers.get("Content-Encoding", "identity").strip().lower()
    if flask.request.content_length and coding != "identity":
        raise UnsupportedMediaType
    if flask.request.query_string:
        view = view_of(flask.current_app, flask.request.endpoint or "", flask.request.method)
        if view is not None and not vars(view).get("cchc_reads_query"):
            Blueprint.ARGUMENTS_PARSER.parse(Schema(), flask.request, location="query")


def view_of(app: flask.Flask, endpoint: str, method: str) -> Callable[..., Any] | None:
    """What answers a request: the function, or the class-based view's method (GET answers HEAD)."""
    view = app.view_functions.get(endpoint)
    if (cls := getattr(view, "view_class", None)) is None:
        return view
    found = getattr(cls, method.lower(), None)
    return getattr(cls, "get", None) if found is None and method == "HEAD" else found


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
