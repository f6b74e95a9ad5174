"""The sample roster of 1 July 2024, and what makes a row bad, odd or a question."""

import io
from datetime import date
from pathlib import Path

import msgspec
import openpyxl
import pytest

from services.tasks.imports.annotate import annotate, outcomes
from services.tasks.imports.reading import read_roster
from services.tasks.imports.roster import RosterImport
from services.tasks.imports.texts import text_of

SAMPLE = (Path(__file__).parents[3] / "demo" / "data" / "danh-sach-can-bo-2024.xlsx").read_bytes()
ROSTER = read_roster(SAMPLE)
BY_CODE = {row.code: row for row in ROSTER.rows}
HEADER = [
    "Mã",
    "Chức vụ/vị trí",
    "Nhóm",
    "Bộ phận",
    "Lãnh đạo",
    "Cấp trên trực tiếp",
    "Từ ngày",
    "Đến ngày",
    "Email",
    "Ghi chú",
]
CHAIR = ("p01", "Chủ tịch UBND xã", "Cán bộ", "Lãnh đạo", "x", None, "01/07/2021", None, None, None)


def imported(*rows):
    book = openpyxl.Workbook()
    for row in (HEADER, CHAIR, *rows):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return read_roster(written.getvalue())


def person(**changes):
    names = ("code", "post", "category", "unit", "leader", "tracker", "valid_from", "valid_to", "email", "note")
    usual = dict(zip(names, ("p07", "Công chức Văn phòng", "Công chức", "Văn phòng", None, "p01"), strict=False))
    usual["valid_from"] = "01/01/2020"
    return tuple({**usual, **changes}.get(name) for name in names)


def test_all_forty_nine_rows_are_good():
    assert ROSTER.counts == {
        "rows": 49,
        "good": 49,
        "waiting": 20,
        "flagged": 0,
        "rejected": 0,
        "can_bo": 12,
        "cong_chuc": 11,
        "khong_chuyen_trach": 12,
        "truong_thon": 8,
        "dau_moi": 6,
    }
    assert list(BY_CODE) == [f"p{number:02}" for number in range(1, 50)]
    assert [(skipped.row, skipped.kind) for skipped in ROSTER.skipped] == [(58, "footer")]


def test_who_is_rated_here():
    elsewhere = [code for code, row in BY_CODE.items() if not row.rated and row.category != "dau_moi"]
    assert elsewhere == [f"p{number:02}" for number in (4, 5, 6, 7, 8, 9, 10, 11, 12, 32, 33, 34, 35)]
    assert all(
        [question.code for question in BY_CODE[code].questions] == ["co_quan_khac_xep_loai"] for code in elsewhere
    )
    assert len([row for row in ROSTER.rows if row.rated]) == 30
    assert [code for code, row in BY_CODE.items() if row.rater == "external"] == ["p01", "p02", "p03"]
    assert not any(row.questions for row in ROSTER.rows if row.category == "dau_moi")


def test_codes_marks_dates_and_letters_are_read_in_every_form():
    assert [code for code, row in BY_CODE.items() if row.leader] == [f"p{number:02}" for number in range(1, 13)]
    assert BY_CODE["p04"].valid_from == date(2020, 7, 1)
    assert BY_CODE["p13"].valid_from == date(2019, 1, 1)
    assert (BY_CODE["p06"].tracker, BY_CODE["p13"].tracker) == ("p04", "p01")
    assert BY_CODE["p26"].post == "Phụ trách Đài truyền thanh – Nhà văn hóa"
    assert (BY_CODE["p44"].valid_from, BY_CODE["p44"].email) == (None, "")
    assert BY_CODE["p09"].email == "p09@tiencanh.example.invalid"


def test_the_moves_of_the_year():
    assert (BY_CODE["p19"].valid_to, BY_CODE["p20"].valid_from) == (date(2024, 6, 30), date(2024, 7, 1))
    assert [question.code for question in BY_CODE["p19"].questions] == ["chuyen_cong_tac"]
    assert [question.code for question in BY_CODE["p20"].questions] == ["chuyen_cong_tac"]


def test_a_leave_in_the_remarks_is_a_question_that_names_the_kind_only():
    (leave,) = BY_CODE["p23"].questions
    assert (leave.code, leave.cell) == ("nghi_trong_ghi_chu", "J30")
    assert {name: leave.params[name] for name in ("kind", "from", "to", "substitute")} == {
        "kind": "protected",
        "from": "2024-05-01",
        "to": "2024-10-31",
        "substitute": "p31",
    }
    (stands_in,) = BY_CODE["p31"].questions
    assert (stands_in.code, stands_in.params["of"], stands_in.params["to"]) == ("lam_thay", "p23", "2024-10-31")


def test_the_result_goes_through_json():
    assert msgspec.json.decode(msgspec.json.encode(ROSTER), type=RosterImport) == ROSTER


