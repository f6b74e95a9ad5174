"""A whole year under nd335 over HTTP, beside people under nd90: the months, the decision, the appeal, and after."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.scoring.recheck import recheck
from services.scoring.views import Moment, known_at
from shared.events import PeriodClosed, decode
from tests.support.histories import COMMUNE, day
from tests.support.year_2026 import RATINGS, TRACKERS, YEAR, Year2026, named


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year2026]:
    """The year as lived; tests only ask."""
    year = Year2026(tmp_path_factory.mktemp("year"))
    year.live()
    yield year
    year.scoring.engine.dispose()


def shown(year: Year2026, staff: str, month: int, **query: Any) -> dict[str, str]:
    head = f"{named(month)}."
    figures = year.rating(staff, **query)["shown"]
    return {name.removeprefix(head): value for name, value in figures.items() if name.startswith(head)}


def test_a_month_in_time_has_its_common_points_and_seventy(year: Year2026):
    january = shown(year, "p07", 1)
    assert (january["W"], january["common"], january["R"], january["score"]) == ("2,50", "18,00", "100,00 %", "88,00")


def test_lateness_takes_a_quarter_from_progress_and_a_returned_result_one_from_quality(year: Year2026):
    march, april = shown(year, "p07", 3), shown(year, "p07", 4)
    assert (march["a"], march["b"], march["c"]) == ("100,00 %", "100,00 %", "75,00 %")
    assert (april["a"], april["b"], april["c"]) == ("100,00 %", "75,00 %", "100,00 %")
    assert march["score"] == april["score"] == "82,17"


def test_a_leader_has_six_parts(year: Year2026):
    february, march = shown(year, "p05", 2), shown(year, "p05", 3)
    assert (february["d"], february["dd"], february["e"]) == ("100,00 %", "50,00 %", "100,00 %")
    assert (february["R"], february["score"], march["score"]) == ("91,67 %", "93,17", "99,00")


def test_a_closed_month_pins_both_logs_and_stays_whatever_comes_later(year: Year2026):
    bodies = year.scoring.logs["scoring"].read_all(COMMUNE)
    closings = [said for said in (decode(body).data for body in bodies) if isinstance(said, PeriodClosed)]
    first = next(said for said in closings if said.period == "2026-06")
    assert (first.closed_on, first.staff) == (day("5/7/2026"), ["p05", "p07", "p09", "p11", "p14", "p30"])
    assert [pin.source for pin in first.inputs] == ["tasks", "scoring"] and all(pin.position for pin in first.inputs)
    june = year.seen["june"]
    assert (june["status"], june["evaluated_on"], june["figures"]["a"]) == ("closed", "2026-07-05", "5/7")
    assert year.period("p07", 6) == june


def test_what_is_done_after_the_closing_adds_to_the_month_of_recording(year: Year2026):
    july = year.period("p07", 7)
    assert [(task["task"]["task"], task["role"]) for task in july["tasks"]] == [
        ("p07-6b", "late_added"),
        ("p07-7", "planned"),
    ]
    assert (july["figures"]["W"], july["figures"]["a"], july["figures"]["c"]) == ("5/2", "7/5", "13/10")


def test_work_that_was_not_planned_only_adds(year: Year2026):
    october = year.period("p07", 10)
    assert {task["role"] for task in october["tasks"]} == {"planned", "added"}
    assert (october["figures"]["W"], october["figures"]["a"], october["figures"]["score"]) == ("5/2", "7/5", "100")


def test_the_former_agencys_scores_stand_for_the_months_before(year: Year2026):
    months = [year.period("p09", month) for month in range(1, 6)]
    assert [month["figures"]["score"] for month in months] == ["81", "171/2", "317/4", "90", "97"]
    assert [month["received_from"] for month in months] == ["UBND xã Tiên Hà"] * 4 + [None]
    assert year.rating("p09")["shown"]["q1"] == "81,92"


def test_a_month_away_is_left_out_and_not_closed(year: Year2026):
    august = year.period("p11", 8)
    assert (august["left_out"], august["status"], "score" in august["figures"]) == ("absent", "open", False)
    assert "p11" not in year.seen["closed 8"]["staff"]
    assert any("Tháng 8/2026" in each["text"] for each in year.rating("p11")["missing"])


def test_a_reopened_month_opens_the_later_ones_and_is_computed_anew(year: Year2026):
    assert year.seen["reopened"]["also"] == {named(month): ["p14"] for month in (5, 6, 7, 8)}
    late, excused = year.seen["april before"]["figures"], year.seen["april after"]["figures"]
    assert (late["c"], excused["c"]) == ("3/4", "1")
    problem = year.seen["out of order"]
    assert (problem["code"], problem["status"]) == ("earlier-period-open", 409)
    assert "2026-04, 2026-05" in problem["detail"] and "p14" in problem["detail"]


def test_december_enters_as_it_is_or_is_left_out_at_the_proposal(year: Year2026):
    then = {"as_of": "2026-12-12"}
    december = {staff: year.period(staff, 12, **then) for staff in ("p07", "p14")}
    assert (december["p07"]["left_out"], december["p07"]["provisional"]) == (None, True)
    assert (december["p14"]["left_out"], december["p14"]["provisional"]) == ("common", True)
    assert "score" not in december["p14"]["figures"]
    # The task of 28/12 was not due; closed in January, it was missed.
    assert [task["role"] for task in december["p07"]["tasks"]] == ["planned", "not_counted"]
    closed = year.period("p07", 12)
    assert (closed["provisional"], closed["evaluated_on"], closed["figures"]["a"]) == (False, "2027-01-05", "5/9")


def test_a_waiting_result_keeps_one_proposal_back_and_says_so(year: Year2026):
    waited = year.seen["waited"]
    assert (waited["code"], waited["proposal"]) == ("result-waits", None)
    assert "p11" in waited["detail"]
    assert year.seen["proposals"]["p11"]["proposal"]


def test_the_proposed_table_has_both_decrees_and_the_quota_of_an_outstanding_commune(year: Year2026):
    table = year.seen["proposed table"]
    rows = {row["staff"]: row for row in table["rows"]}
    assert {staff: (row["rule_set"], row["level"]) for staff, row in rows.items()} == {
        "p01": ("nd90", "tot"),
        "p03": ("nd90", "tot"),
        "p05": ("nd335", "tot"),  # 98 points, but their unit is rated tốt
        "p07": ("nd335", "tot"),
        "p09": ("nd335", "xuat_sac"),
        "p11": ("nd335", "xuat_sac"),
        "p14": ("nd335", "xuat_sac"),
        "p30": ("nd335", "hoan_thanh"),
    }
    agency = next(quota for quota in table["quotas"] if quota["scope"] == "agency")
    assert (agency["percent"], agency["tot"], agency["limit"], agency["excess"]) == (25, 4, 1, 2)
    assert agency["candidates"] == ["p14", "p11", "p09"]
    assert all(row["standing"] == "proposed" for row in rows.values())


def test_contract_staff_is_rated_as_the_commune_chose_and_the_sheet_says_why(year: Year2026):
    sheet = year.rating("p30")
    assert (sheet["rule_set"], sheet["steps"][0]["rule"]) == ("nd335", "rule_set")
    assert "Quy chế đánh giá của xã năm 2026" in sheet["steps"][0]["text"]


def test_everyone_is_decided_notified_and_published(year: Year2026):
    assert year.seen["published"] == {"undecided": []}
    assert {course["next"] for course in year.seen["decided"].values()} == {"none"}
    course = year.ask(f"{YEAR}/procedure")
    assert (course["late"], course["published_on"]) == (False, ["2026-12-16"])
    assert {line["staff"] for line in course["people"]} == {"p01", "p03", *TRACKERS}


def test_an_appeal_leads_to_another_rating_and_the_first_stays_readable(year: Year2026):
    assert year.seen["appeal"]["due"] == "2026-12-29"
    before, after = year.seen["decided"]["p11"]["standing"], year.seen["re-rated"]["standing"]
    assert (before["kind"], before["level"]) == ("decided", "tot")
    assert (after["kind"], after["level"], after["earlier"]) == ("re_rated", "xuat_sac", [before["decision"]])
    scores = [of["proposal"]["figures"]["2026-05.score"] for of in (before, after)]
    assert scores == ["269/3", "191/2"]


def test_later_events_leave_what_was_decided_and_are_listed(year: Year2026):
    before, after = year.seen["decided"]["p07"], year.course("p07")
    assert after["standing"] == before["standing"]
    assert {event["what"] for event in after["since"]} >= {"reopened", "period_closed"}
    row = year.row("p07")
    assert (row["level"], row["standing"]) == ("tot", "decided")
    assert row["figures"]["score"] != before["standing"]["proposal"]["figures"]["score"]


def test_every_proposal_of_the_year_is_computed_again_to_the_byte(year: Year2026):
    logs = year.scoring.logs
    heads = {source: logs[source].head(COMMUNE).position for source in logs}
    records = known_at(logs, COMMUNE, Moment(heads, day("5/1/2027"))).records
    found = recheck(logs, COMMUNE, records, 2026, every=True)
    assert len(found) == 9
    assert [finding for each in found for finding in each.findings] == []


@pytest.mark.parametrize("staff", ["p07", "p05"])
def test_a_day_of_the_year_is_answered_as_it_was_known_then(year: Year2026, staff: str):
    then = year.get(f"{RATINGS}/{staff}", as_of="2026-06-30").json
    positions = ",".join(f"{pin['source']}:{pin['position']}" for pin in then["inputs"])
    assert year.get(f"{RATINGS}/{staff}", positions=positions, on="2026-06-30").json == then
    assert {each["status"] for each in then["result"]["periods"][:5]} == {"closed"}
    assert [each["period"] for each in then["result"]["periods"]] == [named(month) for month in range(1, 7)]
