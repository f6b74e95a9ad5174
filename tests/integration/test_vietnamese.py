"""Search and order on both databases: SQLite's in Python, PostgreSQL's of ICU and unaccent, and the same answers."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.pool import NullPool

from services.tasks import personal, queries
from services.tasks.queries import TaskFilter
from services.tasks.service import open_tasks
from shared import collation
from shared.eventlog import open_database, writing
from shared.eventlog.errors import ServerLacks
from shared.eventlog.migrations import migrate
from tests.support import postgres as databases
from tests.support.deployed import Deployed
from tests.support.tasks_web import COMMUNE, Commune, done

Form = Literal["NFC", "NFD"]
INSPECTOR = ("operator/thanh-tra", "inspector")

NAMES = [
    "Nguyễn Văn An",
    "NGUYỄN THỊ AN",
    "Trần Văn Án",
    "Lê Thị Ánh",
    "Võ Ân",
    "Huỳnh Ngọc Bảo",
    "Đặng Đình Dũng",
    "Đoàn Công Đạt",
    "Y Kŏ H'Đăk",
    "Phạm Thị Thu-Hà",
    "Ông Văn Ổn",
    "Ung Văn Ơn",
    "Ưng Thị Út",
    "Bùi Thị Út",
    "Vũ Thị Ứng",
]
TITLES = [
    "Báo cáo cải cách hành chính quý II",
    "Bao cao cai cach hanh chinh quy I",
    "báo cáo số 10/BC-UBND",
    "Báo cáo số 2/BC-UBND",
    "Đường ven sông",
    "Đuống",
    "Duong ven song",
    "Hợp tác xã",
    "Hộp thư",
    "Kế hoạch 2024–2025 (đợt 1)",
    "Kế hoạch 2024-2025 (đợt 1)",
    "Số hóa 100% hồ sơ",
    "Tệp bao_cao",
    "“Một cửa”",
    "Đắk Lắk; Čư Êbur",
    "v.v…",
]
LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyfjwzčŏĕŭ" + "àảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
PUNCTUATION = " _-–—,;:!?.'‘’\"“”()[]/\\&#%+=<>0123456789"
TEXTS = st.text(st.sampled_from(LETTERS + LETTERS.upper() + PUNCTUATION), max_size=8)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated PostgreSQL database."""
    engine = open_database(request.getfixturevalue("postgres"), poolclass=NullPool)
    migrate(engine, "services.tasks")
    yield engine
    engine.dispose()


def asked(connection: Connection, question: str, **values: Any) -> Any:
    return connection.execute(text(question), values).scalars().all()


ORDERED = "SELECT one FROM unnest(CAST(:them AS text[])) AS one ORDER BY one COLLATE vietnamese"
GIVEN = "SELECT given_name(one) FROM unnest(CAST(:them AS text[])) WITH ORDINALITY AS t (one, n) ORDER BY n"
MENTIONED = "SELECT mentions(one, :wanted) FROM unnest(CAST(:them AS text[])) WITH ORDINALITY AS t (one, n) ORDER BY n"


def test_icu_orders_as_sqlite_does(engine: Engine) -> None:
    decomposed = [unicodedata.normalize("NFD", each) for each in NAMES + TITLES]
    with engine.connect() as connection:
        for them in (NAMES, TITLES, decomposed, list(LETTERS + LETTERS.upper() + PUNCTUATION)):
            assert asked(connection, ORDERED, them=them) == sorted(them, key=collation.order)

        @given(st.lists(TEXTS, max_size=20))
        @settings(max_examples=200)
        def whatever(them: list[str]) -> None:
            assert asked(connection, ORDERED, them=them) == sorted(them, key=collation.order)

        whatever()


