"""A process that does one thing of the log's life and kills itself (SIGKILL) at a named place; for test_kill.py."""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from shared.eventlog import Decision, Log, open_database
from shared.eventlog.database import Query, run_together
from shared.eventlog.kafka import KafkaBroker
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.events import ProgressNoted
from tests.support.logs import COMMUNE


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class LogDyingBeforeItsCommit(Log):
    def _finish(self, connection: Connection, writes: Sequence[Query]) -> None:
        run_together(connection, writes)
        die()


class RelayDyingBeforeItsCursor(Relay):
    def _move(self, old: Mapping[str, int], new: Mapping[str, int]) -> None:
        die()


class ReplicaDyingBeforeItsOffsets(Replica):
    def _take(self, commune: str, bodies: Sequence[bytes]) -> None:
        super()._take(commune, bodies)
        die()


def writer(log: Log) -> None:
    """Append three events and die when all is written but COMMIT."""
    events = [ProgressNoted(task="t1", by="p07", note=f"Không bao giờ {number}") for number in range(3)]
    log.append(COMMUNE, lambda _: Decision(events), actor="staff/p07")


def main(role: str, url: str, bootstrap: str, topic: str) -> None:
    kind = LogDyingBeforeItsCommit if role == "writer" else Log
    log = kind(open_database(url, poolclass=NullPool) if "postgres" in url else open_database(url), "tasks")
    if role == "writer":
        writer(log)
    elif role == "relay":
        RelayDyingBeforeItsCursor(log, KafkaBroker(bootstrap), topic=topic).run(threading.Event())
    else:
        ReplicaDyingBeforeItsOffsets(log, KafkaBroker(bootstrap), topic, topic=topic).run(threading.Event())


if __name__ == "__main__":
    main(*sys.argv[1:])
