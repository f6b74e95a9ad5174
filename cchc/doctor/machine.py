"""The machine: Python and its packages, disk, memory, fonts."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation

OLDEST_PYTHON = (3, 11)

MIB = 1024**2
GIB = 1024**3

# The share of a disk that should be free, and how much is enough on a large one.
WARN_FREE, WARN_FREE_BYTES = 0.15, 5 * GIB
FAIL_FREE, FAIL_FREE_BYTES = 0.05, 1 * GIB

# Twice what one command of the command line takes.
WARN_MEMORY = 256 * MIB

# Families that the pages and the slip are set in: the typeface of NĐ 30/2020/NĐ-CP and its metric equals.
SERIF = ("Times New Roman", "Liberation Serif", "Tinos")


def python(_: Installation) -> Iterator[Finding]:
    """The interpreter, and every package that the installed distribution asks for."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield failure(f"Python {version}, cần từ 3.11", "cài Python 3.11 trở lên rồi cài lại cchc")
    try:
        wanted = [Requirement(line) for line in metadata.requires("cchc") or []]
    except metadata.PackageNotFoundError:
        yield warning(f"Python {version}; cchc chạy từ mã nguồn chưa cài", "pip install -e .")
        return
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [said for one in needed if (said := _misfit(one))]
    for each in wrong:
        yield failure(each, "pip install --require-hashes -r requirements.txt")
    if not wrong:
        yield ok(f"Python {version}, cchc {metadata.version('cchc')}, {len(needed)} gói đúng phiên bản")


def _misfit(wanted: Requirement) -> str | None:
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"thiếu gói {wanted.name}"
    fits = wanted.specifier.contains(found, prereleases=True)
    return None if fits else f"{wanted.name} {found}, cần {wanted.specifier}"


def crc32c(installation: Installation) -> Iterator[Finding]:
    if not installation.settings.kafka:
        yield not_applicable("không dùng Kafka")
        return
    try:
        importlib.import_module("crc32c")
    except ImportError:
        yield warning("thiếu gói crc32c: đọc Kafka chậm hơn 4 lần", "pip install 'kafka-python[crc32c]'")
    else:
        yield ok(f"crc32c {metadata.version('crc32c')}")


def time_zones(_: Installation) -> Iterator[Finding]:
    try:
        ZoneInfo("Asia/Ho_Chi_Minh")
    except ZoneInfoNotFoundError:
        yield warning("không có dữ liệu múi giờ Asia/Ho_Chi_Minh", "pip install tzdata")
    else:
        yield ok("có dữ liệu Asia/Ho_Chi_Minh (UTC+7)")


def disk(installation: Installation) -> Iterator[Finding]:
    """Each file system that data or evidence lie on, once."""
    devices: dict[int, Path] = {}
    for folder in (installation.settings.data, installation.settings.evidence):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        devices.setdefault(there.stat().st_dev, there)
    for folder in devices.values():
        usage = shutil.disk_usage(folder)
        said = f"{folder}: còn {_size(usage.free)} trong {_size(usage.total)} ({usage.free / usage.total:.0%})"
        fix = f"giải phóng hoặc mở rộng ổ đĩa; xem: du -xh --max-depth=2 {folder} | sort -h | tail"
        if usage.free < min(FAIL_FREE * usage.total, FAIL_FREE_BYTES):
            yield failure(said, fix)
        elif usage.free < min(WARN_FREE * usage.total, WARN_FREE_BYTES):
            yield warning(said, fix)
        else:
            yield ok(said)


def _size(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def memory(_: Installation) -> Iterator[Finding]:
    """What Linux counts as available, within the limit of the container if there is one (control groups v2)."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        yield not_applicable("chỉ đọc được bộ nhớ trên Linux")
        return
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text("ascii"))  # "max" without a limit
        free = min(free, limit - int((group / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        pass
    said = f"còn {_size(free)}"
    if free < WARN_MEMORY:
        yield warning(said, "tắt chương trình khác hoặc tăng bộ nhớ; xem: ps -eo rss,args --sort=-rss | head")
    else:
        yield ok(said)


def fonts(_: Installation) -> Iterator[Finding]:
    """Only printing or making PDFs on this machine needs them; a browser uses its own."""
    program = shutil.which("fc-list")
    if not program:
        yield not_applicable("máy này không có fc-list (fontconfig): không in từ đây")
        return
    listed = subprocess.run(
        [program, ":", "family"],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
        env=os.environ | {"LC_ALL": "C"},
    ).stdout
    families = {family.strip() for line in listed.splitlines() for family in line.split(",")}
    found = [family for family in SERIF if family in families]
    if found:
        yield ok(f"có {', '.join(found)}")
    else:
        yield warning(
            f"không có {' hay '.join(SERIF)}: bản in từ máy này sai phông", "apt-get install fonts-liberation"
        )
