"""The workbook of a report: numbers as numbers, text as text, the same bytes each time, ready for A4."""

import io
from datetime import date
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from shared.workbook import Cell, Column, Table, workbook

COLUMNS = [
    Column("Tên", lambda row: row[0], "text", 12),
    Column("Số", lambda row: row[1], "whole"),
    Column("Tỷ lệ", lambda row: row[2], "share"),
    Column("Ngày", lambda row: row[3], "day"),
]
ROWS: list[tuple[Any, ...]] = [("Một cửa", 7, Fraction(1, 8), date(2024, 6, 30)), ("Trống", None, None, None)]


def made(*rows: Any) -> bytes:
    about: list[tuple[str, Cell]] = [("Xã", "xã Tiên Cảnh"), ("Năm", 2024), ("Tính đến ngày", date(2024, 12, 20))]
    return workbook("Báo cáo", about, [Table("Bảng", COLUMNS, rows or ROWS)])


def test_numbers_shares_and_dates_are_real_ones():
    lines = CalamineWorkbook.from_filelike(io.BytesIO(made())).get_sheet_by_name("Bảng").to_python()
    assert lines[:4] == [
        ["Báo cáo", "", "", ""],
        ["Xã", "xã Tiên Cảnh", "", ""],
        ["Năm", 2024, "", ""],
        ["Tính đến ngày", date(2024, 12, 20), "", ""],
    ]
    assert lines[5:] == [
        ["Tên", "Số", "Tỷ lệ", "Ngày"],
        ["Một cửa", 7, 0.125, date(2024, 6, 30)],
        ["Trống", "", "", ""],
    ]


def test_the_same_table_is_the_same_bytes():
    assert made() == made()


@pytest.mark.parametrize("text", ["=1+1", "+84", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_text_that_looks_like_a_formula_stays_text(text: str):
    sheet = openpyxl.load_workbook(io.BytesIO(made((text, 1, None, None))))["Bảng"]
    cell = sheet["A7"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_what_no_workbook_can_hold_is_left_out():
    sheet = openpyxl.load_workbook(io.BytesIO(made(("a\x07b" + "c" * 40_000, 1, None, None))))["Bảng"]
    assert sheet["A7"].value.startswith("abc") and len(sheet["A7"].value) == 32_767


def test_it_prints_on_one_width_of_a4_with_its_headings_on_every_page():
    sheet = openpyxl.load_workbook(io.BytesIO(made()))["Bảng"]
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$6:$6"
    assert sheet.freeze_panes == "B7"
    assert [sheet.column_dimensions[letter].width for letter in "AB"] == [16, 9]
