"""The rules of a made-up province: 10 points a task done in time, and up to 20 for style."""

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.periods import begun
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref, task_facts
from services.scoring.domain.rules.facts.year import person_year
from services.scoring.domain.rules.interface import Answer, EventRef, Missing, PeriodSheet, PeriodTask, Step, TaskFacts
from shared.calendar import Period

_RULES = {
    rule["id"]: rule
    for rule in tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))["rules"]
}


def rate(snapshot: Snapshot, person: PersonRecord, year: int) -> Answer:
    post = people.post_on(person, snapshot.on)
    if post is None:
        raise LookupError(f"{person.staff} was never appointed")
    of_person = person_year(snapshot, person, post, year, leads=False, absent=("unpaid",))
    tasks = _tasks(snapshot, person, year)
    periods = [_period(snapshot, person, period, tasks) for period in begun(snapshot, year)]
    done = [task for task in tasks if task.state == "completed"]
    in_time = [task for task in done if not task.late]
    grade, because = _grade(snapshot, person.staff, year)
    figures: dict[str, int | str] = {
        f"{of.period}.{name}": value for of in periods for name, value in of.figures.items()
    }
    figures |= {
        "all_done": len(done),
        "in_time": len(in_time),
        "in_time_share": str(Fraction(len(in_time), len(done)) if done else Fraction(0)),
        "civility": grade,
        "days_worked": of_person.days_worked,
    }
    scores = [Fraction(of.score) for of in periods if of.score is not None]
    level, values = "chua_du_du_lieu", {"months": str(len(scores))}
    if scores:
        score = figures["score"] = str(sum(scores, Fraction(0)) / len(scores))
        best = Fraction(score) >= 80 and grade == "A"
        level = "xuat_sac" if best else "hoan_thanh" if Fraction(score) >= 50 else "khong_hoan_thanh"
        values = {"score": score, "wanted": "80", "civility": grade}
    rule = _RULES["2" if scores else "1"]
    return Answer(
        effective_by=snapshot.on,
        level=level,
        figures=figures,
        steps=[Step(rule["id"], rule["article"], rule["text"], values, True, level)],
        missing=[missing for of in periods for missing in of.missing],
        tasks=tasks,
        because=of_person.because | {"grades": because},
        periods=periods,
    )


def _tasks(snapshot: Snapshot, person: PersonRecord, year: int) -> list[TaskFacts]:
    lives = [snapshot.life(task) for task in snapshot.led_by(person.staff)]
    found = [task_facts(snapshot, life, person, snapshot.on) for life in lives if life.assigned <= snapshot.on]
    return sorted(
        (task for task in found if task.due and task.due.year == year),
        key=lambda task: (task.due or date.max, task.task),
    )


def _period(snapshot: Snapshot, person: PersonRecord, period: Period, tasks: list[TaskFacts]) -> PeriodSheet:
    here = [task for task in tasks if task.due and period.start <= task.due <= period.end]
    counted = [
        PeriodTask("in_time" if task.state == "completed" and not task.late else "other", "1", "1", "1", "1", task)
        for task in here
    ]
    style, because = _style(snapshot, person.staff, period)
    figures = {"done": Fraction(sum(10 for task in counted if task.role == "in_time"))} if here else {}
    left_out = None if here and style is not None else "no_style" if here else "no_work"
    if style is not None:
        figures["style"] = style
    if left_out is None:
        figures["score"] = figures["done"] + figures["style"]
    return PeriodSheet(
        period=period.key,
        first=period.start,
        last=period.end,
        evaluated_on=snapshot.on,
        status="open",
        left_out=left_out,
        provisional=True,
        leader=False,
        settings=snapshot.settings(period.year),
        figures={name: str(value) for name, value in figures.items()},
        d_proposed=None,
        received_from=None,
        tasks=counted,
        missing=[Missing("no-style", f"Chưa chấm phong cách {period.key}")] if left_out == "no_style" else [],
        because={"style": because},
        closing=None,
    )


def _grade(snapshot: Snapshot, staff: str, year: int) -> tuple[str, list[EventRef]]:
    record = snapshot.records.get("common", f"{year}/{staff}")
    for moment in reversed(record.moments if record else []):
        if moment.data.stage == "confirmed" and moment.data.period is None:
            return moment.data.items["civility"], [ref("scoring", moment, "common")]
    return "B", []


def _style(snapshot: Snapshot, staff: str, period: Period) -> tuple[Fraction | None, list[EventRef]]:
    record = snapshot.records.get("common", f"{period.year}/{staff}")
    for moment in reversed(record.moments if record else []):
        if moment.data.stage == "confirmed" and moment.data.period == period.key:
            return Fraction(moment.data.items["S"]), [ref("scoring", moment, "common")]
    return None, []
