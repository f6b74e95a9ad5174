"""A message counts only if its owner published it, whoever can write to the topic (G25)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.eventlog import Log
from shared.eventlog.feed import FeedError
from shared.eventlog.relay import SEALED_EVERY, Cursor, Relay, RestoreUnfinished
from shared.eventlog.replica import Replica, fill_from_topic
from shared.eventlog.seals import HEADER, KeysInFolder
from shared.eventlog.unsealed import MOST_BYTES
from shared.eventlog.verify import verify_topic
from shared.keys import key_pair
from tests.support.forged import FORGERIES, next_events, rewritten
from tests.support.logs import COMMUNE, contents, filled, migrated, note, sqlite_url
from tests.support.seals import KEY, KEYS, headers_of
from tests.support.topic import MemoryBroker


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with migrated(sqlite_url(tmp_path, "own")) as engine:
        yield Log(engine, "tasks")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Log]:
    with migrated(sqlite_url(tmp_path, "replica"), "services.scoring") as engine:
        yield Log(engine, "tasks")


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


def replica_of(log: Log, copy: Log, broker: MemoryBroker, **options: object) -> Replica:
    asks = {"fetch": log.read, "owner_heads": log.heads, "retry_s": 0, "seal_s": 0} | options
    return Replica(copy, broker, "scoring", KEYS, **asks)  # type: ignore[arg-type]


def publish(log: Log, broker: MemoryBroker) -> Relay:
    relay = Relay(log, broker, KEY, KEYS)
    while relay.step():
        pass
    return relay


def read_to_the_end(replica: Replica) -> None:
    while True:
        try:
            if not replica.step():
                return
        except FeedError:
            if not replica.status.lag:
                return


@pytest.fixture
def forged(log: Log, broker: MemoryBroker) -> int:
    """Each forgery in a commune of its own, between what is published and what is going to be; how many there are."""
    publish(filled(log, tuple(FORGERIES), notes=2), broker)
    count = 0
    for commune, forgery in FORGERIES.items():
        held = log.read(commune)
        for number in range(3):
            note(log, commune, f"Sau đó {number}")
        coming = log.read(commune, len(held))
        for value, headers in forgery(held, coming):
            broker.put(value, commune.encode(), headers)
            count += value not in coming
    return count


def test_what_its_owner_did_not_publish_is_not_counted(log: Log, copy: Log, broker: MemoryBroker, forged: int) -> None:
    replica = replica_of(log, copy, broker)
    read_to_the_end(replica)
    for commune, bodies in contents(copy).items():
        assert bodies == log.read(commune, limit=len(bodies))  # perhaps more than is published: the owner was asked
    for commune in FORGERIES:
        note(log, commune, "và nữa")
    publish(log, broker)
    read_to_the_end(replica)
    assert contents(copy) == contents(log)
    replica.compare_heads()
    assert replica.status.rejected == forged
    assert (replica.status.broken, replica.status.behind, replica.status.ahead) == ({}, {}, {})
    assert replica._unsealed.size == 0


def test_nor_while_the_owner_does_not_answer(log: Log, copy: Log, broker: MemoryBroker, forged: int) -> None:
    def away(*_: object) -> list[bytes]:
        raise FeedError("away")

    replica = replica_of(log, copy, broker, fetch=away, owner_heads=away)
    read_to_the_end(replica)
    assert {head.position for head in copy.heads().values()} == {3}
    publish(log, broker)
    read_to_the_end(replica)
    assert contents(copy) == contents(log)
    waiting = sum(len(replica._unsealed.of(commune)) for commune in FORGERIES)
    assert forged - replica.status.rejected == waiting  # what is further on waits for its answer


def test_nor_read_from_the_whole_topic(log: Log, copy: Log, broker: MemoryBroker, forged: int) -> None:
    publish(log, broker)
    filled = fill_from_topic(copy, broker, KEYS)
    assert contents(copy) == contents(log)
    assert (filled.gaps, filled.broken) == ({}, {})
    assert filled.rejected + sum(filled.unsealed.values()) == forged


def test_nor_does_it_stop_the_owner(log: Log, broker: MemoryBroker, forged: int) -> None:
    publish(log, broker)
    assert log.published() == {commune: head.position for commune, head in log.heads().items()}


def test_it_is_found_and_where(log: Log, broker: MemoryBroker, forged: int) -> None:
    publish(log, broker)
    found = verify_topic(broker, log, KEYS)
    nowhere = FORGERIES.keys() - {finding.commune for finding in found if "không được tính" in finding.problem}
    assert nowhere == {"no-events"}
    others = [finding.problem for finding in found if "không được tính" not in finding.problem]
    assert len(others) == 4 and not any("kho" in problem for problem in others)


def test_a_flood_costs_no_memory_and_stops_nobody(log: Log, copy: Log, broker: MemoryBroker) -> None:
    """It comes in the middle of a batch, so that the events before their seal are pushed out."""
    first = filled(log, notes=4).read(COMMUNE)
    *unsealed, sealed = first
    for body in unsealed:
        broker.put(body, COMMUNE.encode())
    large = rewritten(first[2], data={"note": "x" * 100_000})
    for number in range(2 * MOST_BYTES // len(large)):
        broker.put(rewritten(large, actor=f"staff/p{number}"), COMMUNE.encode(), headers_of(first[0]))
    broker.put(sealed, COMMUNE.encode(), headers_of(sealed))
    replica = replica_of(log, copy, broker, seal_s=3600)
    while replica.step():
        assert replica._unsealed.size <= MOST_BYTES
    assert contents(copy) == contents(log)
    assert replica.status.fetched == 5
    assert replica._unsealed.size == 0


def test_a_relay_that_does_not_seal_yet_is_asked_for_its_events(log: Log, copy: Log, broker: MemoryBroker) -> None:
    for body in filled(log).read(COMMUNE):
        broker.put(body, COMMUNE.encode())
    replica = replica_of(log, copy, broker)
    read_to_the_end(replica)
    assert contents(copy) == contents(log)
    assert (replica.status.fetched, replica.status.rejected) == (6, 0)


def test_a_new_release_seals_what_an_older_one_published(log: Log, copy: Log, broker: MemoryBroker) -> None:
    for commune in ("a", "b"):
        for body in filled(log, (commune,)).read(commune):
            broker.put(body, commune.encode())
    moved = {commune: Cursor(6, 0) for commune in "ab"}
    Relay(log, broker, KEY, KEYS)._move(dict.fromkeys(moved, Cursor(0, 0)), moved)
    assert fill_from_topic(copy, broker, KEYS).unsealed == {"a": 6, "b": 6}
    publish(log, broker)
    assert [message.value for message in broker.messages[12:]] == [log.read(commune, 5)[0] for commune in "ab"]
    assert fill_from_topic(copy, broker, KEYS).taken == 12
    assert contents(copy) == contents(log)
    publish(log, broker)
    assert len(broker.messages) == 14


def test_what_is_not_vouched_for_yet_comes_again_to_the_next_worker(log: Log, copy: Log, broker: MemoryBroker) -> None:
    *unsealed, sealed = filled(log).read(COMMUNE)
    for body in unsealed:
        broker.put(body, COMMUNE.encode())
    alone = {"fetch": None, "owner_heads": None}
    first = replica_of(log, copy, broker, **alone)
    read_to_the_end(first)
    assert broker.committed == {"scoring": 0} and copy.heads() == {}
    broker.put(sealed, COMMUNE.encode(), headers_of(sealed))
    read_to_the_end(replica_of(log, copy, broker, **alone))
    assert contents(copy) == contents(log)
    assert broker.committed == {"scoring": 6}


def test_a_large_batch_has_seals_in_between(log: Log, broker: MemoryBroker) -> None:
    filled(log, notes=1)
    note(log, COMMUNE, *["x" * 10_000] * 60)
    publish(log, broker)
    since = 0
    for message in broker.messages:
        since += len(message.value or b"")
        assert since < SEALED_EVERY + 11_000
        if HEADER in dict(message.headers):
            since = 0
    assert since == 0


def test_keys_are_exchanged_while_everything_runs(log: Log, copy: Log, broker: MemoryBroker, tmp_path: Path) -> None:
    folder, private = tmp_path / "owners", tmp_path / "seal.pem"
    keys = KeysInFolder(folder)
    replica = Replica(copy, broker, "scoring", keys)
    for position in (6, 7):
        private.unlink(missing_ok=True)
        filled(log, notes=5) if position == 6 else note(log)
        relay = Relay(log, broker, key_pair(private, folder), keys)
        relay.step()
        read_to_the_end(replica)
        assert copy.head(COMMUNE).position == position
    newest = max(folder.glob("*.pem"), key=lambda path: path.stat().st_mtime_ns)
    newest.unlink()
    note(log)
    relay.step()
    read_to_the_end(replica)
    assert copy.head(COMMUNE).position == 7


# What the owner did sign, while the store holds something else


def test_a_restored_store_that_lacks_what_was_sealed_is_noticed(log: Log, copy: Log, broker: MemoryBroker) -> None:
    publish(filled(log), broker)
    copy.append_verbatim(COMMUNE, log.read(COMMUNE)[:4])
    restored = Relay(copy, broker, KEY, KEYS)
    with pytest.raises(RestoreUnfinished, match="up to 6, the store up to 4"):
        restored.step()
    note(copy, COMMUNE, *["ein anderer Weg"] * 3)
    with pytest.raises(RestoreUnfinished, match="another event tien-canh/6"):
        restored.step()


def test_before_anything_was_sealed_the_newest_event_counts(log: Log, copy: Log, broker: MemoryBroker) -> None:
    """An earlier release published it, and no acknowledged event may be lost by its restore."""
    for body in filled(log).read(COMMUNE):
        broker.put(body, COMMUNE.encode())
    copy.append_verbatim(COMMUNE, log.read(COMMUNE)[:4])
    with pytest.raises(RestoreUnfinished, match="up to 6, the store up to 4"):
        Relay(copy, broker, KEY, KEYS).step()
    assert fill_from_topic(copy, broker, KEYS).taken == 0
    assert fill_from_topic(copy, broker, KEYS, trusting=True).taken == 2


def test_an_abandoned_history_that_is_sent_again_changes_nothing(
    log: Log, copy: Log, broker: MemoryBroker, tmp_path: Path
) -> None:
    """The owner signed it, lost it and went another way. Whoever kept the messages can send them again."""
    common = filled(log, notes=2).read(COMMUNE)
    with migrated(sqlite_url(tmp_path, "lost")) as engine:
        lost = Log(engine, "tasks")
        lost.append_verbatim(COMMUNE, common)
        note(lost, COMMUNE, *["verloren"] * 4)
        abandoned = lost.read(COMMUNE)
    note(log, COMMUNE, "thật")
    relay = publish(log, broker)
    replica = replica_of(log, copy, broker)
    read_to_the_end(replica)
    for body in abandoned:
        broker.put(body, COMMUNE.encode(), headers_of(body))
    read_to_the_end(replica)
    note(log, COMMUNE, "và nữa")
    relay.step()
    read_to_the_end(replica)
    assert contents(copy) == contents(log)
    assert replica.status.broken == {} and replica.status.rejected == 4


def test_an_owner_that_went_another_way_breaks_its_replica(
    log: Log, copy: Log, broker: MemoryBroker, tmp_path: Path
) -> None:
    publish(filled(log, notes=5), broker)
    read_to_the_end(replica_of(log, copy, broker))
    with migrated(sqlite_url(tmp_path, "other")) as engine:
        other = Log(engine, "tasks")
        other.append_verbatim(COMMUNE, log.read(COMMUNE)[:4])
        note(other, COMMUNE, *["ein anderer Weg"] * 4)
        for body in other.read(COMMUNE, 4):
            broker.put(body, COMMUNE.encode(), headers_of(body))
        replica = replica_of(other, copy, broker)
        read_to_the_end(replica)
    assert COMMUNE in replica.status.broken and copy.broken().keys() == {COMMUNE}


@pytest.mark.parametrize("same", [True, False])
def test_a_replica_ahead_of_its_owner_is_shown(log: Log, copy: Log, broker: MemoryBroker, same: bool) -> None:
    """It took what nobody published before there were seals, or the owner was put back."""
    held = filled(log).read(COMMUNE)
    copy.append_verbatim(COMMUNE, [*held, *next_events(held[-1])] if same else [*held[:-1], *next_events(held[-2], 4)])
    replica = replica_of(log, copy, broker)
    replica.step()
    assert replica.status.ahead == ({COMMUNE: 3} if same else {})
    assert replica.status.broken.keys() == (set() if same else {COMMUNE})
    if same:
        log.append_verbatim(COMMUNE, copy.read(COMMUNE))
        replica.compare_heads()
        assert replica.status.ahead == {}
