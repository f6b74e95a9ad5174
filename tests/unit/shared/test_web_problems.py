"""Every error of the web layer is a problem with a stable code and Vietnamese words, and leaks nothing."""

import inspect
import io
import json
import logging
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import marshmallow
import pytest
from marshmallow import fields, validate
from sqlalchemy.exc import TimeoutError as PoolExhausted
from webargs import fields as webargs_fields
from werkzeug.test import TestResponse

from shared import eventlog
from shared.web import form_messages, problems
from tests.support.web import NOTES, Service, notes_service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return notes_service(tmp_path)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = json.loads(response.data)
    assert body["code"] == code
    assert body["type"] == f"urn:cchc:problem:{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["trace_id"] == response.headers["Trace-Id"]
    return body


def details(body: dict[str, Any]) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in body["errors"]}


def test_validation_errors_are_pointers_with_vietnamese_texts(service: Service) -> None:
    wrong = {
        "weight": 9,
        "level": "C",
        "due": "14/6/2024",
        "lines": [{"text": "được"}, {"text": ""}, {}],
        "màu/sắc": "đỏ",
    }
    response = service.client.post(NOTES, json=wrong, headers=service.auth("office"))
    assert details(problem(response, 422, "invalid")) == {
        "#/title": "Bắt buộc phải có.",
        "#/weight": "Phải lớn hơn hoặc bằng 1 và nhỏ hơn hoặc bằng 5.",
        "#/level": "Phải là một trong: A, B.",
        "#/due": "Phải là ngày theo dạng năm-tháng-ngày, ví dụ 2024-06-14.",
        "#/lines/1/text": "Phải có từ 1 đến 20 ký tự hoặc phần tử.",
        "#/lines/2/text": "Bắt buộc phải có.",
        "#/màu~1sắc": "Không có trường này.",
    }


def test_answers_are_utf8_and_not_escaped(service: Service) -> None:
    response = service.client.post(NOTES, json={}, headers=service.auth("office"))
    assert "Bắt buộc".encode() in response.data
    read = service.client.get(f"{NOTES}/n1", headers=service.auth("office"))
    assert read.data == '{"title":"Xã Tiên Cảnh"}'.encode()


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ([], "#", "Phải là một đối tượng."),
        ({"title": None}, "#/title", "Không được để trống."),
        ({"title": 5}, "#/title", "Phải là một chuỗi ký tự."),
        ({"title": "x", "weight": "nhiều"}, "#/weight", "Phải là một số nguyên."),
        ({"title": "x", "lines": {}}, "#/lines", "Phải là một danh sách."),
        ({"title": "x", "lines": [3]}, "#/lines/0", "Phải là một đối tượng."),
    ],
)
def test_each_kind_of_wrong_value_has_its_words(service: Service, body: Any, pointer: str, detail: str) -> None:
    response = service.client.post(NOTES, json=body, headers=service.auth("office"))
    assert details(problem(response, 422, "invalid")) == {pointer: detail}


def test_a_misspelt_query_parameter_is_refused(service: Service) -> None:
    response = service.client.get(f"{NOTES}?limit=0&as_off=2024-12-10", headers=service.auth("staff"))
    assert details(problem(response, 422, "invalid")) == {
        "query#/limit": "Phải lớn hơn hoặc bằng 1 và nhỏ hơn hoặc bằng 200.",
        "query#/as_off": "Không có trường này.",
    }


def classes(module: ModuleType, base: type) -> list[type[Any]]:
    found = [cls for cls in vars(module).values() if inspect.isclass(cls) and issubclass(cls, base)]
    return [cls for cls in found if not cls.__name__.startswith("_")]


