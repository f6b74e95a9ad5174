"""Every error as RFC 9457 `application/problem+json` with a stable code and Vietnamese words."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import flask
import marshmallow
import msgspec
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from shared import metrics
from shared.eventlog import Busy, ClockBehind, EventTooLarge, KeyReused, StaleVersion, UnknownCommune, trouble
from shared.projection import CannotFold
from shared.refusal import Refusal, Refused, fill
from shared.sandbox.places import ReadersBusy
from shared.web.logs import logged_method, logged_route
from shared.web.trace import trace_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:cchc:problem:"


@dataclass(frozen=True)
class Problem:
    """One kind of error answer. `detail` is a template filled from the exception's params or attributes."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None  # seconds; sent as Retry-After
    formerly: tuple[str, ...] = ()  # codes that it had in earlier releases


# What the web layer itself rejects, by code.
DOOR: dict[str, Problem] = {
    problem.code: problem
    for problem in (
        Problem(400, "invalid-json", "Nội dung không đọc được", "Nội dung gửi lên không phải JSON hợp lệ."),
        Problem(400, "idempotency-key", "Idempotency-Key không hợp lệ", "Khóa gồm 1 đến 200 ký tự ASCII in được."),
        Problem(400, "wait-for", "Cchc-Wait-For không hợp lệ", "Cần dạng nguồn/xã/vị trí, ví dụ tasks/tien-canh/1234."),
        Problem(401, "unauthenticated", "Chưa đăng nhập", "Yêu cầu này cần mã truy cập (token)."),
        Problem(
            401,
            "invalid-token",
            "Mã truy cập không dùng được",
            "Mã truy cập (token) sai, hết hạn hoặc không dành cho hệ thống này.",
        ),
        Problem(403, "role", "Không có quyền", "Vai trò của bạn không được làm việc này; việc này dành cho: {who}."),
        Problem(403, "commune", "Sai xã", "Mã truy cập (token) này không dành cho xã hoặc phạm vi được yêu cầu."),
        Problem(
            403,
            "sign-in-code",
            "Liên kết không dùng được",
            "Liên kết này đã được dùng hoặc đã hết hạn. Hãy xin một liên kết mới.",
        ),
        Problem(403, "origin", "Yêu cầu từ nơi khác", "Thay đổi chỉ được gửi từ chính trang web này (tiêu đề Origin)."),
        Problem(
            403, "unclassified", "Chưa phân quyền", "Đường dẫn này chưa được khai báo ai được dùng nên bị từ chối."
        ),
        Problem(404, "not-found", "Không tìm thấy", "Không có gì ở địa chỉ này."),
        Problem(
            412, "stale", "Dữ liệu đã thay đổi", "Bản bạn đang sửa không còn là bản mới nhất; hãy tải lại rồi sửa."
        ),
        # Retry-After is what is left of the minute or the day.
        Problem(
            429,
            "too-many-changes",
            "Quá nhiều yêu cầu trong một phút",
            "{whose} đã gửi {limit} yêu cầu thay đổi trong phút này, mức tối đa, kể cả yêu cầu bị từ chối; yêu cầu này"
            " chưa được thực hiện. Đợi sang phút sau rồi gửi lại. Nếu công việc cần nhiều hơn, người quản trị hệ thống"
            " tăng {variable}.",
        ),
        Problem(
            429,
            "too-much-text",
            "Quá nhiều nội dung trong một ngày",
            "{whose} được gửi và ghi tối đa {limit} MiB nội dung trong một ngày; yêu cầu này cần nhiều hơn phần còn"
            " lại nên chưa ghi gì. Để sang ngày mai (tệp đã tải lên vẫn còn), chia nhỏ hơn, hoặc nhờ người quản trị hệ"
            " thống tăng {variable}.",
        ),
        Problem(
            429,
            "too-many-files",
            "Quá nhiều tệp trong một ngày",
            "{whose} được gửi và lưu tối đa {limit} MiB tệp trong một ngày; yêu cầu này cần nhiều hơn phần còn lại"
            " nên chưa được thực hiện. Để sang ngày mai, hoặc nhờ người quản trị hệ thống tăng {variable}.",
        ),
        Problem(428, "if-match-required", "Thiếu If-Match", "Thay đổi phải kèm If-Match với ETag của bản đang sửa."),
        Problem(
            503,
            "keys",
            "Chưa kiểm tra được mã truy cập",
            "Không tải được bộ khóa kiểm tra mã truy cập; hãy thử lại.",
            5,
        ),
        Problem(503, "not-yet", "Chưa cập nhật tới", "Dữ liệu đọc chưa đi tới vị trí được yêu cầu; hãy thử lại.", 1),
        Problem(
            503,
            "projection-parked",
            "Tạm dừng cập nhật",
            "Dữ liệu đọc của xã này đang dừng vì lỗi; cần người quản trị.",
        ),
    )
}

