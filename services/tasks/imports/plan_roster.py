"""The changes that a roster brings: appointments, changes of post, departures, new units."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from services.tasks.domain.context import Command, Context
from services.tasks.domain.decisions import case, changes_of_judges
from services.tasks.domain.organisation import AppointStaff, ChangeStaff, DefineUnit, EndAppointment
from services.tasks.domain.staff import Post, Staff
from services.tasks.domain.units import Unit
from services.tasks.imports.plan import Before, Contact, Plan, RemarkInWords, RowPlan, in_words, row_plan
from services.tasks.imports.results import Remark
from services.tasks.imports.roster import RosterImport, RosterRow
from services.tasks.imports.words import compact, words
from shared.events.values import Role

# A roster says nothing of roles: only those that a post holds by law are proposed; the Office's is given by a person.
CHAIR = (["chu", "tich", "ubnd"], ["chu", "tich", "uy", "ban", "nhan", "dan"])
ROLES_OF_CATEGORY: dict[str, Role] = {"truong_thon": "village_head", "dau_moi": "focal_point"}
COMPARED = ("category", "post", "unit", "leader", "tracker", "rated", "rater")
ONE_DAY = timedelta(days=1)


class Recorded(msgspec.Struct, frozen=True):
    """Everything that is recorded already. `unit_names` are kept outside the log; `context` has the one who asks."""

    commune: str
    today: date
    staff: Mapping[str, Staff]
    units: Mapping[str, Unit]
    unit_names: Mapping[str, str]
    contacts: Mapping[str, Contact]
    context: Context


def plan_roster(roster: RosterImport, recorded: Recorded, before: Before) -> Plan:
    """Confirming appoints every good row whose day and superior are known; what its remarks ask stays in the answer. A
    row about the sender waits for another sender of the same file."""
    good = [row for row in roster.rows if row.outcome == "good"]
    held_back = _held_back(good, recorded)
    applied = [row for row in good if row.code not in held_back]
    unit_ids, new_units = _units(applied, recorded)
    rows: list[RowPlan] = []
    commands: list[Command] = [*new_units]
    of_rows: list[int | None] = [None for _ in new_units]
    for row in roster.rows:
        label, title = row.code, row.post
        if row.outcome == "rejected":
            rows.append(row_plan(row, label=label, title=title, status="error"))
        elif row.code in held_back:
            asked = (*row.questions, *held_back[row.code])
            rows.append(row_plan(row, label=label, title=title, status="waits", questions=asked))
        else:
            plan, own = _planned(row, unit_ids[row.unit], recorded, before.settled(row.code))
            of_rows += [len(rows) for _ in own]
            rows.append(plan)
            commands.extend(own)
    rows, held = _with_needs(rows, commands, of_rows, recorded)
    commands = [command for command, index in zip(commands, of_rows, strict=True) if index not in held]
    contacts = [found for row in applied if (found := _contact(row, recorded)) is not None]
    if before.confirmed:
        contacts = [contact for contact in contacts if contact.staff not in recorded.staff]
    new_ids = {unit.unit for unit in new_units}
    names = {unit: name for name, unit in unit_ids.items() if unit in new_ids}
    held_rows = [rows[index].label for index in sorted(held)]
    return Plan(rows=rows, commands=commands, contacts=contacts, unit_names=names, held=held_rows)


def _with_needs(
    rows: Sequence[RowPlan], commands: Sequence[Command], of_rows: Sequence[int | None], recorded: Recorded
) -> tuple[list[RowPlan], set[int]]:
    """The rows with why not everybody may confirm them, and those about the sender, which wait for another; a new
    unit's reasons stand at its head's row."""
    context = dataclasses.replace(recorded.context, roles=frozenset({"admin"}))
    reasons = changes_of_judges([case(command, recorded.commune) for command in commands], context)
    heads = {row.label: index for index, row in enumerate(rows)}
    found: dict[int, list[RemarkInWords]] = {}
    held: set[int] = set()
    for command, index, (refused, changes) in zip(commands, of_rows, reasons, strict=True):
        at = heads.get(str(getattr(command, "head", None)), 0) if index is None else index
        cell = f"{rows[at].sheet}!{rows[at].row}" if rows[at].sheet else str(rows[at].row)
        if refused and index is not None:
            held.add(index)
        said = [Remark("can_nguoi_khac", cell, {"text": refused})] if refused else []
        said += [Remark("can_chu_tich_hoac_quan_tri", cell, {"text": "; ".join(changes)})] if changes else []
        found.setdefault(at, []).extend(in_words(said))
    said_of = [replace(row, needs=found[index]) if found.get(index) else row for index, row in enumerate(rows)]
    return [replace(row, status="waits") if index in held else row for index, row in enumerate(said_of)], held


def _held_back(rows: Iterable[RosterRow], recorded: Recorded) -> dict[str, tuple[Remark, ...]]:
    """Rows that cannot be recorded yet, with the question added: no first day, or a superior who is not there."""
    rows = list(rows)
    held: dict[str, tuple[Remark, ...]] = {
        row.code: ()
        for row in rows
        if row.code not in recorded.staff and any(one.code == "thieu_tu_ngay" for one in row.questions)
    }
    while True:
        there = {row.code for row in rows if row.code not in held} | recorded.staff.keys()
        alone = [row for row in rows if row.code not in held and row.tracker and row.tracker not in there]
        if not alone:
            return held
        for row in alone:
            cell = f"{row.sheet}!{row.row}" if row.sheet else str(row.row)
            held[row.code] = (Remark("cap_tren_chua_nhap", cell, {"text": str(row.tracker)}),)


def _planned(row: RosterRow, unit: str, recorded: Recorded, settled: bool) -> tuple[RowPlan, list[Command]]:
    known = recorded.staff.get(row.code)
    commands: list[Command] = []
    status: Literal["new", "changed", "unchanged"] = "unchanged"
    if known is None:
        commands, status = _appointed(row, unit, recorded.today), "new"
    elif not settled:
        commands = _changed(row, unit, known, recorded.today)
        status = "changed" if commands else "unchanged"
    questions = [one for one in row.questions if known is None or not _answered(one, row, known, recorded)]
    proposal = {
        name: value for command in commands for name, value in msgspec.to_builtins(command).items() if value is not None
    }
    plan = row_plan(
        row,
        label=row.code,
        title=row.post,
        status=status,
        becomes="person",
        proposal=proposal,
        questions=questions,
    )
    return plan, commands


def _appointed(row: RosterRow, unit: str, today: date) -> list[Command]:
    appointment = AppointStaff(
        staff=row.code, roles=roles_of(row), valid_from=row.valid_from or today, **_attributes(row, unit)
    )
    return [appointment, *_ended(row)]


def _ended(row: RosterRow) -> list[Command]:
    return [EndAppointment(staff=row.code, valid_to=row.valid_to)] if row.valid_to else []


def _changed(row: RosterRow, unit: str, known: Staff, today: date) -> list[Command]:
    """The attributes in which the row differs from the record: from its own day when that is later, else from today."""
    looked_at = row.valid_to or max(today, row.valid_from or today)
    post = known.post_on(looked_at)
    if post is None:
        last = known.last_post(looked_at)
        returned = last is None or (row.valid_from is not None and row.valid_from > last.valid_from)
        return _appointed(row, unit, today) if returned else []
    said = {name: value for name, value in _attributes(row, unit).items() if value != getattr(post, name)}
    if "post" in said and "roles" not in said and roles_of(row) != roles_of_post(post):
        said["roles"] = roles_of(row)
    commands: list[Command] = []
    if said:
        newer = row.valid_from is not None and row.valid_from > post.valid_from
        since = row.valid_from if newer and row.valid_from else looked_at
        commands.append(ChangeStaff(staff=row.code, valid_from=since, **said))
    if row.valid_to and known.post_on(row.valid_to + ONE_DAY) is not None:
        commands.extend(_ended(row))
    return commands


def _attributes(row: RosterRow, unit: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COMPARED if name != "unit"} | {"unit": unit}


def roles_of(row: RosterRow) -> list[Role]:
    """The roles that come with a post."""
    return _roles(row.post, str(row.category))


def roles_of_post(post: Post) -> list[Role]:
    return _roles(post.post, post.category)


def _roles(post: str, category: str) -> list[Role]:
    if category in ROLES_OF_CATEGORY:
        return [ROLES_OF_CATEGORY[category]]
    said = words(post)
    deputy = said[:1] == ["pho"]
    title = said[1:] if deputy else said
    if any(title[: len(chair)] == chair for chair in CHAIR):
        return ["vice_chair" if deputy else "chair"]
    return ["staff"]


def _contact(row: RosterRow, recorded: Recorded) -> Contact | None:
    """Name and addresses that are new; what a file leaves out is kept."""
    known = recorded.contacts.get(row.code, Contact(row.code, "", "", ""))
    said = Contact(row.code, row.name or known.name, row.email or known.email, row.phone or known.phone)
    return None if said == known else said


# Whether the record has answered what the remarks of a row ask.
ANSWERS: dict[str, Callable[[RosterRow, Post | None, Staff, Recorded], bool]] = {
    "thieu_tu_ngay": lambda *_: True,
    "co_quan_khac_xep_loai": lambda row, post, *_: post is not None and post.rated == row.rated,
    "cap_tren_xep_loai": lambda row, post, *_: post is not None and post.rater == row.rater,
    "nghi_trong_ghi_chu": lambda _, __, known, ___: bool(known.absences),
    "chuyen_cong_tac": lambda _, post, ___, ____: post is None or post.service_from is not None,
    "lam_thay": lambda row, _, __, recorded: any(
        absence.substitute == row.code for other in recorded.staff.values() for absence in other.absences.values()
    ),
}


def _answered(question: Remark, row: RosterRow, known: Staff, recorded: Recorded) -> bool:
    answer = ANSWERS.get(question.code)
    return answer is not None and answer(row, known.post_on(recorded.today), known, recorded)


def _units(rows: list[RosterRow], recorded: Recorded) -> tuple[dict[str, str], list[DefineUnit]]:
    """The id of each unit's name, and the units to define. Rows without one belong to the commune itself."""
    by_name = {compact(name): unit for unit, name in recorded.unit_names.items()}
    by_name |= {compact(unit): unit for unit in recorded.units if unit not in recorded.unit_names}
    ids = {"": recorded.commune}
    new: list[DefineUnit] = []
    taken = {*recorded.units, recorded.commune}
    for row in rows:
        if row.unit in ids:
            continue
        found = by_name.get(compact(row.unit))
        if found is None:
            found = _free("-".join(words(row.unit)) or "bo-phan", taken)
            taken.add(found)
            by_name[compact(row.unit)] = found
            members = [other for other in rows if compact(other.unit) == compact(row.unit)]
            since = min((other.valid_from for other in members if other.valid_from), default=recorded.today)
            new.append(DefineUnit(unit=found, kind="department", valid_from=since, head=_head(members)))
        ids[row.unit] = found
    return ids, new


def _free(wanted: str, taken: set[str]) -> str:
    wanted = wanted[:60]
    return next(name for name in (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _head(members: list[RosterRow]) -> str | None:
    """The one of several to whom all the others report."""
    heads = [one.code for one in members if all(other is one or other.tracker == one.code for other in members)]
    return heads[0] if len(heads) == 1 and len(members) > 1 else None
