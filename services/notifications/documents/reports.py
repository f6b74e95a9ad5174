"""The reports of a week and of a month as workbooks and as A4 pages."""

from collections.abc import Callable, Mapping
from typing import Any

from services.notifications.channels.interface import Contact
from services.notifications.domain import weekly
from services.notifications.domain.weekly import FieldWeek, Month, PersonWeek, Week
from shared.collation import in_order_of
from shared.documents import Papers, day
from shared.reform import FIELDS
from shared.workbook import Cell, Column, Table, workbook

TITLE = "Báo cáo tuần về theo dõi, đôn đốc nhiệm vụ"
MONTH_TITLE = "Số liệu tháng về thực hiện nhiệm vụ"
TOTAL = "Cộng"
WEEK_COUNTS = {
    "open": "Đang thực hiện",
    "due": "Đến hạn trong tuần",
    "in_time": "Hoàn thành đúng hạn trong tuần",
    "behind": "Hoàn thành quá hạn trong tuần",
    "late": "Trễ hạn, đang làm",
    "undone": "Trễ hạn, chưa làm",
    "waiting": "Chờ xác nhận",
    "requests": "Xin gia hạn, chờ trả lời",
}
MONTH_COUNTS = {
    "assigned": "Giao trong tháng",
    "in_time": "Hoàn thành đúng hạn",
    "behind": "Hoàn thành quá hạn",
    "dropped": "Hủy, trả lại",
    "requests": "Có xin gia hạn",
    "open": "Còn đang thực hiện",
    "overdue": "Trong đó đã quá hạn",
    "waiting": "Chờ xác nhận",
}
KINDS = {"late": "Trễ hạn, đang làm", "undone": "Trễ hạn, chưa làm"}
LEVELS = {
    None: "Chưa báo",
    "lead": "Người chủ trì",
    "office": "Văn phòng",
    "vice_chair": "Phó Chủ tịch",
    "chair": "Chủ tịch",
}
MISSING = "Năm {year} chưa công bố lịch làm việc: không tính được số ngày làm việc quá hạn."
NAMELESS = "Không nêu người, đơn vị, nhiệm vụ nào."

Contacts = Mapping[str, Contact]


# Workbooks


def document(of: Week | Month, contacts: Contacts, *, page: bool = False) -> bytes:
    """A report as a workbook, or as a page; with the names of the people that a week is about."""
    if page:
        return (week_page(of, contacts) if isinstance(of, Week) else month_page(of)).encode()
    return workbook(title(of), _about(of), tables_of(of, contacts))


def title(of: Week | Month) -> str:
    return TITLE if isinstance(of, Week) else MONTH_TITLE


def _about(of: Week | Month) -> list[tuple[str, Cell]]:
    if isinstance(of, Month):
        return [("Xã", of.name), ("Tháng", _month(of)), ("Tính đến ngày", of.on)]
    days = f"{of.week}: từ {day(of.monday)} đến {day(of.sunday)}"
    return [("Xã", of.name), ("Tuần", days), ("Tính đến ngày", of.on)]


def tables_of(of: Week | Month, contacts: Contacts) -> list[Table]:
    """A report as tables with Vietnamese headings, for the workbook and the terminal; people as in `contacts`."""
    if isinstance(of, Month):
        columns = [_FIELD, *_counts(MONTH_COUNTS)]
        rows = [*of.fields, weekly.FieldMonth(-1, TOTAL, of.total)]
        return [Table("Theo lĩnh vực", columns, rows, summed=True, notes=[NAMELESS, *of.notes])]
    people = [
        Column("Mã", lambda row: row.staff, "text", 10),
        Column("Họ và tên", lambda row: _name(contacts, row.staff), "text", 24),
        Column("Chức vụ, vị trí", lambda row: row.post, "text", 28),
        *_counts(WEEK_COUNTS),
    ]
    late = [
        Column("Nhiệm vụ", lambda row: row.title, "text", 44),
        Column("Căn cứ", lambda row: row.directive, "text", 14),
        Column("Lĩnh vực", lambda row: f"{row.field}. {FIELDS.get(row.field, '')}", "text", 26),
        Column("Mã", lambda row: row.lead, "text", 10),
        Column("Chủ trì", lambda row: _name(contacts, row.lead) or row.post, "text", 24),
        Column("Hạn", lambda row: row.due, "day", 12),
        Column("Quá hạn (ngày làm việc)", lambda row: row.days_over, "whole", 11),
        Column("Tình trạng", lambda row: KINDS[row.kind], "text", 18),
        Column("Xin gia hạn ngày", lambda row: row.requested_on, "day", 12),
        Column("Đã báo đến", lambda row: LEVELS[row.told], "text", 14),
    ]
    notes = [MISSING.format(year=year) for year in of.missing]
    everybody, everything = PersonWeek(TOTAL, None, of.total), FieldWeek(-1, TOTAL, of.total)
    return [
        Table("Quá hạn", late, of.late, notes=notes),
        Table("Theo người", people, [*_people(of, contacts), everybody], summed=True),
        Table("Theo lĩnh vực", [_FIELD, *_counts(WEEK_COUNTS)], [*of.fields, everything], summed=True),
    ]


def _people(of: Week, contacts: Contacts) -> list[PersonWeek]:
    return in_order_of(contacts, of.people, lambda person: person.staff)


def _counts(names: Mapping[str, str]) -> list[Column]:
    return [Column(heading, _of(name), "whole", 11) for name, heading in names.items()]


def _of(name: str) -> Callable[[Any], Cell]:
    return lambda row: getattr(row.tasks, name)


_FIELD = Column("Lĩnh vực", lambda row: f"{row.field}. {row.name}" if row.field >= 0 else row.name, "text", 40)


def _name(contacts: Contacts, staff: str) -> str | None:
    contact = contacts.get(staff)
    return contact.name if contact else None


def _month(of: Month) -> str:
    return f"{of.month[5:]}/{of.month[:4]}"


# The A4 pages

PAPERS = Papers(
    "services.notifications.documents",
    "report.css",
    words={
        "FIELDS": FIELDS,
        "KINDS": KINDS,
        "LEVELS": LEVELS,
        "MISSING": MISSING,
        "MONTH_COUNTS": MONTH_COUNTS,
        "NAMELESS": NAMELESS,
        "WEEK_COUNTS": WEEK_COUNTS,
    },
)


def week_page(of: Week, contacts: Contacts) -> str:
    """The week as HTML for A4; it needs no other file."""
    people = _people(of, contacts)
    names = {person.staff: _name(contacts, person.staff) for person in people}
    return PAPERS.render("weekly.html", commune=of.name, week=of, people=people, names=names)


def month_page(of: Month) -> str:
    """The month as HTML for A4."""
    return PAPERS.render("monthly.html", commune=of.name, month=of, shown=_month(of))
