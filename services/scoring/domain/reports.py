"""Reports over a commune's year: by person, unit and field, a directive's progress, and aggregates that name nobody."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain, combinations
from typing import TypeAlias

import msgspec

from services.scoring.domain import refusals, rules, texts
from services.scoring.domain.records import (
    Amended,
    DirectiveRecord,
    PersonRecord,
    Records,
    Reported,
    TaskRecord,
    WithdrawnDirective,
)
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import task_facts
from services.scoring.domain.rules.interface import CauseLine, TaskFacts
from services.scoring.domain.sheet import Sheet, sheet_of
from services.scoring.domain.table import Quota, Row, table
from shared.disclosure import LEAST, NOT_SHOWN
from shared.law import law
from shared.reform import FIELDS


class TaskCounts(msgspec.Struct, kw_only=True):
    """Numbers of tasks, but for `returned_times`. `tasks` leaves out what is cancelled, and what was split and counts
    by its parts; it is the sum of the states completed, undone, excused, pending, open and handed back."""

    tasks: int
    evaluated: int
    completed: int
    in_time: int
    late: int
    poor: int
    exceeded: int
    undone: int
    excused: int
    pending: int
    open: int
    handed_back: int
    cancelled: int
    split: int
    returned: int
    returned_times: int
    extended: int
    objective_causes: int


_COUNTS: dict[str, Callable[[TaskFacts], int]] = {
    "tasks": lambda task: task.state not in {"cancelled", "split"},
    "evaluated": lambda task: task.evaluated,
    "completed": lambda task: task.state == "completed",
    "in_time": lambda task: task.state == "completed" and not task.late,
    "late": lambda task: task.late,
    "poor": lambda task: task.poor,
    "exceeded": lambda task: task.exceeded,
    "undone": lambda task: task.state == "undone",
    "excused": lambda task: task.state == "excused",
    "pending": lambda task: task.state == "pending",
    "open": lambda task: task.state in {"not_yet_due", "regular"},
    "handed_back": lambda task: task.state == "handed_back",
    "cancelled": lambda task: task.state == "cancelled",
    "split": lambda task: task.state == "split",
    "returned": lambda task: _times(task, "returned") > 0,
    "returned_times": lambda task: _times(task, "returned"),
    "extended": lambda task: _times(task, "granted") > 0,
    "objective_causes": lambda task: bool(task.causes),
}


def count(tasks: Iterable[TaskFacts]) -> TaskCounts:
    counted = list(tasks)
    return TaskCounts(**{name: sum(map(of, counted)) for name, of in _COUNTS.items()})


def _times(task: TaskFacts, what: str) -> int:
    """How often something happened to a task, as known."""
    return sum(event.what == what for event in task.events)


# The year: by person, unit, field


class Person(msgspec.Struct):
    rating: Row
    tasks: TaskCounts


class PeopleReport(msgspec.Struct):
    """Everybody rated. `unrated` counts the tasks of those who are not: followed up all the same."""

    commune: str
    year: int
    evaluated_on: date
    people: list[Person]
    unrated: TaskCounts
    total: TaskCounts
    quotas: list[Quota]


class Unit(msgspec.Struct):
    """`people` and `levels` count those rated; the tasks are those of all who work there."""

    unit: str
    people: int
    levels: dict[str, int]
    tasks: TaskCounts


class UnitsReport(msgspec.Struct):
    commune: str
    year: int
    evaluated_on: date
    units: list[Unit]
    total: Unit


class Field(msgspec.Struct):
    field: int
    name: str
    tasks: TaskCounts


class FieldsReport(msgspec.Struct):
    commune: str
    year: int
    evaluated_on: date
    fields: list[Field]
    total: TaskCounts


class _Member(msgspec.Struct):
    """A person's sheet, and the tasks to follow up whether or not a rule set applies."""

    sheet: Sheet
    tasks: list[TaskFacts]


def people_report(records: Records, year: int, on: date) -> PeopleReport:
    """The year's table with each person's tasks, as of the end of a day."""
    rated = table(records, year, on)
    members = _members(Snapshot(records, on), year)
    counts = {member.sheet.staff: member for member in members}
    named = {row.staff for row in rated.rows}
    return PeopleReport(
        commune=records.commune,
        year=year,
        evaluated_on=on,
        people=[Person(row, count(counts[row.staff].tasks)) for row in rated.rows],
        unrated=count(_tasks(member for member in members if member.sheet.staff not in named)),
        total=count(_tasks(members)),
        quotas=rated.quotas,
    )


