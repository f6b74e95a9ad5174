"""The port of all channels: a message that is taken over or refused; and where addresses come from."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from services.notifications.links import Links


class Contact(msgspec.Struct, frozen=True):
    """A staff member's name and address, read from tasks at the moment of sending and stored nowhere."""

    staff: str
    name: str | None = None
    email: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a message; `reminder` is the last of those about it. `heading` groups the things of a digest;
    `details` are further lines under `text`. `title` names the thing alone, for a calendar. `staff` is the id of the
    person it concerns; `due` a day in ISO 8601, of `due_version`. `link` leads to the one step that is asked for."""

    reminder: str
    about: str
    rule: str
    heading: str
    title: str
    text: str
    details: list[str] = []
    staff: str | None = None
    due: str | None = None
    due_version: int = 0
    link: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to one recipient by one channel at once. `message` is stable over all attempts; `thread` is the task
    that all of it is about, None for a digest. `at` is RFC 3339 in UTC."""

    message: str
    commune: str
    recipient: str
    at: str
    subject: str
    greeting: str
    items: list[Item]
    closing: str
    urgent: bool
    thread: str | None = None


class Undeliverable(Exception):
    """The channel did not take the message. `reason` is a code and what the other side said, without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Temporary(Undeliverable):
    """Another attempt may succeed."""


class Permanent(Undeliverable):
    """No attempt will."""


class NoAddress(Undeliverable):
    """There is no address to send it to: it is suppressed, not failed."""


class Channel(Protocol):
    def send(self, message: Message) -> None:
        """Hand the message over. Raises Temporary, Permanent or NoAddress."""


@runtime_checkable
class ChecksAddresses(Protocol):
    def check(self, url: str) -> None:
        """Could a message be sent there? Raises Permanent or Temporary."""


@runtime_checkable
class Remembers(Protocol):
    def read_now(self, commune: str) -> Mapping[str, Contact]:
        """The contacts, not as they are remembered. Raises Temporary."""


class Channels(msgspec.Struct, frozen=True):
    """`last_hops` by channel name; the inbox needs none. `directory` answers commune → contacts by staff id in the
    order of given names, and may raise Temporary. `links` makes the addresses in messages and checks them."""

    last_hops: Mapping[str, Channel]
    directory: Callable[[str], Mapping[str, Contact]]
    links: Links = Links()

    @property
    def names(self) -> frozenset[str]:
        """The channels that this installation has."""
        return frozenset({"inbox", *self.last_hops})

    def contacts_now(self, commune: str) -> Mapping[str, Contact]:
        """For what is stored: a person who was erased a moment ago must not come back by it. Raises Temporary."""
        directory: object = self.directory
        return directory.read_now(commune) if isinstance(directory, Remembers) else self.directory(commune)

    def check_webhook(self, url: str) -> None:
        """Could a webhook go to this address? Raises Permanent or Temporary."""
        webhooks: object = self.last_hops.get("webhook")
        if not isinstance(webhooks, ChecksAddresses):
            raise Permanent("no_channel")
        webhooks.check(url)
