"""Nobody decides or types what their own rating rests on; who judges is changed by the chair or an administrator."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from services.tasks.domain.assigning import (
    AssignTask,
    CancelTask,
    CorrectCoefficient,
    CorrectTask,
    HandBackTask,
)
from services.tasks.domain.communes import ChooseCommuneSettings
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension
from services.tasks.domain.decisions import HANDLERS, ConfirmImport, SettleDraft, Together
from services.tasks.domain.judging import EACH_PART, EVERYBODY, NOBODY, OWN_ACT
from services.tasks.domain.organisation import (
    AppointStaff,
    ChangeStaff,
    DefineUnit,
    EndAppointment,
    RecordAbsence,
    RecordDiscipline,
    WithdrawDiscipline,
)
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import AcceptResult, Beyond, ConfirmObjectiveCause, ReopenTask, ReturnResult
from services.tasks.domain.templates import EndTemplate, SetTemplate
from shared.events import (
    CommuneSettingsChosen,
    Data,
    DayOff,
    Due,
    Item,
    Recurrence,
    StaffDisciplined,
    TaskDrafted,
    TemplateEnded,
    TemplateSet,
    UnitDefined,
)
from shared.events.values import ROLES, Role
from shared.refusal import Refused
from tests.unit.tasks.spec import (
    CALENDAR,
    COMMUNE,
    TODAY,
    Spec,
    appointed,
    asked,
    assigned,
    completed,
    day,
    due,
    given,
    reported,
)

ME = "p50"
T: dict[str, Any] = {"task": "t1", "reason": "Theo thực tế"}
AGAIN: dict[str, Any] = {"quality_failure": False, "due": due("7-15")}
MONTHLY = Recurrence(every="month", day=25)


@dataclass(frozen=True)
class Own:
    """A command about the person ME, after these facts. `named`: it may be sent in another's name."""

    command: Command
    facts: tuple[Data, ...] = ()

    @property
    def named(self) -> bool:
        return "by" in self.command.__struct_fields__


def mine(**more: Any) -> Data:
    return assigned(lead=ME, **more)


def row(**said: Any) -> TaskDrafted:
    return TaskDrafted(task="t1", item=Item(sheet="1", no="9"), row=said, questions=["thieu_thoi_han"])


def template(lead: str, since: str = "1-1") -> TemplateSet:
    return TemplateSet(
        template="m1", by="p01", title="Báo cáo", product="", field=0, lead=lead, collaborators=[], coefficient=None,
        evidence_required=False, recurrence=MONTHLY, due_text="Ngày 25", valid_from=day(since), roll="forward",
    )  # fmt: skip


def recurring(lead: str) -> SetTemplate:
    return SetTemplate(template="m1", title="Báo cáo tháng", lead=lead, recurrence=MONTHLY, due_text="Ngày 25")


def headed(head: str | None, since: str) -> UnitDefined:
    return UnitDefined(unit="moi", kind="department", valid_from=day(since), head=head)


APPOINT: dict[str, Any] = {
    "category": "cong_chuc", "roles": ["staff"], "post": "Chức vụ", "unit": "van-phong", "valid_from": day("6-1")
}  # fmt: skip
DISCIPLINE: dict[str, Any] = {
    "act": "k1", "act_date": day("3-1"), "decision_date": day("4-1"), "of": "party", "form": "khien_trach",
    "public_duty": True, "degradation": False,
}  # fmt: skip
ASSIGN: dict[str, Any] = {"task": "t9", "title": "Việc", "due": due("7-15")}
FILE: dict[str, Any] = {
    "import_": "i1", "kind": "roster", "sha256": "c" * 64, "rows": 1, "created": 0, "changed": 1, "waiting": 0,
    "rejected": 0,
}  # fmt: skip

