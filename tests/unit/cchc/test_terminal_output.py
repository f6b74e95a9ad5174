"""What the command line prints: everything fits a terminal of 80 columns, and a pipe gets every value whole."""

import os
import shutil
import sys

import pytest

from cchc.output import line, table

HEADER = ("Mã", "Chức vụ, vị trí", "Mức xếp loại", "Số lần chưa đạt")
ROWS = [
    ("p01", "Phó Chủ tịch UBND xã (văn hóa – xã hội, phụ trách CCHC)", "Cần người có thẩm quyền xem xét", 12),
    ("p02", "Trưởng thôn", None, 0),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    def of(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))

    return of


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, error = capsys.readouterr()
    assert error == ""
    return out.splitlines()


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 120, 200])
def test_a_table_fits_the_terminal_and_loses_no_word(terminal, capsys, columns: int):
    terminal(columns)
    table(HEADER, ROWS)
    lines = printed(capsys)
    assert max(map(len, lines)) <= columns
    words = {word for cells in (HEADER, *ROWS) for cell in cells if cell is not None for word in str(cell).split()}
    assert words <= set(" ".join(lines).split())


def test_where_there_is_room_a_row_is_a_line(terminal, capsys):
    terminal(200)
    table(HEADER, ROWS)
    heading, rule, *rows = printed(capsys)
    assert len(rows) == 2
    assert [heading.index("Chức"), rule.index(" "), rows[0].index("Phó")] == [5, 3, 5]


def test_headings_give_way_before_texts(terminal, capsys):
    terminal(len("  ".join(str(cell) for cell in ROWS[0])) + 3)
    table(HEADER, ROWS)
    assert sum(line.startswith("p01") for line in printed(capsys)) == 1


def test_too_many_columns_become_a_line_each(terminal, capsys):
    terminal(80)
    table([f"Cột số {number}" for number in range(30)], [[f"giá trị {number}" for number in range(30)]])
    assert printed(capsys)[4].split() == ["Cột", "số", "4", "giá", "trị", "4"]


def test_a_pipe_gets_the_values_alone_with_tabs_between(capsys):
    line("Kết quả xếp loại", heading=True)
    table(HEADER, ROWS)
    out, error = capsys.readouterr()
    assert out.splitlines()[0] == "\t".join(map(str, ROWS[0]))
    assert error == "Kết quả xếp loại\n"


def test_a_long_line_goes_on_below_its_beginning(terminal, capsys):
    terminal(40)
    line("\n    tasks #92     14/06/2024  Giao việc – staff/p14  01901432-9e20-7f25-b1d8-34b78b7e0592")
    first, *lines = printed(capsys)
    assert first == ""
    assert all(text.startswith("    ") and len(text) <= 42 for text in lines)
    assert lines[-1].split() == ["01901432-9e20-7f25-b1d8-34b78b7e0592"]
