"""Rating sheets: a pure function of (records, year, person, evaluation date), the same bytes for ever."""

from collections.abc import Iterable
from datetime import date

import msgspec

from services.scoring.domain import refusals, rules, texts
from services.scoring.domain.records import PersonRecord, Records, RuleSetPick, begun_by_merger
from services.scoring.domain.rules.description import Description, PeriodFigure
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.interface import (
    TASK_LISTS,
    Answer,
    EventRef,
    Missing,
    PeriodSheet,
    Step,
    TaskFacts,
)
from services.scoring.domain.settings import Settings


class Blocker(msgspec.Struct, frozen=True):
    """What must be settled before the rating can be proposed."""

    code: str
    task: str
    text: str


class Sheet(msgspec.Struct):
    """One person's year. `evaluated_on` is A, `effective_by` is E; `figures` are exact, `shown` as printed; `lists`
    holds task ids by fact, and `because` the events behind the figures that are not of tasks. `periods` are those of
    a rule set that tracks them; a figure of one is named after it, as in `2026-03.W`."""

    commune: str
    staff: str
    year: int
    evaluated_on: date
    effective_by: date
    post: str
    category: str
    unit: str
    leader: bool
    leads_unit: str | None
    similar_group: str | None
    tracker: str | None
    rater: str | None
    rated: bool
    in_post: bool
    rule_set: str
    rule_set_version: str | None
    rule_set_sha256: str | None
    settings: Settings
    level: str
    level_text: str
    figures: dict[str, int | str]
    shown: dict[str, str]
    steps: list[Step]
    missing: list[Missing]
    blockers: list[Blocker]
    lists: dict[str, list[str]]
    tasks: list[TaskFacts]
    because: dict[str, list[EventRef]]
    periods: list[PeriodSheet]


class Explanation(msgspec.Struct):
    """One figure unfolded: the tasks it counts with their events, or the events it rests on; `parts` are the figures
    of the same sheet that it is made of."""

    figure: str
    text: str
    value: int | str
    shown: str
    tasks: list[TaskFacts]
    events: list[EventRef]
    parts: list[str]

    @property
    def behind(self) -> list[EventRef]:
        """All of its events, those of its tasks included."""
        return [*self.events, *(event for task in self.tasks for event in task.events)]


def sheet(records: Records, year: int, staff: str, *, on: date) -> Sheet:
    """The sheet of a person for a rating year as of the end of the day `on`, from records folded to that moment.

    Refuses `staff-unknown`: nobody of that id was ever appointed here.
    """
    return sheet_of(Snapshot(records, on), year, staff)


def sheet_of(snapshot: Snapshot, year: int, staff: str) -> Sheet:
    """As `sheet`, from a snapshot that several sheets of one moment share."""
    person = snapshot.records.people.get(staff)
    post = people.post_on(person, snapshot.by(year)) if person else None
    if person is None or post is None:
        raise refusals.STAFF_UNKNOWN(staff=staff)
    pick = rules.picked(snapshot.records, year, post.category)
    name = pick.data.rule_set if pick else rules.by_law(year, post.category)
    described = rules.described(name)
    rule_set = rules.installed(name)
    if rule_set and pick and pick.data.rule_set_sha256 not in (None, rule_set.sha256):
        rule_set = None  # another version than the one chosen
    answer = rule_set.rate(snapshot, person, year) if rule_set else _without_rule_set(name, post, snapshot.by(year))
    if not post.rated:
        answer.level = "khong_xep_loai"
        answer.steps = [Step("rated", "", texts.NOT_RATED_HERE, {"rated": "false"}, True, answer.level)]
    if pick:
        answer.steps.insert(0, _pick_step(pick, rules.by_law(year, post.category)))
        answer.because = answer.because | {"rule_set": [ref("scoring", pick)]}
    tasks = answer.tasks
    return Sheet(
        commune=snapshot.records.commune,
        staff=staff,
        year=year,
        evaluated_on=snapshot.on,
        effective_by=answer.effective_by,
        post=post.post,
        category=post.category,
        unit=post.unit,
        leader=post.leader,
        leads_unit=post.leads_unit,
        similar_group=post.similar_group,
        tracker=post.tracker,
        rater=post.rater,
        rated=post.rated,
        in_post=post.in_post,
        rule_set=name,
        rule_set_version=rule_set.version if rule_set else None,
        rule_set_sha256=rule_set.sha256 if rule_set else None,
        settings=snapshot.settings(year),
        level=answer.level,
        level_text=texts.LEVELS[answer.level],
        figures=answer.figures,
        shown={figure: described.shown(figure, value) for figure, value in answer.figures.items()},
        steps=answer.steps,
        missing=answer.missing,
        blockers=[
            Blocker("pending", task.task, texts.PENDING.format(title=task.title))
            for task in tasks
            if task.state == "pending"
        ],
        lists={name: [task.task for task in tasks if counts(task)] for name, counts in TASK_LISTS.items()},
        tasks=tasks,
        because=answer.because,
        periods=answer.periods,
    )


