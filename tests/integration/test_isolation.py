"""A commune's transaction sees and changes nothing of another's: row-level security with a deployment's roles."""

import contextlib
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from cchc.databases import databases
from cchc.services import SERVICES
from shared.eventlog import EVERY_COMMUNE, NO_COMMUNE, open_database, reading, snapshot, writing
from shared.eventlog.security import Gap, secure, unsecured
from shared.web.auth import ROLES, WIDE_ROLES, routes
from shared.web.keys import mint
from tests.support.deployed import Deployed, deployed_on
from tests.support.postgres import Postgres
from tests.support.reminded import COMMUNE as OURS
from tests.support.reminded import SmallCommune
from tests.support.screens import screens_of

THEIRS = "xa-khac"
# In every text and byte of the other commune's rows.
MARK = "chi-cua-xa-khac"
KINDS = ("server", "worker")
REFUSED = "row-level security|permission denied"


@pytest.fixture(scope="module")
def deployed(private_postgres: Postgres) -> Iterator[Deployed]:
    with deployed_on(private_postgres) as databases:
        yield databases


@pytest.fixture(scope="module")
def neighbours(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommune]:
    """Our commune has lived a while, and every table holds a row of another commune besides. Tests leave both so."""
    data = tmp_path_factory.mktemp("ours") / "data"
    ours = SmallCommune(data, "2024-01-02", (2024,), **deployed.environment("worker"))
    ours.assign("báo cáo", lead="p04", due="2024-01-12")
    ours.to("2024-01-11 08:00")
    for service in SERVICES:
        owner = ours.installation.owner(service)
        for table in tables(owner):
            with writing(owner, THEIRS) as connection:
                connection.execute(insert(table).values(a_row_of(table)))
    yield ours
    ours.installation.close()


@contextlib.contextmanager
def opened(deployed: Deployed, service: str, kind: str, **options: Any) -> Iterator[Engine]:
    engine = open_database(deployed.url(service, f"{service}_{kind}"), **options)
    try:
        yield engine
    finally:
        engine.dispose()


def tables(engine: Engine) -> list[Table]:
    """Every table that carries a commune."""
    metadata = MetaData()
    metadata.reflect(engine)
    return [table for table in metadata.sorted_tables if "commune" in table.columns]


def a_row_of(table: Table) -> dict[str, Any]:
    plain: dict[type, Any] = {str: MARK, bytes: MARK.encode(), int: 1, date: date(2024, 6, 14)}
    return {column.name: plain[column.type.python_type] for column in table.columns} | {"commune": THEIRS}


@pytest.mark.parametrize("kind", KINDS)
def test_no_table_shows_or_takes_a_row_of_another_commune(neighbours: SmallCommune, deployed: Deployed, kind: str):
    looked_at = 0
    for service in SERVICES:
        with opened(deployed, service, kind) as engine:
            for table in tables(engine):
                with reading(engine, OURS) as connection:
                    assert set(connection.scalars(select(table.c.commune))) <= {OURS}, table.name
                with reading(engine, THEIRS) as connection:
                    assert connection.scalars(select(table.c.commune)).all() == [THEIRS], table.name
                with pytest.raises(DBAPIError, match=REFUSED), writing(engine, OURS) as connection:
                    connection.execute(insert(table).values(a_row_of(table)))
                for change in (update(table).values(commune=THEIRS), delete(table).where(table.c.commune == THEIRS)):
                    changed = 0
                    with contextlib.suppress(DBAPIError), writing(engine, OURS) as connection:
                        changed = connection.execute(change).rowcount
                    assert changed == 0, (table.name, str(change))
                with reading(engine, THEIRS) as connection:
                    assert connection.scalars(select(table.c.commune)).all() == [THEIRS], table.name
                looked_at += 1
    assert looked_at > 20


@pytest.mark.parametrize("kind", [*KINDS, "owner"])
def test_a_transaction_that_names_no_commune_reads_nothing(neighbours: SmallCommune, deployed: Deployed, kind: str):
    for service in SERVICES:
        with opened(deployed, service, kind, pool_size=1, max_overflow=0) as engine:
            for table in tables(engine):
                with reading(engine, OURS) as connection:  # the same connection, that a commune was named on before
                    connection.execute(select(table.c.commune)).all()
                for begin in (partial(reading, engine, NO_COMMUNE), engine.connect):
                    with pytest.raises(DBAPIError, match=r"cchc\.commune is not set"), begin() as connection:
                        connection.execute(select(table.c.commune)).all()


