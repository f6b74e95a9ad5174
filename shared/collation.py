"""Compare Vietnamese texts: what matches in a search, and what comes first in a list.

The databases call these functions by name: SQLite the ones here (`shared.eventlog.database`), PostgreSQL equivalents
made of ICU and unaccent (in the migrations of the service that searches or sorts).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

Row = TypeVar("Row")

# Typographic characters and what people type for them; PostgreSQL's unaccent has the same pairs.
_PLAIN = [*zip("“”‘’‐‑–—−", "\"\"''-----", strict=True), ("…", "...")]

# More than any commune writes with; others are handled too, only not cached.
MOST_CHARACTERS = 4096

# The root order of Unicode (CLDR) for characters of Vietnamese texts, then the alphabet.
_ORDER = "\t\n _-–—,;:!?.'‘’\"“”«»()[]{}§@*/\\&#%`^°+÷×<=>|~−$₫€0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_PLACES = {char: place for place, char in enumerate(_ORDER)}
# After ngang, which has no mark: huyền, hỏi, ngã, sắc, nặng.
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """A sort key by which 2 comes before 10, and p2 before p10."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", text) if part)


class _Folded(dict[int, int]):
    """Code points seen so far with their folded ones: `str.translate` is fastest with a table."""

    def __missing__(self, code: int) -> int:
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        folded = ord("d") if chr(code) in "đĐ" else ord(base) if len(base) == 1 else code
        if len(self) < MOST_CHARACTERS:
            self[code] = folded
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Lower case without diacritics, one character for each of the (composed) text, so that positions agree."""
    return text.translate(_FOLDED)


def mentions(text: str | None, wanted: str) -> bool | None:
    """Does a text contain the wanted one, whatever the case, the diacritics and the kind of quotes and dashes?

    None for no text, as SQL has it.
    """
    return None if text is None else _plain_once(wanted) in _plain(text)


def _plain(text: str) -> str:
    folded = fold(unicodedata.normalize("NFC", text))
    for fine, plain in _PLAIN:
        folded = folded.replace(fine, plain)
    return folded


_plain_once = lru_cache(maxsize=64)(_plain)  # one search compares every title with the same text


def given_name(name: str | None) -> str | None:
    """The last word, by which Vietnamese lists of names are ordered; in lower case, as some are typed in capitals."""
    return None if name is None else name.rpartition(" ")[2].lower()


def compare(first: str, second: str) -> int:
    """-1, 0 or 1, as a collation returns."""
    one, other = order(first), order(second)
    return (one > other) - (one < other)


def order(text: str) -> tuple[list[int], list[int], list[bool], str]:
    """The place of a text among others, as ICU orders `vi`: by letters, then by tones, then small before capital.

    A letter of another language sorts with its base letter (č of Ê Đê with c), or by code point after z.
    """
    letters = [_letter(char) for char in unicodedata.normalize("NFC", text)]
    return (
        [place for places, _, _ in letters for place in places],
        [mark for _, marks, _ in letters for mark in marks],
        [capital for _, _, capital in letters],
        text,
    )


@lru_cache(maxsize=MOST_CHARACTERS)
def _letter(char: str) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """The place of a composed letter, the weights of itself (0) and its marks, and whether it is a capital."""
    base, *marks = list(unicodedata.normalize("NFD", char))
    if unicodedata.combining(base):
        return (), _weights([base, *marks]), False  # of a letter that it does not compose with
    own = unicodedata.normalize("NFC", base + "".join(mark for mark in marks if mark not in _TONES))
    if own.lower() in _PLACES:
        base, marks = own, [mark for mark in marks if mark in _TONES]
    small = base.lower()
    place = _PLACES.get(small, len(_ORDER) + ord(small[0]))
    return (place,), (0, *_weights(marks)), small != base


def _weights(marks: Iterable[str]) -> tuple[int, ...]:
    return tuple(_TONES.get(mark, ord(mark)) for mark in marks)


def in_order_of(names: Iterable[str], rows: Iterable[Row], of: Callable[[Row], str]) -> list[Row]:
    """Rows ordered as `names` orders the ids that `of` takes from them; all others follow, in the order they came."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(rows, key=lambda row: places.get(of(row), len(places)))
