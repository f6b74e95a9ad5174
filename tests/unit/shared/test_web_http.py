"""Versions, retries, waiting, paging, health, description, feed, mounting and logs over HTTP."""

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
import pytest
from sqlalchemy import Engine
from werkzeug.test import Client, TestResponse

from shared import metrics
from shared.eventlog import Decision, Key, KeyReused, Log, open_database, tables
from shared.eventlog.traces import traced
from shared.events import CommuneOpened, CommuneRenamed, decode
from shared.web import health
from shared.web.answers import as_json
from shared.web.app import openapi, service
from shared.web.auth import action, public, unclassified_routes
from shared.web.feed import FEED_ACTIONS, feed_blueprint
from shared.web.logs import JsonFormatter, log_to
from shared.web.mount import mount
from shared.web.positions import Position, Reached, wait_for, wait_for_header
from shared.web.problems import Rejected
from tests.support.waiting import until
from tests.support.web import NOTES, Service, notes_service, pages

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def notes(tmp_path: Path) -> Service:
    return notes_service(tmp_path)


def body(response: TestResponse) -> Any:
    return json.loads(response.data)


def refused(response: TestResponse, status: int, code: str) -> None:
    assert (response.status_code, body(response)["code"]) == (status, code)


# Versions


def test_what_is_read_names_its_version_and_is_not_sent_twice(notes: Service) -> None:
    auth = notes.auth("staff")
    first = notes.client.get(f"{NOTES}/n1", headers=auth)
    assert first.headers["ETag"] == '"3"'
    again = notes.client.get(f"{NOTES}/n1", headers=auth | {"If-None-Match": '"3"'})
    assert (again.status_code, again.data) == (304, b"")
    assert notes.client.get(f"{NOTES}/n1", headers=auth | {"If-None-Match": '"2"'}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (None, 428, "if-match-required"),
        ("", 428, "if-match-required"),
        ("*", 428, "if-match-required"),
        ("3", 412, "stale"),
        ('W/"3"', 412, "stale"),
        ('"3", "4"', 412, "stale"),
        ('"-1"', 412, "stale"),
        ('"9999999999999999999"', 412, "stale"),
    ],
)
def test_a_change_must_say_which_version_it_is_based_on(
    notes: Service, sent: str | None, status: int, code: str
) -> None:
    headers = notes.auth("office") | ({} if sent is None else {"If-Match": sent})
    refused(notes.client.patch(f"{NOTES}/n1", headers=headers), status, code)


def test_the_version_a_change_is_based_on_reaches_the_view(notes: Service) -> None:
    response = notes.client.patch(f"{NOTES}/n1", headers=notes.auth("office") | {"If-Match": '"3"'})
    assert body(response) == {"based_on": 3}


# Retries


def digest(notes: Service, *, key: str = "k1", note: Any = None, url: str = NOTES, **identity: Any) -> str:
    headers = notes.auth("office", **identity) | {"Idempotency-Key": key}
    response = notes.client.post(url, json=note or {"title": "x"}, headers=headers)
    assert response.status_code == 201
    return response.headers["Key-Digest"]


def test_a_retry_has_the_same_digest_and_any_other_request_another(notes: Service) -> None:
    first = digest(notes)
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert digest(notes) == first
    assert digest(notes, key="k2") == first  # the key stands beside the digest, not in it
    others = {
        digest(notes, note={"title": "y"}),
        digest(notes, url=NOTES + "?"),
        digest(notes, sub="staff/p15"),
        digest(notes, url=NOTES.replace("tien-canh", "thanh-binh"), commune="thanh-binh"),
    }
    assert len(others - {first}) == 3  # an empty query is no query


def test_a_retried_upload_has_the_same_digest_whatever_its_boundary(notes: Service) -> None:
    def send(content: bytes, name: str = "biên bản", file: str = "a.pdf") -> Any:
        form = {"name": name, "file": (io.BytesIO(content), file)}
        headers = notes.auth("office") | {"Idempotency-Key": "k1"}
        return body(notes.client.post(f"{NOTES}/n1/files", data=form, headers=headers))

    first = send(b"one")
    assert first["size"] == 3  # reading it for the digest leaves it for the view
    assert send(b"one") == first
    assert len({send(b"two")["digest"], send(b"one", name="x")["digest"], send(b"one", file="b")["digest"]}) == 3
    assert first["digest"] not in (send(b"two")["digest"], send(b"one", name="x")["digest"])
    # What one part ends with is not what the next begins with.
    assert send(b"", name="x", file="file.b")["digest"] != send(b"", name="xfile", file=".b")["digest"]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "khóa"])
