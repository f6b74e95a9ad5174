"""Signing in by a one-time link, over the API that uses the link up; what the page shows, and the cookie it sets."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from shared.eventlog import open_database
from shared.web import sign_in
from shared.web.app import create_app
from shared.web.auth import COOKIE, Verifier
from tests.support.web import NOTES, Service, notes_service
from web.app import create_web
from web.client import Client, in_process

OWN = {"Origin": "http://localhost"}
# A page answers a program that asks for it with a problem document.
JSON = {"Accept": "application/json"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return notes_service(tmp_path)


def refused(response: TestResponse, status: int, code: str) -> None:
    assert response.json is not None
    assert (response.status_code, response.json["code"]) == (status, code)


def ask(service: Service, token: str) -> TestResponse:
    return service.client.get(NOTES, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/codes.sqlite")
    sign_in.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def root(service: Service, engine: Engine) -> flask.Flask:
    return screens(service, engine)


def screens(service: Service, engine: Engine, origin: str | None = None) -> flask.Flask:
    """The screens over a service that has nothing but the API of signing in."""
    verifier = Verifier(str(service.key_set))
    api = create_app(
        "tasks", blueprints=[sign_in.sign_in_blueprint(engine, lambda: service.key)], actions={}, verifier=verifier
    )
    return create_web({"tasks": Client("tasks", in_process(api, "/api/v1/tasks"))}, verifier, origin=origin)


def issue(engine: Engine, **options: Any) -> str:
    return sign_in.issue_code(engine, sub="staff/p02", commune="tien-canh", roles=["office"], **options)


def redeem(client: FlaskClient, code: str, headers: dict[str, str] | None = None) -> TestResponse:
    return client.post("/sign-in", data={"code": code}, headers=OWN if headers is None else headers)


def test_a_link_signs_in_once(service: Service, engine: Engine, root: flask.Flask) -> None:
    code = issue(engine)
    client = root.test_client()
    response = redeem(client, code)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    cookie = response.headers["Set-Cookie"]
    assert set(cookie.split("; ")) >= {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert "Secure" not in cookie
    token = client.get_cookie(COOKIE)
    assert token is not None
    assert ask(service, token.value).status_code == 200
    again = redeem(root.test_client(), code)
    assert again.status_code == 403
    assert "Set-Cookie" not in again.headers
    assert "đã được dùng hoặc đã hết hạn" in again.text


def test_a_preview_of_the_link_uses_nothing_up(engine: Engine, root: flask.Flask) -> None:
    code = issue(engine)
    for method in ("GET", "HEAD", "GET"):
        page = root.test_client().open(f"/sign-in?code={code}", method=method)
        assert page.status_code == 200
        assert "Set-Cookie" not in page.headers
    assert f'value="{code}"' in page.text
    assert 'method="post"' in page.text
    assert redeem(root.test_client(), code).status_code == 303


def test_the_page_runs_nothing_that_stood_in_the_link(root: flask.Flask) -> None:
    page = root.test_client().get('/sign-in?code="><script>alert(1)</script>')
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]


def test_a_link_ends_after_fifteen_minutes(engine: Engine, root: flask.Flask) -> None:
    old = issue(engine, now=datetime.now(UTC) - timedelta(minutes=16))
    assert redeem(root.test_client(), old).status_code == 403
    young = issue(engine, now=datetime.now(UTC) - timedelta(minutes=14))
    issue(engine)
    with engine.connect() as connection:
        assert len(connection.execute(select(sign_in.sign_in_codes)).all()) == 2  # the old one is forgotten
    assert redeem(root.test_client(), young).status_code == 303


def test_nobody_can_be_signed_in_from_another_page(engine: Engine, root: flask.Flask) -> None:
    code = issue(engine)
    refused(redeem(root.test_client(), code, {"Origin": "http://evil.example", **JSON}), 403, "origin")
    assert redeem(root.test_client(), code).status_code == 303


def test_a_code_has_256_random_bits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them from the system's generator, and none is lost on the way to the link."""
    drawn = [bytes(range(32)), bytes(range(32, 64))]
    asked = []

    def draw(size: int) -> bytes:
        asked.append(size)
        return drawn[len(asked) - 1]

    monkeypatch.setattr("secrets.token_bytes", draw)
    codes = [issue(engine), issue(engine)]
    assert asked == [32, 32] and [urlsafe_b64decode(code + "=") for code in codes] == drawn


