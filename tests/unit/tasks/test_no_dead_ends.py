"""Whoever is refused because a command is about them, somebody real can send it, and the refusal names them."""

import re
from functools import cache

import pytest

from services.tasks.commands import must_be_allowed
from services.tasks.domain import refusals
from services.tasks.domain.context import Command
from services.tasks.domain.decisions import case
from services.tasks.domain.organisation import AppointStaff, ChangeStaff, EndAppointment
from services.tasks.domain.results import AcceptResult
from shared.events import Data, StaffLeft
from shared.events.values import Role
from shared.refusal import Refused
from shared.web.auth import Principal
from tests.unit.tasks.spec import COMMUNE, TODAY, Spec, appointed, assigned, day, given, reported
from tests.unit.tasks.test_judging import APPOINT, APPOINTS_JUDGES, ME, OWN, Own, changed, headed, named

OPERATOR = "operator/cli"


# One day is enough: on which day of a post a change is about somebody test_judging.py tries.
OWNS = [
    own
    for owns in OWN.values()
    for own in owns
    if not isinstance(own.command, ChangeStaff) or own.command.valid_from == TODAY
]


def gone(*people: str) -> tuple[Data, ...]:
    return tuple(StaffLeft(staff=staff, valid_to=day("5-31")) for staff in people)


def me(*roles: Role, **more: object) -> Data:
    return appointed(ME, *roles, tracker="p02", **more)


# The usual commune has the chair p01, the deputies p02 and p03, and the Office's p14.
CONSTELLATIONS: dict[str, tuple[Data, ...]] = {
    "one of the staff": (me("staff"),),
    "one of two in the Office": (me("office"),),
    "the only one in the Office": (me("office"), *gone("p14")),
    "a deputy": (me("vice_chair"),),
    "the only deputy": (me("vice_chair"), *gone("p02", "p03")),
    "one of the staff, no deputies": (me("staff"), *gone("p02", "p03")),
    "the only chair": (me("chair"), *gone("p01")),
    "a new chair": (me("staff"), *gone("p01"), me("chair", valid_from=day("6-1"))),
    "the only chair, no deputies": (me("chair"), *gone("p01", "p02", "p03")),
    "one of two chairs": (me("chair"),),
    "a chair who takes over": (me("chair", valid_from=day("6-1")),),
    "an administrator": (me("admin"),),
    "chair and Office in one": (me("chair", "office"), *gone("p01", "p14")),
    "all there is": (me("chair", "office"), *gone("p01", "p02", "p03", "p14")),
}


@cache
def world(constellation: str) -> Spec:
    return given(*CONSTELLATIONS[constellation])


def refusal(spec: Spec, command: Command) -> Refused | None:
    """Why the role × action table or an object rule refuses it; None when it may be sent."""
    context = spec.context
    if context.actor_staff is not None and context.post(context.actor_staff) is None:
        return refusals.NOT_IN_POST(staff=context.actor_staff)
    try:
        must_be_allowed(context, Principal(spec.actor, COMMUNE, context.roles), case(command, COMMUNE))
        spec.when(command).decided()
    except Refused as refused:
        return refused
    return None


def in_some_name(spec: Spec, command: Command) -> bool:
    """May the sender send it, in the own name or, typing, in anybody's?"""
    people = [subject.removeprefix("staff/") for subject in spec.context.of_kind("staff")]
    types = "by" in command.__struct_fields__ and "office" in spec.context.roles
    names = [None, *people] if types else [None]
    return any(refusal(spec, named(command, by) if by else command) is None for by in names)


def able(spec: Spec, command: Command) -> set[str]:
    """Everybody in post, and an operator, who may send it."""
    people = [subject.removeprefix("staff/") for subject in spec.context.of_kind("staff")]
    found = {staff for staff in people if spec.context.post(staff) and in_some_name(spec.by(staff), command)}
    return found | ({OPERATOR} if in_some_name(spec.by(OPERATOR, "admin", "office"), command) else set())


