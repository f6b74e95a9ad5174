"""The command line on a year's data: what a person and a script get, and what an altered byte looks like."""

import ast
import hashlib
import inspect
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click import core, decorators, exceptions, formatting, parser, termui, types
from click.testing import CliRunner

from cchc.cli import COMMANDS, cli
from cchc.cli.click_messages import TEXTS
from cchc.output import table
from cchc.services import SERVICES
from demo.year import COMMUNE, FILES
from shared.events.asyncapi import document
from tests.scenario.conftest import Cchc, read_json

LEVELS = {
    "xuat_sac",
    "tot",
    "hoan_thanh",
    "khong_hoan_thanh",
    "can_xem_xet",
    "chua_du_du_lieu",
    "khong_xep_loai",
}


def test_every_command_explains_itself():
    for arguments in ([], *([name] for name in COMMANDS)):
        asked = CliRunner().invoke(cli, [*arguments, "--help"], prog_name="cchc")
        assert asked.exit_code == 0, asked.output
        assert asked.output.startswith(f"Cách dùng: {' '.join(['cchc', *arguments])}")


# Said to who writes commands, not to who calls them.
TO_PROGRAMMERS = re.compile(
    r"DeprecationWarning|^Could not determine name|^No options defined|^Arguments take exactly|defined twice"
    r"|^Boolean option|^Unknown color|^Choice\(|^%\(prog\)s"
)


def test_click_speaks_vietnamese():
    """Whatever click may say, in the version that is installed: a new text of a later one is found here."""
    for module in (core, decorators, exceptions, formatting, parser, termui, types):
        for call in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "ngettext"):
                texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
                said = str(texts[-1]) if texts else "required"
                assert said in TEXTS or TO_PROGRAMMERS.search(said), f"{module.__name__}: {said}"
    fields = {english: set(re.findall(r"{\w+", english)) for english in TEXTS}
    assert all(set(re.findall(r"{\w+", TEXTS[english])) <= there for english, there in fields.items())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ratng"], "Lỗi: Không có lệnh 'ratng'."),
        (["slip"], "Lỗi: Thiếu tham số 'NHIỆM_VỤ...'."),
        (["slip", "1"], "Lỗi: Thiếu tùy chọn '-o' / '--out'."),
        (["slip", "1", "--oot", "x"], "Lỗi: Không có tùy chọn '--oot'. (Có phải: '--out'?)"),
        (["slip", "1", "--out", "x", "--reply-by", "9/9"], "9/9: ghi dạng 2024-11-28, từ năm 1900 đến năm 2199."),
    ],
)
def test_what_is_typed_wrong_is_answered_in_vietnamese(arguments: list[str], said: str):
    answered = CliRunner().invoke(cli, arguments, prog_name="cchc")
    assert answered.exit_code == 2
    assert said in answered.output
    assert not re.search(r"Usage|Error|Try |Missing|Invalid", answered.output)


def test_the_ratings_of_a_year_as_json(cchc: Cchc):
    rows = read_json(cchc("rating", "show", "--year", "2024", "--json"))
    assert len(rows) == 30
    assert {"staff", "category", "rule_set", "level", "figures"} <= rows[0].keys()
    assert {row["level"] for row in rows} == LEVELS


def test_the_ratings_as_lines_for_a_script(cchc: Cchc):
    lines = cchc("rating", "show", "--year", "2024").stdout.splitlines()
    assert len(lines) == 30
    assert lines[0].split("\t")[:3] == ["p01", "Chủ tịch UBND xã", "Hoàn thành tốt nhiệm vụ"]


def test_a_rating_is_unfolded_to_its_events(cchc: Cchc):
    explained = cchc("rating", "explain", "p14", "--year", "2024", "--figure", "late").stdout
    assert "Hoàn thành nhiệm vụ (nd90)" in explained
    assert "Rà soát, bố trí thôn" in explained
    events = [line.split() for line in explained.splitlines() if line.strip().startswith("tasks #")]
    stored = cchc("export-log", "tasks").stdout.splitlines()
    assert len(events) >= 6
    for event in events:
        assert json.loads(stored[int(event[1].lstrip("#")) - 1])["id"] == event[-1]


