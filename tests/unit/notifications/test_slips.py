"""Urging slips: for whom, for what, signed by whom; the paper after NĐ 30/2020; what is printed together."""

import hashlib
import io
import shutil
import subprocess
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt

from services.notifications.channels.interface import Contact
from services.notifications.documents.slip_template import TEMPLATE, template
from services.notifications.documents.slips import Draft, drafts, together
from services.notifications.domain import fold
from services.notifications.domain.records import Records
from services.notifications.domain.slips import MOST_TASKS, REPLY_DAYS, IssueSlips, signature, slips
from shared.events import CalendarPublished, DirectiveIssued
from shared.refusal import Refused
from tests.support.histories import (
    COMMUNE,
    History,
    appointed,
    asked,
    assigned,
    completed,
    day,
    left,
    opened,
    reported,
    unit_defined,
)

NOW = "2024-11-28T02:00:00.000Z"
CALENDAR = CalendarPublished(calendar="vn-2024-r1", year=2024, days_off=[], working_weekends=[], by="p14")
HOSTILE = "Rà soát <w:p> & “mẫu” {{ 7*7 }} {% raw %} {#x#}\tcủa \x0bxã"
NAMES = {staff: Contact(staff, name) for staff, name in (("p07", "Nguyễn Thị Hường"), ("p14", "Trần Văn Quý"))}


def history() -> History:
    directive = DirectiveIssued(
        directive="d1", number="01/CT-UBND", issued_on=day("14/6"), title="Tăng cường cải cách hành chính"
    )
    return (
        History()
        .record("1/1", opened(), CALENDAR)
        .record(
            "1/1",
            appointed("p01", roles=["chair"], post="Chủ tịch UBND xã"),
            appointed("p02", roles=["vice_chair"], post="Phó Chủ tịch UBND xã"),
            appointed("p14", roles=["office", "staff"]),
            appointed("p07"),
            appointed("p08", post="Công chức Tư pháp - Hộ tịch"),
            appointed("p09"),
            unit_defined("mot-cua", "p08"),
            directive,
        )
        .record(
            "14/6",
            assigned("t1", due="20/11", directive="d1", title="Báo cáo cải cách hành chính quý III"),
            assigned("t2", due="31/10", title=HOSTILE),
            assigned("t3", lead="p08", due="27/11"),
            assigned("t4", due="28/11"),
            assigned("t5", due=None),
            assigned("t6", due="20/11"),
            assigned("t7", due="20/11"),
            assigned("t8", lead="p09", due="20/11"),
            assigned("t9", lead="mot-cua", due="20/11"),
        )
        .record("1/11", left("p09", "31/10"))
        .record("21/11", reported("t6", on="21/11"), reported("t7", on="21/11"), asked("t1", due="10/12"))
        .record("22/11", completed("t7", on="21/11"))
    )


def records(of: History | None = None) -> Records:
    found = fold.empty(COMMUNE)
    for envelope in (of or history()).envelopes():
        fold.evolve(found, envelope)
    return found


def made(*tasks: str, **wish: Any) -> list[Draft]:
    return drafts(records(), NAMES, IssueSlips(tasks=list(tasks), **wish), NOW)


def read(body: bytes) -> Any:
    return docx.Document(io.BytesIO(body))


def texts(body: bytes) -> list[str]:
    """The paragraphs of the body as read from top to bottom, tables with them."""
    paragraphs = read(body).element.body.iter(qn("w:p"))
    return ["".join(text.text or "" for text in paragraph.iter(qn("w:t"))) for paragraph in paragraphs]


# For whom and for what


def test_each_lead_gets_one_slip_with_the_oldest_deadline_first():
    found = slips(records(), ["t1", "t3", "t2", "t1"], NOW)
    assert [(slip.lead, [task.task for task in slip.tasks]) for slip in found] == [
        ("p07", ["t2", "t1"]),
        ("p08", ["t3"]),
    ]
    first = found[0].tasks[1]
    assert (first.directive, first.directive_on, first.due) == ("01/CT-UBND", day("14/6"), day("20/11"))
    assert first.requested_on == day("21/11")


def test_days_over_are_working_days_and_the_answer_has_two():
    assert [task.days_over for task in slips(records(), ["t1", "t2"], NOW)[0].tasks] == [20, 6]
    [slip] = slips(records(), ["t3"], NOW)
    assert slip.tasks[0].days_over == 1
    assert (slip.on, slip.reply_by, REPLY_DAYS) == (day("28/11"), day("2/12"), 2)


