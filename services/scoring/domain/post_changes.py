"""What a moment of a person's record changes of their post, in words."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from services.scoring.domain import records as kept
from services.scoring.domain import texts
from services.scoring.domain.records import PersonMoment, PersonRecord
from services.scoring.domain.rules.facts.people import Post, post_on
from shared.events.values import EXTERNAL
from shared.roles import CATEGORIES, in_words

# The moments that say who is in which post, each with the first day on which it holds.
BEGINS: Mapping[type, Any] = {
    kept.Appointed: lambda data: data.valid_from,
    kept.Changed: lambda data: data.valid_from,
    kept.Left: lambda data: data.valid_to + timedelta(days=1),
}


def around(person: PersonRecord, index: int, day: date) -> tuple[Post | None, Post | None]:
    """The post of a day as it was known before a moment, and with it."""
    earlier: list[PersonMoment] = person.moments[:index]
    before = PersonRecord(person.staff, earlier)
    return post_on(before, day), post_on(PersonRecord(person.staff, [*earlier, person.moments[index]]), day)


def changed(person: PersonRecord, index: int, day: date, fields: Mapping[str, str]) -> Iterator[str]:
    """What a moment changes of these fields, named in words; a first post changes nothing."""
    before, after = around(person, index, day)
    if before is None or after is None:
        return
    for name, words in fields.items():
        old, new = _shown(before, name), _shown(after, name)
        if old != new:
            yield texts.CHANGED.format(what=words, old=old, new=new)


def _shown(post: Post, name: str) -> str:
    value = getattr(post, name)
    if name == "roles":
        return in_words(value)
    if isinstance(value, bool):
        return texts.YES_NO["true" if value else "false"]
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if name == "rater":
        return {None: "Chủ tịch", EXTERNAL: "cấp trên"}.get(value, value)
    return CATEGORIES.get(value, value) or "chưa ghi"
