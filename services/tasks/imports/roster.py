"""The roster (danh sách cán bộ): each row a proposed appointment with its questions and flags, or an error."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import date
from itertools import count
from typing import Any

import msgspec

from services.tasks.domain import limits
from services.tasks.imports import tables
from services.tasks.imports.cells import Sheet, Value
from services.tasks.imports.deadlines import day_of_number
from services.tasks.imports.leads import Person
from services.tasks.imports.results import Remark, Row, Skipped, SkippedSheet, Table, cell_text
from services.tasks.imports.words import compact
from shared.collation import fold
from shared.events.values import Category, Day
from shared.refusal import Refused
from shared.text import is_code

VOCABULARY = tables.Vocabulary(
    {
        "code": (
            "Mã",
            "Mã số",
            "Mã CB",
            "Mã cán bộ",
            "Mã CBCC",
            "Mã CC",
            "Mã công chức",
            "Mã nhân viên",
            "Mã NV",
            "Mã người dùng",
            "Ký hiệu",
        ),
        "name": ("Họ tên", "Họ và tên", "Tên", "Họ và tên cán bộ"),
        "post": (
            "Chức vụ/vị trí",
            "Chức danh",
            "Chức vụ",
            "Vị trí",
            "Vị trí việc làm",
            "Chức vụ, chức danh",
            "Chức danh, vị trí việc làm",
            "Chức vụ, vị trí",
        ),
        "category": ("Nhóm", "Loại", "Đối tượng", "Nhóm đối tượng", "Loại cán bộ", "Diện"),
        "unit": ("Bộ phận", "Đơn vị", "Phòng ban", "Đơn vị công tác", "Bộ phận công tác", "Phòng", "Phòng, ban"),
        "leader": ("Lãnh đạo", "Là lãnh đạo", "Lãnh đạo, quản lý", "Quản lý"),
        "tracker": (
            "Người phụ trách trực tiếp",
            "Cấp trên trực tiếp",
            "Người theo dõi",
            "Người quản lý trực tiếp",
            "Lãnh đạo trực tiếp",
            "Phụ trách trực tiếp",
        ),
        "valid_from": ("Từ ngày", "Ngày bắt đầu", "Ngày nhận việc", "Ngày nhận nhiệm vụ", "Bắt đầu"),
        "valid_to": ("Đến ngày", "Ngày kết thúc", "Ngày thôi việc", "Kết thúc"),
        "email": ("Email", "Thư điện tử", "Địa chỉ email", "Mail", "Hộp thư"),
        "phone": ("Điện thoại", "Số điện thoại", "SĐT", "ĐT", "Di động"),
        "note": ("Ghi chú",),
        "no": ("STT", "TT", "Số TT", "Số thứ tự"),
        "outcome": ("Lỗi",),
    },
    required=frozenset(("code", "post")),
)

WITHOUT_CODES = tables.Vocabulary(VOCABULARY.columns, required=frozenset(("name", "post")))

CATEGORIES: dict[Category, tuple[str, ...]] = {
    "can_bo": ("Cán bộ", "CB", "Cán bộ cấp xã", "Cán bộ xã", "Cán bộ chuyên trách"),
    "cong_chuc": ("Công chức", "CC", "Công chức cấp xã", "Công chức xã"),
    "khong_chuyen_trach": (
        "Người hoạt động không chuyên trách",
        "Không chuyên trách",
        "HĐKCT",
        "KCT",
        "Người HĐKCT",
        "Người hoạt động không chuyên trách cấp xã",
        "Cán bộ không chuyên trách",
        "Bán chuyên trách",
    ),
    "truong_thon": (
        "Trưởng thôn",
        "Trưởng thôn, tổ dân phố",
        "Trưởng bản",
        "Trưởng ấp",
        "Trưởng khu",
        "Tổ trưởng dân phố",
    ),
    "hop_dong": ("Hợp đồng", "HĐLĐ", "Hợp đồng lao động", "Lao động hợp đồng", "Nhân viên hợp đồng", "HĐ"),
    "dau_moi": ("Đầu mối", "Đầu mối phối hợp", "Đơn vị phối hợp"),
}
CATEGORY_BY_WORD = {compact(word): category for category, known in CATEGORIES.items() for word in known}

# Letters of a cell, by what becomes of it.
LONGEST = {
    "post": limits.LONGEST["post"],
    "unit": limits.NAME,
    "name": limits.NAME,
    "email": limits.EMAIL,
    "phone": limits.PHONE,
}
EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
DAY = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})|(\d{4})-(\d{1,2})-(\d{1,2})")
YES = frozenset(("x", "co", "1", "v", "✓", "✔", "☑", "lanh dao", "true", "dung"))

RATED_ABOVE = re.compile(r"cap tren (?:xep loai|danh gia)|(?:huyen|tinh|thanh pho) (?:xep loai|danh gia)")
RATED_ELSEWHERE = re.compile(
    r"(?:co quan|don vi|cap|noi) khac (?:quyet dinh|xep loai|danh gia)|nganh doc|nganh \w+(?: \w+)? xep loai"
)
AWAY = re.compile(
    r"(?:nghi|di)\s+(?:thai san|om|dau|sinh|khong luong|phep|viec rieng|hoc|che do|dieu tri)|thai san|di hoc"
)
MOVED = re.compile(r"chuyen (?:cong tac|den|di|tu|sang|ve)|dieu dong|luan chuyen|biet phai|thuyen chuyen")
SUBSTITUTE = re.compile(r"(?:(?P<by>[\w.\-]+)\s+)?(?:lam thay|thay the)(?:\s+(?P<of>[\w.\-]+))?")
# The kind of an absence, never its reason, is what events record.
ABSENCES = (
    ("protected", re.compile(r"thai san|nghi sinh|di hoc|hoc tap")),
    ("unpaid", re.compile(r"khong luong|viec rieng")),
    ("insured", re.compile(r"nghi om|di om|dieu tri|nghi dau")),
)
NOTE_QUESTIONS = (
    ("co_quan_khac_xep_loai", RATED_ELSEWHERE),
    ("cap_tren_xep_loai", RATED_ABOVE),
    ("nghi_trong_ghi_chu", AWAY),
    ("chuyen_cong_tac", MOVED),
)


class RosterRow(Row, frozen=True, kw_only=True):
    """A row's proposal; a rejected row keeps what could be read. `name`, `email`, `phone` stay outside the log."""

    code: str
    post: str
    category: Category | None
    unit: str
    leader: bool
    tracker: str | None
    valid_from: Day | None
    valid_to: Day | None
    rated: bool
    rater: str | None
    email: str
    phone: str
    name: str
    note: str


