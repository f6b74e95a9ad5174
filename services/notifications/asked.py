"""What people ask of reminding: the worklist, their inbox, what a moment would tell, why somebody was told nothing."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from services.notifications.channels.interface import Item, Undeliverable
from services.notifications.domain.occurrence import Occurrence, Wanted, task_of
from services.notifications.domain.plan import Problem, plan
from services.notifications.domain.records import Records
from services.notifications.domain.texts import CHANNELS, REASONS, RULES, STATES, WHY
from services.notifications.domain.why import Line, why
from services.notifications.domain.worklist import Worklist, worklist
from services.notifications.messages import compose, period_words
from services.notifications.reminders import EVER, occurrences, view_at
from services.notifications.views import require_person, running
from shared.eventlog import snapshot
from shared.events import VIETNAM, decode, end_of_day, local_day, parse_time, type_name

if TYPE_CHECKING:
    from services.notifications.service import Notifications


class Told(msgspec.Struct, frozen=True):
    """A reminder with its words; `title` of what it is about."""

    reminder: Occurrence
    rule_text: str
    state_text: str
    reason_text: str | None
    channel_text: str
    title: str


class Letter(msgspec.Struct, frozen=True):
    """A reminder as it reads now, to its recipient; `task` is the id of the task that it is about, if it is one."""

    reminder: Occurrence
    item: Item
    task: str | None


class Preview(msgspec.Struct, frozen=True):
    """What a moment wants told (`suppressed`: only recorded, with the reason), and what could not be worked out."""

    at: str
    wanted: list[dict[str, Any]]
    problems: list[Problem]


def worklist_at(service: "Notifications", commune: str, at: str) -> Worklist:
    """The Office's worklist at a moment of the past or now."""
    with snapshot(service.engine, commune) as connection:
        known = running(connection, commune, at)
        told = [each for each in occurrences(connection, commune) if each.queued_at <= at]
    return worklist(known, told, at)


def told(service: "Notifications", commune: str, found: list[Occurrence]) -> list[Told]:
    """Reminders with their words."""
    with snapshot(service.engine, commune) as connection:
        known = running(connection, commune, EVER)
    return [_told(known, each) for each in found]


def _told(known: Records, each: Occurrence) -> Told:
    return Told(
        each,
        RULES.get(each.rule, each.rule),
        STATES[each.state],
        REASONS.get(each.reason, each.reason) if each.reason else None,
        CHANNELS[each.channel],
        title_of(known, each.about),
    )


def letters(service: "Notifications", commune: str, found: list[Occurrence], at: str) -> list[Letter]:
    """What these reminders say to their recipient now."""
    with snapshot(service.engine, commune) as connection:
        known = running(connection, commune, EVER)
    try:
        contacts = service.channels.directory(commune)
    except Undeliverable:
        contacts = {}  # whose name is not known now is called by their post
    written = []
    for each in found:
        message = compose(
            known,
            [each],
            message=each.reminder,
            recipient=each.recipient,
            channel="inbox",
            at=at,
            contacts=contacts,
            link=lambda _: None,
        )
        written.append(Letter(each, message.items[0], task_of(each.about)))
    return written


def preview(service: "Notifications", commune: str, at: str, staff: str | None = None) -> Preview:
    """The dry run: what would be queued at a moment on top of what was by then, past or to come. Nothing is recorded.

    It looks at what has become due since the morning of that day began, as if nobody had looked at it since.
    Refuses `staff-unknown`.
    """
    if staff is not None:
        with snapshot(service.engine, commune) as connection:
            require_person(connection, commune, staff)
    begin = end_of_day(local_day(at) - timedelta(days=1))
    view = view_at(service, commune, at, since=EVER)
    today = set(_queued_on(service, commune, local_day(at)))
    seen = {rung for rung in view.seen if rung not in today}
    wanted, problems = plan(msgspec.structs.replace(view, seen=seen), at, begin)
    shown = [_words(view.records, each) for each in wanted if staff is None or each.recipient == staff]
    return Preview(at, shown, problems)


def _queued_on(service: "Notifications", commune: str, day: date) -> list[tuple[str, str, int | None, str, str]]:
    with snapshot(service.engine, commune) as connection:
        found = occurrences(connection, commune, first=day, last=day)
    return [(each.about, each.rule, each.due_version, each.recipient, each.channel) for each in found]


def title_of(known: Records, about: str) -> str:
    """What a reminder is about, in words."""
    kind, _, rest = about.partition("/")
    if (task := known.tasks.get(task_of(about) or "")) is not None:
        return task.title
    if kind in ("week", "month"):
        return period_words(rest)
    if kind == "sheet":
        period, _, staff = rest.partition("/")
        return f"Phiếu {period_words(period)} của {staff}"
    return "Kiến nghị về xếp loại" if kind == "appeal" else rest


def _words(known: Records, each: Wanted) -> dict[str, Any]:
    return msgspec.structs.asdict(each) | {
        "title": title_of(known, each.about),
        "rule_text": RULES.get(each.rule, each.rule),
        "channel_text": CHANNELS[each.channel],
        "suppressed_text": REASONS.get(each.suppressed, each.suppressed) if each.suppressed else None,
    }


def why_then(service: "Notifications", commune: str, staff: str, day: date, now: str) -> list[dict[str, Any]]:
    """What somebody was told on a day, and why not more. Refuses `staff-unknown`."""
    at = min(now, end_of_day(day))
    view = view_at(service, commune, at, since=EVER)
    with snapshot(service.engine, commune) as connection:
        require_person(connection, commune, staff)
        mine = occurrences(connection, commune, recipient=staff, last=day)
    return [_line(view.records, line) for line in why(view, mine, staff, day, now)]


def _line(known: Records, line: Line) -> dict[str, Any]:
    return msgspec.structs.asdict(line) | {
        "title": title_of(known, line.about),
        "rule_text": RULES.get(line.rule, line.rule) if line.rule else None,
        "text": _filled(line),
    }


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


def history(service: "Notifications", commune: str, reminder: str) -> list[dict[str, Any]]:
    """The events of a reminder, from the log."""
    found = [decode(body) for body in service.log.read_stream(commune, f"reminder/{reminder}")]
    return [
        {"position": e.position, "time": e.time, "actor": e.actor, "type": type_name(e.data), "data": e.data}
        for e in found
    ]
