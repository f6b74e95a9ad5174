"""A commune's records seen on an evaluation date, with the cut-off of each year (rating.md, "Dates")."""

from collections.abc import Iterable
from datetime import date

from services.scoring.domain.records import Records, TaskRecord
from services.scoring.domain.rules.facts.dates import Life, life_of
from services.scoring.domain.settings import Settings, on_month_day, settings_of


class Snapshot:
    """One commune's records as known at a moment, seen on an evaluation date; each task is read once."""

    def __init__(self, records: Records, on: date) -> None:
        self.records = records
        self.on = on
        self._lives: dict[str, Life] = {}
        self._settings: dict[int, Settings] = {}
        self._cuts: dict[int, date] = {}
        self._by_lead: dict[str, list[TaskRecord]] = {}
        self._parts: dict[str, list[TaskRecord]] = {}
        for task in records.tasks.values():
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
        """E of a rating year: the earlier of the evaluation date and the cut-off."""
        return min(self.on, self.cut(year))

    def led_by(self, staff: str) -> Iterable[TaskRecord]:
        return self._by_lead.get(staff, ())

    def parts(self, task: str) -> Iterable[TaskRecord]:
        """The sub-tasks right below a task."""
        return self._parts.get(task, ())

    def life(self, task: TaskRecord) -> Life:
        life = self._lives.get(task.task)
        if life is None:
            life = self._lives[task.task] = life_of(task)
        return life
