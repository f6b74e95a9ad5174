"""Communes, units, people and directives: what is recorded, what is refused."""

from datetime import date
from typing import Any

import pytest

from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.context import Command
from services.tasks.domain.directives import AmendDirective, IssueDirective, WithdrawDirective
from services.tasks.domain.organisation import (
    AppointStaff,
    ChangeStaff,
    DefineUnit,
    EndAppointment,
    RecordAbsence,
    RecordDiscipline,
    WithdrawDiscipline,
)
from shared.events import (
    AbsenceRecorded,
    CommuneClosed,
    CommuneOpened,
    CommuneRenamed,
    CommuneSettingsChosen,
    DirectiveAmended,
    DirectiveIssued,
    DirectiveWithdrawn,
    DisciplineWithdrawn,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    UnitDefined,
)
from tests.unit.tasks.spec import COMMUNE, Spec, appointed, day, fields, given

# Communes


def test_a_commune_is_opened_once() -> None:
    command = OpenCommune(name="Xã Tiên Cảnh", code="20878", valid_from=day("1-1"))
    Spec().by("operator/cli", "admin").when(command).then(
        CommuneOpened(name="Xã Tiên Cảnh", code="20878", valid_from=day("1-1"))
    )
    given().when(command).then_refused("commune-already-open")
    Spec().when(OpenCommune(name=" ", code="1", valid_from=day("1-1"))).then_refused("name-required")
    Spec().when(OpenCommune(name="A", code="", valid_from=day("1-1"))).then_refused("code-required")


def test_nothing_is_recorded_for_a_commune_that_is_not_open() -> None:
    Spec().by("operator/cli", "admin").when(DefineUnit(unit="u", kind="area", valid_from=day("1-1"))).then_refused(
        "commune-not-open"
    )


def test_a_commune_is_renamed_on_a_legal_basis() -> None:
    given().when(RenameCommune(valid_from=day("7-1"), legal_basis="NQ 1", name="Xã Thạnh Bình")).then(
        CommuneRenamed(valid_from=day("7-1"), legal_basis="NQ 1", name="Xã Thạnh Bình")
    )
    given().when(RenameCommune(valid_from=day("7-1"), legal_basis="NQ 1", code="20878")).then_refused("nothing-changes")
    given().when(RenameCommune(valid_from=day("7-1"), legal_basis="", code="1")).then_refused("legal-basis-required")


def test_a_closed_commune_records_until_its_last_day() -> None:
    close = CloseCommune(on=day("6-30"), successors=["thanh-binh"], legal_basis="NQ 1")
    closed = CommuneClosed(on=day("6-30"), successors=["thanh-binh"], legal_basis="NQ 1")
    given().when(close).then(closed)
    given(closed).when(close).then_refused("commune-closed")
    unit = DefineUnit(unit="tu-phap", kind="department", valid_from=day("6-1"))
    given(closed).at("6-30").when(unit).then_event(unit="tu-phap")
    given(closed).at("7-1").when(unit).then_refused("commune-closed")
    given().when(CloseCommune(on=day("6-30"), successors=[COMMUNE], legal_basis="NQ 1")).then_refused("own-successor")
    given().when(CloseCommune(on=day("6-30"), successors=[], legal_basis="")).then_refused("legal-basis-required")


def test_settings_are_chosen_with_a_reason_and_add_up() -> None:
    choose = ChooseCommuneSettings(settings={"hour": 8}, reason="Theo quy chế")
    given().when(choose).then(CommuneSettingsChosen(settings={"hour": 8}, by="p14", reason="Theo quy chế"))
    given(CommuneSettingsChosen(settings={"place": "x"}, by="p14", reason="y")).when(choose).then_state(
        settings={"place": "x", "hour": 8}
    )
    given().when(ChooseCommuneSettings(settings={}, reason="x")).then_refused("nothing-changes")
    given().when(ChooseCommuneSettings(settings={"a": 1}, reason=" ")).then_refused("reason-required")


# Units


def test_a_unit_is_defined_below_another() -> None:
    given().when(
        DefineUnit(unit="to-mot", kind="department", valid_from=day("6-1"), parent="dia-chinh", head="P17")
    ).then(UnitDefined(unit="to-mot", kind="department", valid_from=day("6-1"), parent="dia-chinh", head="p17"))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"parent": "khong-co"}, "unit-unknown"),
        ({"head": "p99"}, "staff-unknown"),
        ({"valid_to": day("5-31")}, "end-before-start"),
        ({"unit": COMMUNE}, "root-unit"),
        ({"unit": " "}, "code-required"),
        ({"parent": "tu-phap"}, "unit-cycle"),
    ],
)
def test_a_unit_is_refused(more: dict[str, Any], code: str) -> None:
    known = UnitDefined(unit="tu-phap", kind="area", valid_from=day("1-1"), parent=COMMUNE)
    command = DefineUnit(**fields({"unit": "tu-phap", "kind": "area", "valid_from": day("6-1")}, more))
    given(known).when(command).then_refused(code)