def test_a_malformed_key_is_refused(notes: Service, key: str) -> None:
    headers = notes.auth("office") | {"Idempotency-Key": key.encode().decode("latin-1")}
    refused(notes.client.post(NOTES, json={"title": "x"}, headers=headers), 400, "idempotency-key")


def test_without_a_key_there_is_none(notes: Service) -> None:
    response = notes.client.post(NOTES, json={"title": "x"}, headers=notes.auth("office"))
    assert response.headers["Key-Digest"] == ""
    assert response.headers["Cchc-Position"] == "notes/tien-canh/7"


@pytest.mark.parametrize("text", ['", "role": "admin', "a\\", "</script><script>", "dòng\nhai\tcột\0", "\u2028Đỗ"])
def test_a_text_stays_one_string_of_the_answer(text: str) -> None:
    answer = as_json({"title": text})
    assert answer.mimetype == "application/json" and json.loads(answer.data) == {"title": text}
    assert not {*b"\n\t\0"} & {*answer.data}


# Waiting


class Projection:
    """Reaches one position more each time somebody looks."""

    def __init__(self, position: int, *, parked: bool = False, moves: bool = True) -> None:
        self.position = position
        self.parked = parked
        self.moves = moves
        self.asked: list[tuple[str, str]] = []

    def __call__(self, source: str, commune: str) -> Reached:
        self.asked.append((source, commune))
        reached = Reached(self.position, self.parked)
        self.position += self.moves
        return reached


TARGET = Position("tasks", "tien-canh", 12)


def test_waiting_ends_when_the_projection_is_there() -> None:
    projection = Projection(10)
    wait_for(projection, TARGET, deadline=30)
    assert projection.asked == [("tasks", "tien-canh")] * 3


def test_waiting_ends_at_the_deadline() -> None:
    with pytest.raises(Rejected, match="not-yet"):
        wait_for(Projection(10, moves=False), TARGET, deadline=0.05)


def test_nobody_waits_for_a_parked_projection() -> None:
    projection = Projection(10, parked=True)
    with pytest.raises(Rejected, match="projection-parked"):
        wait_for(projection, TARGET, deadline=30)
    assert len(projection.asked) == 1


def test_a_projection_parked_further_on_has_what_is_asked_for() -> None:
    wait_for(Projection(12, parked=True), TARGET, deadline=30)


@pytest.fixture
def waiting(tmp_path: Path) -> Service:
    reader = flask.Blueprint("reader", __name__)

    @reader.get("/communes/<commune>/sheet")
    @action("note.read")
    def sheet(commune: str) -> Any:
        wait_for_header(service(), deadline=0.05)
        return {"sheet_of": commune}

    return notes_service(tmp_path, blueprints=[reader], service=Projection(12, moves=False))


def wait(waiting: Service, header: str | None) -> TestResponse:
    headers = waiting.auth("staff") | ({} if header is None else {"Cchc-Wait-For": header})
    return waiting.client.get("/api/v1/notes/communes/tien-canh/sheet", headers=headers)


def test_a_query_waits_for_the_position_in_its_header(waiting: Service) -> None:
    assert wait(waiting, None).status_code == 200
    assert wait(waiting, "tasks/tien-canh/12").status_code == 200
    late = wait(waiting, "tasks/tien-canh/13")
    refused(late, 503, "not-yet")
    assert late.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    "header", ["", "12", "tasks/tien-canh/", "tasks/tien-canh/-1", "tasks/thanh-binh/1", "a/b/c/1"]
)
def test_a_malformed_or_foreign_position_is_refused(waiting: Service, header: str) -> None:
    refused(wait(waiting, header), 400, "wait-for")


# Paging


def test_a_list_comes_in_pages(notes: Service) -> None:
    found = list(pages(notes.client, f"{NOTES}?limit=2", notes.auth("staff")))
    assert [[note["weight"] for note in page] for page in found] == [[1, 2], [3, 4], [5]]


