"""The registry of rule sets, and which one the law applies to whom in which year."""

import functools
import hashlib
import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

from services.scoring.domain.records import Records, RuleSetPick
from services.scoring.domain.rules.interface import RuleSet

_HERE = Path(__file__).parent

# rating.md, the table at its head: by category, the rule set of years to 2025 and of those from 2026 on.
_CHOICE: dict[str, tuple[str, str]] = {
    "cong_chuc": ("nd90", "nd335"),
    "can_bo": ("nd90", "nd90"),
    "khong_chuyen_trach": ("nd90", "none"),
    "truong_thon": ("nd90", "none"),
    "hop_dong": ("nd90", "none"),
    "dau_moi": ("none", "none"),
}
_FIRST_YEAR_OF_ND335 = 2026


def names() -> list[str]:
    """The rule sets that this program holds: a folder each, with rules.toml and the `rate` of its levels.py."""
    return sorted(path.parent.name for path in _HERE.glob("*/rules.toml"))


def by_law(year: int, category: str) -> str:
    """The name of the rule set for a rating year and staff category; `none` = not rated under any."""
    before, since = _CHOICE[category]
    return since if year >= _FIRST_YEAR_OF_ND335 else before


def picked(records: Records, year: int, category: str) -> RuleSetPick | None:
    """The last recorded choice of another rule set than the law's, with its reason."""
    record = records.get("year", str(year))
    picks = [moment for moment in record.moments if isinstance(moment, RuleSetPick)] if record else []
    return next((pick for pick in reversed(picks) if pick.data.category == category), None)


@functools.cache
def installed(name: str) -> RuleSet | None:
    """A rule set by name; None when this program does not hold it."""
    if name not in names():
        return None
    rate = importlib.import_module(f"{__name__}.{name}.levels").rate
    files = rule_set_files(name)
    about = tomllib.loads(files[f"{name}/rules.toml"].decode())
    outstanding = about.get("quota", {}).get("outstanding_percent")
    return RuleSet(name, about["version"], about["title"], rule_set_sha256(files), rate, files, outstanding)


def rule_set_files(name: str) -> dict[str, bytes]:
    """The files of a rule set by their path below this folder: its own, and the shared facts that it names."""
    own = [path for path in (_HERE / name).rglob("*") if path.is_file() and path.suffix in {".py", ".toml"}]
    shared = tomllib.loads((_HERE / name / "rules.toml").read_text(encoding="utf-8"))["facts"]
    paths = sorted([*own, *(_HERE / path for path in shared)])
    return {path.relative_to(_HERE).as_posix(): path.read_bytes() for path in paths}


def rule_set_sha256(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted (path, bytes): each path and its length in bytes on a line, then the bytes."""
    digest = hashlib.sha256()
    for path, body in sorted(files.items()):
        digest.update(f"{path} {len(body)}\n".encode())
        digest.update(body)
    return digest.hexdigest()