def test_units_do_not_lie_in_a_circle() -> None:
    inner = UnitDefined(unit="to-mot", kind="area", valid_from=day("1-1"), parent="van-phong")
    given(inner).when(
        DefineUnit(unit="van-phong", kind="department", valid_from=day("6-1"), parent="to-mot")
    ).then_refused("unit-cycle")


# People


def appoint(**more: Any) -> AppointStaff:
    said: dict[str, Any] = {
        "staff": "P20",
        "category": "cong_chuc",
        "roles": ["staff"],
        "post": "Tư pháp - hộ tịch",
        "unit": "van-phong",
        "valid_from": day("7-1"),
        "tracker": "P02",
    }
    return AppointStaff(**(said | more))


def test_a_person_is_appointed_under_a_code_without_case() -> None:
    given().by("p01").when(appoint(rater="external")).then(
        StaffAppointed(
            staff="p20",
            category="cong_chuc",
            roles=["staff"],
            post="Tư pháp - hộ tịch",
            unit="van-phong",
            leader=False,
            valid_from=day("7-1"),
            tracker="p02",
            rater="external",
        )
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"staff": " "}, "code-required"),
        ({"post": ""}, "post-required"),
        ({"roles": []}, "role-required"),
        ({"unit": "khong-co"}, "unit-unknown"),
        ({"leads_unit": "khong-co"}, "unit-unknown"),
        ({"tracker": "p99"}, "staff-unknown"),
        ({"rater": "p99"}, "staff-unknown"),
        ({"staff": "P15", "tracker": "p15"}, "own-tracker"),
        ({"staff": "p15", "rater": "P15"}, "own-rater"),
    ],
)
def test_an_appointment_is_refused(more: dict[str, Any], code: str) -> None:
    given().when(appoint(**more)).then_refused(code)


def test_a_second_appointment_replaces_every_attribute_from_its_day_on() -> None:
    first = appointed("p20", "staff", leads_unit="dia-chinh", tracker="p02")
    spec = given(first).when(appoint(tracker="p03"))
    state = spec.and_(*spec.decided()).states["staff/p20"]
    assert state.post_on(day("6-30")).leads_unit == "dia-chinh"
    after = state.post_on(day("7-1"))
    assert (after.leads_unit, after.tracker, after.valid_from) == (None, "p03", day("7-1"))


def test_a_change_keeps_the_rest_and_null_clears() -> None:
    spec = given(appointed("p20", "staff", tracker="p02", similar_group="a")).when(
        ChangeStaff(staff="P20", valid_from=day("6-15"), tracker=None, post="Văn phòng", reason="Phân công lại")
    )
    spec.then(StaffChanged(staff="p20", valid_from=day("6-15"), tracker=None, post="Văn phòng", reason="Phân công lại"))
    post = spec.and_(*spec.decided()).states["staff/p20"].post_on(day("6-17"))
    assert (post.tracker, post.post, post.similar_group) == (None, "Văn phòng", "a")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ChangeStaff(staff="p99", valid_from=day("6-1"), leader=True), "staff-unknown"),
        (ChangeStaff(staff="p19", valid_from=day("6-1"), leader=True), "staff-not-in-post"),
        (ChangeStaff(staff="p15", valid_from=day("6-1"), leader=False), "nothing-changes"),
        (ChangeStaff(staff="p15", valid_from=day("6-1"), tracker="P15"), "own-tracker"),
        (ChangeStaff(staff="p15", valid_from=day("6-1"), post=" "), "post-required"),
        (EndAppointment(staff="p99", valid_to=day("6-1")), "staff-unknown"),
        (EndAppointment(staff="p19", valid_to=day("6-1")), "staff-not-in-post"),
    ],
)
def test_a_change_or_a_leaving_is_refused(command: Command, code: str) -> None:
    given().when(command).then_refused(code)


def test_the_last_day_is_still_in_post_and_one_may_come_back() -> None:
    left = StaffLeft(staff="p15", valid_to=day("6-30"))
    given().when(EndAppointment(staff="P15", valid_to=day("6-30"))).then(left)
    state = given(left, appointed("p15", "staff", valid_from=day("9-1"))).states["staff/p15"]
    assert [state.post_on(day(text)) is not None for text in ("6-30", "7-1", "8-31", "9-1")] == [
        True,
        False,
        False,
        True,
    ]


