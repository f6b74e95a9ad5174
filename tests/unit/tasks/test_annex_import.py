"""The sample annex of Chỉ thị 01/CT-UBND, row by row, and what makes a row bad or a question."""

import io
from collections import defaultdict
from datetime import date
from pathlib import Path

import msgspec
import openpyxl
import pytest

from services.tasks.imports.annex import AnnexImport
from services.tasks.imports.annotate import annotate, outcomes
from services.tasks.imports.leads import Directory, Person
from services.tasks.imports.reading import read_annex, read_roster
from services.tasks.imports.roster import people_of
from services.tasks.imports.texts import TEXTS, outcome_of, text_of

DATA = Path(__file__).parents[3] / "demo" / "data"
ISSUED = date(2024, 6, 14)
PEOPLE = people_of(read_roster((DATA / "danh-sach-can-bo-2024.xlsx").read_bytes()))
SAMPLE = (DATA / "danh-muc-cong-viec-2024.xlsx").read_bytes()
ANNEX = read_annex(SAMPLE, PEOPLE, issued_on=ISSUED)
BY_NO = {int(row.no): row for row in ANNEX.rows}


def workbook(*rows, header=("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Hệ số")):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Phụ lục"
    for row in (header, *rows):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def imported(*rows, **how):
    return read_annex(workbook(*rows, **how), PEOPLE, issued_on=ISSUED)


def test_forty_rows_are_good_and_eleven_of_them_wait():
    assert ANNEX.counts == {"rows": 40, "good": 40, "waiting": 11, "rejected": 0}
    assert sorted(BY_NO) == list(range(1, 41))
    assert ANNEX.skipped_sheets == []


def test_what_waits_for_a_person():
    waiting = defaultdict(list)
    for no, row in BY_NO.items():
        for question in row.questions:
            waiting[question.code].append(no)
    assert waiting == {
        "han_truoc_ngay_chi_thi": [1, 2],
        "nhieu_thoi_han": [5, 11, 23, 40],
        "chu_tri_la_nhom": [9, 10, 17],
        "nhieu_chu_tri": [14],
        "thieu_thoi_han": [39],
    }
    assert BY_NO[23].questions[0].cell == "F35"
    assert BY_NO[9].questions[0].cell == "D19"


DATES = {
    1: "2024-01-15",
    2: "2024-01-31",
    3: "2024-07-14",
    4: "2024-06-30",
    5: "2024-06-29 2024-09-30",
    10: "2024-09-30",
    11: "2024-09-30 2024-12-31",
    12: "2024-12-04",
    13: "2024-11-20",
    14: "2024-08-30",
    23: "2024-06-30 2024-11-30",
    24: "2024-07-31",
    25: "2024-09-30",
    27: "2024-11-15",
    29: "2024-12-09",
    31: "2024-12-31",
    32: "2024-06-28",
    34: "2024-11-30",
    35: "2024-07-31",
    38: "2024-11-30",
    40: "2024-06-20 2024-09-20 2024-12-10",
}


def test_dates():
    found = {
        no: " ".join(str(day) for day in (row.due.date, *row.due.dates) if day)
        for no, row in BY_NO.items()
        if row.due.date or row.due.dates
    }
    assert found == DATES


def test_deadlines_that_are_no_dates():
    kinds = defaultdict(list)
    for no, row in BY_NO.items():
        kinds[row.due.kind].append(no)
    assert kinds["recurring"] == [6, 8, 9, 16, 18, 19, 20, 21, 28, 30, 33]
    assert kinds["after_event"] == [15, 17, 22]
    assert kinds["event"] == [7, 26]
    assert kinds["cadence"] == [36, 37]
    assert kinds["blank"] == [39]
    assert "unreadable" not in kinds


LEADS = {
    ("p14", "post"): [1, 2, 3, 4, 5, 6, 22, 24, 25, 26, 27, 29, 31, 36, 38],
    ("p14", "near"): [7],
    ("p22", "post"): [8, 35, 37, 39, 40],
    ("p36 p37 p38 p39 p40 p41 p42 p43", "group"): [9],
    ("", "group"): [10, 17],
    ("p16", "post"): [11, 12, 13],
    ("p16 p14", "several"): [14],
    ("p15", "post"): [15],
    ("p15", "unit"): [16, 18, 19, 20, 23],
    ("p14", "unit"): [21, 28],
    ("p03", "near"): [30],
    ("p18", "post"): [32, 33, 34],
}