def test_a_rating_as_of_a_past_day(cchc: Cchc):
    sheet = read_json(cchc("rating", "explain", "p22", "--year", "2024", "--as-of", "2024-07-31", "--json"))
    assert sheet["evaluated_on"] == "2024-07-31"
    assert (sheet["figures"]["n"], sheet["level"]) == (1, "can_xem_xet")


def test_asking_again_appends_nothing(cchc: Cchc, tmp_path: Path):
    def logs() -> list[str]:
        return [cchc("export-log", service).stdout for service in SERVICES]

    before = logs()
    checked = read_json(cchc("rating", "recheck", "--year", "2024", "--json"))
    assert len(checked) == 23 and not any(each["findings"] for each in checked)
    changed = cchc("rating", "diff", "p25", "--year", "2024", "--from", "2024-12-12", "--to", "2024-12-31").stdout
    assert "Hoàn thành tốt nhiệm vụ → Không hoàn thành nhiệm vụ" in changed
    cchc("rating", "show", "--year", "2024", "--as-of", "2024-12-12")
    cchc("audit-bundle", "--year", "2024", "-o", str(tmp_path / "year.zip"))
    assert logs() == before


def test_an_exported_line_is_the_stored_bytes(cchc: Cchc, data: Path):
    first, second = cchc("export-log", "tasks").stdout.splitlines()[:2]
    assert hashlib.sha256(first.encode()).hexdigest() == json.loads(second)["previoushash"]


def test_an_exported_log_is_taken_over_elsewhere_and_twice_changes_nothing(cchc: Cchc, tmp_path: Path):
    exported = tmp_path / "tasks.jsonl"
    exported.write_text(cchc("export-log", "tasks").stdout, "utf-8")
    elsewhere = {"CCHC_DATA": str(tmp_path / "elsewhere")}
    cchc("migrate", **elsewhere)
    taken = read_json(cchc("import-log", "tasks", str(exported), "--json", **elsewhere))["taken"]
    assert taken == len(exported.read_text("utf-8").splitlines())
    assert read_json(cchc("import-log", "tasks", str(exported), "--json", **elsewhere))["taken"] == 0
    assert cchc("export-log", "tasks", **elsewhere).stdout == exported.read_text("utf-8")
    before, after = (
        cchc("rating", "show", "p14", "--year", "2024", "--as-of", "2024-11-30", "--json", **more)
        for more in ({}, elsewhere)
    )
    assert before.stdout == after.stdout


def test_an_untouched_installation_verifies(cchc: Cchc):
    assert "nguyên vẹn" in cchc("verify").stdout
    assert read_json(cchc("verify", "--json"))["findings"] == []


def tamper(data: Path, statement: str, *values: object) -> None:
    """Change the stored log as somebody with the database file in hands can: the guarding triggers are dropped."""
    with sqlite3.connect(data / "tasks.db") as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        assert database.execute(statement, values).rowcount == 1
    database.close()


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE events SET body = replace(body, 'p01', 'p02') WHERE position = 100", 100),
        ("UPDATE events SET body = CAST(replace(body, 'p01', 'p02') AS BLOB) WHERE position = 100", 101),
        ("DELETE FROM events WHERE position = 200", 200),
        ("UPDATE events SET time = '2023-01-01T00:00:00.000Z' WHERE position = 300", 300),
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events)", 0),
    ],
)
def test_an_altered_store_is_found(cchc: Cchc, data: Path, statement: str, position: int):
    tamper(data, statement)
    found = read_json(cchc("verify", "--json", code=1))["findings"]
    assert found
    assert {finding["where"] for finding in found} == {"store"}
    if position:
        assert found[0]["position"] == position


