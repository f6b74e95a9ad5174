"""Scoring over HTTP: the year as known at any moment, who may read and record what, and live announcements."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from services.scoring import reactors
from services.scoring.app import create_web
from services.scoring.documents.sheet import sheet_page
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.service import Scoring, open_scoring
from services.scoring.tables import metadata
from services.scoring.views import PROJECTION, known_at, moment_at
from shared.eventlog import Log, open_database, tables
from shared.eventlog.checkpoints import record
from shared.events import StaffChanged, UnitDefined, decode, end_of_day
from shared.keys import key_pair
from shared.projection import Runner
from shared.web.auth import Verifier, routes, unclassified_routes
from shared.web.keys import generate_key, mint
from tests.support.histories import COMMUNE, History, appointed, assigned, completed, day, left, opened, reported
from tests.support.waiting import until

BASE = f"/api/v1/scoring/communes/{COMMUNE}"
RATINGS = f"{BASE}/years/2024/ratings"


class World:
    """A scoring service on a history, with a clock to set and tokens for anyone."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2024, 12, 20, 1, tzinfo=UTC)
        engine = open_database(f"sqlite:///{folder / 'scoring.db'}")
        tables.metadata.create_all(engine)
        metadata.create_all(engine)
        self.scoring: Scoring = open_scoring(engine, clock=lambda: self.now)
        self.runner = Runner(engine, self.scoring.logs, PROJECTION)
        self.announcer = ScoreAnnouncer(self.scoring)
        self.key = generate_key(folder / "private.pem", folder / "public.json")
        self.web = create_web(self.scoring, Verifier(str(folder / "public.json")))
        self.client: FlaskClient = self.web.test_client()

    @property
    def tasks(self) -> Log:
        return self.scoring.logs["tasks"]

    def hold(self, history: History) -> None:
        self.tasks.append_verbatim(COMMUNE, history.bodies["tasks"])
        self.runner.catch_up()

    def auth(self, sub: str, *roles: str, commune: str = COMMUNE) -> dict[str, str]:
        token = mint(self.key, sub=sub, commune=commune, roles=list(roles), lifetime=timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    def get(self, path: str, as_: Any = None, **query: Any) -> Any:
        headers = as_ or self.auth("staff/p14", "office")
        return self.client.get(path, headers=headers, query_string=query)

    def post(self, path: str, body: dict[str, Any], *, as_: dict[str, str], **headers: str) -> Any:
        return self.client.post(path, json=body, headers=as_ | headers)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.scoring.engine.dispose()


def history() -> History:
    return (
        History()
        .record("1/1", opened())
        .record(
            "1/1",
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external", leads_unit=COMMUNE),
            appointed("p03", category="can_bo", roles=["vice_chair"], tracker="p01", leader=True),
            appointed("p14", roles=["office", "staff"], tracker="p03"),
            appointed("p07", tracker="p14"),
        )
        .record("14/6", assigned("t1", lead="p07", due="30/6"), assigned("t2", lead="p07", due="30/9"))
        .record("28/6", reported("t1", on="28/6"))
        .record("1/7", completed("t1", on="28/6"))
        .record("2/10", reported("t2", on="2/10"))
        .record("3/10", completed("t2", on="2/10"))
    )


def test_the_table_of_a_year_names_what_it_was_computed_from(world: World):
    world.hold(history())
    answer = world.get(RATINGS).json
    levels = {row["staff"]: row["level"] for row in answer["result"]["rows"]}
    assert levels["p07"] == "can_xem_xet"  # one of two late: 50 % is not more than 50 %, nor at most 20 %
    assert levels["p01"] == "chua_du_du_lieu"
    assert answer["evaluated_on"] == "2024-12-20"
    assert [pin["source"] for pin in answer["inputs"]] == ["tasks", "scoring"]
    assert answer["inputs"][0]["position"] == world.tasks.head(COMMUNE).position
    assert answer["inputs"][0]["hash"] == world.tasks.head(COMMUNE).hash


def test_a_past_day_is_answered_as_it_was_known_then(world: World):
    world.hold(history())
    then = world.get(f"{RATINGS}/p07", as_of="2024-09-01").json
    assert then["result"]["figures"]["n"] == 1
    assert then["result"]["level"] == "tot"
    assert then["evaluated_on"] == "2024-09-01"
    now = world.get(f"{RATINGS}/p07").json
    assert now["result"]["figures"] | {"late": 1, "n": 2} == now["result"]["figures"]


def test_the_same_positions_and_day_give_the_same_bytes_for_ever(world: World):
    full = history()
    world.hold(full)
    first = world.get(f"{RATINGS}/p07", as_of="2024-11-28")
    positions = ",".join(f"{pin['source']}:{pin['position']}" for pin in first.json["inputs"])
    world.hold(full.record("15/12", assigned("t3", lead="p07", due="16/12")))
    again = world.get(f"{RATINGS}/p07", positions=positions, on="2024-11-28")
    assert again.data == first.data


def test_an_explanation_leads_to_the_events(world: World):
    world.hold(history())
    explained = world.get(f"{RATINGS}/p07/explanation", figure="late").json["result"]
    [task] = explained["tasks"]
    assert task["task"] == "t2"
    for event in task["events"]:
        recorded = decode(world.tasks.read(COMMUNE, event["position"] - 1, 1)[0])
        assert (event["id"], event["time"], event["actor"]) == (recorded.id, recorded.time, recorded.actor)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"as_of": "hôm qua"}, 422, "invalid"),
        ({"positions": "tasks:3,scoring:0"}, 422, "invalid"),
        ({"positions": "tasks:999,scoring:0", "on": "2024-12-20"}, 404, "position-unknown"),
        ({"as_of": "2024-01-01", "on": "2024-01-01"}, 422, "invalid"),
        ({"as_off": "2024-01-01"}, 422, "invalid"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(world: World, query: dict[str, str], status: int, code: str):
    world.hold(history())
    answer = world.get(f"{RATINGS}/p07", **query)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_sheet_is_read_by_its_person_tracker_rater_and_the_office(world: World):
    world.hold(history())
    readers = {
        "p07": world.auth("staff/p07", "staff"),
        "p14": world.auth("staff/p14", "staff"),
        "p01": world.auth("staff/p01", "chair"),
        "p03": world.auth("staff/p03", "vice_chair"),
        "p99": world.auth("staff/p99", "staff"),
    }
    statuses = {who: world.get(f"{RATINGS}/p07", as_=token).status_code for who, token in readers.items()}
    assert statuses == {"p07": 200, "p14": 200, "p01": 200, "p03": 403, "p99": 403}
    assert world.get(RATINGS, as_=readers["p07"]).status_code == 403


def test_the_paper_of_a_sheet_is_for_the_same_readers_and_carries_its_style(world: World):
    world.hold(history())
    path = f"{RATINGS}/p07/sheet"
    answer = world.get(path, as_=world.auth("staff/p07", "staff"))
    known = known_at(
        world.scoring.logs, COMMUNE, moment_at(world.scoring.logs, COMMUNE, end_of_day(date(2024, 12, 20)))
    )
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.text == sheet_page(known, 2024, "p07")
    [style] = re.findall(r"(?s)<style>(.*?)</style>", answer.text)
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{named}'" in answer.headers["Content-Security-Policy"]
    assert world.get(path, as_=world.auth("staff/p03", "vice_chair")).json["code"] == "sheet-of-another"
    assert world.get(path, positions="tasks:999,scoring:0", on="2024-12-20").json["code"] == "position-unknown"


def test_the_paper_of_a_sheet_carries_the_checkpoints_that_cover_it(world: World, tmp_path: Path):
    world.hold(history())
    before = world.get(f"{RATINGS}/p07/sheet", as_of="2024-11-28").text
    key, held = key_pair(tmp_path / "checkpoint.pem", tmp_path / "keys"), {"tasks": world.tasks.head(COMMUNE)}
    [signed] = record(world.scoring.log, COMMUNE, key, actor="service/scoring", held=held)
    after = world.get(f"{RATINGS}/p07/sheet", as_of="2024-11-28").text
    assert str(escape(signed.signature)) in after
    assert str(escape(signed.signature)) not in before


def test_the_table_of_a_year_says_its_codes_in_words(world: World):
    world.hold(history())
    answer = world.get(RATINGS).json
    for row in answer["result"]["rows"]:
        assert {row["level"], row["computed_level"]} <= answer["words"]["levels"].keys()
        assert row["standing"] in answer["words"]["standings"] and row["category"] in answer["words"]["categories"]
    assert answer["name"] == "xã Tiên Cảnh"


def test_who_tracked_a_person_once_does_not_read_their_sheet_by_asking_for_an_old_day(world: World):
    moved = StaffChanged(staff="p07", valid_from=day("1/12"), tracker="p03")
    world.hold(history().record("1/12", moved))
    positions = f"tasks:{world.tasks.head(COMMUNE).position},scoring:0"
    asked: list[dict[str, str]] = [{}, {"as_of": "2024-11-01"}, {"positions": positions, "on": "2024-11-01"}]
    for path in (f"{RATINGS}/p07", f"{RATINGS}/p07/procedure", f"{RATINGS}/p07/explanation"):
        figure = {"figure": "n"} if path.endswith("explanation") else {}
        for who, status in {"p14": 403, "p03": 200}.items():
            answers = [world.get(path, as_=world.auth(f"staff/{who}", "staff", "vice_chair"), **query | figure)
                       for query in asked]  # fmt: skip
            assert {answer.status_code for answer in answers} == {status}, (path, who)


def test_a_role_counts_only_while_the_post_is_held(world: World):
    world.hold(history().record("1/12", left("p14", "30/11")))
    asked = {
        ("staff/p14", "office"): "not-in-post",
        ("staff/p99", "office"): "not-in-post",
        ("staff/p07", "office"): "role",  # a token that promises more than the post gives
    }
    for (who, role), code in asked.items():
        answers = [world.get(path, as_=world.auth(who, role)) for path in (RATINGS, f"{BASE}/status")]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(403, code)] * 2


