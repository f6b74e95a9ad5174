"""Command routes as tables: what reaches `execute`, what the client is answered, and what the description says."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from marshmallow import fields

from shared.eventlog import Appended, StaleVersion
from shared.web.app import openapi
from shared.web.auth import Principal
from shared.web.changes import Change, add
from shared.web.schema import Blueprint, Schema
from tests.support.web import Service, notes_service

PAPERS = "/api/v1/notes/communes/tien-canh/papers"


class WritePaper(msgspec.Struct, frozen=True):
    paper: str
    title: str


class AmendPaper(WritePaper, frozen=True):
    pass


class ReplacePaper(WritePaper, frozen=True):
    pass


class Body(Schema):
    title = fields.String(required=True)


class Recorded(Schema):
    commune = fields.String()
    position = fields.Integer()
    result = fields.Raw()


CHANGES = (
    Change("", WritePaper, Body, "Write a paper.", "note.change", makes="paper"),
    Change("/<paper>", AmendPaper, Body, "Amend a paper.", "note.change", "PATCH", versioned="begun"),
    Change("/<paper>", ReplacePaper, Body, "Replace a paper.", "note.change", "PUT", versioned="always", status=202),
)


class Executed:
    """Remembers how `execute` was called, and answers as a log whose stream has version 3 would."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, service: object, principal: Principal, command: Any, /, **more: Any) -> Appended:
        self.calls.append({"actor": principal.actor, "command": command, **more})
        if more["if_match"] not in (None, 3):
            raise StaleVersion(f"paper/{command.paper}", more["if_match"], 3)
        return Appended(more["commune"], 7, {f"paper/{command.paper}": 4}, {"paper": command.paper})


@pytest.fixture
def executed() -> Executed:
    return Executed()


@pytest.fixture
def service(tmp_path: Path, executed: Executed) -> Service:
    papers = Blueprint("papers", __name__, url_prefix="/communes/<commune>/papers")
    add(papers, CHANGES, executed, answer=Recorded)
    log = SimpleNamespace(source="notes", new_id=lambda _: "p1")
    handle = SimpleNamespace(log=log, clock=lambda: datetime(2024, 6, 14, tzinfo=UTC))
    return notes_service(tmp_path, blueprints=[papers], service=handle)


def test_a_row_makes_an_id_executes_its_command_and_answers_where(service: Service, executed: Executed) -> None:
    headers = service.auth("office") | {"Idempotency-Key": "k1"}
    response = service.client.post(PAPERS, json={"title": "Báo cáo"}, headers=headers)
    assert (response.status_code, response.json) == (
        201,
        {"commune": "tien-canh", "position": 7, "result": {"paper": "p1"}},
    )
    assert response.headers["Cchc-Position"] == "notes/tien-canh/7"
    [call] = executed.calls
    assert call["key"].key == "k1"
    assert call | {"key": None} == {
        "actor": "staff/p14",
        "command": WritePaper("p1", "Báo cáo"),
        "commune": "tien-canh",
        "if_match": None,
        "key": None,
    }


@pytest.mark.parametrize(
    ("method", "based_on", "status"),
    [
        ("PATCH", '"3"', 200),
        ("PATCH", '"2"', 412),
        ("PATCH", None, 428),
        ("PATCH", "*", 428),
        ("PUT", '"3"', 202),
        ("PUT", None, 428),
    ],
)
def test_a_versioned_change_names_what_it_is_based_on(
    service: Service, method: str, based_on: str | None, status: int
) -> None:
    headers = service.auth("office") | ({"If-Match": based_on} if based_on else {})
    response = service.client.open(f"{PAPERS}/p1", method=method, json={"title": "x"}, headers=headers)
    assert response.status_code == status, response.text


def test_a_row_is_open_to_the_roles_of_its_action_only(service: Service, executed: Executed) -> None:
    assert service.client.post(PAPERS, json={"title": "x"}, headers=service.auth("staff")).status_code == 403
    assert executed.calls == []


def test_the_description_names_the_operation_and_its_headers(service: Service) -> None:
    paths = openapi(service.app)["paths"]
    made, amended, replaced = (
        paths[f"{PAPERS.replace('tien-canh', '{commune}')}"]["post"],
        *(paths[f"{PAPERS.replace('tien-canh', '{commune}')}/{{paper}}"][method] for method in ("patch", "put")),
    )
    assert [each["operationId"] for each in (made, amended, replaced)] == ["writePaper", "amendPaper", "replacePaper"]
    assert [each["summary"] for each in (made, amended)] == ["Write a paper.", "Amend a paper."]
    assert [taken(each) for each in (made, amended, replaced)] == [
        ["Idempotency-Key"],
        ["Idempotency-Key", "If-Match"],
        ["Idempotency-Key", "If-Match"],
    ]
    assert set(made["responses"]["201"]["headers"]) == {"Cchc-Position"}
    assert made["responses"]["201"]["content"]["application/json"]["schema"]
    assert set(replaced["responses"]["202"]["headers"]) == {"Cchc-Position", "ETag"}


def taken(operation: dict[str, Any]) -> list[str]:
    return [parameter["$ref"].rpartition("/")[2] for parameter in operation["parameters"]]
