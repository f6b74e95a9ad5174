"""The services' public APIs, asked in the name of the person who is signed in: in this process or over HTTP."""

import contextvars
import io
import secrets
import sys
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from wsgiref.types import WSGIApplication, WSGIEnvironment

import flask
import msgspec
import urllib3
from werkzeug.wrappers import Response

from shared.decoding import decoder
from shared.web.problems import MEDIA_TYPE
from shared.web.trace import trace_id

# A service that does not take a connection within this is away; an answer may take as long as a large import.
CONNECT_S, READ_S = 2.0, 30.0
# Connections kept open to a service: at least as many as a web process has threads.
CONNECTIONS = 32
# Requests that may be repeated without a second effect.
REPEATABLE = frozenset({"GET", "HEAD"})

Read = TypeVar("Read")
# Field → file name, content, media type.
Files = Mapping[str, tuple[str, bytes, str]]


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong in one place of the input: `pointer` is `#/lead` in a body, `query#/limit` in a query."""

    pointer: str
    detail: str


class Problem(Exception):
    """A service's answer that is none: what it refused or could not do, in words for the person who asked."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        codes: frozenset[str] = frozenset(),
        trace: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
        # The code with its former names: a release may ask a service of the release before.
        self.codes = codes | {code}
        self.trace = trace
        self.retry_after = retry_after

    @property
    def refuses(self) -> bool:
        """The service refuses what it was sent, so the form says why; otherwise the error has a page of its own."""
        return self.status < 500 and self.status not in (401, 429)


def away(trace: str | None = None) -> Problem:
    """A service that cannot be reached."""
    detail = "Hãy thử lại sau giây lát; gửi lại cùng một biểu mẫu thì không bị ghi hai lần."
    return Problem(503, "away", "Dịch vụ tạm thời không trả lời", detail, trace=trace, retry_after=2)


class Request(msgspec.Struct, frozen=True):
    """One request to a service: `path` is below the service's base, quoted, with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """What a service answered; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, kind: type[Read]) -> Read:
        """The JSON body as a Struct; fields that the Struct does not name are passed over.

        Raises msgspec.DecodeError for anything else.
        """
        return decoder(kind)(self.body)

    @property
    def position(self) -> str | None:
        """Where a command was recorded, for `wait_for` of what is read next."""
        return self.headers.get("cchc-position")


# Takes a request to its service. Raises OSError or urllib3.exceptions.HTTPError when the service is away.
Send = Callable[[Request], Answer]


class Client(msgspec.Struct, frozen=True):
    """The API of one service; `token` is the one of the person in whose name it is asked."""

    service: str
    send: Send
    token: str | None = None

    def of(self, token: str | None) -> "Client":
        """The same API, asked in the name of another."""
        return msgspec.structs.replace(self, token=token)

    def get(self, *path: str | int, params: Mapping[str, Any] | None = None, wait_for: str | None = None) -> Answer:
        """GET of the address that these segments make. Raises Problem."""
        return self.request("GET", *path, params=params, wait_for=wait_for)

    def post(
        self,
        *path: str | int,
        json: Any = None,
        files: Files | None = None,
        idempotency_key: str | None = None,
        if_match: int | None = None,
    ) -> Answer:
        """POST to the address that these segments make. Raises Problem."""
        return self.request("POST", *path, json=json, files=files, idempotency_key=idempotency_key, if_match=if_match)

    def request(
        self,
        method: str,
        *path: str | int,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        files: Files | None = None,
        idempotency_key: str | None = None,
        if_match: int | None = None,
        wait_for: str | None = None,
    ) -> Answer:
        """Ask the service.

        path      segments of the address below the service's base, unquoted
        params    of the query; a list gives a parameter several times
        files     sent as a form, together with the texts in `json`
        if_match  the version that the change is based on

        Raises Problem, also when the service is away.
        """
        headers = {"Accept": "application/json", "Traceparent": f"00-{_trace()}-{secrets.token_hex(8)}-01"}
        given = {
            "Authorization": f"Bearer {self.token}" if self.token else None,
            "Idempotency-Key": idempotency_key,
            "If-Match": None if if_match is None else f'"{if_match}"',
            "Cchc-Wait-For": wait_for,
            # Whom the service answers is the person, not the screens that ask for them.
            "X-Forwarded-For": flask.request.remote_addr if flask.has_request_context() else None,
        }
        headers |= {name: value for name, value in given.items() if value is not None}
        body = b""
        if files is not None:
            body, headers["Content-Type"] = urllib3.encode_multipart_formdata({**(json or {}), **files})
        elif json is not None:
            body, headers["Content-Type"] = msgspec.json.encode(json), "application/json"
        request = Request(method, _address(path, params), headers, body)
        try:
            answer = self.send(request)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise away(_trace()) from error
        if 200 <= answer.status < 300:
            return answer
        raise problem_of(answer)