def test_unaccent_finds_what_sqlite_does(engine: Engine) -> None:
    with engine.connect() as connection:
        for wanted in [*TITLES, *(collation.fold(each) for each in TITLES), *LETTERS, *PUNCTUATION, "b_o", "%", ""]:
            expected = [collation.mentions(each, wanted) for each in TITLES]
            assert asked(connection, MENTIONED, them=TITLES, wanted=wanted) == expected, wanted

        @given(st.lists(TEXTS, max_size=20), TEXTS.map(lambda each: each[:2]))
        @settings(max_examples=200)
        def whatever(them: list[str], wanted: str) -> None:
            expected = [collation.mentions(each, wanted) for each in them]
            assert asked(connection, MENTIONED, them=them, wanted=wanted) == expected

        whatever()
        given_names = asked(connection, GIVEN, them=[*NAMES, None])
        assert given_names == [collation.given_name(name) for name in [*NAMES, None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def commune(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Commune]:
    if request.param == "sqlite":
        commune = Commune(tmp_path)
    else:
        commune = Commune(tmp_path, request.getfixturevalue("postgres"), poolclass=NullPool)
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_clerk_finds_tasks_however_they_are_typed(commune: Commune, form: Form) -> None:
    titles = ["Củng cố Hợp tác xã Đông Sơn", "Sửa Đường ven sông", "Don co Duong lang", "Số hóa 100%", "Tệp bao_cao"]
    for title in titles:
        commune.assign(title=unicodedata.normalize(form, title))

    def found(q: str) -> list[int]:
        listed = done(commune.get("p14", "/tasks", q=unicodedata.normalize(form, q)))["tasks"]
        return sorted(titles.index(task["title"]) for task in listed)

    assert found("hop tac xa") == found("HỢP TÁC XÃ") == found("đông sơn") == [0]
    assert found("đường") == found("Duong") == [1, 2]
    assert found("100%") == found("%") == [3]
    assert found("_") == [4]
    assert found("b_o") == found("%xã%") == found("hợp xã") == []


def test_people_and_units_are_listed_as_a_clerk_expects(commune: Commune) -> None:
    for person in done(commune.get("p14", "/people"))["people"]:
        done(commune.send("p14", f"/people/{person['staff']}", method="DELETE"))
    staff = [one["id"] for one in done(commune.get("p14", "/staff"))["staff"]]
    for code, name in {"p15": "Lê Thị Ánh", "p16": "ĐẶNG VĂN AN", "p17": "Nguyễn Văn An", "p01": "Đỗ Bình"}.items():
        done(commune.send("p14", f"/people/{code}", {"name": name}, method="PUT"))
    done(commune.send("p14", "/people/p02", {"phone": "0905"}, method="PUT"))
    by_name = ["p16", "p17", "p15", "p01"]

    assert [one["staff"] for one in done(commune.get("p14", "/people"))["people"]] == [*by_name, "p02"]
    others = [code for code in staff if code not in {*by_name, "p02"}]
    assert [one["id"] for one in done(commune.get("p14", "/staff"))["staff"]] == [*by_name, "p02", *others]
    # Who may not read the names does not learn their order either.
    assert [one["id"] for one in done(commune.get(INSPECTOR, "/staff"))["staff"]] == staff

    names = [one["name"] for one in done(commune.get("p14", "/units"))["units"]]
    assert names == sorted(names, key=collation.order) and len(names) > 3


@pytest.mark.parametrize("kind", ["server", "worker"])
def test_the_owner_migrates_without_a_superuser_and_the_other_roles_search(
    deployed: Deployed, kind: str, tmp_path: Path
) -> None:
    owner = open_database(deployed.url("tasks", "tasks_owner"), poolclass=NullPool)
    migrate(owner, "services.tasks")
    owner.dispose()

    engine = open_database(deployed.url("tasks", f"tasks_{kind}"), poolclass=NullPool)
    with writing(engine, COMMUNE) as connection:
        for number, name in enumerate(NAMES):
            personal.save_person(connection, COMMUNE, personal.Person(f"p{number}", name))
        assert [one.name for one in personal.people_of(connection, COMMUNE).values()] == [
            *("NGUYỄN THỊ AN", "Nguyễn Văn An", "Trần Văn Án", "Lê Thị Ánh", "Võ Ân", "Huỳnh Ngọc Bảo"),
            *("Đặng Đình Dũng", "Đoàn Công Đạt", "Y Kŏ H'Đăk", "Ông Văn Ổn", "Ung Văn Ơn", "Phạm Thị Thu-Hà"),
            *("Bùi Thị Út", "Ưng Thị Út", "Vũ Thị Ứng"),
        ]
    assert queries.tasks(open_tasks(engine, tmp_path), COMMUNE, TaskFilter(title="hop tac xa"), limit=1) == []
    engine.dispose()


@pytest.mark.parametrize(
    ("without", "said"),
    [
        # What a server without its contributed extensions, and one built without ICU, have in their catalogues.
        (
            """SET allow_system_table_mods = on; CREATE OR REPLACE VIEW pg_catalog.pg_available_extensions AS
            SELECT name, default_version, NULL COLLATE "C" AS installed_version, comment
            FROM pg_available_extensions() WHERE name <> 'unaccent'""",
            "postgresql-contrib",
        ),
        ("DELETE FROM pg_collation WHERE collprovider = 'i'", "ICU"),
    ],
)
def test_a_server_that_lacks_something_is_told_what_to_install(
    postgres: str, postgres_server: databases.Postgres, without: str, said: str
) -> None:
    superuser = databases.with_driver(postgres_server.address).set(database=make_url(postgres).database)
    databases.execute(superuser, *without.split("; "))
    engine = open_database(postgres, poolclass=NullPool)
    with pytest.raises(ServerLacks, match=said):
        migrate(engine, "services.tasks")
    engine.dispose()
