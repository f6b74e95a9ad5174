"""What people and programs ask of reminding: the worklist, reminders and inboxes, what a moment would send, why nobody
was reminded, slips, the week and the month."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy import select

from services.notifications import act_words, outside_log, tables, views
from services.notifications.access import person, sees_all
from services.notifications.channels.interface import Contact, Undeliverable
from services.notifications.documents import slips as documents
from services.notifications.domain import published, refusals, weekly
from services.notifications.domain.acts import span_of, tasks_named, told_in
from services.notifications.domain.occurrence import Occurrence, State, Wanted, task_of
from services.notifications.domain.plan import Problem, View, plan
from services.notifications.domain.records import Records
from services.notifications.domain.slips import IssuedSlip, IssueSlips
from services.notifications.domain.texts import CHANNELS, REASONS, RULES, STATES, WHY
from services.notifications.domain.weekly import Month, ReachedRecipient, Week
from services.notifications.domain.why import Line, why
from services.notifications.domain.worklist import Worklist, worklist
from services.notifications.reach import replicas_are_filled
from services.notifications.words import period_words
from shared.eventlog import reading, snapshot
from shared.events import (
    VIETNAM,
    Envelope,
    PreferencesChanged,
    decode,
    end_of_day,
    format_time,
    local_day,
    parse_time,
    type_name,
)
from shared.projection import replay
from shared.web.answers import answer_of
from shared.web.auth import Principal

if TYPE_CHECKING:
    from services.notifications.outside_log import Endpoint
    from services.notifications.service import Notifications

# Before every recorded time.
EVER = ""


def view_at(service: "Notifications", commune: str, at: str, *, since: str = EVER, queued_later: bool = False) -> View:
    """What is known of a commune for planning at a time (RFC 3339 in UTC): its records without the tasks that had come
    to their end by `since`, and of its own log what was recorded by `at`. `queued_later`: what was queued after `at`
    counts as queued too, as it does for live planning."""
    with snapshot(service.engine, commune) as connection:
        return View(
            records=views.running(connection, commune, since),
            policies=views.policies(connection, commune, at),
            preferences=views.preferences(connection, commune, at),
            channels=service.channels.names,
            endpoints=[(endpoint.endpoint, endpoint.rules) for endpoint in outside_log.endpoints(connection, commune)],
            addresses=frozenset(outside_log.addresses(connection, commune)),
            seen=views.rungs_queued(connection, commune, None if queued_later else at),
        )


def contacts(service: "Notifications", commune: str) -> Mapping[str, Contact]:
    """People's names and addresses, read now. Refuses `names-away`."""
    try:
        return service.channels.contacts_now(commune)
    except Undeliverable as error:
        raise refusals.NAMES_AWAY() from error


# By reminder, the events that a notice is about: the log has them, and the notice does not repeat them.
Acts: TypeAlias = Mapping[str, Sequence[Envelope]]


def acts_of(service: "Notifications", records: Records, occurrences: Iterable[Occurrence]) -> Acts:
    """The events that these reminders are about, for those that are about acts. `records` have the people and units;
    the tasks that the events name are added."""
    spans = {each.about: span for each in occurrences if (span := span_of(each.about))}
    appends = {
        about: [decode(body) for body in service.logs[span.source].read_all(records.commune, span.first - 1, span.last)]
        for about, span in spans.items()
    }
    tasks = {task for append in appends.values() for task in tasks_named(append)}
    if missing := tasks - records.tasks.keys():
        with reading(service.engine, records.commune) as connection:
            records.tasks.update(views.of_acts(connection, records.commune, missing).tasks)
    told = {about: told_in(records, append) for about, append in appends.items()}
    return {
        each.reminder: told[each.about].get((each.rule, each.recipient), ())
        for each in occurrences
        if each.about in told
    }


# The Office's day


def worklist_at(service: "Notifications", commune: str, at: str) -> Worklist:
    """The Office's worklist at a moment, past or present."""
    with snapshot(service.engine, commune) as connection:
        records = views.running(connection, commune, at)
        queued = [occurrence for occurrence in views.occurrences(connection, commune) if occurrence.queued_at <= at]
    return worklist(records, queued, at)


