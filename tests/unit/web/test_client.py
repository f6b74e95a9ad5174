"""The client of the services' APIs: the same in this process and over HTTP, and the asker's own request untouched."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flask
import msgspec
import pytest

from shared.eventlog.traces import traceparent
from shared.web.trace import begin_trace, trace_id
from tests.support.web import Service, notes_service, served
from web.client import Answer, Client, Problem, Request, in_process, over_http, problem_of

NOTES = ("communes", "tien-canh", "notes")


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return notes_service(tmp_path)


@pytest.fixture(params=["in process", "over HTTP"])
def client(service: Service, request: pytest.FixtureRequest) -> Iterator[Client]:
    with ExitStack() as stack:
        if request.param == "in process":
            send = in_process(service.app, "/api/v1/notes")
        else:
            send = over_http(stack.enter_context(served(service.app)) + "/api/v1/notes")
        # As inside a view of another app.
        stack.enter_context(flask.Flask("outer").test_request_context("/outer?x=1"))
        begin_trace()
        yield Client("notes", send, service.token("office", "staff"))


class Note(msgspec.Struct):
    title: str


def problem(client: Client, *path: str, method: str = "GET", **options: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        client.request(method, *path, **options)
    return raised.value


def test_a_list_is_read_with_its_parameters(client: Client) -> None:
    notes = client.get(*NOTES, params={"limit": 2})
    assert [note.title for note in notes.read(list[Note])] == ["ghi chú 1", "ghi chú 2"]
    assert 'rel="next"' in notes.headers["link"]
    # As a request's own parameters come: each a list.
    assert len(client.get(*NOTES, params={"limit": ["3"]}).read(list[Note])) == 3


def test_a_command_carries_its_key_and_says_where_it_was_recorded(client: Client) -> None:
    first = client.post(*NOTES, json={"title": "Xã Tiên Cảnh"}, idempotency_key="k1")
    assert (first.status, first.position, first.headers["etag"]) == (201, "notes/tien-canh/7", '"1"')
    assert first.read(Note).title == "Xã Tiên Cảnh"
    again = client.post(*NOTES, json={"title": "Xã Tiên Cảnh"}, idempotency_key="k1")
    assert first.headers["key-digest"] == again.headers["key-digest"] != ""


def test_a_version_becomes_an_if_match(client: Client) -> None:
    assert json.loads(client.request("PATCH", *NOTES, "n1", if_match=4).body) == {"based_on": 4}
    missing = problem(client, *NOTES, "n1", method="PATCH")
    assert (missing.status, missing.code) == (428, "if-match-required")


def test_files_go_with_the_texts_of_their_form(client: Client) -> None:
    answer = client.post(
        *NOTES, "n1", "files", json={"name": "Ảnh"}, files={"file": ("ảnh.png", b"12345", "image/png")}
    )
    assert json.loads(answer.body)["size"] == 5 and json.loads(answer.body)["name"] == "Ảnh"


def test_a_problem_says_what_the_service_said(client: Client) -> None:
    invalid = problem(client, *NOTES, method="POST", json={"title": "", "lines": [{"text": "x" * 21}]})
    assert (invalid.status, invalid.code) == (422, "invalid")
    assert {error.pointer for error in invalid.errors} == {"#/title", "#/lines/0/text"}
    assert invalid.trace == trace_id()  # one trace from the page to the service's log


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_is_told_by_the_service(client: Client, service: Service, status: int) -> None:
    asked = {401: client.of(None), 403: client.of(service.token("admin")), 404: client}[status]
    path = (*NOTES,) if status != 404 else ("nowhere",)
    assert problem(asked, *path, method="POST" if status == 403 else "GET").status == status


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_no_segment_leads_elsewhere(client: Client, segment: str) -> None:
    assert problem(client, "communes", segment, "notes").status == 404


@pytest.mark.parametrize("segment", ["a/b", "a?limit=1", "../x", "%2e%2e", "a#b", "Đ"])
def test_a_segment_stays_one(client: Client, segment: str) -> None:
    assert client.get(*NOTES[:2], "notes", segment.replace("/", "-")).status == 200
    assert problem(client, "communes", segment, "notes").status in (403, 404)


def test_the_askers_own_request_is_untouched(client: Client) -> None:
    flask.g.mine = "kept"
    traceparent.set("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    client.get(*NOTES)
    problem(client, "nowhere")
    assert flask.g.mine == "kept" and flask.request.path == "/outer" and flask.request.args["x"] == "1"
    assert flask.current_app.name == "outer" and (traceparent.get() or "").startswith("00-aaaa")


def test_a_service_that_is_away_is_a_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with flask.Flask("outer").test_request_context():
        gone = problem(Client("notes", over_http(f"http://127.0.0.1:{port}")), "x")
        assert (gone.status, gone.code, gone.retry_after) == (503, "away", 2)


def test_a_service_that_does_not_answer_is_a_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, flask.Flask("outer").test_request_context():
        send = over_http(f"http://127.0.0.1:{silent.getsockname()[1]}", read=0.2)
        assert problem(Client("notes", send), "x").status == 503


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"content-type": "application/problem+json", "retry-after": "7"}, (429, "slow", 7)),
        (503, {"content-type": "application/problem+json", "retry-after": "1"}, (503, "slow", 1)),
        (502, {"content-type": "text/html"}, (503, "away", 2)),
        (418, {"content-type": "text/html"}, (500, "internal", None)),
    ],
)
def test_what_may_pass_keeps_its_time(
    status: int, headers: dict[str, str], expected: tuple[int, str, int | None]
) -> None:
    body = b'{"code": "slow", "title": "x", "detail": "y", "status": 1, "type": "z"}'
    told = problem_of(Answer(status, headers, body))
    assert (told.status, told.code, told.retry_after) == expected


def test_a_former_code_still_counts() -> None:
    body = b'{"code": "staff-unknown", "formerly": ["unknown-staff"], "title": "x", "detail": "y"}'
    told = problem_of(Answer(409, {"content-type": "application/problem+json"}, body))
    assert told.codes == {"staff-unknown", "unknown-staff"}


def test_a_kept_connection_that_was_closed_is_made_again(service: Service) -> None:
    """A request without a second effect is sent again; another is not."""
    with socket.create_server(("127.0.0.1", 0)) as server, flask.Flask("outer").test_request_context():
        server.settimeout(5)
        send = over_http(f"http://127.0.0.1:{server.getsockname()[1]}", read=2)

        def close_once_then_answer() -> None:
            for number in range(2):
                connection, _ = server.accept()
                connection.recv(65536)
                if number:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                connection.close()

        thread = threading.Thread(target=close_once_then_answer)
        thread.start()
        assert send(Request("GET", "/x", {})).status == 200
        thread.join()

        def close() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=close)
        thread.start()
        assert problem(Client("notes", send), "x", method="POST", json={}).status == 503
        thread.join()
