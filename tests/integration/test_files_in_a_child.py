"""A file is read in a child process: whatever it does there is a refusal here, and leaves nothing."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.tasks.imports.annex import AnnexImport
from shared.refusal import Refused
from shared.sandbox import places
from shared.sandbox.limits import MEBIBYTE, Limits
from shared.sandbox.places import PLACES, Places, ReadersBusy
from shared.sandbox.running import in_child
from tests.support.tasks_web import OPERATOR, ROSTER, Commune, refused
from tests.support.waiting import until

READERS = "tests.support.readers"
ROOT = Path(__file__).parents[2]
SHORT = Limits(cpu_s=1, wall_s=3)


def read(reader: str, result: Any = int, content: Any = b"x", limits: Limits = SHORT, **arguments: Any) -> Any:
    return in_child(f"{READERS}:{reader}", content, result, limits, **arguments)


def code_of(reader: str, **options: Any) -> str:
    with pytest.raises(Refused) as caught:
        read(reader, **options)
    assert "{" not in caught.value.detail and "…" not in caught.value.detail
    assert caught.value.refusal.status == 422
    return caught.value.code


def test_a_result_comes_back_of_bytes_and_of_files(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert read("length", content=b"123") == 3
    with file.open("rb") as opened:
        opened.read(2)
        assert read("length", content=opened) == 5
        assert opened.read() == b"12345"
    with tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(b"1234")
        assert read("length", content=spooled) == 4
    assert read("repeat", bytes, b"ab", times=3) == b"ababab"


@pytest.mark.parametrize(
    ("reader", "arguments", "code"),
    [
        ("take_memory", {}, "file-too-heavy"),
        ("repeat", {"times": 20 * MEBIBYTE, "result": bytes}, "file-too-heavy"),
        ("write_much", {"content": b"x" * 1024}, "file-too-heavy"),
        ("count_for_ever", {}, "file-too-slow"),
        ("sleep", {}, "file-too-slow"),
        ("end", {"how": "no answer"}, "file-too-slow"),
        ("end", {"how": "killed"}, "file-too-heavy"),  # as the kernel does when the container's memory is used up
        ("end", {"how": "abort"}, "file-too-heavy"),  # as Rust does when it gets no memory
        ("end", {"how": "segmentation fault"}, "file-unreadable"),
        ("end", {"how": "exit"}, "file-unreadable"),
        ("end", {"how": "exit 3"}, "file-unreadable"),
        ("end", {"how": "half an answer"}, "file-unreadable"),
        ("end", {"how": "recursion"}, "file-unreadable"),
        ("end", {"how": "an error"}, "file-unreadable"),
        ("length", {"result": str}, "file-unreadable"),
        ("missing", {}, "file-unreadable"),
    ],
)
def test_whatever_ends_a_child_is_refused(reader: str, arguments: dict[str, Any], code: str):
    before = time.monotonic()
    assert code_of(reader, **arguments) == code
    assert time.monotonic() - before < 10
    assert read("length") == 1  # the place is free again


def test_the_log_says_where_a_reader_failed_and_nothing_of_the_file(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        assert code_of("end", content="Nguyễn Văn Kín".encode(), how="an error") == "file-unreadable"
    assert "ValueError at" in caplog.text and "readers.py:" in caplog.text
    assert "Kín" not in caplog.text and "\\xc3" not in caplog.text


def test_a_child_has_no_secret_and_no_descriptor_of_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CCHC_SMTP", "smtp://user:secret@example.org")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    with (tmp_path / "key.pem").open("w") as key:
        os.set_inheritable(key.fileno(), True)
        assert {*read("environment", dict[str, str])} <= {"LANG", "LC_CTYPE", "MALLOC_ARENA_MAX", "TMPDIR"}
        assert not [one for one in read("descriptors", list[str]) if "key.pem" in one or "socket:" in one]


def test_nothing_is_left_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for reader, arguments in (("length", {}), ("end", {"how": "killed"}), ("write_much", {"content": b"x" * 1024})):
        with suppress(Refused):
            read(reader, content=arguments.pop("content", b"x"), **arguments)
        assert list(tmp_path.iterdir()) == []
    opened = len(os.listdir("/proc/self/fd"))
    assert code_of("end", how="killed") == "file-too-heavy"
    assert len(os.listdir("/proc/self/fd")) == opened


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an alarm ends it")
def test_a_child_dies_with_its_parent():
    program = f"from shared.sandbox.running import in_child; in_child('{READERS}:sleep', b'x', int)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        [child] = until(lambda: children.read_text().split(), what="the child has begun")
        reads = f"{READERS}:sleep".encode()
        until(lambda: reads in Path(f"/proc/{child}/cmdline").read_bytes(), what="it is the reader")
        parent.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{child}").exists() or "Z" in state_of(child), what="the child has ended")


def state_of(process: str) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_a_system_without_these_limits_reads_as_well():
    program = """
