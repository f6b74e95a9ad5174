"""What a deployment costs in which nothing happens: the processes of every service, on PostgreSQL and Kafka."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bench.generate import communes
from bench.measure import show
from bench.servers import Servers
from cchc.installation import Installation
from cchc.services import SERVICES, readers
from cchc.settings import Settings
from shared.eventlog import Decision
from shared.projection import all_positions
from tests.support.histories import appointed, opened
from tests.support.postgres import Postgres
from tests.support.processes import CCHC, get
from tests.support.servers import free_port
from tests.support.waiting import until

COMMUNES = 20
SECONDS = {False: 60, True: 5}
SETTLE_S = 10  # after the start: a group that changes, a broker that tidies up
PARTITIONS = 12
MOST = 0.01


def run(quick: bool, servers: Servers) -> None:
    kafka, postgres = servers.kafka(), servers.own_postgres()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environment = stack.enter_context(_deployment(postgres, kafka.bootstrap, folder))
        processes = {
            **{
                f"serve {name}": stack.enter_context(_started(environment, "serve", name))
                for name in (*SERVICES, "web")
            },
            **{f"work {name}": stack.enter_context(_started(environment, "work", name)) for name in SERVICES},
        }
        with closing(Installation(Settings.from_environment(environment))) as installation:
            for commune in communes(COMMUNES):
                installation.tasks.log.append(commune, lambda _: Decision([opened(), appointed("p07")]), actor="bench")
            until(lambda: _is_settled(installation), deadline=120, what="everything is published and folded")
        pids = {name: process.pid for name, process in processes.items()}
        pids["PostgreSQL"] = postgres.pid()
        time.sleep(SETTLE_S)
        before = {name: _cpu(pid) for name, pid in pids.items()}
        time.sleep(SECONDS[quick])
        for name, pid in pids.items():
            share = (_cpu(pid) - before[name]) / SECONDS[quick]
            show(f"idle: {name}", f"{share:.2%} of a core", bound=f"< {MOST:.0%}", ok=share < MOST)


@contextmanager
def _deployment(postgres: Postgres, bootstrap: str, folder: str) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        found = {"CCHC_DATA": folder, "CCHC_KAFKA": bootstrap}
        for service in SERVICES:
            found[f"CCHC_DATABASE_{service.upper()}"] = stack.enter_context(postgres.fresh_database())
            found[f"CCHC_URL_{service.upper()}"] = f"http://127.0.0.1:{free_port()}/api/v1/{service}"
        for command in (["migrate"], ["topics", "--partitions", str(PARTITIONS)]):
            subprocess.run([*CCHC, *command], env=os.environ | found, check=True, stdout=subprocess.DEVNULL)
        yield found


@contextmanager
def _started(environment: Mapping[str, str], kind: str, service: str) -> Iterator["subprocess.Popen[bytes]"]:
    url = environment.get(f"CCHC_URL_{service.upper()}", f"http://127.0.0.1:{free_port()}/")
    address = url.split("/")[2] if kind == "serve" else f"127.0.0.1:{free_port()}"
    command = [*CCHC, kind, service, "--bind", address]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        until(lambda: get(f"http://{address}/livez")[0] == 200, deadline=60, what=f"{kind} {service}")
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _is_settled(installation: Installation) -> bool:
    heads = {name: installation.own_log(name).heads() for name in SERVICES}
    for name in SERVICES:
        published = installation.own_log(name).published()
        if any(published.get(commune) != head.position for commune, head in heads[name].items()):
            return False
    for name, records in readers().items():
        known = all_positions(installation.engine(name), records.name)
        for source in records.sources:
            for commune, head in heads[source].items():
                at = known.get(commune, {}).get(source)
                if at is None or at.position != head.position:
                    return False
    return True


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process and all its children, those that have ended too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(_cpu(int(child)) for child in children)
