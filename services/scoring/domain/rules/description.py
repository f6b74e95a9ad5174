"""How a rule set describes itself: its figures, criteria, columns and words, which all outputs walk.

The description lies in the rule set's folder as description.json. Words and layout change no rating, so the hash of a
rule set leaves them out (ADR 0025).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from string import Formatter
from typing import Literal, TypeAlias

import msgspec

from services.scoring.domain import texts
from services.scoring.domain.rules.interface import TASK_LISTS, PeriodTask, TaskFacts
from shared.decoding import decoder
from shared.law import Row

Format: TypeAlias = Literal["whole", "share", "points", "grade", "level"]
Figures: TypeAlias = Mapping[str, int | str]
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+|/[1-9][0-9]*)?")


class DescriptionError(ValueError):
    """A rule set and its description do not fit together, or the description contradicts itself."""


class _Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declaration in description.json; a name it does not know is a mistake."""


class IfZero(_Declared, frozen=True, kw_only=True):
    """What stands in place of a figure's arithmetic while another figure is 0."""

    figure: str
    text: str


class Figure(_Declared, frozen=True, kw_only=True):
    """A figure of the year. `heading` and `brief` head its column on paper and in a terminal; `label` by default.

    It unfolds to the tasks of the lists `tasks` that are in none of `but_not`, or to the periods' scores between the
    two months of `mean_of`. `because` names the events it rests on, by default its own. `arithmetic` shows how it is
    made, with `{name}` for another figure. Figures that are 0 share a line, but for those that are shown `always`.
    """

    name: str
    label: str
    format: Format = "whole"
    heading: str = ""
    brief: str = ""
    tasks: Sequence[str] = ()
    but_not: Sequence[str] = ()
    mean_of: tuple[int, int] | None = None
    because: str | None = None
    arithmetic: str = ""
    if_zero: IfZero | None = None
    always: bool = False

    @property
    def on_paper(self) -> str:
        return self.heading or self.label

    @property
    def in_terminal(self) -> str:
        return self.brief or self.on_paper

    def counts(self, task: TaskFacts) -> bool:
        return any(TASK_LISTS[name](task) for name in self.tasks) and not any(
            TASK_LISTS[name](task) for name in self.but_not
        )

    def how(self, figures: Figures) -> str:
        """The arithmetic with the values of a sheet."""
        if self.if_zero and not Fraction(figures.get(self.if_zero.figure, 0)):
            return self.if_zero.text
        return self.arithmetic.format_map({name: figures.get(name, "–") for name in _placeholders(self.arithmetic)})


class PeriodFigure(_Declared, frozen=True, kw_only=True):
    """A figure of a period. It unfolds to the tasks in one of `roles`; where there are none, to those in one of
    `otherwise`. `parts` are the figures of the same period that it is made of."""

    name: str
    label: str
    format: Format
    heading: str
    roles: Sequence[str] = ()
    otherwise: Sequence[str] = ()
    parts: Sequence[str] = ()

    def counted(self, tasks: Sequence[PeriodTask]) -> list[TaskFacts]:
        found = [task.task for task in tasks if task.role in self.roles]
        return found or [task.task for task in tasks if task.role in self.otherwise]


class Word(_Declared, frozen=True, kw_only=True):
    """What a step looked at and that is no figure of the sheet."""

    name: str
    label: str
    format: Format = "whole"


class LeftOut(_Declared, frozen=True, kw_only=True):
    """A reason that leaves a period out of the mean. `lacks_record`: people still have to record something, so the
    period cannot be closed. `away`: the person was not here, so it is not closed here."""

    name: str
    label: str
    lacks_record: bool = False
    away: bool = False


class Points(_Declared, frozen=True, kw_only=True):
    """A criterion of a period, with the most points it gives."""

    name: str
    most: str

    @property
    def limit(self) -> Fraction:
        return Fraction(self.most)


class Criteria(_Declared, frozen=True, kw_only=True):
    """What people record of a person: grades for a year, points for a period, and a leader's own.

    Each leader's criterion is a field of the event rating.leader_criteria_recorded.
    """

    year: Sequence[str] = ()
    grades: Mapping[str, str] = {}
    period: Sequence[Points] = ()
    leader: Sequence[str] = ()


