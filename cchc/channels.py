"""By which channels an installation reaches people, from its settings."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parseaddr

from sqlalchemy import Engine

from cchc.output import fail
from cchc.settings import Settings
from services.notifications.channels.apprise import Apprise
from services.notifications.channels.email import Email, Server, address
from services.notifications.channels.interface import Channel, Channels, Contact, Permanent
from services.notifications.channels.webhooks import Webhooks
from services.notifications.links import Links


def channels_of(
    settings: Settings,
    engine: Engine,
    directory: Callable[[str], Mapping[str, Contact]],
    clock: Callable[[], datetime],
    link_secret: bytes,
) -> Channels:
    """Settings that cannot be read end the program with what to write instead; a password in them is not shown."""
    hops: dict[str, Channel] = {"webhook": Webhooks(engine, clock, settings.webhook_allow)}
    if settings.smtp:
        hops["email"] = _email(settings.smtp, settings.mail_from, directory)
    if settings.apprise:
        hops["apprise"] = _apprise(settings.apprise, engine)
    return Channels(hops, directory, Links(settings.link_base, link_secret))


def _email(smtp: str, mail_from: str | None, directory: Callable[[str], Mapping[str, Contact]]) -> Email:
    try:
        server = Server.parse(smtp)
    except ValueError:
        fail("CCHC_SMTP không đúng. Viết dạng smtp://máy-chủ:cổng hoặc smtps://người-dùng:mật-khẩu@máy-chủ:cổng.")
    name, sender = parseaddr(mail_from or "")
    try:
        return Email(server, address(sender, name), directory)
    except Permanent:
        fail('CCHC_MAIL_FROM thiếu hoặc không đúng. Viết dạng "UBND xã <vanphong@example.org>".')


def _apprise(template: str, engine: Engine) -> Apprise:
    try:
        return Apprise(template, engine)
    except ValueError:
        fail("CCHC_APPRISE không đúng. Viết địa chỉ Apprise có {address}, ví dụ zalo://<mã bot>/{address}.")
