"""The system as it is deployed: two communes live a year while every container is killed, and nothing is lost."""

import http.client
import os
import random
import re
import socket
import ssl
import urllib.parse
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cchc.secrets import SIGNING, containers
from services.tasks.evidence import MAX_EVIDENCE
from shared.events import decode
from shared.web.keys import SigningKey, load_key, mint
from tests.compose.office import ADMIN, FATES, YEAR, NotDone, Office
from tests.compose.stack import LASTING, Stack, stack
from tests.scenario.test_run import Browser, running
from tests.support import certificates
from tests.support.evidence import pdf
from tests.support.servers import Found, free_port
from tests.support.waiting import until

COMMUNES = {"tien-ha": 1, "tien-my": 2}  # and the seed of each one's year
ROLES = {"p01": ["chair"], "p03": ["vice_chair"], "p14": ["office", "staff"]}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
# What differs between two recordings of the same facts.
OF_THE_MOMENT = {"task", "id", "position", "time", "because", "events", "causes", "proposal", "event"}


@pytest.fixture(scope="module")
def deployed(container_engine: Found) -> Iterator[Stack]:
    with stack() as up:
        yield up


def offices(address: str, key: SigningKey) -> list[Office]:
    def token(commune: str, who: str) -> str:
        of_staff = {"sub": f"staff/{who}", "commune": commune, "roles": ROLES.get(who, ["staff"])}
        claims: Any = {"sub": "operator/thu", "commune": "*", "roles": ["admin"]} if who == ADMIN else of_staff
        return mint(key, lifetime=timedelta(hours=2), **claims)

    return [Office(address, commune, token) for commune in COMMUNES]


def years(of: list[Office]) -> list[Iterator[None]]:
    return [office.live(COMMUNES[office.commune]) for office in of]


def take(year: Iterator[None], steps: int) -> None:
    for _ in islice(year, steps):
        pass


def facts(found: Any) -> Any:
    """An answer without what depends on when it was recorded."""
    if isinstance(found, dict):
        return {name: facts(value) for name, value in found.items() if name not in OF_THE_MOMENT}
    if isinstance(found, list):
        return [facts(each) for each in found]
    return UUID.sub("an id", found) if isinstance(found, str) else found


def recorded(office: Office, service: str) -> list[Any]:
    """What people recorded, in order; of tasks with every detail, made-up ids as numbers in the order they came."""
    ids: dict[str, str] = {}
    found = []
    for envelope in map(decode, office.log(service)):
        if envelope.actor.startswith("service/") or envelope.type.startswith("vn.cchc.checkpoint."):
            continue
        said = msgspec.json.encode(envelope.data).decode() if service == "tasks" else ""
        said = UUID.sub(lambda match: ids.setdefault(match[0], f"#{len(ids)}"), said)
        found.append((envelope.type, envelope.actor, said))
    return found


