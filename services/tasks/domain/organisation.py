"""Units and people: who is in which post from when, who was away, who was disciplined."""

from datetime import date
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from services.tasks.domain import refusals
from services.tasks.domain.context import Command, Context, canonical, new_code, required_text
from services.tasks.domain.staff import Staff, groups_of
from services.tasks.domain.units import Unit
from shared.events import (
    AbsenceRecorded,
    Data,
    DisciplineWithdrawn,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    UnitDefined,
)
from shared.events.values import EXTERNAL, AbsenceKind, Category, Role


class DefineUnit(Command):
    unit: str
    kind: Literal["department", "area"]
    valid_from: date
    parent: str | None = None
    head: str | None = None
    valid_to: date | None = None


class AppointStaff(Command):
    staff: str
    category: Category
    roles: list[Role]
    post: str
    unit: str
    valid_from: date
    leader: bool = False
    rated: bool = True
    similar_group: str | None = None
    leads_unit: str | None = None
    tracker: str | None = None
    rater: str | None = None
    service_from: date | None = None


class ChangeStaff(Command):
    """What is absent stays, null clears."""

    staff: str
    valid_from: date
    category: Category | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    post: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    leader: bool | UnsetType = UNSET
    rated: bool | UnsetType = UNSET
    similar_group: str | UnsetType | None = UNSET
    leads_unit: str | UnsetType | None = UNSET
    tracker: str | UnsetType | None = UNSET
    rater: str | UnsetType | None = UNSET
    service_from: date | UnsetType | None = UNSET
    reason: str | None = None


class EndAppointment(Command):
    """`valid_to` is the last day in post."""

    staff: str
    valid_to: date
    reason: str | None = None


class RecordAbsence(Command):
    staff: str
    absence: str
    kind: AbsenceKind
    from_: date
    to: date | None = None
    substitute: str | None = None


class RecordDiscipline(Command):
    staff: str
    act: str
    act_date: date
    decision_date: date
    of: Literal["party", "administration"]
    form: Literal[
        "khien_trach", "canh_cao", "ha_bac_luong", "giang_chuc", "cach_chuc", "buoc_thoi_viec", "khai_tru", "ket_luan"
    ]
    public_duty: bool
    degradation: bool
    used_in_year: int | None = None


class WithdrawDiscipline(Command):
    staff: str
    act: str
    reason: str


def define_unit(_: Unit | None, command: DefineUnit, context: Context) -> list[Data]:
    """A unit, or what it is from now on. Refuses: unknown parent or head, a cycle, an end before its start."""
    _must_fit_above(command, context)
    head = _known_staff(command.head, context)
    if command.valid_to is not None and command.valid_to < command.valid_from:
        raise refusals.END_BEFORE_START(start=command.valid_from, end=command.valid_to)
    if command.unit == context.commune:
        raise refusals.ROOT_UNIT(unit=command.unit)
    return [
        UnitDefined(
            unit=required_text(command.unit, refusals.CODE_REQUIRED),
            kind=command.kind,
            valid_from=command.valid_from,
            parent=command.parent,
            head=head,
            valid_to=command.valid_to,
        )
    ]


def _must_fit_above(command: DefineUnit, context: Context) -> None:
    above = command.parent
    if above is not None and not context.knows_unit(above):
        raise refusals.UNIT_UNKNOWN(unit=above)
    seen = {command.unit}
    while above is not None:
        if above in seen:
            raise refusals.UNIT_CYCLE(unit=command.unit)
        seen.add(above)
        found = context.unit(above)
        above = found.parent if found else None


def appoint_staff(_: Staff | None, command: AppointStaff, context: Context) -> list[Data]:
    """A person takes a post; it replaces all attributes from its day on.

    Refuses: a blank code or post, no role, an unknown unit, a tracker or rater who is unknown or the person.
    """
    staff = canonical(required_text(command.staff, refusals.CODE_REQUIRED))
    if staff == EXTERNAL:
        raise refusals.CODE_RESERVED(code=staff)
    said = msgspec.structs.asdict(command) | {
        "staff": staff,
        "post": required_text(command.post, refusals.POST_REQUIRED),
    }
    return [StaffAppointed(**_checked(staff, said, context))]


