"""What the product is made of: the bill of materials, and known vulnerabilities of it."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# pip-audit's words where it has no advisories of a package, and where it reaches no server of them.
NO_ADVISORIES = re.compile(r"could not be audited|ConnectionError|ServiceError|Max retries exceeded|timed out")


def make(target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", target], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    done = make("sbom")
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = msgspec.json.decode((ROOT / "build" / "sbom.json").read_bytes())
    return read


def locked() -> dict[str, str]:
    """Name → version of what is installed to run on this machine."""
    lines = re.findall(r"^([^\s#].*?)\s*\\?$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): next(iter(one.specifier)).version
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }


def test_the_bill_of_materials_names_what_runs_and_nothing_else(bill: dict[str, Any]):
    named = {canonicalize_name(one["name"]): one["version"] for one in bill["components"]}
    named.pop(canonicalize_name("pip"))  # installs the others, and comes with Python
    assert named == locked()
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "cchc"


def test_the_bill_of_materials_gives_licences_and_what_needs_what(bill: dict[str, Any]):
    unlicensed = [one["name"] for one in bill["components"] if not one.get("licenses")]
    assert unlicensed == []
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    root = needs[bill["metadata"]["component"]["bom-ref"]]
    direct = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    name_of = {one["bom-ref"]: canonicalize_name(one["name"]) for one in bill["components"]}
    # An extra of the tests that something else brings along counts as needed too.
    assert {name_of[ref] for ref in root} >= {canonicalize_name(Requirement(one).name) for one in direct}


def test_nothing_that_runs_has_a_known_vulnerability():
    done = make("audit")
    if done.returncode and NO_ADVISORIES.search(done.stdout + done.stderr):
        pytest.skip("the advisories of PyPI cannot be reached from here")
    assert done.returncode == 0, done.stdout + done.stderr
