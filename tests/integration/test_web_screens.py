"""The screens over the real services: the same pages in one process and over HTTP, and a process without a database."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from cchc.installation import Installation
from cchc.settings import SERVICES
from services.tasks import views
from services.tasks.domain.task import Task
from shared.eventlog import reading
from shared.web.auth import COOKIE
from shared.web.keys import mint
from tests.support.processes import get, started, wait_until_ready
from tests.support.reminded import COMMUNE, PEOPLE, SmallCommune
from tests.support.screens import screens_of
from tests.support.servers import free_port
from tests.support.web import served
from web import menu

BASE = "https://xa-nho.example"
TITLE = "Rà soát thủ tục"
OWN = {"Origin": "http://localhost"}


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    """On 11 June 2024; the task of p04 is due on the 14th."""
    commune = SmallCommune(tmp_path, "2024-06-03", (2024,), CCHC_LINK_BASE=BASE)
    commune.assign(TITLE, lead="p04", due="2024-06-14", collaborators=["p05"])
    commune.to("2024-06-11 09:00")
    yield commune
    commune.installation.close()


def token(installation: Installation, staff: str, *roles: str) -> str:
    granted = roles or tuple(PEOPLE[staff][0])
    lifetime = timedelta(hours=1)
    return mint(installation.signing_key, sub=f"staff/{staff}", commune=COMMUNE, roles=granted, lifetime=lifetime)


def browser(screens: flask.Flask, of: str | None = None) -> FlaskClient:
    client = screens.test_client()
    if of:
        client.set_cookie(COOKIE, of)
    return client


@contextmanager
def over_http(installation: Installation) -> Iterator[flask.Flask]:
    """The screens in a process of their own would ask the services so."""
    with ExitStack() as stack:
        for service in SERVICES:
            address = stack.enter_context(served(installation.web(service)))
            installation.settings.urls[service] = f"{address}/api/v1/{service}"
        yield installation.screens()


def link_of(commune: SmallCommune, staff: str = "p04") -> str:
    link = commune.notifications.channels.links.to(COMMUNE, commune.occurrences(TITLE, recipient=staff)[-1])
    assert link
    return link.removeprefix(BASE)


def task(commune: SmallCommune) -> Task:
    with reading(commune.tasks.engine, COMMUNE) as connection:
        found = views.one(connection, COMMUNE, f"task/{commune.names[TITLE]}")
    assert found
    state: Task = found.state
    return state


def hidden(page: str, step: str) -> dict[str, str]:
    """The hidden fields of a step's form."""
    [form] = [form for form in re.findall(r"(?s)<form.*?</form>", page) if f'value="{step}"' in form]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def without_nonces(page: str) -> str:
    return re.sub(r'name="nonce" value="[^"]*"|<code>[0-9a-f]{32}</code>', "", page)


def test_pages_are_the_same_in_one_process_and_over_http(commune: SmallCommune):
    installation = commune.installation
    link, year = link_of(commune), f"/communes/{COMMUNE}/years/2024"
    asked = [
        (None, "/"),
        (None, link),
        ("p03", "/"),
        ("p03", year),
        ("p03", f"{year}?as_of=2024-06-05"),
        ("p03", f"{year}?as_of=mai"),
        ("p03", f"{year}/ratings/p04/sheet"),
        ("p03", f"{year}/ratings/p99/sheet"),
        ("p04", f"{year}/ratings/p05/sheet"),
        ("p04", link),
        ("p05", link),
    ]
    with over_http(installation) as apart:
        statuses = set()
        for staff, path in asked:
            who = token(installation, staff) if staff else None
            here, there = (browser(app, who).get(path) for app in (screens_of(installation), apart))
            assert here.status_code == there.status_code, path
            assert without_nonces(here.text) == without_nonces(there.text), path
            assert here.headers["Content-Security-Policy"] == there.headers["Content-Security-Policy"]
            statuses.add(here.status_code)
        assert statuses == {200, 403, 404, 422}


def test_a_form_sent_twice_at_once_has_one_effect(commune: SmallCommune):
    with over_http(commune.installation) as screens:
        link, who = link_of(commune), token(commune.installation, "p04")
        form = hidden(browser(screens, who).get(link).text, "report")
        form |= {"summary": "Đã xong", "explanation": "Không có hồ sơ tồn"}
        before = commune.tasks.log.head(COMMUNE).position
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(browser(screens, who).post, link, data=form, headers=OWN) for _ in range(4)]
            assert {answer.result().status_code for answer in sent} == {303}
    assert commune.tasks.log.head(COMMUNE).position == before + 1 and task(commune).status == "reported"