def units_report(records: Records, year: int, on: date) -> UnitsReport:
    """By unit, of each person the one in force on the evaluation date or the cut-off (rating.md, "People")."""
    rows = table(records, year, on).rows
    members = _members(Snapshot(records, on), year)
    units = sorted({row.unit for row in rows} | {member.sheet.unit for member in members if member.tasks})
    return UnitsReport(
        commune=records.commune,
        year=year,
        evaluated_on=on,
        units=[
            _unit(unit, [row for row in rows if row.unit == unit], [m for m in members if m.sheet.unit == unit])
            for unit in units
        ],
        total=_unit("", rows, members),
    )


def _unit(unit: str, rows: Sequence[Row], members: Iterable[_Member]) -> Unit:
    return Unit(unit, len(rows), _levels(rows), count(_tasks(members)))


def fields_report(records: Records, year: int, on: date) -> FieldsReport:
    """By field of administrative reform (lĩnh vực 0–7), everybody's tasks of the year."""
    tasks = list(_tasks(_members(Snapshot(records, on), year)))
    return FieldsReport(records.commune, year, on, _by_field(records, tasks), count(tasks))


def _by_field(records: Records, tasks: Iterable[TaskFacts]) -> list[Field]:
    of: dict[int, list[TaskFacts]] = {field: [] for field in FIELDS}
    for task in tasks:
        of[records.tasks[task.task].field].append(task)
    return [Field(field, name, count(of[field])) for field, name in FIELDS.items()]


def _members(snapshot: Snapshot, year: int) -> list[_Member]:
    """Everybody who was ever appointed here. Where no rule set applies, the tasks are read by analogy."""
    members = []
    for staff, person in sorted(snapshot.records.people.items()):
        sheet = sheet_of(snapshot, year, staff)
        tasks = sheet.tasks if sheet.rule_set_sha256 else _by_analogy(snapshot, person, year)
        members.append(_Member(sheet, tasks))
    return members


def _by_analogy(snapshot: Snapshot, person: PersonRecord, year: int) -> list[TaskFacts]:
    nearest = rules.installed(law().by_analogy)
    return nearest.rate(snapshot, person, year).tasks if nearest else []


def _tasks(members: Iterable[_Member]) -> Iterable[TaskFacts]:
    return (task for member in members for task in member.tasks)


def _levels(rows: Iterable[Row]) -> dict[str, int]:
    levels = dict.fromkeys(texts.LEVELS, 0)
    for row in rows:
        levels[row.level] += 1
    return levels


# Directives


class Directive(msgspec.Struct):
    """A directive as last amended, with its tasks counted as of the day, whatever year they are rated in."""

    directive: str
    number: str
    title: str
    issued_on: date
    withdrawn: bool
    tasks: TaskCounts


class DirectivesReport(msgspec.Struct):
    commune: str
    evaluated_on: date
    directives: list[Directive]


class DirectiveTask(msgspec.Struct, kw_only=True):
    """One task of the annex. `reported_on` is the day of its last report, `on` that of the accepted result; `returned`
    and `extensions` say how often."""

    task: str
    sheet: str | None
    no: str | None
    title: str
    product: str
    lead: str
    collaborators: list[str]
    field: int
    state: str
    state_text: str
    assigned_on: date
    due: date | None
    reported_on: date | None
    on: date | None
    late: bool
    late_times: int
    undone: bool
    poor: bool
    exceeded: bool
    returned: int
    extensions: int
    causes: list[CauseLine]


class DirectiveReport(msgspec.Struct):
    commune: str
    evaluated_on: date
    directive: Directive
    tasks: list[DirectiveTask]


def directives_report(records: Records, on: date) -> DirectivesReport:
    """Every directive, the oldest first, with its tasks counted."""
    snapshot = Snapshot(records, on)
    followed: dict[str, list[TaskFacts]] = {directive: [] for directive in records.by_kind["directive"]}
    for task in records.tasks.values():
        if task.directive in followed:
            followed[task.directive].extend(_followed(snapshot, task))
    directives = [
        _directive(record, count(followed[record.directive])) for record in records.by_kind["directive"].values()
    ]
    directives.sort(key=lambda directive: (directive.issued_on, _natural(directive.number), directive.directive))
    return DirectivesReport(records.commune, on, directives)


