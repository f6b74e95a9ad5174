"""Slips, the week and the month over HTTP, on real logs: who may, what is recorded, what paper comes out."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import docx
import msgspec
import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import delete

from services.notifications import tables, views
from services.notifications.app import create_web
from services.notifications.channels.interface import Channels, Temporary
from services.notifications.documents import reports
from shared.eventlog import writing
from shared.events import UrgingSlipIssued
from shared.web.auth import Verifier
from shared.web.keys import generate_key, mint
from tests.support.histories import COMMUNE, appointed, assigned, completed, day, reported
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import World

BASE = f"/api/v1/notifications/communes/{COMMUNE}"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROLES = {"p01": ["chair"], "p02": ["vice_chair"], "p07": ["staff"], "p14": ["office"], "p80": ["supervisor"]}


class Office:
    """The service over HTTP on Thursday, 20 June 2024: t1 and t2 of p07 and t3 of p08 are overdue."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.key = generate_key(folder / "private.pem", folder / "public.json")
        self.verifier = Verifier(str(folder / "public.json"))
        self.client: FlaskClient = create_web(world.notifications, self.verifier).test_client()

    def auth(self, who: str) -> dict[str, str]:
        token = mint(
            self.key, sub=f"staff/{who}", commune=COMMUNE, roles=ROLES.get(who, ["staff"]), lifetime=timedelta(hours=1)
        )
        return {"Authorization": f"Bearer {token}"}

    def get(self, path: str, who: str = "p14", **query: Any) -> Any:
        return self.client.get(BASE + path, headers=self.auth(who), query_string=query)

    def issue(self, *tasks: str, who: str = "p14", headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        body = {"tasks": list(tasks)} | more
        return self.client.post(f"{BASE}/slips", json=body, headers=self.auth(who) | dict(headers or {}))

    def recorded(self) -> list[UrgingSlipIssued]:
        return [event for event in self.world.events() if isinstance(event, UrgingSlipIssued)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00").open()
        world.record(
            appointed("p80", category="dau_moi", roles=["supervisor"]),
            assigned("t1", due="12/6", title="Báo cáo <quý> & {{ tháng }}"),
            assigned("t2", due="14/6"),
            assigned("t3", lead="p08", due="18/6"),
            assigned("t4", due="30/6"),
            assigned("t5", due="14/6"),
        )
        world.to("2024-06-13 09:00")
        world.to("2024-06-17 09:00")
        world.record(reported("t5", on="17/6"), completed("t5", on="17/6"))
        world.to("2024-06-19 09:00")
        world.to("2024-06-20 09:00")
        yield Office(world, tmp_path)


def texts(body: bytes) -> str:
    document = docx.Document(io.BytesIO(body))
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join(paragraph.text for part in (document, *cells) for paragraph in part.paragraphs)


def paper(answer: Any, media_type: str = DOCX) -> bytes:
    assert (answer.status_code, answer.content_type) == (200, media_type), answer.data
    assert "attachment" in answer.headers["Content-Disposition"]
    return bytes(answer.data)


def refused(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.data
    assert "{" not in answer.json["detail"]
    return answer.status_code, answer.json["code"]


# Slips


def test_a_draft_is_looked_at_and_not_recorded(office: Office):
    draft = texts(paper(office.get("/slips/draft.docx", tasks="t1,t3", signed_by="p14", reply_by="2024-06-25")))
    assert "Báo cáo <quý> & {{ tháng }}" in draft and "chậm nhất ngày 25/06/2024" in draft
    assert draft.count("PHIẾU ĐÔN ĐỐC") == 2 and "Người p07" in draft and "Người p14" in draft
    assert not office.recorded() and office.get("/slips").json == []


def test_slips_are_issued_one_for_each_lead_and_kept_as_issued(office: Office):
    answer = office.issue("t1", "t3", "t2", signed_by="p14")
    assert answer.status_code == 201
    assert answer.headers["Cchc-Position"] == f"notifications/{COMMUNE}/{answer.json['position']}"
    first, second = answer.json["slips"]
    assert (first["lead"], first["tasks"], second["lead"], second["tasks"]) == ("p07", ["t1", "t2"], "p08", ["t3"])
    events = office.recorded()
    assert [(event.task, event.slip, event.by, event.signed_by) for event in events] == [
        ("t1", first["slip"], "p14", "p14"),
        ("t2", first["slip"], "p14", "p14"),
        ("t3", second["slip"], "p14", "p14"),
    ]
    for slip in (first, second):
        body = paper(office.get(f"/slips/{slip['slip']}.docx", who="p01"))
        assert hashlib.sha256(body).hexdigest() == slip["sha256"]
    assert {event.sha256 for event in events} == {first["sha256"], second["sha256"]}
    # The log tells nobody's name.
    assert b"Ng\xc6\xb0\xe1\xbb\x9di" not in b"".join(office.world.notifications.log.read_all(COMMUNE))


def test_slips_are_listed_and_printed_together(office: Office):
    [first] = office.issue("t1", number="01").json["slips"]
    [second] = office.issue("t3").json["slips"]
    listed = office.get("/slips").json
    assert [(slip["slip"], slip["tasks"], slip["number"]) for slip in listed] == [
        (second["slip"], ["t3"], None),
        (first["slip"], ["t1"], "01"),
    ]
    assert [slip["slip"] for slip in office.get("/slips", task="t1").json] == [first["slip"]]
    whole = texts(paper(office.get("/slips/print.docx", slips=f"{first['slip']},{second['slip']}")))
    assert whole.count("Số: 01/PĐĐ-VP") == 1 and whole.count("PHIẾU ĐÔN ĐỐC") == 2


def test_the_same_request_again_issues_nothing_more(office: Office):
    key = {"Idempotency-Key": "phieu-1"}
    first, again = (office.issue("t1", headers=key).json for _ in range(2))
    assert first == again and len(office.recorded()) == 1


def test_a_rebuild_keeps_slips_and_their_documents(office: Office):
    [issued] = office.issue("t1").json["slips"]
    before = office.get("/slips").json
    with writing(office.world.engine, COMMUNE) as connection:
        views.rebuild(connection, COMMUNE, office.world.notifications.log)
    assert office.get("/slips").json == before
    paper(office.get(f"/slips/{issued['slip']}.docx"))


def test_an_erased_document_leaves_the_record(office: Office):
    [issued] = office.issue("t1").json["slips"]
    with writing(office.world.engine, COMMUNE) as connection:
        connection.execute(delete(tables.slip_files))
    assert refused(office.get(f"/slips/{issued['slip']}.docx")) == (410, "slip-file-gone")
    assert len(office.get("/slips").json) == 1
    assert refused(office.get("/slips/nothing.docx")) == (404, "slip-unknown")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"tasks": ["t9"]}, 404, "task-unknown"),
        ({"tasks": ["t4"]}, 409, "slip-not-overdue"),
        ({"tasks": ["t1", "t5"]}, 409, "slip-not-open"),
        ({"tasks": ["t1"], "reply_by": "2024-06-19"}, 409, "slip-reply-by"),
        ({"tasks": ["t1"], "signed_by": "p07"}, 409, "slip-signer"),
        ({"tasks": ["t1", "t3"], "number": "1"}, 409, "slip-number"),
    ],
)
def test_what_is_refused_records_nothing(office: Office, asked: dict[str, Any], status: int, code: str):
    tasks, more = asked["tasks"], {name: value for name, value in asked.items() if name != "tasks"}
    assert refused(office.issue(*tasks, **more)) == (status, code)
    assert not office.recorded() and office.get("/slips").json == []


