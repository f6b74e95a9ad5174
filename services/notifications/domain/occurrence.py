"""An occurrence: one reminder of one rule about one thing, for one recipient by one channel, on one day."""

from datetime import date
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from shared.events import ReminderQueued
from shared.events.reminders import Channel, Urgency

State = Literal["queued", "sent", "delivered", "sent_by_hand", "failed", "suppressed"]
OPEN: frozenset[State] = frozenset({"queued"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder that a moment wants. `wanted_at` (RFC 3339 in UTC) is when its rule meant it to be sent; `suppressed`
    a reason for recording it without sending it (it was missed, and no longer holds)."""

    about: str
    rule: str
    run_on: date
    recipient: str
    channel: Channel
    urgency: Urgency
    wanted_at: str
    due_version: int | None = None
    policy: str | None = None
    by: str | None = None
    note: str | None = None
    suppressed: str | None = None

    def id(self, commune: str) -> str:
        """The same id in every worker (UUIDv5), so that two that plan the same occurrence queue it once."""
        parts = (commune, self.about, self.rule, self.run_on.isoformat(), self.recipient, self.channel)
        return str(uuid5(NAMESPACE_URL, "cchc-reminder/" + "/".join(parts)))

    def queued(self, commune: str) -> ReminderQueued:
        """The event that queues it."""
        return ReminderQueued(
            reminder=self.id(commune),
            about=self.about,
            rule=self.rule,
            run_on=self.run_on,
            recipient=self.recipient,
            channel=self.channel,
            urgency=self.urgency,
            due_version=self.due_version,
            policy=self.policy,
            by=self.by,
            note=self.note,
        )


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `occurrences`: what became of a reminder so far. Times are RFC 3339 in UTC."""

    reminder: str
    about: str
    rule: str
    run_on: date
    recipient: str
    channel: Channel
    urgency: Urgency
    queued_at: str
    state: State
    state_at: str
    attempt: int
    due_version: int | None = None
    policy: str | None = None
    by: str | None = None
    note: str | None = None
    reason: str | None = None
    sent_as: str | None = None
    acknowledged_at: str | None = None


def task_of(about: str) -> str | None:
    """The task that a reminder is about (`task/<id>`, `check/<id>/<period>`), None for anything else."""
    kind, _, rest = about.partition("/")
    return rest.partition("/")[0] if kind in ("task", "check") else None
