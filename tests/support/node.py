"""Validators of our descriptions that are Node.js packages, as functions."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.servers import Unavailable, locked, run_quietly

FOLDER = Path(__file__).with_name("npm")
LOCK = FOLDER / "package-lock.json"
CACHE = Path(__file__).parents[2] / ".cache"
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"


def installed() -> str:
    """Node's program, the packages of the lock file being there; fetched with npm the first time."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        raise Unavailable(f"no {'npm' if program else 'node'}")
    CACHE.mkdir(exist_ok=True)
    with locked(CACHE / "npm.lock"):
        if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
            run_quietly([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], deadline=600, cwd=FOLDER)
    return program


def asyncapi_errors(program: str, document: dict[str, Any], folder: Path) -> list[str]:
    """What the official AsyncAPI parser finds wrong with a document."""
    command = [program, str(FOLDER / "validate.mjs"), str(_written(document, folder))]
    return _run(command).splitlines()


def openapi_findings(program: str, document: dict[str, Any], folder: Path) -> list[str]:
    """What Spectral finds in an OpenAPI document by its own rules: errors, warnings and hints alike."""
    spectral = FOLDER / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
    result = folder / "findings.json"
    file = _written(document, folder)
    options = ["--ruleset", str(FOLDER / "spectral.yaml"), "--format", "json", "--output", str(result)]
    _run([program, str(spectral), "lint", "--fail-severity", "hint", *options, str(file)])
    return [
        f"{'/'.join(str(part) for part in found['path'])}: {found['code']}: {found['message']}"
        for found in json.loads(result.read_text("utf-8"))
    ]


def regexes_refused(program: str, patterns: list[str]) -> list[str]:
    """Those that are no regexes in ECMA-262, each with the reason."""
    return _run([program, str(FOLDER / "patterns.mjs")], json.dumps(patterns)).splitlines()


def _written(document: dict[str, Any], folder: Path) -> Path:
    file = folder / "document.json"
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return file


def _run(command: list[str], text: str = "") -> str:
    """Raises RuntimeError when the program could not look."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr or done.stdout)
    return done.stdout