def outcome(of: list[Office]) -> dict[str, Any]:
    return {
        office.commune: {
            "ratings": facts(office.ratings()),
            "tasks": recorded(office, "tasks"),
            "scoring": recorded(office, "scoring"),
        }
        for office in of
    }


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same two years in one process with SQLite, undisturbed."""
    data = tmp_path_factory.mktemp("embedded")
    with running(data, free_port(), demo=False) as run:
        lived = offices(run.address, load_key(data / "keys" / "private.pem"))
        for year in years(lived):
            take(year, 1_000)
        return outcome(lived)


def test_two_communes_live_a_year_while_every_container_is_killed(
    deployed: Stack, embedded: dict[str, Any], tmp_path: Path
):
    key = tmp_path / SIGNING
    as_operator = ("run", "--rm", "-T", "--entrypoint", "cat", "cchc")
    key.write_text(deployed.compose(*as_operator, f"/run/cchc/operator/{SIGNING}"))
    lived = offices(deployed.address, load_key(key))
    live_while_killing(deployed, lived)
    assert outcome(lived) == embedded
    print(f"the same {sum(len(one['tasks']) + len(one['scoring']) for one in embedded.values())} events")
    nothing_is_wrong(deployed)
    a_clerk_sees_it(deployed)
    a_large_file_comes_through(deployed, lived[0])
    two_workers_share(deployed, lived)
    commands_go_on_without_a_broker(deployed, lived)
    nothing_is_wrong(deployed)
    down_and_up(deployed, lived)


def live_while_killing(deployed: Stack, lived: list[Office]) -> None:
    seed = int(os.environ.get("CCHC_SEED", random.randrange(10_000)))
    order = random.Random(seed).sample(LASTING, len(LASTING))
    print(f"CCHC_SEED={seed}: killed in the order {', '.join(order)}")
    under_way = years(lived)
    with ThreadPoolExecutor(len(lived)) as pool:
        for service in order:
            [container] = deployed.containers(service)
            parts = [pool.submit(take, year, 9) for year in under_way]
            deployed.docker("kill", "--signal", "KILL", container)
            for office in lived:
                office.attempted.clear()
            until(partial(somebody_came, parts, lived), deadline=60)
            deployed.docker("start", container)
            for part in parts:
                part.result()
        for part in [pool.submit(take, year, 1_000) for year in under_way]:
            part.result()
    print(f"{sum(o.sent for o in lived)} commands, {sum(o.again for o in lived)} requests sent again")


def somebody_came(parts: Sequence[Future[None]], lived: Sequence[Office]) -> bool:
    """Somebody found what was killed gone, or nobody needed it meanwhile."""
    return any(office.attempted.is_set() for office in lived) or all(part.done() for part in parts)


def nothing_is_wrong(deployed: Stack) -> None:
    """Every log is published whole, every replica holds it; `cchc verify` and `cchc doctor` find nothing."""

    def settled() -> bool:
        rows = deployed.cchc_json("status", code=None)
        held = [row[name] for row in rows for name in ("held_by_scoring", "held_by_notifications") if name in row]
        ends = [row["head"] for row in rows for name in ("held_by_scoring", "held_by_notifications") if name in row]
        behind = [1 for here, end in zip(held, ends, strict=True) if here is not None and here != end]
        return not behind and all(row["published"] == row["head"] for row in rows)

    until(settled, deadline=120, what="every log is in its topic and its replicas", every=1)
    assert deployed.cchc_json("verify")["findings"] == []
    assert [check for check in deployed.cchc_json("doctor", code=None) if check["state"] == "failure"] == []


def a_clerk_sees_it(deployed: Stack) -> None:
    """By a link that counts once, through the proxy."""
    link = deployed.cchc("token", "--commune", "tien-ha", "--staff", "p14", "--link", "--url", deployed.address).strip()
    browser = Browser(deployed.address)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["code"][0]
    browser.post("/sign-in", {"code": code})
    page = browser.get(f"/communes/tien-ha/years/{YEAR}")
    assert all(staff in page for staff in FATES)


def a_large_file_comes_through(deployed: Stack, office: Office) -> None:
    """Evidence as large as is taken passes the proxy, and the operator reads it for a backup; nothing else is large."""
    [task] = office.give_out("p15", 1)
    largest = pdf(size=MAX_EVIDENCE)
    stored = office.upload("p15", f"/tasks/{task}/evidence", "quet.pdf", largest)
    assert stored["size"] == MAX_EVIDENCE
    kept = f"/var/lib/cchc/evidence/{office.commune}/{stored['sha256'][:2]}/{stored['sha256']}"
    as_operator = ("run", "--rm", "-T", "--entrypoint", "sha256sum", "cchc")
    assert deployed.compose(*as_operator, kept).startswith(stored["sha256"])
    with pytest.raises(NotDone, match=r"413 .*too-large"):
        office.send("p14", "/tasks", {"title": "x" * 2 * 1024 * 1024})


def two_workers_share(deployed: Stack, lived: list[Office]) -> None:
    """A second worker takes over half of the partitions, and all of them when the first is killed."""

    def shares() -> list[int]:
        asked = ["exec", "-T", "kafka", "/opt/kafka/bin/kafka-consumer-groups.sh", "--bootstrap-server", "kafka:9092"]
        asked += ["--command-config", "/run/cchc/kafka/client.properties"]
        said = deployed.compose(*asked, "--describe", "--group", "cchc.scoring", "--members", code=None)
        lines = [line.split() for line in said.splitlines() if line.startswith("cchc.scoring ")]
        return sorted(int(line[-1]) for line in lines)

    first = deployed.containers("scoring-work")
    deployed.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", "scoring-work=2", "scoring-work")
    until(lambda: shares() == [6, 6], deadline=90, what="both workers hold half of the partitions", every=1)
    before = [office.ratings()["p15"][1]["figures"]["n"] for office in lived]
    deployed.docker("kill", "--signal", "KILL", *first)
    for office in lived:
        office.give_out("p15", 3)
    until(lambda: shares() == [12], deadline=120, what="the other worker holds them all", every=1)
    for office, known in zip(lived, before, strict=True):
        assert office.ratings()["p15"][1]["figures"]["n"] == known + 3
    deployed.docker("start", *first)


def commands_go_on_without_a_broker(deployed: Stack, lived: list[Office]) -> None:
    [kafka] = deployed.containers("kafka")
    deployed.docker("kill", "--signal", "KILL", kafka)
    again = sum(office.again for office in lived)
    with ThreadPoolExecutor(len(lived)) as pool:
        list(pool.map(lambda office: office.give_out("p16", 40), lived))
    assert sum(office.again for office in lived) == again, "a command waited for the broker"
    deployed.docker("start", kafka)


def down_and_up(deployed: Stack, lived: list[Office]) -> None:
    def logs() -> dict[str, list[bytes]]:
        return {office.commune: office.log("tasks") for office in lived}

    before, known = logs(), outcome(lived)
    deployed.compose("down", "--timeout", "60", deadline=300)
    deployed.up()
    assert all(log[: len(before[commune])] == before[commune] for commune, log in logs().items())
    assert outcome(lived) == known
    nothing_is_wrong(deployed)


def test_a_container_reads_its_own_secrets_and_nothing_else(deployed: Stack):
    for service in LASTING:
        if service not in containers():
            continue
        [container] = deployed.containers(service)
        shown = deployed.docker("inspect", container)
        assert f'"User": "{containers()[service].user}:' in shown
        readable = "for file in /run/cchc/*/*; do [ -r $file ] && echo $file; done; true"
        found = deployed.docker("exec", container, "sh", "-c", readable).split()
        assert found, service
        assert {Path(file).parent.name for file in found} <= {service, "public"}
        own = [file for file in found if Path(file).parent.name == service and Path(file).name.startswith("p")]
        assert bool(own) == (service != "web"), "the screens hold no secret, every other container its own"
        secrets = "".join(deployed.docker("exec", container, "cat", file) for file in own)
        assert all(line.rsplit(":", 1)[-1] not in shown for line in secrets.splitlines())


def test_browsers_come_over_https(deployed: Stack, tmp_path: Path):
    folder = tmp_path / "tls"
    folder.mkdir()
    trusted, both = certificates.files(folder, "cchc.example")
    (folder / "fullchain.pem").write_bytes(trusted.read_bytes())
    (folder / "privkey.pem").write_bytes(both.read_bytes())
    for path in (folder, *folder.iterdir()):
        os.chown(path, 101, 101)
    port, in_the_clear = free_port(), free_port()
    secured = Stack(
        deployed.project,
        deployed.environment
        | {
            "COMPOSE_FILE": "docker-compose.yml:deploy/tls/docker-compose.yml",
            "CCHC_ORIGIN": f"https://cchc.example:{port}",
            "CCHC_TLS_FOLDER": str(folder),
            "CCHC_HTTPS_PORT": str(port),
            "CCHC_HTTP_PORT": str(in_the_clear),
        },
    )
    secured.compose("up", "--detach", "--wait", "--no-deps", "proxy", "web", "tasks")
    try:
        assert _sent_on(in_the_clear, "/nam/2024?x=1") == "https://cchc.example/nam/2024?x=1"
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            status, headers = _asked_over_tls(port, trusted, version)
            assert status == 200
            assert headers["Strict-Transport-Security"].startswith("max-age=")
        with pytest.raises(ssl.SSLError):
            _asked_over_tls(port, trusted, ssl.TLSVersion.TLSv1_1)
    finally:
        deployed.compose("up", "--detach", "--wait", "--no-deps", "proxy", "web", "tasks")


def _sent_on(port: int, path: str) -> str | None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers={"Host": "cchc.example"})
        answer = connection.getresponse()
        assert answer.status == 301
        return answer.getheader("Location")


def _asked_over_tls(port: int, trusted: Path, version: ssl.TLSVersion) -> tuple[int, http.client.HTTPMessage]:
    """The page of sign-in, as a browser gets it that speaks this version alone and trusts this certificate."""
    context = ssl.create_default_context(cafile=trusted)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="cchc.example") as secured,
    ):
        secured.sendall(b"GET / HTTP/1.1\r\nHost: cchc.example\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(secured)
        answer.begin()
        return answer.status, answer.headers
