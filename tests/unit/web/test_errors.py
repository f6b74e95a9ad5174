"""Every error on a page is a page: what happened, what to do, and the number by which the logs tell more."""

import logging
import re
from pathlib import Path

import pytest
import urllib3

from shared.web.auth import ROLES, WIDE_ROLES, routes, unclassified_routes
from tests.support.answering import COMMUNE, Services, json, problem, services_in
from web import menu
from web.client import Answer, Request
from web.errors import REMEDIES

YEAR = f"/communes/{COMMUNE}/years/2024"
RATINGS = ("GET", f"{YEAR}/ratings")
OWN = {"Origin": "http://localhost"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return services_in(tmp_path)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 412, 422, 429, 500, 503])
def test_what_a_service_refuses_is_a_page(services: Services, status: int) -> None:
    services.answers[RATINGS] = problem(status, "closed", errors=[{"pointer": "query#/on", "detail": "Sai ngày"}])
    answer = services.browser("office").get(YEAR)
    assert answer.status_code == status and answer.mimetype == "text/html"
    for said in ("Tên closed", "Chi tiết closed", "Sai ngày", "t" * 32, REMEDIES[status]):
        assert said in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_what_passes_says_when(services: Services) -> None:
    services.answers[RATINGS] = problem(503, "busy", **{"retry-after": "7"})
    answer = services.browser("office").get(YEAR)
    assert answer.headers["Retry-After"] == "7" and "Thử lại sau 7 giây" in answer.text


