"""From a command's commit to facts in scoring's rows: tasks with its relay in one process, scoring in another."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import Engine

from bench.commands import Commands, fill
from bench.generate import communes, open_service
from bench.measure import show
from bench.servers import Servers
from services.scoring.views import PROJECTION, SOURCES
from shared.eventlog import Log, open_database
from shared.eventlog.kafka import TOPIC_SETTINGS, KafkaBroker
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.projection import Runner, all_positions
from shared.worker import Loops
from tests.support.servers import Unavailable

RATE = 200
COMMUNES = 4
SECONDS = {False: 20, True: 3}
PAST = {False: 3000, True: 600}
LOOK_S = 0.002  # how often the rows are looked at: what is measured may be shorter by so much
GIVE_UP_S = 60
PARTITIONS = 12


def run(quick: bool, servers: Servers) -> None:
    kafka = servers.kafka()
    topic = kafka.create_topic("latency", PARTITIONS, **TOPIC_SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        tasks, scoring = (f"sqlite:///{Path(folder, name)}.db" for name in ("tasks", "scoring"))
        times = Path(folder, "times.json")
        fill(tasks, COMMUNES, PAST[quick])
        with open_service(scoring, "services.scoring") as engine:
            consumer = _start("consume", scoring, kafka.bootstrap, topic, kafka.name("group"))
            producer = _start("produce", tasks, kafka.bootstrap, topic, SECONDS[quick], str(times))
            try:
                waited = _measured(open_database(tasks), engine, producer, times)
            finally:
                for process in (producer, consumer):
                    process.kill()
                    process.wait()
    cuts = quantiles(waited, n=100)
    what = f"commit to facts in scoring over Kafka at {len(waited) / SECONDS[quick]:.0f}/s: p50"
    show(what, f"{cuts[49] * 1000:,.0f} ms")
    show("  p99", f"{cuts[98] * 1000:,.0f} ms", bound="< 250 ms", ok=cuts[98] < 0.25)


def _measured(tasks: Engine, scoring: Engine, producer: "subprocess.Popen[bytes]", times: Path) -> list[float]:
    """Seconds from each commit until scoring's rows hold it."""
    log = Log(tasks, "tasks")
    seen: dict[tuple[str, int], float] = {}
    _watch(log, scoring, seen, lambda: True)  # until what was there before has arrived
    if producer.stdin:
        producer.stdin.close()  # go
    _watch(log, scoring, seen, times.exists)
    committed = json.loads(times.read_text())
    return [seen[commune, position] - at for commune, position, at in committed]


def _watch(log: Log, scoring: Engine, seen: dict[tuple[str, int], float], over: Callable[[], bool]) -> None:
    """Note when each position is first seen in scoring, until it is `over` and all has arrived."""
    deadline = time.monotonic() + GIVE_UP_S
    at = dict.fromkeys(communes(COMMUNES), 0)
    while not over() or any(head.position > at[commune] for commune, head in log.heads().items()):
        now = time.monotonic()
        if now > deadline:
            raise Unavailable(f"scoring stays at {at}")
        for commune, positions in all_positions(scoring, PROJECTION.name).items():
            reached = positions["tasks"].position
            for position in range(at[commune] + 1, reached + 1):
                seen.setdefault((commune, position), now)
            at[commune] = reached
        time.sleep(LOOK_S)


def _start(function: str, *arguments: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bench.measure", f"bench.latency:{function}", json.dumps(arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def produce(tasks: str, bootstrap: str, topic: str, seconds: float, times: str) -> None:
    """Relay, and after a word on stdin commands at an even rate; writes when each was committed."""
    commands = [Commands(tasks, commune) for commune in communes(COMMUNES)]
    relay = Relay(commands[0].log, KafkaBroker(bootstrap), topic=topic)
    Loops({"relay": relay.run}).start()
    sys.stdin.read()
    committed, begin = [], time.monotonic()
    for number in range(int(RATE * seconds)):
        time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
        command = commands[number % COMMUNES]
        committed.append((command.commune, command(), time.monotonic()))
    part = Path(times).with_suffix(".part")
    part.write_text(json.dumps(committed))
    part.rename(times)
    threading.Event().wait()  # the relay goes on until this process is ended


def consume(scoring: str, bootstrap: str, topic: str, group: str) -> None:
    """What scoring's worker runs: the replica's consumer and the records."""
    engine = open_database(scoring)
    logs = {source: Log(engine, source) for source in SOURCES}
    replica = Replica(logs["tasks"], KafkaBroker(bootstrap), group, topic=topic)
    loops = Loops({"replica": replica.run, "records": Runner(engine, logs, PROJECTION).run})
    loops.start()
    loops.stopping.wait()
