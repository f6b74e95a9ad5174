"""The addresses in messages: each leads to the one step that is asked for, behind a sign-in."""

import hashlib
import hmac
from collections.abc import Callable, Mapping

import msgspec

from services.notifications.domain.occurrence import Occurrence


class Links(msgspec.Struct, frozen=True):
    """`base` is where people open the pages; without one messages carry no addresses. `secret` signs them; without one
    no address is genuine."""

    base: str | None = None
    secret: bytes = b""

    def to(self, commune: str, occurrence: Occurrence) -> str | None:
        """The address of what a reminder is about; None without a base, or for what has no page.

        The page of a task or an act is opened by a signed address: nobody can go through reminders by guessing. The
        signature grants nothing else, as the page asks for a sign-in, so it never expires.
        """
        kind, _, of = occurrence.about.partition("/")
        if self.base is None:
            return None
        if kind in _ACTED_ON:
            signature = self.signature(commune, occurrence.reminder)
            return f"{self.base}/viec/{commune}/{occurrence.reminder}?k={signature}"
        path = _PATHS.get(kind)
        return f"{self.base}{path(commune, of, occurrence)}" if path else None

    def signature(self, commune: str, reminder: str) -> str:
        """HMAC-SHA256 of a reminder's address, the first 128 bits in hex."""
        address = f"cchc-link-v1/{commune}/{reminder}".encode()
        return hmac.new(self.secret, address, hashlib.sha256).hexdigest()[:32]

    def is_genuine(self, commune: str, reminder: str, signature: str) -> bool:
        """Was this signature made here, for this reminder?"""
        given, made = signature.encode("utf-8", "surrogatepass"), self.signature(commune, reminder).encode()
        return bool(self.secret) and hmac.compare_digest(given, made)


_ACTED_ON = ("task", "check", "act")


def _sheet(commune: str, of: str, _: Occurrence) -> str:
    period, __, staff = of.partition("/")
    return f"/communes/{commune}/years/{period[:4]}/ratings/{staff}/sheet"


def _week(commune: str, _: str, occurrence: Occurrence) -> str:
    """As it stood on the day of the digest, whenever it is looked at."""
    return f"/api/v1/notifications/communes/{commune}/weekly.html?on={occurrence.run_on}"


def _month(commune: str, month: str, _: Occurrence) -> str:
    return f"/api/v1/notifications/communes/{commune}/monthly.html?month={month}"


_PATHS: Mapping[str, Callable[[str, str, Occurrence], str]] = {
    "sheet": _sheet,
    "week": _week,
    "month": _month,
}
