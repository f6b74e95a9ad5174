"""Lists (annex, roster) and evidence that want a reader's memory or time: each is small to send and large to read.

`python -m tests.support.hostile FOLDER` writes them as files, to try other programs with.
"""

import io
import random
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MEBIBYTE = 1024 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

HEADER = "".join(
    f'<c r="{column}1" t="inlineStr"><is><t>{text}</t></is></c>'
    for column, text in zip("ABCDE", ("STT", "Họ và tên", "Nội dung công việc", "Chủ trì", "Thời hạn"), strict=True)
)
WORKBOOK = f"""<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets>
{{}}</workbook>"""
RELATIONS = f"""<Relationships xmlns="{PACKAGE}/relationships">
<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/>
<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>"""
TYPES = f"""<Types xmlns="{PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="{SHEETML}.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEETML}.worksheet+xml"/>
<Override PartName="/xl/styles.xml" ContentType="{SHEETML}.styles+xml"/>
<Override PartName="/xl/sharedStrings.xml" ContentType="{SHEETML}.sharedStrings+xml"/></Types>"""
ROOT = f"""<Relationships xmlns="{PACKAGE}/relationships">
<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""
STYLES = f'<styleSheet xmlns="{MAIN}">{{}}<cellXfs><xf/>{{}}</cellXfs></styleSheet>'

PADDING = random.Random(1).randbytes(1_600_000)

Pieces = Iterable[str]


def workbook(
    rows: Pieces = (),
    *,
    strings: Pieces = (),
    styles: tuple[Pieces, Pieces] = ((), ()),
    names: Pieces = (),
    before: Pieces = (),
    after: Pieces = (),
    parts: dict[str, bytes] | None = None,
    padded: bool = True,
) -> bytes:
    """An .xlsx with one sheet: rows after its header, what stands before and after them, other parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", ROOT)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/workbook.xml", WORKBOOK.format("".join(names)))
        archive.writestr("xl/styles.xml", STYLES.format(*map("".join, styles)))
        with archive.open("xl/sharedStrings.xml", "w") as part:
            _write(part, [f'<sst xmlns="{MAIN}">', *strings, "</sst>"])
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            begin = [f'<worksheet xmlns="{MAIN}">', *before, f'<sheetData><row r="1">{HEADER}</row>']
            _write(part, begin)
            _write(part, rows)
            _write(part, ["</sheetData>", *after, "</worksheet>"])
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
        # What does not shrink lets the rest shrink as much as it likes, for whoever looks at the file as a whole only.
        archive.writestr("docProps/thumbnail.jpeg", PADDING if padded else b"", zipfile.ZIP_STORED)
    return written.getvalue()


def _write(part: object, pieces: Pieces) -> None:
    for piece in pieces:
        part.write(piece.encode())  # type: ignore[attr-defined]


def numbered(count: int, cell: str) -> Pieces:
    """Rows of one cell each, from the second on; `{r}` in the cell is the row."""
    return (f'<row r="{r}">{cell.replace("{r}", str(r))}</row>' for r in range(2, count + 2))


def wide(count: int, columns: str, cell: Callable[[str, int], str]) -> Pieces:
    return (f'<row r="{r}">{"".join(cell(column, r) for column in columns)}</row>' for r in range(2, count + 2))


def one_long_string(references: int) -> bytes:
    """A text of 1 MB, and cells that all refer to it."""
    return workbook(
        numbered(references, '<c r="A{r}" t="s"><v>0</v></c>'), strings=["<si><t>", "x" * 1_000_000, "</t></si>"]
    )


def longest_string(references: int) -> bytes:
    """As long as Excel takes, in many cells."""
    return workbook(numbered(references, '<c r="B{r}" t="s"><v>0</v></c>'), strings=[f"<si><t>{'x' * 32_767}</t></si>"])


def ordinary_cells() -> bytes:
    """1.3 million cells with texts of their own."""
    return workbook(
        wide(
            50_000, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lambda c, r: f'<c r="{c}{r}" t="inlineStr"><is><t>{c}{r}</t></is></c>'
        )
    )


def merges(*ranges: str) -> bytes:
    merged = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    text = '<row r="3"><c r="A3" t="inlineStr"><is><t>x</t></is></c></row><row r="9000"><c r="E9000"><v>1</v></c></row>'
    return workbook([text], after=[f"<mergeCells>{merged}</mergeCells>"])


