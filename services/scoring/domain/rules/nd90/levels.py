"""The rules of nd90 in their order; the first that applies decides (rating.md, "nd90")."""

import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.interface import Answer, Missing, Step
from services.scoring.domain.rules.nd90.facts import COMMON, YearFacts, year_facts

_DATA = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
_RULES = {rule["id"]: rule for rule in _DATA["rules"]}
_T = {name: Fraction(share) for name, share in _DATA["thresholds"].items()}

Values = dict[str, object]
Rule = Callable[[YearFacts], tuple[str | None, Values]]


def rate(snapshot: Snapshot, person: PersonRecord, year: int) -> Answer:
    """The level of a person's year with its figures, the rules checked and what is missing."""
    post = people.post_on(person, snapshot.by(year))
    if post is None:
        raise LookupError(f"{person.staff} was never appointed")
    facts = year_facts(snapshot, person, post, year)
    level, steps = "can_xem_xet", []
    for name, rule in _ORDER:
        decided, values = rule(facts)
        steps.append(_step(name, facts, values, decided))
        if decided is not None:
            level = decided
            break
    if level in {"xuat_sac", "tot"}:
        capped = "hoan_thanh" if facts.person.days_absent >= facts.settings.days_3_months else None
        values = {"days_absent": facts.person.days_absent, "days_3_months": facts.settings.days_3_months}
        steps.append(_step("9", facts, values, capped))
        level = capped or level
    return Answer(snapshot.by(year), level, _figures(facts), steps, list(_missing(facts)), facts.tasks, facts.because)


def _step(name: str, facts: YearFacts, values: Values, decided: str | None) -> Step:
    rule = _RULES[name]
    article = rule.get("article_can_bo") if facts.person.post.category == "can_bo" else None
    shown = {key: _text(value) for key, value in values.items()}
    return Step(name, article or rule["article"], rule["text"], shown, decided is not None, decided)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _not_in_post(facts: YearFacts) -> tuple[str | None, Values]:
    return (None if facts.person.post.in_post else "khong_xep_loai"), {"in_post": facts.person.post.in_post}


def _too_short(facts: YearFacts) -> tuple[str | None, Values]:
    least = facts.settings.days_6_months
    values: Values = {"days_worked": facts.person.days_worked, "days_6_months": least}
    return ("khong_xep_loai" if facts.person.days_worked < least else None), values


def _disciplined(facts: YearFacts) -> tuple[str | None, Values]:
    corruption = facts.person.unit is not None and facts.person.unit.corruption
    values: Values = {"discipline": len(facts.person.acts), "corruption": corruption}
    return ("khong_hoan_thanh" if facts.person.acts or corruption else None), values


def _nothing(facts: YearFacts) -> tuple[str | None, Values]:
    nothing = facts.n == 0 and facts.person.unit is None
    return ("chua_du_du_lieu" if nothing else None), {"n": facts.n, "unit_result": facts.person.unit is not None}


def _unit_failed(facts: YearFacts) -> tuple[str | None, Values]:
    if facts.person.unit is None:
        return None, {}
    share = Fraction(facts.person.unit.completed, facts.person.unit.targets)
    return ("khong_hoan_thanh" if share < _T["unit_failed"] else None), {"unit_completed": share}


def _mostly_failed(facts: YearFacts) -> tuple[str | None, Values]:
    least = facts.settings.min_tasks
    values: Values = {"f": facts.f, "n": facts.n, "min_tasks": least}
    if facts.f <= _T["failed_most"]:
        return None, values
    return ("khong_hoan_thanh" if facts.n >= least else "can_xem_xet"), values


def _no_unit_result(facts: YearFacts) -> tuple[str | None, Values]:
    missing = facts.leader and facts.person.unit is None
    return ("can_xem_xet" if missing else None), {"leader": facts.leader, "unit_result": facts.person.unit is not None}


def _excellent(facts: YearFacts) -> tuple[str | None, Values]:
    values: Values = {"f": facts.f} | {name: facts.grade(name) for name in COMMON}
    reached = facts.f == 0 and all(facts.grade(name) == "tot" for name in COMMON)
    if facts.person.unit is not None:
        reached &= _unit_good(facts, values)
        exceeded = values["unit_exceeded"] = Fraction(facts.person.unit.exceeded, facts.person.unit.targets)
    else:
        exceeded = values["exceeded_share"] = Fraction(facts.exceeded, facts.n)
    return ("xuat_sac" if reached and exceeded >= _T["exceeded"] else None), values


def _good(facts: YearFacts) -> tuple[str | None, Values]:
    values: Values = {"f": facts.f, "common_failed": _common_failed(facts)}
    reached = facts.f == 0 and not _common_failed(facts)
    if facts.person.unit is not None:
        reached &= _unit_good(facts, values)
        share = values["unit_on_time_quality"] = Fraction(facts.person.unit.on_time_quality, facts.person.unit.targets)
        reached &= share >= _T["unit_on_time_quality"]
    return ("tot" if reached else None), values