@pytest.mark.parametrize(
    "arguments", [("rating", "explain", "p14", "--year", "2024", "--as-of", "2024-12-10"), ("rebuild", "scoring")]
)
def test_what_cannot_be_computed_from_an_altered_store_says_so(cchc: Cchc, data: Path, arguments: tuple[str, ...]):
    tamper(data, "UPDATE events SET body = CAST(replace(body, 'p01', 'p02') AS BLOB) WHERE position = 100")
    stopped = cchc(*arguments, code=1)
    assert "/101" in stopped.stderr and "cchc verify" in stopped.stderr


def test_the_store_refuses_to_be_changed(data: Path):
    with sqlite3.connect(data / "tasks.db") as database:
        for statement in ("UPDATE events SET body = ''", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(statement)
    database.close()


def test_a_row_is_one_line_whatever_its_cells_hold(capsys: pytest.CaptureFixture[str]):
    table(("Hạn", "Dòng"), [("Đợt 1: 30/6\nĐợt 2:\t30/11", 35)])
    assert capsys.readouterr().out == "Đợt 1: 30/6 Đợt 2: 30/11\t35\n"


def test_the_same_annex_again_changes_nothing(cchc: Cchc, tmp_path: Path):
    before = cchc("export-log", "tasks").stdout
    annotated = tmp_path / "annotated.xlsx"
    annex = str(FILES / "danh-muc-cong-viec-2024.xlsx")
    arguments = ["import", "annex", annex, "--directive", "01/CT-UBND", "--staff", "p14", "--json"]
    answer = read_json(cchc(*arguments, "--confirm", "--annotated", str(annotated)))
    assert answer["counts"] == {"rows": 40, "new": 0, "changed": 0, "unchanged": 40, "waits": 0, "error": 0}
    assert cchc("export-log", "tasks").stdout == before
    assert annotated.read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rating", "show", "--year", "2024", "--commune", "tien-an"], "tien-an"),
        (["rating", "explain", "p99", "--year", "2024"], "p99"),
        (["rating", "show", "--year", "2024", "--as-of", "hôm qua"], "--as-of"),
        (["import", "annex", str(FILES / "lich-lam-viec" / "2024.json"), "--directive", "01/CT-UBND"], "["),
        (["import", "annex", str(FILES / "danh-muc-cong-viec-2024.xlsx"), "--directive", "9/CT"], "01/CT-UBND"),
        (["token", "--staff", "p19"], "p19"),
        (["token", "--staff", "p07", "--role", "chair"], "p07"),
        (["token", "--operator", "a b"], "operator/a b"),
        (["token", "--operator", "x", "--commune", "Tiên Cảnh"], "Tiên Cảnh"),
        (["rating", "show", "--year", "99999"], "--year"),
        (["rating", "show", "--year", "2024", "--as-of", "9999-12-31"], "--as-of"),
        (["rating", "show", "--year", "2024", "--positions", "tasks:99999,scoring:0", "--on", "2024-12-10"], "99999"),
        (["rebuild", "scoring", "--commune", "tien-an"], "tien-an"),
        (["import-log", "tasks", str(FILES / "lich-lam-viec" / "2024.json")], "nhật ký"),
        (["topics"], "CCHC_KAFKA"),
    ],
)
def test_what_is_refused_says_what_to_do(cchc: Cchc, arguments: list[str], says: str):
    refused = cchc(*arguments, code=2)
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_code_is_one_however_it_is_written(cchc: Cchc):
    assert read_json(cchc("token", "--staff", " P14", "--json"))["sub"] == "staff/p14"


def test_a_wrong_file_does_not_break_the_log(cchc: Cchc, tmp_path: Path):
    exported = cchc("export-log", "tasks").stdout
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(exported.replace("staff/p14", "staff/p15"), "utf-8")
    assert "không khớp" in cchc("import-log", "tasks", str(wrong), code=2).stderr
    last = exported.splitlines()[-1]
    end = json.loads(last)["position"]
    wrong.write_text(last.replace(f'"position":{end}', f'"position":{end + 2}'), "utf-8")
    assert str(end + 2) in cchc("import-log", "tasks", str(wrong), code=2).stderr
    right = tmp_path / "right.jsonl"
    right.write_text(exported, "utf-8")
    assert read_json(cchc("import-log", "tasks", str(right), "--json"))["taken"] == 0
    assert cchc("status").returncode == 0


