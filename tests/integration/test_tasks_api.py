"""The tasks service over HTTP: who may call what, what is refused and how it is said, what a reader gets."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from services.tasks import service
from services.tasks.access import ACTIONS
from services.tasks.api import communes, directives, people, tasks
from services.tasks.domain.decisions import HANDLERS
from services.tasks.domain.streams import STATES
from services.tasks.worker import loops
from shared.eventlog.database import Query, Rows, read_together
from shared.web.app import openapi
from shared.web.auth import routes, unclassified_routes
from shared.worker import Loops
from tests.support.evidence import PDF
from tests.support.tasks_web import COMMUNE, OPERATOR, Commune, done, refused
from tests.support.waiting import until

INSPECTOR = ("operator/thanh-tra", "inspector")
# Commands that have routes of their own shape; the others stand in the tables of routes.
OTHERWISE = {"DefineUnit", "ReportResult", "SettleDraft", "ConfirmImport", "Together", "DraftTask"}


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    commune = Commune(tmp_path)
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


def every_route(commune: Commune) -> list[tuple[str, str, str | None]]:
    return list(routes(commune.web))


def address(rule: str, in_commune: str) -> str:
    values = {"commune": in_commune, "kind": "annex", "year": "2024", "sha256": "0" * 64}
    return re.sub(r"<(?:[^<>:]*:)?(\w+)>", lambda match: values.get(match[1], "p15"), rule)


def test_every_route_is_classified_and_every_command_has_one(commune: Commune) -> None:
    assert unclassified_routes(commune.web) == []
    assert {found for *_, found in every_route(commune)} - {"public"} <= set(ACTIONS)
    tabled = {change.command.__name__ for module in (communes, directives, people, tasks) for change in module.CHANGES}
    assert {command.__name__ for command in HANDLERS} == tabled | OTHERWISE


def test_a_token_of_another_commune_opens_no_route(commune: Commune) -> None:
    everything = commune.auth(
        "operator/x", *sorted({role for roles in ACTIONS.values() for role in roles}), commune="khac"
    )
    before = commune.position
    for method, rule, action in every_route(commune):
        if action == "public" or "<commune>" not in rule or method == "HEAD":
            continue
        url = address(rule, COMMUNE)
        assert refused(commune.client.open(url, method=method, headers=everything)) == (403, "commune"), url
        assert refused(commune.client.open(url, method=method)) == (401, "unauthenticated"), url
    assert commune.position == before


def test_each_action_is_for_its_roles_alone(commune: Commune) -> None:
    for method, rule, action in every_route(commune):
        if action in (None, "public") or "<commune>" not in rule or method == "HEAD":
            continue
        for role in sorted({role for roles in ACTIONS.values() for role in roles} - ACTIONS[str(action)]):
            headers = commune.auth("operator/x", role)
            answer = commune.client.open(address(rule, COMMUNE), method=method, headers=headers)
            assert refused(answer) == (403, "role"), (method, rule, role)


def test_the_description_names_every_route(commune: Commune) -> None:
    described = openapi(commune.web)
    assert described["openapi"] == "3.1.0"
    operations = [part for path in described["paths"].values() for name, part in path.items() if name != "parameters"]
    count = sum("security" not in operation for operation in operations)  # what is public says so there
    api = [rule for method, rule, action in every_route(commune) if action != "public" and method != "HEAD"]
    assert count == len(api)


REFUSALS: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("p15", "/tasks", {"title": "Việc", "lead": "p16", "due": {"date": "2024-06-28"}}, (403, "role")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p99", "due": {"date": "2024-06-28"}}, (404, "staff-unknown")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p20", "due": {"date": "2024-06-28"}}, (409, "staff-not-in-post")),
    ("p14", "/tasks", {"title": " ", "lead": "p15", "due": {"text": "Quý II"}}, (409, "title-required")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p15", "due": {"date": "2026-01-05"}}, (409, "calendar-missing")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p15", "due": {}}, (422, "invalid")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p15", "due": {"date": "31/6/2024"}}, (422, "invalid")),
    ("p14", "/tasks", {"title": "Việc\u0007", "lead": "p15", "due": {"text": "Quý II"}}, (422, "invalid")),
    ("p14", "/tasks", {"titel": "Việc", "lead": "p15", "due": {"text": "Quý II"}}, (422, "invalid")),
    ("p14", "/tasks", {"title": "Việc", "lead": "p15", "due": {"text": "a"}, "coefficient": "hai"}, (422, "invalid")),
    (
        "p14",
        "/tasks",
        {"title": "Việc", "lead": "p15", "due": {"text": "a"}, "coefficient": 0},
        (409, "coefficient-not-positive"),
    ),
    ("p14", "/tasks/khong-co/acceptance", {}, (404, "task-unknown")),
    ("p14", "/templates/khong-co/end", {"reason": "Thôi"}, (404, "template-unknown")),
    ("p14", "/directives/khong-co/withdrawal", {"reason": "Thôi"}, (404, "directive-unknown")),
    ("p14", "/drafts/khong-co/settlement", {"into": []}, (404, "not-found")),
    ("p14", "/staff/p99/end", {"valid_to": "2024-06-30"}, (404, "staff-unknown")),
    ("p14", "/staff/p13/absences", {"absence": "a", "kind": "om", "from": "2024-06-01"}, (422, "invalid")),
    ("p14", "/rename", {"name": "Xã khác", "valid_from": "2024-07-01", "legal_basis": "NQ"}, (403, "role")),
]


@pytest.mark.parametrize(("who", "path", "body", "expected"), REFUSALS)
def test_refusals_say_why(
    commune: Commune, who: str, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = commune.position
    assert refused(commune.send(who, path, body)) == expected
    assert commune.position == before


def test_a_change_needs_the_version_it_is_based_on(commune: Commune) -> None:
    unit = {"kind": "department", "valid_from": "2024-06-14", "name": "Bộ phận mới"}
    done(commune.send("p14", "/units/moi", unit, method="PUT"))
    assert refused(commune.send("p14", "/units/moi", unit, method="PUT")) == (428, "if-match-required")
    assert refused(commune.send("p14", "/units/moi", unit, method="PUT", based_on=7)) == (412, "stale")
    answer = commune.send("p14", "/units/moi", unit | {"head": "p15"}, method="PUT", based_on=1)
    assert done(answer)["version"] == 2 and answer.headers["ETag"] == '"2"'
    [listed] = [one for one in done(commune.get("p14", "/units"))["units"] if one["id"] == "moi"]
    assert (listed["name"], listed["head"], listed["version"]) == ("Bộ phận mới", "p15", 2)


def test_a_repeated_post_makes_one_task_and_names_it_again(commune: Commune) -> None:
    body = {"title": "Việc", "lead": "p15", "due": {"date": "2024-06-28"}}
    first = commune.send("p14", "/tasks", body, key="k1")
    again = commune.send("p14", "/tasks", body, key="k1")
    assert first.status_code == 201 and done(again) == done(first)
    assert len(done(commune.get("p14", "/tasks"))["tasks"]) == 1
    assert refused(commune.send("p14", "/tasks", body | {"lead": "p16"}, key="k1")) == (
        422,
        "idempotency-key-reused",
    )


@pytest.mark.parametrize(("given", "kept"), [("1,5", "1.5"), (1.5, "1.5"), ("2", "2"), (3, "3"), ("1/5", "1/5")])
def test_a_coefficient_is_taken_as_people_write_it(commune: Commune, given: Any, kept: str) -> None:
    task = commune.assign(coefficient=given)
    assert done(commune.get("p14", f"/tasks/{task}"))["coefficient"] == kept


def test_texts_are_composed_at_the_door(commune: Commune) -> None:
    title = "Kiểm tra cải cách hành chính"
    task = commune.assign(title=f"  {unicodedata.normalize('NFD', title)} ")
    assert done(commune.get("p14", f"/tasks/{task}"))["title"] == title


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ({"text": "Khi có văn bản cấp trên"}, {"text": "Khi có văn bản cấp trên"}),
        ({"date": "2024-06-29"}, {"text": "29/06/2024", "date": "2024-07-01", "calendar": "vn-2024-r1"}),
        ({"date": "2024-06-29", "roll": "backward"}, {"date": "2024-06-28"}),
        ({"working_days": 5}, {"text": "05 ngày làm việc", "date": "2024-06-21"}),
        ({"cadence": "month"}, {"text": "Thường xuyên", "cadence": "month"}),
        ({"text": "Hằng tuần", "cadence": "week"}, {"text": "Hằng tuần", "cadence": "week"}),
    ],
)
def test_a_deadline_is_kept_as_given_and_gets_its_date(
    commune: Commune, due: dict[str, Any], expected: dict[str, Any]
) -> None:
    task = commune.assign(due=due)
    kept = done(commune.get("p14", f"/tasks/{task}"))["due"]
    assert {name: kept.get(name) for name in expected} == expected
    assert ("date" in kept) == ("date" in due or "working_days" in due)


def test_the_list_is_filtered_and_paged(commune: Commune) -> None:
    for number in range(5):
        commune.now += timedelta(seconds=1)  # ids follow the time of assignment
        commune.assign(title=f"Việc {number}", field=number % 2, due={"date": f"2024-07-{number + 10}"})
    commune.now += timedelta(seconds=1)
    other = commune.assign(title="Thống kê hộ nghèo", lead="p16", due={"text": "Quý III"})

    def titles(**query: Any) -> list[str]:
        return [one["title"] for one in done(commune.get("p14", "/tasks", **query))["tasks"]]

    assert titles(lead="p16") == ["Thống kê hộ nghèo"] == titles(q="hộ nghèo")
    assert titles(field=1) == ["Việc 1", "Việc 3"]
    assert titles(due_from="2024-07-11", due_to="2024-07-12") == ["Việc 1", "Việc 2"]
    assert titles(status="completed") == []
    done(commune.send("p01", f"/tasks/{other}/cancellation", {"reason": "Trùng"}, based_on=1))
    assert titles(status="cancelled") == ["Thống kê hộ nghèo"]
    assert refused(commune.get("p14", "/tasks", status="draft")) == (422, "invalid")
    assert refused(commune.get("p14", "/tasks", lede="p16")) == (422, "invalid")
    first = commune.get("p14", "/tasks", limit=4)
    url = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = commune.client.get(url, headers=commune.as_("p14"))
    assert [one["title"] for one in done(first)["tasks"] + done(second)["tasks"]] == titles()
    assert "Link" not in second.headers


def test_collaborating_units_see_the_task_and_others_do_not(commune: Commune) -> None:
    task = commune.assign(collaborators=["van-phong"])
    assert [one["id"] for one in done(commune.get("p27", "/tasks"))["tasks"]] == [task]
    assert done(commune.get("p27", f"/tasks/{task}"))["lead"] == "p15"
    assert done(commune.get("p28", "/tasks"))["tasks"] == []
    assert refused(commune.get("p28", f"/tasks/{task}")) == (403, "not-taking-part")
    assert done(commune.get(INSPECTOR, f"/tasks/{task}"))["id"] == task


def test_a_command_looks_up_the_roles_of_its_sender_in_its_own_transaction(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = commune.assign(lead="p15")
    headers = commune.as_("p15")
    looks: list[str] = []

    def counted(engine: Engine, where: str, *queries: Query) -> list[Rows]:
        looks.append(where)
        return read_together(engine, where, *queries)

    monkeypatch.setattr(service, "read_together", counted)
    path = commune.url(f"/tasks/{task}")
    done(commune.client.post(f"{path}/acknowledgement", json={}, headers=headers | {"If-Match": '"1"'}))
    assert looks == []
    done(commune.client.get(path, headers=headers))
    assert looks == [COMMUNE]


def test_a_role_counts_only_while_the_post_is_held(commune: Commune) -> None:
    task = commune.assign(lead="p19")
    old = commune.as_("p19")
    assert done(commune.client.get(commune.url("/tasks"), headers=old))["tasks"]
    commune.on(date(2024, 7, 1))  # p19 moved to another commune the day before
    old = commune.auth("staff/p19", "staff")
    assert refused(commune.client.get(commune.url("/tasks"), headers=old)) == (403, "not-in-post")
    answer = commune.client.post(
        commune.url(f"/tasks/{task}/acknowledgement"), json={}, headers=old | {"If-Match": '"1"'}
    )
    assert refused(answer) == (403, "not-in-post")
    more = commune.auth("staff/p15", "office")  # a token that promises more than the post gives
    assert refused(commune.client.put(commune.url("/people/p15"), json={}, headers=more)) == (403, "role")


@pytest.mark.parametrize(
    ("value", "status"),
    [(8, 200), ("thứ Hai", 200), (["6-1", 0.5, True], 200), ({"a": 1}, 422), ([[1]], 422), (None, 422), (10**40, 422)],
)
def test_a_setting_is_plain(commune: Commune, value: Any, status: int) -> None:
    body = {"settings": {"giờ nhắc": value}, "reason": "Theo quy chế"}
    assert commune.send(OPERATOR, "/settings", body, based_on=1).status_code == status
    if status == 200:
        assert done(commune.get(OPERATOR, ""))["settings"] == body["settings"]


def test_who_is_nobody_in_the_commune_sees_no_task(commune: Commune) -> None:
    task = commune.assign()
    for role in ("staff", "village_head", "focal_point"):
        somebody = ("operator/x", role)
        assert done(commune.get(somebody, "/tasks"))["tasks"] == []
        assert refused(commune.get(somebody, f"/tasks/{task}")) == (403, "not-taking-part")


def test_a_role_that_was_taken_back_opens_no_door(commune: Commune) -> None:
    task = commune.assign(lead="p14")
    sha256 = done(commune.upload("p14", f"/tasks/{task}/evidence", PDF, "a.pdf"))["sha256"]
    old = commune.as_("p14")
    version = done(commune.get(OPERATOR, "/staff/p14"))["version"]
    post = {"roles": ["staff"], "valid_from": "2024-06-14"}
    done(commune.send(("operator/x", "admin"), "/staff/p14/change", post, based_on=version))
    for path in ("/drafts", "/imports", "/templates"):
        assert refused(commune.client.get(commune.url(path), headers=old)) == (403, "role"), path
    answer = commune.client.delete(commune.url(f"/tasks/{task}/evidence/{sha256}"), headers=old)
    assert refused(answer) == (403, "role")
    assert done(commune.client.get(commune.url("/tasks"), headers=old))["tasks"]


def test_names_lie_beside_the_log_and_can_be_erased(commune: Commune) -> None:
    def contact(who: Any) -> Any:
        return done(commune.get(who, "/staff/p15")).get("contact")

    assert contact("p14")["email"] == "p15@tiencanh.example.invalid"
    before = commune.position
    said = {"name": "Nguyễn Văn A", "email": "a@tiencanh.example.invalid", "phone": "0905"}
    done(commune.send("p14", "/people/p15", said, method="PUT"))
    assert contact("p36") == {"staff": "p15", **said}
    assert contact(INSPECTOR) is None
    assert refused(commune.get(INSPECTOR, "/people")) == (403, "role")
    assert refused(commune.send("p14", "/people/p99", said, method="PUT")) == (404, "not-found")
    assert refused(commune.send("p15", "/people/p15", said, method="PUT")) == (403, "role")
    wrong = commune.send("p14", "/people/p15", {"email": "a@"}, method="PUT")
    assert refused(wrong) == (422, "invalid")
    done(commune.send("p14", "/people/p15", method="DELETE"))
    assert contact("p14") is None
    assert commune.position == before
    assert all("Nguyễn Văn A" not in body.decode() for body in commune.tasks.log.read(COMMUNE, 0, 500))


def test_absences_and_acts_are_for_the_person_and_overseers(commune: Commune) -> None:
    away = {"absence": "a1", "kind": "insured", "from": "2024-06-10", "to": "2024-06-20", "substitute": "p28"}
    done(commune.send("p14", "/staff/p17/absences", away, based_on=1))
    for who, sees in (("p14", True), ("p17", True), (INSPECTOR, True), ("p15", False)):
        assert ("absences" in done(commune.get(who, "/staff/p17"))) is sees, who
    [listed] = [one for one in done(commune.get("p15", "/staff"))["staff"] if one["id"] == "p17"]
    assert listed["absent"] is True
    shown = done(commune.get("p17", "/staff/p17"))["absences"]["a1"]
    assert {**shown, "absence": "a1"} == {**away, "from_": away["from"]}  # as it was recorded, and as 0.1 called it


def test_a_new_calendar_moves_working_day_deadlines(commune: Commune) -> None:
    task = commune.assign(due={"working_days": 5})
    now = done(commune.get("p14", "/calendars/2024"))
    day = {"date": "2024-06-20", "name": "Nghỉ thêm", "legal_basis": "Thông báo"}
    revised = {"calendar": "vn-2024-r2", "days_off": [day], "supersedes": now["calendar"]}
    assert refused(commune.send("p14", "/calendars/2024", revised)) == (428, "if-match-required")
    done(commune.send("p14", "/calendars/2024", revised, based_on=now["version"]))
    state = done(commune.get("p14", f"/tasks/{task}"))
    assert (state["due"]["date"], state["due_version"]) == ("2024-06-24", 2)
    assert done(commune.get("p14", "/calendars"))["calendars"][0]["revisions"] == ["vn-2024-r1", "vn-2024-r2"]


def test_recurring_tasks_are_opened_by_the_worker(commune: Commune) -> None:
    recurring = {
        "title": "Báo cáo tháng",
        "lead": "p15",
        "recurrence": {"every": "month", "day": 25},
        "due_text": "Ngày 25 hằng tháng",
    }
    wrong = recurring | {"recurrence": {"every": "month", "day": 32}}
    assert refused(commune.send("p14", "/templates", wrong)) == (422, "invalid")
    template = done(commune.send("p14", "/templates", recurring))["id"]
    commune.on(date(2024, 8, 2))
    running = Loops(loops(commune.tasks))
    running.start()
    try:
        until(lambda: len(done(commune.get("p14", "/tasks"))["tasks"]) == 2, what="July and August")
    finally:
        running.stop()
    opened = done(commune.get("p14", "/tasks"))["tasks"]
    assert {one["due"]["date"] for one in opened} == {"2024-07-25", "2024-08-26"}
    done(commune.send("p14", f"/templates/{template}/end", {"reason": "Thôi"}, based_on=1))
    assert done(commune.get("p14", f"/templates/{template}"))["ended_on"] == "2024-08-02"


def test_status_and_heads(commune: Commune) -> None:
    commune.assign()
    status = done(commune.get("p36", "/status"))
    assert status["head"]["position"] == commune.position
    assert status["streams"]["staff"] == 49 and status["tasks"] == {"open": 1}
    assert status["streams"].keys() <= STATES.keys()
    heads = done(commune.get(INSPECTOR, "/heads"))["heads"]
    assert heads[COMMUNE]["position"] == commune.position
    assert commune.client.get("/readyz").status_code == 200