def test_the_store_does_not_hold_the_code(engine: Engine) -> None:
    code = issue(engine)
    with engine.connect() as connection:
        assert code not in str(connection.execute(select(sign_in.sign_in_codes)).all())


def test_of_many_at_once_one_gets_in(engine: Engine) -> None:
    code = issue(engine)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: sign_in.redeem_code(engine, code), range(8)))
    assert sum(result is not None for result in results) == 1


@pytest.mark.parametrize("code", ["", "x", "\u0000", "đ" * 1000])
def test_rubbish_instead_of_a_code_is_refused(root: flask.Flask, code: str) -> None:
    assert redeem(root.test_client(), code).status_code == 403


def test_the_cookie_is_secure_where_browsers_use_https(service: Service, engine: Engine) -> None:
    root = screens(service, engine, "https://cchc.example")
    own, client = {"Origin": "https://cchc.example"}, root.test_client()
    client.get("/communes/tien-canh/years/2024")
    response = redeem(client, issue(engine), own)
    assert response.headers["Location"] == "/communes/tien-canh/years/2024"
    answers = [response, client.post("/sign-out", headers=own)]
    set_by = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert [cookie.partition("=")[0] for cookie in set_by] == ["__Host-cchc", "__Host-cchc-back", "__Host-cchc"]
    for cookie in set_by:
        assert set(cookie.split("; ")) >= {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"}
        assert "Domain" not in cookie


def test_signing_out_forgets_the_cookie(engine: Engine, root: flask.Flask) -> None:
    client = root.test_client()
    redeem(client, issue(engine))
    refused(client.post("/sign-out", headers=JSON), 403, "origin")
    assert client.get_cookie(COOKIE) is not None
    assert client.post("/sign-out", headers=OWN).status_code == 303
    assert client.get_cookie(COOKIE) is None


def test_signing_in_leads_back_to_the_page_that_asked_for_it(engine: Engine, root: flask.Flask) -> None:
    client = root.test_client()
    page = client.get("/communes/tien-canh/years/2024?as_of=2024-06-30")
    assert page.status_code == 401 and 'href="/sign-in"' in page.text
    answer = redeem(client, issue(engine))
    assert answer.headers["Location"] == "/communes/tien-canh/years/2024?as_of=2024-06-30"
    assert redeem(client, issue(engine)).headers["Location"] == "/"  # once


@pytest.mark.parametrize(
    "back", ["//evil.example", "/%5Cevil.example", "https://evil.example", "%2F%2Fevil.example", "/%0Ax"]
)
def test_signing_in_leads_to_no_other_site(engine: Engine, root: flask.Flask, back: str) -> None:
    client = root.test_client()
    client.set_cookie("cchc-back", back)
    assert redeem(client, issue(engine)).headers["Location"] == "/"


def test_the_whole_link_may_be_pasted(engine: Engine, root: flask.Flask) -> None:
    assert 'type="text" name="code"' in root.test_client().get("/sign-in").text
    assert redeem(root.test_client(), f" http://127.0.0.1:8080/sign-in?code={issue(engine)} ").status_code == 303


def test_the_api_says_until_when_the_token_counts(service: Service, engine: Engine) -> None:
    api = create_app(
        "tasks",
        blueprints=[sign_in.sign_in_blueprint(engine, lambda: service.key)],
        actions={},
        verifier=Verifier(str(service.key_set)),
    )
    code = issue(engine)
    answer = api.test_client().post("/api/v1/tasks/sign-ins", json={"code": code})
    assert answer.status_code == 201 and answer.json and answer.headers["Cache-Control"] == "no-store"
    left = datetime.fromisoformat(answer.json["expires"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    assert ask(service, answer.json["token"]).status_code == 200
    refused(api.test_client().post("/api/v1/tasks/sign-ins", json={"code": code}), 403, "sign-in-code")
    refused(api.test_client().post("/api/v1/tasks/sign-ins", json={}), 422, "invalid")


def test_a_key_that_cannot_be_read_uses_no_link_up(service: Service, engine: Engine) -> None:
    answers = iter([FileNotFoundError("signing.pem"), service.key])

    def key() -> Any:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    blueprint = sign_in.sign_in_blueprint(engine, key)
    api = create_app("tasks", blueprints=[blueprint], actions={}, verifier=Verifier(str(service.key_set)))
    code = issue(engine)
    statuses = [api.test_client().post("/api/v1/tasks/sign-ins", json={"code": code}).status_code for _ in range(2)]
    assert statuses == [500, 201]
