"""Who gets in: tokens, roles, communes and cookies; nothing is open by omission."""

import json
import stat
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import flask
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from flask.views import MethodView
from werkzeug.test import TestResponse

from shared.web.app import create_app
from shared.web.auth import COOKIE, LEEWAY, Principal, Verifier, action, authorise, routes, unclassified_routes
from shared.web.keys import Limits, SigningKey, generate_key, key_set_of, load_key, mint
from shared.web.problems import Rejected
from shared.web.schema import Blueprint
from tests.support.waiting import until
from tests.support.web import ACTIONS, NOTES, Service, notes_service

HOUR = timedelta(hours=1)
OWN = {"Origin": "http://localhost"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return notes_service(tmp_path)


def refused(response: TestResponse, status: int, code: str) -> None:
    assert (response.status_code, json.loads(response.data)["code"]) == (status, code)


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "iss": "cchc",
        "aud": "cchc",
        "sub": "staff/p14",
        "commune": "tien-canh",
        "roles": ["staff"],
        "iat": now,
        "exp": now + HOUR,
    } | changes


def signed(service: Service, *, without: str = "", **changes: Any) -> str:
    body = {name: value for name, value in claims(**changes).items() if name != without}
    return jwt.encode(body, service.key.private, algorithm="EdDSA", headers={"kid": service.key.kid})


def ask(service: Service, token: str, url: str = NOTES) -> TestResponse:
    return service.client.get(url, headers={"Authorization": f"Bearer {token}"})


def unsigned(header: dict[str, str]) -> str:
    body = claims(exp=4_000_000_000, iat=1_700_000_000)
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, body)]
    return ".".join([*parts, ""])


def test_a_good_token_gets_in(service: Service) -> None:
    assert ask(service, signed(service)).status_code == 200


def test_without_a_token_nobody_gets_in(service: Service) -> None:
    response = service.client.get(NOTES)
    refused(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


STABLE = {"aud", "iss", "roles", "sub", "commune", "without"}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": datetime.now(UTC) - timedelta(minutes=5), "iat": datetime.now(UTC) - HOUR},
        {"iat": datetime.now(UTC) + HOUR, "exp": datetime.now(UTC) + 2 * HOUR},
        {"aud": "another-system"},
        {"iss": "another-issuer"},
        {"roles": ["king"]},
        {"roles": []},
        {"roles": "office"},
        {"sub": "p14"},
        {"sub": "robot/p14"},
        {"commune": "../etc"},
        {"commune": None},
        {"commune": "*"},
        {"commune": "*", "roles": ["admin"]},
        {"commune": "*", "sub": "operator/an", "roles": ["admin", "chair"]},
        {"without": "exp"},
        {"without": "aud"},
        {"without": "iss"},
        {"without": "sub"},
        {"without": "roles"},
        {"without": "commune"},
    ],
    # Not the values: times differ between the processes of one run.
    ids=lambda changes: "-".join(f"{name}={changes[name]}" if name in STABLE else name for name in changes),
)
def test_a_token_with_wrong_claims_is_refused(service: Service, changes: dict[str, Any]) -> None:
    response = ask(service, signed(service, **changes))
    refused(response, 401, "invalid-token")
    assert "invalid_token" in response.headers["WWW-Authenticate"]


def test_a_token_that_our_key_did_not_sign_is_refused(service: Service, tmp_path: Path) -> None:
    stranger = generate_key(tmp_path / "stranger.pem", tmp_path / "stranger.json")
    for kid in (stranger.kid, service.key.kid):
        token = jwt.encode(claims(), stranger.private, algorithm="EdDSA", headers={"kid": kid})
        refused(ask(service, token), 401, "invalid-token")


def test_other_algorithms_are_refused(service: Service) -> None:
    kid = service.key.kid
    refused(ask(service, unsigned({"alg": "none", "kid": kid})), 401, "invalid-token")
    # The classic confusion: our public key, used as an HMAC secret.
    public = service.key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    token = jwt.encode(claims(), public, algorithm="HS256", headers={"kid": kid})
    refused(ask(service, token), 401, "invalid-token")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic dTpw", "Bearer \xe1.\xe2.\xe3"])
def test_rubbish_instead_of_a_token_is_refused(service: Service, header: str) -> None:
    refused(service.client.get(NOTES, headers={"Authorization": header}), 401, "invalid-token")


def test_a_token_counts_in_its_own_commune_only(service: Service) -> None:
    refused(ask(service, service.token("office"), NOTES.replace("tien-canh", "thanh-binh")), 403, "commune")
    refused(ask(service, service.token("admin"), "/api/v1/notes/everything"), 403, "commune")


