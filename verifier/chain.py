"""Check the integrity of an unpacked audit bundle: hash chains, checkpoints, results, rule sets, sheets, files.

`python3 chain.py [FOLDER] [--checkpoint FILE …]`: FOLDER defaults to this one; FILE is a checkpoint kept elsewhere.
Exit 0: whole; 1: something does not fit; 2: cannot read. Plain Python 3.9+; signatures need `openssl` 3 on PATH.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

SIGNED = "cchc-checkpoint-v1\n{source}\n{commune}\n{position}\n{hash}\n{signed_at}\n"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def check(lines: list[bytes], source: str, commune: str | None = None) -> list[str]:
    """What is wrong with a log, its lines being the stored bytes of each event from position 1 on."""
    wrong, previous, time, versions, last = [], "0" * 64, "", Counter[str](), 0
    for position, line in enumerate(lines, 1):
        last += 1  # each against the one before it, so that a hole is found once
        try:
            event = json.loads(line)
            commune, when = commune or event["commune"], event["time"].rstrip("Z")
            found = {
                "position không liên tục": event["position"] != last,
                "previoushash không khớp sự kiện trước": event["previoushash"] != previous,
                "nguồn khác": event["source"] != source,
                "xã khác": event["commune"] != commune,
                "thời gian lùi": when < time,
                "streamversion không liên tục": event["streamversion"] != versions[event["subject"]] + 1,
            }
            if said := ", ".join(what for what, applies in found.items() if applies):
                wrong.append(f"{source} dòng {position}: {said}")
            last, versions[event["subject"]], time = event["position"], event["streamversion"], when
        except (ValueError, LookupError, TypeError, AttributeError) as problem:
            wrong.append(f"{source} dòng {position}: không đọc được sự kiện ({type(problem).__name__})")
        previous = digest(line)
    return wrong


class Bundle:
    """A folder under check: what is wrong, what could not be checked, and which key signed how much."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wrong, self.notes, self.signed = folder, list[str](), list[str](), Counter[str]()
        self.logs = {path.stem: path.read_bytes().split(b"\n") for path in sorted(folder.glob("logs/*.jsonl"))}
        if not self.logs:
            raise ValueError("không có logs/*.jsonl")
        self.wrong += [f"/{name}: dòng cuối bị cắt" for name, lines in self.logs.items() if lines.pop()]
        names = ("results.json", "checkpoints.jsonl", "SHA256SUMS", "keys", "rule_sets", "sheets")
        self.notes += [f"bộ hồ sơ không có {name}" for name in names if not (folder / name).exists()]
        results = folder / "results.json"
        self.results = json.loads(results.read_bytes()) if results.exists() else {"ratings": []}
        self.commune = self.results.get("commune") or json.loads(next(iter(self.logs.values()))[0])["commune"]
        self.openssl = shutil.which("openssl")
        self.signing = bool(self.openssl and b"-rawin" in self.run("-help"))
        if not self.signing:
            self.notes.append("không có openssl (bản 3 trở lên): CHỮ KÝ CHƯA ĐƯỢC KIỂM TRA")

    def run(self, *arguments: str) -> bytes:
        done = subprocess.run([str(self.openssl), "pkeyutl", *arguments], capture_output=True, check=False)
        return done.stdout + done.stderr + b"; done" * (done.returncode == 0)

    def pinned(self, where: str, entry: Any, needed: bool = False) -> None:
        """Does the log hold the pinned hash at the pinned position? `needed`: it must reach that far."""
        name, position = entry["source"].lstrip("/"), entry["position"]
        lines, where = self.logs.get(name, []), f"{where}: {entry['source']}/{position}"
        if position > len(lines):
            behind, absent = "nằm sau đoạn nhật ký trong bộ hồ sơ này", f"bộ hồ sơ không có nhật ký {name} để đối chiếu"
            (self.wrong if needed else self.notes).append(f"{where}: {behind if name in self.logs else absent}")
        elif position < 0 or entry["hash"] != (digest(lines[position - 1]) if position else "0" * 64):
            self.wrong.append(f"{where}: nhật ký không còn như khi được ghim")

    def checkpoint(self, where: str, point: Any, outside: bool = False) -> None:
        if point["commune"] != self.commune:  # as one kept outside may be
            (self.notes if outside else self.wrong).append(f"{where}: chốt của xã khác ({point['commune']})")
            return
        self.pinned(where, point)
        key = self.folder / "keys" / f"{Path(point['key']).name}.pem"
        if not key.exists():
            self.notes.append(f"{where}: thiếu khóa {key.name}, chữ ký chưa được kiểm tra")
        elif self.signing:
            with tempfile.TemporaryDirectory() as scratch:
                Path(scratch, "message").write_bytes(SIGNED.format_map(point).encode())
                Path(scratch, "signature").write_bytes(base64.b64decode(point["signature"]))
                files = ("-inkey", str(key), "-in", f"{scratch}/message", "-sigfile", f"{scratch}/signature")
                good = self.run("-verify", "-pubin", "-rawin", *files).endswith(b"; done")
            der = base64.b64decode(b"".join(row for row in key.read_bytes().split() if len(row) > 20))
            good = good and digest(der[-32:])[:16] == point["key"]  # a key is named by its own hash
            self.signed[key.stem] += good
            self.wrong += [] if good else [f"{where}: chữ ký sai, hoặc khóa không đúng mã"]

    def check_logs(self, outside: list[Path]) -> None:
        for name, lines in self.logs.items():
            self.wrong += (broken := check(lines, f"/{name}", self.commune))
            for position, event in enumerate([] if broken else map(json.loads, lines), 1):
                for entry in event["data"].get("inputs", []):
                    self.pinned(f"/{name} dòng {position}", entry)
                if event["type"] == "vn.cchc.checkpoint.signed.v1":
                    self.checkpoint(f"/{name} dòng {position}", event["data"])
        for path in [*self.folder.glob("checkpoints.jsonl"), *outside]:
            for number, line in enumerate(path.read_bytes().splitlines(), 1):
                self.checkpoint(f"{path.name} dòng {number}", json.loads(line), path in outside)

    def check_results(self) -> None:
        there = {f"sheets/{path.name}": digest(path.read_bytes()) for path in self.folder.glob("sheets/*.json")}
        for folder in self.folder.glob("rule_sets/*"):
            names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
            bodies = [(name, (folder / name).read_bytes()) for name in names]
            there[f"rule_sets/{folder.name}"] = digest(b"".join(f"{n} {len(b)}\n".encode() + b for n, b in bodies))
        for entry in self.results["ratings"]:
            for pin in entry["inputs"]:
                self.pinned(f"results.json {entry['staff']}", pin, needed=True)
            ruled = entry.get("rule_set_sha256") or ""
            rules, sheet = f"rule_sets/{entry['rule_set']}-{ruled[:12]}", f"sheets/{entry['staff']}.json"
            for name, expected in ((rules, ruled), (sheet, entry.get("sheet_sha256"))):
                if expected and name not in there:
                    self.notes.append(f"results.json {entry['staff']}: thiếu {name}")
                elif expected and there[name] != expected:
                    self.wrong.append(f"results.json {entry['staff']}: {name} không khớp SHA-256 đã ghi")

    def check_files(self, outside: list[Path]) -> None:
        sums = self.folder / "SHA256SUMS"
        lines = sums.read_text("utf-8").splitlines() if sums.exists() else []
        listed = {line[66:].removeprefix("./"): line[:64] for line in lines}
        skipped = {sums.resolve(), *(path.resolve() for path in outside)}
        paths = [p for p in self.folder.rglob("*") if p.is_file() and p.resolve() not in skipped and listed]
        there = {p.relative_to(self.folder).as_posix(): digest(p.read_bytes()) for p in paths if p.suffix != ".pyc"}
        for name in sorted(n for n in {*listed, *there} if listed.get(n) != there.get(n)):
            what = "đã bị sửa" if name in listed and name in there else "không còn" if name in listed else "lạ"
            self.wrong.append(f"SHA256SUMS: tệp {name} {what}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Kiểm tra tính toàn vẹn của bộ hồ sơ kiểm tra.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--checkpoint", action="append", type=Path, default=[], help="tệp chốt giữ ở nơi khác")
    options = parser.parse_args(arguments)
    try:
        bundle = Bundle(options.folder)
        bundle.check_logs(options.checkpoint)
        bundle.check_results()
        bundle.check_files(options.checkpoint)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        print(f"Không đọc được bộ hồ sơ {options.folder}: {type(problem).__name__}: {problem}")
        return 2
    said = [f"Lưu ý: {text}" for text in bundle.notes] + [f"LỆCH: {text}" for text in bundle.wrong]
    keys = [f"{n} chữ ký đúng theo khóa {key}: hãy đối chiếu mã khóa" for key, n in bundle.signed.items()]
    said += keys or ["Lưu ý: chưa kiểm tra được chữ ký của điểm chốt nào"]
    sizes = ", ".join(f"{name} {len(lines)} sự kiện" for name, lines in bundle.logs.items())
    print(*said, f"Nhật ký: {sizes}; {len(bundle.wrong) or 'không thấy'} chỗ lệch.", sep="\n")
    return 1 if bundle.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
