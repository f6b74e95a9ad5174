"""Evidence files over HTTP: what is stored, under which name and kind, who gets it back, what a report may name."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.http import parse_options_header

from services.tasks import evidence as files
from services.tasks.evidence import MAX_EVIDENCE, path_of, safe_name
from services.tasks.inspection.kinds import named
from tests.support.evidence import HARMLESS, HOSTILE, PDF, docx, package, pdf
from tests.support.tasks_web import COMMUNE, FILES, Commune, done, refused


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    commune = Commune(tmp_path)
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


def on_disk(commune: Commune) -> list[Path]:
    where = commune.tasks.evidence / COMMUNE
    return [path for path in where.rglob("*") if path.is_file() and "imports" not in path.parts]


def test_a_file_is_stored_once_and_comes_back_as_an_attachment(commune: Commune) -> None:
    task = commune.assign()
    sha256 = hashlib.sha256(PDF).hexdigest()
    expected = {"sha256": sha256, "size": len(PDF), "media_type": "application/pdf"}
    assert done(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "Báo cáo quý II.pdf")) == expected
    assert done(commune.upload("p14", f"/tasks/{task}/evidence", PDF, "lần hai.pdf")) == expected
    [stored] = done(commune.get("p15", f"/tasks/{task}/evidence"))["files"]
    assert (stored["file_name"], stored["media_type"]) == ("Báo cáo quý II.pdf", "application/pdf")
    assert [path.name for path in on_disk(commune)] == [sha256]

    with commune.get("p15", f"/tasks/{task}/evidence/{sha256}") as answer:
        assert answer.data == PDF
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "B%C3%A1o%20c%C3%A1o" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_only_those_who_may_see_the_task_store_and_get_its_files(commune: Commune) -> None:
    task, other = commune.assign(), commune.assign(lead="p16")
    stored = done(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "a.pdf"))
    path = f"/tasks/{task}/evidence"
    assert refused(commune.get("p16", path)) == (403, "not-taking-part")
    assert refused(commune.get("p16", f"{path}/{stored['sha256']}")) == (403, "not-taking-part")
    assert refused(commune.upload("p16", path, b"%PDF-x", "b.pdf")) == (403, "not-taking-part")
    # The hash of another task's file opens nothing, nor does a path.
    assert refused(commune.get("p16", f"/tasks/{other}/evidence/{stored['sha256']}")) == (404, "evidence-unknown")
    assert refused(commune.get("p15", f"{path}/..%2f..%2fkeys")) == (404, "not-found")
    assert refused(commune.get("p15", f"{path}/{'0' * 64}")) == (404, "evidence-unknown")
    assert refused(commune.upload("p15", "/tasks/khong-co/evidence", PDF, "a.pdf")) == (404, "not-found")


def test_a_report_names_only_what_was_stored_for_its_task(commune: Commune) -> None:
    task, other = commune.assign(evidence_required=True), commune.assign()
    elsewhere = done(commune.upload("p15", f"/tasks/{other}/evidence", PDF, "a.pdf"))["sha256"]
    report = {"summary": "Xong", "evidence": [elsewhere]}
    assert refused(commune.send("p15", f"/tasks/{task}/report", report, based_on=1)) == (409, "evidence-not-stored")
    nothing = {"summary": "Xong", "explanation": "Họp"}
    assert refused(commune.send("p15", f"/tasks/{task}/report", nothing, based_on=1)) == (409, "evidence-required")
    done(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "a.pdf"))
    twice = {"summary": "Xong", "evidence": [elsewhere, elsewhere]}
    done(commune.send("p15", f"/tasks/{task}/report", twice, based_on=1))
    event = commune.tasks.log.last_of(COMMUNE, f"task/{task}")
    assert event is not None and event.count(elsewhere.encode()) == 1 and b"a.pdf" not in event


def test_an_erased_file_is_gone_and_its_hash_stays(commune: Commune) -> None:
    task, other = commune.assign(), commune.assign()
    sha256 = done(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "a.pdf"))["sha256"]
    done(commune.upload("p15", f"/tasks/{other}/evidence", PDF, "b.pdf"))
    done(commune.send("p15", f"/tasks/{task}/report", {"summary": "Xong", "evidence": [sha256]}, based_on=1))
    assert refused(commune.send("p15", f"/tasks/{task}/evidence/{sha256}", method="DELETE")) == (403, "role")
    done(commune.send("p14", f"/tasks/{task}/evidence/{sha256}", method="DELETE"))
    assert refused(commune.get("p15", f"/tasks/{task}/evidence/{sha256}")) == (404, "evidence-unknown")
    with commune.get("p15", f"/tasks/{other}/evidence/{sha256}") as kept:
        assert kept.data == PDF
    done(commune.send("p14", f"/tasks/{other}/evidence/{sha256}", method="DELETE"))
    assert on_disk(commune) == []
    again = commune.send("p14", f"/tasks/{other}/evidence/{sha256}", method="DELETE")
    assert refused(again) == (404, "evidence-unknown")
    assert sha256.encode() in (commune.tasks.log.last_of(COMMUNE, f"task/{task}") or b"")


def test_nobody_erases_what_their_own_result_rests_on(commune: Commune) -> None:
    task = commune.assign(lead="p14")
    sha256 = done(commune.upload("p14", f"/tasks/{task}/evidence", PDF, "a.pdf"))["sha256"]
    done(commune.send("p14", f"/tasks/{task}/report", {"summary": "Xong", "evidence": [sha256]}, based_on=1))
    assert refused(commune.send("p14", f"/tasks/{task}/evidence/{sha256}", method="DELETE")) == (403, "own-task")
    with commune.get("p14", f"/tasks/{task}/evidence/{sha256}") as kept:
        assert kept.data == PDF


def test_a_failed_write_leaves_no_half_file(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    task = commune.assign()

    def fails(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "fsync", fails)
    assert refused(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "a.pdf")) == (500, "internal")
    assert on_disk(commune) == []
    assert done(commune.get("p15", f"/tasks/{task}/evidence"))["files"] == []


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.pdf", "evidence-empty"),
        (b"<html><script>alert(1)</script>", "a.pdf", "evidence-kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "evidence-kind"),
        (b"MZ\x90\x00", "a.exe", "evidence-kind"),
        (b"\x00\x01\x02", "a.txt", "evidence-kind"),
        ("tiếng Việt".encode("utf-16"), "a.txt", "evidence-kind"),
        (b"PK\x03\x04broken", "a.docx", "evidence-broken"),
        (pdf()[:60], "a.pdf", "evidence-broken"),
        (docx()[:-30], "a.docx", "evidence-broken"),
        (package({"a.exe": b"MZ"}), "a.docx", "evidence-kind"),
    ],
)
def test_files_that_are_not_taken(commune: Commune, content: bytes, name: str, code: str) -> None:
    task = commune.assign()
    assert refused(commune.upload("p15", f"/tasks/{task}/evidence", content, name)) == (422, code)
    assert on_disk(commune) == []


def test_what_could_run_is_refused_with_what_was_found_and_what_to_do(commune: Commune) -> None:
    path = f"/tasks/{commune.assign()}/evidence"
    wrong = {}
    for name, (content, code, words) in HOSTILE.items():
        answer = commune.upload("p15", path, content, name)
        detail = answer.json["detail"] if answer.json else ""
        if answer.status_code != 422 or refused(answer)[1] != code or words not in detail:
            wrong[name] = answer.get_data(as_text=True)
        assert code == "evidence-kind" or "PDF" in detail
    assert wrong == {}
    assert on_disk(commune) == []


def test_ordinary_files_are_taken_by_what_their_bytes_are_whatever_their_name(commune: Commune) -> None:
    path = f"/tasks/{commune.assign()}/evidence"
    for name, (content, media_type) in HARMLESS.items():
        sent = name if media_type.startswith("text/") else f"{name}.hta"
        stored = done(commune.upload("p15", path, content, sent))
        assert stored["media_type"] == media_type, name
        with commune.get("p15", f"{path}/{stored['sha256']}") as answer:
            assert answer.data == content
            headers = answer.headers
        assert headers["Content-Type"].partition(";")[0] == media_type
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment;")
        ending = name.rpartition(".")[2]
        expected = name if sent == name else f"{sent}.{ending}"
        assert f"filename={expected}" in headers["Content-Disposition"], headers


@pytest.mark.parametrize(
    ("sent", "media_type", "served"),
    [
        ("a.hta", "application/pdf", "a.hta.pdf"),
        ("a.PDF", "application/pdf", "a.PDF"),
        ("a.jpeg", "image/jpeg", "a.jpeg"),
        ("Báo cáo quý 2.2024", "application/pdf", "Báo cáo quý 2.2024.pdf"),
        ("a.docm", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.docm.docx"),
        ("minh-chung", "text/csv", "minh-chung.csv"),
        ("a.hta", "text/html", "a.hta.bin"),  # none is stored as that
    ],
)
def test_the_ending_that_is_served_follows_the_kind(sent: str, media_type: str, served: str) -> None:
    assert named(sent, media_type) == served


def test_a_name_in_vietnamese_is_sent_as_the_standards_say(commune: Commune) -> None:
    """RFC 6266: a plain name for old programs, and the whole one in UTF-8 (RFC 8187)."""
    path = f"/tasks/{commune.assign()}/evidence"
    stored = done(commune.upload("p15", path, PDF, "Bien ban.hta"))
    with commune.get("p15", f"{path}/{stored['sha256']}") as answer:
        said = parse_options_header(answer.headers["Content-Disposition"])
        assert said == ("attachment", {"filename": "Bien ban.hta.pdf"})
    other = done(commune.upload("p15", path, pdf("hai"), "Đề án.hta"))
    with commune.get("p15", f"{path}/{other['sha256']}") as answer:
        disposition, named_as = parse_options_header(answer.headers["Content-Disposition"])
        assert (disposition, named_as["filename"]) == ("attachment", "Đề án.hta.pdf")
        assert "filename*=UTF-8''%C4%90%E1%BB%81%20%C3%A1n.hta.pdf" in answer.headers["Content-Disposition"]


TEXT = "urn:oasis:names:tc:opendocument:xmlns"
WITH_A_LINK = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="{TEXT}:office:1.0" xmlns:text="{TEXT}:text:1.0"
 xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>
<text:p><text:a xlink:type="simple" xlink:href="https://tiencanh.gov.vn/">Trang của xã</text:a></text:p>
</office:text></office:body></office:document>"""


