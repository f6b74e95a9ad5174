"""When queued reminders may go out, and which go out together: once, for all channels.

Everything that waits (for the end of quiet hours, for a digest, for a service that was down) goes out as one message
per recipient and channel at the next opening. Only what is immediate and was queued in time goes out alone; acts that a
person must hear of at once wait for nothing but that person's own quiet hours (docs/adr/0030).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from services.notifications.domain.occurrence import Occurrence
from services.notifications.domain.preferences import chosen_by
from services.notifications.domain.rules import AT_ONCE
from shared.calendar import CalendarMissing, Calendars
from shared.events import (
    VIETNAM,
    PolicyPublished,
    PolicyRule,
    PreferencesChanged,
    Quiet,
    Span,
    format_time,
    local_day,
    parse_time,
)

# A reminder queued later than this after its rule's time was missed, and comes with the others that were.
LATE = timedelta(hours=1)
# Tết closes ten days at most: a person who is quiet for longer chose to be, and is looked at again then.
LOOK_AHEAD_DAYS = 31
# Above the Office, a message does not wait for a digest that its recipient prefers.
ESCALATIONS = frozenset({"vice_chair", "chair"})

SATURDAY = 5


class Group(msgspec.Struct, frozen=True):
    """One message to one recipient by one channel. `catch_up`: some of it was missed."""

    recipient: str
    channel: str
    occurrences: tuple[Occurrence, ...]
    catch_up: bool = False


class Terms(msgspec.Struct, frozen=True):
    """What decides the release at a moment: the policy in force, people's preferences, the calendars in force."""

    policy: PolicyPublished
    preferences: Mapping[str, PreferencesChanged]
    calendars: Calendars

    def opening(self, recipient: str, at: str) -> str | None:
        """The next moment that a recipient may get messages, None when that is now. Other systems have only the quiet
        hours of the policy."""
        chosen = self.preferences.get(recipient)
        return opening(self.policy.quiet, chosen.quiet if chosen else None, self.calendars, at)

    def opening_for(self, of: Occurrence, at: str) -> str | None:
        """The same for an occurrence. What must be heard at once lies in the inbox at any hour, as that makes no sound;
        elsewhere it waits only for quiet hours that its recipient chose: those of the policy are the Office's word."""
        if of.rule not in AT_ONCE:
            return self.opening(of.recipient, at)
        chosen = chosen_by(self.preferences, of.recipient, by_others=False)
        if of.channel == "inbox" or chosen is None:
            return None
        return opening(AT_ALL_HOURS, chosen.quiet, self.calendars, at)


AT_ALL_HOURS = Quiet(spans=[], days_off=False)


def opening(quiet: Quiet, personal: list[Span] | None, calendars: Calendars, at: str) -> str | None:
    """The next moment outside the quiet hours of policy and person, None when `at` (RFC 3339 in UTC) is one. Where
    nothing opens within a month, the moment to look again."""
    spans = [*quiet.spans, *(personal or [])]
    now = parse_time(at).astimezone(VIETNAM)

    def is_quiet(moment: datetime) -> bool:
        off = quiet.days_off and not _is_working(calendars, moment.date())
        return off or any(_within(span, moment.time()) for span in spans)

    if not is_quiet(now):
        return None
    begins = sorted({time.min, *(_clock(span.to) for span in spans)})
    for days in range(LOOK_AHEAD_DAYS):
        for begin in begins:
            moment = datetime.combine(now.date() + timedelta(days), begin, VIETNAM)
            if moment > now and not is_quiet(moment):
                return format_time(moment)
    return format_time(now + timedelta(LOOK_AHEAD_DAYS))


def _is_working(calendars: Calendars, day: date) -> bool:
    try:
        return calendars.is_working(day)
    except CalendarMissing:
        # Nothing is counted here: better a message on a day off than silence for a year.
        return day.weekday() < SATURDAY


def _within(span: Span, moment: time) -> bool:
    begin, end = _clock(span.from_), _clock(span.to)
    return begin <= moment < end if begin < end else moment >= begin or moment < end


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def ready_at(occurrence: Occurrence, terms: Terms) -> tuple[str, bool]:
    """From when an occurrence may go out, quiet hours aside, and whether it goes alone."""
    if occurrence.rule in AT_ONCE:
        return occurrence.queued_at, True
    rule = _rule(terms.policy, occurrence.rule)
    alone = occurrence.urgency == "immediate" and _in_time(occurrence, terms)
    digest = _clock(terms.policy.digest.at)
    if alone:
        chosen = terms.preferences.get(occurrence.recipient)
        if not (chosen and chosen.digest) or occurrence.by or (rule and rule.escalates_to in ESCALATIONS):
            return occurrence.queued_at, True
        too_late = rule is not None and _clock(rule.at) > digest
        return _at(occurrence.run_on + timedelta(too_late), digest), False
    if occurrence.urgency == "digest":
        return _at(occurrence.run_on, digest), False
    return occurrence.queued_at, False


def _rule(policy: PolicyPublished, name: str) -> PolicyRule | None:
    return next((rule for rule in policy.rules if rule.rule == name), None)


def _in_time(occurrence: Occurrence, terms: Terms) -> bool:
    """Queued on its day, in opening hours, and not missed."""
    queued = occurrence.queued_at
    opens = terms.opening_for(occurrence, queued)
    return local_day(queued) == occurrence.run_on and opens is None and not missed(occurrence, terms.policy)


def missed(occurrence: Occurrence, policy: PolicyPublished) -> bool:
    """Queued well after its rule's time: the service was not running."""
    rule = _rule(policy, occurrence.rule)
    if rule is None or occurrence.by:
        return False
    return parse_time(occurrence.queued_at) - _moment(occurrence.run_on, _clock(rule.at)) > LATE


def _at(day: date, clock: time) -> str:
    return format_time(_moment(day, clock))


def _moment(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, VIETNAM).astimezone(UTC)


def groups(queued: Iterable[Occurrence], terms: Terms, at: str) -> tuple[list[Group], str | None]:
    """What goes out at a moment (RFC 3339 in UTC), and when there may be more of these; None: there are no more."""
    alone: list[Group] = []
    merged: dict[tuple[str, str, bool], list[Occurrence]] = {}
    openings: dict[tuple[str, str, bool], str | None] = {}
    later: list[str] = []
    for each in queued:
        at_once = each.rule in AT_ONCE
        to = (each.recipient, each.channel, at_once)
        if to not in openings:
            openings[to] = terms.opening_for(each, at)
        ready, by_itself = ready_at(each, terms)
        opens = openings[to]
        if ready > at or opens is not None:
            later.append(max(ready, opens or ready))
        elif by_itself and not at_once:
            alone.append(Group(each.recipient, each.channel, (each,)))
        else:
            # Several acts at once are one message too, but apart from the day's reminders.
            merged.setdefault(to, []).append(each)
    together = [group_of(found, terms.policy) for found in merged.values()]
    return [*alone, *together], min(later, default=None)


def group_of(occurrences: Sequence[Occurrence], policy: PolicyPublished) -> Group:
    """Occurrences of one recipient and channel (at least one) as one message."""
    first = occurrences[0]
    catch_up = any(missed(each, policy) for each in occurrences)
    return Group(first.recipient, first.channel, tuple(occurrences), catch_up)