def directive_report(records: Records, directive: str, on: date) -> DirectiveReport:
    """All tasks of a directive in the order of its annex. Refuses `directive-unknown`."""
    record: DirectiveRecord | None = records.get("directive", directive)
    if record is None:
        raise refusals.DIRECTIVE_UNKNOWN(directive=directive)
    snapshot = Snapshot(records, on)
    pairs = [
        (task, facts)
        for task in records.tasks.values()
        if task.directive == directive
        for facts in _followed(snapshot, task)
    ]
    pairs.sort(key=lambda pair: _place(pair[0]))
    return DirectiveReport(
        commune=records.commune,
        evaluated_on=on,
        directive=_directive(record, count(facts for _, facts in pairs)),
        tasks=[_directive_task(task, facts) for task, facts in pairs],
    )


def _followed(snapshot: Snapshot, task: TaskRecord) -> Iterable[TaskFacts]:
    """A task's facts with E = A: what is done for a directive does not stop at a cut-off. Nothing of a task that was
    given after the evaluation date."""
    life = snapshot.life(task)
    if life.assigned > snapshot.on:
        return []
    lead = snapshot.records.people.get(task.lead) or PersonRecord(task.lead, [])
    return [task_facts(snapshot, life, lead, snapshot.on)]


def _directive(record: DirectiveRecord, tasks: TaskCounts) -> Directive:
    begin, *later = record.moments
    known = {name: getattr(begin.data, name) for name in ("number", "title", "issued_on")}
    for moment in later:
        if isinstance(moment, Amended):
            known |= {name: value for name in known if (value := getattr(moment.data, name)) is not None}
    withdrawn = any(isinstance(moment, WithdrawnDirective) for moment in later)
    return Directive(directive=record.directive, **known, withdrawn=withdrawn, tasks=tasks)


def _directive_task(task: TaskRecord, facts: TaskFacts) -> DirectiveTask:
    reports = [moment.on for moment in task.moments if isinstance(moment, Reported)]
    return DirectiveTask(
        task=task.task,
        sheet=task.item.sheet if task.item else None,
        no=task.item.no if task.item else None,
        title=task.title,
        product=task.product,
        lead=task.lead,
        collaborators=task.collaborators,
        field=task.field,
        state=facts.state,
        state_text=texts.STATES[facts.state],
        assigned_on=facts.assigned_on,
        due=facts.due,
        reported_on=reports[-1] if reports else None,
        on=facts.on,
        late=facts.late,
        late_times=facts.late_times,
        undone=facts.state == "undone",
        poor=facts.poor,
        exceeded=facts.exceeded,
        returned=_times(facts, "returned"),
        extensions=_times(facts, "granted"),
        causes=facts.causes,
    )


_Natural: TypeAlias = list[tuple[int, str]]


def _place(task: TaskRecord) -> tuple[bool, _Natural, _Natural, int]:
    """The order of the annex: by sheet and number ("2" before "10"), occurrences as assigned; others at the end."""
    sheet, no = (task.item.sheet, task.item.no) if task.item else ("", "")
    return task.item is None, _natural(sheet), _natural(no), task.moments[0].position


def _natural(text: str) -> _Natural:
    parts = re.findall(r"\d+|\D+", text)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


# Aggregates for the supervising bodies (HĐND, Mặt trận): no person is named, or can be identified from the numbers

FEW = f"Mức xếp loại của {NOT_SHOWN}, vì sẽ chỉ ra từng người."
ALIKE = "Mọi người cùng một mức xếp loại: không hiện mức, vì sẽ chỉ ra từng người."
MERGED = f"Nhóm {NOT_SHOWN} riêng mà gộp vào “Khác”; nhóm mà mọi người cùng một mức cũng vậy."
NOT_DIVIDED = "Không chia theo {what}: không còn nhóm nào đủ 5 người để không chỉ ra từng người."
PUBLISHED = (
    "Số liệu tại lần công bố đầu tiên kết quả xếp loại của năm; thay đổi sau đó không hiện ở đây. Số liệu nhiệm vụ xem "
    "ở báo cáo từng tháng."
)
CROSSED = "Không chia theo đơn vị: đối chiếu với cách chia theo nhóm sẽ chỉ ra từng người."


