"""Reports at the command line: tables on a terminal, JSON for scripts, workbooks to print."""

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cchc.cli.as_of import as_of_options, ask, moment_options, pins
from cchc.cli.group import Group
from cchc.cli.options import Day, commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail, line, table, write
from services.scoring.domain import reports
from services.scoring.domain.texts import decimal, percent
from services.scoring.views import Known

if TYPE_CHECKING:
    from shared.workbook import Cell, Kind, Table

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Ghi ra tệp .xlsx thay vì in ra màn hình.",
)


@click.group("report", cls=Group)
def report_command() -> None:
    """Báo cáo theo người, đơn vị, lĩnh vực, chỉ thị và số liệu giám sát."""


def _of_year(name: str, make: Callable[..., Any], what: str) -> None:
    @report_command.command(name, help=what)
    @as_of_options
    @output_option
    @with_installation
    def command(installation: Installation, year: int, json_output: bool, output: Path | None, **question: Any) -> None:
        known = ask(installation, **question)
        _give(known, make(known.records, year, known.on), json_output, output, year)


_of_year("people", reports.people_report, "Mức xếp loại và nhiệm vụ của từng người.")
_of_year("units", reports.units_report, "Số người theo mức và nhiệm vụ của từng đơn vị.")
_of_year("fields", reports.fields_report, "Nhiệm vụ theo lĩnh vực cải cách hành chính (0–7).")
_of_year("aggregates", reports.aggregates, "Số liệu cho HĐND, Mặt trận giám sát: không nêu và không suy ra được ai.")


@report_command.command("directives")
@click.argument("directive", required=False)
@moment_options
@output_option
@with_installation
def directives(
    installation: Installation, directive: str | None, json_output: bool, output: Path | None, **question: Any
) -> None:
    """Tiến độ các chỉ thị; hoặc từng nhiệm vụ của một chỉ thị (DIRECTIVE: mã, hoặc số như 01/CT-UBND)."""
    known = ask(installation, **question)
    report: Any = reports.directives_report(known.records, known.on)
    if directive is not None:
        named = [one.directive for one in report.directives if directive in (one.directive, one.number)]
        if len(named) > 1:
            fail(f"Có {len(named)} chỉ thị số {directive}; ghi mã: {', '.join(named)}.")
        report = reports.directive_report(known.records, named[0] if named else directive, known.on)
    _give(known, report, json_output, output)


def _of_time(name: str, option: str, form: str, what: str) -> None:
    """A report of notifications: of a week, or of a month."""

    @report_command.command(name, help=what)
    @click.option(f"--{option}", "when", type=Day(form), help=f"Dạng {form}; mặc định: gần nhất.")
    @commune_option
    @json_option
    @click.option(
        "-o",
        "--out",
        "--output",
        "output",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Ghi ra tệp .xlsx, hoặc .html để in A4, thay vì in ra màn hình.",
    )
    @with_installation
    def command(
        installation: Installation,
        when: date | None,
        commune: str | None,
        json_output: bool,
        output: Path | None,
    ) -> None:
        from services.notifications import queries
        from services.notifications.documents import reports

        commune, service = the_commune(installation, commune), installation.notifications
        found = (queries.week if name == "weekly" else queries.month)(service, commune, when)
        if output:
            names = installation.channels.directory(commune) if name == "weekly" else {}
            write(output, reports.document(found, names, page=output.suffix in {".html", ".htm"}))
        if json_output:
            as_json(found)
        if not output and not json_output:
            _print(reports.title(found), reports.tables_of(found, {}))


_of_time("weekly", "on", "%Y-%m-%d", "Báo cáo tuần cho lãnh đạo: theo người, lĩnh vực; việc quá hạn và ai đã biết.")
_of_time("monthly", "month", "%Y-%m", "Số liệu tháng phục vụ giám sát: không nêu ai.")


def _give(known: Known, report: Any, json_output: bool, output: Path | None, year: int | None = None) -> None:
    from services.scoring.report_tables import tables_of, title_of, xlsx

    if output:
        write(output, xlsx(known, report, year))
    if json_output:
        as_json(report)
    if output or json_output:
        return
    _print(title_of(report), tables_of(report))
    line(pins(known), heading=True)


def _print(title: str, tables: "Iterable[Table]") -> None:
    line(title, heading=True)
    for of in tables:
        line(f"\n{of.name}", heading=True)
        header = [column.heading for column in of.columns]
        table(header, [[_shown(column.of(row), column.kind) for column in of.columns] for row in of.rows])
        for note in of.notes:
            line(note, heading=True)


def _shown(value: "Cell", kind: "Kind") -> str | None:
    if isinstance(value, Fraction):
        return percent(value) if kind == "share" else decimal(value)
    if value is None or isinstance(value, str | int):
        return None if value is None else str(value)
    return f"{value:%d/%m/%Y}"
