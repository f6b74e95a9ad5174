"""The rules of nd335 for a year; the first that applies decides (rating.md, "nd335")."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction

import msgspec

from services.scoring.domain.records import PersonRecord, UnitRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.facts.year import PersonYear, person_year, unit_result
from services.scoring.domain.rules.interface import Answer, EventRef, Missing, PeriodSheet, Step
from services.scoring.domain.rules.nd335.facts import ABSENT, DATA, T, year_periods, year_tasks
from services.scoring.domain.settings import Settings

_RULES = {rule["id"]: rule for rule in DATA["rules"]}
# From the lowest up.
_LEVELS = ("khong_hoan_thanh", "hoan_thanh", "tot", "xuat_sac")
# Which months of the year each mean is of.
_MEANS = {
    "q1": (1, 3), "q2": (4, 6), "q3": (7, 9), "q4": (10, 12), "h1": (1, 6), "h2": (7, 12), "score": (1, 12),
}  # fmt: skip

Values = dict[str, object]


class YearFacts(msgspec.Struct):
    """What the rules look at: one person's year. `acts` are those that decide by themselves; `heads` gives for each
    unit whose head the person is its recorded level."""

    person: PersonYear
    settings: Settings
    periods: list[PeriodSheet]
    means: dict[str, Fraction]
    acts: list[people.Act]
    heads: dict[str, str | None]

    @property
    def caps(self) -> list[str]:
        return [level for level in self.heads.values() if level is not None]


Rule = Callable[[YearFacts], tuple[str | None, Values]]


def rate(snapshot: Snapshot, person: PersonRecord, year: int) -> Answer:
    """The level of a person's year with its periods, the rules checked and what is missing."""
    post = people.post_on(person, snapshot.by(year))
    if post is None:
        raise LookupError(f"{person.staff} was never appointed")
    of_person = person_year(snapshot, person, post, year, leads=post.leader, absent=ABSENT)
    periods = year_periods(snapshot, person, year)
    heads, head_events = _heads(snapshot, person.staff, year)
    facts = YearFacts(
        person=of_person,
        settings=snapshot.settings(year),
        periods=periods,
        means=_means(periods),
        acts=[act for act in of_person.acts if _decides(person, act)],
        heads=heads,
    )
    level, steps = "chua_du_du_lieu", []
    for name, rule in _ORDER:
        decided, values = rule(facts)
        steps.append(_step(name, values, decided))
        if decided is not None:
            level = decided
            break
    if facts.caps and level in _LEVELS:
        most = min(facts.caps, key=_LEVELS.index)
        capped = most if _LEVELS.index(most) < _LEVELS.index(level) else None
        steps.append(_step("5", {"unit_level": most, "level": level}, capped))
        level = capped or level
    return Answer(
        effective_by=snapshot.on,
        level=level,
        figures=_figures(facts),
        steps=steps,
        missing=list(_missing(facts)),
        tasks=year_tasks(snapshot, person, year, periods),
        because=of_person.because | _because(periods) | {"unit_level": head_events},
        periods=periods,
    )


