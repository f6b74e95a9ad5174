"""The Kafka broker of the tests: found, or started in a container or from jars; paused, killed and started again."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from kafka import KafkaAdminClient
from kafka.errors import InvalidReplicationFactorError

from shared.eventlog.kafka import KafkaBroker
from tests.support.line import Line, line_to
from tests.support.servers import (
    DOCKER_START_SECONDS,
    Found,
    Run,
    Server,
    Unavailable,
    docker_host,
    first_that_works,
    free_port,
    locked,
    run_quietly,
)
from tests.support.waiting import until

POM = Path(__file__).parent / "broker" / "pom.xml"
VERSION = ET.parse(POM).findtext(".//{*}kafka.version") or ""  # noqa: S314 - a file of this repository
JAVA = 17
START_SECONDS = 60
ASK_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # length; ApiVersions, version 0; correlation; no client id
JVM_OPTIONS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# One node that is broker and controller; what a production cluster would keep and what makes tests wait is turned off.
SETTINGS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "broker.session.timeout.ms": "2000",  # a killed broker is let in again only after this
    "broker.heartbeat.interval.ms": "200",
    "log.retention.ms": "-1",
    "log.segment.delete.delay.ms": "0",
    "num.partitions": "1",
}


@dataclass(frozen=True)
class Broker:
    """A broker that belongs to one worker: what is done to it disturbs no other test. Keeps its port and its log."""

    bootstrap: str
    pause: Callable[[], None]  # the process stands still: connections stay open and nothing answers
    resume: Callable[[], None]
    stop: Callable[[], None]  # kill -9
    start: Callable[[], None]  # waits until it answers; nothing when it runs


@dataclass(frozen=True)
class Kafka:
    """A broker to use, with names that no other test uses."""

    bootstrap: str
    prefix: str

    @property
    def client(self) -> KafkaBroker:
        """As relays and replicas use it."""
        return KafkaBroker(self.bootstrap)

    def name(self, name: str) -> str:
        """A name of this test alone, for a topic or a group."""
        return self.prefix + name

    def create_topic(self, name: str, partitions: int = 1, **configs: object) -> str:
        """A new topic, ready for use, e.g. create_topic("tasks", **{"retention.ms": -1}); its whole name."""
        topic = self.name(name)
        settings = {key: str(value) for key, value in configs.items()}
        wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": settings}

        def created() -> bool:
            try:
                client.create_topics({topic: wanted}, wait_for_metadata=True)
            except InvalidReplicationFactorError:
                return False  # on a busy machine the only broker may have missed its heartbeats for a while
            return True

        with admin(self.bootstrap) as client:
            until(created, what=f"topic {topic} is created")
        return topic


@dataclass(frozen=True)
class PrivateKafka(Kafka):
    """The same over a broker that the test may stop."""

    broker: Broker


def named(bootstrap: str) -> Kafka:
    return Kafka(bootstrap, f"t{uuid.uuid4().hex[:12]}.")


def admin(bootstrap: str, **options: Any) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=bootstrap, **options)


def check(bootstrap: str) -> None:
    """OSError unless the broker says which requests it knows, which it does as soon as it takes any."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=1) as connection:
        connection.sendall(ASK_VERSIONS)
        if not connection.recv(4):
            raise ConnectionError("the connection was closed without an answer")


def answers(bootstrap: str) -> bool:
    try:
        check(bootstrap)
    except OSError:
        return False
    return True


def listeners(port: int, controller_port: int, *, listen: str, host: str) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://{listen}:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
    }


def java() -> str:
    program = str(Path(os.environ["JAVA_HOME"], "bin", "java")) if os.environ.get("JAVA_HOME") else shutil.which("java")
    if not program:
        raise Unavailable(f"no java (needs {JAVA} or later)")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) < JAVA:
        raise Unavailable(f"{program} is not Java {JAVA} or later: {said.strip().splitlines()[:1]}")
    return program


