"""What stands still costs no memory: broker, database, owner's feed, mail server. CCHC_FROZEN_S lengthens it."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import pytest

from cchc.installation import Installation
from services.scoring.views import PROJECTION
from shared.eventlog import Decision
from shared.events import VIETNAM
from shared.projection import all_positions
from shared.worker import Loops
from tests.scenario.conftest import ROOT, Worker, command_line, settings_of, working
from tests.support.histories import assigned, completed, opened, reported
from tests.support.kafka import PrivateKafka
from tests.support.line import line_to
from tests.support.mail import smtp_server
from tests.support.postgres import PrivatePostgres
from tests.support.reminded import SmallCommune
from tests.support.waiting import until

# A consumer whose broker stood still used to grow by 20 to 40 MiB a second from the fifth second on.
FROZEN_S = float(os.environ.get("CCHC_FROZEN_S", "14"))
GROWTH_MIB = 16.0  # garbage of kafka-python waits for a collection of this size
COMMUNE = "xa-01"


def resident(process: int) -> float:
    """MiB of memory that the process takes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def cpu(process: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stays_flat(processes: Mapping[str, int], before: Mapping[str, float], seconds: float) -> None:
    """So long, no process may grow by more than a little over what it took before, nor turn in circles."""
    used = {name: cpu(process) for name, process in processes.items()}
    end = time.monotonic() + seconds

    def too_large() -> dict[str, float]:
        grown = {name: resident(process) - before[name] for name, process in processes.items()}
        return {name: size for name, size in grown.items() if size > GROWTH_MIB}

    until(lambda: time.monotonic() >= end or too_large(), deadline=seconds + 5, every=0.2)
    assert too_large() == {}
    busy = {name: (cpu(process) - used[name]) / seconds for name, process in processes.items()}
    assert max(busy.values()) < 0.5, busy


@pytest.fixture
def environment(private_postgres: PrivatePostgres, bootstrap: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Tasks and scoring, whose owners' feeds take connections and never answer."""
    with ExitStack() as stack:
        silent = stack.enter_context(line_to("127.0.0.1", 1))
        silent.cut()
        found = {
            "CCHC_DATA": str(tmp_path / "data"),
            "CCHC_KAFKA": bootstrap,
            "CCHC_URLS": f"http://127.0.0.1:{silent.port}/api/v1/{{service}}",
            "PYTHONPATH": str(ROOT),
        }
        for service in ("TASKS", "SCORING"):
            found[f"CCHC_DATABASE_{service}"] = stack.enter_context(private_postgres.fresh_database())
        cchc = command_line(tmp_path / "data")
        cchc("migrate", **found)
        cchc("topics", "--partitions", "6", **found)
        yield found


def live(installation: Installation, number: int) -> None:
    today, task = datetime.now(VIETNAM).date(), f"t{number}"
    events = [assigned(task, lead="p07", due=today), reported(task, on=today), completed(task, on=today)]
    installation.tasks.log.append(COMMUNE, lambda _: Decision(events), actor="staff/vp")


def is_settled(installation: Installation) -> bool:
    """Is everything published, held and folded?"""
    head = installation.tasks.log.head(COMMUNE).position
    at = all_positions(installation.scoring.engine, PROJECTION.name).get(COMMUNE, {}).get("tasks")
    return installation.tasks.log.published().get(COMMUNE) == head == (at.position if at else 0)


def test_memory_stays_flat_while_broker_database_and_feeds_stand_still(
    environment: dict[str, str], private_kafka: PrivateKafka, private_postgres: PrivatePostgres, tmp_path: Path
):
    with (
        closing(Installation(settings_of(tmp_path / "data", **environment))) as installation,
        working("tasks", environment) as tasks,
        working("scoring", environment) as scoring,
    ):
        workers: dict[str, Worker] = {"tasks": tasks, "scoring": scoring}
        processes = {name: worker.process.pid for name, worker in workers.items()}
        installation.tasks.log.append(COMMUNE, lambda _: Decision([opened()]), actor="staff/vp")
        live(installation, 1)
        until(lambda: is_settled(installation), deadline=60, what="everything runs")
        before = {name: resident(process) for name, process in processes.items()}

        private_kafka.broker.pause()
        live(installation, 2)  # a command needs no broker
        stays_flat(processes, before, FROZEN_S)
        private_kafka.broker.resume()
        until(lambda: is_settled(installation), deadline=60, what="work goes on when the broker does")

        with private_postgres.paused():
            stays_flat(processes, before, FROZEN_S / 2)
        live(installation, 3)
        until(lambda: is_settled(installation), deadline=60, what="work goes on when the database does")
        assert [name for name, worker in workers.items() if worker.process.poll() is not None] == []


def test_memory_stays_flat_while_the_mail_server_says_nothing(tmp_path: Path):
    with smtp_server() as postbox, line_to("127.0.0.1", postbox.port) as line:
        environment = {
            "CCHC_SMTP": f"smtp://127.0.0.1:{line.port}",
            "CCHC_MAIL_FROM": "UBND xã Nhỏ <vanphong@xa-nho.example>",
            "CCHC_LINK_BASE": "https://xa-nho.example/",
        }
        commune = SmallCommune(tmp_path, "2024-06-03", (2024,), **environment)
        commune.assign("rà soát", lead="p04", due="2024-06-18")
        commune.down_to("2024-06-18 09:00")
        line.cut()
        loops = Loops(commune.installation.background("notifications").named_loops())
        with closing(commune.installation):
            loops.start()
            try:
                until(lambda: commune.occurrences("rà soát", channel="email"), what="a mail waits")
                own = {"own": os.getpid()}
                stays_flat(own, {name: resident(process) for name, process in own.items()}, FROZEN_S / 4)
                assert postbox.mails() == []
                line.mend()
                until(postbox.mails, deadline=60, what="it goes out when the server answers")
            finally:
                loops.stop()
