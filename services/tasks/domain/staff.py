"""People in post: attributes by date, absences, disciplined acts."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers
from shared import posts
from shared.events import (
    AbsenceRecorded,
    Data,
    DisciplineWithdrawn,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    StaffTakenOver,
)
from shared.events.values import AbsenceKind, Category, Role
from shared.posts import ONE_DAY, Step


class Post(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything an appointment says of a person, on one day."""

    category: Category
    roles: list[Role]
    post: str
    unit: str
    leader: bool
    valid_from: date
    rated: bool = True
    similar_group: str | None = None
    leads_unit: str | None = None
    tracker: str | None = None
    rater: str | None = None
    service_from: date | None = None


class Absence(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: AbsenceKind
    from_: date
    to: date | None = None
    substitute: str | None = None


class Staff(msgspec.Struct, frozen=True, omit_defaults=True):
    """`steps` in the order they take force; those of one day in the order they were recorded."""

    staff: str
    steps: list[Step] = []
    absences: dict[str, Absence] = {}
    acts: list[str] = []

    def post_on(self, day: date) -> Post | None:
        """The post in force on a day, None when not in post."""
        fields = posts.fields_on(self.steps, day)
        return msgspec.convert(fields, Post) if fields else None

    def last_post(self, day: date) -> Post | None:
        """The post on a day, or for someone who left, the last one before."""
        ends = [step.on - ONE_DAY for step in self.steps if step.kind == "left" and step.on <= day]
        return self.post_on(day) or (self.post_on(ends[-1]) if ends else None)

    def absent_on(self, day: date) -> bool:
        return any(a.from_ <= day and (a.to is None or day <= a.to) for a in self.absences.values())


def groups_of(people: Iterable[Staff]) -> set[str]:
    """The groups of similar positions that anybody is or was in."""
    return {group for person in people for step in person.steps if (group := step.fields.get("similar_group"))}


def _with(state: Staff | None, staff: str, step: Step) -> Staff:
    state = state or Staff(staff)
    return replace(state, steps=posts.with_step(state.steps, step))


def _fields(data: Data) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(data)
    return {name: value for name, value in said.items() if name not in ("staff", "valid_from", "reason")}


def _appointed(state: Staff | None, data: StaffAppointed, _: date) -> Staff:
    return _with(state, data.staff, posts.appointed(data.valid_from, _fields(data)))


def _changed(state: Staff, data: StaffChanged, _: date) -> Staff:
    return _with(state, data.staff, posts.changed(data.valid_from, _fields(data)))


def _left(state: Staff, data: StaffLeft, _: date) -> Staff:
    return _with(state, data.staff, posts.left(data.valid_to))


def _taken_over(state: Staff | None, data: StaffTakenOver, _: date) -> Staff:
    return state or Staff(data.staff)


def _absence_recorded(state: Staff, data: AbsenceRecorded, _: date) -> Staff:
    absence = Absence(data.kind, data.from_, data.to, data.substitute)
    return replace(state, absences=state.absences | {data.absence: absence})


def _disciplined(state: Staff, data: StaffDisciplined, _: date) -> Staff:
    return replace(state, acts=[*(act for act in state.acts if act != data.act), data.act])


def _discipline_withdrawn(state: Staff, data: DisciplineWithdrawn, _: date) -> Staff:
    return replace(state, acts=[act for act in state.acts if act != data.act])


EVOLVE: Evolvers = {
    StaffAppointed: _appointed,
    StaffChanged: _changed,
    StaffLeft: _left,
    StaffTakenOver: _taken_over,
    AbsenceRecorded: _absence_recorded,
    StaffDisciplined: _disciplined,
    DisciplineWithdrawn: _discipline_withdrawn,
}
