"""What stands beside a sheet, over HTTP and on paper: who was made judge, typed for whom, decided outside; and how a
person contests it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_procedure_api import YEAR, Office, decision, meeting
from tests.integration.test_scoring_api import RATINGS
from tests.support.histories import changed

PERSON = f"{RATINGS}/p07"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    office.history.record("10/12", changed("p07", since="1/12", tracker="p03"))
    office.hold(office.history)
    yield office
    office.scoring.engine.dispose()


def flagged(office: Office, who: str = "p14", path: str = PERSON, **query: Any) -> list[dict[str, Any]]:
    answer = office.get(path, as_=office.as_(who), **query)
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["flags"]
    return found


def decided_by_the_office(office: Office) -> None:
    """The year of p07, whose own word the Office types."""
    proposal = office.proposed("p07")
    office.done("p14", f"{PERSON}/self-assessment", {"level": "tot"})
    office.done("p14", f"{YEAR}/meeting", meeting("p07"))
    office.done("p14", f"{PERSON}/decision", decision(proposal))


def test_flags_stand_beside_the_sheet_and_not_in_it(office: Office):
    before = office.get(PERSON).json
    decided_by_the_office(office)
    after = office.get(PERSON).json
    assert "flags" not in after["result"] and before["result"] == after["result"]
    said = [(flag["kind"], flag["event"]["what"]) for flag in after["flags"]]
    assert ("judge_changed", "changed") in said
    assert ("typed_for", "self_assessed") in said and ("typed_for", "decided") in said
    # What was proposed is still computed again to the byte.
    checked = office.get(f"{YEAR}/recheck", staff="p07").json["result"]
    assert checked["ok"] and len(checked["checked"]) == 1


def test_flags_are_of_the_moment_that_is_asked_about(office: Office):
    assert flagged(office, as_of="2024-12-09")[-1]["kind"] != "judge_changed"
    assert flagged(office, as_of="2024-12-10")[-1]["kind"] == "judge_changed"
    one, two = (office.get(PERSON, as_of="2024-12-10").data for _ in range(2))
    assert one == two


def test_a_figure_is_explained_with_the_flags_of_its_events(office: Office):
    decided_by_the_office(office)
    found = flagged(office, path=f"{PERSON}/explanation", figure="n")
    assert {flag["event"]["what"] for flag in found} == {"assigned", "reported", "completed", "changed"}
    assert "staff/vp" in {flag["event"]["actor"] for flag in found}


def test_the_paper_shows_each_flag_with_its_event(office: Office):
    decided_by_the_office(office)
    page = office.get(f"{PERSON}/sheet").get_data(as_text=True)
    for flag in flagged(office):
        assert flag["text"] in page and flag["event"]["id"][-12:] in page
    assert "Điều cần biết khi xem xét" in page and "Thay đổi trong năm: người theo dõi: p14 → p03" in page
    quiet = office.get(f"{RATINGS}/p03/sheet").get_data(as_text=True)
    assert "Điều cần biết khi xem xét" not in quiet and flagged(office, path=f"{RATINGS}/p03") == []


def test_a_tracker_who_does_not_rate_sees_nothing_of_what_was_said_of_the_person(office: Office):
    decided_by_the_office(office)
    contested = office.standing("p07")["decision"]["event"]
    office.done("p07", f"{PERSON}/appeals", {"text": "Xem lại", "contests": [contested]})
    hidden = {"self_assessed", "appealed"}
    assert hidden & {flag["event"]["what"] for flag in flagged(office)} == {"self_assessed"}
    assert "contested" in {flag["kind"] for flag in flagged(office)}
    seen = flagged(office, "p03")
    assert not hidden & {flag["event"]["what"] for flag in seen} and "contested" not in {flag["kind"] for flag in seen}
    page = office.get(f"{PERSON}/sheet", as_=office.as_("p03")).get_data(as_text=True)
    assert "Bị kiến nghị" not in page and "người theo dõi: p14" in page


def test_an_appeal_names_the_events_that_it_contests(office: Office):
    decided_by_the_office(office)
    events = {flag["event"]["what"]: flag["event"]["id"] for flag in flagged(office)}
    # Whole, or as the printed sheet shows them.
    contests = [events["changed"], events["reported"][-12:], events["reported"]]
    appeal = office.done("p07", f"{PERSON}/appeals", {"text": "Tôi không báo cáo việc này", "contests": contests})
    [standing] = office.standing("p07")["appeals"]
    assert standing["contested"] == [events["changed"], events["reported"]]
    said = [flag["text"] for flag in flagged(office) if flag["kind"] == "contested"]
    assert said == ["p07 kiến nghị về sự kiện này ngày 20/12/2024: chưa giải quyết"] * 2
    page = office.get(f"{PERSON}/sheet").get_data(as_text=True)
    assert f"…{events['reported'][-12:]}" in page.partition("kiến nghị về sự kiện")[2]
    office.done("p01", f"{PERSON}/appeals/{appeal['appeal']}/resolution", {"outcome": "dismissed", "by": "p01"})
    assert {flag["text"].rpartition(": ")[2] for flag in flagged(office) if flag["kind"] == "contested"} == {
        "không chấp nhận"
    }


@pytest.mark.parametrize("contested", ["x", "0" * 12, "01901432-9e20-75a0-a899-8476c60ff233"])
def test_events_that_are_not_about_the_person_are_not_contested(office: Office, contested: str):
    decided_by_the_office(office)
    answer = office.send("p07", f"{PERSON}/appeals", {"text": "Xem lại", "contests": [contested]})
    assert (answer.status_code, answer.json["code"]) == (409, "contested-unknown")
    assert contested in answer.json["detail"] and "{" not in answer.json["detail"]
    assert office.standing("p07")["appeals"] == []


def test_an_event_of_a_colleague_is_not_contested(office: Office):
    decided_by_the_office(office)
    appointed = [json.loads(body) for body in office.history.bodies["tasks"]]
    of_p03 = next(each["id"] for each in appointed if each["subject"] == "staff/p03")
    body = {"text": "Xem lại", "contests": [of_p03]}
    assert office.refused("p07", f"{PERSON}/appeals", body) == "contested-unknown"
    # Without events an appeal is what it was.
    assert office.done("p07", f"{PERSON}/appeals", {"text": "Xem lại"})["appeal"]
    assert office.standing("p07")["appeals"][0]["contested"] == []
