"""What a program may rely on in a description: addresses, methods, names of parameters and fields, without the words.

`python -m tests.support.surface FOLDER` records it for a release, for tests/contract/test_released.py.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cchc.services import SERVICES

Surface = dict[str, Any]
DEEPEST = 6


def surface_of_openapi(document: dict[str, Any]) -> Surface:
    """Operation → parameters, fields of its body, fields of its answers by status and media type."""
    found: Surface = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parameters = [
                resolved(document, part) for part in item.get("parameters", []) + operation.get("parameters", [])
            ]
            described: Surface = {"parameters": sorted(f"{part['in']}:{part['name']}" for part in parameters)}
            if "requestBody" in operation:
                # By no media type: 0.1 said of a form with a file that it was urlencoded, which no file fits in.
                sent = _content(document, operation["requestBody"]).values()
                described["body"] = {name: part for named in sent for name, part in named.items()}
            described["answers"] = {
                status: _content(document, resolved(document, answer))
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            }
            found[f"{method.upper()} {path}"] = described
    return found


def surface_of_asyncapi(document: dict[str, Any]) -> dict[str, str]:
    """Part → hash of it without its descriptions, which are free to become better ones.

    Each message of a channel and each property of a schema is a part: a new event and a new optional field change no
    part that was there before.
    """
    parts = {name: part for name, part in document.items() if name not in ("info", "channels", "components")}
    named = {"channels": document["channels"]} | {
        f"components/{kind}": of for kind, of in document["components"].items()
    }
    for where, of in named.items():
        inner = {"channels": "messages", "components/schemas": "properties"}.get(where, "")
        for name, part in of.items():
            parts[f"{where}/{name}"] = {key: value for key, value in part.items() if key != inner}
            parts |= {f"{where}/{name}/{inner}/{key}": value for key, value in part.get(inner, {}).items()}
    return {name: _digest(part) for name, part in sorted(parts.items())}


def missing(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """What was there before and is no more."""
    if isinstance(before, dict):
        for name, part in before.items():
            if name not in now:
                yield f"{where}/{name}"
            else:
                yield from missing(part, now[name], f"{where}/{name}")
    elif isinstance(before, list):
        yield from (f"{where}/{name}" for name in before if name not in now)


def resolved(document: dict[str, Any], part: Any) -> Any:
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = document["components"][kind][name]
    return part


def _content(document: dict[str, Any], part: dict[str, Any]) -> Surface:
    return {media: fields(document, content.get("schema", {})) for media, content in part.get("content", {}).items()}


def fields(document: dict[str, Any], schema: Any, depth: int = 0) -> Surface:
    """The fields of a schema, nested; those of a list are those of its items."""
    schema = resolved(document, schema)
    if depth > DEEPEST:
        return {}
    names: Surface = {}
    for option in schema.get("anyOf", ()):
        names |= fields(document, option, depth)
    if isinstance(schema.get("items"), dict):
        names |= fields(document, schema["items"], depth + 1)
    return names | {name: fields(document, part, depth + 1) for name, part in schema.get("properties", {}).items()}


def _digest(part: Any) -> str:
    return hashlib.sha256(json.dumps(_wordless(part), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _wordless(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: _wordless(inner)
            for name, inner in part.items()
            if not (name == "description" and isinstance(inner, str))
        }
    return [_wordless(inner) for inner in part] if isinstance(part, list) else part


def _write(file: Path, surface: Surface) -> None:
    lines = [
        f"{json.dumps(name)}: {json.dumps(part, sort_keys=True, ensure_ascii=False)}"
        for name, part in sorted(surface.items())
    ]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def record(folder: Path) -> None:
    from shared.events.asyncapi import document

    folder.mkdir(parents=True)
    for service in SERVICES:
        printed = subprocess.run(["cchc", "openapi", service], capture_output=True, check=True).stdout
        _write(folder / f"{service}.json", surface_of_openapi(json.loads(printed)))
    _write(folder / "asyncapi.json", surface_of_asyncapi(document()))


if __name__ == "__main__":
    record(Path(sys.argv[1]))
