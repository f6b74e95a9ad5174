"""Specs of the tasks domain: given what happened, when somebody asks, then what follows."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.tasks.domain.context import Command, Context
from services.tasks.domain.decisions import HANDLERS, case, decide
from services.tasks.domain.streams import decode_state, encode_state, evolve
from shared.events import (
    CalendarPublished,
    CommuneOpened,
    Data,
    DayOff,
    Due,
    Envelope,
    Evidence,
    ExtensionRequested,
    ResultReported,
    StaffAppointed,
    TaskAssigned,
    TaskCompleted,
    UnitDefined,
    WorkingWeekend,
    subject_of,
    type_name,
)
from shared.refusal import Refused

COMMUNE = "tien-canh"
TODAY = date(2024, 6, 17)  # a Monday
LAW = "Bộ luật Lao động 2019, Điều 112"
FILE = Evidence(sha256="a" * 64, size=10, media_type="application/pdf")


def day(text: str) -> date:
    """`day("6-30")` is 30 June 2024."""
    month, number = text.split("-")
    return date(2024, int(month), int(number))


def fields(usual: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A command's usual fields, but for what a spec says."""
    return usual | more


def appointed(staff: str, *roles: Any, tracker: str | None = None, **more: Any) -> StaffAppointed:
    said: dict[str, Any] = {
        "category": "cong_chuc",
        "post": f"Chức vụ của {staff}",
        "unit": "van-phong",
        "leader": False,
        "valid_from": day("1-1"),
        "tracker": tracker,
    }
    return StaffAppointed(staff=staff, roles=list(roles), **(said | more))


CALENDAR = CalendarPublished(
    calendar="vn-2024-r1",
    year=2024,
    days_off=[DayOff(date=day("9-2"), name="Quốc khánh", legal_basis=LAW)],
    working_weekends=[WorkingWeekend(date=day("5-4"), for_=day("4-29"), legal_basis=LAW)],
    by="operator/test",
)

# p01 chairs; p02 is in charge of p15 (through p16) and of the Office's p14; p03 of p18; p36 is a village head.
WORLD: tuple[Data, ...] = (
    CommuneOpened(name="Xã Tiên Cảnh", code="20878", valid_from=day("1-1")),
    CALENDAR,
    UnitDefined(unit="van-phong", kind="department", valid_from=day("1-1")),
    UnitDefined(unit="dia-chinh", kind="department", valid_from=day("1-1"), head="p17"),
    appointed("p01", "chair", unit=COMMUNE, leader=True),
    appointed("p02", "vice_chair", tracker="p01", unit=COMMUNE, leader=True),
    appointed("p03", "vice_chair", tracker="p01", unit=COMMUNE, leader=True),
    appointed("p14", "office", tracker="p02"),
    appointed("p15", "staff", tracker="p16"),
    appointed("p16", "staff", tracker="p02"),
    appointed("p17", "staff", tracker="p03", unit="dia-chinh"),
    appointed("p18", "staff", tracker="p03"),
    appointed("p19", "staff", tracker="p14", valid_from=day("7-1")),
    appointed("p36", "village_head", tracker="p14"),
)


def assigned(lead: str = "p15", due: str | None = "6-28", **more: Any) -> TaskAssigned:
    said: dict[str, Any] = {
        "task": "t1",
        "by": "p14",
        "title": "Báo cáo quý II",
        "product": "Báo cáo",
        "field": 0,
        "collaborators": [],
        "coefficient": "1",
        "origin": "planned",
        "due": Due(text=due or "thường xuyên", date=day(due) if due else None),
        "due_version": 1,
        "evidence_required": False,
    }
    return TaskAssigned(lead=lead, **(said | more))


def reported(by: str = "p15", on: date = TODAY) -> ResultReported:
    return ResultReported(task="t1", by=by, on=on, summary="Đã xong", evidence=[FILE])


def completed(on: date = TODAY, verified_by: str = "p02") -> TaskCompleted:
    return TaskCompleted(task="t1", verified_by=verified_by, on=on, quality="met")


def asked(until: str = "7-15") -> ExtensionRequested:
    return ExtensionRequested(task="t1", by="p15", reason="Chờ số liệu", proposed_due=due(until))


def due(text: str) -> Due:
    return Due(text=text, date=day(text))


def envelope(data: Data, on: date, position: int = 1) -> Envelope:
    return Envelope(
        specversion="1.0",
        id=str(position),
        source="/tasks",
        type=type_name(data),
        subject=subject_of(data, COMMUNE),
        time=f"{datetime(on.year, on.month, on.day, 2, tzinfo=UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        commune=COMMUNE,
        position=position,
        streamversion=position,
        actor="staff/p14",
        previoushash="0" * 64,
        data=data,
    )


@dataclass(frozen=True)
class Spec:
    """A world, and one question to it. Facts of the past carry their day as `(day, event)`."""

    states: dict[str, Any] = field(default_factory=dict)
    today: date = TODAY
    actor: str = "staff/p14"
    roles: frozenset[str] | None = None
    command: Command | None = None

    def and_(self, *facts: Data | tuple[date, Data]) -> "Spec":
        states = dict(self.states)
        for fact in facts:
            on, data = fact if isinstance(fact, tuple) else (day("6-14"), fact)
            stream = subject_of(data, COMMUNE)
            state = evolve(states.get(stream), envelope(data, on))
            # Each state goes through its stored form, so that what a spec proves holds for what is read back.
            states[stream] = decode_state(stream, encode_state(state))
        return replace(self, states=states)

    def at(self, text: str) -> "Spec":
        return replace(self, today=day(text))

    def by(self, actor: str, *roles: str) -> "Spec":
        """Who types: a staff id, or `operator/…` with its token's roles."""
        actor = actor if "/" in actor else f"staff/{actor}"
        return replace(self, actor=actor, roles=frozenset(roles) if roles else None)

    def when(self, command: Command) -> "Spec":
        return replace(self, command=command)

    @property
    def context(self) -> Context:
        files = {"t1": {FILE.sha256: FILE}}
        context = Context(COMMUNE, self.today, self.actor, self.roles or frozenset(), self.states, files=files)
        if self.roles is None and context.actor_staff:
            post = context.post(context.actor_staff)
            context = replace(context, roles=frozenset(post.roles if post else ()))
        return context

    def decided(self) -> list[Data]:
        assert self.command is not None
        assert type(self.command) in HANDLERS
        found = case(self.command, COMMUNE)
        assert found.actions
        return decide(found, self.context)

    def then(self, *expected: Data) -> None:
        assert self.decided() == list(expected)

    def then_state(self, **expected: Any) -> None:
        """The stream's state after what was decided has these values."""
        assert self.command is not None
        after = self.and_(*((self.today, data) for data in self.decided()))
        state = after.states[case(self.command, COMMUNE).subject]
        assert {name: getattr(state, name) for name in expected} == expected

    def then_event(self, **expected: Any) -> None:
        """One event follows, with these values."""
        (event,) = self.decided()
        assert {name: getattr(event, name) for name in expected} == expected

    def then_refused(self, code: str) -> None:
        with pytest.raises(Refused) as caught:
            self.decided()
        assert caught.value.code == code, caught.value


def given(*facts: Data | tuple[date, Data]) -> Spec:
    """The usual commune on 17 June 2024, and what happened besides. The Office's p14 types, unless `by` says else."""
    return Spec().and_(*WORLD).and_(*facts)
