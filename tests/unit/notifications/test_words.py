"""What happened to a task has its words wherever it is told."""

from typing import get_args

from services.notifications.domain.records import Ending
from services.notifications.domain.texts import REASONS
from services.notifications.messages import ENDED


def test_every_ending_of_a_task_has_words() -> None:
    assert set(get_args(Ending)) == ENDED.keys()
    assert set(get_args(Ending)) <= REASONS.keys()
