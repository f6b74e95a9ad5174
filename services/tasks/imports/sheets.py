"""Bytes of an .xlsx or .csv to sheets of clean cells with A1 addresses; hostile and broken files are refused."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import msgspec
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from services.tasks.domain import refusals
from services.tasks.imports.archive import MAX_COLUMNS, Totals, checked
from services.tasks.imports.cells import MAX_UPLOAD, Rows, Sheet, Value, column_letters, is_workbook
from services.tasks.imports.words import clean
from shared.refusal import Refused
from shared.text import fault

MAX_MERGED = 400_000  # cells to fill; overlapping ranges could ask for billions
MAX_LINE = 1_000_000  # letters of one line of a csv
MAX_LINES = 1_048_576  # of a csv, most of them empty: as many rows as Excel has, which writes them all
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
DELIMITERS = ";,\t|"
NOT_TABLES = (b"%pdf", b"<html", b"<!doc", b"<?xml", b"{\\rtf", b"\x89png", b"\xff\xd8")
OLE = b"\xd0\xcf\x11\xe0"
FORMULA_STARTS = "=+-@"


class Dialect(msgspec.Struct, frozen=True):
    """How a csv is written."""

    encoding: str
    delimiter: str


def read(data: bytes) -> list[Sheet]:
    """The sheets of a file. Refuses with a code that starts with `file-`."""
    if len(data) > MAX_UPLOAD:
        raise refusals.FILE_TOO_LARGE(size=len(data), limit_mb=MAX_UPLOAD // (1024 * 1024))
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise refusals.FILE_EMPTY()
    if data.startswith(OLE):
        raise refusals.FILE_OLD_OR_ENCRYPTED()
    sheets = read_workbook(data) if is_workbook(data) else [Sheet("", read_csv(data)[0])]
    if not any(sheet.rows for sheet in sheets):
        raise refusals.FILE_EMPTY()
    for sheet in sheets:
        _must_be_text(sheet)
    return sheets


def _must_be_text(sheet: Sheet) -> None:
    """Refuses characters that no other door takes either (shared/text.py), naming the cell."""
    for row, cells in enumerate(sheet.rows):
        for column, value in enumerate(cells):
            if isinstance(value, str) and (wrong := fault(value, lines=True)):
                raise refusals.FILE_CHARACTER(
                    cell=f"{column_letters(column + 1)}{row + 1}", sheet=sheet.name or "csv", fault=wrong
                )


def read_workbook(data: bytes) -> list[Sheet]:
    """The worksheets of a workbook; formulas give their last computed value."""
    reduced, filled = checked(data), Totals()
    try:
        with CalamineWorkbook.from_filelike(reduced) as book:
            return [
                Sheet(
                    clean(metadata.name),
                    _filled(book, metadata.name, filled),
                    hidden=metadata.visible != SheetVisibleEnum.Visible,
                )
                for metadata in book.sheets_metadata
                if metadata.typ == SheetTypeEnum.WorkSheet
            ]
    except Refused:
        raise
    except CalamineError as error:
        raise refusals.FILE_BROKEN() from error
    except BaseException as error:
        # The reader's Rust code panics on some broken files; its exception derives from BaseException only.
        if type(error).__name__ in ("PanicException", "ValueError", "OverflowError", "OSError"):
            raise refusals.FILE_BROKEN() from error
        raise


def _filled(book: CalamineWorkbook, name: str, filled: Totals) -> Rows:
    sheet = book.get_sheet_by_name(name)
    rows = [[_value(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    while rows and not any(cell != "" for cell in rows[-1]):
        rows.pop()
    _fill_down(rows, sheet.merged_cell_ranges or (), filled)
    return rows


def _fill_down(rows: Rows, ranges: Iterable[tuple[tuple[int, int], tuple[int, int]]], filled: Totals) -> None:
    """A merged cell's value stands in every row it covers; sideways it stays in its first column."""
    passed = 0
    for (top, left), (bottom, _right) in ranges:
        if top >= len(rows) or left >= len(rows[top]) or rows[top][left] == "":
            continue
        last = min(bottom, len(rows) - 1)
        value = rows[top][left]
        letters = len(value) if isinstance(value, str) else 0
        passed += last - top
        if passed > MAX_MERGED:
            raise refusals.FILE_TOO_MANY_CELLS(cells=passed, limit=MAX_MERGED)
        for row in range(top + 1, last + 1):
            if rows[row][left] == "":
                filled.hold(letters, row + 1, left + 1)
                rows[row][left] = value


