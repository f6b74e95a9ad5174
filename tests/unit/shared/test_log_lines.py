"""Log lines of what is done for a commune name it, in the field that they are looked for by."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def unnamed(source: str) -> Iterator[int]:
    """The lines of calls of a logger without `extra`, in functions that work for one commune."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        arguments = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            named = {node.id for part in call.args for node in ast.walk(part) if isinstance(node, ast.Name)}
            of_one = "commune" in arguments | named
            logs = isinstance(call.func.value, ast.Name) and call.func.value.id in ("logger", "log")
            if of_one and logs and call.func.attr in LEVELS and not any(each.arg == "extra" for each in call.keywords):
                yield call.lineno


def test_a_line_about_a_commune_names_it():
    found = [
        f"{file.relative_to(ROOT).as_posix()}:{line}"
        for folder in ("services", "shared", "cchc")
        for file in (ROOT / folder).rglob("*.py")
        for line in unnamed(file.read_text("utf-8"))
    ]
    assert found == []


def test_a_line_that_does_not_is_seen():
    assert list(unnamed("def f(commune):\n    logger.info('queued')")) == [2]
    assert list(unnamed("def f(commune):\n    logger.info('queued', extra={'commune': commune})")) == []
