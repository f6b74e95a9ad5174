"""The channels by which an installation reaches people, from its settings."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.headerregistry import Address

from sqlalchemy import Engine

from cchc.settings import NO_SENDER, Settings
from services.notifications.channels.apprise import Apprise
from services.notifications.channels.email import Email, Server
from services.notifications.channels.interface import Channel, Channels, Contact
from services.notifications.channels.webhooks import Webhooks
from services.notifications.links import Links


def channels_of(
    settings: Settings,
    engine: Engine,
    directory: Callable[[str], Mapping[str, Contact]],
    clock: Callable[[], datetime],
    link_secret: bytes,
) -> Channels:
    """Raises WrongSetting, also when mail has a server and no sender."""
    settings.must_be_right()
    hops: dict[str, Channel] = {"webhook": Webhooks(engine, clock, settings.webhook_allow)}
    if isinstance(settings.smtp, Server):
        if not isinstance(settings.mail_from, Address):
            raise NO_SENDER
        hops["email"] = Email(settings.smtp, settings.mail_from, directory)
    if isinstance(settings.apprise, str):
        hops["apprise"] = Apprise(settings.apprise, engine)
    return Channels(hops, directory, Links(settings.link_base, link_secret))
