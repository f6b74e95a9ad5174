"""What changed a sheet between two moments, and whether what was decided can be computed again."""

from typing import Any

import flask

from services.scoring.api.answers import YEAR, answer, as_json, known, readable
from services.scoring.comparing import DifferencesQuery, compare
from services.scoring.recheck import recheck as computed_again
from services.scoring.schemas import RecheckQuery
from shared.web.app import service
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("replaying", __name__, url_prefix="/communes/<commune>", description="Đối chiếu, tính lại")
NOW = {"as_of": None, "positions": None, "on": None}


@blueprint.route(f"{YEAR}/ratings/<staff>/differences")
@blueprint.arguments(DifferencesQuery, location="query")
@action("rating.sheet")
def differences(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """Which events, and which passing days, changed which figure between `from` and `to`."""
    readable(commune, staff, NOW)
    scoring = service()
    found = compare(scoring.logs, commune, year, staff, query, scoring.clock())
    moments = {
        name: {"evaluated_on": of.on, "inputs": of.inputs} for name, of in (("from", found.first), ("to", found.last))
    }
    return as_json({"commune": commune, **moments, "result": found.result})


@blueprint.route(f"{YEAR}/recheck")
@blueprint.arguments(RecheckQuery, location="query")
@action("rating.recheck")
def recheck(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """Compute decided ratings again from their pins: the sheets must come out the same, byte by byte."""
    found = known(commune, query)
    logs = service().logs
    checked = computed_again(logs, commune, found.records, year, staff=query["staff"], every=query["all"])
    return answer(found, commune, {"ok": all(one.ok for one in checked), "checked": checked})
