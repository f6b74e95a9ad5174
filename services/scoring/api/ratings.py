"""A year's ratings as known at any moment, and their explanation."""

from collections.abc import Collection
from typing import Any

import flask
import msgspec

from services.scoring.api.answers import YEAR, answer, as_json, known, readable
from services.scoring.domain import rules, texts
from services.scoring.domain.records import commune_name
from services.scoring.domain.sheet import explain, sheet
from services.scoring.domain.table import table
from services.scoring.schemas import AsOfQuery, ExplanationQuery
from services.scoring.views import PROJECTION
from shared.events import VIETNAM, decode, parse_time
from shared.projection import all_positions
from shared.web.app import service
from shared.web.auth import action
from shared.web.schema import Blueprint, Schema

blueprint = Blueprint("ratings", __name__, url_prefix="/communes/<commune>", description="Xếp loại cuối năm")


class Years(msgspec.Struct, frozen=True):
    """Years, the latest first."""

    years: list[int]


@blueprint.route("/years")
@blueprint.answers(200, Years)
@action("rating.sheet")
def list_years(commune: str) -> Years:
    """The years in which somebody could be rated here, the latest first: since the commune's log began."""
    scoring = service()
    bodies = scoring.logs["tasks"].read(commune, 0, 1)
    if not bodies:
        return Years([])
    first = parse_time(decode(bodies[0]).time).astimezone(VIETNAM).year
    return Years(list(range(scoring.clock().astimezone(VIETNAM).year, first - 1, -1)))


@blueprint.route(f"{YEAR}/ratings")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.table")
def ratings(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The commune's table for a year: everybody's level and figures, and what exceeds the excellent quota; which
    figures are its columns, and the Vietnamese words for the codes in it."""
    found = known(commune, query)
    words = {
        "commune": commune_name(found.records),
        "levels": texts.LEVELS,
        "standings": texts.STANDINGS,
        "categories": texts.CATEGORIES,
    }
    of_year = table(found.records, year, on=found.on)
    return answer(found, commune, of_year, columns=_columns({row.rule_set for row in of_year.rows}), words=words)


def _columns(rule_sets: Collection[str]) -> list[dict[str, str]]:
    """The figures that head the columns of a table with these rule sets, as they describe them."""
    described = [rules.described(name) for name in sorted(rule_sets)]
    figures = (
        next(figure for of in described if (figure := of.figure(name)))
        for name in rules.columns(rule_sets, lambda of: of.table)
    )
    return [{"name": figure.name, "heading": figure.heading or figure.label} for figure in figures]


@blueprint.route(f"{YEAR}/ratings/<staff>")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.sheet")
def rating(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's sheet: level, figures, the arithmetic, and the events behind each."""
    found = readable(commune, staff, query)
    return answer(found, commune, sheet(found.records, year, staff, on=found.on))


@blueprint.route(f"{YEAR}/ratings/<staff>/explanation")
@blueprint.arguments(ExplanationQuery, location="query")
@action("rating.sheet")
def explanation(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """One figure of a sheet, unfolded to its tasks and events."""
    found = readable(commune, staff, query)
    return answer(found, commune, explain(sheet(found.records, year, staff, on=found.on), query["figure"]))


@blueprint.route("/status")
@blueprint.response(200, Schema.from_dict({}))
@action("scoring.status")
def status(commune: str) -> flask.Response:
    """How far the records have come in each log, and why they stand still where they do."""
    scoring = service()
    reached = all_positions(scoring.engine, PROJECTION.name).get(commune, {})
    heads = {source: log.head(commune).position for source, log in scoring.logs.items()}
    return as_json(
        {
            "positions": {source: at.position for source, at in reached.items()},
            "heads": heads,
            "parked": {source: at.parked for source, at in reached.items() if at.parked},
        }
    )
