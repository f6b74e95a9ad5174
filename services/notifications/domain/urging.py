"""Urging: the Office or a leader reminds the leads of some tasks now, with a note."""

from collections.abc import Callable
from datetime import date
from typing import Literal

import msgspec

from services.notifications.domain.audience import Concerned, Roll
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan import View, channels_to
from services.notifications.domain.rules import URGE
from services.notifications.domain.task_state import Status, state_at
from shared.events import ReminderQueued
from shared.events.reminders import Channel

CHANNELS: tuple[Channel, ...] = ("inbox", "email", "apprise")


class UrgeTasks(msgspec.Struct, frozen=True, kw_only=True):
    tasks: list[str]
    note: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of urging a task: `queued`, `urged_today`, `unknown`, or the status of a task that is not open."""

    task: str
    outcome: Literal["queued", "urged_today", "unknown"] | Status


def urge(
    command: UrgeTasks, view: View, by: str, today: date, at: str, is_queued: Callable[[str], bool]
) -> tuple[list[ReminderQueued], list[Outcome]]:
    """Remind the leads, once for each task, person, channel and day. `is_queued` knows reminders by their id."""
    roll = Roll(view.records, today, at)
    events: list[ReminderQueued] = []
    outcomes: list[Outcome] = []
    for task in dict.fromkeys(command.tasks):
        record = view.records.tasks.get(task)
        now = state_at(record, at) if record else None
        if record is None or now is None:
            outcomes.append(Outcome(task, "unknown"))
            continue
        if now.status != "open":
            outcomes.append(Outcome(task, now.status))
            continue
        urgings = [
            Wanted(
                about=f"task/{task}",
                rule=URGE,
                run_on=today,
                recipient=recipient,
                channel=channel,
                urgency="immediate",
                wanted_at=at,
                due_version=now.due_version,
                by=by,
                note=command.note,
            )
            for recipient in roll.recipients(["lead"], Concerned(lead=record.lead))
            for channel in channels_to(view, recipient, CHANNELS)
        ]
        fresh = [urging for urging in urgings if not is_queued(urging.id(view.records.commune))]
        events += [urging.queued(view.records.commune) for urging in fresh]
        outcomes.append(Outcome(task, "queued" if fresh else "urged_today"))
    return events, outcomes
