"""All web apps of an installation: each route is classified, and another commune's token opens none."""

import importlib
import re
from datetime import timedelta

import flask
import pytest

from cchc.installation import Installation
from cchc.services import SERVICES
from demo.year import COMMUNE
from services.scoring.views import PROJECTION
from shared.budgets import Allowances, Budgets, spend_from
from shared.eventlog import writing
from shared.projection import Runner
from shared.projection.positions import set_parked
from shared.web.auth import ROLES, SAFE_METHODS, WIDE_ROLES, routes, unclassified_routes
from shared.web.keys import mint
from tests.support.screens import screens_of

APPS = ("web", *SERVICES)


def app_of(installation: Installation, name: str) -> flask.Flask:
    return screens_of(installation) if name == "web" else installation.web(name)


@pytest.mark.parametrize("name", APPS)
def test_every_route_is_classified(installation: Installation, name: str):
    assert unclassified_routes(app_of(installation, name)) == []


@pytest.mark.parametrize("name", APPS)
def test_no_route_opens_without_a_token_or_with_another_communes(installation: Installation, name: str):
    app = app_of(installation, name)
    everything = mint(
        installation.signing_key,
        sub="staff/p14",
        commune="tien-an",
        roles=sorted(ROLES - WIDE_ROLES),
        lifetime=timedelta(minutes=5),
    )
    client = app.test_client()
    closed = 0
    for method, rule, classification in routes(app):
        if classification == "public":
            continue
        path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.replace("<commune>", COMMUNE))
        path = re.sub(r"<[^>]*>", "2024", path)
        assert client.open(path, method=method).status_code == 401, (method, path)
        foreign = client.open(path, method=method, headers={"Authorization": f"Bearer {everything}"})
        assert foreign.status_code == 403, (method, path)
        closed += 1
    assert closed > 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_that_changes_something_has_a_budget(installation: Installation, name: str):
    app = installation.served(name)
    # Where nothing may be spent, nothing may be changed; and what only reads costs nothing.
    spend_from(app, Budgets(installation.engine(name), Allowances(changes=0)))
    client, actions = app.test_client(), app.extensions["cchc.actions"]
    changing = 0
    for method, rule, classification in routes(app):
        roles = sorted(set(actions.get(classification, ROLES)) - {"replicator", "messenger"}) or ["replicator"]
        token = mint(
            installation.signing_key,
            sub="operator/o1",
            commune="*" if "<commune>" not in rule else COMMUNE,
            roles=roles if "<commune>" in rule else [role for role in roles if role in WIDE_ROLES] or ["admin"],
            lifetime=timedelta(minutes=5),
        )
        path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.replace("<commune>", COMMUNE))
        path = re.sub(r"<[^>]*>", "2024", path)
        answer = client.open(path, method=method, headers={"Authorization": f"Bearer {token}"})
        if method in SAFE_METHODS:
            assert answer.status_code != 429, (method, path)
            continue
        changing += 1
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (429, "too-many-changes"), (method, path)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert changing > 0


def test_too_much_is_said_on_a_page(installation: Installation):
    apps = {name: installation.served(name) for name in SERVICES}
    for name, app in apps.items():
        spend_from(app, Budgets(installation.engine(name), Allowances(changes=0)))
    client = installation.screens(apps).test_client()
    answer = client.post("/sign-in", data={"code": "x" * 43}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 429 and answer.mimetype == "text/html"
    assert "Quá nhiều yêu cầu trong một phút" in answer.text and 1 <= int(answer.headers["Retry-After"]) <= 60


def test_that_a_commune_stands_still_its_caretakers_are_told_with_the_reason_and_strangers_not(
    installation: Installation,
):
    Runner(installation.scoring.engine, installation.scoring.logs, PROJECTION).catch_up()
    with writing(installation.engine("scoring"), COMMUNE) as connection:
        set_parked(connection, PROJECTION.name, COMMUNE, "tasks", "p07 was never appointed")
    client = screens_of(installation).test_client()
    office = mint(
        installation.signing_key, sub="staff/p14", commune=COMMUNE, roles=["office"], lifetime=timedelta(minutes=5)
    )
    stranger, known = (client.get("/", headers=headers).text for headers in ({}, {"Authorization": f"Bearer {office}"}))
    assert "dừng" not in stranger and COMMUNE not in stranger
    assert "p07 was never appointed" in known


@pytest.mark.parametrize("name", APPS)
def test_no_open_route_tells_a_stranger_which_communes_there_are(installation: Installation, name: str):
    client = app_of(installation, name).test_client()
    for method, rule, classification in routes(app_of(installation, name)):
        # The names of the demo stand in the description's examples, which are the same everywhere.
        if classification == "public" and "<" not in rule and not rule.endswith("/openapi.json"):
            answer = client.open(rule, method=method)
            # Figures are of the process; the proxy hands out none.
            assert rule == "/metrics" or COMMUNE not in answer.text, (method, rule)


# Every route that a supervisor may call, and what keeps single people out of it (ADR 0031).
OWN, PUBLISHED, PLAIN = "their own", "published moments, groups of five", "no numbers of people"
SUPERVISED = {
    "tasks": {
        "": PLAIN,
        "/calendars": PLAIN,
        "/calendars/<int:year>": PLAIN,
    },
    "scoring": {"/years/<int(min=2000, max=2199):year>/reports/aggregates": PUBLISHED},
    "notifications": {
        "/monthly": PUBLISHED,
        "/monthly.html": PUBLISHED,
        "/monthly.xlsx": PUBLISHED,
        "/policy": PLAIN,
        "/inbox": OWN,
        "/preferences/<staff>": OWN,
        "/addresses/<channel>": OWN,
        "/reminders/<reminder>/letter": OWN,
        "/reminders/<reminder>/acknowledgement": OWN,
    },
}


@pytest.mark.parametrize("service", SERVICES)
def test_supervisors_reach_these_routes_and_no_others(installation: Installation, service: str):
    access = importlib.import_module(f"services.{service}.access").ACTIONS
    prefix = f"/api/v1/{service}/communes/<commune>"
    reached = {
        rule.removeprefix(prefix)
        for _, rule, classification in routes(app_of(installation, service))
        if classification not in (None, "public") and "supervisor" in access[classification]
    }
    assert reached == SUPERVISED[service].keys()
