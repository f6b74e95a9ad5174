"""Whoever no longer holds a post sees and does nothing by a token of that post: no screen, sheet, reminder, command."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from cchc.services import SERVICES
from services.tasks.domain.organisation import EndAppointment
from shared.web.auth import routes
from shared.web.keys import mint
from tests.scenario.test_act_page import BASE, TITLE, Browser, link_of, task
from tests.support.reminded import COMMUNE, SmallCommune

HOUR = timedelta(hours=1)


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    """On 11 June 2024; the task of p04 is due on the 14th."""
    commune = SmallCommune(tmp_path, "2024-06-03", (2024,), CCHC_LINK_BASE=BASE)
    commune.assign(TITLE, lead="p04", due="2024-06-14", collaborators=["p05"])
    commune.to("2024-06-11 09:00")
    yield commune
    commune.installation.close()


def leaves(commune: SmallCommune, staff: str) -> None:
    commune.do(None, EndAppointment(staff=staff, valid_to=date(2024, 6, 10)))
    commune.to("2024-06-11 10:00")


def test_the_page_of_a_message_is_closed_to_who_has_left(commune: SmallCommune) -> None:
    link, browser = link_of(commune), Browser(commune, "p04")
    shown = browser.get(link)
    assert shown.status_code == 200 and "rà soát" in shown.get_data(as_text=True)
    leaves(commune, "p04")
    answer = browser.get(link)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403 and "rà soát" not in text and "không" in text
    for step, form in (("seen", {}), ("report", {"summary": "Xong", "explanation": "Họp"})):
        sent = browser.send(link, shown, step, **form)
        assert sent.status_code == 403 and "rà soát" not in sent.get_data(as_text=True)
    assert task(commune).status == "open" and not task(commune).acknowledged


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_of_a_service_answers_who_has_left(commune: SmallCommune, service: str) -> None:
    """With the token of the post, which still counts by its own word: what was readable before is refused."""
    app = commune.installation.web(service)
    roles = ["chair", "office", "staff"]
    token = mint(commune.installation.signing_key, sub="staff/p04", commune=COMMUNE, roles=roles, lifetime=HOUR)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    leaves(commune, "p04")
    asked = 0
    before = {name: commune.installation.own_log(name).head(COMMUNE) for name in SERVICES}
    for method, rule, classification in routes(app):
        if classification == "public" or "<commune>" not in rule:
            continue
        path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.replace("<commune>", COMMUNE).replace("<staff>", "p04"))
        answer = client.open(re.sub(r"<[^>]*>", "2024", path), method=method, headers=headers)
        # A command's body is looked at before whose it is.
        assert answer.status_code == 403 or (method != "GET" and answer.status_code in (415, 422, 428)), (method, path)
        asked += method == "GET"
    assert asked > 5
    assert {name: commune.installation.own_log(name).head(COMMUNE) for name in SERVICES} == before


def test_no_screen_answers_who_has_left(commune: SmallCommune) -> None:
    leaves(commune, "p04")
    browser = Browser(commune, "p04")
    for method, rule, classification in routes(browser.client.application):
        if method != "GET" or classification == "public" or "<commune>" not in rule:
            continue
        path = rule.replace("<commune>", COMMUNE).replace("<staff>", "p04")
        assert browser.get(re.sub(r"<[^>]*>", "2024", path)).status_code == 403, rule