def test_more_tasks_than_one_request_takes_are_no_request(office: Office):
    assert office.issue(*(f"t{number}" for number in range(201))).status_code == 422
    assert office.issue().status_code == 422


def test_who_may_issue_and_read(office: Office):
    assert refused(office.issue("t1", who="p02"))[0] == 403
    assert refused(office.issue("t1", who="p07"))[0] == 403
    assert office.issue("t1", who="p01").status_code == 201
    assert refused(office.get("/slips", who="p07"))[0] == 403
    assert refused(office.get("/slips/draft.docx", who="p02", tasks="t1"))[0] == 403


def test_without_names_no_slip_is_made(office: Office):
    def away(commune: str) -> Any:
        raise Temporary("away")

    nameless = msgspec.structs.replace(office.world.notifications, channels=Channels({}, away))
    client = create_web(nameless, office.verifier).test_client()
    answer = client.post(f"{BASE}/slips", json={"tasks": ["t1"]}, headers=office.auth("p14"))
    assert refused(answer) == (503, "names-away")
    assert not office.recorded()


def test_a_service_account_with_the_role_alone_issues_nothing(office: Office):
    token = mint(office.key, sub="service/x", commune=COMMUNE, roles=["office"], lifetime=timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    answer = office.client.post(f"{BASE}/slips", json={"tasks": ["t1"]}, headers=headers)
    assert refused(answer) == (403, "slip-issuer")


# The week and the month


def test_the_week_says_what_is_late_and_who_was_reminded(office: Office):
    found = office.get("/weekly", who="p02").json
    assert (found["week"], found["on"], found["total"]["in_time"] + found["total"]["behind"]) == (
        "2024-W25",
        "2024-06-20",
        1,
    )
    late = {late["task"]: late for late in found["late"]}
    assert late.keys() == {"t1", "t2", "t3"}
    assert (late["t1"]["days_over"], late["t3"]["days_over"]) == (6, 2)
    # +5 working days reached the vice-chair, +1 the Office.
    assert (late["t1"]["told"], late["t3"]["told"]) == ("vice_chair", "office")


def test_the_week_as_it_stood_on_a_past_day(office: Office):
    found = office.get("/weekly", on="2024-06-13").json
    assert (found["week"], [late["task"] for late in found["late"]]) == ("2024-W24", ["t1"])
    assert found["late"][0]["told"] == "office"
    assert refused(office.get("/weekly", on="2024-06-21")) == (409, "day-to-come")


def test_the_week_as_a_workbook_and_as_a_page(office: Office):
    book = CalamineWorkbook.from_filelike(io.BytesIO(paper(office.get("/weekly.xlsx"), XLSX)))
    assert "Người p07" in str(book.get_sheet_by_index(0).to_python())
    page = office.get("/weekly.html", who="p01")
    assert page.content_type.startswith("text/html")
    assert page.headers["Content-Security-Policy"] == reports.PAPERS.policy
    assert "Báo cáo &lt;quý&gt; &amp; {{ tháng }}" in page.text and "Người p07 (p07)" in page.text


def test_supervisors_read_months_and_no_week(office: Office):
    for path in ("/weekly", "/weekly.xlsx", "/weekly.html", "/slips"):
        assert refused(office.get(path, who="p80"))[0] == 403
    found = office.get("/monthly", month="2024-06").json
    assert (found["total"]["assigned"], found["total"]["overdue"], found["complete"]) == (5, 3, False)
    assert refused(office.get("/monthly", who="p80", month="2024-06")) == (409, "month-open")
    office.world.to("2024-07-01 09:00")
    page = office.get("/monthly.html", who="p80", month="2024-06")
    assert "p07" not in page.text and "Người" not in page.text and "06/2024" in page.text
    assert "dưới 5 người: không hiện" in page.text  # two people lead all of it
    assert CalamineWorkbook.from_filelike(
        io.BytesIO(paper(office.get("/monthly.xlsx", who="p80", month="2024-06"), XLSX))
    ).sheet_names == ["Theo lĩnh vực"]


def test_the_month_that_ended_last_is_the_usual_one(office: Office):
    assert office.get("/monthly").json["month"] == "2024-05"
    assert refused(office.get("/monthly", month="2024-07")) == (409, "day-to-come")
    assert office.get("/monthly", month="2024-13").status_code == 422


def test_staff_read_neither(office: Office):
    for path in ("/weekly", "/monthly"):
        assert refused(office.get(path, who="p07"))[0] == 403
    assert day("20/6").isoformat() == office.get("/weekly").json["on"]