class WantedInWords(Wanted, frozen=True, kw_only=True):
    """What a moment wants sent, with its words."""

    title: str
    rule_text: str
    channel_text: str
    suppressed_text: str | None


class Preview(msgspec.Struct, frozen=True):
    """What a moment wants sent (`suppressed`: only recorded, with the reason), and what could not be worked out."""

    at: str
    wanted: list[WantedInWords]
    problems: list[Problem]


def preview(service: "Notifications", commune: str, at: str, staff: str | None = None) -> Preview:
    """The dry run: what would be queued at a moment, past or future, on top of what was by then. Nothing is recorded.

    It looks at what has become due since the morning of that day began, as if nobody had looked at it since.
    Refuses `staff-unknown`.
    """
    if staff is not None:
        with snapshot(service.engine, commune) as connection:
            views.require_person(connection, commune, staff)
    begin = end_of_day(local_day(at) - timedelta(days=1))
    view = view_at(service, commune, at, since=EVER)
    today = set(_queued_on(service, commune, local_day(at)))
    seen = {rung for rung in view.seen if rung not in today}
    wanted, problems = plan(msgspec.structs.replace(view, seen=seen), at, begin)
    shown = [_wanted_in_words(view.records, each) for each in wanted if staff is None or each.recipient == staff]
    return Preview(at, shown, problems)


def _queued_on(service: "Notifications", commune: str, day: date) -> list[tuple[str, str, int | None, str, str]]:
    with snapshot(service.engine, commune) as connection:
        queued = views.occurrences(connection, commune, first=day, last=day)
    return [(each.about, each.rule, each.due_version, each.recipient, each.channel) for each in queued]


def _wanted_in_words(records: Records, wanted: Wanted) -> WantedInWords:
    return answer_of(
        WantedInWords,
        wanted,
        title=title_of(records, wanted.about),
        rule_text=RULES.get(wanted.rule, wanted.rule),
        channel_text=CHANNELS[wanted.channel],
        suppressed_text=REASONS.get(wanted.suppressed, wanted.suppressed) if wanted.suppressed else None,
    )


class LineInWords(Line, frozen=True, kw_only=True):
    """A line of the answer to "why (not)?", with its words."""

    title: str
    rule_text: str | None
    text: str


def why_then(
    service: "Notifications", principal: Principal, commune: str, staff: str, day: date, now: str
) -> list[LineInWords]:
    """What a person was reminded of on a day, and why not of more. Refuses `reminder-of-another`, `staff-unknown`."""
    if staff != principal.staff and not sees_all(principal.roles):
        raise refusals.REMINDER_OF_ANOTHER()
    at = min(now, end_of_day(day))
    view = view_at(service, commune, at, since=EVER)
    with snapshot(service.engine, commune) as connection:
        views.require_person(connection, commune, staff)
        theirs = views.occurrences(connection, commune, recipient=staff, last=day)
    acts = acts_of(service, view.records, theirs)
    return [_line_in_words(view.records, acts, line) for line in why(view, theirs, staff, day, now)]


def _line_in_words(records: Records, acts: Acts, line: Line) -> LineInWords:
    return answer_of(
        LineInWords,
        line,
        title=title_of(records, line.about, acts.get(line.reminder or "", ())),
        rule_text=RULES.get(line.rule, line.rule) if line.rule else None,
        text=_filled(line),
    )


def _filled(line: Line) -> str:
    shown = {name: _shown(value) for name, value in line.params.items()}
    text = WHY.get(line.code, line.code).format(**shown)
    reason = line.params.get("reason")
    return f"{text}: {REASONS.get(reason, reason)}" if reason else text


