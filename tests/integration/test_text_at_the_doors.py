"""Every text input of every route and every command: what no text may hold is refused alike, on both databases."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import click
import flask
import pytest
from click.testing import CliRunner

from cchc.cli import cli
from cchc.installation import Installation
from cchc.services import SERVICES
from services.tasks.imports import sheets
from shared.refusal import Refused
from shared.web.app import openapi
from shared.web.auth import routes
from shared.web.keys import mint
from tests.support.api import descriptions
from tests.support.deployed import deployed_on
from tests.support.doors import PLACES, Asking, flask_path, inputs, names_in, pointer_of
from tests.support.postgres import Postgres
from tests.support.reminded import COMMUNE, SmallCommune
from tests.support.screens import screens_of
from tests.support.surface import resolved

# As they go over the wire, percent-encoded; what is no UTF-8 is no JSON either, and has its own answer there.
HALF = "%ED%A0%80"
TEXTS = ("a%00b", "%01", "%1b[31m", "%7f", "%C2%85", "%E2%80%AEfdp.exe", "%E2%81%A7", "%EF%BF%BF", "%EF%BF%BD", HALF)
LONGER_THAN_ANY = "x" * 50_000
OWN = {"Origin": "http://localhost"}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("doors") / "data"
    if request.param == "sqlite":
        commune = SmallCommune(data, "2024-01-02")
        yield commune.installation
        commune.installation.close()
        return
    server: Postgres = request.getfixturevalue("private_postgres")
    with deployed_on(server) as deployed:
        commune = SmallCommune(data, "2024-01-02", (2024,), **deployed.environment("worker"))
        served = deployed.installation("server", data)
        yield served
        served.close()
        commune.installation.close()


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_takes_what_no_text_holds(installation: Installation, service: str):
    ask = Asking(installation, service)
    tried = 0
    for place in inputs(openapi(ask.app)):
        for text in TEXTS:
            answer = ask(place, text)
            said = answer.json or {}
            if place.kind == "path":
                assert (answer.status_code, said.get("code")) == (404, "not-found"), (str(place), text, answer.text)
                continue
            assert (answer.status_code, said.get("code")) == (422, "invalid"), (str(place), text, answer.text)
            pointers = [error["pointer"] for error in said["errors"]]
            whole = "query#" if place.kind == "query" else "#"
            expected = [whole] if text == HALF and place.kind == "query" else [pointer_of(place)]
            assert pointers == expected, (str(place), text, answer.text)
            assert not any(error["detail"].isascii() for error in said["errors"])
            tried += 1
    assert tried > 50


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_takes_an_endless_text(installation: Installation, service: str):
    ask = Asking(installation, service)
    for place in inputs(openapi(ask.app)):
        answer = ask(place, LONGER_THAN_ANY)
        if place.kind == "path":
            assert answer.status_code == 404, (str(place), answer.text)
            continue
        assert answer.status_code == 422, (str(place), answer.text)
        pointers = [error["pointer"] for error in (answer.json or {})["errors"]]
        assert any(pointer.startswith(pointer_of(place)) for pointer in pointers), (str(place), answer.text)


def test_a_cursor_holds_texts_too(installation: Installation):
    for service in SERVICES:
        ask = Asking(installation, service)
        for place in inputs(openapi(ask.app)):
            if place.kind != "query" or place.name != "cursor":
                continue
            for key in (["a\x00"], ["a\x00", "b"], ["a", "b\x00"]):
                cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
                assert ask(place, cursor).status_code == 422, (str(place), key)


def test_headers_are_no_door_for_them_either(installation: Installation):
    headers = (
        "IDEMPOTENCY_KEY",
        "IF_MATCH",
        "IF_NONE_MATCH",
        "CCHC_WAIT_FOR",
        "TRACEPARENT",
        "AUTHORIZATION",
        "COOKIE",
    )
    for service in SERVICES:
        ask = Asking(installation, service)
        for place in {(each.path, each.method): each for each in inputs(openapi(ask.app))}.values():
            for header in headers:
                address = place.path.format(**{each: PLACES.get(each, "x1") for each in names_in(place.path)})
                answer = ask.client.open(
                    address,
                    method=place.method.upper(),
                    headers=ask.headers(place),
                    environ_overrides={f"HTTP_{header}": "a\x00\x1b\x7f\xed\xa0\x80" * 50},
                    json={} if place.method != "get" else None,
                )
                assert answer.status_code < 500, (str(place), header, answer.text)


@pytest.mark.parametrize("name", ["a\x00.pdf", "a\x1b.pdf", "\u202efdp.exe", "a\ufffd.csv"])
def test_a_file_has_no_such_name(installation: Installation, name: str):
    ask = Asking(installation, "tasks")
    uploads = [each for each in inputs(openapi(ask.app)) if each.kind == "form" and each.path.endswith("{kind}")]
    assert uploads
    for place in uploads:
        answer = ask.client.post(
            place.path.format(**PLACES),
            data={"file": (BytesIO(b"a,b"), name)},
            headers=ask.headers(place),
            content_type="multipart/form-data",
        )
        said = answer.json or {}
        assert (answer.status_code, said.get("code")) == (422, "invalid"), answer.text
        assert said["errors"][0]["pointer"] == "files#/file"


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\ufffd", "\ufdd0"])
def test_an_imported_cell_names_its_place(text: str):
    with pytest.raises(Refused) as refused:
        sheets.read(f"Mã;Chức vụ\np07;{text}\n".encode())
    assert refused.value.code == "file-character" and "Ô B2" in refused.value.detail
    assert text not in refused.value.detail


def test_no_screen_fails_on_them(installation: Installation):
    app: flask.Flask = screens_of(installation)
    client = app.test_client()
    token = mint(
        installation.signing_key,
        sub="staff/p03",
        commune=COMMUNE,
        roles=["office", "staff"],
        lifetime=timedelta(minutes=5),
    )
    client.set_cookie("cchc", token)
    asked = 0
    for method, rule, _ in routes(app):
        path = flask_path(rule)
        for text in (*TEXTS, "x" * 3000):
            for place in (*names_in(path), None):
                names = {each: PLACES.get(each, "x1") for each in names_in(path)}
                if place is not None:
                    names[place] = text
                query = "&".join(f"{name}={text}" for name in ("k", "code", "as_of", "positions", "on", "lai", text))
                form = {
                    name: unquote_to_bytes(text) for name in ("step", "nonce", "version", "code", "summary", "until")
                }
                options: dict[str, Any] = {"data": form} if method == "POST" else {}
                answer = client.open(f"{path.format(**names)}?{query}", method=method, headers=OWN, **options)
                assert answer.status_code < 500, (method, rule, text, answer.text)
                asked += 1
    assert asked > 100


def test_every_text_that_comes_in_is_bounded():
    """By a length, a pattern, a list of values, or a reader of its own for what has one form only."""
    forms = {"date", "email", "uuid", "binary"}
    readers = {"cursor", "as_of", "positions", "at", "from", "to"}
    for service, document in descriptions().items():
        for place, schema in described_texts(document):
            bounded = schema.keys() & {"maxLength", "pattern", "enum"} or schema.get("format") in forms
            assert bounded or place.rpartition("?")[2] in readers, (service, place, schema)


def described_texts(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    def within(schema: Any, where: str, depth: int) -> Iterator[tuple[str, Any]]:
        schema = resolved(document, schema)
        if depth > 6:
            return
        if schema.get("type") == "string" or schema.get("type") == ["string", "null"]:
            yield where, schema
        for name, part in schema.get("properties", {}).items():
            yield from within(part, f"{where}/{name}", depth + 1)
        for inner in ("items", "additionalProperties"):
            if isinstance(schema.get(inner), dict):
                yield from within(schema[inner], f"{where}/{inner}", depth + 1)

    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            for named in operation.get("parameters", []):
                parameter = resolved(document, named)
                if parameter["in"] == "query":
                    yield from within(parameter["schema"], f"{method} {path} ?{parameter['name']}", 0)
            for content in resolved(document, operation.get("requestBody", {})).get("content", {}).values():
                yield from within(content["schema"], f"{method} {path}", 0)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))
    else:
        yield path, command


def test_no_option_and_no_argument_takes_them(tmp_path_factory: pytest.TempPathFactory):
    data = tmp_path_factory.mktemp("cli")
    tried = 0
    for path, command in commands(cli):
        for param in command.params:
            if isinstance(param, click.Option) and (param.is_flag or param.count):
                continue
            # A path names what is there already, in whatever bytes.
            if isinstance(param.type, click.Path | click.File):
                continue
            for text in ("a\x00b", "\x1b[2J", "a\u202eb", "a\ud800", "\x7f", "x" * 50_000):
                given = [text] if isinstance(param, click.Argument) else [param.opts[0], text]
                ran = CliRunner().invoke(cli, ["--data", str(data), *path, *given])
                assert ran.exit_code == 2, (path, param.name, text[:10], ran.output[-500:], ran.exception)
                tried += 1
    assert tried > 200
    assert not list(data.iterdir())
