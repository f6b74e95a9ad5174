"""One contract for logs: on SQLite and on PostgreSQL, copied directly and through a real Kafka."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from shared.eventlog import (
    EMPTY,
    EVERY_COMMUNE,
    Ahead,
    Busy,
    ChainBreak,
    ClockBehind,
    Decision,
    EventTooLarge,
    Head,
    Key,
    KeyReused,
    Log,
    Transaction,
    UnknownCommune,
    open_database,
)
from shared.eventlog.database import Query, reading, run, run_together, writing
from shared.eventlog.kafka import TOPIC_SETTINGS
from shared.eventlog.lines import export_lines, import_lines
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica, fill_from_topic
from shared.eventlog.verify import compare_logs, verify_log, verify_topic
from shared.events import MAX_EVENT_BYTES, ProgressNoted, decode, event_hash
from tests.support.kafka import Kafka
from tests.support.logs import COMMUNE, Clock, contents, filled, migrated, note, open_commune, sqlite_url
from tests.support.postgres import Postgres, execute
from tests.support.waiting import until


class LogContract:
    """What every log does. Subclasses say where `own_engine` and `replica_engine` are."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def log(self, own_engine: Engine, clock: Clock) -> Log:
        return Log(own_engine, "tasks", clock=clock)

    @pytest.fixture
    def replica(self, replica_engine: Engine) -> Log:
        return Log(replica_engine, "tasks")

    # Appending

    def test_events_are_numbered_and_chained(self, log: Log) -> None:
        open_commune(log)
        assert note(log, COMMUNE, "một", "hai").position == 3
        bodies = log.read(COMMUNE)
        events = [decode(body) for body in bodies]
        assert [event.position for event in events] == [1, 2, 3]
        assert [event.previoushash for event in events] == ["0" * 64, *map(event_hash, bodies[:-1])]
        assert log.heads() == {COMMUNE: Head(3, event_hash(bodies[-1]), "2024-06-14T03:20:11.123Z")}
        assert log.head(COMMUNE) == log.heads()[COMMUNE]

    def test_versions_count_each_subject(self, log: Log) -> None:
        open_commune(log)
        assert note(log, task="a").versions == {"task/a": 1}
        assert note(log, COMMUNE, "một", "hai", task="a").versions == {"task/a": 3}
        assert note(log, task="b").versions == {"task/b": 1}
        subjects = ["task/a", "task/b", "task/c"]
        seen = log.append(COMMUNE, lambda tx: Decision([], [tx.version(each) for each in subjects]), actor="x/y")
        assert seen.result == [3, 1, 0]
        assert [decode(body).streamversion for body in log.read_stream(COMMUNE, "task/a")] == [1, 2, 3]
        assert log.last_of(COMMUNE, "task/a") == log.read_stream(COMMUNE, "task/a")[-1]
        assert log.last_of(COMMUNE, "task/c") is None

    def test_text_is_stored_as_it_is(self, log: Log) -> None:
        open_commune(log)
        note(log, COMMUNE, "Xã Tiên Cảnh – đã xong")
        assert "Xã Tiên Cảnh – đã xong".encode() in log.read(COMMUNE, after=1)[0]

    def test_times_never_go_back(self, log: Log, clock: Clock) -> None:
        open_commune(log)
        clock.move(minutes=-9)
        note(log)
        times = [decode(body).time for body in log.read(COMMUNE)]
        assert times == ["2024-06-14T03:20:11.123Z"] * 2

    def test_a_clock_far_behind_is_refused(self, log: Log, clock: Clock) -> None:
        open_commune(log)
        clock.move(minutes=-10.1)
        with pytest.raises(ClockBehind):
            note(log)
        assert log.head(COMMUNE).position == 1

    def test_a_log_begins_with_its_commune(self, log: Log) -> None:
        with pytest.raises(UnknownCommune):
            note(log, "nowhere")
        assert log.head("nowhere") == EMPTY
        assert log.heads() == {}
        assert log.read("nowhere") == []

    def test_another_service_asks_what_it_knows(self, own_engine: Engine) -> None:
        log = Log(own_engine, "scoring", knows=lambda commune: commune == COMMUNE)
        assert note(log).position == 1
        with pytest.raises(UnknownCommune):
            note(log, "nowhere")

    def test_an_unpublishable_event_is_refused(self, log: Log) -> None:
        open_commune(log)
        with pytest.raises(EventTooLarge):
            note(log, COMMUNE, "x" * MAX_EVENT_BYTES)
        note(log, COMMUNE, "x" * (MAX_EVENT_BYTES - 1000))
        assert log.head(COMMUNE).position == 2

    def test_a_refusal_leaves_nothing(self, log: Log) -> None:
        open_commune(log)

        def refuse(tx: Transaction) -> Decision:
            statement = text("INSERT INTO cursors (source, commune, position) VALUES ('x', :commune, 1)")
            tx.connection.execute(statement, {"commune": COMMUNE})
            raise LookupError

        with pytest.raises(LookupError):
            log.append(COMMUNE, refuse, actor="staff/p07", key=Key("k1", "digest"))
        with log.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM cursors")).scalar() == 0
        assert log.head(COMMUNE).position == 1
        assert not note(log, key=Key("k1", "digest")).replayed

    def test_what_fails_beside_the_events_takes_them_back(self, own_engine: Engine, clock: Clock) -> None:
        def fail(*_: object) -> list[Query]:
            raise LookupError

        log = Log(own_engine, "tasks", clock=clock)
        open_commune(log)
        with pytest.raises(LookupError):
            note(Log(own_engine, "tasks", clock=clock, on_append=fail))
        assert log.head(COMMUNE).position == 1
        assert len(log.read(COMMUNE)) == 1

    def test_a_repeated_key_has_one_effect_and_the_same_answer(self, log: Log) -> None:
        open_commune(log)
        first = note(log, key=Key("k1", "digest"))
        second = note(log, key=Key("k1", "digest"))
        assert (first.replayed, second.replayed) == (False, True)
        assert (second.position, second.versions, second.result) == (2, {"task/t1": 1}, 1)
        assert log.head(COMMUNE).position == 2

    def test_a_key_stands_for_one_request(self, log: Log) -> None:
        open_commune(log)
        open_commune(log, "other")
        note(log, key=Key("k1", "digest"))
        with pytest.raises(KeyReused):
            note(log, key=Key("k1", "another"))
        assert not note(log, "other", key=Key("k1", "another")).replayed

    def test_no_events_are_an_answer_too(self, log: Log) -> None:
        open_commune(log)
        answer = log.append(COMMUNE, lambda _: Decision([], {"changed": 0}), actor="x/y", key=Key("k1", "d"))
        assert (answer.position, answer.result) == (1, {"changed": 0})
        again = log.append(COMMUNE, lambda _: Decision([], "other"), actor="x/y", key=Key("k1", "d"))
        assert again.replayed
        assert again.result == {"changed": 0}

    def test_a_second_command_waits_and_sees_the_first(self, log: Log) -> None:
        open_commune(log)
        inside, go_on = threading.Event(), threading.Event()
        seen: list[int] = []

        def slowly(_: Transaction) -> Decision:
            inside.set()
            assert go_on.wait(10)
            return Decision([ProgressNoted(task="t1", by="p07", note="một")])

        def then(tx: Transaction) -> Decision:
            seen.append(tx.version("task/t1"))
            return Decision([ProgressNoted(task="t1", by="p07", note="hai")])

        first = threading.Thread(target=lambda: log.append(COMMUNE, slowly, actor="staff/p07"))
        second = threading.Thread(target=lambda: log.append(COMMUNE, then, actor="staff/p08"))
        first.start()
        assert inside.wait(10)
        second.start()
        second.join(0.2)  # it stands in the queue, whatever happens
        assert second.is_alive()
        go_on.set()
        first.join(10)
        second.join(10)
        assert seen == [1]
        assert [decode(body).streamversion for body in log.read_stream(COMMUNE, "task/t1")] == [1, 2]

    def test_the_first_command_of_a_commune_comes_once(self, log: Log) -> None:
        threads = [threading.Thread(target=open_commune, args=(log, f"c{n % 2}")) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert {commune: head.position for commune, head in log.heads().items()} == {"c0": 3, "c1": 3}
        assert verify_log(log) == []

    # Reading

    def test_reading_in_pages(self, log: Log) -> None:
        filled(log, notes=6)
        everything = log.read(COMMUNE)
        assert len(everything) == 7
        assert log.read(COMMUNE, after=2, limit=3) == everything[2:5]
        assert log.read(COMMUNE, after=7) == []
        assert list(log.read_all(COMMUNE, batch=2)) == everything
        assert list(log.read_all(COMMUNE, after=1, until=4, batch=2)) == everything[1:4]

    def test_the_position_at_a_time(self, log: Log, clock: Clock) -> None:
        open_commune(log)
        for _ in range(4):
            clock.move(seconds=1)
            note(log)
            note(log)
        assert log.position_at(COMMUNE, "2024-06-14T03:20:11.122Z") == 0
        assert log.position_at(COMMUNE, "2024-06-14T03:20:11.123Z") == 1
        assert log.position_at(COMMUNE, "2024-06-14T03:20:13.122Z") == 3
        assert log.position_at(COMMUNE, "2024-06-14T03:20:13.123Z") == 5
        assert log.position_at(COMMUNE, "2030-01-01") == 9
        assert log.position_at("nowhere", "2030-01-01") == 0

    # Replicas

    def test_a_replica_has_the_same_bytes(self, log: Log, replica: Log) -> None:
        filled(log)
        bodies = log.read(COMMUNE)
        assert replica.append_verbatim(COMMUNE, bodies[:2]) == 2
        assert replica.append_verbatim(COMMUNE, bodies[2:]) == 4
        assert contents(replica) == contents(log)
        assert replica.heads() == log.heads()
        assert verify_log(replica) == compare_logs(log, replica) == []

    def test_repeats_change_nothing(self, log: Log, replica: Log) -> None:
        bodies = filled(log).read(COMMUNE)
        replica.append_verbatim(COMMUNE, bodies)
        assert replica.append_verbatim(COMMUNE, bodies) == 0
        replica.forget(COMMUNE)
        assert replica.append_verbatim(COMMUNE, [*bodies[:2], *bodies[:3], bodies[1], *bodies]) == len(bodies)
        assert contents(replica) == contents(log)

    def test_what_is_ahead_is_named_and_what_came_before_kept(self, log: Log, replica: Log) -> None:
        bodies = filled(log).read(COMMUNE)
        with pytest.raises(Ahead) as caught:
            replica.append_verbatim(COMMUNE, [bodies[0], bodies[1], bodies[4]])
        assert (caught.value.expected, caught.value.got) == (3, 5)
        assert replica.head(COMMUNE).position == 2
        assert replica.broken() == {}
        assert replica.append_verbatim(COMMUNE, bodies) == 4

    @pytest.mark.parametrize("where", ["new", "held", "in the same batch"])
    def test_other_bytes_break_the_chain(self, log: Log, replica: Log, where: str) -> None:
        filled(log)
        bodies = log.read(COMMUNE)
        changed = bodies[2].replace("Lần 1".encode(), "Lần 9".encode())
        assert changed != bodies[2]
        before, breaking = {
            "new": (bodies[:2], [changed, bodies[3]]),
            "held": (bodies[:4], [changed]),
            "in the same batch": ([], [*bodies[:3], changed]),
        }[where]
        replica.append_verbatim(COMMUNE, before)
        with pytest.raises(ChainBreak):
            replica.append_verbatim(COMMUNE, breaking)
        assert replica.head(COMMUNE).position == {"new": 3, "held": 4, "in the same batch": 3}[where]
        assert list(replica.broken()) == [COMMUNE]
        with pytest.raises(ChainBreak):
            replica.append_verbatim(COMMUNE, bodies)

    def test_a_broken_commune_stops_alone_and_can_be_filled_anew(self, log: Log, replica: Log) -> None:
        filled(log, (COMMUNE, "other"))
        with pytest.raises(ChainBreak):
            replica.append_verbatim(COMMUNE, [b"{}"])
        assert "không phải sự kiện" in replica.broken()[COMMUNE]
        assert replica.append_verbatim("other", log.read("other")) == 6
        replica.forget(COMMUNE)
        assert replica.broken() == {}
        assert replica.append_verbatim(COMMUNE, log.read(COMMUNE)) == 6

    def test_events_of_another_log_do_not_fit(self, log: Log, replica: Log) -> None:
        filled(log, (COMMUNE, "other"))
        with pytest.raises(ChainBreak, match="thuộc nhật ký /tasks/other"):
            replica.append_verbatim(COMMUNE, log.read("other"))
        assert replica.heads() == {}

    def test_export_and_import_keep_the_bytes(self, log: Log, replica: Log) -> None:
        filled(log, (COMMUNE, "other"))
        lines = [line + b"\n" for commune in (COMMUNE, "other") for line in export_lines(log, commune)]
        assert import_lines(replica, lines) == 12
        assert import_lines(replica, lines) == 0
        assert contents(replica) == contents(log)

    # The owner's log is never changed

    @pytest.mark.parametrize("statement", ["UPDATE events SET body = 'x'", "DELETE FROM events"])
    def test_own_events_cannot_be_changed(self, log: Log, statement: str) -> None:
        filled(log)
        with pytest.raises(DBAPIError, match="never changed or removed"), log.engine.begin() as connection:
            connection.execute(text(statement))
        with pytest.raises(DBAPIError, match="never changed or removed"):
            log.forget(COMMUNE)
        assert verify_log(log) == []
        assert len(log.read(COMMUNE)) == 6


class TestOnSqlite(LogContract):
    @pytest.fixture
    def own_engine(self, tmp_path: Path) -> Iterator[Engine]:
        with migrated(sqlite_url(tmp_path, "own")) as engine:
            yield engine

    @pytest.fixture
    def replica_engine(self, tmp_path: Path) -> Iterator[Engine]:
        with migrated(sqlite_url(tmp_path, "replica"), "services.scoring") as engine:
            yield engine

    def test_a_commit_is_on_the_disk(self, log: Log) -> None:
        """G1: 2 is FULL, which syncs the write-ahead log before COMMIT answers."""
        seen = []

        def look(tx: Transaction) -> Decision:
            seen.append(tx.connection.execute(text("PRAGMA synchronous")).scalar())
            seen.append(tx.connection.execute(text("PRAGMA journal_mode")).scalar())
            return Decision([])

        open_commune(log)
        log.append(COMMUNE, look, actor="x/y")
        assert seen == [2, "wal"]


class TestOnPostgres(LogContract):
    @pytest.fixture
    def own_engine(self, postgres_server: Postgres) -> Iterator[Engine]:
        with postgres_server.fresh_database() as url, migrated(url) as engine:
            yield engine

    @pytest.fixture
    def replica_engine(self, postgres_server: Postgres) -> Iterator[Engine]:
        with postgres_server.fresh_database() as url, migrated(url, "services.scoring") as engine:
            yield engine

    def test_a_commit_is_on_the_disk(self, log: Log) -> None:
        """G1: nothing on the way to the commit turns its sync off."""
        with log.engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit"):
                assert connection.execute(text(f"SHOW {setting}")).scalar() == "on"

    def test_own_events_cannot_be_truncated(self, log: Log) -> None:
        filled(log)
        with pytest.raises(DBAPIError, match="never changed or removed"), log.engine.begin() as connection:
            connection.execute(text("TRUNCATE events"))

    def test_another_commune_does_not_wait(self, log: Log) -> None:
        open_commune(log)
        open_commune(log, "other")

        def meanwhile(_: Transaction) -> Decision:
            return Decision([], note(log, "other").position)

        assert log.append(COMMUNE, meanwhile, actor="x/y").result == 2

    def test_a_head_locked_for_too_long_is_busy(self, log: Log) -> None:
        open_commune(log)

        def meanwhile(_: Transaction) -> Decision:
            with pytest.raises(Busy):
                note(log)
            return Decision([])

        log.append(COMMUNE, meanwhile, actor="x/y")
        assert note(log).position == 2

    def test_a_server_that_goes_away_is_an_error_that_loops_wait_for(self, postgres_server: Postgres) -> None:
        """Every loop catches SQLAlchemy's errors; the log's own statements run on the driver, past SQLAlchemy."""
        with postgres_server.fresh_database() as url, migrated(url) as engine:
            log = Log(engine, "tasks")
            open_commune(log)

            def meanwhile(_: Transaction) -> Decision:
                disconnect(url)
                return Decision([ProgressNoted(task="t1", by="p07", note="Đã làm")])

            with pytest.raises(OperationalError):
                log.append(COMMUNE, meanwhile, actor="staff/p07")
            assert note(log).position == 2

    def test_after_a_restart_of_the_server_no_pooled_connection_is_used(self, postgres_server: Postgres) -> None:
        with postgres_server.fresh_database() as url, migrated(url):
            engine = open_database(url)
            log = Log(engine, "tasks")
            open_commune(log)
            for ask in (log.heads, lambda: note(log), lambda: log.read(COMMUNE)):
                with reading(engine, COMMUNE), reading(engine, COMMUNE):
                    pass  # so that there are several
                disconnect(url)
                ask()
            assert log.head(COMMUNE).position == 2
            engine.dispose()

    def test_statements_sent_together_fail_as_one(self, own_engine: Engine) -> None:
        for second, error in (("SELECT 1 / ?", [0]), "division by zero"), ((_A_CURSOR, ["\0", 2]), "NUL"):
            with pytest.raises(DBAPIError, match=error), writing(own_engine, EVERY_COMMUNE) as connection:
                run_together(connection, [(_A_CURSOR, ["a", 1]), second, (_A_CURSOR, ["c", 3])])
        with writing(own_engine, EVERY_COMMUNE) as connection:
            run_together(connection, [(_A_CURSOR, ["d", 2**40])])
            assert run(connection, "SELECT commune, position FROM cursors").fetchall() == [("d", 2**40)]
            assert run_together(connection, [("SELECT ?::bytea, ?::int + 1", [b"\0", 1])]) == [[(b"\0", 2)]]

    def test_any_number_of_statements_is_sent_together(self, own_engine: Engine) -> None:
        """More than are prepared, and more bytes than the buffers of both sides hold."""
        lists = [(f"SELECT {number}, {', '.join('?' * number)}", ["x" * 1000] * number) for number in range(1, 150)]
        with writing(own_engine, EVERY_COMMUNE) as connection:
            for _ in range(2):
                assert run_together(connection, lists) == [[(len(some), *some)] for _, some in lists]


_A_CURSOR = "INSERT INTO cursors (source, commune, position) VALUES ('x', ?, ?)"


def disconnect(url: str) -> None:
    """What the clients of a server that is started anew see; returns when all of them are gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    waiting = f"DO $$ BEGIN WHILE EXISTS (SELECT {others}) LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$"
    execute(make_url(url), f"SELECT pg_terminate_backend(pid) {others}", waiting)


class ThroughKafka:
    """What reaches a replica through a topic is what was appended."""

    @pytest.fixture
    def topic(self, kafka: Kafka) -> str:
        return kafka.create_topic("tasks", partitions=3, **TOPIC_SETTINGS)

    @pytest.fixture
    def log(self, own_engine: Engine) -> Log:
        return filled(Log(own_engine, "tasks"), ("a", "b", "c", "d"), notes=8)

    def test_live(self, kafka: Kafka, topic: str, log: Log, replica_engine: Engine) -> None:
        replica = Log(replica_engine, "tasks")
        stop = threading.Event()
        loops = [
            Relay(log, kafka.client, topic=topic).run,
            Replica(replica, kafka.client, topic, topic=topic).run,
        ]
        threads = [threading.Thread(target=loop, args=(stop,)) for loop in loops]
        for thread in threads:
            thread.start()
        try:
            until(lambda: replica.heads() == log.heads(), what="the replica has what was there")
            note(log, "b", "sau đó")
            until(lambda: replica.heads() == log.heads(), what="the replica has what came later")
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)
        assert contents(replica) == contents(log)
        assert verify_log(replica) == verify_topic(kafka.client, log, topic) == []

    def test_from_the_whole_topic(self, kafka: Kafka, topic: str, log: Log, replica_engine: Engine) -> None:
        replica = Log(replica_engine, "tasks")
        Relay(log, kafka.client, topic=topic).step()
        result = fill_from_topic(replica, kafka.client, topic)
        assert (result.records, result.taken, result.gaps, result.broken) == (36, 36, {}, {})
        assert contents(replica) == contents(log)


class TestThroughKafkaOnSqlite(ThroughKafka):
    own_engine = TestOnSqlite.own_engine
    replica_engine = TestOnSqlite.replica_engine


class TestThroughKafkaOnPostgres(ThroughKafka):
    own_engine = TestOnPostgres.own_engine
    replica_engine = TestOnPostgres.replica_engine
