"""What people record for a rating year."""

from typing import Any

from services.scoring.api.base import COMMUNE, YEAR
from services.scoring.api.steps import record
from services.scoring.domain.assessment import (
    AssessCommon,
    ChooseSettings,
    RecordUnitResult,
    assess_common,
    choose_settings,
    record_unit_result,
)
from services.scoring.schemas import CommonBody, Recorded, SettingsBody, UnitResultBody
from shared.events import UnitFigures
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("recording", __name__, url_prefix=COMMUNE, description="Ghi nhận cho năm xếp loại")


@blueprint.route(f"{YEAR}/settings", methods=["POST"])
@blueprint.arguments(SettingsBody)
@blueprint.response(201, Recorded)
@action("rating.settings")
def settings(body: dict[str, Any], commune: str, year: int) -> Any:
    """Choose settings of a rating year, with the reason."""
    return record(commune, choose_settings, ChooseSettings(year=year, **body))


@blueprint.route(f"{YEAR}/ratings/<staff>/common", methods=["POST"])
@blueprint.arguments(CommonBody)
@blueprint.response(201, Recorded)
@action("rating.common")
def common(body: dict[str, Any], commune: str, year: int, staff: str) -> Any:
    """Record common criteria k1…k4: one's own assessment, or the confirmation by the competent person."""
    return record(commune, assess_common, AssessCommon(year=year, staff=staff, **body))


@blueprint.route(f"{YEAR}/units/<unit>/result", methods=["POST"])
@blueprint.arguments(UnitResultBody)
@blueprint.response(201, Recorded)
@action("rating.unit_result")
def unit_result(body: dict[str, Any], commune: str, year: int, unit: str) -> Any:
    """Record a unit's year, on which its leaders' ratings rest."""
    by = body.pop("by")
    return record(
        commune, record_unit_result, RecordUnitResult(unit=unit, year=year, by=by, figures=UnitFigures(**body))
    )