def repeated(element: str, count: int, around: str = "") -> list[str]:
    return [f"<{around}>" if around else "", element * count, f"</{around}>" if around else ""]


def media(name: str, content: bytes) -> bytes:
    return workbook(parts={name: content})


def nested(depth: int) -> bytes:
    """Zips of zips of zeros: each layer a few kB."""
    content = b"\0" * (64 * MEBIBYTE)
    for _ in range(depth):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(8):
                archive.writestr(f"{number}.zip", content)
        content = written.getvalue()
    return content


def overlapping() -> bytes:
    """A thousand names in the directory for the same 20 MB of rows."""
    book = bytearray(workbook(numbered(200_000, '<c r="A{r}" s="1"><f>1</f></c>')))
    end = book.rindex(b"PK\x05\x06")
    begin = int.from_bytes(book[end + 16 : end + 20], "little")
    entry = next(
        b"PK\x01\x02" + one for one in bytes(book[begin:end]).split(b"PK\x01\x02") if b"xl/worksheets/sheet1.xml" in one
    )
    more = b"".join(entry.replace(b"sheet1.xml", f"{n:06}.xml".encode()) for n in range(1000))
    total = int.from_bytes(book[end + 10 : end + 12], "little") + 1000
    tail = bytearray(book[end:])
    tail[8:10] = tail[10:12] = total.to_bytes(2, "little")
    tail[12:16] = (end - begin + len(more)).to_bytes(4, "little")
    return bytes(book[:end]) + more + bytes(tail)


def random_csv() -> bytes:
    made = random.Random(1)
    return "\n".join(f"{n};{made.random()};{made.random()}" for n in range(400_000)).encode()


CSV_HEADER = "STT;Họ và tên;Nội dung công việc;Chủ trì;Thời hạn\n".encode()

