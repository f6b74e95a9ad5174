"""Imports over HTTP: a dry run records nothing, confirming records once, changes are questions, bad files say why."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.tasks import importing
from services.tasks.reactors import react
from shared.refusal import Refused
from shared.web.auth import Principal
from tests.support.tasks_web import ANNEX, COMMUNE, OPERATOR, ROSTER, Commune, done, refused

ANNEX_HEAD = ("STT", "Nội dung công việc", "Sản phẩm", "Chủ trì", "Phối hợp", "Thời hạn", "Hệ số")
PLAN = ("1", "Ban hành kế hoạch", "Kế hoạch", "p15", "p16", "28/6/2024", "2")
REPORT = ("2", "Báo cáo tháng", "Báo cáo", "p16", "", "Ngày 25 hằng tháng", "1,5")
CAMPAIGN = ("3", "Tuyên truyền", "Tin, bài", "p22", "", "Quý III, Quý IV", "1")
ROSTER_HEAD = ("Mã", "Họ tên", "Chức vụ", "Nhóm", "Bộ phận", "Người phụ trách trực tiếp", "Từ ngày", "Email", "Ghi chú")
RECURRING = {"6", "8", "16", "18", "19", "20", "21", "28", "30", "33"}
WAITING = {"1", "2", "5", "9", "10", "11", "14", "17", "23", "39", "40"}


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    commune = Commune(tmp_path)
    commune.open()
    yield commune
    commune.engine.dispose()


@pytest.fixture
def directive(commune: Commune) -> str:
    commune.enter_roster()
    return commune.issue_directive()


def sheet(*rows: tuple[str, ...]) -> bytes:
    """A csv; rows that name a field (I…VII) are group rows."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def annex(*rows: tuple[str, ...]) -> bytes:
    return sheet(ANNEX_HEAD, ("", "I. Công tác chỉ đạo, điều hành", "", "", "", "", ""), *rows)


def dry_run(commune: Commune, content: bytes, directive: str, name: str = "phụ lục.csv", *, sender: str = "p14") -> Any:
    return done(commune.upload(sender, "/imports/annex", content, name, directive=directive))


def confirm(commune: Commune, content: bytes, directive: str) -> Any:
    found = dry_run(commune, content, directive)
    return done(commune.send("p14", f"/imports/annex/{found['sha256']}/confirmation", {"directive": directive}))


def outcomes(found: Any) -> dict[str, str]:
    return {row["label"]: row["status"] for row in found["rows"]}


def tasks_of(commune: Commune) -> list[Any]:
    return list(done(commune.get("p14", "/tasks", limit=200))["tasks"])


def drafts_of(commune: Commune) -> list[Any]:
    return list(done(commune.get("p14", "/drafts"))["drafts"])


