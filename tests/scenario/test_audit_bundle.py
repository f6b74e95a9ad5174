"""An inspector checks a bundle with its own two programs on a bare Python, and every change to it shows."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cchc.audit import audit_bundle, zipped
from cchc.installation import Installation
from cchc.services import SERVICES
from demo.year import COMMUNE
from services.scoring.domain.sheet import sheet
from services.scoring.views import Moment, known_at, moment_at
from shared.eventlog import Decision
from shared.eventlog.checkpoints import record
from shared.events import RatingProposed, end_of_day, local_day
from tests.scenario.conftest import Cchc, read_json, settings_of

PROGRAMS = ("verify_chain.py", "verify_rating.py")


@pytest.fixture(scope="module")
def packed(lived_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo year's bundle, its logs signed first."""
    folder = tmp_path_factory.mktemp("bundle")
    installation = Installation(settings_of(Path(shutil.copytree(lived_year, folder / "data"))))
    logs = installation.scoring.logs
    for log in logs.values():
        record(log, COMMUNE, installation.checkpoint_key, actor="operator/x", held={})
    heads = {source: log.head(COMMUNE) for source, log in logs.items()}
    moment = Moment({source: head.position for source, head in heads.items()}, local_day(heads["tasks"].time))
    files = audit_bundle(logs, COMMUNE, 2024, moment, installation.public_checkpoint_keys())
    installation.close()
    (folder / "bundle.zip").write_bytes(zipped(files))
    return folder / "bundle.zip"


