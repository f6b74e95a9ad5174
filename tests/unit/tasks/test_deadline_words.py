"""What a deadline's free text proposes, form by form, for a directive of 14 June 2024."""

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tasks.imports.deadlines import LONGEST, propose, to_due
from shared.events.values import Due, Recurrence

ISSUED = date(2024, 6, 14)

DATES = {
    "31/12/2024": "2024-12-31",
    "30/8/2024 ": "2024-08-30",
    "Trước ngày 15/7/2024": "2024-07-14",
    "Trước 05/12": "2024-12-04",
    "Trước 01/12": "2024-11-30",
    "Trước ngày 10/12/2024": "2024-12-09",
    "Quý II": "2024-06-30",
    "Tháng 7/2024": "2024-07-31",
    "ngày 15 tháng 6 năm 2024": "2024-06-15",
    "15 tháng 6": "2024-06-15",
    "15-06-2024": "2024-06-15",
    "15.6.2024": "2024-06-15",
    "15/6/24": "2024-06-15",
    "2024-07-15": "2024-07-15",
    "trong tháng 8": "2024-08-31",
    "cuối quý III": "2024-09-30",
    "Quý III/2024": "2024-09-30",
    "quí 4": "2024-12-31",
    "Q3": "2024-09-30",
    "Quý I năm 2025": "2025-03-31",
    "6 tháng đầu năm": "2024-06-30",
    "06 tháng cuối năm 2024": "2024-12-31",
    "9 tháng đầu năm": "2024-09-30",
    "cả năm": "2024-12-31",
    "Năm 2024": "2024-12-31",
    "Trước tháng 8/2024": "2024-07-31",
    "Trước Quý IV": "2024-09-30",
    "Đến hết ngày 30/9": "2024-09-30",
    "Chậm nhất ngày 30/9/2024": "2024-09-30",
    "Trước 17h00 ngày 15/7/2024": "2024-07-15",
    "Trước và trong ngày 15/7": "2024-07-15",
    "Từ 01/7 đến 31/7/2024": "2024-07-31",
    "Từ tháng 7 đến tháng 9": "2024-09-30",
    "15-20/7/2024": "2024-07-20",
    "thượng tuần tháng 8": "2024-08-10",
    "Kế hoạch năm 2024 trước 15/7": "2024-07-14",
    "Trước ngày\n15/7/2024": "2024-07-14",
    "TRƯỚC NGÀY 15/7/2024.": "2024-07-14",
}


@pytest.mark.parametrize(("text", "day"), DATES.items())
def test_one_date(text, day):
    found = propose(text, ISSUED)
    assert (found.kind, found.date, found.questions) == ("date", date.fromisoformat(day), ())


RECURRING = {
    "Trước ngày 15 tháng cuối quý": ("quarter", 14, 0),
    "Ngày cuối tháng": ("month", "last", 0),
    "Hằng tháng (trước ngày 05 tháng sau)": ("month", 4, 1),
    "Ngày 25 hằng tháng": ("month", 25, 0),
    "Mỗi quý 01 lần": ("quarter", "last", 0),
    "Hằng quý, theo lịch họp thôn": ("quarter", "last", 0),
    "Chậm nhất 15 ngày kể từ ngày kết thúc quý": ("quarter", 15, 1),
    "hàng tháng": ("month", "last", 0),
    "định kỳ hàng quý": ("quarter", "last", 0),
    "01 lần/quý": ("quarter", "last", 0),
    "6 tháng, năm": ("half", "last", 0),
    "6 tháng một lần": ("half", "last", 0),
    "Hằng năm": ("year", "last", 0),
    "Quý": ("quarter", "last", 0),
    "Trước ngày 01 hằng tháng": ("month", "last", -1),
    "Trước ngày 15/12 hằng năm": ("year", 14, 0),
    "31/01 hằng năm": ("year", "last", -11),
    "Chậm nhất là ngày 10 của tháng đầu quý sau": ("quarter", 10, 1),
    "Ngày 15 tháng đầu quý": ("quarter", 15, -2),
    "Thường xuyên, báo cáo trước ngày 25 hằng tháng": ("month", 24, 0),
}


