"""Plain text and csv."""

import re
import unicodedata

from services.tasks.domain import refusals
from services.tasks.inspection import active, formulas

# A table that a spreadsheet reads by its first letters, whatever its ending; its cells may hold macros (SYLK).
TABLE_OF_RECORDS = re.compile(r"\s*ID;P[^\r\n]*\s(?s:.*?)^(?:C;(?:[XY]\d|[KE])|NN;N)", re.MULTILINE)


def is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char in "\t\r\n\f" or unicodedata.category(char) != "Cc" for char in set(text))


def must_be_harmless(content: bytes) -> None:
    """Refuses `evidence-active`, `evidence-disguised`."""
    plain = content.decode("utf-8-sig")
    active.must_be_none(formulas.in_text(plain))
    if TABLE_OF_RECORDS.match(plain):
        raise refusals.EVIDENCE_DISGUISED(kind="văn bản", found="bảng tính SYLK có thể chạy macro")
