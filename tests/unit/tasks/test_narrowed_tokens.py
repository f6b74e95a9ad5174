"""A token counts as far as its roles: one made for less allows no more than a post with only those roles."""

from functools import cache
from itertools import chain, combinations

import pytest

from services.tasks.commands import must_be_allowed
from services.tasks.domain.assigning import (
    AssignTask,
    CancelTask,
    CorrectCoefficient,
    CorrectTask,
    DraftTask,
    HandBackTask,
)
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import ConfirmDue, GrantExtension, RefuseExtension, RequestExtension
from services.tasks.domain.decisions import HANDLERS, ConfirmImport, SettleDraft, Together, case
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
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.results import (
    AcceptResult,
    AcknowledgeTask,
    Beyond,
    ConfirmObjectiveCause,
    NoteProgress,
    ReopenTask,
    ReportResult,
    ReturnResult,
)
from services.tasks.domain.templates import EndTemplate, SetTemplate
from shared.events import Data, DirectiveIssued, Item, StaffDisciplined
from shared.events.values import Role
from shared.refusal import Refused
from shared.web.auth import Principal
from tests.unit.tasks.spec import (
    COMMUNE,
    FILE,
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
from tests.unit.tasks.test_judging import (
    AGAIN,
    ASSIGN,
    DISCIPLINE,
    JUDGES,
    ME,
    VERIFIES,
    T,
    named,
    recurring,
    row,
    template,
)
from tests.unit.tasks.test_judging import FILE as IMPORTED

ALL: tuple[Role, ...] = ("chair", "vice_chair", "office", "admin", "staff")
SUBSETS = [*chain.from_iterable(combinations(ALL, size) for size in range(1, len(ALL) + 1))]
# Nothing of these rests on a role: whoever leads or collaborates says so.
MINE = assigned(lead=ME)
DIRECTIVE = DirectiveIssued(directive="d1", number="1/CT", issued_on=day("6-1"), title="Chỉ thị")
BEYOND = Beyond(kind="early", reason="Sớm")

# By command, how it looks after these facts when only the sender's roles decide whether it may be sent.
SENT: dict[type[Command], list[tuple[Command, tuple[Data, ...]]]] = {
    OpenCommune: [],  # nobody holds a post in a commune that is not open yet
    RenameCommune: [(RenameCommune(valid_from=TODAY, legal_basis="NQ 1", name="Xã khác"), ())],
    CloseCommune: [(CloseCommune(on=day("12-31"), successors=["khac"], legal_basis="NQ 1"), ())],
    ChooseCommuneSettings: [(ChooseCommuneSettings(settings={"hour": 8}, reason="x"), ()), JUDGES["trackers verify"]],
    DefineUnit: [(DefineUnit(unit="moi", kind="area", valid_from=TODAY), ()), JUDGES["a vice-chair heads a unit"]],
    AppointStaff: [JUDGES["a first appointment"]],
    ChangeStaff: [(ChangeStaff(staff="p15", valid_from=TODAY, post="Khác"), ()), JUDGES["another rater"]],
    EndAppointment: [(EndAppointment(staff="p15", valid_to=TODAY), ()), JUDGES["the end of a vice-chair"]],
    RecordAbsence: [(RecordAbsence(staff="p15", absence="a1", kind="insured", from_=TODAY), ())],
    RecordDiscipline: [(RecordDiscipline(staff="p15", **DISCIPLINE), ())],
    WithdrawDiscipline: [
        (WithdrawDiscipline(staff="p15", act="k1", reason="x"), (StaffDisciplined(staff="p15", **DISCIPLINE),))
    ],
    IssueDirective: [(IssueDirective(directive="d2", number="2/CT", issued_on=TODAY, title="Chỉ thị"), ())],
    AmendDirective: [(AmendDirective(directive="d1", reason="x", title="Khác"), (DIRECTIVE,))],
    WithdrawDirective: [(WithdrawDirective(directive="d1", reason="x"), (DIRECTIVE,))],
    DraftTask: [(DraftTask(task="t9", item=Item(sheet="1", no="9"), row={}, questions=["thieu_thoi_han"]), ())],
    SettleDraft: [
        (SettleDraft(task="t1", into=[]), (row(lead="p15"),)),
        (SettleDraft(task="t1", into=[AssignTask(lead="p15", **ASSIGN)]), (row(lead="p15"),)),
    ],
    AssignTask: [(AssignTask(lead="p15", **ASSIGN), ())],
    CorrectTask: [(CorrectTask(title="Khác", **T), (assigned(),))],
    CorrectCoefficient: [(CorrectCoefficient(coefficient="3", **T), (assigned(),))],
    HandBackTask: [
        (HandBackTask(kind="reassigned", **T), (assigned(),)),
        (HandBackTask(kind="unable", **T), (assigned(),)),
        (HandBackTask(kind="unable", **T), (MINE,)),
    ],
    CancelTask: [(CancelTask(**T), (assigned(),))],
    ConfirmDue: [
        (ConfirmDue(due=due("7-15"), **T), (assigned(due=None),)),
        (ConfirmDue(due=due("7-15"), **T), (assigned(),)),
    ],
    RequestExtension: [
        (RequestExtension(proposed_due=due("7-15"), **T), (assigned(),)),
        (RequestExtension(proposed_due=due("7-15"), **T), (MINE,)),
    ],
    GrantExtension: [(GrantExtension(**T), (assigned(), asked()))],
    RefuseExtension: [(RefuseExtension(**T), (assigned(), asked()))],
    AcknowledgeTask: [(AcknowledgeTask(task="t1"), (assigned(),)), (AcknowledgeTask(task="t1"), (MINE,))],
    NoteProgress: [(NoteProgress(task="t1", note="x"), (assigned(),)), (NoteProgress(task="t1", note="x"), (MINE,))],
    ReportResult: [
        (ReportResult(task="t1", summary="Xong", evidence=[FILE.sha256], reason="x"), (each,))
        for each in (assigned(), MINE)
    ],
    ReturnResult: [(ReturnResult(**T, **AGAIN), (assigned(), reported()))],
    AcceptResult: [
        (AcceptResult(task="t1"), (assigned(), reported())),
        (AcceptResult(task="t1", exceeded=BEYOND), (assigned(), reported())),
        # The only chair leads it, so any deputy may; the lead's tracker may, as the commune chose.
        (AcceptResult(task="t1"), (assigned("p01"), reported("p01"))),
        (AcceptResult(task="t1"), (appointed("p15", "staff", tracker=ME), VERIFIES, assigned(), reported())),
    ],
    ReopenTask: [(ReopenTask(**T, **AGAIN), (assigned(), reported(), completed()))],
    ConfirmObjectiveCause: [(ConfirmObjectiveCause(of="lateness", **T), (assigned(),))],
    SetTemplate: [(recurring("p15"), ())],
    EndTemplate: [(EndTemplate(template="m1", reason="x"), (template("p15"),))],
    PublishCalendar: [(PublishCalendar(calendar="vn-2025-r1", year=2025, days_off=[], working_weekends=[]), ())],
    Together: [(Together(commands=[CancelTask(**T)]), (assigned(),))],
    ConfirmImport: [
        (ConfirmImport(commands=[ChangeStaff(staff="p15", valid_from=TODAY, post="Khác")], **IMPORTED), ()),
        (ConfirmImport(commands=[AssignTask(lead="p15", **ASSIGN)], **IMPORTED), ()),
    ],
}
CASES = [
    pytest.param(variant, facts, id=f"{kind.__name__}-{number}-{getattr(variant, 'by', None)}")
    for kind, sent in SENT.items()
    for number, (command, facts) in enumerate(sent)
    for variant in ([command, *(named(command, by) for by in (ME, "p01", "p15") if "by" in command.__struct_fields__)])
]


def test_every_command_is_tried() -> None:
    assert SENT.keys() == HANDLERS.keys()
    assert [kind for kind, sent in SENT.items() if not sent] == [OpenCommune]


@cache
def post_with(*roles: Role) -> Spec:
    """What concerns ME is the same for every post: they are neither rated nor below anybody."""
    return given(appointed(ME, *roles, rater="external", rated=False))


def may(spec: Spec) -> bool:
    """Do the role × action table and the object rules allow the command?"""
    assert spec.command is not None
    context = spec.context
    try:
        must_be_allowed(context, Principal(spec.actor, COMMUNE, context.roles), case(spec.command, COMMUNE))
        spec.decided()
    except Refused:
        return False
    return True


@pytest.mark.parametrize(("command", "facts"), CASES)
def test_a_narrowed_token_allows_no_more_than_a_post_with_only_those_roles(
    command: Command, facts: tuple[Data, ...]
) -> None:
    whole = post_with(*ALL).and_(*facts).when(command)
    more = {
        roles
        for roles in SUBSETS
        if may(whole.by(ME, *roles)) and not may(post_with(*roles).and_(*facts).when(command).by(ME))
    }
    assert more == set()


@pytest.mark.parametrize("kind", [kind for kind in SENT if kind is not OpenCommune])
def test_the_whole_token_allows_every_command(kind: type[Command]) -> None:
    assert any(may(post_with(*ALL).and_(*facts).when(command).by(ME)) for command, facts in SENT[kind])


def test_a_refusal_names_the_sender_whose_other_token_may() -> None:
    """Who is chair, and in charge, goes by the posts."""
    narrowed = given(appointed("p01", "chair", "staff"), assigned(), reported()).by("p01", "staff")
    with pytest.raises(Refused) as caught:
        narrowed.when(AcceptResult(task="t1")).decided()
    assert caught.value.code == "not-the-competent-authority"
    assert "(p01, p02)" in caught.value.detail and "không mang vai trò đó" in caught.value.detail


def test_the_office_types_for_a_chair_whose_own_token_would_be_narrowed() -> None:
    """The post of whoever is named counts, and the sender's own right to type."""
    pending = given(appointed("p01", "chair", "staff"), appointed("p14", "office", "staff"), assigned(), reported())
    accept = pending.when(AcceptResult(task="t1", by="p01"))
    assert accept.by("p14", "office").decided()
    accept.by("p14", "staff").then_refused("only-the-office-records-for-others")