@pytest.fixture
def bundle(packed: Path, tmp_path: Path) -> Path:
    """The bundle as an inspector unpacks it."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def check(bundle: Path, *program: str) -> subprocess.CompletedProcess[str]:
    """Without site-packages, environment and user folders: nothing of ours is there."""
    command = [sys.executable, "-S", "-I", *program]
    return subprocess.run(command, cwd=bundle, capture_output=True, text=True, timeout=120, check=False)


def test_an_untouched_bundle_is_found_right(bundle: Path):
    for program in PROGRAMS:
        done = check(bundle, program)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_checkpoint_that_was_kept_is_compared_as_the_how_to_types_it(bundle: Path):
    """`checkpoint export --last` writes one of every log, also of the one that no bundle holds."""
    signed = (bundle / "checkpoints.jsonl").read_text("utf-8").splitlines()
    of_notifications = json.loads(signed[-1]) | {"source": "notifications", "position": 1300, "signature": "AAAA"}
    kept = bundle.parent / "diem-chot.jsonl"
    kept.write_text("\n".join([*signed, json.dumps(of_notifications)]), "utf-8")
    how_to = (Path(__file__).parents[2] / "docs/how-to/audit.md").read_text("utf-8")
    [typed] = [line.split()[1:] for line in how_to.splitlines() if line.startswith("    python3 verify_chain.py --")]
    done = check(bundle, *typed)
    assert "notifications/1300: bộ hồ sơ không có nhật ký notifications để đối chiếu" in done.stdout
    assert "nằm sau đoạn" not in done.stdout and done.stdout.count("LỆCH") == 1, "the made-up signature alone"


def test_a_bundle_holds_what_its_reader_needs(bundle: Path):
    found = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert {"DOC-TRUOC.txt", "SHA256SUMS", "results.json", "checkpoints.jsonl", *PROGRAMS} <= found
    assert {"logs/tasks.jsonl", "logs/scoring.jsonl", "sheets/p14.json", "explanations/p14.html"} <= found
    for line in (bundle / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256((bundle / path).read_bytes()).hexdigest() == digest
        found.discard(path)
    assert found == {"SHA256SUMS"}
    ratings = json.loads((bundle / "results.json").read_bytes())["ratings"]
    assert len(ratings) == 30
    for rating in ratings:
        sheet = (bundle / "sheets" / f"{rating['staff']}.json").read_bytes()
        assert hashlib.sha256(sheet).hexdigest() == rating["sheet_sha256"]
        assert json.loads(sheet)["level"] == rating["computed_level"]
    rule_sets = {path.name for path in (bundle / "rule_sets").iterdir()}
    used = {(rating["rule_set"], rating["rule_set_sha256"]) for rating in ratings}
    assert rule_sets == {f"{name}-{digest[:12]}" for name, digest in used if digest}


def test_an_explanation_carries_the_checkpoints(bundle: Path):
    page = (bundle / "explanations" / "p14.html").read_text("utf-8")
    for line in (bundle / "checkpoints.jsonl").read_text("utf-8").splitlines():
        assert json.loads(line)["hash"] in page


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def flip(bundle: Path) -> None:
    edit(bundle / "logs/tasks.jsonl", lambda of: [*of[:99], of[99].replace(b"p01", b"p02"), *of[100:]])


def remove(bundle: Path) -> None:
    edit(bundle / "logs/tasks.jsonl", lambda of: [*of[:199], *of[200:]])


def insert(bundle: Path) -> None:
    edit(bundle / "logs/tasks.jsonl", lambda of: [*of[:199], of[50], *of[199:]])


def reorder(bundle: Path) -> None:
    edit(bundle / "logs/tasks.jsonl", lambda of: [*of[:199], of[200], of[199], *of[201:]])


def cut_off(bundle: Path) -> None:
    edit(bundle / "logs/tasks.jsonl", lambda of: of[:-20])


def change_a_result(bundle: Path) -> None:
    results = json.loads((bundle / "results.json").read_bytes())
    rating = next(each for each in results["ratings"] if each["staff"] == "p14")
    rating["level"] = rating["computed_level"] = "xuat_sac"
    (bundle / "results.json").write_text(json.dumps(results), "utf-8")


def change_a_rule(bundle: Path) -> None:
    rules = next(bundle.glob("rule_sets/nd90-*/nd90/rules.toml"))
    rules.write_bytes(rules.read_bytes() + b"\n# other\n")


@pytest.mark.parametrize("change", [flip, remove, insert, reorder, cut_off, change_a_result, change_a_rule])
@pytest.mark.parametrize("sums", ["as they were", "made anew"])
def test_every_change_is_found_and_said(bundle: Path, change: Callable[[Path], None], sums: str):
    change(bundle)
    if sums == "made anew":
        paths = [line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text("utf-8").splitlines()]
        lines = [f"{hashlib.sha256((bundle / path).read_bytes()).hexdigest()}  {path}\n" for path in paths]
        (bundle / "SHA256SUMS").write_text("".join(lines), "utf-8")
    found = [check(bundle, program) for program in PROGRAMS]
    assert 1 in {done.returncode for done in found}, [done.stdout + done.stderr for done in found]
    assert not any("Traceback" in done.stderr for done in found)


# At the command line


def test_the_same_question_gives_the_same_bytes(cchc: Cchc, tmp_path: Path):
    for name in ("one", "two"):
        cchc("audit-bundle", "--year", "2024", "--as-of", "2024-12-20", "-o", str(tmp_path / f"{name}.zip"))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_bundle_of_one_person(cchc: Cchc, tmp_path: Path):
    written = tmp_path / "p14.zip"
    assert "1 người" in cchc("audit-bundle", "--year", "2024", "--person", "p14", "-o", str(written)).stdout
    with zipfile.ZipFile(written) as archive:
        assert [name for name in archive.namelist() if name.startswith("sheets/")] == ["sheets/p14.json"]
        assert json.loads(archive.read("results.json"))["person"] == "p14"
        archive.extractall(tmp_path / "p14")
    for program in (*PROGRAMS, "verify_journal.py"):
        subprocess.run([sys.executable, "-S", "-I", program], cwd=tmp_path / "p14", check=True, capture_output=True)
    refused = cchc("audit-bundle", "--year", "2024", "--person", "p99", "-o", str(written), code=2)
    assert "p99" in refused.stderr


def test_a_day_that_is_none_is_refused(cchc: Cchc, tmp_path: Path):
    written = tmp_path / "x.zip"
    refused = cchc("audit-bundle", "--year", "2024", "--as-of", "hôm qua", "-o", str(written), code=2)
    assert "--as-of" in refused.stderr and not written.exists()


def test_checkpoints_kept_elsewhere_are_checked_again(cchc: Cchc, tmp_path: Path):
    signed = read_json(cchc("checkpoint", "sign", "--json"))
    assert [each["source"] for each in signed] == list(SERVICES)
    assert read_json(cchc("checkpoint", "sign", "--json")) == []
    assert read_json(cchc("checkpoint", "list", "--json")) == signed
    kept = tmp_path / "kept.jsonl"
    kept.write_text(cchc("checkpoint", "export", "--last").stdout, "utf-8")
    assert [json.loads(line) for line in kept.read_text("utf-8").splitlines()] == sorted(
        signed, key=lambda each: each["position"]
    )
    assert "nguyên vẹn" in cchc("verify", "--checkpoint", str(kept)).stdout
    kept.write_text(kept.read_text("utf-8").replace(signed[0]["hash"], "0" * 64), "utf-8")
    found = read_json(cchc("verify", "--checkpoint", str(kept), "--json", code=1))["findings"]
    assert {finding["where"] for finding in found} == {"checkpoint"}
    kept.write_text("{}\n", "utf-8")
    assert "dòng 1" in cchc("verify", "--checkpoint", str(kept), code=2).stderr


def test_the_public_key_is_the_one_that_signs(cchc: Cchc):
    shown = cchc("checkpoint", "key")
    assert shown.stdout.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert read_json(cchc("checkpoint", "sign", "--json"))[0]["key"] in shown.stderr


# What was decided


def test_a_decided_rating_is_recomputed_where_its_proposal_stood(cchc: Cchc, tmp_path: Path):
    cchc("audit-bundle", "--year", "2024", "-o", str(tmp_path / "year.zip"))
    with zipfile.ZipFile(tmp_path / "year.zip") as archive:
        ratings = {each["staff"]: each for each in json.loads(archive.read("results.json"))["ratings"]}
        archive.extractall(tmp_path / "unpacked")
    # What became known of p25 on 20/12 is not in what was decided on 13/12.
    names = ("standing", "level", "computed_level", "decided_level", "evaluated_on")
    assert [ratings["p25"][name] for name in names] == ["decided", "tot", "tot", "tot", "2024-12-11"]
    assert [ratings["p41"][name] for name in names] == ["re_rated", "tot", "tot", "tot", "2024-12-19"]
    assert ratings["p22"]["proposal"] is None
    assert check(tmp_path / "unpacked", "verify_rating.py").returncode == 0


def test_what_cannot_be_recomputed_is_not_handed_over(installation: Installation, cchc: Cchc, tmp_path: Path):
    logs = installation.scoring.logs
    known = known_at(logs, COMMUNE, moment_at(logs, COMMUNE, end_of_day(date(2024, 12, 15))))
    found = sheet(known.records, 2024, "p22", on=known.on)
    wrong = RatingProposed(
        proposal="x1",
        staff="p22",
        year=2024,
        level="khong_hoan_thanh",
        figures=found.figures,
        rule_set=found.rule_set,
        rule_set_sha256=found.rule_set_sha256,
        sheet_sha256="0" * 64,
        evaluated_on=known.on,
        inputs=known.inputs,
        by="p14",
    )
    logs["scoring"].append(COMMUNE, lambda _: Decision([wrong]), actor="staff/p14")
    refused = cchc("audit-bundle", "--year", "2024", "-o", str(tmp_path / "x.zip"), code=1)
    assert "p22" in refused.stderr and "cchc rating recheck --all" in refused.stderr
    assert not (tmp_path / "x.zip").exists()
