"""Every place of every route where a text comes in, by its description, and what is sent to one place."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from werkzeug.test import TestResponse

from cchc.installation import Installation
from shared.web.auth import WIDE_ROLES, routes
from shared.web.keys import mint
from tests.support.reminded import COMMUNE
from tests.support.surface import resolved

# An id and what else an address holds.
PLACES = {"commune": COMMUNE, "kind": "roster", "year": "2024", "sha256": "0" * 64, "channel": "zalo"}


class Input(NamedTuple):
    """One place where a text comes in: `where` is the pointer that a problem names it by."""

    path: str
    method: str
    kind: str  # path, query, body or form
    name: str  # of the parameter
    where: str
    sample: Any = None  # the body with the text TEXT at its place
    bounded: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.where}"


TEXT = "\u0000TEXT"


def inputs(document: dict[str, Any]) -> Iterator[Input]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            for named in item.get("parameters", []) + operation.get("parameters", []):
                parameter = resolved(document, named)
                if parameter["in"] in ("path", "query"):
                    name = parameter["name"]
                    yield Input(path, method, parameter["in"], name, f"{parameter['in']}#/{name}")
            content = resolved(document, operation.get("requestBody", {})).get("content", {})
            for media, described in content.items():
                kind = "body" if media == "application/json" else "form"
                for where, sample in leaves(document, described["schema"]):
                    if sample[0] != "binary":
                        yield Input(path, method, kind, "", where, sample[1])


def leaves(document: dict[str, Any], schema: Any, where: str = "#", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The places of a body where a text may stand, each with a body that has nothing else."""
    schema = resolved(document, schema)
    if depth > 6:
        return
    kinds = schema.get("type", [])
    if schema.get("format") == "binary":
        yield where, ("binary", None)
    elif "string" in ([kinds] if isinstance(kinds, str) else kinds):
        yield where, ("text", TEXT)
    for option in schema.get("anyOf", ()):
        yield from leaves(document, option, where, depth)
    for name, part in schema.get("properties", {}).items():
        for inner, (kind, sample) in leaves(document, part, f"{where}/{name}", depth + 1):
            yield inner, (kind, {name: sample})
    if isinstance(schema.get("items"), dict):
        for inner, (kind, sample) in leaves(document, schema["items"], f"{where}/0", depth + 1):
            yield inner, (kind, [sample])
    if isinstance(schema.get("additionalProperties"), dict):
        for inner, (kind, sample) in leaves(document, schema["additionalProperties"], f"{where}/x", depth + 1):
            yield inner, (kind, {"x": sample})


def filled(sample: Any, text: str) -> Any:
    if isinstance(sample, dict):
        return {name: filled(part, text) for name, part in sample.items()}
    if isinstance(sample, list):
        return [filled(part, text) for part in sample]
    return text if sample == TEXT else sample


class Asking:
    """Sends a text to one place of one route, as an account that has every role the route is open to."""

    def __init__(self, installation: Installation, name: str) -> None:
        self.app = installation.web(name)
        self.installation = installation
        self.prefix = f"/api/v1/{name}"
        self.client = self.app.test_client()
        self.actions = self.app.extensions["cchc.actions"]
        self.classified = {(method.lower(), flask_path(rule)): action for method, rule, action in routes(self.app)}

    def __call__(self, place: Input, text: str) -> TestResponse:
        """`text` is percent-encoded."""
        names = {each: quote(PLACES.get(each, "x1")) for each in names_in(place.path)}
        if place.kind == "path":
            names[place.name] = text
        address = place.path.format(**names) + (f"?{place.name}={text}" if place.kind == "query" else "")
        options: dict[str, Any] = {"headers": self.headers(place)}
        decoded = unquote_to_bytes(text).decode("utf-8", "surrogatepass")
        if place.kind == "body":
            body = json.dumps(filled(place.sample, decoded))
            options |= {"data": body, "content_type": "application/json"}
        elif place.kind == "form":
            fields = "".join(
                f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{TEXT}\r\n' for name in place.sample
            )
            sent = fields.encode().replace(TEXT.encode(), unquote_to_bytes(text)) + b"--b--\r\n"
            options |= {"data": sent, "content_type": "multipart/form-data; boundary=b"}
        return self.client.open(address, method=place.method.upper(), **options)

    def headers(self, place: Input) -> dict[str, str]:
        action = self.classified[place.method, place.path]
        if action == "public":
            return {}
        roles, commune = sorted(self.actions[action]), COMMUNE
        if "{commune}" not in place.path and (wide := WIDE_ROLES.intersection(roles)):
            roles, commune = sorted(wide), "*"
        token = mint(
            self.installation.signing_key,
            sub="operator/doors",
            commune=commune,
            roles=roles,
            lifetime=timedelta(minutes=5),
        )
        return {"Authorization": f"Bearer {token}"}


def flask_path(rule: str) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def names_in(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def pointer_of(place: Input) -> str:
    return f"form{place.where}" if place.kind == "form" else place.where


def whole(document: dict[str, Any], schema: Any, text: str, depth: int = 0) -> Any:
    """A body with all its fields, and the text wherever one may stand that is of no fixed form."""
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return whole(document, schema["anyOf"][0], text, depth)
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "string":
        fixed = {"date": "2024-03-01", "email": "matqzxw@xa-nho.example"}
        if "pattern" in schema:
            return next((one for one in ("0" * 64, "07:30", "p-1") if re.search(schema["pattern"], one)), "x")
        return fixed.get(schema.get("format", ""), text)
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return False
    if kind == "array":
        return [whole(document, schema["items"], text, depth + 1)]
    if depth > 6:
        return {}
    named = {name: whole(document, part, text, depth + 1) for name, part in schema.get("properties", {}).items()}
    if isinstance(schema.get("additionalProperties"), dict):
        named[text] = whole(document, schema["additionalProperties"], text, depth + 1)
    return named
