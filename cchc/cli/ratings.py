"""Ratings at the command line: a year's table, one figure unfolded to its events, as known at any moment."""

from typing import Any

import click

from cchc.cli.asking import as_of_options, ask, pins
from cchc.cli.options import with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail, table
from services.scoring.domain import sheet as sheets
from services.scoring.domain import table as tables
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.texts import EVENTS
from shared.events import local_day

SHOWN = ("n", "late", "poor", "undone", "exceeded", "f")


@click.group("rating")
def rating_command() -> None:
    """Kết quả xếp loại và giải thích."""


@rating_command.command("show")
@click.argument("staff", required=False)
@as_of_options
@with_installation
def show(installation: Installation, staff: str | None, year: int, json_output: bool, **question: Any) -> None:
    """Bảng xếp loại của một năm; hoặc phiếu của một người (STAFF)."""
    known = ask(installation, **question)
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
    click.echo(pins(known), err=True)


@rating_command.command("explain")
@click.argument("staff")
@click.option("--figure", help="Chỉ một con số (n, late, undone, f, …).")
@as_of_options
@with_installation
def explain(
    installation: Installation, staff: str, figure: str | None, year: int, json_output: bool, **question: Any
) -> None:
    """Mở một phiếu xếp loại đến từng việc và từng sự kiện."""
    known = ask(installation, **question)
    found = sheets.sheet(known.records, year, staff, on=known.on)
    if json_output:
        as_json(sheets.explain(found, figure) if figure else found)
        return
    click.echo(f"{staff} – {found.post} – năm {year}: {found.level_text} ({found.rule_set})")
    click.echo(pins(known))
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
