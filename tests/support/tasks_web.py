"""The tasks service over HTTP for tests: a clock to set, tokens for anyone, xã Tiên Cảnh's files."""

import json
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from services.tasks.app import create_web
from services.tasks.service import Tasks, open_tasks
from shared.eventlog import open_database
from shared.eventlog.migrations import migrate
from shared.web.auth import Verifier
from shared.web.keys import generate_key, mint

COMMUNE = "tien-canh"
FILES = Path(__file__).parents[2] / "demo" / "data"
ROSTER = FILES / "danh-sach-can-bo-2024.xlsx"
ANNEX = FILES / "danh-muc-cong-viec-2024.xlsx"
OPERATOR = ("operator/cli", "admin")


class Commune:
    """One commune's view of the service: requests go below its address; `who` is a staff id or an actor with a role."""

    def __init__(self, folder: Path, url: str | None = None, **options: Any) -> None:
        self.now = datetime(2024, 6, 14, 1, tzinfo=UTC)
        self.engine = open_database(url or f"sqlite:///{folder / 'tasks.db'}", **options)
        migrate(self.engine, "services.tasks")
        self.tasks: Tasks = open_tasks(self.engine, folder / "evidence", clock=lambda: self.now)
        self.key = generate_key(folder / "private.pem", folder / "public.json")
        self.web = create_web(self.tasks, Verifier(str(folder / "public.json")))
        self.client: FlaskClient = self.web.test_client()

    def on(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)

    def auth(self, sub: str, *roles: str, commune: str = COMMUNE) -> dict[str, str]:
        token = mint(self.key, sub=sub, commune=commune, roles=list(roles), lifetime=timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    def as_(self, who: str | tuple[str, ...]) -> dict[str, str]:
        """The token of a staff member with the roles of today's post, or of any actor with the roles named."""
        if isinstance(who, tuple):
            return self.auth(*who)
        return self.auth(f"staff/{who}", *self.tasks.roles_of(COMMUNE, who))

    def get(self, who: str | tuple[str, ...], path: str, **query: Any) -> TestResponse:
        return self.client.get(self.url(path), headers=self.as_(who), query_string=query)

    def send(
        self,
        who: str | tuple[str, ...],
        path: str,
        body: dict[str, Any] | None = None,
        *,
        based_on: int | None = None,
        key: str | None = None,
        method: str = "POST",
    ) -> TestResponse:
        """A change; `based_on` becomes If-Match, `key` Idempotency-Key."""
        sent = self.as_(who)
        if key is not None:
            sent["Idempotency-Key"] = key
        if based_on is not None:
            sent["If-Match"] = f'"{based_on}"'
        return self.client.open(self.url(path), method=method, json=body or {}, headers=sent)

    def upload(self, who: str | tuple[str, ...], path: str, content: bytes, name: str, **form: str) -> TestResponse:
        file = FileStorage(BytesIO(content), name)
        # Encoded here, as the test client leaves open the temporary file in which it encodes a large form.
        boundary, body = encode_multipart({**form, "file": file})
        content_type = f"multipart/form-data; boundary={boundary}"
        return self.client.post(self.url(path), data=body, content_type=content_type, headers=self.as_(who))

    def url(self, path: str) -> str:
        return f"/api/v1/tasks/communes/{COMMUNE}{path}"

    @property
    def position(self) -> int:
        return self.tasks.log.head(COMMUNE).position

    # What most tests begin with

    def open(self) -> None:
        opened = {"name": "Xã Tiên Cảnh", "code": "20878", "valid_from": "2024-01-01"}
        done(self.send(OPERATOR, "", opened))
        published = json.loads((FILES / "lich-lam-viec" / "2024.json").read_text("utf-8"))
        calendar = {"calendar": "vn-2024-r1", **{name: published[name] for name in ("days_off", "working_weekends")}}
        done(self.send(OPERATOR, "/calendars/2024", calendar))

    def enter_roster(self) -> None:
        found = done(self.upload(OPERATOR, "/imports/roster", ROSTER.read_bytes(), ROSTER.name))
        done(self.send(OPERATOR, f"/imports/roster/{found['sha256']}/confirmation"))
        version = done(self.get(OPERATOR, "/staff/p13"))["version"]
        assert version == 1
        office = {"roles": ["office", "staff"], "valid_from": "2024-06-14"}
        done(self.send(OPERATOR, "/staff/p14/change", office, based_on=1))

    def issue_directive(self) -> str:
        said = {"number": "01/CT-UBND", "issued_on": "2024-06-14", "title": "Tăng cường cải cách hành chính năm 2024"}
        return str(done(self.send("p01", "/directives", said))["id"])

    def assign(self, *, who: str = "p01", **said: Any) -> str:
        usual = {"title": "Báo cáo cải cách hành chính quý II", "lead": "p15", "due": {"date": "2024-06-28"}}
        return str(done(self.send(who, "/tasks", usual | said))["id"])


def done(response: TestResponse) -> Any:
    """The body of an answer that succeeded."""
    assert response.status_code in (200, 201, 204), response.get_data(as_text=True)
    return response.json if response.data else None


def refused(response: TestResponse) -> tuple[int, str]:
    """Status and code of a problem, whose texts are Vietnamese sentences."""
    problem = response.json
    assert response.content_type == "application/problem+json", response.get_data(as_text=True)
    assert problem is not None and problem["title"] and "{" not in problem["detail"]
    return response.status_code, str(problem["code"])