def test_an_operator_s_token_counts_everywhere_but_only_for_what_its_role_may(service: Service) -> None:
    operator = service.token("admin", sub="operator/an", commune="*")
    assert ask(service, operator).status_code == 200
    assert ask(service, operator, "/api/v1/notes/everything").json == {"actor": "operator/an"}
    replicator = service.token("replicator", sub="service/scoring", commune="*")
    refused(ask(service, replicator), 403, "role")
    assert ask(service, replicator, "/api/v1/notes/everything").status_code == 200


def test_a_commune_that_is_no_commune_id_is_not_found(service: Service) -> None:
    operator = service.token("admin", sub="operator/an", commune="*")
    refused(ask(service, operator, "/api/v1/notes/communes/TIEN%00CANH/notes"), 404, "not-found")


@pytest.mark.parametrize("note", ["%00", "a%0Ab", "a" * 65])
def test_what_can_be_no_id_is_not_found(service: Service, note: str) -> None:
    refused(ask(service, signed(service), f"{NOTES}/{note}"), 404, "not-found")


def test_an_id_in_an_address_is_composed(tmp_path: Path) -> None:
    echo = flask.Blueprint("echo", __name__)

    @echo.get("/communes/<commune>/echo/<one>")
    @action("note.read")
    def back(commune: str, one: str) -> Any:
        return {"id": one}

    service = notes_service(tmp_path, blueprints=[echo])
    answer = ask(service, signed(service), "/api/v1/notes/communes/tien-canh/echo/đo\u0302i")
    assert answer.json == {"id": "đôi"}


def test_a_staff_member_s_roles_count_as_far_as_the_post_has_them(tmp_path: Path) -> None:
    def held(commune: str, staff: str) -> set[str]:
        return {"staff"} if (commune, staff) == ("tien-canh", "p14") else set()

    service = notes_service(tmp_path, roles_in_force=held)
    both = service.auth("office", "staff")
    assert service.client.get(NOTES, headers=both).status_code == 200
    refused(service.client.post(NOTES, json={"title": "x"}, headers=both), 403, "role")
    refused(service.client.get(NOTES, headers=service.auth("staff", sub="staff/p15")), 403, "role")
    assert service.client.get(NOTES, headers=service.auth("office", sub="operator/x")).status_code == 200


def test_a_role_that_the_table_does_not_name_is_refused(service: Service) -> None:
    refused(service.client.post(NOTES, json={"title": "x"}, headers=service.auth("staff", "chair")), 403, "role")
    assert service.client.post(NOTES, json={"title": "x"}, headers=service.auth("staff", "office")).status_code == 201


def test_authorise_is_the_same_rule_without_http() -> None:
    office = Principal("staff/p02", "tien-canh", frozenset({"office"}))
    authorise(ACTIONS, "note.change", office, "tien-canh")
    with pytest.raises(Rejected, match="commune"):
        authorise(ACTIONS, "note.change", office, "thanh-binh")
    with pytest.raises(Rejected, match="role"):
        authorise(ACTIONS, "everything.read", office, "tien-canh")


# Classification


def test_a_view_that_nobody_classified_is_refused_to_everybody_and_listed(service: Service) -> None:
    refused(service.client.get("/api/v1/notes/forgotten"), 403, "unclassified")
    for role, commune, sub in (("office", "tien-canh", "staff/p02"), ("admin", "*", "operator/an")):
        token = service.token(role, commune=commune, sub=sub)
        refused(ask(service, token, "/api/v1/notes/forgotten"), 403, "unclassified")
    assert unclassified_routes(service.app) == ["GET /api/v1/notes/forgotten", "HEAD /api/v1/notes/forgotten"]


def test_no_view_answers_a_stranger_unless_it_is_public(service: Service) -> None:
    for method, rule, classification in routes(service.app):
        url = rule.replace("<commune>", "tien-canh").replace("<note>", "n1")
        status = service.client.open(url, method=method).status_code
        assert (status in (200, 503)) if classification == "public" else (status in (401, 403)), f"{method} {rule}"


