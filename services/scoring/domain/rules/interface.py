"""What every rule set is asked and answers: the one interface between the sheets and the decrees."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, TypeAlias

import msgspec

from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts.snapshot import Snapshot

State: TypeAlias = Literal[
    "completed",
    "undone",
    "excused",
    "pending",
    "not_yet_due",
    "regular",
    "cancelled",
    "split",
    "handed_back",
]


class EventRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event behind a fact: where it stands in which log, and who recorded what when."""

    source: Literal["tasks", "scoring"]
    position: int
    id: str
    time: str
    actor: str
    what: str


class CauseLine(msgspec.Struct, frozen=True):
    """An objective cause that was confirmed; without `due_version`, for all versions set until then."""

    of: Literal["lateness", "quality"]
    due_version: int | None
    reason: str
    document: str | None
    by: str
    position: int


class TaskFacts(msgspec.Struct):
    """What a task was for the person rated: its one state, its failings, and for each the events (by position)."""

    task: str
    title: str
    state: State
    assigned_on: date
    due: date | None
    on: date | None
    missed: list[date]
    late_times: int
    late: bool
    poor: bool
    exceeded: bool
    quality_failures: int
    due_in_absence: bool
    causes: list[CauseLine]
    because: dict[str, list[int]]
    events: list[EventRef]

    @property
    def evaluated(self) -> bool:
        return self.state in {"completed", "undone"}

    @property
    def failed(self) -> bool:
        return self.late or self.poor or self.state == "undone"


class Step(msgspec.Struct):
    """One rule that was checked: the article it comes from, the values it saw, and whether it decided."""

    rule: str
    article: str
    text: str
    values: dict[str, str]
    applies: bool
    level: str | None = None


class Missing(msgspec.Struct, frozen=True):
    """Something not recorded yet that could change the result."""

    code: str
    text: str


class Answer(msgspec.Struct):
    """A rule set's result for one person and year; figures are integers, or exact fractions as text.

    `because` names for each figure of the person (not of tasks) the events it rests on.
    """

    level: str
    figures: dict[str, int | str]
    steps: list[Step]
    missing: list[Missing]
    tasks: list[TaskFacts]
    because: dict[str, list[EventRef]]


class RuleSet(msgspec.Struct, frozen=True):
    """A released rule set: `sha256` pins its rules, facts and data. `quota_outstanding` is the excellent quota, in per
    cent, of an organisation whose own result is outstanding, where the decree knows one."""

    name: str
    version: str
    title: str
    sha256: str
    rate: Callable[[Snapshot, PersonRecord, int], Answer]
    files: Mapping[str, bytes]
    quota_outstanding: int | None = None