def test_the_roster_is_49_people_in_their_units(commune: Commune) -> None:
    before = commune.position
    found = done(commune.upload(OPERATOR, "/imports/roster", ROSTER.read_bytes(), ROSTER.name))
    assert found["counts"] == {"rows": 49, "new": 49, "changed": 0, "unchanged": 0, "waits": 0, "error": 0}
    assert commune.position == before
    rows = {row["label"]: row for row in found["rows"]}
    assert rows["p01"]["proposal"]["roles"] == ["chair"] and rows["p03"]["proposal"]["roles"] == ["vice_chair"]
    assert rows["p36"]["proposal"]["roles"] == ["village_head"] and rows["p44"]["proposal"]["roles"] == ["focal_point"]
    assert rows["p06"]["proposal"]["rated"] is False and rows["p02"]["proposal"]["rater"] == "external"
    assert [one["code"] for one in rows["p23"]["questions"]] == ["nghi_trong_ghi_chu"]
    assert all("office" not in row["proposal"]["roles"] for row in rows.values())

    path = f"/imports/roster/{found['sha256']}/confirmation"
    done(commune.send(OPERATOR, path))
    people = {one["id"]: one for one in done(commune.get(OPERATOR, "/staff"))["staff"]}
    assert set(people) == {f"p{number:02d}" for number in range(1, 50)} - {"p20"}  # from 1/7 on
    assert people["p17"]["post"]["unit"] == "bo-phan-mot-cua" and people["p17"]["post"]["tracker"] == "p15"
    units = {one["id"]: one for one in done(commune.get(OPERATOR, "/units"))["units"]}
    assert (units["bo-phan-mot-cua"]["name"], units["bo-phan-mot-cua"]["head"]) == ("Bộ phận Một cửa", "p15")
    contact = done(commune.get(OPERATOR, "/staff/p17"))["contact"]
    assert contact["email"] == "p17@tiencanh.example.invalid"
    [imported] = done(commune.get(OPERATOR, "/imports"))["imports"]
    assert (imported["rows"], imported["created"], imported["rejected"]) == (49, 49, 0)
    assert (imported["sha256"], imported["by"]) == (found["sha256"], "operator/cli")

    after = commune.position
    done(commune.send(OPERATOR, path))
    resaved = io.BytesIO()
    openpyxl.load_workbook(ROSTER).save(resaved)
    other = done(commune.upload(OPERATOR, "/imports/roster", resaved.getvalue(), "khác.xlsx"))
    assert other["sha256"] != found["sha256"] and other["counts"]["unchanged"] == 49
    done(commune.send(OPERATOR, f"/imports/roster/{other['sha256']}/confirmation"))
    assert commune.position == after
    commune.on(date(2024, 7, 1))
    assert {one["id"] for one in done(commune.get(OPERATOR, "/staff"))["staff"]} & {"p19", "p20"} == {"p20"}


def test_the_annex_is_29_rows_settled_and_11_that_wait(commune: Commune, directive: str) -> None:
    before = commune.position
    found = dry_run(commune, ANNEX.read_bytes(), directive, ANNEX.name, sender="p01")
    assert found["counts"] == {"rows": 40, "new": 29, "changed": 0, "unchanged": 0, "waits": 11, "error": 0}
    assert commune.position == before and tasks_of(commune) == []
    becomes = {row["label"]: row["becomes"] for row in found["rows"]}
    assert {no for no, what in becomes.items() if what == "template"} == RECURRING
    assert {no for no, what in becomes.items() if what == "draft"} == WAITING

    path = f"/imports/annex/{found['sha256']}/confirmation"
    done(commune.send("p01", path, {"directive": directive}))
    tasks = {one["item"]["no"]: one for one in tasks_of(commune)}
    assert len(tasks) == 19 and len(drafts_of(commune)) == 11
    assert "date" not in tasks["7"]["due"] and tasks["7"]["due"]["text"] == "Khi có văn bản cấp trên"
    assert tasks["36"]["due"]["cadence"] == "month" and "date" not in tasks["36"]["due"]
    assert (tasks["12"]["due"]["date"], tasks["12"]["lead"], tasks["12"]["field"]) == ("2024-12-04", "p16", 1)
    assert tasks["24"]["coefficient"] == "2" and tasks["36"]["coefficient"] is None
    templates = {one["versions"][0]["item"]["no"]: one for one in done(commune.get("p14", "/templates"))["templates"]}
    assert templates["33"]["versions"][0]["recurrence"] == {"every": "quarter", "day": 15, "month_offset": 1}
    drafts = {one["item"]["no"]: one for one in drafts_of(commune)}
    assert drafts["14"]["draft"]["row"]["candidates"] == ["p16", "p14"]
    assert drafts["39"]["questions"][0]["code"] == "thieu_thoi_han"

    after = commune.position
    done(commune.send("p01", path, {"directive": directive}))
    resaved = io.BytesIO()
    openpyxl.load_workbook(ANNEX).save(resaved)
    again = dry_run(commune, resaved.getvalue(), directive)
    assert again["counts"]["unchanged"] == 40 and again["sha256"] != found["sha256"]
    done(commune.send("p14", f"/imports/annex/{again['sha256']}/confirmation", {"directive": directive}))
    assert commune.position == after