class RosterImport(msgspec.Struct, frozen=True, kw_only=True):
    """The dry run of one file. `counts` also has the good rows of each category."""

    rows: list[RosterRow]
    tables: list[Table]
    skipped: list[Skipped]
    skipped_sheets: list[SkippedSheet]
    counts: dict[str, int]


def roster_of(sheets: Iterable[Sheet], taken: Collection[str] = ()) -> RosterImport:
    """The staff that a file proposes. `taken` are the codes of those who are recorded: a row without a code that can
    be used is told a free one. Refuses `file-no-header`."""
    found = _tables(list(sheets))
    skipped = list(found.skipped)
    lines: list[tuple[tables.Line, Category | None]] = []
    above: Category | None = None
    for line in found.lines:
        group = _group(line)
        if group:
            above = CATEGORY_BY_WORD.get(_group_name(group))
            skipped.append(Skipped(line.table.sheet, line.row, "group", group[:200]))
        else:
            lines.append((line, above))
    superiors = _Superiors([line for line, _ in lines])
    codes = _Codes(taken, superiors.codes)
    rows = [_row(line, group, superiors, codes) for line, group in lines]
    skipped.sort(key=lambda item: (item.sheet, item.row))
    return RosterImport(
        rows=rows, tables=found.tables, skipped=skipped, skipped_sheets=found.skipped_sheets, counts=_counts(rows)
    )


def _tables(sheets: list[Sheet]) -> tables.Found:
    """Tables with codes; if there is none, those with names, whose rows are told the codes to write."""
    try:
        return tables.find(sheets, VOCABULARY)
    except Refused:
        with suppress(Refused):
            return tables.find(sheets, WITHOUT_CODES)
        raise


