"""The zip that an .xlsx is, checked before any spreadsheet library sees it: sizes counted, nothing trusted."""

import io
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

from services.tasks.domain import refusals

MAX_UPLOAD = 20 * 1024 * 1024
MAX_UNPACKED = 100 * 1024 * 1024
MAX_RATIO = 200  # real workbooks unpack to 5-40 times their size; only above RATIO_FROM does it count
RATIO_FROM = 10 * 1024 * 1024
MAX_PARTS = 2_000
MAX_ROWS = 50_000
MAX_COLUMNS = 256
MAX_CELLS = 2_000_000  # of all sheets' rectangles: the reader holds empty cells too
CHUNK = 1024 * 1024


def checked(data: bytes) -> bytes:
    """The same workbook, repacked from the parts that were counted, so that a reader unpacks nothing else.

    Refuses `file-broken`, `file-bomb`, `file-encrypted`, `file-too-many-rows`, `file-too-many-columns`,
    `file-too-many-cells`.
    """
    parts = _parts(data)
    cells = 0
    for content in parts.values():
        rows, columns = _extent(content)
        if rows > MAX_ROWS:
            raise refusals.FILE_TOO_MANY_ROWS(rows=rows, limit=MAX_ROWS)
        if columns > MAX_COLUMNS:
            raise refusals.FILE_TOO_MANY_COLUMNS(columns=columns, limit=MAX_COLUMNS)
        cells += rows * columns
    if cells > MAX_CELLS:
        raise refusals.FILE_TOO_MANY_CELLS(cells=cells, limit=MAX_CELLS)
    repacked = io.BytesIO()
    with zipfile.ZipFile(repacked, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return repacked.getvalue()


def _parts(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(entry.flag_bits & 1 for entry in entries):
                raise refusals.FILE_ENCRYPTED()
            if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > _allowed(data):
                raise refusals.FILE_BOMB(limit_mb=MAX_UNPACKED // CHUNK)
            parts: dict[str, bytes] = {}
            left = _allowed(data)
            for entry in entries:
                if entry.is_dir():
                    continue
                if entry.filename in parts:
                    raise refusals.FILE_BROKEN()
                parts[entry.filename] = _unpacked(archive, entry, left)
                left -= len(parts[entry.filename])
            return parts
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise refusals.FILE_BROKEN() from error


def _allowed(data: bytes) -> int:
    return min(MAX_UNPACKED, max(RATIO_FROM, MAX_RATIO * len(data)))


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """One part, never more than `limit` bytes of it: the declared size may lie."""
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(CHUNK):
            content += chunk
            if len(content) > limit:
                raise refusals.FILE_BOMB(limit_mb=MAX_UNPACKED // CHUNK)
    return bytes(content)


def _extent(content: bytes) -> tuple[int, int]:
    """The last row and column with a value, for a worksheet; (0, 0) for any other part.

    A reader allocates the whole rectangle, so that two cells in far corners would cost gigabytes.
    """
    if content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] != b"<":
        if b"<sheetData" in content:
            raise refusals.FILE_BROKEN()
        return 0, 0
    scan = _Scan()
    parser = expat.ParserCreate()
    parser.StartElementHandler = scan.start
    parser.StartDoctypeDeclHandler = scan.doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise refusals.FILE_BROKEN() from error
    return scan.last_row, scan.last_column


class _Scan:
    """Counts as a reader does: rows and cells without a reference follow the one before."""

    def __init__(self) -> None:
        self.row = self.column = 0
        self.last_row = self.last_column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "c":
            self._cell(attributes.get("r", ""))
        elif tag in ("v", "is"):
            self.last_row = max(self.last_row, self.row)
            self.last_column = max(self.last_column, self.column)
        elif tag == "row":
            written = attributes.get("r", "")
            self.row = int(written) if written.isdecimal() else self.row + 1
            self.column = 0

    def _cell(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        if not letters:
            self.column += 1
            return
        if not (letters.isascii() and letters.isalpha() and len(letters) <= 3 and len(reference) - len(letters) <= 7):
            raise refusals.FILE_BROKEN()
        self.column = column_number(letters)
        if len(reference) > len(letters):
            self.row = int(reference[len(letters) :])

    def doctype(self, *_: Any) -> None:
        """No office program writes a document type; it could only declare entities that expand."""
        raise refusals.FILE_BROKEN()


def column_number(letters: str) -> int:
    """From 1: A, B, …, Z, AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
