"""What must hold over all commands, events and refusals of the tasks service."""

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import services.tasks
from services.tasks import access, api
from services.tasks.domain import refusals
from services.tasks.domain.assigning import DraftTask
from services.tasks.domain.context import Command
from services.tasks.domain.decisions import HANDLERS, ConfirmImport, SettleDraft, Together
from services.tasks.domain.organisation import DefineUnit
from services.tasks.domain.streams import EVOLVE, STATES
from services.tasks.domain.task import ASSIGNED, RUNNING, STATUSES, Status, Task
from shared.events import CATALOGUE
from shared.refusal import Refusal, Refused, by_code
from shared.web.changes import Change

SOURCES = [path for path in Path(next(iter(services.tasks.__path__))).rglob("*.py") if path.name != "refusals.py"]


def parsed() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text("utf-8")))


def test_every_declared_refusal_is_raised_somewhere() -> None:
    used = {node.attr for node in parsed() if isinstance(node, ast.Attribute) and is_refusals(node.value)}
    declared = {name for name, value in vars(refusals).items() if isinstance(value, Refusal)}
    assert declared == used & declared


def test_nothing_is_refused_that_is_not_declared() -> None:
    made = [node for node in parsed() if isinstance(node, ast.Call) and called(node) in {"Refused", "Refusal"}]
    assert [ast.unparse(node) for node in made] == []
    assert set(refusals.ALL) == {value for value in vars(refusals).values() if isinstance(value, Refusal)}
    assert by_code(refusals.ALL).keys() == {refusal.code for refusal in refusals.ALL}


def is_refusals(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "refusals"


def called(node: ast.Call) -> str | None:
    return getattr(node.func, "id", None) or getattr(node.func, "attr", None)


def test_every_status_has_one_rule() -> None:
    assert tuple(STATUSES) == get_args(Status)
    assert set(RUNNING) <= set(ASSIGNED)
    # An open task refuses what the command says.
    assert [status for status, rule in STATUSES.items() if rule.refusal is None] == ["open"]


def test_every_event_of_the_service_is_folded() -> None:
    own = [declared for declared in CATALOGUE if "tasks" in declared.sources]
    assert {declared.data for declared in own} == set(EVOLVE)
    # Checkpoints say something of the log, and have no state.
    assert {declared.subject.partition("/")[0] for declared in own} == {*STATES, "checkpoint"}


def test_every_command_is_decided_and_its_action_has_roles() -> None:
    assert set(Command.__subclasses__()) == set(HANDLERS)
    assert {handler.action for handler in HANDLERS.values()} <= set(access.ACTIONS)


def test_every_command_has_a_route() -> None:
    modules = [import_module(f"{api.__name__}.{module.name}") for module in pkgutil.iter_modules(api.__path__)]
    tables = [table for module in modules for table in vars(module).values() if isinstance(table, tuple)]
    rows = {row.command for table in tables for row in table if isinstance(row, Change)}
    # Their routes do more than pass a body on; rows of a file come in as drafts, and together.
    by_hand = {DefineUnit, SettleDraft, ConfirmImport, DraftTask, Together}
    assert rows | by_hand == set(HANDLERS)
    assert not rows & by_hand


def test_supervisors_inspectors_and_replicators_change_nothing() -> None:
    for handler in HANDLERS.values():
        assert not access.ACTIONS[handler.action] & {"supervisor", "inspector", "replicator"}, handler.action


def test_supervisors_read_no_numbers_of_tasks_here() -> None:
    readable = {action for action, roles in access.ACTIONS.items() if "supervisor" in roles}
    assert readable == {"commune.read", "calendar.read"}


def test_a_task_is_seen_by_overseers_and_by_who_takes_part() -> None:
    task = Task(task="t1", status="open", lead="p36", collaborators=["p18", "dia-chinh"])

    def may_see(staff: str | None, unit: str | None, *roles: str, verifies: frozenset[str] = frozenset()) -> bool:
        try:
            access.Viewer(staff, unit, frozenset(roles), verifies).must_see(task)
        except Refused:
            return False
        return True

    assert may_see("p14", "van-phong", "office")
    assert may_see(None, None, "inspector")
    assert may_see("p36", "thon-1", "village_head")
    assert may_see("p18", "van-phong", "staff")
    assert may_see("p17", "dia-chinh", "staff")
    assert may_see("p16", "van-phong", "staff", verifies=frozenset({task.lead}))
    assert not may_see("p15", "van-phong", "staff")
    assert not may_see(None, None, "supervisor")