OWN: dict[type[Command], list[Own]] = {
    DefineUnit: [
        Own(DefineUnit(unit="moi", kind="department", valid_from=day("6-1"), head=ME)),
        Own(
            DefineUnit(unit="moi", kind="department", valid_from=day("6-1")),
            (headed(ME, "1-1"),),
        ),
        # A rating reads by date: whoever heads any version is concerned, whatever is changed.
        Own(DefineUnit(unit="moi", kind="area", valid_from=day("1-1"), head="P50"), (headed(ME, "1-1"),)),
        Own(
            DefineUnit(unit="moi", kind="department", valid_from=day("1-1"), valid_to=day("2-1"), head=ME),
            (headed(ME, "1-1"),),
        ),
        Own(
            DefineUnit(unit="moi", kind="department", valid_from=day("1-1"), head="p15"),
            (headed(ME, "1-1"), headed("p15", "12-1")),
        ),
        Own(
            DefineUnit(unit="moi", kind="department", valid_from=day("3-1"), head=ME),
            (headed("p15", "1-1"), headed(ME, "12-1")),
        ),
        Own(
            DefineUnit(unit="moi", kind="department", valid_from=day("6-1"), head="p16"),
            (headed(ME, "1-1"), headed("p15", "2-1"), headed(None, "3-1")),
        ),
    ],
    AppointStaff: [Own(AppointStaff(staff="P50", **APPOINT))],
    ChangeStaff: [
        Own(ChangeStaff(staff=ME, valid_from=valid_from, **change))
        for valid_from in (day("2-1"), TODAY, day("12-1"))
        for change in (
            {"post": "Khác"},
            {"roles": ["chair"]},
            {"unit": "dia-chinh"},
            {"category": "can_bo"},
            {"leader": True},
            {"rated": False},
            {"similar_group": "a"},
            {"leads_unit": "dia-chinh"},
            {"tracker": "p03"},
            {"rater": "external"},
            {"rater": "p15"},
            {"service_from": day("1-1")},
        )
    ],
    EndAppointment: [Own(EndAppointment(staff=ME, valid_to=day("6-30")))],
    RecordAbsence: [Own(RecordAbsence(staff=ME, absence="a1", kind="protected", from_=day("2-1"), to=day("4-30")))],
    RecordDiscipline: [Own(RecordDiscipline(staff=ME, **DISCIPLINE))],
    WithdrawDiscipline: [
        Own(WithdrawDiscipline(staff=ME, act="k1", reason="x"), (StaffDisciplined(staff=ME, **DISCIPLINE),))
    ],
    SettleDraft: [
        Own(SettleDraft(task="t1", into=[]), (row(lead=ME),)),
        Own(SettleDraft(task="t1", into=[]), (row(lead=None, candidates=["p15", ME]),)),
        Own(SettleDraft(task="t1", into=[AssignTask(lead="p15", **ASSIGN)]), (row(lead=ME),)),
        Own(SettleDraft(task="t1", into=[AssignTask(lead=ME, **ASSIGN)]), (row(lead=None, candidates=[]),)),
    ],
    AssignTask: [Own(AssignTask(lead="P50", **ASSIGN)), Own(AssignTask(lead=ME, origin="ad_hoc", **ASSIGN))],
    CorrectTask: [
        Own(CorrectTask(title="Việc nhẹ hơn", **T), (mine(),)),
        Own(CorrectTask(collaborators=[], **T), (assigned(collaborators=[ME]),)),
    ],
    CorrectCoefficient: [Own(CorrectCoefficient(coefficient="3", **T), (mine(),))],
    HandBackTask: [Own(HandBackTask(kind="reassigned", **T), (mine(),))],
    CancelTask: [Own(CancelTask(**T), (mine(),)), Own(CancelTask(**T), (assigned(collaborators=[ME]),))],
    ConfirmDue: [
        Own(ConfirmDue(due=due("7-15"), **T), (mine(due=None),)),
        Own(ConfirmDue(due=due("7-15"), **T), (mine(),)),
    ],
    GrantExtension: [Own(GrantExtension(**T), (mine(), asked())), Own(GrantExtension(due=due("7-15"), **T), (mine(),))],
    RefuseExtension: [Own(RefuseExtension(**T), (assigned(collaborators=[ME]), asked()))],
    ReturnResult: [Own(ReturnResult(**T, **AGAIN), (mine(), reported(by=ME)))],
    AcceptResult: [
        Own(AcceptResult(task="t1"), (mine(), reported(by=ME))),
        Own(AcceptResult(task="t1"), (assigned(collaborators=["van-phong"]), reported())),
    ],
    ReopenTask: [Own(ReopenTask(**T, **AGAIN), (mine(), reported(by=ME), completed()))],
    ConfirmObjectiveCause: [Own(ConfirmObjectiveCause(of="lateness", **T), (mine(),))],
    SetTemplate: [
        Own(recurring(ME)),
        Own(recurring("p15"), (template(ME),)),
        # The version of today, while another is recorded for a day to come.
        Own(recurring("p15"), (template(ME), template("p15", "12-1"))),
    ],
    EndTemplate: [
        Own(EndTemplate(template="m1", reason="x"), (template(ME),)),
        Own(EndTemplate(template="m1", reason="x"), (template(ME), template("p15", "12-1"))),
    ],
}
ALL_OWN = [pytest.param(own, id=f"{kind.__name__}-{n}") for kind, owns in OWN.items() for n, own in enumerate(owns)]


