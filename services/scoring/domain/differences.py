"""What changed a rating sheet between two moments: each change of a figure with its cause, an event or a passing day.

The walk goes from the first moment's records to the last one's in the order of recorded time.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

from services.scoring.domain import rules
from services.scoring.domain.fold import evolve
from services.scoring.domain.records import SOURCE_OF, Records
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.rules.interface import EventRef, TaskFacts
from services.scoring.domain.settings import cut_off
from services.scoring.domain.sheet import Sheet, sheet
from shared.events import Data, Envelope, TaskCarriedOver

_DAY = timedelta(days=1)
_WORDS = {"level": "Mức xếp loại", "rule_set": "Bộ quy tắc"}


class TaskRef(msgspec.Struct, frozen=True):
    task: str
    title: str


class Change(msgspec.Struct, frozen=True):
    """One figure changed by one cause: an `event`, or that a `day` came (a date passed by its end).

    `before` and `after` are exact, None where the sheet had no such figure. `tasks` are those that became something
    else for the person by the same cause.
    """

    figure: str
    text: str
    before: int | str | None
    after: int | str | None
    shown_before: str
    shown_after: str
    tasks: list[TaskRef]
    event: EventRef | None = None
    day: date | None = None


class Differences(msgspec.Struct):
    """`before` and `after` hold all figures of both sheets; the changes lead from one to the other."""

    staff: str
    year: int
    evaluated_from: date
    evaluated_to: date
    before: dict[str, int | str]
    after: dict[str, int | str]
    changes: list[Change]


def differences(
    records: Records, year: int, staff: str, first: date, last: date, events: Iterable[Envelope]
) -> Differences:
    """What led from the sheet of `records` on the day `first` to that on `last`, with the events recorded between.

    `events` come in the order of their recorded times, each log's by position. `records` become those of the last
    moment. A day comes before the events recorded on it; an event from outside both days moves no day.
    """
    walk = _Walk(records, year, staff, first)
    before = walk.figures
    for event in events:
        walk.advance_to(min(event.day, last))
        walk.fold(event)
    walk.advance_to(last)
    return Differences(staff, year, first, last, before, walk.figures, walk.changes)


def figures_of(of: Sheet | None) -> dict[str, int | str]:
    """The figures that are compared: the rule set, those of the sheet, and the level."""
    return {} if of is None else {"rule_set": of.rule_set, **of.figures, "level": of.level}


class _Walk:
    """The records and the person's sheet on the way; a sheet is computed only where it can have changed."""

    def __init__(self, records: Records, year: int, staff: str, on: date) -> None:
        self.records, self.year, self.staff, self.on = records, year, staff, on
        self.changes: list[Change] = []
        records.take_changed()
        self._look_around()
        self._sheet = self._compute()
        self.figures = figures_of(self._sheet)

    def advance_to(self, day: date) -> None:
        for step in self._passing(day):
            self.on = step
            self._compare(day=step)
        self.on = max(self.on, day)

    def fold(self, event: Envelope) -> None:
        evolve(self.records, event)
        for kind, name in self.records.take_changed():
            if self._concerns(kind, name):
                self._days |= _around(self.records.get(kind, name))
                self._compare(event=_cause(self.records, kind, name, event))

    def _compare(self, *, event: EventRef | None = None, day: date | None = None) -> None:
        now = self._compute()
        figures = figures_of(now)
        if figures != self.figures:
            tasks = list(_moved(self._sheet, now))
            for name in [*figures, *(gone for gone in self.figures if gone not in figures)]:
                before, after = self.figures.get(name), figures.get(name)
                if before != after:
                    shown = (_shown(self._sheet, name), _shown(now, name))
                    self.changes.append(
                        Change(name, _text(name, now, self._sheet), before, after, *shown, tasks, event, day)
                    )
        self._sheet, self.figures = now, figures

    def _compute(self) -> Sheet | None:
        """None while nobody of that id was ever appointed."""
        person = self.records.people.get(self.staff)
        if person is None or post_on(person, self.on) is None:
            return None
        return sheet(self.records, self.year, self.staff, on=self.on)

    def _look_around(self) -> None:
        """Which trees of tasks concern the person, and the days on which a date in what concerns them can pass."""
        self._trees = {
            _root(self.records, task.task) for task in self.records.tasks.values() if task.lead == self.staff
        }
        self._days: set[date] = set()
        for kind, records in self.records.by_kind.items():
            for name, record in records.items():
                if self._concerns(kind, name):
                    self._days |= _around(record)

    def _concerns(self, kind: str, name: str) -> bool:
        """Can a record change the person's sheet? A task can when its tree has one that they lead; another person's
        record cannot; all others, which change rarely, may."""
        match kind:
            case "task":
                root = _root(self.records, name)
                if self.records.tasks[name].lead == self.staff and root not in self._trees:
                    self._look_around()
                return root in self._trees
            case "person":
                return name == self.staff
            case "common" | "rating":
                return name.partition("/")[2] == self.staff
        return True

    def _passing(self, last: date) -> Iterator[date]:
        """The days after the present one, up to `last`, on which a date can pass.

        Rules compare the evaluation date with dates in the records, cut-offs and the ends of periods, each by "on or
        before" or "before". Cut-offs and ends after the next year do not concern this one, however far `last` is.
        """
        years = range(self.on.year, min(last.year, self.year + 1) + 1)
        turns = {date(year, month, 1) for year in years for month in range(1, 13)}
        turns |= {cut_off(self.records, year) + _DAY for year in years}
        days = self._days | turns | {turn - _DAY for turn in turns if turn > date.min}
        return iter(sorted(day for day in days if self.on < day <= last))


