"""Other communes' files: other words, orders, sheets, numbering, csv dialects, formulas and letter forms."""

import io
import re
import unicodedata
import zipfile
from datetime import date

import openpyxl
import pytest

from services.tasks.imports.annotate import annotate, outcomes
from services.tasks.imports.leads import Person
from services.tasks.imports.reading import read_annex, read_roster
from services.tasks.imports.roster import people_of
from shared.refusal import Refused

ISSUED = date(2025, 3, 3)
PEOPLE = [
    Person("vp01", "Chánh Văn phòng HĐND và UBND", "Văn phòng HĐND&UBND", "cong_chuc"),
    Person("kt01", "Trưởng phòng Kinh tế", "Phòng Kinh tế", "cong_chuc"),
    Person("kt02", "Chuyên viên tài chính", "Phòng Kinh tế", "cong_chuc", tracker="kt01"),
    Person("vh01", "Trưởng phòng Văn hóa - Xã hội", "Phòng Văn hóa - Xã hội", "cong_chuc", name="Nguyễn Thị Hoa"),
    Person("t1", "Trưởng thôn Đông", "Thôn Đông", "truong_thon"),
    Person("t2", "Trưởng thôn Tây", "Thôn Tây", "truong_thon"),
]


def saved(book):
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def sheet_of(*rows, merged=(), title="Sheet"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    return saved(book)


def annex(data):
    return read_annex(data, PEOPLE, issued_on=ISSUED)


def good(found):
    return {row.no: (row.title, row.lead.staff, row.due.date) for row in found.rows if row.outcome == "good"}


def test_other_words_in_another_order():
    found = annex(
        sheet_of(
            ("PHỤ LỤC 2",),
            ("PHÂN CÔNG NHIỆM VỤ NĂM 2025",),
            (),
            ("Thời gian hoàn thành", "TT", "Đơn vị thực hiện", "Nhiệm vụ", "Kết quả", "Cơ quan phối hợp", "Ghi chú"),
            ("(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)"),
            (None, "A", None, "CẢI CÁCH THỦ TỤC HÀNH CHÍNH"),
            ("Quý II", 1, "Phòng Kinh tế", "Rà soát thủ tục hành chính", "Báo cáo", "Văn phòng HĐND&UBND", None),
            ("30/4", "02", "Nguyễn Thị Hoa", "Công khai thủ tục", "Danh mục", None, None),
            (None, "Tổng cộng: 2 nhiệm vụ"),
        )
    )
    assert good(found) == {
        "1": ("Rà soát thủ tục hành chính", ("kt01",), date(2025, 6, 30)),
        "02": ("Công khai thủ tục", ("vh01",), date(2025, 4, 30)),
    }
    assert [row.field for row in found.rows] == [2, 2]
    assert [row.lead.how for row in found.rows] == ["unit", "name"]
    assert found.rows[0].collaborators == ("vp01",)
    assert [(skipped.row, skipped.kind) for skipped in found.skipped] == [(5, "numbers"), (6, "group"), (9, "total")]


def test_a_header_of_two_levels_with_its_telling_words_below():
    found = annex(
        sheet_of(
            ("STT", "Nội dung", "Phân công", None, "Thời gian", None, "HS"),
            (None, None, "Chủ trì", "Phối hợp", "Bắt đầu", "Kết thúc", None),
            ("I", "Cải cách tài chính công"),
            (1, "Công khai ngân sách", "Phòng Kinh tế", "Văn phòng HĐND&UBND", "01/4/2025", "15/4/2025", "1,5"),
            merged=("A1:A2", "B1:B2", "C1:D1", "E1:F1", "G1:G2"),
        )
    )
    assert good(found) == {"1": ("Công khai ngân sách", ("kt01",), date(2025, 4, 15))}
    assert (found.rows[0].coefficient, found.rows[0].field) == ("1.5", 5)
    assert found.tables[0].header_row == 2


def test_several_sheets_each_with_its_own_table():
    book = openpyxl.Workbook()
    book.active.title = "Hướng dẫn"
    book.active.append(("Cách điền biểu này",))
    first = book.create_sheet("Phòng Kinh tế")
    first.append(("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Lĩnh vực"))
    first.append((1, "Giải ngân", "Phòng Kinh tế", "Quý IV", 5))
    second = book.create_sheet("Văn phòng")
    second.append(("Người thực hiện", "Tên công việc", "Hạn hoàn thành", "Nhóm"))
    second.append(("Chánh Văn phòng HĐND và UBND", "Báo cáo", "Tháng 6", "Công tác chỉ đạo, điều hành"))
    second.append(("Chánh Văn phòng HĐND và UBND", "Theo dõi", "Thường xuyên", "Chuyển đổi số"))
    hidden = book.create_sheet("Cũ")
    hidden.append(("STT", "Nội dung công việc", "Chủ trì"))
    hidden.append((1, "Việc năm trước", "Phòng Kinh tế"))
    hidden.sheet_state = "hidden"
    book.create_sheet("Trống")
    found = annex(saved(book))
    assert [(row.sheet, row.no, row.field) for row in found.rows] == [
        ("Phòng Kinh tế", "1", 5),
        ("Văn phòng", "1", 0),
        ("Văn phòng", "2", 6),
    ]
    assert [(skipped.sheet, skipped.reason) for skipped in found.skipped_sheets] == [
        ("Hướng dẫn", "no_header"),
        ("Cũ", "hidden"),
        ("Trống", "empty"),
    ]


def test_numbers_that_start_anew_in_each_group_carry_its_label():
    found = annex(
        sheet_of(
            ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn"),
            ("I", "Cải cách thể chế"),
            (1, "Việc một", "Phòng Kinh tế", "Quý II"),
            (2, "Việc hai", "Phòng Kinh tế", "Quý II"),
            ("II", "Cải cách chế độ công vụ"),
            (1, "Việc ba", "Phòng Kinh tế", "Quý II"),
        )
    )
    assert [(row.no, row.field, row.questions) for row in found.rows] == [
        ("I.1", 1, ()),
        ("I.2", 1, ()),
        ("II.1", 4, ()),
    ]


def test_a_numbered_heading_over_its_parts_is_no_task():
    found = annex(
        sheet_of(
            ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn"),
            ("I", "Cải cách thể chế"),
            (1, "Rà soát văn bản"),
            (1.1, "Lập danh mục", "Phòng Kinh tế", "Quý II"),
            ("1.2", "Báo cáo", "Phòng Kinh tế", "Quý III"),
        )
    )
    assert [(row.no, row.outcome, row.field) for row in found.rows] == [("1.1", "good", 1), ("1.2", "good", 1)]


def test_a_header_repeated_on_each_page_and_a_second_table_in_another_order():
    header = ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn")
    found = annex(
        sheet_of(
            header,
            ("I", "Cải cách thể chế"),
            (1, "Việc một", "Phòng Kinh tế", "Quý II"),
            header,
            (2, "Việc hai", "Phòng Kinh tế", "Quý II"),
            ("Nơi nhận:",),
            ("- Như trên;", "Phòng Kinh tế", "Lưu"),
            ("STT", "Chủ trì", "Nội dung công việc", "Thời hạn"),
            (3, "Phòng Kinh tế", "Việc ba", "Quý II"),
        )
    )
    assert [(row.no, row.title) for row in found.rows] == [("1", "Việc một"), ("2", "Việc hai"), ("3", "Việc ba")]
    assert [skipped.kind for skipped in found.skipped] == ["group", "header", "footer", "footer"]


def test_rows_typed_ahead_and_blank_rows_are_passed_over():
    found = annex(
        sheet_of(
            ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Lĩnh vực"),
            (1, "Việc một", "Phòng Kinh tế", "Quý II", 1),
            (),
            (2, None, None, None, None),
            (3, "Việc ba", "Phòng Kinh tế", "Quý II", 1),
        )
    )
    assert [(row.no, row.outcome) for row in found.rows] == [("1", "good"), ("3", "good")]
    assert [(skipped.row, skipped.kind) for skipped in found.skipped] == [(4, "note")]


def test_letters_in_parts_mean_the_same():
    rows = (
        ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Lĩnh vực"),
        (1, "Việc một", "Phòng Văn hóa – Xã hội", "Trước ngày 15 tháng cuối quý", "Cải cách thể chế"),
    )
    decomposed = [[unicodedata.normalize("NFD", str(cell)) for cell in row] for row in rows]
    assert annex(sheet_of(*decomposed)).rows == annex(sheet_of(*rows)).rows
    assert annex(sheet_of(*rows)).rows[0].questions == ()


def with_formula(data, cell, formula, value):
    """The workbook with a formula and its last computed value in a cell that held `value`."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                text, count = re.subn(
                    rf'(<c r="{cell}"[^>]*>)<v>[^<]*</v>', rf"\g<1><f>{formula}</f><v>{value}</v>", content.decode()
                )
                assert count == 1
                content = text.encode()
            target.writestr(name, content)
    return written.getvalue()


def test_a_formula_counts_with_its_last_value_and_is_given_back_as_a_value():
    plain = sheet_of(
        ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Lĩnh vực", "Hệ số"),
        (1, "Việc một", "Phòng Kinh tế", date(2025, 1, 1), 1, 1),
    )
    data = with_formula(with_formula(plain, "D2", "DATE(2025,7,15)", 45853), "F2", "1+0.5", 1.5)
    found = annex(data)
    assert (found.rows[0].due.date, found.rows[0].coefficient) == (date(2025, 7, 15), "1.5")
    sheet = openpyxl.load_workbook(io.BytesIO(annotate(data, found.tables, outcomes(found.rows)))).active
    assert (sheet["F2"].value, sheet["F2"].data_type) == (1.5, "n")


CSV = """DANH MỤC CÔNG VIỆC{s}{s}{s}{s}
STT{s}Nội dung công việc{s}Chủ trì{s}Thời hạn{s}Hệ số
I. Cải cách thể chế{s}{s}{s}{s}
1{s}"Rà soát{s} kiểm tra"{s}Phòng Kinh tế{s}20/6; 20/9{s}"1,5"
2{s}Báo cáo{s}Phòng Kinh tế{s}"Trước
15/7/2025"{s}2
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_csv_in_every_dialect(encoding, separator, ending):
    text = CSV.replace("20/6; 20/9", '"20/6; 20/9"').format(s=separator).replace("\n", ending)
    found = annex(text.encode(encoding))
    first, second = found.rows
    assert (first.title, first.coefficient, first.due.kind) == (
        f"Rà soát{separator.strip()} kiểm tra",
        "1.5",
        "several",
    )
    assert (second.due.date, second.field, second.row) == (date(2025, 7, 14), 1, 5)


def test_csv_in_windows_1258():
    text = unicodedata.normalize("NFC", CSV.replace("20/6; 20/9", "Quý II").format(s=";"))
    tones = "\u0300\u0301\u0303\u0309\u0323"
    legacy = "".join(
        char if ord(char) < 128 else "".join(_legacy(unicodedata.normalize("NFD", char), tones)) for char in text
    )
    assert annex(legacy.encode("cp1258")).rows[0].lead.text == "Phòng Kinh tế"


def _legacy(parts, tones):
    """Vietnamese Windows code page: letters with their own mark in one code, tones apart."""
    letter = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
    return letter, "".join(part for part in parts if part in tones)


def test_excels_own_separator_hint_is_followed():
    found = annex(("sep=;\n" + CSV.replace("20/6; 20/9", "Quý II").format(s=";")).encode())
    assert [row.row for row in found.rows] == [5, 6]


def test_a_file_without_the_columns_is_refused_by_their_names():
    with pytest.raises(Refused) as refused:
        annex(sheet_of(("STT", "Nội dung công việc"), (1, "Việc một")))
    assert refused.value.code == "file-no-header"
    assert refused.value.params["columns"] == "Nội dung công việc, Chủ trì"


def test_a_roster_with_other_words_groups_as_rows_and_names():
    found = read_roster(
        sheet_of(
            ("DANH SÁCH CÁN BỘ, CÔNG CHỨC NĂM 2025",),
            ("STT", "Họ và tên", "Mã số", "Chức danh", "Phòng ban", "Cấp trên trực tiếp", "Ngày nhận việc", "SĐT"),
            ("I", "Cán bộ"),
            (1, "Trần Văn An", "CB01", "Chủ tịch UBND", "Lãnh đạo", None, "1/7/2025", "0900 000 000"),
            ("II", "Công chức"),
            (2, "Nguyễn Thị Hoa", "CC.01", "Trưởng phòng Văn hóa - Xã hội", "Phòng VH-XH", "cb01", 45839, None),
            ("III", "Người hoạt động không chuyên trách"),
            (3, "Lê Văn Ba", 17, "Văn thư", "Văn phòng", "Chủ tịch UBND", "2025-07-01", None),
        )
    )
    assert [(row.code, row.category, row.tracker, row.valid_from, row.outcome) for row in found.rows] == [
        ("cb01", "can_bo", None, date(2025, 7, 1), "good"),
        ("cc.01", "cong_chuc", "cb01", date(2025, 7, 1), "good"),
        ("17", "khong_chuyen_trach", "cb01", date(2025, 7, 1), "good"),
    ]
    assert (found.rows[0].name, found.rows[0].phone) == ("Trần Văn An", "0900 000 000")
    assert [person.name for person in people_of(found)] == ["Trần Văn An", "Nguyễn Thị Hoa", "Lê Văn Ba"]


@pytest.mark.parametrize(
    ("words", "how", "staff"),
    [
        ("vp01", "code", ("vp01",)),
        ("Phòng VH-XH", "near", ("vh01",)),
        ("Trưởng các thôn", "group", ("t1", "t2")),
        ("Các thôn", "group", ("t1", "t2")),
        ("Các phòng, ban", "group", ()),
        ("Phòng Kinh tế và Văn phòng HĐND&UBND", "several", ("kt01", "vp01")),
        ("Phòng Kinh tế; các thôn", "several", ("kt01",)),
        ("Đội quản lý đô thị", "unknown", ()),
    ],
)
def test_the_words_for_a_lead(words, how, staff):
    found = annex(sheet_of(("Nội dung", "Chủ trì", "Lĩnh vực"), ("Việc", words, 1)))
    assert (found.rows[0].lead.how, found.rows[0].lead.staff) == (how, staff)
