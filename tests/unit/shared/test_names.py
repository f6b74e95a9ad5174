"""`shared` names no service's event: a service hands in what the mechanisms need to know of its own."""

import ast
from pathlib import Path

import pytest

import shared
from shared.events import CATALOGUE

FOLDER = Path(next(iter(shared.__path__)))
# Every log begins with a commune, and every service signs its log; calendars are read and written here.
OF_ALL = {"CommuneOpened", "CheckpointSigned"}
CALENDARS = {"CalendarPublished"}
EVENTS = {event.data.__name__ for event in CATALOGUE}


def imported(path: Path) -> set[str]:
    """The names that a module imports from shared.events."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = {(node.module or "", name.name) for node in froms for name in node.names}
    assert ("shared", "events") not in names, "name what you take of the events"
    return {name for module, name in names if module.startswith("shared.events")}


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(FOLDER.rglob("*.py")) if "events" not in path.relative_to(FOLDER).parts],
    ids=lambda path: path.relative_to(FOLDER).as_posix(),
)
def test_a_shared_module_names_no_event_of_a_service(path: Path) -> None:
    allowed = OF_ALL | (CALENDARS if "calendar" in path.relative_to(FOLDER).parts else set())
    assert imported(path) & EVENTS <= allowed


def test_there_are_events_to_look_for() -> None:
    assert OF_ALL | CALENDARS <= EVENTS
