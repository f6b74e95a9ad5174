"""Compound files (OLE): Word, Excel and PowerPoint of before 2007, and what office programs embed."""

import io
import re
import struct
from collections.abc import Iterator

import olefile

from services.tasks.domain import refusals
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
LOCKED = ("encryptedpackage", "\x06dataspaces", "encryptedsummary")
ENDS = 64 * 1024

# Records of Excel ([MS-XLS] 2.3) and of PowerPoint ([MS-PPT] 2.13.24).
BOF, BOUNDSHEET, FILEPASS = 0x0809, 0x0085, 0x002F
MACRO_SHEET, VB_MODULE, MACRO_SUBSTREAM = 1, 6, 0x0040
VBA_INFO, EMBEDDED_OBJECT, ENCRYPTED_SESSION = 0x0400, 0x1011, 0x2F14
# A field of Word that starts a program.
DDE = re.compile(rb"\x13 *DDE|\x13\0(?: \0)*D\0D\0E\0", re.IGNORECASE)
FIB_ENCRYPTED = 0x0100


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
            for name in top.keys() & MAIN.keys():
                found.update(LOOK[kind](file.openstream(top[name]).read()))
    except (OSError, ValueError, IndexError, struct.error, RecursionError) as error:
        raise refusals.EVIDENCE_BROKEN(kind="Office 97-2003") from error
    if found:
        raise refusals.EVIDENCE_ACTIVE(found=", ".join(sorted(found)))
    if MARKUP.search(content[:ENDS]) or MARKUP.search(content[-ENDS:]):
        raise refusals.EVIDENCE_DISGUISED(kind=kind.words, found="trang web (HTML) có thể chạy mã")
    return kind


def _word(stream: bytes) -> Iterator[str]:
    if struct.unpack_from("<H", stream, 0x0A)[0] & FIB_ENCRYPTED:
        raise refusals.EVIDENCE_LOCKED(kind=DOC.words)
    if DDE.search(stream):
        yield "trường gọi chương trình (DDE)"


def _excel(stream: bytes) -> Iterator[str]:
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        data = stream[at + 4 : at + 4 + size]
        if kind == FILEPASS:
            raise refusals.EVIDENCE_LOCKED(kind=XLS.words)
        if kind == BOUNDSHEET and len(data) > 5 and data[5] in (MACRO_SHEET, VB_MODULE):
            yield "trang macro (XLM)"
        if kind == BOF and data[2:4] == struct.pack("<H", MACRO_SUBSTREAM):
            yield "trang macro (XLM)"
        at += 4 + size


def _powerpoint(stream: bytes) -> Iterator[str]:
    at = 0
    while at + 8 <= len(stream):
        version, kind, size = struct.unpack_from("<HHI", stream, at)
        if kind == ENCRYPTED_SESSION:
            raise refusals.EVIDENCE_LOCKED(kind=PPT.words)
        if kind == VBA_INFO and stream[at + 12 : at + 16] != bytes(4):
            yield "macro VBA"
        if kind == EMBEDDED_OBJECT:
            yield "đối tượng nhúng (OLE)"
        at += 8 if version & 0xF == 0xF else 8 + size


LOOK = {DOC: _word, XLS: _excel, PPT: _powerpoint}
