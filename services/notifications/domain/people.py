"""Posts and absences of people, and units, as recorded by a time (RFC 3339 in UTC)."""

from datetime import date

import msgspec
from msgspec import UNSET

from services.notifications.domain import records as kept
from services.notifications.domain.records import PersonRecord, Records
from shared import posts
from shared.events import UnitDefined

_FIELDS = (
    "category", "roles", "post", "unit", "leader", "rated", "tracker", "rater", "similar_group", "leads_unit",
    "service_from",
)  # fmt: skip


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """The post that a person holds in the commune on a day."""

    staff: str
    category: str
    roles: tuple[str, ...]
    post: str
    unit: str
    leader: bool
    rated: bool
    tracker: str | None
    rater: str | None
    similar_group: str | None = None
    leads_unit: str | None = None
    service_from: date | None = None


def post_on(person: PersonRecord, day: date, by: str) -> Post | None:
    """The post held on a day, as recorded by a time; None for a person in no post."""
    steps: list[posts.Step] = []
    for moment in person.moments:
        if moment.time <= by and (step := _step(moment)):
            steps = posts.with_step(steps, step)
    fields = posts.fields_on(steps, day)
    if fields is None:
        return None
    return Post(staff=person.staff, **{name: fields[name] for name in _FIELDS} | {"roles": tuple(fields["roles"])})


def _step(moment: kept.Moment) -> posts.Step | None:
    if isinstance(moment, kept.Appointed):
        return posts.appointed(moment.data.valid_from, {name: getattr(moment.data, name) for name in _FIELDS})
    if isinstance(moment, kept.Changed):
        values = {name: value for name in _FIELDS if (value := getattr(moment.data, name)) is not UNSET}
        return posts.changed(moment.data.valid_from, values)
    return posts.left(moment.data.valid_to) if isinstance(moment, kept.Left) else None


def posts_on(records: Records, day: date, by: str) -> dict[str, Post]:
    """Everybody in post on a day, by staff id, as recorded by a time."""
    return {staff: post for staff, person in records.people.items() if (post := post_on(person, day, by))}


def absence_on(person: PersonRecord, day: date, by: str) -> kept.Absence | None:
    """The absence that a day falls in, as recorded by a time; the same id again replaced the first."""
    last = {
        moment.data.absence: moment
        for moment in person.moments
        if isinstance(moment, kept.Absence) and moment.time <= by
    }
    for moment in last.values():
        if moment.data.from_ <= day <= (moment.data.to or date.max):
            return moment
    return None


def unit_on(records: Records, unit: str, day: date, by: str) -> UnitDefined | None:
    """A unit as defined for a day, as recorded by a time."""
    record = records.units.get(unit)
    found = [m.data for m in record.moments if m.time <= by and m.data.valid_from <= day] if record else []
    return max(found, key=lambda each: each.valid_from) if found else None


def in_charge(posts: dict[str, Post], lead: str) -> str | None:
    """The nearest vice-chair up the lead's tracker chain; None leaves the task to the chair."""
    seen = {lead}
    above = posts[lead].tracker if lead in posts else None
    while above is not None and above not in seen:
        post = posts.get(above)
        if post is None:
            return None
        if "vice_chair" in post.roles:
            return above
        seen.add(above)
        above = post.tracker
    return None


def holders(posts: dict[str, Post], *roles: str) -> list[str]:
    """The people who hold one of these roles, by staff id."""
    return sorted(staff for staff, post in posts.items() if not set(roles).isdisjoint(post.roles))
