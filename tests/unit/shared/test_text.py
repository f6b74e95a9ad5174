"""What a text may hold, wherever it comes in."""

import unicodedata
import zipfile
from io import BytesIO

import docx
import pytest

from shared.text import fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Đỗ Thị Ngọc Ánh",
        "Ba\u0301o ca\u0301o",
        "12/PĐĐ-UBND",
        "a – “b” … ½ №",
        "😀👩\u200d⚕️",
        "không\u00a0ngắt",
        "\ue000",
    ],
)
def test_what_people_write_is_text(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\tb", "a\u2028b"])
def test_line_ends_belong_where_there_are_lines(text: str) -> None:
    assert fault(text, lines=True) is None
    assert fault(text) is not None


@pytest.mark.parametrize("char", ["\u200b", "\u200e", "\u2060", "\ufeff", "\u00ad"])
def test_an_id_has_no_invisible_characters(char: str) -> None:
    assert fault(f"p{char}07") is None
    assert f"U+{ord(char):04X}, ký tự thứ 2" in (fault(f"p{char}07", visible=True) or "")


def test_every_control_half_non_character_and_turn_is_refused() -> None:
    turned = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    for code in range(0x110000):
        char = chr(code)
        never = (
            (unicodedata.category(char) == "Cc" and char not in "\t\n\r")
            or unicodedata.category(char) == "Cs"
            or code & 0xFFFE == 0xFFFE
            or 0xFDD0 <= code <= 0xFDEF
            or code == 0xFFFD
            or code in turned
        )
        assert (fault(f"a{char}", lines=True) is not None) == never, hex(code)


def test_the_fault_names_the_character_and_not_the_text() -> None:
    said = fault("Nguyễn Thị Mật\x00")
    assert said is not None and "U+0000" in said and "Mật" not in said


def test_a_paper_can_hold_every_text() -> None:
    document = docx.Document()
    for plane in range(0, 0x110000, 0x100):
        text = "".join(char for char in map(chr, range(plane, plane + 0x100)) if fault(char, lines=True) is None)
        document.add_paragraph(text)
    stored = BytesIO()
    document.save(stored)
    zipfile.ZipFile(stored).read("word/document.xml").decode("utf-8")
