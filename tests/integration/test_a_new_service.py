"""A service that the product has never seen, added to an installation by one row of `cchc.services.SERVICES`."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT, get
from tests.support.servers import free_port
from tests.support.waiting import until

COMMUNE = "xa-moi"


class Office:
    """An installation with the service of `tests.support.visits`, at the command line and over HTTP."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.address = f"http://127.0.0.1:{free_port()}"
        self.environment = os.environ | {"CCHC_DATA": str(data), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.support.visits", *arguments]

    def cchc(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.cchc(*arguments, "--json", code=code))

    @contextmanager
    def running(self) -> Iterator[None]:
        command = self.command("run", "--no-demo", "--bind", self.address.removeprefix("http://"))
        with subprocess.Popen(command, cwd=ROOT, env=self.environment, start_new_session=True) as process:
            try:
                until(lambda: get(f"{self.address}/readyz")[0] == 200, deadline=60, what="it is served")
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = self.cchc("token", "--operator", "van-phong", "--commune", COMMUNE).strip()
        request = urllib.request.Request(
            f"{self.address}/api/v1/visits/communes/{COMMUNE}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "data")
    office.cchc("migrate")
    office.cchc("commune", "open", COMMUNE, "--name", "xã Mới", "--code", "20878", "--valid-from", "2026-01-01")
    return office


def events(office: Office) -> list[dict[str, Any]]:
    return [json.loads(line) for line in office.cchc("export-log", "visits").splitlines()]


def test_a_service_that_only_the_table_knows(office: Office, tmp_path: Path):
    with office.running():
        # Its command is recorded in its own log, and refused in its own words.
        assert office.ask("PUT", "/visits/v1", {"about": "Hộ tịch"}) == (200, {"commune": COMMUNE, "position": 1})
        status, problem = office.ask("PUT", "/visits/v1", {"about": "Đất đai"})
        assert (status, problem["code"]) == (409, "visit-known")
        assert problem["detail"] == "Lượt tiếp v1 đã được ghi trước đó."
        # Its projection folds it, and its own loop answers it.
        until(
            lambda: office.ask("GET", "/visits")[1] == {"v1": {"about": "Hộ tịch", "answered": True}},
            deadline=20,
            what="the visit is folded and answered",
        )
        assert get(f"{office.address}/metrics")[1].count('service="visits"') > 3
    assert [(each["type"], each["actor"]) for each in events(office)] == [
        ("vn.cchc.visit.recorded.v1", "operator/van-phong"),
        ("vn.cchc.visit.answered.v1", "service/visits"),
    ]

    # The command line knows it like any other.
    [row] = [row for row in office.json("status") if row["service"] == "visits"]
    assert (row["head"], row["held_by_visits"], row["folded_by_visits"]) == (2, 2, 2)
    checks = {check["check"]: check for check in office.json("doctor", code=1)}
    assert (checks["visits"]["state"], checks["visits"]["title"]) == ("ok", "Tiếp dân")
    assert "visits 0001" in checks["migrations"]["detail"]
    assert "visits (2 sự kiện)" in office.json("verify")["checked"]
    assert office.json("rebuild", "visits")["events"] == 2
    assert json.loads(office.cchc("openapi", "visits"))["paths"]
    assert "visits" in {each["source"] for each in office.json("checkpoint", "sign")}
    assert office.json("verify", "--service", "visits")["findings"] == []

    # A backup has it, and a restore brings it back.
    before = events(office)
    office.cchc("backup", str(tmp_path / "backup.zip"))
    for file in office.data.glob("visits.db*"):
        file.unlink()
    office.cchc("restore", str(tmp_path / "backup.zip"))
    assert events(office) == before
    assert office.json("verify")["findings"] == []
    office.cchc("rebuild", "visits")
    [row] = [row for row in office.json("status") if row["service"] == "visits"]
    assert (row["head"], row["folded_by_visits"]) == (3, 3)


def test_an_altered_byte_of_its_log_is_found(office: Office):
    with office.running():
        office.ask("PUT", "/visits/v1", {"about": "Hộ tịch"})
    with sqlite3.connect(office.data / "visits.db") as connection:
        for trigger in [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]:
            connection.execute(f"DROP TRIGGER {trigger}")
        altered = "CAST(replace(CAST(body AS TEXT), 'Hộ tịch', 'Đất đai') AS BLOB)"
        connection.execute(f"UPDATE events SET body = {altered} WHERE position = 1")
    findings = office.json("verify", code=1)["findings"]
    assert {finding["source"] for finding in findings} == {"visits"}


def test_deployed_it_has_databases_secrets_and_a_topic():
    """Whatever is made for a service is made for it too."""
    program = """
from tests.support.visits import add_to_the_product
add_to_the_product()
from cchc.databases import databases
from cchc.secrets import containers
from cchc.settings import Settings
from cchc.doctor.kafka import topics_of_services
import json
settings = Settings.from_environment({"CCHC_DATABASES": "postgresql+psycopg://{service}_server@postgres/{service}"})
print(json.dumps([databases()["visits"], containers()["visits"], containers()["visits-work"],
    settings.databases["visits"], topics_of_services()[-1]]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        ["visits_owner", "visits_server", "visits_worker"],
        [10017, ["visits_server"], []],
        [10018, ["visits_worker"], ["checkpoint.pem"]],
        "postgresql+psycopg://visits_server@postgres/visits",
        "cchc.visits.v1",
    ]


def test_a_refusal_is_explained_at_the_command_line():
    program = """
from tests.support.visits import ALREADY_RECORDED
from cchc.cli.failures import explained
with explained():
    raise ALREADY_RECORDED(visit="v1")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "Lượt tiếp v1 đã được ghi trước đó. [visit-known]\n")
