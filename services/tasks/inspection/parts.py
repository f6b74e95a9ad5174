"""XML parts of office documents since 2007, read as a stream: what in them starts a program or fetches something.

Elements count by their local names, whatever their namespace and whatever the part is called.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from xml.parsers import expat

import msgspec

from services.tasks.domain import refusals
from services.tasks.inspection import fields, formulas, places

OFFICE = "Office"
IN_ANOTHER_ENCODING = "Office (có phần viết bằng bảng mã khác UTF-8)"

DEEPEST = 512  # elements in each other; tables in tables of Word stay below 200
LONGEST_TAG = 16 * 1024 * 1024  # bytes; pictures stand in attributes of SVG
# UTF-16 and UTF-32, with a mark or without.
WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"<\0", b"\0<", b"\0\0\0<")
EBCDIC, UTF_7 = b"\x4c\x6f\xa7\x94", b"+ADw"
WORD = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
MATH = ("http://schemas.openxmlformats.org/officeDocument/2006/math", "http://purl.oclc.org/ooxml/officeDocument/math")
VML, SVG = "urn:schemas-microsoft-com:vml", "http://www.w3.org/2000/svg"

FETCHES = "mẫu hoặc liên kết tự tải từ nơi khác"
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
    "webextension": "tiện ích web (add-in)",
    "webimage": "ảnh tự tải từ mạng",
    "extensibility": "giao diện tự thêm (customUI)",
}
# Element → words, where that it is there is enough.
ELEMENTS = {
    "ddeLink": "liên kết gọi chương trình (DDE)",
    "oleLink": "liên kết tới chương trình khác (OLE)",
    "macrosheet": TYPES["macrosheet"],
    "dialogsheet": TYPES["dialogsheet"],
    "ocx": TYPES["activex"],
    "webextension": TYPES["webextension"],
    "taskpanes": TYPES["webextension"],
    "customUI": TYPES["extensibility"],  # its onLoad names a document that Office fetches
    "connectString": "truy vấn dữ liệu trộn thư",
}
# Kind of a relationship → where else than in the package it may lead. A template is looked for on the drive where its
# author had it, which sends nothing anywhere. Excel asks before it reads another workbook; the path of one on the
# network would be answered by that machine. Pasting leaves where a picture was.
MAY_LEAD_OUT: dict[str, Callable[[str], bool]] = {
    "hyperlink": places.may_be_clicked,
    "attachedtemplate": places.is_on_own_drive,
    **dict.fromkeys(
        ("externallinkpath", "externallinklongpath", "xlpathmissing", "xlstartup", "xlalternatestartup", "xllibrary"),
        places.stays_here,
    ),
    **dict.fromkeys(("image", "audio", "video", "media"), places.is_left_by_pasting),
}
# What a click in a presentation may do besides following a relationship.
ACTS = "hành động chạy chương trình"
SHOWS = ("noaction", "hlinkshowjump", "hlinksldjump", "customshow", "media")
CLICKS = ("", *SHOWS, "hlinkfile", "hlinkpres")
# What ends a word of an instruction, as a space does.
BREAKS = ("p", "tab", "ptab", "br", "cr", "noBreakHyphen", "sym", "drawing", "pict", "object", "footnoteReference")
FORMULAS = ("f", "formula", "formula1", "formula2", "definedName", "calculatedColumnFormula", "totalsRowFormula")
COLLECTED = (*FORMULAS, "instrText", "delInstrText", "HyperlinkBase")


# Attributes of an element by their local names in small letters; one that is not there is empty.
Said = defaultdict[str, str]


class Part:
    """What is found in one part. Refuses `evidence-broken`; raises ExpatError."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        # Content types: of parts by name, and of endings.
        self.parts: dict[str, str] = {}
        self.endings: dict[str, str] = {}
        self._fields = fields.Fields()
        self._depth = self._deleted = 0
        # Numbers of the open elements that are not Word's own, of which a reader may know none.
        self._foreign: list[int] = []
        self._count = 0
        self._texts: list[tuple[int, list[str]]] = []  # that are being collected, with the depth of their elements
        self._parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.XmlDeclHandler = self._declaration

    def read(self, chunks: Iterable[bytes]) -> None:
        given = 0
        for chunk in chunks:
            given += len(chunk)
            self._parser.Parse(chunk, False)
            if given - self._parser.CurrentByteIndex > LONGEST_TAG:
                raise refusals.EVIDENCE_BROKEN(kind=OFFICE)
        self._parser.Parse(b"", True)
        self._fields.close()
        self.found |= self._fields.found

    @property
    def _place(self) -> tuple[int, bool]:
        return (self._foreign[-1] if self._foreign else 0, self._deleted > 0)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise refusals.EVIDENCE_BROKEN(kind=OFFICE)
        element = _element(name)
        if element.is_foreign:
            self._count += 1
            self._foreign.append(self._count)
        if element.matters:
            self._look_at(element, _said(attributes))

    def _look_at(self, element: "_Element", said: Said) -> None:
        tag = element.tag
        self._deleted += element.deletes
        if tag in ELEMENTS:
            self.found.add(ELEMENTS[tag])
        if tag in LOOK:
            LOOK[tag](self, said)
        elif element.draws:
            self._picture(tag, said)
        if self._fields.in_instruction and tag in BREAKS:
            self._fields.piece(fields.BREAK, self._place)
        if element.is_collected or (self._fields.in_instruction and tag == "t"):
            self._texts.append((self._depth, []))
            self._parser.CharacterDataHandler = self._text

    def _end(self, name: str) -> None:
        element = _element(name)
        if self._texts and self._texts[-1][0] == self._depth:
            self._collected(element.tag, "".join(self._texts.pop()[1]))
        self._depth -= 1
        self._deleted -= element.deletes
        if element.is_foreign:
            self._foreign.pop()

    def _text(self, text: str) -> None:
        for _, pieces in self._texts:
            pieces.append(text)

    def _collected(self, tag: str, text: str) -> None:
        if not self._texts:
            self._parser.CharacterDataHandler = None
        if tag in FORMULAS:
            self.found.update(formulas.in_formula(text))
        elif tag == "HyperlinkBase":
            self._leads(places.may_be_clicked(text))
        else:
            self._fields.piece(text, self._place)

    def _leads(self, allowed: bool, words: str = fields.LEADS) -> None:
        if not allowed:
            self.found.add(words)

    def _picture(self, tag: str, said: Said) -> None:
        """Pictures of drawings are in the package, or in the attribute itself."""
        if tag == "script":
            self.found.add("JavaScript")
        fetched = said["src"] or (said["href"] if tag in ("image", "feImage", "use") else "")
        self._leads(not fetched or fetched.strip().startswith(("#", "data:")), FETCHES)
        self._leads(bool(fetched) or places.may_be_clicked(said["href"]))

    def _field_mark(self, said: Said) -> None:
        marks = {"begin": self._fields.begin, "separate": self._fields.separate, "end": self._fields.end}
        if mark := marks.get(said["fldchartype"].strip()):
            mark(self._place)

    def _simple_field(self, said: Said) -> None:
        self._fields.whole(said["instr"])
        self._computed(said)

    def _computed(self, _: Said) -> None:
        """What is inside comes from another field, or from data that a control is bound to."""
        if self._fields.in_instruction:
            self._fields.piece(fields.COMPUTED, self._place)

    def _relationship(self, said: Said) -> None:
        kind, target = said["type"].strip(" /").lower(), said["target"]
        self.found.update(words_for(kind))
        if said["targetmode"].strip().lower() in ("", "internal") and not _leads_out(target):
            return
        kind = kind.rpartition("/")[2]
        allowed = kind in MAY_LEAD_OUT and MAY_LEAD_OUT[kind](target)
        self._leads(allowed, fields.LEADS if kind == "hyperlink" else FETCHES)

    def _override(self, said: Said) -> None:
        self.parts[part_name(said["partname"])] = said["contenttype"].strip().lower()

    def _default(self, said: Said) -> None:
        self.endings[said["extension"].lower()] = said["contenttype"].strip().lower()

    def _property(self, said: Said) -> None:
        """A program of the sender's that Office fetches and starts with the document (VSTO)."""
        if said["name"].lower().startswith("_assembly"):
            self.found.add("chương trình kèm theo (VSTO)")

    def _connection(self, said: Said) -> None:
        if said["refreshonload"] not in ("", "0", "false") or said["interval"].strip("0"):
            self.found.add("kết nối tự lấy dữ liệu từ nơi khác")

    def _click(self, said: Said) -> None:
        self._leads(_verb(said) in CLICKS, ACTS)

    def _hover(self, said: Said) -> None:
        """Nobody clicks: what it leads to would be opened by a movement of the hand."""
        self._leads(_verb(said) in SHOWS or not (said["id"] or said["action"]), ACTS)

    def _doctype(self, *_: Any) -> None:
        """No office program writes a document type, which could declare entities."""
        raise refusals.EVIDENCE_BROKEN(kind=OFFICE)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
            raise refusals.EVIDENCE_BROKEN(kind=IN_ANOTHER_ENCODING)


