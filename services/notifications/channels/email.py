"""E-mail by SMTP: text and HTML, one thread per task, deadlines as a calendar file."""

import functools
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from itertools import groupby
from urllib.parse import parse_qs, unquote, urlsplit

import icalendar
import jinja2
import msgspec

from services.notifications.channels.interface import Contact, Item, Message, NoAddress, Permanent, Temporary
from services.notifications.words import plain
from shared.events import local_day, parse_time

# Longer than greylisting hosts take to answer, shorter than a lease.
TIMEOUT_S = 20
ENHANCED = re.compile(rb"^(\d\.\d{1,3}\.\d{1,3})\b")
# Bodies in base64 or quoted-printable pass every server, those without 8BITMIME too.
# Headers stay as they are written here: when the library folds a long name, it loses the quotes around its commas.
POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
CALENDAR_NAME = "han-nhiem-vu.ics"
# What stands in a header as it is; anything else goes in encoded words (RFC 2047), where no sign has a meaning.
ORDINARY = re.compile(r"[A-Za-z0-9 ]{1,60}")
LINE = 76
LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the brackets


class Server(msgspec.Struct, frozen=True):
    """A mail server; `tls` from the start, by STARTTLS, or none."""

    host: str
    port: int
    tls: str | None = None
    user: str | None = None
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> "Server":
        """`smtp[s]://[user:password@]host[:port][?starttls=1]`; user and password percent-encoded. Raises ValueError,
        without the URL, which may hold a password."""
        parts = urlsplit(url)
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] not in ("0", "")
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("a mail server is written smtp://host:port or smtps://user:password@host:port")
        tls = "implicit" if parts.scheme == "smtps" else "starttls" if starttls else None
        port = parts.port or {"implicit": 465, "starttls": 587, None: 25}[tls]
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not (user + password).isascii():
            raise ValueError("the library that speaks SMTP takes only ASCII in user and password")
        return cls(parts.hostname, port, tls, user or None, password)

    @contextmanager
    def session(self, timeout_s: float = TIMEOUT_S) -> Iterator[smtplib.SMTP]:
        """Connected, encrypted and signed in as the settings say. Raises SMTPException, OSError."""
        if self.tls == "implicit":
            context = ssl.create_default_context()
            session: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=timeout_s, context=context)
        else:
            session = smtplib.SMTP(self.host, self.port, timeout=timeout_s)
        try:
            if self.tls == "starttls":
                session.starttls(context=ssl.create_default_context())
            if self.user:
                session.login(self.user, self.password)
            yield session
            # The message is taken over by now: no answer to a farewell is a failure.
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
        finally:
            session.close()


class Email(msgspec.Struct, frozen=True):
    """`sender` as in a From header, `UBND xã <vanphong@example.org>`; addresses come from `directory`."""

    server: Server
    sender: Address
    directory: Callable[[str], Mapping[str, Contact]]

    def send(self, message: Message) -> None:
        contact = self.directory(message.commune).get(message.recipient)
        if contact is None or not contact.email:
            raise NoAddress("no_address")
        to = address(contact.email, contact.name)
        mail = letter(message, self.sender, to)
        with _refusals(), self.server.session() as session:
            session.send_message(mail, self.sender.addr_spec, [to.addr_spec])


def address(email: str, name: str | None = None) -> Address:
    """Raises Permanent for anything but an address, so that nothing in it reaches another header."""
    try:
        parsed = Address(display_name=plain(name or ""), addr_spec=email.strip())
    except Exception as problem:  # the standard library raises many kinds on bad input
        raise Permanent("bad_address") from problem
    if not parsed.domain or not parsed.addr_spec.isascii() or len(parsed.addr_spec) > LONGEST_ADDRESS:
        raise Permanent("bad_address")
    return parsed


def mailbox(header: str, who: Address) -> str:
    """The value of a header that names one person: whatever the name is, it holds this address and no other."""
    return f"{words(header, who.display_name)}\r\n <{who.addr_spec}>" if who.display_name else who.addr_spec