# Name → what makes it. The ending is that of the file as it is sent.
FILES: dict[str, Callable[[], bytes]] = {
    "mot-chuoi-1000-o.xlsx": lambda: one_long_string(1_000),
    "mot-chuoi-39999-o.xlsx": lambda: one_long_string(39_999),
    "chuoi-dai-nhat.xlsx": lambda: longest_string(20_000),
    "chuoi-chia-nho.xlsx": lambda: workbook(strings=["<si>", *repeated("<r><t>x</t></r>", 2_000_000), "</si>"]),
    "phien-am.xlsx": lambda: workbook(strings=["<si>", *repeated("<rPh><t>x</t></rPh>", 2_000_000), "</si>"]),
    "trieu-chuoi.xlsx": lambda: workbook(strings=repeated("<si><t/></si>", 3_000_000)),
    "trieu-o-chu.xlsx": ordinary_cells,
    "o-rat-dai.xlsx": lambda: workbook(
        ['<row r="2"><c r="B2" t="inlineStr"><is><t>', "x" * 60_000_000, "</t></is></c></row>"]
    ),
    "muoi-trieu-o-trong.xlsx": lambda: workbook(
        wide(100_000, "ABCDEFGHIJ" * 10, lambda c, r: f'<c r="{c}{r}" s="1"/>')
    ),
    "muoi-trieu-o-trong-khong-ten.xlsx": lambda: workbook(wide(100_000, "A" * 100, lambda _, __: '<c s="1"/>')),
    "trieu-dong-trong.xlsx": lambda: workbook([f'<row r="{r}" ht="15" s="1"/>' for r in range(2, 1_048_577)]),
    "o-xa-nhat.xlsx": lambda: workbook(['<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>']),
    "khung-noi-doi.xlsx": lambda: workbook(before=['<dimension ref="A1:XFD1048576"/>']),
    "gop-ca-trang.xlsx": lambda: merges("A3:XFD1048576"),
    "gop-chong-nhau.xlsx": lambda: merges(*(f"A3:XFD{n}" for n in range(100_000, 119_000))),
    "trieu-vung-gop.xlsx": lambda: merges(*(f"A{n}:B{n}" for n in range(1, 1_000_000))),
    "trieu-kieu.xlsx": lambda: workbook(styles=((), repeated("<xf/>", 1_000_000))),
    "trieu-phong-chu.xlsx": lambda: workbook(styles=(repeated("<font><b/></font>", 1_000_000, "fonts"), ())),
    "trieu-dang-so.xlsx": lambda: workbook(
        styles=((f'<numFmt numFmtId="{n}" formatCode="0.0"/>' for n in range(1_000_000)), ())
    ),
    "dang-so-rat-dai.xlsx": lambda: workbook(
        styles=([f'<numFmt numFmtId="200" formatCode="{"0" * 50_000_000}"/>'], ())
    ),
    "trieu-kiem-tra.xlsx": lambda: workbook(
        after=repeated('<dataValidation type="list" sqref="A1:XFD1048576"/>', 1_000_000, "dataValidations")
    ),
    "trieu-dinh-dang.xlsx": lambda: workbook(
        after=repeated(
            '<conditionalFormatting sqref="A1:XFD1048576"><cfRule type="expression"/></conditionalFormatting>', 500_000
        )
    ),
    "trieu-lien-ket.xlsx": lambda: workbook(after=repeated('<hyperlink ref="A1" r="x"/>', 1_000_000, "hyperlinks")),
    "trieu-ten.xlsx": lambda: workbook(
        names=repeated('<definedName name="a">A!$A$1:$XFD$1048576</definedName>', 1_000_000, "definedNames")
    ),
    "trieu-cot.xlsx": lambda: workbook(before=repeated('<col min="1" max="16384" width="9"/>', 1_000_000, "cols")),
    "trieu-hinh.xlsx": lambda: media(
        "xl/drawings/drawing1.xml",
        b"<xdr><a>" + b"<twoCellAnchor><from/><to/></twoCellAnchor>" * 1_000_000 + b"</a></xdr>",
    ),
    "trieu-ghi-chu.xlsx": lambda: media(
        "xl/comments1.xml",
        b"<comments>" + b'<comment ref="A1"><text><t>x</t></text></comment>' * 1_000_000 + b"</comments>",
    ),
    "ngan-trang.xlsx": lambda: workbook(
        names=["<sheets>", *(f'<sheet name="{n}"/>' for n in range(60_000)), "</sheets>"]
    ),
    "nghin-lop.xlsx": lambda: workbook(after=["<a>" * 3_000_000, "</a>" * 3_000_000]),
    "thuoc-tinh-dai.xlsx": lambda: workbook(after=[f'<a b="{"x" * 80_000_000}"/>']),
    "trieu-thuoc-tinh.xlsx": lambda: workbook(after=["<a ", *(f'b{n}="" ' for n in range(2_000_000)), "/>"]),
    "trieu-khong-gian-ten.xlsx": lambda: workbook(
        after=["<a ", *(f'xmlns:b{n}="{n}" ' for n in range(1_000_000)), "/>"]
    ),
    "trieu-cong-thuc.xlsx": lambda: workbook(numbered(49_000, '<c r="A{r}"><f>' + "A1+" * 400 + "1</f><v>1</v></c>")),
    "so-rat-dai.xlsx": lambda: workbook(['<row r="2"><c r="A2"><v>', "9" * 30_000_000, "</v></c></row>"]),
    "thuc-the.xlsx": lambda: workbook(
        parts={
            "xl/tables/table1.xml": b'<!DOCTYPE a [<!ENTITY b "'
            + b"x" * 9_999_999
            + b'">]><worksheet>'
            + b"&b;" * 999
            + b"</worksheet>"
        }
    ),
    "bom-mot-lop.xlsx": lambda: workbook(parts={"xl/media/a.bin": b"\0" * (250 * MEBIBYTE)}, padded=False),
    "bom-mot-lop-co-dem.xlsx": lambda: media("xl/media/a.bin", b"\0" * (250 * MEBIBYTE)),
    "bom-nhieu-lop.xlsx": lambda: media("xl/media/a.zip", nested(2)),
    "bom-nhieu-lop-tran.xlsx": lambda: nested(2),
    "chong-nhau.xlsx": overlapping,
    "van-phan.xlsx": lambda: workbook(parts={f"a{n}": b"" for n in range(60_000)}),
    "toan-xuong-dong.csv": lambda: CSV_HEADER + b"\n" * (19 * MEBIBYTE),
    "toan-phan-cach.csv": lambda: CSV_HEADER + b";" * (19 * MEBIBYTE),
    "dong-phan-cach.csv": lambda: CSV_HEADER + (b";" * 255 + b"\n") * 70_000,
    "mot-o.csv": lambda: CSV_HEADER + b'"' + b"x" * (19 * MEBIBYTE),
    "mot-dong-nhieu-o.csv": lambda: CSV_HEADER + b"x;" * (9 * MEBIBYTE),
    "nhay-kep.csv": lambda: CSV_HEADER + b'""' * (9 * MEBIBYTE),
    "utf-16.csv": lambda: b"\xff\xfe" + ("\u1ec7\n" * (5 * MEBIBYTE)).encode("utf-16-le"),
    "so.csv": random_csv,
}


