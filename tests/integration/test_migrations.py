"""The migrations make the tables that the programs use, on both databases, once, and whoever comes first."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.pool import NullPool

from shared.eventlog import open_database
from shared.eventlog import tables as log_tables
from shared.eventlog.migrations import migrate
from tests.support.logs import sqlite_url

SERVICES = ["services.tasks", "services.scoring", "services.notifications"]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_database(sqlite_url(tmp_path, "service"))
    else:
        engine = open_database(request.getfixturevalue("postgres"), poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_is_as_the_program_declares_it(engine: Engine, service: str) -> None:
    migrate(engine, service)
    declared = set(log_tables.metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in declared, "compare_type": True},
        )
        assert compare_metadata(context, log_tables.metadata) == []


def test_sqlite_keeps_rows_in_the_order_of_their_key(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path, "service"))
    migrate(engine, "services.tasks")
    with engine.connect() as connection:
        made = text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        statements = {row.name: row.sql for row in connection.execute(made)}
    engine.dispose()
    assert all("WITHOUT ROWID" in statements[name] for name in log_tables.metadata.tables)


@pytest.mark.parametrize("service", SERVICES)
def test_migrating_at_once_and_again_changes_nothing(engine: Engine, service: str) -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            migrate(engine, service)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    before = MetaData()
    before.reflect(engine)
    migrate(engine, service)
    assert set(inspect(engine).get_table_names()) == set(before.tables)
