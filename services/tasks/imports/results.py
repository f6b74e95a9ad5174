"""What a dry run answers, row by row. Every type turns into JSON with msgspec."""

from datetime import date
from typing import Any, Literal

import msgspec

Cells = dict[str, str]


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question, an error or a flag: its code (see texts.py), the cell it is about, and what fills its text."""

    code: str
    cell: str
    params: dict[str, Any] = {}


class Skipped(msgspec.Struct, frozen=True):
    """A row of a table that is no row of the list: `group`, `header`, `numbers`, `total`, `note` or `footer`."""

    sheet: str
    row: int
    kind: str
    text: str


class SkippedSheet(msgspec.Struct, frozen=True):
    """A sheet without a table of this kind: `no_header`, `hidden` or `empty`."""

    sheet: str
    reason: Literal["no_header", "hidden", "empty"]


class Table(msgspec.Struct, frozen=True):
    """Where a table was found: the last header row (from 1) and the column letter of each known column."""

    sheet: str
    header_row: int
    columns: dict[str, str]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What annex and roster rows share. `row` counts from 1; `raw` has the cells under their column's name."""

    sheet: str
    row: int
    outcome: Literal["good", "rejected"]
    raw: Cells
    questions: tuple[Remark, ...] = ()
    flags: tuple[Remark, ...] = ()
    errors: tuple[Remark, ...] = ()

    @property
    def waits(self) -> bool:
        """A good row that a person has to answer for."""
        return self.outcome == "good" and bool(self.questions)


def cell_text(value: object) -> str:
    """A cell's value as people write it."""
    if isinstance(value, bool):
        return "x" if value else ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return str(value)
