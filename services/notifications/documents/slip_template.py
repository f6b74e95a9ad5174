"""Builds the template of the urging slip after NĐ 30/2020/NĐ-CP, Phụ lục I; what docxtpl fills in stands in `{{ }}`.

    python -m services.notifications.documents.slip_template

rewrites templates/phieu-don-doc.docx; a test compares the committed file with it.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Mm, Pt
from docx.text.paragraph import Paragraph

from shared.events import parse_time
from shared.workbook import without_times

TEMPLATE = Path(__file__).with_name("templates") / "phieu-don-doc.docx"
FONT = "Times New Roman"
BODY, SMALL = Pt(14), Pt(12)
CENTER, JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
# A4 less the margins: 210 − 30 − 20 mm.
WIDTH = Mm(160)
HEAD = (Mm(62), Mm(98))
FOOT = (Mm(80), Mm(80))
COLUMNS = {"TT": Mm(10), "Nhiệm vụ": Mm(62), "Sản phẩm": Mm(32), "Thời hạn": Mm(26), "Quá hạn (ngày làm việc)": Mm(30)}
REQUESTED = "{% if task.requested %} (đề nghị gia hạn ngày {{ task.requested }} chưa được trả lời){% endif %}"


def template() -> bytes:
    """The template's bytes, the same each time."""
    document = Document()
    _page(document)
    _font(document)
    _head(document)
    _title(document)
    _body(document)
    _foot(document)
    core = document.core_properties
    core.author, core.title, core.comments, core.language = "", "Phiếu đôn đốc", "", "vi-VN"
    core.created = core.modified = parse_time("2024-01-01T00:00:00.000Z").replace(tzinfo=None)
    written = io.BytesIO()
    document.save(written)
    return without_times(written.getvalue())


def _page(document: Any) -> None:
    """A4 upright; the page number in Arabic figures, 13 points, centred in the upper margin, not on the first page."""
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = section.right_margin = Mm(20)
    section.left_margin, section.header_distance = Mm(30), Mm(10)
    section.different_first_page_header_footer = True
    numbering = OxmlElement("w:pgNumType")
    numbering.set(qn("w:start"), "1")
    section._sectPr.insert_element_before(numbering, "w:cols", "w:titlePg", "w:docGrid")
    paragraph = section.header.paragraphs[0]
    paragraph.alignment = CENTER
    run = paragraph.add_run()
    run.font.size = Pt(13)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        element.text = text
        run._r.append(element)


def _font(document: Any) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, BODY
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(name), FONT)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "vi-VN")
    style.element.rPr.append(language)
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)
    style.paragraph_format.line_spacing = 1.0


def _head(document: Any) -> None:
    agency, nation = _columns(document, HEAD)
    _text(agency.paragraphs[0], "ỦY BAN NHÂN DÂN", SMALL, bold=True, align=CENTER)
    _text(agency.add_paragraph(), "{{ commune }}", SMALL, bold=True, align=CENTER)
    _line(agency, HEAD[0], Mm(24))
    _text(agency.add_paragraph(), "Số: {{ number }}/PĐĐ-VP", Pt(13), align=CENTER)
    _text(nation.paragraphs[0], "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", SMALL, bold=True, align=CENTER)
    _text(nation.add_paragraph(), "Độc lập - Tự do - Hạnh phúc", Pt(13), bold=True, align=CENTER)
    _line(nation, HEAD[1], Mm(60))
    date = "{{ place }}, ngày …… tháng …… năm {{ year }}"
    _text(nation.add_paragraph(), date, Pt(13), italic=True, align=CENTER)


