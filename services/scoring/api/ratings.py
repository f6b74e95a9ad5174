"""A year's ratings as known at any moment: the table, a person's sheet, its explanation, and the sheet for paper."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.api.base import COMMUNE, PERSON, YEAR, answer, as_json, scoring
from services.scoring.documents.sheet import PAPERS, printed_sheet
from services.scoring.domain.texts import CATEGORIES, LEVELS, STANDINGS
from services.scoring.schemas import AsOfQuery, ExplanationQuery
from shared.records import commune_name
from shared.web.auth import action, principal
from shared.web.schema import Blueprint, Schema

blueprint = Blueprint("ratings", __name__, url_prefix=COMMUNE, description="Xếp loại cuối năm")
# What the codes in a table mean, for whoever shows it.
WORDS = {"levels": LEVELS, "standings": STANDINGS, "categories": CATEGORIES}


@blueprint.route("/years")
@blueprint.answers(200, queries.Years)
@action("rating.sheet")
def list_years(commune: str) -> queries.Years:
    """The years in which somebody could be rated here."""
    return queries.years(scoring(), commune)


@blueprint.route(f"{YEAR}/ratings")
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.table")
def ratings(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The commune's table for a year: everybody's level and figures, and what exceeds the excellent quota; which
    figures are its columns, and the Vietnamese words for the codes in it."""
    found = queries.year_table(scoring(), commune, year, query)
    columns = queries.table_columns(found.result)
    return answer(found, name=commune_name(found.known.records), words=WORDS, columns=columns)


@blueprint.route(PERSON)
@blueprint.arguments(AsOfQuery, location="query")
@action("rating.sheet")
def rating(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's sheet: level, figures, the arithmetic, and the events behind each."""
    return answer(queries.person_sheet(scoring(), principal(), commune, year, staff, query))


@blueprint.route(f"{PERSON}/explanation")
@blueprint.arguments(ExplanationQuery, location="query")
@action("rating.sheet")
def explanation(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """One figure of a sheet, unfolded to its tasks and events."""
    return answer(queries.explanation(scoring(), principal(), commune, year, staff, query["figure"], query))


@blueprint.route(f"{PERSON}/sheet")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.response(200, content_type="text/html")
@action("rating.sheet")
def paper(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
    """A person's sheet as HTML for paper, with the events behind each figure and the signed checkpoints."""
    page = printed_sheet(scoring(), principal(), commune, year, staff, query)
    response = flask.Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAPERS.policy
    return response


@blueprint.route("/status")
@blueprint.response(200, Schema.from_dict({}))
@action("scoring.status")
def status(commune: str) -> flask.Response:
    """How far the records have come in each log, and why they stand still where they do."""
    return as_json(queries.status(scoring(), commune))
