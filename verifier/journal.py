"""Check the journals of an unpacked audit bundle: each row carries the hash of the one before it in its commune.

`python3 journal.py [FOLDER] [--kept FOLDER …]`: FOLDER defaults to this one; `--kept` is a bundle unpacked earlier,
whose rows must all be here still. Exit 0: whole; 1: something does not fit; 2: cannot read. Plain Python 3.9+.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

# By file name and commune (`*`: the whole installation), the stored bytes of each row from number 1 on.
Journals = dict[tuple[str, str], list[bytes]]


def read(folder: Path) -> Journals:
    found: Journals = {}
    paths = sorted(folder.glob("journal/*.jsonl"))
    if not paths:
        raise ValueError("không có journal/*.jsonl")
    for path in paths:
        for line in path.read_bytes().splitlines():
            found.setdefault((path.name, json.loads(line)["commune"]), []).append(line)
    return found


def check(lines: list[bytes]) -> list[str]:
    """What is wrong with the rows of one commune in one service's journal: each against the one before it, so that a
    hole is found where it is and not again in every row behind it."""
    wrong, last, previous, time = [], 0, "0" * 64, ""
    for line in lines:
        row: dict[str, Any] = json.loads(line)
        found = {
            f"số thứ tự không liên tục (sau dòng {last})": row["number"] != last + 1,
            "previoushash không khớp dòng đứng trước": row["previoushash"] != previous,
            "thời gian lùi": row["time"] < time,
        }
        said = ", ".join(what for what, applies in found.items() if applies)
        wrong += [f"dòng {row['number']}: {said}"] if said else []
        last, previous, time = row["number"], hashlib.sha256(line).hexdigest(), row["time"]
    return wrong


def changed(kept: list[bytes], here: list[bytes]) -> list[str]:
    """What a journal no longer says as it once did."""
    fitting = next((n for n, line in enumerate(kept) if here[n : n + 1] != [line]), len(kept))
    return [] if fitting == len(kept) else [f"dòng {fitting + 1} không còn như trong hồ sơ đã giữ"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Kiểm tra sổ truy vết trong bộ hồ sơ kiểm tra.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--kept", action="append", type=Path, default=[], help="hồ sơ đã giải nén từ trước")
    options = parser.parse_args(arguments)
    folder, compared = options.folder, []
    try:
        journals = read(folder)
        wrong = [(of, what) for of, lines in journals.items() for what in check(lines)]
        for folder in options.kept:
            kept = read(folder)
            found = [(of, what) for of, lines in kept.items() for what in changed(lines, journals.get(of, []))]
            wrong += found
            size = f"{sum(map(len, kept.values()))} dòng của {len(kept)} sổ"
            state = f"{len(found)} sổ không còn như khi giữ" if found else "đều còn nguyên"
            compared.append(f"Đã so với hồ sơ đã giữ {folder}: {size}, {state}.")
    except (OSError, ValueError, LookupError, TypeError) as problem:
        print(f"Không đọc được sổ truy vết trong {folder}: {type(problem).__name__}: {problem}")
        return 2
    said = [f"LỆCH: journal/{name}, {commune}, {what}" for (name, commune), what in wrong]
    rows = sum(map(len, journals.values()))
    print(*said, *compared, f"Sổ truy vết: {rows} dòng; {len(wrong) or 'không thấy'} chỗ lệch.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
