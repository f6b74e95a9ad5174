"""The rule sets that this program holds, and which one the law applies to whom in which year.

A rule set is a folder: rules.toml (title, version, the shared facts it uses, its data), levels.py with `rate`, and
description.json. A province's folders may lie elsewhere: see `use`.
"""

import functools
import hashlib
import importlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from services.scoring.domain.records import PersonRecord, Records, RuleSetPick
from services.scoring.domain.rules.description import NOTHING, Description, DescriptionError, Figure, merged, read
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.interface import Answer
from shared.law import amend, law

_HERE = Path(__file__).parent
# A folder is imported by its name, which must be none of those of this package itself.
NAME = re.compile(r"[A-Za-z0-9_-]+")
_OWN_MODULES = frozenset({"facts", "interface", "description"})

Rate: TypeAlias = Callable[[Snapshot, PersonRecord, int], Answer]


class RuleSet(msgspec.Struct, frozen=True):
    """A released rule set: `sha256` pins its rules, facts and data, not its description. `quota_outstanding` is the
    excellent quota, in per cent, of an organisation whose own result is outstanding, where the decree knows one."""

    name: str
    version: str
    title: str
    sha256: str
    rate: Rate
    files: Mapping[str, bytes]
    description: Description
    quota_outstanding: int | None = None


def use(folders: Iterable[Path]) -> None:
    """Hold the rule sets in these folders too, and what they add to the law. Called once, when a process starts.

    Raises DescriptionError for a rule set that cannot be read, whose name is taken, or that gives the law a row with a
    rule set that is not there.
    """
    wanted, before = [str(folder) for folder in folders], __path__[1:]
    if wanted == before:
        return
    try:
        _search(wanted)
        added = _added()
    except DescriptionError:
        _search(before)
        raise
    amend(
        [row for description in added.values() for row in description.applies],
        [name for name, description in added.items() if description.period_figures],
    )


def _search(folders: Sequence[str]) -> None:
    __path__[1:] = folders
    installed.cache_clear()
    importlib.invalidate_caches()


def _added() -> dict[str, Description]:
    """By name how the rule sets outside of this package describe themselves."""
    found = [path.parent.name for folder in _folders() for path in folder.glob("*/rules.toml")]
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise DescriptionError(f"rule set {twice[0]}: two folders have this name")
    if unfit := sorted(name for name in found if not NAME.fullmatch(name) or name in _OWN_MODULES):
        raise DescriptionError(f"rule set {unfit[0]}: a folder cannot have this name")
    added = {name: described(name) for name in found if not (_HERE / name).is_dir()}
    for name, description in added.items():
        for row in description.applies:
            if row.rule_set not in {*names(), "none"}:
                raise DescriptionError(f"rule set {name}: applies names {row.rule_set!r}, and no folder has that name")
    return added


def _folders() -> list[Path]:
    """Where rule sets lie: this package, and what `use` added to its search path."""
    return [Path(folder) for folder in __path__]


def names() -> list[str]:
    """The rule sets that this program holds."""
    return sorted(path.parent.name for folder in _folders() for path in folder.glob("*/rules.toml"))


def by_law(year: int, category: str) -> str:
    """The name of the rule set for a rating year and staff category; `none` = not rated under any."""
    return law().rule_set(year, category)


def picked(records: Records, year: int, category: str) -> RuleSetPick | None:
    """The last recorded choice of another rule set than the law's, with its reason."""
    record = records.get("year", str(year))
    picks = [moment for moment in record.moments if isinstance(moment, RuleSetPick)] if record else []
    return next((pick for pick in reversed(picks) if pick.data.category == category), None)


def applied(records: Records, year: int, category: str) -> str:
    """The name of the rule set that a category is rated by in a year: the chosen one, else the law's."""
    pick = picked(records, year, category)
    return pick.data.rule_set if pick else by_law(year, category)


@functools.cache
def installed(name: str) -> RuleSet | None:
    """A rule set by name; None when this program does not hold it. Raises DescriptionError."""
    if name not in names():
        return None
    files = rule_set_files(name)
    about = tomllib.loads(files[f"{name}/rules.toml"].decode())
    try:
        description = read((_folder(name) / "description.json").read_bytes(), about)
    except (OSError, DescriptionError) as error:
        raise DescriptionError(f"rule set {name}: {error}") from error
    return RuleSet(
        name=name,
        version=about["version"],
        title=about["title"],
        sha256=rule_set_sha256(files),
        rate=importlib.import_module(f"{__name__}.{name}.levels").rate,
        files=files,
        description=description,
        quota_outstanding=about.get("quota", {}).get("outstanding_percent"),
    )


def described(name: str) -> Description:
    """How a rule set describes itself; one that is not installed has nothing to describe."""
    rule_set = installed(name)
    return rule_set.description if rule_set else NOTHING


def criteria_of_years() -> list[str]:
    """Every criterion of a year that some rule set asks for."""
    return merged(described(name).criteria.year for name in in_order(names()))


def grades() -> list[str]:
    """Every grade that some rule set gives for a criterion of a year."""
    return merged(list(described(name).criteria.grades) for name in in_order(names()))


def in_order(of: Iterable[str]) -> list[str]:
    """Rule sets by name: the law's lead, the oldest first."""
    in_law = law().rule_sets()
    return sorted(set(of), key=lambda name: (in_law.index(name) if name in in_law else len(in_law), name))


def columns(of: Iterable[str], part: Callable[[Description], Sequence[str]]) -> list[Figure]:
    """The figures of the year that one part of several rule sets' descriptions names, as one list."""
    descriptions = [described(name) for name in in_order(of)]
    known = [figure for description in descriptions for figure in description.figures]
    by_name = {figure.name: figure for figure in reversed(known)}
    return [by_name[name] for name in merged(part(description) for description in descriptions)]


def rule_set_files(name: str) -> dict[str, bytes]:
    """The files that a rule set's hash covers, by path: its own .py and .toml, and the shared facts that it names."""
    folder = _folder(name)
    own = {path.relative_to(folder.parent): path for path in folder.rglob("*") if path.suffix in {".py", ".toml"}}
    facts = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))["facts"]
    paths = {path.as_posix(): at for path, at in own.items() if at.is_file()} | {path: _HERE / path for path in facts}
    return {path: paths[path].read_bytes() for path in sorted(paths)}


def _folder(name: str) -> Path:
    return next(folder / name for folder in _folders() if (folder / name / "rules.toml").is_file())


def rule_set_sha256(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted (path, bytes): each path and its length in bytes on a line, then the bytes."""
    digest = hashlib.sha256()
    for path, body in sorted(files.items()):
        digest.update(f"{path} {len(body)}\n".encode())
        digest.update(body)
    return digest.hexdigest()
