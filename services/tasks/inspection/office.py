"""Documents of Office since 2007: what a part is, its content type and its bytes say, never its name."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from services.tasks.domain import refusals
from services.tasks.inspection import compound
from services.tasks.inspection.kinds import DOCX, PPTX, XLSX, Kind

SIGNATURE = b"PK\x03\x04"
END_OF_DIRECTORY = b"PK\x05\x06"

MAIN = {f"{kind.media_type}.main+xml": kind for kind in (DOCX, XLSX, PPTX)}
# Part of a content type or of a relationship's type → words.
TYPES = {
    "macroenabled": "macro",
    "vbaproject": "macro VBA",
    "vbadata": "macro VBA",
    "macrosheet": "trang macro (XLM)",
    "dialogsheet": "trang hộp thoại (XLM)",
    "activex": "điều khiển ActiveX",
    "oleobject": "đối tượng nhúng (OLE)",
    "afchunk": "tài liệu nhúng ở dạng khác",
}
# Relationships that fetch something when a document is opened, if what they name is elsewhere.
FETCHES = ("attachedtemplate", "frame", "subdocument")
ELSEWHERE = re.compile(r"(?i)(?:https?:|ftp:|mhtml:|\\\\|//|file:(?://[^/]|/*\\\\|/{4}))")
DDE = re.compile(r"(?i)ddeauto|(?:^|[^a-z])dde[\s\\\"]")
DDE_LINK = re.compile(rb"<(?:\w+:)?ddeLink\b")
BROKEN = (ValueError, OSError, EOFError, NotImplementedError, RuntimeError)
PARTS = 5_000
LARGEST = 24 * 1024 * 1024  # bytes of a part that is looked into
DEEPEST = 3  # documents in each other: a chart's data is a workbook in a document
RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def harmless_kind(content: bytes, depth: int = 1) -> Kind:
    """Refuses `evidence-kind`, `evidence-active`, `evidence-locked`, `evidence-disguised`, `evidence-broken`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _must_be_nothing_else(archive, content)
            types = _Types(archive)
            kind = next((MAIN[each] for each in types.declared if each in MAIN), None)
            found = sorted(set(_found(archive, types, depth)))
    except (*BROKEN, zipfile.BadZipFile, zlib.error, ET.ParseError) as error:
        raise refusals.EVIDENCE_BROKEN(kind="Office") from error
    if found:
        raise refusals.EVIDENCE_ACTIVE(found=", ".join(found))
    if kind is None:
        raise refusals.EVIDENCE_KIND()
    return kind


def _must_be_nothing_else(archive: zipfile.ZipFile, content: bytes) -> None:
    """The archive begins with its first part and ends with its directory."""
    entries = archive.infolist()
    if len(entries) > PARTS:
        raise refusals.EVIDENCE_BROKEN(kind="Office")
    if any(entry.flag_bits & 1 for entry in entries):
        raise refusals.EVIDENCE_LOCKED(kind="Office")
    ends_at = content.rindex(END_OF_DIRECTORY) + 22
    if min((entry.header_offset for entry in entries), default=1) != 0 or ends_at != len(content):
        raise refusals.EVIDENCE_DISGUISED(kind="tệp Office", found="dữ liệu khác ở trước hoặc sau")


class _Types:
    """The content types that `[Content_Types].xml` declares, in lower case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = {entry.filename.lower(): entry for entry in archive.infolist()}
        entry = names.get("[content_types].xml")
        if entry is None:
            raise refusals.EVIDENCE_KIND()
        root = _parsed(_read(archive, entry))
        self.declared = [each.get("ContentType", "") for each in root]


def _found(archive: zipfile.ZipFile, types: _Types, depth: int) -> Iterator[str]:
    for declared in types.declared:
        yield from _words(declared)
    for entry in archive.infolist():
        name = entry.filename.lower()
        with archive.open(entry) as part:
            head = part.read(8)
        if head.startswith(compound.SIGNATURE):
            yield "đối tượng nhúng (OLE)"
        elif head.startswith(SIGNATURE):
            if depth == DEEPEST:
                yield "tài liệu lồng quá nhiều lớp"
            else:
                harmless_kind(_read(archive, entry), depth + 1)
        elif name.endswith(".rels"):
            yield from _related(_read(archive, entry))
        elif name.endswith(".xml") and b"<" in head:
            yield from _started(name, _read(archive, entry))


def _words(declared: str) -> Iterator[str]:
    lower = declared.lower()
    yield from (words for part, words in TYPES.items() if part in lower)


def _related(part: bytes) -> Iterator[str]:
    for relationship in _parsed(part).iter(RELATIONSHIP):
        kind = relationship.get("Type", "").rpartition("/")[2]
        yield from _words(kind)
        elsewhere = relationship.get("TargetMode") == "External" and ELSEWHERE.match(relationship.get("Target", ""))
        if elsewhere and kind.lower() in FETCHES:
            yield "mẫu hoặc liên kết tự tải từ nơi khác"


def _started(name: str, part: bytes) -> Iterator[str]:
    """Fields and links that start a program."""
    if DDE_LINK.search(part):
        yield "liên kết gọi chương trình (DDE)"
    if name.startswith("word/") and (b"instrText" in part or b"fldSimple" in part):
        instructions = []
        for _, element in ET.iterparse(io.BytesIO(part)):  # noqa: S314 expat bounds what entities expand to
            tag = element.tag.rpartition("}")[2]
            if tag == "instrText":
                instructions.append(element.text or "")
            elif tag == "fldSimple":
                instructions += [value for key, value in element.attrib.items() if key.endswith("instr")]
            elif tag in ("p", "tbl"):
                element.clear()
        if DDE.search("".join(instructions)):
            yield "trường gọi chương trình (DDE)"


def _parsed(part: bytes) -> ET.Element:
    """No office program writes a document type, which could declare entities. Refuses `evidence-broken`."""
    if b"<!DOCTYPE" in part:
        raise refusals.EVIDENCE_BROKEN(kind="Office")
    return ET.fromstring(part)  # noqa: S314 without entities, in the child


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A part, within a limit: a declared size may lie. Refuses `evidence-broken`."""
    with archive.open(entry) as part:
        content = part.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise refusals.EVIDENCE_BROKEN(kind="Office")
    return content