def test_a_list_that_ends_with_its_page_has_no_next(notes: Service) -> None:
    assert [len(page) for page in pages(notes.client, f"{NOTES}?limit=5", notes.auth("staff"))] == [5]


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "W10", "WyJhIiwieCJd", "bnVsbA", "đ"])
def test_a_cursor_that_we_did_not_give_is_refused(notes: Service, cursor: str) -> None:
    response = notes.client.get(NOTES, query_string={"cursor": cursor}, headers=notes.auth("staff"))
    refused(response, 422, "invalid")
    [error] = body(response)["errors"]
    assert error == {"pointer": "query#/cursor", "detail": "Con trỏ trang không hợp lệ; hãy đi từ trang đầu."}


# Health and description


def test_ready_is_when_every_check_passes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken: list[str] = []

    def broker() -> None:
        if broken:
            raise ConnectionError("secret-host:9092 is away")

    notes = notes_service(tmp_path, checks={"database": lambda: None, "broker": broker})
    ready = notes.client.get("/readyz")
    assert (ready.status_code, body(ready)) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "broker": "ok", "keys": "ok"}},
    )
    broken.append("now")
    down = notes.client.get("/readyz")
    assert (down.status_code, body(down)["checks"]) == (503, {"database": "ok", "broker": "failed", "keys": "ok"})
    assert "secret-host" not in down.text
    assert "secret-host" in caplog.text
    assert notes.client.get("/livez").status_code == 200


def test_a_check_that_hangs_is_not_waited_for_nor_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DEADLINE_S", 0.05)
    answers, asked = threading.Event(), []

    def database() -> None:
        asked.append("now")
        answers.wait(20)

    notes = notes_service(tmp_path, checks={"database": database})
    for _ in range(3):
        down = notes.client.get("/readyz")
        assert (down.status_code, body(down)["checks"]) == (503, {"database": "failed", "keys": "ok"})
    assert len(asked) == 1
    answers.set()
    until(lambda: notes.client.get("/readyz").status_code == 200, what="it answers again")


def test_without_a_key_set_nobody_can_be_served_and_readiness_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes = notes_service(tmp_path)
    kept = notes.key_set.read_bytes()
    for lost in (None, b"", b"{}", b"[" * 5000):
        notes.key_set.unlink() if lost is None else notes.key_set.write_bytes(lost)
        down = notes.client.get("/readyz")
        assert (down.status_code, body(down)["checks"]) == (503, {"keys": "failed"})
        assert str(notes.key_set) in caplog.text
    notes.key_set.write_bytes(kept)
    assert notes.client.get("/readyz").status_code == 200


def test_a_process_that_does_not_go_on_is_not_alive(tmp_path: Path) -> None:
    def stuck() -> None:
        raise RuntimeError("loop records does not run")

    notes = notes_service(tmp_path, alive={"scoring.records": stuck})
    dead = notes.client.get("/livez")
    assert (dead.status_code, body(dead)["checks"]) == (503, {"scoring.records": "failed"})
    assert notes.client.get("/readyz").status_code == 200


# Metrics


def figures(notes: Service) -> dict[str, float]:
    """Series → value."""
    lines = notes.client.get("/metrics").text.splitlines()
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_requests_are_counted_by_route_never_by_path(notes: Service) -> None:
    before = figures(notes)
    for path in (NOTES, f"{NOTES}/n1", f"{NOTES}/n2", "/no/such/path", "/nor/this"):
        notes.client.get(path, headers=notes.auth("staff"))
    notes.client.post(f"{NOTES}", json={"title": "x"}, headers=notes.auth("office"))
    notes.client.open(NOTES, method="BREW")
    after = figures(notes)
    route = "/api/v1/notes/communes/<commune>/notes"
    counted = {
        series: after[series] - before.get(series, 0)
        for series in after
        if series.startswith("cchc_http_request_duration_seconds_count{") and "/metrics" not in series
    }
    assert {tuple(re.findall(r'"([^"]*)"', series)): count for series, count in counted.items() if count} == {
        ("GET", route, "notes", "200"): 1,
        ("GET", f"{route}/<note>", "notes", "200"): 2,
        ("GET", "none", "notes", "404"): 2,
        ("POST", route, "notes", "201"): 1,
        ("other", "none", "notes", "405"): 1,
    }
    assert not any(word in "".join(after) for word in ("tien-canh", "p14", "n1", "BREW"))
    code = 'cchc_http_problems_total{code="not-found",service="notes"}'
    assert after[code] - before.get(code, 0) == 2
    recorded = 'cchc_commands_recorded_total{service="notes"}'
    assert after[recorded] - before.get(recorded, 0) == 1
    assert after['cchc_http_requests_in_progress{service="notes"}'] == 1  # the one that asks


