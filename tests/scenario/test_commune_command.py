"""Communes from the shell: opened until the Office can work, listed, closed, merged in two looks and one run."""

import csv
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cchc.cli import cli
from cchc.cli.failures import explained
from demo.year import FILES
from services.tasks import personal
from services.tasks.domain.merging import Newcomer
from shared.eventlog import reading
from tests.scenario.conftest import Cchc, read_json
from tests.support.deployed import Deployed
from tests.support.merged import NEW, OLD, Province

MERGE = (
    "commune", "merge", NEW, "--name", "xã Thạnh Bình", "--code", "20878", "--on", "2025-07-01", "--legal-basis",
    "Nghị quyết 1659/NQ-UBTVQH15", *(word for commune in OLD for word in ("--from", commune)),
)  # fmt: skip


def shell(data: Path) -> Cchc:
    """The command line on a data directory, in this process: it is called often here."""

    def run(*arguments: str, code: int = 0, **_: str) -> subprocess.CompletedProcess[str]:
        ended: Any = None
        with CliRunner().isolation() as (out, err, _both):
            try:
                with explained():
                    cli.main(["--data", str(data), *arguments], prog_name="cchc")
            except SystemExit as end:
                ended = end.code
            done = subprocess.CompletedProcess(arguments, ended, out.getvalue().decode(), err.getvalue().decode())
        assert ended == code, f"{arguments}: {ended}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def empty(tmp_path: Path) -> Cchc:
    cchc = shell(tmp_path / "data")
    cchc("migrate")
    return cchc


def test_a_commune_is_opened_until_its_office_can_work(empty: Cchc, tmp_path: Path):
    empty("commune", "open", "Tiên Cảnh", "--name", "x", "--code", "1", "--valid-from", "2024-06-14", code=2)
    arguments = ("commune", "open", "tien-canh", "--name", "xã Tiên Cảnh", "--code", "20878")
    empty(*arguments, "--valid-from", "2024-06-14", "--parent", "Tiên Phước")
    assert "commune-already-open" in empty(*arguments, "--valid-from", "2024-06-14", code=2).stderr
    empty("calendar", "publish", str(FILES / "lich-lam-viec" / "2024.json"), "--revision", "vn-2024-r1")
    empty("import", "roster", str(FILES / "danh-sach-can-bo-2024.xlsx"), "--confirm")
    empty("commune", "roles", "P14", "office", "staff", "--reason", "Phụ trách Văn phòng")
    assert read_json(empty("token", "--staff", "p14", "--json"))["roles"] == ["office", "staff"]
    [listed] = read_json(empty("commune", "list", "--json"))
    assert [listed[name] for name in ("id", "name", "code", "valid_from", "closed_on", "successors")] == [
        "tien-canh", "xã Tiên Cảnh", "20878", "2024-06-14", None, [],
    ]  # fmt: skip
    assert empty("commune", "list").stdout.split("\t")[:4] == ["tien-canh", "xã Tiên Cảnh", "20878", "14/06/2024"]


def test_settings_are_shown_and_chosen_with_a_reason(empty: Cchc):
    empty("commune", "open", "a", "--name", "xã A", "--code", "1", "--valid-from", "2024-06-14")
    assert read_json(empty("commune", "settings", "a", "--json")) == {}
    assert "--reason" in empty("commune", "settings", "a", "x=1", code=2).stderr
    assert "TÊN=GIÁ_TRỊ" in empty("commune", "settings", "a", "x", "--reason", "thử", code=2).stderr
    shown = empty("commune", "settings", "a", "tra_loi=5", "ten=Ủy ban", "--reason", "Quy chế", "--json")
    assert read_json(shown) == {"tra_loi": 5, "ten": "Ủy ban"}


def test_a_commune_is_closed(empty: Cchc):
    empty("commune", "open", "a", "--name", "xã A", "--code", "1", "--valid-from", "2024-06-14")
    empty("commune", "close", "a", "--on", "2025-06-30", "--legal-basis", "NQ 1659", "--successor", "b")
    [listed] = read_json(empty("commune", "list", "--json"))
    assert (listed["closed_on"], listed["successors"]) == ("2025-06-30", ["b"])
    assert "commune-closed" in empty("commune", "settings", "a", "x=1", "--reason", "thử", code=2).stderr


@pytest.fixture(scope="module")
def half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("half") / "data"
    province = Province(data)
    province.open()
    province.first_half()
    assert province.installation.signing_key
    province.installation.close()
    return data


