"""What stands beside a sheet: changes of who judges, acts typed for another, outside documents, what is contested."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.scoring.domain.flags import Flag, contestable, flags, flags_of
from services.scoring.domain.sheet import explain, sheet, sheet_bytes
from shared import events as ev
from tests.support.histories import (
    COMMUNE,
    History,
    absent,
    appointed,
    assigned,
    changed,
    common,
    completed,
    day,
    discipline_withdrawn,
    disciplined,
    left,
    opened,
    period_received,
    reported,
    rule_set_chosen,
    settings,
    unit_defined,
    unit_result,
)

DECIDED = ev.RatingDecided(staff="p07", year=2024, proposal="d1", level="tot", decided_on=day("20/12"), by="p01")

DECIDED_LATE = replace(DECIDED, decided_on=day("1/2"))


def begun() -> History:
    return (
        History()
        .record("1/1", opened())
        .record(
            "1/1",
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external"),
            appointed("p03", category="can_bo", roles=["vice_chair"], leader=True, tracker="p01"),
            appointed("p14", roles=["office"], tracker="p03"),
            appointed("p07", tracker="p14"),
            appointed("p09", rater="p03"),
        )
    )


def beside(history: History, staff: str = "p07", on: str = "31/12", **more: Any) -> list[Flag]:
    records = history.records()
    return flags(records, sheet(records, 2024, staff, on=day(on)), **more)


def texts(history: History, staff: str = "p07", on: str = "31/12") -> list[str]:
    return [flag.text for flag in beside(history, staff, on)]


def test_an_ordinary_year_has_no_flag():
    history = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/ct")
    history.record("28/6", reported("t1", on="28/6"), actor="staff/p07")
    assert beside(history.record("1/7", completed("t1", on="28/6"), actor="staff/ct")) == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"tracker": "p03"}, "người theo dõi: p14 → p03"),
        ({"tracker": None}, "người theo dõi: p14 → chưa ghi"),
        ({"rater": "p03"}, "người xếp loại: Chủ tịch → p03"),
        ({"rater": "external"}, "người xếp loại: Chủ tịch → cấp trên"),
        ({"roles": ["staff", "office"]}, "vai trò: cán bộ, công chức → Văn phòng, cán bộ, công chức"),
        ({"rated": False}, "diện được xếp loại: có → không"),
    ],
)
def test_a_change_of_who_judges_stands_with_its_event(said: dict[str, Any], text: str):
    history = begun().record("5/8", changed("p07", since="1/8", **said), actor="staff/p01")
    [flag] = beside(history)
    assert (flag.kind, flag.text) == ("judge_changed", f"{text}; có hiệu lực từ 01/08/2024")
    assert (flag.event.source, flag.event.actor, flag.event.what) == ("tasks", "staff/p01", "changed")
    assert flag.event.position == len(history.bodies["tasks"])


def test_what_changes_no_judge_is_no_flag():
    history = begun().record("5/8", changed("p07", since="1/8", post="Khác"), changed("p07", since="1/8", rater=None))
    assert beside(history) == [] and beside(history.record("6/8", changed("p03", since="1/8", tracker="p14"))) == []


@pytest.mark.parametrize(
    ("recorded", "since", "decided", "flagged"),
    [
        ("5/1", "1/3/2023", None, True),  # recorded within the year, for a day before it
        ("5/1/2025", "1/12", None, True),  # recorded later, for a day within it
        ("5/1/2025", "1/1/2025", None, True),  # whoever decides is of the day of deciding
        ("5/1/2025", "1/1/2025", "20/12", False),  # decided by then
        ("5/1/2025", "1/12", "20/12", True),
        ("5/3/2023", "1/3/2023", None, False),
    ],
)
def test_what_counts_is_what_reaches_into_the_year_or_its_decision(
    recorded: str, since: str, decided: str | None, flagged: bool
):
    history = History().record("1/1/2023", opened(), appointed("p01", roles=["chair"]), appointed("p07", tracker="p14"))
    if decided:
        history.record(decided, DECIDED)
    history.record(recorded, changed("p07", since=since, tracker="p03"))
    kinds = [flag.kind for flag in beside(history, on="1/2/2025")]
    assert ("judge_changed" in kinds) is flagged


def test_a_judge_who_leaves_and_another_chairman_are_changes_too():
    history = begun().record("1/9", left("p14", "31/8"), left("p03", "31/8"))
    assert texts(history) == ["p14, người theo dõi, thôi chức vụ; có hiệu lực từ 01/09/2024"]
    assert texts(history, "p09") == ["p03, người xếp loại, thôi chức vụ; có hiệu lực từ 01/09/2024"]
    history.record("2/9", changed("p01", since="2/9", roles=["staff"]), changed("p09", since="2/9", roles=["chair"]))
    ends, begins = texts(history)[1:]
    assert ends.startswith("p01 thôi vai trò Chủ tịch") and begins.startswith("p09 nhận vai trò Chủ tịch")
    # Of whom another decides on, the Chairman is no judge; the own new role is.
    assert texts(history, "p09")[1:] == ["vai trò: cán bộ, công chức → Chủ tịch; có hiệu lực từ 02/09/2024"]


def test_an_act_typed_in_anothers_name_stands_there_as_such():
    history = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/p14")
    history.record("28/6", reported("t1", on="28/6"), actor="staff/p14")
    history.record("1/7", completed("t1", on="28/6"), actor="operator/cli")
    history.record("1/12", ev.SelfAssessed(staff="p07", year=2024, on=day("1/12"), level="tot"), actor="staff/p14")
    found = beside(history)
    assert [flag.text for flag in found] == [
        "p14 ghi thay ct (“Nhiệm vụ t1”)",
        "p14 ghi thay p07 (“Nhiệm vụ t1”)",
        "operator/cli ghi thay ct (“Nhiệm vụ t1”)",
        "p14 ghi thay p07",
    ]
    assert [flag.event.what for flag in found] == ["assigned", "reported", "completed", "self_assessed"]
    # A tracker who does not rate reads nothing of what was said of the person.
    assert [flag.event.what for flag in beside(history, opinions=False)] == ["assigned", "reported", "completed"]


def test_a_result_that_the_office_reports_in_its_own_name_is_typed_for_the_lead():
    history = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/ct")
    history.record("19/7", replace(reported("t1", on="28/6"), by="p14"), actor="staff/p14")
    assert texts(history) == ["p14 ghi thay p07 (“Nhiệm vụ t1”)"]


def test_the_occurrences_of_a_recurring_task_are_typed_by_nobody():
    occurrence = assigned("t1", lead="p07", template="m1")
    assert beside(begun().record("14/6", occurrence, actor="service/tasks")) == []


def test_what_was_decided_outside_stands_with_its_document():
    paper: dict[str, Any] = {"document_date": day("10/12"), "document_sha256": "d" * 64}
    outside: list[Any] = [
        replace(common("p07"), by="external", document_number="88/QĐ", **paper),
        replace(period_received("2024-03", "80"), document="15/BC", **paper),
        replace(DECIDED, by="external", decision_number="90/QĐ", decided_on=day("10/12"), document_sha256="d" * 64),
    ]
    found = [flag for flag in beside(begun().record("20/12", *outside)) if flag.kind == "outside_document"]
    assert [flag.event.what for flag in found] == ["common", "period_result", "decided"]
    for number, flag in zip(("88/QĐ", "15/BC", "90/QĐ"), found, strict=True):
        assert flag.text.endswith(f"văn bản số {number} ngày 10/12/2024, SHA-256 {'d' * 64}")


def test_an_outside_decision_without_its_document_is_said_to_have_none():
    history = begun().record("3/1", changed("p01", since="3/1", leads_unit=COMMUNE))
    history.record("20/12", replace(unit_result(COMMUNE), by="external"))
    assert texts(history, "p01") == ["quyết định ở ngoài xã, ghi mà không kèm đủ số, ngày, mã SHA-256 của văn bản"]


def late(history: History, staff: str = "p07", year: int = 2024, on: str = "31/12") -> list[str]:
    records = history.records()
    found = flags(records, sheet(records, year, staff, on=day(on)))
    assert all(flag.event.actor == "staff/p14" for flag in found if flag.kind == "recorded_late")
    return [flag.text for flag in found if flag.kind == "recorded_late"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (absent("p07", "1/2", "30/4"), "thời gian vắng; tính từ 01/02/2024, ghi sau 151 ngày"),
        (absent("p07", "27/6", "30/6"), "thời gian vắng; tính từ 27/06/2024, ghi sau 4 ngày"),
        (changed("p07", since="1/2", category="hop_dong"),
         "nhóm: Công chức → Người lao động hợp đồng; tính từ 01/02/2024, ghi sau 151 ngày"),
        (changed("p07", since="1/2", similar_group="x"),
         "nhóm công việc tương đồng: chưa ghi → x; tính từ 01/02/2024, ghi sau 151 ngày"),
        (changed("p07", since="1/2", leader=True),
         "người lãnh đạo, quản lý: không → có; tính từ 01/02/2024, ghi sau 151 ngày"),
        (changed("p07", since="1/7", service_from=day("1/5")),
         "ngày tính thời gian công tác: chưa ghi → 01/05/2024; tính từ 01/05/2024, ghi sau 61 ngày"),
        (appointed("p07", since="1/2", category="can_bo", tracker="p14"),
         "nhóm: Công chức → Cán bộ; tính từ 01/02/2024, ghi sau 151 ngày"),
        (left("p07", "31/5"), "thôi chức vụ; tính từ 01/06/2024, ghi sau 30 ngày"),
        (disciplined("p07", "1/4"), "kỷ luật; tính từ 01/04/2024, ghi sau 91 ngày"),
        (disciplined("p07", "1/4/2023", used_in_year=2024), "kỷ luật; tính từ 01/04/2023, ghi sau 457 ngày"),
        (unit_defined("kt", "p07", since="1/2"),
         "người đứng đầu kt: chưa ghi → p07; tính từ 01/02/2024, ghi sau 151 ngày"),
        (assigned("t1", due="1/6"), "thời hạn 01/06/2024 đã qua khi ghi (“Nhiệm vụ t1”)"),
        (assigned("t1", due="20/7", assigned_on="1/2"),
         "giao việc “Nhiệm vụ t1”; tính từ 01/02/2024, ghi sau 151 ngày"),
        (DECIDED_LATE, "Quyết định xếp loại; tính từ 01/02/2024, ghi sau 151 ngày"),
        (ev.RatingNotified(staff="p07", year=2024, on=day("1/2")),
         "Thông báo kết quả; tính từ 01/02/2024, ghi sau 151 ngày"),
    ],
)  # fmt: skip
def test_what_is_dated_back_within_the_year_stands_with_its_event(event: Any, text: str):
    assert late(begun().record("1/7", event, actor="staff/p14")) == [text]


@pytest.mark.parametrize(
    "event",
    [
        absent("p07", "28/6", "30/6"),
        absent("p07", "1/8", "30/8"),
        changed("p07", since="1/7", category="hop_dong"),
        changed("p07", since="1/2", post="Khác"),
        changed("p07", since="1/2", tracker="p03"),  # flagged as a change of who judges
        changed("p08", since="1/2", category="hop_dong"),
        left("p07", "30/6"),
        disciplined("p07", "1/4/2023"),  # counts in 2023
        unit_defined("kt", "p03", since="1/2"),
        assigned("t1", due="1/7"),
        replace(DECIDED, by="external", decided_on=day("1/2")),  # with the day of its paper
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_recorded_in_time_or_of_another_is_no_flag(event: Any):
    history = begun().record("1/1", appointed("p08"))
    assert late(history.record("1/7", event, actor="staff/p14")) == []


def test_an_absence_that_replaces_another_counts_where_they_differ():
    first = begun().record("1/3", absent("p07", "1/3", "30/4"), actor="staff/p14")
    assert late(first.record("30/4", absent("p07", "1/3", "31/5"), actor="staff/p14")) == []
    shorter = first.record("1/7", absent("p07", "1/3", "31/3"), actor="staff/p14")
    assert late(shorter) == ["thời gian vắng; tính từ 01/04/2024, ghi sau 91 ngày"]


def test_a_withdrawn_discipline_stands_there_although_the_sheet_shows_none():
    history = begun().record("1/4", disciplined("p07", "1/4"), actor="staff/p14")
    history.record("1/7", discipline_withdrawn("p07"), actor="staff/p14")
    assert late(history) == ["rút ghi nhận kỷ luật; tính từ 01/04/2024, ghi sau 91 ngày"]


def test_what_a_commune_enters_when_it_begins_is_not_late():
    begins = History().record("1/6", opened(), appointed("p07", tracker="p14"), actor="staff/p14")
    assert late(begins.record("3/6", absent("p07", "1/2", "30/4"), actor="staff/p14")) == []
    assert late(begins.record("20/6", absent("p07", "1/2", absence="a2"), actor="staff/p14")) != []
    later = begins.record("1/9", appointed("p60", since="1/2", tracker="p14"), actor="staff/p14")
    assert late(later, "p60") == ["chức vụ đầu tiên; tính từ 01/02/2024, ghi sau 213 ngày"]


def test_it_stands_beside_each_year_that_it_reaches_into():
    history = History().record("1/1/2023", opened(), appointed("p07", tracker="p14"))
    history.record("1/3", absent("p07", "1/10/2023", "31/10/2023"), actor="staff/p14")
    assert late(history, year=2023) and late(history) == []
    history.record("2/3", changed("p07", since="1/10/2023", category="hop_dong"), actor="staff/p14")
    assert len(late(history, year=2023)) == 2 and len(late(history)) == 1


def test_what_is_chosen_for_a_year_that_is_over_stands_there():
    history = begun().record("20/12", settings(2024, min_tasks=1), actor="staff/p14")
    assert late(history) == []
    history.record("5/1/2025", settings(2024, min_tasks=2), actor="staff/p14")
    history.record("5/1/2025", rule_set_chosen("none", "hop_dong"), actor="staff/p14")
    assert late(history, on="6/1/2025") == ["chọn cho năm 2024 khi năm đã hết"]


def test_flags_change_nothing_of_the_sheet():
    """The same year typed by the people themselves, and by others: what is computed is the same."""
    typed = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/ct")
    typed.record("28/6", replace(reported("t1", on="28/6"), by="p14"), actor="staff/p14")
    own = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/ct")
    own.record("28/6", reported("t1", on="28/6"), actor="staff/p14")
    records = [history.records() for history in (typed, own)]
    first, second = (sheet_bytes(sheet(each, 2024, "p07", on=day("31/12"))) for each in records)
    assert first == second and b"typed" not in first and beside(typed)


def test_an_explanation_has_the_flags_of_its_events_and_who_was_made_judge():
    history = begun().record("14/6", assigned("t1", lead="p07"), assigned("t2", lead="p07", due="31/12"))
    history.record("28/6", reported("t1", on="28/6"), reported("t2", on="28/6"), actor="staff/p14")
    history.record("1/7", completed("t1", on="28/6"), actor="staff/ct")
    history.record("5/8", changed("p07", since="1/8", tracker="p03"))
    records = history.records()
    of = sheet(records, 2024, "p07", on=day("1/9"))
    kept = flags_of(flags(records, of), explain(of, "completed").behind)
    assert {flag.text for flag in kept} < {flag.text for flag in flags(records, of)}
    assert not any("t2" in flag.text for flag in kept) and kept[-1].kind == "judge_changed"


def appealed(*contested: str) -> ev.RatingAppealed:
    return ev.RatingAppealed(
        staff="p07", year=2024, appeal="k1", received_on=day("21/12"), text="Xem lại", due=day("31/12"),
        contested=list(contested),
    )  # fmt: skip


def test_what_the_person_contests_stands_there_with_the_answer():
    history = begun().record("14/6", assigned("t1", lead="p07"), actor="staff/ct")
    history.record("28/6", reported("t1", on="28/6"), actor="staff/p14").record("20/12", DECIDED, actor="staff/p01")
    records = history.records()
    known = {event.what: event for event in contestable(records, sheet(records, 2024, "p07", on=day("31/12")))}
    assert {"assigned", "reported", "decided", "appointed"} <= known.keys()
    history.record("21/12", appealed(known["reported"].id), actor="staff/p07")
    answer = ev.AppealResolved(staff="p07", year=2024, appeal="k1", outcome="upheld", on=day("23/12"), by="p01")
    for outcome in ("chưa giải quyết", "chấp nhận"):
        [flag] = [flag for flag in beside(history) if flag.kind == "contested"]
        assert flag.event == known["reported"]
        assert flag.text == f"p07 kiến nghị về sự kiện này ngày 21/12/2024: {outcome}"
        history.record("23/12", answer, actor="staff/p01")
