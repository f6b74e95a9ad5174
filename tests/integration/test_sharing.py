"""Workers of one service that share its communes, over a real Kafka and PostgreSQL."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, select

from services.scoring.domain.records import Records
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.service import Scoring, open_scoring
from services.scoring.tables import records
from services.scoring.views import PROJECTION
from shared.eventlog import Log, open_database
from shared.eventlog.kafka import TOPIC_SETTINGS, KafkaBroker, partition_of
from shared.eventlog.migrations import migrate
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica, Share
from shared.events import Envelope, ScoreUpdated, decode
from shared.leader import Leader
from shared.lease import Lease
from shared.projection import Runner, all_positions
from shared.projection.records import RecordsProjection
from shared.worker import Loop, Loops
from tests.support.histories import History, appointed, assigned, completed, opened, reported
from tests.support.kafka import Kafka, PrivateKafka
from tests.support.logs import note, open_commune
from tests.support.postgres import Postgres
from tests.support.waiting import until

# kafka-python leaves the sockets of its failed attempts to connect to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

PARTITIONS = 6
COMMUNES = [f"xa-{number:02d}" for number in range(12)]
QUICK: dict[str, Any] = {"session_timeout_ms": 3000, "heartbeat_interval_ms": 500}


class CountedRecords(RecordsProjection[Records]):
    """The records of scoring, counting what was folded."""

    def __init__(self) -> None:
        version, sources = PROJECTION.fold_version, PROJECTION.sources
        super().__init__(records, Records, self._counted, fold_version=version, sources=sources)
        self.folded: Counter[str] = Counter()

    def _counted(self, state: Records, envelope: Envelope) -> None:
        self.folded[envelope.commune] += 1
        PROJECTION.fold(state, envelope)


class Worker:
    """The loops of a scoring worker, with an engine of its own, as a process would have it."""

    def __init__(self, url: str, kafka: Kafka, topic: str) -> None:
        self.engine = open_database(url)
        self.scoring = open_scoring(self.engine)
        self.replica = Replica(
            self.scoring.logs["tasks"], KafkaBroker(kafka.bootstrap, **QUICK), topic, topic=topic, retry_s=0.1
        )
        self.projection = CountedRecords()
        is_ours = self.replica.is_ours
        self.loops = Loops(
            {
                "replica": self.replica.run,
                "records": Runner(self.engine, self.scoring.logs, self.projection, is_ours).run,
                "announcer": ScoreAnnouncer(self.scoring, is_ours).run,
            }
        )

    @property
    def folded(self) -> Counter[str]:
        return self.projection.folded

    def communes(self) -> set[str]:
        return {commune for commune in COMMUNES if self.replica.is_ours(commune)}

    def stop(self) -> None:
        self.loops.stop()
        self.engine.dispose()
        assert self.loops.failure is None


@pytest.fixture
def topic(kafka: Kafka) -> str:
    return kafka.create_topic("tasks", PARTITIONS, **TOPIC_SETTINGS)


@pytest.fixture
def owner(postgres_server: Postgres) -> Iterator[Log]:
    """The tasks log, in a database of its own."""
    with database(postgres_server, "services.tasks") as url:
        engine = open_database(url)
        yield Log(engine, "tasks")
        engine.dispose()


@pytest.fixture
def url(postgres_server: Postgres) -> Iterator[str]:
    """Scoring's database."""
    with database(postgres_server, "services.scoring") as url:
        yield url


@contextmanager
def database(server: Postgres, service: str) -> Iterator[str]:
    with server.fresh_database() as url:
        engine = open_database(url)
        migrate(engine, service)
        engine.dispose()
        yield url


def is_folded(scoring: Scoring, owner: Log) -> Callable[[], bool]:
    """Everything that was recorded is in the records, the own log's announcements included."""

    def folded() -> bool:
        heads = {"tasks": owner.heads(), "scoring": scoring.logs["scoring"].heads()}
        reached = all_positions(scoring.engine, PROJECTION.name)
        return all(
            reached.get(commune, {}).get(source) and reached[commune][source].position == head.position
            for source, of in heads.items()
            for commune, head in of.items()
        )

    return folded


