"""Reminding over HTTP: the worklist, urging, inbox, policy, preferences, endpoints; who may, and every refusal."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from services.notifications.app import create_web
from services.notifications.channels.interface import Message, Permanent
from services.notifications.channels.webhooks import Webhooks
from services.notifications.commands import HANDLERS
from services.notifications.domain.texts import REASONS, RULES, STATES, WHY
from services.notifications.views import occurrences
from shared.eventlog import reading
from shared.events import ReminderAcknowledged, ReminderQueued, ReminderSentByHand
from shared.web.auth import Verifier
from shared.web.keys import generate_key, mint
from tests.support.histories import COMMUNE, appointed, asked, assigned, completed, reported
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import LINKS, World

BASE = f"/api/v1/notifications/communes/{COMMUNE}"
ROLES = {"p01": ["chair"], "p02": ["vice_chair"], "p14": ["office"], "p80": ["supervisor"], "p81": ["inspector"]}


class Deaf:
    """A channel that takes nothing, for good."""

    def send(self, message: Message) -> None:
        raise Permanent("smtp 550")


class Desk:
    """The service over HTTP on Thursday, 20 June 2024."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.key = generate_key(folder / "private.pem", folder / "public.json")
        self.client: FlaskClient = create_web(world.notifications, Verifier(str(folder / "public.json"))).test_client()

    def auth(self, who: str, **more: str) -> dict[str, str]:
        roles = ROLES.get(who, ["staff"])
        token = mint(self.key, sub=f"staff/{who}", commune=COMMUNE, roles=roles, lifetime=timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"} | more

    def get(self, path: str, who: str = "p14", **query: Any) -> Any:
        return self.client.get(BASE + path, headers=self.auth(who), query_string=query)

    def post(self, path: str, body: Any = None, who: str = "p14", **headers: str) -> Any:
        return self.client.post(BASE + path, json=body, headers=self.auth(who, **headers))

    def put(self, path: str, body: Any, who: str = "p14", **headers: str) -> Any:
        return self.client.put(BASE + path, json=body, headers=self.auth(who, **headers))

    def recorded(self, kind: type) -> list[Any]:
        return [event for event in self.world.events() if isinstance(event, kind)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00", email=Deaf()).open()
        world.notifications.channels.last_hops["webhook"] = Webhooks(engine, world.clock, frozenset())  # type: ignore[index]
        world.record(
            appointed("p80", category="dau_moi", roles=["supervisor"]),
            appointed("p81", category="dau_moi", roles=["inspector"]),
            assigned("t1", due="12/6", title="Báo cáo quý"),
            assigned("t2", due="14/6"),
            assigned("t3", lead="p08", due="24/6"),
            assigned("t4", due="30/9"),
            assigned("t5", due="28/6"),
            assigned("t6", due="28/6"),
        )
        world.to("2024-06-12 09:00")
        world.record(asked("t2", "30/6"))
        world.to("2024-06-17 09:00")
        world.record(reported("t5", on="17/6"), reported("t6", on="17/6"), completed("t6", on="17/6"))
        world.to("2024-06-20 09:00")
        yield Desk(world, tmp_path)


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.data
    assert "{" not in answer.json["detail"]
    return answer.status_code, answer.json["code"]


# The Office's day


def test_the_worklist_has_each_task_where_it_belongs(desk: Desk):
    found = desk.get("/worklist").json
    sections = ("undone", "late", "due_soon", "waiting", "extensions")
    assert {name: [row["task"] for row in found[name]] for name in sections} == {
        "undone": ["t1"], "late": ["t2"], "due_soon": ["t3"], "waiting": ["t5"], "extensions": ["t2"],
    }  # fmt: skip
    assert (found["undone"][0]["days"], found["due_soon"][0]["days"], found["waiting"][0]["days"]) == (6, 2, 3)
    assert [(count["key"], count["undone"], count["late"], count["due_soon"]) for count in found["people"]] == [
        ("p07", 1, 1, 0), ("p08", 0, 0, 1),
    ]  # fmt: skip
    assert {each["channel"] for each in found["undelivered"]} == {"email"}


def test_the_worklist_of_a_past_day_is_as_it_was(desk: Desk):
    found = desk.get("/worklist", at="2024-06-13").json
    assert [row["task"] for row in found["undone"]] == ["t1"] and found["waiting"] == []


def test_urging_reaches_the_lead_once_a_day(desk: Desk):
    asked_for = {"tasks": ["t1", "t1", "t5", "t9"], "note": "Đề nghị hoàn thành trong ngày"}
    answer = desk.post("/urgings", asked_for)
    assert answer.status_code == 201 and answer.headers["Cchc-Position"].startswith("notifications/")
    assert answer.json["result"] == [
        {"task": "t1", "outcome": "queued"},
        {"task": "t5", "outcome": "reported"},
        {"task": "t9", "outcome": "unknown"},
    ]
    assert desk.post("/urgings", asked_for, who="p02").json["result"][0] == {"task": "t1", "outcome": "urged_today"}
    urged = [event for event in desk.recorded(ReminderQueued) if event.rule == "urge"]
    assert {(event.recipient, event.channel, event.by) for event in urged} == {
        ("p07", "inbox", "p14"),
        ("p07", "email", "p14"),
    }
    desk.world.look()
    [letter] = [each for each in desk.get("/inbox", who="p07").json["inbox"] if each["reminder"]["rule"] == "urge"]
    assert "Báo cáo quý" in letter["item"]["text"] and "trong ngày" in " ".join(letter["item"]["details"])


def test_a_repeated_urging_with_its_key_has_one_answer(desk: Desk):
    first = desk.post("/urgings", {"tasks": ["t1"]}, **{"Idempotency-Key": "k1"})
    again = desk.post("/urgings", {"tasks": ["t1"]}, **{"Idempotency-Key": "k1"})
    assert first.json == again.json and first.json["result"] == [{"task": "t1", "outcome": "queued"}]


def test_what_could_not_be_delivered_is_told_by_hand(desk: Desk):
    [first, *_] = desk.get("/worklist").json["undelivered"]
    path = f"/reminders/{first['reminder']}/sent-by-hand"
    assert problem(desk.post(path, who="p01")) == (403, "role")
    assert desk.post(path).status_code == 201
    assert [event.by for event in desk.recorded(ReminderSentByHand)] == ["p14"]
    assert problem(desk.post(path)) == (409, "reminder-not-failed")
    assert first["reminder"] not in {each["reminder"] for each in desk.get("/worklist").json["undelivered"]}


def test_a_dry_run_says_who_would_get_what_and_records_nothing(desk: Desk):
    before = desk.world.events()
    told = desk.get("/preview", at="2024-06-24T09:00").json["wanted"]
    mine = {(each["rule"], each["recipient"], each["channel"]) for each in told if each["about"] == "task/t3"}
    assert mine == {("due-0", "p08", "inbox"), ("due-0", "p08", "email")}
    assert {each["recipient"] for each in desk.get("/preview", at="2024-06-24T09:00", staff="p01").json["wanted"]} <= {
        "p01"
    }
    assert desk.world.events() == before


def test_a_dry_run_of_a_past_morning_gives_what_was_told(desk: Desk):
    then = {
        (each["about"], each["rule"], each["recipient"])
        for each in desk.get("/preview", at="2024-06-17T09:00").json["wanted"]
    }
    assert ("task/t2", "overdue-1", "p07") in then and ("task/t2", "overdue-1", "p14") in then


@pytest.mark.parametrize(
    ("day", "about", "code"),
    [
        ("2024-06-17", "task/t2", "delivered"),
        ("2024-06-18", "task/t2", "no_rung"),
        ("2024-06-19", "task/t5", "reported"),
    ],
)
def test_silence_and_speech_have_their_reasons(desk: Desk, day: str, about: str, code: str):
    lines = desk.get("/why", staff="p07", day=day).json["lines"]
    assert code in {line["code"] for line in lines if line["about"] == about}
    assert all(line["text"] and "{" not in line["text"] for line in lines)


def test_reasons_of_others_are_for_those_who_follow_up(desk: Desk):
    assert desk.get("/why", who="p07", staff="p07", day="2024-06-17").status_code == 200
    assert problem(desk.get("/why", who="p07", staff="p08", day="2024-06-17")) == (403, "reminder-of-another")


def test_a_misspelt_code_is_nobody(desk: Desk):
    assert problem(desk.get("/why", staff="p99", day="2024-06-17")) == (404, "staff-unknown")
    assert problem(desk.get("/preview", staff="p99")) == (404, "staff-unknown")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31", "9999-12-31T23:59:59"])
def test_days_that_no_fact_can_be_of_are_refused(desk: Desk, day: str):
    assert problem(desk.get("/why", staff="p07", day=day)) == (422, "invalid")
    assert problem(desk.get("/weekly", on=day)) == (422, "invalid")
    assert problem(desk.get("/preview", at=day)) == (422, "invalid")
    assert problem(desk.get("/worklist", at=day)) == (422, "invalid")


def test_the_first_and_the_last_day_have_answers(desk: Desk):
    assert desk.get("/why", staff="p07", day="1900-01-01").status_code == 200
    assert desk.get("/weekly", on="1900-01-01").status_code == 200
    assert desk.get("/preview", at="2199-12-31T23:59:59").status_code == 200


# One's own


def test_the_inbox_holds_ones_own_until_it_is_seen(desk: Desk):
    letters = desk.get("/inbox", who="p07", unread=True).json["inbox"]
    assert letters and {each["reminder"]["recipient"] for each in letters} == {"p07"}
    reminder = letters[0]["reminder"]["reminder"]
    path = f"/reminders/{reminder}/acknowledgement"
    assert problem(desk.post(path, who="p08")) == (403, "reminder-of-another")
    assert desk.post(path, who="p07").status_code == 201
    assert desk.post(path, who="p07").status_code == 201
    assert [event.by for event in desk.recorded(ReminderAcknowledged)] == ["p07"]
    left = {each["reminder"]["reminder"] for each in desk.get("/inbox", who="p07", unread=True).json["inbox"]}
    assert reminder not in left and len(left) == len(letters) - 1
    history = desk.get(f"/reminders/{reminder}", who="p07").json["history"]
    assert [each["type"].split(".")[-2] for each in history] == ["queued", "delivered", "acknowledged"]


def test_the_inbox_begins_with_what_came_last_and_turns_its_pages_in_the_order_asked_for(desk: Desk):
    def read(order: str | None) -> list[str]:
        """All of p07's reminders, two a page."""
        query = {"limit": 2} | ({"order": order} if order else {})
        path, ids = "/inbox", []
        while path:
            answer = desk.get(path, who="p07", **query)
            ids += [each["reminder"]["reminder"] for each in answer.json["inbox"]]
            link = answer.headers.get("Link", "")
            query = dict(parse_qsl(urlsplit(link.partition(">")[0]).query)) if link else {}
            path = "/inbox" if link else ""
        return ids

    first = read(None)
    desk.post("/urgings", {"tasks": ["t1"]})
    desk.world.look()
    newest, oldest = read(None), read("oldest")
    assert len(first) > 4 and len(set(newest)) == len(newest)
    assert newest[1:] == first and oldest == newest[::-1] and read("newest") == newest
    assert desk.get("/inbox", who="p07").json["inbox"][0]["reminder"]["rule"] == "urge"
    assert problem(desk.get("/inbox", who="p07", order="any")) == (422, "invalid")


def test_a_messages_link_leads_its_recipient_to_the_reminder_as_it_reads_now(desk: Desk):
    letters = desk.get("/inbox", who="p07").json["inbox"]
    letter = next(each for each in letters if each["reminder"]["about"] == "task/t1")
    reminder = letter["reminder"]["reminder"]
    signed = {"k": LINKS.signature(COMMUNE, reminder)}
    path = f"/reminders/{reminder}/letter"
    answer = desk.get(path, who="p07", **signed)
    assert answer.status_code == 200 and answer.json == letter and letter["task"] == "t1"
    assert "Báo cáo quý" in letter["item"]["text"] and letter["reminder"]["acknowledged_at"] is None
    for forged in ({}, {"k": ""}, {"k": "chữ ký"}, {"k": LINKS.signature("another", reminder)}):
        assert problem(desk.get(path, who="p07", **forged)) == (404, "not-found")
    assert problem(desk.get(path, who="p08", **signed)) == (403, "reminder-of-another")
    assert problem(desk.get(path, who="p14", **signed)) == (403, "reminder-of-another")
    assert problem(desk.get(path, who="p81", **signed)) == (403, "role")
    unknown = {"k": LINKS.signature(COMMUNE, "nothing")}
    assert problem(desk.get("/reminders/nothing/letter", who="p07", **unknown)) == (404, "reminder-unknown")


def test_pages_go_through_all_reminders_once(desk: Desk):
    with reading(desk.world.engine, COMMUNE) as connection:
        everything = [each.reminder for each in occurrences(connection, COMMUNE)]
    seen: list[str] = []
    path: str | None = f"{BASE}/reminders?limit=3"
    while path:
        answer: Any = desk.client.get(path, headers=desk.auth("p14"))
        seen += [each["reminder"]["reminder"] for each in answer.json["reminders"]]
        link = answer.headers.get("Link")
        path = str(link).split(">")[0].lstrip("<") if link else None
    assert seen == everything


def test_people_see_their_own_reminders_and_the_office_all(desk: Desk):
    mine = desk.get("/reminders", who="p07").json["reminders"]
    assert {each["reminder"]["recipient"] for each in mine} == {"p07"}
    assert problem(desk.get("/reminders", who="p07", recipient="p08")) == (403, "reminder-of-another")
    every = desk.get("/reminders", state="failed", limit=200).json["reminders"]
    assert every and all(each["state_text"] == STATES["failed"] for each in every)
    theirs = desk.get("/reminders", recipient="p08").json["reminders"][0]["reminder"]["reminder"]
    assert problem(desk.get(f"/reminders/{theirs}", who="p07")) == (403, "reminder-of-another")
    assert problem(desk.get("/reminders/nothing")) == (404, "reminder-unknown")
    assert problem(desk.post("/reminders/nothing/acknowledgement")) == (404, "reminder-unknown")


def test_somebody_without_mail_keeps_the_inbox(desk: Desk):
    assert desk.put("/preferences/p07", {"channels": {"email": False}, "digest": True}, who="p07").status_code == 200
    assert desk.get("/preferences/p07", who="p07").json["channels"] == {"email": False}
    desk.post("/urgings", {"tasks": ["t1"]})
    urged = [event for event in desk.recorded(ReminderQueued) if event.rule == "urge"]
    assert {event.channel for event in urged} == {"inbox"}


@pytest.mark.parametrize(
    ("staff", "who", "channels", "expected"),
    [
        ("p08", "p07", {}, (403, "preferences-of-another")),
        ("p99", "p14", {}, (404, "staff-unknown")),
        ("p07", "p07", {"inbox": False}, (422, "inbox-stays")),
        ("p07", "p07", {"fax": True}, (422, "channel-unknown")),
    ],
)
def test_preferences_that_are_refused(desk: Desk, staff: str, who: str, channels: Any, expected: Any):
    assert problem(desk.put(f"/preferences/{staff}", {"channels": channels}, who=who)) == expected


def test_an_address_is_ones_own_and_can_be_erased(desk: Desk):
    assert desk.put("/addresses/apprise", {"address": "chat-7"}, who="p07").status_code == 204
    assert desk.get("/addresses/apprise", who="p07").json == {"address": "chat-7"}
    assert desk.get("/addresses/apprise", who="p14").json == {"address": None}
    assert problem(desk.put("/addresses/email", {"address": "x"}, who="p07")) == (422, "channel-without-addresses")
    assert desk.client.delete(f"{BASE}/addresses/apprise", headers=desk.auth("p07")).status_code == 204
    assert desk.get("/addresses/apprise", who="p07").json == {"address": None}
    assert "chat-7" not in str(desk.world.events())


# Policy and endpoints


ALL_DAY = [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "00:00"}]


def a_rule(**more: Any) -> dict[str, Any]:
    return {
        "rule": "due-2",
        "base": "due",
        "offset_days": -2,
        "audience": ["lead"],
        "urgency": "digest",
        "channels": ["inbox"],
    } | more


def a_policy(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    quiet = {"spans": [{"from": "17:00", "to": "07:30"}]}
    return {
        "policy": "rieng-1",
        "rules": list(rules) or [a_rule()],
        "quiet": quiet,
        "digest": {},
        "reason": "Gọn lại",
    } | more


def test_a_revision_of_the_policy_is_based_on_the_last_one(desk: Desk):
    tag = desk.get("/policy").headers["ETag"]
    assert problem(desk.put("/policy", a_policy())) == (428, "if-match-required")
    assert problem(desk.put("/policy", a_policy(), **{"If-Match": '"7"'})) == (412, "stale")
    assert problem(desk.put("/policy", a_policy(), who="p02", **{"If-Match": tag})) == (403, "role")
    assert desk.put("/policy", a_policy(), **{"If-Match": tag}).status_code == 200
    found = desk.get("/policy", who="p07")
    assert found.json["in_force"]["policy"] == "rieng-1" and found.headers["ETag"] != tag
    assert [each["policy"] for each in found.json["revisions"]] == ["mac-dinh-1", "rieng-1"]
    tag = found.headers["ETag"]
    assert problem(desk.put("/policy", a_policy(), **{"If-Match": tag})) == (409, "policy-id-taken")
    changed = found.json["in_force"] | {"policy": "rieng-2", "reason": "Như cũ"}
    assert desk.put("/policy", changed, **{"If-Match": tag}).status_code == 200
    assert desk.get("/policy").json["in_force"] == changed


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (a_policy(a_rule(), a_rule()), "policy-rule-twice"),
        (a_policy(a_rule(rule="urge")), "policy-rule-twice"),
        (a_policy(a_rule(base="urge")), "policy-base"),
        (a_policy(a_rule(audience=["person"])), "policy-audience"),
        (a_policy(a_rule(audience=[])), "policy-audience"),
        (a_policy(a_rule(channels=["email"])), "policy-inbox"),
        (a_policy(a_rule(offset_days=-90)), "policy-offset"),
        (a_policy(a_rule(base="check", offset_days=-1)), "policy-offset"),
        (a_policy(a_rule(), a_rule(rule="khac")), "policy-same-offset"),
        (a_policy(a_rule(escalates_to="chair")), "policy-escalation"),
        (a_policy(quiet={"spans": ALL_DAY}), "policy-never-open"),
        (a_policy() | {"rules": []}, "policy-rules"),
    ],
)  # fmt: skip
def test_policies_that_no_morning_could_be_planned_by(desk: Desk, policy: Any, code: str):
    assert problem(desk.put("/policy", policy, **{"If-Match": '"1"'})) == (422, code)