def test_a_folder_that_cannot_be_is_said_so(cchc: Cchc):
    refused = cchc("--data", "/dev/null/data", "status", code=3)
    assert "/dev/null/data" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_away_is_said_so(cchc: Cchc):
    away = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    refused = cchc("status", code=3, CCHC_DATABASE_TASKS=away, CCHC_DATABASE_SCORING=away)
    assert "cơ sở dữ liệu" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_rebuild_gives_the_same_ratings(cchc: Cchc):
    before = cchc("rating", "show", "--year", "2024", "--json").stdout
    for service in ("tasks", "scoring"):
        assert read_json(cchc("rebuild", service, "--json"))["communes"] == [COMMUNE]
    assert cchc("rating", "show", "--year", "2024", "--json").stdout == before


def reminders_in(data: Path) -> dict[str, list[object]]:
    """The rows of the notifications service that come from logs."""
    with sqlite3.connect(data / "notifications.db") as database:
        tables = ("records", "occurrences", "policies", "preferences", "slips")
        rows: dict[str, list[object]] = {
            table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables
        }
    database.close()
    return rows


def test_a_rebuild_gives_the_same_reminders_and_sends_none(cchc: Cchc, data: Path):
    before, log = reminders_in(data), cchc("export-log", "notifications").stdout
    assert before["records"] and before["occurrences"]
    for jobs in ("1", "2"):
        assert read_json(cchc("rebuild", "notifications", "--jobs", jobs, "--json"))["communes"] == [COMMUNE]
        assert reminders_in(data) == before
    assert cchc("export-log", "notifications").stdout == log


def test_who_takes_over_a_log_of_reminders_knows_which_were_sent(cchc: Cchc, data: Path, tmp_path: Path):
    elsewhere = {"CCHC_DATA": str(tmp_path / "elsewhere")}
    cchc("migrate", **elsewhere)
    for service in SERVICES:
        exported = tmp_path / f"{service}.jsonl"
        exported.write_text(cchc("export-log", service).stdout, "utf-8")
        cchc("import-log", service, str(exported), **elsewhere)
    assert reminders_in(tmp_path / "elsewhere")["occurrences"] == reminders_in(data)["occurrences"]


def test_the_status_says_how_far_each_service_has_read(cchc: Cchc):
    rows = {row["service"]: row for row in read_json(cchc("status", "--json"))}
    assert rows["tasks"]["head"] == rows["tasks"]["folded_by_scoring"] == rows["tasks"]["folded_by_notifications"]
    assert rows["scoring"]["head"] == rows["scoring"]["held_by_notifications"]
    assert rows["notifications"]["folded_by_scoring"] is None  # nobody folds it


def test_the_status_says_that_a_newer_program_keeps_the_records_until_they_are_rebuilt(cchc: Cchc, data: Path):
    with closing(sqlite3.connect(data / "scoring.db")) as connection, connection:
        connection.execute("UPDATE positions SET fold_version = 99")
    rows = {row["service"]: row for row in read_json(cchc("status", "--json", code=1))}
    assert "bản phần mềm mới hơn" in rows["tasks"]["stopped"] and "fold 99" in rows["tasks"]["stopped"]
    cchc("rebuild", "scoring")  # a person who goes back to this version says so
    assert cchc("status").returncode == 0


@pytest.mark.parametrize("asked", ["why --day 2024-10-03", "preview --at 2024-10-03", "inbox"])
def test_a_misspelt_code_is_not_somebody_without_tasks(cchc: Cchc, asked: str):
    refused = cchc("remind", *asked.split(), "--staff", "p99", code=2)
    assert "[staff-unknown]" in refused.stderr and refused.stdout == ""


