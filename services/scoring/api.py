"""Scoring over HTTP: a year's ratings as known at any moment, their explanation, and what people record for them."""

from datetime import datetime
from typing import Any

import flask
import msgspec

from services.scoring.commands import Decide, execute
from services.scoring.domain.assessment import (
    AssessCommon,
    ChooseSettings,
    RecordUnitResult,
    assess_common,
    choose_settings,
    record_unit_result,
)
from services.scoring.domain.readers import may_read
from services.scoring.domain.sheet import explain, sheet
from services.scoring.domain.table import table
from services.scoring.schemas import AsOfQuery, CommonBody, ExplanationQuery, Recorded, SettingsBody, UnitResultBody
from services.scoring.views import PROJECTION, Known, Moment, known_at, known_now, moment_at, must_have_reached
from shared.events import VIETNAM, UnitFigures
from shared.projection import all_positions
from shared.refusal import Refused
from shared.web.app import service
from shared.web.auth import action, principal
from shared.web.idempotency import idempotency_key
from shared.web.positions import recorded_at, wait_for_header
from shared.web.schema import Blueprint, Schema

# Years in which somebody is rated; others are no address.
YEAR = "/years/<int(min=2000, max=2199):year>"

blueprint = Blueprint("ratings", __name__, url_prefix="/communes/<commune>", description="Xếp loại cuối năm")


@blueprint.route(f"{YEAR}/ratings")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.table")
def ratings(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The commune's table for a year: everybody's level and figures, and what exceeds the excellent quota."""
    known = _known(commune, query)
    return _answer(known, commune, table(known.records, year, on=known.on))


@blueprint.route(f"{YEAR}/ratings/<staff>")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.sheet")
def rating(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's sheet: level, figures, the arithmetic, and the events behind each."""
    known = _readable(commune, staff, query)
    return _answer(known, commune, sheet(known.records, year, staff, on=known.on))


@blueprint.route(f"{YEAR}/ratings/<staff>/explanation")
@blueprint.arguments(ExplanationQuery, location="query")
@action("rating.sheet")
def explanation(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """One figure of a sheet, unfolded to its tasks and events."""
    known = _readable(commune, staff, query)
    return _answer(known, commune, explain(sheet(known.records, year, staff, on=known.on), query["figure"]))


@blueprint.route(f"{YEAR}/settings", methods=["POST"])
@blueprint.arguments(SettingsBody)
@blueprint.response(201, Recorded)
@action("rating.settings")
def settings(body: dict[str, Any], commune: str, year: int) -> Any:
    """Choose settings of a rating year, with the reason."""
    return _record(commune, choose_settings, ChooseSettings(year=year, **body))


@blueprint.route(f"{YEAR}/ratings/<staff>/common", methods=["POST"])
@blueprint.arguments(CommonBody)
@blueprint.response(201, Recorded)
@action("rating.common")
def common(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Record common criteria k1…k4: one's own assessment, or the confirmation by the competent person."""
    return _record(commune, assess_common, AssessCommon(year=year, staff=staff, **body))


@blueprint.route(f"{YEAR}/units/<unit>/result", methods=["POST"])
@blueprint.arguments(UnitResultBody)
@blueprint.response(201, Recorded)
@action("rating.unit_result")
def unit_result(body: dict[str, Any], commune: str, year: int, unit: str) -> Any:
    """Record a unit's year, on which its leaders' ratings rest."""
    by = body.pop("by")
    return _record(
        commune, record_unit_result, RecordUnitResult(unit=unit, year=year, by=by, figures=UnitFigures(**body))
    )


@blueprint.route("/status")
@blueprint.response(200, Schema.from_dict({}))
@action("scoring.status")
def status(commune: str) -> flask.Response:
    """How far the records have come in each log, and why they stand still where they do."""
    scoring = service()
    reached = all_positions(scoring.engine, PROJECTION.name).get(commune, {})
    heads = {source: log.head(commune).position for source, log in scoring.logs.items()}
    return _json(
        {
            "positions": {source: at.position for source, at in reached.items()},
            "heads": heads,
            "parked": {source: at.parked for source, at in reached.items() if at.parked},
        }
    )


def _known(commune: str, query: dict[str, Any]) -> Known:
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


def _readable(commune: str, staff: str, query: dict[str, Any]) -> Known:
    """A sheet is read by its person, tracker, rater, the Office and inspectors."""
    known = _known(commune, query)
    if staff not in known.records.people:
        raise Refused("staff-unknown", staff=staff)
    asking = principal()
    if not may_read(known.records, staff, asking.staff, asking.roles, known.on):
        raise Refused("sheet-of-another", staff=staff)
    return known


def _answer(known: Known, commune: str, result: Any) -> flask.Response:
    """Every answer names the positions and the evaluation date it used; asking by both gives the same bytes."""
    return _json({"commune": commune, "evaluated_on": known.on, "inputs": known.inputs, "result": result})


def _json(answer: Any) -> flask.Response:
    return flask.Response(msgspec.json.encode(answer), content_type="application/json")


def _record(commune: str, decide: Decide, command: Any) -> Any:
    log = service().logs["scoring"]
    done = execute(log, commune, principal().actor, decide, command, key=idempotency_key())
    return {"commune": done.commune, "position": done.position}, recorded_at("scoring", commune, done.position)
