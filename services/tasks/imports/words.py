"""Vietnamese words as people type them in spreadsheets: cleaned for keeping, cut up for comparing."""

import re
import unicodedata
from functools import lru_cache

from shared.collation import fold

SPACES = re.compile(r"[^\S\n]+")
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
LINE_BREAKS = re.compile(r"[ ]*(?:\r\n?|\n|\v|\f|\x85|\u2028|\u2029)[ ]*")
NOT_ALNUM = re.compile(r"[^a-z0-9]+")
IN_BRACKETS = re.compile(r"\([^()]*\)")


def clean(text: str) -> str:
    """NFC, single spaces (also for non-breaking ones), trimmed; line breaks stay."""
    if text.isascii() and text.isalnum():
        return text
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    return LINE_BREAKS.sub("\n", SPACES.sub(" ", LINE_BREAKS.sub("\n", text))).strip()


def one_line(text: str) -> str:
    return text.replace("\n", " ")


@lru_cache(maxsize=8192)
def compact(text: str) -> str:
    """For comparing short labels: neither case, diacritics, spaces nor punctuation count."""
    return NOT_ALNUM.sub("", fold(text))


def words(text: str) -> list[str]:
    """The folded words."""
    return NOT_ALNUM.sub(" ", fold(text)).split()


def without_brackets(text: str) -> str:
    return IN_BRACKETS.sub(" ", text)
