"""Files that are broken, hostile or huge: a clear refusal or a normal answer, never a crash, never gigabytes."""

import csv
import io
import random
import re
import time
import tracemalloc
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tasks import imports
from services.tasks.domain import refusals
from services.tasks.imports import annex as annex_module
from services.tasks.imports import deadlines
from services.tasks.imports import roster as roster_module
from services.tasks.imports.annotate import annotate, outcomes
from services.tasks.imports.cells import MAX_UPLOAD
from services.tasks.imports.leads import Person
from services.tasks.imports.reading import read_annex, read_roster
from services.tasks.imports.sheets import read
from services.tasks.imports.texts import TEXTS
from shared.refusal import Refused

SAMPLE = (Path(__file__).parents[3] / "demo" / "data" / "danh-muc-cong-viec-2024.xlsx").read_bytes()
PEOPLE = [Person("p14", "Công chức Văn phòng", "Văn phòng", "cong_chuc")]
FILE_CODES = {refusal.code for refusal in refusals.ALL if refusal.code.startswith("file-")}
ISSUED = date(2024, 6, 14)
HEADER = ["STT", "Nội dung công việc", "Chủ trì", "Thời hạn", "Lĩnh vực"]


def annex(data):
    return read_annex(data, PEOPLE, issued_on=ISSUED)


def refusal_of(data):
    """The code with which every way into a file refuses it."""
    codes = set()
    for way in (annex, read_roster, lambda content: annotate(content, [], {})):
        with pytest.raises(Refused) as refused:
            way(data)
        refusal = refused.value.refusal
        assert refusal.title
        assert "{" not in refusal.detail.format_map(refused.value.params)
        codes.add(refused.value.code)
    return codes.pop() if len(codes) == 1 else codes


def code_of_reading(data):
    with pytest.raises(Refused) as refused:
        annex(data)
    refusal = refused.value.refusal
    assert refusal.title
    assert "{" not in refusal.detail.format_map(refused.value.params)
    return refused.value.code


def answer(work):
    """What came of it: done, or the code of the refusal; anything else that is raised fails the test."""
    try:
        work()
    except Refused as refused:
        return refused.code
    return "done"