def world(own: Own, *roles: Role) -> Spec:
    return given(appointed(ME, *roles, tracker="p02"), *own.facts)


def test_every_command_says_whom_it_concerns() -> None:
    nobody = {kind for kind, handler in HANDLERS.items() if handler.concerns in (NOBODY, EVERYBODY, OWN_ACT, EACH_PART)}
    assert nobody.isdisjoint(OWN) and nobody | OWN.keys() == HANDLERS.keys()
    assert all(handler.concerns.reason for handler in HANDLERS.values())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("own", ALL_OWN)
def test_nobody_sends_a_command_about_themselves_whatever_their_role(own: Own, role: Role) -> None:
    sent = world(own, role).by(ME, role).when(own.command)
    refused_as_own(sent)
    if own.named:
        refused_as_own(sent.when(named(own.command, "p01")))
    # Inside several and inside a file, in anybody's name, it is the same.
    refused_as_own(sent.when(Together(commands=[own.command])))
    refused_as_own(sent.when(ConfirmImport(commands=[own.command], **FILE)))
    refused_as_own(sent.when(ConfirmImport(commands=[own.command], by="p01" if role == "office" else None, **FILE)))


@pytest.mark.parametrize("own", [each for each in ALL_OWN if each.values[0].named])  # type: ignore[union-attr]
def test_nobody_types_it_in_their_name_either(own: Own) -> None:
    for role in ROLES:
        refused_as_own(world(own, role).by("operator/cli", "office").when(named(own.command, ME)))


@pytest.mark.parametrize("own", ALL_OWN)
def test_no_file_is_confirmed_in_the_name_of_a_person_that_it_is_about(own: Own) -> None:
    file = ConfirmImport(commands=[own.command], by=ME, **FILE)
    refused_as_own(world(own, "office").by("operator/cli", "admin", "office").when(file))


def named(command: Command, by: str) -> Command:
    return type(command)(**{name: getattr(command, name) for name in command.__struct_fields__} | {"by": by})


# What a role may not do about anybody is refused before it is looked at whom it is about.
REFUSED_WHOMEVER_IT_IS_ABOUT = {"may-not-assign", "only-the-office-records-for-others"}


def refused_as_own(spec: Spec) -> None:
    with pytest.raises(Refused) as caught:
        spec.decided()
    if caught.value.code in REFUSED_WHOMEVER_IT_IS_ABOUT:
        return
    assert caught.value.code.startswith("own-")
    detail = str(getattr(caught.value, "detail", ""))
    assert ME in detail and "Chủ tịch" in detail and "…" not in detail and "{" not in detail


def test_a_leader_who_confirms_that_something_was_exceeded_takes_no_part_either() -> None:
    beyond = Beyond(kind="early", reason="Sớm", confirmed_by=ME)
    own = Own(AcceptResult(task="t1", exceeded=beyond), (mine(), reported(by=ME)))
    refused_as_own(world(own, "vice_chair").by("p01", "chair", "office").when(own.command))


# Who judges


def changed(person: str = "p15", **said: Any) -> ChangeStaff:
    return ChangeStaff(staff=person, **({"valid_from": TODAY} | said))