HTTP: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", "Yêu cầu không hợp lệ", "Máy chủ không hiểu được yêu cầu này."),
    404: ("not-found", "Không tìm thấy", "Không có gì ở địa chỉ này."),
    405: ("method-not-allowed", "Phương thức không được phép", "Địa chỉ này không nhận phương thức đã gửi."),
    406: ("not-acceptable", "Không có dạng được yêu cầu", "Máy chủ không trả lời được ở dạng đã yêu cầu."),
    408: ("request-timeout", "Quá thời gian gửi", "Yêu cầu gửi lên quá chậm."),
    413: (
        "too-large",
        "Nội dung quá lớn",
        "Ở đây nhận nhiều nhất {limit}. Hãy nén ảnh, bớt trang, bớt chữ hoặc tách ra.",
    ),
    415: ("unsupported-media-type", "Sai kiểu nội dung", "Hãy gửi nội dung với Content-Type: application/json."),
    500: ("internal", "Lỗi máy chủ", "Có lỗi ngoài dự kiến; hãy báo mã trace_id cho người quản trị."),
}

INVALID = Problem(422, "invalid", "Dữ liệu không hợp lệ", "Có chỗ chưa đúng; xem danh sách errors.")
INTERNAL = Problem(500, *HTTP[500])

DATABASE = Problem(503, "database", "Cơ sở dữ liệu không trả lời", "Hãy thử lại sau ít phút.", 5)

# Troubles of a database or a disk, by the word that `trouble_of` returns.
TROUBLES: dict[str, Problem] = {
    problem.code: problem
    for problem in (
        Problem(
            503,
            trouble.STORAGE_FULL,
            "Hết chỗ lưu trữ",
            "Ổ đĩa của máy chủ đã đầy nên chưa ghi được gì; người quản trị thêm dung lượng, rồi gửi lại.",
            60,
        ),
        Problem(
            503,
            trouble.STORAGE_FAILING,
            "Ổ đĩa báo lỗi",
            "Máy chủ không đọc hoặc không ghi được ổ đĩa; người quản trị kiểm tra ổ đĩa và bản sao lưu.",
            60,
        ),
        Problem(
            503,
            trouble.READ_ONLY,
            "Kho dữ liệu chỉ cho đọc",
            "Chưa ghi được gì; người quản trị kiểm tra quyền ghi của ổ đĩa và chế độ của cơ sở dữ liệu.",
            60,
        ),
        Problem(
            503,
            trouble.TOO_MANY_CONNECTIONS,
            "Quá nhiều kết nối",
            "Cơ sở dữ liệu không nhận thêm kết nối; hãy thử lại, nếu còn lặp lại người quản trị tăng max_connections.",
            5,
        ),
    )
}

# Exceptions of the packages underneath, by class.
_registered: dict[type[Exception], Problem] = {
    CannotFold: Problem(
        503,
        "log-altered",
        "Không tính được từ nhật ký",
        "Nhật ký có sự kiện không đọc được hoặc không khớp chuỗi; người quản trị chạy cchc verify để xem chi tiết.",
    ),
    UnknownCommune: Problem(
        404,
        "commune-unknown",
        "Không có xã này",
        "Hệ thống này không giữ nhật ký của xã được nêu.",
        formerly=("unknown-commune",),
    ),
    ClockBehind: Problem(503, "clock", "Đồng hồ máy chủ sai", "Đồng hồ chậm hơn nhật ký; chưa ghi được gì mới.", 60),
    EventTooLarge: Problem(422, "event-too-large", "Nội dung quá dài", "Một sự kiện chỉ được dài nhất 256 KiB."),
    KeyReused: Problem(
        422, "idempotency-key-reused", "Khóa đã dùng", "Idempotency-Key này đã dùng cho một yêu cầu khác."
    ),
    StaleVersion: DOOR["stale"],
    ReadersBusy: Problem(
        503,
        "file-readers-busy",
        "Đang đọc tệp khác",
        "Máy chủ đang đọc tệp của người khác, chưa ghi gì; hãy gửi lại tệp sau ít phút.",
        10,
    ),
    Busy: Problem(503, "busy", "Đang bận", "Xã này đang có nhiều thay đổi cùng lúc; hãy thử lại.", 1),
    PoolExhausted: Problem(503, "overloaded", "Đang quá tải", "Hệ thống đang nhận quá nhiều yêu cầu; hãy thử lại.", 5),
    OperationalError: DATABASE,
    InterfaceError: DATABASE,
}


def register_problem(
    exception: type[Exception], status: int, code: str, title: str, detail: str, *, retry_after: int | None = None
) -> None:
    """Declare the answer to an exception class and its subclasses; the exception's attributes fill `detail`."""
    _registered[exception] = Problem(status, code, title, detail, retry_after)


