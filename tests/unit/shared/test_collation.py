"""Vietnamese texts compared: what a search finds, and what comes first in a list."""

import random
import unicodedata

import pytest

from shared.collation import given_name, in_order_of, mentions, order


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("hop tac xa", "Củng cố Hợp tác xã Đông Sơn"),
        ("HỢP TÁC XÃ", "củng cố hợp tác xã đông sơn"),
        ("dong son", "Củng cố Hợp tác xã Đông Sơn"),
        ("đường", "Bao cao Duong ven song"),
        ("duong", "Báo cáo Đường ven sông"),
        ("Đuơng", "Báo cáo Đường ven sông"),
        ("100%", "Số hóa 100% hồ sơ"),
        ("_", "Tệp bao_cao"),
        ('"mot cua"', "Bộ phận “Một cửa”"),
        ("2024-2025", "Kế hoạch 2024–2025"),
        ("v.v...", "Hồ sơ, biểu mẫu v.v…"),
        ("", "Bất cứ"),
    ],
)
def test_a_search_sees_neither_case_nor_diacritics(wanted: str, text: str) -> None:
    assert mentions(text, wanted)
    assert mentions(unicodedata.normalize("NFD", text), wanted)
    assert mentions(text, unicodedata.normalize("NFD", wanted))


@pytest.mark.parametrize(("wanted", "text"), [("%", "Số hóa hồ sơ"), ("b_o", "Báo cáo"), ("hop xa", "Hợp tác xã")])
def test_a_search_finds_only_what_is_there(wanted: str, text: str) -> None:
    assert mentions(text, wanted) is False


def test_the_alphabet_and_the_tones_have_their_order() -> None:
    alphabet = list("aăâbcdđeêghiklmnoôơpqrstuưvxy")
    tones = list("aàảãáạăằẳẵắặâầẩẫấậ")
    for right in (alphabet, tones, ["an", "An", "AN", "àn"], ["xã 2", "xã 2 b", "Xã Ă"], ["tổ 1", "tổ 10", "tổ 2"]):
        mixed = random.Random(1).sample(right, len(right))
        assert sorted(mixed, key=order) == right


def test_letters_count_before_tones_and_tones_before_capitals() -> None:
    assert order("Thạch Ba") < order("Thach Bích")
    assert order("Thach Bích") < order("Thạch Bích")
    assert order("thàch") < order("THÁCH")


@pytest.mark.parametrize(
    ("name", "given"), [("Nguyễn Văn Bình", "bình"), ("NGUYỄN THỊ ÁNH", "ánh"), ("Bình", "bình"), (None, None)]
)
def test_the_given_name_is_the_last_word(name: str | None, given: str | None) -> None:
    assert given_name(name) == given


def test_what_is_not_named_follows_as_it_came() -> None:
    assert in_order_of(["c", "a", "x"], ["b", "a", "d", "c"], str) == ["c", "a", "b", "d"]