HEADS = UnitDefined(unit="dia-chinh", kind="department", valid_from=day("1-1"), head="p02")
JUDGES: dict[str, tuple[Command, tuple[Data, ...]]] = {
    "a first appointment": (AppointStaff(staff="p60", **APPOINT), ()),
    "an appointment to come": (AppointStaff(staff="p60", **APPOINT | {"valid_from": day("9-1")}), ()),
    "an appointment after leaving": (
        AppointStaff(staff="p15", **APPOINT | {"tracker": "p16", "valid_from": date(2023, 6, 1)}),
        (),
    ),
    "an appointment with another rater": (AppointStaff(staff="p15", **APPOINT | {"rater": "p03"}), ()),
    "an appointment that is not rated": (AppointStaff(staff="p15", **APPOINT | {"rated": False}), ()),
    "a role": (changed(roles=["staff", "office"]), ()),
    "the role of the chair": (changed(roles=["chair"]), ()),
    "a role long ago": (changed(roles=["vice_chair"], valid_from=day("1-2")), ()),
    "a role to come": (changed(roles=["office"], valid_from=day("12-1")), ()),
    "not rated": (changed(rated=False), ()),
    "another rater": (changed(rater="p16"), ()),
    "rated above": (changed(rater="external"), ()),
    "the end of a vice-chair": (EndAppointment(staff="p03", valid_to=day("6-30")), ()),
    "the end of a tracker": (EndAppointment(staff="p16", valid_to=day("6-30")), ()),
    "the end of who will be a tracker": (
        EndAppointment(staff="p18", valid_to=day("6-30")),
        (appointed("p15", "staff", tracker="p18", valid_from=day("8-1")),),
    ),
    "the end of a rater": (
        EndAppointment(staff="p18", valid_to=day("6-30")),
        (appointed("p60", "staff", rater="p18"),),
    ),
    "the unit of a vice-chair": (changed("p03", unit="dia-chinh"), ()),
    "a vice-chair heads a unit": (
        DefineUnit(unit="dia-chinh", kind="department", valid_from=TODAY, head="p02"),
        (),
    ),
    "a vice-chair no longer heads a unit": (
        DefineUnit(unit="dia-chinh", kind="department", valid_from=TODAY),
        (HEADS,),
    ),
    "trackers verify": (ChooseCommuneSettings(settings={"tracker_verifies": True}, reason="Quy chế"), ()),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", JUDGES)
def test_who_judges_is_changed_by_the_chair_or_an_administrator_alone(name: str, role: Role) -> None:
    command, facts = JUDGES[name]
    # Not one whom it concerns: not rated, with another rater than the chair, and with no tracker.
    spec = given(*facts, appointed(ME, role, rater="external", rated=False)).by(ME, role)
    for sent in (command, Together(commands=[command]), ConfirmImport(commands=[command], **FILE)):
        if role in ("chair", "admin"):
            assert spec.when(sent).decided()
        else:
            spec.when(sent).then_refused("chair-or-admin-required")
    operator = given(*facts).by("operator/cli", "admin").when(command)
    assert operator.decided()
    given(*facts).by("operator/cli", "office").when(
        named(command, "p01") if "by" in command.__struct_fields__ else command
    ).then_refused("chair-or-admin-required")


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        (changed(unit="dia-chinh", post="Địa chính"), ()),
        (changed(tracker="p03"), ()),
        (changed(leads_unit="dia-chinh", roles=["staff"]), ()),
        (changed(roles=["office", "staff"], post="Khác"), (appointed("p15", "staff", "office", tracker="p16"),)),
        (AppointStaff(staff="p15", **APPOINT), ()),
        (EndAppointment(staff="p15", valid_to=day("6-30")), ()),
        (RecordAbsence(staff="p01", absence="a1", kind="insured", from_=TODAY), ()),
        (RecordDiscipline(staff="p15", **DISCIPLINE), ()),
        (DefineUnit(unit="dia-chinh", kind="department", valid_from=TODAY, head="p18"), ()),
        (ChooseCommuneSettings(settings={"hour": 8, "tracker_verifies": True}, reason="x"),
         (CommuneSettingsChosen(settings={"tracker_verifies": True}, by="p01", reason="x"),)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_office_records_what_changes_no_judge(command: Command, facts: tuple[Data, ...]) -> None:
    assert given(*facts).by("p14").when(command).decided()


def test_the_office_does_not_make_itself_a_tracker() -> None:
    given().by("p14").when(changed(tracker="p14")).then_refused("chair-or-admin-required")
    assert given().by("p01").when(changed("p14", tracker="p01")).decided()


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        (changed("p16", tracker="p03"), ()),
        (changed("p16", tracker="p03", valid_from=day("2-1")), ()),
        (changed("p16", tracker=None, valid_from=day("12-1")), ()),
        (changed("p02", roles=["staff"]), ()),
        (changed("p16", roles=["staff", "vice_chair"]), ()),
        (changed("p18", roles=["chair"]), ()),
        (EndAppointment(staff="p01", valid_to=day("6-30")), ()),
        (EndAppointment(staff="p16", valid_to=day("6-30")), ()),
        # From a day to come the sender is below whom the change is about.
        (changed("p18", tracker="p16"), (appointed(ME, "admin", "office", tracker="p18", valid_from=day("8-1")),)),
    ],
)
def test_not_even_an_administrator_changes_their_own_judges(command: Command, facts: tuple[Data, ...]) -> None:
    spec = given(appointed(ME, "admin", "office", tracker="p16"), *facts)
    spec.by(ME).when(command).then_refused("own-judges")
    assert spec.by("operator/cli", "admin").when(command).decided()