def test_what_changed_meanwhile_is_not_written_over(commune: SmallCommune):
    screens, link, who = screens_of(commune.installation), link_of(commune), token(commune.installation, "p04")
    client = browser(screens, who)
    seen = client.get(link).text
    assert client.post(link, data=hidden(seen, "seen"), headers=OWN).status_code == 303
    form = hidden(seen, "report") | {"summary": "Đã <b>xong", "explanation": "Không"}
    refused = client.post(link, data=form, headers=OWN)
    assert refused.status_code == 412 and "Dữ liệu đã thay đổi" in refused.text
    assert "Đã &lt;b&gt;xong</textarea>" in refused.text  # what was typed stays
    again = hidden(refused.text, "report") | {"summary": "Đã <b>xong", "explanation": "Không"}
    assert client.post(link, data=again, headers=OWN).status_code == 303
    assert task(commune).status == "reported"


def test_what_a_service_finds_wrong_stands_at_its_field(commune: SmallCommune):
    client = browser(screens_of(commune.installation), token(commune.installation, "p04"))
    link = link_of(commune)
    form = hidden(client.get(link).text, "report") | {"summary": "a\x00b", "explanation": "Không"}
    answer = client.post(link, data=form, headers=OWN)
    assert answer.status_code in (409, 422) and 'role="alert"' in answer.text and "Không</textarea>" in answer.text
    missing = client.post(link, data=form | {"summary": " "}, headers=OWN)
    assert 'href="#report-summary"' in missing.text and 'id="report-summary-wrong-1"' in missing.text
    assert 'aria-describedby="report-summary-hint report-summary-wrong-1"' in missing.text


@pytest.mark.parametrize(
    ("role", "staff"), [("chair", "p01"), ("vice_chair", "p02"), ("office", "p03"), ("staff", "p04")]
)
def test_the_menu_offers_what_the_services_answer(commune: SmallCommune, role: str, staff: str):
    """Each role as somebody who holds it today."""
    client = browser(screens_of(commune.installation), token(commune.installation, staff, role))
    year = f"/communes/{COMMUNE}/years/2024"
    expected = 200 if role in menu.ACTIONS["ratings.year"] else 403
    assert client.get(year).status_code == expected
    [entries] = re.findall(r'(?s)<nav class="menu".*?</nav>', client.get("/").text)
    addresses = re.findall(r'href="([^"]+)"', entries)
    assert (year in addresses) == (expected == 200)
    assert {client.get(address).status_code for address in addresses} == {200}
    assert client.get(f"{year}/ratings/{staff}/sheet").status_code == 200


def test_an_ordinary_official_meets_no_log_positions(commune: SmallCommune):
    screens = screens_of(commune.installation)
    head = str(commune.tasks.log.head(COMMUNE).position)
    official = browser(screens, token(commune.installation, "p04")).get("/").text
    assert "nhật ký" not in official.lower() and "Phiếu của tôi năm 2024" in official
    stranger = browser(screens).get("/").text
    assert COMMUNE not in stranger and "nhật ký" not in stranger.lower()
    assert f'<td class="number">{head}</td>' in browser(screens, token(commune.installation, "p03")).get("/").text
    elsewhere = mint(
        commune.installation.signing_key,
        sub="staff/p03",
        commune="xa-khac",
        roles=["office"],
        lifetime=timedelta(hours=1),
    )
    assert "nhật ký" not in browser(screens, elsewhere).get("/").text.lower()


def test_the_process_of_the_screens_needs_no_database_and_no_key(commune: SmallCommune, tmp_path: Path):
    """It starts on an empty folder with nothing but the services' addresses and the public keys."""
    installation = commune.installation
    installation.signing_key  # noqa: B018 - made at the first use
    folder, port = tmp_path / "empty", free_port()
    folder.mkdir()
    keys = tmp_path / "keys.json"
    keys.write_bytes((installation.settings.private_key.parent / "public.json").read_bytes())
    with ExitStack() as stack:
        environment = {"CCHC_DATA": str(folder), "CCHC_KEYS": str(keys), "CCHC_KAFKA": "127.0.0.1:1"}
        environment |= {name: "" for name in os.environ if name.startswith("CCHC_DATABASE")}
        for service in SERVICES:
            address = stack.enter_context(served(installation.web(service)))
            environment[f"CCHC_URL_{service.upper()}"] = f"{address}/api/v1/{service}"
        stack.enter_context(
            started("serve", "web", "--workers", "1", "--bind", f"127.0.0.1:{port}", environment=environment)
        )
        wait_until_ready(f"http://127.0.0.1:{port}")
        status, page = get(f"http://127.0.0.1:{port}/")
        assert status == 200 and "Đăng nhập" in page
    assert {file.name for file in folder.iterdir()} <= {"served-at"}