def test_a_service_that_is_away_is_a_page(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    def away(_: Request) -> Answer:
        raise urllib3.exceptions.ProtocolError("refused")

    services.answers[RATINGS] = away
    with caplog.at_level(logging.WARNING):
        answer = services.browser("office").get(YEAR)
    assert answer.status_code == 503 and "Dịch vụ tạm thời không trả lời" in answer.text
    assert [record.levelname for record in caplog.records if record.name == "web.errors"] == ["WARNING"]


def test_what_nobody_expected_is_a_page_that_tells_nothing_inside(services: Services) -> None:
    services.answers[RATINGS] = json({"surprise": "s3cret"})
    answer = services.browser("office").get(YEAR)
    assert answer.status_code == 500 and "Lỗi máy chủ" in answer.text
    assert "s3cret" not in answer.text and "Traceback" not in answer.text
    assert answer.headers["Trace-Id"] in answer.text


def test_our_own_errors_are_pages_too(services: Services) -> None:
    office, stranger, staff = services.browser("office"), services.browser(), services.browser("staff")
    expected = {
        (office, "GET", "/khong-co"): 404,
        (office, "POST", "/sign-out"): 403,  # without our Origin
        (stranger, "DELETE", "/"): 405,
        (stranger, "GET", YEAR): 401,
        (staff, "GET", YEAR): 403,
        (office, "GET", "/communes/xa-khac/years/2024"): 403,
        (office, "GET", f"/communes/{COMMUNE}/years/1999"): 404,
    }
    for (client, method, path), status in expected.items():
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (status, "text/html"), (method, path)
        assert answer.text.startswith("<!doctype html>") and answer.headers["Trace-Id"] in answer.text


def test_a_program_that_asks_for_json_gets_a_problem_document(services: Services) -> None:
    answer = services.browser().get(YEAR, headers={"Accept": "application/json"})
    assert answer.status_code == 401 and answer.mimetype == "application/problem+json"
    assert answer.json and answer.json["code"] == "unauthenticated"
    services.answers[RATINGS] = problem(409, "closed", errors=[{"pointer": "#/x", "detail": "y"}])
    refused = services.browser("office").get(YEAR, headers={"Accept": "application/problem+json"})
    assert refused.json and (refused.json["code"], refused.json["trace_id"]) == ("closed", "t" * 32)
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert services.browser().get(YEAR, headers={"Accept": browser}).mimetype == "text/html"


def test_what_was_typed_is_kept_while_a_service_is_away(services: Services) -> None:
    services.answers["POST", "/sign-ins"] = problem(503, "away")
    answer = services.browser().post("/sign-in", data={"code": "c0de", "note": "<b>Tuần này"}, headers=OWN)
    assert answer.status_code == 503
    assert 'name="code" value="c0de"' in answer.text and "&lt;b&gt;Tuần này</textarea>" in answer.text
    assert 'method="post" action="/sign-in"' in answer.text


def test_a_session_that_ended_while_typing_loses_nothing(services: Services) -> None:
    path = f"/viec/{COMMUNE}/r1?k=abc"
    answer = services.browser().post(path, data={"step": "report", "nonce": "n1", "summary": "Xong"}, headers=OWN)
    assert answer.status_code == 401 and "Xong</textarea>" in answer.text and 'value="n1"' in answer.text
    assert f'action="{path}"' in answer.text


def test_what_another_site_filled_in_is_not_offered_to_be_sent(services: Services) -> None:
    path = f"/viec/{COMMUNE}/r1?k=abc"
    data = {"step": "report", "nonce": "n1", "summary": "Việc khống"}
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        answer = services.browser().post(path, data=data, headers=origin)
        assert answer.status_code == 401 and "Việc khống" not in answer.text and "<form" not in answer.text


def test_a_form_that_is_too_large_to_be_kept_is_no_error_of_ours(services: Services) -> None:
    answer = services.browser().post(f"/viec/{COMMUNE}/r1?k=abc", data={"summary": "x" * 2_000_000}, headers=OWN)
    assert answer.status_code == 401 and "<form" not in answer.text


def test_every_route_is_classified_and_every_action_is_used(services: Services) -> None:
    assert unclassified_routes(services.app) == []
    used = {classification for _, _, classification in routes(services.app)} - {"public"}
    assert used == menu.ACTIONS.keys()
    assert all(roles <= ROLES - WIDE_ROLES for roles in menu.ACTIONS.values())


@pytest.mark.parametrize("role", sorted(ROLES - WIDE_ROLES))
def test_every_entry_of_the_menu_leads_to_a_screen_that_is_open_to_the_role(services: Services, role: str) -> None:
    services.answers[RATINGS] = problem(409, "reached")
    for name in ("status", "years"):
        services.answers["GET", f"/{name}"] = json({"communes": []})
    services.answers["GET", f"/communes/{COMMUNE}/years"] = json({"years": [2024]})
    browser = services.browser(role)
    home = browser.get("/").text
    [entries] = re.findall(r'(?s)<nav class="menu".*?</nav>', home)
    addresses = re.findall(r'href="([^"]+)"', entries)
    assert addresses[0] == "/" and 'aria-current="page"' in entries
    assert (f"{YEAR}" in addresses) == (role in menu.ACTIONS["ratings.year"])
    for address in addresses:
        assert browser.get(address).status_code in (200, 409), address


def test_a_page_runs_nothing_and_takes_nothing_from_elsewhere(services: Services) -> None:
    services.answers["GET", "/status"] = json({"communes": []})
    page = services.browser().get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src" not in policy and "'unsafe-inline'" not in policy and "default-src 'none'" in policy
    assert not re.search(r"<script|style=|<style|https?://", page.text)
    assert '<html lang="vi">' in page.text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        file = services.browser().get(address, buffered=True)
        assert file.status_code == 200 and "immutable" in file.headers["Cache-Control"]
    unnamed = services.browser().get("/static/style.css", buffered=True)
    assert unnamed.headers["Cache-Control"] == "no-cache"
    assert services.browser().get("/static/..%2Fapp.py").status_code == 404


def test_readiness_asks_every_service(services: Services) -> None:
    services.answers["GET", "/status"] = json({"communes": []})
    answer = services.browser().get("/readyz")
    assert answer.json == {"status": "ok", "checks": dict.fromkeys(("tasks", "scoring", "notifications", "keys"), "ok")}
    services.answers["GET", "/status"] = problem(503, "database")
    assert services.browser().get("/readyz").status_code == 503
    assert services.browser().get("/livez").status_code == 200
