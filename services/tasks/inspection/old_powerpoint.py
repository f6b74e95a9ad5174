"""PowerPoint 97-2003: records in each other ([MS-PPT] 2.13.24)."""

import struct
from collections.abc import Iterator, Mapping

from services.tasks.domain import refusals
from services.tasks.inspection import fields, parts, places
from services.tasks.inspection.kinds import PPT

VBA_INFO, LINK, TEXT, INTERACTION, ACTION = 0x0400, 0x0FD7, 0x0FBA, 0x0FF2, 0x0FF3
ENCRYPTED_SESSION = 0x2F14
# Record → words, where that it is there is enough: objects that are embedded, linked, controls.
RECORDS = {
    0x1011: parts.TYPES["oleobject"],
    0x0FCE: parts.ELEMENTS["oleLink"],
    0x0FEE: parts.TYPES["activex"],
}
# What a click does: run a macro, run a program, start an object; and follow a link ([MS-PPT] 2.6.13).
ACTIONS = {1: parts.TYPES["vbaproject"], 2: parts.ACTS, 5: parts.TYPES["oleobject"]}
FOLLOWS = 4
CONTAINER, BY_HOVERING, TARGET = 0xF, 1, 1


def found(streams: Mapping[str, bytes]) -> Iterator[str]:
    """Refuses `evidence-locked`; raises struct.error."""
    stream = streams["powerpoint document"]
    at = link_ends_at = 0
    hovers = False
    while at + 8 <= len(stream):
        version, kind, size = struct.unpack_from("<HHI", stream, at)
        at += 8
        data, instance = stream[at : at + size], version >> 4
        if kind == ENCRYPTED_SESSION:
            raise refusals.EVIDENCE_LOCKED(kind=PPT.words)
        if kind in RECORDS:
            yield RECORDS[kind]
        elif kind == VBA_INFO and data[4:8] != bytes(4):
            yield parts.TYPES["vbaproject"]
        elif kind == LINK:
            link_ends_at = at + size
        elif kind == TEXT and instance == TARGET and at < link_ends_at:
            if not places.may_be_clicked(data.decode("utf-16-le", "replace")):
                yield fields.LEADS
        elif kind == INTERACTION:
            hovers = instance == BY_HOVERING
        elif kind == ACTION and (data[8] in ACTIONS or (hovers and data[8] == FOLLOWS)):
            yield ACTIONS.get(data[8], parts.ACTS)
        if version & 0xF != CONTAINER:
            at += size
