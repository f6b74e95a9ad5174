"""What the routes of queries share: the service they ask, and the answer that names what it rests on."""

from typing import Any

import flask
import msgspec

from services.scoring.queries import Answer
from services.scoring.service import Scoring
from shared.web.app import service
from shared.web.positions import wait_for_header

COMMUNE = "/communes/<commune>"
# Years in which somebody is rated; others are no address.
YEAR = "/years/<int(min=2000, max=2199):year>"
PERSON = f"{YEAR}/ratings/<staff>"


def scoring() -> Scoring:
    handle: Scoring = service()
    return handle


def wait_for_records() -> None:
    """Before a request is answered: wait until the records hold what its `Cchc-Wait-For` names."""
    wait_for_header(scoring().reached)


def answer(found: Answer[Any], **more: Any) -> flask.Response:
    """Every answer names the positions and the evaluation date it used; asking by both gives the same bytes."""
    of = found.known
    return as_json(
        {"commune": of.records.commune, **more, "evaluated_on": of.on, "inputs": of.inputs, "result": found.result}
    )


def as_json(answer: Any) -> flask.Response:
    return flask.Response(msgspec.json.encode(answer), content_type="application/json")
