"""Ratings at the command line: a year's table, one figure unfolded to its events, as known at any moment."""

from typing import Any

import click
import msgspec

from cchc.cli.as_of import as_of_options, ask, pins, year_option
from cchc.cli.group import Group
from cchc.cli.options import commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, as_json, fail, line, table
from services.scoring.comparing import compare
from services.scoring.domain import sheet as sheets
from services.scoring.domain import table as tables
from services.scoring.domain.differences import Change, Differences
from services.scoring.domain.flags import flags, flags_of
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.standing import since, standing
from services.scoring.domain.texts import CATEGORIES, EVENTS, FLAGS, STANDINGS
from services.scoring.recheck import recheck as computed_again
from services.scoring.schemas import DifferencesQuery
from shared.eventlog.checkpoints import checkpoints, covering
from shared.events import local_day
from shared.web.schema import Schema


@click.group("rating", cls=Group)
def rating_command() -> None:
    """Kết quả xếp loại và giải thích."""


@rating_command.command("show")
@click.argument("staff", required=False)
@as_of_options
@with_installation
def show(installation: Installation, staff: str | None, year: int, json_output: bool, **question: Any) -> None:
    """Bảng xếp loại của một năm; hoặc phiếu của một người (STAFF)."""
    known = ask(installation, **question)
    year_table = tables.table(known.records, year, on=known.on)
    rows = [row for row in year_table.rows if staff in (None, row.staff)]
    if staff and not rows:
        fail(f"{staff} không thuộc diện xếp loại năm {year}.")
    if json_output:
        as_json(rows)
        return
    columns = tables.columns(rows)
    table(
        (
            *("Mã", "Chức vụ, vị trí", "Mức xếp loại", "Tình trạng", "Quy tắc"),
            *(figure.in_terminal for figure in columns),
        ),
        [
            (
                *(row.staff, row.post, row.level_text, STANDINGS[row.standing], row.rule_set),
                *(row.shown.get(figure.name, "–") for figure in columns),
            )
            for row in rows
        ],
    )
    for quota in year_table.quotas:
        if quota.excess and not staff:
            whose = CATEGORIES.get(quota.name, quota.name) or "cả xã"
            said = f"Vượt tỷ lệ xuất sắc ({quota.percent} %) – {whose}: {quota.xuat_sac}, được {quota.limit}."
            line(said, heading=True)
    line(pins(known), heading=True)


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
    sheet = sheets.sheet(known.records, year, staff, on=known.on)
    explained = sheets.explain(sheet, figure) if figure else None
    flagged = flags(known.records, sheet)
    if explained:
        flagged = flags_of(flagged, explained.behind)
    if json_output:
        as_json(msgspec.to_builtins(explained or sheet) | {"flags": msgspec.to_builtins(flagged)})
        return
    stands = standing(known.records, year, staff)
    level = stands.level_text or sheet.level_text
    line(f"{staff} – {sheet.post} – năm {year} – {STANDINGS[stands.kind]}: {level} ({sheet.rule_set})")
    if level != sheet.level_text:
        line(f"Số liệu dưới đây tính ra: {sheet.level_text}")
    line(pins(known))
    for signed in covering(checkpoints(installation.scoring.logs.values(), known.records.commune), known.inputs):
        line(f"Điểm chốt: {signed.source} #{signed.position}, ký {signed.signed_at}, khóa {signed.key}")
    for step in sheet.steps:
        mark = "→" if step.applies else "✗"
        line(f" {mark} {step.text}" + (f" ({step.article})" if step.article else ""))
    for missing in sheet.missing:
        line(f"   còn thiếu: {missing.text}")
    if flagged:
        line("\nĐiều cần biết khi xem xét (không làm thay đổi số liệu):")
    for flag in flagged:
        line(f"    {FLAGS[flag.kind]}: {flag.text}")
        line(f"      {_event(flag.event)}")
    if behind := since(known.records, stands, sheet):
        line("\nPhát sinh sau chốt (chỉ được tính khi xếp loại lại):")
        for event in behind:
            line(f"    {_event(event)}")
    of_periods = [name for name in sheet.figures if "." in name]
    for period in sorted({name.rpartition(".")[0] for name in of_periods}):
        values = [(name.rpartition(".")[2], sheet.shown[name]) for name in of_periods if name.startswith(f"{period}.")]
        line(f"   {period}: " + ", ".join(f"{name} {shown}" for name, shown in values))
    # Of a period's figures each is unfolded when it is named.
    unfolded = [figure] if figure else [name for name in sheet.figures if name not in of_periods]
    explanations = [sheets.explain(sheet, name) for name in unfolded]
    for explanation in explanations:
        if figure or explanation.tasks or explanation.events:
            _unfold(explanation)