def words(header: str, text: str) -> str:
    """The value of a header that a person reads, folded, in ASCII."""
    line = plain(text)
    if ORDINARY.fullmatch(line):
        return line
    return Header(line, "utf-8", LINE, header).encode(linesep="\r\n")


def letter(message: Message, sender: Address, to: Address) -> EmailMessage:
    """The mail of a message: the same whenever it is sent again."""
    host = sender.domain
    mail = EmailMessage(policy=POLICY)
    mail.set_raw("From", mailbox("From", sender))
    mail.set_raw("To", mailbox("To", to))
    mail.set_raw("Subject", words("Subject", message.subject))
    mail["Date"] = parse_time(message.at)
    mail["Message-ID"] = f"<{message.message}@{host}>"
    if message.thread:
        # All mails about a task answer one that was never sent: clients show them together (RFC 5322 §3.6.4).
        root = f"<{_id(message.thread, message.commune)}@{host}>"
        mail["In-Reply-To"] = root
        mail["References"] = root
    # RFC 3834: no holiday notice answers this.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = "vi"
    mail.set_content(_render("mail.txt", message))
    mail.add_alternative(_render("mail.html", message), subtype="html")
    dates = calendar(message, host)
    if dates:
        mail.add_attachment(
            dates.decode(), subtype="calendar", filename=CALENDAR_NAME, params={"method": "PUBLISH"}, charset="utf-8"
        )
    return mail


def calendar(message: Message, host: str) -> bytes | None:
    """The coming deadlines, as days of an iCalendar file (RFC 5545); a later version replaces the earlier date."""
    today = local_day(message.at)
    coming = [item for item in message.items if item.due and date.fromisoformat(item.due) >= today]
    if not coming:
        return None
    file = icalendar.Calendar()
    file.add("prodid", "-//cchc//notifications//VI")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    for item in coming:
        file.add_component(_day_of(item, message, host))
    return file.to_ical()


def _day_of(item: Item, message: Message, host: str) -> icalendar.Event:
    due = date.fromisoformat(item.due or "")
    event = icalendar.Event()
    event.add("uid", f"{_id(item.about, message.commune)}@{host}")
    event.add("sequence", item.due_version)
    event.add("dtstamp", parse_time(message.at))
    event.add("dtstart", due)
    event.add("dtend", due + timedelta(days=1))
    event.add("summary", f"Hạn: {item.title}")
    event.add("description", "\n".join([item.text, *item.details]))
    event.add("transp", "TRANSPARENT")
    if item.link:
        event.add("url", item.link)
    return event


def _id(about: str, commune: str) -> str:
    """The left side of an id in headers, where a commune may have typed the id of a task itself."""
    return re.sub(r"[^A-Za-z0-9._-]", ".", f"{about}.{commune}")


def _render(template: str, message: Message) -> str:
    groups = [(heading, [*items]) for heading, items in groupby(message.items, key=lambda item: item.heading)]
    return _environment().get_template(template).render(message=message, groups=groups)


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("services.notifications.channels"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """A server's answer as ours. Only what it says of this recipient or this text is final; a wrong password, an
    expired certificate or a sender not allowed yet can be fixed while the message waits."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as refused:
        raise _answered(*next(iter(refused.recipients.values())), final=True) from refused
    except smtplib.SMTPDataError as refused:
        raise _answered(refused.smtp_code, refused.smtp_error, final=True) from refused
    except smtplib.SMTPResponseException as refused:
        raise _answered(refused.smtp_code, refused.smtp_error, final=False) from refused
    except (smtplib.SMTPException, OSError) as problem:
        raise Temporary(f"smtp {type(problem).__name__}") from problem


def _answered(code: int, text: bytes | str, *, final: bool) -> Temporary | Permanent:
    """Its number and enhanced status (RFC 3463); its words often hold the address."""
    enhanced = ENHANCED.match(text if isinstance(text, bytes) else text.encode())
    reason = f"smtp {code}" + (f" {enhanced[1].decode()}" if enhanced else "")
    return Permanent(reason) if final and code >= 500 else Temporary(reason)