def test_the_policy_is_shown_in_words_and_published_as_it_is_shown(cchc: Cchc, tmp_path: Path):
    lines = cchc("remind", "policy", "show").stdout.splitlines()
    assert lines[0].split("\t")[:6] == ["Còn 7 ngày làm việc", "hạn", "-7", "07:30", "chủ trì", "gộp trong bản tin"]
    shown, file = read_json(cchc("remind", "policy", "show", "--json")), tmp_path / "chính-sách.json"
    file.write_text(json.dumps(shown | {"policy": "rieng-1", "reason": None}), "utf-8")
    refused = cchc("remind", "policy", "publish", str(file), "--by", "p01", code=2)
    assert refused.stderr.startswith(f"{file}#/reason: ")
    file.write_text("{", "utf-8")
    assert "không phải JSON" in cchc("remind", "policy", "publish", str(file), "--by", "p01", code=2).stderr
    file.write_text(json.dumps(shown | {"policy": "rieng-1", "reason": "Thử"}), "utf-8")
    cchc("remind", "policy", "publish", str(file), "--by", "p01")
    assert read_json(cchc("remind", "policy", "show", "--json"))["policy"] == "rieng-1"


def test_publishing_a_calendar_asks_a_person_about_what_is_only_proposed(cchc: Cchc):
    calendar = FILES / "lich-lam-viec" / "2026.json"
    refused = cchc("calendar", "publish", str(calendar), "--revision", "vn-2026-r1", code=2)
    assert "2026-11-24" in refused.stderr
    official = FILES / "lich-lam-viec" / "2025.json"
    published = read_json(cchc("calendar", "publish", str(official), "--revision", "vn-2025-r1", "--json"))
    assert published["commune"] == COMMUNE


def test_the_descriptions_for_integrators(cchc: Cchc):
    assert read_json(cchc("asyncapi")) == json.loads(json.dumps(document()))
    for service in SERVICES:
        described = read_json(cchc("openapi", service))
        assert described["openapi"].startswith("3.1")
        assert any(path.startswith(f"/api/v1/{service}/communes/") for path in described["paths"])


def test_what_changed_a_rating_is_told_by_event_and_by_day(cchc: Cchc):
    said = cchc("rating", "diff", "p22", "--year", "2024", "--from", "2024-07-31", "--to", "2024-12-10").stdout
    assert said.startswith("p22 – từ hết 31/07/2024 đến hết 10/12/2024")
    assert "(thời gian trôi qua)" in said and "tasks #" in said and "Hoàn thành trễ: " in said
    [found] = read_json(cchc("rating", "diff", "p22", "--year", "2024", "--from", "2024-07-31", "--json"))
    shown = read_json(cchc("rating", "explain", "p22", "--year", "2024", "--json"))
    assert found["after"] == {"rule_set": "nd90", **shown["figures"], "level": shown["level"]}
    assert "--from" in cchc("rating", "diff", "p22", "--year", "2024", "--from", "hôm qua", code=2).stderr


def test_a_year_without_decisions_has_nothing_to_compute_again(cchc: Cchc):
    checked = cchc("rating", "recheck", "--year", "2023")
    assert (checked.stdout, "chưa có quyết định" in checked.stderr) == ("", True)


def test_who_acts_is_one_option_everywhere_and_its_former_names_still_work(cchc: Cchc):
    for name in ("import", "slip"):
        shown = CliRunner().invoke(cli, [name, "--help"], prog_name="cchc").output
        assert "--by MÃ_CÁN_BỘ" in shown and "--staff" not in shown and "--issue" not in shown
    annex = str(FILES / "danh-muc-cong-viec-2024.xlsx")
    current, former = (
        cchc("import", "annex", annex, "--directive", "01/CT-UBND", option, "p14").stdout
        for option in ("--by", "--staff")
    )
    assert current == former
    refused = cchc("import", "annex", annex, "--directive", "01/CT-UBND", "--confirm", code=2)
    assert "--by" in refused.stderr
