"""Forms are commands: what was typed goes to a service once, and what the service finds wrong comes back to its place.

The nonce of a form is the request's Idempotency-Key, so that a double click has one effect; the version in it is the
If-Match, so that nobody overwrites what they have not seen.
"""

import secrets
from collections.abc import Iterable, Mapping

import msgspec

from shared.web.schema import composed
from web.client import FieldError, Problem

NONCE, VERSION, STEP = "nonce", "version", "step"
LONGEST_NONCE = 64


class Message(msgspec.Struct, frozen=True):
    """What is wrong; `field` is the form's field that it is about, None when it is about the whole."""

    text: str
    field: str | None = None


class Form(msgspec.Struct, frozen=True):
    """A form as it is shown: `values` that were typed, `messages` about them, and what makes it a command."""

    step: str = ""
    values: Mapping[str, str] = {}
    title: str | None = None
    messages: tuple[Message, ...] = ()
    version: int | None = None
    nonce: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(16))

    def at(self, field: str) -> list[str]:
        """The messages about one field."""
        return [message.text for message in self.messages if message.field == field]

    def value(self, field: str) -> str:
        """What was typed."""
        return self.values.get(field, "")


def refused(form: Form, problem: Problem, fields: Mapping[str, str]) -> Form:
    """The form again, with what a service found wrong: at its fields, and what has no field about the whole. `fields`
    are those of the form with the names that they have in the command's body."""
    shown = {name: field for field, name in fields.items()}
    messages = tuple(_message(error, shown) for error in problem.errors) or (Message(problem.detail),)
    return msgspec.structs.replace(form, title=problem.title, messages=messages)


def _message(error: FieldError, fields: Mapping[str, str]) -> Message:
    """The first part of a pointer that is a field's says which: `#/proposed_due/date` is about the field of
    `proposed_due`."""
    _, _, pointer = error.pointer.partition("#")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/") if part]
    field = next((fields[part] for part in parts if part in fields), None)
    where = f" ({'/'.join(parts)})" if field is None and parts else ""
    return Message(error.detail + where, field)


def key_of(sent: Mapping[str, str], prefix: str) -> str | None:
    """The Idempotency-Key of a form that was sent; None when its nonce is none that we gave."""
    nonce = sent.get(NONCE, "")
    if not 0 < len(nonce) <= LONGEST_NONCE or not nonce.isascii() or not nonce.isprintable() or " " in nonce:
        return None
    return f"{prefix}-{nonce}"


def version_of(sent: Mapping[str, str]) -> int | None:
    """The version that the person was looking at."""
    text = sent.get(VERSION, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def typed(sent: Mapping[str, str], fields: Iterable[str]) -> dict[str, str]:
    """What was typed into these fields: composed (NFC), without spaces around it and with one kind of line end."""
    return {field: str(composed(sent.get(field, ""))).replace("\r\n", "\n").strip() for field in fields}
