"""One trace from a request to everything that it causes. Its `traceparent` (W3C) is the correlationid of the events
that it records, travels with them over Kafka, and appears in log lines about them."""

import re
from contextvars import ContextVar

import msgspec

from shared.decoding import decoder

TRACEPARENT = re.compile(r"([0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?")

# That of the request being answered, if its sender gave one.
traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


class _Traced(msgspec.Struct):
    commune: str
    id: str
    correlationid: str | None = None


_read = decoder(_Traced)


def traced(body: bytes) -> dict[str, str]:
    """What a log line about an event carries as `extra`: commune, event id and trace id, as far as it has them."""
    try:
        event = _read(body)
    except msgspec.DecodeError:
        return {}
    about = {"commune": event.commune, "event": event.id}
    match = TRACEPARENT.fullmatch(event.correlationid or "")
    return about | ({"trace_id": match[2]} if match else {})