def test_an_endpoints_secret_is_told_once(desk: Desk):
    made = desk.post("/endpoints", {"url": "https://1.1.1.1/hook", "rules": ["due-0"]})
    assert made.status_code == 201 and made.json["secret"].startswith("whsec_")
    listed = desk.get("/endpoints").json["endpoints"]
    assert [each["url"] for each in listed] == ["https://1.1.1.1/hook"] and "secret" not in listed[0]
    endpoint = made.json["endpoint"]
    assert desk.post(f"/endpoints/{endpoint}/enablement").status_code == 204
    assert desk.client.delete(f"{BASE}/endpoints/{endpoint}", headers=desk.auth("p14")).status_code == 204
    assert problem(desk.post(f"/endpoints/{endpoint}/enablement")) == (404, "endpoint-unknown")
    assert made.json["secret"] not in str(desk.world.events())


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/hook", "https://127.0.0.1/hook", "https://10.0.0.8/", "ftp://1.1.1.1/", "hook"]
)
def test_endpoints_lie_on_the_open_internet(desk: Desk, url: str):
    assert problem(desk.post("/endpoints", {"url": url})) == (422, "endpoint-url")


# Who may


@pytest.mark.parametrize(
    ("method", "path", "who"),
    [
        ("get", "/worklist", "p07"),
        ("get", "/worklist", "p80"),
        ("post", "/urgings", "p07"),
        ("get", "/preview", "p07"),
        ("get", "/reminders", "p80"),
        ("get", "/endpoints", "p01"),
        ("post", "/endpoints", "p07"),
        ("post", "/reminders/x/sent-by-hand", "p02"),
        ("post", "/urgings", "p81"),
    ],
)
def test_roles_that_may_not(desk: Desk, method: str, path: str, who: str):
    answer = getattr(desk.client, method)(BASE + path, headers=desk.auth(who), json={} if method == "post" else None)
    assert problem(answer) == (403, "role")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/urgings", {"tasks": []}),
        ("/urgings", {"tasks": ["t"] * 201}),
        ("/urgings", {"tasks": ["t1"], "note": "x" * 501}),
        ("/urgings", {"tasks": ["t1"], "notes": "x"}),
        ("/endpoints", {"url": ""}),
    ],
)
def test_what_cannot_be_read_is_refused(desk: Desk, path: str, body: Any):
    assert problem(desk.post(path, body))[0] == 422


