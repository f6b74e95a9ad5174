"""The house is as docs/develop describes it: the same rooms in every service, no long module, tests by package."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cchc.services import SERVICES

ROOT = Path(__file__).parents[2]
ROOMS = [
    "service.py",
    "access.py",
    "commands.py",
    "queries.py",
    "tables.py",
    "views.py",
    "schemas.py",
    "reactors.py",
    "worker.py",
    "app.py",
    "api/__init__.py",
    "domain/__init__.py",
    "domain/refusals.py",
    "migrations/env.py",
]
PACKAGES = ["bench", "cchc", "demo", "services", "shared", "verifier", "web"]
LONGEST = 500
# Tests of the repository as a whole; all others stand in the folder of the package that they test.
OF_EVERYTHING = {"test_docs.py", "test_house.py"}


# What docs/security.md says the linter keeps out of what runs.
DANGEROUS = {
    "eval": "eval(text)",
    "exec": "exec(text)",
    "shell": "import subprocess\nsubprocess.run(text, shell=True)",
    "system": "import os\nos.system(text)",
    "sql by format": "query = 'SELECT * FROM events WHERE id = %s' % text",
    "sql by f-string": "query = f'SELECT * FROM events WHERE id = {text}'",
    "md5": "import hashlib\nhashlib.md5(text)",
    "sha1": "import hashlib\nhashlib.new('sha1', text)",
    "random": "import random\ncode = random.choice(text)",
    "pickle": "import pickle\npickle.loads(text)",
    "yaml": "import yaml\nyaml.load(text)",
    "unverified TLS": "import ssl\nssl._create_unverified_context()",
    "requests without check": "import requests\nrequests.get(text, verify=False, timeout=1)",
    "old TLS": "import ssl\nssl.wrap_socket(ssl_version=ssl.PROTOCOL_TLSv1)",
    "temporary name": "import tempfile\ntempfile.mktemp()",
    "no escaping": "import jinja2\njinja2.Environment(autoescape=False)",
}


@pytest.mark.parametrize("kind", DANGEROUS)
@pytest.mark.parametrize("package", ["cchc", "services", "shared", "web"])
def test_the_linter_refuses_dangerous_calls(package: str, kind: str) -> None:
    command = ["ruff", "check", "--no-cache", "--output-format", "concise", "--stdin-filename", f"{package}/x.py", "-"]
    checked = subprocess.run(
        [sys.executable, "-m", *command],
        input=DANGEROUS[kind],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert re.search(r": S\d{3} ", checked.stdout), checked.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    missing = [room for room in ROOMS if not (ROOT / "services" / service / room).exists()]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_runs_its_commands_by_one_signature(service: str) -> None:
    execute = importlib.import_module(f"services.{service}.commands").execute
    parameters = inspect.signature(execute).parameters.values()
    asked = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    optional = {parameter.name for parameter in parameters if parameter.default is not parameter.empty}
    assert asked == ["service", "principal", "command", "commune"]
    assert {"if_match", "key"} <= optional <= {"if_match", "key", "outside_log"}
    assert [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD] == asked[
        :3
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_its_tests_in_a_folder_of_its_name(service: str) -> None:
    assert list((ROOT / "tests" / "unit" / service).glob("test_*.py"))


def test_unit_tests_stand_in_the_folder_of_what_they_test() -> None:
    flat = {file.name for file in (ROOT / "tests" / "unit").glob("test_*.py")}
    assert flat == OF_EVERYTHING
    folders = {file.parent.name for file in (ROOT / "tests" / "unit").rglob("test_*.py")} - {"unit"}
    assert folders <= {*SERVICES, *PACKAGES}


def test_no_module_is_too_long() -> None:
    long = {
        file.relative_to(ROOT).as_posix(): length
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if (length := len(file.read_text("utf-8").splitlines())) > LONGEST
    }
    assert long == {}
