"""One process of several leads, by a lease: another takes over whatever happens to it, and it writes nothing more."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from cchc.installation import Installation
from cchc.settings import Settings
from shared import leader
from shared.background import Background
from shared.eventlog import NO_COMMUNE, open_database, writing
from shared.eventlog.database import run
from shared.eventlog.errors import Deposed
from shared.eventlog.fencing import fence
from shared.eventlog.kafka import ensure_topics
from shared.eventlog.migrations import migrate
from shared.leader import Leader
from shared.lease import Lease
from shared.worker import Loops, Unwell
from tests.conftest import RUN
from tests.support import kafka as brokers
from tests.support.leads import marking
from tests.support.line import Line, line_to
from tests.support.logs import open_commune
from tests.support.processes import ROOT
from tests.support.servers import Unavailable
from tests.support.waiting import until

TAKEOVER_S = 15.0
SHORT_S = 0.8


@pytest.fixture
def url(postgres: str) -> str:
    engine = open_database(postgres)
    migrate(engine, "services.tasks")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE marks (id serial, lease text, who text, number int)"))
    engine.dispose()
    return postgres


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


def marks(engine: Engine, lease: str) -> list[str]:
    """Who has marked, in the order in which it counted; each once for marks in a row."""
    with engine.connect() as connection:
        rows = connection.scalars(text("SELECT who FROM marks WHERE lease = :lease ORDER BY id"), {"lease": lease})
        found: list[str] = []
        for who in rows:
            if found[-1:] != [who]:
                found.append(who)
        return found


class Process:
    """What stands for a process here: its loops in threads, and whether the one loop runs."""

    def __init__(self, engine: Engine, name: str = "relay") -> None:
        self.begun = 0
        self.runs = threading.Event()
        self.fails = threading.Event()
        self.hangs = threading.Event()
        self.hung = threading.Event()
        self.problem: str | None = None
        self.hindered: str | None = None
        lease = None if engine.dialect.name == "sqlite" else Lease(engine, name, SHORT_S)
        self.leader = Leader(
            name, lease, {"one": self._loop}, stalled=lambda: self.problem, unable=lambda: self.hindered
        )
        self.loops = Loops({"alone": self.leader.run})

    def _loop(self, stop: threading.Event) -> None:
        self.begun += 1
        self.runs.set()
        try:
            while not stop.wait(0.01):
                if self.fails.is_set():
                    raise RuntimeError("the restore is unfinished")
                if self.hangs.is_set():
                    self.hung.wait(20)
        finally:
            self.runs.clear()

    @contextmanager
    def started(self) -> Iterator["Process"]:
        self.loops.start()
        try:
            yield self
        finally:
            self.hangs.clear()
            self.hung.set()
            self.loops.stop()
        assert not self.runs.is_set()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "LOOK_S", 0.05)
    monkeypatch.setattr(leader, "HUNG_S", 0.5)


@pytest.mark.usefixtures("quick")
def test_one_runs_and_the_other_takes_over_when_it_stops(engine: Engine) -> None:
    second = Process(engine)
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        with second.started():
            with Process(engine, "another name").started() as other:
                until(other.runs.is_set, what="under another name nobody waits")
            assert not second.runs.is_set()
            assert (first.leader.leads(), second.leader.leads()) == (True, False)
            assert first.leader.is_led() and second.leader.is_led()
            stopped = time.monotonic()
            first.loops.stop()
            assert not first.runs.is_set() and not first.leader.leads()
            until(second.runs.is_set, deadline=5, what="the second runs")
            assert time.monotonic() - stopped < SHORT_S  # it was let go, and did not have to expire


@pytest.mark.usefixtures("quick")
def test_a_loop_that_fails_ends_its_process_and_frees_the_lease(engine: Engine) -> None:
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        with Process(engine).started() as second:
            first.fails.set()
            until(lambda: first.loops.failure, what="the failure is the process's")
            assert str(first.loops.failure) == "the restore is unfinished"
            until(second.runs.is_set, deadline=5, what="the second runs")


@pytest.mark.usefixtures("quick")
def test_a_loop_that_hangs_is_taken_over_and_goes_on_where_there_is_nobody_else(engine: Engine) -> None:
    with Process(engine).started() as first:
        until(first.runs.is_set, what="the first runs")
        first.hangs.set()
        until(lambda: not first.leader.is_led(), what="it lets others lead")
        assert first.leader.problem
        first.hangs.clear()
        first.hung.set()
        until(first.leader.leads, what="nobody else did: it goes on")
        assert first.begun == 1

        first.hung.clear()
        first.hangs.set()
        with Process(engine).started() as second:
            until(second.runs.is_set, deadline=5, what="the other takes over")
            first.hung.set()
            until(lambda: not first.runs.is_set(), what="the first stops")
            assert second.leader.leads() and not first.leader.leads()


@pytest.mark.usefixtures("quick")
def test_who_stalls_is_replaced_by_one_that_is_able(engine: Engine) -> None:
    with Process(engine).started() as first, Process(engine).started() as second:
        until(lambda: first.runs.is_set() or second.runs.is_set(), what="one runs")
        leads, waits = (first, second) if first.runs.is_set() else (second, first)
        waits.hindered = "no broker here either"
        leads.problem = "no broker"
        until(lambda: not waits.leader.is_led(), what="it lets others lead")
        assert leads.runs.is_set() and not waits.runs.is_set()  # nobody is able to: it goes on trying
        leads.hindered = "no broker"
        waits.hindered = None
        until(waits.runs.is_set, deadline=5, what="the other has become able")
        until(lambda: not leads.runs.is_set(), what="and the first stops")


def test_on_sqlite_every_process_leads(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/one.db")
    with Process(engine).started() as first, Process(engine).started() as second:
        until(lambda: first.runs.is_set() and second.runs.is_set(), what="both run")
        assert first.leader.leads() and second.leader.is_led()
    engine.dispose()


def test_numbers_grow_and_only_the_last_holder_writes(engine: Engine) -> None:
    first, second = (Lease(engine, "relay", 0.2) for _ in range(2))
    assert first.take() and not second.take()
    assert not second.is_free()
    until(second.take, deadline=5, what="it expires")
    assert (first.number, second.number) == (1, 2)
    assert not first.renew() and not first.let_go() and not first.take()
    until(second.is_free, deadline=5, what="it expires again")
    assert second.renew() and not second.is_free()  # nobody has taken it: the number stays
    assert second.let_go() and second.is_free()
    until(first.take, what="it was let go")
    assert first.number == 3


class Case:
    """A process that leads, and another that waits; what is done to the first, and undone."""

    def __init__(self, url: str, lease: str, *, stop_at: int = 0) -> None:
        self.stack = ExitStack()
        address = make_url(url)
        self.line: Line = self.stack.enter_context(line_to(str(address.host), int(address.port or 5432)))
        through = address.set(host="127.0.0.1", port=self.line.port).render_as_string(hide_password=False)
        self.popen = self.stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.leads", through, lease, "first", str(stop_at)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self.stack.callback(self.popen.kill)
        self.lease = lease
        self.engine = open_database(url)
        self.stack.callback(self.engine.dispose)
        loop = marking(self.engine, lease, "second")
        self.second = Loops({lease: Leader(lease, Lease(self.engine, lease), {"mark": loop}).run})
        self.stack.callback(self.second.stop)

    def seconds(self, harm: Callable[[], object], heal: Callable[[], object] | None) -> float:
        """From the harm to the takeover. Nothing that the first does afterwards counts."""
        assert self.popen.stdout
        with self.stack:
            assert "runs mark" in self.popen.stdout.readline()
            until(lambda: marks(self.engine, self.lease), what="the first leads")
            self.second.start()
            harm()
            begun = time.monotonic()
            until(lambda: "second" in marks(self.engine, self.lease), deadline=40, what=f"{self.lease}: taken over")
            taken = time.monotonic() - begun
            if heal:
                heal()
                said = iter(self.popen.stdout.readline, "")
                assert any("another process runs mark" in line for line in said)
            assert marks(self.engine, self.lease) == ["first", "second"]
            if heal:
                self.second.stop()
                until(lambda: marks(self.engine, self.lease)[2:] == ["first"], what="it may lead again")
            return taken


def test_another_takes_over_within_seconds_whatever_happens_to_the_leader(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the real pace, all at once: it takes as long as the slowest."""

    def killed() -> float:
        case = Case(url, "killed")
        return case.seconds(case.popen.kill, None)

    def frozen() -> float:
        case = Case(url, "frozen")
        return case.seconds(
            lambda: case.popen.send_signal(signal.SIGSTOP), lambda: case.popen.send_signal(signal.SIGCONT)
        )

    def frozen_in_a_transaction() -> float:
        case = Case(url, "frozen in a transaction", stop_at=3)

        def stands() -> bool:
            return Path(f"/proc/{case.popen.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

        return case.seconds(
            lambda: until(stands, what="it stands still"), lambda: case.popen.send_signal(signal.SIGCONT)
        )

    def cut_off() -> float:
        case = Case(url, "cut from the database")
        return case.seconds(case.line.cut, case.line.mend)

    cases = [killed, frozen, frozen_in_a_transaction, cut_off]
    with ThreadPoolExecutor(len(cases)) as pool:
        taken = dict(zip(cases, pool.map(lambda case: case(), cases), strict=True))
    with capsys.disabled():
        print("".join(f"\n{case.__name__:<25}taken over after {seconds:.1f} s" for case, seconds in taken.items()))
    assert max(taken.values()) < TAKEOVER_S


@pytest.mark.kafka
def test_a_relay_that_is_cut_from_the_broker_alone_is_taken_over(
    url: str, tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        try:
            direct, over_line, line = stack.enter_context(brokers.over_a_line(pytestconfig.stash[RUN]))
        except Unavailable as error:
            pytest.skip(str(error))
        ensure_topics(direct, ["tasks"], partitions=1, replication=1)

        def process(bootstrap: str) -> tuple[Background, Loops]:
            environment = {"CCHC_KAFKA": bootstrap, "CCHC_DATABASE_TASKS": url}
            installation = Installation(Settings.from_environment(environment, tmp_path))
            stack.callback(installation.close)
            background = installation.background("tasks")
            loops = Loops(background.named_loops())
            stack.callback(loops.stop)
            return background, loops

        (first, first_loops), (second, second_loops) = process(over_line), process(direct)

        def is_published() -> bool:
            return first.log.published() == {commune: head.position for commune, head in first.log.heads().items()}

        def relays(background: Background) -> bool:
            found = {
                (sample.name, *sample.labels): sample.value for measure in background.measures() for sample in measure()
            }
            return bool(found["cchc_relay_up", "tasks"] and found["cchc_leader", "tasks", "relay"])

        def is_ready(background: Background) -> bool:
            with suppress(Unwell):
                for check in background.checks().values():
                    check()
                return True
            return False

        open_commune(first.log)
        first_loops.start()
        until(is_published, what="the first relays")
        second_loops.start()
        until(lambda: relays(first) and not relays(second), what="the figures say who does")
        assert is_ready(first) and is_ready(second)
        line.cut()
        open_commune(first.log, "xa-2")
        cut = time.monotonic()
        until(is_published, deadline=30, what="the second relays")
        taken = time.monotonic() - cut
        with capsys.disabled():
            print(f"\ncut from the broker      taken over after {taken:.1f} s")
        assert taken < TAKEOVER_S
        assert relays(second) and not relays(first)
        assert is_ready(first)  # nothing is wrong: the other relays
        line.mend()
        second_loops.stop()
        open_commune(first.log, "xa-3")
        until(is_published, deadline=60, what="the first relays again")


def test_a_write_that_began_before_the_takeover_holds_it_up_and_none_begins_after(engine: Engine) -> None:
    first, second = (Lease(engine, "relay", 0.2) for _ in range(2))
    assert first.take()
    taken = threading.Event()

    def take() -> None:
        until(second.take, deadline=20, what="the second takes it")
        taken.set()

    def write() -> None:
        fence.set(first.fence())
        with writing(engine, NO_COMMUNE) as connection:
            thread = threading.Thread(target=take)
            thread.start()
            assert not taken.wait(1.0)  # five times as long as it lasts
            run(connection, "INSERT INTO marks (who) VALUES ('first')")
        assert taken.wait(20)
        thread.join()
        with pytest.raises(Deposed), writing(engine, NO_COMMUNE) as connection:
            run(connection, "INSERT INTO marks (who) VALUES ('first')")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write).result()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM marks")) == 1
