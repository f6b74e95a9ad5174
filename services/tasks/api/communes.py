"""The commune itself, its units and its working calendars."""

from typing import Any

import msgspec

from services.tasks import answers, personal, queries
from services.tasks.api.changes import add, change, record
from services.tasks.api.request import PREFIX, Versioned, answer_all, answer_one, service, state_of
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.organisation import DefineUnit
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.queries import CommuneStatus
from services.tasks.schemas import (
    CalendarBody,
    CloseCommuneBody,
    OpenCommuneBody,
    Recorded,
    RenameCommuneBody,
    SettingsBody,
    UnitBody,
)
from shared.web.auth import action
from shared.web.changes import command_of
from shared.web.openapi import ETAG, IF_MATCH, KEY, POSITION
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
@blueprint.answers(200, answers.CommuneState, headers=[ETAG])
@action("commune.read")
def read_commune(commune: str) -> Versioned:
    """The commune as it is recorded."""
    return answer_one(answers.CommuneState, state_of(commune, f"commune/{commune}"))


@blueprint.route("/status")
@blueprint.answers(200, CommuneStatus)
@action("commune.status")
def read_commune_status(commune: str) -> CommuneStatus:
    """The head of the log, and how many streams of each kind and tasks of each status there are."""
    return queries.commune_status(service(), commune)


@blueprint.route("/units")
@blueprint.answers(200, answers.Units)
@action("unit.read")
def list_units(commune: str) -> msgspec.Struct:
    """All units with their names, in the order of these."""
    units = queries.units(service(), commune)
    return answers.Units(units=[answers.state(answers.UnitState, unit, name=name) for unit, name in units])


@blueprint.route("/units/<unit>", methods=["PUT"])
@blueprint.arguments(UnitBody)
@blueprint.answers(200, Recorded, headers=[ETAG, POSITION])
@blueprint.takes(IF_MATCH, KEY)
@action("unit.define", by_command=True)
def define_unit(body: dict[str, Any], commune: str, unit: str) -> Any:
    """Define a unit, or what it is from now on."""
    name = body.pop("name", None)
    return record(
        commune,
        command_of(DefineUnit, body, unit=unit),
        outside_log=lambda tx: personal.save_unit_names(tx.connection, commune, {unit: name} if name else {}),
    )


@blueprint.route("/calendars")
@blueprint.answers(200, answers.Calendars)
@action("calendar.read")
def list_calendars(commune: str) -> msgspec.Struct:
    """The revision in force of every published year."""
    return answer_all(commune, "calendar", answers.CalendarState, answers.Calendars)


@blueprint.route("/calendars/<int:year>")
@blueprint.answers(200, answers.CalendarState, headers=[ETAG])
@action("calendar.read")
def read_calendar(commune: str, year: int) -> Versioned:
    """One year's calendar in force."""
    return answer_one(answers.CalendarState, state_of(commune, f"calendar/{year}"))