def test_rows_about_the_work_of_the_sender_wait_for_a_leader(commune: Commune, directive: str) -> None:
    found = dry_run(commune, ANNEX.read_bytes(), directive, ANNEX.name)
    own = {
        row["label"] for row in found["rows"] for one in row.get("questions", ()) if one["code"] == "viec_cua_nguoi_gui"
    }
    counts = found["counts"]
    assert (counts["new"], counts["waits"]) == (29 - len(own), 11 + len(own))
    confirm(commune, ANNEX.read_bytes(), directive)
    assert own and all(task["lead"] != "p14" for task in tasks_of(commune))
    assert own <= {draft["item"]["no"] for draft in drafts_of(commune)}


def test_answered_rows_and_moved_deadlines_stay_as_they_are(commune: Commune, directive: str) -> None:
    content = annex(PLAN, REPORT, CAMPAIGN)
    confirm(commune, content, directive)
    [draft] = drafts_of(commune)
    parts = [{"task": {"due": {"date": day}}} for day in ("2024-09-30", "2024-12-31")]
    done(commune.send("p14", f"/drafts/{draft['id']}/settlement", {"into": parts}, based_on=1))
    [plan] = [one for one in tasks_of(commune) if one["item"]["no"] == "1"]
    granted = {"reason": "Chờ hướng dẫn", "due": {"date": "2024-07-12"}}
    done(commune.send("p01", f"/tasks/{plan['id']}/extension/grant", granted, based_on=1))
    before = commune.position
    # The same rows, written by somebody else.
    rewritten = ("1", "Ban hành  kế hoạch", "Kế hoạch", "P15", "p16", "28/06/2024", "2,0")
    for same in (content, annex(rewritten, REPORT, CAMPAIGN)):
        assert set(outcomes(dry_run(commune, same, directive)).values()) == {"unchanged"}
        confirm(commune, same, directive)
    assert commune.position == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ((*PLAN[:3], "p16", *PLAN[4:]), "doi_chu_tri"),
        ((*PLAN[:5], "5/7/2024", PLAN[6]), "doi_thoi_han"),
        ((*PLAN[:5], "Hằng tháng", PLAN[6]), "doi_thoi_han"),
        ((*PLAN[:6], "3"), "doi_he_so"),
        ((*PLAN[:6], ""), "doi_he_so"),
    ],
)
def test_a_changed_lead_deadline_or_coefficient_is_a_question(
    commune: Commune, directive: str, changed: tuple[str, ...], code: str
) -> None:
    confirm(commune, annex(PLAN, REPORT), directive)
    before = tasks_of(commune)
    found = dry_run(commune, annex(changed, REPORT), directive)
    assert outcomes(found) == {"1": "waits", "2": "unchanged"}
    assert [one["code"] for one in found["rows"][0]["questions"]] == [code]
    assert "{" not in found["rows"][0]["questions"][0]["text"]
    confirm(commune, annex(changed, REPORT), directive)
    assert tasks_of(commune) == before
    [draft] = drafts_of(commune)
    assert draft["draft"]["questions"] == [code]
    at = commune.position
    confirm(commune, annex(changed, REPORT, ("", "", "", "", "", "", "")), directive)
    assert commune.position == at


def test_other_words_are_put_right_and_new_rows_added(commune: Commune, directive: str) -> None:
    confirm(commune, annex(PLAN, REPORT), directive)
    title = "Ban hành kế hoạch cải cách hành chính"
    monthly = "Báo cáo tháng về cải cách hành chính"
    amended = annex(("1", title, *PLAN[2:]), ("2", monthly, *REPORT[2:]), CAMPAIGN)
    assert outcomes(dry_run(commune, amended, directive)) == {"1": "changed", "2": "changed", "3": "waits"}
    confirm(commune, amended, directive)
    [task] = tasks_of(commune)
    assert (task["title"], task["version"]) == (title, 2)
    [template] = done(commune.get("p14", "/templates"))["templates"]
    assert [one["title"] for one in template["versions"]] == ["Báo cáo tháng", monthly]
    at = commune.position
    confirm(commune, amended + b"\r\n", directive)
    assert commune.position == at