APPOINTS_JUDGES: list[Command] = [
    changed(roles=["staff", "chair"]),
    changed(roles=["chair"], valid_from=day("2-1")),
    changed(roles=["chair"], valid_from=day("12-1")),
    AppointStaff(staff="p60", **APPOINT | {"roles": ["chair"]}),
    AppointStaff(staff="p60", **APPOINT | {"roles": ["vice_chair"]}),
    EndAppointment(staff="p01", valid_to=day("6-30")),
    ChooseCommuneSettings(settings={"tracker_verifies": True}, reason="Quy chế"),
]


@pytest.mark.parametrize("rater", [None, "p03", "external"])
@pytest.mark.parametrize("command", APPOINTS_JUDGES, ids=repr)
def test_whoever_rates_them_the_rated_name_no_leader_who_may_decide_of_their_tasks(
    command: Command, rater: str | None
) -> None:
    spec = given(appointed(ME, "admin", "staff", tracker="p16", rater=rater)).when(command)
    for sent in (spec, spec.when(Together(commands=[command])), spec.when(ConfirmImport(commands=[command], **FILE))):
        sent.by(ME).then_refused("own-judges")
    assert spec.by("operator/cli", "admin").decided()


@pytest.mark.parametrize("rater", [None, "external"])
def test_a_chair_names_deputies_and_settings_but_no_second_chair(rater: str | None) -> None:
    spec = given(appointed("p01", "chair", unit=COMMUNE, leader=True, rater=rater)).by("p01")
    second = AppointStaff(staff="p60", **APPOINT | {"roles": ["chair"]})
    spec.when(second).then_refused("own-judges")
    spec.when(changed(roles=["chair"], valid_from=day("12-1"))).then_refused("own-judges")
    assert spec.by("operator/cli", "admin").when(second).decided()
    for command in (
        changed(roles=["vice_chair"]),
        EndAppointment(staff="p03", valid_to=day("6-30")),
        AppointStaff(staff="p60", **APPOINT),
        ChooseCommuneSettings(settings={"tracker_verifies": True}, reason="Quy chế"),
    ):
        assert spec.when(command).decided()


def test_a_setting_of_judges_is_not_turned_off_by_one_whom_it_concerns_either() -> None:
    off = ChooseCommuneSettings(settings={"tracker_verifies": False}, reason="Quy chế", by="p01")
    spec = given(appointed(ME, "admin", "office", tracker="p16"), VERIFIES).when(off)
    spec.by(ME).then_refused("own-judges")
    assert spec.by("operator/cli", "admin", "office").decided()
    # What leaves it as it is may be sent by all who choose settings.
    assert spec.by(ME).when(ChooseCommuneSettings(settings={"hour": 8}, reason="x")).decided()


def test_what_is_not_above_the_sender_is_not_their_own() -> None:
    spec = given(appointed(ME, "admin", "office", tracker="p16")).by(ME)
    for command in (changed("p17", tracker="p02"), changed("p36", roles=["staff"]), changed("p16", post="Khác")):
        assert spec.when(command).decided()


def test_a_calendar_that_moves_ones_own_deadline_is_published_by_another() -> None:
    counted = assigned(lead=ME, due=None)
    resolved = Due(text="5 ngày làm việc", working_days=5, date=day("6-24"), calendar=CALENDAR.calendar)
    task = type(counted)(**{n: getattr(counted, n) for n in counted.__struct_fields__} | {"due": resolved})
    off = [*CALENDAR.days_off, DayOff(date=day("6-21"), name="Nghỉ", legal_basis="Thông báo")]
    revision = PublishCalendar(calendar="vn-2024-r2", year=2024, days_off=off, working_weekends=[])
    spec = given(appointed(ME, "office", tracker="p02"), (TODAY, task)).when(revision)
    refused_as_own(spec.by(ME))
    refused_as_own(spec.by("p14").when(named(revision, ME)))
    for sender in ("p14", "p01"):
        moved: list[Data] = spec.by(sender).decided()
        assert len(moved) == 2


def last_of(every: Any, lead: str, *collaborators: str, roll: Any = "forward") -> TemplateSet:
    return TemplateSet(
        template="m1",
        by="p01",
        title="Báo cáo",
        product="",
        field=0,
        lead=lead,
        collaborators=list(collaborators),
        coefficient=None,
        evidence_required=False,
        recurrence=Recurrence(every=every, day="last"),
        due_text="ngày cuối",
        roll=roll,
        valid_from=day("6-1"),
    )


