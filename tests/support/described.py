"""A test client that holds every answer against its service's OpenAPI description, so that all API tests test it."""

import copy
import re
from typing import Any

import flask
import jsonschema
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from shared.web.app import openapi
from shared.web.openapi import HEADERS

# Answered before a view is found, or a fault of ours: not a route's to declare.
UNDECLARED = (405, 500)
KNOWN: dict[str, "Description"] = {}


class Undescribed(AssertionError):
    """An answer is not what its operation says."""


class Description:
    """A service's description, ready to judge answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = closed(document)
        self.validators: dict[str, jsonschema.Draft202012Validator] = {}

    def judge(self, path: str, method: str, response: TestResponse) -> None:
        """Raises Undescribed for a status, media type, header, field or value that is not described."""
        operation = self.document["paths"][path][method]
        where = f"{method.upper()} {path} {response.status_code}"
        status = str(response.status_code)
        if status not in operation["responses"]:
            raise Undescribed(f"{where}: a status that the operation does not name: {response.text[:300]}")
        described = self._resolved(operation["responses"][status])
        for name in HEADERS.keys() & set(response.headers.keys()) - described.get("headers", {}).keys():
            raise Undescribed(f"{where}: the header {name} is not described")
        content = described.get("content", {})
        if not content:
            if response.data:
                raise Undescribed(f"{where}: a body where none is described")
            return
        media = response.content_type.partition(";")[0]
        if "*/*" not in content and media not in {name.partition(";")[0] for name in content}:
            raise Undescribed(f"{where}: {media} is not described")
        if media.endswith("json") and "*/*" not in content:
            pointer = f"{path} {method} {status}"
            if pointer not in self.validators:
                schema = next(part["schema"] for name, part in content.items() if name.startswith(media))
                whole = {**schema, "components": self.document["components"]}
                self.validators[pointer] = jsonschema.Draft202012Validator(whole)
            for error in self.validators[pointer].iter_errors(response.json):
                place = "/".join(str(part) for part in error.absolute_path)
                raise Undescribed(f"{where}: at /{place}: {error.message[:500]}")

    def _resolved(self, part: Any) -> Any:
        if "$ref" not in part:
            return part
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        return self.document["components"][kind][name]


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The description with every object holding its described fields only: what is sent and not said fails."""
    document = copy.deepcopy(document)

    def close(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and "additionalProperties" not in part:
                part["additionalProperties"] = False
            for inner in part.values():
                close(inner)
        elif isinstance(part, list):
            for inner in part:
                close(inner)

    close(document)
    return document


def described(app: flask.Flask) -> Description | None:
    """The description of one of our services; None for an app that does not describe itself."""
    about = app.extensions.get("cchc.about")
    if about is None or not about.description:
        return None
    if app.name not in KNOWN:
        KNOWN[app.name] = Description(openapi(app))
    return KNOWN[app.name]


class DescribedClient(FlaskClient):
    """The client that `app.test_client()` gives in all tests."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        response = super().open(*args, **options)
        description = described(self.application)
        if description is not None and response.status_code not in UNDECLARED:
            request = response.request
            adapter = self.application.url_map.bind_to_environ(request.environ)
            try:
                rule, _ = adapter.match(method=request.method, return_rule=True)
            except HTTPException:
                return response  # no view to describe
            path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
            if path in description.document["paths"] and request.method != "HEAD":
                description.judge(path, request.method.lower(), response)
        return response


def install() -> None:
    flask.Flask.test_client_class = DescribedClient
