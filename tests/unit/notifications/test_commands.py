"""The table of commands: each row names an action of the role table, and each route agrees with its row."""

import pytest

from services.notifications.access import ACTIONS
from services.notifications.api import policy, preferences, slips, worklist
from services.notifications.commands import HANDLERS
from shared.web.changes import Change

CHANGES: list[Change] = [*policy.CHANGES, *preferences.CHANGES, *slips.CHANGES, *worklist.CHANGES]


def test_each_command_names_an_action() -> None:
    assert {handler.action for handler in HANDLERS.values()} <= ACTIONS.keys()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.command.__name__)
def test_a_route_is_open_to_the_roles_of_its_command(change: Change) -> None:
    handler = HANDLERS[change.command]
    assert change.action == handler.action
    assert (change.versioned == "no") == (handler.stream is None)