def _title(document: Any) -> None:
    title = _text(document.add_paragraph(), "PHIẾU ĐÔN ĐỐC", BODY, bold=True, align=CENTER)
    title.paragraph_format.space_before = Pt(18)
    about = "Về việc thực hiện nhiệm vụ quá thời hạn được giao"
    _text(document.add_paragraph(), about, BODY, bold=True, align=CENTER)
    _rule(document.add_paragraph(), (WIDTH - Mm(50)) // 2)
    to = _text(document.add_paragraph(), "Kính gửi: {{ addressee }}.", BODY, align=CENTER)
    to.paragraph_format.space_before = to.paragraph_format.space_after = Pt(12)


def _body(document: Any) -> None:
    """One task in words, several in a table."""
    _prose(
        document,
        "Qua theo dõi việc thực hiện nhiệm vụ được giao, tính đến hết ngày {{ on }}, "
        "{% if count > 1 %}{{ count }} {% endif %}nhiệm vụ sau đây do {{ address }} chủ trì đã quá thời hạn nhưng "
        "chưa có báo cáo kết quả:",
    )
    _tag(document, "{%p if tasks | length == 1 %}")
    _tag(document, "{%p for task in tasks %}")
    _labelled(document, "Nhiệm vụ", "{{ task.title }}")
    _tag(document, "{%p if task.directive %}")
    _labelled(document, "Căn cứ giao", "{{ task.directive }}")
    _tag(document, "{%p endif %}")
    _labelled(document, "Sản phẩm", "{{ task.product }}")
    _labelled(document, "Thời hạn", "{{ task.due }}")
    _labelled(document, "Quá hạn", "{{ task.days_over }} ngày làm việc" + REQUESTED)
    _tag(document, "{%p endfor %}")
    _tag(document, "{%p else %}")
    _tasks(document)
    _tag(document, "{%p endif %}")
    after = _prose(
        document,
        "Đề nghị {{ address }} khẩn trương hoàn thành, báo cáo kết quả kèm sản phẩm chậm nhất ngày {{ reply_by }}. "
        "Trường hợp chưa hoàn thành được, chậm nhất ngày đó báo cáo bằng văn bản: nguyên nhân, phần việc đã làm, "
        "giải pháp và đề nghị thời hạn mới.",
    )
    after.paragraph_format.space_before = Pt(6)
    _prose(document, "Văn phòng tổng hợp kết quả thực hiện, báo cáo Chủ tịch Ủy ban nhân dân {{ commune_name }}./.")


def _tasks(document: Any) -> None:
    table = document.add_table(rows=4, cols=len(COLUMNS))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    cells = [
        "{{ loop.index }}",
        "{{ task.title }}{% if task.directive %} ({{ task.directive }}){% endif %}",
        "{{ task.product }}",
        "{{ task.due }}",
    ]
    cells.append("{{ task.days_over }}" + REQUESTED)
    _widths(table, COLUMNS.values())
    for number, heading in enumerate(COLUMNS):
        centred = number in (0, 3, 4)
        _text(table.cell(0, number).paragraphs[0], heading, SMALL, bold=True, align=CENTER)
        _text(table.cell(2, number).paragraphs[0], cells[number], SMALL, align=CENTER if centred else None)
    _text(table.cell(1, 0).paragraphs[0], "{%tr for task in tasks %}", SMALL)
    _text(table.cell(3, 0).paragraphs[0], "{%tr endfor %}", SMALL)
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _foot(document: Any) -> None:
    document.add_paragraph()
    copies, sign = _columns(document, FOOT)
    _text(copies.paragraphs[0], "Nơi nhận:", SMALL, bold=True, italic=True)
    for receiver in ("Như trên;", "Chủ tịch, các Phó Chủ tịch UBND (để b/c);", "Lưu: VT, VP."):
        _text(copies.add_paragraph(), f"- {receiver}", Pt(11))
    _text(sign.paragraphs[0], "{%p for line in signature %}", BODY)
    _text(sign.add_paragraph(), "{{ line }}", BODY, bold=True, align=CENTER)
    _text(sign.add_paragraph(), "{%p endfor %}", BODY)
    for _ in range(4):
        sign.add_paragraph()
    _text(sign.add_paragraph(), "{{ signer }}", BODY, bold=True, align=CENTER)
    for cell in (copies, sign):
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.keep_with_next = True


def _columns(document: Any, widths: tuple[int, int]) -> Any:
    """Two columns without lines; a page never breaks within them."""
    table = document.add_table(rows=1, cols=2)
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "0")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.find(qn("w:tblLook")).addprevious(margins)
    _widths(table, widths)
    return table.rows[0].cells


def _widths(table: Any, widths: Iterable[int]) -> None:
    """Word goes by the cells, LibreOffice by the grid."""
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width


def _text(
    paragraph: Paragraph, text: str, size: Pt, *, bold: bool = False, italic: bool = False, align: Any = None
) -> Paragraph:
    run = paragraph.add_run(text)
    run.font.size, run.bold, run.italic = size, bold, italic
    paragraph.alignment = align
    return paragraph


def _prose(document: Any, text: str) -> Paragraph:
    """Justified, the first line 1,27 cm in, 6 points after (Phụ lục I, Phần I, Mục II.6)."""
    paragraph = _text(document.add_paragraph(), text, BODY, align=JUSTIFY)
    paragraph.paragraph_format.first_line_indent = Cm(1.27)
    paragraph.paragraph_format.space_after = Pt(6)
    return paragraph


def _labelled(document: Any, label: str, text: str) -> None:
    _prose(document, f"- {label}: {text}.")


def _tag(document: Any, tag: str) -> None:
    """A paragraph that is gone once it was obeyed."""
    document.add_paragraph(tag)


def _line(cell: Any, width: int, length: int) -> None:
    _rule(cell.add_paragraph(), (width - length) // 2)


def _rule(paragraph: Paragraph, indent: int) -> None:
    """A thin line: the upper border of an almost empty paragraph, drawn in at both ends."""
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = indent
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.line_spacing = Pt(1), Pt(6)
    borders, top = OxmlElement("w:pBdr"), OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    borders.append(top)
    paragraph._p.get_or_add_pPr().insert_element_before(borders, "w:spacing", "w:ind", "w:jc")


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(template())
