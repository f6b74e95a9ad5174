"""A client of a service as a stranger gets it: made by a public generator from what `cchc openapi` prints."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support.api import description

CONFIG = Path(__file__).with_name("openapi_python_client.yaml")


class Refused(AssertionError):
    """An answer that is a problem document; `status` and `code` are its own."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{status} {problem}")
        self.status = status
        self.code = getattr(problem, "code", None)


class GeneratedClient:
    """The generated package of a service, at an address, with a person's token."""

    def __init__(self, package: str, address: str, token: str) -> None:
        self.package = package
        self.client: Any = self.module("client").AuthenticatedClient(address, token, raise_on_unexpected_status=True)

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.{name}")

    def model(self, name: str) -> Any:
        """The class of what a body or an answer is made of."""
        return getattr(self.module("models"), name)

    def file(self, content: Any, name: str) -> Any:
        return self.module("types").File(content, name)

    def whole(self, operation: str, *ids: Any, **more: Any) -> Any:
        """Call an operation, named as `tag.operation`: its answer with status and headers."""
        answer = self.module(f"api.{operation}").sync_detailed(*ids, client=self.client, **more)
        if answer.status_code >= 400:
            raise Refused(int(answer.status_code), answer.parsed)
        return answer

    def __call__(self, operation: str, *ids: Any, **more: Any) -> Any:
        """The same: what the answer's body was read as."""
        return self.whole(operation, *ids, **more).parsed

    def close(self) -> None:
        self.client.get_httpx_client().close()


def generate(service: str, folder: Path) -> str:
    """Make the client of a service below a folder that imports are looked up in; the name of its package.

    The generator leaves out what it does not understand, with a warning: there must be none.
    """
    file, package = folder / f"{service}.json", f"{service}_client"
    file.write_text(json.dumps(description(service)), encoding="utf-8")
    options = ["--meta", "none", "--config", str(CONFIG), "--output-path", str(folder / package), "--fail-on-warning"]
    command = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", str(file), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return package
