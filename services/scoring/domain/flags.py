"""What stands beside a sheet for whoever decides on it or contests it: who was made judge, typed, decided, contested.

A flag changes no figure and is no part of the sheet, whose bytes stay what they were (ADR 0029).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Literal

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain import texts
from services.scoring.domain.late import recorded_late
from services.scoring.domain.post_changes import BEGINS, around, changed
from services.scoring.domain.records import PersonRecord, Records
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.sheet import Sheet
from services.scoring.domain.standing import concerning, moments_of, standing
from shared.events.authors import authors
from shared.events.values import EXTERNAL
from shared.roles import OF_JUDGES

Kind = Literal["judge_changed", "typed_for", "outside_document", "recorded_late", "contested"]
# The steps in which somebody says what they think of the person's year.
_OPINIONS = frozenset({"self_assessed", "meeting", "opinion", "appealed", "appeal_resolved"})


class Flag(msgspec.Struct, frozen=True):
    """What to know of an event before relying on it; `text` is the sentence for people."""

    kind: Kind
    text: str
    event: EventRef


def flags(records: Records, of: Sheet, *, opinions: bool = True) -> list[Flag]:
    """Everything to know beside a sheet of the same records: changes of who judges the person within the year, acts
    typed in another's name, what was decided outside the commune with its document, what was recorded late, and what
    the person contests.

    Without `opinions` it leaves out what is not for a tracker who does not rate.
    """
    found = [*_recorded_flags(records, of), *_contested(records, of)]
    if not opinions:
        found = [flag for flag in found if flag.kind != "contested" and flag.event.what not in _OPINIONS]
    return sorted(found, key=lambda flag: (flag.event.time, flag.event.source, flag.event.position))


def flags_of(found: Iterable[Flag], events: Iterable[EventRef]) -> list[Flag]:
    """The flags of some events, and whatever was changed of who judges."""
    places = {(event.source, event.position) for event in events}
    return [
        flag for flag in found if flag.kind == "judge_changed" or (flag.event.source, flag.event.position) in places
    ]


def contestable(records: Records, of: Sheet) -> list[EventRef]:
    """The events that a person may contest: all that their sheet, its procedure and its flags name."""
    named = [*concerning(records, of), *(flag.event for flag in _recorded_flags(records, of))]
    named += [ref("scoring", moment) for moment in moments_of(records, "rating", f"{of.year}/{of.staff}")]
    named += [ref("scoring", moment) for moment in _meetings(records, of)]
    return list({event.id: event for event in named}.values())


def _recorded_flags(records: Records, of: Sheet) -> Iterator[Flag]:
    yield from _changed_judges(records, of)
    yield from _of_tasks(records, of)
    yield from _of_ratings(records, of)
    yield from (Flag("recorded_late", text, event) for text, event in recorded_late(records, of))


# Who judges


def _changed_judges(records: Records, of: Sheet) -> Iterator[Flag]:
    """Changes that were recorded or took effect from the year's beginning until its end or the first decision."""
    decided = _first_decision(records, of)
    for person in records.people.values():
        for index, moment in enumerate(person.moments):
            if type(moment) not in BEGINS:
                continue
            day = BEGINS[type(moment)](moment.data)
            begun = max(moment.day, day) >= date(of.year, 1, 1)
            if not begun or (min(moment.day, day) > date(of.year, 12, 31) and moment.time > decided):
                continue
            changes = _own if person.staff == of.staff else _of_others
            for text in changes(records.people[of.staff], person, index, day):
                since = texts.IN_FORCE_FROM.format(change=text, day=day)
                yield Flag("judge_changed", since, ref("tasks", moment))


def _own(_: PersonRecord, person: PersonRecord, index: int, day: date) -> Iterator[str]:
    """What a moment changes of the person's own post."""
    return changed(person, index, day, OF_JUDGES)


def _of_others(rated: PersonRecord, other: PersonRecord, index: int, day: date) -> Iterator[str]:
    """What a moment of another changes of who judges the person: a judge who leaves, another Chairman."""
    mine = post_on(rated, day)
    before, after = around(other, index, day)
    if mine is None or not mine.in_post or before is None or after is None:
        return
    if before.in_post and not after.in_post:
        for name in ("tracker", "rater"):
            if getattr(mine, name) == other.staff:
                yield texts.JUDGE_LEFT.format(staff=other.staff, what=OF_JUDGES[name])
    if mine.rater is None and "chair" not in mine.roles and _is_chair(before) != _is_chair(after):
        text = texts.CHAIR_BEGINS if _is_chair(after) else texts.CHAIR_ENDS
        yield text.format(staff=other.staff)