def _value(cell: Any) -> Value:
    if isinstance(cell, str):
        return clean(cell)
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, bool | int | float | date):
        return cell
    return str(cell)  # a time of day or a duration


def read_csv(data: bytes) -> tuple[Rows, Dialect]:
    """The rows of a csv and how it is written. Refuses what is no text, or text in an unknown encoding."""
    if data[:5].lower().startswith(NOT_TABLES):
        raise refusals.FILE_NOT_A_TABLE()
    text, encoding = _decoded(data)
    if any(unicodedata.category(char) == "Cc" and char not in "\t\r\n\f\v" for char in set(text)):
        raise refusals.FILE_NOT_A_TABLE()
    hint = text[:6].lower().startswith("sep=") and text[4:5]
    delimiter = hint or _delimiter(text)
    rows: Rows = []
    totals, width, blank = Totals(), 0, 0
    try:
        for record in csv.reader(_lines(text), delimiter=delimiter):
            if len(record) > MAX_COLUMNS:
                raise refusals.FILE_TOO_MANY_COLUMNS(columns=len(record), limit=MAX_COLUMNS)
            cells: list[Value] = [_unquoted(clean(cell)) if cell else "" for cell in record]
            if not any(cells):
                blank += 1
                continue
            width = max(width, len(cells))
            Totals().table(len(rows) + blank + 1, width)
            rows.extend([] for _ in range(blank))
            rows.append(cells)
            blank = 0
            for column, cell in enumerate(record, start=1):
                if cell:
                    totals.hold(len(cell), len(rows), column)
    except csv.Error as error:
        raise refusals.FILE_BROKEN() from error
    if hint:
        rows[0] = [""]
    totals.table(len(rows), width)
    for row in rows:
        row.extend([""] * (width - len(row)))
    return rows, Dialect(encoding, delimiter)


def _lines(text: str) -> Iterator[str]:
    """The lines of a csv. Refuses one that is so long that its cells would fill the memory before they are counted,
    and more lines than a spreadsheet has."""
    for number, found in enumerate(_LINE.finditer(text), start=1):
        line = found[0]
        if len(line) > MAX_LINE:
            raise refusals.FILE_TOO_MUCH_TEXT(limit=MAX_LINE)
        if number > MAX_LINES:
            raise refusals.FILE_TOO_MANY_ROWS(rows=number, limit=MAX_LINES)
        yield line


def _unquoted(text: str) -> str:
    """Without the apostrophe that the annotated csv puts before what a spreadsheet would run as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_STARTS else text


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _strictly(data, encoding), encoding
    nuls = data[:400].count(0)
    if nuls > len(data[:400]) // 8:
        encoding = "utf-16-le" if data[1:400:2].count(0) >= data[0:400:2].count(0) else "utf-16-be"
        return _strictly(data, encoding), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = unicodedata.normalize("NFC", _strictly(data, "cp1258"))
    if not all(char.isascii() or _is_vietnamese(char) for char in set(text)):
        raise refusals.FILE_ENCODING_UNKNOWN()  # TCVN3 and VNI fonts decode too, but into letters that make no sense
    return text, "cp1258"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise refusals.FILE_ENCODING_UNKNOWN() from error


def _is_vietnamese(char: str) -> bool:
    if char in "đĐ“”‘’–—…•°\xa0‰":
        return True
    base, *marks = list(unicodedata.normalize("NFD", char))
    return base in "aeiouyAEIOUY" and all(mark in "\u0300\u0301\u0303\u0309\u0323\u0302\u0306\u031b" for mark in marks)


def _delimiter(text: str) -> str:
    """The one that splits most of the first lines into the same number of cells."""
    sample = text[:20_000]

    def score(delimiter: str) -> int:
        try:
            records = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
        except csv.Error:
            return 0
        counts = Counter(len(record) for record in records if len(record) > 1)
        return max((times * (width - 1) for width, times in counts.items()), default=0)

    return max(DELIMITERS, key=score)