def repacked(change, data=SAMPLE):
    """The sample with its parts changed: `change` gets and gives {name: bytes}."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = change({name: source.read(name) for name in source.namelist()})
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return written.getvalue()


def with_sheet(content):
    return repacked(lambda parts: {**parts, "xl/worksheets/sheet1.xml": content})


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_zip(share):
    assert refusal_of(SAMPLE[: int(len(SAMPLE) * share)]) == "file-broken"


def test_a_zip_that_is_no_workbook():
    assert code_of_reading(repacked(lambda _: {"readme.txt": b"hello"})) == "file-broken"


def test_a_zip_bomb_by_its_declared_size():
    bomb = repacked(lambda parts: {**parts, "xl/media/a.bin": b"\0" * 120_000_000})
    assert len(bomb) < 1_000_000
    assert refusal_of(bomb) == "file-bomb"


def test_a_zip_bomb_that_lies_about_its_size():
    bomb = bytearray(repacked(lambda parts: {"xl/worksheets/a.xml": b"<worksheet>" + b" " * 40_000_000, **parts}))
    at = bomb.index(b"PK\x01\x02")  # the central directory's first entry; its size field stands at 24
    bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    assert refusal_of(bytes(bomb)) in {"file-bomb", "file-broken"}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_parts_that_overlap_or_repeat():
    written = io.BytesIO(SAMPLE)
    with zipfile.ZipFile(written, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/workbook.xml", b"<x/>")
    assert refusal_of(written.getvalue()) == "file-broken"


def test_thousands_of_parts():
    assert refusal_of(repacked(lambda parts: {**parts, **{f"a{n}": b"" for n in range(3000)}})) == "file-bomb"


def test_an_upload_over_the_limit_is_not_even_opened():
    assert code_of_reading(b"PK\x03\x04" + b"\0" * MAX_UPLOAD) == "file-too-large"


def test_entities_that_expand_are_refused():
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    assert refusal_of(with_sheet(laughs)) == "file-broken"


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1"><v>1</v></c></row>{}</sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ('<row r="1048576"><c r="A1048576"><v>1</v></c></row>', "file-too-many-rows"),
        ('<row r="2"><c r="XFD2"><v>1</v></c></row>', "file-too-many-columns"),
        ('<row r="2"><c r="&#88;FD2"><v>1</v></c></row>', "file-too-many-columns"),
        ("<row><c r='IV40000'><is><t>x</t></is></c></row>", "file-too-many-cells"),
        ('<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>', "file-broken"),
        ('<row r="2"><c r="A99999999999"><v>1</v></c></row>', "file-broken"),
    ],
)
def test_cells_in_far_corners_are_refused_before_a_reader_allocates_the_rectangle(rows, code):
    assert refusal_of(with_sheet(SHEET.format(rows).encode())) == code


def test_formats_in_far_corners_do_no_harm():
    book = openpyxl.load_workbook(io.BytesIO(SAMPLE))
    book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)
    written = io.BytesIO()
    book.save(written)
    assert annex(written.getvalue()).counts["rows"] == 40


def test_merged_ranges_without_end_are_cut_to_the_table():
    def widen(parts):
        content = parts["xl/worksheets/sheet1.xml"]
        return {**parts, "xl/worksheets/sheet1.xml": re.sub(rb'ref="D30:D32"', b'ref="D30:XFD1048576"', content)}

    assert {row.no: row.lead.text for row in annex(repacked(widen)).rows}["40"] == "Văn hóa – Xã hội"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (b" \r\n\t ", "file-empty"),
        (b"\xef\xbb\xbf", "file-empty"),
        (b"%PDF-1.7 ...", "file-not-a-table"),
        (b"<html><table><tr><td>STT</td></tr></table></html>", "file-not-a-table"),
        (b"\x89PNG\r\n\x1a\n", "file-not-a-table"),
        (b"a;b\x00\x01\x02;c\n", "file-not-a-table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "file-old-or-encrypted"),
        ("STT;Nội dung;Chủ trì\n".encode("utf-16")[:-1], "file-encoding-unknown"),
        (b"STT;N\xe9i dung c\xabng vi\xd6c;Ch\xf1 tr\xd7\n", "file-encoding-unknown"),  # TCVN3
        (b"STT;N\xf6\xe4i dung;Chu\xfb tr\xec\n", "file-encoding-unknown"),  # VNI
        (b"\xff\xfe\x00\xd8", "file-encoding-unknown"),
        (b'STT;"' + b"x" * 200_000 + b'"\n', "file-broken"),
    ],
)
def test_what_is_no_readable_table(data, code):
    assert code_of_reading(data) == code


def test_an_empty_workbook():
    written = io.BytesIO()
    openpyxl.Workbook().save(written)
    assert code_of_reading(written.getvalue()) == "file-empty"


RUNS = ['=HYPERLINK("http://evil")', "+1+1", "-2+3", "@SUM(A1)"]


def test_text_that_looks_like_a_formula_comes_back_as_text_in_xlsx():
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    for number, text in enumerate(RUNS, start=2):
        for column, value in enumerate((number, text, text, text, 1), start=1):
            cell = book.active.cell(number, column, value)
            cell.data_type = "n" if isinstance(value, int) else "s"
    written = io.BytesIO()
    book.save(written)
    found = annex(written.getvalue())
    assert [row.title for row in found.rows] == RUNS
    texts = {place: f"={text}" for place, text in outcomes(found.rows).items()}
    data = annotate(written.getvalue(), found.tables, texts)
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [sheet.cell(row, 2).value for row in range(2, 6)] == RUNS
    assert {sheet.cell(row, column).data_type for row in range(2, 6) for column in (2, 3, 4, 6)} == {"s"}


def test_text_that_looks_like_a_formula_is_disarmed_in_csv_and_reads_the_same_again():
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerows([HEADER, *([number, text, text, "Quý III", 1] for number, text in enumerate(RUNS, start=1))])
    found = annex(written.getvalue().encode())
    data = annotate(written.getvalue().encode(), found.tables, outcomes(found.rows))
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert [row[1] for row in rows[1:]] == [f"'{text}" for text in RUNS]
    assert rows[0][5] == "Lỗi"
    assert not any(cell[:1] in "=+-@" for row in rows for cell in row if cell)
    again = annex(data)
    assert [(row.title, row.questions) for row in again.rows] == [(row.title, row.questions) for row in found.rows]


def rows_of(count):
    for number in range(1, count + 1):
        yield [number, f"Nhiệm vụ số {number} của xã", "Văn phòng", f"{number % 28 + 1:02}/{number % 6 + 7:02}/2024", 1]


def test_twenty_thousand_rows_are_quick():
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Phụ lục")
    for row in (HEADER, *rows_of(20_000)):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    started = time.process_time()  # not the clock: other programs on the machine are none of its doing
    found = annex(written.getvalue())
    took = time.process_time() - started
    assert found.counts == {"rows": 20_000, "good": 20_000, "waiting": 0, "rejected": 0}
    assert took < 20  # about 3 s on one free core; a quadratic step would take minutes


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_more_than_fifty_thousand_rows_are_refused(kind):
    if kind == "csv":
        data = "\n".join(";".join(map(str, row)) for row in (HEADER, *rows_of(50_001))).encode()
    else:
        content = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 50_003))
        data = with_sheet(SHEET.format(content).encode())
    assert code_of_reading(data) == "file-too-many-rows"


@pytest.mark.parametrize("seed", range(60))
def test_a_workbook_with_flipped_bytes_is_read_or_refused(seed):
    chance = random.Random(seed)

    def flip(parts):
        name = chance.choice(sorted(parts))
        content = bytearray(parts[name])
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        return {**parts, name: bytes(content)}

    data = repacked(flip)

    def import_and_annotate():
        found = annex(data)
        annotate(data, found.tables, outcomes(found.rows))

    assert answer(import_and_annotate) in {"done", *FILE_CODES}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    assert answer(lambda: read(data)) in {"done", *FILE_CODES}


def test_every_code_that_an_import_can_give_has_a_text():
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(imports.__path__[0]).glob("*.py"))
    given_codes = set(re.findall(r'Remark\(\s*"([a-z_-]+)"', sources))
    refused = {getattr(refusals, name).code for name in re.findall(r"refusals\.([A-Z_]+)", sources)}
    questions = {*annex_module.LEAD_QUESTIONS.values(), *(code for code, _ in roster_module.NOTE_QUESTIONS)}
    questions |= {deadlines.MISSING, deadlines.SEVERAL, deadlines.UNREADABLE, deadlines.BEFORE_DIRECTIVE}
    assert "trung_ma" in given_codes
    assert "file-broken" in refused
    assert refused <= FILE_CODES
    assert given_codes | questions <= TEXTS.keys()
