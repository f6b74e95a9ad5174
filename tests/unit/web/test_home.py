"""The home page opens for everybody, whatever their token is still good for."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.web.auth import COOKIE
from shared.web.keys import mint
from tests.support.answering import COMMUNE, Services, json, problem, services_in

YEARS = ("GET", f"/communes/{COMMUNE}/years")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    services = services_in(tmp_path)
    services.answers["GET", "/status"] = json({"communes": []})
    return services


def test_a_stranger_sees_the_sign_in_form_alone(services: Services) -> None:
    services.answers["GET", "/status"] = json({"communes": [{"commune": COMMUNE, "stopped": False}]})
    answer = services.browser().get("/")
    assert answer.status_code == 200 and 'action="/sign-in"' in answer.text and "cchc token --link" in answer.text
    assert COMMUNE not in answer.text and services.asked == []


@pytest.mark.parametrize(("role", "link"), [("office", "/years/2024"), ("staff", "/years/2024/ratings/p14/sheet")])
def test_it_leads_to_the_years(services: Services, role: str, link: str) -> None:
    services.answers[YEARS] = json({"years": [2024]})
    assert f'href="/communes/{COMMUNE}{link}"' in services.browser(role).get("/").text


@pytest.mark.parametrize(("status", "code"), [(403, "not-in-post"), (404, "commune-unknown")])
def test_it_opens_for_a_person_who_has_left(services: Services, status: int, code: str) -> None:
    services.answers[YEARS] = problem(status, code)
    answer = services.browser("office").get("/")
    assert answer.status_code == 200 and "/sign-out" in answer.text and "/sheet" not in answer.text


def test_it_opens_for_an_operator_who_has_no_sheet(services: Services) -> None:
    services.answers[YEARS] = json({"years": [2024]})
    token = mint(services.key, sub="operator/x", commune=COMMUNE, roles=["staff"], lifetime=timedelta(hours=1))
    client = services.browser()
    client.set_cookie(COOKIE, token)
    answer = client.get("/")
    assert answer.status_code == 200 and "/sheet" not in answer.text


def test_a_service_that_is_away_is_said(services: Services) -> None:
    services.answers[YEARS] = problem(503, "away")
    assert services.browser("office").get("/").status_code == 503