def _shown(value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and value.endswith("Z"):
        return f"{parse_time(value).astimezone(VIETNAM):%d/%m/%Y %H:%M}"
    return "không có" if value is None else str(value)


# Reminders


class ReminderInWords(msgspec.Struct, frozen=True):
    """A reminder with its words; `title` of what it is about."""

    reminder: Occurrence
    rule_text: str
    state_text: str
    reason_text: str | None
    channel_text: str
    title: str


def reminders(
    service: "Notifications",
    principal: Principal,
    commune: str,
    *,
    recipient: str | None = None,
    states: Collection[State] = (),
    about: str | None = None,
    rule: str | None = None,
    first: date | None = None,
    last: date | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[Occurrence]:
    """Reminders in the order of queuing: one's own, or all for roles that see all; the filters are those of
    `views.occurrences`. Refuses `reminder-of-another`, `staff-only`."""
    if not sees_all(principal.roles):
        if recipient not in (None, principal.staff):
            raise refusals.REMINDER_OF_ANOTHER()
        recipient = person(principal)
    with reading(service.engine, commune) as connection:
        return views.occurrences(
            connection,
            commune,
            states=states,
            recipient=recipient,
            about=about,
            rule=rule,
            first=first,
            last=last,
            after=after,
            limit=limit,
        )


def reminder(service: "Notifications", principal: Principal, commune: str, reminder: str) -> Occurrence:
    """Refuses `reminder-unknown`, `reminder-of-another`."""
    occurrence = known(service, commune, reminder)
    if occurrence.recipient != principal.staff and not sees_all(principal.roles):
        raise refusals.REMINDER_OF_ANOTHER()
    return occurrence


def known(service: "Notifications", commune: str, reminder: str) -> Occurrence:
    """A reminder by its id. Refuses `reminder-unknown`."""
    with reading(service.engine, commune) as connection:
        occurrence = views.occurrence(connection, commune, reminder)
    if occurrence is None:
        raise refusals.REMINDER_UNKNOWN(reminder=reminder)
    return occurrence


def in_words(service: "Notifications", commune: str, occurrences: Sequence[Occurrence]) -> list[ReminderInWords]:
    with snapshot(service.engine, commune) as connection:
        records = views.running(connection, commune, EVER)
    acts = acts_of(service, records, occurrences)
    return [
        ReminderInWords(
            occurrence,
            RULES.get(occurrence.rule, occurrence.rule),
            STATES[occurrence.state],
            REASONS.get(occurrence.reason, occurrence.reason) if occurrence.reason else None,
            CHANNELS[occurrence.channel],
            title_of(records, occurrence.about, acts.get(occurrence.reminder, ())),
        )
        for occurrence in occurrences
    ]


def title_of(records: Records, about: str, acts: Sequence[Envelope] = ()) -> str:
    """What a reminder is about, in words; `acts` are the events that a notice is about."""
    kind, _, rest = about.partition("/")
    if acts:
        return act_words.title(records, acts, lambda staff: staff)
    if (task := records.tasks.get(task_of(about) or "")) is not None:
        return task.title
    if kind in ("week", "month"):
        return period_words(rest)
    if kind == "sheet":
        period, _, staff = rest.partition("/")
        return f"Phiếu {period_words(period)} của {staff}"
    return "Kiến nghị về xếp loại" if kind == "appeal" else rest


class EventOfReminder(msgspec.Struct, frozen=True):
    """An event from a reminder's history; `data` are its fields, as AsyncAPI describes them."""

    position: int
    time: str
    actor: str
    type: str
    data: Any


def history(service: "Notifications", commune: str, reminder: str) -> list[EventOfReminder]:
    """The events of a reminder, from the log."""
    envelopes = [decode(body) for body in service.log.read_stream(commune, f"reminder/{reminder}")]
    return [EventOfReminder(e.position, e.time, e.actor, type_name(e.data), e.data) for e in envelopes]


# Preferences, addresses, endpoints


def preferences_of(service: "Notifications", principal: Principal, commune: str, staff: str) -> PreferencesChanged:
    """What a person chose, for themselves or for roles that see all. Refuses `preferences-of-another`."""
    if staff != principal.staff and not sees_all(principal.roles):
        raise refusals.PREFERENCES_OF_ANOTHER()
    with reading(service.engine, commune) as connection:
        chosen = views.preferences(connection, commune).get(staff)
    return chosen or PreferencesChanged(staff=staff, channels={}, digest=False, by=staff)


def endpoints(service: "Notifications", commune: str) -> "list[Endpoint]":
    """All endpoints of other systems, the disabled ones too."""
    with reading(service.engine, commune) as connection:
        return outside_log.endpoints(connection, commune, disabled=True)


# Slips


def slips(service: "Notifications", commune: str, *, task: str | None = None) -> list[IssuedSlip]:
    """The slips issued, the last one first; or those that name a task."""
    with reading(service.engine, commune) as connection:
        issued = views.slips(connection, commune)
    return [slip for slip in issued if task is None or task in slip.tasks]


def slip_documents(service: "Notifications", commune: str, wanted: Sequence[str]) -> list[bytes]:
    """The documents of slips, in the order asked. Refuses `slip-unknown`, `slip-file-gone`."""
    with reading(service.engine, commune) as connection:
        known = {slip.slip for slip in views.slips(connection, commune)}
        bodies = []
        for slip in wanted:
            body = outside_log.slip_document(connection, commune, slip)
            if body is None:
                raise (refusals.SLIP_FILE_GONE if slip in known else refusals.SLIP_UNKNOWN)(slip=slip)
            bodies.append(body)
    return bodies


def slip_drafts(service: "Notifications", commune: str, wish: IssueSlips) -> list[bytes]:
    """The slips as they would be issued now; nothing is recorded. Refuses what `IssueSlips` does."""
    with reading(service.engine, commune) as connection:
        records = views.of_tasks(connection, commune, wish.tasks)
    drafts = documents.drafts(records, contacts(service, commune), wish, format_time(service.clock()))
    return [draft.document for draft in drafts]


# The week and the month

REACHED = ("sent", "delivered", "sent_by_hand")


def week(service: "Notifications", commune: str, on: date | None = None) -> Week:
    """The week as it stands now, or as it stood at the end of a past day. Refuses `day-to-come`."""
    at = _moment(service.clock(), on)
    with reading(service.engine, commune) as connection:
        records = views.running(connection, commune, _beginning(weekly.monday_of(local_day(at))))
        c = tables.occurrences.c
        reached = select(c.about, c.due_version, c.run_on, c.recipient).where(
            c.commune == commune,
            c.about.startswith("task/"),
            c.due_version.is_not(None),
            c.state.in_(REACHED),
            c.state_at <= at,
        )
        reminded = [
            ReachedRecipient(
                row.about.removeprefix("task/"), row.due_version, date.fromisoformat(row.run_on), row.recipient
            )
            for row in connection.execute(reached)
        ]
    return weekly.week(records, at, reminded)


def month(service: "Notifications", commune: str, first: date | None = None) -> Month:
    """The month that begins on `first` (None: the one that ended last), so far as it has come. Refuses
    `day-to-come`."""
    now = service.clock()
    first = first or last_month(now)
    _moment(now, first)
    with reading(service.engine, commune) as connection:
        return weekly.month(views.running(connection, commune, _beginning(first)), first, format_time(now))


def published_month(service: "Notifications", commune: str, first: date | None = None) -> Month:
    """The same for supervisors: a month that is over, from the logs as they stood at its end, so that the answer never
    changes. Refuses `day-to-come`, `month-open`, `logs-behind`."""
    now = service.clock()
    first = first or last_month(now)
    _moment(now, first)
    end = end_of_day(weekly.last_of(first))
    if format_time(now) <= end:
        raise refusals.MONTH_OPEN(month=f"{first:%m/%Y}")
    if not replicas_are_filled(service):
        raise refusals.LOGS_BEHIND()
    until = {source: service.logs[source].position_at(commune, end) for source in views.PROJECTION.sources}
    return published.published_month(replay(views.PROJECTION, service.logs, commune, until), first)


def last_month(now: datetime) -> date:
    """The first day of the month that ended last."""
    return (now.astimezone(VIETNAM).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def _moment(now: datetime, on: date | None) -> str:
    today = now.astimezone(VIETNAM).date()
    if on is None or on == today:
        return format_time(now)
    if on > today:
        raise refusals.DAY_TO_COME(on=f"{on:%d/%m/%Y}")
    return end_of_day(on)


def _beginning(day: date) -> str:
    """The last moment before a day in Vietnam."""
    return end_of_day(day - timedelta(days=1))