@pytest.mark.parametrize("query", [{"at": "mai"}, {"at": "2024-13-01"}, {"ngay": "2024-06-01"}])
def test_questions_that_cannot_be_read(desk: Desk, query: Any):
    assert problem(desk.get("/preview", **query))[0] == 422


def test_every_word_that_may_be_shown_has_its_text():
    assert {"due-7", "due-0", "overdue-7", "check", "weekly", "monthly", "sheet", "appeal", "urge"} <= RULES.keys()
    assert {"no_rung", "held_back", "others_told", "not_queued", "delivered"} <= WHY.keys()
    assert {"superseded", "deadline_moved", "no_address", "channel_off"} <= REASONS.keys()


# What a token is made for

HELD = ("chair", "vice_chair", "office", "staff", "admin")
NARROWED = [*combinations(HELD, 1), *combinations(HELD, 2)]
SENT: dict[str, tuple[str, str, Any]] = {
    "AcknowledgeReminder": ("POST", "/reminders/nothing/acknowledgement", None),
    "RecordSentByHand": ("POST", "/reminders/nothing/sent-by-hand", None),
    "UrgeTasks": ("POST", "/urgings", {"tasks": ["t1"]}),
    "PublishPolicy": ("PUT", "/policy", {}),
    "ChangePreferences": ("PUT", "/preferences/p07", {"channels": {}, "digest": True}),
    "IssueSlips": ("POST", "/slips", {"tasks": ["t1"]}),
}


