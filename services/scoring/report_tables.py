"""Each report as tables with Vietnamese headings, for the workbook and the terminal."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from services.scoring.domain import rules, texts
from services.scoring.domain.reports import (
    Aggregates,
    CauseLine,
    DirectiveReport,
    DirectivesReport,
    Field,
    FieldsReport,
    Group,
    PeopleReport,
    Person,
    TaskCounts,
    Unit,
    UnitsReport,
)
from services.scoring.domain.rules.description import Figure, Format
from services.scoring.views import Known
from shared.law import law
from shared.records import commune_name
from shared.workbook import Cell, Column, Kind, Table, workbook

MIXED = "Khác"
TOTAL = "Cộng"


def xlsx(of: Known, report: Any, year: int | None = None) -> bytes:
    """A report as a workbook, saying of which commune and year it is, as of when, and from which positions."""
    about: list[tuple[str, Cell]] = [("Xã", commune_name(of.records))]
    if year is not None:
        about.append(("Năm", year))
    return workbook(title_of(report), [*about, ("Tính đến ngày", of.on), ("Căn cứ", pins(of))], tables_of(report))


def pins(of: Known) -> str:
    return "; ".join(f"nhật ký {pin.source} #{pin.position} {pin.hash[:12]}…" for pin in of.inputs)


def title_of(report: Any) -> str:
    if isinstance(report, DirectiveReport):
        return f"Tiến độ thực hiện {report.directive.number} – {report.directive.title}"
    return _TITLES[type(report)]


def tables_of(report: Any) -> list[Table]:
    return list(_TABLES[type(report)](report))


def _count(name: str, heading: str, of: Callable[[Any], TaskCounts] = lambda row: row.tasks) -> Column:
    return Column(heading, lambda row: getattr(of(row), name), "whole")


_COUNTS = {
    "tasks": "Nhiệm vụ",
    "evaluated": "Được đánh giá",
    "completed": "Đã hoàn thành",
    "in_time": "Đúng hạn",
    "late": "Hoàn thành trễ",
    "poor": "Không đạt chất lượng",
    "exceeded": "Vượt mức",
    "undone": "Quá hạn chưa xong",
    "excused": "Quá hạn do khách quan",
    "pending": "Chờ xác nhận",
    "open": "Chưa đến hạn, thường xuyên",
    "handed_back": "Đã trả lại nhiệm vụ",
    "returned": "Có kết quả bị trả lại",
    "returned_times": "Số lần trả lại kết quả",
    "extended": "Được gia hạn",
    "objective_causes": "Có nguyên nhân khách quan",
}


def _counts(*names: str) -> list[Column]:
    return [_count(name, _COUNTS[name]) for name in names or _COUNTS]


def _levels(of: Callable[[Any], dict[str, int] | None] = lambda row: row.levels) -> list[Column]:
    return [Column(text, _level(level, of), "whole", 12) for level, text in texts.LEVELS.items()]


def _level(level: str, of: Callable[[Any], dict[str, int] | None]) -> Callable[[Any], Cell]:
    return lambda row: (of(row) or {}).get(level)


# How a figure is written in a cell; others as text.
_KINDS: dict[Format, Kind] = {"whole": "whole", "share": "share", "points": "score"}


def _figure(figure: Figure) -> Column:
    kind = _KINDS.get(figure.format, "text")

    def of(row: Person) -> Cell:
        value = row.rating.figures.get(figure.name) if row.rating is not None else None
        if value is None or kind == "text":
            return None if value is None else row.rating.shown[figure.name]
        return int(value) if kind == "whole" else Fraction(value)

    return Column(figure.on_paper, of, kind)


class _Sum(msgspec.Struct):
    """The last line of the people's table."""

    rating: None
    heading: str
    tasks: TaskCounts


def _rating(heading: str, of: Callable[[Any], Cell], width: float = 12) -> Column:
    return Column(heading, lambda row: of(row.rating) if row.rating is not None else None, "text", width)


_PEOPLE: Sequence[Column] = (
    Column("Mã", lambda row: row.rating.staff if row.rating is not None else row.heading, "text", 10),
    _rating("Chức vụ, vị trí", lambda row: row.post, 28),
    _rating("Đơn vị", lambda row: row.unit),
    _rating("Nhóm", lambda row: texts.CATEGORIES.get(row.category, row.category), 14),
    _rating("Quy tắc", lambda row: row.rule_set, 8),
    _rating("Mức xếp loại", lambda row: row.level_text, 24),
    _rating("Giai đoạn", lambda row: texts.STANDINGS[row.standing], 14),
    _rating("Mức tính được", lambda row: texts.LEVELS[row.computed_level], 24),
    *_counts("tasks", "evaluated", "completed", "late", "poor", "undone", "exceeded", "returned", "objective_causes"),
)
_MISSING = _rating("Còn thiếu", lambda row: "; ".join(row.missing), 36)


def _people(report: PeopleReport) -> Iterable[Table]:
    sums = [_Sum(None, "Không xếp loại tại xã", report.unrated), _Sum(None, TOTAL, report.total)]
    notes = [
        f"Vượt tỷ lệ xuất sắc {quota.percent} % – {quota.name or 'toàn cơ quan'}: {quota.xuat_sac} người, "
        f"được {quota.limit} ({', '.join(quota.candidates)})."
        for quota in report.quotas
        if quota.excess
    ]
    columns = [*_PEOPLE, *map(_figure, _figures(report)), _MISSING]
    yield Table("Theo người", columns, [*report.people, *sums], summed=True, notes=notes)


