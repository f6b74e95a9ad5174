"""The facts of nd335: a person's periods, each from the records that it is computed from (rating.md, "nd335")."""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from services.scoring.domain import records as kept
from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.dates import Life
from services.scoring.domain.rules.facts.periods import begun, closings, computed_from, day_of, held_by
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref, task_facts
from services.scoring.domain.rules.interface import EventRef, LeftOut, Missing, PeriodSheet, PeriodTask, Role, TaskFacts
from services.scoring.domain.settings import Settings
from shared.calendar import Period

DATA = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
T = {name: Fraction(value) for name, value in DATA["thresholds"].items()}

# Mẫu số 01: at most 2 × 5, 4 × 2.5 and 4 × 2.5 points.
COMMON = ("I.1", "I.2", "II.1", "II.2", "II.3", "II.4", "III.1", "III.2", "III.3", "III.4")
LEADER = ("d", "dd", "e")
FIGURES = ("W", "a", "b", "c", *LEADER, "R", "common", "score")
# Đ11 k2: who is ill or on maternity leave is rated on the time worked, and that time is not taken off.
ABSENT = ("unpaid", "other")
IN_PLAN = ("planned", "merged")

_WHY: dict[LeftOut, str] = {
    "absent": "không công tác hoặc nghỉ cả kỳ",
    "no_data": "không có nhiệm vụ để tính điểm",
    "leader_criteria": "chưa ghi các tiêu chí d, đ, e của người lãnh đạo, quản lý",
    "common": "chưa xác nhận đủ tiêu chí chung ({missing})",
}


def year_periods(snapshot: Snapshot, person: PersonRecord, year: int) -> list[PeriodSheet]:
    """The periods of the year that have begun; a former agency's score stands where there is none of one's own."""
    received = _received(snapshot, person.staff, year)
    found = []
    for period in begun(snapshot, year):
        of = period_of(snapshot, person.staff, period)
        if of.leader:
            of = replace(of, d_proposed=_d_proposed(snapshot, person.staff, period))
        found.append(_with_received(of, received[of.period]) if of.left_out and of.period in received else of)
    return found


def period_of(snapshot: Snapshot, staff: str, period: Period) -> PeriodSheet:
    """A person's period: computed from the snapshot, or from what its closing pinned."""
    return snapshot.once(("period", staff, period), lambda: _period_of(snapshot, staff, period))


def _period_of(snapshot: Snapshot, staff: str, period: Period) -> PeriodSheet:
    closing = closings(snapshot, staff).get(period)
    if closing is None:
        return _computed(snapshot, staff, period, None)
    return _computed(computed_from(snapshot, closing), staff, period, ref("scoring", closing))


def _computed(snapshot: Snapshot, staff: str, period: Period, closing: EventRef | None) -> PeriodSheet:
    """The period as these records have it, whoever closed it."""
    person, settings = snapshot.records.people.get(staff), snapshot.settings(period.year)
    day = min(period.end, snapshot.on)
    post = people.post_on(person, day) if person else None
    leader = post is not None and post.leader
    tasks = list(_tasks(snapshot, person, period, settings)) if person else []
    because: dict[str, list[EventRef]] = {"closing": [closing]} if closing else {}
    figures = _shares(tasks, settings)
    if leader:
        figures |= _leader_criteria(snapshot, staff, period, because)
    unconfirmed = _common(snapshot, staff, period, figures, because)
    left_out = _left_out(person, period, day, leader, figures)
    if "W" in figures and (not leader or "d" in figures):
        parts = [figures[name] for name in ("a", "b", "c", *(LEADER if leader else ()))]
        figures["R"] = sum(parts, Fraction(0)) / len(parts)
    if left_out is None:
        score = figures["common"] + T["results"] * figures["R"]
        figures["score"] = score if settings.cap == "none" else min(score, T["full"])
    why = [Missing(f"period-{left_out}", _why(period, left_out, unconfirmed))] if left_out else []
    return PeriodSheet(
        period=period.key,
        first=period.start,
        last=period.end,
        evaluated_on=snapshot.on,
        status="closed" if closing else "open",
        left_out=left_out,
        provisional=closing is None or left_out in {"absent", "leader_criteria", "common"},
        leader=leader,
        settings=settings,
        figures={name: str(figures[name]) for name in FIGURES if name in figures},
        d_proposed=None,
        received_from=None,
        tasks=tasks,
        missing=why,
        because=because,
        closing=closing,
    )


def _why(period: Period, left_out: LeftOut, unconfirmed: list[str]) -> str:
    kind = "Tháng" if period.every == "month" else "Quý"
    why = _WHY[left_out].format(missing=", ".join(unconfirmed))
    return f"{kind} {period.index}/{period.year} không tính vào điểm trung bình: {why}"