def people_of(roster: RosterImport) -> list[Person]:
    """The good rows as the annex import looks them up."""
    return [
        Person(row.code, row.post, row.unit, row.category or "", row.tracker, row.valid_from, row.valid_to, row.name)
        for row in roster.rows
        if row.outcome == "good"
    ]


def _counts(rows: list[RosterRow]) -> dict[str, int]:
    good = [row for row in rows if row.outcome == "good"]
    return {
        "rows": len(rows),
        "good": len(good),
        "waiting": sum(row.waits for row in rows),
        "flagged": sum(bool(row.flags) for row in good),
        "rejected": len(rows) - len(good),
        **Counter(str(row.category) for row in good),
    }


def _group(line: tables.Line) -> str:
    """The text of a row that only heads the ones below it: one filled cell that is no code of a person."""
    filled = line.filled()
    if len(filled - {"no"}) > 1 or filled & {"unit", "category", "tracker", "email", "valid_from"}:
        return ""
    text = " ".join(line.text(name) for name in ("no", "code", "post", "name") if line.text(name))
    return text if _group_name(text) in CATEGORY_BY_WORD else ""


def _group_name(text: str) -> str:
    return compact(re.sub(r"^\s*(?:[IVXLC]+|[A-Z]|\d+)\s*[.)\-:/]*\s+", "", text))


class _Superiors:
    """The people that a superior cell may name: a code anywhere in the file, or a post that only one row has."""

    def __init__(self, lines: list[tables.Line]) -> None:
        self.codes = {_code(line) for line in lines} - {""}
        posts = Counter(compact(line.text("post")) for line in lines)
        self._by_post = {
            compact(line.text("post")): _code(line) for line in lines if posts[compact(line.text("post"))] == 1
        }

    def find(self, text: str) -> str | None:
        code = text.casefold()
        return code if code in self.codes else self._by_post.get(compact(text)) or None


def _code(line: tables.Line) -> str:
    return line.text("code").casefold()


class _Codes:
    """The codes of a file, each used by one row, and those that are free."""

    def __init__(self, taken: Collection[str], written: Collection[str]) -> None:
        self._taken = taken
        self._first_rows: dict[str, int] = {}
        self._free = (code for number in count(1) if (code := f"p{number:02}") not in taken and code not in written)

    def of(self, line: tables.Line, errors: list[Remark]) -> str:
        """A row's code, as it is written; an error when it cannot be used."""
        code, cell = _code(line), line.cell("code")
        if not code:
            errors.append(Remark("thieu_ma", cell, {"free": next(self._free)}))
        elif not is_code(code) and code not in self._taken:
            errors.append(Remark("ma_khong_hop_le", cell, {"code": code[:40], "free": next(self._free)}))
        elif code in self._first_rows:
            errors.append(Remark("trung_ma", cell, {"code": code, "row": self._first_rows[code]}))
        else:
            self._first_rows[code] = line.row
        return code