def test_naming_every_commune_shows_the_server_where_logs_stand_and_no_more(
    neighbours: SmallCommune, deployed: Deployed
):
    for service in SERVICES:
        with opened(deployed, service, "server") as engine:
            for table in tables(engine):
                with snapshot(engine, EVERY_COMMUNE) as connection:
                    seen = set(connection.scalars(select(table.c.commune)))
                assert (THEIRS in seen) == (table.name in {"heads", "cursors", "positions"}), table.name


def test_a_view_shows_no_more_than_its_tables(neighbours: SmallCommune, deployed: Deployed):
    owner = neighbours.installation.owner("tasks")
    with writing(owner, NO_COMMUNE) as connection:
        connection.execute(text("CREATE VIEW seen AS SELECT commune, title FROM states"))
        connection.execute(text("GRANT SELECT ON seen TO tasks_server"))
    with opened(deployed, "tasks", "server") as engine, reading(engine, OURS) as connection:
        assert set(connection.scalars(text("SELECT commune FROM seen"))) == {OURS}
    with writing(owner, NO_COMMUNE) as connection:
        connection.execute(text("DROP VIEW seen"))


@pytest.mark.parametrize("app", ["web", *SERVICES])
def test_no_route_shows_anything_of_another_commune(neighbours: SmallCommune, deployed: Deployed, app: str):
    """With every role of our commune, and with their ids in our addresses."""
    served = deployed.installation("server", neighbours.installation.settings.data)
    web = screens_of(served) if app == "web" else served.web(app)
    client = web.test_client()
    asked = 0
    for staff in ("p01", "p03", "p04"):
        roles = sorted(ROLES - WIDE_ROLES)
        token = mint(served.signing_key, sub=f"staff/{staff}", commune=OURS, roles=roles, lifetime=timedelta(minutes=5))
        for method, rule, classification in routes(web):
            if method != "GET" or "<" not in rule:
                continue
            for theirs in (MARK, "2024"):
                path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.replace("<commune>", OURS))
                path = re.sub(r"<int:[^>]*>", "2024", path)
                path = re.sub(r"<[^>]*>", theirs, path)
                answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code < 500, (path, answer.data)
                # A refusal may repeat what was asked for; an answer names nothing that is not ours.
                if answer.status_code < 400:
                    shown = answer.data.replace(f'"{MARK}"'.encode(), b"")
                    assert THEIRS.encode() not in shown and MARK.encode() not in shown, (path, classification)
                asked += 1
    assert asked > 6
    served.close()


def test_the_server_cannot_change_or_remove_an_event(neighbours: SmallCommune, deployed: Deployed):
    for service in SERVICES:
        with opened(deployed, service, "server") as engine:
            for change in ("UPDATE events SET body = ''", "DELETE FROM events", "TRUNCATE events"):
                with pytest.raises(DBAPIError, match="permission denied"), writing(engine, OURS) as connection:
                    connection.execute(text(change))
    owner = neighbours.installation.owner("tasks")
    with pytest.raises(DBAPIError, match="never changed or removed"), writing(owner, OURS) as connection:
        connection.execute(text("DELETE FROM events"))


def test_no_role_gets_round_it_and_each_knows_its_own_database_only(neighbours: SmallCommune, deployed: Deployed):
    with writing(neighbours.installation.owner("tasks"), NO_COMMUNE) as connection:
        named = [role for roles in databases().values() for role in roles]
        known = connection.execute(
            text("SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = ANY(:named)"),
            {"named": named},
        )
        assert dict(known.all()) == dict.fromkeys(named, False)
    engine = open_database(deployed.url("tasks", "scoring_worker"))
    with pytest.raises(DBAPIError, match="permission denied for database"):
        engine.connect()


def test_what_is_not_secured_is_said_and_mended(neighbours: SmallCommune):
    owner = neighbours.installation.owner("tasks")
    spoiled = {
        "ALTER TABLE states DISABLE ROW LEVEL SECURITY": Gap("security", "states"),
        "ALTER TABLE heads NO FORCE ROW LEVEL SECURITY": Gap("force", "heads"),
        "DROP POLICY own_commune ON people": Gap("policy", "people"),
        "CREATE POLICY all_of_it ON events USING (true)": Gap("open", "events", "all_of_it"),
    }
    with writing(owner, NO_COMMUNE) as connection:
        assert unsecured(connection) == []
        for statement in spoiled:
            connection.execute(text(statement))
        assert sorted(unsecured(connection)) == sorted(spoiled.values())
        secure(connection, "tasks")
        # Somebody's, who must know why.
        assert unsecured(connection) == [Gap("open", "events", "all_of_it")]
        connection.execute(text("DROP POLICY all_of_it ON events"))