@pytest.mark.parametrize("year", ["0", "1999", "10000", "9" * 30])
def test_a_year_of_another_age_is_no_address(world: World, year: str):
    assert world.get(f"{BASE}/years/{year}/ratings").status_code == 404


@pytest.mark.parametrize("as_of", ["9999-12-31", "9999-12-31T20:00:00Z", "0001-01-01T00:00:00+07:00"])
def test_a_moment_that_no_clock_has_is_invalid(world: World, as_of: str):
    world.hold(history())
    assert world.get(RATINGS, as_of=as_of).json["code"] == "invalid"


def test_a_token_of_another_commune_reaches_nothing(world: World):
    world.hold(history())
    other = world.auth("staff/p14", "office", "chair", commune="tien-an")
    for method, rule, classification in routes(world.web):
        if "<commune>" not in rule or classification == "public":
            continue
        path = re.sub(r"<int[^>]*:year>", "2024", rule.replace("<commune>", COMMUNE))
        path = path.replace("<staff>", "p07").replace("<unit>", COMMUNE)
        answer = world.client.open(path, method=method, headers=other, json={} if method == "POST" else None)
        assert answer.status_code == 403, (method, path)


def test_every_route_is_classified(world: World):
    assert unclassified_routes(world.web) == []


def common(by: str, stage: str = "confirmed") -> dict[str, Any]:
    return {"items": dict.fromkeys(("k1", "k2", "k3", "k4"), "tot"), "stage": stage, "by": by}