def _left_out(
    person: PersonRecord | None, period: Period, day: date, leader: bool, figures: dict[str, Fraction]
) -> LeftOut | None:
    """The first reason that keeps a period out of the mean."""
    if person is None or _away(person, period, day):
        return "absent"
    if "W" not in figures:
        return "no_data"
    if leader and "d" not in figures:
        return "leader_criteria"
    return None if "common" in figures else "common"


def _away(person: PersonRecord, period: Period, day: date) -> bool:
    """No employed day in the whole period, or an absence of whatever kind on each."""
    days = people.days([(period.start, period.end)])
    employed = days & people.days(people.employed(person, period.year, day))
    away = people.days(
        (max(moment.data.from_, period.start), min(moment.data.to or date.max, period.end))
        for moment in people.absences(person)
    )
    return employed <= away


# Tasks


def _tasks(snapshot: Snapshot, person: PersonRecord, period: Period, settings: Settings) -> Iterator[PeriodTask]:
    """The tasks of a period: by the day that decides it, but for those that another closed period holds; and results
    of those, first accepted after that closing and recorded in this period."""
    found: list[tuple[TaskFacts, Life, bool]] = []
    for task in snapshot.led_by(person.staff):
        life = snapshot.life(task)
        if life.assigned > snapshot.on:
            continue
        day, first = day_of(life, snapshot.on), _first_acceptance(life)
        here = day is not None and period.start <= day <= period.end
        late = first is not None and period.start <= first.day <= period.end
        if not here and not late:
            continue
        holder = held_by(snapshot, task, period)
        if holder is None and here:
            found.append((task_facts(snapshot, life, person, snapshot.on), life, False))
        elif holder is not None and late and first is not None and _behind(snapshot, person.staff, holder, first):
            found.append((task_facts(snapshot, life, person, snapshot.on), life, True))
    for facts, life, late in sorted(found, key=lambda each: (each[0].due or date.max, each[0].task)):
        yield _counted(facts, life, settings, late)


def _first_acceptance(life: Life) -> kept.Completed | None:
    return life.results[0].accepted if life.results else None


def _behind(snapshot: Snapshot, staff: str, holder: Period, first: kept.Completed) -> bool:
    """Was the first acceptance recorded behind what the closing pinned?"""
    pinned = {each.source: each.position for each in closings(snapshot, staff)[holder].data.inputs}
    return first.position > pinned.get("tasks", 0)


def _counted(facts: TaskFacts, life: Life, settings: Settings, late: bool) -> PeriodTask:
    coefficient = coefficient_of(life, settings)
    role = _role(facts, life, late)
    quantity = quality = progress = Fraction(0)
    if facts.state == "completed" and role != "not_counted":
        quantity = coefficient
        if not facts.poor:
            quality = coefficient * max(Fraction(0), 1 - T["deduction"] * facts.quality_failures)
        if settings.late_reading == "deduct" or not facts.late:
            progress = coefficient * max(Fraction(0), 1 - T["deduction"] * facts.late_times)
    return PeriodTask(role, str(coefficient), str(quantity), str(quality), str(progress), facts)


def _role(facts: TaskFacts, life: Life, late: bool) -> Role:
    if late:
        return "late_added" if facts.state == "completed" else "not_counted"
    if life.task.origin not in IN_PLAN:
        return "added" if facts.state == "completed" else "not_counted"
    if facts.evaluated:
        return "planned"
    unable = life.handed_back is not None and life.handed_back.kind == "unable"
    return "handed_back" if facts.state == "handed_back" and unable and facts.due is not None else "not_counted"


def coefficient_of(life: Life, settings: Settings) -> Fraction:
    """What the task was assigned with or last corrected to; a blank one is the setting."""
    corrected = [moment for moment in life.task.moments if isinstance(moment, kept.CoefficientSet)]
    text = corrected[-1].coefficient if corrected else life.task.coefficient
    return Fraction(text if text is not None else settings.blank_coefficient)


def _shares(tasks: Iterable[PeriodTask], settings: Settings) -> dict[str, Fraction]:
    """W, a, b and c (Đ14); nothing when W is 0 and nothing was completed."""
    counted = [task for task in tasks if task.role != "not_counted"]
    in_plan = [task for task in counted if task.role in {"planned", "handed_back"}]
    # Only added tasks were completed: they are measured by themselves.
    w = sum((Fraction(task.coefficient) for task in in_plan or counted), Fraction(0))
    if w == 0:
        return {}
    sums = {
        "a": sum((Fraction(task.quantity) for task in counted), Fraction(0)),
        "b": sum((Fraction(task.quality) for task in counted), Fraction(0)),
        "c": sum((Fraction(task.progress) for task in counted), Fraction(0)),
    }
    most = Fraction(1) if settings.cap == "each" else None
    return {"W": w} | {name: value / w if most is None else min(most, value / w) for name, value in sums.items()}


