"""Formulas of spreadsheets: which of them start a program or fetch something when a table is opened."""

import re
from collections.abc import Iterator

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


def in_formula(formula: str) -> Iterator[str]:
    without_literals = LITERAL.sub(lambda literal: literal[1] or '""', formula)
    if DDE.search(without_literals):
        yield STARTS
    if FUNCTION.search(without_literals):
        yield FETCHES


def in_text(text: str) -> Iterator[str]:
    """Cells are not told apart: which sign parts them is for the reading program to say, or for the file (`sep=`)."""
    if DDE.search(text):
        yield STARTS
    if (first := text.find("=")) >= 0 and FUNCTION_IN_TEXT.search(text, first):
        yield FETCHES