@pytest.mark.libreoffice
def test_what_an_office_program_writes_is_taken(commune: Commune, tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no soffice: its files are not looked into")
    (tmp_path / "bao-cao.fodt").write_text(WITH_A_LINK)
    path = f"/tasks/{commune.assign()}/evidence"
    for ending in ("pdf", "doc", "docx"):
        command = [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", ending]
        subprocess.run([*command, "--outdir", tmp_path, tmp_path / "bao-cao.fodt"], check=True, timeout=120)
        content = (tmp_path / f"bao-cao.{ending}").read_bytes()
        assert ending != "pdf" or b"tiencanh.gov.vn" in content
        done(commune.upload("p15", path, content, f"bao-cao.{ending}"))


@pytest.mark.parametrize("file", sorted(FILES.rglob("*.xlsx")), ids=lambda file: file.name)
def test_the_files_of_the_demo_are_taken(commune: Commune, file: Path) -> None:
    done(commune.upload("p15", f"/tasks/{commune.assign()}/evidence", file.read_bytes(), file.name))


def test_too_large_a_file_and_no_file(commune: Commune) -> None:
    task = commune.assign()
    path = f"/tasks/{task}/evidence"
    assert refused(commune.upload("p15", path, pdf(size=MAX_EVIDENCE + 1), "a.pdf")) == (413, "evidence-too-large")
    assert refused(commune.upload("p15", path, bytes(MAX_EVIDENCE + 200_000), "a.pdf")) == (413, "too-large")
    assert refused(commune.send("p15", path, {})) == (422, "file-required")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Hồ sơ\\Báo cáo.pdf", "Báo cáo.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("", "minh-chung"),
        (" .. ", "minh-chung"),
        ("Ba\u0301o ca\u0301o.pdf", "Báo cáo.pdf"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_names_are_made_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_bytes_lie_under_their_hash(tmp_path: Path) -> None:
    assert path_of(tmp_path, "ab" + "0" * 62) == tmp_path / "ab" / ("ab" + "0" * 62)


@pytest.mark.parametrize(("folder", "file"), [(0o2770, 0o660), (0o750, 0o600)])
def test_a_file_is_for_the_group_of_a_folder_that_a_group_may_write(tmp_path: Path, folder: int, file: int) -> None:
    place = path_of(tmp_path, hashlib.sha256(PDF).hexdigest())
    place.parent.mkdir()
    place.parent.chmod(folder)
    files.keep(tmp_path, PDF)
    assert place.stat().st_mode & 0o777 == file
