"""What all parts of the API do alike: find the records that a question is about, answer, record."""

from datetime import datetime
from typing import Any

import flask
import msgspec

from services.scoring.commands import Decide, Judge, execute, judge, must_be_up_to_date
from services.scoring.domain.readers import may_read, may_read_opinion
from services.scoring.texts import TEXTS
from services.scoring.views import Known, Moment, known_at, known_now, moment_at, must_have_reached
from shared.events import VIETNAM
from shared.refusal import Refused
from shared.web.app import service
from shared.web.auth import principal
from shared.web.idempotency import idempotency_key
from shared.web.positions import recorded_at, wait_for_header
from shared.web.problems import fill

# Years in which somebody is rated; others are no address.
YEAR = "/years/<int(min=2000, max=2199):year>"


def known(commune: str, query: dict[str, Any]) -> Known:
    """The records that the question is about. Raises Refused for positions that the logs do not have yet."""
    scoring = service()
    if query["positions"]:
        must_have_reached(scoring.logs, commune, query["positions"])
        return known_at(scoring.logs, commune, Moment(query["positions"], query["on"]))
    if query["as_of"]:
        return known_at(scoring.logs, commune, moment_at(scoring.logs, commune, query["as_of"]))
    wait_for_header(scoring.reached)
    now: datetime = scoring.clock()
    return known_now(scoring.engine, scoring.logs, commune, now.astimezone(VIETNAM).date())


def readable(commune: str, staff: str, query: dict[str, Any]) -> Known:
    """A sheet is read by its person, tracker, rater, the Office and inspectors."""
    found = known(commune, query)
    if staff not in found.records.people:
        raise Refused("staff-unknown", staff=staff)
    asking = principal()
    if not may_read(service().post_today(commune, staff), staff, asking.staff, asking.roles):
        raise Refused("sheet-of-another", staff=staff)
    return found


def reads_opinions(commune: str, staff: str) -> bool:
    """May the one who asks read what others said of the person?"""
    asking = principal()
    return may_read_opinion(service().post_today(commune, staff), staff, asking.staff, asking.roles)


def answer(of: Known, commune: str, result: Any, **more: Any) -> flask.Response:
    """Every answer names the positions and the evaluation date it used; asking by both gives the same bytes."""
    return as_json({"commune": commune, "evaluated_on": of.on, "inputs": of.inputs, "result": result, **more})


def as_json(answer: Any) -> flask.Response:
    return flask.Response(msgspec.json.encode(answer), content_type="application/json")


def record(commune: str, decide: Decide, command: Any) -> Any:
    log = service().logs["scoring"]
    done = execute(log, commune, principal().actor, decide, command, key=idempotency_key())
    return {"commune": done.commune, "position": done.position}, recorded_at("scoring", commune, done.position)


def record_step(commune: str, decide: Judge, command: Any, *, pins: bool = False) -> Any:
    """A step of the procedure; one that `pins` positions waits until the local logs hold all there is."""
    scoring = service()
    if pins:
        must_be_up_to_date(scoring.engine, scoring.logs, commune, scoring.owner_heads)
    done = judge(scoring.logs, commune, principal().actor, decide, command, key=idempotency_key())
    answer = {"commune": done.commune, "position": done.position}
    if done.result is not None:
        answer["result"] = done.result
    return answer, recorded_at("scoring", commune, done.position)


def why(refused: dict[str, Any]) -> str:
    """The Vietnamese text of a refusal that was not raised but told, by its `code` and `params`."""
    return fill(TEXTS[refused["code"]][1], refused["params"])
