"""One contract for projections, on SQLite and PostgreSQL: every event counts once, whatever happens in between."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, LargeBinary, MetaData, Table, Text, delete, insert, select, text
from sqlalchemy.pool import NullPool

from shared.eventlog import Decision, Log, open_database
from shared.eventlog import tables as log_tables
from shared.events import GENESIS_HASH, CommuneOpened, Envelope, ProgressNoted, TaskAcknowledged, event_hash
from shared.projection import Runner, all_positions, replay

metadata = MetaData()
notes = Table("notes", metadata, Column("commune", Text), Column("body", LargeBinary))

State = dict[str, list[str]]


class Notes:
    """The notes of each task, in order; a note "bad" cannot be folded until `mended`."""

    name = "notes"
    sources = ("tasks",)

    def __init__(self, fold_version: int = 1, mended: bool = False) -> None:
        self.fold_version = fold_version
        self.mended = mended

    def empty(self, commune: str) -> State:
        return {}

    def fold(self, state: State, envelope: Envelope) -> None:
        if isinstance(envelope.data, ProgressNoted):
            state.setdefault(envelope.data.task, []).append(envelope.data.note)
            if envelope.data.note == "bad" and not self.mended:
                raise KeyError("bad")

    def load(self, connection: Connection, commune: str) -> State:
        body = connection.execute(select(notes.c.body).where(notes.c.commune == commune)).scalar_one_or_none()
        return json.loads(body) if body else {}

    def save(self, connection: Connection, commune: str, state: State) -> None:
        self.replace(connection, commune, state)

    def replace(self, connection: Connection, commune: str, state: State) -> None:
        connection.execute(delete(notes).where(notes.c.commune == commune))
        connection.execute(insert(notes), {"commune": commune, "body": json.dumps(state, sort_keys=True).encode()})


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'log.db'}")
    else:
        engine = open_database(request.getfixturevalue("postgres"), poolclass=NullPool)
    log_tables.metadata.create_all(engine)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine: Engine) -> Log:
    log = Log(engine, "tasks")
    for commune in ("a", "b"):
        opened = CommuneOpened(name="Xã", code="1", valid_from=date(2024, 1, 1))
        decided = Decision([opened])
        log.append(commune, lambda _: decided, actor="operator/test")  # noqa: B023 - called at once
    return log


@pytest.fixture
def note(log: Log) -> Callable[..., None]:
    def append(commune: str, *texts: str) -> None:
        events = [ProgressNoted(task="t", by="p1", note=text) for text in texts]
        log.append(commune, lambda tx: Decision(events), actor="staff/p1")

    return append


def runner(engine: Engine, log: Log, projection: Notes | None = None) -> Runner:
    return Runner(engine, {"tasks": log}, projection or Notes())


def rows(engine: Engine, commune: str = "a") -> list[str]:
    with engine.connect() as connection:
        return Notes().load(connection, commune).get("t", [])


def test_rows_follow_the_log(engine: Engine, log: Log, note: Callable[..., None]):
    keeper = runner(engine, log)
    note("a", "1", "2")
    keeper.catch_up()
    note("a", "3")
    keeper.catch_up()
    assert rows(engine) == ["1", "2", "3"]
    assert keeper.step() == 0


def test_a_new_process_goes_on_where_the_rows_are(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "1")
    runner(engine, log).catch_up()
    note("a", "2")
    runner(engine, log).catch_up()
    assert rows(engine) == ["1", "2"]


def test_worker_a_then_b_then_a_folds_each_event_once(engine: Engine, log: Log, note: Callable[..., None]):
    worker_a, worker_b = runner(engine, log), runner(engine, log)
    note("a", "1")
    worker_a.catch_up()
    note("a", "2")
    worker_b.catch_up()
    note("a", "3")
    worker_a.catch_up()  # its memory is of position 2: it must notice, and not fold "2" again or skip it
    worker_b.catch_up()
    worker_a.catch_up()
    assert rows(engine) == ["1", "2", "3"]


def test_two_workers_that_folded_the_same_batch_write_it_once(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    note("a", "1")
    worker_a, projection = runner(engine, log), Notes()
    worker_a.catch_up()
    worker_b = runner(engine, log, projection)
    note("a", "2")
    written = projection.load

    def overtaken(connection: Connection, commune: str) -> State:
        state = written(connection, commune)
        monkeypatch.setattr(projection, "load", written)
        worker_a.catch_up()
        return state

    monkeypatch.setattr(projection, "load", overtaken)
    worker_b.catch_up()
    assert rows(engine) == ["1", "2"]


def test_a_transaction_that_fails_leaves_neither_rows_nor_memory(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    projection = Notes()
    keeper = runner(engine, log, projection)
    note("a", "1")
    keeper.catch_up()
    note("a", "2")
    saved = projection.save

    def crash(connection: Connection, commune: str, state: State) -> None:
        saved(connection, commune, state)
        raise ConnectionError("the database went away")

    monkeypatch.setattr(projection, "save", crash)
    with pytest.raises(ConnectionError):
        keeper.step()
    assert rows(engine) == ["1"]
    monkeypatch.setattr(projection, "save", saved)
    keeper.catch_up()
    assert rows(engine) == ["1", "2"]


def test_an_event_that_cannot_be_folded_stops_its_commune_only(engine: Engine, log: Log, note: Callable[..., None]):
    keeper = runner(engine, log)
    keeper.catch_up()
    note("a", "1", "bad", "2")
    note("b", "1")
    keeper.catch_up()
    assert rows(engine, "a") == ["1"]
    assert rows(engine, "b") == ["1"]
    parked = all_positions(engine, "notes")["a"]["tasks"]
    assert parked.position == 2
    assert parked.parked and "tasks/a/3" in parked.parked
    assert all_positions(engine, "notes")["b"]["tasks"].parked is None
    note("b", "2")
    keeper.catch_up()
    assert rows(engine, "b") == ["1", "2"]


def test_a_parked_commune_goes_on_when_the_fold_is_mended(engine: Engine, log: Log, note: Callable[..., None]):
    keeper = runner(engine, log)
    keeper.catch_up()
    note("a", "1", "bad", "2")
    keeper.catch_up()
    runner(engine, log, Notes(mended=True)).catch_up()
    assert rows(engine) == ["1", "bad", "2"]
    assert all_positions(engine, "notes")["a"]["tasks"].parked is None


def test_a_log_that_starts_with_a_bad_event_is_folded_up_to_it(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "1", "bad", "2")
    runner(engine, log).catch_up()
    assert rows(engine) == ["1"]
    assert all_positions(engine, "notes")["a"]["tasks"].parked


def test_another_fold_version_rebuilds_by_itself_with_progress(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "1")
    runner(engine, log).catch_up()
    seen: list[tuple[str, int, int]] = []
    runner(engine, log, Notes(fold_version=2)).step(lambda *progress: seen.append(progress))
    assert seen == [("a", 1, 2), ("b", 2, 2)]
    assert all_positions(engine, "notes")["a"]["tasks"].fold_version == 2
    assert rows(engine) == ["1"]


def test_a_rebuild_with_a_bad_fold_keeps_the_old_rows(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "1", "bad", "2")
    runner(engine, log, Notes(mended=True)).catch_up()
    runner(engine, log, Notes(fold_version=2)).step()
    assert rows(engine) == ["1", "bad", "2"]
    assert all_positions(engine, "notes")["a"]["tasks"].parked


def test_readers_see_the_old_rows_until_the_rebuild_is_complete(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    note("a", "1")
    runner(engine, log).catch_up()
    note("a", "2")
    projection = Notes(fold_version=2)
    replaced, seen = projection.replace, []

    def observed(connection: Connection, commune: str, state: State) -> None:
        replaced(connection, commune, state)
        seen.append(rows(engine, commune))

    monkeypatch.setattr(projection, "replace", observed)
    runner(engine, log, projection).rebuild(["a"])
    assert seen == [["1"]]
    assert rows(engine) == ["1", "2"]


def test_an_interrupted_rebuild_goes_on_with_the_next_commune(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    note("a", "1")
    note("b", "1")
    runner(engine, log).catch_up()
    projection = Notes(fold_version=2)
    replaced = projection.replace

    def stopped(connection: Connection, commune: str, state: State) -> None:
        if commune == "b":
            raise KeyboardInterrupt
        replaced(connection, commune, state)

    monkeypatch.setattr(projection, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        runner(engine, log, projection).step()
    versions = {commune: at["tasks"].fold_version for commune, at in all_positions(engine, "notes").items()}
    assert versions == {"a": 2, "b": 1}
    done: list[str] = []
    runner(engine, log, Notes(fold_version=2)).step(lambda commune, *_: done.append(commune))
    assert done == ["b"]


def test_a_rebuild_gives_the_rows_of_the_live_fold(engine: Engine, log: Log, note: Callable[..., None]):
    keeper = runner(engine, log)
    for number in range(30):
        note("a", str(number))
        keeper.step()
    live = rows(engine)
    runner(engine, log).rebuild()
    assert rows(engine) == live == [str(number) for number in range(30)]


def test_replay_gives_the_state_of_any_position_and_writes_nothing(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "1", "2", "3")
    assert replay(Notes(), {"tasks": log}, "a", {"tasks": 3}) == {"t": ["1", "2"]}
    assert rows(engine) == []
    assert all_positions(engine, "notes") == {}
    assert log.head("a").position == 4


def test_an_unknown_event_moves_the_position_and_an_unknown_version_parks(engine: Engine, log: Log):
    runner(engine, log).catch_up()
    for task in ("x", "y"):
        acknowledged = TaskAcknowledged(task=task, by="p1")
        decided = Decision([acknowledged])
        log.append("a", lambda _: decided, actor="staff/p1")  # noqa: B023 - called at once
    replica = Log(engine, "copied")
    bodies = [body.replace(b'"/tasks"', b'"/copied"') for body in log.read("a")]
    strange = {2: b"vn.cchc.weather.changed.v1", 3: b"vn.cchc.task.acknowledged.v9"}
    chained: list[bytes] = []
    for position, body in enumerate(bodies, 1):
        event = json.loads(body)
        event["type"] = strange.get(position, event["type"].encode()).decode()
        event["previoushash"] = event_hash(chained[-1]) if chained else GENESIS_HASH
        chained.append(json.dumps(event).encode())
    replica.append_verbatim("a", chained)
    projection = Notes()
    projection.sources = ("copied",)
    Runner(engine, {"copied": replica}, projection).catch_up()
    at = all_positions(engine, "notes")["a"]["copied"]
    assert at.position == 2
    assert at.parked and "UnknownVersion" in at.parked


def test_a_flipped_byte_in_the_stored_log_stops_the_fold(engine: Engine, log: Log, note: Callable[..., None]):
    note("a", "one", "two")
    body = log.read("a", 1, 1)[0].replace(b'"one"', b'"ome"')
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET body = :body WHERE commune = 'a' AND position = 2"), {"body": body})
    runner(engine, log).catch_up()
    parked = all_positions(engine, "notes")["a"]["tasks"]
    assert "ChainBreak" in str(parked.parked)
    assert parked.position == 1  # the altered event is not folded, though only its successor tells
    assert rows(engine) == []


@pytest.mark.parametrize(
    ("field", "other"), [("source", "/elsewhere"), ("commune", "b"), ("time", "2000-01-01T00:00:00.000Z")]
)
def test_an_event_of_another_log_or_an_earlier_time_stops_the_fold(
    engine: Engine, log: Log, note: Callable[..., None], field: str, other: str
):
    note("a", "one", "two")
    last = json.loads(log.read("a", 2, 1)[0]) | {field: other}
    with engine.begin() as connection:
        statement = text("UPDATE events SET body = :body WHERE commune = 'a' AND position = 3")
        connection.execute(statement, {"body": json.dumps(last).encode()})
    runner(engine, log).catch_up()
    assert "ChainBreak" in str(all_positions(engine, "notes")["a"]["tasks"].parked)


# Several workers


def test_a_worker_folds_what_is_its_own_and_keeps_nothing_else_in_memory(
    engine: Engine, log: Log, note: Callable[..., None]
):
    own = {"a"}
    sharing = Runner(engine, {"tasks": log}, Notes(), lambda commune: commune in own)
    note("a", "1")
    note("b", "1")
    sharing.catch_up()
    assert (rows(engine, "a"), rows(engine, "b")) == (["1"], [])
    note("a", "2")
    sharing.catch_up()
    assert sharing._memory.keys() == {"a"}
    own.clear()
    assert sharing.step() == 0
    assert not sharing._memory
    runner(engine, log).catch_up()  # whoever it belongs to now
    own.add("a")
    note("a", "3")
    sharing.catch_up()
    assert rows(engine, "a") == ["1", "2", "3"]


def test_rows_of_a_newer_fold_are_left_alone(
    engine: Engine, log: Log, note: Callable[..., None], caplog: pytest.LogCaptureFixture
):
    older, newer = runner(engine, log), runner(engine, log, Notes(fold_version=2))
    note("a", "1")
    older.catch_up()
    note("a", "2")
    older.catch_up()  # it has the state in memory
    newer.catch_up()
    note("a", "3")
    assert older.step() == 0
    assert older.step() == 0
    assert rows(engine) == ["1", "2"]
    assert caplog.text.count("leaves a to a newer program") == 1
    newer.catch_up()
    assert rows(engine) == ["1", "2", "3"]
    assert {at["tasks"].fold_version for at in all_positions(engine, "notes").values()} == {2}
    older.rebuild(["a"])  # a person's word, as when a release is taken back
    assert all_positions(engine, "notes")["a"]["tasks"].fold_version == 1


def test_a_newer_fold_that_comes_between_is_not_written_over(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    """The older worker has read the positions, and holds the state of the very position that the newer one rebuilt."""
    projection = Notes()
    older, newer = runner(engine, log, projection), runner(engine, log, Notes(fold_version=2))
    note("a", "1")
    older.catch_up()
    note("a", "2")
    older.catch_up()
    note("a", "3")
    fold = projection.fold
    newly: list[int] = []

    def overtaken(state: State, envelope: Envelope) -> None:
        if not newly:
            newly.append(newer.rebuild(["a"]))
            with engine.begin() as connection:  # as if "3" had come after that rebuild
                connection.execute(text("UPDATE positions SET position = 3 WHERE commune = 'a'"))
        fold(state, envelope)

    monkeypatch.setattr(projection, "fold", overtaken)
    assert older.step() == 0
    assert newly == [4]
    at = all_positions(engine, "notes")["a"]["tasks"]
    assert (at.position, at.fold_version) == (3, 2)


def test_what_another_worker_has_rebuilt_meanwhile_is_not_replaced_again(
    engine: Engine, log: Log, note: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    note("a", "1")
    runner(engine, log).catch_up()
    slow_fold, replaced = Notes(fold_version=2), []
    slow, quick = runner(engine, log, slow_fold), runner(engine, log, Notes(fold_version=2))
    fold = slow_fold.fold

    def overtaken(state: State, envelope: Envelope) -> None:
        if envelope.commune == "a":
            quick.step()
        fold(state, envelope)

    monkeypatch.setattr(slow_fold, "fold", overtaken)
    monkeypatch.setattr(slow_fold, "replace", lambda *_: replaced.append(1))
    assert slow.step() == 0
    assert replaced == []
    assert rows(engine) == ["1"]
