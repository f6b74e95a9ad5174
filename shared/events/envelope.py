"""The envelope: CloudEvents 1.0 in structured JSON, stored as bytes that are passed on verbatim."""

import functools
import hashlib
import os
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

MAX_EVENT_BYTES = 256 * 1024
GENESIS_HASH = "0" * 64
VIETNAM = timezone(timedelta(hours=7))
# A date of other years is a slip of the hand, and reckoning with it may leave what a date can be.
PLAUSIBLE_YEARS = range(1900, 2200)


# Decoding leaves `data` raw, and the catalogue puts the typed Struct in its place.
if TYPE_CHECKING:
    AnyData = Any
else:
    AnyData = msgspec.Raw


class MalformedEvent(ValueError):
    """Bytes that are not an event of this protocol."""


class UnknownVersion(ValueError):
    """A version of a known event that this program cannot read: an upgrade is missing."""


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One event. `position` counts a commune's events of one source from 1 without holes;
    `streamversion` those of one subject; `previoushash` is the SHA-256 of the stored bytes one position before."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    commune: str
    position: int
    streamversion: int
    actor: str
    correlationid: str | None = None
    causationid: str | None = None
    previoushash: str
    data: AnyData

    @property
    def day(self) -> date:
        """The day of recording in Vietnam."""
        return local_day(self.time)


def encode(envelope: Envelope) -> bytes:
    """The bytes to store: UTF-8 JSON, not ASCII-escaped, keys in the order of the envelope."""
    return msgspec.json.encode(envelope)


def event_hash(body: bytes) -> str:
    """SHA-256 of stored bytes in hex: what the next event carries as `previoushash`."""
    return hashlib.sha256(body).hexdigest()


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds; strings compare as the moments do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(time: str) -> datetime:
    return datetime.fromisoformat(time)


def end_of_day(day: date) -> str:
    """The last recorded moment of a day in Vietnam."""
    return format_time(datetime.combine(day + timedelta(days=1), clock(), VIETNAM) - timedelta(milliseconds=1))


def local_day(time: str) -> date:
    """The day in Vietnam (UTC+7, no daylight saving) of a recorded time."""
    return _local_day_of_hour(time[:13])


@functools.lru_cache(maxsize=65536)
def _local_day_of_hour(hour: str) -> date:
    # The offset is whole hours, so the day depends on nothing finer than the hour.
    return (datetime.fromisoformat(hour + ":00:00+00:00")).astimezone(VIETNAM).date()


def uuid7(now: datetime, entropy: bytes | None = None) -> str:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    random = int.from_bytes(entropy or os.urandom(10), "big")
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 7 << 76 | (random >> 64 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(UUID(int=value))