def test_the_tracker_confirms_common_criteria_and_nobody_their_own(world: World):
    world.hold(history())
    path = f"{RATINGS}/p07/common"
    tracker = world.auth("staff/p14", "office")
    assert world.post(path, common("p07"), as_=world.auth("staff/p07", "staff")).json["code"] == "rates-oneself"
    assert world.post(path, common("p03"), as_=tracker).json["code"] == "neither-tracker-nor-rater"
    assert world.post(path, common("p07", "self"), as_=world.auth("staff/p07", "staff")).status_code == 201
    done = world.post(path, common("p14"), as_=tracker)
    assert done.status_code == 201
    world.runner.catch_up()
    waiting = tracker | {"Cchc-Wait-For": done.headers["Cchc-Position"]}
    waited: Any = world.client.get(f"{RATINGS}/p07", headers=waiting)
    assert waited.status_code == 200
    assert "common" not in json.dumps(waited.json["result"]["missing"])


def test_a_query_that_waits_for_what_is_not_folded_yet_says_so(world: World):
    world.hold(history())
    answer: Any = world.client.get(
        f"{RATINGS}/p07",
        headers=world.auth("staff/p14", "office") | {"Cchc-Wait-For": f"tasks/{COMMUNE}/{10**6}"},
    )
    assert (answer.status_code, answer.json["code"]) == (503, "not-yet")
    assert "Retry-After" in answer.headers
    # Nor is somebody refused whose appointment is not folded yet.
    unknown = world.auth("staff/p99", "office") | {"Cchc-Wait-For": f"tasks/{COMMUNE}/{10**6}"}
    answer = world.client.get(RATINGS, headers=unknown)
    assert (answer.status_code, answer.json["code"]) == (503, "not-yet")


