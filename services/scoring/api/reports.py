"""Reports of a year and of directives, as JSON or as a workbook to print."""

from typing import Any

import flask
from werkzeug.datastructures import MIMEAccept

from services.scoring import queries
from services.scoring.api.base import COMMUNE, YEAR, answer, scoring
from services.scoring.domain import reports
from services.scoring.schemas import ReportQuery
from services.scoring.views import Known
from shared.web.auth import action
from shared.web.schema import Blueprint

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

blueprint = Blueprint("reports", __name__, url_prefix=COMMUNE, description="Báo cáo, số liệu tổng hợp")


@blueprint.route(f"{YEAR}/reports/people")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def people(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The year's table by person: levels, figures, tasks, and what exceeds the excellent quota."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.people_report(found.records, year, found.on), year)


@blueprint.route(f"{YEAR}/reports/units")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def units(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By unit: how many people of each level, and the tasks of all who work there."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.units_report(found.records, year, found.on), year)


@blueprint.route(f"{YEAR}/reports/fields")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def fields(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By field of administrative reform: tasks done, late, undone, returned, and objective causes."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.fields_report(found.records, year, found.on), year)


@blueprint.route(f"{YEAR}/reports/aggregates")
@blueprint.arguments(ReportQuery, location="query")
@action("report.aggregates")
def aggregates(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """Numbers for the supervising bodies: nobody is named or can be told from them."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.aggregates(found.records, year, found.on), year)


@blueprint.route("/reports/directives")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def directives(query: dict[str, Any], commune: str) -> flask.Response:
    """Every directive with its tasks counted."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.directives_report(found.records, found.on))


@blueprint.route("/reports/directives/<directive>")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def directive(query: dict[str, Any], commune: str, directive: str) -> flask.Response:
    """The progress of a directive: all of its tasks in the order of the annex."""
    found = queries.known(scoring(), commune, query)
    return _answer(found, query, reports.directive_report(found.records, directive, found.on))


def _answer(of: Known, query: dict[str, Any], report: Any, year: int | None = None) -> flask.Response:
    wanted = query["format"] or _accepted(flask.request.accept_mimetypes)
    response = _workbook(of, report, year) if wanted == "xlsx" else answer(queries.Answer(of, report))
    response.vary.add("Accept")
    return response


def _accepted(accept: MIMEAccept) -> str:
    return "xlsx" if accept.best_match([JSON, XLSX], default=JSON) == XLSX else "json"


def _workbook(of: Known, report: Any, year: int | None) -> flask.Response:
    from services.scoring.report_tables import xlsx

    response = flask.Response(xlsx(of, report, year), content_type=XLSX)
    name = flask.request.path.rpartition("/reports/")[2].replace("/", "-")
    filename = f"bao-cao-{name}-{year or of.on}.xlsx"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
