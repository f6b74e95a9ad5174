"""The facts of nd90: each task in the year it belongs to, and a person's year (rating.md, "Facts per task")."""

from datetime import date
from fractions import Fraction

import msgspec

from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.dates import Life
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref, task_facts
from services.scoring.domain.rules.facts.year import PersonYear, person_year
from services.scoring.domain.rules.interface import EventRef, State, TaskFacts
from services.scoring.domain.settings import Settings

COMMON = ("k1", "k2", "k3", "k4")
ABSENT = ("insured", "unpaid", "other")


class YearFacts(msgspec.Struct):
    """What the rules look at: one person's year."""

    person: PersonYear
    settings: Settings
    tasks: list[TaskFacts]
    common: dict[str, str | None]
    because: dict[str, list[EventRef]]

    @property
    def leader(self) -> bool:
        return is_leader(self.person.post)

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


def is_leader(post: people.Post) -> bool:
    return post.leader or post.category == "can_bo"


def year_facts(snapshot: Snapshot, person: PersonRecord, post: people.Post, year: int) -> YearFacts:
    of_person = person_year(snapshot, person, post, year, leads=is_leader(post), absent=ABSENT)
    common, common_events = _common(snapshot, person.staff, year)
    return YearFacts(
        person=of_person,
        settings=snapshot.settings(year),
        tasks=_tasks(snapshot, person, year),
        common=common,
        because=of_person.because | common_events,
    )


def _common(snapshot: Snapshot, staff: str, year: int) -> tuple[dict[str, str | None], dict[str, list[EventRef]]]:
    """Each criterion as last confirmed for the year as a whole."""
    grades: dict[str, str | None] = dict.fromkeys(COMMON)
    events: dict[str, list[EventRef]] = {name: [] for name in COMMON}
    record = snapshot.records.get("common", f"{year}/{staff}")
    for moment in record.moments if record else ():
        if moment.data.stage == "confirmed" and moment.data.period is None:
            for name, grade in moment.data.items.items():
                if name in grades:
                    grades[name], events[name] = grade, [ref("scoring", moment, "common")]
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
        facts = task_facts(snapshot, life, person, by)
        if belongs is not None or _of_this_year(snapshot, life, facts.state, year):
            found.append(facts)
    return sorted(found, key=lambda facts: (facts.due or date.max, facts.task))


def _of_this_year(snapshot: Snapshot, life: Life, state: State, year: int) -> bool:
    """A task without a date of the year is shown while it is open, and in the year in which it was closed."""
    closed = life.cancelled if state == "cancelled" else life.handed_back if state == "handed_back" else None
    return closed is None or snapshot.cut(year - 1) < closed.day <= snapshot.cut(year)
