"""Requests that schemathesis makes up from our descriptions, good and bad, as everybody who may ask."""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cchc.installation import Installation
from cchc.services import SERVICES
from shared.web.auth import ROLES, WIDE_ROLES
from shared.web.keys import mint
from tests.support.deployed import deployed_on
from tests.support.doors import PLACES
from tests.support.postgres import Postgres
from tests.support.reminded import COMMUNE, PEOPLE, SmallCommune

# Of each operation; for a longer look CCHC_TEST_EXAMPLES=200.
EXAMPLES = int(os.environ.get("CCHC_TEST_EXAMPLES", "5"))
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# What is there: nearly every address made up without it is one of nothing.
THERE = {**PLACES, "staff": "p04", "rater": "p01", "unit": COMMUNE, "month": "1"}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A commune with a task that is due; on PostgreSQL with the role of the web processes."""
    data = tmp_path_factory.mktemp("made-up") / "data"
    if request.param == "sqlite":
        commune = SmallCommune(data, "2024-01-02")
        commune.assign("báo cáo", lead="p04", due="2024-01-12")
        yield commune.installation
        commune.installation.close()
        return
    server: Postgres = request.getfixturevalue("private_postgres")
    with deployed_on(server) as deployed:
        commune = SmallCommune(data, "2024-01-02", (2024,), **deployed.environment("worker"))
        commune.assign("báo cáo", lead="p04", due="2024-01-12")
        served = deployed.installation("server", data)
        yield served
        served.close()
        commune.installation.close()


def tokens(installation: Installation) -> dict[str, str]:
    """Who asks → a token: everyone of the commune, every role alone, those of all communes, and a neighbour."""
    bearers: dict[str, dict[str, Any]] = {
        **{f"staff/{staff}": {"commune": COMMUNE, "roles": roles} for staff, (roles, _) in PEOPLE.items()},
        **{f"staff/{role}": {"commune": COMMUNE, "roles": [role]} for role in sorted(ROLES)},
        **{f"operator/{role}": {"commune": "*", "roles": [role]} for role in sorted(WIDE_ROLES)},
        "staff/neighbour": {"commune": "xa-khac", "roles": ["office", "staff"]},
    }
    lifetime = timedelta(hours=1)
    return {
        who.replace("_", "-"): mint(installation.signing_key, sub=who.replace("_", "-"), lifetime=lifetime, **claims)
        for who, claims in bearers.items()
    }


def ask(operation: Any, bearer: st.SearchStrategy[str | None]) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def once(data: st.DataObject) -> None:
        good = data.draw(st.sampled_from(GenerationMode))
        case = data.draw(operation.as_strategy(generation_mode=good))
        if data.draw(st.sampled_from([True, True, True, False])):
            case.path_parameters |= {name: THERE[name] for name in case.path_parameters.keys() & THERE.keys()}
        token = data.draw(bearer)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        case.call_and_validate(headers=headers, checks=CHECKS)

    once()


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_is_answered_by_a_fault_or_in_a_way_that_is_not_described(installation: Installation, service: str):
    app = installation.web(service)
    described = schemathesis.openapi.from_wsgi(f"/api/v1/{service}/openapi.json", app)
    bearer = st.sampled_from([None, *tokens(installation).values()])
    asked = 0
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        ask(found.ok(), bearer)
        asked += 1
    assert asked == sum(len(item) - ("parameters" in item) for item in described.raw_schema["paths"].values())
