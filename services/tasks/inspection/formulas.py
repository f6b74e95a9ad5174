"""Formulas of spreadsheets: which of them start a program or fetch something when a table is opened."""

import re
from collections.abc import Iterator

from services.tasks.inspection import fields, places

STARTS = "công thức gọi chương trình (DDE)"
FETCHES = "công thức lấy dữ liệu từ nơi khác"

# A text, or the quoted name of a sheet, in which a quotation mark begins no text.
LITERAL = re.compile(r"\"[^\"]*\"|('[^']*')")
# Dynamic data exchange: service|topic!item, as in =cmd|'/C calc'!A0
DDE = re.compile(r"[\w.'\]][ \t]*\|[ \t]*(?:(?:'[^'\r\n]*')+|[\w.\\/:]*)[ \t]*!(?=[ \t]*[\w$'])")
FUNCTION = re.compile(
    r"(?<![\w.])(?:_xlfn\.)?(?:WEBSERVICE|IMAGE|RTD|DDE|CALL|REGISTER(?:\.ID)?|EXEC|SQL\.REQUEST)\s*\(", re.IGNORECASE
)
# The same in a text, where "IMAGE(1).JPG" is the name of a file and "Call (1)" are words.
FUNCTION_IN_TEXT = re.compile(
    r"(?<![\w.])(?:_xlfn\.)?(?:(?:WEBSERVICE|RTD|DDE|REGISTER\.ID|SQL\.REQUEST)\s*\(|IMAGE\s*\([\s\"]*(?:https?:|\\\\|//))",
    re.IGNORECASE,
)
# A cell of a workbook on another machine, as in ='\\host\share\[book.xlsx]sheet'!A1
ELSEWHERE = re.compile(r"(?:\\\\|//|https?:|file:)[^\[\]\r\n]*\[[^\[\]\r\n]+\][^!\r\n]*!", re.IGNORECASE)
BEGINS = re.compile(r"[=+@-]")  # signs that a program takes a cell for a formula by
# Where a click leads to, as far as it is written there; quotation marks are doubled in a table of text.
LINK = re.compile(r"(?<![\w.])HYPERLINK\(\s*\"+([^\"]*)\"", re.IGNORECASE)


def in_formula(formula: str) -> Iterator[str]:
    without_literals = LITERAL.sub(lambda literal: literal[1] or '""', formula)
    if DDE.search(without_literals):
        yield STARTS
    if FUNCTION.search(without_literals) or ELSEWHERE.search(without_literals):
        yield FETCHES
    yield from _links(formula)


def in_text(text: str) -> Iterator[str]:
    """Cells are not told apart: which sign parts them is for the reading program to say, or for the file (`sep=`)."""
    if DDE.search(text):
        yield STARTS
    if (first := BEGINS.search(text)) is None:
        return
    formulas = text[first.start() :]
    if FUNCTION_IN_TEXT.search(formulas) or ELSEWHERE.search(formulas):
        yield FETCHES
    yield from _links(formulas)


def _links(text: str) -> Iterator[str]:
    """Those into another workbook have its path in brackets."""
    for target in LINK.findall(text):
        path, bracket, _ = target.removeprefix("[").partition("]")
        if not places.may_be_clicked(path if bracket else target):
            yield fields.LEADS
