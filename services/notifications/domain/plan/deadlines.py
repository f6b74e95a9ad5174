"""The ladder of a task with a deadline: before it, on it, and level by level after it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from services.notifications.domain import records as kept
from services.notifications.domain.audience import Concerned
from services.notifications.domain.plan.planning import NEVER, DueRung, DueTime, Planning, RuleInForce
from services.notifications.domain.records import TaskRecord
from services.notifications.domain.task_state import TaskState, state_at

ABOVE_THE_OFFICE = frozenset({"vice_chair", "chair"})


class NotYet(msgspec.Struct, frozen=True):
    """The rung is not wanted, at least not yet."""


class Missed(msgspec.Struct, frozen=True):
    """The rung was wanted, and is no longer: it is recorded with the reason and sent to nobody."""

    reason: str


class ToSend(msgspec.Struct, frozen=True):
    """The rung is sent."""


def deadlines(planning: Planning, rules: Sequence[RuleInForce]) -> Iterator[DueRung]:
    held_back = frozenset(each.rule.rule for each in rules if each.rule.escalates_to in ABOVE_THE_OFFICE)
    for task in planning.records.tasks.values():
        now = state_at(task, planning.at)
        if now is None or (not now.runs and now.since <= planning.since):
            continue
        for version, due, end in _versions(task, planning.at):
            if end > planning.since:
                yield from _Ladder(planning, rules, held_back, task, now, version, due, end).rungs()


def _versions(task: TaskRecord, at: str) -> Iterator[tuple[kept.DueSet, date, str]]:
    """Each deadline recorded by a time with its day, and when the next one replaced it."""
    versions = [moment for moment in task.moments if isinstance(moment, kept.DueSet) and moment.time <= at]
    ends = [*(version.time for version in versions[1:]), NEVER]
    for version, end in zip(versions, ends, strict=True):
        if version.due is not None:
            yield version, version.due, end


class _Ladder(NamedTuple):
    """The rungs of one deadline of a task: `version` was in force until `end`; `now` is how the task stands. A pending
    request for more time stops the rules named in `held_back`."""

    planning: Planning
    rules: Sequence[RuleInForce]
    held_back: frozenset[str]
    task: TaskRecord
    now: TaskState
    version: kept.DueSet
    due: date
    end: str

    def rungs(self) -> Iterator[DueRung]:
        planning, version = self.planning, self.version
        concerned = Concerned(lead=self.task.lead, collaborators=tuple(self.task.collaborators))
        late_from = max(self.due, version.day)
        for each in self.rules:
            overdue = each.rule.offset_days > 0
            if overdue and late_from >= planning.today:
                continue  # not counted before it begins, so that next year's calendar may still be missing
            base = late_from if overdue else self.due
            time = planning.time_of(each, base)
            if time is None or not (time.in_force and version.time <= time.wanted_at < self.end):
                continue
            if time.wanted_at > planning.at:
                continue
            state = self._state(time, base)
            if isinstance(state, NotYet) or self._heard_below(time, base):
                continue
            yield time.rung(
                f"task/{self.task.task}",
                concerned,
                due_version=version.due_version,
                suppressed=state.reason if isinstance(state, Missed) else None,
            )

    def _state(self, time: DueTime, base: date) -> NotYet | Missed | ToSend:
        now, then = self.now, state_at(self.task, time.wanted_at)
        if then is None or then.status != "open":
            return NotYet()
        in_force = now.due_version == self.version.due_version
        held_back = time.rule.rule in self.held_back
        if held_back and now.frozen and now.status == "open" and in_force:
            return NotYet()
        held_then = held_back and then.frozen
        if not held_then and not self.planning.is_new(time, base):
            return NotYet()
        if in_force and now.status == "open":
            return ToSend()
        if held_then:
            return NotYet()
        return Missed(now.status if in_force else "deadline_moved")

    def _heard_below(self, time: DueTime, base: date) -> bool:
        """The Chairman who took the vice-chair's rung, as nobody else was in charge, does not hear of it twice."""
        if time.rule.escalates_to != "chair":
            return False
        for each in self.rules:
            if each.rule.escalates_to == "vice_chair" and "in_charge" in each.rule.audience:
                run_on = self.planning.run_day(base, each.rule.offset_days)
                before = self.planning.moment(run_on, each.rule.at) if run_on else NEVER
                if each.begin <= before < min(each.end, time.wanted_at) and self.version.time <= before:
                    return self.planning.roll(run_on or base).in_charge(self.task.lead) is None
        return False
