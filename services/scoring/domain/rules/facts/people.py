"""A person's posts, time worked, absences and disciplined acts (rating.md, "People, time worked, discipline")."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from services.scoring.domain import records as kept
from services.scoring.domain.records import PersonRecord

Span = tuple[date, date]
ATTRIBUTES = (
    "category", "roles", "post", "unit", "leader", "rated", "similar_group", "leads_unit", "tracker", "rater",
    "service_from",
)  # fmt: skip
_DAY = timedelta(days=1)


class Post(msgspec.Struct, kw_only=True, frozen=True):
    """The attributes in force on a day, and the positions of the events that made them so."""

    category: str
    roles: list[str]
    post: str
    unit: str
    leader: bool
    rated: bool
    similar_group: str | None
    leads_unit: str | None
    tracker: str | None
    rater: str | None
    service_from: date | None
    in_post: bool
    positions: list[int]


class Act(msgspec.Struct, frozen=True):
    """A disciplined act with the one year it counts in."""

    act: str
    year: int
    forms: list[str]
    public_duty: bool
    degradation: bool
    act_date: date
    positions: list[int]


class _Stay(msgspec.Struct):
    """An appointment and the days it covers: until the next one, or until the person left."""

    begin: kept.Appointed
    first: date
    last: date


def _stays(person: PersonRecord) -> list[_Stay]:
    """A departure ends the appointment in force on its day, among those recorded by then."""
    appointed = [moment for moment in person.moments if isinstance(moment, kept.Appointed)]
    appointed.sort(key=lambda moment: moment.data.valid_from)
    ends: dict[int, date] = {}
    seen: list[kept.Appointed] = []
    for moment in person.moments:
        if isinstance(moment, kept.Appointed):
            seen.append(moment)
        elif isinstance(moment, kept.Left):
            begun = [earlier for earlier in seen if earlier.data.valid_from <= moment.data.valid_to]
            if begun:
                ended = max(enumerate(begun), key=lambda pair: (pair[1].data.valid_from, pair[0]))[1]
                ends[id(ended)] = moment.data.valid_to
    stays = []
    for index, moment in enumerate(appointed):
        last = ends.get(id(moment), date.max)
        if index + 1 < len(appointed):
            last = min(last, appointed[index + 1].data.valid_from - _DAY)
        stays.append(_Stay(moment, moment.data.valid_from, last))
    return stays


def post_on(person: PersonRecord, day: date) -> Post | None:
    """The attributes in force on a day; after the person left, or before they come, those nearest to it with
    `in_post` false. None for a person who was never appointed here."""
    stays = _stays(person)
    if not stays:
        return None
    begun = [stay for stay in stays if stay.first <= day]
    stay = begun[-1] if begun else stays[0]
    values: dict[str, Any] = {name: getattr(stay.begin.data, name) for name in ATTRIBUTES}
    positions = [stay.begin.position]
    for change in _changes(person, stay, day):
        positions.append(change.position)
        for name in ATTRIBUTES:
            value = getattr(change.data, name)
            if value is not UNSET:
                values[name] = value
    in_post = stay.first <= day <= stay.last
    if not in_post:
        positions += [moment.position for moment in person.moments if isinstance(moment, kept.Left)]
    return Post(**values, in_post=in_post, positions=positions)


def _changes(person: PersonRecord, stay: _Stay, day: date) -> list[kept.Changed]:
    """The changes of an appointment in force on a day, by `valid_from`; of one day, those recorded after it."""
    place = person.moments.index(stay.begin)
    found = [
        moment
        for index, moment in enumerate(person.moments)
        if isinstance(moment, kept.Changed)
        and stay.first <= moment.data.valid_from <= min(day, stay.last)
        and (moment.data.valid_from > stay.first or index > place)
    ]
    return sorted(found, key=lambda moment: moment.data.valid_from)


def employed(person: PersonRecord, year: int, day: date) -> list[Span]:
    """The spans of days in a calendar year employed here, or before in another agency since `service_from` (as known
    in the attributes of a day). An open end runs to 31/12."""
    spans = []
    for stay in _stays(person):
        service = stay.begin.data.service_from if stay.first <= day else None
        for change in _changes(person, stay, day):
            if change.data.service_from is not UNSET:
                service = change.data.service_from
        spans.append((min(service or stay.first, stay.first), stay.last))
    return list(_within(spans, year))


def in_post_during(person: PersonRecord, year: int) -> bool:
    """Was the person employed here on a day of the calendar year?"""
    return any(True for _ in _within([(stay.first, stay.last) for stay in _stays(person)], year))


def posts_during(person: PersonRecord, year: int) -> Iterable[Post]:
    """Every post held on a day of the calendar year, each as often as something of it took force."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    begun = {moment.data.valid_from for moment in person.moments if isinstance(moment, kept.Appointed | kept.Changed)}
    for day in sorted({first, *(day for day in begun if first < day <= last)}):
        post = post_on(person, day)
        if post is not None and post.in_post:
            yield post


def absences(person: PersonRecord) -> list[kept.Absence]:
    """The absences as last recorded: the same id again replaces the first."""
    found: dict[str, kept.Absence] = {}
    for moment in person.moments:
        if isinstance(moment, kept.Absence):
            found[moment.data.absence] = moment
    return list(found.values())


def days_absent(person: PersonRecord, year: int, day: date, kinds: Iterable[str]) -> set[date]:
    """The employed days of a calendar year within an absence of these kinds, each once."""
    away = [(moment.data.from_, moment.data.to or date.max) for moment in absences(person) if moment.data.kind in kinds]
    return days(_within(away, year)) & days(employed(person, year, day))


def absence_on(person: PersonRecord, day: date) -> kept.Absence | None:
    """The absence, of whatever kind, that a day falls in."""
    for moment in absences(person):
        if moment.data.from_ <= day <= (moment.data.to or date.max):
            return moment
    return None


def acts(person: PersonRecord) -> list[Act]:
    """The disciplined acts that were not withdrawn. An act counts in the last recorded `used_in_year`, otherwise in
    the calendar year of its earliest decision (NĐ 48/2023 Đ2 k5)."""
    found: dict[str, list[kept.Disciplined]] = {}
    for moment in person.moments:
        if isinstance(moment, kept.Disciplined):
            found.setdefault(moment.data.act, []).append(moment)
        elif isinstance(moment, kept.Withdrawn):
            found.pop(moment.data.act, None)
    return [_act(name, moments) for name, moments in found.items()]


def _act(name: str, moments: list[kept.Disciplined]) -> Act:
    decisions = [moment.data for moment in moments]
    used = [decision.used_in_year for decision in decisions if decision.used_in_year is not None]
    return Act(
        act=name,
        year=used[-1] if used else min(decision.decision_date for decision in decisions).year,
        forms=[decision.form for decision in decisions],
        public_duty=any(decision.public_duty for decision in decisions),
        degradation=any(decision.degradation for decision in decisions),
        act_date=decisions[-1].act_date,
        positions=[moment.position for moment in moments],
    )


def days(spans: Iterable[Span]) -> set[date]:
    return {first + _DAY * offset for first, last in spans for offset in range((last - first).days + 1)}


def _within(spans: Iterable[Span], year: int) -> Iterable[Span]:
    for begin, end in spans:
        first, last = max(begin, date(year, 1, 1)), min(end, date(year, 12, 31))
        if first <= last:
            yield first, last