def pdf(*objects: bytes) -> bytes:
    """Objects after those of a page, without a table of where they are."""
    page = (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R>>")
    numbered = b"".join(b"%d 0 obj%s endobj\n" % (number, each) for number, each in enumerate((*page, *objects), 1))
    return b"%PDF-1.7\n" + numbered + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def object_stream(inflated: bytes) -> bytes:
    """The fifth object is in a compressed stream, to which the table leads."""
    packed = zlib.compress(inflated, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/A 5 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    ]
    written, rows = bytearray(b"%PDF-1.7\n"), b"\0" * 6
    for number, each in enumerate(objects, start=1):
        rows += b"\1" + len(written).to_bytes(4, "big") + b"\0"
        written += b"%d 0 obj%s endobj\n" % (number, each)
    rows += b"\2" + (4).to_bytes(4, "big") + b"\0" + b"\1" + len(written).to_bytes(4, "big") + b"\0"
    table = b"6 0 obj<</Type/XRef/Size 7/W[1 4 1]/Root 1 0 R/Length %d>>stream\n%s\nendstream endobj\n"
    end = b"startxref\n%d\n%%%%EOF\n" % len(written)
    return bytes(written) + table % (len(rows), rows) + end


def office(**parts: bytes) -> bytes:
    """A document of Word with more parts."""
    written = io.BytesIO()
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/a" ContentType="{kind}"/></Types>',
        )
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return written.getvalue()


# The same for evidence: name → what makes it.
EVIDENCE: dict[str, Callable[[], bytes]] = {
    "long-trieu-mang.pdf": lambda: pdf(b"[" * 10_000_000),
    "trieu-doi-tuong.pdf": lambda: pdf(*[b"<</A 1>>"] * 700_000),
    "trieu-muc.pdf": lambda: pdf(b"[" + b"<</A/B>>" * 2_400_000 + b"]"),
    "vong-trang.pdf": lambda: (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R 1 0 R]/Count 9>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n"
    ),
    "nen-mot-ti.pdf": lambda: object_stream(b"5 0 " + b"[" + b"1 " * (400 * MEBIBYTE) + b"]"),
    "toan-trailer.pdf": lambda: pdf() + b"trailer<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF\n" * 300_000,
    "bom.docx": lambda: office(word__document_xml=b" " * (2000 * MEBIBYTE // 8)),
    "lien-ket.docx": lambda: office(word___rels__a_rels=b"<a>" + b"<b/>" * 5_000_000 + b"</a>"),
    "sau.docx": lambda: office(word___rels__a_rels=b"<a>" * 5_000_000),
    "truong.docx": lambda: office(word__document_xml=b"<a><w>instrText</w>" + b"<b><c/></b>" * 2_000_000 + b"</a>"),
    "long-nhau.docx": lambda: office(a_docx=office(a_docx=office(a_docx=office(a_docx=b"PK\x03\x04")))),
    "phan.docx": lambda: office(**{f"a{n}": b"x" for n in range(60_000)}),
    "vong.doc": lambda: OLE + b"\0" * 16 + bytes.fromhex("3e000300feff090006000000") + b"\0" * (5 * MEBIBYTE),
    "toan-khong.xls": lambda: OLE + b"\0" * (19 * MEBIBYTE),
    "trang.txt": lambda: b"=|" * (9 * MEBIBYTE),
    "bang.csv": lambda: b"=" * (19 * MEBIBYTE),
    "ve.jpg": lambda: b"\xff\xd8\xff" + b"PK\x05\x06" * (4 * MEBIBYTE),
    "the.png": lambda: b"\x89PNG\r\n\x1a\n" + b"<!doctype" + b" " * (19 * MEBIBYTE),
}


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (FILES | EVIDENCE).items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
