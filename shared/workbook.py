"""Tables as an .xlsx workbook: real numbers and dates, ready to print on A4; the same bytes for the same tables."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import msgspec
import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

Cell: TypeAlias = str | int | Fraction | date | None
Kind: TypeAlias = Literal["text", "whole", "share", "score", "day"]

FORMATS: dict[Kind, str] = {"text": "@", "whole": "0", "share": "0.00%", "score": "0.00", "day": "dd/mm/yyyy"}
# A spreadsheet takes a text that begins so for a formula when it is typed in again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LONGEST_TEXT = 32_767  # letters in a cell
LABELS = 16  # the least width of the first column, which holds the labels under the title

_LINE = Side(style="thin")
_GRID = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_GREY = PatternFill("solid", start_color="FFE7E6E6")
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its heading, its value for a row, how that is written, its width in digits."""

    heading: str
    of: Callable[[Any], Cell]
    kind: Kind = "text"
    width: float = 9


class Table(msgspec.Struct, frozen=True):
    """One sheet of the workbook. If `summed` is true, the last of `rows` is set off as their sum."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    summed: bool = False
    notes: Sequence[str] = ()


def workbook(title: str, about: Iterable[tuple[str, Cell]], tables: Sequence[Table]) -> bytes:
    """The workbook's bytes; every sheet begins with the title and what it is `about` (label, value)."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    head = list(about)
    for table in tables:
        _fill(book.create_sheet(table.name), title, head, table)
    written = io.BytesIO()
    book.save(written)
    return without_times(written.getvalue())


def _fill(sheet: Worksheet, title: str, about: Sequence[tuple[str, Cell]], table: Table) -> None:
    _write(sheet, 1, 1, title, "text").font = Font(bold=True, size=14)
    for row, (label, value) in enumerate(about, 2):
        _write(sheet, row, 1, label, "text").font = Font(bold=True)
        cell = _write(sheet, row, 2, value, _kind(value))
        cell.alignment = Alignment(horizontal="left")
    head = len(about) + 3
    for number, column in enumerate(table.columns, 1):
        cell = _write(sheet, head, number, column.heading, "text")
        cell.font, cell.fill, cell.border = Font(bold=True), _GREY, _GRID
        cell.alignment = Alignment(wrap_text=True, horizontal="center", vertical="center")
        width = max(column.width, LABELS) if number == 1 else column.width
        sheet.column_dimensions[get_column_letter(number)].width = width
    for row, of in enumerate(table.rows, head + 1):
        for number, column in enumerate(table.columns, 1):
            cell = _write(sheet, row, number, column.of(of), column.kind)
            cell.border = _GRID
            cell.alignment = Alignment(wrap_text=column.kind == "text", vertical="top")
            if table.summed and of is table.rows[-1]:
                cell.font = Font(bold=True)
    for row, note in enumerate(table.notes, head + len(table.rows) + 2):
        _write(sheet, row, 1, note, "text")
    sheet.freeze_panes = sheet.cell(head + 1, 2)
    _for_paper(sheet, head)


def _write(sheet: Worksheet, row: int, column: int, value: Cell, kind: Kind) -> Any:
    cell = sheet.cell(row, column)
    if value is None:
        return cell
    if isinstance(value, str):
        text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT]
        cell.value = text
        cell.data_type = "s"  # openpyxl would turn "=…" into a formula
        cell.quotePrefix = text.startswith(FORMULA_STARTS)
        return cell
    cell.value = float(value) if isinstance(value, Fraction) else value
    cell.number_format = FORMATS[kind]
    return cell


def _kind(value: Cell) -> Kind:
    return "day" if isinstance(value, date) else "text" if isinstance(value, str) else "whole"


def _for_paper(sheet: Worksheet, head: int) -> None:
    """Landscape A4, as wide as the paper, with the headings on every page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.page_margins.left = sheet.page_margins.right = 0.4  # inches
    sheet.print_title_rows = f"{head}:{head}"
    sheet.oddFooter.right.text = "Trang &P/&N"


def without_times(data: bytes) -> bytes:
    """The same Office archive (.xlsx, .docx) without the times at which it was written."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "docProps/core.xml":
                body = _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z", body)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)
    return written.getvalue()
