"""One evaluation of the policy: the rules whose time has come since the last one, and their recipients."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import msgspec

from services.notifications.domain.audience import Concerned, Roll
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan.view import View, channels_to
from services.notifications.domain.policy import default_policy
from shared.calendar import CalendarMissing, Calendars
from shared.events import VIETNAM, PolicyPublished, PolicyRule, format_time, local_day
from shared.events.reminders import Channel

ALWAYS = ""
NEVER = "~"  # after every recorded time
ONE_DAY = timedelta(days=1)
LONGEST_HOLIDAY = timedelta(days=45)
# No period, week or appeal that a moment looks at began longer ago than this.
LONGEST = timedelta(days=400)


class Problem(msgspec.Struct, frozen=True):
    """What keeps something from being planned, with what a text about it needs."""

    code: str
    params: dict[str, Any]


class RuleInForce(NamedTuple):
    """A rule with the revision of the policy that it belongs to, in force from `begin` until before `end`."""

    begin: str
    end: str
    policy: PolicyPublished
    rule: PolicyRule


class DueRung(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's time that has come for one thing, before the recipients are known. `suppressed`: only recorded, for
    this reason."""

    about: str
    rule: PolicyRule
    policy: str
    run_on: date
    wanted_at: str
    concerned: Concerned
    audience: Sequence[str]
    due_version: int | None = None
    suppressed: str | None = None


class DueTime(NamedTuple):
    """When a rule meant something to be sent: a day in Vietnam, and the moment (RFC 3339 in UTC)."""

    of: RuleInForce
    run_on: date
    wanted_at: str

    @property
    def rule(self) -> PolicyRule:
        return self.of.rule

    @property
    def in_force(self) -> bool:
        """Was the rule's revision of the policy in force then?"""
        return self.of.begin <= self.wanted_at < self.of.end

    def rung(
        self,
        about: str,
        concerned: Concerned,
        *,
        audience: Sequence[str] | None = None,
        due_version: int | None = None,
        suppressed: str | None = None,
    ) -> DueRung:
        return DueRung(
            about=about,
            rule=self.rule,
            policy=self.of.policy.policy,
            run_on=self.run_on,
            wanted_at=self.wanted_at,
            concerned=concerned,
            audience=self.rule.audience if audience is None else audience,
            due_version=due_version,
            suppressed=suppressed,
        )


