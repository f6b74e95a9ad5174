"""The facts of nd90: each task in the year it belongs to, and a person's year (rating.md, "Facts per task")."""

from datetime import date
from fractions import Fraction
from typing import Any

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain.records import Moment, PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.dates import Life, Version, passed
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.interface import CauseLine, EventRef, State, TaskFacts
from services.scoring.domain.settings import Settings
from shared.events import UnitFigures

COMMON = ("k1", "k2", "k3", "k4")
ABSENT = ("insured", "unpaid", "other")


class YearFacts(msgspec.Struct):
    """What the rules look at: one person's year. `unit` is the result of the unit that counts for a leader."""

    post: people.Post
    settings: Settings
    tasks: list[TaskFacts]
    days_worked: int
    days_absent: int
    acts: list[people.Act]
    unit: UnitFigures | None
    unit_without_targets: bool
    common: dict[str, str | None]
    because: dict[str, list[EventRef]]

    @property
    def leader(self) -> bool:
        return self.post.leader or self.post.category == "can_bo"

    @property
    def n(self) -> int:
        return sum(task.evaluated for task in self.tasks)

    @property
    def failed(self) -> int:
        return sum(task.failed for task in self.tasks)

    @property
    def f(self) -> Fraction:
        return Fraction(self.failed, self.n) if self.n else Fraction(0)

    @property
    def undone(self) -> int:
        return self.in_state("undone")

    @property
    def exceeded(self) -> int:
        return sum(task.exceeded for task in self.tasks)

    def in_state(self, state: State) -> int:
        return sum(task.state == state for task in self.tasks)

    def grade(self, criterion: str) -> str:
        """A common criterion not yet recorded counts as met."""
        return self.common[criterion] or "dap_ung"


def year_facts(snapshot: Snapshot, person: PersonRecord, post: people.Post, year: int) -> YearFacts:
    by = snapshot.by(year)
    absent = people.days_absent(person, year, by, ABSENT)
    worked = people.days(people.employed(person, year, by)) - absent
    acts = [act for act in people.acts(person) if act.year == year]
    unit, unit_events = _unit_result(snapshot, post, year)
    common, common_events = _common(snapshot, person.staff, year)
    on_person = {moment.position: _ref("tasks", moment) for moment in person.moments}
    absences = [on_person[moment.position] for moment in people.absences(person)]
    return YearFacts(
        post=post,
        settings=snapshot.settings(year),
        tasks=_tasks(snapshot, person, year),
        days_worked=len(worked),
        days_absent=len(absent),
        acts=acts,
        unit=unit if unit is not None and unit.targets > 0 else None,
        unit_without_targets=unit is not None and unit.targets == 0,
        common=common,
        because={
            "post": [on_person[position] for position in post.positions],
            "days_worked": [
                _ref("tasks", moment)
                for moment in person.moments
                if isinstance(moment, kept.Appointed | kept.Changed | kept.Left)
            ]
            + absences,
            "days_absent": absences,
            "discipline": [on_person[position] for act in acts for position in act.positions],
            "unit": unit_events,
        }
        | common_events,
    )


def _unit_result(snapshot: Snapshot, post: people.Post, year: int) -> tuple[UnitFigures | None, list[EventRef]]:
    record = snapshot.records.get("unit_result", f"{year}/{post.leads_unit}")
    if record is None or not (post.leader or post.category == "can_bo"):
        return None, []
    return record.moments[-1].data.figures, [_ref("scoring", record.moments[-1], "unit_result")]


def _common(snapshot: Snapshot, staff: str, year: int) -> tuple[dict[str, str | None], dict[str, list[EventRef]]]:
    """Each criterion as last confirmed for the year as a whole."""
    grades: dict[str, str | None] = dict.fromkeys(COMMON)
    events: dict[str, list[EventRef]] = {name: [] for name in COMMON}
    record = snapshot.records.get("common", f"{year}/{staff}")
    for moment in record.moments if record else ():
        if moment.data.stage == "confirmed" and moment.data.period is None:
            for name, grade in moment.data.items.items():
                if name in grades:
                    grades[name], events[name] = grade, [_ref("scoring", moment, "common")]
    return grades, events


def year_of(snapshot: Snapshot, life: Life, until: int) -> int | None:
    """The rating year a task belongs to, if not later than `until`: the first whose cut-off finds d, with its own E."""
    for year in range(life.assigned.year, until + 1):
        by = snapshot.by(year)
        if life.assigned > by:
            continue
        version, result = life.version_by(by), life.result_by(by)
        found = [day for day in (version.due if version else None, result.on if result else None) if day is not None]
        if found and min(found) <= snapshot.cut(year):
            return year
    return None


def _tasks(snapshot: Snapshot, person: PersonRecord, year: int) -> list[TaskFacts]:
    """The person's tasks to show for the year: those that belong to it, and those still open at its end."""
    by = snapshot.by(year)
    found = []
    for task in snapshot.led_by(person.staff):
        life = snapshot.life(task)
        if life.assigned > by:
            continue
        belongs = year_of(snapshot, life, year)
        if belongs is not None and belongs < year:
            continue
        facts = _facts(snapshot, life, person, year)
        if belongs is not None or _of_this_year(snapshot, life, facts.state, year):
            found.append(facts)
    return sorted(found, key=lambda facts: (facts.due or date.max, facts.task))