class Description(_Declared, frozen=True, kw_only=True, dict=True):
    """All that outputs need to know of a rule set.

    `table` and `report` name the figures that are columns of a year's table and of the report by person. `ranking`
    orders the candidates for xuất sắc, the highest first, by figures and by ratios such as `exceeded/n`. `applies` are
    rows of the law's table that a province adds.
    """

    figures: Sequence[Figure]
    table: Sequence[str] = ()
    report: Sequence[str] = ()
    ranking: Sequence[str] = ()
    words: Sequence[Word] = ()
    criteria: Criteria = Criteria()
    period_figures: Sequence[PeriodFigure] = ()
    period_note: str = ""
    left_out: Sequence[LeftOut] = ()
    applies: Sequence[Row] = ()

    def figure(self, name: str) -> Figure | PeriodFigure | None:
        """By the name it has on a sheet; that of a period is named after it, as in `2026-03.W`."""
        period, _, of = name.rpartition(".")
        return self._of_period.get(of) if period else self._of_year.get(of)

    @cached_property
    def _of_year(self) -> Mapping[str, Figure]:
        return {figure.name: figure for figure in self.figures}

    @cached_property
    def _of_period(self) -> Mapping[str, PeriodFigure]:
        return {figure.name: figure for figure in self.period_figures}

    def label(self, name: str) -> str:
        """What a figure of a sheet is: `Tháng 3/2026: Số lượng (a)`."""
        period = name.rpartition(".")[0]
        label = self._must_know(name).label
        return f"{texts.period_text(period)}: {label}" if period else label

    def shown(self, name: str, value: int | str) -> str:
        """A figure as the sheet prints it."""
        return self._shown(self._must_know(name).format, value)

    def step_values(self, values: Mapping[str, str]) -> str:
        """What a step looked at, in words: `Tỷ lệ không đạt: 1/5 = 20,00 %`."""
        return "; ".join(f"{self._word(name)}: {self._looked_at(name, value)}" for name, value in values.items())

    def left_out_as(self, name: str | None) -> LeftOut | None:
        return next((reason for reason in self.left_out if reason.name == name), None)

    def _must_know(self, name: str) -> Figure | PeriodFigure:
        figure = self.figure(name)
        if figure is None:
            raise DescriptionError(f"the rule set gives a figure {name!r} that its description does not name")
        return figure

    def _named(self, name: str) -> Word | Figure | PeriodFigure | None:
        return next((word for word in self.words if word.name == name), None) or self.figure(name)

    def _word(self, name: str) -> str:
        named = self._named(name)
        return named.label if named else texts.LOOKED_AT.get(name, name)

    def _looked_at(self, name: str, value: str) -> str:
        named = self._named(name)
        if named is not None and named.format in {"points", "level"}:
            return self._shown(named.format, value)
        if "/" in value:
            return f"{value} = {texts.percent(Fraction(value))}"
        return (texts.YES_NO | dict(self.criteria.grades) | texts.CATEGORIES).get(value, value)

    def _shown(self, format_: Format, value: int | str) -> str:
        match format_:
            case "share":
                return texts.percent(Fraction(value))
            case "points":
                return texts.decimal(Fraction(value))
            case "grade":
                return self.criteria.grades.get(str(value), str(value))
            case "level":
                return texts.LEVELS.get(str(value), str(value))
        return str(value)


# Where no rule set applies there are no figures.
NOTHING = Description(figures=[])


def read(body: bytes, about: Mapping[str, object]) -> Description:
    """The description in a rule set's folder, checked. `about` is its rules.toml.

    Raises DescriptionError for one that cannot be read, contradicts itself, or names other figures than rules.toml
    does (`figures` and `period_figures`; the two decrees were released before rules.toml named them).
    """
    try:
        described = decoder(Description)(body)
    except msgspec.MsgspecError as error:
        raise DescriptionError(f"description.json: {error}") from error
    for key, figures in (("figures", described.figures), ("period_figures", described.period_figures)):
        given = about.get(key)
        names = {figure.name for figure in figures}
        if isinstance(given, list) and set(given) != names:
            missed, unknown = sorted(set(given) - names), sorted(names - set(given))
            raise DescriptionError(
                f"description.json: {key} misses {missed}, and names {unknown} that rules.toml does not"
            )
    for message in _contradictions(described):
        raise DescriptionError(f"description.json: {message}")
    return described


def _contradictions(of: Description) -> Iterable[str]:
    """Every name that stands for nothing."""
    figures, in_period = [figure.name for figure in of.figures], [figure.name for figure in of.period_figures]
    reasons = [reason.name for reason in of.left_out]
    for what, names in (("figures", figures), ("period_figures", in_period), ("left_out", reasons)):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield f"{what} names {twice} twice"
    uses: list[tuple[str, Iterable[str], Collection[str]]] = [
        ("table", of.table, figures),
        ("report", of.report, figures),
        ("ranking", [name for entry in of.ranking for name in entry.split("/", 1)], figures),
        ("criteria.year", of.criteria.year, figures),
        ("criteria.leader", of.criteria.leader, in_period),
    ]
    for figure in of.figures:
        uses += [
            (f"{figure.name}.tasks", [*figure.tasks, *figure.but_not], TASK_LISTS),
            (f"{figure.name}.arithmetic", _placeholders(figure.arithmetic), figures),
            (f"{figure.name}.if_zero", [figure.if_zero.figure] if figure.if_zero else [], figures),
        ]
        if figure.mean_of and "score" not in in_period:
            yield f"{figure.name}.mean_of needs a figure 'score' of each period"
    uses += [(f"{figure.name}.parts", figure.parts, in_period) for figure in of.period_figures]
    for what, used, known in uses:
        if unknown := [name for name in used if name not in known]:
            yield f"{what} names {unknown}, which the description does not know"
    for criterion in of.criteria.period:
        if not _NUMBER.fullmatch(criterion.most):
            yield f"criteria.period {criterion.name}: {criterion.most!r} is no number"


def _placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


def merged(lists: Iterable[Sequence[str]]) -> list[str]:
    """Several lists as one that keeps the order of each where it can: a new name goes before the next known one."""
    found: list[str] = []
    for names in lists:
        for index, name in enumerate(names):
            if name not in found:
                after = next((found.index(later) for later in names[index:] if later in found), len(found))
                found.insert(after, name)
    return found
