"""What a program relied on in an earlier release is still there."""

import json
from pathlib import Path

import pytest

from cchc.services import SERVICES
from shared.events import asyncapi
from tests.support.api import description
from tests.support.surface import missing, surface_of_asyncapi, surface_of_openapi

RELEASED = Path(__file__).with_name("released")
RELEASES = sorted(folder.name for folder in RELEASED.iterdir())


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_parameter_and_field_of_a_release_is_still_there(release: str, service: str) -> None:
    before = json.loads((RELEASED / release / f"{service}.json").read_text("utf-8"))
    assert list(missing(before, surface_of_openapi(description(service)))) == []


@pytest.mark.parametrize("release", RELEASES)
def test_every_message_of_a_release_is_described_as_it_was(release: str) -> None:
    before = json.loads((RELEASED / release / "asyncapi.json").read_text("utf-8"))
    now = surface_of_asyncapi(asyncapi.document())
    assert {name: now.get(name) for name in before} == before


def test_what_is_missing_is_named() -> None:
    assert list(missing({"GET /a": {"parameters": ["query:limit"]}}, {"GET /a": {"parameters": []}})) == [
        "/GET /a/parameters/query:limit"
    ]


def test_a_new_event_and_a_new_optional_field_leave_a_release_as_it_was() -> None:
    before, grown = surface_of_asyncapi(asyncapi.document()), asyncapi.document()
    reference = {"$ref": "#/components/messages/task_assigned"}
    grown["channels"]["tasks"]["messages"]["task_suspended"] = reference
    grown["components"]["schemas"]["TaskAssigned"]["properties"]["urgent"] = {"type": "boolean", "default": False}
    assert surface_of_asyncapi(grown).items() > before.items()
    grown["components"]["schemas"]["TaskAssigned"]["required"].append("urgent")
    assert not surface_of_asyncapi(grown).items() > before.items()
