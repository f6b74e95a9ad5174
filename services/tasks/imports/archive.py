"""The zip that an .xlsx is, before any spreadsheet library sees it: counted, and cut down to cells that hold something.

Every limit is on what a reader allocates. Formats of empty cells, drawings, comments, validations and the like are
passed by without being kept, so that a sheet with a million formatted empty rows is read like any other.
"""

import io
import re
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from copy import copy
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import msgspec

from services.tasks.domain import refusals
from services.tasks.imports.cells import column_letters, column_number

MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200  # real workbooks unpack to 5-40 times their size; only above RATIO_FROM does it count
RATIO_FROM = 10 * 1024 * 1024
MAX_KEPT = 16 * 1024 * 1024  # bytes of the parts that a reader gets as they are: the workbook, its styles, relations
MAX_PARTS = 2_000
MAX_ROWS = 50_000
MAX_COLUMNS = 256
MAX_CELLS = 1_000_000  # of all sheets' rectangles: the reader holds empty cells too
MAX_FILLED = 400_000  # cells
MAX_PARSED = 2_000_000  # cells that the parser has to look at, empty or not; most empty ones are cut out before
MAX_TEXT = 5_000_000  # letters of all cells; a text that stands in many cells counts as often
MAX_CELL = 32_767  # letters, as in Excel
MAX_STRINGS = 400_000
MAX_DEPTH = 64  # of elements in each other; Office stays below 20
MAX_TOKEN = 1024 * 1024  # bytes of one tag with its attributes
LONGEST_RANGE = 25  # letters of $XFD$1048576:$XFD$1048576
CHUNK = 256 * 1024

# What Office files collect over the years without anybody seeing it: element → how many, and what people call it.
COUNTED: dict[str, tuple[int, str]] = {
    "sheet": (200, "trang tính"),
    "mergeCell": (20_000, "vùng ô gộp"),
    "xf": (131_000, "kiểu định dạng ô"),  # twice what Excel allows: cells and named styles
    "definedName": (65_000, "tên vùng"),
    "si": (MAX_STRINGS, "đoạn chữ khác nhau"),
    "r": (MAX_STRINGS, "đoạn chữ định dạng riêng"),
    "rPh": (MAX_STRINGS, "đoạn phiên âm"),
    "t": (3 * MAX_STRINGS, "đoạn chữ"),
    "c": (MAX_PARSED, "ô"),
}

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Office uses; others may ask for gigabytes
SIGNED = b"PK\x01\x02"  # an entry of the zip's directory
NUMBER = re.compile(r"<v>\s*(\d{1,9})\s*</v>")
ROOT = re.compile(r"<(?:[\w.\-]+:)?([A-Za-z]+)[\s/>]")
NEEDED = ("sst", "worksheet", "workbook", "styleSheet", "Relationships", "Types")
# A cell that has only a format. Both forms are read alike where every cell says where it stands.
EMPTY = re.compile(rb'<c r="[A-Z]{1,3}\d{1,7}"(?: s="\d{1,9}")?(?:/>|></c>)')
WITHOUT_PLACE = re.compile(rb'<(?:\w+:)?c(?! r=")[\s/>]')


class Totals(msgspec.Struct):
    """What the cells of a file hold together, in whatever format."""

    filled: int = 0
    letters: int = 0
    rectangle: int = 0

    def hold(self, letters: int, row: int, column: int) -> None:
        """A cell with so many letters. Refuses: it or the sum is too long."""
        if letters > MAX_CELL:
            cell = f"{column_letters(column)}{row}"
            raise refusals.FILE_CELL_TOO_LONG(cell=cell, letters=letters, limit=MAX_CELL)
        self.filled += 1
        self.letters += letters
        if self.filled > MAX_FILLED:
            raise refusals.FILE_TOO_MANY_CELLS(cells=f"hơn {MAX_FILLED}", limit=MAX_FILLED)
        if self.letters > MAX_TEXT:
            raise refusals.FILE_TOO_MUCH_TEXT(limit=MAX_TEXT)

    def table(self, rows: int, columns: int) -> None:
        """A sheet that reaches so far. Refuses: it does not fit into what a reader may hold."""
        if rows > MAX_ROWS:
            raise refusals.FILE_TOO_MANY_ROWS(rows=rows, limit=MAX_ROWS)
        if columns > MAX_COLUMNS:
            raise refusals.FILE_TOO_MANY_COLUMNS(columns=columns, limit=MAX_COLUMNS)
        self.rectangle += rows * columns
        if self.rectangle > MAX_CELLS:
            raise refusals.FILE_TOO_MANY_CELLS(cells=self.rectangle, limit=MAX_CELLS)


