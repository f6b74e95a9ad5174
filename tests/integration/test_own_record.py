"""G18 at every door: whoever a command is about, in whatever role, is refused over HTTP; a file that they send leaves
out the rows about them, until another confirms it; their own contact data stay theirs to change."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from services.notifications.commands import HANDLERS as NOTIFIED
from services.scoring.domain.concerns import Concerns as Rated
from services.scoring.domain.decisions import HANDLERS as SCORED
from services.tasks import queries
from services.tasks.access import ACTIONS
from services.tasks.domain.decisions import HANDLERS
from services.tasks.domain.judging import EACH_PART, EVERYBODY, NOBODY, OWN_ACT
from shared.events import decode
from shared.events.values import Role
from tests.integration import test_own_rating as scoring
from tests.integration.test_who_acts import REQUESTS, WHY, Request, of_draft, of_task, of_template
from tests.support.tasks_web import COMMUNE, OPERATOR, Commune, done, refused

ME, OFFICE = "p15", "p14"
NEXT_DAY = "2024-06-15"
DISCIPLINE = {
    "act": "k1", "act_date": "2024-03-01", "decision_date": "2024-04-01", "of": "party", "form": "khien_trach",
    "public_duty": True, "degradation": False,
}  # fmt: skip
APPOINTMENT = {"category": "cong_chuc", "roles": ["chair"], "post": "Chủ tịch", "unit": COMMUNE, "valid_from": NEXT_DAY}
CHANGES: dict[str, Any] = {
    "roles": ["chair"], "rater": "p16", "rated": False, "tracker": "p16", "category": "can_bo", "leader": True,
    "unit": COMMUNE, "post": "Khác", "similar_group": "a", "leads_unit": COMMUNE, "service_from": "2020-01-01",
}  # fmt: skip


def of_me(path: str, body: dict[str, Any], *before: Request) -> Callable[[Commune], Request]:
    def prepare(commune: Commune) -> Request:
        for request in before:
            done(request.sent(commune, OFFICE, named=False))
        return Request(f"/staff/{ME}{path}", body, "", f"staff/{ME}")

    return prepare


def of_act(commune: Commune) -> Request:
    record = queries.one(commune.tasks, COMMUNE, f"staff/{ME}")
    assert record is not None
    if "k1" not in record.state.acts:
        done(of_me("/disciplines", DISCIPLINE)(commune).sent(commune, OFFICE, named=False))
    return Request(f"/staff/{ME}/disciplines/k1/withdrawal", WHY, "", f"staff/{ME}")


def of_reassignment(commune: Commune) -> Request:
    request = REQUESTS["HandBackTask"](commune)
    return replace(request, body=request.body | {"kind": "reassigned"})


def of_collaboration(commune: Commune) -> Request:
    task = commune.assign(lead="p17", collaborators=[ME])
    return Request(f"/tasks/{task}", {"collaborators": [], **WHY}, "p01", f"task/{task}", method="PATCH")


# A command about ME, by the name of its command; in each nothing but the sender is wrong.
OWN: dict[str, Callable[[Commune], Request]] = {
    "DefineUnit": lambda _: Request(
        "/units/moi", {"kind": "department", "valid_from": NEXT_DAY, "head": ME}, "", method="PUT"
    ),
    "AppointStaff": of_me("/appointment", APPOINTMENT),
    **{
        f"ChangeStaff {name}": of_me("/change", {"valid_from": NEXT_DAY, name: value})
        for name, value in CHANGES.items()
    },
    "EndAppointment": of_me("/end", {"valid_to": "2024-12-31"}),
    "RecordAbsence": of_me("/absences", {"absence": "a1", "kind": "protected", "from": "2024-02-01"}),
    "RecordDiscipline": of_me("/disciplines", DISCIPLINE | {"act": "k2"}),
    "WithdrawDiscipline": of_act,
    "SettleDraft": of_draft,
    "AssignTask": REQUESTS["AssignTask"],
    "CorrectTask": REQUESTS["CorrectTask"],
    "CorrectTask as collaborator": of_collaboration,
    "HandBackTask": of_reassignment,
    "SetTemplate": REQUESTS["SetTemplate"],
    "EndTemplate": of_template,
    **{
        name: REQUESTS[name]
        for name in (
            "CorrectCoefficient", "CancelTask", "ConfirmDue", "GrantExtension", "RefuseExtension", "ReturnResult",
            "AcceptResult", "ReopenTask", "ConfirmObjectiveCause",
        )
    },
}  # fmt: skip
# One's own word, which counts once somebody else has verified it.
WORDS: dict[str, Callable[[Commune], Request]] = {
    "RequestExtension": REQUESTS["RequestExtension"],
    "AcknowledgeTask": REQUESTS["AcknowledgeTask"],
    "NoteProgress": REQUESTS["NoteProgress"],
    "ReportResult": of_task("/report", ME, {"summary": "Xong", "explanation": "Họp"}),
}
ACTION_OF = {command.__name__: handler.action for command, handler in HANDLERS.items()}
# No rating rests on what is sent to whom, and when; only facts of the tasks and scoring logs enter a sheet.
REMINDS = {
    "AcknowledgeReminder", "RecordSentByHand", "UrgeTasks", "PublishPolicy", "ChangePreferences", "IssueSlips"
}  # fmt: skip


@pytest.fixture(scope="module", params=get_args(Role))
def of_role(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Commune]]:
    """A commune in which ME holds one role."""
    commune = Commune(Path(tmp_path_factory.mktemp(request.param)))
    commune.open()
    commune.enter_roster()
    holds = {"roles": [request.param], "valid_from": "2024-06-14"}
    if request.param != "staff":  # the role that the roster gives
        done(commune.send(OPERATOR, f"/staff/{ME}/change", holds, based_on=1))
    yield request.param, commune
    commune.engine.dispose()


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    commune = Commune(tmp_path)
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


# What a command is about, where it begins nothing: the id in its address.
ABOUT = {**REQUESTS, **OWN, **WORDS}
BEGINS = {"DefineUnit", "AppointStaff", "AssignTask", "SetTemplate", "PublishCalendar", "ConfirmImport"}


def test_whatever_is_sent_about_something_unknown_is_refused_as_unknown(commune: Commune):
    """Whichever version the sender names: of what is not there no other version could be loaded."""
    done(
        commune.send(
            OPERATOR, "/staff/p13/change", {"roles": ["office", "chair"], "valid_from": "2024-06-14"}, based_on=1
        )
    )
    walked = {}
    for name, prepare in ABOUT.items():
        if name.partition(" ")[0] in BEGINS or name == "ChooseCommuneSettings":
            continue
        request = prepare(commune)
        kind, _, known = (request.subject or "").partition("/")
        request = replace(request, path=request.path.replace(known, "p99", 1), subject=None)
        body = request.body | ({"by": request.by} if request.by else {})
        for based_on in (None, 0, 2):
            answer = commune.send("p13", request.path, body, method=request.method, based_on=based_on)
            # The settlement of a draft first looks the draft up.
            code = "not-found" if name == "SettleDraft" else f"{kind}-unknown"
            assert refused(answer) == (404, code), (name, based_on)
        walked[name.partition(" ")[0]] = kind
    assert {*walked.values()} == {"staff", "task", "template"}
    assert walked.keys() | BEGINS | {"ChooseCommuneSettings"} >= {name.partition(" ")[0] for name in ABOUT}


def test_of_what_a_command_would_begin_a_version_is_stale(commune: Commune):
    unit = {"kind": "department", "valid_from": NEXT_DAY, "name": "Bộ phận mới"}
    assert refused(commune.send(OFFICE, "/units/moi", unit, method="PUT", based_on=2)) == (412, "stale")


def test_every_command_of_every_service_is_classified():
    free = {kind.__name__ for kind, one in HANDLERS.items() if one.concerns in (NOBODY, EVERYBODY, EACH_PART)}
    words = {kind.__name__ for kind, one in HANDLERS.items() if one.concerns is OWN_ACT}
    own = {name.partition(" ")[0] for name in OWN}
    assert own.isdisjoint(free) and words == WORDS.keys()
    assert own | words | free == {kind.__name__ for kind in HANDLERS}
    # Scoring is walked command by command in test_own_rating.py.
    concerning = {kind.__name__ for kind, one in SCORED.items() if isinstance(one.concerns, Rated)}
    assert concerning == scoring.REQUESTS.keys()
    assert {command.__name__ for command in NOTIFIED} == REMINDS


@pytest.mark.parametrize("name", OWN)
def test_no_role_sends_a_command_about_oneself(of_role: tuple[str, Commune], name: str):
    role, commune = of_role
    request = OWN[name](commune)
    before = commune.position
    for named in (False, True):
        if named and not request.by:
            continue
        answer = request.sent(commune, ME, named=named)
        status, code = refused(answer)
        allowed = role in ACTIONS[ACTION_OF[name.partition(" ")[0]]]
        # Who may not name another, nor assign, is refused whomever it is about.
        others = {"only-the-office-records-for-others", "may-not-assign"} if role != "office" else set()
        assert (status, code.startswith("own-") or code in others) == (403, True) if allowed else code == "role", code
        if code.startswith("own-"):
            detail = answer.get_json()["detail"]
            assert "Chủ tịch" in detail and "…" not in detail
    assert commune.position == before


@pytest.mark.parametrize("name", WORDS)
def test_the_lead_says_what_is_theirs_to_say_in_every_role_that_has_tasks(of_role: tuple[str, Commune], name: str):
    role, commune = of_role
    answer = WORDS[name](commune).sent(commune, ME, named=False)
    if role in ACTIONS[ACTION_OF[name]]:
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    else:
        assert refused(answer) == (403, "role")


def test_the_own_contact_data_stay_changeable(of_role: tuple[str, Commune]):
    role, commune = of_role
    before = commune.position
    answer = commune.send(ME, f"/people/{ME}", {"name": "Người Mẫu", "email": "mau@xa.example"}, method="PUT")
    assert answer.status_code == (204 if role in ACTIONS["person.write"] else 403)
    assert commune.position == before


# Files


def roster(commune: Commune, content: bytes, who: str) -> dict[str, Any]:
    found: dict[str, Any] = done(commune.upload(who, "/imports/roster", content, "ds.csv"))
    return found


def row_of(found: dict[str, Any], staff: str) -> dict[str, Any]:
    [row] = [row for row in found["rows"] if row["label"] == staff]
    return row


def confirm(commune: Commune, found: dict[str, Any], who: str) -> None:
    done(commune.send(who, f"/imports/roster/{found['sha256']}/confirmation"))


def post(commune: Commune, staff: str) -> dict[str, Any]:
    found: dict[str, Any] = done(commune.get(OPERATOR, f"/staff/{staff}"))["post"]
    return found


HEAD = "Mã;Họ tên;Chức vụ;Nhóm;Bộ phận;Người phụ trách trực tiếp;Từ ngày"
# Each follows the next one's work from now on.
LINES = (
    "p14;;Văn phòng;Công chức;;p16;14/06/2024",
    "p16;;Tư pháp;Công chức;;p17;14/06/2024",
    "p17;;Tư pháp;Công chức;;;14/06/2024",
)
CONTENT = "\r\n".join([HEAD, *LINES]).encode("utf-8-sig")


def test_a_row_about_the_sender_of_a_roster_waits_until_another_confirms_the_same_file(commune: Commune):
    """The Office changes nothing of its own by a file; what it says of others is recorded."""
    mine = post(commune, OFFICE)
    found = roster(commune, CONTENT, OFFICE)
    own, other = row_of(found, OFFICE), row_of(found, "p16")
    assert (own["status"], other["status"]) == ("waits", "changed")
    assert [need["code"] for need in own["needs"]] == ["can_nguoi_khac"]
    confirm(commune, found, OFFICE)
    assert post(commune, OFFICE) == mine and post(commune, "p16")["tracker"] == "p17"
    last = decode(commune.tasks.log.read(COMMUNE)[-1]).data
    assert (last.held, last.waiting) == ([OFFICE], 1)

    # Sent again by the same person it still waits, and nothing is recorded.
    before = commune.position
    again = roster(commune, CONTENT, OFFICE)
    assert row_of(again, OFFICE)["status"] == "waits" and row_of(again, "p16")["status"] == "unchanged"
    confirm(commune, again, OFFICE)
    assert commune.position == before

    # What people changed since stays; only the row that waited is recorded.
    version = done(commune.get(OPERATOR, "/staff/p16"))["version"]
    done(commune.send("p01", "/staff/p16/change", {"valid_from": "2024-06-14", "tracker": "p03"}, based_on=version))
    settled = roster(commune, CONTENT, "p01")
    assert row_of(settled, OFFICE)["status"] == "changed" and row_of(settled, "p16")["status"] == "unchanged"
    confirm(commune, settled, "p01")
    assert post(commune, OFFICE)["tracker"] == "p16" and post(commune, "p16")["tracker"] == "p03"
    before = commune.position
    confirm(commune, roster(commune, CONTENT, "p01"), "p01")
    assert commune.position == before


def test_a_row_about_the_sender_of_an_annex_waits_until_another_confirms_the_same_file(commune: Commune):
    number = {"number": "9/CT-UBND", "issued_on": "2024-06-14", "title": "Cải cách hành chính"}
    directive = str(done(commune.send("p01", "/directives", number))["id"])
    head = "STT;Nội dung công việc;Sản phẩm;Chủ trì;Phối hợp;Thời hạn;Hệ số"
    area = ";I. Công tác chỉ đạo, điều hành;;;;;"
    rows = (f"1;Kế hoạch của Văn phòng;Kế hoạch;{OFFICE};;28/6/2024;2", "2;Kế hoạch tư pháp;Kế hoạch;p16;;28/6/2024;2")
    content = "\r\n".join((head, area, *rows)).encode("utf-8-sig")

    def sent(who: str) -> tuple[dict[str, str], str]:
        found = done(commune.upload(who, "/imports/annex", content, "pl.csv", directive=directive))
        path = f"/imports/annex/{found['sha256']}/confirmation"
        done(commune.send(who, path, {"directive": directive}))
        return {row["label"]: row["status"] for row in found["rows"]}, path

    def leads() -> list[str]:
        return sorted(task["lead"] for task in done(commune.get("p01", "/tasks"))["tasks"])

    assert sent(OFFICE)[0] == {"1": "waits", "2": "new"} and leads() == ["p16"]
    before = commune.position
    assert sent(OFFICE)[0] == {"1": "waits", "2": "unchanged"} and commune.position == before
    assert sent("p01")[0] == {"1": "changed", "2": "unchanged"} and leads() == [OFFICE, "p16"]
    before = commune.position
    assert set(sent("p01")[0].values()) == {"unchanged"} and commune.position == before
    assert json.loads(commune.tasks.log.read(COMMUNE)[-1])["data"].get("held") is None


def test_no_file_settles_a_row_in_the_name_of_whom_it_is_about(commune: Commune):
    """Typed by an operator in the Office's name, it waits as well."""
    before = post(commune, OFFICE)
    found = roster(commune, CONTENT, "p01")
    done(
        commune.send(
            ("operator/cli", "admin", "office"), f"/imports/roster/{found['sha256']}/confirmation", {"by": OFFICE}
        )
    )
    assert post(commune, OFFICE) == before and post(commune, "p16")["tracker"] == "p17"
    assert row_of(roster(commune, CONTENT, "p01"), OFFICE)["status"] == "changed"
