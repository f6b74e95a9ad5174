"""Which screens are there for which roles: the actions of the screens, and the entries of the menu.

A service decides on its own what it answers; this says what is worth offering, and a test holds the two together.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from shared.events import VIETNAM
from shared.web.auth import EVERY_COMMUNE, Principal

_IN_POST = frozenset({"chair", "vice_chair", "office", "staff", "village_head", "focal_point"})

# Screen → roles. Whether this person may see this sheet or this reminder, the service says.
ACTIONS: dict[str, frozenset[str]] = {
    "ratings.year": frozenset({"chair", "vice_chair", "office", "inspector"}),
    "ratings.sheet": frozenset({"chair", "vice_chair", "office", "staff", "village_head", "inspector"}),
    "act.do": _IN_POST | {"supervisor"},
}


class Entry(NamedTuple):
    """A line of the menu: `action` None is for everybody who is signed in; `address` (commune, year) leads there."""

    text: str
    action: str | None
    address: Callable[[str, int], str]


ENTRIES = (
    Entry("Trang chính", None, lambda _commune, _year: "/"),
    Entry("Xếp loại", "ratings.year", lambda commune, year: f"/communes/{commune}/years/{year}"),
)


class Shown(NamedTuple):
    """An entry as this person sees it."""

    text: str
    address: str


def may(asking: Principal | None, action: str) -> bool:
    """Is this screen for this person, in their commune? Those of all communes work outside the screens of one."""
    return asking is not None and asking.commune != EVERY_COMMUNE and not asking.roles.isdisjoint(ACTIONS[action])


def menu_of(asking: Principal | None, now: datetime) -> list[Shown]:
    """The entries for a person."""
    return list(_entries(asking, now)) if asking else []


def _entries(asking: Principal, now: datetime) -> Iterator[Shown]:
    year = now.astimezone(VIETNAM).year
    for entry in ENTRIES:
        if entry.action is None or may(asking, entry.action):
            yield Shown(entry.text, entry.address(asking.commune, year))