# What people record for a period


def _leader_criteria(
    snapshot: Snapshot, staff: str, period: Period, because: dict[str, list[EventRef]]
) -> dict[str, Fraction]:
    """d, đ and e as last recorded (Đ16, Đ17)."""
    record: kept.RatingRecord | None = snapshot.records.get("rating", f"{period.year}/{staff}")
    for moment in reversed(record.moments if record else []):
        if isinstance(moment, kept.LeaderCriteria) and moment.data.period == period.key:
            because |= {name: [ref("scoring", moment)] for name in LEADER}
            return {name: Fraction(getattr(moment.data, name), 100) for name in LEADER}
    return {}


def _common(
    snapshot: Snapshot, staff: str, period: Period, figures: dict[str, Fraction], because: dict[str, list[EventRef]]
) -> list[str]:
    """Each criterion as last confirmed for the period. Their sum is a figure once all ten are; answers those that are
    not."""
    points: dict[str, tuple[Fraction, EventRef]] = {}
    record: kept.CommonRecord | None = snapshot.records.get("common", f"{period.year}/{staff}")
    for moment in record.moments if record else ():
        if moment.data.stage == "confirmed" and moment.data.period == period.key:
            for name, value in moment.data.items.items():
                if name in COMMON:
                    points[name] = Fraction(value), ref("scoring", moment, "common")
    because["common"] = list({event.position: event for _, event in points.values()}.values())
    if len(points) == len(COMMON):
        figures["common"] = sum((value for value, _ in points.values()), Fraction(0))
    return [name for name in COMMON if name not in points]


def _received(snapshot: Snapshot, staff: str, year: int) -> dict[str, kept.PeriodResult]:
    """What a former agency sent, by period; the last one recorded counts (Đ19)."""
    record: kept.RatingRecord | None = snapshot.records.get("rating", f"{year}/{staff}")
    results = [moment for moment in (record.moments if record else []) if isinstance(moment, kept.PeriodResult)]
    return {moment.data.period: moment for moment in results}


def _with_received(own: PeriodSheet, result: kept.PeriodResult) -> PeriodSheet:
    return replace(
        own,
        left_out=None,
        provisional=False,
        received_from=result.data.from_,
        missing=[],
        figures=own.figures | {"score": str(Fraction(result.data.score))},
        because=own.because | {"received": [ref("scoring", result)]},
    )


def _d_proposed(snapshot: Snapshot, leader: str, period: Period) -> str | None:
    """d by the points of those whom the leader tracks in the period and who have any (Đ16). Their own d is what was
    recorded, so that nobody's proposal rests on another."""
    closing = closings(snapshot, leader).get(period)
    then = computed_from(snapshot, closing) if closing else snapshot
    scores = []
    for staff, person in then.records.people.items():
        post = people.post_on(person, min(period.end, then.on))
        if post is not None and post.in_post and post.tracker == leader and staff != leader:
            score = period_of(then, staff, period).score
            scores += [] if score is None else [Fraction(score)]
    if not scores:
        return None
    return "1" if min(scores) >= T["passed"] else "1/2"


def year_tasks(snapshot: Snapshot, person: PersonRecord, year: int, periods: Iterable[PeriodSheet]) -> list[TaskFacts]:
    """What the tasks of the year are on A: those of its periods, and those still open or closed without a date."""
    in_periods = {task.task.task for period in periods for task in period.tasks}
    found = []
    for task in snapshot.led_by(person.staff):
        life = snapshot.life(task)
        if life.assigned > snapshot.on:
            continue
        facts = task_facts(snapshot, life, person, snapshot.on)
        if task.task in in_periods or year in _years(life, facts, snapshot.on):
            found.append(facts)
    return sorted(found, key=lambda facts: (facts.due or date.max, facts.task))


def _years(life: Life, facts: TaskFacts, by: date) -> set[int]:
    """The years that list a task which is in none of their periods: that of its date, and of a waiting result, which
    keeps the proposal back; without a date, all while it is open, and the one in which it was closed."""
    days = [report.on for report in life.unanswered if report.on <= by] if facts.state == "pending" else []
    if (day := facts.due or facts.on) is not None:
        days.append(day)
    elif facts.state == "regular":
        return set(range(life.assigned.year, by.year + 1))
    elif closed := life.cancelled or life.handed_back:
        days.append(closed.day)
    return {day.year for day in days}