def _is_chair(post: Post) -> bool:
    return post.in_post and "chair" in post.roles


def _first_decision(records: Records, of: Sheet) -> str:
    """When the year was first decided; later than any time while it is not."""
    ruling = standing(records, of.year, of.staff)
    first = [*ruling.earlier, *([ruling.decision] if ruling.decision else [])][:1]
    moments = moments_of(records, "rating", f"{of.year}/{of.staff}")
    return next((moment.time for moment in moments if first and moment.id == first[0].event), "~")


# What others typed or decided


def _of_tasks(records: Records, of: Sheet) -> Iterator[Flag]:
    for task in of.tasks:
        record = records.tasks[task.task]
        for index, names in record.typed_for.items():
            if index < len(record.moments):
                moment = record.moments[index]
                yield _typed(names, ref("tasks", moment), task.title)


def _of_ratings(records: Records, of: Sheet) -> Iterator[Flag]:
    for moment, what in _recorded(records, of):
        event = ref("scoring", moment, what)
        if names := authors(moment.data) - {moment.actor.removeprefix("staff/")}:
            yield _typed(sorted(names), event)
        if isinstance(moment, kept.PeriodResult) or getattr(moment.data, "by", None) == EXTERNAL:
            yield Flag("outside_document", _document(moment.data), event)


def _recorded(records: Records, of: Sheet) -> Iterator[tuple[Any, str | None]]:
    """The moments of the year that people recorded for the person, with their tag where their record has one kind."""
    key = f"{of.year}/{of.staff}"
    for moment in moments_of(records, "year", str(of.year)):
        if getattr(moment.data, "category", of.category) == of.category:
            yield moment, None
    yield from ((moment, None) for moment in moments_of(records, "rating", key))
    yield from ((moment, "common") for moment in moments_of(records, "common", key))
    yield from ((moment, "unit_result") for moment in moments_of(records, "unit_result", f"{of.year}/{of.leads_unit}"))
    for period in records.by_kind["period"].values():
        if period.period.startswith(f"{of.year}-"):
            yield from ((moment, None) for moment in period.moments if of.staff in moment.data.staff)


def _typed(names: Iterable[str], event: EventRef, title: str = "") -> Flag:
    said = texts.TYPED_FOR.format(typed_by=event.actor.removeprefix("staff/"), names=", ".join(names))
    return Flag("typed_for", f"{said} (“{title}”)" if title else said, event)


def _document(data: Any) -> str:
    """The number, day and hash of a document; what was recorded before they were asked for has none."""
    number = _first_of(data, "document_number", "decision_number", "document")
    day = _first_of(data, "document_date", "decided_on", "on")
    sha256 = _first_of(data, "document_sha256")
    if number is None or sha256 is None:
        return texts.OUTSIDE_WITHOUT_DOCUMENT
    return texts.OUTSIDE_DOCUMENT.format(number=number, day=day, sha256=sha256)


def _first_of(data: Any, *names: str) -> Any:
    return next((value for name in names if (value := getattr(data, name, None)) is not None), None)


# What the person contests


def _contested(records: Records, of: Sheet) -> Iterator[Flag]:
    appeals = [appeal for appeal in standing(records, of.year, of.staff).appeals if appeal.contested]
    if not appeals:
        return
    known = {event.id: event for event in contestable(records, of)}
    for appeal in appeals:
        outcome = texts.OUTCOMES[appeal.outcome] if appeal.outcome else texts.NOT_RESOLVED
        text = texts.CONTESTED.format(staff=of.staff, day=appeal.received_on, outcome=outcome)
        yield from (Flag("contested", text, known[event]) for event in appeal.contested if event in known)


def _meetings(records: Records, of: Sheet) -> Iterator[kept.Meeting]:
    for moment in moments_of(records, "year", str(of.year)):
        if isinstance(moment, kept.Meeting) and any(vote.staff == of.staff for vote in moment.data.votes):
            yield moment
