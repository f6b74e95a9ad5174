"""What a request stores is charged to whoever sends it, also where a small request stores much (ADR 0034)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from werkzeug.test import TestResponse

from services.notifications import app as notifications
from services.tasks.commands import execute
from services.tasks.domain.assigning import DraftTask
from services.tasks.reactors import open_recurring
from shared.budgets import TEXT, Allowances, Budgets, budgets, spend_from
from shared.eventlog import reading
from shared.events import Item, decode
from shared.web.auth import Principal, Verifier
from shared.web.keys import generate_key, mint
from tests.integration.test_who_acts import REQUESTS
from tests.support.histories import assigned
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import World
from tests.support.tasks_web import COMMUNE, OPERATOR, Commune, done, refused

ADMIN = Principal("operator/cli", COMMUNE, frozenset({"admin"}))
# Three bytes a letter, as much of Vietnamese is.
LONG = "ạ" * 5000
HEAD = ("STT", "Nội dung công việc", "Sản phẩm", "Chủ trì", "Phối hợp", "Thời hạn", "Hệ số")


@dataclass
class Counted(Budgets):
    """Budgets that also remember what they charged; `text` is None for what is not limited."""

    commune: Commune
    text: int | None = None
    charged: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        allowed = Allowances(text=2**40 if self.text is None else self.text)
        super().__init__(self.commune.engine, allowed, self.commune.now.timestamp)

    def charge(self, *about: str, text: int = 0, files: int = 0) -> None:
        super().charge(*about, text=text, files=files)
        self.charged += text

    def charge_stored(self, *about: str, text: int = 0, files: int = 0) -> None:
        super().charge_stored(*about, text=text, files=files)
        self.charged += text


def limited(commune: Commune, text: int | None = None) -> Counted:
    counted = Counted(commune, text)
    spend_from(commune.web, counted)
    return counted


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    commune = Commune(Path(tmp_path_factory.mktemp("stored")))
    commune.open()
    commune.enter_roster()
    yield commune
    commune.engine.dispose()


def stored_text(commune: Commune, after: int) -> int:
    return sum(len(msgspec.json.encode(decode(body).data)) for body in commune.tasks.log.read_all(COMMUNE, after))


@pytest.mark.parametrize("name", REQUESTS)
def test_every_command_costs_what_it_stores(commune: Commune, name: str) -> None:
    limited(commune)
    request = REQUESTS[name](commune)
    counted, before = limited(commune), commune.position
    answer = request.sent(commune, "p14", named=True)
    assert answer.status_code in (200, 201), answer.text
    assert counted.charged >= stored_text(commune, before) > 0


# Small requests that store much


def annex(commune: Commune) -> Callable[[], TestResponse]:
    """Rows whose titles are one cell, merged over them."""
    directive = commune.issue_directive()
    rows = [(str(number), LONG, "Kế hoạch", "p15", "", "28/6/2024", "2") for number in range(1, 41)]
    content = "\r\n".join(map(";".join, (HEAD, ("", "I. Công tác chỉ đạo, điều hành", *[""] * 5), *rows)))
    sent = done(commune.upload("p14", "/imports/annex", content.encode(), "phụ lục.csv", directive=directive))
    path = f"/imports/annex/{sent['sha256']}/confirmation"
    return lambda: commune.send("p14", path, {"directive": directive})


def drafted(commune: Commune) -> str:
    task = commune.tasks.new_id()
    row = {"title": LONG, "lead": "p15", "due": "28/6/2024", "deadline": {"text": "28/6/2024", "date": "2024-06-28"}}
    draft = DraftTask(task=task, item=Item(sheet="1", no="9"), row=row, questions=["thieu_thoi_han"])
    execute(commune.tasks, ADMIN, draft, commune=COMMUNE)
    return task


def one_row(commune: Commune) -> Callable[[], TestResponse]:
    """A row becomes tasks that all take its words."""
    path, version = f"/drafts/{drafted(commune)}/settlement", 1
    return lambda: commune.send("p14", path, {"into": [{"task": {}}] * 40, "by": "p01"}, based_on=version)


def several_rows(commune: Commune) -> Callable[[], TestResponse]:
    rows = [{"draft": drafted(commune), "into": [{"task": {}}] * 4, "by": "p01"} for _ in range(10)]
    return lambda: commune.send("p14", "/drafts/settlements", {"settlements": rows})


def recurring(commune: Commune) -> Callable[[], TestResponse]:
    """Every month since years becomes a task that takes the words, once nobody asks any more."""
    monthly = {"every": "month", "day": 25}
    said = {"title": LONG, "lead": "p15", "due_text": "Ngày 25", "recurrence": monthly, "roll": "none"}
    return lambda: commune.send("p01", "/templates", said | {"valid_from": "2021-01-01"})


def calendar(commune: Commune) -> Callable[[], TestResponse]:
    """A revision moves every deadline that was counted with the one before."""
    for number in range(60):
        commune.assign(title=f"Việc {number}", due={"text": "05 ngày làm việc", "working_days": 5})
    revision = done(commune.get(OPERATOR, "/calendars/2024"))["calendar"]
    soon = [commune.tasks.today + timedelta(days=days) for days in range(1, 6)]
    off = [{"date": f"{day}", "name": "Nghỉ", "legal_basis": "Thông báo"} for day in soon]
    published = {"calendar": f"{revision}-x", "days_off": off, "supersedes": revision, "by": "p01"}
    version = done(commune.get(OPERATOR, "/calendars/2024"))["version"]
    return lambda: commune.send("p14", "/calendars/2024", published, based_on=version)


# The least that each of them stores beyond what was sent, in bytes.
SMALL: dict[str, tuple[Callable[[Commune], Callable[[], TestResponse]], int]] = {
    "annex": (annex, 40 * 15_000),
    "one row": (one_row, 40 * 15_000),
    "several rows": (several_rows, 40 * 15_000),
    "recurring": (recurring, 41 * 15_000),
    "calendar": (calendar, 60 * 100),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_request_does_not_store_more_than_a_day_s_text(commune: Commune, name: str) -> None:
    prepare, least = SMALL[name]
    limited(commune)
    send = prepare(commune)
    room = limited(commune, least)
    before = commune.position
    answer = send()
    problem: Any = answer.json
    assert refused(answer) == (429, "too-much-text"), answer.text
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 86_400 and "ngày mai" in problem["detail"]
    assert commune.position == before and room.charged < least / 10, "nothing is recorded, and nothing charged for it"
    # The same the next day, with room for it.
    commune.now += timedelta(seconds=seconds)
    counted = limited(commune, 2 * least + 100_000)
    answer = send()
    assert answer.status_code in (200, 201), answer.text
    open_recurring(commune.tasks, COMMUNE)
    with reading(commune.engine, COMMUNE) as connection:
        today = TEXT.begun(commune.now.timestamp())
        of_people = budgets.select().where(budgets.c.kind == TEXT.name, budgets.c.begun == today, budgets.c.actor != "")
        [told] = connection.execute(of_people)
    assert told.used >= least, "other processes are told once the transaction has ended"
    stored = stored_text(commune, before)
    assert stored >= least and counted.charged > 0.95 * stored  # ids of what follows later are not counted


def test_one_request_answers_so_many_rows(commune: Commune) -> None:
    limited(commune)
    rows = [{"draft": "x", "into": [{"task": {}}] * 200, "by": "p01"} for _ in range(3)]
    answer = commune.send("p14", "/drafts/settlements", {"settlements": rows})
    assert refused(answer) == (422, "invalid") and "500" in answer.text


@pytest.mark.parametrize(
    ("path", "body", "kind", "code"),
    [
        ("/urgings", {"note": "Đề nghị báo cáo ngay. " * 20}, "text", "too-much-text"),
        ("/slips", {"signed_by": "p01"}, "files", "too-many-files"),
    ],
)
def test_reminding_many_costs_what_it_stores(tmp_path: Path, path: str, body: Any, kind: str, code: str) -> None:
    key = generate_key(tmp_path / "private.pem", tmp_path / "public.json")
    token = mint(key, sub="staff/p14", commune=COMMUNE, roles=["office"], lifetime=timedelta(hours=1))
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00").open()
        tasks = [f"t{number}" for number in range(30)]
        world.record(*(assigned(task, lead="p07" if task < "t2" else "p08", due="4/6") for task in tasks))
        world.to("2024-06-07 09:00")
        app = notifications.create_web(world.notifications, Verifier(str(tmp_path / "public.json")))
        url, headers = f"/api/v1/notifications/communes/{COMMUNE}{path}", {"Authorization": f"Bearer {token}"}
        log, answers = world.notifications.log, []
        for room in (20_000, 2**30):
            spend_from(app, Budgets(engine, Allowances(**{kind: room}), world.now.timestamp))
            before = log.head(COMMUNE).position
            answers.append(app.test_client().post(url, json={"tasks": tasks, **body}, headers=headers))
            if room == 20_000:
                assert log.head(COMMUNE).position == before
    assert (refused(answers[0]), int(answers[0].headers["Retry-After"]) > 0) == ((429, code), True)
    assert answers[1].status_code in (200, 201), answers[1].text