# The document of what the level above decided.
OUTSIDE = {"document_number": "88/QĐ-UBND", "document_date": "2024-12-10", "document_sha256": "d" * 64}


def unit_result(by: str, **more: int) -> dict[str, Any]:
    figures = {"targets": 10, "completed": 10, "on_time_quality": 9, "exceeded": 6}
    document = OUTSIDE if by == "external" else {}
    return figures | {"units": 2, "units_hoan_thanh": 2, "units_tot": 2, "by": by} | document | more


def test_the_chairman_does_not_record_the_result_that_his_own_rating_rests_on(world: World):
    world.hold(history())
    path = f"{BASE}/years/2024/units/{COMMUNE}/result"
    assert world.post(path, unit_result("p01"), as_=world.auth("staff/p01", "chair")).json["code"] == "rates-oneself"
    office = world.auth("staff/p14", "office")
    assert world.post(path, unit_result("external"), as_=office).json["code"] == "outside-needs-chair-or-admin"
    operator = world.auth("operator/cli", "admin")
    assert world.post(path, unit_result("external", completed=11), as_=operator).json["code"] == "unit-figures"
    assert world.post(path, unit_result("external"), as_=operator).status_code == 201
    world.runner.catch_up()
    assert world.get(f"{RATINGS}/p01", as_=office).json["result"]["level"] == "tot"


def test_the_head_of_a_unit_does_not_record_its_result_though_another_led_it_by_appointment(world: World):
    unit = UnitDefined(unit="van-phong", kind="department", valid_from=day("1/1"), head="p14")
    moved = [StaffChanged(staff="p14", valid_from=day("15/12"), leads_unit=None)]
    first = StaffChanged(staff="p14", valid_from=day("1/2"), leads_unit="dia-chinh")
    area = UnitDefined(unit="dia-chinh", kind="area", valid_from=day("1/1"))
    world.hold(history().record("15/12", unit, area, first, *moved))
    office, chair = world.auth("staff/p14", "office"), world.auth("staff/p01", "chair")
    for name in ("van-phong", "dia-chinh"):  # its head now; the one its result counted for on 10/12
        path = f"{BASE}/years/2024/units/{name}/result"
        assert world.post(path, unit_result("p01"), as_=office).json["code"] == "rates-oneself"
        assert world.post(path, unit_result("p01"), as_=chair).status_code == 201


