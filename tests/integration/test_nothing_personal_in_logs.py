"""A name, an address or a secret that comes in anywhere stands in no log line, metric, status or answer to a fault.

The faults are real: every write meets a constraint, a mail server refuses or is away, a webhook's host is away.
"""

import json
import logging
import os
import smtplib
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import psycopg
import pytest
from sqlalchemy import Engine, insert, inspect, text

from cchc.databases import databases
from cchc.installation import Installation
from cchc.services import SERVICES
from services.notifications import tables
from services.notifications.channels.interface import Temporary
from services.notifications.channels.webhooks import new_secret
from shared.eventlog import NO_COMMUNE, open_database, reading, writing
from shared.said import stack_of
from shared.web.app import openapi
from shared.web.logs import JsonFormatter
from tests.support.deployed import Deployed, deployed_on
from tests.support.doors import PLACES, Asking, inputs, names_in, whole
from tests.support.logged import logged
from tests.support.mail import smtp_server
from tests.support.postgres import Postgres, execute, with_driver
from tests.support.reminded import COMMUNE, SmallCommune

NAME = "Mật Thị qzxw"
EMAIL = "matqzxw@xa-nho.example"
TOKEN = "bi-mat-qzxw"
CANARY = "qzxw"  # in all of them


def refuse_writes(engine: Engine) -> None:
    """From now on every row that is written meets a constraint, whose words on PostgreSQL are the row itself."""
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
    for name in names:
        if engine.dialect.name == "postgresql":
            statements = [f'ALTER TABLE "{name}" ADD CONSTRAINT broken CHECK (false) NOT VALID']
        else:
            statements = [
                f"CREATE TRIGGER {name}_{when} BEFORE {when} ON {name} BEGIN SELECT RAISE(ABORT, 'broken'); END"
                for when in ("INSERT", "UPDATE", "DELETE")
            ]
        with writing(engine, NO_COMMUNE) as connection:
            for statement in statements:
                connection.execute(text(statement))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def broken(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SmallCommune, Installation]]:
    """A commune of which nothing more can be recorded."""
    data = tmp_path_factory.mktemp("broken") / "data"
    if request.param == "sqlite":
        commune = SmallCommune(data, "2024-01-02")
        for service in SERVICES:
            refuse_writes(commune.installation.engine(service))
        yield commune, commune.installation
        commune.installation.close()
        return
    server: Postgres = request.getfixturevalue("private_postgres")
    with deployed_on(server) as deployed:
        commune = SmallCommune(data, "2024-01-02", (2024,), **deployed.environment("worker"))
        for service in SERVICES:
            refuse_writes(commune.installation.owner(service))
        served = deployed.installation("server", data)
        yield commune, served
        served.close()
        commune.installation.close()


def test_no_route_s_fault_says_what_was_sent(broken: tuple[SmallCommune, Installation]):
    _, installation = broken
    faults = 0
    with logged() as log:
        for service in SERVICES:
            ask = Asking(installation, service)
            document = openapi(ask.app)
            for place in inputs(document):
                # In a path a name may be written as ids are.
                for name in ("M%E1%BA%ADt%20Th%E1%BB%8B%20qzxw", *(["mat-thi-qzxw"] if place.kind == "path" else [])):
                    answer = ask(place, name)
                    if answer.status_code >= 500:
                        faults += 1
                        assert CANARY not in answer.text, str(place)
            operations = {(place.path, place.method): place for place in inputs(document)}
            for (path, method), place in operations.items():
                described = document["paths"][path][method].get("requestBody", {}).get("content", {})
                if "application/json" not in described:
                    continue
                known = PLACES | {"staff": "p04", "unit": COMMUNE}
                address = path.format(**{each: known.get(each, "x1") for each in names_in(path)})
                body = whole(document, described["application/json"]["schema"], NAME)
                answer = ask.client.open(
                    f"{address}", method=method.upper(), json=body, headers=ask.headers(place) | {"If-Match": '"1"'}
                )
                if answer.status_code >= 500:
                    faults += 1
                    assert CANARY not in answer.text, str(place)
            assert CANARY not in ask.client.get("/metrics").text
            assert CANARY not in ask.client.get("/readyz").text
    assert faults >= 3  # a person's contact, a unit's name, an address, an endpoint …
    assert CANARY not in log.getvalue(), next(line for line in log.getvalue().splitlines() if CANARY in line)
    assert "broken" in log.getvalue() or "23514" in log.getvalue()


