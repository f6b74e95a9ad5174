"""The services' OpenAPI descriptions as a stranger gets them: printed by the command line."""

import json
from collections.abc import Iterator
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from click.testing import CliRunner

from cchc.cli import cli
from cchc.services import SERVICES

Document = dict[str, Any]


class Operation(NamedTuple):
    """One operation of a service, with what its address declares for it."""

    service: str
    method: str
    path: str
    described: Document
    parameters: list[Document]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


@cache
def description(service: str) -> Document:
    """What `cchc openapi SERVICE` prints."""
    with TemporaryDirectory() as folder:
        printed = CliRunner().invoke(cli, ["openapi", service], env={"CCHC_DATA": folder}, catch_exceptions=False)
    assert printed.exit_code == 0, printed.output
    found: Document = json.loads(printed.output)
    return found


def descriptions() -> dict[str, Document]:
    return {service: description(service) for service in SERVICES}


def operations() -> Iterator[Operation]:
    for service, document in descriptions().items():
        for path, item in document["paths"].items():
            for method, described in item.items():
                if method != "parameters":
                    parameters = item.get("parameters", []) + described.get("parameters", [])
                    yield Operation(service, method, path, described, parameters)