def _step(name: str, values: Values, decided: str | None) -> Step:
    rule = _RULES[name]
    return Step(
        name, rule["article"], rule["text"], {key: _text(of) for key, of in values.items()}, bool(decided), decided
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _decides(person: PersonRecord, act: people.Act) -> bool:
    """Committed while in post here (Đ11 k3c), in public duty or as degradation (k3a)."""
    then = people.post_on(person, act.act_date)
    return (act.public_duty or act.degradation) and then is not None and then.in_post


def _heads(snapshot: Snapshot, staff: str, year: int) -> tuple[dict[str, str | None], list[EventRef]]:
    """The recorded level of each unit that names the person as its head, and the events behind."""
    by = snapshot.by(year)
    levels: dict[str, str | None] = {}
    events = []
    for unit in snapshot.records.by_kind["unit"].values():
        if not _heads_it(unit, staff, by):
            continue
        result, recorded = unit_result(snapshot, unit.unit, year)
        known = result is not None and result.targets > 0 and result.level in _LEVELS
        levels[unit.unit] = result.level if result is not None and known else None
        events += [*(ref("tasks", moment, "unit") for moment in unit.moments), *recorded]
    return levels, events


def _heads_it(unit: UnitRecord, staff: str, day: date) -> bool:
    begun = [moment.data for moment in unit.moments if moment.data.valid_from <= day]
    if not begun:
        return False
    last = max(enumerate(begun), key=lambda pair: (pair[1].valid_from, pair[0]))[1]
    return last.head == staff and (last.valid_to is None or last.valid_to >= day)


def _means(periods: Iterable[PeriodSheet]) -> dict[str, Fraction]:
    """The means of the scores of the periods within a quarter, a half and the year."""
    means = {}
    for name, (first, last) in _MEANS.items():
        scores = [
            Fraction(of.score) for of in periods if of.score and first <= of.first.month and of.last.month <= last
        ]
        if scores:
            means[name] = sum(scores, Fraction(0)) / len(scores)
    return means


def _not_in_post(facts: YearFacts) -> tuple[str | None, Values]:
    return (None if facts.person.post.in_post else "khong_xep_loai"), {"in_post": facts.person.post.in_post}


def _too_short(facts: YearFacts) -> tuple[str | None, Values]:
    least = facts.settings.days_6_months
    values: Values = {"days_worked": facts.person.days_worked, "days_6_months": least}
    return ("khong_xep_loai" if facts.person.days_worked < least else None), values


def _disciplined(facts: YearFacts) -> tuple[str | None, Values]:
    values: Values = {"acts": len(facts.acts), "discipline": len(facts.person.acts)}
    return ("khong_hoan_thanh" if facts.acts else None), values


def _corruption(facts: YearFacts) -> tuple[str | None, Values]:
    corruption = facts.person.unit is not None and facts.person.unit.corruption
    return ("khong_hoan_thanh" if corruption else None), {"corruption": corruption}


def _no_score(facts: YearFacts) -> tuple[str | None, Values]:
    scores = sum(of.score is not None for of in facts.periods)
    return (None if scores else "chua_du_du_lieu"), {"periods": len(facts.periods), "scores": scores}


def _by_score(facts: YearFacts) -> tuple[str | None, Values]:
    score = facts.means["score"]
    reached = [name for name in ("xuat_sac", "tot", "hoan_thanh") if score >= T[name]]
    return (reached[0] if reached else "khong_hoan_thanh"), {"score": score}


_ORDER: tuple[tuple[str, Rule], ...] = (
    ("0", _not_in_post),
    ("1", _too_short),
    ("2a", _disciplined),
    ("2b", _corruption),
    ("3", _no_score),
    ("4", _by_score),
)


def _figures(facts: YearFacts) -> dict[str, int | str]:
    figures: dict[str, int | str] = {
        f"{of.period}.{name}": value for of in facts.periods for name, value in of.figures.items()
    }
    figures |= {name: str(mean) for name, mean in facts.means.items()}
    return figures | {
        "days_worked": facts.person.days_worked,
        "days_absent": facts.person.days_absent,
        "discipline": len(facts.person.acts),
    }


def _because(periods: Iterable[PeriodSheet]) -> dict[str, list[EventRef]]:
    """The events that people recorded for each figure of a period; its tasks name their own."""
    found = {}
    for of in periods:
        closing = of.because.get("closing", [])
        for name in of.figures:
            found[f"{of.period}.{name}"] = of.because.get(name, []) + closing
        if "score" in of.figures:
            found[f"{of.period}.score"] = of.because.get("received", closing)
    return found


def _missing(facts: YearFacts) -> Iterator[Missing]:
    for of in facts.periods:
        yield from of.missing
    for unit, level in facts.heads.items():
        if level is None:
            yield Missing("unit-level", f"Chưa ghi mức xếp loại của đơn vị {unit} mà người này đứng đầu")
    if facts.person.unit_without_targets:
        yield Missing("unit-targets", "Kết quả của đơn vị phụ trách có 0 chỉ tiêu nên coi như chưa ghi")
