"""The address that `cchc run` serves at: taken before it is promised, and the one that every printed link carries."""

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest

from cchc.served import CannotServe, address, address_of, listen, remember
from tests.scenario.conftest import ROOT, command_line, settings_of
from tests.scenario.test_run import Browser, running
from tests.support.servers import free_port

HOW_TO = ROOT / "docs" / "how-to" / "first-directive.md"


def test_a_busy_port_is_said_before_anything_is_done(tmp_path: Path):
    cchc = command_line(tmp_path / "data")
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        refused = cchc("run", "--bind", f"127.0.0.1:{port}", code=3)
    assert refused.stdout == ""
    assert f"Cổng {port}" in refused.stderr and f"--bind 127.0.0.1:{port + 1}" in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("host", "says"), [("203.0.113.9", "Ghi --bind 127.0.0.1:8080"), ("no.such.host.example", "")])
def test_an_address_of_another_machine_is_refused(host: str, says: str):
    with pytest.raises(CannotServe, match=re.escape(f"{host}:8090")) as refused:
        listen(host, 8090)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]"), ("localhost", "")]
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, shown: str):
    if ":" in host and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listen(host, 0) as listener:
        port = listener.getsockname()[1]
        assert address_of(listener).endswith(f":{port}") and shown in address_of(listener)


def test_every_address_of_ipv6_is_every_address_of_ipv4_too():
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6, or keeps the two apart")
    with listen("[::]", 0) as listener:
        for host in ("::1", "127.0.0.1"):
            socket.create_connection((host, listener.getsockname()[1]), timeout=5).close()


def test_the_proxys_address_comes_before_the_remembered_one(tmp_path: Path):
    remember(settings_of(tmp_path), "http://127.0.0.1:9999")
    assert address(settings_of(tmp_path)) == "http://127.0.0.1:9999"
    assert address(settings_of(tmp_path, CCHC_ORIGIN="https://xa.example.org")) == "https://xa.example.org"
    assert address(settings_of(tmp_path / "new")) == "http://127.0.0.1:8080"


def test_no_printed_link_names_a_port_that_is_not_served(tmp_path: Path):
    """The first command of the how-to on another port; what follows in another window finds it."""
    # Within the repository's own kind of folder, as the how-to says it: a new one that nobody ignores.
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    [folder] = re.findall(r'CCHC_DATA="\$PWD/([\w-]+)"', HOW_TO.read_text("utf-8"))
    data, port = repository / folder, free_port()
    cchc = command_line(data)
    with running(data, port, demo=False) as served:
        assert f"Phục vụ tại {served.address}\n" in served.lines
        cchc("commune", "open", "xa-moi", "--name", "xã Mới", "--code", "20878", "--valid-from", "2026-01-01")
        cchc("import", "roster", str(ROOT / "demo" / "data" / "danh-sach-can-bo-2024.xlsx"), "--confirm")
        described = json.loads(cchc("openapi", "tasks").stdout)
        assert described["servers"][0]["url"] == served.address
        link = cchc("token", "--link", "--staff", "p14").stdout.strip()
        assert link.startswith(f"{served.address}/sign-in?code=")
        assert "Đăng nhập" in Browser(served.address).get(link.removeprefix(served.address))
        printed = "".join(served.lines) + link
        assert set(re.findall(r"https?://[\w.:\[\]]+", printed)) == {served.address}
        # Nothing of the doctor's is broken in the folder that the how-to names.
        checks = json.loads(cchc("doctor", "--json", code=1).stdout)
        assert {each["check"]: each["detail"] for each in checks if each["state"] == "failure"} == {}
        assert not subprocess.run(
            ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, check=True
        ).stdout
