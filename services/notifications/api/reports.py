"""The week for the leaders and the month for the supervising bodies: as JSON, as workbooks, as A4 pages."""

from datetime import date
from typing import Any

import flask

from services.notifications import queries
from services.notifications.access import ACTIONS
from services.notifications.api.handle import notifications
from services.notifications.documents import reports
from services.notifications.domain.weekly import Month, Week
from services.notifications.schemas import MonthQuery, WeekQuery
from shared.disclosure import sees_published_only
from shared.web.answers import HTML, XLSX, as_xlsx
from shared.web.auth import action, principal
from shared.web.openapi import FILE_NAME
from shared.web.positions import wait_for_header
from shared.web.schema import Blueprint

blueprint = Blueprint("reports", __name__, url_prefix="/communes/<commune>", description="Báo cáo tuần, số liệu tháng")


@blueprint.route("/weekly")
@blueprint.arguments(WeekQuery, location="query")
@blueprint.answers(200, Week)
@action("weekly.read")
def read_week(query: dict[str, Any], commune: str) -> Week:
    """The week by person and by field, and all that is late with who knows of it."""
    return _week(query, commune)


@blueprint.route("/weekly.xlsx")
@blueprint.arguments(WeekQuery, location="query")
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("weekly.read")
def download_week(query: dict[str, Any], commune: str) -> flask.Response:
    """The week as a workbook."""
    report = _week(query, commune)
    names = queries.contacts(notifications(), commune)
    return as_xlsx(reports.document(report, names), f"bao-cao-tuan-{report.week}.xlsx")


@blueprint.route("/weekly.html")
@blueprint.arguments(WeekQuery, location="query")
@blueprint.answers(200, media=HTML)
@action("weekly.read")
def print_week(query: dict[str, Any], commune: str) -> flask.Response:
    """The week to print on A4."""
    return _page(reports.week_page(_week(query, commune), queries.contacts(notifications(), commune)))


@blueprint.route("/monthly")
@blueprint.arguments(MonthQuery, location="query")
@blueprint.answers(200, Month)
@action("monthly.read")
def read_month(query: dict[str, Any], commune: str) -> Month:
    """A month in numbers by field; nobody is named. A supervisor gets months that are over, without numbers of few."""
    return _month(query, commune)


@blueprint.route("/monthly.xlsx")
@blueprint.arguments(MonthQuery, location="query")
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@action("monthly.read")
def download_month(query: dict[str, Any], commune: str) -> flask.Response:
    """A month as a workbook."""
    report = _month(query, commune)
    return as_xlsx(reports.document(report, {}), f"so-lieu-thang-{report.month}.xlsx")


@blueprint.route("/monthly.html")
@blueprint.arguments(MonthQuery, location="query")
@blueprint.answers(200, media=HTML)
@action("monthly.read")
def print_month(query: dict[str, Any], commune: str) -> flask.Response:
    """A month to print on A4."""
    return _page(reports.month_page(_month(query, commune)))


def _week(query: dict[str, Any], commune: str) -> Week:
    wait_for_header(notifications().reached)
    return queries.week(notifications(), commune, query["on"])


def _month(query: dict[str, Any], commune: str) -> Month:
    wait_for_header(notifications().reached)
    first = date.fromisoformat(f"{query['month']}-01") if query["month"] else None
    if sees_published_only(principal().roles, ACTIONS["monthly.read"]):
        return queries.published_month(notifications(), commune, first)
    return queries.month(notifications(), commune, first)


def _page(body: str) -> flask.Response:
    response = flask.make_response(body)
    response.headers["Content-Security-Policy"] = reports.PAPERS.policy
    return response