def test_leads():
    found = defaultdict(list)
    for no, row in BY_NO.items():
        found[" ".join(row.lead.staff), row.lead.how].append(no)
    assert found == LEADS


def test_fields_come_from_the_group_rows():
    fields = defaultdict(list)
    for no, row in BY_NO.items():
        fields[row.field].append(no)
    assert {field: (nos[0], nos[-1]) for field, nos in fields.items()} == {
        0: (1, 10),
        1: (11, 13),
        2: (14, 23),
        3: (24, 25),
        4: (26, 31),
        5: (32, 34),
        6: (35, 40),
    }
    kinds = [skipped.kind for skipped in ANNEX.skipped]
    assert kinds == ["group"] * 7 + ["note"] + ["footer"] * 5


def test_coefficients():
    assert [no for no, row in BY_NO.items() if row.coefficient is None] == [9, 17, 36, 39]
    assert [BY_NO[no].coefficient for no in (1, 2, 12, 20, 34)] == ["2", "1.5", "1.5", "1.5", "2"]


def test_cells_are_cleaned_and_merged_ones_filled():
    assert BY_NO[8].title == "Viết tin, bài, phát thanh tuyên truyền CCHC trên Đài truyền thanh xã"
    assert BY_NO[12].title == "Theo dõi tình hình thi hành pháp luật năm 2024"
    assert [BY_NO[no].lead.text for no in (18, 19, 20)] == ["Bộ phận Một cửa"] * 3
    assert BY_NO[20].due.text == "Hằng tháng (trước ngày 05 tháng sau)"
    assert BY_NO[23].due.text == "Đợt 1: 30/6/2024\nĐợt 2: 30/11/2024"
    assert ANNEX.tables[0].header_row == 9


def test_collaborators_are_resolved_and_the_other_words_kept():
    assert BY_NO[9].collaborators == ("p14", "p08")
    assert (BY_NO[39].collaborators[:2], len(BY_NO[39].collaborators)) == (("p44", "p36"), 9)
    assert BY_NO[18].collaborators_unresolved == ("Các ngành",)
    assert BY_NO[3].collaborators_unresolved == ("Toàn thể cán bộ, công chức",)


def test_the_result_goes_through_json():
    assert msgspec.json.decode(msgspec.json.encode(ANNEX), type=AnnexImport) == ANNEX


@pytest.mark.parametrize(
    ("row", "code", "cell"),
    [
        ((1, None, "Văn phòng", "Quý III", 1), "thieu_noi_dung", "B2"),
        ((1, "Rà soát", None, "Quý III", 1), "thieu_chu_tri", "C2"),
        ((1, "Rà soát", " - ", "Quý III", 1), "thieu_chu_tri", "C2"),
        ((1, "Rà soát", "Văn phòng", "Quý III", "cao"), "he_so_khong_hop_le", "E2"),
        ((1, "Rà soát", "Văn phòng", "Quý III", 0), "he_so_khong_hop_le", "E2"),
        ((1, "Rà soát", "Văn phòng", "Quý III", -1), "he_so_khong_hop_le", "E2"),
        ((1, "Rà soát", "Văn phòng", "Quý III", "1e5"), "he_so_khong_hop_le", "E2"),
        ((1, "Rà soát", "Văn phòng", "Quý III", date(2024, 5, 1)), "he_so_khong_hop_le", "E2"),
    ],
)
def test_a_bad_row_is_rejected_with_its_cell_and_the_others_are_not(row, code, cell):
    found = imported(row, (2, "Báo cáo", "Văn phòng", "Quý III", "1,5"))
    assert [(error.code, error.cell) for error in found.rows[0].errors] == [(code, cell)]
    assert found.rows[0].questions == ()
    assert found.rows[0].raw["no"] == "1"
    assert (found.rows[1].outcome, found.rows[1].coefficient) == ("good", "1.5")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((1, "Rà soát", "Ban Quản lý chợ", "Quý III", 1), "khong_ro_chu_tri"),
        ((1, "Rà soát", "Phó Chủ tịch", "Quý III", 1), "khong_ro_chu_tri"),
        ((1, "Rà soát", "Các thôn", "Quý III", 1), "chu_tri_la_nhom"),
        ((1, "Rà soát", "Văn phòng, Bộ phận Một cửa", "Quý III", 1), "nhieu_chu_tri"),
        ((1, "Rà soát", "Văn phòng", "sớm", 1), "khong_doc_duoc_thoi_han"),
        ((None, "Rà soát", "Văn phòng", "Quý III", 1), "thieu_stt"),
        ((2, "Rà soát", "Văn phòng", "Quý III", 1), "trung_stt"),
    ],
)
def test_what_is_odd_is_a_question(row, code):
    found = imported(("I", "Cải cách thể chế"), (2, "Báo cáo", "Văn phòng", "Quý III", 1), row)
    assert [question.code for question in found.rows[1].questions] == [code]