@pytest.mark.parametrize("constellation", CONSTELLATIONS)
@pytest.mark.parametrize("own", OWNS, ids=lambda own: type(own.command).__name__)
def test_somebody_real_can_send_what_is_about_me(own: Own, constellation: str) -> None:
    spec = world(constellation).and_(*own.facts)
    refused = refusal(spec.by(ME), own.command)
    assert refused is not None
    nothing_changes = getattr(refusal(spec.by(OPERATOR, "admin"), own.command), "code", None) == "nothing-changes"
    if nothing_changes or not refused.code.startswith("own-"):
        return  # not even about another
    may = able(spec, own.command)
    assert ME not in may
    said = set(re.findall(r"\(?\b(p\d+)\b\)?", refused.detail)) - {ME}
    # Not everybody who keeps records changes who judges; the refusal says so.
    assert said <= may or refused.code == "own-record", (refused.detail, may)
    if may:
        assert said & may or (OPERATOR in may and "quản trị hệ thống" in refused.detail), (refused.detail, may)
    else:
        # Nobody else holds the role: an administrator gives it to somebody first, as the refusal says.
        assert "quản trị hệ thống trao vai trò" in refused.detail
        deputy = AppointStaff(staff="p60", **APPOINT | {"roles": ["vice_chair"], "unit": COMMUNE})
        appointment = spec.by(OPERATOR, "admin").when(deputy).decided()
        assert "p60" in able(spec.and_(*((day("6-1"), event) for event in appointment)), own.command)


# Who judges


@pytest.mark.parametrize("constellation", CONSTELLATIONS)
@pytest.mark.parametrize("command", [*APPOINTS_JUDGES, changed("p16", tracker="p03")], ids=repr)
def test_an_operator_changes_who_judges_wherever_the_people_may_not(command: Command, constellation: str) -> None:
    spec = world(constellation)
    refused = {sender: refusal(spec.by(sender), command) for sender in (ME, "p01", "p02", "p14")}
    for found in refused.values():
        if found is not None and found.code == "own-judges":
            assert "Quản trị hệ thống không giữ chức vụ ở xã ghi được" in found.detail
    operators = refusal(spec.by(OPERATOR, "admin"), command)
    assert operators is None or operators.code == "staff-not-in-post"


def test_a_handover_is_recorded_by_an_operator() -> None:
    """Who is Chairman is decided above: neither names a successor nor ends the other, and both may decide meanwhile."""
    successor = AppointStaff(staff="p60", **APPOINT | {"roles": ["chair"], "unit": COMMUNE})
    begins = given()
    begins.by("p01").when(successor).then_refused("own-judges")
    both = begins.and_(*begins.by(OPERATOR, "admin").when(successor).decided())
    for sender, ends in (("p60", "p01"), ("p01", "p60")):
        both.by(sender).when(EndAppointment(staff=ends, valid_to=TODAY)).then_refused("own-judges")
    pending = both.and_(assigned(), reported())
    assert pending.by("p01").when(AcceptResult(task="t1")).decided()
    assert pending.by("p60").when(AcceptResult(task="t1")).decided()
    # What one of them leads the other decides of.
    led = both.and_(assigned("p01"), reported("p01"))
    assert led.by("p60").when(AcceptResult(task="t1")).decided()
    assert both.by(OPERATOR, "admin").when(EndAppointment(staff="p01", valid_to=TODAY)).decided()


# Heads


@pytest.mark.parametrize(
    "said",
    [
        (headed("p02", "1-1"),),
        (headed("p02", "1-1"), headed("p17", "6-1")),
        (headed("p02", "1-1"), headed(None, "12-1")),
        (headed("p17", "1-1"), headed("p02", "12-1")),
        (headed("p17", "1-1"), headed("p02", "2-1"), headed("p17", "3-1")),
    ],
)
def test_who_heads_a_collaborating_unit_on_any_day_takes_part(said: tuple[Data, ...]) -> None:
    spec = given(*said, assigned(collaborators=["moi"]), reported())
    spec.by("p02").when(AcceptResult(task="t1")).then_refused("own-task")
    assert spec.by("p01").when(AcceptResult(task="t1")).decided()
    # With the chair as its lead, any deputy may who is none of its heads.
    led = given(*said, assigned("p01", collaborators=["moi"]), reported("p01"))
    led.by("p02").when(AcceptResult(task="t1")).then_refused("own-task")
    assert led.by("p03").when(AcceptResult(task="t1")).decided()
