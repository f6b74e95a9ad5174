"""The stand-alone check of journals: rows changed, removed, added, rewritten as a whole."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from verifier import journal

PROGRAM = Path(journal.__file__)


def rows(commune: str, *kinds: str) -> list[bytes]:
    """A journal's rows as they are stored."""
    lines: list[bytes] = []
    for number, kind in enumerate(kinds, 1):
        previous = journal.hashlib.sha256(lines[-1]).hexdigest() if lines else "0" * 64
        time = f"2026-01-01T00:00:{number:02}.000Z"
        row = {"commune": commune, "number": number, "time": time, "kind": kind, "previoushash": previous}
        lines.append(json.dumps(row).encode())
    return lines


HERE = rows("xa-moi", "person.saved", "token.minted", "person.erased")
EVERYWHERE = rows("*", "schema.migrated", "backup.taken")


def bundle(folder: Path, lines: list[bytes]) -> Path:
    (folder / "journal").mkdir(parents=True)
    (folder / "journal" / "tasks.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def run(folder: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-S", "-I", str(PROGRAM), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_whole_journals(tmp_path: Path):
    assert run(bundle(tmp_path, HERE + EVERYWHERE)) == (0, "Sổ truy vết: 5 dòng; không thấy chỗ lệch.\n")


def test_a_journal_without_rows_is_whole_and_none_is_not_there(tmp_path: Path):
    assert run(bundle(tmp_path, []))[0] == 0
    assert run(tmp_path / "nowhere")[0] == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [lines[0].replace(b"person.saved", b"person.moved"), *lines[1:]],
        lambda lines: [*lines[:2], lines[2].replace(b'"number": 3', b'"number": 4')],
    ],
    ids=["first removed", "removed", "swapped", "doubled", "changed", "renumbered"],
)
def test_a_changed_journal(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]):
    code, said = run(bundle(tmp_path, change(HERE) + EVERYWHERE))
    assert code == 1 and "LỆCH: journal/tasks.jsonl, xa-moi, dòng" in said and ", *," not in said


@pytest.mark.parametrize("removed", [0, 1, 4])
def test_one_removed_row_is_one_finding_where_the_hole_is(tmp_path: Path, removed: int):
    long = rows("xa-moi", *["person.saved"] * 12)
    code, said = run(bundle(tmp_path, [line for place, line in enumerate(long) if place != removed]))
    assert code == 1 and said.count("LỆCH") == 1 and "1 chỗ lệch" in said
    assert f"dòng {removed + 2}: số thứ tự không liên tục (sau dòng {removed})" in said


def test_what_was_compared_with_a_bundle_that_was_kept_is_said(tmp_path: Path):
    here, kept = bundle(tmp_path / "here", HERE + EVERYWHERE), bundle(tmp_path / "kept", HERE[:2] + EVERYWHERE)
    alone, compared = run(here), run(here, "--kept", str(kept))
    assert alone[0] == compared[0] == 0
    assert compared[1] == f"Đã so với hồ sơ đã giữ {kept}: 4 dòng của 2 sổ, đều còn nguyên.\n{alone[1]}"
    changed = bundle(tmp_path / "changed", rows("xa-moi", "person.saved", "person.erased") + EVERYWHERE)
    code, said = run(here, "--kept", str(kept), "--kept", str(changed))
    assert code == 1 and f"{kept}: 4 dòng của 2 sổ, đều còn nguyên." in said
    assert f"{changed}: 4 dòng của 2 sổ, 1 sổ không còn như khi giữ." in said


def test_a_journal_written_again_is_found_by_a_copy_that_was_kept(tmp_path: Path):
    kept = bundle(tmp_path / "kept", HERE + EVERYWHERE)
    grown = rows("xa-moi", "person.saved", "token.minted", "person.erased", "person.saved")
    other = rows("xa-moi", "person.saved", "person.erased", "person.saved")
    assert run(bundle(tmp_path / "grown", grown + EVERYWHERE), "--kept", str(kept))[0] == 0
    code, said = run(bundle(tmp_path / "other", other + EVERYWHERE), "--kept", str(kept))
    assert code == 1 and "xa-moi, dòng 2 không còn như trong hồ sơ đã giữ" in said
    code, said = run(bundle(tmp_path / "cut", HERE[:1]), "--kept", str(kept))
    assert code == 1 and "xa-moi, dòng 2" in said and "*, dòng 1" in said


def test_it_stays_short_and_stands_alone():
    text = PROGRAM.read_text("utf-8")
    assert len(text.splitlines()) < 100
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or "."] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