def test_marshmallow_is_left_with_no_english_text() -> None:
    """Vietnamese sentences are never plain ASCII; a new field or validator of a later release would show here."""
    texts: dict[str, str] = {}
    for field in classes(fields, fields.Field) + classes(webargs_fields, fields.Field):
        for cls in reversed(field.__mro__):
            for name, text in getattr(cls, "default_error_messages", {}).items():
                texts[f"{field.__name__}.{name}"] = text
    for validator in classes(validate, validate.Validator):
        for name, text in inspect.getmembers(validator, lambda value: isinstance(value, str)):
            if name.startswith(("message_", "default_message")):
                texts[f"{validator.__name__}.{name}"] = text
    assert len(texts) > 50
    assert [name for name, text in texts.items() if text.isascii()] == []


def test_bounds_and_schemas_speak_vietnamese() -> None:
    schema = marshmallow.Schema.from_dict({"n": fields.Int(validate=validate.Range(max=3, max_inclusive=False))})
    assert schema().validate({"n": 3, "m": 1}) == {"n": ["Phải nhỏ hơn 3."], "m": ["Không có trường này."]}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"title": "\xff"}',
        b'{"title": NaN}',
        b'{"title": "\\ud800", "pages": NaN}',
        b"[" * 100_000,
    ],
    ids=["cut", "not-utf8", "nan", "nan-and-surrogate", "deep"],
)
def test_a_body_that_is_no_json_is_refused(service: Service, body: bytes) -> None:
    service.app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    headers = service.auth("office") | {"Content-Type": "application/json"}
    problem(service.client.post(NOTES, data=body, headers=headers), 400, "invalid-json")


@pytest.mark.parametrize("text", ["\\ud800", "a\\u0000b", "\\u001b[2J", "\\u202egnp.exe", "\\ufffd"])
def test_a_body_with_what_no_text_holds_is_refused_at_its_place(service: Service, text: str) -> None:
    headers = service.auth("office") | {"Content-Type": "application/json"}
    response = service.client.post(NOTES, data=f'{{"title": "{text}"}}'.encode(), headers=headers)
    assert problem(response, 422, "invalid")["errors"][0]["pointer"] == "#/title"


def test_an_escaped_backslash_before_u0000_is_no_nul(service: Service) -> None:
    headers = service.auth("office") | {"Content-Type": "application/json"}
    response = service.client.post(NOTES, data=b'{"title": "a\\\\u0000"}', headers=headers)
    assert json.loads(response.data)["title"] == "a\\u0000"


def test_texts_are_composed_at_the_door(service: Service) -> None:
    response = service.client.post(NOTES, json={"title": "Ba\u0301o ca\u0301o"}, headers=service.auth("office"))
    assert json.loads(response.data)["title"] == "B\u00e1o c\u00e1o"
    form = {"name": "Ba\u0301o ca\u0301o", "file": (io.BytesIO(b"x"), "a.pdf")}
    response = service.client.post(f"{NOTES}/n1/files", data=form, headers=service.auth("office"))
    assert json.loads(response.data)["name"] == "B\u00e1o c\u00e1o"


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900])
def test_what_nests_deeply_is_refused(service: Service, depth: int) -> None:
    service.app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    headers = service.auth("office") | {"Content-Type": "application/json"}
    body = b'{"title": ' + b"[" * depth + b"]" * depth + b"}"
    response = service.client.post(NOTES, data=body, headers=headers)
    assert response.status_code in (400, 422), response.text


