"""Texts as messages and headers take them: one line, not too long; and periods in words."""

import unicodedata

# In a subject: mail clients and phones show less than a hundred characters.
TITLE_LENGTH = 80


def plain(text: str) -> str:
    """A text on one line, composed (NFC), without control and invisible formatting characters."""
    signs = ((sign, unicodedata.category(sign)) for sign in text if unicodedata.category(sign) != "Cf")
    spaced = "".join(" " if kind[0] in "ZC" else sign for sign, kind in signs)
    return unicodedata.normalize("NFC", " ".join(spaced.split()))


def shortened(text: str, length: int = TITLE_LENGTH) -> str:
    """At most `length` characters, cut between words where it can be."""
    text = plain(text)
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    if not text[length - 1].isspace() and " " in cut:
        cut = cut.rsplit(" ", 1)[0]
    return cut.rstrip(" ,;:.–-") + "…"


def period_words(period: str) -> str:
    """`2026-03` is tháng 3/2026, `2026-Q1` quý I/2026, `2026-W09` tuần 9/2026, `2026` năm 2026."""
    year, _, part = period.partition("-")
    if not part:
        return f"năm {year}"
    if part.startswith("Q"):
        return f"quý {_QUARTERS.get(part[1:], part[1:])}/{year}"
    if part.startswith("W"):
        return f"tuần {int(part[1:])}/{year}"
    return f"tháng {part.removeprefix('0')}/{year}"


_QUARTERS = {"1": "I", "2": "II", "3": "III", "4": "IV"}