@pytest.mark.parametrize(
    ("changes", "code", "cell"),
    [
        ({"code": None}, "thieu_ma", "A3"),
        ({"code": "P01", "tracker": None}, "trung_ma", "A3"),
        ({"code": "p 07"}, "ma_khong_hop_le", "A3"),
        ({"code": "Kanarix Văn A"}, "ma_khong_hop_le", "A3"),
        ({"code": "đỗ-a"}, "ma_khong_hop_le", "A3"),
        ({"post": None}, "thieu_chuc_vu", "B3"),
        ({"category": "Chuyên gia"}, "nhom_la", "C3"),
        ({"category": None}, "nhom_la", "C3"),
        ({"valid_from": "31/02/2024"}, "ngay_khong_doc_duoc", "G3"),
        ({"valid_from": "đầu năm"}, "ngay_khong_doc_duoc", "G3"),
        ({"valid_from": 12}, "ngay_khong_doc_duoc", "G3"),
        ({"valid_to": "31/12/2019"}, "ket_thuc_truoc_bat_dau", "H3"),
        ({"tracker": "p99"}, "cap_tren_khong_co", "F3"),
        ({"tracker": "P07"}, "cap_tren_la_chinh_minh", "F3"),
    ],
)
def test_a_bad_row_is_rejected_with_its_cell(changes, code, cell):
    found = imported(person(**changes))
    row = found.rows[1]
    assert (row.outcome, [(error.code, error.cell) for error in row.errors]) == ("rejected", [(code, cell)])
    assert "{" not in text_of(row.errors[0])
    assert found.counts["good"] == 1


def test_a_superior_may_stand_further_down_or_be_named_by_the_post():
    found = imported(person(tracker="p08"), person(code="p08", tracker="Chủ tịch UBND xã"))
    assert [row.tracker for row in found.rows] == [None, "p08", "p01"]


def test_a_bad_email_is_only_flagged():
    row = imported(person(email="p07 at xa.vn")).rows[1]
    assert (row.outcome, row.email, [(flag.code, flag.cell) for flag in row.flags]) == (
        "good",
        "",
        [("email_khong_hop_le", "I3")],
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"valid_from": None}, "thieu_tu_ngay"),
        ({"note": "Nghỉ không lương từ 01/03/2024"}, "nghi_trong_ghi_chu"),
        ({"note": "Đảng ủy khối: cơ quan khác quyết định xếp loại"}, "co_quan_khac_xep_loai"),
        ({"note": "Cấp trên xếp loại"}, "cap_tren_xep_loai"),
        ({"note": "Điều động từ Phòng Nội vụ"}, "chuyen_cong_tac"),
        ({"note": "Làm thay p01"}, "lam_thay"),
    ],
)
def test_what_may_not_be_inferred_silently_is_a_question(changes, code):
    row = imported(person(**changes)).rows[1]
    assert (row.outcome, [question.code for question in row.questions]) == ("good", [code])


def test_a_remark_about_anything_else_is_no_question():
    assert imported(person(note="Phụ trách Văn phòng, theo dõi Chỉ thị 01")).rows[1].questions == ()


def test_the_annotated_roster_keeps_every_row_and_names_the_bad_cell():
    book = openpyxl.Workbook()
    for row in (HEADER, CHAIR, person(tracker="p99")):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    found = read_roster(written.getvalue())
    sheet = openpyxl.load_workbook(io.BytesIO(annotate(written.getvalue(), found.tables, outcomes(found.rows)))).active
    assert (sheet["K1"].value, sheet["K2"].value) == ("Lỗi", "Đạt")
    assert sheet["K3"].value.startswith("Lỗi – F3: Người phụ trách trực tiếp “p99” không có trong tệp.")


def test_a_row_without_a_code_that_can_be_used_is_told_a_free_one():
    found = imported(person(code=None), person(code="p02"), person(code="Nguyễn Văn A"), person(code="p 9"))
    told = [error.params.get("free") for row in found.rows for error in row.errors]
    assert told == ["p03", "p04", "p05"]  # p01 and p02 are in the file
    assert "p04" in text_of(found.rows[3].errors[0]) and "không là họ tên" in text_of(found.rows[3].errors[0])


def test_codes_that_are_recorded_are_not_told_and_those_of_earlier_releases_are_taken():
    book = openpyxl.Workbook()
    for row in (HEADER, CHAIR, person(code=None), person(code="Đỗ Thị Á")):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    found = read_roster(written.getvalue(), ["p01", "p02", "đỗ thị á"])
    assert [row.outcome for row in found.rows] == ["good", "rejected", "good"]
    assert found.rows[1].errors[0].params == {"free": "p03"}
    assert found.rows[2].code == "đỗ thị á"


def test_a_list_without_a_column_of_codes_is_told_one_for_each_row():
    rows = (("Họ và tên", "Chức vụ", "Nhóm"), ("A", "Công chức", "Công chức"), ("B", "Trưởng thôn", "Trưởng thôn"))
    found = read_roster("\n".join(map(";".join, rows)).encode())
    assert [[error.code for error in row.errors] for row in found.rows] == [["thieu_ma"], ["thieu_ma"]]
    assert [row.errors[0].params["free"] for row in found.rows] == ["p01", "p02"]
    assert found.rows[0].errors[0].cell == "A2" and "cột Mã" in text_of(found.rows[0].errors[0])