def jars() -> Path:
    """The folder of the broker's jars, fetched with Maven the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cchc", "kafka")
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / VERSION
    with locked(cache / f"{VERSION}.lock"):
        if not folder.exists():
            maven = shutil.which("mvn")
            if not maven:
                raise Unavailable("the broker's jars are not in the cache and there is no mvn to fetch them")
            fetched = cache / f"{VERSION}.part"
            shutil.rmtree(fetched, ignore_errors=True)
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
            run_quietly([maven, "-B", "-q", "-f", str(POM), *goal], deadline=600)
            fetched.rename(folder)
    return folder


class LocalBroker:
    """A broker from the jars, in a directory of its own."""

    def __init__(self, run: Run, more: Callable[[dict[str, str]], dict[str, str]] = dict) -> None:
        """With `more` settings than those of all brokers, given these."""
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        jvm = [java(), *JVM_OPTIONS, "-cp", f"{jars()}/*"]
        self.server = Server(run, "kafka", {"command": [*jvm, "kafka.Kafka", "server.properties"], "user": None})
        directory = self.server.directory
        settings = SETTINGS | listeners(port, free_port(), listen="127.0.0.1", host="127.0.0.1")
        settings |= more(settings)
        settings["log.dirs"] = str(directory / "data")
        lines = [f"{key}={value}\n" for key, value in settings.items()]
        (directory / "server.properties").write_text("".join(lines))
        form = ["format", "--cluster-id", "Y2NoYy10ZXN0LWJyb2tlcg", "--config", "server.properties"]
        run_quietly([*jvm, "kafka.tools.StorageTool", *form], deadline=START_SECONDS, cwd=directory)
        self.server.launch(lambda: answers(self.bootstrap), START_SECONDS)

    def pause(self) -> None:
        self.server.signal(signal.SIGSTOP)

    def resume(self) -> None:
        with suppress(ProcessLookupError):  # a test that failed left it stopped
            self.server.signal(signal.SIGCONT)

    def start(self) -> None:
        if self.server.keeper.poll() is not None:
            self.server.launch(lambda: answers(self.bootstrap), START_SECONDS)

    def stop(self) -> None:
        self.server.kill()


def over_tls(run: Run, both: Path, clients: Path) -> str:
    """A local broker that takes clients over TLS too, and only those with a certificate of `clients`; host:port.

    `both` holds the broker's certificate and key (PEM, for 127.0.0.1).
    """
    place = f"127.0.0.1:{free_port()}"

    def secured(settings: dict[str, str]) -> dict[str, str]:
        listened = {name: f"{settings[name]},SSL://{place}" for name in ("listeners", "advertised.listeners")}
        stores = {"ssl.keystore": both, "ssl.truststore": clients}
        files = {f"{store}.location": str(file) for store, file in stores.items()}
        types = {f"{store}.type": "PEM" for store in stores}
        protocols = f"{settings['listener.security.protocol.map']},SSL:SSL"
        asked = {"listener.security.protocol.map": protocols, "ssl.client.auth": "required"}
        return listened | files | types | asked

    LocalBroker(run, secured)
    return place


@contextmanager
def over_a_line(run: Run) -> Iterator[tuple[str, str, Line]]:
    """A local broker, host:port, and a second way to it, over a line that can be cut."""
    port = free_port()
    with line_to("127.0.0.1", port) as line:

        def twice(settings: dict[str, str]) -> dict[str, str]:
            return {
                "listeners": f"{settings['listeners']},LINE://127.0.0.1:{port}",
                "advertised.listeners": f"{settings['advertised.listeners']},LINE://127.0.0.1:{line.port}",
                "listener.security.protocol.map": f"{settings['listener.security.protocol.map']},LINE:PLAINTEXT",
            }

        yield LocalBroker(run, twice).bootstrap, f"127.0.0.1:{line.port}", line


class ContainerBroker:
    """A broker in a Docker container that publishes the same port each time it starts."""

    def __init__(self, run: Run) -> None:
        host = docker_host()
        port = free_port()
        self.bootstrap = f"{host}:{port}"
        settings = SETTINGS | listeners(port, 9093, listen="0.0.0.0", host=host)
        env = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
        env["KAFKA_HEAP_OPTS"] = " ".join(JVM_OPTIONS[:2])
        spec = {"image": f"apache/kafka:{VERSION}", "env": env, "port": port, "inner_port": port}
        self.server = Server(run, "kafka", spec)
        self.server.launch(lambda: answers(self.bootstrap), DOCKER_START_SECONDS)

    def _docker(self, *what: str) -> None:
        run_quietly(["docker", *what, (self.server.directory / "container").read_text()], deadline=START_SECONDS)

    def pause(self) -> None:
        self._docker("pause")

    def resume(self) -> None:
        with suppress(Unavailable):  # it is not paused
            self._docker("unpause")

    def start(self) -> None:
        self._docker("start")
        until(lambda: answers(self.bootstrap), deadline=START_SECONDS, what="the broker answers again")

    def stop(self) -> None:
        self._docker("kill")


def in_container(run: Run) -> Found:
    broker = ContainerBroker(run)
    return Found(f"Apache Kafka {VERSION} in Docker", broker.bootstrap)


def local(run: Run) -> Found:
    return Found(f"local Apache Kafka {VERSION}", LocalBroker(run).bootstrap)


find = first_that_works("CCHC_TEST_KAFKA", check, {"Docker": in_container, "local broker": local})


def private(run: Run) -> Broker:
    """A broker for this worker alone: from the jars, which start fastest, else in a container."""
    reasons = []
    for kind in (LocalBroker, ContainerBroker):
        try:
            broker = kind(run)
        except Unavailable as error:
            reasons.append(str(error))
        else:
            return Broker(broker.bootstrap, broker.pause, broker.resume, broker.stop, broker.start)
    raise Unavailable("no broker of one's own: " + "; ".join(reasons))
