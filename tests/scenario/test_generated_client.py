"""What the README shows on the command line, done over HTTP by clients that a public generator made."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from cchc.settings import SERVICES
from tests.scenario.conftest import command_line
from tests.scenario.test_run import running
from tests.support.evidence import PDF
from tests.support.generated import GeneratedClient, Refused, generate
from tests.support.servers import free_port
from tests.support.waiting import until

COMMUNE, YEAR = "tien-canh", 2024
Stranger = Callable[..., GeneratedClient]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("clients")
    made = {service: generate(service, folder) for service in SERVICES}
    sys.path.insert(0, str(folder))
    yield made
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] in made.values()]:
        del sys.modules[name]


@pytest.fixture
def stranger(packages: dict[str, str], data: Path) -> Iterator[Stranger]:
    """`stranger("scoring", "--staff", "p14")`: a client of a service of `cchc run`, with a token of `cchc token`."""
    clients: list[GeneratedClient] = []
    cchc = command_line(data)
    with running(data, free_port()) as server:

        def client(service: str, *holder: str) -> GeneratedClient:
            token = cchc("token", *holder).stdout.strip()
            clients.append(GeneratedClient(packages[service], server.address, token))
            return clients[-1]

        yield client
        for made in clients:
            made.close()


def test_the_tour_of_the_readme(stranger: Stranger):
    scoring, notifications, tasks = (
        stranger(service, "--staff", "p14") for service in ("scoring", "notifications", "tasks")
    )

    table = scoring("ratings.read_ratings", COMMUNE, YEAR)
    rows = {row.staff: row for row in table.result.rows}
    assert (rows["p14"].level, rows["p13"].level, rows["p22"].level) == ("hoan_thanh", "xuat_sac", "khong_hoan_thanh")
    assert {read.source for read in table.inputs} == {"tasks", "scoring"}

    sheet = scoring("ratings.read_rating", COMMUNE, YEAR, "p14").result
    assert sheet.level_text == "Hoàn thành nhiệm vụ"
    assert (sheet.figures["n"], sheet.figures["late"]) == (17, 2)
    late = scoring("ratings.explain_figure", COMMUNE, YEAR, "p14", figure="late").result
    assert len(late.tasks) == 2 and all(task.events for task in late.tasks)

    then = scoring("ratings.read_rating", COMMUNE, YEAR, "p14", as_of="2024-10-03")
    assert (then.evaluated_on, then.result.figures["n"], then.result.figures["late"]) == (date(2024, 10, 3), 10, 1)

    why = notifications("worklist.explain_reminders", COMMUNE, staff="p28", day=date(2024, 10, 3))
    assert [(line.channel, line.text) for line in why.lines] == [("inbox", "đã vào hộp tin")]
    worklist = notifications("worklist.read_worklist", COMMUNE, at="2024-10-03")
    assert "Đề xuất sáng kiến, giải pháp mới trong CCHC" in [row.title for row in worklist.undone]

    changed = scoring("checking.read_differences", COMMUNE, YEAR, "p25", from_="2024-12-12", to="2024-12-31")
    assert {change.event.position for change in changed.result.changes if change.event} == {481}
    checked = scoring("checking.recheck_ratings", COMMUNE, YEAR).result
    assert checked.ok and {one.staff for one in checked.checked} >= {"p01", "p41"}

    listed = tasks("tasks.list_tasks", COMMUNE, lead="p14", limit=200)
    assert {task.lead for task in listed.tasks} == {"p14"}


def test_the_log_as_it_is_stored(stranger: Stranger):
    feed = stranger("tasks", "--service", "replicator")
    first, second = feed("feed.list_events", COMMUNE, limit=2).splitlines()
    assert msgspec.json.decode(second)["previoushash"] == hashlib.sha256(first).hexdigest()


def test_a_task_from_its_assignment_to_its_report(stranger: Stranger):
    chair, lead = stranger("tasks", "--staff", "p01"), stranger("tasks", "--staff", "p14")
    scoring = stranger("scoring", "--staff", "p14")
    due = chair.model("DueBody")(date=date(2024, 12, 30))
    body = chair.model("AssignBody")(
        title="Rà soát thủ tục hành chính", lead="p14", due=due, assigned_on=date(2024, 12, 20)
    )

    made = chair.whole("tasks.assign_task", COMMUNE, body=body, idempotency_key="one-task")
    again = chair.whole("tasks.assign_task", COMMUNE, body=body, idempotency_key="one-task")
    task = made.parsed.id
    assert (again.parsed.id, again.parsed.position) == (task, made.parsed.position)

    read = lead.whole("tasks.read_task", COMMUNE, task)
    taken = {"body": lead.model("ByBody")()}
    with pytest.raises(Refused) as refused:
        lead("tasks.acknowledge_task", COMMUNE, task, **taken)
    assert (refused.value.status, refused.value.code) == (428, "if-match-required")
    lead("tasks.acknowledge_task", COMMUNE, task, **taken, if_match=read.headers["ETag"])
    with pytest.raises(Refused) as refused:
        lead("tasks.acknowledge_task", COMMUNE, task, **taken, if_match=read.headers["ETag"])
    assert (refused.value.status, refused.value.code) == (412, "stale")

    file = lead.file(BytesIO(PDF), "bao-cao.pdf")
    stored = lead("evidence.store_evidence", COMMUNE, task, body=lead.model("StoreEvidenceBody")(file=file))
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    report = lead.model("ReportBody")(summary="Đã rà soát 12 thủ tục.", evidence=[stored.sha256])
    version = lead.whole("tasks.read_task", COMMUNE, task).headers["ETag"]
    reported = lead.whole("tasks.report_result", COMMUNE, task, body=report, if_match=version)
    assert lead("tasks.read_task", COMMUNE, task).status == "reported"
    assert [kept.file_name for kept in lead("evidence.list_evidence", COMMUNE, task).files] == ["bao-cao.pdf"]

    def seen() -> bool:
        """Whoever wrote reads their own write, as soon as its position is folded."""
        position = reported.headers["Cchc-Position"]
        try:
            table = scoring("ratings.read_ratings", COMMUNE, YEAR, cchc_wait_for=position)
        except Refused as refused:
            if refused.code == "not-yet":
                return False
            raise
        return any(read.source == "tasks" and read.position >= reported.parsed.position for read in table.inputs)

    until(seen, deadline=30, what="the report is folded")