def _row(line: tables.Line, above: Category | None, superiors: _Superiors, codes: _Codes) -> RosterRow:
    errors: list[Remark] = []
    code = codes.of(line, errors)
    if not any(char.isalnum() for char in line.text("post")):
        errors.append(Remark("thieu_chuc_vu", line.cell("post")))
    errors += line.overlong(LONGEST)
    category = CATEGORY_BY_WORD.get(compact(line.text("category"))) if line.text("category") else above
    if category is None:
        errors.append(Remark("nhom_la", line.cell("category"), {"text": line.text("category")[:80]}))
    valid_from, valid_to = (_day(line, name, errors) for name in ("valid_from", "valid_to"))
    if valid_from and valid_to and valid_to < valid_from:
        params = {"from": f"{valid_from:%d/%m/%Y}", "to": f"{valid_to:%d/%m/%Y}"}
        errors.append(Remark("ket_thuc_truoc_bat_dau", line.cell("valid_to"), params))
    tracker = _tracker(line, code, superiors, errors)
    note = line.text("note")
    questions = _questions(line, note, category)
    if not valid_from and category != "dau_moi" and not errors:
        questions.append(Remark("thieu_tu_ngay", line.cell("valid_from")))
    email = line.text("email")
    flags: tuple[Remark, ...] = ()
    if email and not EMAIL.fullmatch(email):
        email, flags = "", (Remark("email_khong_hop_le", line.cell("email"), {"text": email[:80]}),)
    folded = fold(note)
    return RosterRow(
        sheet=line.table.sheet,
        row=line.row,
        outcome="rejected" if errors else "good",
        raw=line.raw(),
        questions=() if errors else tuple(questions),
        flags=flags,
        errors=tuple(errors),
        code=code,
        post=line.text("post"),
        category=category,
        unit=line.text("unit"),
        leader=fold(line.text("leader")) in YES,
        tracker=tracker,
        valid_from=valid_from,
        valid_to=valid_to,
        rated=category != "dau_moi" and not RATED_ELSEWHERE.search(folded),
        rater="external" if RATED_ABOVE.search(folded) and category != "dau_moi" else None,
        email=email,
        phone=line.text("phone"),
        name=line.text("name"),
        note=note,
    )


def _day(line: tables.Line, name: str, errors: list[Remark]) -> date | None:
    value = line.values.get(name, "")
    if value == "":
        return None
    day = read_day(value)
    if day is None:
        errors.append(Remark("ngay_khong_doc_duoc", line.cell(name), {"text": cell_text(value)[:40]}))
    return day


def read_day(value: Value) -> date | None:
    """A date cell, a day number that lost its format, or d/m/yyyy; None when it is no date that exists."""
    if isinstance(value, date):
        return value
    if isinstance(value, int | float):
        return day_of_number(value)
    match = DAY.fullmatch(str(value))
    if not match:
        return None
    day, month, year = (match[1], match[2], match[3]) if match[1] else (match[6], match[5], match[4])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _tracker(line: tables.Line, code: str, superiors: _Superiors, errors: list[Remark]) -> str | None:
    text = line.text("tracker")
    if not text:
        return None
    tracker = superiors.find(text)
    if tracker is None:
        errors.append(Remark("cap_tren_khong_co", line.cell("tracker"), {"text": text[:80]}))
    elif tracker == code:
        errors.append(Remark("cap_tren_la_chinh_minh", line.cell("tracker"), {"code": code}))
    return tracker


def _questions(line: tables.Line, note: str, category: Category | None) -> list[Remark]:
    """Questions about remarks that a person must confirm. None for a focal point, who is not rated here."""
    folded = fold(note)
    questions = []
    for code, pattern in NOTE_QUESTIONS:
        rating = pattern in (RATED_ELSEWHERE, RATED_ABOVE)
        if pattern.search(folded) and not (rating and category == "dau_moi"):
            extra = _absence(folded) if code == "nghi_trong_ghi_chu" else {}
            questions.append(Remark(code, line.cell("note"), {"text": note[:200], **extra}))
    if not AWAY.search(folded) and (stands_in := SUBSTITUTE.search(folded)) and stands_in["of"]:
        params = {"text": note[:200], "of": stands_in["of"], **_dates(folded)}
        questions.append(Remark("lam_thay", line.cell("note"), params))
    return questions


def _absence(folded: str) -> dict[str, Any]:
    kind = next((kind for kind, pattern in ABSENCES if pattern.search(folded)), "other")
    stands_in = SUBSTITUTE.search(folded)
    substitute = {"substitute": stands_in["by"]} if stands_in and stands_in["by"] else {}
    return {"kind": kind, **_dates(folded), **substitute}


def _dates(folded: str) -> dict[str, str]:
    """ "từ D đến D", or one of the two, as ISO dates."""
    found = {}
    for name, word in (("from", "tu"), ("to", "den")):
        match = re.search(rf"(?<!\w){word}\s*(?:het\s*)?(?:ngay\s*)?(\d{{1,2}}[/.\-]\d{{1,2}}[/.\-]\d{{4}})", folded)
        if match and (day := read_day(match[1])):
            found[name] = day.isoformat()
    return found