def _figures(report: PeopleReport) -> list[Figure]:
    """The law's rule sets keep their columns in every year, so that workbooks of two years can be compared."""
    of = {*law().rule_sets(), *(person.rating.rule_set for person in report.people)}
    return rules.columns(of, lambda description: description.report)


def _units(report: UnitsReport) -> Iterable[Table]:
    columns = [
        Column("Đơn vị", lambda row: row.unit or TOTAL, "text", 14),
        Column("Số người xếp loại", lambda row: row.people, "whole", 10),
        *_levels(),
        *_counts("tasks", "evaluated", "completed", "late", "poor", "undone", "exceeded", "returned"),
    ]
    rows: list[Unit] = [*report.units, report.total]
    yield Table("Theo đơn vị", columns, rows, summed=True)


_FIELD = Column("Lĩnh vực", lambda row: f"{row.field}. {row.name}" if row.field >= 0 else row.name, "text", 40)


def _fields(report: FieldsReport) -> Iterable[Table]:
    yield Table("Theo lĩnh vực", [_FIELD, *_counts()], [*report.fields, Field(-1, TOTAL, report.total)], summed=True)


def _directive_columns() -> list[Column]:
    return [
        Column("Số, ký hiệu", lambda row: row.number, "text", 16),
        Column("Ngày ban hành", lambda row: row.issued_on, "day", 12),
        Column("Trích yếu", lambda row: row.title, "text", 44),
        Column("Hiệu lực", lambda row: "Đã thu hồi" if row.withdrawn else "Còn hiệu lực", "text", 12),
        *_counts(),
    ]


def _directives(report: DirectivesReport) -> Iterable[Table]:
    yield Table("Chỉ thị", _directive_columns(), report.directives)


def _yes(heading: str, of: Callable[[Any], bool], width: float = 9) -> Column:
    return Column(heading, lambda row: "x" if of(row) else None, "text", width)


_DIRECTIVE_TASKS: Sequence[Column] = (
    Column("Số TT", lambda row: row.no, "text", 8),
    Column("Phụ lục", lambda row: row.sheet, "text", 12),
    Column("Nhiệm vụ", lambda row: row.title, "text", 44),
    Column("Sản phẩm", lambda row: row.product, "text", 20),
    Column("Chủ trì", lambda row: row.lead, "text", 9),
    Column("Phối hợp", lambda row: ", ".join(row.collaborators), "text", 12),
    Column("Hạn", lambda row: row.due, "day", 12),
    Column("Trạng thái", lambda row: row.state_text, "text", 18),
    Column("Ngày báo cáo", lambda row: row.reported_on, "day", 12),
    Column("Ngày hoàn thành", lambda row: row.on, "day", 12),
    _yes("Hoàn thành trễ", lambda row: row.late),
    _yes("Quá hạn chưa xong", lambda row: row.undone),
    Column("Số lần trễ hạn", lambda row: row.late_times, "whole"),
    Column("Số lần bị trả lại", lambda row: row.returned, "whole"),
    Column("Số lần gia hạn", lambda row: row.extensions, "whole"),
    Column("Nguyên nhân khách quan", lambda row: "; ".join(map(_cause, row.causes)), "text", 36),
)


def _cause(cause: CauseLine) -> str:
    return f"{cause.reason} ({cause.document or 'không có văn bản'})"


def _directive(report: DirectiveReport) -> Iterable[Table]:
    yield Table("Nhiệm vụ", _DIRECTIVE_TASKS, report.tasks)
    yield Table("Tổng hợp", _directive_columns(), [report.directive])


def _aggregates(report: Aggregates) -> Iterable[Table]:
    def named(names: dict[str, str]) -> Column:
        return Column("Nhóm", lambda row: names.get(row.name, row.name) if row.name else MIXED, "text", 34)

    people = Column("Số người xếp loại", lambda row: row.people, "whole", 10)
    total = Group(TOTAL, report.people, report.levels or {})
    parts = [("Mức theo nhóm", report.by_category, texts.CATEGORIES), ("Mức theo đơn vị", report.by_unit, {})]
    for name, groups, names in parts:
        yield Table(name, [named(names), people, *_levels()], [*groups, total], summed=True, notes=report.notes)
    if report.fields:
        yield Table("Theo lĩnh vực", [_FIELD, *_counts()], report.fields)
        yield Table("Theo chỉ thị", _directive_columns(), report.directives)


_TITLES: dict[type, str] = {
    PeopleReport: "Kết quả xếp loại và nhiệm vụ theo người",
    UnitsReport: "Kết quả xếp loại và nhiệm vụ theo đơn vị",
    FieldsReport: "Nhiệm vụ theo lĩnh vực cải cách hành chính",
    DirectivesReport: "Tiến độ thực hiện các chỉ thị",
    Aggregates: "Số liệu tổng hợp phục vụ giám sát",
}
_TABLES: dict[type, Callable[[Any], Iterable[Table]]] = {
    PeopleReport: _people,
    UnitsReport: _units,
    FieldsReport: _fields,
    DirectivesReport: _directives,
    DirectiveReport: _directive,
    Aggregates: _aggregates,
}
