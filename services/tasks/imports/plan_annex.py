"""From an annex to tasks, templates of recurring rows and drafts that wait; compared with its earlier imports."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec
from msgspec.structs import replace

from services.tasks.domain.assigning import AssignTask, CorrectTask, DraftTask, known_coefficient, known_lead
from services.tasks.domain.context import Command, Context
from services.tasks.domain.deadlines import resolved
from services.tasks.domain.decisions import SettleDraft, case, concerns_sender
from services.tasks.domain.task import RUNNING, Task
from services.tasks.domain.templates import SetTemplate, Template
from services.tasks.imports.annex import AnnexImport, AnnexRow
from services.tasks.imports.deadlines import Deadline, propose, to_due
from services.tasks.imports.leads import ALMOST
from services.tasks.imports.plan import Before, Plan, RemarkInWords, RowPlan, row_plan
from services.tasks.imports.results import Remark
from services.tasks.imports.words import compact
from shared.events import Item, TaskAssigned, TemplateSet
from shared.refusal import Refused

REASON = "Nhập lại phụ lục có sửa"


class Known(msgspec.Struct, frozen=True):
    """What an earlier import made of a row: a draft with the row's words, or the assignment or template as first set.

    `now` is its state today.
    """

    now: Task | Template
    first: TaskAssigned | TemplateSet | None = None


# The question of a row about the work of whoever sent the file.
OF_SENDER = "viec_cua_nguoi_gui"


class Recorded(msgspec.Struct, frozen=True):
    """The directive that the annex belongs to, and what its rows became before."""

    directive: str
    issued_on: date
    known: Mapping[tuple[str, str], Sequence[Known]]


def items_of(directive: str, tasks: Iterable[Task], templates: Iterable[Template]) -> list[Task | Template]:
    """The items that imports of this directive made, without those that a person or a template's reactor made later."""
    tasks = list(tasks)
    answers = {one for task in tasks if task.draft for one in task.draft.into}
    found: list[Task | Template] = [
        task
        for task in tasks
        if task.directive == directive and task.item and task.template is None and task.task not in answers
    ]
    found.extend(
        template
        for template in templates
        if template.template not in answers
        and template.versions[0].directive == directive
        and template.versions[0].item is not None
    )
    return found


def item_of(state: Task | Template) -> Item | None:
    return state.item if isinstance(state, Task) else state.versions[0].item


def plan_annex(
    annex: AnnexImport,
    recorded: Recorded,
    context: Context,
    new_id: Callable[[], str],
    before: Before,
) -> Plan:
    """Rows without questions are assigned or become templates by confirming; the others wait as drafts.

    A row is the same as before when directive, sheet and number agree; then a changed lead, deadline or coefficient is
    a question. What assigning would refuse, a person is asked about instead.
    """
    rows: list[RowPlan] = []
    commands: list[Command] = []
    held: list[str] = []
    for row in annex.rows:
        known = recorded.known.get((row.sheet, row.no), ())
        label, title = row.no, row.title
        if row.outcome == "rejected":
            rows.append(row_plan(row, label=label, title=title, status="error"))
        else:
            settled = before.settled(_key(row))
            if known and not _is_held(known) and (settled or not all(_changes(row, one, recorded) for one in known)):
                own = [] if settled else _corrections(row, known)
                plan = row_plan(row, label=label, title=title, status="changed" if own else "unchanged", questions=())
            else:
                plan, own = _proposed(row, known, recorded, context, new_id)
            if any(concerns_sender(case(command, context.commune), context) for command in own):
                plan, own = _held(row, known, recorded, new_id)
                held.append(_key(row))
            rows.append(plan)
            commands.extend(own)
    return Plan(rows=rows, commands=commands, held=held)


def _key(row: AnnexRow) -> str:
    return f"{row.sheet}!{row.no}"


def _is_held(known: Sequence[Known]) -> bool:
    """Does a draft of the row wait for another than the one who sent it?"""
    return any(
        isinstance(one.now, Task) and _waits(one.now) and one.now.draft and OF_SENDER in one.now.draft.questions
        for one in known
    )