def _of_this_year(snapshot: Snapshot, life: Life, state: State, year: int) -> bool:
    """A task without a date of the year is shown while it is open, and in the year in which it was closed."""
    closed = life.cancelled if state == "cancelled" else life.handed_back if state == "handed_back" else None
    return closed is None or snapshot.cut(year - 1) < closed.day <= snapshot.cut(year)


def _facts(snapshot: Snapshot, life: Life, person: PersonRecord, year: int) -> TaskFacts:
    by, task = snapshot.by(year), life.task
    version, result = life.version_by(by), life.result_by(by)
    due = version.due if version else None
    part = _own_part(snapshot, life, due, by)
    state = _state(snapshot, life, version, part, by)
    late_for = [missed for missed in life.missed(by, snapshot.on) if life.excuse(missed) is None]
    failures = [
        failure for failure in life.failures if failure.effective <= by and not life.quality_excuse(failure.order)
    ]
    done = result is not None and state == "completed"
    late = done and bool(late_for)
    poor = done and result is not None and not result.accepted.met and not life.quality_excuse(result.order)
    exceeded = done and result is not None and result.accepted.exceeded is not None and not late and not poor
    because: dict[str, list[int]] = {"state": _why(life, state, version, part, by)}
    if late_for:
        because["late"] = [position for missed in late_for for position in missed.positions]
    if result is not None and (poor or exceeded):
        because["poor" if poor else "exceeded"] = [result.accepted.position]
    if failures:
        because["quality_failures"] = [failure.position for failure in failures]
    events = [_ref("tasks", moment) for moment in task.moments]
    if part is not None:
        events.append(_ref("tasks", part.task.moments[0]))
    return TaskFacts(
        task=task.task,
        title=task.title,
        state=state,
        assigned_on=life.assigned,
        due=due,
        on=result.on if result else None,
        missed=[missed.due for missed in late_for if missed.due is not None],
        late_times=len(late_for),
        late=late,
        poor=poor,
        exceeded=exceeded,
        quality_failures=len(failures),
        due_in_absence=due is not None and people.absence_on(person, due) is not None,
        causes=[
            CauseLine(cause.of, cause.due_version, cause.reason, cause.document, cause.by, cause.position)
            for _, cause in life.causes
        ],
        because=because,
        events=events,
    )


def _state(snapshot: Snapshot, life: Life, version: Version | None, part: Life | None, by: date) -> State:
    due = version.due if version else None
    if life.cancelled is not None:
        return "cancelled"
    if part is not None:
        return "split"
    if life.handed_back is not None and life.handed_back_by(by):
        # After its due date a task handed back is undone, for either kind (NĐ 90 knows no hand-back).
        if due is None or life.handed_back.day <= due:
            return "handed_back"
    elif life.result_by(by) is not None:
        return "completed"
    elif life.pending_by(by):
        return "pending"
    elif version is None or due is None:
        return "regular"
    elif not passed(due, by, snapshot.on):
        return "not_yet_due"
    return "excused" if version is not None and life.excuse(version) else "undone"


def _own_part(snapshot: Snapshot, life: Life, due: date | None, by: date) -> Life | None:
    """A sub-task at any depth that counts in the place of a task which was split (NĐ 335 Đ18: the outputs count)."""
    seen = {life.task.task}
    below = list(snapshot.parts(life.task.task))
    while below:
        task = below.pop()
        if task.task in seen:
            continue
        seen.add(task.task)
        below.extend(snapshot.parts(task.task))
        part = snapshot.life(task)
        in_time = part.assigned <= by and (due is None or part.assigned <= due)
        if task.lead == life.task.lead and in_time and part.cancelled is None and not part.handed_back_by(by):
            return part
    return None


def _why(life: Life, state: State, version: Version | None, part: Life | None, by: date) -> list[int]:
    """The events (by position) that put a task in its state."""
    match state:
        case "completed":
            result = life.result_by(by)
            return [*result.reports, result.accepted.position] if result else []
        case "pending":
            return [report.position for report in life.unanswered if report.on <= by]
        case "cancelled":
            return [life.cancelled.position] if life.cancelled else []
        case "handed_back":
            return [life.handed_back.position] if life.handed_back else []
        case "split":
            return [part.task.moments[0].position] if part else []
    positions = list(version.positions) if version else [life.task.moments[0].position]
    if state == "excused":
        excuse = life.excuse(version) if version else None
        positions += [excuse.position] if excuse else []
    if state in {"undone", "excused"} and life.handed_back is not None and life.handed_back_by(by):
        positions.append(life.handed_back.position)
    return positions


def _ref(source: Any, moment: Moment, what: str | None = None) -> EventRef:
    """`what` is the moment's own tag, where its record holds several kinds."""
    tag = what or str(type(moment).__struct_config__.tag)
    return EventRef(source, moment.position, moment.id, moment.time, moment.actor, tag)
