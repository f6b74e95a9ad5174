"""Evidence files over HTTP: what is stored, under which name and kind, who gets it back, what a report may name."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.tasks import evidence as files
from services.tasks.evidence import MAX_EVIDENCE, media_type_of, path_of, safe_name
from shared.refusal import Refused
from tests.support.tasks_web import COMMUNE, Commune, done, refused

PDF = b"%PDF-1.7\nBao cao\n"


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


def test_a_failed_write_leaves_no_half_file(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    task = commune.assign()

    def fails(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "fsync", fails)
    assert refused(commune.upload("p15", f"/tasks/{task}/evidence", PDF, "a.pdf")) == (500, "internal")
    assert on_disk(commune) == []
    assert done(commune.get("p15", f"/tasks/{task}/evidence"))["files"] == []


def document(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.pdf", (422, "evidence-empty")),
        (b"<html><script>alert(1)</script>", "a.pdf", (422, "evidence-kind")),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", (422, "evidence-kind")),
        (b"MZ\x90\x00", "a.exe", (422, "evidence-kind")),
        (b"\x00\x01\x02", "a.txt", (422, "evidence-kind")),
        ("tiếng Việt".encode("utf-16"), "a.txt", (422, "evidence-kind")),
        (b"PK\x03\x04broken", "a.docx", (422, "evidence-kind")),
        (document("word/document.xml", "word/vbaProject.bin"), "a.docx", (422, "evidence-kind")),
        (document("a.exe"), "a.docx", (422, "evidence-kind")),
    ],
)
def test_files_that_are_not_taken(commune: Commune, content: bytes, name: str, code: tuple[int, str]) -> None:
    task = commune.assign()
    assert refused(commune.upload("p15", f"/tasks/{task}/evidence", content, name)) == code
    assert on_disk(commune) == []


def test_too_large_a_file_and_no_file(commune: Commune) -> None:
    task = commune.assign()
    path = f"/tasks/{task}/evidence"
    assert refused(commune.upload("p15", path, b"%PDF-" + bytes(MAX_EVIDENCE), "a.pdf")) == (413, "evidence-too-large")
    assert refused(commune.upload("p15", path, bytes(MAX_EVIDENCE + 200_000), "a.pdf")) == (413, "too-large")
    assert refused(commune.send("p15", path, {})) == (422, "file-required")


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n...", "a.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0...", "a.jpg", "image/jpeg"),
        ("Đã họp".encode(), "biên bản.txt", "text/plain"),
        (b"a;b\r\n", "a.CSV", "text/csv"),
        (document("xl/workbook.xml"), "a.bin", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", "a.doc", "application/msword"),
    ],
)
def test_the_kind_is_what_the_bytes_are(content: bytes, name: str, expected: str) -> None:
    assert media_type_of(content, name) == expected


def test_an_unknown_ole_file_is_not_taken() -> None:
    with pytest.raises(Refused, match="evidence-kind"):
        media_type_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", "a.msi")


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