def _trace() -> str:
    """The trace of the request that is being answered; a check asks without one."""
    return trace_id() if flask.has_request_context() else secrets.token_hex(16)


def _address(segments: tuple[str | int, ...], params: Mapping[str, Any] | None) -> str:
    """The path and query. A segment of dots alone would lead elsewhere: no id is one."""
    texts = [str(segment) for segment in segments]
    if any(text in ("", ".", "..") for text in texts):
        raise Problem(404, "not-found", "Không tìm thấy", "Không có gì ở địa chỉ này.")
    path = "".join("/" + urllib.parse.quote(text, safe="", errors="surrogatepass") for text in texts)
    return f"{path}?{urllib.parse.urlencode(params, doseq=True)}" if params else path


class _Document(msgspec.Struct):
    title: str
    detail: str
    code: str
    errors: list[FieldError] = []
    formerly: list[str] = []
    trace_id: str | None = None


def problem_of(answer: Answer) -> Problem:
    """The problem that an answer tells. Something between us and the service may answer too, in other ways."""
    retry_after = answer.headers.get("retry-after", "")
    seconds = int(retry_after) if retry_after.isdecimal() else None
    try:
        if not answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
            raise msgspec.DecodeError("no problem document")
        document = answer.read(_Document)
    except msgspec.DecodeError:
        if answer.status in (502, 503, 504):
            return away()
        return Problem(500, "internal", "Lỗi máy chủ", "Dịch vụ trả lời một điều không hiểu được.")
    return Problem(
        answer.status,
        document.code,
        document.title,
        document.detail,
        errors=tuple(document.errors),
        codes=frozenset(document.formerly),
        trace=document.trace_id,
        retry_after=seconds,
    )


def in_process(app: WSGIApplication, prefix: str) -> Send:
    """A service's web app in this process; `prefix` is the one that it was made with."""

    def send(request: Request) -> Answer:
        # Of a context of its own, so that neither app sees or ends what belongs to the other's request.
        return contextvars.Context().run(_call, app, prefix, request)

    return send


def _call(app: WSGIApplication, prefix: str, request: Request) -> Answer:
    path, _, query = (prefix + request.path).partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.headers.get("X-Forwarded-For", "127.0.0.1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    response = Response.from_app(app, environ, buffered=True)
    return Answer(response.status_code, _lower(response.headers.items()), response.get_data())


def over_http(base: str, *, connect: float = CONNECT_S, read: float = READ_S) -> Send:
    """A service at a base such as http://tasks:8080/api/v1/tasks."""
    pool = urllib3.PoolManager(maxsize=CONNECTIONS, timeout=urllib3.Timeout(connect=connect, read=read), retries=False)
    base = base.rstrip("/")

    def once(request: Request) -> Answer:
        response = pool.request(
            request.method, base + request.path, body=request.body or None, headers=request.headers, redirect=False
        )
        return Answer(response.status, _lower(response.headers.items()), response.data)

    def send(request: Request) -> Answer:
        begun = time.monotonic()
        try:
            return once(request)
        except urllib3.exceptions.ProtocolError:
            # A kept connection may be closed by the service at the very moment that it is used again.
            repeatable = request.method in REPEATABLE or "Idempotency-Key" in request.headers
            if not repeatable or time.monotonic() - begun > connect:
                raise
            return once(request)

    return send


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