def _proposed(
    row: AnnexRow,
    known: Sequence[Known],
    recorded: Recorded,
    context: Context,
    new_id: Callable[[], str],
) -> tuple[RowPlan, list[Command]]:
    waiting = [one.now for one in known if isinstance(one.now, Task) and _waits(one.now)]
    answered = [one for one in known if one.now not in waiting]
    changes = _changes(row, answered[-1], recorded) if answered else ()
    questions = [*changes, *row.questions]
    refused = None if questions else _obstacle(row, recorded, context)
    commands: list[Command] = [SettleDraft(task=draft.task, into=[]) for draft in waiting]
    item = Item(sheet=row.sheet, no=row.no)
    common: dict[str, Any] = {"directive": recorded.directive, "item": item}
    if questions or refused:
        codes = [*dict.fromkeys(one.code for one in questions), *([refused.code] if refused else [])]
        drafted = DraftTask(task=new_id(), row=words_of(row), questions=codes, **common)
        plan = row_plan(
            row,
            label=row.no,
            title=row.title,
            status="waits",
            becomes="draft",
            proposal=drafted.row,
            questions=questions,
        )
        if refused:
            question = RemarkInWords(refused.code, str(row.row), refused.detail)
            plan = replace(plan, questions=[*plan.questions, question])
        return plan, [*commands, drafted]
    said: dict[str, Any] = {
        "title": row.title,
        "product": row.product,
        "field": row.field,
        "lead": row.lead.staff[0],
        "collaborators": list(row.collaborators),
        "coefficient": row.coefficient,
    }
    # The directive gave the tasks on its day, however late the Office comes to record them.
    given_on = recorded.issued_on if recorded.issued_on < context.today else None
    command: AssignTask | SetTemplate
    if row.due.recurrence:
        command = SetTemplate(
            template=new_id(),
            valid_from=given_on,
            recurrence=row.due.recurrence,
            due_text=row.due.text,
            roll=row.due.roll,
            **said,
            **common,
        )
    else:
        command = AssignTask(task=new_id(), due=to_due(row.due), assigned_on=given_on, **said, **common)
    plan = row_plan(
        row,
        label=row.no,
        title=row.title,
        status="changed" if waiting else "new",
        becomes="template" if row.due.recurrence else "task",
        proposal={name: value for name, value in msgspec.to_builtins(command).items() if value is not None},
    )
    return plan, [*commands, command]


def _held(
    row: AnnexRow, known: Sequence[Known], recorded: Recorded, new_id: Callable[[], str]
) -> tuple[RowPlan, list[Command]]:
    """A row about the sender's own work waits for somebody else; one that is recorded already stays as it is."""
    cell = f"{row.sheet}!{row.row}" if row.sheet else str(row.row)
    questions = [*row.questions, Remark(OF_SENDER, cell)]
    common: dict[str, Any] = {"label": row.no, "title": row.title, "status": "waits", "questions": questions}
    if known:
        return row_plan(row, **common), []
    item = Item(sheet=row.sheet, no=row.no)
    codes = list(dict.fromkeys(question.code for question in questions))
    drafted = DraftTask(task=new_id(), row=words_of(row), questions=codes, directive=recorded.directive, item=item)
    return row_plan(row, **common, becomes="draft", proposal=drafted.row), [drafted]


def _waits(task: Task) -> bool:
    """A draft of this row; one whose number is used twice may be the other row's."""
    return task.status == "draft" and task.draft is not None and "trung_stt" not in task.draft.questions


def _obstacle(row: AnnexRow, recorded: Recorded, context: Context) -> Refused | None:
    """What would refuse the assignment today, such as a year without a calendar: then a person is asked."""
    try:
        known_lead(row.lead.staff[0], context)
        known_coefficient(row.coefficient)
        if not row.due.recurrence:
            resolved(to_due(row.due), context.calendars, counted_from=context.today)
    except Refused as refused:
        return refused
    return None


