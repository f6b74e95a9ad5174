"""What holds of every answer of every route, and of requests that say a thing twice (docs/security.md)."""

import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import flask
import pytest
from flask.testing import FlaskClient

from cchc.installation import Installation
from cchc.services import SERVICES
from shared.web.app import openapi
from shared.web.auth import COOKIE, WIDE_ROLES, routes
from shared.web.keys import mint
from shared.web.schema import TWICE
from tests.support.doors import PLACES, Asking, Input, flask_path, inputs, names_in, pointer_of
from tests.support.reminded import COMMUNE, PEOPLE, SmallCommune
from tests.support.screens import screens_of
from tests.support.surface import resolved

FOREIGN = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET", "Accept": "text/html, */*"}
# What would become 1787569 (1337 squared), or another query, or a program, where a text is more than a text.
RAN = Path(tempfile.gettempdir()) / f"cchc-ran-{os.getpid()}"
ACTIVE = (
    "{{1337*1337}}${1337*1337}<%=1337*1337%>#{1337*1337}",
    "x' OR '1'='1'; DROP TABLE events; --",
    "{0.__class__.__mro__}%(password)s%n%s",
    f"$(touch {RAN})`touch {RAN}`|touch {RAN}",
    "<script>alert(1)</script><svg onload=alert(1)>",
)


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommune]:
    commune = SmallCommune(tmp_path_factory.mktemp("hardening") / "data", "2024-01-02")
    commune.assign("báo cáo", lead="p04", due="2024-01-12")
    yield commune
    commune.installation.close()


@pytest.fixture(scope="module")
def installation(commune: SmallCommune) -> Installation:
    return commune.installation


def apps(installation: Installation) -> Iterator[tuple[str, flask.Flask]]:
    yield from ((service, installation.web(service)) for service in SERVICES)
    yield "screens", screens_of(installation)


def addresses(app: flask.Flask) -> Iterator[tuple[str, str]]:
    """Every route with something at each place of its address."""
    for method, rule, _ in routes(app):
        path = flask_path(rule)
        yield method, path.format(**{name: quote(PLACES.get(name, "x1")) for name in names_in(path)})


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_said_once_is_not_said_twice(installation: Installation, service: str) -> None:
    ask = Asking(installation, service)
    tried = 0
    for place in inputs(openapi(ask.app)):
        if place.kind != "query" or is_list(ask, place):
            continue
        answer = ask(place, f"a&{place.name}=b")
        said = answer.json or {}
        assert (answer.status_code, said.get("code")) == (422, "invalid"), (str(place), answer.text)
        assert said["errors"] == [{"pointer": pointer_of(place), "detail": TWICE}], (str(place), answer.text)
        tried += 1
    assert tried


def is_list(ask: Asking, place: Input) -> bool:
    item = openapi(ask.app)["paths"][place.path]
    named = item.get("parameters", []) + item[place.method].get("parameters", [])
    return any(one.get("name") == place.name and one["schema"].get("type") == "array" for one in named)


@pytest.mark.parametrize("service", SERVICES)
def test_no_query_and_no_compressed_body_is_passed_over(installation: Installation, service: str) -> None:
    ask = Asking(installation, service)
    document = openapi(ask.app)
    for path, item in document["paths"].items():
        for method in set(item) - {"parameters"}:
            if path.endswith("/openapi.json"):
                continue
            place = Input(path, method, "query", "as_off", "query#/as_off")
            answer = ask(place, "2024-01-01")
            said = answer.json or {}
            assert (answer.status_code, said.get("code")) == (422, "invalid"), (method, path, answer.text)
            assert pointer_of(place) in [error["pointer"] for error in said["errors"]], (method, path)
            address = path.format(**{name: PLACES.get(name, "x1") for name in names_in(path)})
            has_body = resolved(document, item[method].get("requestBody", {})).get("content")
            for coding in ("gzip", "deflate", "br", "identity, gzip") if has_body else ():
                headers = ask.headers(place) | {"Content-Encoding": coding}
                answer = ask.client.open(address, method=method.upper(), headers=headers, json={})
                assert answer.status_code == 415, (method, path, answer.text)


def test_a_form_names_a_field_once(installation: Installation) -> None:
    ask = Asking(installation, "tasks")
    forms = [each for each in inputs(openapi(ask.app)) if each.kind == "form"]
    for place in forms:
        answer = ask(
            place, f'a%0D%0A--b%0D%0AContent-Disposition: form-data; name="{next(iter(place.sample))}"%0D%0A%0D%0Ac'
        )
        said = answer.json or {}
        assert (answer.status_code, said.get("code")) == (422, "invalid"), (str(place), answer.text)
        assert {"pointer": pointer_of(place), "detail": TWICE} in said["errors"], (str(place), answer.text)
    assert forms


@pytest.mark.parametrize("service", SERVICES)
def test_an_object_has_a_name_once(installation: Installation, service: str) -> None:
    ask = Asking(installation, service)
    bodies = {(each.path, each.method): each for each in inputs(openapi(ask.app)) if each.kind == "body"}
    for place in bodies.values():
        address = place.path.format(**{name: PLACES.get(name, "x1") for name in names_in(place.path)})
        # The second pair is one name in two spellings of Unicode.
        for body in ('{"staff": "p04", "staff": "p01"}', '{"x": {"\u00e9": 1, "e\u0301": 2}}'):
            answer = ask.client.open(
                address,
                method=place.method.upper(),
                headers=ask.headers(place),
                data=body.encode(),
                content_type="application/json",
            )
            said = answer.json or {}
            assert (answer.status_code, said.get("code")) == (422, "invalid"), (str(place), answer.text)
            assert "hai lần" in said["errors"][0]["detail"], (str(place), answer.text)
    assert bodies or service == "notifications"


@pytest.mark.parametrize("service", SERVICES)
def test_a_text_is_never_more_than_a_text(installation: Installation, service: str) -> None:
    ask = Asking(installation, service)
    for place in inputs(openapi(ask.app)):
        for text in ACTIVE:
            answer = ask(place, quote(text, safe=""))
            assert answer.status_code < 500, (str(place), text, answer.text)
            assert "1787569" not in answer.text, (str(place), text)
            if answer.mimetype == "text/html":
                assert "<script>alert" not in answer.text and "<svg onload" not in answer.text, (str(place), text)
    assert not RAN.exists()
    assert installation.web("tasks").test_client().get("/readyz").status_code == 200


def test_other_sites_are_told_nothing(installation: Installation) -> None:
    for name, app in apps(installation):
        client = app.test_client()
        for method, address in {("OPTIONS", path) for _, path in addresses(app)} | set(addresses(app)):
            answer = client.open(address, method=method, headers=FOREIGN)
            shared = [header for header, _ in answer.headers if header.lower().startswith("access-control-")]
            assert not shared, (name, method, address)


def test_no_route_echoes_a_request(installation: Installation) -> None:
    for name, app in apps(installation):
        client = app.test_client()
        for address in {address for _, address in addresses(app)}:
            for method in ("TRACE", "TRACK", "CONNECT", "PROPFIND"):
                answer = client.open(address, method=method, headers={"X-Canary": "matqzxw"})
                assert answer.status_code == 405, (name, method, address)
                assert "matqzxw" not in answer.text


def test_every_answer_says_what_it_is_and_is_framed_by_nobody(commune: SmallCommune) -> None:
    """Every page and paper as everybody who may see it; refusals and errors too."""
    pages = 0
    for name, app in apps(commune.installation):
        for client in clients(commune, app, name):
            for method, address in addresses(app):
                if method != "GET":
                    continue
                answer = client.get(address, headers={"Accept": "text/html"})
                where = (name, address, answer.status)
                if (answer.mimetype or "").startswith("text/"):
                    assert answer.content_type.lower().endswith("charset=utf-8"), where
                written = answer.headers["Content-Security-Policy"]
                policy = dict(part.strip().split(" ", 1) for part in written.split(";"))
                assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", where
                assert policy["form-action"] in ("'none'", "'self'"), where
                assert "unsafe" not in written, where
                assert answer.headers["X-Content-Type-Options"] == "nosniff", where
                pages += answer.mimetype == "text/html" and answer.status_code == 200
    assert pages > 10


def clients(commune: SmallCommune, app: flask.Flask, name: str) -> Iterator[FlaskClient]:
    yield app.test_client()
    askers = [(f"staff/{staff}", COMMUNE, roles) for staff, (roles, _) in PEOPLE.items()]
    askers += [(f"operator/{role}", "*", [role]) for role in sorted(WIDE_ROLES)]
    key = commune.installation.signing_key
    for sub, where, roles in askers:
        client = app.test_client()
        bearer = mint(key, sub=sub, commune=where, roles=roles, lifetime=timedelta(hours=1))
        if name == "screens":
            client.set_cookie(COOKIE, bearer)
        else:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
        yield client
