"""The channel of Apprise: Zalo bots, and every other service that it knows, by a URL with a place for the address.

For a Zalo bot the URL is `zalo://<bot token>/{address}`; a person's address is the chat id that the bot sees when the
person has written to it once.
"""

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from sqlalchemy import Engine, select

from services.notifications.channels.interface import Message, NoAddress, Permanent, Temporary
from services.notifications.tables import addresses
from shared.eventlog import reading

if TYPE_CHECKING:
    from apprise import NotifyBase

PLACE = "{address}"
# Their warnings name tokens and chat ids.
TALKATIVE = ("apprise", "urllib3.connectionpool")


class Apprise(msgspec.Struct, frozen=True):
    """`template` is an Apprise URL with `{address}`; it holds a token and is shown nowhere. Reads addresses from the
    service's database."""

    template: str
    engine: Engine

    def __post_init__(self) -> None:
        if PLACE not in self.template:
            raise ValueError("an Apprise URL needs {address} where the address of a person goes")

    def send(self, message: Message) -> None:
        of = (addresses.c.commune == message.commune, addresses.c.staff == message.recipient)
        query = select(addresses.c.address).where(*of, addresses.c.channel == "apprise")
        with reading(self.engine, message.commune) as connection:
            address = connection.execute(query).scalar()
        if address is None:
            raise NoAddress("no_address")
        hop = _hop(self.template.replace(PLACE, quote(address, safe="")))
        if not hop.notify(title=message.subject, body=text(message), body_format="text"):
            # Apprise says only yes or no.
            raise Temporary("apprise")


def text(message: Message) -> str:
    """What follows the subject; without a greeting, as chats show little at once."""
    items = [
        "\n".join([item.text, *item.details, *([item.link] if item.link else [])]).strip() for item in message.items
    ]
    return "\n\n".join([*items, message.closing])


def _hop(url: str) -> "NotifyBase":
    """Raises Permanent when the address does not fit the service, or the service is unknown."""
    import apprise

    for name in TALKATIVE:
        logging.getLogger(name).disabled = True
    hop = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if hop is None or getattr(hop, "invalid_targets", None):
        raise Permanent("bad_address")
    # What is too long for one message of a service goes as several, not cut off.
    hop.overflow_mode = apprise.OverflowMode.SPLIT
    return hop
