"""The journal over HTTP: what changed outside the log, by whom, from where, the newest first."""

from datetime import date
from typing import Any

import flask
import msgspec
from marshmallow import fields, validate
from sqlalchemy import Engine

from shared.eventlog import EVERY_COMMUNE
from shared.events import PLAUSIBLE_YEARS
from shared.journal import KINDS, Wanted, entries
from shared.web.auth import action
from shared.web.openapi import LINK
from shared.web.paging import Cursor, PageQuery, page
from shared.web.refused import text_of
from shared.web.schema import Blueprint, Id

# Every service merges these into its role × action table. Nobody changes a row, so those that it watches may read it.
JOURNAL_ACTIONS = {"journal.read": frozenset({"inspector", "admin"})}

_DAY = validate.Range(date(PLAUSIBLE_YEARS[0], 1, 1), date(PLAUSIBLE_YEARS[-1], 12, 31))


class JournalQuery(PageQuery):
    cursor = Cursor(int)
    of = fields.String(
        load_default="commune",
        validate=validate.OneOf(["commune", "installation"]),
        metadata={"description": "Rows of the commune, or those that concern the whole installation"},
    )
    first = fields.Date(
        load_default=None, data_key="from", validate=_DAY, metadata={"description": "From this day (UTC+7) on"}
    )
    last = fields.Date(load_default=None, data_key="to", validate=_DAY, metadata={"description": "Until its end"})
    actor = Id(100, load_default=None, metadata={"description": "Who did it, such as staff/p14; p14 is the same"})
    kind = fields.String(
        load_default=None, validate=validate.OneOf(sorted(KINDS)), metadata={"description": "What was done, its code"}
    )


class JournalRow(msgspec.Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """Who did what, when, and `from` where: a client's address, `cli:USER` or `process`. `about` names what it concerns
    by ids, `detail` holds codes and counts; `previoushash` is the SHA-256 of the row before it, as stored."""

    commune: str
    number: int
    time: str
    actor: str
    origin: str
    kind: str
    text: str
    about: list[str]
    detail: dict[str, str | int]
    trace_id: str | None
    previoushash: str


class Journal(msgspec.Struct, frozen=True):
    """One page of a journal, the newest row first."""

    rows: list[JournalRow]


def journal_blueprint(engine: Engine) -> Blueprint:
    """/communes/{commune}/journal of the service with this database."""
    blueprint = Blueprint("journal", __name__, description="What changed outside the log")

    @blueprint.route("/communes/<commune>/journal")
    @blueprint.arguments(JournalQuery, location="query")
    @blueprint.answers(200, Journal, headers=[LINK])
    @action("journal.read")
    def list_journal(query: dict[str, Any], commune: str) -> tuple[Journal, dict[str, str]]:
        """Changes outside the log and refused attempts, the newest first."""
        of = EVERY_COMMUNE if query["of"] == "installation" else commune
        wanted = Wanted.on_days(query["first"], query["last"], actor=query["actor"], kind=query["kind"])
        [before] = query.get("cursor") or [None]
        rows, link = page(
            entries(engine, of, wanted, before=before, limit=query["limit"] + 1),
            query["limit"],
            lambda row: (row.number,),
        )
        refusals = flask.current_app.extensions["cchc.refusals"]
        return Journal([JournalRow(text=text_of(row, refusals), **msgspec.structs.asdict(row)) for row in rows]), link

    return blueprint