def _pick_step(pick: RuleSetPick, by_law: str) -> Step:
    """Why another rule set than the law's applies."""
    values = {"rule_set": pick.data.rule_set, "by_law": by_law, "by": pick.data.by}
    text = texts.RULE_SET_PICKED.format(reason=pick.data.reason) if pick.data.reason else texts.RULE_SET_PICKED_SILENTLY
    return Step("rule_set", "", text, values, applies=False)


def _without_rule_set(name: str, post: people.Post, by: date) -> Answer:
    """An honest outcome where no rule set applies (`none`), or the one that does is not installed here."""
    missing = []
    if not post.in_post:
        level, text = "khong_xep_loai", texts.NOT_IN_POST
    elif name == "none":
        level, text = "khong_xep_loai", texts.NOT_RATED_CATEGORY
    else:
        level, text = "can_xem_xet", texts.NOT_INSTALLED.format(rule_set=name)
        missing.append(Missing("rule-set-not-installed", text))
    step = Step("rule_set", "", text, {"rule_set": name, "category": post.category}, True, level)
    return Answer(by, level, {}, [step], missing, [], {})


def sheet_bytes(of: Sheet) -> bytes:
    """The sheet as canonical JSON: what its SHA-256 is taken of."""
    return msgspec.json.encode(of, order="deterministic")


def can_be_proposed(of: Sheet) -> bool:
    """Nothing that this sheet rests on is still waiting for a person."""
    return not of.blockers


def explain(of: Sheet, figure: str) -> Explanation:
    """The tasks and events behind one figure. Refuses `figure-unknown`."""
    if figure not in of.figures:
        raise refusals.FIGURE_UNKNOWN(figure=figure)
    described = rules.described(of.rule_set)
    tasks, events, parts = _behind(of, figure, described)
    return Explanation(
        figure=figure,
        text=described.label(figure),
        value=of.figures[figure],
        shown=of.shown[figure],
        tasks=tasks,
        events=events,
        parts=[name for name in of.figures if name in parts],
    )


def _behind(of: Sheet, name: str, described: Description) -> tuple[list[TaskFacts], list[EventRef], set[str]]:
    """The tasks, the events and the other figures that a figure is made of."""
    figure, events = described.figure(name), of.because.get(name, [])
    if isinstance(figure, PeriodFigure):
        period = next(each for each in of.periods if name.startswith(f"{each.period}."))
        parts = set() if period.received_from else {f"{period.period}.{part}" for part in figure.parts}
        return figure.counted(period.tasks), events, parts
    if figure is None:
        return [], events, set()
    first, last = figure.mean_of or (13, 0)
    within = [each for each in of.periods if first <= each.first.month and each.last.month <= last]
    scores = {f"{each.period}.score" for each in within if each.score is not None}
    return list(filter(figure.counts, of.tasks)), of.because.get(figure.because or name, []), scores


def rated_staff(records: Records, year: int, *, on: date) -> list[str]:
    """Who is rated: those whose `rated` is true and who were employed here on a day of the calendar year.

    Nobody in a year before the commune was made of others: those rated their people themselves.
    """
    return _rated(Snapshot(records, on), year)


def _rated(snapshot: Snapshot, year: int) -> list[str]:
    by, begun = snapshot.by(year), begun_by_merger(snapshot.records)
    if begun and year < begun.year:
        return []
    return sorted(staff for staff, person in snapshot.records.people.items() if _is_rated(person, year, by))


def _is_rated(person: PersonRecord, year: int, by: date) -> bool:
    post = people.post_on(person, by)
    return post is not None and post.rated and people.in_post_during(person, year)


def sheets(records: Records, year: int, on: date, staff: Iterable[str] | None = None) -> list[Sheet]:
    """The sheets of all who are rated (or of those named), each task read once."""
    snapshot = Snapshot(records, on)
    return [sheet_of(snapshot, year, one) for one in (_rated(snapshot, year) if staff is None else staff)]
