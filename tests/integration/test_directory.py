"""Names and addresses over HTTP, from a real tasks service: who may read them, and what happens when it is away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.notifications.channels.interface import Temporary
from services.notifications.directory import REMEMBERED_S, Directory
from services.tasks import personal
from services.tasks.app import create_web
from services.tasks.service import open_tasks
from shared.eventlog import writing
from shared.web.auth import Verifier
from shared.web.keys import SigningKey, generate_key, mint
from tests.support.histories import COMMUNE
from tests.support.logs import migrated, sqlite_url
from tests.support.servers import free_port
from tests.support.web import served


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return generate_key(tmp_path / "private.pem", tmp_path / "public.json")


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Engine]:
    with migrated(sqlite_url(tmp_path, "tasks"), "services.tasks") as engine:
        with writing(engine, COMMUNE) as connection:
            personal.save_person(
                connection, COMMUNE, personal.Person("p07", "Nguyễn Thị Bảy", "bay@xa.example", "0905")
            )
        yield engine


@pytest.fixture
def base(tasks: Engine, key: SigningKey, tmp_path: Path) -> Iterator[str]:
    app = create_web(open_tasks(tasks, tmp_path / "evidence"), Verifier(str(tmp_path / "public.json")))
    with served(app) as url:
        yield f"{url}/api/v1/tasks"


def token(key: SigningKey, role: str) -> str:
    return mint(key, sub=f"service/{role}", commune="*", roles=[role], lifetime=timedelta(minutes=5))


def test_who_is_reached_where_is_read_when_it_is_needed(base: str, key: SigningKey, tasks: Engine) -> None:
    now = 0.0
    directory = Directory(base, lambda: token(key, "messenger"), clock=lambda: now)
    assert directory(COMMUNE)["p07"].email == "bay@xa.example"
    with writing(tasks, COMMUNE) as connection:
        personal.erase_person(connection, COMMUNE, "p07")
    now = REMEMBERED_S
    assert directory(COMMUNE) == {}


@pytest.mark.parametrize("role", ["replicator", "messenger"])
def test_a_messenger_reads_people_and_nothing_else(base: str, key: SigningKey, tmp_path: Path, role: str) -> None:
    import urllib.error
    import urllib.request

    def status(path: str) -> int:
        asked = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {token(key, role)}"})
        try:
            with urllib.request.urlopen(asked) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    people = status(f"/communes/{COMMUNE}/people")
    others = {status(f"/communes/{COMMUNE}{path}") for path in ("/events", "/staff", "/tasks")}
    assert (people, others) == ((200, {403}) if role == "messenger" else (403, {200, 403}))


def test_a_directory_that_is_away_is_asked_again_later(key: SigningKey) -> None:
    directory = Directory(f"http://127.0.0.1:{free_port()}", lambda: token(key, "messenger"))
    with pytest.raises(Temporary, match="directory_away"):
        directory(COMMUNE)


def test_a_directory_that_refuses_is_away(base: str, key: SigningKey) -> None:
    with pytest.raises(Temporary, match="directory_away"):
        Directory(base, lambda: token(key, "replicator"))(COMMUNE)