def words_of(row: AnnexRow) -> dict[str, Any]:
    """A waiting row as its draft keeps it: words and proposed structure; a person's name gives way to the code."""
    lead = row.lead.staff[0] if len(row.lead.staff) == 1 or row.lead.how == "several" else None
    named = row.lead.how == "name"
    said: dict[str, Any] = {
        "title": row.title,
        "product": row.product,
        "field": row.field,
        "lead": lead,
        "lead_text": lead if named else row.lead.text,
        "candidates": list(row.lead.staff),
        "collaborators": list(row.collaborators),
        "collaborators_text": row.collaborators_text,
        "coefficient": row.coefficient,
        "due": row.due.text,
        "deadline": msgspec.to_builtins(row.due),
        "note": row.note,
    }
    return said


# Comparing a row with what an earlier import recorded of it


def _changes(row: AnnexRow, known: Known, recorded: Recorded) -> tuple[Remark, ...]:
    """The questions that a changed lead, deadline or coefficient asks."""
    cell = f"{row.sheet}!{row.row}" if row.sheet else str(row.row)
    lead, due, coefficient = _before(known)
    found = []
    if not _same_lead(row, lead, known):
        found.append(Remark("doi_chu_tri", cell, {"before": lead, "text": row.lead.text}))
    if _structure(propose(due, recorded.issued_on)) != _structure(row.due):
        found.append(Remark("doi_thoi_han", cell, {"before": due, "text": row.due.text}))
    if _number(coefficient) != _number(row.coefficient):
        blank = "để trống"
        params = {"before": coefficient or blank, "text": row.coefficient or blank}
        found.append(Remark("doi_he_so", cell, params))
    draft = known.now.draft if known.first is None and isinstance(known.now, Task) else None
    if not found and draft and compact(draft.row.get("title", "")) != compact(row.title):
        found.append(Remark("doi_noi_dung", cell))
    return tuple(found)


def _before(known: Known) -> tuple[str, str, str | None]:
    """Lead, words of the deadline and coefficient as they were imported."""
    match known.first:
        case TaskAssigned() as first:
            return first.lead, first.due.text, first.coefficient
        case TemplateSet() as first:
            return first.lead, first.due_text, first.coefficient
    row = known.now.draft.row if isinstance(known.now, Task) and known.now.draft else {}
    return str(row.get("lead_text", "")), str(row.get("due", "")), row.get("coefficient")


def _same_lead(row: AnnexRow, before: str, known: Known) -> bool:
    if known.first is None:
        return compact(before) in (compact(row.lead.text), *map(compact, row.lead.staff[:1]))
    now = known.now.lead if isinstance(known.now, Task) else known.now.latest.lead
    return row.lead.how in ALMOST and row.lead.staff[0] in (before, now)


def _structure(deadline: Deadline) -> Any:
    """The part of a deadline that is compared: two ways of writing the same day are the same."""
    if deadline.kind in ("event", "unreadable", "after_event"):
        return compact(deadline.text)
    return replace(deadline, text="", questions=())


def _number(coefficient: str | None) -> Fraction | None:
    return None if coefficient is None else Fraction(coefficient)


def _corrections(row: AnnexRow, known: Sequence[Known]) -> list[Command]:
    """Wording and field that the file corrects, unless they were corrected since."""
    for one in known:
        if one.first is None:
            continue
        latest = one.now if isinstance(one.now, Task) else one.now.latest
        said = {"title": row.title, "product": row.product, "field": row.field}
        changed: dict[str, Any] = {
            name: value
            for name, value in said.items()
            if value is not None and value != getattr(one.first, name) and value != getattr(latest, name)
        }
        if not changed:
            continue
        if isinstance(one.now, Task):
            return [CorrectTask(task=one.now.task, reason=REASON, **changed)] if one.now.status in RUNNING else []
        if one.now.ended_on is None:
            kept = {name: getattr(one.now.latest, name) for name in SetTemplate.__struct_fields__ if name in KEPT}
            return [SetTemplate(template=one.now.template, **kept | changed)]
    return []


KEPT = (
    "title", "lead", "recurrence", "due_text", "product", "field", "collaborators", "coefficient",
    "evidence_required", "roll", "directive", "item",
)  # fmt: skip