def calendar_off(year: int, *days: str) -> PublishCalendar:
    off = [DayOff(date=date.fromisoformat(each), name="Nghỉ", legal_basis="Thông báo") for each in days]
    known = CALENDAR.days_off if year == CALENDAR.year else []
    return PublishCalendar(calendar=f"vn-{year}-rx", year=year, days_off=[*known, *off], working_weekends=[])


@pytest.mark.parametrize(
    ("template", "calendar", "own"),
    [
        (last_of("month", ME), calendar_off(2024, "2024-09-30"), True),
        (last_of("month", "p15", ME), calendar_off(2024, "2024-09-30"), True),
        (last_of("quarter", ME), calendar_off(2024, "2024-12-31"), True),  # the next year has no calendar yet
        (last_of("month", ME), calendar_off(2025, "2025-01-31"), True),  # the first of a year
        (last_of("year", ME), calendar_off(2025, "2025-01-01"), False),
        (last_of("month", ME), calendar_off(2025, "2025-01-02"), False),
        (last_of("month", ME, roll="none"), calendar_off(2024, "2024-09-30"), False),
        (last_of("month", "p15"), calendar_off(2024, "2024-09-30"), False),
        (last_of("month", ME), calendar_off(2024, "2024-05-31"), False),  # before the task begins
    ],
)
def test_a_calendar_that_moves_ones_own_recurring_tasks_is_published_by_another(
    template: TemplateSet, calendar: PublishCalendar, own: bool
) -> None:
    spec = given(appointed(ME, "office", tracker="p02"), template).when(calendar)
    if own:
        spec.by(ME).then_refused("own-deadlines")
        spec.by("p14").when(named(calendar, ME)).then_refused("own-deadlines")
    else:
        assert spec.by(ME).decided()
    assert spec.by("p01").when(calendar).decided()
    over = (day("6-10"), TemplateEnded(template="m1", by="p01", reason="Thôi"))
    assert given(appointed(ME, "office", tracker="p02"), template, over).when(calendar).by(ME).decided()


# Trackers who verify

VERIFIES = CommuneSettingsChosen(settings={"tracker_verifies": True}, by="p01", reason="Quy chế")
RESULTS: list[Callable[[], Command]] = [
    lambda: AcceptResult(task="t1"),
    lambda: ReturnResult(**T, **AGAIN),
]


@pytest.mark.parametrize("command", [make() for make in RESULTS], ids=lambda command: type(command).__name__)
def test_a_tracker_verifies_where_the_commune_says_so(command: Command) -> None:
    pending = given(assigned(), reported())
    pending.by("p16").when(command).then_refused("tracker-may-not-verify")
    chosen = pending.and_(VERIFIES)
    assert chosen.by("p16").when(command).decided()
    assert chosen.by("p02").when(command).decided()
    chosen.by("p18").when(command).then_refused("not-the-competent-authority")
    chosen.by("p14").when(command).then_refused("not-the-competent-authority")
    off = chosen.and_(CommuneSettingsChosen(settings={"tracker_verifies": False}, by="p01", reason="x"))
    off.by("p16").when(command).then_refused("tracker-may-not-verify")


def test_a_tracker_verifies_nothing_of_their_own_and_nothing_else() -> None:
    given(VERIFIES, assigned(lead="p16"), reported(by="p16")).by("p16").when(AcceptResult(task="t1")).then_refused(
        "own-task"
    )
    given(VERIFIES, assigned(collaborators=["p16"]), reported()).by("p16").when(AcceptResult(task="t1")).then_refused(
        "own-task"
    )
    for command in (CancelTask(**T), CorrectCoefficient(coefficient="3", **T), GrantExtension(due=due("7-15"), **T)):
        given(VERIFIES, assigned()).by("p16").when(command).then_refused("not-the-competent-authority")


def test_the_setting_is_yes_or_no() -> None:
    for value in ("có", 1, None):
        given().by("p01").when(ChooseCommuneSettings(settings={"tracker_verifies": value}, reason="x")).then_refused(
            "setting-value"
        )


def test_a_refusal_names_who_is_competent() -> None:
    with pytest.raises(Exception, match="not-the-competent") as caught:
        given(assigned(), reported()).by("p14").when(AcceptResult(task="t1")).decided()
    assert "(p01, p02)" in str(getattr(caught.value, "detail", ""))
