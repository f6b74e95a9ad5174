"""The annex of a directive (danh mục công việc): each row a proposed task with its questions, or an error."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec

from services.tasks.domain import limits
from services.tasks.imports import deadlines, tables
from services.tasks.imports.cells import Sheet, Value
from services.tasks.imports.deadlines import Deadline
from services.tasks.imports.leads import Directory, Lead, Person
from services.tasks.imports.results import Remark, Row, Skipped, SkippedSheet, Table, cell_text
from shared.collation import fold
from shared.reform import FIELDS

VOCABULARY = tables.Vocabulary(
    {
        "no": ("STT", "TT", "Số TT", "Số thứ tự", "Stt."),
        "field": ("Lĩnh vực", "Nhóm", "Lĩnh vực CCHC", "Nhóm nhiệm vụ", "Nội dung CCHC"),
        "title": (
            "Nội dung công việc",
            "Nhiệm vụ",
            "Nội dung nhiệm vụ",
            "Tên công việc",
            "Tên nhiệm vụ",
            "Nội dung",
            "Công việc",
            "Nội dung thực hiện",
            "Nhiệm vụ cụ thể",
            "Nhiệm vụ trọng tâm",
            "Nội dung, nhiệm vụ",
            "Công việc chi tiết",
            "Đầu việc",
        ),
        "product": (
            "Sản phẩm/kết quả",
            "Sản phẩm",
            "Kết quả",
            "Sản phẩm đầu ra",
            "Kết quả, sản phẩm",
            "Sản phẩm hoàn thành",
            "Kết quả đầu ra",
            "Kết quả cần đạt",
            "Dự kiến kết quả",
            "Sản phẩm dự kiến",
            "Kết quả thực hiện",
        ),
        "lead": (
            "Chủ trì",
            "Cơ quan chủ trì",
            "Bộ phận chủ trì",
            "Đơn vị chủ trì",
            "Người chủ trì",
            "Cơ quan, đơn vị chủ trì",
            "Người (bộ phận) chủ trì",
            "Phụ trách chính",
            "Đơn vị thực hiện",
            "Người thực hiện",
            "Bộ phận thực hiện",
            "Cơ quan thực hiện",
            "Người phụ trách",
            "Bộ phận phụ trách",
            "Phụ trách",
            "Phân công",
            "Trách nhiệm thực hiện",
        ),
        "collaborators": (
            "Phối hợp",
            "Cơ quan phối hợp",
            "Bộ phận phối hợp",
            "Đơn vị phối hợp",
            "Người phối hợp",
            "Phối hợp thực hiện",
            "Cơ quan, đơn vị phối hợp",
        ),
        "due": (
            "Thời hạn",
            "Thời gian hoàn thành",
            "Hạn hoàn thành",
            "Thời hạn hoàn thành",
            "Thời gian thực hiện",
            "Thời hạn thực hiện",
            "Tiến độ",
            "Tiến độ thực hiện",
            "Kết thúc",
            "Ngày hoàn thành",
            "Hạn xử lý",
            "Thời gian",
        ),
        "coefficient": ("Hệ số", "Hệ số quy đổi", "HS quy đổi", "HS", "Hệ số công việc"),
        "note": ("Ghi chú", "Diễn giải"),
        "outcome": ("Lỗi",),
    },
    required=frozenset(("title", "lead")),
)

# Facts 3.1: the fields of administrative reform by the words of their names.
FIELDS_BY_WORDS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("chi dao, dieu hanh", "chi dao dieu hanh", "cong tac chi dao", "chi dao va dieu hanh")),
    (1, ("the che",)),
    (2, ("thu tuc hanh chinh", "tthc")),
    (3, ("to chuc bo may", "bo may hanh chinh", "bo may")),
    (4, ("cong vu", "can bo, cong chuc", "cong chuc, vien chuc")),
    (5, ("tai chinh cong", "tai chinh")),
    (6, ("dien tu", "chinh quyen so", "chinh phu so", "chuyen doi so", "hien dai hoa hanh chinh")),
    (7, ("tac dong", "hai long")),
)
GROUP_LABEL = re.compile(r"^\s*([IVXLC]{1,6}|[A-Z]|\d{1,2})\s*[.:)\-/]+\s*(?=\D)|^([IVXLC]{1,6}|[A-HJ-Z])$")
NUMBER = re.compile(r"\d{1,6}(?:[.,]\d{1,4})?")
WORK = {"lead", "due", "coefficient", "product"}

# Letters of a cell, by what becomes of it.
LONGEST = {
    name: limits.LONGEST.get(name) or limits.LONGEST[f"{name}_text"]
    for name in ("no", "title", "product", "lead", "collaborators", "due", "note")
}
LEAD_QUESTIONS = {"group": "chu_tri_la_nhom", "several": "nhieu_chu_tri", "unknown": "khong_ro_chu_tri"}


class AnnexRow(Row, frozen=True, kw_only=True):
    """A row's proposal; a rejected row keeps what could be read. `coefficient` None = the commune's default."""

    no: str
    title: str
    product: str
    field: int | None
    lead: Lead
    collaborators: tuple[str, ...]
    collaborators_text: str
    collaborators_unresolved: tuple[str, ...]
    coefficient: str | None
    due: Deadline
    note: str


class AnnexImport(msgspec.Struct, frozen=True, kw_only=True):
    """The dry run of one file."""

    rows: list[AnnexRow]
    tables: list[Table]
    skipped: list[Skipped]
    skipped_sheets: list[SkippedSheet]
    counts: dict[str, int]


class _Group(msgspec.Struct):
    """The group row above a task: its label for numbers that start again, and the field it names."""

    label: str = ""
    field: int | None = None
    order: int = 0


def annex_of(
    sheets: Iterable[Sheet], people: Iterable[Person], *, issued_on: date, on: date | None = None
) -> AnnexImport:
    """The tasks that a file proposes, with the roster in force `on` that day (default: the directive's day).

    Refuses `file-no-header`.
    """
    found = tables.find(sheets, VOCABULARY)
    directory = Directory(people, on or issued_on)
    skipped = list(found.skipped)
    rows: list[AnnexRow] = []
    labels: list[str] = []
    cells: list[str] = []
    group = _Group()
    for at, line in enumerate(found.lines):
        if at and found.lines[at - 1].table.sheet != line.table.sheet:
            group = _Group()
        following = found.lines[at + 1] if at + 1 < len(found.lines) else None
        kind = _passed_over(line, following)
        if kind:
            if kind == "group":
                group = _group(line, group)
            skipped.append(Skipped(line.table.sheet, line.row, kind, " ".join(line.raw().values())[:200]))
            continue
        rows.append(_row(line, group, directory, issued_on))
        labels.append(group.label)
        cells.append(line.cell("no"))
    rows = _numbered(rows, labels, cells)
    skipped.sort(key=lambda item: (item.sheet, item.row))
    return AnnexImport(
        rows=rows, tables=found.tables, skipped=skipped, skipped_sheets=found.skipped_sheets, counts=_counts(rows)
    )


def _counts(rows: list[AnnexRow]) -> dict[str, int]:
    return {
        "rows": len(rows),
        "good": sum(row.outcome == "good" for row in rows),
        "waiting": sum(row.waits for row in rows),
        "rejected": sum(row.outcome == "rejected" for row in rows),
    }


def _passed_over(line: tables.Line, following: tables.Line | None) -> str | None:
    """A group row, or a number typed ahead; None for a task."""
    filled = line.filled()
    if filled & WORK or not filled & {"no", "title"}:
        return None
    no, title = line.text("no"), line.text("title")
    if not title:
        return "note" if no.replace(".", "").isdecimal() else "group"
    below = following.text("no") if following else ""
    is_group = (
        GROUP_LABEL.match(f"{no} " if no.isdecimal() else no)
        or (not no and (GROUP_LABEL.match(title) or title.isupper() or _field_of(title) is not None))
        or (no and below.startswith(f"{no.rstrip('.')}."))
    )
    return "group" if is_group else None


def _group(line: tables.Line, last: _Group) -> _Group:
    text = " ".join(part for part in (line.text("no"), line.text("title")) if part)
    if re.match(r"\d", line.text("no")):  # a numbered task with parts below it stays inside its group
        return last
    matched = GROUP_LABEL.match(line.text("no")) or GROUP_LABEL.match(text)
    order = last.order + 1
    label = next((part for part in matched.groups() if part), "") if matched else ""
    field = _field_of(text)
    if field is None and order - 1 in FIELDS:
        field = order - 1
    return _Group(label or f"N{order}", field, order)


def _field_of(text: str) -> int | None:
    folded = fold(text)
    return next((field for field, names in FIELDS_BY_WORDS if any(name in folded for name in names)), None)


def _row(line: tables.Line, group: _Group, directory: Directory, issued_on: date) -> AnnexRow:
    errors: list[Remark] = []
    for name, code in (("title", "thieu_noi_dung"), ("lead", "thieu_chu_tri")):
        if not any(char.isalnum() for char in line.text(name)):
            errors.append(Remark(code, line.cell(name)))
    errors += line.overlong(LONGEST)
    coefficient = _coefficient(line.values.get("coefficient", ""))
    if coefficient == "":
        text = line.text("coefficient")
        errors.append(Remark("he_so_khong_hop_le", line.cell("coefficient"), {"text": text[:40]}))
    due = deadlines.propose(line.values.get("due", ""), issued_on)
    questions = [Remark(code, line.cell("due"), {"text": due.text[:200]}) for code in due.questions]
    lead = directory.lead(cell_text(line.values.get("lead", "")))
    if lead.how in LEAD_QUESTIONS and lead.text:
        params = {"text": lead.text[:200], "staff": list(lead.staff)}
        questions.append(Remark(LEAD_QUESTIONS[lead.how], line.cell("lead"), params))
    field, words = _field(line, group)
    if field is None:
        questions.append(Remark("khong_ro_linh_vuc", line.cell("field"), {"text": words}))
    collaborators_text = cell_text(line.values.get("collaborators", ""))
    collaborators, unresolved = directory.collaborators(collaborators_text)
    return AnnexRow(
        sheet=line.table.sheet,
        row=line.row,
        outcome="rejected" if errors else "good",
        raw=line.raw(),
        questions=() if errors else tuple(questions),
        errors=tuple(errors),
        no=line.text("no").strip(" ."),
        title=line.text("title"),
        product=line.text("product"),
        field=field,
        lead=lead,
        collaborators=tuple(code for code in collaborators if code not in lead.staff[:1]),
        collaborators_text=collaborators_text,
        collaborators_unresolved=unresolved,
        coefficient=coefficient or None,
        due=due,
        note=line.text("note"),
    )


def _field(line: tables.Line, group: _Group) -> tuple[int | None, str]:
    words = line.text("field")
    if words.isdecimal() and int(words) in FIELDS:
        return int(words), words
    own = _field_of(words) if words else None
    return (group.field if own is None else own), words


def _coefficient(value: Value) -> str | None:
    """A number above 0 as plain decimal text; None when blank, "" when it is no such number."""
    if value == "":
        return None
    if isinstance(value, bool | date):
        return ""
    text = f"{value:.4f}" if isinstance(value, float) else str(value).strip()
    if not NUMBER.fullmatch(text):
        return ""
    number = Decimal(text.replace(",", "."))
    return format(number.normalize(), "f") if number > 0 else ""


def _numbered(rows: list[AnnexRow], labels: list[str], cells: list[str]) -> list[AnnexRow]:
    """Each row a number of its own in its sheet, since the same number later means the same row.

    Numbers that start again in every group carry the group's label ("II.1"); rows of a sheet without numbers are
    counted; a single missing or repeated number is asked about.
    """
    has_numbers = {row.sheet for row in rows if row.no}
    restarting = {sheet for sheet in has_numbers if _starts_again(rows, labels, sheet)}
    seen: set[tuple[str, str]] = set()
    counted: Counter[str] = Counter()
    result = []
    for row, label, cell in zip(rows, labels, cells, strict=True):
        counted[row.sheet] += 1
        no, question = row.no, None
        if row.sheet not in has_numbers:
            no = str(counted[row.sheet])
        elif not no:
            no, question = f"#{row.row}", "thieu_stt"
        elif row.sheet in restarting and label:
            no = f"{label}.{no}"
        if (row.sheet, no) in seen:
            question = "trung_stt"
        seen.add((row.sheet, no))
        changed = msgspec.structs.replace(row, no=no)
        if question and row.outcome == "good":
            asked = Remark(question, cell, {"no": no})
            changed = msgspec.structs.replace(changed, questions=(*row.questions, asked))
        result.append(changed)
    return result


def _starts_again(rows: list[AnnexRow], labels: list[str], sheet: str) -> bool:
    """Whether at least half of the groups after the first begin with the number 1 again."""
    firsts: dict[str, str] = {}
    for row, label in zip(rows, labels, strict=True):
        if row.sheet == sheet:
            firsts.setdefault(label, row.no)
    later = list(firsts.values())[1:]
    return bool(later) and sum(no in ("1", "01", "a") for no in later) * 2 >= len(later)