import resource, sys
sys.platform = "darwin"
del resource.RLIMIT_AS, resource.RLIMIT_DATA
resource.setrlimit = lambda *_: (_ for _ in ()).throw(ValueError("current limit exceeds maximum limit"))
sys.argv[1:] = ["tests.support.readers:length", "3", "0", "{}"]
from shared.sandbox import child
child.main()
"""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as content:
        given.write(b"\x80")
        content.write(b"1234")
        for file in (given, content):
            file.seek(0)
        command = ["bash", "-c", f'exec 3<&{given.fileno()}; exec "$@"', "bash", sys.executable, "-c", program]
        done = subprocess.run(
            command, cwd=ROOT, stdin=content, pass_fds=[given.fileno()], capture_output=True, check=True
        )
    assert done.stdout == b"=\x04"


def test_the_person_whose_files_took_least_time_is_next():
    place, order = Places(), []
    began = threading.Barrier(2)

    def hold(person: str, seconds: float) -> None:
        with place.one(person):
            order.append(person)
            time.sleep(seconds)

    hold("busy", 0.2)
    hold("other", 0.01)
    order.clear()

    def first() -> None:
        with place.one("first"):
            began.wait(5)
            until(lambda: len(place._waiting) == 4, what="all wait")

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(first)]
        began.wait(5)
        done += [pool.submit(hold, person, 0.01) for person in ("busy", "busy", "other", "new")]
        for each in done:
            each.result()
    assert order == ["new", "other", "busy", "busy"]


def test_processes_that_share_a_place_read_one_file_at_a_time(tmp_path: Path):
    program = """
import os, sys, time
from pathlib import Path
from shared.sandbox.places import PLACES
PLACES.share()
folder = Path(sys.argv[1])
children = []
for number in range(4):
    if not (child := os.fork()):
        for _ in range(5):
            with PLACES.one("x"):
                (folder / "taken").mkdir()
                time.sleep(0.01)
                (folder / "taken").rmdir()
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=True, timeout=60)


def test_who_waits_too_long_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(places, "WAIT_S", 0.2)
    commune = Commune(tmp_path)
    commune.open()
    with PLACES.one("somebody"):
        with pytest.raises(ReadersBusy):
            read("length")
        busy = commune.upload(OPERATOR, "/imports/roster", ROSTER.read_bytes(), "a.xlsx")
    assert refused(busy) == (503, "file-readers-busy")
    assert int(busy.headers["Retry-After"]) > 0
    again = commune.upload(OPERATOR, "/imports/roster", ROSTER.read_bytes(), "a.xlsx")
    assert again.status_code == 200
    commune.engine.dispose()


def test_twenty_thousand_rows_are_within_the_limits():
    rows = "\n".join(
        f"{n};Rà soát, công bố thủ tục hành chính nội bộ lần {n};Văn phòng;30/6/2025" for n in range(20_000)
    )
    content = f"STT;Nội dung công việc;Chủ trì;Thời hạn\n{rows}".encode()
    found = in_child(
        "services.tasks.imports.reading:read_annex", content, AnnexImport, people=[], issued_on="2025-01-01"
    )
    assert found.counts["rows"] == 20_000