def test_static_files_and_class_based_views_are_refused_until_classified(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "page.css").write_text("p{}")
    files = flask.Blueprint("files", __name__, static_folder=tmp_path / "static", static_url_path="/static")
    things = Blueprint("things", __name__)

    @things.route("/communes/<commune>/thing")
    class Thing(MethodView):
        @action("note.read")
        def get(self, commune: str) -> Any:
            return {"it": f"is in {commune}"}

        def delete(self, commune: str) -> Any:
            return {"it": f"is gone from {commune}"}

    service = notes_service(tmp_path, blueprints=[files, things])
    auth = service.auth("office")
    url = "/api/v1/notes/communes/tien-canh/thing"
    refused(service.client.get("/api/v1/notes/static/page.css", headers=auth), 403, "unclassified")
    assert service.client.get(url, headers=auth).json == {"it": "is in tien-canh"}
    assert service.client.head(url, headers=auth).status_code == 200
    refused(service.client.get(url), 401, "unauthenticated")
    refused(service.client.delete(url, headers=auth), 403, "unclassified")
    assert f"DELETE {url.replace('tien-canh', '<commune>')}" in unclassified_routes(service.app)
    assert "GET /api/v1/notes/static/<path:filename>" in unclassified_routes(service.app)


def test_an_action_that_the_table_lacks_is_found_at_start(service: Service) -> None:
    typo = flask.Blueprint("typo", __name__)
    typo.add_url_rule("/x", view_func=action("note.raed")(lambda: "x"))
    with pytest.raises(ValueError, match=r"note\.raed"):
        create_app("notes", blueprints=[typo], actions=ACTIONS, verifier=Verifier(str(service.key_set)))


# Keys


def test_the_private_key_is_its_owner_s_alone_and_is_never_replaced(tmp_path: Path) -> None:
    private, key_set = tmp_path / "made" / "key.pem", tmp_path / "keys.json"
    key = generate_key(private, key_set)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert load_key(private).kid == key.kid
    [public] = json.loads(key_set.read_text())["keys"]
    assert public["kid"] == key.kid
    assert "d" not in public
    with pytest.raises(FileExistsError):
        generate_key(private, key_set)


def test_a_token_ends_while_it_is_in_use(service: Service) -> None:
    ending = signed(service, exp=datetime.now(UTC) - timedelta(seconds=LEEWAY - 1))
    assert ask(service, ending).status_code == 200
    until(lambda: ask(service, ending).status_code == 401, deadline=10, what="the token has ended")


def test_a_key_taken_out_of_the_file_no_longer_counts(service: Service, tmp_path: Path) -> None:
    token = service.token("staff")
    assert ask(service, token).status_code == 200
    generate_key(tmp_path / "next.pem", service.key_set)
    refused(ask(service, token), 401, "invalid-token")


COPIER: dict[str, Any] = {"sub": "service/scoring", "commune": "*", "roles": ["replicator"]}
BEYOND: dict[str, dict[str, Any]] = {
    "an operator": {"sub": "operator/x", "roles": ["admin"]},
    "another service": {"sub": "service/tasks"},
    "a person": {"sub": "staff/p01", "commune": "tien-canh", "roles": ["chair"]},
    "another role": {"roles": ["messenger"]},
    "one more role": {"roles": ["replicator", "admin"]},
}


@pytest.fixture
def copier(service: Service, tmp_path: Path) -> SigningKey:
    """A key whose tokens copy logs, in the name of scoring, and nothing else."""
    key = generate_key(tmp_path / "copier.pem", tmp_path / "copier.json")
    service.key_set.write_text(key_set_of(service.key, (key, Limits("service/scoring", ("replicator",)))))
    return key


@pytest.mark.parametrize("beyond", [None, *BEYOND])
def test_a_key_signs_within_its_limits(
    service: Service, copier: SigningKey, key_server: HTTPServer, beyond: str | None
) -> None:
    claims = COPIER | (BEYOND[beyond] if beyond else {})
    for source in (str(service.key_set), f"http://127.0.0.1:{key_server.server_port}/keys.json"):
        verifier = Verifier(source)
        assert verifier.verify(mint(service.key, lifetime=HOUR, **claims)).actor == claims["sub"]
        token = mint(copier, lifetime=HOUR, **claims)
        if beyond is None:
            assert verifier.verify(token).roles == {"replicator"}
        else:
            with pytest.raises(Rejected, match="invalid-token"):
                verifier.verify(token)


def test_a_limit_that_comes_later_counts_at_once(service: Service, tmp_path: Path) -> None:
    verifier, token = Verifier(str(service.key_set)), mint(service.key, lifetime=HOUR, **COPIER)
    assert verifier.verify(token)
    other = generate_key(tmp_path / "other.pem", tmp_path / "other.json")
    service.key_set.write_text(key_set_of(other, (service.key, Limits(roles=("messenger",)))))
    with pytest.raises(Rejected, match="invalid-token"):
        verifier.verify(token)