def test_an_absence_is_recorded_by_its_class_and_replaced_under_the_same_id() -> None:
    recorded = AbsenceRecorded(
        staff="p15", absence="a1", kind="protected", from_=day("5-1"), to=day("10-31"), substitute="p16"
    )
    command = RecordAbsence(
        staff="P15", absence="a1", kind="protected", from_=day("5-1"), to=day("10-31"), substitute="P16"
    )
    given().when(command).then(recorded)
    shorter = AbsenceRecorded(staff="p15", absence="a1", kind="insured", from_=day("5-1"), to=day("5-2"))
    state = given(recorded, shorter).states["staff/p15"]
    assert (state.absent_on(day("5-2")), state.absent_on(day("5-3"))) == (True, False)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"staff": "p99"}, "staff-unknown"),
        ({"to": day("4-30")}, "end-before-start"),
        ({"substitute": "p99"}, "staff-unknown"),
        ({"substitute": "P15"}, "own-substitute"),
        ({"absence": ""}, "code-required"),
    ],
)
def test_an_absence_is_refused(more: dict[str, Any], code: str) -> None:
    said: dict[str, Any] = {"staff": "p15", "absence": "a1", "kind": "other", "from_": day("5-1")}
    given().when(RecordAbsence(**(said | more))).then_refused(code)


def discipline(**more: Any) -> RecordDiscipline:
    said: dict[str, Any] = {
        "staff": "p15",
        "act": "k1",
        "act_date": day("3-1"),
        "decision_date": day("4-1"),
        "of": "administration",
        "form": "khien_trach",
        "public_duty": True,
        "degradation": False,
    }
    return RecordDiscipline(**(said | more))


def test_a_disciplined_act_is_recorded_and_withdrawn() -> None:
    spec = given().when(discipline(staff="P15"))
    (recorded,) = spec.decided()
    assert isinstance(recorded, StaffDisciplined)
    assert (recorded.staff, recorded.form, recorded.decision_date) == ("p15", "khien_trach", day("4-1"))
    withdraw = WithdrawDiscipline(staff="p15", act="k1", reason="Quyết định bị hủy")
    withdrawn = DisciplineWithdrawn(staff="p15", act="k1", reason="Quyết định bị hủy")
    given(recorded).when(withdraw).then(withdrawn)
    given(recorded, withdrawn).when(withdraw).then_refused("act-unknown")
    given(recorded).when(WithdrawDiscipline(staff="p15", act="k1", reason="")).then_refused("reason-required")
    given(recorded).by("p15").when(withdraw).then_refused("own-record")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"staff": "p99"}, "staff-unknown"),
        ({"staff": "p14"}, "own-record"),
        ({"act": ""}, "code-required"),
        ({"decision_date": day("2-1")}, "end-before-start"),
        ({"decision_date": day("6-18")}, "day-in-the-future"),
    ],
)
def test_a_disciplined_act_is_refused(more: dict[str, Any], code: str) -> None:
    given().when(discipline(**more)).then_refused(code)


# Directives

ISSUED = DirectiveIssued(directive="d1", number="01/CT-UBND", issued_on=day("6-14"), title="Phân công nhiệm vụ")
WITHDRAWN = DirectiveWithdrawn(directive="d1", reason="Thay thế")


def issue(**more: Any) -> IssueDirective:
    usual = {"directive": "d1", "number": "01/CT-UBND", "issued_on": day("6-14"), "title": "Phân công nhiệm vụ"}
    return IssueDirective(**fields(usual, more))


def test_a_directive_is_issued_amended_and_withdrawn() -> None:
    given().when(issue()).then(ISSUED)
    given(ISSUED).when(AmendDirective(directive="d1", title="Giao việc 2024", reason="Ghi nhầm")).then(
        DirectiveAmended(directive="d1", title="Giao việc 2024", reason="Ghi nhầm")
    )
    given(ISSUED).when(AmendDirective(directive="d1", title="Giao việc 2024", reason="x")).then_state(
        title="Giao việc 2024", number="01/CT-UBND"
    )
    given(ISSUED).when(WithdrawDirective(directive="d1", reason="Thay thế")).then(WITHDRAWN)


@pytest.mark.parametrize(
    ("facts", "command", "code"),
    [
        ((ISSUED,), issue(), "directive-already-issued"),
        ((), issue(number=""), "number-required"),
        ((), issue(title=" "), "title-required"),
        ((), issue(issued_on=date(2024, 6, 18)), "day-in-the-future"),
        ((), issue(supersedes="d1"), "directive-unknown"),
        ((), issue(supersedes="d0"), "directive-unknown"),
        ((), AmendDirective(directive="d1", title="x", reason="y"), "directive-unknown"),
        ((ISSUED,), AmendDirective(directive="d1", number="01/CT-UBND", reason="y"), "nothing-changes"),
        ((ISSUED,), AmendDirective(directive="d1", title="x", reason=""), "reason-required"),
        ((ISSUED, WITHDRAWN), AmendDirective(directive="d1", title="x", reason="y"), "directive-withdrawn"),
        ((ISSUED, WITHDRAWN), WithdrawDirective(directive="d1", reason="x"), "directive-withdrawn"),
        ((ISSUED,), WithdrawDirective(directive="d1", reason=""), "reason-required"),
    ],
)
def test_a_directive_is_refused(facts: Any, command: Command, code: str) -> None:
    given(*facts).when(command).then_refused(code)
