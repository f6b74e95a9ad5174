"""A commune's records seen on an evaluation date, with the cut-off of each year (rating.md, "Dates")."""

import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from services.scoring.domain.records import SOURCE_OF, Records, TaskRecord
from services.scoring.domain.rules.facts.dates import Life, life_of
from services.scoring.domain.settings import Settings, on_month_day, settings_of
from shared.events import Input

T = TypeVar("T")


class Snapshot:
    """One commune's records as known at a moment, seen on an evaluation date; each task is read once.

    One that was cut from `whole` to earlier positions shares with it what was read.
    """

    def __init__(
        self, records: Records, on: date, whole: "Snapshot | None" = None, positions: Mapping[str, int] | None = None
    ) -> None:
        self.on = on
        self._whole = whole or self
        self._positions = positions or dict.fromkeys(SOURCE_OF.values(), sys.maxsize)
        self.records = records.until(positions) if positions else records
        self._kept: dict[Hashable, Any] = {}
        self._lives: dict[tuple[str, int], Life] = whole._lives if whole else {}
        self._settings: dict[int, Settings] = {}
        self._cuts: dict[int, date] = {}
        self._by_lead: dict[str, list[TaskRecord]] = {}
        self._parts: dict[str, list[TaskRecord]] = {}
        for task in self.records.tasks.values():
            self._by_lead.setdefault(task.lead, []).append(task)
            if task.parent is not None:
                self._parts.setdefault(task.parent, []).append(task)

    def settings(self, year: int) -> Settings:
        if year not in self._settings:
            self._settings[year] = settings_of(self.records, year)
        return self._settings[year]

    def cut(self, year: int) -> date:
        """cut(Y), the cut-off date of a rating year."""
        if year not in self._cuts:
            self._cuts[year] = on_month_day(year, self.settings(year).cut_off)
        return self._cuts[year]

    def by(self, year: int) -> date:
        """The earlier of the evaluation date and the cut-off: E of a rating year, and the day of a person's post."""
        return min(self.on, self.cut(year))

    def led_by(self, staff: str) -> Iterable[TaskRecord]:
        return self._by_lead.get(staff, ())

    def parts(self, task: str) -> Iterable[TaskRecord]:
        """The sub-tasks right below a task."""
        return self._parts.get(task, ())

    def life(self, task: TaskRecord) -> Life:
        # A task cut to an earlier position holds fewer moments: as many are the same ones.
        key = task.task, len(task.moments)
        life = self._lives.get(key)
        if life is None:
            life = self._lives[key] = life_of(task)
        return life

    def at(self, inputs: Iterable[Input], on: date) -> "Snapshot":
        """These records cut to the positions of the inputs, seen on another evaluation date."""
        asked = {each.source: each.position for each in inputs}
        positions = {source: min(last, asked.get(source, 0)) for source, last in self._positions.items()}
        whole = self._whole
        return whole.once(("at", *positions.items(), on), lambda: Snapshot(whole.records, on, whole, positions))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first asking: a snapshot does not change."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found
