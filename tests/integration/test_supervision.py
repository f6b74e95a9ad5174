"""Supervisors see what was published, and nobody in it (ADR 0031): an attack by differences of all they can ask."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.notifications.app import create_web
from services.notifications.domain.published import FEW, FEW_IN_ALL, STANDS
from services.scoring.domain.reports import LEAST, published_levels
from services.scoring.domain.table import table
from shared.eventlog import Decision
from shared.events import RatingsPublished, TaskCorrected
from shared.web.auth import Verifier
from shared.web.keys import generate_key, mint
from tests.integration.test_scoring_api import BASE
from tests.integration.test_scoring_api import World as Scoring
from tests.support.histories import COMMUNE, History, appointed, assigned, completed, opened, reported
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import World

AGGREGATES = f"{BASE}/years/2024/reports/aggregates"
CATEGORIES = ("cong_chuc", "truong_thon", "hop_dong")


def staffed(random: Random, people: int) -> History:
    """A commune at random: categories, units, and who has done the one task they had."""
    history = History().record("1/1", opened())
    for number in range(people):
        staff = f"p{number:02}"
        unit = random.choice(("van-phong", "tu-phap", "dia-chinh", "thon"))
        history.record("1/1", appointed(staff, category=random.choice(CATEGORIES), unit=unit))
        history.record("1/1", assigned(f"t{staff}", lead=staff, due="30/6", assigned_on="1/1"))
        if random.random() < 0.6:
            history.record("1/1", reported(f"t{staff}", on="1/1"), completed(f"t{staff}", on="1/1"))
    return history


# Levels


@pytest.fixture
def scoring(tmp_path: Path) -> Iterator[Scoring]:
    world = Scoring(tmp_path)
    history = staffed(Random(7), 18).record(
        "4/1", appointed("p80", category="dau_moi", rated=False, roles=["supervisor"])
    )
    world.hold(history)
    world.history = history  # type: ignore[attr-defined]
    yield world
    world.scoring.engine.dispose()


def publish(world: Scoring) -> None:
    said = RatingsPublished(year=2024, on=date(2024, 12, 20))
    world.scoring.logs["scoring"].append(COMMUNE, lambda _: Decision([said]), actor="staff/p14")


def ask(world: Scoring, **query: Any) -> Any:
    return world.get(AGGREGATES, as_=world.auth("staff/p80", "supervisor"), **query)


def test_nothing_is_shown_before_the_publication(scoring: Scoring) -> None:
    answer = ask(scoring)
    assert (answer.status_code, answer.json["code"]) == (409, "not-published")
    assert "2024" in answer.json["detail"]


def test_no_moment_is_chosen(scoring: Scoring) -> None:
    publish(scoring)
    ends = (scoring.tasks.head(COMMUNE).position, scoring.scoring.logs["scoring"].head(COMMUNE).position)
    for tasks, own in product(range(ends[0] + 1), range(ends[1] + 1)):
        answer = ask(scoring, positions=f"tasks:{tasks},scoring:{own}", on="2024-12-31")
        assert (answer.status_code, answer.json["code"]) == (403, "published-only")
    for month in range(1, 13):
        answer = ask(scoring, as_of=f"2024-{month:02}-01")
        assert (answer.status_code, answer.json["code"]) == (403, "published-only")


@pytest.mark.parametrize("form", ["json", "xlsx"])
def test_what_was_published_first_stays_whatever_comes_after(scoring: Scoring, form: str) -> None:
    publish(scoring)
    first = ask(scoring, format=form)
    assert first.status_code == 200
    if form == "json":
        result = first.json["result"]
        assert result["people"] == sum(result["levels"].values()) == 18
        assert result["fields"] == result["directives"] == []
        assert any("dưới 5 người: không hiện" in note for note in result["notes"])
    for number, staff in enumerate(("p00", "p01", "p02")):
        scoring.now += timedelta(days=1)
        again = Decision([assigned(f"x{number}", lead=staff, due="1/2")])
        scoring.tasks.append(COMMUNE, lambda _, again=again: again, actor="staff/p14")  # type: ignore[misc]
        scoring.runner.catch_up()
        publish(scoring)
        assert ask(scoring, format=form).data == first.data
    other = scoring.get(AGGREGATES, format=form)
    assert other.data != first.data  # whoever follows up sees how things stand now


@pytest.mark.parametrize("seed", range(40))
def test_no_sum_or_difference_of_what_is_shown_is_of_few(seed: int) -> None:
    """Every group and the total, each taken once, taken off, or left: what it comes to is never one to four people."""
    random = Random(seed)
    records = staffed(random, random.randint(6, 24)).records()
    report = published_levels(records, 2024, date(2024, 12, 31))
    rows = table(records, 2024, date(2024, 12, 31)).rows
    divisions = (
        {group.name: {row.staff for row in rows if row.category == group.name} for group in report.by_category},
        {group.name: {row.staff for row in rows if row.unit == group.name} for group in report.by_unit},
    )
    shown = [{row.staff for row in rows}] if report.levels else []
    for groups in divisions:
        if None in groups:
            groups[None] = {row.staff for row in rows} - set().union(*(group for name, group in groups.items() if name))
        shown += list(groups.values())
    vectors = [[int(row.staff in group) for row in rows] for group in shown]
    for signs in product((-1, 0, 1), repeat=len(vectors)):
        sums = [
            sum(sign * vector[place] for sign, vector in zip(signs, vectors, strict=True)) for place in range(len(rows))
        ]
        if set(sums) <= {0, 1} and any(sums):
            members = [row for row, one in zip(rows, sums, strict=True) if one]
            assert len(members) >= LEAST, (signs, [row.staff for row in members])
            assert len({row.level for row in members}) > 1


# Months


class Watched:
    """Tasks of many people over the months of 2024, and a supervisor who asks for every month at every moment."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.key = generate_key(folder / "private.pem", folder / "public.json")
        self.client: FlaskClient = create_web(world.notifications, Verifier(str(folder / "public.json"))).test_client()

    def ask(self, month: str, form: str = "", who: str = "p80", role: str = "supervisor") -> Any:
        token = mint(self.key, sub=f"staff/{who}", commune=COMMUNE, roles=[role], lifetime=timedelta(hours=1))
        url = f"/api/v1/notifications/communes/{COMMUNE}/monthly{form}"
        return self.client.get(url, query_string={"month": month}, headers={"Authorization": f"Bearer {token}"})

    def give(self, field: int, *leads: str, name: str = "") -> None:
        self.world.record(*(assigned(f"{name}{field}-{lead}", lead=lead, field=field, due="30/12") for lead in leads))

    def end(self, *tasks: str) -> None:
        on = f"{self.world.now.day}/{self.world.now.month}"
        self.world.record(*(said for task in tasks for said in (reported(task, on=on), completed(task, on=on))))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00").open()
        world.record(
            appointed("p80", category="dau_moi", roles=["supervisor"]), *(appointed(f"q{n:02}") for n in range(20))
        )
        yield Watched(world, tmp_path)