def rows(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(select(records).order_by(records.c.commune, records.c.kind, records.c.id))
        return [tuple(row) for row in found]


def announced(scoring: Scoring) -> dict[str, list[Any]]:
    """The figures that were announced in each commune, in order: one more when half a batch was folded first."""
    told: dict[str, list[Any]] = {}
    for commune in scoring.logs["scoring"].heads():
        for body in scoring.logs["scoring"].read_all(commune):
            data = decode(body).data
            if isinstance(data, ScoreUpdated):
                told.setdefault(commune, []).append(data.figures)
    return told


def has_announced(scoring: Scoring, tasks: int) -> Callable[[], bool]:
    """Every commune's newest score counts so many tasks."""
    return lambda: [of[-1]["n"] for of in announced(scoring).values()] == [tasks] * len(COMMUNES)


def test_a_share_is_what_kafkas_clients_put_there() -> None:
    shares = [Share(frozenset({0, 2, 4}), PARTITIONS, 0.0), Share(frozenset({1, 3, 5}), PARTITIONS, 0.0)]
    for commune in COMMUNES:
        assert [share.holds(commune) for share in shares] == [
            partition_of(commune, PARTITIONS) % 2 == 0,
            partition_of(commune, PARTITIONS) % 2 == 1,
        ]
    assert not Share(frozenset(), PARTITIONS, 0.0).holds("xa-00")  # more workers than partitions
    assert Share(frozenset(), 0, 0.0).holds("xa-00")  # no topic, nobody to share with


def test_before_the_groups_first_word_nothing_is_mine_and_without_a_group_in_the_end_everything(
    url: str, kafka: Kafka
) -> None:
    engine = open_database(url)
    alone = Replica(Log(engine, "tasks"), KafkaBroker("127.0.0.1:1"), "group", alone_s=2.0)
    assert not any(map(alone.is_ours, COMMUNES))
    until(lambda: all(map(alone.is_ours, COMMUNES)), what="no commune stays without an owner")
    engine.dispose()


def test_two_workers_share_the_communes_and_the_other_takes_over(
    owner: Log, url: str, kafka: Kafka, topic: str
) -> None:
    histories = {commune: History(commune).record("1/1", opened(), appointed("p07")) for commune in COMMUNES}

    def record(number: int) -> None:
        for commune, history in histories.items():
            history.record("14/6", assigned(f"t{number}", lead="p07"), reported(f"t{number}", on="14/6"))
            history.record("14/6", completed(f"t{number}", on="14/6"))
            owner.append_verbatim(commune, history.bodies["tasks"])

    with ExitStack() as stack:
        relay = Loops({"relay": Relay(owner, kafka.client, topic=topic).run})
        stack.callback(relay.stop)
        relay.start()
        first, second = (Worker(url, kafka, topic) for _ in range(2))
        settled = is_folded(first.scoring, owner)

        record(1)
        stack.callback(first.stop)
        first.loops.start()
        until(settled, deadline=60, what="one worker folds everything")
        until(has_announced(first.scoring, 1), what="and announces every commune's score")
        until(settled, what="and folds that")
        assert first.communes() == set(COMMUNES)
        alone = first.folded.total()
        assert alone == events(first.scoring)

        second.loops.start()
        until(lambda: second.communes() and first.communes().isdisjoint(second.communes()), what="they share")
        shares = first.communes(), second.communes()
        assert shares[0] | shares[1] == set(COMMUNES)
        before = {commune: first.folded[commune] for commune in COMMUNES}
        record(2)
        until(settled, what="both fold")
        until(has_announced(first.scoring, 2), what="and announce")
        until(settled, what="and fold that")
        assert {commune for commune in COMMUNES if first.folded[commune] > before[commune]} == shares[0]
        assert set(second.folded) == shares[1]
        assert first.folded.total() + second.folded.total() == events(first.scoring)

        stopped_at = time.monotonic()
        second.stop()
        until(lambda: first.communes() == set(COMMUNES), what="the first has everything again")
        assert time.monotonic() - stopped_at < 3  # a stopped worker leaves its group; nobody waits for its session
        record(3)
        until(settled, what="and folds it")
        until(has_announced(first.scoring, 3), what="and announces it")
        until(settled, what="and folds that")
        assert first.folded.total() + second.folded.total() == events(first.scoring)
        # Nobody announced what another had announced.
        assert all(before != after for of in announced(first.scoring).values() for before, after in pairwise(of))

        live = rows(first.engine)
        Runner(first.engine, first.scoring.logs, PROJECTION).rebuild()
        assert rows(first.engine) == live


def events(scoring: Scoring) -> int:
    return sum(head.position for log in scoring.logs.values() for head in log.heads().values())


def in_order(bodies: Sequence[bytes]) -> dict[str, list[bytes]]:
    """What each commune's readers take from a topic: what is not next is dropped."""
    taken: dict[str, list[bytes]] = {}
    for body in bodies:
        event = decode(body)
        if event.position == len(taken.setdefault(event.commune, [])) + 1:
            taken[event.commune].append(body)
    return taken


def topic_values(kafka: Kafka, topic: str) -> list[bytes]:
    return [record.value for batch in kafka.client.read_topic(topic) for record in batch]


@contextmanager
def relaying(owner: Log, count: int, kafka: Kafka, topic: str, **options: Any) -> Iterator[list[Loops]]:
    """Processes that would relay, each with an engine of its own."""
    engines = [open_database(owner.engine.url.render_as_string(hide_password=False)) for _ in range(count)]
    relays = [Relay(Log(engine, "tasks"), kafka.client, topic=topic, **options).run for engine in engines]
    processes = [
        Loops({"relay": Leader("relay", Lease(engine, "relay"), {"relay": relay}).run})
        for engine, relay in zip(engines, relays, strict=True)
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.stop()
        for engine in engines:
            engine.dispose()


def is_published(owner: Log) -> Callable[[], bool]:
    return lambda: owner.published() == {commune: head.position for commune, head in owner.heads().items()}


def test_of_two_relays_one_publishes_and_nothing_stands_twice_on_the_topic(
    owner: Log, kafka: Kafka, topic: str
) -> None:
    for commune in COMMUNES:
        open_commune(owner, commune)
    with relaying(owner, 2, kafka, topic) as processes:
        for number in range(240):
            note(owner, COMMUNES[number % len(COMMUNES)], f"Lần {number}")
        until(is_published(owner), what="everything is published")
        processes[0].stop()  # whichever it is
        for commune in COMMUNES:
            note(owner, commune, "Sau đó")
        until(is_published(owner), what="the other goes on")
    assert len(topic_values(kafka, topic)) == sum(head.position for head in owner.heads().values()) == 264


@contextmanager
def commands(owner: Log) -> Iterator[Counter[str]]:
    """Clerks who record one thing after the other, each in communes of their own; a refusal fails the test."""
    accepted: Counter[str] = Counter()

    def clerk(communes: Sequence[str]) -> Loop:
        def work(stop: threading.Event) -> None:
            while not stop.wait(0.01):
                for commune in communes:
                    note(owner, commune, f"Lần {accepted[commune]}")
                    accepted[commune] += 1

        return work

    clerks = Loops({f"clerk {number}": clerk(COMMUNES[number::3]) for number in range(3)})
    clerks.start()
    try:
        yield accepted
    finally:
        clerks.stop()
    assert clerks.failure is None


def test_a_broker_that_is_away_under_load(owner: Log, private_kafka: PrivateKafka) -> None:
    """Longer than the delivery timeout: every command is accepted, the backlog drains, the order holds."""
    kafka, topic = private_kafka, private_kafka.create_topic("tasks", PARTITIONS, **TOPIC_SETTINGS)
    for commune in COMMUNES:
        open_commune(owner, commune)
    with relaying(owner, 2, kafka, topic, delivery_timeout_s=2, retry_s=0.1):
        with commands(owner) as accepted:
            until(lambda: accepted.total() > 100 and owner.published(), what="clerks are at work")
            kafka.broker.stop()
            gone, at_first = time.monotonic(), accepted.total()
            until(lambda: time.monotonic() - gone > 6, what="the delivery timeout is over")
            before = sum(owner.published().values())
            assert accepted.total() > at_first + 100
            kafka.broker.start()
            until(lambda: sum(owner.published().values()) > before + 100, deadline=60, what="the relay goes on")
        until(is_published(owner), deadline=60, what="the backlog has drained")
    assert {commune: head.position - 1 for commune, head in owner.heads().items()} == dict(accepted)
    assert in_order(topic_values(kafka, topic)) == {commune: list(owner.read_all(commune)) for commune in COMMUNES}
