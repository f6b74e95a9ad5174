"""Word 97-2003: the text lies in pieces, and with it the fields ([MS-DOC] 2.4.1)."""

import re
import struct
from collections.abc import Iterator, Mapping

from services.tasks.domain import refusals
from services.tasks.inspection import fields, parts, places
from services.tasks.inspection.kinds import DOC

TABLES = ("0table", "1table")
# The header: version, flags, and where in the table are the associated texts and the pieces ([MS-DOC] 2.5).
WORD_97, ENCRYPTED, SECOND_TABLE = 0x00C1, 0x0100, 0x0200
ASSOCIATED, PIECES = 0x019A, 0x01A2
PROPERTIES, TABLE_OF_PIECES = 1, 2  # what begins an entry of the pieces
NARROW = 0x40000000  # a piece of one byte a letter
TEMPLATE = 1  # of the associated texts
MARKS = re.compile("([\x13\x14\x15])")
# For what no table of pieces leads to.
DDE = re.compile(rb"\x13 *DDE|\x13\0(?: \0)*D\0D\0E\0", re.IGNORECASE)


def found(streams: Mapping[str, bytes]) -> Iterator[str]:
    """Refuses `evidence-locked`, `evidence-broken`; raises ValueError, struct.error."""
    stream = streams["worddocument"]
    version, flags = struct.unpack_from("<xxH6xH", stream)
    if flags & ENCRYPTED:
        raise refusals.EVIDENCE_LOCKED(kind=DOC.words)
    if version < WORD_97:  # it keeps text and macros elsewhere
        raise refusals.EVIDENCE_BROKEN(kind=DOC.words)
    if DDE.search(stream):
        yield fields.STARTS
    table = streams.get(TABLES[bool(flags & SECOND_TABLE)], b"")
    yield from _in_fields(_text(stream, _in_table(table, stream, PIECES)))
    if not places.stays_here(_template(_in_table(table, stream, ASSOCIATED))):
        yield parts.FETCHES


def _in_table(table: bytes, stream: bytes, at: int) -> bytes:
    begin, size = struct.unpack_from("<II", stream, at)
    if begin + size > len(table):
        raise ValueError("the table ends before what the header says is in it")
    return table[begin : begin + size]


def _text(stream: bytes, entries: bytes) -> str:
    at = 0
    while entries[at : at + 1] == bytes([PROPERTIES]):
        at += 3 + struct.unpack_from("<H", entries, at + 1)[0]
    if entries[at : at + 1] != bytes([TABLE_OF_PIECES]):
        return ""
    count = (struct.unpack_from("<I", entries, at + 1)[0] - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", entries, at + 5)
    places_of_pieces = struct.iter_unpack("<xxIxx", entries[at + 9 + 4 * count :][: 8 * count])
    if ends[-1] > len(stream) or list(ends) != sorted(ends):
        raise ValueError("the pieces are longer than what they are pieces of")
    return "".join(
        _piece(stream, place, following - end)
        for (place,), end, following in zip(places_of_pieces, ends, ends[1:], strict=False)
    )


def _piece(stream: bytes, place: int, letters: int) -> str:
    if place & NARROW:
        begin = (place & ~NARROW) // 2
        return stream[begin : begin + letters].decode("cp1252", "replace")
    return stream[place : place + 2 * letters].decode("utf-16-le", "replace")


def _in_fields(text: str) -> set[str]:
    found = fields.Fields()
    marks = {"\x13": found.begin, "\x14": found.separate, "\x15": found.end}
    for piece in MARKS.split(text):
        if mark := marks.get(piece):
            mark(0)
        elif found.in_instruction:
            found.piece(piece, 0)
    found.close()
    return found.found


def _template(texts: bytes) -> str:
    """Where the document's template is ([MS-DOC] 2.9.277)."""
    at = 6
    for _ in range(TEMPLATE):
        at += 2 + 2 * struct.unpack_from("<H", texts.ljust(at + 2, b"\0"), at)[0]
    size = struct.unpack_from("<H", texts.ljust(at + 2, b"\0"), at)[0]
    return texts[at + 2 : at + 2 + 2 * size].decode("utf-16-le", "replace")
