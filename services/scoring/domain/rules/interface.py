"""What every rule set is asked and answers: the one interface between the sheets and the decrees."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, TypeAlias

import msgspec

from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts.snapshot import Snapshot
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


Role: TypeAlias = Literal["planned", "handed_back", "added", "late_added", "not_counted"]
LeftOut: TypeAlias = Literal["absent", "no_data", "leader_criteria", "common"]


class PeriodTask(msgspec.Struct, gc=False):
    """A task in a period, with its facts as of the period's computation.

    `planned` and `handed_back` are in W; `added` and `late_added` only add. `quantity`, `quality` and `progress` are
    what it gives to the numerators of a, b and c: exact, the coefficient times what its failings leave.
    """

    role: Role
    coefficient: str
    quantity: str
    quality: str
    progress: str
    task: TaskFacts


class PeriodSheet(msgspec.Struct):
    """A person's month or quarter, from the records of `evaluated_on`: of a closed period, the day of closing.

    `figures` are exact: W, a, b, c, d, dd, e, R, common, score, those that there are. `left_out` says why its score
    does not enter the mean. `received_from` is the former agency whose score stands for it. `d_proposed` is d as the
    people that a leader tracks would have it: "1" or "1/2".
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
