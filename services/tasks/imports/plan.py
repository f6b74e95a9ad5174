"""The shape of a dry run, for annex and roster alike: what confirming the file would record, row by row."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from services.tasks.domain.context import Command
from services.tasks.imports.results import Remark, Row
from services.tasks.imports.texts import TEXTS

Status = Literal["new", "changed", "unchanged", "waits", "error"]
WORDS: dict[Status, str] = {
    "new": "Mới",
    "changed": "Thay đổi",
    "unchanged": "Không đổi",
    "waits": "Chờ trả lời",
    "error": "Lỗi",
}


class RemarkInWords(msgspec.Struct, frozen=True):
    """A remark in words, with the cell that it is about."""

    code: str
    cell: str
    text: str


class RowPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row's outcome. `label` is the number in the annex or the staff id; `becomes` what confirming makes of it.

    `needs` says why not everybody may confirm the row, and who may.
    """

    sheet: str
    row: int
    label: str
    title: str
    status: Status
    becomes: Literal["task", "template", "draft", "person"] | None = None
    proposal: dict[str, Any] = {}
    questions: list[RemarkInWords] = []
    flags: list[RemarkInWords] = []
    errors: list[RemarkInWords] = []
    needs: list[RemarkInWords] = []


class Contact(msgspec.Struct, frozen=True):
    """Name and addresses of a person in the roster, kept outside the log."""

    staff: str
    name: str
    email: str
    phone: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, and what confirming records: commands for the log, names and addresses outside it. `held` are the rows
    about the sender: another's confirmation of the same file records them."""

    rows: list[RowPlan]
    commands: list[Command]
    contacts: list[Contact] = []
    unit_names: dict[str, str] = {}
    held: list[str] = []


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier confirmations of the very same file settled: then who and what is recorded is not compared, since
    it may have changed since; but for the rows that were held."""

    confirmed: bool = False
    held: frozenset[str] = frozenset()

    def settled(self, row: str) -> bool:
        return self.confirmed and row not in self.held


def counts(rows: Iterable[RowPlan]) -> dict[str, int]:
    """Rows by status, and in all."""
    found = Counter(row.status for row in rows)
    return {"rows": found.total(), **{status: found[status] for status in WORDS}}


def in_words(remarks: Iterable[Remark]) -> list[RemarkInWords]:
    return [
        RemarkInWords(remark.code, remark.cell, TEXTS[remark.code][1].format_map(remark.params)) for remark in remarks
    ]


def outcome(plan: RowPlan) -> str:
    """The row's outcome in remark text, for the column "Lỗi"."""
    remarks = [f"{remark.cell}: {remark.text}" for remark in (*plan.errors, *plan.needs, *plan.questions, *plan.flags)]
    return " – ".join([WORDS[plan.status], *([" ".join(remarks)] if remarks else [])])


def row_plan(row: Row, *, label: str, title: str, status: Status, **more: Any) -> RowPlan:
    """The plan of a row, with its remarks in words; `questions` replaces those that were read."""
    questions = more.pop("questions", row.questions)
    return RowPlan(
        sheet=row.sheet,
        row=row.row,
        label=label,
        title=title,
        status=status,
        questions=in_words(questions),
        flags=in_words(row.flags),
        errors=in_words(row.errors),
        **more,
    )
