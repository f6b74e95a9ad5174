"""The app factory: one Flask app per service, with everything that architecture.md says of HTTP already in place."""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import flask
import flask_smorest
import marshmallow
import msgspec
from flask.json.provider import JSONProvider
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException

from shared import metrics
from shared.budgets import end_charging
from shared.decoding import read_any
from shared.journal import acting
from shared.refusal import Refusal, by_code
from shared.web import auth, problems
from shared.web.asking import begin_asking, end_asking
from shared.web.health import Checks, health_blueprint
from shared.web.logs import logged_method, logged_route
from shared.web.openapi import About, document, ecma
from shared.web.refused import Refusals
from shared.web.schema import Problem
from shared.web.trace import begin_trace, end_trace, trace_id

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTHING = About()
MIB = 1024 * 1024
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Under `no-referrer` browsers send forms with `Origin: null`, which our own Origin check would refuse.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Nearly every answer is about a person, and computers in an office are shared.
    "Cache-Control": "no-store",
}
# Sent where browsers use https: for a year they use nothing else for this host.
ONLY_HTTPS = "max-age=31536000; includeSubDomains"


class Json(JSONProvider):
    """JSON through msgspec: UTF-8 as it is, dates in ISO 8601."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        indent = kwargs.get("indent")
        encoded = msgspec.json.encode(obj)
        return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return read_any(s)

    def response(self, *args: Any, **kwargs: Any) -> flask.Response:
        body = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return flask.Response(body, content_type="application/json")


class Api(flask_smorest.Api):
    """flask-smorest's Api with problems as errors, in the answers and in the description."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: flask.Flask) -> None:
        self.answer_types: list[Any] = []
        super().__init__(app, spec_kwargs={"security": [{"token": []}]})
        self.ma_plugin.converter.add_attribute_function(_described)
        self.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})

    def handle_http_exception(self, error: HTTPException) -> flask.Response:
        return problems.answer(error)

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = problems.MEDIA_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def create_app(
    name: str,
    *,
    blueprints: Iterable[flask.Blueprint],
    actions: auth.Actions,
    verifier: auth.Verifier,
    service: object = None,
    journal: Engine | None = None,
    roles_in_force: auth.RolesInForce | None = None,
    prefix: str | None = None,
    checks: Checks | None = None,
    alive: Checks | None = None,
    measures: Sequence[metrics.Measure] = (),
    refusals: Iterable[Refusal] = (),
    origin: str | None = None,
    about: About = NOTHING,
    max_body: int = MIB,
) -> flask.Flask:
    """The WSGI app of one service, everything under `prefix` (default /api/v1/NAME) but /livez, /readyz and /metrics.

    actions   role × action table: action → roles; views name theirs with `@action`
    service   the service's handle; views get it from `service()`
    journal   the database of the service's journal: refused requests are counted there
    roles_in_force  (commune, staff id) → roles of today's post; a staff member's token counts as far as it has them
    checks    readiness checks by name; one fails by raising
    alive     liveness checks, besides that the process answers
    measures  what /metrics measures besides the requests
    refusals  every refusal that a view may raise
    origin    scheme://host[:port] that browsers use, when a proxy stands before the app
    about     what its OpenAPI description says of the service and of the ids in its addresses
    max_body  bytes; `@body_limit` lets a view take more

    Raises ValueError when a view names an action that the table does not have.
    """
    prefix = f"/api/v1/{name}" if prefix is None else prefix.rstrip("/")
    app = flask.Flask(name, static_folder=None)
    app.json = Json(app)
    app.config.update(
        API_TITLE=f"cchc {name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=prefix or "/",
        MAX_CONTENT_LENGTH=max_body,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    # Created now, while there is one thread: two first requests at once would each create them, and one would fail.
    metrics.web()
    app.extensions["cchc.service"] = service
    app.extensions["cchc.refused"] = Refusals(journal) if journal else None
    app.extensions["cchc.refusals"] = by_code(refusals)

    # Before the first blueprint, so that these hooks run before any of theirs.
    app.before_request(_begin)
    auth.guard(app, verifier, actions, origin, roles_in_force)
    app.register_error_handler(Exception, problems.answer)
    app.after_request(_finish)
    app.teardown_request(_end)

    app.extensions["cchc.actions"] = actions
    app.extensions["cchc.about"] = about
    api = Api(app)
    app.view_functions["api-docs.openapi_json"] = auth.public(_once(lambda: openapi(app)))
    app.register_blueprint(health_blueprint({**(checks or {}), "keys": verifier.must_be_able}, alive, measures))
    for blueprint in blueprints:
        register = api.register_blueprint if isinstance(blueprint, flask_smorest.Blueprint) else app.register_blueprint
        register(blueprint, url_prefix=prefix + (blueprint.url_prefix or ""))

    for method, rule, classification in auth.routes(app):
        if classification not in (None, "public", *actions):
            raise ValueError(f"{method} {rule}: the role × action table of {name} has no {classification!r}")
    return app


def service() -> Any:
    """What `create_app` was given as `service`, inside a view."""
    return flask.current_app.extensions["cchc.service"]


def openapi(app: flask.Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 description of an app, for `cchc openapi`."""
    api: Api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return document(
        app, api.spec.to_dict(), api.answer_types, problems.by_status(app.extensions["cchc.refusals"].values())
    )


def _once(make: Callable[[], T]) -> Callable[[], T]:
    """Made at the first call; those who call meanwhile wait for it instead of making it too."""
    lock, made = threading.Lock(), functools.cache(make)

    def answer() -> T:
        with lock:
            return made()

    return answer


def _described(_: object, field: marshmallow.fields.Field[Any], **__: object) -> dict[str, Any]:
    """What a field of our own says of itself (`described`), and its regex as programs in other languages read it."""
    described = dict(getattr(field, "described", {}))
    if field.allow_none and isinstance(described.get("type"), str):
        described["type"] = [described["type"], "null"]
    regexes = [validator.regex for validator in field.validators if isinstance(validator, marshmallow.validate.Regexp)]
    return described | ({"pattern": ecma(regexes[0])} if regexes else {})


def _begin() -> None:
    flask.g.started = time.perf_counter()
    metrics.web().in_progress.labels(flask.current_app.name).inc()
    begin_trace()
    begin_asking()


def _finish(response: flask.Response) -> flask.Response:
    """Add the headers that every answer has, answer 304 for what the client holds already, and log the access."""
    for header, value in SECURITY_HEADERS.items():
        response.headers.setdefault(header, value)
    if auth.is_https():
        response.headers.setdefault("Strict-Transport-Security", ONLY_HTTPS)
    response.headers["Trace-Id"] = trace_id()
    if "If-None-Match" in flask.request.headers:
        response.make_conditional(flask.request)
    seconds = time.perf_counter() - flask.g.started
    _count(response, seconds)
    # Neither path nor query, which may hold a sign-in code or a name that is looked for.
    fields = {
        "method": logged_method(),
        "route": logged_route(),
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "actor": acting.get().actor,
        "client": acting.get().origin,
    }
    if (code := flask.g.get("problem")) is not None:
        fields["problem"] = code
        if (refusals := flask.current_app.extensions["cchc.refused"]) is not None:
            refusals.note(response.status_code, code)
    if position := response.headers.get("Cchc-Position"):
        fields["position"] = position
    # Probes come every few seconds, and their lines would drown the others.
    log.log(logging.DEBUG if flask.request.blueprint == "health" else logging.INFO, "request", extra=fields)
    return response


def _count(response: flask.Response, seconds: float) -> None:
    counts, service = metrics.web(), flask.current_app.name
    counts.seconds.labels(service, logged_method(), logged_route(), response.status_code).observe(seconds)
    if "Cchc-Position" in response.headers:
        counts.commands.labels(service).inc()


def _end(_error: BaseException | None) -> None:
    if "started" in flask.g:
        metrics.web().in_progress.labels(flask.current_app.name).dec()
    end_charging()
    end_asking()
    end_trace()