def test_a_waiting_row_that_the_next_file_answers_is_settled(commune: Commune, directive: str) -> None:
    confirm(commune, annex(CAMPAIGN), directive)
    answered = annex((*CAMPAIGN[:5], "30/9/2024", CAMPAIGN[6]))
    assert outcomes(dry_run(commune, answered, directive)) == {"3": "changed"}
    confirm(commune, answered, directive)
    assert drafts_of(commune) == [] and [one["lead"] for one in tasks_of(commune)] == ["p22"]
    at = commune.position
    confirm(commune, answered + b"\r\n", directive)
    assert commune.position == at


def test_what_assigning_would_refuse_waits_with_the_reason(commune: Commune, directive: str) -> None:
    content = annex(PLAN, ("2", "Tổng kết", "Báo cáo", "p15", "", "15/1/2025", "1"))
    found = dry_run(commune, content, directive)
    assert outcomes(found) == {"1": "new", "2": "waits"}
    [question] = found["rows"][1]["questions"]
    assert question["code"] == "calendar-missing" and "2025" in question["text"]
    confirm(commune, content, directive)
    [draft] = drafts_of(commune)
    due = {"date": "2024-12-31"}
    done(commune.send("p14", f"/drafts/{draft['id']}/settlement", {"into": [{"task": {"due": due}}]}, based_on=1))
    assert len(tasks_of(commune)) == 2


def test_an_answer_says_what_the_row_does_not(commune: Commune, directive: str) -> None:
    confirm(
        commune, annex(("1", "Sáng kiến", "Đề xuất", "Toàn thể cán bộ, công chức", "p15", "30/9/2024", "")), directive
    )
    [draft] = drafts_of(commune)
    path = f"/drafts/{draft['id']}/settlement"
    problem = commune.send("p14", path, {"into": [{"task": {}}]}, based_on=1)
    assert refused(problem) == (422, "invalid")
    assert problem.json is not None and problem.json["errors"][0]["pointer"] == "#/into/0/task/lead"
    both = {"into": [{"task": {"lead": "p15"}, "template": {"lead": "p16"}}]}
    assert refused(commune.send("p14", path, both, based_on=1)) == (422, "invalid")
    each = {"into": [{"task": {"lead": lead}} for lead in ("p15", "p16")]}
    done(commune.send("p14", path, each, based_on=1))
    made = sorted(tasks_of(commune), key=lambda one: str(one["lead"]))
    assert [(one["lead"], one["collaborators"]) for one in made] == [("p15", []), ("p16", ["p15"])]
    assert {one["due"]["date"] for one in made} == {"2024-09-30"}
    assert done(commune.get("p14", f"/drafts/{draft['id']}"))["draft"]["into"] == [one["id"] for one in made]
    assert refused(commune.send("p14", path, each, based_on=2)) == (409, "draft-settled")
    # The answered row stays answered when the file comes again.
    at = commune.position
    confirm(
        commune, annex(("1", "Sáng kiến", "Đề xuất", "Toàn thể cán bộ, công chức", "p15", "30/09/2024", "")), directive
    )
    assert commune.position == at


def test_a_row_with_an_error_is_left_out_and_marked_in_the_file(commune: Commune, directive: str) -> None:
    content = annex(PLAN, ("2", "=cmd|calc", "", "", "", "30/9/2024", "hai"), CAMPAIGN)
    found = dry_run(commune, content, directive)
    assert outcomes(found) == {"1": "new", "2": "error", "3": "waits"}
    assert {one["code"] for one in found["rows"][1]["errors"]} == {"thieu_chu_tri", "he_so_khong_hop_le"}
    url = f"/imports/annex/{found['sha256']}/annotated"
    with commune.get("p14", url, directive=directive) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    marked = {row[0]: row[-1] for row in rows if row[0]}
    assert marked["STT"] == "Lỗi" and marked["1"] == "Mới"
    assert marked["2"].startswith("Lỗi – ") and marked["3"].startswith("Chờ trả lời – ")
    assert all(not cell.startswith("=") for row in rows for cell in row)
    confirm(commune, content, directive)
    [imported] = [one for one in done(commune.get("p14", "/imports"))["imports"] if one["kind"] == "annex"]
    assert (imported["rows"], imported["created"], imported["waiting"], imported["rejected"]) == (3, 1, 1, 1)