MANY, SOME = [f"q{n:02}" for n in range(9)], [f"q{n:02}" for n in range(9, 15)]


def tasks_of(answer: Any) -> dict[int, Any]:
    assert answer.status_code == 200, answer.json
    return {field["field"]: field["tasks"] for field in answer.json["fields"]}


def test_a_month_is_shown_once_it_is_over(watched: Watched) -> None:
    watched.give(1, *MANY)
    for now in ("2024-06-20 09:00", "2024-06-30 23:58"):
        watched.world.to(now)
        for form in ("", ".html", ".xlsx"):
            answer = watched.ask("2024-06", form)
            assert (answer.status_code, answer.json["code"]) == (409, "month-open")
    assert watched.ask("2024-06", who="p14", role="office").status_code == 200
    watched.world.to("2024-07-01 00:01")
    assert tasks_of(watched.ask("2024-06"))[1]["assigned"] == 9


def test_a_field_of_few_people_is_hidden_and_another_with_it(watched: Watched) -> None:
    watched.give(1, *MANY)
    watched.give(2, *SOME)
    watched.give(3, "q15", "q16")
    watched.world.to("2024-07-02 09:00")
    answer = watched.ask("2024-06")
    fields = tasks_of(answer)
    assert {field for field, tasks in fields.items() if tasks["assigned"] is None} == {2, 3}
    assert (fields[1]["assigned"], fields[4]["assigned"], answer.json["total"]["assigned"]) == (9, 0, 17)
    assert all(tasks["open"] is None for tasks in fields.values())  # how things stand: for the whole commune alone
    assert answer.json["total"]["open"] == 17
    assert FEW in answer.json["notes"] and STANDS in answer.json["notes"]
    page = watched.ask("2024-06", ".html").text
    assert "dưới 5 người: không hiện" in page and '<td class="number">–</td>' in page