def test_no_command_s_fault_says_what_it_was_given(broken: tuple[SmallCommune, Installation], tmp_path: Path):
    commune, _ = broken
    roster = tmp_path / "danh-sach.csv"
    roster.write_text(f"Mã;Họ và tên;Chức vụ;Nhóm;Email;Từ ngày\np77;{NAME};Công chức;Công chức;{EMAIL};01/01/2024\n")
    settings = commune.installation.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CCHC_")}
    environment |= {f"CCHC_DATABASE_{name.upper()}": url for name, url in settings.databases.items()}
    tried = [
        ["import", "roster", str(roster), "--confirm"],
        ["commune", "open", "xa-moi", "--name", NAME, "--code", "20001", "--valid-from", "2024-01-01"],
        ["commune", "settings", COMMUNE, f"x={NAME}", "--reason", NAME],
        ["commune", "roles", "p04", "staff", "--reason", NAME],
    ]
    for arguments in tried:
        program = Path(sys.executable).with_name("cchc")
        ran = subprocess.run(
            [str(program), "--data", str(settings.data), *arguments],
            env=environment,
            capture_output=True,
            check=False,
            text=True,
        )
        assert ran.returncode != 0, arguments
        assert CANARY not in ran.stderr, ran.stderr


def test_channels_that_fail_name_nobody(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with smtp_server() as postbox, logged() as log:
        commune = SmallCommune(
            tmp_path / "data",
            "2024-01-02",
            (2024,),
            CCHC_SMTP=f"smtp://{TOKEN}:{TOKEN}@127.0.0.1:{postbox.port}",
            CCHC_MAIL_FROM=f"{NAME} <{EMAIL}>",
            CCHC_APPRISE=f"json://{TOKEN}@127.0.0.1:{nobody}/{{address}}",
            CCHC_WEBHOOK_ALLOW=f"127.0.0.1:{nobody}",
        )
        with writing(commune.tasks.engine, COMMUNE) as connection:
            connection.execute(text(f"UPDATE people SET name = '{NAME}', email = '{EMAIL}'"))
        with writing(commune.notifications.engine, COMMUNE) as connection:
            for staff in ("p03", "p04"):
                address = {"commune": COMMUNE, "staff": staff, "channel": "apprise", "address": TOKEN}
                connection.execute(insert(tables.addresses).values(address))
            endpoint = {
                "commune": COMMUNE,
                "endpoint": "e1",
                "url": f"http://127.0.0.1:{nobody}/{TOKEN}?key={TOKEN}",
                "secret": new_secret(),
                "rules": "[]",
                "created_at": commune.at(),
            }
            connection.execute(insert(tables.endpoints).values(endpoint))
        postbox.refusals["RCPT"] = f"550 5.1.1 no such mailbox: {EMAIL} {NAME}".encode("ascii", "replace").decode()
        commune.assign("báo cáo", lead="p04", due="2024-01-05")
        commune.to("2024-01-10 08:00")
        postbox.refusals.clear()
        commune.assign("tổng hợp", lead="p04", due="2024-01-12")
        commune.to("2024-01-16 08:00")
        tried = {row.channel for row in commune.occurrences() if row.attempt}
        reasons = [row.reason for row in commune.occurrences() if row.reason]
        events = b"".join(commune.notifications.log.read_all(COMMUNE))
        commune.installation.close()
    assert "email" in tried, tried
    assert CANARY not in log.getvalue(), next(line for line in log.getvalue().splitlines() if CANARY in line)
    assert CANARY not in " ".join(reasons)
    assert CANARY.encode() not in events


def test_what_cannot_be_reached_is_named_without_its_secret():
    engine = open_database(f"postgresql+psycopg://tasks_server:{TOKEN}@127.0.0.1:1/tasks")
    with logged() as log:
        error = raised_by(engine.connect)
        logging.getLogger("shared.test").error("away: %s", error, exc_info=error)
    assert CANARY not in log.getvalue() and "Connection refused" in log.getvalue()
    engine.dispose()


@pytest.mark.postgres
def test_the_server_s_own_log_shows_no_row_and_no_password(private_postgres: Postgres):
    with deployed_on(private_postgres) as deployed:
        for database in databases():
            engine = open_database(Deployed(deployed.server).url(database, next(iter(databases()[database]))))
            with reading(engine, NO_COMMUNE) as connection:
                assert connection.scalar(text("SHOW log_error_verbosity")) == "terse"
                assert connection.scalar(text("SHOW log_parameter_max_length_on_error")) == "0"
                assert connection.scalar(text("SHOW log_parameter_max_length")) == "0"
            engine.dispose()
        stored = with_driver(private_postgres.address)
        kept = open_database(stored.render_as_string(hide_password=False))
        with reading(kept, NO_COMMUNE) as connection:
            hashes = connection.scalars(text("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'tasks%'")).all()
        kept.dispose()
        assert hashes and all(str(each).startswith("SCRAM-SHA-256$") for each in hashes)
        execute(private_postgres.address, "SELECT 1")


def raised_by(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def wrong_sql() -> None:
    sqlite3.connect(":memory:").execute("SELECT ?", (NAME, EMAIL))


FOREIGN = {
    "decode": lambda: json.loads(f'{{"name": "{NAME}" {EMAIL}'),
    "type": lambda: msgspec.json.decode(f'"{NAME}"', type=Literal["a"]),
    "enum": lambda: int(NAME),
    "encoding": lambda: NAME.encode("ascii"),
    "key": lambda: dict[str, str]()[NAME],
    "url": lambda: urllib.request.urlopen(f"http://127.0.0.1:1/{TOKEN}", timeout=1),
    "host": lambda: socket.create_connection((f"{TOKEN}.invalid", 1), timeout=1),
    "file": lambda: Path(f"/nowhere/{NAME}").read_bytes(),
    "binding": wrong_sql,
    "dsn": lambda: psycopg.connect(f"postgresql://u:{TOKEN}@127.0.0.1:1/db", connect_timeout=1),
    "smtp": lambda: (_ for _ in ()).throw(smtplib.SMTPRecipientsRefused({EMAIL: (550, NAME.encode())})),
    "http": lambda: (_ for _ in ()).throw(urllib.error.HTTPError(f"http://x/{TOKEN}", 404, NAME, {}, None)),  # type: ignore[arg-type]
    "group": lambda: (_ for _ in ()).throw(ExceptionGroup("", [ValueError(NAME)])),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_no_exception_of_others_speaks_for_itself(kind: str):
    error = raised_by(FOREIGN[kind])
    try:
        raise Temporary("smtp 550") from error
    except Temporary as ours:
        around = ours
    assert CANARY in str(error) + repr(error) + str(vars(error)) or kind in ("url", "host", "binding", "dsn")
    for each in (error, around):
        record = logging.LogRecord("shared.test", 40, "", 1, "failed: %s", (each,), (type(each), each, None))
        record.cause = each
        assert CANARY not in JsonFormatter().format(record)
    assert type(error).__name__ in stack_of(around) and "Temporary: smtp 550" in stack_of(around)


def test_lines_of_other_libraries_come_without_what_they_were_given():
    for name, message, arguments in (
        ("urllib3.connectionpool", "Retrying after %s: %s", ("x", f"/bot{TOKEN}")),
        ("apprise.zalo", f"Sent to {NAME}", ()),
        ("sqlalchemy.engine", "%r", ((NAME,),)),
    ):
        assert CANARY not in JsonFormatter().format(logging.LogRecord(name, 30, "x.py", 1, message, arguments, None))


def test_what_nothing_catches_is_logged_the_same_way():
    def fail() -> None:
        raise ValueError(NAME)

    with logged() as log:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    [line] = map(json.loads, log.getvalue().splitlines())
    assert line["level"] == "critical" and "ValueError" in line["stack"] and CANARY not in log.getvalue()


def test_an_address_that_was_looked_for_is_no_line(broken: tuple[SmallCommune, Installation]):
    _, installation = broken
    client = installation.web("tasks").test_client()
    with logged() as log:
        client.get(f"/api/v1/tasks/communes/{COMMUNE}/people/{EMAIL}?q={NAME}")
        client.get(f"/api/v1/tasks/communes/{COMMUNE}/tasks/{NAME}")
    assert CANARY not in log.getvalue() and f"/communes/{COMMUNE}/people/…" in log.getvalue()
