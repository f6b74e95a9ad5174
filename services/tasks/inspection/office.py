"""Documents of Office since 2007: what a part is, its content type and its bytes say, never its name."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from services.tasks.domain import refusals
from services.tasks.inspection import active, compound, parts
from services.tasks.inspection.kinds import DOCX, PPTX, XLSX, Kind
from services.tasks.inspection.parts import OFFICE, Part, part_name

SIGNATURE = b"PK\x03\x04"
END_OF_DIRECTORY = b"PK\x05\x06"
CONTENT_TYPES = "[content_types].xml"

MAIN = {f"{kind.media_type}.main+xml": kind for kind in (DOCX, XLSX, PPTX)}
# What makes other programs take the package for something else, whatever its ending: OpenDocument, Java.
OTHER_PACKAGES = ("mimetype", "meta-inf/")
BROKEN = (ValueError, OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, ExpatError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Office uses; others may ask for gigabytes
PARTS = 5_000
LARGEST = 24 * 1024 * 1024  # bytes of a part that is kept as a whole
DEEPEST = 3  # documents in each other: a chart's data is a workbook in a document
HEAD = 64  # bytes of a part that tell what it may be
CHUNK = 256 * 1024


def harmless_kind(content: bytes, depth: int = 1) -> Kind:
    """Refuses `evidence-kind`, `evidence-active`, `evidence-locked`, `evidence-disguised`, `evidence-broken`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _must_be_nothing_else(archive, content)
            entries = _entries(archive)
            types = _content_types(archive, entries)
            found = list(_found(archive, entries, types, depth))
    except BROKEN as error:
        raise refusals.EVIDENCE_BROKEN(kind=OFFICE) from error
    active.must_be_none(found)
    kinds = {MAIN[each] for each in (*types.parts.values(), *types.endings.values()) if each in MAIN}
    if len(kinds) != 1:
        raise refusals.EVIDENCE_KIND()
    return kinds.pop()


def _must_be_nothing_else(archive: zipfile.ZipFile, content: bytes) -> None:
    """The archive begins with its first part and ends with its directory."""
    entries = archive.infolist()
    if len(entries) > PARTS:
        raise refusals.EVIDENCE_BROKEN(kind=OFFICE)
    if any(entry.flag_bits & 1 for entry in entries):
        raise refusals.EVIDENCE_LOCKED(kind=OFFICE)
    ends_at = content.rindex(END_OF_DIRECTORY) + 22
    if min((entry.header_offset for entry in entries), default=1) != 0 or ends_at != len(content):
        raise refusals.EVIDENCE_DISGUISED(kind="tệp Office", found="dữ liệu khác ở trước hoặc sau")


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Parts by name. Of two with one name, each program would take another."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    named = {part_name(entry.filename): entry for entry in entries}
    if len(named) < len(entries) or any(entry.compress_type not in METHODS for entry in entries):
        raise refusals.EVIDENCE_BROKEN(kind=OFFICE)
    if CONTENT_TYPES not in named:
        raise refusals.EVIDENCE_KIND()
    if any(name.startswith(OTHER_PACKAGES) for name in named):
        raise refusals.EVIDENCE_DISGUISED(kind="tệp Office", found="gói tệp của chương trình khác")
    return named


def _content_types(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Part:
    part = Part()
    part.read(_chunks(archive, entries[CONTENT_TYPES]))
    return part


def _found(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], types: Part, depth: int) -> Iterator[str]:
    for declared in (*types.parts.values(), *types.endings.values()):
        yield from parts.words_for(declared)
    for name, entry in entries.items():
        declared = types.parts.get(name) or types.endings.get(name.rpartition(".")[2], "")
        with archive.open(entry) as stream:
            head = stream.read(HEAD)
        if head.startswith(compound.SIGNATURE):
            yield parts.TYPES["oleobject"]
        elif head.startswith(SIGNATURE):
            if depth == DEEPEST:
                yield "tài liệu lồng quá nhiều lớp"
            else:
                harmless_kind(_whole(archive, entry), depth + 1)
        else:
            yield from _found_in_markup(archive, entry, declared, head)


def _found_in_markup(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, declared: str, head: bytes) -> Iterator[str]:
    """A part that is declared as XML is read as such. So is any other that looks like it: a program that follows
    relationships may never ask for the type."""
    parts.must_be_utf8(head)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    drawing = "vmldrawing" in declared
    is_markup = drawing or declared.endswith("xml") or text.startswith((b"<?xml", b"<!"))
    is_empty = not text and len(head) < HEAD
    if is_empty or not (is_markup or text[:1] in (b"<", b"")):
        return
    part = Part()
    try:
        part.read([_closed(_whole(archive, entry))] if drawing else _chunks(archive, entry))
    except ExpatError:
        if is_markup:
            raise
    yield from part.found


def _closed(drawing: bytes) -> bytes:
    """Excel leaves <br> open in its drawings, as in HTML."""
    return drawing.replace(b"<br>", b"<br/>")


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


def _whole(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A part, within a limit: a declared size may lie. Refuses `evidence-broken`."""
    with archive.open(entry) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise refusals.EVIDENCE_BROKEN(kind=OFFICE)
    return content
