"""One kind of text for all doors: HTTP, command line and imported cells take and refuse the same characters."""

import re
import unicodedata

LONGEST_ID = 64
# An id that a person chooses. It stays in the log for ever, so it is not to be a name, which hardly fits; and a token
# names by it who acts. Ids of earlier releases may hold other characters.
CODE = r"[A-Za-z0-9._-]{1,64}"
_CODE = re.compile(CODE)

# Characters that no text holds:
# - U+0000, which PostgreSQL cannot store; other control characters and non-characters, which no paper (XML) can hold
# - halves of surrogate pairs, which no UTF-8 can hold
# - U+FFFD, the trace of letters that were lost in a wrong decoding: what was meant is gone
# - U+202A…202E and U+2066…2069, which show a text in another order than it is stored: a name or a file's ending
#   then reads as another one
_NEVER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff\u202a-\u202e\u2066-\u2069"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
# Tabs and line ends belong into texts of several lines only.
_BREAK = re.compile("[\t\n\r\u2028\u2029]")


def fault(text: str, *, lines: bool = False, visible: bool = False) -> str | None:
    """What a text holds that none may, in Vietnamese, without repeating the text; None when all is well.

    lines    it may have tabs and line ends
    visible  every character must be seen: in an id, a zero-width space would make two that look the same. In what
             people type it stays: they copy it from web pages without seeing it, and could not find it.
    """
    found = _NEVER.search(text) or (None if lines else _BREAK.search(text))
    if found:
        return _refused(found[0], found.start())
    if visible and not text.isprintable():
        return next((_refused(char, at) for at, char in enumerate(text) if unicodedata.category(char) == "Cf"), None)
    return None


def is_code(text: str) -> bool:
    """May a new id be so?"""
    return _CODE.fullmatch(text) is not None


def composed(text: str) -> str:
    """In NFC, so that a Vietnamese letter has one spelling only."""
    return unicodedata.normalize("NFC", text)


def _refused(char: str, at: int) -> str:
    return f"Có ký tự không dùng được (U+{ord(char):04X}, ký tự thứ {at + 1}). Hãy xóa hoặc gõ lại đoạn đó."