def test_the_annotated_workbook_is_one(commune: Commune, directive: str) -> None:
    found = dry_run(commune, ANNEX.read_bytes(), directive, ANNEX.name, sender="p01")
    with commune.get("p01", f"/imports/annex/{found['sha256']}/annotated", directive=directive) as answer:
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [str(cell.value) for row in book["Phụ lục"].iter_rows() for cell in row if cell.value]
    assert cells.count("Mới") == 29 and "Lỗi" in cells


def test_a_changed_roster_changes_posts_and_adds_people(commune: Commune) -> None:
    people = [
        ("p01", "Nguyễn Văn A", "Chủ tịch UBND xã", "Cán bộ", "Lãnh đạo", "", "1/1/2024", "", ""),
        ("p02", "", "Công chức Tư pháp", "Công chức", "Tư pháp", "p01", "1/1/2024", "", ""),
    ]

    def load(*rows: tuple[str, ...]) -> Any:
        found = done(commune.upload(OPERATOR, "/imports/roster", sheet(ROSTER_HEAD, *rows), "r.csv"))
        done(commune.send(OPERATOR, f"/imports/roster/{found['sha256']}/confirmation"))
        return found

    load(*people)
    moved = ("P02", "", "Công chức Tài chính", "Công chức", "Tài chính", "p01", "1/1/2024", "p02@xa.vn", "")
    third = ("p03", "", "Phó Chủ tịch UBND xã", "Cán bộ", "Lãnh đạo", "p01", "1/5/2024", "", "")
    found = load(people[0], moved, third)
    assert outcomes(found) == {"p01": "unchanged", "p02": "changed", "p03": "new"}
    second = done(commune.get(OPERATOR, "/staff/p02"))
    assert (second["post"]["unit"], second["post"]["valid_from"]) == ("tai-chinh", "2024-06-14")
    assert second["contact"]["email"] == "p02@xa.vn"
    assert done(commune.get(OPERATOR, "/staff/p01"))["contact"]["name"] == "Nguyễn Văn A"
    log = b"".join(commune.tasks.log.read(COMMUNE, 0, 500)).decode()
    assert "Nguyễn Văn A" not in log and "p02@xa.vn" not in log


def test_roster_rows_that_cannot_be_recorded_wait_with_those_who_report_to_them(commune: Commune) -> None:
    rows = [
        ("p01", "", "Chủ tịch UBND xã", "Cán bộ", "", "", "1/1/2024", "", ""),
        ("p02", "", "Công chức Tư pháp", "Công chức", "", "p01", "", "", ""),
        ("p03", "", "Công chức Tài chính", "Công chức", "", "p02", "1/1/2024", "", ""),
        ("p04", "", "Công chức Văn hóa", "Lạ", "", "p01", "1/1/2024", "", ""),
        ("p05", "", "Công chức Địa chính", "Công chức", "", "p04", "1/1/2024", "", ""),
    ]
    found = done(commune.upload(OPERATOR, "/imports/roster", sheet(ROSTER_HEAD, *rows), "r.csv"))
    assert outcomes(found) == {"p01": "new", "p02": "waits", "p03": "waits", "p04": "error", "p05": "waits"}
    assert [one["code"] for one in found["rows"][2]["questions"]] == ["cap_tren_chua_nhap"]
    done(commune.send(OPERATOR, f"/imports/roster/{found['sha256']}/confirmation"))
    assert [one["id"] for one in done(commune.get(OPERATOR, "/staff"))["staff"]] == ["p01"]


def bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 300_000_000)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (422, "file-empty")),
        (b"\xd0\xcf\x11\xe0old", (422, "file-old-or-encrypted")),
        (b"PK\x03\x04" + b"\0" * 40, (422, "file-broken")),
        (b"%PDF-1.7", (422, "file-not-a-table")),
        (sheet(("a", "b"), ("1", "2")), (422, "file-no-header")),
    ],
)
def test_files_that_cannot_be_read_say_why(
    commune: Commune, directive: str, content: bytes, expected: tuple[int, str]
) -> None:
    before = commune.position
    assert refused(commune.upload("p14", "/imports/annex", content, "a.xlsx", directive=directive)) == expected
    assert commune.position == before


def test_a_truncated_file_and_a_bomb_are_refused(commune: Commune, directive: str) -> None:
    whole = ANNEX.read_bytes()
    for content, code in ((whole[: len(whole) // 2], "file-broken"), (bomb(), "file-bomb")):
        answer = commune.upload("p14", "/imports/annex", content, "a.xlsx", directive=directive)
        assert refused(answer) == (422, code)


def test_who_may_import_and_what_must_be_said(commune: Commune, directive: str) -> None:
    content = annex(PLAN)
    assert refused(commune.upload("p15", "/imports/annex", content, "a.csv", directive=directive)) == (403, "role")
    assert refused(commune.upload("p14", "/imports/annex", content, "a.csv")) == (422, "directive-required")
    answer = commune.upload("p14", "/imports/annex", content, "a.csv", directive="khong-co")
    assert refused(answer) == (404, "directive-unknown")
    assert refused(commune.send("p14", "/imports/annex", {})) == (422, "file-required")
    assert refused(commune.upload("p14", "/imports/khac", content, "a.csv")) == (404, "not-found")
    missing = commune.send("p14", f"/imports/annex/{'0' * 64}/confirmation", {"directive": directive})
    assert refused(missing) == (404, "import-file-unknown")
    for strange in ("%2e%2e", "0" * 63, "..%2f..%2ftasks.db"):
        answer = commune.get("p14", f"/imports/roster/{strange}")
        assert answer.status_code == 404, strange
    found = dry_run(commune, content, directive)
    # Assigning is for those who assign: the operator may enter a roster, not give tasks.
    path = f"/imports/annex/{found['sha256']}/confirmation"
    assert refused(commune.send(OPERATOR, path, {"directive": directive})) == (403, "role")
    first = done(commune.send("p14", path, {"directive": directive}, key="nhap-1"))
    assert first["versions"] and done(commune.send("p14", path, {"directive": directive}, key="nhap-1")) == first
    assert done(commune.send("p14", path, {"directive": directive}))["versions"] == {}


def test_what_was_recorded_since_the_dry_run_asks_for_another_look(commune: Commune, directive: str):
    """Two files with the same new row, both looked at before either is confirmed: one of them brings the row."""
    files = [annex(PLAN), annex(PLAN, CAMPAIGN)]
    looked_at = [
        importing.dry_run(commune.tasks, COMMUNE, "annex", content, "phụ lục.csv", directive=directive)
        for content in files
    ]
    office = Principal("staff/p14", COMMUNE, frozenset({"office"}))
    importing.confirm(commune.tasks, office, COMMUNE, looked_at[0])
    with pytest.raises(Refused, match="import-outdated"):
        importing.confirm(commune.tasks, office, COMMUNE, looked_at[1])
    again = importing.dry_run(commune.tasks, COMMUNE, "annex", files[1], "phụ lục.csv", directive=directive)
    assert [row.status for row in again.rows] == ["unchanged", "waits"]


def test_tasks_recorded_late_were_given_on_the_directives_day(commune: Commune, directive: str):
    """An Office that begins in August still rates what the directive gave in June."""
    commune.on(date(2024, 8, 12))
    confirm(commune, annex(PLAN, REPORT), directive)
    react(commune.tasks)
    [plan] = done(commune.get("p14", "/tasks", lead="p15"))["tasks"]
    assert (plan["assigned_on"], plan["due"]["date"]) == ("2024-06-14", "2024-06-28")
    opened = {task["assigned_on"] for task in done(commune.get("p14", "/tasks", lead="p16"))["tasks"]}
    assert opened == {"2024-07-01", "2024-08-01"}