def change_staff(state: Staff | None, command: ChangeStaff, context: Context) -> list[Data]:
    """Some attributes change. Refuses: not in post on that day, nothing differs, what an appointment refuses."""
    state = _must_exist(state, command.staff)
    post = state.post_on(command.valid_from)
    if post is None:
        raise refusals.STAFF_NOT_IN_POST(staff=state.staff)
    given = msgspec.structs.asdict(command)
    said = {name: value for name, value in given.items() if value is not UNSET and name not in KEYS}
    said = _checked(state.staff, said, context)
    if all(getattr(post, name) == value for name, value in said.items()):
        raise refusals.NOTHING_CHANGES()
    return [StaffChanged(staff=state.staff, valid_from=command.valid_from, reason=command.reason, **said)]


KEYS = ("staff", "valid_from", "reason")


def end_appointment(state: Staff | None, command: EndAppointment, _: Context) -> list[Data]:
    """The last day in post. Refuses: not in post on that day."""
    state = _must_exist(state, command.staff)
    if state.post_on(command.valid_to) is None:
        raise refusals.STAFF_NOT_IN_POST(staff=state.staff)
    return [StaffLeft(staff=state.staff, valid_to=command.valid_to, reason=command.reason)]


def record_absence(state: Staff | None, command: RecordAbsence, context: Context) -> list[Data]:
    """An absence by its class. Refuses: an end before its start, a substitute who is unknown or the person."""
    state = _must_exist(state, command.staff)
    if command.to is not None and command.to < command.from_:
        raise refusals.END_BEFORE_START(start=command.from_, end=command.to)
    absence = command.absence if command.absence in state.absences else new_code(command.absence)
    substitute = _known_staff(command.substitute, context)
    if substitute == state.staff:
        raise refusals.OWN_SUBSTITUTE(staff=state.staff)
    return [
        AbsenceRecorded(
            staff=state.staff,
            absence=absence,
            kind=command.kind,
            from_=command.from_,
            to=command.to,
            substitute=substitute,
        )
    ]


def record_discipline(state: Staff | None, command: RecordDiscipline, context: Context) -> list[Data]:
    """A disciplined act. Refuses: decided before it was committed, or not yet."""
    state = _must_exist(state, command.staff)
    if command.decision_date < command.act_date:
        raise refusals.END_BEFORE_START(start=command.act_date, end=command.decision_date)
    if command.decision_date > context.today:
        raise refusals.DAY_IN_THE_FUTURE(day=command.decision_date)
    act = command.act if command.act in state.acts else new_code(command.act)
    said = msgspec.structs.asdict(command) | {"staff": state.staff, "act": act}
    return [StaffDisciplined(**said)]


def withdraw_discipline(state: Staff | None, command: WithdrawDiscipline, _: Context) -> list[Data]:
    """Refuses: an act that is not recorded or was withdrawn, no reason."""
    state = _must_exist(state, command.staff)
    if command.act not in state.acts:
        raise refusals.ACT_UNKNOWN(act=command.act)
    return [DisciplineWithdrawn(staff=state.staff, act=command.act, reason=required_text(command.reason))]


def _must_exist(state: Staff | None, staff: str) -> Staff:
    if state is None:
        raise refusals.STAFF_UNKNOWN(staff=canonical(staff))
    return state


def _known_staff(staff: str | None, context: Context) -> str | None:
    if staff is None:
        return None
    found = canonical(staff)
    if not context.knows_staff(found):
        raise refusals.STAFF_UNKNOWN(staff=found)
    return found


def _checked(staff: str, said: dict[str, Any], context: Context) -> dict[str, Any]:
    """The attributes with ids as they are stored, once they point at what exists and not at the person."""
    said = dict(said)
    if "roles" in said and not said["roles"]:
        raise refusals.ROLE_REQUIRED()
    if "post" in said:
        required_text(said["post"], refusals.POST_REQUIRED)
    group = said.get("similar_group")
    if group is not None and group not in groups_of(context.of_kind("staff").values()):
        said["similar_group"] = new_code(group)
    for name in ("unit", "leads_unit"):
        if said.get(name) is not None and not context.knows_unit(said[name]):
            raise refusals.UNIT_UNKNOWN(unit=said[name])
    if said.get("tracker") is not None:
        said["tracker"] = _known_staff(said["tracker"], context)
    if said.get("rater") not in (None, EXTERNAL):
        said["rater"] = _known_staff(said["rater"], context)
    if said.get("tracker") == staff:
        raise refusals.OWN_TRACKER(staff=staff)
    if said.get("rater") == staff:
        raise refusals.OWN_RATER(staff=staff)
    return said
