"""What must hold over all commands, events and refusals of the tasks service."""

import ast
from pathlib import Path

import services.tasks
from services.tasks import access
from services.tasks.domain.context import Command
from services.tasks.domain.decisions import HANDLERS
from services.tasks.domain.streams import EVOLVE, STATES
from services.tasks.domain.task import Task
from services.tasks.texts import OWN, STATUSES, TEXTS
from shared import calendar
from shared.events import CATALOGUE

REFUSING = {"Refused", "must_say", "must_be", "must_be_running"}


def codes() -> set[str]:
    """Every refusal code in the package, read from its source: arguments of what refuses, and tables of codes."""
    found: set[str] = set()
    for package in (services.tasks, calendar):
        for path in Path(next(iter(package.__path__))).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                found |= _codes(node)
    return found


def _codes(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) in REFUSING:
        constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
        return {value for value in constants if isinstance(value, str)}
    if isinstance(node, ast.FunctionDef) and node.name in REFUSING:
        return {str(one.value) for one in node.args.defaults if isinstance(one, ast.Constant)}
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "CLOSED_CODES":
        assert isinstance(node.value, ast.Dict)
        return {str(one.value) for one in node.value.values if isinstance(one, ast.Constant)}
    return set()


def test_every_refusal_has_a_text_and_every_text_a_refusal() -> None:
    assert codes() <= set(TEXTS)
    assert set(OWN) <= codes()


def test_texts_are_complete_and_statuses_name_codes() -> None:
    assert all(title.strip() and detail.strip() for title, detail in TEXTS.values())
    assert set(STATUSES) <= set(TEXTS)


def test_every_event_of_the_service_is_folded() -> None:
    own = [declared for declared in CATALOGUE if "tasks" in declared.sources]
    assert {declared.data for declared in own} == set(EVOLVE)
    # Checkpoints say something of the log, and have no state.
    assert {declared.subject.partition("/")[0] for declared in own} == {*STATES, "checkpoint"}


def test_every_command_is_decided_and_its_action_has_roles() -> None:
    assert set(Command.__subclasses__()) == set(HANDLERS)
    assert {handler.action for handler in HANDLERS.values()} <= set(access.ACTIONS)


def test_supervisors_inspectors_and_replicators_change_nothing() -> None:
    for handler in HANDLERS.values():
        assert not access.ACTIONS[handler.action] & {"supervisor", "inspector", "replicator"}, handler.action


def test_supervisors_read_aggregates_only() -> None:
    readable = {action for action, roles in access.ACTIONS.items() if "supervisor" in roles}
    assert readable == {"commune.read", "calendar.read", "report.read"}


def test_a_task_is_seen_by_overseers_and_by_who_takes_part() -> None:
    task = Task(task="t1", status="open", lead="p36", collaborators=["p18", "dia-chinh"])
    assert access.may_see(task, "p14", "van-phong", {"office"})
    assert access.may_see(task, None, None, {"inspector"})
    assert access.may_see(task, "p36", "thon-1", {"village_head"})
    assert access.may_see(task, "p18", "van-phong", {"staff"})
    assert access.may_see(task, "p17", "dia-chinh", {"staff"})
    assert not access.may_see(task, "p15", "van-phong", {"staff"})
    assert not access.may_see(task, None, None, {"supervisor"})
