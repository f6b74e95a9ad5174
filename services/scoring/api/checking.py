"""What changed a sheet between two moments, and whether what was decided can be computed again."""

from typing import Any

from services.scoring import queries
from services.scoring.answers import AsKnown, DifferencesAsKnown, as_known, instant
from services.scoring.api.base import COMMUNE, PERSON, YEAR, scoring
from services.scoring.schemas import DifferencesQuery, RecheckQuery
from shared.web.auth import action, principal
from shared.web.schema import Blueprint

blueprint = Blueprint("checking", __name__, url_prefix=COMMUNE, description="Đối chiếu, tính lại")


@blueprint.route(f"{PERSON}/differences")
@blueprint.arguments(DifferencesQuery, location="query")
@blueprint.answers(200, DifferencesAsKnown)
@action("rating.sheet")
def read_differences(query: dict[str, Any], commune: str, year: int, staff: str) -> DifferencesAsKnown:
    """Which events, and which passing days, changed which figure between `from` and `to`."""
    found = queries.differences(scoring(), principal(), commune, year, staff, query)
    return DifferencesAsKnown(commune, instant(found.first), instant(found.last), found.result)


@blueprint.route(f"{YEAR}/recheck")
@blueprint.arguments(RecheckQuery, location="query")
@blueprint.answers(200, AsKnown[queries.Recheck])
@action("rating.recheck")
def recheck_ratings(query: dict[str, Any], commune: str, year: int) -> AsKnown[queries.Recheck]:
    """Compute decided ratings again from their pins: the sheets must come out the same, byte by byte."""
    return as_known(queries.recheck(scoring(), commune, year, query, staff=query["staff"], every=query["all"]))
