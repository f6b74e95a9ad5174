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
# The same in a text, where "IMAGE(1).JPG" is the name of a file.
FUNCTION_IN_TEXT = re.compile(r'(?<![\w.])(?:(?:WEBSERVICE|RTD|DDE)\(|IMAGE\([\s"]*(?:https?:|\\\\|//))', re.IGNORECASE)
# Where a click leads to, as far as it is written there; quotation marks are doubled in a table of text.
LINK = re.compile(r"(?<![\w.])HYPERLINK\(\s*\"+([^\"]*)\"", re.IGNORECASE)


def in_formula(formula: str) -> Iterator[str]:
    without_literals = LITERAL.sub(lambda literal: literal[1] or '""', formula)
    if DDE.search(without_literals):
        yield STARTS
    if FUNCTION.search(without_literals):
        yield FETCHES
    yield from _links(formula)


def in_text(text: str) -> Iterator[str]:
    """Cells are not told apart: which sign parts them is for the reading program to say, or for the file (`sep=`)."""
    if DDE.search(text):
        yield STARTS
    if (first := text.find("=")) < 0:
        return
    if FUNCTION_IN_TEXT.search(text, first):
        yield FETCHES
    yield from _links(text[first:])


def _links(text: str) -> Iterator[str]:
    """Those into another workbook have its path in brackets."""
    for target in LINK.findall(text):
        path, bracket, _ = target.removeprefix("[").partition("]")
        if not places.may_be_clicked(path if bracket else target):
            yield fields.LEADS
