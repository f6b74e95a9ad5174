"""What must hold over all commands, refusals and actions of the scoring service."""

import ast
from collections.abc import Iterator
from pathlib import Path

import services.scoring
from services.scoring.access import ACTIONS
from services.scoring.domain import refusals
from services.scoring.domain.context import Command
from services.scoring.domain.decisions import HANDLERS
from shared.refusal import Refusal, by_code

SOURCES = [path for path in Path(next(iter(services.scoring.__path__))).rglob("*.py") if path.name != "refusals.py"]
DECLARED = {name: value for name, value in vars(refusals).items() if isinstance(value, Refusal)}


def parsed() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text("utf-8")))


def test_every_declared_refusal_is_raised_somewhere() -> None:
    used = {node.attr for node in parsed() if isinstance(node, ast.Attribute) and name_of(node.value) == "refusals"}
    assert DECLARED.keys() == used & DECLARED.keys()


def test_nothing_is_refused_that_is_not_declared() -> None:
    made = [node for node in parsed() if isinstance(node, ast.Call) and name_of(node.func) in {"Refused", "Refusal"}]
    assert [ast.unparse(node) for node in made] == []
    assert set(refusals.ALL) == set(DECLARED.values())
    assert by_code(refusals.ALL).keys() == {refusal.code for refusal in refusals.ALL}


def name_of(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def test_refusals_say_what_is_wrong_and_what_to_do() -> None:
    for refusal in refusals.ALL:
        assert refusal.title.strip() and not refusal.title.endswith("."), refusal.code
        assert refusal.detail.strip().endswith("."), refusal.code


def test_every_command_has_a_handler_and_its_action_a_row() -> None:
    assert set(HANDLERS) == set(commands(Command))
    assert {handler.action for handler in HANDLERS.values()} <= ACTIONS.keys()


def commands(of: type[Command]) -> Iterator[type[Command]]:
    for command in of.__subclasses__():
        yield command
        yield from commands(command)


def test_supervisors_inspectors_and_replicators_change_nothing() -> None:
    reading = {"rating.table", "rating.sheet", "rating.recheck", "rating.period", "scoring.status", "journal.read"}
    reading |= {name for name in ACTIONS if name.startswith(("report.", "log."))}
    for name in ACTIONS.keys() - reading:
        assert not ACTIONS[name] & {"supervisor", "inspector", "replicator"}, name
