"""Commands over HTTP to gunicorn in the deployment of docker-compose.yml, beside a bare Flask app that inserts the same
payload into the same PostgreSQL: both with as many processes and threads, in turn; then the memory of each container.

Twice: while the background processes stand still, so that the two web apps are compared and nothing else; and with all
of them at work, when every command is relayed, taken over twice, folded, announced and looked at for reminders on the
same cores. The load is wrk's: so many connections, each with its next request when the last is answered.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import show
from bench.servers import Servers
from cchc.secrets import SIGNING
from shared.events import VIETNAM
from shared.web.keys import load_key, mint
from tests.support.servers import Unavailable, free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# So many that each has as many tasks in the end as a year's, and not thousands.
COMMUNES = tuple(f"xa-{number}" for number in range(60))
WORKERS = ("tasks-work", "scoring-work", "notifications-work")
LEAD, OFFICE = "p07", "p14"
DUE = date(datetime.now(VIETNAM).year + 1, 12, 28)
CONNECTIONS, ROUNDS = 16, 3
SECONDS = {False: 15, True: 3}
FLOOR = 0.6


class Load(msgspec.Struct):
    """What wrk saw of one run."""

    requests: int
    failed: int
    seconds: float
    p50: float  # milliseconds
    p99: float

    @property
    def rate(self) -> float:
        return (self.requests - self.failed) / self.seconds


def run(quick: bool, _: Servers) -> None:
    if not shutil.which("wrk"):
        raise Unavailable("no wrk (Debian: apt install wrk)")
    with deployment() as (compose, port, bare_port), tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "tokens.json")
        prepared.write_text(json.dumps(_open_communes(compose, port)))
        command = f"http://127.0.0.1:{port}/api/v1/tasks"
        bare = f"http://127.0.0.1:{bare_port}"
        compose("stop", *WORKERS)
        _beside(command, bare, prepared, SECONDS[quick], "web processes alone", FLOOR)
        compose("start", *WORKERS)
        _beside(command, bare, prepared, SECONDS[quick], "with all workers on the same cores")
        for name, used in memory(compose).items():
            show(f"  memory of {name}", used)


def _beside(command: str, bare: str, prepared: Path, seconds: int, how: str, floor: float | None = None) -> None:
    for url in (command, bare):  # connections, prepared statements, remembered neighbours
        drive(url, prepared, 2)
    measured: dict[str, list[Load]] = {command: [], bare: []}
    for _ in range(ROUNDS):
        for url, of_url in measured.items():
            of_url.append(drive(url, prepared, seconds))
    ours, theirs = (sorted(of_url, key=lambda load: load.rate)[ROUNDS // 2] for of_url in measured.values())
    failed = sum(load.failed for load in measured[command])
    show(f"assign a task over HTTP, {CONNECTIONS} connections", how)
    ratio = ours.rate / theirs.rate
    bound = f"≥ {floor:g} ×" if floor else ""
    beside = f"bare Flask insert {theirs.rate:,.0f}/s"
    show("  commands", f"{ours.rate:,.0f}/s", beside, ratio, bound, not floor or ratio >= floor)
    show("  latency p50", f"{ours.p50:.1f} ms", f"bare Flask insert {theirs.p50:.1f} ms", ours.p50 / theirs.p50)
    show("  latency p99", f"{ours.p99:.1f} ms", f"bare Flask insert {theirs.p99:.1f} ms", ours.p99 / theirs.p99)
    show("  refused or failed", f"{failed}", bound="= 0", ok=failed == 0)


def drive(url: str, prepared: Path, seconds: int) -> Load:
    done = subprocess.run(
        ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "commands.lua"), url],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PREPARED": str(prepared), "NONCE": secrets.token_hex(6), "DUE": str(DUE)},
    )
    return msgspec.json.decode(done.stderr.splitlines()[-1], type=Load)


Compose = Callable[..., str]


@contextmanager
def deployment() -> Iterator[tuple[Compose, int, int]]:
    """The real compose file with the bare app beside it, its own project; the ports of tasks and of that app."""
    port, bare_port = free_port(), free_port()
    environment = {
        "CCHC_PORT": str(free_port()),
        "CCHC_MAIL_PORT": str(free_port()),
        "CCHC_TASKS_PORT": str(port),
        "CCHC_BARE_PORT": str(bare_port),
        # One Office sends what a thousand people would.
        "CCHC_CHANGES_A_MINUTE": "10000000",
        "CCHC_TEXT_MIB_A_DAY": "1000000",
    }
    files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(HERE / "docker-compose.yml")]

    def compose(*what: str, **options: Any) -> str:
        command = ["docker", "compose", "-p", "cchc-load", "--project-directory", str(ROOT), *files, *what]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
        if done.returncode:
            raise Unavailable(f"docker compose {what[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout

    try:
        compose("up", "--build", "--wait", "--quiet-pull")
        yield compose, port, bare_port
    finally:
        compose("down", "--volumes", "--timeout", "5")


def _open_communes(compose: Compose, port: int) -> Mapping[str, str]:
    """Communes with an Office and a lead; commune → the Office's token."""
    with tempfile.NamedTemporaryFile() as file:
        asked = ["run", "--rm", "--quiet-pull", "-T", "--entrypoint", "cat", "cchc", f"/run/cchc/operator/{SIGNING}"]
        file.write(compose(*asked).encode())
        file.flush()
        key = load_key(Path(file.name))

    def token(sub: str, commune: str, *roles: str) -> str:
        return mint(key, sub=sub, commune=commune, roles=roles, lifetime=timedelta(hours=2))

    operator = token("operator/bench", "*", "admin")
    tokens = {}
    for commune in COMMUNES:
        base = f"http://127.0.0.1:{port}/api/v1/tasks/communes/{commune}"
        _post(base, operator, {"name": f"Xã {commune}", "code": "20878", "valid_from": "2024-01-01"})
        calendar = {"calendar": "bench", "days_off": [], "working_weekends": []}
        _post(f"{base}/calendars/{DUE.year}", operator, calendar)
        for staff, roles in {OFFICE: ["office", "staff"], LEAD: ["staff"]}.items():
            appointed = {
                "category": "cong_chuc",
                "roles": roles,
                "post": "Công chức",
                "unit": commune,
                "valid_from": "2024-01-01",
            }
            _post(f"{base}/staff/{staff}/appointment", operator, appointed)
        tokens[commune] = token(f"staff/{OFFICE}", commune, "office", "staff")
    return tokens


def _post(url: str, token: str, body: Mapping[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - a server that we started
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        pass


def memory(compose: Compose) -> dict[str, str]:
    """Container → what it uses of what it may use."""
    identities = compose("ps", "-q").split()
    form = "{{.Name}}\t{{.MemUsage}}"
    command = ["docker", "stats", "--no-stream", "--format", form, *identities]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(sorted(line.removeprefix("cchc-load-").split("\t") for line in lines))
