"""Ratings: the year's table, and the printed sheet as the scoring service makes it."""

from collections.abc import Mapping
from datetime import date

import flask
import msgspec
from werkzeug.wrappers import Response

from shared.web.auth import action
from web.page import api, page

# Years in which somebody is rated; others are no address.
YEAR = "/communes/<commune>/years/<int(min=2000, max=2199):year>"

blueprint = flask.Blueprint("ratings", __name__)


class Row(msgspec.Struct):
    staff: str
    post: str
    rule_set: str
    level: str
    level_text: str
    computed_level: str
    standing: str
    shown: Mapping[str, str]
    missing: list[str]


class Quota(msgspec.Struct):
    name: str
    percent: int
    xuat_sac: int
    limit: int
    excess: int


class Table(msgspec.Struct):
    year: int
    rows: list[Row]
    quotas: list[Quota]


class Words(msgspec.Struct):
    """The Vietnamese words for the codes in a table."""

    levels: Mapping[str, str]
    standings: Mapping[str, str]
    categories: Mapping[str, str]


class Column(msgspec.Struct):
    """A figure that heads a column."""

    name: str
    heading: str


class Pin(msgspec.Struct):
    source: str
    position: int
    hash: str


class Ratings(msgspec.Struct):
    """The table of a commune, called `name`, as of a moment: `inputs` are the positions that it was made of."""

    evaluated_on: date
    inputs: list[Pin]
    name: str
    result: Table
    columns: list[Column]
    words: Words


@blueprint.get(YEAR)
@action("ratings.year")
def year(commune: str, year: int) -> Response:
    """The ratings of a year as a plain table."""
    asked = flask.request.args.to_dict(flat=False)
    ratings = api("scoring").get("communes", commune, "years", year, "ratings", params=asked).read(Ratings)
    return page(
        "ratings/year.html",
        commune=commune,
        ratings=ratings,
        table=ratings.result,
        columns=ratings.columns,
        words=ratings.words,
        moment=asked,
    )


@blueprint.get(f"{YEAR}/ratings/<staff>/sheet")
@action("ratings.sheet")
def sheet(commune: str, year: int, staff: str) -> Response:
    """A person's sheet for paper. It is the service's page, byte for byte, with the service's own policy."""
    asked = flask.request.args.to_dict(flat=False)
    answer = api("scoring").get("communes", commune, "years", year, "ratings", staff, "sheet", params=asked)
    response = flask.Response(answer.body, content_type=answer.headers["content-type"])
    response.headers["Content-Security-Policy"] = answer.headers["content-security-policy"]
    return response