def test_a_merger_is_looked_at_mended_and_recorded(half_a_year: Path, tmp_path: Path):
    data = Path(shutil.copytree(half_a_year, tmp_path / "data"))
    cchc, people = shell(data), tmp_path / "nhan-su.csv"
    before = read_json(cchc("commune", "list", "--json"))
    looked = cchc(*MERGE, "--dry-run", "--people-out", str(people))
    assert "Mới xem trước, chưa ghi gì" in looked.stderr
    assert "xã Tiên Lộc: 6 người, 6 đang giữ chức vụ; 9 nhiệm vụ (7 đang làm, trong đó 1 chờ kiểm tra)" in looked.stderr
    assert "Việc định kỳ không chuyển, Văn phòng lập lại: Báo cáo tháng" in looked.stderr
    assert read_json(cchc("commune", "list", "--json")) == before
    # The file as it was written changes nothing; then two rows are mended.
    rows = list(csv.DictReader(people.read_text("utf-8-sig").splitlines()))
    found = {(row["commune"], row["staff"]): row for row in rows}
    seventh = found["tien-an", "p07"]
    assert (seventh["new_id"], seventh["name"]) == ("tien-an-p07", "Người số bảy xã Tiên An")
    assert found["tien-an", "p01"]["roles"] == "staff" and found["tien-canh", "p01"]["roles"] == "chair"
    same = read_json(cchc(*MERGE, "--dry-run", "--people", str(people), "--json"))
    assert same["people"] == read_json(cchc(*MERGE, "--dry-run", "--json"))["people"]
    seventh |= {"new_id": "p47", "post": "Phòng Kinh tế", "roles": "office staff", "unit": NEW}
    found["tien-an", "p08"] |= {"tracker": "p47", "roles": "ruler"}
    write(people, rows)
    assert "dòng" in cchc(*MERGE, "--people", str(people), code=2).stderr
    found["tien-an", "p08"]["roles"] = ""
    write(people, rows)
    recorded = read_json(cchc(*MERGE, "--people", str(people), "--json"))
    assert recorded["recorded"] and [pin["commune"] for pin in recorded["predecessors"]] == list(OLD)
    listed = {one["id"]: one for one in read_json(cchc("commune", "list", "--json"))}
    for pin in recorded["predecessors"]:
        old = listed[pin["commune"]]
        assert (old["position"], old["hash"]) == (pin["position"], pin["hash"])
        assert (old["closed_on"], old["successors"]) == ("2025-06-30", [NEW])
    assert (listed[NEW]["name"], listed[NEW]["code"]) == ("xã Thạnh Bình", "20878")
    token = read_json(cchc("token", "--commune", NEW, "--staff", "p47", "--json"))
    assert token["roles"] == ["office", "staff"]
    assert "không giữ chức vụ" in cchc("token", "--commune", "tien-an", "--staff", "p07", code=2).stderr
    assert "nguyên vẹn" in cchc("verify").stdout
    # Once more it is there already; otherwise it is refused.
    assert read_json(cchc(*MERGE, "--people", str(people), "--json"))["predecessors"] == recorded["predecessors"]
    assert read_json(cchc("commune", "list", "--json")) == list(listed.values())
    assert "merger-otherwise" in cchc(*MERGE, code=2).stderr


def write(people: Path, rows: list[dict[str, str]]) -> None:
    with people.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, rows[0])
        lines.writeheader()
        lines.writerows(rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seat", "tam-ky"), "merger-seat-unknown"),
        (("--from", "tam-ky"), "merger-commune-unknown"),
        (("--from", "tien-an"), "own-successor"),
        (("--on", "2199-07-01"), "merger-in-the-future"),
        (("--legal-basis", " "), "legal-basis-required"),
    ],
)
def test_what_can_not_be_merged_is_refused(half_a_year: Path, arguments: tuple[str, ...], said: str):
    assert f"[{said}]" in shell(half_a_year)(*MERGE, *arguments, "--dry-run", code=2).stderr


def test_a_commune_that_was_closed_is_not_merged(half_a_year: Path, tmp_path: Path):
    cchc = shell(Path(shutil.copytree(half_a_year, tmp_path / "data")))
    cchc("commune", "close", "tien-lap", "--on", "2025-06-30", "--legal-basis", "x", "--successor", NEW)
    assert "[commune-closed]" in cchc(*MERGE, code=2).stderr


def test_every_row_of_a_merger_passes_row_level_security(deployed: Deployed, tmp_path: Path):
    province = Province(tmp_path / "data", **deployed.environment("worker"))
    province.open()
    province.first_half()
    province.on("5/7")
    found = province.merge({("tien-an", "p07"): Newcomer("p47")})
    log = province.tasks.log
    assert {one.commune: (one.position, one.hash) for one in found.predecessors} == {
        commune: (log.head(commune).position, log.head(commune).hash) for commune in OLD
    }
    with reading(province.tasks.engine, NEW) as connection:
        assert personal.people_of(connection, NEW)["p47"].email == "p07@tien-an.example.org"
    province.installation.close()