class Planning:
    """One evaluation at `at` of what has come since `since`; it remembers what many tasks ask for alike."""

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
        self._revisions = [(begin, end, policy) for (begin, policy), end in zip(revisions, ends, strict=True)]
        self._calendars_before = calendars_at(view.records, since)
        self._rolls: dict[date, Roll] = {}
        self._run_days: dict[tuple[date, int], date | None] = {}
        self._moments: dict[tuple[date, str], str] = {}

    def rules(self, base: str) -> list[RuleInForce]:
        """The rules that count from a base, of every revision of the policy."""
        return [
            RuleInForce(begin, end, policy, rule)
            for begin, end, policy in self._revisions
            for rule in policy.rules
            if rule.base == base
        ]

    # Times

    def due(self, rules: Sequence[RuleInForce], base: date, *, recorded: str | None = None) -> Iterator[DueTime]:
        """The rules whose time, counted in working days from `base`, has come since it was last looked at.

        A rule whose time had passed when its base was `recorded` comes when that happens.
        """
        for each in rules:
            due = self.time_of(each, base)
            if due is None:
                continue
            if recorded is not None:
                due = DueTime(each, max(due.run_on, local_day(recorded)), max(due.wanted_at, recorded))
            if due.in_force and due.wanted_at <= self.at and self.is_new(due, base):
                yield due

    def time_of(self, each: RuleInForce, base: date) -> DueTime | None:
        """A rule's time for a base; None while its day is still to come, or cannot be counted (a problem)."""
        run_on = self.run_day(base, each.rule.offset_days)
        if run_on is None or run_on > self.today:
            return None
        return DueTime(each, run_on, self.moment(run_on, each.rule.at))

    def is_new(self, due: DueTime, base: date) -> bool:
        """It was not looked at before; or by the calendars known then its time had not come."""
        return self.since < due.wanted_at or self._was_later(base, due.rule)

    def _was_later(self, base: date, rule: PolicyRule) -> bool:
        """By the calendars that were known when it was last looked at, a rule's time had not come; or they could not
        tell, as a year's was not published."""
        try:
            return self.moment(counted(self._calendars_before, base, rule.offset_days), rule.at) > self.since
        except CalendarMissing:
            return True

    def run_day(self, base: date, offset: int) -> date | None:
        """The day that many working days from `base`; None, and a problem, when a year's calendar is missing."""
        key = (base, offset)
        if key not in self._run_days:
            self._run_days[key] = self.computed(lambda: counted(self.calendars, base, offset))
        return self._run_days[key]

    def computed(self, compute: Callable[[], date | None]) -> date | None:
        """A day worked out by the calendars; None, and a problem, when a year's is missing."""
        try:
            return compute()
        except CalendarMissing as error:
            problem = Problem("calendar-missing", {"year": error.year})
            self.problems[f"{problem.code}/{error.year}"] = problem
            return None

    def moment(self, day: date, clock: str) -> str:
        key = (day, clock)
        if key not in self._moments:
            local = datetime.combine(day, time.fromisoformat(clock), VIETNAM)
            self._moments[key] = format_time(local.astimezone(UTC))
        return self._moments[key]

    def reach_back(self, rules: Sequence[RuleInForce], within_days: int) -> date:
        """The first day whose week or period may have a rule's time since it was last looked at: an offset of more
        than `within_days` leads out of it."""
        farthest = max(each.rule.offset_days for each in rules)
        if farthest <= within_days:
            return self.first
        return self.first - LONGEST_HOLIDAY - 2 * farthest * ONE_DAY

    # Recipients

    def roll(self, day: date) -> Roll:
        if day not in self._rolls:
            self._rolls[day] = Roll(self.records, day, self.at)
        return self._rolls[day]

    def wanted(self, rung: DueRung) -> Iterator[Wanted]:
        """One for each recipient and channel that the rung was not queued for yet."""
        for recipient in self._recipients(rung):
            for channel in channels_to(self.view, recipient, rung.rule.channels):
                yield from self._unseen(rung, recipient, channel)
        if "webhook" in self.view.channels and "webhook" in rung.rule.channels:
            for endpoint, rules in self.view.endpoints:
                if not rules or rung.rule.rule in rules:
                    yield from self._unseen(rung, f"endpoint/{endpoint}", "webhook")

    def _recipients(self, rung: DueRung) -> list[str]:
        """The audience of the day; for a person who left since, those who take their place today."""
        named = self.roll(rung.run_on).recipients(rung.audience, rung.concerned)
        today = self.roll(self.today)
        reached = [other for staff in named for other in ([staff] if staff in today.posts else today.reach(staff))]
        return list(dict.fromkeys(reached))

    def _unseen(self, rung: DueRung, recipient: str, channel: Channel) -> Iterator[Wanted]:
        if (rung.about, rung.rule.rule, rung.due_version, recipient, channel) not in self.view.seen:
            yield Wanted(
                about=rung.about,
                rule=rung.rule.rule,
                run_on=rung.run_on,
                recipient=recipient,
                channel=channel,
                urgency=rung.rule.urgency,
                wanted_at=rung.wanted_at,
                due_version=rung.due_version,
                policy=rung.policy,
                suppressed=rung.suppressed,
            )


def counted(calendars: Calendars, base: date, offset: int) -> date:
    """Up to the deadline from the last working day not after it; overdue from the deadline itself."""
    if offset > 0:
        return calendars.add_working_days(base, offset)
    last = calendars.roll(base, "backward")
    return calendars.add_working_days(last, offset) if offset else last
