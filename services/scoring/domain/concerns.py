"""Whom a command concerns: nobody decides, nor types, what their own rating rests on (ADR 0029)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from services.scoring.domain import refusals
from services.scoring.domain.context import Command, Context, rater_of
from services.scoring.domain.records import Appointed, Changed, PersonRecord
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.settings import cut_off
from shared.events.values import EXTERNAL
from shared.roles import titled


class Exempt(NamedTuple):
    """Why the person concerned may send a command all the same."""

    reason: str


# Who may send it instead of a person, one of the people concerned, in words; an empty text: nobody in post may.
Instead: TypeAlias = Callable[[Context, str, Collection[str]], str]


class Concerns(NamedTuple):
    """`people`: the staff ids whose rating rests on what the command records. They neither decide nor type it."""

    people: Callable[[Context, Any], Collection[str]]
    instead: Instead


OWN_ACT = Exempt("The person's own word: they say it, or the Office types it for them.")
ALL_ALIKE = Exempt("For everybody at once, by the same rules; it is refused when only the sender's own is left.")
NO_RATING = Exempt("No rating rests on it.")


def must_not_concern_the_sender(concerns: Concerns | Exempt, context: Context, command: Command) -> None:
    """Refuses a command about the one who types it or in whose name it is typed (`rates-oneself`)."""
    if isinstance(concerns, Concerns):
        _must_not_be_among(context, command, concerns.people(context, command), concerns.instead)


def must_not_be_for_the_sender_alone(
    context: Context, command: Command, people: Collection[str], instead: Instead
) -> None:
    """Refuses what is done for all alike when nobody but the sender is left (`rates-oneself`)."""
    if len(people) == 1:
        _must_not_be_among(context, command, people, instead)


def _must_not_be_among(context: Context, command: Command, people: Collection[str], instead: Instead) -> None:
    for staff in (getattr(command, "by", None), context.actor):
        if staff is not None and staff in people:
            raise refusals.RATES_ONESELF(
                staff=staff, instead=instead(context, staff, people) or refusals.NOBODY_INSTEAD
            )


# Whom


def the_person(_: Context, command: Any) -> Collection[str]:
    return {command.staff}


def the_person_unless_self_assessed(_: Context, command: Any) -> Collection[str]:
    """A stage `self` is the person's own word."""
    return {command.staff} if command.stage == "confirmed" else ()


def the_people_named(_: Context, command: Any) -> Collection[str]:
    """Without names it is for all alike."""
    return command.staff or ()


def the_people_voted_on(_: Context, command: Any) -> Collection[str]:
    return {vote.staff for vote in command.votes}


def the_rated(context: Context, command: Any) -> Collection[str]:
    """Everybody whose rating follows what is chosen for all (of a category), by a post of today or of the year that it
    is chosen for: the Chairman decides it, is rated above, and types it without anybody who is rated by it."""
    category = getattr(command, "category", None)
    return {
        staff
        for staff in context.records.people.keys() | context.posts.keys()
        for post in _posts(context, staff, command.year)
        if post.rated and category in (None, post.category) and "chair" not in post.roles
    }


def _posts(context: Context, staff: str, year: int) -> Iterator[Post]:
    """The post of today, and those of the year; whose year goes by the post of a Chairman is rated above for all of
    it."""
    if staff in context.posts:
        yield context.posts[staff]
    person = context.records.people.get(staff)
    if person is not None:
        counted = post_on(person, min(context.today, cut_off(context.records, year)))
        if counted is not None and "chair" not in counted.roles:
            yield from _posts_during(person, year)


def _posts_during(person: PersonRecord, year: int) -> Iterator[Post]:
    """Every post held on a day of the calendar year, each as often as something of it took force."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    begun = {moment.data.valid_from for moment in person.moments if isinstance(moment, Appointed | Changed)}
    for day in sorted({first, *(day for day in begun if first < day <= last)}):
        post = post_on(person, day)
        if post is not None and post.in_post:
            yield post


def must_choose_for_all(context: Context, command: Any) -> str:
    """In whose name something is chosen for a year: the Chairman's, typed by those who may type for them; where it
    concerns every Chairman, or there is none, that of an administrator whose own rating does not rest on it.

    Refuses: others (`acts-for-another`, `chair-only`).
    """
    by: str | None = command.by or context.actor
    rated = the_rated(context, command)
    no_chair_may = all(chair in rated for chair in context.holders("chair"))
    if context.is_administrator and by == context.actor and no_chair_may:
        return by or context.operator
    if by is None:
        raise refusals.CHAIR_ONLY(by=context.operator)
    if not context.is_administrator:
        context.must_act_for(by)
    if not context.has_role(by, "chair"):
        raise refusals.CHAIR_ONLY(by=by)
    return by


# Who may instead


def the_rater(context: Context, staff: str, people: Collection[str]) -> str:
    rater = rater_of(context, staff)
    if rater == EXTERNAL:
        return _above(context, staff)
    return _named(context, context.holders("chair") if rater is None else [rater], staff)


def the_tracker_or_rater(context: Context, staff: str, people: Collection[str]) -> str:
    post = context.posts.get(staff)
    tracker = _named(context, [post.tracker], staff) if post and post.tracker else ""
    return "; ".join(filter(None, (tracker, the_rater(context, staff, people))))


def the_chair(context: Context, staff: str, _: Collection[str]) -> str:
    return _named(context, context.holders("chair"), staff)


def the_chair_or_an_administrator(context: Context, staff: str, people: Collection[str]) -> str:
    """What is chosen for a year: a Chairman whose own rating does not rest on it, else an administrator."""
    free = [chair for chair in context.holders("chair") if chair not in people]
    return _named(context, free, staff) or ADMINISTRATOR


def the_chair_or_above(context: Context, staff: str, people: Collection[str]) -> str:
    """A unit's result: the Chairman records it, the level above that of what the Chairman leads."""
    return _above(context, staff) if context.holds(staff, "chair") else the_chair(context, staff, people)


def a_keeper(context: Context, staff: str, people: Collection[str]) -> str:
    """Whoever keeps the papers of the procedure: the Office; of the Office's own people the Chairman or a deputy."""
    leaders = context.holders("chair", "vice_chair") if context.is_of_the_office({staff}) else []
    return _named(context, [*context.holders("office"), *leaders], staff)


def a_keeper_or_the_chair(context: Context, staff: str, people: Collection[str]) -> str:
    leaders = ("chair", "vice_chair") if context.is_of_the_office({staff}) else ("chair",)
    return _named(context, [*context.holders("office"), *context.holders(*leaders)], staff)


def _above(context: Context, staff: str) -> str:
    recorders = [_named(context, context.holders("chair", "admin"), staff), "người quản trị hệ thống"]
    said = " hoặc ".join(filter(None, recorders))
    return f"cấp trên quyết định, {said} ghi kèm số, ngày và mã SHA-256 của văn bản"


def _named(context: Context, people: Iterable[str], without: str) -> str:
    """Posts and ids of those of the people who are in post, each once."""
    found = [staff for staff in dict.fromkeys(people) if staff != without and context.is_in_post(staff)]
    return ", ".join(titled(staff, context.posts[staff].roles) for staff in found)


ADMINISTRATOR = "người quản trị hệ thống không được xếp loại theo đó, tự đứng tên (không ghi by), kèm lý do"
