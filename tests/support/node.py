"""The official AsyncAPI parser, which is a Node.js package, as a function."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.servers import Unavailable, locked, run_quietly

FOLDER = Path(__file__).with_name("asyncapi")
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
    file = folder / "asyncapi.json"
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    command = [program, str(FOLDER / "validate.mjs"), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if said.returncode not in (0, 1):
        raise RuntimeError(said.stderr)
    return said.stdout.splitlines()
