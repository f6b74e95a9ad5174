"""Refusals are a public contract: one code, one meaning, in all services."""

import re
import unicodedata

import pytest

from shared.refusal import Refusal, by_code
from tests.support.refusals import declared

CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def test_a_code_has_the_same_words_and_status_in_all_services() -> None:
    meanings: dict[str, set[Refusal]] = {}
    for refusals in declared().values():
        for refusal in refusals:
            meanings.setdefault(refusal.code, set()).add(refusal)
    assert {code: found for code, found in meanings.items() if len(found) > 1} == {}


def test_codes_are_words_with_hyphens() -> None:
    codes = {code for refusals in declared().values() for each in refusals for code in (each.code, *each.formerly)}
    assert {code for code in codes if not CODE.fullmatch(code)} == set()


def test_a_refusal_says_what_is_wrong_and_what_to_do() -> None:
    for refusals in declared().values():
        for refusal in refusals:
            assert refusal.title.strip() and not refusal.title.endswith("."), refusal.code
            assert refusal.detail.strip().endswith("."), refusal.code
            assert 400 <= refusal.status < 600, refusal.code
            assert refusal.code not in refusal.formerly, refusal.code
            assert unicodedata.is_normalized("NFC", refusal.title + refusal.detail), refusal.code


def test_a_refusal_makes_its_exception() -> None:
    refusal = Refusal("note-closed", "Đã đóng", "Ghi chú {note} đã đóng ngày {on}.")
    refused = refusal(note="n1")
    assert (refused.refusal, refused.code, refused.params) == (refusal, "note-closed", {"note": "n1"})
    assert refused.detail == "Ghi chú n1 đã đóng ngày …."


def test_a_code_is_declared_once() -> None:
    first = Refusal("note-closed", "Đã đóng", "Ghi chú đã đóng.")
    assert by_code([first, first]) == {"note-closed": first}
    with pytest.raises(ValueError, match="note-closed"):
        by_code([first, Refusal("note-closed", "Khác", "Khác.")])
