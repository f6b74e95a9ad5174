"""Which reminders a moment wants: a pure function of what is known, the policy and the time (docs/adr/0017).

It looks at dated moments only, so that it answers for this morning, for a past one and for a coming one alike.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from services.notifications.domain import records as kept
from services.notifications.domain.audience import Concerned, Roll
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.domain.sheets import missing, nd335_people, period_length
from services.notifications.domain.standing import Standing, standing
from shared.calendar import CalendarMissing, Calendars, period_of
from shared.events import VIETNAM, PolicyPublished, PolicyRule, PreferencesChanged, format_time, local_day
from shared.events.reminders import Channel

# What tells a rung apart: about, rule, due version, recipient, channel.
Rung = tuple[str, str, int | None, str, str]

ALWAYS = ""
NEVER = "~"  # after every recorded time
ABOVE_THE_OFFICE = frozenset({"vice_chair", "chair"})
ONE_DAY = timedelta(days=1)
LONGEST_HOLIDAY = timedelta(days=45)
# No period, week or appeal that a moment looks at began longer ago than this.
LONGEST = timedelta(days=400)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a commune for planning. `policies` are the revisions with the time of each, the first first;
    `channels` those that this installation has; `endpoints` (id, rules; none = all) take webhooks; `addresses` are the
    staff who gave one for Apprise; `seen` the rungs queued already, which are never wanted again."""

    records: Records
    policies: Sequence[tuple[str, PolicyPublished]] = ()
    preferences: Mapping[str, PreferencesChanged] = {}
    channels: frozenset[str] = frozenset({"inbox"})
    endpoints: Sequence[tuple[str, Sequence[str]]] = ()
    addresses: frozenset[str] = frozenset()
    seen: Collection[Rung] = frozenset()


def channels_to(view: View, staff: str, among: Iterable[Channel]) -> list[Channel]:
    """The channels that reach a person: the inbox always, the others unless they chose otherwise."""
    chosen = view.preferences.get(staff)
    off = {name for name, wanted in chosen.channels.items() if not wanted} if chosen else set()
    usable = ({"email", "apprise"} & view.channels) - off - (set() if staff in view.addresses else {"apprise"})
    return [channel for channel in among if channel == "inbox" or channel in usable]


class Problem(msgspec.Struct, frozen=True):
    """What keeps something from being planned, with what a text about it needs."""

    code: str
    params: dict[str, Any]


