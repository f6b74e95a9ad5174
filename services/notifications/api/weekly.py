"""The week for the leaders and the month for the supervising bodies: as JSON, as workbooks, as pages for paper."""

from datetime import date
from typing import Any

import flask
import msgspec
from marshmallow import fields, validate

from services.notifications import weekly
from services.notifications.api.slips import contacts
from services.notifications.domain.weekly import Month, Week
from services.notifications.schemas import Day
from shared.eventlog import reading
from shared.web.app import service
from shared.web.auth import action
from shared.web.positions import wait_for_header
from shared.web.schema import Blueprint, Schema

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MONTH = r"(19|20|21)\d\d-(0[1-9]|1[0-2])\Z"

blueprint = Blueprint("weekly", __name__, url_prefix="/communes/<commune>", description="Báo cáo tuần, số liệu tháng")


class WeekQuery(Schema):
    """Nothing = as it stands now; `on` = as it stood at the end of that day."""

    on = Day(load_default=None)


class MonthQuery(Schema):
    """Nothing = the month that ended last."""

    month = fields.String(load_default=None, validate=validate.Regexp(MONTH, error="Ghi tháng dạng 2024-06."))


@blueprint.route("/weekly")
@blueprint.arguments(WeekQuery, location="query")
@action("weekly.read")
def week(query: dict[str, Any], commune: str) -> flask.Response:
    """The week by person and by field, and all that is late with who knows of it."""
    return _json(_week(query, commune))


@blueprint.route("/weekly.xlsx")
@blueprint.arguments(WeekQuery, location="query")
@action("weekly.read")
def week_workbook(query: dict[str, Any], commune: str) -> flask.Response:
    """The week as a workbook."""
    found = _week(query, commune)
    return _xlsx(weekly.document(found, contacts(commune)), f"bao-cao-tuan-{found.week}.xlsx")


@blueprint.route("/weekly.html")
@blueprint.arguments(WeekQuery, location="query")
@action("weekly.read")
def week_page(query: dict[str, Any], commune: str) -> flask.Response:
    """The week to print on A4."""
    return _page(weekly.week_page(_week(query, commune), contacts(commune)))


@blueprint.route("/monthly")
@blueprint.arguments(MonthQuery, location="query")
@action("monthly.read")
def month(query: dict[str, Any], commune: str) -> flask.Response:
    """A month in numbers by field; nobody is named."""
    return _json(_month(query, commune))


@blueprint.route("/monthly.xlsx")
@blueprint.arguments(MonthQuery, location="query")
@action("monthly.read")
def month_workbook(query: dict[str, Any], commune: str) -> flask.Response:
    """A month as a workbook."""
    found = _month(query, commune)
    return _xlsx(weekly.document(found, {}), f"so-lieu-thang-{found.month}.xlsx")


@blueprint.route("/monthly.html")
@blueprint.arguments(MonthQuery, location="query")
@action("monthly.read")
def month_page(query: dict[str, Any], commune: str) -> flask.Response:
    """A month to print on A4."""
    return _page(weekly.month_page(_month(query, commune)))


def _week(query: dict[str, Any], commune: str) -> Week:
    wait_for_header(service().reached)
    with reading(service().engine, commune) as connection:
        return weekly.read_week(connection, commune, service().clock(), query["on"])


def _month(query: dict[str, Any], commune: str) -> Month:
    wait_for_header(service().reached)
    now = service().clock()
    first = date.fromisoformat(f"{query['month']}-01") if query["month"] else weekly.last_month(now)
    with reading(service().engine, commune) as connection:
        return weekly.read_month(connection, commune, now, first)


def _json(found: Week | Month) -> flask.Response:
    return flask.Response(msgspec.json.encode(found), content_type="application/json")


def _xlsx(body: bytes, name: str) -> flask.Response:
    response = flask.Response(body, content_type=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _page(body: str) -> flask.Response:
    response = flask.make_response(body)
    response.headers["Content-Security-Policy"] = weekly.policy()
    return response
