"""The uploaded file again, with a column "Lỗi" that says of each row how it came out."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.workbook.child import INVALID_TITLE_REGEX

from services.tasks.imports.cells import Rows, Sheet, Value, column_number, is_workbook
from services.tasks.imports.results import Row, Table
from services.tasks.imports.sheets import FORMULA_STARTS, read, read_csv
from services.tasks.imports.texts import outcome_of

HEADING = "Lỗi"
WIDTH = 60
NARROWEST, WIDEST = 8, 45  # of the other columns, in digits
MEASURED = 200  # rows that say how wide a column is
LONGEST_TITLE = 31
Outcomes = Mapping[tuple[str, int], str]


def outcomes(rows: Iterable[Row]) -> dict[tuple[str, int], str]:
    """Each row's text under its sheet and row number."""
    return {(row.sheet, row.row): outcome_of(row) for row in rows}


def annotate(data: bytes, tables: Sequence[Table], texts: Outcomes) -> bytes:
    """The values of the file in its own format, written from the cells that were read and nothing else of it.

    Formulas give way to their values: what was uploaded must not run elsewhere. A file annotated before gets its column
    "Lỗi" written again. Refuses a file as `sheets.read` does.
    """
    return _workbook(read(data), tables, texts) if is_workbook(data) else _csv(data, tables, texts)


def _workbook(sheets: Sequence[Sheet], tables: Sequence[Table], texts: Outcomes) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(INVALID_TITLE_REGEX.sub("_", sheet.name)[:LONGEST_TITLE])
        if sheet.hidden and not all(each.hidden for each in sheets):
            page.sheet_state = "hidden"
        own = [table for table in tables if table.sheet == sheet.name]
        at = _place(own, sheet.rows)
        said = {row: text for (of, row), text in texts.items() if of == sheet.name}
        headings = {table.header_row for table in own}
        for column in range(max(map(len, sheet.rows), default=0)):
            page.column_dimensions[get_column_letter(column + 1)].width = _width(sheet.rows, column)
        if own:
            page.column_dimensions[get_column_letter(at + 1)].width = WIDTH
        for number, row in enumerate(sheet.rows, start=1):
            text = HEADING if number in headings else said.get(number, "")
            cells = [*row[:at], *[""] * (at - len(row)), text, *row[at + 1 :]] if own else row
            page.append([_cell(page, value, bold=number in headings) for value in cells])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _place(tables: Sequence[Table], rows: Rows) -> int:
    """The column "Lỗi", from 0: where it is already, else after the last one."""
    known = next((table.columns["outcome"] for table in tables if "outcome" in table.columns), None)
    return column_number(known) - 1 if known else max(map(len, rows), default=0)


def _width(rows: Rows, column: int) -> float:
    shown = (str(row[column]) for row in rows[:MEASURED] if column < len(row))
    longest = max((len(line) for text in shown for line in text.split("\n")), default=0)
    return min(WIDEST, max(NARROWEST, longest))


def _cell(page: object, value: Value, *, bold: bool) -> Any:
    if value == "":
        return None
    if not isinstance(value, str):
        cell = WriteOnlyCell(page, value)
        cell.alignment = _TOP
        if isinstance(value, date):
            cell.number_format = "dd/mm/yyyy"
        return cell
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell = WriteOnlyCell(page, text)
    cell.data_type = "s"  # openpyxl would turn "=…" into a formula
    cell.quotePrefix = text.startswith(tuple(FORMULA_STARTS))
    cell.alignment = _WRAPPED
    if bold:
        cell.font = _BOLD
    return cell


_TOP = Alignment(vertical="top")
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_BOLD = Font(bold=True)


def _csv(data: bytes, tables: Sequence[Table], texts: Outcomes) -> bytes:
    rows, dialect = read_csv(data)
    at = _place(tables, rows)
    added = {table.header_row: HEADING for table in tables} | {row: text for (_, row), text in texts.items()}
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator="\r\n")
    for number, row in enumerate(rows, start=1):
        cells = [*map(str, row[:at]), added.get(number, ""), *map(str, row[at + 1 :])]
        writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _harmless(text: str) -> str:
    """A spreadsheet must not take the text for a formula; an apostrophe before it says so (reading drops it again)."""
    return f"'{text}" if text[:1] in (*FORMULA_STARTS, "\t", "\r") and text else text
