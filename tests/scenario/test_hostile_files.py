"""Whatever file is sent is read or refused in bounded memory and time, and others are answered meanwhile."""

import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.scenario.conftest import Cchc, command_line
from tests.scenario.test_run import running
from tests.support import hostile
from tests.support.processes import get
from tests.support.servers import free_port

MEMORY = 400 * 1024  # kB, of the process that answers and of the one that reads, together
SECONDS = 20
LIVE_WITHIN = 1.0
COMMUNE = "tien-canh"


@dataclass
class Watch:
    """What the processes below one take at most, and how long /livez takes at most."""

    address: str
    root: int
    memory: dict[int, int] = field(default_factory=dict)  # process → kB
    answers: set[int] = field(default_factory=set)
    slowest: float = 0.0

    def look(self, ended: threading.Event) -> None:
        while not ended.wait(0.01):
            for process in descendants(self.root):
                with suppress(OSError, StopIteration):
                    said = Path(f"/proc/{process}/status").read_text().splitlines()
                    peak = next(int(line.split()[1]) for line in said if line.startswith("VmHWM"))
                    self.memory[process] = max(self.memory.get(process, 0), peak)

    def ask(self, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            began = time.monotonic()
            self.answers.add(get(f"{self.address}/livez")[0])
            self.slowest = max(self.slowest, time.monotonic() - began)


def descendants(process: int) -> list[int]:
    """All processes that it, and those, began."""
    below: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text().split():
                below += [int(child), *descendants(int(child))]
    return below


@contextmanager
def watched(address: str, root: int) -> Iterator[Watch]:
    watch, ended = Watch(address, root), threading.Event()
    threads = [threading.Thread(target=work, args=(ended,)) for work in (watch.look, watch.ask)]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@dataclass
class Office:
    """A person of the Office with the running product."""

    address: str
    root: int
    token: str
    directive: str
    task: str

    def upload(self, path: str, content: bytes, name: str, **form: str) -> tuple[int, dict[str, Any]]:
        boundary, body = encode_multipart({**form, "file": FileStorage(BytesIO(content), name)})
        return self.ask(path, body, f"multipart/form-data; boundary={boundary}")

    def ask(self, path: str, body: bytes | None = None, content_type: str = "") -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(f"{self.address}/api/v1/tasks/communes/{COMMUNE}{path}", body)
        request.add_header("Authorization", f"Bearer {self.token}")
        if content_type:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = answer.read()
                is_json = answer.headers["Content-Type"] == "application/json"
                return answer.status, json.loads(said) if is_json else {"bytes": len(said)}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def office(lived_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    data = Path(shutil.copytree(lived_year, tmp_path_factory.mktemp("hostile") / "data"))
    # All together are more than one person may send in a day.
    with running(data, free_port(), demo=False, CCHC_FILES_MIB_A_DAY="4000") as served:
        token = command_line(data)("token", "--commune", COMMUNE, "--staff", "p01").stdout.strip()
        office = Office(served.address, served.process.pid, token, "", "")
        [directive, *_] = office.ask("/directives")[1]["directives"]
        office.directive = str(directive["directive"])
        [task, *_] = office.ask("/tasks?limit=1")[1]["tasks"]
        office.task = str(task["task"])
        yield office


@contextmanager
def bounded(office: Office) -> Iterator[None]:
    """What is done inside takes so much memory and time, and others are answered."""
    with watched(office.address, office.root) as watch:
        began = time.monotonic()
        yield
        took = time.monotonic() - began
    assert took < SECONDS
    assert watch.answers <= {200}
    assert watch.slowest < LIVE_WITHIN
    assert sum(watch.memory.values()) < MEMORY, watch.memory


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_list_is_read_or_refused_and_others_are_answered(office: Office, name: str):
    content = hostile.FILES[name]()
    with bounded(office):
        status, said = office.upload("/imports/annex", content, name, directive=office.directive)
    if status == 200:
        with bounded(office):
            status, said = office.ask(f"/imports/annex/{said['sha256']}/annotated?directive={office.directive}")
    assert status == 200 or (status in (413, 422) and said["title"] and said["code"].startswith("file-")), said


@pytest.mark.parametrize("name", ["mot-chuoi-39999-o.xlsx", "mot-o.csv"])
def test_the_command_line_refuses_as_well(cchc: Cchc, tmp_path: Path, name: str):
    file = tmp_path / name
    file.write_bytes(hostile.FILES[name]())
    said = cchc("import", "roster", str(file), code=2).stderr
    assert "[file-" in said and "Hãy" in said


@pytest.mark.parametrize("name", hostile.EVIDENCE)
def test_hostile_evidence_is_taken_or_refused_and_others_are_answered(office: Office, name: str):
    content = hostile.EVIDENCE[name]()
    with bounded(office):
        status, said = office.upload(f"/tasks/{office.task}/evidence", content, name)
    assert status == 201 or (status in (413, 422) and said["title"]), said
