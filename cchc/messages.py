"""HTTP messages as the front takes and gives them: requests more strictly than waitress, refusals as problem documents
(ADR 0033)."""

import html
import logging
import re
from http import HTTPStatus

import msgspec
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.proxy_headers import MalformedProxyHeader, parse_proxy_headers
from waitress.task import ErrorTask, WSGITask

from services.tasks.evidence import MAX_EVIDENCE
from shared.web import problems
from shared.web.app import SECURITY_HEADERS
from shared.web.trace import trace_of

logger = logging.getLogger(__name__)


def _plain(status: int) -> problems.Problem:
    return problems.Problem(status, *problems.HTTP[status])


SLOW = _plain(408)
FULL = problems.Problem(
    503, "overloaded", "Đang quá tải", "Máy chủ đang nhận quá nhiều yêu cầu cùng lúc; hãy thử lại.", 5
)
CROWD = problems.Problem(
    429,
    "too-many-waiting",
    "Quá nhiều yêu cầu cùng lúc",
    "Bạn đang có quá nhiều yêu cầu chờ trả lời; yêu cầu này chưa được thực hiện. Đợi vài giây rồi gửi lại.",
    5,
)
_LENGTH = problems.Problem(
    411, "length-required", "Thiếu Content-Length", "Hãy gửi nội dung với Content-Length, không dùng Transfer-Encoding."
)
_HEAD = problems.Problem(
    431,
    "head-too-large",
    "Tiêu đề quá lớn",
    "Phần đầu của yêu cầu (địa chỉ, cookie) lớn hơn {limit}. Hãy xóa cookie của trang này hoặc rút ngắn địa chỉ.",
)
# What waitress says of a request → the answer.
_PARSER = {400: _plain(400), 413: _plain(413), 431: _HEAD, 500: problems.INTERNAL, 501: _LENGTH}

# Lines that readers of HTTP have understood differently: a field that goes on in the next line, a length in two ways.
_FORWARDED = ("X_FORWARDED_FOR", "X_FORWARDED_PROTO")
_FOLDED = re.compile(rb"\r\n[ \t]")


class Request(HTTPRequestParser):
    """A request, more strictly than waitress takes it."""

    problem: problems.Problem | None = None
    forwarded_for: str | None = None  # the client's address, as a trusted proxy says

    def received(self, data: bytes) -> int:
        """Take what belongs to this request. What was sent behind it, without waiting for the answer, is given up with
        the connection: answers in a row would pile up for a client that reads none, and a second request in the bytes
        of the first is how requests are smuggled."""
        taken: int = super().received(data)
        if self.error:
            self.expect_continue = False
        if self.completed and not self.empty and taken < len(data):
            self.headers["CONNECTION"] = "close"
            return len(data)
        return taken

    def parse_header(self, head: bytes) -> None:
        if _FOLDED.search(head):
            raise ParsingError("folded header")
        try:
            super().parse_header(head)
        except ValueError as error:  # of an address in brackets that are not closed, of a number of 5,000 digits
            raise ParsingError("no address or no number") from error
        if self.chunked or "TRANSFER_ENCODING" in self.headers:
            # Browsers and proxies say the length. Without it there is no limit to check at the head, and a front and a
            # proxy may disagree where a body ends.
            self.body_rcv, self.problem = None, _LENGTH
            raise ParsingError("no length")
        host = self.headers.get("HOST")
        if (host is None and self.version == "1.1") or "," in (host or ""):
            raise ParsingError("not one host")
        if self.adj.trusted_proxy:
            self.forwarded_for = self._forwarded_for()

    def _forwarded_for(self) -> str | None:
        """The loop asks before waitress would in a thread, and refuses in our words what cannot be read."""
        said = {f"HTTP_{name}": self.headers[name] for name in _FORWARDED if name in self.headers}
        try:
            parse_proxy_headers(said, 1, self.adj.trusted_proxy_headers)
        except (MalformedProxyHeader, LookupError) as error:
            raise ParsingError("no address or no scheme") from error
        return said.get("REMOTE_ADDR")


class Answer(WSGITask):
    def build_response_header(self) -> bytes:
        if self.channel.server.ending:
            self.set_close_on_finish()
        head: bytes = super().build_response_header()
        return head


class Refusal(ErrorTask):
    """Answers what no app sees: a page for a browser, a problem document for a program."""

    def execute(self) -> None:
        problem = self.request.problem or _PARSER[self.request.error.code]
        allowed = self.channel.adj
        whole, file = map(problems.size_in_words, (allowed.max_request_body_size, MAX_EVIDENCE))
        limits = {
            413: f"{whole} một lần gửi, trong đó một tệp nhiều nhất {file}",
            431: problems.size_in_words(allowed.max_request_header_size),
        }
        document = problems.document(problem, {"limit": limits.get(problem.status)})
        _, document["trace_id"] = trace_of(self.request.headers.get("TRACEPARENT", ""))
        extra = {"status": problem.status, "problem": problem.code, "trace_id": document["trace_id"]}
        logger.info("refused before any app", extra=extra)
        self.channel.server.turned_away(problem.code)
        self.channel.refused = True
        if "text/html" in self.request.headers.get("ACCEPT", ""):
            media_type = "text/html; charset=utf-8"
            said = {name: html.escape(str(document[name])) for name in ("title", "detail", "trace_id")}
            body = _PAGE.format_map(said).encode()
        else:
            media_type = problems.MEDIA_TYPE
            body = msgspec.json.encode(document)
        self.status = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        self.response_headers += [
            ("Content-Type", media_type),
            ("Trace-Id", document["trace_id"]),
            ("Content-Security-Policy", SECURITY_HEADERS["Content-Security-Policy"]),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        if problem.retry_after is not None:
            self.response_headers.append(("Retry-After", str(problem.retry_after)))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body if getattr(self.request, "command", "") != "HEAD" else b"")


_PAGE = (
    '<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
    ' initial-scale=1"><title>{title}</title><h1>{title}</h1><p>{detail}</p><p>Mã trace_id: {trace_id}</p></html>'
)
