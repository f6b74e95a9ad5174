"""What changed a sheet between two moments, and whether what was decided can be computed again."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.api.base import COMMUNE, PERSON, YEAR, answer, as_json, scoring
from services.scoring.schemas import DifferencesQuery, RecheckQuery
from shared.web.auth import action, principal
from shared.web.schema import Blueprint

blueprint = Blueprint("checking", __name__, url_prefix=COMMUNE, description="Đối chiếu, tính lại")


@blueprint.route(f"{PERSON}/differences")
@blueprint.arguments(DifferencesQuery, location="query")
@action("rating.sheet")
def differences(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """Which events, and which passing days, changed which figure between `from` and `to`."""
    found = queries.differences(scoring(), principal(), commune, year, staff, query)
    moments = {
        name: {"evaluated_on": of.on, "inputs": of.inputs} for name, of in (("from", found.first), ("to", found.last))
    }
    return as_json({"commune": commune, **moments, "result": found.result})


@blueprint.route(f"{YEAR}/recheck")
@blueprint.arguments(RecheckQuery, location="query")
@action("rating.recheck")
def recheck(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """Compute decided ratings again from their pins: the sheets must come out the same, byte by byte."""
    return answer(queries.recheck(scoring(), commune, year, query, staff=query["staff"], every=query["all"]))