def test_a_commune_of_few_people_shows_nothing(watched: Watched) -> None:
    watched.give(1, "q00", "q01")
    watched.world.to("2024-07-02 09:00")
    answer = watched.ask("2024-06")
    assert set(answer.json["total"].values()) == {None}
    assert FEW_IN_ALL in answer.json["notes"]


def test_a_month_never_changes(watched: Watched) -> None:
    """Not by what is recorded later, nor by a task that is counted under another field from then on."""
    watched.give(1, *MANY)
    watched.give(2, *SOME)
    watched.world.to("2024-07-02 09:00")
    first = watched.ask("2024-06").data
    moved = TaskCorrected(task="1-q00", field=2, by="p14", reason="Sửa lĩnh vực")
    watched.world.record(moved)
    watched.end("1-q01")
    watched.world.look()
    assert watched.ask("2024-06").data == first
    watched.world.to("2024-09-02 09:00")
    assert watched.ask("2024-06").data == first


def test_two_months_that_differ_by_few_people_do_not_both_show_how_things_stand(watched: Watched) -> None:
    watched.give(1, *MANY)
    watched.give(2, *SOME)
    watched.world.to("2024-07-10 09:00")
    watched.end("1-q00")  # one person's task ends in July
    watched.world.to("2024-08-10 09:00")
    watched.end(*(f"1-{lead}" for lead in MANY[1:6]))  # those of five more in August
    watched.world.to("2024-09-02 09:00")
    june, july, august = (watched.ask(f"2024-{month:02}").json["total"] for month in (6, 7, 8))
    assert (june["open"], july["open"], august["open"]) == (15, None, 9)
    assert july["in_time"] is None  # nor what happened in July, which was one person's


@pytest.mark.parametrize("seed", range(3))
def test_no_difference_of_months_is_of_few(tmp_path: Path, seed: int) -> None:
    """At random: of all months that show how things stand, any two differ by nobody's part or that of five and more."""
    random = Random(seed)
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-01-03 08:00").open()
        people = (appointed(f"q{n:02}") for n in range(12))
        world.record(appointed("p80", category="dau_moi", roles=["supervisor"]), *people)
        watched = Watched(world, tmp_path)
        running: dict[str, str] = {}
        ends: dict[str, dict[str, int]] = {}
        for month in range(1, 9):
            for number in range(random.randint(0, 8)):
                lead = f"q{random.randrange(12):02}"
                watched.give(number % 3, lead, name=f"m{month}{number}-")
                running[f"m{month}{number}-{number % 3}-{lead}"] = lead
            for task in random.sample(sorted(running), min(len(running), random.choice((0, 1, 1, 6)))):
                del running[task]
                watched.end(task)
            ends[f"2024-{month:02}"] = {lead: [*running.values()].count(lead) for lead in running.values()}
            world.to(f"2024-{month + 1:02}-03 08:00")
        asked = {name: watched.ask(name).json["total"]["open"] for name in ends}
        shown = {name: of for name, of in ends.items() if asked[name] is not None}
        for name, of in shown.items():
            assert asked[name] == sum(of.values())
            assert len(of) == 0 or len(of) >= LEAST
            for other in shown.values():
                differing = {lead for lead in {*of, *other} if of.get(lead) != other.get(lead)}
                assert len(differing) == 0 or len(differing) >= LEAST
