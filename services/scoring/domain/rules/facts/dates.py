"""The life of one task by effective days: due versions, results and their answers, causes (rating.md, "Dates")."""

from collections.abc import Iterator
from datetime import date
from typing import cast

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain.records import TaskRecord


class Version(msgspec.Struct, gc=False):
    """A due version in force from `effective` on. A correction to the same or a later date takes its place from its
    beginning, so `order`, `effective` and `begun` stay those of the version corrected and `numbers` grows."""

    numbers: list[int]
    due: date | None
    effective: date
    begun: date
    order: int
    positions: list[int]


class Result(msgspec.Struct, gc=False):
    """An accepted result; `withdrawn` by a reopening from that day on."""

    accepted: kept.Completed
    order: int
    reports: list[int]
    withdrawn: date | None = None
    withdrawn_order: int | None = None

    @property
    def on(self) -> date:
        return self.accepted.on


class Failure(msgspec.Struct, gc=False):
    """A return or reopening marked as a major content error."""

    effective: date
    order: int
    position: int


class Life(msgspec.Struct, gc=False):
    """All that is known of a task, each thing with its effective day. `order` counts the task's moments."""

    task: TaskRecord
    assigned: date
    versions: list[Version]
    results: list[Result]
    unanswered: list[kept.Reported]
    failures: list[Failure]
    causes: list[tuple[int, kept.Cause]]
    handed_back: kept.HandedBack | None = None
    cancelled: kept.Cancelled | None = None

    def version_by(self, day: date) -> Version | None:
        """The due version in force at the end of a day: the last recorded among those effective."""
        for version in reversed(self.versions):
            if version.effective <= day:
                return version
        return None

    def result_by(self, day: date) -> Result | None:
        """The accepted result that stands at the end of a day."""
        for result in reversed(self.results):
            if result.on <= day and (result.withdrawn is None or result.withdrawn > day):
                return result
        return None

    def pending_by(self, day: date) -> bool:
        """Is a result of that day or earlier still waiting for its answer, and none accepted?"""
        return any(report.on <= day for report in self.unanswered) and self.result_by(day) is None

    def handed_back_by(self, day: date) -> bool:
        return self.handed_back is not None and self.handed_back.day <= day

    def missed(self, day: date, on: date) -> Iterator[Version]:
        """The due versions that were missed by `day`, as of the evaluation date `on`."""
        pending = self.pending_by(day)
        for index, version in enumerate(self.versions):
            due = version.due
            if version.effective > day or due is None or not passed(due, day, on):
                continue
            following = self.versions[index + 1] if index + 1 < len(self.versions) else None
            if following is not None and following.effective <= due:
                continue
            if pending and any(report.on <= due for report in self.unanswered):
                continue
            if any(result.on <= due and _stood(result, version) for result in self.results):
                continue
            if due < version.begun:
                continue
            yield version

    def excuse(self, version: Version) -> kept.Cause | None:
        """The objective cause confirmed for the lateness of this version."""
        for order, cause in self.causes:
            if cause.of == "lateness" and (
                cause.due_version in version.numbers if cause.due_version is not None else version.order < order
            ):
                return cause
        return None

    def quality_excuse(self, order: int) -> kept.Cause | None:
        """The objective cause confirmed for a quality failing of that place in the task's life."""
        for confirmed, cause in self.causes:
            if cause.of == "quality" and order < confirmed:
                return cause
        return None


def passed(due: date, day: date, on: date) -> bool:
    """A date has passed when it is not after E and earlier than A: on its due day a task is not yet undone."""
    return due <= day and due < on


def _stood(result: Result, version: Version) -> bool:
    """Was the result not withdrawn before the version was set? A reopening withdraws and sets at once."""
    return result.withdrawn_order is None or result.withdrawn_order > version.order


def life_of(task: TaskRecord) -> Life:
    """Read a task's moments in the order they were recorded."""
    begin = cast(kept.Assigned, task.moments[0])  # the fold makes no task record without its assignment
    assigned = begin.assigned_on or begin.day
    first = Version([begin.due_version], begin.due, assigned, assigned, 0, [begin.position])
    life = Life(task, assigned, [first], [], [], [], [])
    asked: date | None = None
    for order, moment in enumerate(task.moments):
        match moment:
            case kept.Reported():
                life.unanswered.append(moment)
            case kept.Completed():
                life.results.append(Result(moment, order, [report.position for report in life.unanswered]))
                life.unanswered.clear()
            case kept.Requested():
                asked = asked or moment.day
            case kept.Refusal():
                asked = None
            case kept.Granted():
                if moment.due_version is not None:
                    _set(life, moment, moment.due_version, moment.due, asked or moment.day, order)
                asked = None
            case kept.Returned():
                effective = life.unanswered[0].on if life.unanswered else moment.day
                _set(life, moment, moment.due_version, moment.due, effective, order)
                if moment.quality_failure:
                    life.failures.append(Failure(effective, order, moment.position))
                life.unanswered.clear()
            case kept.Reopened():
                for result in life.results:
                    if result.withdrawn is None:
                        result.withdrawn, result.withdrawn_order = moment.day, order
                _set(life, moment, moment.due_version, moment.due, moment.day, order)
                if moment.quality_failure:
                    life.failures.append(Failure(moment.day, order, moment.position))
            case kept.DueRevised():
                _revise(life, moment, order)
            case kept.Cause():
                life.causes.append((order, moment))
            case kept.HandedBack():
                life.handed_back = life.handed_back or moment
            case kept.Cancelled():
                life.cancelled = life.cancelled or moment
    return life


def _set(life: Life, moment: kept.Moment, number: int, due: date | None, effective: date, order: int) -> None:
    life.versions.append(Version([number], due, effective, moment.day, order, [moment.position]))


def _revise(life: Life, moment: kept.DueRevised, order: int) -> None:
    last = life.versions[-1]
    same = last.due is None and moment.due is None
    later = last.due is not None and moment.due is not None and moment.due >= last.due
    if same or later:
        last.numbers.append(moment.due_version)
        last.positions.append(moment.position)
        last.due = moment.due
    else:
        _set(life, moment, moment.due_version, moment.due, moment.day, order)
