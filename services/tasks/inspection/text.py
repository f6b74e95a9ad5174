"""Plain text and csv."""

import re
import unicodedata

from services.tasks.domain import refusals

# A cell that makes a spreadsheet start a program (dynamic data exchange): =cmd|'/C calc'!A0
STARTS_A_PROGRAM = re.compile(r"(?m)(?:^|[;,\t|\"])[ \t]*[=+\-@][^\r\n;,\t|!]*\|[^\r\n!]*!")


def is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char in "\t\r\n\f" or unicodedata.category(char) != "Cc" for char in set(text))


def must_be_harmless(content: bytes) -> None:
    """Refuses `evidence-active`."""
    if STARTS_A_PROGRAM.search(content.decode("utf-8")):
        raise refusals.EVIDENCE_ACTIVE(found="công thức gọi chương trình (DDE)")