def _around(record: Any) -> set[date]:
    """Every date in a record, the days its events were recorded on, and the day after each."""
    dates = {moment.day for moment in record.moments}
    for moment in record.moments:
        dates.update(_dates_in(moment))
    return dates | {day + _DAY for day in dates if day < date.max}


def _dates_in(of: Any) -> Iterator[date]:
    for name in of.__struct_fields__:
        value = getattr(of, name)
        if isinstance(value, date):
            yield value
        elif isinstance(value, Data):
            yield from _dates_in(value)


def _root(records: Records, task: str) -> str:
    """The task at the top of a task's tree, as far up as it is known here."""
    seen = set()
    while task not in seen:
        seen.add(task)
        parent = records.tasks[task].parent
        if parent is None or parent not in records.tasks:
            break
        task = parent
    return task


def _cause(records: Records, kind: str, name: str, event: Envelope) -> EventRef:
    """What happened, by the tag of the moment that its record keeps."""
    moment = records.get(kind, name).moments[-1]
    if isinstance(event.data, TaskCarriedOver):
        what = "carried_over"
    elif moment.position != event.position:
        what = "corrected"
    else:
        what = str(type(moment).__struct_config__.tag or kind)
    return EventRef(SOURCE_OF[kind], event.position, event.id, event.time, event.actor, what)


def _moved(before: Sheet | None, after: Sheet | None) -> Iterator[TaskRef]:
    """The tasks whose facts for the person differ between the two sheets."""
    of_before, of_after = ({task.task: task for task in of.tasks} if of else {} for of in (before, after))
    for task in (of_before | of_after).values():
        if _facts(of_before.get(task.task)) != _facts(of_after.get(task.task)):
            yield TaskRef(task.task, task.title)


def _facts(task: TaskFacts | None) -> Any:
    """A task's facts without the events behind them, which grow with each event."""
    return task and msgspec.structs.replace(task, events=[], because={}, causes=[])


def _text(figure: str, *sheets: Sheet | None) -> str:
    """What a figure is, by the rule set of the sheet that has it."""
    of = next((sheet for sheet in sheets if sheet and figure in sheet.figures), None)
    return rules.described(of.rule_set).label(figure) if of else _WORDS[figure]


def _shown(of: Sheet | None, figure: str) -> str:
    if of is None:
        return "–"
    return {"level": of.level_text, "rule_set": of.rule_set}.get(figure) or of.shown.get(figure, "–")