@pytest.mark.parametrize(("text", "expected"), RECURRING.items())
def test_recurring(text, expected):
    every, day, month_offset = expected
    found = propose(text, ISSUED)
    assert (found.kind, found.questions) == ("recurring", ())
    assert found.recurrence == Recurrence(every=every, day=day, month_offset=month_offset)


def test_the_last_working_day_of_a_period_rolls_backward():
    assert propose("Ngày làm việc cuối cùng của tháng", ISSUED).roll == "backward"


SEVERAL = {
    "KH trước 30/6; kiểm tra trong Quý III": ["2024-06-29", "2024-09-30"],
    "Quý III, Quý IV": ["2024-09-30", "2024-12-31"],
    "Quý III và IV": ["2024-09-30", "2024-12-31"],
    "Đợt 1: 30/6/2024\nĐợt 2: 30/11/2024": ["2024-06-30", "2024-11-30"],
    "20/6; 20/9; 10/12": ["2024-06-20", "2024-09-20", "2024-12-10"],
    "Tháng 6, tháng 9 và tháng 12": ["2024-06-30", "2024-09-30", "2024-12-31"],
    "Báo cáo 6 tháng trước 15/7, năm trước 01/12": ["2024-07-14", "2024-11-30"],
    "Hằng tháng; tổng kết 15/12/2024": ["2024-12-15"],
}


@pytest.mark.parametrize(("text", "days"), SEVERAL.items())
def test_several_deadlines_are_asked_about(text, days):
    found = propose(text, ISSUED)
    assert (found.kind, found.questions) == ("several", ("nhieu_thoi_han",))
    assert [day.isoformat() for day in found.dates] == days


AFTER = {
    "05 ngày làm việc kể từ ngày nhận Quyết định công bố": (5, "ngày nhận Quyết định công bố"),
    "15 ngày làm việc kể từ ngày tiếp nhận": (15, "ngày tiếp nhận"),
    "Chậm nhất 01 ngày làm việc trước ngày hẹn trả": (-1, "ngày hẹn trả"),
    "05 ngày làm việc sau khi có QĐ": (5, "có QĐ"),
    "Trong vòng 03 ngày làm việc, kể từ khi nhận hồ sơ": (3, "nhận hồ sơ"),
    "Sau khi có Quyết định 05 ngày làm việc": (5, "có Quyết định"),
    "Không quá 30 ngày kể từ ngày có kết quả": (None, "30 ngày kể từ ngày có kết quả"),
}


@pytest.mark.parametrize(("text", "expected"), AFTER.items())
def test_so_long_after_an_event(text, expected):
    found = propose(text, ISSUED)
    assert (found.kind, found.questions) == ("after_event", ())
    assert (found.working_days, found.after) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Khi có văn bản cấp trên",
        "Theo thời gian huyện quy định",
        "Đột xuất",
        "Theo Kế hoạch số 12/KH-UBND",
        "theo quy định",
    ],
)
def test_an_event_gives_no_date(text):
    found = propose(text, ISSUED)
    assert (found.kind, found.date, found.questions) == ("event", None, ())


@pytest.mark.parametrize(
    ("text", "cadence"),
    [
        ("Thường xuyên", "month"),
        ("Thường xuyên trong năm", "month"),
        ("Thường xuyên; báo cáo hằng quý", "quarter"),
        ("hàng tuần", "week"),
        ("Thứ Sáu hằng tuần", "week"),
    ],
)
def test_continuous_work_has_a_check_cadence(text, cadence):
    found = propose(text, ISSUED)
    assert (found.kind, found.cadence, found.date, found.questions) == ("cadence", cadence, None, ())


