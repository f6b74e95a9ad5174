"""A person's name is found however a file or a text writes it."""

import unicodedata
from typing import Literal

import pytest

from shared.names import holds_name, letters

NAME = "Nguyễn Văn Đạt"
WRITTEN = (
    "Nguyễn Văn Đạt.pdf",
    "nguyễn văn đạt (1).pdf",
    "NGUYỄN VĂN ĐẠT.PDF",
    "nguyen-van-dat.pdf",
    "Nguyễn_Văn_Đạt.pdf",
    "NGUYENVANDAT.pdf",
    "NguyenVanDat-2024.pdf",
    "Bản cam kết của Nguyễn  Văn\u00a0Đạt, bản 2.docx",
    "cam-ket.nguyen.van.dat.jpg",
    "Nguyễn\u200bVăn\u2011Đạt.pdf",
    "Nguyễn Văn Ðạt.pdf",  # the Icelandic letter
    "Nguyễn Văn Ɖạt.pdf",  # the African one
    "Ｎｇｕｙễｎ Ｖăｎ Đạｔ.pdf",
    "[Nguyễn](Văn)~Đạt!.pdf",
)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("written", WRITTEN)
def test_a_name_is_found_however_it_is_written(written: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    written = unicodedata.normalize(form, written)
    for name in (NAME, NAME.upper(), "Nguyen Van Dat", unicodedata.normalize("NFD", NAME)):
        assert holds_name(written, [name])


@pytest.mark.parametrize("text", ["Nguyễn Văn Đức.pdf", "van-dat-nguyen.pdf", "bao-cao.pdf", ""])
def test_another_name_is_not_found(text: str) -> None:
    assert not holds_name(text, [NAME])


@pytest.mark.parametrize("nothing", ["", " ", "-", "…", "\u0301"])
def test_a_name_without_letters_is_in_no_text(nothing: str) -> None:
    assert letters(nothing) == ""
    assert not holds_name("bao-cao.pdf", [nothing]) and not holds_name("bao-cao.pdf", [])


def test_letters_of_other_scripts_count() -> None:
    assert holds_name("hồ-sơ-王伟.pdf", ["王伟"]) and not holds_name("bao-cao.pdf", ["王伟"])