def test_a_row_without_any_field_is_asked_about():
    found = imported((1, "Báo cáo", "Văn phòng", "Quý III", 1))
    assert [question.code for question in found.rows[0].questions] == ["khong_ro_linh_vuc"]


def test_a_lead_who_left_is_not_proposed():
    person = Person("p19", "Công chức Địa chính", "Địa chính", "cong_chuc", valid_to=date(2024, 6, 30))
    successor = Person("p20", "Công chức Địa chính", "Địa chính", "cong_chuc", valid_from=date(2024, 7, 1))
    assert Directory([person, successor], date(2024, 6, 14)).lead("Địa chính").staff == ("p19",)
    assert Directory([person, successor], date(2024, 7, 1)).lead("Địa chính").staff == ("p20",)


def test_two_people_in_one_post_are_both_named_and_neither_proposed():
    twins = [Person(code, "Công chức Địa chính", "Địa chính", "cong_chuc") for code in ("p20", "p21")]
    lead = Directory(twins, ISSUED).lead("Địa chính")
    assert (lead.how, lead.staff) == ("unknown", ("p20", "p21"))


def test_the_annotated_file_says_of_each_row_how_it_came_out():
    data = workbook((1, "Báo cáo", "Văn phòng", "Quý III", "x"), (2, "Rà soát", "Các ngành", "Quý III", 1))
    found = read_annex(data, PEOPLE, issued_on=ISSUED)
    sheet = openpyxl.load_workbook(io.BytesIO(annotate(data, found.tables, outcomes(found.rows)))).active
    assert [sheet.cell(row, 6).value for row in (1, 2, 3)] == ["Lỗi", *map(outcome_of, found.rows)]
    assert sheet["F2"].value.startswith("Lỗi – E2: Hệ số “x”")
    assert sheet["F3"].value.startswith("Chờ trả lời – C3: “Các ngành” là nhiều người.")


def test_an_annotated_file_imports_like_the_first_and_is_annotated_in_place():
    again = annotate(SAMPLE, ANNEX.tables, outcomes(ANNEX.rows))
    found = read_annex(again, PEOPLE, issued_on=ISSUED)
    plain = [msgspec.structs.replace(row, raw={}) for row in ANNEX.rows]
    assert [msgspec.structs.replace(row, raw={}) for row in found.rows] == plain
    twice = openpyxl.load_workbook(io.BytesIO(annotate(again, found.tables, outcomes(found.rows)))).active
    assert twice.max_column == 9
    assert twice["I9"].value == "Lỗi"


def test_every_remark_has_a_text_that_its_params_fill():
    for row in ANNEX.rows:
        for remark in (*row.questions, *row.errors):
            assert text_of(remark).startswith(f"{remark.cell}: ")
            assert "{" not in text_of(remark)
    assert all(title and detail for title, detail in TEXTS.values())


@pytest.mark.parametrize(
    ("column", "most"), [("STT", 100), ("Nội dung công việc", 20_000), ("Chủ trì", 2000), ("Thời hạn", 500)]
)
def test_a_cell_that_is_longer_than_a_command_takes_rejects_its_row_alone(column, most):
    header = ("STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Hệ số")
    rows = [dict(zip(header, (str(no), "Ban hành kế hoạch", "p15", "28/6/2024", "2"), strict=True)) for no in (1, 2, 3)]
    rows[0][column], rows[1][column] = "1" * most, "1" * (most + 1)
    found = imported(*(tuple(row.values()) for row in rows))
    assert [row.outcome for row in found.rows] == ["good", "rejected", "good"]
    [error] = found.rows[1].errors
    assert error.code == "qua_dai" and error.cell[1:] == "3" and f"tối đa {most}" in text_of(error)
