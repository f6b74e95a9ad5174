"""Ratings at the command line: a year's table, one figure unfolded to its events, as known at any moment."""

from datetime import date
from typing import Any

import click

from cchc.cli.options import commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail, table
from services.scoring.domain import sheet as sheets
from services.scoring.domain import table as tables
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.texts import EVENTS
from services.scoring.schemas import AsOfQuery
from services.scoring.views import Known, Moment, known_at, known_now, moment_at, must_have_reached
from shared.events import VIETNAM, local_day
from shared.web.schema import Schema

SHOWN = ("n", "late", "poor", "undone", "exceeded", "f")


def as_of_options(command: Any) -> Any:
    for option in (
        click.option("--on", help="Ngày đánh giá, dùng với --positions."),
        click.option("--positions", help="Đúng các vị trí này: tasks:1234,scoring:56."),
        click.option("--as-of", help="Như đã biết vào ngày (hết ngày) hoặc thời điểm này."),
        click.option("--year", type=click.IntRange(2000, 2199), required=True, help="Năm xếp loại."),
        commune_option,
        json_option,
    ):
        command = option(command)
    return command


@click.group("rating")
def rating_command() -> None:
    """Kết quả xếp loại và giải thích."""


@rating_command.command("show")
@click.argument("staff", required=False)
@as_of_options
@with_installation
def show(installation: Installation, staff: str | None, year: int, json_output: bool, **question: Any) -> None:
    """Bảng xếp loại của một năm; hoặc phiếu của một người (STAFF)."""
    known = _known(installation, **question)
    found = tables.table(known.records, year, on=known.on)
    rows = [row for row in found.rows if staff in (None, row.staff)]
    if staff and not rows:
        fail(f"{staff} không thuộc diện xếp loại năm {year}.")
    if json_output:
        as_json(rows)
        return
    table(
        ("Mã", "Chức vụ, vị trí", "Mức xếp loại", "Quy tắc", "Việc", "Trễ", "Kém", "Chưa xong", "Vượt", "Không đạt"),
        [
            (row.staff, row.post, row.level_text, row.rule_set, *(row.shown.get(name, "–") for name in SHOWN))
            for row in rows
        ],
    )
    for quota in found.quotas:
        if quota.excess and not staff:
            click.echo(
                f"Vượt tỷ lệ xuất sắc ({quota.percent} %) – {quota.name}: {quota.xuat_sac}, được {quota.limit}.",
                err=True,
            )
    click.echo(_pins(known), err=True)


@rating_command.command("explain")
@click.argument("staff")
@click.option("--figure", help="Chỉ một con số (n, late, undone, f, …).")
@as_of_options
@with_installation
def explain(
    installation: Installation, staff: str, figure: str | None, year: int, json_output: bool, **question: Any
) -> None:
    """Mở một phiếu xếp loại đến từng việc và từng sự kiện."""
    known = _known(installation, **question)
    found = sheets.sheet(known.records, year, staff, on=known.on)
    if json_output:
        as_json(sheets.explain(found, figure) if figure else found)
        return
    click.echo(f"{staff} – {found.post} – năm {year}: {found.level_text} ({found.rule_set})")
    click.echo(_pins(known))
    for step in found.steps:
        mark = "→" if step.applies else "✗"
        click.echo(f" {mark} {step.text}" + (f" ({step.article})" if step.article else ""))
    for missing in found.missing:
        click.echo(f"   còn thiếu: {missing.text}")
    explanations = [sheets.explain(found, name) for name in ([figure] if figure else found.figures)]
    for explanation in explanations:
        if figure or explanation.tasks or explanation.events:
            _unfold(explanation)


def _unfold(explanation: sheets.Explanation) -> None:
    click.echo(f"\n{explanation.text}: {explanation.shown}")
    for task in explanation.tasks:
        click.echo(f"  • {task.title}")
        for event in task.events:
            click.echo(f"      {_event(event)}")
    for event in explanation.events:
        click.echo(f"    {_event(event)}")


def _event(event: EventRef) -> str:
    """Where it stands in which log, the day in Vietnam, what happened, who typed it, its id."""
    place = f"{event.source} #{event.position}"
    return f"{place:<13} {local_day(event.time):%d/%m/%Y}  {EVENTS[event.what]} – {event.actor}  {event.id}"


def _pins(known: Known) -> str:
    pins = "; ".join(f"{pin.source} #{pin.position} {pin.hash[:12]}…" for pin in known.inputs)
    return f"Tính đến ngày {known.on:%d/%m/%Y} từ {pins}"


def _known(
    installation: Installation, commune: str | None, as_of: str | None, positions: str | None, on: str | None
) -> Known:
    from marshmallow import ValidationError

    commune = the_commune(installation, commune)
    given = {"as_of": as_of, "positions": positions, "on": on}
    schema: Schema = AsOfQuery()
    try:
        query = schema.load({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        fail(f"--{next(iter(error.normalized_messages())).replace('_', '-')}: {error.messages}")
    scoring = installation.scoring
    if query["positions"]:
        must_have_reached(scoring.logs, commune, query["positions"])
        return known_at(scoring.logs, commune, Moment(query["positions"], query["on"]))
    if query["as_of"]:
        return known_at(scoring.logs, commune, moment_at(scoring.logs, commune, query["as_of"]))
    today: date = installation.clock().astimezone(VIETNAM).date()
    return known_now(scoring.engine, scoring.logs, commune, today)
