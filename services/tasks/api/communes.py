"""The commune itself, its units and its working calendars."""

from typing import Any

import flask

from services.tasks import personal, queries
from services.tasks.api.changes import add, change, record
from services.tasks.api.request import PREFIX, answer_all, answer_one, plain, service, state_of
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.organisation import DefineUnit
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.schemas import (
    CalendarBody,
    CloseCommuneBody,
    OpenCommuneBody,
    Recorded,
    RenameCommuneBody,
    SettingsBody,
    UnitBody,
)
from shared.web.answers import as_json
from shared.web.auth import action
from shared.web.changes import command_of
from shared.web.schema import Blueprint

CHANGES = (
    change("", OpenCommune, OpenCommuneBody, "Open a commune's log."),
    change("/rename", RenameCommune, RenameCommuneBody, "Another name or official code, with its legal basis."),
    change("/close", CloseCommune, CloseCommuneBody, "The commune ends; its log stays to be read."),
    change("/settings", ChooseCommuneSettings, SettingsBody, "Choose settings of the commune, with the reason."),
    change("/calendars/<int:year>", PublishCalendar, CalendarBody, "Publish a year's calendar, or a revision of it."),
)

blueprint = Blueprint("communes", __name__, url_prefix=PREFIX, description="Đơn vị, bộ phận, lịch làm việc")
add(blueprint, CHANGES)


@blueprint.route("")
@action("commune.read")
def commune_state(commune: str) -> flask.Response:
    """The commune as it is recorded."""
    return answer_one(state_of(commune, f"commune/{commune}"))


@blueprint.route("/status")
@action("commune.read")
def status(commune: str) -> flask.Response:
    """The head of the log, and how many streams of each kind and tasks of each status there are."""
    return as_json(queries.commune_status(service(), commune))


@blueprint.route("/units")
@action("unit.read")
def units(commune: str) -> flask.Response:
    """All units with their names, in the order of these."""
    return as_json({"units": [plain(unit) | {"name": name} for unit, name in queries.units(service(), commune)]})


@blueprint.route("/units/<unit>", methods=["PUT"])
@blueprint.arguments(UnitBody)
@blueprint.response(200, Recorded)
@action("unit.define", by_command=True)
def define_unit(body: dict[str, Any], commune: str, unit: str) -> Any:
    """Define a unit, or what it is from now on."""
    name = body.pop("name", None)
    return record(
        commune,
        command_of(DefineUnit, body, unit=unit),
        outside_log=lambda tx: personal.save_unit_name(tx.connection, commune, unit, name) if name else None,
    )


@blueprint.route("/calendars")
@action("calendar.read")
def calendars(commune: str) -> flask.Response:
    """The revision in force of every published year."""
    return answer_all(commune, "calendar", "calendars")


@blueprint.route("/calendars/<int:year>")
@action("calendar.read")
def calendar(commune: str, year: int) -> flask.Response:
    """One year's calendar in force."""
    return answer_one(state_of(commune, f"calendar/{year}"))
