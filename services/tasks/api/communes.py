"""The commune itself, its units and its working calendars."""

from typing import Any

import flask
from sqlalchemy import func, select

from services.tasks import beside, views
from services.tasks.api import reading as read
from services.tasks.api.recording import PREFIX, Change, add, command_of, record, tasks
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, OpenCommune, RenameCommune
from services.tasks.domain.organisation import DefineUnit
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.domain.streams import STATES
from services.tasks.schemas import (
    CalendarBody,
    CloseCommuneBody,
    OpenCommuneBody,
    Recorded,
    RenameCommuneBody,
    SettingsBody,
    UnitBody,
)
from shared.eventlog import reading
from shared.vietnamese import in_order_of
from shared.web.auth import action
from shared.web.schema import Blueprint

CHANGES = (
    Change("", OpenCommune, OpenCommuneBody, "Open a commune's log."),
    Change("/rename", RenameCommune, RenameCommuneBody, "Another name or official code, with its legal basis."),
    Change("/close", CloseCommune, CloseCommuneBody, "The commune ends; its log stays to be read."),
    Change("/settings", ChooseCommuneSettings, SettingsBody, "Choose settings of the commune, with the reason."),
    Change("/calendars/<int:year>", PublishCalendar, CalendarBody, "Publish a year's calendar, or a revision of it."),
)


def blueprint() -> Blueprint:
    communes = Blueprint("communes", __name__, url_prefix=PREFIX, description="Đơn vị, bộ phận, lịch làm việc")
    add(communes, CHANGES)

    @communes.route("")
    @action("commune.read")
    def commune_state(commune: str) -> flask.Response:
        """The commune as it is recorded."""
        with reading(tasks().engine, commune) as connection:
            return read.answer_one(read.stored(connection, commune, f"commune/{commune}"))

    @communes.route("/status")
    @action("commune.read")
    def status(commune: str) -> flask.Response:
        """The head of the log, and how many streams of each kind and tasks of each status there are."""
        table = views.states.c
        with reading(tasks().engine, commune) as connection:
            rows = connection.execute(
                select(table.kind, table.status, func.count())
                .where(table.commune == commune, table.kind.in_(STATES))
                .group_by(table.kind, table.status)
                .order_by(table.kind, table.status)
            ).all()
        streams: dict[str, int] = {}
        for kind, _, count in rows:
            streams[kind] = streams.get(kind, 0) + count
        by_status = {state: count for kind, state, count in rows if kind == "task"}
        return read.answer({"head": tasks().log.head(commune), "streams": streams, "tasks": by_status})

    @communes.route("/units")
    @action("unit.read")
    def units(commune: str) -> flask.Response:
        """All units, with the names that lie beside the log, and in the order of these."""
        with reading(tasks().engine, commune) as connection:
            names = beside.unit_names_of(connection, commune)
            found = views.all_of(connection, commune, "unit")
        ordered = in_order_of(names, found, lambda unit: str(unit.state.unit))
        listed = [read.plain(unit) | {"name": names.get(unit.state.unit)} for unit in ordered]
        return read.answer({"units": listed})

    @communes.route("/units/<unit>", methods=["PUT"])
    @communes.arguments(UnitBody)
    @communes.response(200, Recorded)
    @action("unit.define")
    def define_unit(body: dict[str, Any], commune: str, unit: str) -> Any:
        """Define a unit, or what it is from now on."""
        name = body.pop("name", None)
        return record(
            commune,
            command_of(DefineUnit, body, unit=unit),
            beside=lambda tx: beside.save_unit_name(tx.connection, commune, unit, name) if name else None,
        )

    @communes.route("/calendars")
    @action("calendar.read")
    def calendars(commune: str) -> flask.Response:
        """The revision in force of every published year."""
        with reading(tasks().engine, commune) as connection:
            found = views.all_of(connection, commune, "calendar")
        return read.answer({"calendars": [read.plain(year) for year in found]})

    @communes.route("/calendars/<int:year>")
    @action("calendar.read")
    def calendar(commune: str, year: int) -> flask.Response:
        """One year's calendar in force."""
        with reading(tasks().engine, commune) as connection:
            return read.answer_one(read.stored(connection, commune, f"calendar/{year}"))

    return communes