@pytest.mark.parametrize("limits", [{"sub": 3}, {"roles": "admin"}, {"days": 3}, [], None, "admin"])
def test_a_limit_that_is_not_understood_is_kept_by_nobody_being_let_in(service: Service, limits: Any) -> None:
    key_set = json.loads(key_set_of(service.key))
    key_set["keys"][0]["cchc"] = limits
    service.key_set.write_text(json.dumps(key_set))
    refused(ask(service, service.token("staff")), 503, "keys")


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"keys": []}', '{"keys": 3}', '{"keys": [{"kty": "?"}]}'])
def test_a_key_set_that_cannot_be_read_is_a_503(service: Service, content: str | None) -> None:
    token = service.token("staff")
    if content is None:
        service.key_set.unlink()
    else:
        service.key_set.write_text(content)
    refused(ask(service, token), 503, "keys")


@pytest.fixture
def key_server(service: Service) -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(service.key_set.read_bytes())

        def log_message(self, *args: Any) -> None:
            """Nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_key_set_may_be_at_a_url(service: Service, key_server: HTTPServer, tmp_path: Path) -> None:
    verifier = Verifier(f"http://127.0.0.1:{key_server.server_port}/keys.json")
    principal = verifier.verify(service.token("office"))
    assert principal == Principal("staff/p14", "tien-canh", frozenset({"office"}))
    assert principal.staff == "p14"
    stranger = generate_key(tmp_path / "stranger.pem", tmp_path / "stranger.json")
    with pytest.raises(Rejected, match="invalid-token"):
        verifier.verify(mint(stranger, sub="staff/p1", commune="tien-canh", roles=["chair"], lifetime=HOUR))


def test_a_url_that_does_not_answer_is_a_503(service: Service, key_server: HTTPServer) -> None:
    verifier = Verifier(f"http://127.0.0.1:{key_server.server_port}/keys.json")
    service.key_set.write_text("no JSON")
    with pytest.raises(Rejected, match="keys"):
        verifier.verify(service.token("office"))
    with pytest.raises(Rejected, match="keys"):
        Verifier("http://127.0.0.1:1/keys.json").verify(service.token("office"))


# Cookies


def with_cookie(service: Service, *roles: str) -> FlaskClient:
    client = service.app.test_client()
    client.set_cookie(COOKIE, service.token(*roles))
    return client


def test_a_cookie_reads(service: Service) -> None:
    client = with_cookie(service, "office")
    assert client.get(NOTES).status_code == 200
    assert client.get("/api/v1/notes/open").json == {"actor": "staff/p14"}


@pytest.mark.parametrize(
    "origin", [{}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "https://localhost"}]
)
def test_a_cookie_changes_nothing_from_elsewhere(service: Service, origin: dict[str, str]) -> None:
    client = with_cookie(service, "office")
    refused(client.post(NOTES, json={"title": "x"}, headers=origin), 403, "origin")
    refused(client.post("/api/v1/notes/open", headers=origin), 403, "origin")


def test_a_cookie_changes_from_our_own_pages(service: Service) -> None:
    assert with_cookie(service, "office").post(NOTES, json={"title": "x"}, headers=OWN).status_code == 201


def test_behind_a_proxy_the_configured_origin_is_our_own(tmp_path: Path) -> None:
    service = notes_service(tmp_path, origin="https://cchc.example")
    client = service.app.test_client()
    client.set_cookie(f"__Host-{COOKIE}", service.token("office"))
    assert client.post(NOTES, json={"title": "x"}, headers={"Origin": "https://cchc.example"}).status_code == 201
    refused(client.post(NOTES, json={"title": "x"}, headers=OWN), 403, "origin")


def test_with_https_a_cookie_that_another_host_may_have_set_counts_for_nothing(tmp_path: Path) -> None:
    service = notes_service(tmp_path, origin="https://cchc.example")
    refused(with_cookie(service, "office").get(NOTES), 401, "unauthenticated")


def test_a_bearer_token_needs_no_origin_and_goes_before_the_cookie(service: Service) -> None:
    client = with_cookie(service, "staff")
    assert client.post(NOTES, json={"title": "x"}, headers=service.auth("office")).status_code == 201
    refused(client.get(NOTES, headers={"Authorization": "Bearer rubbish"}), 401, "invalid-token")


def test_an_expired_cookie_is_a_stranger_s_where_strangers_may_look(service: Service) -> None:
    client = service.app.test_client()
    client.set_cookie(COOKIE, service.token("office", now=datetime.now(UTC) - timedelta(days=1)))
    assert client.get("/api/v1/notes/open").json == {"actor": None}
    refused(client.get(NOTES), 401, "invalid-token")
