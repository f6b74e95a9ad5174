"""The course of a year's procedure: for the commune and for each person what is done, and what comes next."""

from datetime import date

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain import refusals, texts
from services.scoring.domain.procedure.steps import needs_opinion
from services.scoring.domain.records import Records
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.settings import cut_off, on_month_day, settings_of
from services.scoring.domain.sheet import sheet
from services.scoring.domain.standing import Standing, Step, next_step, on_the_list, since, standing


class PersonCourse(msgspec.Struct, frozen=True):
    """A person's year; `since` lists what was recorded behind the positions that the level in force rests on."""

    standing: Standing
    next: Step
    next_text: str
    since: list[EventRef]


class OpenAppeal(msgspec.Struct, frozen=True):
    """An appeal to resolve, and until when. Its text is only for the person and the one who decides."""

    appeal: str
    received_on: date
    due: date


class Line(msgspec.Struct, frozen=True):
    staff: str
    standing: str
    level: str | None
    level_text: str | None
    next: Step
    next_text: str
    open_appeal: OpenAppeal | None


class Held(msgspec.Struct, frozen=True):
    """A meeting as its minutes have it."""

    held_on: date
    present: int
    absent: int
    votes: int
    minutes_sha256: str | None


class Course(msgspec.Struct, frozen=True):
    """`late`: the deadline of the year's decisions has passed and a person is undecided."""

    commune: str
    year: int
    decision_by: date
    late: bool
    meetings: list[Held]
    published_on: list[date]
    people: list[Line]


def person_course(records: Records, year: int, staff: str, on: date) -> PersonCourse:
    """Where a person's year stands as of the end of a day. Refuses `staff-unknown`."""
    of = standing(records, year, staff)
    following = next_step(of, opinion_needed=needs_opinion(_post(records, year, staff, on)))
    known_now = sheet(records, year, staff, on=on)
    return PersonCourse(of, following, texts.NEXT[following], since(records, of, known_now))


def course_of(records: Records, year: int, on: date) -> Course:
    """Where the year of everyone who is rated stands as of the end of a day."""
    people = [_line(records, year, staff, on) for staff in on_the_list(records, year, on)]
    record: kept.YearRecord | None = records.get("year", str(year))
    moments = record.moments if record else []
    decision_by = on_month_day(year, settings_of(records, year).decision_by)
    return Course(
        commune=records.commune,
        year=year,
        decision_by=decision_by,
        late=on > decision_by and any(line.standing in ("computed", "proposed") for line in people),
        meetings=[_held(moment) for moment in moments if isinstance(moment, kept.Meeting)],
        published_on=[moment.data.on for moment in moments if isinstance(moment, kept.Published)],
        people=people,
    )


def _line(records: Records, year: int, staff: str, on: date) -> Line:
    of = standing(records, year, staff)
    following = next_step(of, opinion_needed=needs_opinion(_post(records, year, staff, on)))
    waiting = [OpenAppeal(each.appeal, each.received_on, each.due) for each in of.appeals if each.outcome is None]
    return Line(
        staff, of.kind, of.level, of.level_text, following, texts.NEXT[following], waiting[0] if waiting else None
    )


def _held(moment: kept.Meeting) -> Held:
    said = moment.data
    return Held(said.held_on, said.present, said.absent, len(said.votes), said.minutes_sha256)


def _post(records: Records, year: int, staff: str, on: date) -> Post:
    post = post_on(records.people[staff], min(on, cut_off(records, year)))
    if post is None:
        raise refusals.STAFF_UNKNOWN(staff=staff)
    return post
