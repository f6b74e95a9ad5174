"""Reports of a year and of directives, as JSON or as a workbook to print."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.api.base import COMMUNE, YEAR, answer, scoring
from services.scoring.domain import reports
from services.scoring.schemas import ReportQuery
from services.scoring.views import Known
from shared.web.answers import as_xlsx, prefers_xlsx
from shared.web.auth import action
from shared.web.schema import Blueprint

blueprint = Blueprint("reports", __name__, url_prefix=COMMUNE, description="Báo cáo, số liệu tổng hợp")


@blueprint.route(f"{YEAR}/reports/people")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def people(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The year's table by person: levels, figures, tasks, and what exceeds the excellent quota."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.people_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/units")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def units(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By unit: how many people of each level, and the tasks of all who work there."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.units_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/fields")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def fields(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By field of administrative reform: tasks done, late, undone, returned, and objective causes."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.fields_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/aggregates")
@blueprint.arguments(ReportQuery, location="query")
@action("report.aggregates")
def aggregates(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """Numbers for the supervising bodies: they name and reveal nobody."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.aggregates(known.records, year, known.on), year)


@blueprint.route("/reports/directives")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def directives(query: dict[str, Any], commune: str) -> flask.Response:
    """Every directive with its tasks counted."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.directives_report(known.records, known.on))


@blueprint.route("/reports/directives/<directive>")
@blueprint.arguments(ReportQuery, location="query")
@action("report.read")
def directive(query: dict[str, Any], commune: str, directive: str) -> flask.Response:
    """The progress of a directive: all of its tasks in the order of the annex."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.directive_report(known.records, directive, known.on))


def _answer(of: Known, query: dict[str, Any], report: Any, year: int | None = None) -> flask.Response:
    as_workbook = query["format"] == "xlsx" if query["format"] else prefers_xlsx()
    response = _workbook(of, report, year) if as_workbook else answer(queries.Answer(of, report))
    response.vary.add("Accept")
    return response


def _workbook(of: Known, report: Any, year: int | None) -> flask.Response:
    from services.scoring.report_tables import xlsx

    name = flask.request.path.rpartition("/reports/")[2].replace("/", "-")
    return as_xlsx(xlsx(of, report, year), f"bao-cao-{name}-{year or of.on}.xlsx")