def checked(data: bytes) -> io.BytesIO:
    """A workbook with the same values, merged ranges and number formats, and nothing else.

    Refuses `file-broken`, `file-bomb`, `file-encrypted`, `file-too-many-rows`, `file-too-many-columns`,
    `file-too-many-cells`, `file-too-many-pieces`, `file-cell-too-long`, `file-too-much-text`.
    """
    if data.count(SIGNED) > MAX_PARTS * 3:  # more would be read before they could be counted
        raise refusals.FILE_BOMB(limit_mb=MAX_UNPACKED // (1024 * 1024))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _reduced(archive, _entries(archive, len(data)), _allowed(len(data)))
    except expat.ExpatError as error:
        raise refusals.FILE_BROKEN() from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise refusals.FILE_BROKEN() from error


def _allowed(size: int) -> int:
    return min(MAX_UNPACKED, max(RATIO_FROM, MAX_RATIO * size))


def _entries(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise refusals.FILE_ENCRYPTED()
    if any(entry.compress_type not in METHODS for entry in entries):
        raise refusals.FILE_BROKEN()
    if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > _allowed(size):
        raise refusals.FILE_BOMB(limit_mb=MAX_UNPACKED // (1024 * 1024))
    names = [entry.filename.replace("\\", "/").casefold() for entry in entries]
    if len({*names}) < len(names) or any(".." in name.split("/") for name in names):
        raise refusals.FILE_BROKEN()
    return entries


class _Unpacking:
    """Parts of an archive in chunks, never more than was allowed for all: a declared size may lie."""

    def __init__(self, archive: zipfile.ZipFile, allowed: int) -> None:
        self._archive = archive
        self._left = allowed

    def root(self, entry: zipfile.ZipInfo) -> str | None:
        """The local name of a part's outermost element; None when it is no XML."""
        with self._archive.open(entry) as stream:
            head = stream.read(4096)
        wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = head.decode("utf-16" if wide else "utf-8", "ignore").lstrip("\ufeff \t\r\n")
        found = ROOT.search(text) if text.startswith("<") else None
        return found[1] if found else None

    def chunks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._archive.open(entry) as stream:
            while chunk := stream.read(CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise refusals.FILE_BOMB(limit_mb=MAX_UNPACKED // (1024 * 1024))
                yield chunk


def _reduced(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], allowed: int) -> io.BytesIO:
    unpacking = _Unpacking(archive, allowed)
    roots = {entry: unpacking.root(entry) for entry in entries if entry.filename.lower().endswith((".xml", ".rels"))}
    parts = sorted((NEEDED.index(root), entry.filename, entry) for entry, root in roots.items() if root in NEEDED)
    if [rank for rank, *_ in parts].count(NEEDED.index("sst")) > 1:
        raise refusals.FILE_BROKEN()
    totals, kept, counts = Totals(), 0, Counter[str]()
    lengths: array[int] = array("I")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for _, name, entry in parts:
            if roots[entry] == "sst":
                content = _Strings(counts, lengths).all(unpacking.chunks(entry))
            elif roots[entry] == "worksheet":
                content = _worksheet(unpacking, entry, counts, lengths, totals)
            else:
                content = _Kept(counts, MAX_KEPT - kept).all(unpacking.chunks(entry))
                kept += len(content)
            target.writestr(name, content)
    written.seek(0)
    return written


def _worksheet(
    unpacking: _Unpacking, entry: zipfile.ZipInfo, counts: Counter[str], lengths: "array[int]", totals: Totals
) -> bytearray:
    before = counts.copy(), copy(totals)
    try:
        scan = _Worksheet(counts, lengths, totals)
        content = scan.all(unpacking.chunks(entry))
    except _PlacesMissing:
        counts.clear()
        counts.update(before[0])
        totals.filled, totals.letters, totals.rectangle = msgspec.structs.astuple(before[1])
        scan = _Worksheet(counts, lengths, totals, whole=True)
        content = scan.all(unpacking.chunks(entry))
    totals.table(scan.last_row, scan.last_column)
    return content


class _PlacesMissing(Exception):
    """Cells of a sheet do not say where they stand, so that empty ones count too."""


class _Scan:
    """Reads a part piece by piece, counts its elements, keeps of it what `content` says."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts
        self.depth = 0
        self.content = bytearray()
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def all(self, chunks: Iterator[bytes]) -> bytearray:
        given = 0
        for chunk in chunks:
            less = self.before(chunk)
            given += len(less)
            self.parser.Parse(less, False)
            if given - self.parser.CurrentByteIndex > MAX_TOKEN:
                raise refusals.FILE_BROKEN()
        self.parser.Parse(self.rest(), True)
        return self.content

    def before(self, chunk: bytes) -> bytes:
        return chunk

    def rest(self) -> bytes:
        return b""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refusals.FILE_BROKEN()
        tag = name.rpartition(":")[2]
        if tag in COUNTED:
            self.counts[tag] += 1
            limit, words = COUNTED[tag]
            if self.counts[tag] > limit:
                raise refusals.FILE_TOO_MANY_PIECES(pieces=words, limit=limit)
        self.start(tag, attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        self.end(name.rpartition(":")[2])

    def _doctype(self, *_: Any) -> None:
        """No office program writes a document type; it could only declare entities that expand."""
        raise refusals.FILE_BROKEN()


class _Kept(_Scan):
    """A part that a reader gets as it is, within a limit of bytes."""

    def __init__(self, counts: Counter[str], limit: int) -> None:
        super().__init__(counts)
        self.limit = limit

    def before(self, chunk: bytes) -> bytes:
        self.content += chunk
        if len(self.content) > self.limit:
            raise refusals.FILE_TOO_MANY_PIECES(pieces="định dạng và tên vùng", limit=f"{MAX_KEPT // (1024 * 1024)} MB")
        return chunk


class _Texts(_Scan):
    """Keeps texts with the marks that say which of them are read aloud only (rPh) and where spaces count."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__(counts)
        self.letters = 0
        self.inside = False  # an element whose text counts
        self.parser.CharacterDataHandler = self._text
        self.pieces: list[str] = []

    def open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "t":
            self.inside = True
            self.pieces.append('<t xml:space="preserve">' if "xml:space" in attributes else "<t>")
        elif tag in ("r", "rPh", "is"):
            self.pieces.append(f"<{tag}>")

    def close(self, tag: str) -> None:
        if tag in ("t", "r", "rPh", "is"):
            self.inside = False
            self.pieces.append(f"</{tag}>")

    def _text(self, text: str) -> None:
        if self.inside:
            self.letters += len(text)
            if self.letters > MAX_TEXT:
                raise refusals.FILE_TOO_MUCH_TEXT(limit=MAX_TEXT)
            self.pieces.append(escape(text))

    def keep(self) -> None:
        self.content += "".join(self.pieces).encode()
        self.pieces.clear()


class _Strings(_Texts):
    """The texts that cells refer to by number, with the length of each."""

    def __init__(self, counts: Counter[str], lengths: "array[int]") -> None:
        super().__init__(counts)
        self.lengths = lengths
        self.before_this = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("si", "sst"):
            self.before_this = self.letters
            self.pieces.append(f"<{tag}>")
        else:
            self.open(tag, attributes)

    def end(self, tag: str) -> None:
        if tag in ("si", "sst"):
            self.pieces.append(f"</{tag}>")
            if tag == "si":
                self.lengths.append(self.letters - self.before_this)
            self.keep()
        else:
            self.close(tag)


class _Worksheet(_Texts):
    """The cells that hold a value, and the merged ranges. Rows and cells without a reference follow the one before."""

    def __init__(self, counts: Counter[str], lengths: "array[int]", totals: Totals, *, whole: bool = False) -> None:
        super().__init__(counts)
        self.lengths = lengths
        self.totals = totals
        self.whole = whole
        self.row = self.column = 0
        self.last_row = self.last_column = 0
        self.open_row = 0
        self.cell: dict[str, str] | None = None
        self.merged: list[str] = []
        self.held = b""
        self.content += b"<worksheet><sheetData>"

    def all(self, chunks: Iterator[bytes]) -> bytearray:
        super().all(chunks)
        merged = f"<mergeCells>{''.join(self.merged)}</mergeCells>" if self.merged else ""
        self.content += f"{'</row>' if self.open_row else ''}</sheetData>{merged}</worksheet>".encode()
        return self.content

    def before(self, chunk: bytes) -> bytes:
        """Without the empty cells, which a parser would take ten times as long over."""
        if self.whole:
            return chunk
        chunk = self.held + chunk
        end = chunk.rfind(b"<", max(0, len(chunk) - 200))  # a cell may go on in the next chunk
        self.held = chunk[end:] if end >= 0 else b""
        chunk = chunk[:end] if end >= 0 else chunk
        if b"<!" in chunk:  # what stands in a comment or in CDATA is no cell
            self.whole = True
            return self._again(chunk)
        if WITHOUT_PLACE.search(chunk):
            raise _PlacesMissing
        return EMPTY.sub(b"", chunk)

    def _again(self, chunk: bytes) -> bytes:
        held, self.held = self.held, b""
        return chunk + held

    def rest(self) -> bytes:
        return self._again(b"")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.cell is not None:
            if tag == "v":
                self.inside = True
                self.pieces.append("<v>")
            else:
                self.open(tag, attributes)
        elif tag == "c":
            self._place(attributes.get("r", ""))
            self.cell = attributes
            self.letters = 0
        elif tag == "row":
            written = attributes.get("r", "")
            self.row = int(written) if written.isdecimal() and len(written) <= 7 else self.row + 1
            self.column = 0
        elif tag == "mergeCell":
            reference = attributes.get("ref", "")
            if len(reference) > LONGEST_RANGE:
                raise refusals.FILE_BROKEN()
            self.merged.append(f"<mergeCell ref={quoteattr(reference)}/>")

    def end(self, tag: str) -> None:
        if self.cell is None:
            return
        if tag == "v":
            self.inside = False
            self.pieces.append("</v>")
        elif tag == "c":
            if self.letters:
                self._hold(self.cell)
            self.pieces.clear()
            self.cell = None
        else:
            self.close(tag)

    def _hold(self, cell: dict[str, str]) -> None:
        kind, value, letters = cell.get("t", "n"), "".join(self.pieces), self.letters
        if kind == "s":
            number = NUMBER.fullmatch(value)
            if number is None:
                raise refusals.FILE_BROKEN()
            letters = self.lengths[int(number[1])] if int(number[1]) < len(self.lengths) else 0
        self.totals.hold(letters, self.row, self.column)
        self.last_row = max(self.last_row, self.row)
        self.last_column = max(self.last_column, self.column)
        if self.row != self.open_row:
            self.content += f'{"</row>" if self.open_row else ""}<row r="{self.row}">'.encode()
            self.open_row = self.row
        style = f" s={quoteattr(cell['s'])}" if "s" in cell else ""
        place = f"{column_letters(self.column)}{self.row}"
        self.content += f'<c r="{place}" t={quoteattr(kind)}{style}>{value}</c>'.encode()

    def _place(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        if not letters:
            self.column += 1
            return
        if not (letters.isascii() and letters.isalpha() and len(letters) <= 3 and len(reference) - len(letters) <= 7):
            raise refusals.FILE_BROKEN()
        self.column = column_number(letters)
        if len(reference) > len(letters):
            self.row = int(reference[len(letters) :])
