"""What the notifications service records: its policy, and of each reminder who was told what, when and why not."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.events.catalogue import event
from shared.events.values import Data, Day, Sha256, Text

SUBJECT = "reminder/{reminder}"

Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Giờ Việt Nam, HH:MM.")]
Channel = Literal["inbox", "email", "apprise", "webhook"]
Urgency = Literal["immediate", "digest"]
# What a rule counts its working days from.
Base = Literal["due", "check", "week", "month", "sheet", "appeal", "urge"]
Audience = Literal[
    "lead", "collaborators", "office", "in_charge", "chair", "leaders", "supervisors", "person", "tracker", "rater"
]  # fmt: skip
Level = Literal["lead", "office", "vice_chair", "chair"]


class PolicyRule(Data):
    """One rung: `offset_days` working days after (before, when negative) its base, at `at`. `document`: the Office gets
    an urging slip ready to sign with it. `escalates_to`: from here on that level knows."""

    rule: str
    base: Base
    offset_days: int
    audience: list[Audience]
    urgency: Urgency
    channels: list[Channel]
    at: Clock = "07:30"
    document: bool = False
    escalates_to: Level | None = None


class Span(Data):
    """From one time of day until before another; over midnight when `to` is not later."""

    from_: Clock = msgspec.field(name="from")
    to: Clock


class Quiet(Data):
    """When nothing goes out; what falls there waits for the next opening."""

    spans: list[Span]
    days_off: bool = True


class Digest(Data):
    """When a person's messages of a morning go out as one, and on which weekday (Monday 0) the leaders' week does."""

    at: Clock = "07:30"
    weekday: Annotated[int, Meta(ge=0, le=6)] = 0


@event("reminder.policy_published", source="notifications", subject="policy")
class PolicyPublished(Data):
    """A revision of the policy; it holds for what falls after it. The first is the start of all reminding."""

    policy: str
    rules: list[PolicyRule]
    quiet: Quiet
    digest: Digest
    by: str | None = None
    reason: Text | None = None


@event("reminder.queued", source="notifications", subject=SUBJECT)
class ReminderQueued(Data):
    """An occurrence: unique by about, rule, run_on, recipient and channel. `about` is `task/<id>`,
    `check/<task>/<period>`, `sheet/<period>/<staff>`, `appeal/<id>`, `week/2024-W24` or `month/2024-06`, or the events
    that somebody must hear of at once: `act/<source>/<position>` or `act/<source>/<first>-<last>`; `recipient` a staff
    id or `endpoint/<id>`. `policy` is the revision that asked for it; none: a person did (`by`), or no policy may
    switch it off."""

    reminder: str
    about: str
    rule: str
    run_on: Day
    recipient: str
    channel: Channel
    urgency: Urgency
    due_version: int | None = None
    policy: str | None = None
    by: str | None = None
    note: Text | None = None


@event("reminder.sent", source="notifications", subject=SUBJECT)
class ReminderSent(Data):
    """A channel took the message over. Reminders of one digest share the message id."""

    reminder: str
    message: str
    at: str
    attempt: int


@event("reminder.delivered", source="notifications", subject=SUBJECT)
class ReminderDelivered(Data):
    """It lies in the person's inbox."""

    reminder: str
    at: str


@event("reminder.sent_by_hand", source="notifications", subject=SUBJECT)
class ReminderSentByHand(Data):
    """After all attempts failed, the Office told the person itself."""

    reminder: str
    at: str
    by: str


@event("reminder.failed", source="notifications", subject=SUBJECT)
class ReminderFailed(Data):
    """An attempt failed; after the `final` one it waits for the Office (gửi tay)."""

    reminder: str
    at: str
    attempt: int
    final: bool
    reason: str


@event("reminder.suppressed", source="notifications", subject=SUBJECT)
class ReminderSuppressed(Data):
    """It is not sent; `reason` is a code: `completed`, `reported`, `superseded`, `no_address` …"""

    reminder: str
    at: str
    reason: str


@event("reminder.acknowledged", source="notifications", subject=SUBJECT)
class ReminderAcknowledged(Data):
    reminder: str
    by: str


@event("reminder.escalated", source="notifications", subject=SUBJECT)
class ReminderEscalated(Data):
    """A task's lateness reached the next level; `reminder` is the one that told it."""

    reminder: str
    task: str
    from_level: Level
    to_level: Level
    due_version: int
    overdue_working_days: int


@event("reminder.urging_slip_issued", source="notifications", subject="slip/{slip}")
class UrgingSlipIssued(Data):
    """A phiếu đôn đốc was issued; a slip for several tasks has one event for each."""

    task: str
    slip: str
    sha256: Sha256
    by: str
    number: str | None = None
    signed_by: str | None = None


@event("recipient.preferences_changed", source="notifications", subject="recipient/{staff}")
class PreferencesChanged(Data):
    """Which channels a person wants (the inbox stays), and quiet hours of their own, beside the policy's. With `digest`
    what is immediate comes with the digest too, but for escalations."""

    staff: str
    channels: dict[str, bool]
    digest: bool
    by: str
    quiet: list[Span] | None = None
