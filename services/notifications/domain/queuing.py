"""What is recorded of what a moment wants: queued or suppressed, and which level hears of a missed deadline."""

from collections.abc import Iterator, Sequence

import msgspec

from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.people import posts_on
from services.notifications.domain.plan import View
from services.notifications.domain.records import Records
from services.notifications.domain.task_state import state_at
from shared.calendar import CalendarMissing
from shared.events import Data, ReminderEscalated, ReminderSuppressed, local_day
from shared.events.reminders import Level

LEVELS: tuple[Level, ...] = ("lead", "office", "vice_chair", "chair")


class AlreadyQueued(msgspec.Struct, frozen=True):
    """A reminder that the log already has. `only_recorded`: it was missed, and not sent to anybody."""

    about: str
    rule: str
    due_version: int | None
    run_on: str
    recipient: str
    channel: str
    only_recorded: bool


def to_queue(
    commune: str, view: View, wanted: Sequence[Wanted], queued: Sequence[AlreadyQueued], at: str
) -> list[Data]:
    """What to append for what is wanted and is queued neither as this rung nor on this day."""
    rungs = {(each.about, each.rule, each.due_version, each.recipient, each.channel) for each in queued}
    keys = {(each.about, each.rule, each.run_on, each.recipient, each.channel) for each in queued}
    events: list[Data] = []
    fresh: list[Wanted] = []
    for each in wanted:
        rung = (each.about, each.rule, each.due_version, each.recipient, each.channel)
        key = (each.about, each.rule, each.run_on.isoformat(), each.recipient, each.channel)
        if rung in rungs or key in keys:
            continue
        rungs.add(rung)
        keys.add(key)
        event = each.queued(commune)
        events.append(event)
        if each.suppressed:
            events.append(ReminderSuppressed(reminder=event.reminder, at=at, reason=each.suppressed))
        else:
            fresh.append(each)
    return [*events, *_escalations(commune, view, fresh, queued, at)]


def _escalations(
    commune: str, view: View, fresh: Sequence[Wanted], queued: Sequence[AlreadyQueued], at: str
) -> Iterator[ReminderEscalated]:
    """The levels that hear of a missed deadline for the first time."""
    rising = {rule.rule: rule for _, policy in view.policies for rule in policy.rules if rule.escalates_to}
    reached: dict[tuple[str, int | None], int] = {}
    for before in queued:
        if before.rule in rising and not before.only_recorded:
            _raise(reached, (before.about, before.due_version), rising[before.rule].escalates_to)
    posts = posts_on(view.records, local_day(at), at) if any(each.rule in rising for each in fresh) else {}

    def roles(staff: str) -> tuple[str, ...]:
        return posts[staff].roles if staff in posts else ()

    # Of one rung's reminders, the one to the level itself comes first.
    for each in sorted(
        (each for each in fresh if each.rule in rising and each.due_version is not None),
        key=lambda each: (
            each.about,
            each.wanted_at,
            each.rule,
            rising[each.rule].escalates_to not in roles(each.recipient),
        ),
    ):
        rule = rising[each.rule]
        level = rule.escalates_to
        if level == "vice_chair" and "chair" in roles(each.recipient):
            level = "chair"
        key = (each.about, each.due_version)
        rank = reached.get(key, 0)
        if _raise(reached, key, level):
            yield ReminderEscalated(
                reminder=each.id(commune),
                task=each.about.removeprefix("task/"),
                from_level=LEVELS[rank],
                to_level=LEVELS[reached[key]],
                due_version=each.due_version or 0,
                overdue_working_days=_overdue(view.records, each.about, at, rule.offset_days),
            )


def _raise(reached: dict[tuple[str, int | None], int], key: tuple[str, int | None], level: Level | None) -> bool:
    rank = LEVELS.index(level) if level else 0
    if rank <= reached.get(key, 0):
        return False
    reached[key] = rank
    return True


def _overdue(records: Records, about: str, at: str, offset: int) -> int:
    """Working days past the deadline; where they cannot be counted, those of the rung."""
    task = records.tasks.get(about.removeprefix("task/"))
    now = state_at(task, at) if task else None
    if now is None or now.due is None:
        return offset
    try:
        return calendars_at(records, at).working_days_between(now.due, local_day(at))
    except CalendarMissing:
        return offset
