"""A year's ratings as known at any moment: the table, a person's sheet, its explanation, and the sheet for paper."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.answers import FlaggedAsKnown, TableAsKnown, flagged, table
from services.scoring.api.base import COMMUNE, PERSON, YEAR, scoring
from services.scoring.documents.sheet import PAPERS, printed_sheet
from services.scoring.domain.sheet import Explanation, Sheet
from services.scoring.domain.texts import CATEGORIES, LEVELS, STANDINGS
from services.scoring.schemas import AsOfQuery, ExplanationQuery
from shared.web.answers import HTML
from shared.web.auth import action, principal
from shared.web.schema import Blueprint

blueprint = Blueprint("ratings", __name__, url_prefix=COMMUNE, description="Xếp loại cuối năm")
# The words for the codes in a table.
WORDS = {"levels": LEVELS, "standings": STANDINGS, "categories": CATEGORIES}


@blueprint.route("/years")
@blueprint.answers(200, queries.Years)
@action("rating.sheet")
def list_years(commune: str) -> queries.Years:
    """The years in which somebody could be rated here."""
    return queries.years(scoring(), commune)


@blueprint.route(f"{YEAR}/ratings")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, TableAsKnown)
@action("rating.table")
def read_ratings(query: dict[str, Any], commune: str, year: int) -> TableAsKnown:
    """The commune's table for a year: everybody's level and figures, and what exceeds the excellent quota; which
    figures are its columns, and the Vietnamese words for the codes in it."""
    found = queries.year_table(scoring(), commune, year, query)
    return table(found, queries.table_columns(found.result), WORDS)


@blueprint.route(PERSON)
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, FlaggedAsKnown[Sheet])
@action("rating.sheet")
def read_rating(query: dict[str, Any], commune: str, year: int, staff: str) -> FlaggedAsKnown[Sheet]:
    """A person's sheet: level, figures, the arithmetic, and the events behind each; beside it the flags."""
    return flagged(queries.person_sheet(scoring(), principal(), commune, year, staff, query))


@blueprint.route(f"{PERSON}/explanation")
@blueprint.arguments(ExplanationQuery, location="query")
@blueprint.answers(200, FlaggedAsKnown[Explanation])
@action("rating.sheet")
def explain_figure(query: dict[str, Any], commune: str, year: int, staff: str) -> FlaggedAsKnown[Explanation]:
    """One figure of a sheet, unfolded to its tasks and events, with their flags."""
    return flagged(queries.explanation(scoring(), principal(), commune, year, staff, query["figure"], query))


@blueprint.route(f"{PERSON}/sheet")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.answers(200, media=HTML)
@action("rating.sheet")
def print_sheet(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's sheet as HTML for paper, with the events behind each figure and the signed checkpoints."""
    page = printed_sheet(scoring(), principal(), commune, year, staff, query)
    response = flask.Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAPERS.policy
    return response


@blueprint.route("/status")
@blueprint.answers(200, queries.RecordsStatus)
@action("scoring.status")
def read_commune_status(commune: str) -> queries.RecordsStatus:
    """How far the records have come in each log, and why they stand still where they do."""
    return queries.status(scoring(), commune)