@pytest.mark.parametrize("text", ["", "  ", "\xa0", "-", "…", None])
def test_a_blank_is_asked_about(text):
    found = propose(text, ISSUED)
    assert (found.kind, found.questions) == ("blank", ("thieu_thoi_han",))


@pytest.mark.parametrize(
    "text",
    ["xyz", "30/2/2024", "ngày 31/6", "đầu tháng 8", "Từ ngày 01/7/2024", "Trong 10 ngày", "tháng 13", "x" * 600],
)
def test_what_gives_no_deadline_is_asked_about(text):
    found = propose(text, ISSUED)
    assert (found.kind, found.questions) == ("unreadable", ("khong_doc_duoc_thoi_han",))
    assert found.text == text


@pytest.mark.parametrize(
    "text", ["Trước 15/7, 02 tin bài", "10 ngày kể từ ngày 01/7/2024", "hàng tháng, quý", "15/7 hoặc 30/2", "2 lần/năm"]
)
def test_time_words_left_over_are_never_passed_over_silently(text):
    assert "khong_doc_duoc_thoi_han" in propose(text, ISSUED).questions


@pytest.mark.parametrize(
    "value", [date(2024, 7, 15), datetime(2024, 7, 15, 17, 0, tzinfo=UTC), 45488, 45488.75, "15/7"]
)
def test_a_date_cell_and_its_day_number_are_dates(value):
    assert propose(value, ISSUED).date == date(2024, 7, 15)


@pytest.mark.parametrize("value", [date(2024, 1, 15), "31/01/2024", "Quý I", "01/6; 01/12"])
def test_a_deadline_before_the_directive_is_asked_about(value):
    assert propose(value, ISSUED).questions[0] == "han_truoc_ngay_chi_thi"


def test_the_day_of_the_directive_itself_is_no_question():
    assert propose("14/6/2024", ISSUED).questions == ()


def test_as_the_due_of_an_event():
    assert to_due(propose("Trước ngày 15/7", ISSUED)) == Due(text="Trước ngày 15/7", date=date(2024, 7, 14))
    after = to_due(propose("05 ngày làm việc kể từ ngày nhận", ISSUED))
    assert (after.working_days, after.after, after.date) == (5, "ngày nhận", None)
    assert to_due(propose("Thường xuyên", ISSUED)) == Due(text="Thường xuyên", cadence="month")


ALL_FORMS = [*DATES, *RECURRING, *SEVERAL, *AFTER]
PIECES = st.sampled_from(
    [*ALL_FORMS, "trước", "ngày", "tháng", "quý", "năm", "hằng", "cuối", "05", "31", "/", "-", ";", "\n", "IV", "đến"]
)


@given(
    st.sampled_from(ALL_FORMS), st.sampled_from([" ", "  ", "\xa0", "\t", " \u200b"]), st.sampled_from(["NFC", "NFD"])
)
def test_neither_spaces_nor_composition_matter(text, space, form):
    disguised = f"{space}{unicodedata.normalize(form, text).replace(' ', space)}{space}"
    assert propose(disguised, ISSUED) == propose(text, ISSUED)


@given(st.one_of(st.text(max_size=LONGEST + 20), st.lists(PIECES, max_size=8).map(" ".join)))
def test_any_text_gives_an_answer_and_stays_as_it_was(text):
    found = propose(text, ISSUED)
    assert bool(found.questions) or found.kind not in ("several", "blank", "unreadable")
    assert (found.kind == "date") == (found.date is not None)
    assert unicodedata.is_normalized("NFC", found.text)
    assert propose(found.text, ISSUED) == found


@given(st.text(), st.sampled_from([float("nan"), float("inf"), True, 10**30, -1.5, 0]))
def test_no_cell_value_breaks_it(text, number):
    assert propose(number, ISSUED).text
    assert propose([text], ISSUED).kind
