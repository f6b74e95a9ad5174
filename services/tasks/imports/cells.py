"""What a list is read from: sheets of clean cells with A1 addresses, whatever the format of the file."""

from datetime import date

import msgspec

Value = str | int | float | bool | date
Rows = list[list[Value]]

MAX_UPLOAD = 20 * 1024 * 1024  # bytes
ZIP = b"PK\x03\x04"


class Sheet(msgspec.Struct, frozen=True):
    """Cells from A1 on. Values are clean text ("" when empty), numbers, booleans or dates; a csv's name is ""."""

    name: str
    rows: Rows
    hidden: bool = False


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins so is an .xlsx rather than a .csv."""
    return head.startswith(ZIP)


def column_number(letters: str) -> int:
    """From 1: A, B, …, Z, AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