def test_a_unit_is_urged_through_its_head():
    [slip] = slips(records(), ["t9"], NOW)
    assert (slip.lead, slip.addressee, slip.post) == ("mot-cua", "p08", "mot-cua")
    found = texts(made("t9")[0].document)
    assert "Kính gửi: Đơn vị mot-cua (ông, bà ………………………………)." in found
    assert any("do đơn vị mot-cua chủ trì" in line for line in found)


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        (["t99"], "task-unknown"),
        (["t4"], "slip-not-overdue"),  # due today
        (["t5"], "slip-not-overdue"),  # no deadline
        (["t6"], "slip-not-open"),  # reported
        (["t1", "t7"], "slip-not-open"),  # completed
        (["t8"], "slip-lead-left"),
        ([f"t{number}" for number in range(MOST_TASKS + 1)], "slip-too-many"),
    ],
)
def test_a_slip_is_for_overdue_open_tasks_of_somebody_in_post(tasks: list[str], code: str):
    with pytest.raises(Refused, match=code):
        slips(records(), tasks, NOW)


def test_a_past_moment_is_answered_as_it_stood_then():
    assert [slip.tasks[0].task for slip in slips(records(), ["t7"], "2024-11-21T01:00:00.000Z")] == ["t7"]
    with pytest.raises(Refused, match="task-unknown"):
        slips(records(), ["t1"], "2024-06-01T01:00:00.000Z")


def test_the_answer_is_not_asked_for_before_today():
    assert slips(records(), ["t1"], NOW, reply_by=day("28/11"))[0].reply_by == day("28/11")
    with pytest.raises(Refused, match="slip-reply-by"):
        slips(records(), ["t1"], NOW, reply_by=day("27/11"))


def test_a_year_without_a_calendar_is_refused():
    with pytest.raises(Refused, match="working-calendar-missing"):
        slips(records(), ["t1"], "2025-01-06T02:00:00.000Z")


@pytest.mark.parametrize(
    ("staff", "lines"),
    [
        (None, ["TL. CHỦ TỊCH", "VĂN PHÒNG"]),
        ("p01", ["CHỦ TỊCH"]),
        ("p02", ["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"]),
        ("p14", ["TL. CHỦ TỊCH", "CÔNG CHỨC VĂN PHÒNG - THỐNG KÊ"]),
    ],
)
def test_who_signs_in_whose_name(staff: str | None, lines: list[str]):
    assert signature(records(), NOW, staff).lines == lines


@pytest.mark.parametrize("staff", ["p07", "p09", "p99"])
def test_nobody_else_signs(staff: str):
    with pytest.raises(Refused, match="slip-signer"):
        signature(records(), NOW, staff)


def test_a_number_is_of_one_slip():
    assert "Số: 12/PĐĐ-VP" in texts(made("t1", "t2", number="12")[0].document)
    with pytest.raises(Refused, match="slip-number"):
        made("t1", "t3", number="12")


# The paper


def test_the_committed_template_is_what_the_script_makes():
    assert TEMPLATE.read_bytes() == template(), "run: python -m services.notifications.documents.slip_template"


def test_a_slip_says_who_owes_what_by_when():
    found = texts(made("t1", signed_by="p14")[0].document)
    for line in (
        "ỦY BAN NHÂN DÂN",
        "XÃ TIÊN CẢNH",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số: ……/PĐĐ-VP",
        "Tiên Cảnh, ngày …… tháng …… năm 2024",
        "PHIẾU ĐÔN ĐỐC",
        "Về việc thực hiện nhiệm vụ quá thời hạn được giao",
        "Kính gửi: Ông (bà) Nguyễn Thị Hường, Công chức Văn phòng - Thống kê.",
        "- Nhiệm vụ: Báo cáo cải cách hành chính quý III.",
        "- Căn cứ giao: 01/CT-UBND ngày 14/06/2024.",
        "- Sản phẩm: Báo cáo.",
        "- Thời hạn: 20/11/2024.",
        "- Quá hạn: 06 ngày làm việc (đề nghị gia hạn ngày 21/11/2024 chưa được trả lời).",
        "TL. CHỦ TỊCH",
        "CÔNG CHỨC VĂN PHÒNG - THỐNG KÊ",
        "Trần Văn Quý",
        "Nơi nhận:",
        "- Như trên;",
    ):
        assert line in found
    assert any("chậm nhất ngày 02/12/2024" in line for line in found)
    assert all(unicodedata.is_normalized("NFC", line) for line in found)


def test_without_a_name_the_clerk_has_room_to_write_it():
    assert "Kính gửi: Ông (bà) ………………………………, Công chức Tư pháp - Hộ tịch." in texts(made("t3")[0].document)


