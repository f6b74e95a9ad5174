"""What must hold over all refusals and actions of the scoring service."""

import ast
from collections.abc import Iterator
from pathlib import Path

import services.scoring
from services.scoring.access import ACTIONS
from services.scoring.texts import FORBIDDEN, STATUSES, TEXTS

# Functions that refuse, with the place of the code among their arguments; and names of tables of codes.
REFUSING = {"Refused": 0, "_text": 1}
TABLES = {"AGAINST", "waits", "stands"}


def codes() -> set[str]:
    """Every refusal code in the package, read from its source."""
    paths = Path(next(iter(services.scoring.__path__))).rglob("*.py")
    return {code for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))) for code in _codes(node)}


def _codes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) in REFUSING:
        place = REFUSING[node.func.id]  # type: ignore[attr-defined]
        yield from _outcomes(node.args[place]) if len(node.args) > place else ()
    elif isinstance(node, ast.keyword | ast.arg) and node.arg == "otherwise":
        yield from _outcomes(node.value) if isinstance(node, ast.keyword) else ()
    elif isinstance(node, ast.FunctionDef):
        names = [argument.arg for argument in node.args.args[-len(node.args.defaults) or len(node.args.args) :]]
        for name, default in zip(names, node.args.defaults, strict=True):
            yield from _outcomes(default) if name == "otherwise" else ()
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in TABLES:
        if isinstance(node.value, ast.Dict):
            yield from (code for key in node.value.keys if key for code in _outcomes(key))
        elif isinstance(node.value, ast.Tuple):
            yield from (code for each in node.value.elts for code in _outcomes(each))


def _outcomes(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be: itself, or either end of a choice."""
    if isinstance(node, ast.IfExp):
        yield from (*_outcomes(node.body), *_outcomes(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_every_refusal_has_a_text_and_every_text_a_refusal() -> None:
    assert codes() == set(TEXTS)


def test_texts_say_what_is_wrong_and_what_to_do() -> None:
    for code, (title, detail) in TEXTS.items():
        assert title.strip() and not title.endswith("."), code
        assert detail.strip().endswith("."), code


def test_statuses_name_codes() -> None:
    assert set(STATUSES) | set(FORBIDDEN) <= set(TEXTS)


def test_supervisors_inspectors_and_replicators_change_nothing() -> None:
    reading = {"rating.table", "rating.sheet", "rating.recheck", "rating.period", "scoring.status"}
    reading |= {name for name in ACTIONS if name.startswith(("report.", "log."))}
    for name in ACTIONS.keys() - reading:
        assert not ACTIONS[name] & {"supervisor", "inspector", "replicator"}, name
