"""Ids that a person chooses are plain codes, whatever the door: they stay in the log, so no name fits into them."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from services.notifications import commands as of_notifications
from services.notifications.domain import limits as notifications_limits
from services.notifications.domain.policy import DEFAULT_RULES, PublishPolicy, default_policy, publish
from services.scoring.domain import decisions as of_scoring
from services.scoring.domain import limits as scoring_limits
from services.tasks.domain import decisions as of_tasks
from services.tasks.domain import limits as tasks_limits
from services.tasks.domain.assigning import AssignTask, DraftTask
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.context import Command
from services.tasks.domain.directives import IssueDirective
from services.tasks.domain.merging import Merger, Newcomer, beginning, former, ids_of
from services.tasks.domain.organisation import AppointStaff, ChangeStaff, DefineUnit, RecordAbsence, RecordDiscipline
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.templates import SetTemplate
from shared.events import (
    AbsenceRecorded,
    CommuneOpened,
    CommuneSettingsChosen,
    Data,
    Due,
    Item,
    Recurrence,
    StaffDisciplined,
    UnitDefined,
    encode,
)
from shared.refusal import Refused
from shared.text import is_code
from shared.web.auth import ACTOR
from tests.unit.tasks.spec import COMMUNE, Spec, appointed, day, envelope, given

NAMES = ("Kanarix4 Văn A", "kanarix4 văn a", "Nguyễn", "đỗ-thị-á", "nguyen van a", "a/b", "a:b", "ｐ07", "x" * 65)
CODES = ("p07", "P07", "van-phong", "vn-2024-r1", "20879", "H47.22", "a_b", "x" * 64)
SERVICES: dict[str, tuple[Any, Any]] = {
    "tasks": (of_tasks, tasks_limits),
    "scoring": (of_scoring, scoring_limits),
    "notifications": (of_notifications, notifications_limits),
}

# What the fields of commands that are no words hold; a new one fails until it has its place.
CHOSEN = "somebody chooses it, so it is a plain code"
MADE = "the service makes it, which is as plain; whoever hands another one in is refused alike"
KNOWN = "it is of something that is there; anything else is refused, or recorded nowhere"
FORM = "a hash, a number, a period or one of the rule set's words"
FIELDS: dict[str, dict[str, str]] = {
    "tasks": {
        **dict.fromkeys(("code", "successors", "similar_group", "act", "absence", "calendar"), CHOSEN),
        **dict.fromkeys(("unit", "staff"), CHOSEN),  # where they begin; elsewhere known
        **dict.fromkeys(("task", "directive", "template", "import_"), MADE),
        **dict.fromkeys(("by", "lead", "collaborators", "head", "leads_unit", "tracker", "rater", "substitute"), KNOWN),
        **dict.fromkeys(("parent", "taken_over_from", "supersedes", "questions"), KNOWN),
        **dict.fromkeys(("sha256", "annex_sha256", "evidence", "coefficient", "row"), FORM),
    },
    "scoring": {
        **dict.fromkeys(("staff", "by", "unit", "proposal", "replaces", "appeal", "contests", "rule_set"), KNOWN),
        **dict.fromkeys(("period", "items", "score"), FORM),
        **dict.fromkeys(("document_sha256", "rule_set_sha256", "minutes_sha256"), FORM),
    },
    "notifications": {
        "policy": CHOSEN,
        **dict.fromkeys(("reminder", "tasks", "staff", "channels", "signed_by", "by"), KNOWN),
    },
}


def ids_in(service: str) -> Iterator[str]:
    commands, limits = SERVICES[service]
    for command in commands.HANDLERS:
        for field in msgspec.structs.fields(command):
            named = {field.name, f"{command.__name__}.{field.name}"}
            if _holds_text(field.type) and not named & limits.LONGEST.keys():
                yield field.name


def _holds_text(kind: Any) -> bool:
    return kind is str or (get_origin(kind) is not Literal and any(map(_holds_text, get_args(kind))))


@pytest.mark.parametrize("service", FIELDS)
def test_every_field_that_is_no_words_has_its_place(service: str) -> None:
    assert {*ids_in(service)} == FIELDS[service].keys()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_code_is_no_actor_either(name: str) -> None:
    assert not is_code(name) and not ACTOR.fullmatch(f"staff/{name}")


DUE = Due(text="28/6", date=day("6-28"))
MONTHLY = Recurrence(every="month", day=25)


def _appoint(staff: str = "p50", **more: Any) -> AppointStaff:
    usual: dict[str, Any] = {"category": "cong_chuc", "roles": ["staff"], "post": "Công chức", "unit": "van-phong"}
    return AppointStaff(staff=staff, valid_from=day("6-17"), **usual | more)


def _discipline(act: str) -> RecordDiscipline:
    return RecordDiscipline(
        staff="p15", act=act, act_date=day("3-1"), decision_date=day("4-1"), of="party", form="khien_trach",
        public_duty=False, degradation=False,
    )  # fmt: skip


# (Command, field) → the command with an id, and who sends it.
BEGINS: dict[tuple[type[Command], str], Any] = {
    (OpenCommune, "code"): lambda code: OpenCommune(name="Xã", code=code, valid_from=day("1-1")),
    (RenameCommune, "code"): lambda code: RenameCommune(code=code, valid_from=day("6-1"), legal_basis="Nghị quyết"),
    (CloseCommune, "successors"): lambda code: CloseCommune(on=day("6-30"), successors=[code], legal_basis="NQ"),
    (ChooseCommuneSettings, "settings"): lambda code: ChooseCommuneSettings(settings={code: 1}, reason="Quy chế"),
    (DefineUnit, "unit"): lambda code: DefineUnit(unit=code, kind="area", valid_from=day("6-17")),
    (AppointStaff, "staff"): _appoint,
    (AppointStaff, "similar_group"): lambda code: _appoint(similar_group=code),
    (ChangeStaff, "similar_group"): lambda code: ChangeStaff(staff="p15", valid_from=day("6-17"), similar_group=code),
    (RecordAbsence, "absence"): lambda code: RecordAbsence(staff="p15", absence=code, kind="unpaid", from_=day("6-1")),
    (RecordDiscipline, "act"): _discipline,
    (PublishCalendar, "calendar"): lambda code: PublishCalendar(
        calendar=code, year=2031, days_off=[], working_weekends=[]
    ),
    (IssueDirective, "directive"): lambda code: IssueDirective(
        directive=code, number="1/CT", issued_on=day("6-1"), title="Chỉ thị"
    ),
    (AssignTask, "task"): lambda code: AssignTask(task=code, title="Việc", lead="p15", due=DUE, by="p01"),
    (DraftTask, "task"): lambda code: DraftTask(task=code, item=Item(sheet="1", no="1"), row={}, questions=["x"]),
    (SetTemplate, "template"): lambda code: SetTemplate(
        template=code, title="Việc", lead="p15", recurrence=MONTHLY, due_text="Ngày 25", by="p01"
    ),
}
OPERATOR = "operator/test"


def asked(command: Command) -> Spec:
    world = Spec() if isinstance(command, OpenCommune) else given()
    sender = "staff/p01" if isinstance(command, SetTemplate | AssignTask) else OPERATOR
    return world.when(command).by(sender) if sender != OPERATOR else world.when(command).by(sender, "admin", "office")


def test_every_id_that_begins_something_is_tried() -> None:
    begun = {handler.stream.id for handler in of_tasks.HANDLERS.values()} - {None, "year", "import_"}
    tried = {field for _, field in BEGINS}
    assert begun <= tried
    assert {name for name, place in FIELDS["tasks"].items() if place == CHOSEN} <= tried


@pytest.mark.parametrize("begins", BEGINS, ids=lambda key: f"{key[0].__name__}.{key[1]}")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_new_id(begins: tuple[type[Command], str], name: str) -> None:
    asked(BEGINS[begins](name)).then_refused("code-not-plain")


@pytest.mark.parametrize("begins", BEGINS, ids=lambda key: f"{key[0].__name__}.{key[1]}")
@pytest.mark.parametrize("code", CODES)
def test_a_code_is(begins: tuple[type[Command], str], code: str) -> None:
    assert asked(BEGINS[begins](code)).decided()


def test_nobody_is_called_as_those_who_decide_outside() -> None:
    for staff in ("external", "External"):
        asked(_appoint(staff)).then_refused("code-reserved")


# Ids of earlier releases: their logs fold, and what is there can be changed.
OLD = "đỗ thị á"
OLD_FACTS: tuple[Data, ...] = (
    UnitDefined(unit="Tổ một", kind="area", valid_from=day("1-1")),
    appointed(OLD, "staff", unit="Tổ một", similar_group="Nhóm một"),
    AbsenceRecorded(staff=OLD, absence="Nghỉ 1", kind="unpaid", from_=day("2-1")),
    StaffDisciplined(
        staff=OLD, act="Vụ 1", act_date=day("1-2"), decision_date=day("2-2"), of="party", form="khien_trach",
        public_duty=False, degradation=False,
    ),
    CommuneSettingsChosen(settings={"Ghi chú": "a"}, by="operator/test", reason="Quy chế"),
)  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        ChangeStaff(staff="Đỗ Thị Á", valid_from=day("6-17"), post="Khác"),
        ChangeStaff(staff="p15", valid_from=day("6-17"), similar_group="Nhóm một"),
        _appoint(OLD, similar_group="Nhóm một", unit="Tổ một"),
        _appoint("p50", similar_group="Nhóm một"),
        DefineUnit(unit="Tổ một", kind="area", valid_from=day("6-17")),
        RecordAbsence(staff=OLD, absence="Nghỉ 1", kind="unpaid", from_=day("2-1"), to=day("2-9")),
        RecordDiscipline(
            staff=OLD, act="Vụ 1", act_date=day("1-2"), decision_date=day("3-2"), of="party", form="khien_trach",
            public_duty=False, degradation=False,
        ),
        ChooseCommuneSettings(settings={"Ghi chú": "b"}, reason="Quy chế"),
    ],
    ids=lambda command: type(command).__name__,
)  # fmt: skip
def test_what_an_earlier_release_called_otherwise_goes_on(command: Command) -> None:
    assert given(*OLD_FACTS).when(command).by(OPERATOR, "admin", "office").decided()


def test_old_ids_become_codes_in_a_merged_commune() -> None:
    opened = CommuneOpened(name="Xã Cũ", code="1", valid_from=day("1-1"))
    facts: tuple[Data, ...] = (opened, *OLD_FACTS)
    bodies = [encode(envelope(data, day("6-1"), number)) for number, data in enumerate(facts, 1)]
    merger = Merger(
        commune="xa-moi",
        name="Xã Mới",
        code="2",
        on=date(2025, 7, 1),
        legal_basis="NQ",
        communes=[COMMUNE],
        seat=COMMUNE,
    )
    one = former(merger, COMMUNE, bodies)
    ids = ids_of(merger, one, {})
    assert ids.staff[OLD] == f"{COMMUNE}-do-thi-a" and ids.units["Tổ một"] == f"{COMMUNE}-to-mot"
    for said in (Newcomer("Đỗ Thị Á"), Newcomer("p1", {"similar_group": "Nhóm hai"})):
        with pytest.raises(Refused) as refused:
            beginning(merger, [one], {(COMMUNE, OLD): said}, OPERATOR)
        assert refused.value.code == "code-not-plain"
    assert beginning(merger, [one], {(COMMUNE, OLD): Newcomer("p1", {"similar_group": "Nhóm một"})}, OPERATOR)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_and_its_rules_have_plain_codes(name: str) -> None:
    usual = default_policy()
    for policy, rules in ((name, DEFAULT_RULES), ("p-1", [msgspec.structs.replace(DEFAULT_RULES[0], rule=name)])):
        command = PublishPolicy(policy=policy, rules=rules, quiet=usual.quiet, digest=usual.digest, reason="Quy chế")
        with pytest.raises(Refused) as refused:
            publish(command, "p01")
        assert refused.value.code == "code-not-plain"