# Element → what looks at its attributes.
LOOK: Mapping[str, Callable[[Part, Said], None]] = {
    "fldChar": Part._field_mark,
    "fldSimple": Part._simple_field,
    "sdt": Part._computed,
    "Relationship": Part._relationship,
    "Override": Part._override,
    "Default": Part._default,
    "property": Part._property,
    "connection": Part._connection,
    "queryTable": Part._connection,
    "hlinkClick": Part._click,
    "hlinkHover": Part._hover,
    "hlinkMouseOver": Part._hover,
}


class _Element(msgspec.Struct, frozen=True):
    """What the name of an element says. `matters`: there is more to do than to count it."""

    tag: str
    is_foreign: bool
    deletes: bool
    draws: bool
    is_collected: bool
    matters: bool


@lru_cache(1024)
def _element(name: str) -> _Element:
    namespace, _, tag = name.rpartition(" ")
    deletes = namespace in WORD and tag in ("del", "moveFrom")
    draws = namespace in (VML, SVG)
    is_collected = tag in COLLECTED and namespace not in MATH
    matters = deletes or draws or is_collected or tag == "t" or tag in ELEMENTS or tag in LOOK or tag in BREAKS
    return _Element(tag, namespace not in WORD, deletes, draws, is_collected, matters)


def _said(attributes: Mapping[str, str]) -> Said:
    return defaultdict(str, ((name.rpartition(" ")[2].lower(), value) for name, value in attributes.items()))


def _verb(said: Said) -> str:
    return said["action"].strip().lower().removeprefix("ppaction://").partition("?")[0]


def words_for(declared: str) -> Iterable[str]:
    return (words for part, words in TYPES.items() if part in declared.lower())


def part_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def must_be_utf8(head: bytes) -> None:
    """A program that reads another encoding would see what nobody looked at. Refuses `evidence-broken`."""
    if head.startswith((*WIDE, EBCDIC, UTF_7)):
        raise refusals.EVIDENCE_BROKEN(kind=IN_ANOTHER_ENCODING)


def _leads_out(target: str) -> bool:
    """An internal target that is none: some programs follow it all the same."""
    path = target.partition("#")[0].strip().replace("\\", "/")
    return ":" in path or path.startswith("//")
