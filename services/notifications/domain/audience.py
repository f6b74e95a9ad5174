"""From a policy's audience words to staff ids, with those who stand in for people absent or gone."""

from collections.abc import Callable, Iterable
from datetime import date

import msgspec
from msgspec import UNSET

from services.notifications.domain.people import Post, absence_on, holders, in_charge, posts_on, unit_on
from services.notifications.domain.records import Appointed, Changed, Records
from shared.events.values import EXTERNAL


class Concerned(msgspec.Struct, frozen=True, kw_only=True):
    """A task's lead and collaborators (staff or unit ids), or the person of a sheet or appeal."""

    lead: str | None = None
    collaborators: tuple[str, ...] = ()
    person: str | None = None


class Roll:
    """Everybody in post on a day, as recorded by a time (RFC 3339 in UTC). Planning asks it again and again."""

    def __init__(self, records: Records, day: date, at: str) -> None:
        self.records = records
        self.day = day
        self.at = at
        self.posts: dict[str, Post] = posts_on(records, day, at)
        self.office = holders(self.posts, "office")
        self.chairs = holders(self.posts, "chair")
        self._reached: dict[str, list[str]] = {}

    def recipients(self, words: Iterable[str], of: Concerned) -> list[str]:
        """Staff ids in the order of the words, each once; if there is nobody the Office, else the chair."""
        named = [staff for word in words for staff in _AUDIENCES[word](self, of)]
        reached = [one for staff in named for one in self.reach(staff)]
        return list(dict.fromkeys(reached)) or self.office or self.chairs

    def reach(self, staff: str) -> list[str]:
        """The person, or those reminded in their place: of one absent the substitute and the Office, of one who left
        the tracker, otherwise the Office."""
        if staff not in self._reached:
            self._reached[staff] = self._reach(staff)
        return self._reached[staff]

    def _reach(self, staff: str) -> list[str]:
        if staff not in self.posts:
            tracker = self._last_tracker(staff)
            return self.reach(tracker) if tracker in self.posts else self.office
        away = self.away(staff)
        if away is None:
            return [staff]
        present = [one for one in self.office if one != staff and self.away(one) is None]
        substitute = [away] if away in self.posts and self.away(away) is None else []
        return [*substitute, *present] or [staff]

    def away(self, staff: str) -> str | None:
        """The substitute of an absent person ("" when none is named); None for a person who is present."""
        absence = absence_on(self.records.people[staff], self.day, self.at)
        return (absence.data.substitute or "") if absence else None

    def _last_tracker(self, staff: str) -> str | None:
        person = self.records.people.get(staff)
        named = [
            moment.data.tracker
            for moment in (person.moments if person else ())
            if moment.time <= self.at and isinstance(moment, Appointed | Changed) and moment.data.tracker is not UNSET
        ]
        return named[-1] if named else None

    def in_charge(self, lead: str | None) -> str | None:
        """The vice-chair in charge of a lead's tasks; None leaves them to the chair."""
        return in_charge(self.posts, lead) if lead else None

    def heads(self, unit: str) -> list[str]:
        """The people who answer for a unit: its head, otherwise its members."""
        defined = unit_on(self.records, unit, self.day, self.at)
        if defined and defined.head and defined.head in self.posts:
            return [defined.head]
        return sorted(staff for staff, post in self.posts.items() if post.unit == unit)


def _collaborators(roll: Roll, of: Concerned) -> list[str]:
    found = [one for each in of.collaborators for one in (roll.heads(each) if each in roll.records.units else [each])]
    return [one for one in found if one != of.lead]


def _lead(roll: Roll, of: Concerned) -> list[str]:
    if of.lead is None:
        return []
    return roll.heads(of.lead) if of.lead in roll.records.units else [of.lead]


def _in_charge(roll: Roll, of: Concerned) -> list[str]:
    above = roll.in_charge(of.lead)
    return [above] if above else roll.chairs


def _tracker(roll: Roll, of: Concerned) -> list[str]:
    post = roll.posts.get(of.person or "")
    return [post.tracker] if post and post.tracker else _rater(roll, of)


def _rater(roll: Roll, of: Concerned) -> list[str]:
    post = roll.posts.get(of.person or "")
    rater = post.rater if post else None
    if rater == EXTERNAL:
        return roll.office  # it records what higher authorities decide
    return [rater] if rater else [chair for chair in roll.chairs if chair != of.person]


_AUDIENCES: dict[str, Callable[[Roll, Concerned], list[str]]] = {
    "lead": _lead,
    "collaborators": _collaborators,
    "office": lambda roll, _: roll.office,
    "in_charge": _in_charge,
    "chair": lambda roll, _: roll.chairs,
    "leaders": lambda roll, _: holders(roll.posts, "chair", "vice_chair"),
    "supervisors": lambda roll, _: holders(roll.posts, "supervisor"),
    "person": lambda _, of: [of.person] if of.person else [],
    "tracker": _tracker,
    "rater": _rater,
}