class Falling(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's time that has come for one thing, before it is known who is told."""

    about: str
    rule: PolicyRule
    policy: str
    run_on: date
    wanted_at: str
    concerned: Concerned
    audience: Sequence[str]
    due_version: int | None = None
    suppressed: str | None = None


def plan(view: View, at: str, since: str) -> tuple[list[Wanted], list[Problem]]:
    """What should be queued at `at`, by the time it was wanted, and what could not be worked out.

    `since` is until when it was planned before (both RFC 3339 in UTC): what was wanted by then had its chance, but for
    levels above the Office that a request for more time held back. A task that had ended by `since` may be left out of
    the records.
    """
    planning = _Planning(view, at, since)
    falling = [each for base in _BASES for each in planning.of_base(base)]
    wanted = [one for each in falling for one in planning.told(each)]
    return _latest(wanted, at), list(planning.problems.values())


def _latest(wanted: list[Wanted], at: str) -> list[Wanted]:
    """Of the rungs of one thing for one recipient and channel the last is told; the others were missed."""
    last: dict[tuple[str, str, str], tuple[str, str]] = {}
    for one in wanted:
        if one.suppressed is None:
            key = (_thing(one.about), one.recipient, one.channel)
            last[key] = max(last.get(key, ("", "")), (one.wanted_at, one.rule))
    found = [
        one
        if one.suppressed or last[_thing(one.about), one.recipient, one.channel] == (one.wanted_at, one.rule)
        else msgspec.structs.replace(one, suppressed="superseded")
        for one in wanted
    ]
    return sorted(found, key=lambda one: (one.wanted_at, one.about, one.rule, one.recipient, one.channel))


def _thing(about: str) -> str:
    """What is told once however often it was missed: a task, its checks, the weeks, the months."""
    kind, _, rest = about.partition("/")
    if kind in ("week", "month"):
        return kind
    return f"check/{rest.partition('/')[0]}" if kind == "check" else about


class _Planning:
    """One evaluation; it remembers what many tasks ask for alike."""

    def __init__(self, view: View, at: str, since: str) -> None:
        self.view = view
        self.records = view.records
        self.at = at
        self.since = since
        self.today = local_day(at)
        self.first = max(local_day(since), self.today - LONGEST) if since else self.today - LONGEST
        self.calendars = calendars_at(view.records, at)
        self.problems: dict[str, Problem] = {}
        revisions = view.policies or [(ALWAYS, default_policy())]
        ends = [*(begin for begin, _ in revisions[1:]), NEVER]
        self.revisions = [(begin, end, policy) for (begin, policy), end in zip(revisions, ends, strict=True)]
        self._rolls: dict[date, Roll] = {}
        self._run_days: dict[tuple[date, int], date | None] = {}
        self._calendars_before = calendars_at(view.records, since)
        self._texts: dict[tuple[date, str], str] = {}

    def of_base(self, base: str) -> Iterator[Falling]:
        rules = [
            (begin, end, policy, rule)
            for begin, end, policy in self.revisions
            for rule in policy.rules
            if rule.base == base
        ]
        if rules:
            yield from _BASES[base](self, rules)

    def told(self, each: Falling) -> Iterator[Wanted]:
        """One for each recipient and channel that it was not queued for yet."""
        for recipient in self.recipients(each):
            for channel in self.channels(each.rule, recipient):
                yield from self._unseen(each, recipient, channel)
        if "webhook" in self.view.channels and "webhook" in each.rule.channels:
            for endpoint, rules in self.view.endpoints:
                if not rules or each.rule.rule in rules:
                    yield from self._unseen(each, f"endpoint/{endpoint}", "webhook")

    def _unseen(self, each: Falling, recipient: str, channel: Any) -> Iterator[Wanted]:
        if (each.about, each.rule.rule, each.due_version, recipient, channel) not in self.view.seen:
            yield Wanted(
                about=each.about,
                rule=each.rule.rule,
                run_on=each.run_on,
                recipient=recipient,
                channel=channel,
                urgency=each.rule.urgency,
                wanted_at=each.wanted_at,
                due_version=each.due_version,
                policy=each.policy,
                suppressed=each.suppressed,
            )

    def recipients(self, each: Falling) -> list[str]:
        """Who was to be told on the day; for one who left since, whoever is told in their stead today."""
        named = self.roll(each.run_on).recipients(each.audience, each.concerned)
        today = self.roll(self.today)
        return list(dict.fromkeys(o for one in named for o in ([one] if one in today.posts else today.reach(one))))

    def channels(self, rule: PolicyRule, staff: str) -> list[Channel]:
        return channels_to(self.view, staff, rule.channels)

    def roll(self, day: date) -> Roll:
        if day not in self._rolls:
            self._rolls[day] = Roll(self.records, day, self.at)
        return self._rolls[day]

    def run_day(self, base: date, offset: int) -> date | None:
        """So many working days from a day; None, and a problem, when a year's calendar is missing."""
        key = (base, offset)
        if key not in self._run_days:
            self._run_days[key] = self._computed(lambda: counted(self.calendars, base, offset))
        return self._run_days[key]

    def _computed(self, compute: Callable[[], date]) -> date | None:
        try:
            return compute()
        except CalendarMissing as error:
            self.lacks_calendar(error.year)
            return None

    def lacks_calendar(self, year: int) -> None:
        self.problems[f"calendar-missing/{year}"] = Problem("calendar-missing", {"year": year})

    def moment(self, day: date, clock: str) -> str:
        key = (day, clock)
        if key not in self._texts:
            local = datetime.combine(day, time.fromisoformat(clock), VIETNAM)
            self._texts[key] = format_time(local.astimezone(UTC))
        return self._texts[key]

    def falls(self, begin: str, end: str, wanted_at: str) -> bool:
        """A rule's time has come since it was last looked at, while its revision of the policy was in force."""
        return begin <= wanted_at < end and self.since < wanted_at <= self.at

    def counts(self, begin: str, end: str, wanted_at: str, base: date, rule: PolicyRule) -> bool:
        """The same of a time that was counted from a day in working days."""
        in_force = begin <= wanted_at < end and wanted_at <= self.at
        return in_force and (self.since < wanted_at or self.was_later(base, rule))

    def was_later(self, base: date, rule: PolicyRule) -> bool:
        """By the calendars that were known when it was last looked at, a rule's time had not come; or they could not
        tell, as a year's was not published."""
        try:
            return self.moment(counted(self._calendars_before, base, rule.offset_days), rule.at) > self.since
        except CalendarMissing:
            return True

    def reach_back(self, rules: "_Rules", within_days: int) -> date:
        """The first day whose week or period may have a rule's time since it was last looked at: an offset of more
        than `within_days` leads out of it."""
        farthest = max(rule.offset_days for *_, rule in rules)
        if farthest <= within_days:
            return self.first
        return self.first - LONGEST_HOLIDAY - 2 * farthest * ONE_DAY


def counted(calendars: Calendars, base: date, offset: int) -> date:
    """Up to the deadline from the last working day not after it; overdue from the deadline itself."""
    if offset > 0:
        return calendars.add_working_days(base, offset)
    last = calendars.roll(base, "backward")
    return calendars.add_working_days(last, offset) if offset else last


_Rules = Sequence[tuple[str, str, PolicyPublished, PolicyRule]]


# Deadlines of tasks


def _deadlines(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    held_back = {rule.rule for *_, rule in rules if rule.escalates_to in ABOVE_THE_OFFICE}
    for task in planning.records.tasks.values():
        now = standing(task, planning.at)
        if now is None or (not now.runs and now.since <= planning.since):
            continue
        for version, end in _versions(task, planning.at):
            if version.due is not None and (end > planning.since):
                yield from _rungs(planning, rules, task, now, version, end, held_back)


def _versions(task: TaskRecord, at: str) -> Iterator[tuple[kept.DueSet, str]]:
    """Each deadline recorded by a time, and when the next one replaced it."""
    found = [moment for moment in task.moments if isinstance(moment, kept.DueSet) and moment.time <= at]
    for index, version in enumerate(found):
        yield version, found[index + 1].time if index + 1 < len(found) else NEVER


def _rungs(
    planning: _Planning,
    rules: _Rules,
    task: TaskRecord,
    now: Standing,
    version: kept.DueSet,
    end: str,
    held_back: Collection[str],
) -> Iterator[Falling]:
    due, day = version.due, version.day
    assert due is not None  # noqa: S101 - asked for by the caller
    concerned = Concerned(lead=task.lead, collaborators=tuple(task.collaborators))
    for begin, until, policy, rule in rules:
        overdue = rule.offset_days > 0
        if overdue and max(due, day) >= planning.today:
            continue  # not counted before it begins, so that next year's calendar may still be missing
        base = max(due, day) if overdue else due
        run_on = planning.run_day(base, rule.offset_days)
        if run_on is None or run_on > planning.today:
            continue
        wanted_at = planning.moment(run_on, rule.at)
        if not (begin <= wanted_at < until and version.time <= wanted_at < end and wanted_at <= planning.at):
            continue
        suppressed = _no_more(planning, task, now, version, base, rule, wanted_at, held=rule.rule in held_back)
        if suppressed == _NOT_WANTED or _told_by_the_level_below(planning, rules, task, version, base, rule, wanted_at):
            continue
        yield Falling(
            about=f"task/{task.task}",
            rule=rule,
            policy=policy.policy,
            run_on=run_on,
            wanted_at=wanted_at,
            concerned=concerned,
            audience=rule.audience,
            due_version=version.due_version,
            suppressed=suppressed,
        )


_NOT_WANTED = "not_wanted"


def _no_more(
    planning: _Planning,
    task: TaskRecord,
    now: Standing,
    version: kept.DueSet,
    base: date,
    rule: PolicyRule,
    wanted_at: str,
    *,
    held: bool,
) -> str | None:
    """Why a rung is only recorded; None when it is to be told, _NOT_WANTED when it is not wanted at all (yet)."""
    then = standing(task, wanted_at)
    if then is None or then.status != "open":
        return _NOT_WANTED
    if held and now.frozen and now.status == "open" and now.due_version == version.due_version:
        return _NOT_WANTED
    if wanted_at <= planning.since and not (held and then.frozen) and not planning.was_later(base, rule):
        return _NOT_WANTED
    if now.due_version != version.due_version:
        return "deadline_moved" if not (held and then.frozen) else _NOT_WANTED
    if now.status != "open":
        return now.status if not (held and then.frozen) else _NOT_WANTED
    return None


def _told_by_the_level_below(
    planning: _Planning,
    rules: _Rules,
    task: TaskRecord,
    version: kept.DueSet,
    base: date,
    rule: PolicyRule,
    wanted_at: str,
) -> bool:
    """The Chairman who took the vice-chair's rung, as nobody else was in charge, is not told again."""
    if rule.escalates_to != "chair":
        return False
    for begin, until, _, below in rules:
        if below.escalates_to == "vice_chair" and "in_charge" in below.audience:
            run_on = planning.run_day(base, below.offset_days)
            before = planning.moment(run_on, below.at) if run_on else NEVER
            if begin <= before < min(until, wanted_at) and version.time <= before:
                return planning.roll(run_on or base).in_charge(task.lead) is None
    return False


# Running tasks without a deadline


def _checks(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    """The last working day of each week, month, quarter … of a task that is done all the time (thường xuyên)."""
    for task in planning.records.tasks.values():
        now = standing(task, planning.at)
        if now is None or now.status != "open" or now.due is not None or now.cadence is None:
            continue
        for key, last in _periods(planning, now.cadence, planning.reach_back(rules, 0)):
            for begin, end, policy, rule in rules:
                run_on = planning.run_day(last, rule.offset_days)
                if run_on is None or run_on > planning.today:
                    continue
                wanted_at = planning.moment(run_on, rule.at)
                if planning.counts(begin, end, wanted_at, last, rule) and now.due_set <= wanted_at:
                    yield Falling(
                        about=f"check/{task.task}/{key}",
                        rule=rule,
                        policy=policy.policy,
                        run_on=run_on,
                        wanted_at=wanted_at,
                        concerned=Concerned(lead=task.lead, collaborators=tuple(task.collaborators)),
                        audience=rule.audience,
                    )


def _periods(planning: _Planning, cadence: str, first: date) -> Iterator[tuple[str, date]]:
    """The periods that a day from the first until today lies in, by key and last day."""
    if cadence == "week":
        monday = first - timedelta(days=first.weekday())
        while monday <= planning.today:
            yield week_key(monday), monday + timedelta(days=6)
            monday += timedelta(days=7)
        return
    period = period_of(cadence, first)  # type: ignore[arg-type]
    while period.start <= planning.today:
        yield period.key, period.end
        period = period.next()


def week_key(day: date) -> str:
    """The ISO week of a day, such as "2024-W24"."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


# Digests of weeks and months


def _weeks(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    """The policy's weekday, or the first working day after it in the same week; a week all off has none."""
    first = planning.reach_back(rules, 0)
    monday = first - timedelta(days=first.weekday())
    while monday <= planning.today:
        for begin, end, policy, rule in rules:
            run_on = _first_working(planning, monday + timedelta(days=policy.digest.weekday), monday)
            if run_on is not None and rule.offset_days:
                run_on = planning.run_day(run_on, rule.offset_days)
            if run_on is not None and planning.falls(begin, end, wanted := planning.moment(run_on, rule.at)):
                yield _digest(f"week/{week_key(monday)}", rule, policy, run_on, wanted)
        monday += timedelta(days=7)


def _first_working(planning: _Planning, day: date, monday: date) -> date | None:
    try:
        while day < monday + timedelta(days=7):
            if planning.calendars.is_working(day):
                return day
            day += ONE_DAY
    except CalendarMissing as error:
        planning.lacks_calendar(error.year)
    return None


def _months(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    """About the month that ended, on a working day of the next."""
    start = planning.reach_back(rules, 1).replace(day=1)
    while start <= planning.today:
        before = start - ONE_DAY
        for begin, end, policy, rule in rules:
            run_on = planning.run_day(before, rule.offset_days)
            if run_on is None:
                continue
            wanted_at = planning.moment(run_on, rule.at)
            if planning.counts(begin, end, wanted_at, before, rule):
                yield _digest(f"month/{before:%Y-%m}", rule, policy, run_on, wanted_at)
        start = (start + timedelta(days=31)).replace(day=1)


def _digest(about: str, rule: PolicyRule, policy: PolicyPublished, run_on: date, wanted_at: str) -> Falling:
    return Falling(
        about=about,
        rule=rule,
        policy=policy.policy,
        run_on=run_on,
        wanted_at=wanted_at,
        concerned=Concerned(),
        audience=rule.audience,
    )


# Sheets of periods, and appeals


def _sheets(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    """Of each period that ended, whoever has not scored themselves, and whoever has not confirmed it."""
    for year in range(planning.first.year - 1, planning.today.year + 1):
        period = period_of(period_length(planning.records, year, planning.at), date(year, 1, 1))
        while period.year == year and period.end < planning.today:
            # Tết closes the offices for two weeks at most: what ended longer ago had its day.
            soon = period.end >= planning.reach_back(rules, 0)
            for begin, end, policy, rule in rules:
                run_on = planning.run_day(period.end, rule.offset_days) if soon else None
                if run_on is None or run_on > planning.today:
                    continue
                wanted_at = planning.moment(run_on, rule.at)
                if not planning.counts(begin, end, wanted_at, period.end, rule):
                    continue
                for staff in nd335_people(planning.records, planning.roll(period.end).posts, year, planning.at):
                    stages = missing(planning.records, period.key, year, staff, planning.at)
                    audience = [word for word in rule.audience if _STAGE.get(word, word) in stages]
                    if audience:
                        yield Falling(
                            about=f"sheet/{period.key}/{staff}",
                            rule=rule,
                            policy=policy.policy,
                            run_on=run_on,
                            wanted_at=wanted_at,
                            concerned=Concerned(person=staff),
                            audience=audience,
                        )
            period = period.next()


# What each is missed for.
_STAGE = {
    "person": "self",
    **dict.fromkeys(("tracker", "rater", "office", "chair", "leaders"), "confirmed"),
}


def _appeals(planning: _Planning, rules: _Rules) -> Iterator[Falling]:
    """A working day after receipt on which an appeal is not resolved."""
    for record in planning.records.by_kind["appeal"].values():
        appealed = unresolved(record, planning.at)
        if appealed is None:
            continue
        for begin, end, policy, rule in rules:
            received_on = appealed.data.received_on
            run_on = planning.run_day(received_on, rule.offset_days)
            if run_on is None:
                continue
            # Recorded after its rule's time, it is brought up when it is recorded.
            run_on = max(run_on, appealed.day)
            wanted_at = max(planning.moment(run_on, rule.at), appealed.time)
            if not planning.counts(begin, end, wanted_at, received_on, rule):
                continue
            yield Falling(
                about=f"appeal/{record.appeal}",
                rule=rule,
                policy=policy.policy,
                run_on=run_on,
                wanted_at=wanted_at,
                concerned=Concerned(person=appealed.data.staff),
                audience=rule.audience,
            )


def unresolved(record: kept.AppealRecord, at: str) -> kept.Appealed | None:
    """The appeal, while nobody had answered it by a time."""
    known = [moment for moment in record.moments if moment.time <= at]
    if any(isinstance(moment, kept.Resolved) for moment in known):
        return None
    return next((moment for moment in known if isinstance(moment, kept.Appealed)), None)


_BASES: dict[str, Callable[[_Planning, _Rules], Iterator[Falling]]] = {
    "due": _deadlines,
    "check": _checks,
    "week": _weeks,
    "month": _months,
    "sheet": _sheets,
    "appeal": _appeals,
}
