"""A tiny service over HTTP, and tokens for it, for the tests of shared/web."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import flask
from flask.testing import FlaskClient
from marshmallow import fields, validate
from werkzeug.serving import make_server

from shared.refusal import Refusal
from shared.web.app import create_app
from shared.web.auth import Verifier, action, body_limit, principal, public, signed_in
from shared.web.conditional import etag, if_match
from shared.web.idempotency import idempotency_key
from shared.web.keys import SigningKey, generate_key, mint
from shared.web.paging import Cursor, PageQuery, page
from shared.web.positions import recorded_at
from shared.web.schema import Blueprint, Schema

ACTIONS = {
    "note.read": {"staff", "office", "admin"},
    "note.change": {"office"},
    "everything.read": {"admin", "replicator"},
}
REFUSALS = {
    refusal.code: refusal
    for refusal in (
        Refusal("note-closed", "Ghi chú đã đóng", "Ghi chú {note} đã đóng ngày {on}.", formerly=("closed-note",)),
        Refusal("not-author", "Không phải người viết", "Chỉ người viết được sửa.", 403),
    )
}
NOTES = "/api/v1/notes/communes/tien-canh/notes"


@contextmanager
def served(app: WSGIApplication) -> Iterator[str]:
    """An app behind a real socket: its base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Line(Schema):
    text = fields.String(required=True, validate=validate.Length(1, 20))


class Note(Schema):
    title = fields.String(required=True, validate=validate.Length(min=1))
    weight = fields.Integer(validate=validate.Range(1, 5))
    level = fields.String(validate=validate.OneOf(["A", "B"]))
    due = fields.Date(allow_none=False)
    lines = fields.List(fields.Nested(Line))


class NotesQuery(PageQuery):
    cursor = Cursor(str, int)


class Upload(Schema):
    name = fields.String(required=True)


def blueprint(raised: Callable[[], Exception]) -> Blueprint:
    notes = Blueprint("notes", __name__, url_prefix="/communes/<commune>/notes")

    @notes.route("", methods=["GET"])
    @notes.arguments(NotesQuery, location="query")
    @notes.response(200, Note(many=True))
    @action("note.read")
    def listed(query: dict[str, Any], commune: str) -> Any:
        after = query.get("cursor", ("", 0))[1]
        rows = [{"title": f"ghi chú {n}", "weight": n} for n in range(1, 6)]
        rows = [row for row in rows if row["weight"] > after][: query["limit"] + 1]
        return page(rows, query["limit"], lambda row: (row["title"], row["weight"]))

    @notes.route("", methods=["POST"])
    @notes.arguments(Note)
    @notes.response(201, Note)
    @action("note.change")
    def written(note: dict[str, Any], commune: str) -> Any:
        key = idempotency_key()
        flask.g.key = key
        return note, {**etag(1), **recorded_at("notes", commune, 7), "Key-Digest": key.digest if key else ""}

    @notes.route("/<note>", methods=["GET"])
    @notes.response(200, Note)
    @action("note.read")
    def one(note: str, commune: str) -> Any:
        return {"title": "Xã Tiên Cảnh"}, etag(3)

    @notes.route("/<note>", methods=["PATCH"])
    @notes.response(200)
    @action("note.change")
    def changed(note: str, commune: str) -> Any:
        return {"based_on": if_match()}

    @notes.route("/<note>/close", methods=["POST"])
    @notes.response(200)
    @action("note.change")
    def closed(note: str, commune: str) -> Any:
        raise REFUSALS[note](note="n1", on="14/6/2024")

    @notes.route("/<note>/break", methods=["POST"])
    @notes.response(200)
    @action("note.change")
    def broken(note: str, commune: str) -> Any:
        raise raised()

    @notes.route("/<note>/files", methods=["POST"])
    @notes.arguments(Upload, location="form")
    @notes.response(200)
    @action("note.change")
    @body_limit(4000)
    def attached(form: dict[str, Any], note: str, commune: str) -> Any:
        key = idempotency_key()
        size = len(flask.request.files["file"].read())
        return {"digest": key.digest if key else "", "size": size, "name": form["name"]}

    return notes


def other_blueprint() -> flask.Blueprint:
    other = flask.Blueprint("other", __name__)

    @other.get("/everything")
    @action("everything.read")
    def everything() -> Any:
        return {"actor": principal().actor}

    @other.route("/open", methods=["GET", "POST"])
    @public
    def opened() -> Any:
        asking = signed_in()
        return {"actor": asking.actor if asking else None}

    @other.get("/forgotten")
    def forgotten() -> Any:
        return "secret"

    return other


@dataclass
class Service:
    """The app, a client for it, and what signs tokens that it believes."""

    app: flask.Flask
    client: FlaskClient
    key: SigningKey
    key_set: Path
    raised: list[Exception]

    def token(self, *roles: str, sub: str = "staff/p14", commune: str = "tien-canh", **options: Any) -> str:
        options = {"lifetime": timedelta(hours=1)} | options
        return mint(self.key, sub=sub, commune=commune, roles=roles, **options)

    def auth(self, *roles: str, **options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **options)}"}


def notes_service(directory: Path, *, blueprints: Iterable[flask.Blueprint] = (), **options: Any) -> Service:
    key_set = directory / "keys.json"
    key = generate_key(directory / "key.pem", key_set)
    raised: list[Exception] = []
    app = create_app(
        "notes",
        blueprints=[blueprint(lambda: raised[0]), other_blueprint(), *blueprints],
        actions=ACTIONS | options.pop("actions", {}),
        verifier=Verifier(str(key_set)),
        refusals=REFUSALS.values(),
        max_body=1000,
        **options,
    )
    return Service(app, app.test_client(), key, key_set, raised)


def pages(client: FlaskClient, url: str, headers: dict[str, str]) -> Iterator[list[Any]]:
    """The bodies of a list's pages, following rel=next."""
    while True:
        response = client.get(url, headers=headers)
        assert response.status_code == 200, response.json
        yield json.loads(response.data)
        if "Link" not in response.headers:
            return
        url = response.headers["Link"].partition(">")[0].removeprefix("<")