def _unfold(explanation: sheets.Explanation) -> None:
    line(f"\n{explanation.text}: {explanation.shown}")
    for task in explanation.tasks:
        line(f"  • {task.title}")
        for event in task.events:
            line(f"      {_event(event)}")
    for event in explanation.events:
        line(f"    {_event(event)}")


def _event(event: EventRef) -> str:
    """Where it stands in which log, the day in Vietnam, what happened, who typed it, its id."""
    place = f"{event.source} #{event.position}"
    return f"{place:<13} {local_day(event.time):%d/%m/%Y}  {EVENTS[event.what]} – {event.actor}  {event.id}"


@rating_command.command("diff")
@click.argument("staff", required=False)
@click.option("--from", "first", required=True, help="Ngày, thời điểm, hoặc tasks:12,scoring:3@2024-11-28.")
@click.option("--to", "last", help="Như --from (mặc định: bây giờ).")
@year_option
@commune_option
@json_option
@with_installation
def diff(
    installation: Installation,
    staff: str | None,
    first: str,
    last: str | None,
    year: int,
    commune: str | None,
    json_output: bool,
) -> None:
    """Sự kiện nào, ngày nào đã làm thay đổi con số nào giữa hai thời điểm, của một người (STAFF) hoặc mọi người."""
    from marshmallow import ValidationError

    commune = the_commune(installation, commune)
    schema: Schema = DifferencesQuery()
    try:
        query = schema.load({"from": first} | ({"to": last} if last else {}))
    except ValidationError as error:
        fail(f"--{next(iter(error.normalized_messages()))}: {error.messages}")
    logs, now = installation.scoring.logs, installation.clock()
    if staff is None:
        known = ask(installation, commune, None, None, None)
        people = sheets.rated_staff(known.records, year, on=known.on)
    else:
        people = [staff]
    by_person = [compare(logs, commune, year, person, query, now).result for person in people]
    if json_output:
        as_json(by_person)
        return
    for of_person in by_person:
        if of_person.changes or staff:
            _differences(of_person)


def _differences(of: Differences) -> None:
    line(f"{of.staff} – từ hết {of.evaluated_from:%d/%m/%Y} đến hết {of.evaluated_to:%d/%m/%Y}")
    if not of.changes:
        line("  Không con số nào thay đổi.")
    before: tuple[Any, Any] | None = None
    for change in of.changes:
        if (change.event, change.day) != before:
            line(f"  {_why(change)}")
        before = change.event, change.day
        line(f"      {change.text}: {change.shown_before} → {change.shown_after}")


def _why(change: Change) -> str:
    titles = "; ".join(task.title for task in change.tasks)
    why = _event(change.event) if change.event else f"Sang ngày {change.day:%d/%m/%Y} (thời gian trôi qua)"
    return f"{why}\n      [{titles}]" if titles else why


@rating_command.command("recheck")
@click.argument("staff", required=False)
@click.option("--all", "every", is_flag=True, help="Cả những đề xuất chưa có quyết định.")
@as_of_options
@with_installation
def recheck(
    installation: Installation, staff: str | None, every: bool, year: int, json_output: bool, **question: Any
) -> None:
    """Tính lại từ nhật ký những gì đã quyết định: phiếu phải trùng từng byte. Kết thúc 1 khi có chỗ không trùng."""
    known = ask(installation, **question)
    logs, commune = installation.scoring.logs, known.records.commune
    checked = computed_again(logs, commune, known.records, year, staff=staff, every=every)
    if json_output:
        as_json(checked)
    for rating in [] if json_output else checked:
        said = "; ".join(finding.text for finding in rating.findings) or "tính lại trùng từng byte"
        line(f"{'✗' if rating.findings else '✓'} {rating.staff}  {STANDINGS[rating.standing]}  {rating.level}  {said}")
    if not checked:
        click.echo(f"Năm {year} chưa có {'đề xuất' if every else 'quyết định'} nào để tính lại.", err=True)
    if any(rating.findings for rating in checked):
        raise SystemExit(FOUND)