def test_settings_are_events_with_a_reason_and_are_seen_as_of_then(world: World):
    world.hold(history())
    chair = world.auth("staff/p01", "chair")
    path = f"{BASE}/years/2024/settings"
    body = {"settings": {"cut_off": "09-30"}, "by": "p01", "reason": "Chốt sớm theo công văn của huyện"}
    assert world.post(path, body | {"settings": {"cutoff": 1}}, as_=chair).json["code"] == "setting-unknown"
    endless = {"blank_coefficient": "1" * 4000}
    assert world.post(path, body | {"settings": endless}, as_=chair).json["code"] == "setting-invalid"
    office = world.post(path, body, as_=world.auth("staff/p14", "office")).json
    assert office["code"] == "rates-oneself" and "Chủ tịch (p01)" in office["detail"]
    assert world.post(path, body, as_=chair).status_code == 201
    world.runner.catch_up()
    assert world.get(f"{RATINGS}/p07").json["result"]["effective_by"] == "2024-09-30"
    before = world.get(f"{RATINGS}/p07", as_of="2024-12-19").json["result"]
    assert before["effective_by"] == "2024-12-10"


def test_a_repeated_request_with_its_key_has_one_effect(world: World):
    world.hold(history())
    office = world.auth("staff/p14", "office")
    path = f"{RATINGS}/p07/common"
    first = world.post(path, common("p14"), as_=office, **{"Idempotency-Key": "k1"})
    again = world.post(path, common("p14"), as_=office, **{"Idempotency-Key": "k1"})
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert world.scoring.logs["scoring"].head(COMMUNE).position == 1
    other = world.post(path, common("p03"), as_=office, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")


def announced(world: World) -> list[tuple[str, str]]:
    bodies = world.scoring.logs["scoring"].read(COMMUNE)
    return [(data.staff, data.level) for body in bodies if (data := decode(body).data)]


def test_a_changed_score_is_announced_once_and_after_midnight_too(world: World):
    world.now = datetime(2024, 9, 29, 1, tzinfo=UTC)
    story = History().record("1/1", opened()).record("1/1", appointed("p07"))
    story.record("14/6", assigned("t1", lead="p07", due="30/9"))
    world.hold(story)
    world.announcer.step()
    assert announced(world) == [("p07", "chua_du_du_lieu")]
    world.announcer.step()
    assert len(announced(world)) == 1
    world.now = datetime(2024, 9, 30, 17, 1, tzinfo=UTC)  # 1/10 in Vietnam: the due day has passed
    world.announcer.step()
    world.runner.catch_up()
    world.announcer.step()
    assert announced(world) == [("p07", "chua_du_du_lieu"), ("p07", "can_xem_xet")]


def test_another_announcer_compares_with_the_log_before_it_speaks(world: World):
    world.hold(history())
    world.announcer.step()
    told = len(announced(world))
    assert told > 0
    ScoreAnnouncer(world.scoring).step()
    assert len(announced(world)) == told


def test_an_announcer_waits_for_a_clock_that_is_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(reactors, "PAUSE_S", 0.01)
    story = history()
    world.hold(story)
    world.announcer.step()
    told = len(announced(world))
    world.hold(story.record("5/12", assigned("t3", lead="p07", due="30/11")))
    right, world.now = world.now, world.now - timedelta(days=1)
    stop = threading.Event()
    running = threading.Thread(target=world.announcer.run, args=(stop,))
    running.start()
    try:
        until(lambda: "announcing scores waits" in caplog.text, what="the announcer finds the clock behind")
        assert len(announced(world)) == told
        world.now = right
        until(lambda: len(announced(world)) > told, what="the score is announced")
    finally:
        stop.set()
        running.join()


def test_a_rebuild_and_a_replay_append_nothing(world: World):
    world.hold(history())
    before = world.scoring.logs["scoring"].heads()
    world.runner.rebuild()
    world.get(RATINGS, as_of="2024-09-01")
    assert world.scoring.logs["scoring"].heads() == before


def test_a_question_about_an_altered_log_says_so(world: World):
    world.hold(history())
    with world.scoring.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE events SET body = CAST(replace(body, 'p07', 'p08') AS BLOB) WHERE position = 6"
        )
    answer = world.get(RATINGS, as_of="2024-12-19")
    assert (answer.status_code, answer.json["code"]) == (503, "log-altered")


def test_the_status_tells_positions_and_heads(world: World):
    world.hold(history())
    status = world.get(f"{BASE}/status").json
    assert status["positions"]["tasks"] == status["heads"]["tasks"] == world.tasks.head(COMMUNE).position
    assert status["parked"] == {}
