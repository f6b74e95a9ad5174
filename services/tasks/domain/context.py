"""Everything that a decision may look at besides its own stream: the day, the sender, the commune's other states."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import msgspec

from services.tasks.domain import refusals
from services.tasks.domain.calendars import CalendarYear, as_calendar
from services.tasks.domain.staff import Post, Staff
from services.tasks.domain.units import Unit
from shared.calendar import Calendars
from shared.events import Evidence
from shared.events.values import DataMeta
from shared.refusal import Refusal
from shared.text import is_code


class Command(msgspec.Struct, metaclass=DataMeta, frozen=True, kw_only=True):
    """A request to change something; decisions.py names the function that decides it."""


@dataclass(frozen=True)
class Context:
    """`states` holds the neighbours by subject; `roles` are those that count for the actor: of today's post, as far as
    the token grants them; an operator's or service's are the token's.

    `arriving` names staff and units that the same append brings, so that the rows of one file may point at each other.
    `files` holds, by task and hash, the stored files that the command names. `in_name_of` is the person for whom the
    whole append is typed, beside those that its commands name.
    """

    commune: str
    today: date
    actor: str
    roles: frozenset[str] = frozenset()
    states: Mapping[str, Any] = field(default_factory=dict)
    arriving: frozenset[str] = frozenset()
    files: Mapping[str, Mapping[str, Evidence]] = field(default_factory=dict)
    in_name_of: str | None = None
    _posts: dict[str, Post | None] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def actor_staff(self) -> str | None:
        """The staff id of the one who types, when it is a person in the commune."""
        kind, _, name = self.actor.partition("/")
        return name if kind == "staff" else None

    def state(self, subject: str) -> Any:
        return self.states.get(subject)

    def staff(self, staff: str) -> Staff | None:
        return self.states.get(f"staff/{staff}")

    def post(self, staff: str) -> Post | None:
        """The person's post today, None when not in post."""
        if staff not in self._posts:
            person = self.staff(staff)
            self._posts[staff] = person.post_on(self.today) if person else None
        return self._posts[staff]

    def holds(self, staff: str, *roles: str) -> bool:
        """Does the post of today give one of these roles? What the person may do with their token: `has_role`."""
        post = self.post(staff)
        return post is not None and not set(roles).isdisjoint(post.roles)

    def has_role(self, staff: str, *roles: str) -> bool:
        """The same, but for the one who types only as far as their token goes."""
        return self.holds(staff, *roles) and (staff != self.actor_staff or not self.roles.isdisjoint(roles))

    def unit(self, unit: str) -> Unit | None:
        return self.states.get(f"unit/{unit}")

    def knows_staff(self, staff: str) -> bool:
        return self.staff(staff) is not None or f"staff/{staff}" in self.arriving

    def knows_unit(self, unit: str) -> bool:
        """The commune itself is the root unit."""
        return unit == self.commune or self.unit(unit) is not None or f"unit/{unit}" in self.arriving

    def of_kind(self, kind: str) -> dict[str, Any]:
        """The states at hand of one kind of stream, by subject."""
        prefix = f"{kind}/"
        return {subject: self.states[subject] for subject in self.states if subject.startswith(prefix)}

    @cached_property
    def calendars(self) -> Calendars:
        published: dict[str, CalendarYear] = self.of_kind("calendar")
        return Calendars(map(as_calendar, published.values()))

    def over(self, states: Mapping[str, Any], arriving: frozenset[str]) -> "Context":
        return replace(self, states=states, arriving=arriving)

    def without_cache(self) -> "Context":
        """The same once people or calendars changed: posts and calendars are looked up once for a context."""
        return replace(self)


def canonical(staff: str) -> str:
    """A staff id as it is stored: codes compare without case."""
    return staff.strip().lower()


def recorder(context: Context, by: str | None) -> str:
    """The one who answers for an act of administration: a person in post, else the operator or service."""
    return acting(context, by) if by or context.actor_staff else context.actor


def acting(context: Context, by: str | None) -> str:
    """The person in post who acts. Another than the one who types is named only by the Office.

    Refuses: no one named, not in post, typed for another without the Office's role.
    """
    who = canonical(by) if by else context.actor_staff
    if who is None:
        raise refusals.BY_REQUIRED() if "office" in context.roles else refusals.PERSON_REQUIRED()
    if who != context.actor_staff and "office" not in context.roles:
        raise refusals.ONLY_THE_OFFICE_RECORDS_FOR_OTHERS(staff=who)
    if context.post(who) is None:
        raise refusals.STAFF_NOT_IN_POST(staff=who)
    return who


def new_code(code: str) -> str:
    """An id that somebody chose, as it is stored. Refuses a blank one, and characters that no code has."""
    code = required_text(code, refusals.CODE_REQUIRED)
    if not is_code(code):
        raise refusals.CODE_NOT_PLAIN()
    return code


def required_text(text: str | None, otherwise: Refusal = refusals.REASON_REQUIRED) -> str:
    """A text that may not be blank, without spaces around it. `otherwise` is the refusal of a blank one."""
    if not text or not text.strip():
        raise otherwise()
    return text.strip()
