"""Whether a text or a file's name holds a person's name, however it is written there."""

import unicodedata
from collections.abc import Iterable

# Letters that stand for d and do not decompose; the last three are taken for Đ in older files.
_D = str.maketrans(dict.fromkeys("đðɖ", "d"))


def letters(text: str) -> str:
    """Letters and digits alone: neither case, marks, spaces nor separators count, nor how a letter is composed."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_D)
    return "".join(char for char in plain if char.isalnum())


def holds_name(text: str, names: Iterable[str]) -> bool:
    """Does a text hold one of these names? `nguyen-van-a.pdf` holds "Nguyễn Văn A"."""
    there = letters(text)
    return any(wanted in there for name in names if (wanted := letters(name)))
