"""Several processes may make an empty data folder usable at once; what is lost of it later is rebuilt or said."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from cchc.served import FILE
from shared.web.auth import Verifier
from tests.scenario.conftest import command_line, settings_of
from tests.scenario.test_run import running
from tests.support.processes import get, started
from tests.support.servers import free_port
from tests.support.waiting import until

AT_ONCE = 4


@pytest.mark.parametrize(
    "arguments", [("migrate",), ("token", "--operator", "x"), ("token", "--operator", "x", "--link")], ids=" ".join
)
def test_of_many_first_commands_none_fails_and_all_share_one_key(tmp_path: Path, arguments: tuple[str, ...]):
    data = tmp_path / "data"
    cchc = command_line(data)
    if arguments[0] == "token":
        cchc("migrate")  # what is handed out is written into the journal, which has a table then
        shutil.rmtree(data / "keys")
    ready = threading.Barrier(AT_ONCE)

    def first(_: int) -> str:
        ready.wait(10)
        return cchc(*arguments).stdout.strip()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        printed = list(pool.map(first, range(AT_ONCE)))
    if "--link" not in arguments and arguments[0] == "token":
        verifier = Verifier(str(data / "keys" / "public.json"))
        assert {verifier.verify(token).actor for token in printed} == {"operator/x"}


def test_two_first_runs_at_once_both_serve_and_load_the_demo_once(tmp_path: Path):
    data = tmp_path / "data"
    with ExitStack() as both, ThreadPoolExecutor(2) as pool:
        served = list(pool.map(lambda port: both.enter_context(running(data, port)), (free_port(), free_port())))
        for each in served:
            assert get(f"{each.address}/readyz")[0] == 200
        said = [line for each in served for line in each.lines]
        assert sum("dữ liệu mẫu" in line for line in said) == sum("code=" in line for line in said) == 1
    assert "nguyên vẹn" in command_line(data)("verify").stdout


def test_a_start_without_the_demo_prints_no_link_that_signs_in(data: Path):
    with running(data, free_port(), demo=False) as served:
        assert not any("code=" in line for line in served.lines)
        assert any("cchc token --link --staff MÃ" in line for line in served.lines)


def test_a_lost_key_set_is_said_at_once_and_rebuilt_by_the_next_command(data: Path):
    key_set = data / "keys" / "public.json"
    kept = key_set.read_bytes()
    with running(data, free_port(), demo=False) as served:
        for lost in (None, b"", kept[:40], b'{"keys": []}'):
            key_set.unlink() if lost is None else key_set.write_bytes(lost)
            assert get(f"{served.address}/readyz")[0] == 503
            cchc = command_line(data)
            assert "cchc migrate" in cchc("doctor", code=2).stdout
            cchc("migrate")
            assert key_set.read_bytes() == kept
            assert get(f"{served.address}/readyz")[0] == 200
    key_set.unlink()
    with running(data, free_port(), demo=False):
        assert key_set.read_bytes() == kept


def test_screens_served_alone_are_where_printed_links_lead(data: Path):
    port = free_port()
    command = ("serve", "web", "--bind", f"127.0.0.1:{port}", "--workers", "1")
    with started(*command, environment={"CCHC_DATA": str(data)}):
        until(lambda: get(f"http://127.0.0.1:{port}/livez")[0] == 200, deadline=60, what="the screens are served")
        link = command_line(data)("token", "--link", "--staff", "p14").stdout
        assert link.startswith(f"http://127.0.0.1:{port}/sign-in?code=")
    assert (data / FILE).read_text("utf-8") == f"http://127.0.0.1:{port}\n"
    assert settings_of(data).origin is None
