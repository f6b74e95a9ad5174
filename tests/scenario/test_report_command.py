"""`cchc report` on the demo year: lines for a script, JSON, and workbooks to print."""

from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from tests.scenario.conftest import Cchc, read_json

DIRECTIVE = "01/CT-UBND"


@pytest.mark.parametrize("report", ["people", "units", "fields", "aggregates"])
def test_a_years_report_as_json_and_as_a_workbook(cchc: Cchc, tmp_path: Path, report: str):
    found = read_json(cchc("report", report, "--year", "2024", "--as-of", "2024-12-20", "--json"))
    assert (found["year"], found["evaluated_on"]) == (2024, "2024-12-20")
    file = tmp_path / "bao-cao.xlsx"
    cchc("report", report, "--year", "2024", "--as-of", "2024-12-20", "-o", str(file))
    first = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    assert "2024" in str(first) and "Tính đến ngày" in str(first)


def test_a_year_by_field_as_lines_for_a_script(cchc: Cchc):
    lines = [line.split("\t") for line in cchc("report", "fields", "--year", "2024").stdout.splitlines()]
    assert [line[0][:2] for line in lines[:-1]] == [f"{field}." for field in range(8)]
    assert int(lines[-1][1]) == sum(int(line[1]) for line in lines[:-1])


def test_a_directive_is_found_by_its_number(cchc: Cchc, tmp_path: Path):
    found = read_json(cchc("report", "directives", DIRECTIVE, "--as-of", "2024-12-20", "--json"))
    assert found["directive"]["number"] == DIRECTIVE
    numbered = [int(task["no"]) for task in found["tasks"] if task["no"] and task["no"].isdecimal()]
    assert numbered == sorted(numbered)
    file = tmp_path / "chi-thi.xlsx"
    cchc("report", "directives", found["directive"]["directive"], "-o", str(file))
    assert CalamineWorkbook.from_path(str(file)).sheet_names == ["Nhiệm vụ", "Tổng hợp"]


def test_an_unknown_directive_and_a_folder_that_is_not_there_are_refused(cchc: Cchc, tmp_path: Path):
    assert "Không có chỉ thị 99/CT-UBND" in cchc("report", "directives", "99/CT-UBND", code=2).stderr
    missing = tmp_path / "khong-co" / "bao-cao.xlsx"
    assert "Không ghi được" in cchc("report", "fields", "--year", "2024", "-o", str(missing), code=2).stderr


def test_the_week_and_the_month_on_a_screen_as_a_workbook_and_as_a_page(cchc: Cchc, tmp_path: Path):
    found = read_json(cchc("report", "weekly", "--on", "2024-11-20", "--json"))
    assert (found["week"], found["on"]) == ("2024-W47", "2024-11-20")
    assert sum(person["tasks"]["open"] for person in found["people"]) == found["total"]["open"] > 0
    assert "Cộng" in cchc("report", "weekly", "--on", "2024-11-20").stdout
    file, page = tmp_path / "tuan.xlsx", tmp_path / "tuan.html"
    cchc("report", "weekly", "--on", "2024-11-20", "-o", str(file))
    assert CalamineWorkbook.from_path(str(file)).sheet_names == ["Quá hạn", "Theo người", "Theo lĩnh vực"]
    cchc("report", "weekly", "--on", "2024-11-20", "--out", str(page))
    assert "BÁO CÁO TUẦN" in page.read_text("utf-8")
    cchc("report", "monthly", "--month", "2024-11", "--out", str(page))
    assert "SỐ LIỆU THÁNG 11/2024" in page.read_text("utf-8")


def test_a_slip_from_the_command_line(cchc: Cchc, tmp_path: Path):
    file = tmp_path / "phieu.docx"
    assert "Không có nhiệm vụ t99" in cchc("slip", "t99", "--out", str(file), code=2).stderr
    assert not file.exists()
