"""Errors as pages: what happened, what to do, and the number by which an administrator finds it in the logs."""

import logging

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shared import metrics
from shared.web import problems
from shared.web.auth import is_from_own_origin
from shared.web.logs import logged_method, logged_route
from shared.web.trace import trace_id
from web.client import Answer, Problem, problem_of
from web.page import page
from web.screens.sign_in import come_back

log = logging.getLogger(__name__)

# What the person can do about it, by status.
REMEDIES = {
    400: "Quay lại trang trước và thử lại.",
    401: "Đăng nhập xong, trang này sẽ tự mở lại.",
    403: "Nếu việc này là của bạn, hãy hỏi Văn phòng UBND xã về chức vụ và quyền đang ghi cho bạn.",
    404: "Kiểm tra lại địa chỉ, hoặc bắt đầu từ trang chính.",
    405: "Bắt đầu lại từ trang chính.",
    409: "Quay lại trang trước, tải lại để xem việc đang ở bước nào, rồi làm tiếp.",
    412: "Có người vừa sửa. Quay lại, tải lại trang để thấy bản mới, rồi làm lại thay đổi của bạn.",
    413: "Chọn tệp nhỏ hơn, hoặc bớt nội dung rồi gửi lại.",
    422: "Quay lại, sửa những chỗ được nêu rồi gửi lại.",
    429: "Đợi một lát rồi thử lại.",
    500: "Thử lại; nếu vẫn vậy, gửi mã lỗi dưới đây cho người quản trị.",
    503: "Hệ thống sẽ trở lại. Thử lại sau ít phút; những gì đã ghi vẫn còn nguyên.",
}
# Where an API speaks to programs, a page speaks to a person: code → title, detail.
WORDS = {
    "unauthenticated": ("Cần đăng nhập", "Bạn chưa đăng nhập, hoặc lần đăng nhập trước đã hết hạn."),
    "invalid-token": ("Cần đăng nhập", "Bạn chưa đăng nhập, hoặc lần đăng nhập trước đã hết hạn."),
    "commune": ("Không dành cho bạn", "Trang này thuộc một xã hoặc phạm vi khác với tài khoản đang đăng nhập."),
    "origin": ("Yêu cầu từ nơi khác", "Thay đổi chỉ được gửi từ chính trang web này; mở lại trang rồi gửi lại."),
    "internal": ("Lỗi máy chủ", "Có lỗi ngoài dự kiến; lỗi đã được ghi lại."),
}
# What passes: the page keeps what was typed and offers to send it again, which has one effect.
PASSING = frozenset({401, 429, 503})


def install(app: flask.Flask) -> None:
    """Answer every error of the app with a page, in the place of a problem document."""
    app.register_error_handler(Exception, answer)
    app.register_error_handler(HTTPException, answer)


def answer(error: Exception) -> Response:
    """The error handler; a client that asks for JSON and not for a page gets the problem document."""
    if isinstance(error, HTTPException) and error.response is not None:
        return flask.make_response(error.response)
    if isinstance(error, Problem):
        problem, headers = error, {}
        metrics.web().problems.labels(flask.current_app.name, problem.code).inc()
        if problem.status >= 500:
            log.warning("%s %s: %s", logged_method(), logged_route(), problem, exc_info=error.__cause__)
    else:
        document = problems.answer(error)
        if _wants_json():
            return document
        problem = problem_of(
            Answer(document.status_code, {k.lower(): v for k, v in document.headers.items()}, document.get_data())
        )
        headers = {name: document.headers[name] for name in ("Allow", "WWW-Authenticate") if name in document.headers}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    response = _document(problem) if _wants_json() else _page(problem)
    response.headers.extend(headers)
    return response


def _wants_json() -> bool:
    accepted = flask.request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"] or accepted[problems.MEDIA_TYPE] > accepted["text/html"]


def _document(problem: Problem) -> Response:
    body = {
        "type": problems.TYPE + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "trace_id": problem.trace or trace_id(),
    }
    if problem.errors:
        body["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in problem.errors]
    return flask.Response(flask.json.dumps(body), problem.status, content_type=problems.MEDIA_TYPE)


def _page(problem: Problem) -> Response:
    # A form of another site is not offered: it comes without the cookie, and sent again from here it would have it.
    again = problem.status in PASSING and flask.request.method == "POST" and is_from_own_origin()
    title, detail = WORDS.get(problem.code, (problem.title, problem.detail))
    response = page(
        "errors/error.html",
        problem.status,
        title=title,
        detail=detail,
        problem=problem,
        remedy=REMEDIES.get(problem.status, REMEDIES[500 if problem.status >= 500 else 400]),
        trace=problem.trace or trace_id(),
        again=_typed() if again else None,
    )
    if problem.status == 401:
        come_back(response)
    return response


def _typed() -> list[tuple[str, str]] | None:
    """What the form holds; None when it is too large to be read."""
    try:
        return list(flask.request.form.items(multi=True))
    except HTTPException:
        return None
