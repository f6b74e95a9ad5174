"""The uploaded file again, with a column "Lỗi" that says of each row how it came out."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment
from openpyxl.worksheet.worksheet import Worksheet

from services.tasks.domain import refusals
from services.tasks.imports.archive import checked, column_number
from services.tasks.imports.results import Row, Table
from services.tasks.imports.sheets import FORMULA_STARTS, is_workbook, read_csv
from services.tasks.imports.texts import outcome_of
from services.tasks.imports.words import clean
from shared.refusal import Refused

HEADING = "Lỗi"
WIDTH = 60
Outcomes = Mapping[tuple[str, int], str]


def outcomes(rows: Iterable[Row]) -> dict[tuple[str, int], str]:
    """Each row's text under its sheet and row number."""
    return {(row.sheet, row.row): outcome_of(row) for row in rows}


def annotate(data: bytes, tables: Sequence[Table], texts: Outcomes) -> bytes:
    """The file in its own format. Formulas give way to their values: what was uploaded must not run elsewhere.

    A file annotated before gets its column "Lỗi" written again. Refuses a file as `sheets.read` does.
    """
    return _workbook(data, tables, texts) if is_workbook(data) else _csv(data, tables, texts)


def _workbook(data: bytes, tables: Sequence[Table], texts: Outcomes) -> bytes:
    try:
        book = openpyxl.load_workbook(io.BytesIO(checked(data)), data_only=True, keep_links=False)
        for sheet in book.worksheets:
            name = clean(sheet.title)
            own = [table for table in tables if table.sheet == name]
            if own:
                _column(sheet, own, {row: text for (of, row), text in texts.items() if of == name})
        written = io.BytesIO()
        book.save(written)
    except Refused:
        raise
    except Exception as error:  # openpyxl raises anything, from KeyError to its own, on parts that break the standard
        raise refusals.FILE_BROKEN() from error
    return written.getvalue()


def _column(sheet: Worksheet, tables: Sequence[Table], texts: Mapping[int, str]) -> None:
    known = tables[0].columns.get("outcome")
    column = column_number(known) if known else sheet.max_column + 1
    for row, text in [*((table.header_row, HEADING) for table in tables), *texts.items()]:
        cell = sheet.cell(row, column)
        if isinstance(cell, Cell):  # not the inside of a merged range
            cell.value = text
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.column_dimensions[sheet.cell(1, column).column_letter].width = WIDTH


def _csv(data: bytes, tables: Sequence[Table], texts: Outcomes) -> bytes:
    rows, dialect = read_csv(data)
    known = next((table.columns["outcome"] for table in tables if "outcome" in table.columns), None)
    at = column_number(known) - 1 if known else max(map(len, rows))
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
