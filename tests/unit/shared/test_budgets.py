"""Budgets: what is too much is refused with the reason and the time left, of a person before it is of all."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.pool import NullPool

from shared.budgets import COMMUNE, STEPS, Allowances, Budgets, budgets, metadata, spend_from
from shared.eventlog import open_database, reading, writing
from shared.web.problems import Rejected
from tests.support.logs import sqlite_url
from tests.support.web import NOTES, notes_service

HERE = "tien-canh"
NOON = 1_700_000_000.0  # any moment; a minute begins 40 s before it


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_database(sqlite_url(tmp_path, "service"))
    else:
        engine = open_database(request.getfixturevalue("postgres"), poolclass=NullPool)
    with writing(engine, HERE) as connection:
        metadata.create_all(connection)
    yield engine
    engine.dispose()


def code_of(charge: Any, *args: Any, **options: Any) -> str | None:
    try:
        charge(*args, **options)
    except Rejected as refused:
        return refused.problem.code
    return None


def spent(engine: Engine, actor: str) -> dict[str, int]:
    with reading(engine, HERE) as connection:
        rows = connection.execute(budgets.select().where(budgets.c.actor == actor))
        return {row.kind: row.used for row in rows}


def test_a_person_has_so_many_changes_a_minute(engine: Engine) -> None:
    clock = Clock()
    purse = Budgets(engine, Allowances(changes=3), clock)
    assert [code_of(purse.charge, HERE, "staff/p01") for _ in range(4)] == [None] * 3 + ["too-many-changes"]
    with pytest.raises(Rejected) as refused:
        purse.charge(HERE, "staff/p01")
    left = int(refused.value.headers["Retry-After"])
    assert 1 <= left <= 60
    assert code_of(purse.charge, HERE, "staff/p02") is None
    clock.now += left
    assert code_of(purse.charge, HERE, "staff/p01") is None


def test_a_commune_has_ten_times_as_much_and_another_its_own(engine: Engine) -> None:
    purse = Budgets(engine, Allowances(changes=2), Clock())
    people = [f"staff/p{number:02}" for number in range(COMMUNE + 1) for _ in range(2)]
    answers = [code_of(purse.charge, HERE, actor) for actor in people]
    assert answers == [None] * 2 * COMMUNE + ["too-many-changes"] * 2
    assert code_of(purse.charge, "thanh-binh", "staff/p01") is None


@pytest.mark.parametrize(("kind", "code"), [("text", "too-much-text"), ("files", "too-many-files")])
def test_bytes_are_of_a_day_in_vietnam(engine: Engine, kind: str, code: str) -> None:
    clock = Clock()
    clock.now = 1_700_002_800.0 - 60  # a minute before 2023-11-15T00:00+07:00 − 1 h
    purse = Budgets(engine, Allowances(**{kind: 100}), clock)
    assert code_of(purse.charge, HERE, "staff/p01", **{kind: 60}) is None
    assert code_of(purse.charge, HERE, "staff/p01", **{kind: 60}) == code
    with pytest.raises(Rejected) as refused:
        purse.charge(HERE, "staff/p01", **{kind: 60})
    clock.now += int(refused.value.headers["Retry-After"])
    assert (clock.now + 7 * 3600) % 86_400 < 2
    assert code_of(purse.charge, HERE, "staff/p01", **{kind: 60}) is None


def test_what_is_refused_is_not_charged(engine: Engine) -> None:
    purse = Budgets(engine, Allowances(changes=3, text=100), Clock())
    for _ in range(10):
        assert code_of(purse.charge, HERE, "staff/p01", text=101) == "too-much-text"
    assert [code_of(purse.charge, HERE, "staff/p01", text=10) for _ in range(4)] == [None] * 3 + ["too-many-changes"]


def test_processes_share_a_budget_within_a_step_each(engine: Engine) -> None:
    clock, limit = Clock(), 100
    processes = [Budgets(engine, Allowances(changes=limit), clock) for _ in range(2)]
    taken = 0
    for number in range(3 * limit):
        taken += code_of(processes[number % 2].charge, HERE, "staff/p01") is None
    assert limit <= taken <= limit + 2 * limit // STEPS


def test_at_once_no_charge_is_lost(engine: Engine) -> None:
    clock, limit = Clock(), 400
    purse = Budgets(engine, Allowances(changes=limit), clock)

    def charge() -> None:
        for _ in range(limit // 4):
            purse.charge(HERE, "staff/p01")

    threads = [threading.Thread(target=charge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert code_of(purse.charge, HERE, "staff/p01") == "too-many-changes"
    assert spent(engine, "staff/p01")["changes"] == limit


def test_the_table_has_one_row_a_person_and_kind_whatever_the_time(engine: Engine) -> None:
    clock = Clock()
    purse = Budgets(engine, Allowances(changes=STEPS, text=STEPS), clock)
    for _ in range(5):
        purse.charge(HERE, "staff/p01", text=1)
        clock.now += 60
    assert spent(engine, "staff/p01") == {"changes": 1, "text": 5}


def test_without_its_table_a_process_counts_alone(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path, "service"))
    purse = Budgets(engine, Allowances(changes=2), Clock())
    assert [code_of(purse.charge, HERE, "staff/p01") for _ in range(3)] == [None, None, "too-many-changes"]
    engine.dispose()


def test_strangers_are_counted_by_address_and_kept_nowhere(engine: Engine) -> None:
    clock = Clock()
    purse = Budgets(engine, Allowances(changes=2), clock)
    assert [code_of(purse.charge_stranger, "10.0.0.1") for _ in range(3)] == [None, None, "too-many-changes"]
    assert code_of(purse.charge_stranger, "10.0.0.2") is None
    clock.now += 60
    assert code_of(purse.charge_stranger, "10.0.0.1") is None
    assert spent(engine, "10.0.0.1") == {}


def test_strangers_of_one_network_are_counted_together(engine: Engine) -> None:
    purse = Budgets(engine, Allowances(changes=2), Clock())
    of_one = ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:3::")
    assert [code_of(purse.charge_stranger, each) for each in of_one] == [None, None, "too-many-changes"]
    assert code_of(purse.charge_stranger, "2001:db8:0:1::1") is None


def test_the_answer_says_who_what_and_when(tmp_path: Path) -> None:
    service = notes_service(tmp_path)
    engine = open_database(sqlite_url(tmp_path, "service"))
    spend_from(service.client.application, Budgets(engine, Allowances(changes=1)))
    headers = service.auth("office")
    sent = [service.client.post(NOTES, headers=headers, json={"text": "một"}) for _ in range(2)]
    assert sent[0].status_code != 429
    answer, problem = sent[1], json.loads(sent[1].data)
    assert (answer.status_code, problem["code"]) == (429, "too-many-changes")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Bạn đã gửi 1 yêu cầu thay đổi" in problem["detail"] and "CCHC_CHANGES_A_MINUTE" in problem["detail"]
    assert service.client.get(NOTES, headers=headers).status_code == 200
    assert 'code="too-many-changes"' in service.client.get("/metrics").text
    # Who may not do it hears that, and spends nothing.
    other = service.auth("office", commune="thanh-binh")
    assert [service.client.post(NOTES, headers=other, json={}).status_code for _ in range(2)] == [403, 403]
    engine.dispose()