def _passed(facts: YearFacts) -> tuple[str | None, Values]:
    values: Values = {"undone": facts.undone, "f": facts.f, "common_failed": _common_failed(facts)}
    reached = facts.undone == 0 and facts.f <= _T["failed_some"] and not _common_failed(facts)
    if facts.person.unit is not None:
        completed = values["unit_completed"] = Fraction(facts.person.unit.completed, facts.person.unit.targets)
        units = values["units_hoan_thanh"] = _share(facts.person.unit.units_hoan_thanh, facts.person.unit.units)
        reached &= completed > _T["unit_passed"] and units >= _T["units_passed"]
    return ("hoan_thanh" if reached else None), values


def _unforeseen(_: YearFacts) -> tuple[str | None, Values]:
    return "can_xem_xet", {}


_ORDER: tuple[tuple[str, Rule], ...] = (
    ("0", _not_in_post),
    ("1", _too_short),
    ("2", _disciplined),
    ("3", _nothing),
    ("4a", _unit_failed),
    ("4b", _mostly_failed),
    ("4c", _no_unit_result),
    ("5", _excellent),
    ("6", _good),
    ("7", _passed),
    ("8", _unforeseen),
)


def _unit_good(facts: YearFacts, values: Values) -> bool:
    """What tốt and xuất sắc both ask of a leader's unit: all targets, all managed units passed, most of them good."""
    unit = facts.person.unit
    if unit is None:
        return True
    completed = values["unit_completed"] = Fraction(unit.completed, unit.targets)
    passed = values["units_hoan_thanh"] = _share(unit.units_hoan_thanh, unit.units)
    good = values["units_tot"] = _share(unit.units_tot, unit.units)
    return completed >= 1 and passed >= 1 and good >= _T["units_good"]


def _share(part: int, whole: int) -> Fraction:
    """A share of no units is fulfilled."""
    return Fraction(part, whole) if whole else Fraction(1)


def _common_failed(facts: YearFacts) -> bool:
    return any(facts.grade(name) == "khong" for name in COMMON)


def _figures(facts: YearFacts) -> dict[str, int | str]:
    tasks = facts.tasks
    figures: dict[str, int | str] = {
        "n": facts.n,
        "completed": facts.in_state("completed"),
        "undone": facts.undone,
        "late": sum(task.late for task in tasks),
        "poor": sum(task.poor for task in tasks),
        "failed": facts.failed,
        "f": str(facts.f),
        "exceeded": facts.exceeded,
        "late_times": sum(task.late_times for task in tasks if task.evaluated),
        "quality_failures": sum(task.quality_failures for task in tasks if task.evaluated),
        "excused": facts.in_state("excused"),
        "pending": facts.in_state("pending"),
        "not_yet_due": facts.in_state("not_yet_due"),
        "regular": facts.in_state("regular"),
        "cancelled": facts.in_state("cancelled"),
        "split": facts.in_state("split"),
        "handed_back": facts.in_state("handed_back"),
        "days_worked": facts.person.days_worked,
        "days_absent": facts.person.days_absent,
        "discipline": len(facts.person.acts),
    }
    figures |= {name: facts.grade(name) for name in COMMON}
    if facts.person.unit is not None:
        unit = facts.person.unit
        figures |= {
            "unit_completed": str(Fraction(unit.completed, unit.targets)),
            "unit_on_time_quality": str(Fraction(unit.on_time_quality, unit.targets)),
            "unit_exceeded": str(Fraction(unit.exceeded, unit.targets)),
            "units_hoan_thanh": str(_share(unit.units_hoan_thanh, unit.units)),
            "units_tot": str(_share(unit.units_tot, unit.units)),
        }
    return figures


def _missing(facts: YearFacts) -> Iterator[Missing]:
    if unconfirmed := [name for name in COMMON if facts.common[name] is None]:
        text = f"Tiêu chí chung {', '.join(unconfirmed)} chưa được xác nhận, tạm tính là đáp ứng"
        yield Missing("common-criteria", text)
    if not facts.leader:
        return
    if facts.person.post.leads_unit is None:
        yield Missing("leads-unit", "Chưa ghi đơn vị hoặc mảng phụ trách của người lãnh đạo, quản lý")
    elif facts.person.unit_without_targets:
        yield Missing("unit-targets", "Kết quả của đơn vị phụ trách có 0 chỉ tiêu nên coi như chưa ghi")
    elif facts.person.unit is None:
        yield Missing("unit-result", "Chưa ghi kết quả trong năm của đơn vị hoặc mảng phụ trách")
