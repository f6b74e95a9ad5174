"""Every change over HTTP that appends no event has its row in the journal, and so has who tries what they may not."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from itertools import count
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from sqlalchemy import MetaData, text
from werkzeug.test import TestResponse

from cchc.installation import Installation
from cchc.services import SERVICES
from services.notifications.channels.webhooks import Webhooks
from shared.eventlog import EVERY_COMMUNE, NO_COMMUNE, writing
from shared.eventlog import tables as log_tables
from shared.journal import KINDS, Entry, entries, kinds
from shared.web.auth import routes
from shared.web.keys import mint
from shared.web.logs import log_to
from tests.support.deployed import deployed_on
from tests.support.evidence import PDF
from tests.support.postgres import Postgres
from tests.support.reminded import COMMUNE, SmallCommune

OFFICE, ADMIN = "p03", "operator/xa"
CLIENT = "203.0.113.5"
NAME, MAIL, SECRET_HOST = "Trần Thị Kín", "kin@xa-nho.example", "1.1.1.1"
NEW = count(70)

# Tables that hold something besides the log: what was folded from it is folded again from it.
FOLDED = {
    "tasks": {"states"},
    "scoring": {"records"},
    "notifications": {"records", "occurrences", "policies", "preferences", "slips"},
}
JOURNALLED = {
    "tasks": {"people", "unit_names", "evidence_files"},
    "scoring": set[str](),
    "notifications": {"addresses", "endpoints"},
}
# Why a table that is neither needs no row.
NO_ROW = {
    "deliveries": "which worker sends what just now; every result is an event",
    "planned": "how far the planner came; every reminder is an event",
    "noticed": "how far notices were looked for; every notice is an event",
    "slip_files": "the event of a slip names its document by its hash, in the same transaction",
    "budgets": "counts of what was asked, forgotten after a day",
    "journal": "the rows themselves",
    "alembic_version": "a migration has its row",
}


class Served:
    """A small commune's services over HTTP, with the roles of a deployment's web processes where there are any."""

    def __init__(self, commune: SmallCommune, served: Installation) -> None:
        self.commune = commune
        self.installation = served
        self.webs = {service: served.web(service) for service in SERVICES}
        served.channels.last_hops["webhook"] = Webhooks(served.engine("notifications"), served.clock)  # type: ignore[index]

    def client(self, service: str) -> FlaskClient:
        return self.webs[service].test_client()

    def ask(
        self, service: str, method: str, path: str, *, who: str = f"staff/{OFFICE}", roles: Any = None, **more: Any
    ) -> TestResponse:
        roles = roles or ["office", "staff"]
        token = mint(
            self.installation.signing_key, sub=who, commune=COMMUNE, roles=roles, lifetime=timedelta(minutes=5)
        )
        headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
        url = f"/api/v1/{service}{path}".replace("<commune>", COMMUNE)
        return self.client(service).open(
            url, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": CLIENT}, **more
        )

    def rows(self, service: str, commune: str = COMMUNE) -> list[Entry]:
        return entries(self.installation.engine(service), commune)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("small") / "data"
    if request.param == "sqlite":
        commune = SmallCommune(data, "2024-01-02", (2024,))
        commune.assign("báo cáo", lead="p04", due="2024-01-12")
        yield Served(commune, commune.installation)
        commune.installation.close()
        return
    server: Postgres = request.getfixturevalue("private_postgres")
    with deployed_on(server) as deployed:
        commune = SmallCommune(data, "2024-01-02", (2024,), **deployed.environment("worker"))
        commune.assign("báo cáo", lead="p04", due="2024-01-12")
        web = deployed.installation("server", data)
        yield Served(commune, web)
        web.close()
        commune.installation.close()


# Every route that changes something and is no command of a table: what it is sent, and the rows it leaves.


class Change(NamedTuple):
    send: Callable[[Served], TestResponse]
    kinds: tuple[str, ...]
    who: str = f"staff/{OFFICE}"


def _evidence(served: Served) -> tuple[str, str]:
    task = served.commune.names["báo cáo"]
    stored = served.ask(
        "tasks", "POST", f"/communes/<commune>/tasks/{task}/evidence", data={"file": (BytesIO(PDF), "bien-ban.pdf")}
    )
    return task, stored.json["sha256"]  # type: ignore[index]


def _stores_evidence(served: Served) -> TestResponse:
    task = served.commune.names["báo cáo"]
    file = {"file": (BytesIO(PDF + b" of its own"), f"{NAME}.pdf")}
    return served.ask("tasks", "POST", f"/communes/<commune>/tasks/{task}/evidence", data=file)


def _erases_evidence(served: Served) -> TestResponse:
    task, sha256 = _evidence(served)
    return served.ask("tasks", "DELETE", f"/communes/<commune>/tasks/{task}/evidence/{sha256}")


def _uploads(served: Served) -> TestResponse:
    head = "Mã,Chức vụ/vị trí,Nhóm,Bộ phận,Lãnh đạo,Cấp trên trực tiếp,Từ ngày,Đến ngày,Email,Ghi chú"
    chair = "p01,Chủ tịch UBND xã,Cán bộ,Lãnh đạo,x,,01/07/2021,,,"
    row = f"p{next(NEW)},Công chức,Công chức,Văn phòng,,p01,01/01/2020,,{MAIL},"
    roster = f"{head}\r\n{chair}\r\n{row}\r\n".encode("utf-8-sig")
    return served.ask("tasks", "POST", "/communes/<commune>/imports/roster", data={"file": (BytesIO(roster), "ds.csv")})


def _confirms(served: Served) -> TestResponse:
    found: Any = _uploads(served).json
    path = f"/communes/<commune>/imports/roster/{found['sha256']}/confirmation"
    return served.ask("tasks", "POST", path, who=ADMIN, roles=["admin"], json={})


def _names_a_unit(served: Served) -> TestResponse:
    body = {"kind": "department", "name": NAME, "valid_from": "2024-01-02"}
    return served.ask("tasks", "PUT", f"/communes/<commune>/units/to-{len(served.rows('tasks'))}", json=body)


def _saves(served: Served) -> TestResponse:
    return served.ask("tasks", "PUT", "/communes/<commune>/people/p04", json={"name": NAME, "email": MAIL})


def _erases(served: Served) -> TestResponse:
    _saves(served)
    return served.ask("tasks", "DELETE", "/communes/<commune>/people/p04")


def _signs_in(served: Served) -> TestResponse:
    code = served.installation.sign_in_code(sub="staff/p04", commune=COMMUNE, roles={"staff"})
    return served.client("tasks").post(
        "/api/v1/tasks/sign-ins", json={"code": code}, environ_overrides={"REMOTE_ADDR": CLIENT}
    )


def _fails_to_sign_in(served: Served) -> TestResponse:
    return served.client("tasks").post(
        "/api/v1/tasks/sign-ins", json={"code": "no-such"}, environ_overrides={"REMOTE_ADDR": "198.51.100.7"}
    )


def _adds_an_endpoint(served: Served) -> TestResponse:
    body = {"url": f"https://{SECRET_HOST}/hook"}
    return served.ask("notifications", "POST", "/communes/<commune>/endpoints", json=body)


def _endpoint(served: Served) -> str:
    added: Any = _adds_an_endpoint(served).json
    return str(added["endpoint"])


def _removes_an_endpoint(served: Served) -> TestResponse:
    return served.ask("notifications", "DELETE", f"/communes/<commune>/endpoints/{_endpoint(served)}")


def _enables_an_endpoint(served: Served) -> TestResponse:
    return served.ask("notifications", "POST", f"/communes/<commune>/endpoints/{_endpoint(served)}/enablement")


def _saves_an_address(served: Served) -> TestResponse:
    return served.ask("notifications", "PUT", "/communes/<commune>/addresses/apprise", json={"address": "0905123456"})


def _erases_an_address(served: Served) -> TestResponse:
    _saves_an_address(served)
    return served.ask("notifications", "DELETE", "/communes/<commune>/addresses/apprise")


def _erases_in_notifications(served: Served) -> TestResponse:
    _saves_an_address(served)
    body = {"staff": OFFICE, "name": None}
    return served.ask("notifications", "POST", "/communes/<commune>/erasures", json=body)


_EVIDENCE, _IMPORT = (
    "/communes/<commune>/tasks/<task>/evidence",
    "/communes/<commune>/imports/<any(annex, roster):kind>",
)
CHANGES: dict[tuple[str, str, str], Change] = {
    ("tasks", "POST", _EVIDENCE): Change(_stores_evidence, ("evidence.stored",)),
    ("tasks", "DELETE", f"{_EVIDENCE}/<sha256>"): Change(_erases_evidence, ("evidence.erased",)),
    ("tasks", "POST", _IMPORT): Change(_uploads, ("upload.kept",)),
    ("tasks", "POST", f"{_IMPORT}/<sha256>/confirmation"): Change(_confirms, ("person.saved",), ADMIN),
    ("tasks", "PUT", "/communes/<commune>/units/<unit>"): Change(_names_a_unit, ("unit.named",)),
    ("tasks", "PUT", "/communes/<commune>/people/<staff>"): Change(_saves, ("person.saved",)),
    ("tasks", "DELETE", "/communes/<commune>/people/<staff>"): Change(_erases, ("person.erased", "uploads.erased")),
    ("tasks", "POST", "/sign-ins"): Change(_signs_in, ("sign_in.redeemed",), "staff/p04"),
    ("notifications", "POST", "/communes/<commune>/endpoints"): Change(_adds_an_endpoint, ("endpoint.added",)),
    ("notifications", "DELETE", "/communes/<commune>/endpoints/<endpoint>"): Change(
        _removes_an_endpoint, ("endpoint.removed",)
    ),
    ("notifications", "POST", "/communes/<commune>/endpoints/<endpoint>/enablement"): Change(
        _enables_an_endpoint, ("endpoint.enabled",)
    ),
    ("notifications", "POST", "/communes/<commune>/erasures"): Change(_erases_in_notifications, ("address.erased",)),
    ("notifications", "PUT", "/communes/<commune>/addresses/<channel>"): Change(_saves_an_address, ("address.saved",)),
    ("notifications", "DELETE", "/communes/<commune>/addresses/<channel>"): Change(
        _erases_an_address, ("address.erased",)
    ),
}
# Views that execute one command and nothing besides, outside the tables of changes.
COMMANDS = {
    ("tasks", "POST", "/communes/<commune>/drafts/<task>/settlement"),
    ("tasks", "POST", "/communes/<commune>/drafts/settlements"),
    ("notifications", "POST", "/communes/<commune>/reminders/<reminder>/sent-by-hand"),
    ("notifications", "POST", "/communes/<commune>/reminders/<reminder>/acknowledgement"),
}


def test_every_route_that_changes_something_is_a_command_or_has_its_rows(served: Served):
    found = set()
    for service, web in served.webs.items():
        for method, rule, _ in routes(web):
            view = web.view_functions[
                next(r.endpoint for r in web.url_map.iter_rules() if r.rule == rule and method in (r.methods or ()))
            ]
            if method in ("GET", "HEAD", "OPTIONS") or "cchc_command" in vars(view):
                continue
            found.add((service, method, rule.removeprefix(f"/api/v1/{service}")))
    assert found - COMMANDS == CHANGES.keys()


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
def test_a_change_that_is_no_command_leaves_its_row(served: Served, route: tuple[str, str, str]):
    service = route[0]
    answer = CHANGES[route].send(served)
    assert answer.status_code in (200, 201, 204), answer.get_data(as_text=True)
    newest = served.rows(service)[0]
    assert newest.kind in CHANGES[route].kinds
    assert (newest.actor, newest.origin, newest.trace_id) == (CHANGES[route].who, CLIENT, answer.headers["Trace-Id"])
    assert newest.about or newest.kind.startswith("upload")


def test_the_row_of_a_saved_person_names_what_changed_and_no_value(served: Served):
    base, mail = "/communes/<commune>", "p05@xa-nho.example"
    bodies = (
        ({"name": "Người p05", "email": mail, "phone": "0905"}, "phone"),
        ({"name": NAME, "email": mail, "phone": "0905"}, "name"),
        ({"name": NAME, "email": mail, "phone": "0905"}, None),
        ({"name": "Người p05", "email": None, "phone": None}, "name email phone"),
        ({"name": "Người p05", "email": mail}, "email"),
    )
    for body, fields in bodies:
        before = served.rows("tasks")
        assert served.ask("tasks", "PUT", f"{base}/people/p05", json=body).status_code == 204
        new = served.rows("tasks")[: -len(before)]
        assert [(row.kind, row.about, row.detail) for row in new] == (
            [("person.saved", ["staff/p05"], {"fields": fields})] if fields else []
        )


def test_a_unit_s_name_that_stays_leaves_no_row(served: Served):
    body = {"kind": "department", "name": "Tổ một", "valid_from": "2024-01-02"}
    path = "/communes/<commune>/units/to-mot"
    assert served.ask("tasks", "PUT", path, json=body).status_code == 200
    before = served.rows("tasks")
    again = served.ask("tasks", "PUT", path, json=body | {"valid_from": "2024-01-03"}, headers={"If-Match": '"1"'})
    assert again.status_code == 200 and served.rows("tasks") == before


def test_every_table_is_folded_journalled_or_says_why_not(served: Served):
    for service in SERVICES:
        metadata = MetaData()
        metadata.reflect(served.commune.installation.owner(service))
        known = {*log_tables.metadata.tables, *FOLDED[service], *JOURNALLED[service], *NO_ROW}
        assert set(metadata.tables) - known == set(), service
        assert FOLDED[service] | JOURNALLED[service] <= set(metadata.tables)


def test_whatever_writes_a_journalled_table_adds_a_row(served: Served):
    """Triggers count what is written while every route above is asked again."""
    if served.installation.engine("tasks").dialect.name != "sqlite":
        pytest.skip("the same code writes both; SQLite's triggers suffice")
    for service, tables in JOURNALLED.items():
        with writing(served.installation.engine(service), NO_COMMUNE) as connection:
            connection.execute(text("CREATE TABLE touched (name TEXT, action TEXT)"))
            for table in tables:
                for action in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(
                        text(
                            f"CREATE TRIGGER touch_{table}_{action} AFTER {action} ON {table} "
                            f"BEGIN INSERT INTO touched VALUES ('{table}', '{action}'); END"
                        )
                    )
    written = set()
    for route, change in CHANGES.items():
        service = route[0]
        before = len(served.rows(service))
        change.send(served)
        with writing(served.installation.engine(service), NO_COMMUNE) as connection:
            touched = {tuple(row) for row in connection.execute(text("SELECT DISTINCT name, action FROM touched"))}
            connection.execute(text("DELETE FROM touched"))
        assert not touched or len(served.rows(service)) > before, route
        written |= touched
    assert {name for name, _ in written} == set.union(*JOURNALLED.values())
    for service, tables in JOURNALLED.items():
        with writing(served.installation.engine(service), NO_COMMUNE) as connection:
            for table in tables:
                for action in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(text(f"DROP TRIGGER touch_{table}_{action}"))
            connection.execute(text("DROP TABLE touched"))


def test_no_row_holds_a_name_an_address_or_a_secret(served: Served):
    for service in SERVICES:
        for commune in (COMMUNE, EVERY_COMMUNE):
            for row in served.rows(service, commune):
                for said in (NAME, MAIL, SECRET_HOST, "0905123456", "whsec_"):
                    assert said not in repr(row)


# Reading


def test_an_inspector_reads_page_by_page_what_they_ask_for(served: Served):
    _saves(served)
    _erases(served)
    _fails_to_sign_in(served)
    inspector: dict[str, Any] = {"who": "operator/thanh-tra", "roles": ["inspector"]}
    seen: list[int] = []
    path = "/communes/<commune>/journal?limit=2"
    while path:
        answer = served.ask("tasks", "GET", path, **inspector)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        page: Any = answer.json
        seen += [row["number"] for row in page["rows"]]
        link = answer.headers.get("Link", "")
        path = link.partition(">")[0].removeprefix("</api/v1/tasks") if link else ""
    assert seen == list(range(len(seen), 0, -1))
    erased = served.ask("tasks", "GET", "/communes/<commune>/journal?kind=person.erased&limit=1", **inspector)
    [row] = erased.json["rows"]  # type: ignore[index]
    assert row | {"number": 0, "time": "", "trace_id": "", "previoushash": ""} == {
        "commune": COMMUNE,
        "number": 0,
        "time": "",
        "actor": f"staff/{OFFICE}",
        "from": CLIENT,
        "kind": "person.erased",
        "text": kinds.PERSON_ERASED.text,
        "about": ["staff/p04"],
        "detail": {},
        "trace_id": "",
        "previoushash": "",
    }
    day = row["time"][:10]
    for query, some in (
        (f"actor=staff/{OFFICE}", True),
        ("actor=staff/p99", False),
        (f"from={day}", True),
        ("to=2020-01-01", False),
        ("of=installation", True),
    ):
        found = served.ask("tasks", "GET", f"/communes/<commune>/journal?{query}", **inspector).json
        assert bool(found["rows"]) == some, query  # type: ignore[index]


@pytest.mark.parametrize("service", SERVICES)
def test_only_inspectors_and_administrators_read_it(served: Served, service: str):
    for roles in (["chair"], ["office"], ["staff"], ["supervisor"]):
        who = f"operator/{roles[0]}"
        refused = served.ask(service, "GET", "/communes/<commune>/journal", who=who, roles=roles)
        assert (refused.status_code, refused.json["code"]) == (403, "role")  # type: ignore[index]
    for roles in (["inspector"], ["admin"]):
        answer = served.ask(service, "GET", "/communes/<commune>/journal", who="operator/x", roles=roles)
        assert answer.status_code == 200


@pytest.mark.parametrize("query", ["kind=no.such", "from=9999-12-31", "limit=0", "of=all", "cursor=x"])
def test_a_question_that_cannot_be_answered_is_refused(served: Served, query: str):
    path = f"/communes/<commune>/journal?{query}"
    assert served.ask("scoring", "GET", path, who="operator/x", roles=["admin"]).status_code == 422


# Attempts, and what is read


def test_a_refused_attempt_is_counted_without_filling_the_disk(served: Served):
    before = len(served.rows("scoring"))
    for _ in range(120):
        refused = served.ask("scoring", "GET", "/communes/<commune>/journal", who="operator/ke-la", roles=["staff"])
        assert refused.status_code == 403
    rows = [row for row in served.rows("scoring") if row.actor == "operator/ke-la"]
    assert [row.detail["times"] for row in rows] == [100, 10, 1]
    assert rows[0].kind == "request.refused" and rows[0].origin == CLIENT
    assert rows[0].detail | {"times": 0} == {
        "status": 403,
        "code": "role",
        "times": 0,
        "method": "GET",
        "route": "/api/v1/scoring/communes/<commune>/journal",
    }
    assert len(served.rows("scoring")) == before + 3


@pytest.mark.parametrize(("asked", "about"), [(COMMUNE, [f"commune/{COMMUNE}"]), ("nguyen-thi-mat", [])])
def test_a_refused_attempt_names_the_commune_if_it_is_one(served: Served, asked: str, about: list[str]):
    """What stands in its place may be a person's name, and a journal forgets nothing."""
    elsewhere = f"xa-{asked}"
    token = mint(
        served.installation.signing_key,
        sub="operator/ke-la",
        commune=elsewhere,
        roles=["admin"],
        lifetime=timedelta(minutes=5),
    )
    refused = served.client("tasks").get(
        f"/api/v1/tasks/communes/{asked}/journal", headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 403
    [row] = served.rows("tasks", elsewhere)
    assert (row.kind, row.detail["code"], row.about) == ("request.refused", "commune", about)


def test_from_many_addresses_too(served: Served):
    before = len(served.rows("notifications", EVERY_COMMUNE))
    for number in range(300):
        refused = served.client("notifications").get(
            f"/api/v1/notifications/communes/{COMMUNE}/endpoints",
            headers={"Authorization": "Bearer forged"},
            environ_overrides={"REMOTE_ADDR": f"2001:db8::{number:x}"},
        )
        assert refused.status_code == 401
    rows = served.rows("notifications", EVERY_COMMUNE)
    assert len(rows) - before <= 100 + 3
    assert (rows[0].origin, rows[0].actor, rows[0].detail["code"]) == ("many", "anonymous", "invalid-token")
    assert rows[0].detail["times"] == 100


def test_a_link_that_does_not_work_leaves_a_row(served: Served):
    assert _fails_to_sign_in(served).status_code == 403
    newest = served.rows("tasks", EVERY_COMMUNE)[0]
    assert (newest.kind, newest.origin, newest.detail["code"]) == ("request.refused", "198.51.100.7", "sign-in-code")


def test_reading_the_addresses_leaves_a_row_a_day(served: Served):
    for _ in range(3):
        assert served.ask("tasks", "GET", "/communes/<commune>/people").status_code == 200
    task, sha256 = _evidence(served)
    for _ in range(3):
        with served.ask("tasks", "GET", f"/communes/<commune>/tasks/{task}/evidence/{sha256}") as file:
            assert file.data == PDF
    found = [row.kind for row in served.rows("tasks") if row.kind in ("contacts.read", "evidence.read")]
    assert found == ["evidence.read", "contacts.read"]


def test_a_request_line_says_who_and_where_and_nothing_that_was_typed(served: Served):
    lines = StringIO()
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        log_to(lines)
        served.ask("tasks", "GET", f"/communes/<commune>/tasks?text={NAME}")
        _saves(served)
    finally:
        root.handlers = handlers
    assert lines.getvalue().count(f'"actor":"staff/{OFFICE}"') == 2
    assert lines.getvalue().count(f'"commune":"{COMMUNE}"') == 2
    assert lines.getvalue().count(f'"client":"{CLIENT}"') == 2
    for said in (NAME, MAIL, "text="):
        assert said not in lines.getvalue()


def test_a_person_asks_a_service_from_where_they_sit(served: Served):
    """Through the screens, too, the service knows the person's address."""
    apps = dict(served.webs)
    screens = served.installation.screens(apps).test_client()
    code = served.installation.sign_in_code(sub=f"staff/{OFFICE}", commune=COMMUNE, roles={"office"})
    own = {"Origin": "http://localhost"}
    screens.post("/sign-in", data={"code": code}, headers=own, environ_overrides={"REMOTE_ADDR": "198.51.100.9"})
    newest = served.rows("tasks")[0]
    assert (newest.kind, newest.origin) == ("sign_in.redeemed", "198.51.100.9")


def test_the_kinds_of_the_journal_have_no_word_twice():
    assert len({kind.text for kind in KINDS.values()}) == len(KINDS)
