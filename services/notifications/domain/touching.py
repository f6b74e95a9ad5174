"""Whose rating an event touches: whoever else recorded it, they hear of it at once (docs/adr/0030).

Every event there is stands here once: in TOUCHES with whom it touches, or in DECLINED with why nobody hears of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from services.notifications.domain import records as kept
from services.notifications.domain.people import Post, post_on, unit_on
from services.notifications.domain.records import PersonRecord, Records
from shared import events as ev
from shared.events import Envelope
from shared.events.authors import typed_for
from shared.events.since import days_before, past_due
from shared.roles import OF_JUDGES, OF_RATING

LAST = "~"  # after every recorded time

Touches = Callable[[Records, Envelope], Iterable[str]]


def _person(_: Records, event: Envelope) -> Iterable[str]:
    return [event.data.staff]


def _people(_: Records, event: Envelope) -> Iterable[str]:
    staff: list[str] = event.data.staff
    return staff


def _voted_on(_: Records, event: Envelope) -> Iterable[str]:
    return [vote.staff for vote in event.data.votes]


def _confirmed(_: Records, event: Envelope) -> Iterable[str]:
    """A stage `self` is the person's own word."""
    return [event.data.staff] if event.data.stage == "confirmed" else []


def _of_post(records: Records, event: Envelope) -> Iterable[str]:
    return [event.data.staff] if changes(records, event) else []


def _heads(records: Records, event: Envelope) -> Iterable[str]:
    """Whoever heads the unit by this, and whoever did before."""
    unit = records.units.get(event.data.unit)
    earlier = [moment.data for moment in unit.moments if moment.position < event.position] if unit else []
    before = [each for each in earlier if each.valid_from <= event.data.valid_from]
    last = max(reversed(before), key=lambda each: each.valid_from) if before else None
    return [head for head in (last.head if last else None, event.data.head) if head]


def _answer_for(records: Records, event: Envelope) -> Iterable[str]:
    """Those who head or lead the unit."""
    unit = unit_on(records, event.data.unit, event.day, event.time)
    posts = {staff: post_on(person, event.day, event.time) for staff, person in records.people.items()}
    leading = [staff for staff, post in posts.items() if post and post.leads_unit == event.data.unit]
    return [*leading, *([unit.head] if unit and unit.head else [])]


def _lead(records: Records, event: Envelope) -> Iterable[str]:
    task = records.tasks.get(event.data.task)
    return [task.lead] if task else []


def _lead_when_typed(records: Records, event: Envelope) -> Iterable[str]:
    """An answer in the course of a task: its state shows it, and reminders follow it in their hours. Typed by another
    than who decided, it is told at once."""
    return _lead(records, event) if typed_for(event) else []


def _lead_of_what_is_dated_back(_: Records, event: Envelope) -> Iterable[str]:
    data, day = event.data, event.day
    return [data.lead] if days_before(data, day) or past_due(data, day) else []


def _rated(records: Records, event: Envelope) -> Iterable[str]:
    """Everybody rated on the day of recording."""
    return _rated_on(records, event, [event.day])


def _rated_then(records: Records, event: Envelope) -> Iterable[str]:
    """Everybody rated (in the category), on the day of recording or on a day of the year that is chosen for."""
    year, category = event.data.year, getattr(event.data, "category", None)
    first, last = date(year, 1, 1), date(year, 12, 31)
    begun = {
        moment.data.valid_from
        for person in records.people.values()
        for moment in person.moments
        if isinstance(moment, kept.Appointed | kept.Changed)
    }
    days = [event.day, first, *(day for day in begun if first < day <= last)]
    return _rated_on(records, event, days, category)


def _rated_on(records: Records, event: Envelope, days: Iterable[date], category: str | None = None) -> Iterator[str]:
    for staff, person in records.people.items():
        posts = (post_on(person, day, event.time) for day in days)
        if any(post and post.rated and category in (None, post.category) for post in posts):
            yield staff


def _rated_where_judges_are_chosen(records: Records, event: Envelope) -> Iterable[str]:
    return _rated(records, event) if "tracker_verifies" in event.data.settings else []


