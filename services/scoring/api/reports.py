"""Reports of a year and of directives, as JSON or as a workbook to print."""

from typing import Any

import flask

from services.scoring import queries
from services.scoring.access import ACTIONS
from services.scoring.answers import AsKnown, as_known
from services.scoring.api.base import COMMUNE, YEAR, scoring
from services.scoring.domain import reports
from services.scoring.schemas import ReportQuery
from services.scoring.views import Known
from shared.disclosure import sees_published_only
from shared.web.answers import XLSX, as_json, as_xlsx, prefers_xlsx
from shared.web.auth import action, principal
from shared.web.openapi import FILE_NAME
from shared.web.schema import Blueprint

blueprint = Blueprint("reports", __name__, url_prefix=COMMUNE, description="Báo cáo, số liệu tổng hợp")


@blueprint.route(f"{YEAR}/reports/people")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.PeopleReport])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.read")
def report_people(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """The year's table by person: levels, figures, tasks, and what exceeds the excellent quota."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.people_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/units")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.UnitsReport])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.read")
def report_units(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By unit: how many people of each level, and the tasks of all who work there."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.units_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/fields")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.FieldsReport])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.read")
def report_fields(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """By field of administrative reform: tasks done, late, undone, returned, and objective causes."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.fields_report(known.records, year, known.on), year)


@blueprint.route(f"{YEAR}/reports/aggregates")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.Aggregates])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.aggregates")
def report_aggregates(query: dict[str, Any], commune: str, year: int) -> flask.Response:
    """Numbers for the supervising bodies: they name and reveal nobody. A supervisor gets the levels, as they stood at
    the year's first publication."""
    if sees_published_only(principal().roles, ACTIONS["report.aggregates"]):
        known = queries.published(scoring(), commune, year, query)
        return _answer(known, query, reports.published_levels(known.records, year, known.on), year)
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.aggregates(known.records, year, known.on), year)


@blueprint.route("/reports/directives")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.DirectivesReport])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.read")
def report_directives(query: dict[str, Any], commune: str) -> flask.Response:
    """Every directive with its tasks counted."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.directives_report(known.records, known.on))


@blueprint.route("/reports/directives/<directive>")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.answers(200, AsKnown[reports.DirectiveReport])
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("report.read")
def report_directive(query: dict[str, Any], commune: str, directive: str) -> flask.Response:
    """The progress of a directive: all of its tasks in the order of the annex."""
    known = queries.known(scoring(), commune, query)
    return _answer(known, query, reports.directive_report(known.records, directive, known.on))


def _answer(of: Known, query: dict[str, Any], report: Any, year: int | None = None) -> flask.Response:
    as_workbook = query["format"] == "xlsx" if query["format"] else prefers_xlsx()
    response = _workbook(of, report, year) if as_workbook else as_json(as_known(queries.Answer(of, report)))
    response.vary.add("Accept")
    return response


def _workbook(of: Known, report: Any, year: int | None) -> flask.Response:
    from services.scoring.report_tables import xlsx

    name = flask.request.path.rpartition("/reports/")[2].replace("/", "-")
    return as_xlsx(xlsx(of, report, year), f"bao-cao-{name}-{year or of.on}.xlsx")