def test_several_tasks_stand_in_a_table_whose_head_is_repeated():
    document = read(made("t1", "t2")[0].document)
    [_, table, _] = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[0] == ["TT", "Nhiệm vụ", "Sản phẩm", "Thời hạn", "Quá hạn (ngày làm việc)"]
    assert [row[0] for row in rows[1:]] == ["1", "2"]
    assert rows[2][1] == "Báo cáo cải cách hành chính quý III (01/CT-UBND ngày 14/06/2024)"
    assert rows[2][3:] == ["20/11/2024", "06 (đề nghị gia hạn ngày 21/11/2024 chưa được trả lời)"]
    assert table.rows[0]._tr.find(f".//{qn('w:tblHeader')}") is not None
    assert any("2 nhiệm vụ sau đây" in line for line in texts(made("t1", "t2")[0].document))


def test_what_a_title_holds_is_text_and_nothing_else():
    found = texts(made("t2")[0].document)
    assert "- Nhiệm vụ: Rà soát <w:p> & “mẫu” {{ 7*7 }} {% raw %} {#x#} của xã." in found


def test_page_font_and_sizes_are_those_of_the_decree():
    document = read(made("t1")[0].document)
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm) for margin in margins] == [20, 20, 30, 20]
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert {fonts.get(qn(f"w:{name}")) for name in ("ascii", "hAnsi", "cs", "eastAsia")} == {"Times New Roman"}
    assert {run.font.name for run in _runs(document)} == {None}  # everything inherits it
    by_text = {run.text: run for run in _runs(document)}
    for text, size, bold, italic in (
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, True, False),
        ("Độc lập - Tự do - Hạnh phúc", 13, True, False),
        ("Số: ……/PĐĐ-VP", 13, False, False),
        ("Tiên Cảnh, ngày …… tháng …… năm 2024", 13, False, True),
        ("PHIẾU ĐÔN ĐỐC", 14, True, False),
        ("- Thời hạn: 20/11/2024.", 14, False, False),
        ("Nơi nhận:", 12, True, True),
        ("- Như trên;", 11, False, False),
    ):
        run = by_text[text]
        assert (run.font.size, bool(run.bold), bool(run.italic)) == (Pt(size), bold, italic), text
    body = next(each for each in document.paragraphs if each.text.startswith("Đề nghị"))
    assert body.alignment == WD_ALIGN_PARAGRAPH.JUSTIFY and round(body.paragraph_format.first_line_indent.cm, 2) == 1.27
    assert body.paragraph_format.space_after == Pt(6)


def _runs(document: Any) -> list[Any]:
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return [run for part in (document, *cells) for paragraph in part.paragraphs for run in paragraph.runs]


def test_pages_are_numbered_at_the_top_but_for_the_first():
    section = read(made("t1")[0].document).sections[0]
    assert section.different_first_page_header_footer
    header = section.header.paragraphs[0]
    assert header.alignment == WD_ALIGN_PARAGRAPH.CENTER and "PAGE" in header._p.xml
    assert section.first_page_header.paragraphs == [] or not section.first_page_header.paragraphs[0].text


def test_the_same_slip_has_the_same_bytes():
    first, again = (made("t1", "t2")[0].document for _ in range(2))
    assert hashlib.sha256(first).digest() == hashlib.sha256(again).digest()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# Printed together


def test_slips_are_printed_together_each_from_its_own_first_page():
    each = [draft.document for draft in made("t1", "t2", "t3", "t9")]
    whole = together(each)
    assert texts(whole).count("PHIẾU ĐÔN ĐỐC") == len(each) == 3
    sections = read(whole).sections
    assert len(sections) == 3
    starts = [section._sectPr.find(qn("w:pgNumType")).get(qn("w:start")) for section in sections]
    assert starts == ["1", "1", "1"] and all(section.different_first_page_header_footer for section in sections)
    assert whole == together(each)
    assert together(each[:1]) == each[0]


@pytest.mark.libreoffice
def test_libreoffice_makes_a_pdf_of_them_on_which_no_line_of_the_heading_breaks(tmp_path: Path):
    office, pdftotext = shutil.which("soffice"), shutil.which("pdftotext")
    if office is None or pdftotext is None:
        pytest.skip(f"no {'soffice' if office is None else 'pdftotext'}: the slip is not looked at as a PDF")
    (tmp_path / "phieu.docx").write_bytes(together([draft.document for draft in made("t1", "t2", "t3")]))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*convert, str(tmp_path / "phieu.docx")], check=True, capture_output=True, timeout=120)
    read_pdf = [pdftotext, "-layout", str(tmp_path / "phieu.pdf"), "-"]
    said = subprocess.run(read_pdf, check=True, capture_output=True, text=True, timeout=60).stdout
    pages = [page.splitlines() for page in said.removesuffix("\f").split("\f")]
    assert len(pages) == 2
    for page in pages:
        heading = [line.split("  ")[-1].strip() for line in page if line.strip()]
        assert heading[:3] == [
            "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
            "Độc lập - Tự do - Hạnh phúc",
            "Tiên Cảnh, ngày …… tháng …… năm 2024",
        ]