TOUCHES: Mapping[type, Touches] = {
    # A person's record
    ev.StaffAppointed: _of_post,
    ev.StaffChanged: _of_post,
    ev.StaffLeft: _person,
    ev.AbsenceRecorded: _person,
    ev.StaffDisciplined: _person,
    ev.DisciplineWithdrawn: _person,
    ev.UnitDefined: _heads,
    # Their tasks
    ev.TaskAssigned: _lead_of_what_is_dated_back,
    ev.TemplateSet: _lead_of_what_is_dated_back,
    ev.TaskCorrected: _lead,
    ev.CoefficientCorrected: _lead,
    ev.DueConfirmed: _lead,
    ev.DueRecomputed: _lead,
    ev.ExtensionGranted: _lead_when_typed,
    ev.ExtensionRefused: _lead_when_typed,
    ev.ResultReturned: _lead_when_typed,
    ev.ObjectiveCauseConfirmed: _lead,
    ev.TaskHandedBack: _lead,
    ev.TaskCancelled: _lead_when_typed,
    ev.TaskReopened: _lead_when_typed,
    # Their year
    ev.CommonAssessed: _confirmed,
    ev.LeaderCriteriaRecorded: _person,
    ev.PeriodResultReceived: _person,
    ev.UnitResultRecorded: _answer_for,
    ev.PeriodClosed: _people,
    ev.PeriodReopened: _people,
    ev.MeetingRecorded: _voted_on,
    ev.OpinionRecorded: _person,
    ev.RatingDecided: _person,
    ev.ReRated: _person,
    ev.RatingNotified: _person,
    ev.AppealResolved: _person,
    # Chosen for everybody
    ev.CommuneSettingsChosen: _rated_where_judges_are_chosen,
    ev.SettingsChosen: _rated_then,
    ev.RuleSetChosen: _rated_then,
}

NO_RATING = "No rating rests on it"
OWN_WORD = "The person's own word; typed by another it is told as such"
IN_PARTS = "What it does to people is said by events of its own"
COMPUTED = "Computed from what was told"
CARRIED = "A merger carries over what is known"
DECLINED: Mapping[type, str] = {
    ev.CheckpointSigned: NO_RATING,
    ev.CommuneOpened: NO_RATING,
    ev.CommuneRenamed: NO_RATING,
    ev.CommuneClosed: NO_RATING,
    ev.DirectiveIssued: NO_RATING,
    ev.DirectiveAmended: NO_RATING,
    ev.DirectiveWithdrawn: NO_RATING,
    ev.CalendarPublished: IN_PARTS,
    ev.ImportConfirmed: IN_PARTS,
    ev.TaskDrafted: "A row that waits is no task yet",
    ev.DraftSettled: IN_PARTS,
    ev.TemplateEnded: "It takes no task away; those to come are not opened",
    ev.TaskAcknowledged: OWN_WORD,
    ev.ProgressNoted: NO_RATING,
    ev.TaskCompleted: "The answer to the lead's own report; its state shows it",
    ev.ExtensionRequested: OWN_WORD,
    ev.ResultReported: OWN_WORD,
    ev.SelfAssessed: OWN_WORD,
    ev.RatingAppealed: OWN_WORD,
    ev.RatingProposed: COMPUTED,
    ev.ScoreUpdated: COMPUTED,
    ev.RatingsPublished: "Everybody reads it",
    ev.StaffTakenOver: CARRIED,
    ev.TaskCarriedOver: CARRIED,
    ev.PolicyPublished: NO_RATING,
    ev.PreferencesChanged: NO_RATING,
    ev.ReminderQueued: NO_RATING,
    ev.ReminderSent: NO_RATING,
    ev.ReminderDelivered: NO_RATING,
    ev.ReminderSentByHand: NO_RATING,
    ev.ReminderFailed: NO_RATING,
    ev.ReminderSuppressed: NO_RATING,
    ev.ReminderAcknowledged: NO_RATING,
    ev.ReminderEscalated: NO_RATING,
    ev.UrgingSlipIssued: NO_RATING,
}


def touched(records: Records, event: Envelope) -> set[str]:
    """The staff ids whose rating rests on what an event says. `records` need people, units and the tasks named."""
    touches = TOUCHES.get(type(event.data))
    return set(touches(records, event)) if touches else set()


def changes(records: Records, event: Envelope) -> dict[str, tuple[Any, Any]]:
    """By field, what an event changed of a post that a rating rests on: from what to what. A first appointment changes
    nothing."""
    data = event.data
    person = records.people.get(data.staff)
    if person is None:
        return {}
    before, after = (_post(person, event, including=including) for including in (False, True))
    if before is None or after is None:
        return {}
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in (*OF_JUDGES, *OF_RATING)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _post(person: PersonRecord, event: Envelope, *, including: bool) -> Post | None:
    """The post on the day an event takes force, before or after it; of a day before their first post, that one. Who
    left and comes back is compared with the post that they left."""
    known: list[Any] = [
        moment
        for moment in person.moments
        if moment.position < event.position + including and not isinstance(moment, kept.Left)
    ]
    begun = [moment.data.valid_from for moment in known if isinstance(moment, kept.Appointed)]
    if not begun:
        return None
    return post_on(PersonRecord(person.staff, known), max(event.data.valid_from, min(begun)), LAST)
