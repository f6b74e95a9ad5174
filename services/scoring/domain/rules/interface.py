"""What a rule set answers: the one interface between the sheets and the decrees."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, TypeAlias

import msgspec

from services.scoring.domain.settings import Settings

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


class EventRef(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An event behind a fact: where it stands in which log, and who recorded what when."""

    source: Literal["tasks", "scoring"]
    position: int
    id: str
    time: str
    actor: str
    what: str


class CauseLine(msgspec.Struct, frozen=True, gc=False):
    """An objective cause that was confirmed; without `due_version`, for all versions set until then."""

    of: Literal["lateness", "quality"]
    due_version: int | None
    reason: str
    document: str | None
    by: str
    position: int


class TaskFacts(msgspec.Struct, gc=False):
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


# The lists of a person's tasks that every sheet gives; a rule set's figures name those that they count.
TASK_LISTS: Mapping[str, Callable[[TaskFacts], bool]] = {
    "evaluated": lambda task: task.evaluated,
    "completed": lambda task: task.state == "completed",
    "undone": lambda task: task.state == "undone",
    "late": lambda task: task.late,
    "poor": lambda task: task.poor,
    "failed": lambda task: task.failed,
    "exceeded": lambda task: task.exceeded,
    "late_times": lambda task: task.evaluated and task.late_times > 0,
    "quality_failures": lambda task: task.evaluated and task.quality_failures > 0,
    "excused": lambda task: task.state == "excused",
    "pending": lambda task: task.state == "pending",
    "not_yet_due": lambda task: task.state == "not_yet_due",
    "regular": lambda task: task.state == "regular",
    "cancelled": lambda task: task.state == "cancelled",
    "split": lambda task: task.state == "split",
    "handed_back": lambda task: task.state == "handed_back",
    "due_in_absence": lambda task: task.due_in_absence,
}


class Step(msgspec.Struct, gc=False):
    """One rule that was checked: the article it comes from, the values it saw, and whether it decided."""

    rule: str
    article: str
    text: str
    values: dict[str, str]
    applies: bool
    level: str | None = None


class Missing(msgspec.Struct, frozen=True, gc=False):
    """Something not recorded yet that could change the result."""

    code: str
    text: str


# What a task is for a period, and what leaves a period out of the mean: each rule set's description has its own.
Role: TypeAlias = str
LeftOut: TypeAlias = str


class PeriodTask(msgspec.Struct, gc=False):
    """A task in a period, with its facts as of the period's computation.

    `role` says how it counts. `quantity`, `quality` and `progress` are what it gives to the period's figures: exact,
    the coefficient times what its failings leave.
    """

    role: Role
    coefficient: str
    quantity: str
    quality: str
    progress: str
    task: TaskFacts


class PeriodSheet(msgspec.Struct):
    """A person's month or quarter, from the records of `evaluated_on`: of a closed period, the day of closing.

    `figures` are exact, those that there are. `left_out` says why its score does not enter the mean. `received_from` is
    the former agency whose score stands for it. `d_proposed` is d as the people that a leader tracks would have it: "1"
    or "1/2".
    """

    period: str
    first: date
    last: date
    evaluated_on: date
    status: Literal["open", "closed"]
    left_out: LeftOut | None
    provisional: bool
    leader: bool
    settings: Settings
    figures: dict[str, str]
    d_proposed: str | None
    received_from: str | None
    tasks: list[PeriodTask]
    missing: list[Missing]
    because: dict[str, list[EventRef]]
    closing: EventRef | None

    @property
    def score(self) -> str | None:
        """What enters the mean."""
        return None if self.left_out else self.figures["score"]


class Answer(msgspec.Struct):
    """A rule set's result for one person and year; figures are integers, or exact fractions as text.

    `effective_by` is E. `because` names for each figure of the person (not of tasks) the events it rests on.
    """

    effective_by: date
    level: str
    figures: dict[str, int | str]
    steps: list[Step]
    missing: list[Missing]
    tasks: list[TaskFacts]
    because: dict[str, list[EventRef]]
    periods: list[PeriodSheet] = []
