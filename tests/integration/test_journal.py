"""The journal: a row for every change outside the log, in the same transaction, added and never changed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from shared import journal
from shared.eventlog import EVERY_COMMUNE, open_database, writing
from shared.eventlog.migrations import migrate
from shared.journal import Acting, Wanted, act_as, entries, kinds, lines, record, wrong
from tests.support.deployed import deployed_on
from tests.support.logs import sqlite_url
from tests.support.postgres import Postgres

COMMUNE = "tien-canh"
REFUSED = r"never changed or removed|permission denied"
OFFICE = Acting("staff/p14", "203.0.113.5", "4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.fixture(params=["sqlite", "server", "worker"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A service's database, on PostgreSQL with the roles of every day."""
    if request.param == "sqlite":
        engine = open_database(sqlite_url(tmp_path, "tasks"))
        migrate(engine, "services.tasks")
        yield engine
        engine.dispose()
        return
    server: Postgres = request.getfixturevalue("private_postgres")
    with deployed_on(server) as deployed:
        owner = open_database(deployed.url("tasks", "tasks_owner"), poolclass=NullPool)
        migrate(owner, "services.tasks")
        owner.dispose()
        engine = open_database(deployed.url("tasks", f"tasks_{request.param}"))
        yield engine
        engine.dispose()


def saved(engine: Engine, staff: str, commune: str = COMMUNE) -> None:
    with act_as(OFFICE), writing(engine, commune) as connection:
        record(connection, commune, kinds.PERSON_SAVED, [f"staff/{staff}"], {"fields": "name email"})


def test_a_row_says_who_when_from_where_and_what(engine: Engine):
    saved(engine, "p07")
    saved(engine, "p08")
    saved(engine, "p09", EVERY_COMMUNE)
    newest, first = entries(engine, COMMUNE)
    assert (first.number, first.actor, first.origin, first.trace_id) == (1, *OFFICE)
    assert (first.kind, first.about, first.detail) == ("person.saved", ["staff/p07"], {"fields": "name email"})
    assert first.text == "Lưu họ tên, thư điện tử, điện thoại của người"
    assert (newest.number, newest.about) == (2, ["staff/p08"]) and newest.time >= first.time
    assert [entry.about for entry in entries(engine, COMMUNE, before=2)] == [["staff/p07"]]
    assert entries(engine, COMMUNE, Wanted(actor="staff/p01")) == []
    assert entries(engine, COMMUNE, Wanted(kind="person.erased")) == []
    assert len(entries(engine, COMMUNE, Wanted(since=first.time, until=newest.time))) == 2
    assert [entry.about for entry in entries(engine, EVERY_COMMUNE)] == [["staff/p09"]]


def test_a_row_is_never_changed_nor_removed(engine: Engine):
    saved(engine, "p07")
    stored = list(lines(engine, COMMUNE))
    for change in ("UPDATE journal SET body = ''", "DELETE FROM journal"):
        with pytest.raises(DBAPIError, match=REFUSED), writing(engine, COMMUNE) as connection:
            connection.execute(text(change))
    assert list(lines(engine, COMMUNE)) == stored


def test_what_is_rolled_back_leaves_no_row(engine: Engine):
    def fails(connection: Connection) -> None:
        record(connection, COMMUNE, kinds.PERSON_SAVED, ["staff/p07"])
        connection.execute(text("SELECT of nothing"))

    with pytest.raises(DBAPIError), writing(engine, COMMUNE) as connection:
        fails(connection)
    assert entries(engine, COMMUNE) == []


def test_rows_of_many_at_once_stand_in_one_chain(engine: Engine):
    failures: list[Exception] = []

    def many() -> None:
        try:
            for number in range(10):
                saved(engine, f"p{number}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=many) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert [entry.number for entry in entries(engine, COMMUNE)] == list(range(60, 0, -1))
    assert wrong(engine, COMMUNE) is None


def test_words_that_somebody_typed_do_not_fit(engine: Engine):
    with pytest.raises(ValueError, match="no code"), writing(engine, COMMUNE) as connection:
        record(connection, COMMUNE, kinds.PERSON_SAVED, ["staff/p07"], {"name": "Nguyễn Thị Bảy"})


def test_a_row_changed_behind_the_guard_shows(tmp_path: Path):
    engine = open_database(sqlite_url(tmp_path, "tasks"))
    migrate(engine, "services.tasks")
    for staff in ("p07", "p08", "p09"):
        saved(engine, staff)
    with writing(engine, COMMUNE) as connection:
        connection.execute(text("DROP TRIGGER journal_insert_only_update"))
        forged = text("UPDATE journal SET body = CAST(replace(body, 'p08', 'p01') AS BLOB) WHERE number = 2")
        connection.execute(forged)
    assert wrong(engine, COMMUNE) == "dòng 3 không khớp dòng đứng trước"
    engine.dispose()


def test_a_journal_grows_by_what_another_copy_has_beyond_it(tmp_path: Path):
    here, there = (open_database(sqlite_url(tmp_path, name)) for name in ("here", "there"))
    for engine in (here, there):
        migrate(engine, "services.tasks")
    saved(there, "p07")
    assert journal.take_over(there, here, COMMUNE) == 1
    saved(there, "p08")
    assert (journal.take_over(there, here, COMMUNE), journal.take_over(there, here, COMMUNE)) == (1, 0)
    assert list(lines(here, COMMUNE)) == list(lines(there, COMMUNE))
    saved(here, "p09")
    saved(there, "p10")
    assert journal.take_over(there, here, COMMUNE) is None, "another journal from here on"
    for engine in (here, there):
        engine.dispose()


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=lambda kind: kind.code)
def test_every_kind_has_words_of_its_own(kind: kinds.Kind):
    assert [other.code for other in kinds.KINDS.values() if other.text == kind.text] == [kind.code]
    assert kind.code.replace(".", "").replace("_", "").isalpha() and kind.text[0].isupper()
