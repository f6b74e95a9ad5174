"""Excel 5.0 to 2003: records, one after another ([MS-XLS] 2.3)."""

import re
import struct
from collections.abc import Iterator, Mapping

from services.tasks.domain import refusals
from services.tasks.inspection import fields, formulas, parts, places
from services.tasks.inspection.kinds import XLS

BOF, BOUNDSHEET, FILEPASS, CONTINUE = 0x0809, 0x0085, 0x002F, 0x003C
EXTERNSHEET, LBL, EXTERNNAME, SUPBOOK, HLINK = 0x0017, 0x0018, 0x0023, 0x01AE, 0x01B8
MACRO_SHEET, VB_MODULE, MACRO_SUBSTREAM = 1, 6, 0x0040
EXCEL_97 = 0x0600
OWN_BOOK, ADD_IN = 0x0401, 0x3A01
FUNCTION = re.compile(rb"_xlfn\.(?:WEBSERVICE|IMAGE)", re.IGNORECASE)
# Signs that stand for parts of a path ([MS-XLS] 2.5.277).
ENCODED, IN_BETWEEN, NETWORK, ADDRESS = "\1", "\3", "\1@", "\5"
OWN = ("\0", "\2", "\3")  # begin the name of a sheet of the same book
PATH_SIGNS = {2: "", 3: "\\", 4: "..\\", 6: "", 7: "", 8: ""}
# Of a link ([MS-OSHARED] 2.3.7.1).
HAS_TARGET, HAS_NAME, HAS_FRAME, IS_TEXT = 0x01, 0x10, 0x80, 0x100
ADDRESS_FOLLOWS = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
FILE_FOLLOWS = bytes.fromhex("0303000000000000c000000000000046")


def found(streams: Mapping[str, bytes]) -> Iterator[str]:
    """Refuses `evidence-locked`; raises struct.error."""
    for name in streams.keys() & {"workbook", "book"}:
        version = EXCEL_97
        for kind, data in _records(streams[name]):
            if kind == FILEPASS:
                raise refusals.EVIDENCE_LOCKED(kind=XLS.words)
            if kind == BOF:
                version = struct.unpack_from("<H", data)[0]
            yield from _in_record(kind, data, version)


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """A record with those that continue it."""
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        data = [stream[at + 4 : at + 4 + size]]
        at += 4 + size
        while stream[at : at + 2] == struct.pack("<H", CONTINUE) and at + 4 <= len(stream):
            size = struct.unpack_from("<H", stream, at + 2)[0]
            data.append(stream[at + 4 : at + 4 + size])
            at += 4 + size
        yield kind, b"".join(data)


def _in_record(kind: int, data: bytes, version: int) -> Iterator[str]:
    is_macro = kind == BOUNDSHEET and len(data) > 5 and data[5] in (MACRO_SHEET, VB_MODULE)
    if is_macro or (kind == BOF and data[2:4] == struct.pack("<H", MACRO_SUBSTREAM)):
        yield parts.TYPES["macrosheet"]
    elif kind in (LBL, EXTERNNAME) and FUNCTION.search(data.replace(b"\0", b"")):
        yield formulas.FETCHES
    elif kind == SUPBOOK:
        yield from _elsewhere(_other_book(data))
    elif kind == EXTERNSHEET and version < EXCEL_97:
        yield from _elsewhere(data[1 : 1 + data[0]].decode("latin-1"))
    elif kind == HLINK and not all(map(places.may_be_clicked, _targets(data))):
        yield fields.LEADS


def _other_book(data: bytes) -> str:
    letters = struct.unpack_from("<xxH", data)[0]
    if letters in (OWN_BOOK, ADD_IN):
        return ""
    return data[5 : 5 + 2 * letters].decode("utf-16-le", "replace") if data[4] & 1 else data[5:].decode("latin-1")


def _elsewhere(path: str) -> Iterator[str]:
    """What another book's path is, or a service and a topic where a program is called."""
    if path.startswith(OWN):
        return
    if not path.startswith(ENCODED):
        if IN_BETWEEN in path:
            yield parts.ELEMENTS["ddeLink"]
            return
    elif path.startswith(ENCODED + ADDRESS):
        path = path[3:]
    elif path.startswith(ENCODED + NETWORK):
        path = "\\\\" + path[3:]
    else:
        path = re.sub("^\1(.)", r"\1:\\", path[1:]).translate(PATH_SIGNS)
    if not places.stays_here(path):
        yield parts.FETCHES


def _targets(data: bytes) -> list[str]:
    """Where a link leads; a kind of target that is not known leads to a machine of no name."""
    flags, at = struct.unpack_from("<28xI", data)[0], 32
    for _ in filter(None, (flags & HAS_NAME, flags & HAS_FRAME)):
        at += 4 + 2 * struct.unpack_from("<I", data, at)[0]
    if not flags & HAS_TARGET:
        return []
    if flags & IS_TEXT:
        return [_wide(data, at + 4, 2 * struct.unpack_from("<I", data, at)[0])]
    kind, at = data[at : at + 16], at + 16
    if kind == ADDRESS_FOLLOWS:
        return [_wide(data, at + 4, struct.unpack_from("<I", data, at)[0])]
    if kind != FILE_FOLLOWS:
        return ["\\\\"]
    size = struct.unpack_from("<I", data, at + 2)[0]
    short = data[at + 6 : at + 6 + size].partition(b"\0")[0].decode("latin-1")
    at += 6 + size + 24
    size = struct.unpack_from("<I", data, at)[0]
    return [short, _wide(data, at + 10, size - 6) if size else ""]


def _wide(data: bytes, at: int, size: int) -> str:
    return data[at : at + size].decode("utf-16-le", "replace").partition("\0")[0]
