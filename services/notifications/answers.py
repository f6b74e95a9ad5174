"""What the API answers with, beside the states and records that it hands out as they are."""

import msgspec

from services.notifications.letters import Letter
from services.notifications.queries import EventOfReminder, LineInWords, ReminderInWords


class Reminders(msgspec.Struct, frozen=True):
    """Reminders with their words, in the order of queuing."""

    reminders: list[ReminderInWords]


class ReminderWithHistory(msgspec.Struct, frozen=True):
    """A reminder with its words, and its events from the log."""

    told: ReminderInWords
    history: list[EventOfReminder]


class Inbox(msgspec.Struct, frozen=True):
    """What lies in a person's inbox, in the order asked for."""

    inbox: list[Letter]


class Why(msgspec.Struct, frozen=True):
    """What a person was reminded of on a day, and why not of more."""

    lines: list[LineInWords]


class Address(msgspec.Struct, frozen=True):
    """One's own address of a channel; null when there is none."""

    address: str | None


class Erased(msgspec.Struct, frozen=True):
    """How many addresses and stored documents of slips were erased."""

    addresses: int
    slips: int


class EndpointShown(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint without its secret; disabled ones say since when and why."""

    endpoint: str
    url: str
    rules: list[str]
    created_at: str
    disabled_at: str | None
    disabled_reason: str | None


class Endpoints(msgspec.Struct, frozen=True):
    """All webhook endpoints."""

    endpoints: list[EndpointShown]


class EndpointAdded(msgspec.Struct, frozen=True):
    """A new webhook endpoint, with the secret that its messages are signed with."""

    endpoint: str
    url: str
    rules: list[str]
    secret: str