def test_http_errors_are_problems(service: Service) -> None:
    auth = service.auth("office")
    problem(service.client.get("/api/v1/notes/nothing", headers=auth), 404, "not-found")
    response = service.client.delete(NOTES, headers=auth)
    problem(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    problem(service.client.options(NOTES, headers=auth), 405, "method-not-allowed")
    problem(
        service.client.post(NOTES, data="title=x", content_type="text/plain", headers=auth),
        415,
        "unsupported-media-type",
    )
    large = problem(service.client.post(NOTES, json={"title": "x" * 1000}, headers=auth), 413, "too-large")
    assert "nhiều nhất 1000 byte. Hãy nén ảnh" in large["detail"] and large["trace_id"]


def test_a_view_may_take_a_larger_body_than_the_others(service: Service) -> None:
    def send(size: int) -> TestResponse:
        form = {"name": "biên bản", "file": (io.BytesIO(b"x" * size), "a.pdf")}
        return service.client.post(f"{NOTES}/n1/files", data=form, headers=service.auth("office"))

    assert json.loads(send(2000).data)["size"] == 2000
    assert "nhiều nhất 3 KiB." in problem(send(5000), 413, "too-large")["detail"]


def test_a_refusal_is_a_409_with_the_service_s_text(service: Service) -> None:
    response = service.client.post(f"{NOTES}/note-closed/close", headers=service.auth("office"))
    body = problem(response, 409, "note-closed")
    assert body["title"] == "Ghi chú đã đóng"
    assert body["detail"] == "Ghi chú n1 đã đóng ngày 14/6/2024."
    assert body["formerly"] == ["closed-note"]


def test_a_refusal_may_have_a_status_of_its_own(service: Service) -> None:
    problem(service.client.post(f"{NOTES}/not-author/close", headers=service.auth("office")), 403, "not-author")


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (eventlog.UnknownCommune("x"), 404, "commune-unknown", None),
        (eventlog.ClockBehind("…"), 503, "clock", "60"),
        (eventlog.EventTooLarge("…"), 422, "event-too-large", None),
        (eventlog.KeyReused("k"), 422, "idempotency-key-reused", None),
        (eventlog.Busy("…"), 503, "busy", "1"),
        (PoolExhausted("QueuePool limit of size 8 overflow 8 reached"), 503, "overloaded", "5"),
        (eventlog.StaleVersion("task/1", 3, 4), 412, "stale", None),
    ],
)
def test_errors_of_the_log_have_their_statuses(
    service: Service, error: Exception, status: int, code: str, retry: str | None
) -> None:
    service.raised.append(error)
    response = service.client.post(f"{NOTES}/n1/break", headers=service.auth("office"))
    problem(response, status, code)
    assert response.headers.get("Retry-After") == retry


def test_a_registered_exception_is_answered_with_its_attributes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SheetUnreadable(Exception):
        def __init__(self, sheet: str) -> None:
            self.sheet = sheet

    class SheetEncrypted(SheetUnreadable):
        pass

    monkeypatch.setattr(problems, "_registered", dict(problems._registered))
    problems.register_problem(SheetUnreadable, 422, "sheet", "Không đọc được", "Trang {sheet} ở {place} bị hỏng.")
    service.raised.append(SheetEncrypted("Phụ lục"))
    body = problem(service.client.post(f"{NOTES}/n1/break", headers=service.auth("office")), 422, "sheet")
    assert body["detail"] == "Trang Phụ lục ở … bị hỏng."


def test_an_unknown_exception_is_logged_and_never_shown(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.raised.append(RuntimeError("password=hunter2"))
    with caplog.at_level(logging.ERROR):
        response = service.client.post(
            f"{NOTES}/n1/break", headers=service.auth("office") | {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        )
    body = problem(response, 500, "internal")
    assert body["trace_id"] == TRACE
    assert "hunter2" not in response.text
    assert "hunter2" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("sent", ["", "rubbish", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
def test_without_a_well_formed_traceparent_a_new_trace_begins(service: Service, sent: str) -> None:
    traces = {service.client.get("/nothing", headers={"traceparent": sent}).headers["Trace-Id"] for _ in range(2)}
    assert len(traces) == 2
    assert all(len(trace) == 32 and trace != "0" * 32 for trace in traces)


def test_texts_are_nfc() -> None:
    texts = [text for problem in problems.DOOR.values() for text in (problem.title, problem.detail)]
    texts += [
        text
        for table in (form_messages.FIELDS, form_messages.VALIDATORS)
        for row in table.values()
        for text in row.values()
    ]
    assert [text for text in texts if not unicodedata.is_normalized("NFC", text)] == []