def test_a_narrowed_token_allows_no_more_than_a_post_with_only_those_roles(desk: Desk):
    """One person holds every role; the others some of them, with a token that says more."""
    assert SENT.keys() == {command.__name__ for command in HANDLERS}
    posts = {f"p{90 + number}": roles for number, roles in enumerate(NARROWED)}
    desk.world.record(
        appointed("p50", roles=list(HELD)), *(appointed(staff, roles=list(roles)) for staff, roles in posts.items())
    )
    desk.world.look()

    def forbidden(staff: str, roles: Collection[str], method: str, path: str, body: Any) -> bool:
        token = mint(desk.key, sub=f"staff/{staff}", commune=COMMUNE, roles=[*roles], lifetime=timedelta(hours=1))
        headers = {"Authorization": f"Bearer {token}", "If-Match": '"0"'}
        answer = desk.client.open(BASE + path, method=method, json=body, headers=headers)
        assert answer.status_code in (200, 201, 403, 404, 412, 422), answer.data
        return bool(answer.status_code == 403)

    for command, sent in SENT.items():
        narrowed = {roles for roles in posts.values() if forbidden("p50", roles, *sent)}
        assert narrowed == {roles for staff, roles in posts.items() if forbidden(staff, HELD, *sent)}, command
        assert len(narrowed) < len(posts), command
