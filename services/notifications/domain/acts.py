"""Acts that somebody must hear of at once, whatever the policy says: what was typed in their name, what was decided
about them outside the commune, a change of who judges them, and whatever else their rating rests on (docs/adr/0030).

These follow from an event's fields (shared/events/authors.py) and from the tables here and in touching.py, never from a
list of commands: a new command that is typed for another is told without a line here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.people import holders, posts_on
from services.notifications.domain.plan import View, channels_to
from services.notifications.domain.records import Records
from services.notifications.domain.rules import ABOUT, JUDGES, OUTSIDE, TYPED
from services.notifications.domain.touching import TOUCHES, changes, touched
from shared.events import (
    CommuneSettingsChosen,
    Envelope,
    OpinionRecorded,
    PeriodResultReceived,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    local_day,
)
from shared.events.authors import typed_for
from shared.events.reminders import Channel
from shared.events.values import EXTERNAL
from shared.roles import OF_JUDGES

KIND = "act"
CHANNELS: tuple[Channel, ...] = ("inbox", "email", "apprise")
# The word of a body outside, whoever typed it: a former agency's score, the Party committee's opinion.
OUTSIDE_WORDS = (PeriodResultReceived, OpinionRecorded)


class Span(NamedTuple):
    """Where the events of a notice stand: of one log, from one position to another."""

    source: str
    first: int
    last: int


def about(events: Sequence[Envelope]) -> str:
    """What a notice of these events (at least one, in order) is about."""
    first, last = events[0].position, events[-1].position
    return f"{KIND}/{source_of(events[0])}/{first}" + (f"-{last}" if last > first else "")


def span_of(about: str) -> Span | None:
    """The events that a notice is about; None for any other reminder."""
    kind, _, of = about.partition("/")
    if kind != KIND:
        return None
    source, _, positions = of.partition("/")
    first, _, last = positions.partition("-")
    return Span(source, int(first), int(last or first))


def source_of(event: Envelope) -> str:
    return event.source.removeprefix("/")


def wanted(view: View, events: Iterable[Envelope]) -> list[Wanted]:
    """The notices of events of one log, in the order of their recording: one for each append, rule, person and
    channel.

    Nobody stands in for an absent person, and only channels that they switched off themselves stay silent: otherwise
    whoever types in their name could also decide that they do not hear of it.
    """
    return [
        Wanted(
            about=about(theirs),
            rule=rule,
            run_on=theirs[0].day,
            recipient=staff,
            channel=channel,
            urgency="immediate",
            wanted_at=theirs[0].time,
        )
        for append in _appends(filter(concerns_anybody, events))
        for (rule, staff), theirs in told_in(view.records, append).items()
        for channel in channels_to(view, staff, CHANNELS, by_others=False)
    ]


def _appends(events: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """What was recorded together, such as the tasks of an imported annex."""
    for _, together in groupby(events, key=lambda each: (each.time, each.actor, each.correlationid)):
        yield list(together)


def concerns_anybody(event: Envelope) -> bool:
    """May somebody have to hear of an event? Cheap, and never wrong in its no."""
    return type(event.data) in TOUCHES or bool(typed_for(event)) or by_outside(event.data)


def tasks_named(events: Iterable[Envelope]) -> set[str]:
    """The tasks whose records say whom these events touch."""
    return {task for event in events if (task := getattr(event.data, "task", None))}


def by_outside(data: Any) -> bool:
    """Was it decided outside the commune, and typed here?"""
    return getattr(data, "by", None) == EXTERNAL or isinstance(data, OUTSIDE_WORDS)


def told_in(records: Records, append: Sequence[Envelope]) -> dict[tuple[str, str], list[Envelope]]:
    """By rule and person, the events of one append that they must hear of. `records` need people, units and the tasks
    that the events name."""
    told: dict[tuple[str, str], list[Envelope]] = {}
    leaders: list[str] | None = None
    for event in append:
        hear = [(TYPED, staff) for staff in sorted(typed_for(event))]
        for rule, concerned in _about_others(records, event):
            if leaders is None:
                leaders = _leaders(records, event)
            hear += [(rule, staff) for staff in dict.fromkeys([*concerned, *leaders])]
        if event.actor != f"service{event.source}":
            known = {staff for _, staff in hear}
            hear += [(ABOUT, staff) for staff in sorted(touched(records, event) - known)]
        for rule, staff in hear:
            if event.actor != f"staff/{staff}":
                told.setdefault((rule, staff), []).append(event)
    return told


def _about_others(records: Records, event: Envelope) -> Iterator[tuple[str, list[str]]]:
    """By rule, the people an event is about that they and the Chairman must hear of."""
    data = event.data
    if by_outside(data):
        yield OUTSIDE, sorted(touched(records, event))
    if isinstance(data, StaffAppointed | StaffChanged) and not OF_JUDGES.keys().isdisjoint(changes(records, event)):
        yield JUDGES, [data.staff]
    if isinstance(data, StaffLeft) and (judged := _judged_by(records, event)):
        yield JUDGES, judged
    if isinstance(data, CommuneSettingsChosen) and (rated := touched(records, event)):
        yield JUDGES, sorted(rated)


def _judged_by(records: Records, event: Envelope) -> list[str]:
    """Whose tracker or rater has left."""
    posts = posts_on(records, event.day, event.time)
    return sorted(staff for staff, post in posts.items() if event.data.staff in (post.tracker, post.rater))


def _leaders(records: Records, event: Envelope) -> list[str]:
    """The Chairman; while there is none, the vice-chairs."""
    posts = posts_on(records, local_day(event.time), event.time)
    return holders(posts, "chair") or holders(posts, "vice_chair")
