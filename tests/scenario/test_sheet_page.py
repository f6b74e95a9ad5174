"""The printed sheet and the year's page: what they say, to whom, as of when; nothing from outside is needed."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from cchc.installation import Installation
from demo.year import COMMUNE
from services.scoring.documents.sheet import sheet_page
from services.scoring.domain.sheet import sheet, sheet_bytes
from services.scoring.views import Known, known_at, moment_at
from shared.events import decode, end_of_day
from shared.web.keys import mint
from tests.scenario.conftest import settings_of
from tests.support.screens import screens_of

YEAR = f"/communes/{COMMUNE}/years/2024"


@pytest.fixture(scope="module")
def lived(lived_year: Any) -> Iterator[Installation]:
    installation = Installation(settings_of(lived_year), clock=lambda: datetime(2024, 12, 20, 1, tzinfo=UTC))
    yield installation
    installation.close()


@pytest.fixture(scope="module")
def client(lived: Installation) -> FlaskClient:
    return screens_of(lived).test_client()


def known(lived: Installation, day: date = date(2024, 12, 20)) -> Known:
    logs = lived.scoring.logs
    return known_at(logs, COMMUNE, moment_at(logs, COMMUNE, end_of_day(day)))


def auth(lived: Installation, staff: str, *roles: str) -> dict[str, str]:
    token = mint(
        lived.signing_key, sub=f"staff/{staff}", commune=COMMUNE, roles=list(roles), lifetime=timedelta(minutes=5)
    )
    return {"Authorization": f"Bearer {token}"}


def text_of(html: str) -> str:
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", html)).split())


def test_the_sheet_says_level_steps_articles_and_arithmetic(lived: Installation):
    page = text_of(sheet_page(known(lived), 2024, "p22"))
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "XÃ TIÊN CẢNH",
        "Không hoàn thành nhiệm vụ",
        "người có thẩm quyền quyết định",
        "NĐ 90/2020 Đ11",
        "77,78 %",
        "số nhiệm vụ được đánh giá = 7/9",
        "Còn thiếu: Tiêu chí chung k1, k2, k3, k4 chưa được xác nhận",
        "(Ký, ghi rõ họ tên)",
    ):
        assert said in page


def test_every_event_behind_the_sheet_is_in_its_annex(lived: Installation):
    of = known(lived)
    page = text_of(sheet_page(of, 2024, "p22"))
    found = sheet(of.records, 2024, "p22", on=of.on)
    refs = [ref for task in found.tasks for ref in task.events]
    assert len(refs) > 20
    for ref in refs:
        recorded = decode(lived.scoring.logs[ref.source].read(COMMUNE, ref.position - 1, 1)[0])
        assert f"{ref.source} #{ref.position}" in page
        assert f"…{recorded.id[-12:]}" in page
    for pin in of.inputs:
        assert pin.hash in page
    assert found.rule_set_sha256 and found.rule_set_sha256 in page
    assert hashlib.sha256(sheet_bytes(found)).hexdigest() in page


def test_a_decided_sheet_tells_its_procedure_and_what_came_after(lived: Installation):
    page = text_of(sheet_page(known(lived), 2024, "p25"))
    for said in (
        "Đã quyết định: Hoàn thành tốt nhiệm vụ",
        "Mức tính được theo số liệu dưới đây: Không hoàn thành nhiệm vụ",
        "Họp ngày 12/12/2024, 26 người dự",
        "Quyết định ngày 13/12/2024, số 215/QĐ-UBND",
        "Công khai ngày 16/12/2024",
        "Phát sinh sau chốt",
        "Ghi nhận kỷ luật",
    ):
        assert said in page
    again = text_of(sheet_page(known(lived), 2024, "p41"))
    assert "Xếp loại lại ngày 19/12/2024, số 221/QĐ-UBND: Hoàn thành tốt nhiệm vụ" in again
    assert "đã được thay" in again and "Phát sinh sau chốt" not in again


def test_the_same_moment_gives_the_same_page_for_ever(lived: Installation, client: FlaskClient):
    office = auth(lived, "p14", "office")
    rendered = sheet_page(known(lived, date(2024, 9, 30)), 2024, "p22")
    assert client.get(f"{YEAR}/ratings/p22/sheet?as_of=2024-09-30", headers=office).text == rendered
    positions = ",".join(f"{pin.source}:{pin.position}" for pin in known(lived, date(2024, 9, 30)).inputs)
    asked = {"positions": positions, "on": "2024-09-30"}
    assert client.get(f"{YEAR}/ratings/p22/sheet", query_string=asked, headers=office).text == rendered


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing(lived: Installation, client: FlaskClient):
    answer = client.get(f"{YEAR}/ratings/p22/sheet", headers=auth(lived, "p14", "office"))
    assert not re.search(r"<script|<link|src=|href=|url\(|@import", answer.text)
    [style] = re.findall(r"(?s)<style>(.*?)</style>", answer.text)
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{named}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("staff", "role", "status"),
    [("p22", "staff", 200), ("p03", "vice_chair", 200), ("p14", "office", 200), ("p15", "staff", 403)],
)
def test_the_sheet_is_for_its_person_tracker_rater_and_the_office(
    lived: Installation, client: FlaskClient, staff: str, role: str, status: int
):
    answer = client.get(f"{YEAR}/ratings/p22/sheet", headers=auth(lived, staff, role))
    assert answer.status_code == status


def test_a_tracker_who_does_not_rate_is_not_shown_what_others_said(lived: Installation, client: FlaskClient):
    of = sheet(known(lived).records, 2024, "p25", on=date(2024, 12, 20))
    assert of.tracker and of.tracker != of.rater
    said = ("Tự xếp loại ngày", "Họp ngày 12/12/2024", "Quyết định ngày 13/12/2024")
    shown = {}
    for who in (of.tracker, "p25"):
        answer = client.get(f"{YEAR}/ratings/p25/sheet", headers=auth(lived, who, "staff"))
        shown[who] = [words in text_of(answer.text) for words in said]
    assert shown == {of.tracker: [False, False, True], "p25": [True, True, True]}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("ratings/p99/sheet", {}, 404),
        ("ratings/p22/sheet", {"as_of": "hôm qua"}, 422),
        ("ratings/p22/sheet", {"positions": "tasks:999999,scoring:0", "on": "2024-12-20"}, 404),
    ],
)
def test_what_cannot_be_shown_is_refused(
    lived: Installation, client: FlaskClient, path: str, query: dict[str, str], status: int
):
    answer = client.get(f"{YEAR}/{path}", query_string=query, headers=auth(lived, "p14", "office"))
    assert answer.status_code == status


def test_the_years_page_leads_to_every_sheet_of_the_same_moment(lived: Installation, client: FlaskClient):
    office = auth(lived, "p14", "office")
    page = client.get(f"{YEAR}?as_of=2024-09-30", headers=office)
    links = re.findall(r'href="([^"]+/sheet[^"]*)"', page.text)
    assert len(links) == 30
    assert all(link.endswith("?as_of=2024-09-30") for link in links)
    assert "Tính đến hết ngày 30/09/2024" in text_of(client.get(links[0], headers=office).text)
