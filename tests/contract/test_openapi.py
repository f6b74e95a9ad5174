"""Every operation of every service is described so that a program written from the description alone can use it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cchc.settings import SERVICES
from tests.support import node
from tests.support.api import Operation, description, descriptions, operations
from tests.support.surface import resolved


def content_of(operation: Operation, status: str) -> dict[str, Any]:
    answer = resolved(description(operation.service), operation.described["responses"][status])
    content: dict[str, Any] = answer.get("content", {})
    return content


def test_every_operation_has_a_name_of_its_own_a_tag_and_words() -> None:
    for service in SERVICES:
        names = [operation.described["operationId"] for operation in operations() if operation.service == service]
        assert sorted(set(names)) == sorted(names)
        tags = {tag["name"] for tag in description(service)["tags"] if tag["description"]}
        for operation in (each for each in operations() if each.service == service):
            assert set(operation.described["tags"]) <= tags, str(operation)
            assert operation.described["summary"] and operation.described["description"], str(operation)


def test_every_operation_describes_what_it_answers_when_all_is_well() -> None:
    for operation in operations():
        good = [status for status in operation.described["responses"] if status.startswith("2")]
        assert good, str(operation)
        for status in good:
            content = content_of(operation, status)
            assert content or status == "204", str(operation)
            for media, part in content.items():
                assert part["schema"] or not media.endswith("json"), str(operation)


def test_every_operation_describes_its_problems() -> None:
    for operation in operations():
        problems = {status for status in operation.described["responses"] if status >= "4"}
        wanted = {"503", "default"} | (set() if "security" in operation.described else {"401", "403"})
        assert wanted <= problems, str(operation)
        for status in problems:
            assert content_of(operation, status) == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }, str(operation)


def test_every_parameter_in_an_address_says_what_it_is() -> None:
    for operation in operations():
        for parameter in (resolved(description(operation.service), part) for part in operation.parameters):
            if parameter["in"] in ("path", "header"):
                assert parameter["description"], f"{operation}: {parameter['name']}"


def test_every_answer_of_json_has_a_schema_that_names_its_fields() -> None:
    """A schema that any object passes tells a stranger nothing."""
    for operation in operations():
        for status in (status for status in operation.described["responses"] if status.startswith("2")):
            for media, part in content_of(operation, status).items():
                if media == "application/json":
                    schema = resolved(description(operation.service), part["schema"])
                    told = "properties" in schema or "items" in schema or "anyOf" in schema
                    assert told, f"{operation}: {schema}"


def test_components_refer_to_what_is_there() -> None:
    for document in descriptions().values():
        for pointer in references(document):
            resolved(document, {"$ref": pointer})


@pytest.mark.parametrize("service", SERVICES)
def test_spectral_finds_nothing(service: str, node_program: str, tmp_path: Path) -> None:
    assert node.openapi_findings(node_program, description(service), tmp_path) == []


def test_spectral_sees_what_is_missing(node_program: str, tmp_path: Path) -> None:
    broken = json.loads(json.dumps(description("tasks")))
    del broken["info"]["contact"]
    del next(iter(broken["paths"].values()))["get"]["operationId"]
    assert len(node.openapi_findings(node_program, broken, tmp_path)) == 2


def test_every_pattern_is_a_regex_of_ecma(node_program: str) -> None:
    patterns = sorted({found for document in descriptions().values() for found in patterns_of(document)})
    assert patterns and node.regexes_refused(node_program, patterns) == []


def test_an_expression_of_python_alone_is_refused(node_program: str) -> None:
    assert len(node.regexes_refused(node_program, [r"[0-9a-f]{64}\Z", "(?P<day>x)", "^a$"])) == 2


def patterns_of(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for inner in part.values():
            yield from patterns_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from patterns_of(inner)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)
