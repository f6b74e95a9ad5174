"""From a directive's annex to a verified result, over HTTP as a commune office would do it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool

from shared.events import decode
from tests.support.evidence import PDF
from tests.support.tasks_web import ANNEX, COMMUNE, OPERATOR, Commune, done, refused


@pytest.fixture(params=["sqlite", "postgresql"])
def commune(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Commune]:
    if request.param == "sqlite":
        commune = Commune(tmp_path)
    else:
        commune = Commune(tmp_path, request.getfixturevalue("postgres"), poolclass=NullPool)
    yield commune
    commune.engine.dispose()


def version(commune: Commune, task: str, who: str = "p14") -> int:
    return int(done(commune.get(who, f"/tasks/{task}"))["version"])


def test_a_directive_becomes_tasks_and_a_task_a_verified_result(commune: Commune) -> None:
    commune.open()
    commune.enter_roster()
    directive = commune.issue_directive()
    task = imported_and_settled(commune, directive)
    reported_returned_and_accepted(commune, task)
    story = [event["type"] for event in done(commune.get("p14", f"/tasks/{task}"))["history"]]
    assert [kind.removeprefix("vn.cchc.task.").removesuffix(".v1") for kind in story] == [
        "assigned",
        "acknowledged",
        "progress_noted",
        "extension_requested",
        "extension_granted",
        "result_reported",
        "result_returned",
        "result_reported",
        "completed",
    ]
    who_sees_what(commune, task)
    the_feed_is_the_log(commune)


def imported_and_settled(commune: Commune, directive: str) -> str:
    """The annex is imported, a waiting row becomes two tasks; the task of row 13 is followed."""
    found = done(commune.upload("p01", "/imports/annex", ANNEX.read_bytes(), ANNEX.name, directive=directive))
    assert (found["counts"]["new"], found["counts"]["waits"]) == (29, 11)
    answer = commune.send("p01", f"/imports/annex/{found['sha256']}/confirmation", {"directive": directive})
    assert done(answer)["position"] == commune.position
    assert answer.headers["Cchc-Position"] == f"tasks/{COMMUNE}/{commune.position}"

    drafts = {draft["item"]["no"]: draft for draft in done(commune.get("p14", "/drafts"))["drafts"]}
    assert set(drafts) == {"1", "2", "5", "9", "10", "11", "14", "17", "23", "39", "40"}
    assert "nhiều thời hạn" in drafts["5"]["questions"][0]["text"]
    parts = [{"task": {"due": {"date": day}}} for day in ("2024-06-29", "2024-09-30")]
    settled = done(
        commune.send("p01", f"/drafts/{drafts['5']['id']}/settlement", {"into": parts}, based_on=drafts["5"]["version"])
    )
    made = [subject for subject in settled["versions"] if subject != f"task/{drafts['5']['id']}"]
    assert len(made) == 2
    first = done(commune.get("p14", f"/tasks/{made[0].removeprefix('task/')}"))
    assert (first["lead"], first["directive"], first["item"]["no"]) == ("p14", directive, "5")
    # 29/6/2024 is a Saturday.
    assert first["due"]["date"] == "2024-07-01"

    several = [
        {"draft": drafts["2"]["id"], "into": []},
        {"draft": drafts["39"]["id"], "into": [{"task": {"due": {"date": "2024-11-29"}}}]},
        {"draft": drafts["14"]["id"], "into": [{"task": {"lead": "p16", "collaborators": ["p14"]}}]},
        {
            "draft": drafts["9"]["id"],
            "into": [{"template": {"lead": lead}} for lead in ("p36", "p37")],
        },
    ]
    done(commune.send("p01", "/drafts/settlements", {"settlements": several}))
    again = commune.send("p01", "/drafts/settlements", {"settlements": several[:1]})
    assert refused(again) == (409, "draft-settled")

    [task] = [one["id"] for one in all_tasks(commune, "p14", lead="p16") if one["item"]["no"] == "13"]
    return str(task)


def all_tasks(commune: Commune, who: str, **query: Any) -> list[Any]:
    """The whole list, page by page."""
    found: list[Any] = []
    answer = commune.get(who, "/tasks", limit=7, **query)
    found.extend(done(answer)["tasks"])
    while "Link" in answer.headers:
        url = answer.headers["Link"].partition(">")[0].removeprefix("<")
        answer = commune.client.get(url, headers=commune.as_(who))
        found.extend(done(answer)["tasks"])
    return found


def reported_returned_and_accepted(commune: Commune, task: str) -> None:
    """p16 leads it, reports to p03; the Chairman is not asked."""
    path = f"/tasks/{task}"
    commune.on(date(2024, 11, 1))
    done(commune.send("p16", f"{path}/acknowledgement", based_on=1))
    done(commune.send("p16", f"{path}/progress", {"note": "Đã lập nhóm", "percent": 40}, based_on=2))

    asked = {"proposed_due": {"date": "2024-11-25"}, "reason": "Chờ hướng dẫn"}
    assert refused(commune.send("p16", f"{path}/extension/request", asked)) == (428, "if-match-required")
    assert refused(commune.send("p16", f"{path}/extension/request", asked, based_on=2)) == (412, "stale")
    done(commune.send("p16", f"{path}/extension/request", asked, based_on=3))
    assert refused(commune.send("p16", f"{path}/extension/grant", {"reason": "x"}, based_on=4)) == (403, "role")
    done(commune.send("p03", f"{path}/extension/grant", {"reason": "Chính đáng"}, based_on=4))

    commune.on(date(2024, 11, 20))
    unknown = {"summary": "Đã xong", "evidence": ["0" * 64]}
    assert refused(commune.send("p16", f"{path}/report", unknown, based_on=5)) == (409, "evidence-not-stored")
    stored = done(commune.upload("p16", f"{path}/evidence", PDF, "Báo cáo.pdf"))
    report = {"summary": "Đã xong", "evidence": [stored["sha256"]]}
    first = commune.send("p16", f"{path}/report", report, based_on=5, key="bao-cao-1")
    assert done(first)["version"] == 6
    again = commune.send("p16", f"{path}/report", report, based_on=5, key="bao-cao-1")
    assert done(again) == done(first) and version(commune, task) == 6
    other = commune.send("p16", f"{path}/report", report | {"summary": "Khác"}, based_on=5, key="bao-cao-1")
    assert refused(other) == (422, "idempotency-key-reused")

    returned = {"reason": "Thiếu số liệu", "quality_failure": True, "due": {"date": "2024-11-22"}}
    done(commune.send("p03", f"{path}/return", returned, based_on=6))
    commune.on(date(2024, 11, 22))
    done(commune.send("p16", f"{path}/report", report, based_on=7))
    accepted = {"quality": "met", "exceeded": {"kind": "early", "reason": "Trước hạn"}}
    assert refused(commune.send("p02", f"{path}/acceptance", accepted, based_on=8)) == (
        403,
        "not-the-competent-authority",
    )
    done(commune.send("p03", f"{path}/acceptance", accepted, based_on=8))
    state = done(commune.get("p16", path))
    assert (state["status"], state["completed_on"], state["quality"]) == ("completed", "2024-11-22", "met")
    assert state["files"][0]["file_name"] == "Báo cáo.pdf"
    reported = next(event for event in state["history"] if event["type"].endswith("result_reported.v1"))
    assert reported["data"]["evidence"] == [
        {"sha256": stored["sha256"], "size": len(PDF), "media_type": "application/pdf"}
    ]


def who_sees_what(commune: Commune, task: str) -> None:
    mine = all_tasks(commune, "p36")
    assert mine and all("p36" in (one["lead"], *one["collaborators"]) for one in mine)
    assert len(all_tasks(commune, "p14")) > len(mine)
    assert refused(commune.get("p36", f"/tasks/{task}")) == (403, "not-taking-part")
    assert refused(commune.get("p36", "/drafts")) == (403, "role")
    supervisor = {"roles": ["supervisor"], "valid_from": "2024-11-22"}
    done(commune.send(OPERATOR, "/staff/p06/change", supervisor, based_on=1))
    assert refused(commune.get("p06", "/tasks")) == (403, "role")
    # Numbers as they stand are the office's; supervisors see them as they are published (ADR 0031).
    assert refused(commune.get("p06", "/reports/tasks")) == (403, "role")
    counts = done(commune.get("p14", "/reports/tasks"))["counts"]
    assert sum(row["tasks"] for row in counts if row["status"] == "completed") == 1
    assert set(counts[0]) == {"field", "status", "tasks", "overdue"}


def the_feed_is_the_log(commune: Commune) -> None:
    lines = commune.get(("service/scoring", "replicator"), "/events", limit=500)
    bodies = lines.data.splitlines()
    assert bodies == commune.tasks.log.read(COMMUNE, 0, 500)
    assert [decode(body).position for body in bodies] == list(range(1, commune.position + 1))
    assert all(word not in lines.data.decode() for word in ("Báo cáo.pdf", "@tiencanh.example"))
