"""From a message's link to having acted: the page asks who is there, and every rule of the commands holds."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.tasks import views
from services.tasks.domain.task import Task
from shared.eventlog import reading
from shared.web.auth import COOKIE
from shared.web.keys import mint
from tests.support.reminded import COMMUNE, PEOPLE, SmallCommune
from tests.support.screens import screens_of

BASE = "https://xa-nho.example"
TITLE = "rà soát <script>alert(1)</script>"


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    """On 11 June 2024; the task of p04 is due on the 14th."""
    commune = SmallCommune(tmp_path, "2024-06-03", (2024,), CCHC_LINK_BASE=BASE)
    commune.assign(TITLE, lead="p04", due="2024-06-14", collaborators=["p05"])
    commune.to("2024-06-11 09:00")
    yield commune
    commune.installation.close()


class Browser:
    def __init__(self, commune: SmallCommune, staff: str | None, of: str = COMMUNE) -> None:
        self.client: FlaskClient = screens_of(commune.installation).test_client()
        if staff:
            token = mint(
                commune.installation.signing_key,
                sub=f"staff/{staff}",
                commune=of,
                roles=PEOPLE[staff][0],
                lifetime=timedelta(hours=1),
            )
            self.client.set_cookie(COOKIE, token)

    def get(self, link: str) -> Any:
        return self.client.get(link.removeprefix(BASE))

    def send(self, link: str, page: Any, step: str, origin: str = "http://localhost", **form: str) -> Any:
        """Press the button of a step on a page as it was shown."""
        parts = re.findall(r"<form.*?</form>", page.get_data(as_text=True), re.DOTALL)
        [hidden] = [part for part in parts if f'value="{step}"' in part]
        [nonce] = re.findall(r'name="nonce" value="([^"]*)"', hidden)
        path = link.removeprefix(BASE)
        return self.client.post(path, data={"step": step, "nonce": nonce} | form, headers={"Origin": origin})


def link_of(commune: SmallCommune, staff: str = "p04") -> str:
    row = commune.occurrences(TITLE, recipient=staff)[-1]
    found = commune.notifications.channels.links.to(COMMUNE, row)
    assert found
    return found


def task(commune: SmallCommune) -> Task:
    with reading(commune.tasks.engine, COMMUNE) as connection:
        found = views.one(connection, COMMUNE, f"task/{commune.names[TITLE]}")
    assert found
    state: Task = found.state
    return state


def test_a_stranger_is_asked_to_sign_in_and_told_nothing(commune: SmallCommune) -> None:
    browser, link = Browser(commune, None), link_of(commune)
    page = browser.get(link)
    assert page.status_code == 200 and "Đăng nhập" in page.get_data(as_text=True)
    assert "rà soát" not in page.get_data(as_text=True)
    # A cookie that stays away after a link in a mail comes with the page's own second request.
    [again] = re.findall(r'http-equiv="refresh" content="0; url=([^"]*)"', page.get_data(as_text=True))
    assert "refresh" not in browser.get(again.replace("&amp;", "&")).get_data(as_text=True)


def test_the_lead_takes_the_task_on(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    page = browser.get(link)
    text = page.get_data(as_text=True)
    assert "Còn 3 ngày làm việc" in text and "<script>" not in text and "&lt;script&gt;" in text
    assert "script-src" not in page.headers["Content-Security-Policy"] and "default-src 'none'" in str(page.headers)
    answer = browser.send(link, page, "seen")
    assert answer.status_code == 303
    assert "Đã ghi nhận" in browser.get(answer.headers["Location"]).get_data(as_text=True)
    assert task(commune).acknowledged and commune.occurrences(TITLE, recipient="p04")[-1].acknowledged_at
    assert browser.send(link, browser.get(link), "seen").status_code == 303


def test_a_result_is_reported_from_the_page(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    page = browser.get(link)
    said = {"summary": "Đã rà soát xong", "explanation": "Không có hồ sơ tồn"}
    assert browser.send(link, page, "report", **said).status_code == 303
    assert browser.send(link, page, "report", **said).status_code == 303  # the same form again
    assert task(commune).status == "reported"
    assert "Báo cáo kết quả</h2>" not in browser.get(link).get_data(as_text=True)


def test_what_is_typed_on_the_page_is_composed(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    said = {"summary": "Ba\u0301o ca\u0301o xong", "explanation": "Kho\u0302ng"}
    assert browser.send(link, browser.get(link), "report", **said).status_code == 303
    assert "Báo cáo xong" in commune.tasks.log.read(COMMUNE)[-1].decode()


def test_more_time_is_asked_for_from_the_page(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    page = browser.get(link)
    assert browser.send(link, page, "extend", until="2024-06-28", reason="Chờ số liệu").status_code == 303
    request = task(commune).request
    assert request and str(request.proposed.date) == "2024-06-28"


@pytest.mark.parametrize(
    ("step", "form", "told"),
    [
        ("report", {"summary": " ", "explanation": "x"}, "Điền đủ các ô"),
        ("report", {"summary": "x" * 2001, "explanation": "x"}, "Điền đủ các ô"),
        ("extend", {"until": "mai", "reason": "x"}, "Chọn ngày"),
    ],
)
def test_what_is_missing_is_said_on_the_page(commune: SmallCommune, step: str, form: Any, told: str) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    answer = browser.send(link, browser.get(link), step, **form)
    assert answer.status_code == 409 and told in answer.get_data(as_text=True)
    assert task(commune).status == "open" and task(commune).request is None


def test_who_does_not_lead_sees_the_task_and_reports_nothing(commune: SmallCommune) -> None:
    commune.to("2024-06-13 09:00")  # collaborators hear of it a day before
    browser, link = Browser(commune, "p05"), link_of(commune, "p05")
    page = browser.get(link)
    answer = browser.send(link, page, "report", summary="x", explanation="x")
    assert answer.status_code == 409 and "{" not in answer.get_data(as_text=True)
    assert browser.send(link, page, "seen").status_code == 303
    assert task(commune).status == "open" and not task(commune).acknowledged


@pytest.mark.parametrize(
    ("staff", "of", "status"), [("p05", COMMUNE, 403), ("p03", COMMUNE, 403), ("p04", "xa-khac", 403)]
)
def test_the_page_of_another_is_closed(commune: SmallCommune, staff: str, of: str, status: int) -> None:
    link = link_of(commune)
    assert Browser(commune, staff, of).get(link).status_code == status
    mine = Browser(commune, "p04").get(link)
    assert Browser(commune, staff, of).send(link, mine, "report", summary="x", explanation="x").status_code == status
    assert task(commune).status == "open"


def test_a_forged_link_leads_nowhere(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    for forged in (link[:-1] + ("0" if link[-1] != "0" else "1"), link.partition("?")[0]):
        assert browser.get(forged).status_code == 404
        assert browser.send(forged, browser.get(link), "seen").status_code == 404


def test_another_site_presses_no_button(commune: SmallCommune) -> None:
    browser, link = Browser(commune, "p04"), link_of(commune)
    answer = browser.send(link, browser.get(link), "seen", origin="https://evil.example")
    assert answer.status_code == 403 and not task(commune).acknowledged


@pytest.mark.parametrize(
    "step", ["acceptance", "return", "extension/grant", "due", "causes", "coefficient", "reopening"]
)
def test_the_page_records_ones_own_word_alone(commune: SmallCommune, step: str) -> None:
    """Nothing that is decided about a task may be sent by it, whoever asks."""
    browser, link = Browser(commune, "p04"), link_of(commune)
    [nonce, *_] = re.findall(r'name="nonce" value="([^"]*)"', browser.get(link).get_data(as_text=True))
    before = commune.tasks.log.head(COMMUNE)
    sent = {"step": step, "nonce": nonce, "summary": "x", "explanation": "x", "until": "2024-07-30", "reason": "x"}
    answer = browser.client.post(link.removeprefix(BASE), data=sent, headers={"Origin": "http://localhost"})
    assert answer.status_code == 404 and commune.tasks.log.head(COMMUNE) == before
