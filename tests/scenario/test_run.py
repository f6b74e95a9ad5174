"""`cchc run`: one process from an empty directory to ratings in the browser; killed, it goes on where it was."""

import http.cookiejar
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.scenario.conftest import CCHC, ROOT, Cchc, read_json
from tests.support.servers import free_port
from tests.support.waiting import until


class Browser:
    """Keeps cookies, follows redirects, and sends the Origin that a browser would."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open

    def get(self, path: str, **headers: str) -> str:
        request = urllib.request.Request(self.address + path, headers=headers)
        return self._open(request, timeout=10).read().decode()

    def post(self, path: str, form: dict[str, str]) -> str:
        body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.address + path, data=body, headers={"Origin": self.address})
        return self._open(request, timeout=10).read().decode()


class Running(msgspec.Struct):
    process: subprocess.Popen[str]
    address: str
    lines: list[str]


@contextmanager
def running(data: Path, port: int, *, demo: bool = True, **settings: str) -> Iterator[Running]:
    address = f"127.0.0.1:{port}"
    environment = os.environ | {"CCHC_DATA": str(data), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | settings
    command = [*CCHC, "run", "--bind", address, "--demo" if demo else "--no-demo"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        lines: list[str] = []
        rest = threading.Thread(target=lines.extend, args=(process.stdout,))
        try:
            for line in process.stdout:
                lines.append(line)
                if "Ctrl+C" in line:
                    break
            rest.start()  # every request says a line, and a full pipe would make it wait for its reader
            until(lambda: is_ready(f"http://{address}"), deadline=60, what=f"{address} answers")
            yield Running(process, f"http://{address}", lines)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
            if rest.is_alive():
                rest.join(10)


def is_ready(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{address}/readyz", timeout=5).status == 200)
    except OSError:
        return False


def kill_all(process: subprocess.Popen[str]) -> None:
    """kill -9 for the master and its worker at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def test_from_an_empty_directory_to_the_ratings_and_on_after_kill_9(tmp_path: Path, cchc: Cchc):
    data, port = tmp_path / "new", free_port()
    with running(data, port) as first:
        assert any("Tiên Cảnh" in line for line in first.lines)
        link = next(match[0] for line in first.lines if (match := re.search(r"/sign-in\?code=\S+", line)))
        browser = Browser(first.address)
        start = browser.get("/")
        assert "tien-canh" not in start and "Năm 2024" not in start  # a stranger sees the sign-in form alone
        page = browser.get(link)
        code = re.search(r'name="code" value="([^"]+)"', page)
        assert code
        assert "Năm 2024" in browser.post("/sign-in", {"code": code[1]})
        table = browser.get("/communes/tien-canh/years/2024")
        assert table.count("<tr>") == 31
        assert "Hoàn thành xuất sắc nhiệm vụ" in table and "Không xếp loại" in table
        assert '"openapi"' in browser.get("/api/v1/scoring/openapi.json")
        assert used_up(Browser(first.address), code[1])

        token = read_json(cchc("token", "--staff", "p14", "--json", CCHC_DATA=str(data)))["token"]
        posted = report_progress(first.address, token)
        kill_all(first.process)

    with running(data, port) as again:
        task = urllib.request.Request(
            f"{again.address}/api/v1/tasks/communes/tien-canh/tasks/{posted}",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert "Sau khi cúp điện" in urllib.request.urlopen(task, timeout=10).read().decode()
        assert not any("dữ liệu mẫu" in line or "code=" in line for line in again.lines)
        assert any("cchc token --link --staff p14" in line for line in again.lines)
    assert again.process.returncode == 0
    assert read_json(cchc("verify", "--json", CCHC_DATA=str(data)))["findings"] == []


def used_up(browser: Browser, code: str) -> bool:
    try:
        browser.post("/sign-in", {"code": code})
    except urllib.error.HTTPError as error:
        return error.code == 403
    return False


def report_progress(address: str, token: str) -> str:
    """p14 notes progress on a task of theirs; acknowledged, it must not be lost any more."""
    base = f"{address}/api/v1/tasks/communes/tien-canh/tasks"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    listed: Any = msgspec.json.decode(
        urllib.request.urlopen(
            urllib.request.Request(f"{base}?lead=p14&status=open", headers=headers), timeout=10
        ).read()
    )
    task = (listed["tasks"] if isinstance(listed, dict) else listed)[0]["task"]
    read = urllib.request.urlopen(urllib.request.Request(f"{base}/{task}", headers=headers), timeout=10)
    note = urllib.request.Request(
        f"{base}/{task}/progress",
        data=msgspec.json.encode({"note": "Sau khi cúp điện vẫn còn"}),
        headers=headers | {"If-Match": read.headers["ETag"]},
        method="POST",
    )
    assert urllib.request.urlopen(note, timeout=10).status in (200, 201)
    return str(task)
