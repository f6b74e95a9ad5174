"""Compound files (OLE): Word, Excel and PowerPoint of before 2007, and what office programs embed."""

import io
import re
import struct

import olefile

from services.tasks.domain import refusals
from services.tasks.inspection import active, old_excel, old_powerpoint, old_word
from services.tasks.inspection.kinds import DOC, PPT, XLS, Kind
from services.tasks.inspection.polyglot import MARKUP

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# The stream with a document's text → its kind.
MAIN = {"worddocument": DOC, "workbook": XLS, "book": XLS, "powerpoint document": PPT}
# A stream or storage of this name, anywhere → words ([MS-OVBA] 2.2, [MS-DOC] 2.1.10, [MS-OLEDS] 2.3).
NAMES = {
    "vba": "macro VBA",
    "macros": "macro VBA",
    "_vba_project": "macro VBA",
    "_vba_project_cur": "macro VBA",
    "objectpool": "đối tượng nhúng (OLE)",
    "\x01ole10native": "tệp nhúng (OLE)",
    "package": "tệp nhúng (OLE)",
}
EMBEDDED_IN_XLS = re.compile(r"mbd[0-9a-f]{8}|lnk[0-9a-f]{8}")
LOOK = {DOC: old_word.found, XLS: old_excel.found, PPT: old_powerpoint.found}
LOCKED = ("encryptedpackage", "\x06dataspaces", "encryptedsummary")
ENDS = 64 * 1024


def harmless_kind(content: bytes) -> Kind:
    """Refuses `evidence-kind`, `evidence-active`, `evidence-locked`, `evidence-disguised`, `evidence-broken`."""
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            names = {name.lower() for path in file.listdir(streams=True, storages=True) for name in path}
            top = {path[0].lower(): path[0] for path in file.listdir() if len(path) == 1}
            if names & set(LOCKED):
                raise refusals.EVIDENCE_LOCKED(kind="Office")
            kinds = {MAIN[name] for name in top if name in MAIN}
            if len(kinds) != 1:
                raise refusals.EVIDENCE_KIND()
            kind = kinds.pop()
            found = {NAMES[name] for name in names & NAMES.keys()}
            if any(EMBEDDED_IN_XLS.fullmatch(name) for name in names):
                found.add("đối tượng nhúng (OLE)")
            streams = {name: file.openstream(top[name]).read() for name in top.keys() & {*MAIN, *old_word.TABLES}}
            found.update(LOOK[kind](streams))
    except (OSError, ValueError, IndexError, struct.error, RecursionError) as error:
        raise refusals.EVIDENCE_BROKEN(kind="Office 97-2003") from error
    active.must_be_none(found)
    if MARKUP.search(content[:ENDS]) or MARKUP.search(content[-ENDS:]):
        raise refusals.EVIDENCE_DISGUISED(kind=kind.words, found="trang web (HTML) có thể chạy mã")
    return kind
