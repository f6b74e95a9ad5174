"""What a sheet rests on and was recorded late: dated back within its year by more than LATE_DAYS."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from services.scoring.domain import records as kept
from services.scoring.domain import texts
from services.scoring.domain.post_changes import BEGINS, around, changed
from services.scoring.domain.records import Moment, PersonRecord, Records, TaskRecord, UnitRecord
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.sheet import Sheet
from services.scoring.domain.standing import moments_of
from shared.events.since import LATE_DAYS, days_before, since
from shared.events.values import EXTERNAL
from shared.roles import OF_RATING

_DAY = timedelta(days=1)


class _Told(NamedTuple):
    """What a moment says of some days, in words."""

    words: str
    first: date
    last: date = date.max


def recorded_late(records: Records, of: Sheet) -> Iterator[tuple[str, EventRef]]:
    """The events with their sentences."""
    begun = _begun(records)
    for moment, told in _of_the_record(records, of):
        first = max(told.first, begun, date(of.year, 1, 1))
        if first <= min(told.last, date(of.year, 12, 31)) and (moment.day - first).days > LATE_DAYS:
            days = (moment.day - told.first).days
            what = "unit" if isinstance(moment, kept.Defined) else None
            yield texts.LATE.format(what=told.words, day=told.first, days=days), ref("tasks", moment, what)
    for task in of.tasks:
        yield from _of_task(records.tasks[task.task])
    yield from _of_year(records, of)


def _begun(records: Records) -> date:
    """The day of the first event of the log: nothing could be recorded before."""
    opened = moments_of(records, "commune", records.commune)
    return opened[0].day if opened else date.min


# The person's record


def _of_the_record(records: Records, of: Sheet) -> Iterator[tuple[Moment, _Told]]:
    person = records.people[of.staff]
    for index, moment in enumerate(person.moments):
        for told in _of_person(person, index, of.year):
            yield moment, told
    for unit in records.by_kind["unit"].values():
        yield from _of_unit(unit, of.staff)


def _of_person(person: PersonRecord, index: int, year: int) -> Iterator[_Told]:
    moment = person.moments[index]
    if isinstance(moment, kept.Absence):
        yield _of_absence(person, index)
    elif isinstance(moment, kept.Disciplined):
        yield from _of_act(moment, year, texts.LATE_DISCIPLINE)
    elif isinstance(moment, kept.Withdrawn):
        acts = [each for each in person.moments[:index] if isinstance(each, kept.Disciplined)]
        withdrawn = [each for each in acts if each.data.act == moment.data.act][-1:]
        yield from (told for each in withdrawn for told in _of_act(each, year, texts.LATE_WITHDRAWAL))
    elif isinstance(moment, kept.Left):
        yield _Told(texts.LATE_LEFT, BEGINS[kept.Left](moment.data))
    elif isinstance(moment, kept.Appointed | kept.Changed):
        yield from _of_post(person, index)


def _of_post(person: PersonRecord, index: int) -> Iterator[_Told]:
    """What changes of a post but for who judges, which is flagged anyway; or that there is a post at all."""
    moment: Any = person.moments[index]
    day = moment.data.valid_from
    if index == 0:
        yield _Told(texts.LATE_POST, day)
    for name, words in OF_RATING.items():
        for said in changed(person, index, day, {name: words}):
            yield _Told(said, _counted_from(person, index, day) if name == "service_from" else day)


def _counted_from(person: PersonRecord, index: int, day: date) -> date:
    """Time worked is counted from the day that is noted, whenever the note takes force."""
    return min([day, *(post.service_from for post in around(person, index, day) if post and post.service_from)])


def _of_absence(person: PersonRecord, index: int) -> _Told:
    """The days that an absence takes or gives back: all of them, or where it differs from the record it replaces."""
    moment: Any = person.moments[index]
    new = moment.data
    earlier = [each.data for each in person.moments[:index] if isinstance(each, kept.Absence)]
    replaced = [each for each in earlier if each.absence == new.absence][-1:]
    end = new.to or date.max
    if replaced and (replaced[0].kind, replaced[0].from_) == (new.kind, new.from_):
        ends = sorted([replaced[0].to or date.max, end])
        return _Told(texts.LATE_ABSENCE, ends[0] + _DAY if ends[0] < date.max else date.max, ends[1])
    spans = [(each.from_, each.to or date.max) for each in (*replaced, new)]
    return _Told(texts.LATE_ABSENCE, min(first for first, _ in spans), max(last for _, last in spans))


def _of_act(moment: kept.Disciplined, year: int, words: str) -> Iterator[_Told]:
    """A disciplined act counts in one year."""
    decided = moment.data.decision_date
    if (moment.data.used_in_year or decided.year) == year:
        yield _Told(words, decided)


def _of_unit(unit: UnitRecord, staff: str) -> Iterator[tuple[Moment, _Told]]:
    """Who heads a unit: a head's rating follows the unit's."""
    for index, moment in enumerate(unit.moments):
        day, head = moment.data.valid_from, moment.data.head
        earlier = [each.data for each in unit.moments[:index] if each.data.valid_from <= day]
        before = max(reversed(earlier), key=lambda each: each.valid_from).head if earlier else None
        if head != before and staff in (head, before):
            said = texts.CHANGED.format(
                what=f"người đứng đầu {unit.unit}", old=before or "chưa ghi", new=head or "chưa ghi"
            )
            yield moment, _Told(said, day)


# Tasks and the procedure


def _of_task(task: TaskRecord) -> Iterator[tuple[str, EventRef]]:
    for moment in task.moments:
        if not isinstance(moment, kept.Assigned | kept.DueRevised):
            continue
        given = moment.assigned_on if isinstance(moment, kept.Assigned) else None
        if given and (moment.day - given).days > LATE_DAYS:
            days = (moment.day - given).days
            yield texts.LATE.format(what=f"giao việc “{task.title}”", day=given, days=days), ref("tasks", moment)
        if moment.due and moment.due < moment.day:
            yield texts.PAST_DUE.format(title=task.title, due=moment.due), ref("tasks", moment)


def _of_year(records: Records, of: Sheet) -> Iterator[tuple[str, EventRef]]:
    """A decision or notice that is dated back, but for what came from above with its paper; what was chosen for the
    year after its end."""
    for moment in moments_of(records, "rating", f"{of.year}/{of.staff}"):
        days = days_before(moment.data, moment.day)
        if days > LATE_DAYS and getattr(moment.data, "by", None) != EXTERNAL:
            event = ref("scoring", moment)
            yield texts.LATE.format(what=texts.EVENTS[event.what], day=since(moment.data), days=days), event
    for moment in moments_of(records, "year", str(of.year)):
        chosen = isinstance(moment, kept.Chosen | kept.RuleSetPick)
        if (
            chosen
            and moment.day > date(of.year, 12, 31)
            and getattr(moment.data, "category", of.category) == of.category
        ):
            yield texts.CHOSEN_LATE.format(year=of.year), ref("scoring", moment)