def test_every_metric_has_a_name_of_prometheus_and_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "how-to" / "operate.md").read_text()
    counted = {f"{each._name}{'_total' * (each._type == 'counter')}" for each in metrics.web()}
    for name in counted | metrics.MEASURED.keys():
        assert re.fullmatch(r"cchc_[a-z_]+", name)
        assert f"`{name}`" in manual, name
    for name, (kind, _, labels) in metrics.MEASURED.items():
        assert (kind == metrics.COUNTER) == name.endswith("_total")
        assert labels[0] == "service"


def test_the_description_is_openapi_under_the_prefix(notes: Service) -> None:
    described = body(notes.client.get("/api/v1/notes/openapi.json"))
    assert described == json.loads(json.dumps(openapi(notes.app)))
    assert described["openapi"] == "3.1.0"
    assert described["security"] == [{"token": []}]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    operation = described["paths"][NOTES.replace("tien-canh", "{commune}")]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Note")
    assert "422" in operation["responses"]
    invalid = described["components"]["responses"]["UNPROCESSABLE_ENTITY"]
    assert invalid["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def test_every_answer_has_the_security_headers(notes: Service) -> None:
    for response in (
        notes.client.get(NOTES, headers=notes.auth("staff")),
        notes.client.get(NOTES),
        notes.client.get("/nothing"),
        notes.client.get("/livez"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "microphone=()" in response.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in response.headers
        # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
        assert response.headers["Referrer-Policy"] == "same-origin"


def test_where_browsers_use_https_they_use_nothing_else(tmp_path: Path) -> None:
    notes = notes_service(tmp_path, origin="https://cchc.example")
    for response in (notes.client.get(NOTES), notes.client.get("/nothing"), notes.client.get("/livez")):
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


# Feed


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/log.sqlite")
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine: Engine) -> Log:
    log = Log(engine, "tasks")
    opened = CommuneOpened(name="Xã Tiên Cảnh", code="20878", valid_from=datetime(2024, 1, 1, tzinfo=UTC).date())
    for commune in ("tien-canh", "thanh-binh"):
        log.append(commune, lambda _: Decision([opened]), actor="operator/an")
    renamed = CommuneRenamed(valid_from=opened.valid_from, legal_basis="Nghị quyết", name="Xã “Mới”\u2028\n")
    log.append("tien-canh", lambda _: Decision([renamed, renamed]), actor="operator/an")
    return log


@pytest.fixture
def fed(tmp_path: Path, log: Log) -> Service:
    return notes_service(tmp_path, blueprints=[feed_blueprint(log)], actions=FEED_ACTIONS)


EVENTS = "/api/v1/notes/communes/tien-canh/events"


def test_the_feed_is_the_stored_bytes_line_by_line(fed: Service, log: Log) -> None:
    response = fed.client.get(EVENTS, headers=fed.auth("replicator", sub="service/scoring", commune="*"))
    assert response.content_type == "application/jsonl"
    stored = log.read("tien-canh")
    assert len(stored) == 3
    assert response.data.split(b"\n") == [*stored, b""]


def test_the_feed_goes_on_after_a_position(fed: Service, log: Log) -> None:
    stored = log.read("tien-canh")
    auth = fed.auth("inspector")
    assert fed.client.get(f"{EVENTS}?after=1&limit=1", headers=auth).data == stored[1] + b"\n"
    assert fed.client.get(f"{EVENTS}?after=3", headers=auth).data == b""
    for query in ("after=-1", "limit=0", "limit=501", "after=x", "after=99999999999999999999"):
        refused(fed.client.get(f"{EVENTS}?{query}", headers=auth), 422, "invalid")


def test_heads_of_one_commune_and_of_all(fed: Service, log: Log) -> None:
    head = log.head("tien-canh")
    expected = {"position": 3, "hash": head.hash, "time": head.time}
    one = fed.client.get("/api/v1/notes/communes/tien-canh/heads", headers=fed.auth("inspector"))
    assert body(one) == {"heads": {"tien-canh": expected}}
    everywhere = fed.auth("replicator", sub="service/scoring", commune="*")
    every = body(fed.client.get("/api/v1/notes/heads", headers=everywhere))["heads"]
    assert every["tien-canh"] == expected
    assert set(every) == {"tien-canh", "thanh-binh"}


def test_the_feed_is_for_copiers_and_inspectors_of_that_commune(fed: Service) -> None:
    refused(fed.client.get(EVENTS, headers=fed.auth("chair", "office", "staff")), 403, "role")
    refused(fed.client.get(EVENTS, headers=fed.auth("inspector", commune="thanh-binh")), 403, "commune")
    refused(fed.client.get("/api/v1/notes/heads", headers=fed.auth("replicator")), 403, "commune")
    refused(fed.client.get("/api/v1/notes/heads", headers=fed.auth("inspector")), 403, "role")


def test_the_key_of_a_request_is_the_one_the_log_keeps(fed: Service, log: Log) -> None:
    with fed.client as client:
        client.post(NOTES, json={"title": "x"}, headers=fed.auth("office") | {"Idempotency-Key": "k1"})
        key = flask.g.key
    first = log.append("tien-canh", lambda _: Decision([], {"n": 1}), actor="staff/p14", key=key)
    again = log.append("tien-canh", lambda _: Decision([], {"n": 2}), actor="staff/p14", key=key)
    assert (first.replayed, again.replayed, again.result) == (False, True, {"n": 1})
    with pytest.raises(KeyReused):
        log.append("tien-canh", lambda _: Decision([], None), actor="staff/p14", key=Key("k1", "another"))


def test_a_request_s_trace_goes_on_in_what_it_records(tmp_path: Path, log: Log) -> None:
    recording = flask.Blueprint("recording", __name__)
    renamed = CommuneRenamed(
        valid_from=datetime(2024, 1, 1, tzinfo=UTC).date(), legal_basis="Nghị quyết", name="Xã Mới"
    )

    @recording.post("/communes/<commune>/renamed")
    @action("note.change")
    def rename(commune: str) -> Any:
        return {"position": log.append(commune, lambda _: Decision([renamed]), actor="staff/p14").position}

    client, parent = notes_service(tmp_path, blueprints=[recording]), f"00-{TRACE}-00f067aa0ba902b7-01"
    for sent in ({"traceparent": parent}, {}, {"traceparent": "a human's word"}):
        done = client.client.post("/api/v1/notes/communes/tien-canh/renamed", headers=client.auth("office") | sent)
        assert done.status_code == 200
    events = [decode(each) for each in log.read("tien-canh", log.head("tien-canh").position - 3)]
    assert [event.correlationid for event in events] == [parent, None, None]
    assert traced(log.read("tien-canh", events[0].position - 1, 1)[0]) == {
        "commune": "tien-canh",
        "event": events[0].id,
        "trace_id": TRACE,
    }
    # What is recorded outside of a request is of no request's trace.
    log.append("tien-canh", lambda _: Decision([renamed]), actor="staff/p14")
    assert "trace_id" not in traced(log.read("tien-canh", log.head("tien-canh").position - 1)[0])


# Mounting


def test_apps_are_mounted_under_their_prefixes_without_stripping(tmp_path: Path, notes: Service) -> None:
    site = flask.Blueprint("site", __name__)

    @site.get("/")
    @site.get("/<path:rest>")
    @public
    def everything_else(rest: str = "") -> Any:
        return {"root": rest}

    (tmp_path / "root").mkdir()
    root = notes_service(tmp_path / "root", blueprints=[site], prefix="/")
    echo = flask.Flask("echo")
    echo.add_url_rule("/api/v1/notes/deep/x", view_func=lambda: "deep")
    client = Client(mount({"/": root.app, "/api/v1/notes": notes.app, "/api/v1/notes/deep": echo}))
    assert client.get(NOTES, headers=notes.auth("staff")).status_code == 200
    assert client.get("/api/v1/notes/deep/x").text == "deep"
    assert body(client.get("/")) == {"root": ""}
    assert body(client.get("/api/v1/notesandmore")) == {"root": "api/v1/notesandmore"}
    refused(client.get("/api/v1/notes"), 404, "not-found")


def test_an_app_at_the_root_describes_itself_there(tmp_path: Path) -> None:
    root = notes_service(tmp_path, prefix="/")
    assert "/everything" in {rule.rule for rule in root.app.url_map.iter_rules()}
    assert root.client.get("/openapi.json").status_code == 200
    assert unclassified_routes(root.app) == ["GET /forgotten", "HEAD /forgotten"]


# Logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    hooks = [(sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook"), (logging, "raiseExceptions")]
    for place, name in hooks:
        monkeypatch.setattr(place, name, getattr(place, name))  # as it is, to be put back
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    # pytest's own handlers would be closed by log_to's force.
    root.handlers = []
    log_to(stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)


def test_a_request_is_one_json_line_with_trace_and_commune(notes: Service, lines: io.StringIO) -> None:
    headers = notes.auth("staff") | {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    notes.client.get(f"{NOTES}?limit=1&cursor=secret", headers=headers)
    [line] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "shared.web.app",
        "message": "request",
        "trace_id": TRACE,
        "commune": "tien-canh",
        "method": "GET",
        "route": NOTES.replace("tien-canh", "<commune>"),
        "status": 422,
        "problem": "invalid",
        "actor": "staff/p14",
        "client": "127.0.0.1",
    }


TYPED = "nguyen-thi-mat"  # a name that is written as ids are


@pytest.mark.parametrize(
    "path",
    [
        f"/{TYPED}",
        f"/api/v1/notes/{TYPED}",
        f"/api/v1/notes/communes/{TYPED}",
        f"/api/v1/notes/communes/{TYPED}/notes",
        f"/api/v1/notes/communes/{TYPED}/notes/n1",
        f"{NOTES}/{TYPED}",
        f"{NOTES}/{TYPED}/{TYPED}",
        f"{NOTES}/n1/break/{TYPED}",
        f"{NOTES}/{TYPED}/break",
        f"{NOTES}?{TYPED}",
        f"/open/{TYPED}",
        f"//{TYPED}/..//{TYPED}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", TYPED.upper()])
@pytest.mark.parametrize("who", ["staff/p14", "operator/x", None])
def test_what_is_typed_in_a_path_stands_in_no_log_and_no_figure(
    notes: Service, lines: io.StringIO, path: str, method: str, who: str | None
) -> None:
    notes.raised.append(RuntimeError(TYPED))
    commune = "*" if who == "operator/x" else "tien-canh"
    headers = notes.auth("admin", sub=who, commune=commune) if who else {}
    answer = notes.client.open(path, method=method, headers=headers)
    said = lines.getvalue()
    assert TYPED not in said.lower(), said
    [line] = [line for line in map(json.loads, said.splitlines()) if line["message"] == "request"]
    assert line["status"] == answer.status_code
    assert line["route"] == "none" or "<" in line["route"]
    assert line.get("commune") == ("tien-canh" if who == "staff/p14" and line["route"] != "none" else None)
    assert TYPED not in notes.client.get("/metrics").text.lower()


def test_an_error_s_stack_is_in_its_line_without_its_words(notes: Service, lines: io.StringIO) -> None:
    notes.raised.append(RuntimeError("Nguyễn Thị Mật"))
    notes.client.post(f"{NOTES}/n1/break", headers=notes.auth("office"))
    error, request = (json.loads(line) for line in lines.getvalue().splitlines())
    assert error["level"] == "error"
    assert error["stack"].endswith("RuntimeError") and "raise raised()" in error["stack"]
    assert error["trace_id"] == request["trace_id"]
    assert "Mật" not in lines.getvalue()


@pytest.mark.parametrize("value", [object(), {1, 2}, "\ud800", b"\xff", float("nan")])
def test_no_value_breaks_a_log_line(value: Any) -> None:
    record = logging.makeLogRecord({"msg": "chuyện %s", "args": ("lạ",), "value": value})
    line = JsonFormatter().format(record)
    assert "value" in line
    line.encode()
    assert isinstance(json.loads(line), dict)
