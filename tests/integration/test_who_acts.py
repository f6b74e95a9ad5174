"""Whoever sends a command that names its person (`by`), the remedy that a refusal names works."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.tasks import queries
from services.tasks.commands import execute
from services.tasks.domain.assigning import DraftTask
from services.tasks.domain.decisions import HANDLERS
from shared.events import Item
from shared.web.auth import Principal
from tests.support.tasks_web import COMMUNE, Commune, done, refused

OFFICE = "p14"
Sender = str | tuple[str, ...]
DUE = {"date": "2024-07-31"}
WHY = {"reason": "Theo thực tế"}
TEMPLATE = {"title": "Báo cáo tháng", "lead": "p15", "due_text": "Ngày 25", "recurrence": {"every": "month", "day": 25}}


@dataclass(frozen=True)
class Request:
    """A command to send; `subject` is the stream that it changes, None for one that it begins."""

    path: str
    body: dict[str, Any]
    by: str
    subject: str | None = None
    method: str = "POST"

    def sent(self, commune: Commune, who: Sender, *, named: bool) -> TestResponse:
        stored = queries.one(commune.tasks, COMMUNE, self.subject) if self.subject else None
        body = self.body | ({"by": self.by} if named else {})
        return commune.send(who, self.path, body, method=self.method, based_on=stored.version if stored else None)


def of_task(path: str, by: str, body: dict[str, Any] | None = None, *before: Request) -> Callable[[Commune], Request]:
    """A request about a new task that p15 leads, after the ones before it."""

    def prepare(commune: Commune) -> Request:
        task = commune.assign()
        requests = [
            replace(request, path=f"/tasks/{task}{request.path}", subject=f"task/{task}")
            for request in (*before, Request(path, body or {}, by, method="POST" if path else "PATCH"))
        ]
        for request in requests[:-1]:
            done(request.sent(commune, OFFICE, named=True))
        return requests[-1]

    return prepare


def of_draft(commune: Commune) -> Request:
    task = commune.tasks.new_id()
    row = DraftTask(task=task, item=Item(sheet="1", no="9"), row={}, questions=["thieu_thoi_han"])
    execute(commune.tasks, Principal("operator/cli", COMMUNE, frozenset({"admin"})), row, commune=COMMUNE)
    answer = {"task": {"title": "Việc", "lead": "p15", "due": DUE}}
    return Request(f"/drafts/{task}/settlement", {"into": [answer]}, "p01", f"task/{task}")


def of_template(commune: Commune) -> Request:
    template = done(commune.send("p01", "/templates", TEMPLATE))["id"]
    return Request(f"/templates/{template}/end", WHY, "p01", f"template/{template}")


def of_calendar(commune: Commune) -> Request:
    published = {"days_off": [], "calendar": f"vn-2031-r{commune.position}"}
    return Request("/calendars/2031", published, "p01", "calendar/2031")


def of_annex(commune: Commune) -> Request:
    head = ("STT", "Nội dung công việc", "Sản phẩm", "Chủ trì", "Phối hợp", "Thời hạn", "Hệ số")
    area = ("", "I. Công tác chỉ đạo, điều hành", "", "", "", "", "")
    row = ("1", f"Ban hành kế hoạch {commune.position}", "Kế hoạch", "p15", "p16", "28/6/2024", "2")
    number = {"number": f"{commune.position}/CT-UBND", "issued_on": "2024-06-14", "title": "Cải cách hành chính"}
    directive = str(done(commune.send("p01", "/directives", number))["id"])
    content = "\r\n".join(map(";".join, (head, area, row))).encode("utf-8-sig")
    sent = commune.upload(OFFICE, "/imports/annex", content, "phụ lục.csv", directive=directive)
    return Request(f"/imports/annex/{done(sent)['sha256']}/confirmation", {"directive": directive}, "p01")


REPORT = Request("/report", {"summary": "Xong", "explanation": "Họp", **WHY}, "p15")
ACCEPT = Request("/acceptance", {}, "p01")
REQUEST = Request("/extension/request", {"proposed_due": DUE, **WHY}, "p15")
AGAIN = {"quality_failure": False, "due": DUE, **WHY}

REQUESTS: dict[str, Callable[[Commune], Request]] = {
    "ChooseCommuneSettings": lambda _: Request("/settings", {"settings": {"a": 1}, **WHY}, "p01", f"commune/{COMMUNE}"),
    "PublishCalendar": of_calendar,
    "AssignTask": lambda _: Request("/tasks", {"title": "Việc", "lead": "p15", "due": DUE}, "p01"),
    "CorrectTask": of_task("", "p01", {"title": "Việc khác", **WHY}),
    "CorrectCoefficient": of_task("/coefficient", "p01", {"coefficient": "3", **WHY}),
    "HandBackTask": of_task("/hand-back", "p15", {"kind": "unable", **WHY}),
    "CancelTask": of_task("/cancellation", "p01", WHY),
    "ConfirmDue": of_task("/due", "p01", {"due": DUE, **WHY}),
    "RequestExtension": of_task("/extension/request", "p15", {"proposed_due": DUE, **WHY}),
    "GrantExtension": of_task("/extension/grant", "p01", WHY, REQUEST),
    "RefuseExtension": of_task("/extension/refusal", "p01", WHY, REQUEST),
    "AcknowledgeTask": of_task("/acknowledgement", "p15"),
    "NoteProgress": of_task("/progress", "p15", {"note": "Được một nửa"}),
    "ReportResult": of_task("/report", "p15", REPORT.body),
    "ReturnResult": of_task("/return", "p01", AGAIN, REPORT),
    "AcceptResult": of_task("/acceptance", "p01", {}, REPORT),
    "ReopenTask": of_task("/reopening", "p01", AGAIN, REPORT, ACCEPT),
    "ConfirmObjectiveCause": of_task("/causes", "p01", {"of": "lateness", **WHY}),
    "SettleDraft": of_draft,
    "SetTemplate": lambda _: Request("/templates", TEMPLATE, "p01"),
    "EndTemplate": of_template,
    "ConfirmImport": of_annex,
}

SENDERS: list[Sender] = [
    ("operator/cli", "admin"),
    ("operator/cli", "office"),
    ("operator/cli", "chair"),
    ("service/portal", "office"),
    "p01",
    "p02",
    "p14",
    "p15",
    "p16",
]

# What a refusal about the person who acts tells the sender to do: who sends it again, and whether it says `by`.
REMEDIES: dict[str, Callable[[Sender], tuple[Sender, bool]]] = {
    "by-required": lambda sender: (sender, True),
    "person-required": lambda _: (OFFICE, True),
    "only-the-office-records-for-others": lambda _: (OFFICE, True),
}
# Refusals of a person who is not the one that the command wants; no other wording of the request helps them.
NOT_THEIRS = {"role", "not-the-lead", "not-the-competent-authority", "not-taking-part", "own-task", "may-not-assign"}


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    commune = Commune(Path(tmp_path_factory.mktemp("acting")))
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


def test_the_table_has_every_command_that_names_its_person() -> None:
    assert REQUESTS.keys() == {command.__name__ for command in HANDLERS if "by" in command.__struct_fields__}


@pytest.mark.parametrize("named", [False, True], ids=["without by", "with by"])
@pytest.mark.parametrize("sender", SENDERS, ids=str)
@pytest.mark.parametrize("name", REQUESTS)
def test_the_remedy_of_a_refusal_works(commune: Commune, name: str, sender: Sender, named: bool) -> None:
    request = REQUESTS[name](commune)
    answer = request.sent(commune, sender, named=named)
    if answer.status_code in (200, 201):
        return
    status, code = refused(answer)
    assert status in (403, 409)
    if code in REMEDIES:
        again, with_by = REMEDIES[code](sender)
        answer = request.sent(commune, again, named=with_by)
        assert answer.status_code in (200, 201), (code, answer.get_data(as_text=True))
    else:
        assert code in NOT_THEIRS


def test_an_operator_confirms_an_annex_in_the_name_of_a_person(commune: Commune) -> None:
    request = of_annex(commune)
    # Whoever may not assign may not by an annex either.
    assert refused(request.sent(commune, ("operator/cli", "admin"), named=False)) == (403, "role")
    assert refused(request.sent(commune, ("operator/cli", "office"), named=False)) == (409, "by-required")
    versions = done(request.sent(commune, ("operator/cli", "office"), named=True))["versions"]
    [task] = [subject for subject in versions if subject.startswith("task/")]
    stored = queries.one(commune.tasks, COMMUNE, task)
    assert stored is not None
    assert stored.state.assigned_by == "p01"