class Group(msgspec.Struct):
    """People of one category or unit; `name` is None for those merged ("khác")."""

    name: str | None
    people: int
    levels: dict[str, int]


class Aggregates(msgspec.Struct):
    """Levels are counted only in groups of at least 5 people who are not all of one level, such that no difference
    of two groups shown is smaller; `notes` says what is withheld and why. `levels` None = withheld. `fields` and
    `directives` are empty in what is published for supervisors."""

    commune: str
    year: int
    evaluated_on: date
    people: int
    levels: dict[str, int] | None
    by_category: list[Group]
    by_unit: list[Group]
    notes: list[str]
    fields: list[Field]
    directives: list[Directive]


def aggregates(records: Records, year: int, on: date) -> Aggregates:
    """A year's levels in groups, and its tasks by field and directive."""
    levels = published_levels(records, year, on)
    levels.fields = fields_report(records, year, on).fields
    levels.directives = directives_report(records, on).directives
    levels.notes.remove(PUBLISHED)
    return levels


def published_levels(records: Records, year: int, on: date) -> Aggregates:
    """What supervisors see of a year, with `records` as they stood when it was published. Its tasks are in the months
    that they see already: counted once more and differently, the one could be subtracted from the other."""
    rows = table(records, year, on).rows
    categories, units = _shown(rows, lambda row: row.category), _shown(rows, lambda row: row.unit)
    crossed = _can_be_crossed(list(categories.values()), list(units.values()))
    notes = [PUBLISHED]
    if not _identifies_nobody(rows):
        notes.append(FEW if len(rows) < LEAST else ALIKE)
    else:
        parts = {"nhóm": categories, "đơn vị": units}
        notes += [NOT_DIVIDED.format(what=what) for what, groups in parts.items() if not groups]
        if any(None in groups for groups in parts.values()):
            notes.append(MERGED)
        if crossed:
            notes.append(CROSSED)
    return Aggregates(
        commune=records.commune,
        year=year,
        evaluated_on=on,
        people=len(rows),
        levels=_levels(rows) if _identifies_nobody(rows) else None,
        by_category=_groups(categories),
        by_unit=[] if crossed else _groups(units),
        notes=notes,
        fields=[],
        directives=[],
    )


def _groups(of: dict[str | None, list[Row]]) -> list[Group]:
    return [Group(name, len(rows), _levels(rows)) for name, rows in of.items()]


def _shown(rows: Iterable[Row], by: Callable[[Row], str]) -> dict[str | None, list[Row]]:
    """The groups whose levels may be shown, the rest as one more (None). Empty when only that rest would be left."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    safe = [name for name, group in groups.items() if _identifies_nobody(group)]
    shown = sorted(safe, key=lambda name: (-len(groups[name]), name))
    rest = [row for name, group in groups.items() if name not in shown for row in group]
    while rest and shown and not _identifies_nobody(rest):
        # The rest is the total less what is shown: too small, it takes in the smallest group.
        rest += groups[shown.pop()]
    if not shown:
        return {}
    found: dict[str | None, list[Row]] = {name: groups[name] for name in sorted(shown)}
    return found | ({None: rest} if rest else {})


def _identifies_nobody(rows: Sequence[Row]) -> bool:
    return len(rows) >= LEAST and len({row.level for row in rows}) > 1


def _can_be_crossed(first: Sequence[Sequence[Row]], second: Sequence[Sequence[Row]]) -> bool:
    """Would subtracting the groups of one division from those of another identify a person?

    `first` are the categories, of which there are few: every union of them is looked at.
    """
    if not first or not second:
        return False
    row_of = {row.staff: row for row in chain(*first)}
    others = [{row.staff for row in group} for group in second]
    for number in range(1, len(first) + 1):
        for chosen in combinations(first, number):
            members = {row.staff for row in chain(*chosen)}
            inside = set().union(*(group for group in others if group <= members))
            around = set().union(*(group for group in others if group & members))
            for left in (members - inside, around - members):
                if left and not _identifies_nobody([row_of[staff] for staff in left]):
                    return True
    return False