class Rejected(Exception):
    """The web layer itself rejects the request, before any rule of the domain; `code` is one of DOOR. `params` fill its
    text."""

    def __init__(self, code: str, headers: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(code)
        self.problem = DOOR[code]
        self.headers = dict(headers or {})
        self.params = params


class Invalid(Exception):
    """Input that its schema refuses; `location` is the part of the request (json, query, files …)."""

    def __init__(self, messages: Any, location: str) -> None:
        super().__init__(messages, location)
        self.messages = messages
        self.location = location


def problem_of(refused: Refused) -> Problem:
    """What the client is told of a refusal."""
    refusal = refused.refusal
    return Problem(refusal.status, refusal.code, refusal.title, refusal.detail, formerly=refusal.formerly)


def by_status(refusals: Iterable[Refusal]) -> dict[int, dict[str, str]]:
    """Status → code → title of every problem that a service with these refusals can answer with."""
    known = [*DOOR.values(), *TROUBLES.values(), *_registered.values(), INVALID, INTERNAL, DATABASE]
    known += [Problem(status, *words) for status, words in HTTP.items()]
    known += [Problem(refusal.status, refusal.code, refusal.title, refusal.detail) for refusal in refusals]
    by_code: dict[int, dict[str, str]] = {}
    for problem in known:
        by_code.setdefault(problem.status, {})[problem.code] = problem.title
    return by_code


def document(problem: Problem, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a problem document says of every occurrence of a problem."""
    body: dict[str, Any] = {
        "type": TYPE + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": fill(problem.detail, params or {}),
        "code": problem.code,
    }
    if problem.formerly:
        body["formerly"] = problem.formerly
    return body


def answer(error: Exception) -> flask.Response:
    """The Flask error handler for everything: exception in, problem out, nothing internal leaked."""
    if isinstance(error, HTTPException) and error.response is not None:
        return flask.make_response(error.response)
    headers: dict[str, str] = {}
    errors: list[dict[str, str]] = []
    params: Mapping[str, Any] = vars(error)
    if isinstance(error, Rejected):
        problem, headers, params = error.problem, error.headers, error.params
    elif isinstance(error, Refused):
        problem, params = problem_of(error), error.params
    elif isinstance(error, marshmallow.ValidationError):
        problem = INVALID
        errors = list(pointed(error.normalized_messages(), "#"))
    elif isinstance(error, Invalid):
        problem = INVALID
        errors = list(pointed(error.messages, "#" if error.location == "json" else f"{error.location}#"))
    elif isinstance(error, HTTPException):
        problem, headers = _of_http(error), _kept_headers(error)
        params = {"limit": _limit()} if problem.status == 413 else {}
    elif word := trouble.trouble_of(error):
        problem = TROUBLES[word]
    else:
        problem = next((_registered[cls] for cls in type(error).__mro__ if cls in _registered), INTERNAL)
    flask.g.problem = problem.code
    metrics.web().problems.labels(flask.current_app.name, problem.code).inc()
    where = f"{logged_method()} {logged_route()}: {problem.code}"
    if problem.status == 500:
        log.error("%s", where, exc_info=error)
    elif problem.status > 500:  # expected to pass: the cause is enough, without our own stack
        log.warning("%s: %s", where, error, exc_info=error.__cause__)
    body = document(problem, params)
    if errors:
        body["errors"] = errors
    body["trace_id"] = trace_id()
    response = flask.Response(msgspec.json.encode(body), problem.status, headers, content_type=MEDIA_TYPE)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if status in HTTP:
        return Problem(status, *HTTP[status])
    code, title, detail = HTTP[400 if status < 500 else 500]
    return Problem(status, code, title, detail)


def size_in_words(size: int) -> str:
    """Bytes in the largest unit of which it is at least one."""
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} byte"


def _limit() -> str:
    """What the request under way is too large for: all of it, or the fields of its form besides its files."""
    request = flask.request
    whole, fields = request.max_content_length, request.max_form_memory_size
    if whole is not None and (request.content_length is None or request.content_length > whole):
        return size_in_words(whole)
    return f"{size_in_words(fields or 0)} chữ và {request.max_form_parts} mục trong một biểu mẫu"


def _kept_headers(error: HTTPException) -> dict[str, str]:
    """Headers that the status itself requires, such as Allow with 405."""
    return {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}


def pointed(messages: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Marshmallow's nested messages (dicts by field or index, lists of texts) each with its pointer (RFC 6901)."""
    if isinstance(messages, dict):
        for key, value in messages.items():
            token = str(key).replace("~", "~0").replace("/", "~1")
            yield from pointed(value, pointer if key == "_schema" else f"{pointer}/{token}")
    elif isinstance(messages, list):
        for message in messages:
            yield from pointed(message, pointer)
    else:
        yield {"pointer": pointer, "detail": str(messages)}
