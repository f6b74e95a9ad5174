"""Comparing two moments and computing decisions again, over HTTP; and that every question takes a moment."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.scoring.domain.sheet import sheet, sheet_bytes
from services.scoring.recheck import Checked, recheck
from services.scoring.views import Moment, known_at
from shared import events as ev
from shared.web.app import openapi
from tests.integration.test_scoring_api import BASE, RATINGS, World, history
from tests.support.histories import COMMUNE, History, assigned, common, day

DIFFERENCES = f"{RATINGS}/p07/differences"
INSPECTOR = ("operator/thanh-tra", "inspector")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.scoring.engine.dispose()


def hold(world: World, of: History) -> None:
    world.tasks.append_verbatim(COMMUNE, of.bodies["tasks"])
    world.scoring.logs["scoring"].append_verbatim(COMMUNE, of.bodies["scoring"])
    world.runner.catch_up()


def proposed(world: World, staff: str, on: str, **other: Any) -> ev.RatingProposed:
    """What the system proposes at the present heads, evaluated on a day; `other` falsifies it."""
    logs = world.scoring.logs
    known = known_at(logs, COMMUNE, Moment({s: logs[s].head(COMMUNE).position for s in logs}, day(on)))
    found = sheet(known.records, 2024, staff, on=known.on)
    said = ev.RatingProposed(
        proposal=f"d-{staff}",
        staff=staff,
        year=2024,
        level=found.level,  # type: ignore[arg-type]
        figures=found.figures,
        rule_set=found.rule_set,
        rule_set_sha256=found.rule_set_sha256,
        sheet_sha256=hashlib.sha256(sheet_bytes(found)).hexdigest(),
        evaluated_on=known.on,
        inputs=known.inputs,
        by="p14",
    )
    return msgspec.structs.replace(said, **other)


def decided(staff: str) -> ev.RatingDecided:
    return ev.RatingDecided(
        staff=staff, year=2024, proposal=f"d-{staff}", level="hoan_thanh", decided_on=day("12/12"), by="p01"
    )


def decided_year(world: World, **other: Any) -> History:
    """p07 and p14 decided on 12/12 from what was known then, p03 only proposed; a task follows on 15/12."""
    of = history().record("1/12", common("p07"))
    hold(world, of)
    proposals = [proposed(world, "p07", "10/12", **other), *(proposed(world, s, "10/12") for s in ("p14", "p03"))]
    of.record("12/12", *proposals, decided("p07"), decided("p14"))
    of.record("15/12", assigned("t3", lead="p07", due="16/12"))
    hold(world, of)
    return of


def checked(world: World, **how: Any) -> list[Checked]:
    logs = world.scoring.logs
    heads = {source: logs[source].head(COMMUNE).position for source in logs}
    return recheck(logs, COMMUNE, known_at(logs, COMMUNE, Moment(heads, day("20/12"))).records, 2024, **how)


def test_the_differences_name_event_day_and_the_pins_of_both_ends(world: World):
    world.hold(history())
    answer = world.get(DIFFERENCES, **{"from": "2024-09-29", "to": "2024-12-20"}).json
    changes = answer["result"]["changes"]
    late = next(change for change in changes if change["figure"] == "late")
    assert (late["before"], late["after"], late["event"]["what"]) == (0, 1, "completed")
    undone = next(change for change in changes if change["figure"] == "undone")
    assert (undone["day"], undone["after"]) == ("2024-10-01", 1)
    assert (answer["from"]["evaluated_on"], answer["to"]["evaluated_on"]) == ("2024-09-29", "2024-12-20")
    assert answer["to"]["inputs"][0]["hash"] == world.tasks.head(COMMUNE).hash


def test_positions_on_both_ends_give_the_same_as_days_and_no_end_means_now(world: World):
    world.hold(history())
    by_day = world.get(DIFFERENCES, **{"from": "2024-09-29", "to": "2024-12-20"}).json

    def written(end: str) -> str:
        pins = ",".join(f"{pin['source']}:{pin['position']}" for pin in by_day[end]["inputs"])
        return f"{pins}@{by_day[end]['evaluated_on']}"

    assert world.get(DIFFERENCES, **{"from": written("from"), "to": written("to")}).json == by_day
    assert world.get(DIFFERENCES, **{"from": "2024-09-29"}).json == by_day


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "invalid"),
        ({"from": "hôm qua"}, 422, "invalid"),
        ({"from": "tasks:1,scoring:0@2024-13-01"}, 422, "invalid"),
        ({"from": "2024-12-01", "to": "2024-11-01"}, 422, "moments-reversed"),
        ({"from": "tasks:999,scoring:0@2024-12-01"}, 404, "position-unknown"),
    ],
)
def test_what_cannot_be_compared_is_refused(world: World, query: dict[str, str], status: int, code: str):
    world.hold(history())
    answer = world.get(DIFFERENCES, **query)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_differences_are_read_as_the_sheet_is(world: World):
    world.hold(history())
    asked = {"from": "2024-09-29"}
    assert world.get(DIFFERENCES, world.auth("staff/p07", "staff"), **asked).status_code == 200
    assert world.get(f"{RATINGS}/p14/differences", world.auth("staff/p07", "staff"), **asked).status_code == 403


def test_decided_ratings_are_computed_again_to_the_same_bytes(world: World):
    decided_year(world)
    answer = world.get(f"{BASE}/years/2024/recheck", world.auth(*INSPECTOR)).json["result"]
    assert answer["ok"] is True
    assert [(one["staff"], one["standing"], one["findings"]) for one in answer["checked"]] == [
        ("p07", "decided", []),
        ("p14", "decided", []),
    ]
    every = world.get(f"{BASE}/years/2024/recheck", world.auth(*INSPECTOR), all="true").json["result"]["checked"]
    assert [(one["staff"], one["standing"]) for one in every] == [
        ("p03", "proposed"),
        ("p07", "decided"),
        ("p14", "decided"),
    ]
    [only] = world.get(f"{BASE}/years/2024/recheck", world.auth(*INSPECTOR), staff="p14").json["result"]["checked"]
    assert only["staff"] == "p14"


@pytest.mark.parametrize(
    ("other", "codes"),
    [
        ({"level": "xuat_sac"}, ["level-differs"]),
        ({"figures": {"n": 99}}, ["figures-differ"]),
        ({"sheet_sha256": "0" * 64}, ["sheet-differs"]),
        ({"evaluated_on": day("30/9")}, ["level-differs", "figures-differ", "sheet-differs"]),
        ({"rule_set_sha256": "0" * 64}, ["rule-set-missing"]),
        ({"rule_set": "qd1"}, ["rule-set-missing"]),
        ({"inputs": [ev.Input(source="tasks", position=9, hash="0" * 64)]}, ["pin-differs"]),
        ({"inputs": [ev.Input(source="tasks", position=99, hash="0" * 64)]}, ["log-shorter"]),
        ({"inputs": [ev.Input(source="tasks", position=1, hash="0" * 64)]}, ["pin-differs", "staff-unknown"]),
        ({"inputs": [ev.Input(source="tasks", position=-5, hash="0" * 64)]}, ["pins-malformed"]),
        ({"inputs": [ev.Input(source="khac", position=1, hash="0" * 64)]}, ["pins-malformed"]),
    ],
)
def test_what_does_not_come_out_the_same_is_found(world: World, other: dict[str, Any], codes: list[str]):
    if inputs := other.pop("inputs", None):
        scoring = ev.Input(source="scoring", position=1, hash="0" * 64)
        other = {"inputs": [*inputs, scoring]}
    decided_year(world, **other)
    first, second = checked(world)
    assert set(codes) <= {finding.code for finding in first.findings}
    assert second.findings == []


def test_only_who_checks_decides_or_keeps_may_have_it_computed_again(world: World):
    decided_year(world)
    for roles, status in ((("staff",), 403), (("office",), 200)):
        assert world.get(f"{BASE}/years/2024/recheck", world.auth("staff/p14", *roles)).status_code == status


# Each answers about now only: how far the service is, log and journal, its years; two moments are asked for by name.
WITHOUT_A_MOMENT = {"/status", "/years", "/events", "/heads", "/journal", "/years/<year>/ratings/<staff>/differences"}


def test_every_question_takes_a_moment_or_positions(world: World):
    described = openapi(world.web)["paths"]
    asked = 0
    for path, operations in described.items():
        short = path.split("{commune}")[-1].replace("{", "<").replace("}", ">")
        if "get" not in operations or "{commune}" not in path or short in WITHOUT_A_MOMENT:
            continue
        parameters = {one["name"] for one in operations["get"].get("parameters", []) if "name" in one}
        assert {"as_of", "positions", "on"} <= parameters, path
        asked += 1
    assert asked >= 5
