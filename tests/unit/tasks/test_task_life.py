"""A task from its assignment to its verified result: every transition, every refusal."""

from datetime import date
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.tasks.domain.assigning import AssignTask, CancelTask, CorrectCoefficient, CorrectTask, HandBackTask
from services.tasks.domain.context import Command
from services.tasks.domain.results import (
    AcceptResult,
    AcknowledgeTask,
    Beyond,
    ConfirmObjectiveCause,
    NoteProgress,
    ReopenTask,
    ReportResult,
    ReturnResult,
)
from shared.events import (
    CoefficientCorrected,
    Data,
    DirectiveIssued,
    DirectiveWithdrawn,
    Due,
    Exceeded,
    PastEvent,
    ProgressNoted,
    ResultReported,
    ResultReturned,
    StaffLeft,
    TaskAcknowledged,
    TaskCancelled,
    TaskCarriedOver,
    TaskCompleted,
    TaskCorrected,
    TaskHandedBack,
    TaskReopened,
    type_name,
)
from shared.events.values import TaskPin
from tests.unit.tasks.spec import (
    COMMUNE,
    FILE,
    TODAY,
    appointed,
    assigned,
    completed,
    day,
    due,
    fields,
    given,
    reported,
)

HANDED_BACK = TaskHandedBack(task="t1", by="p15", kind="unable", reason="Quá sức")
CANCELLED = TaskCancelled(task="t1", by="p01", reason="Giao nhầm")
FORMER = TaskPin(commune="xa-cu", position=3, hash="b" * 64, task="t0")
ISSUED = DirectiveIssued(directive="d1", number="01/CT-UBND", issued_on=day("6-14"), title="Phân công nhiệm vụ")


def carried_over(*life: Data) -> TaskCarriedOver:
    """A task that lived this in a commune that was merged into this one, all of it on 10 June."""
    past = [
        PastEvent(type=type_name(one), time="2024-06-10T02:00:00.000Z", data=msgspec.to_builtins(one)) for one in life
    ]
    return TaskCarriedOver(task="t1", from_=FORMER, history=past)


def assign(**more: Any) -> AssignTask:
    return AssignTask(**fields({"task": "t2", "title": "Tổng hợp", "lead": "p15", "due": due("6-28")}, more))


def report(**more: Any) -> ReportResult:
    return ReportResult(**fields({"task": "t1", "summary": "Đã xong", "evidence": [FILE.sha256]}, more))


def send_back(**more: Any) -> ReturnResult:
    said: dict[str, Any] = {"task": "t1", "reason": "Thiếu phụ lục", "quality_failure": False, "due": due("6-25")}
    return ReturnResult(**(said | more))


def reopen(**more: Any) -> ReopenTask:
    usual = {"task": "t1", "reason": "Số liệu sai", "quality_failure": True, "due": due("7-1")}
    return ReopenTask(**fields(usual, more))


def confirm_cause(**more: Any) -> ConfirmObjectiveCause:
    return ConfirmObjectiveCause(**fields({"task": "t1", "of": "lateness", "reason": "Bão lũ"}, more))


# Assigning


def test_a_task_is_given_to_its_lead_with_ids_as_they_are_stored() -> None:
    given(ISSUED).when(
        assign(lead=" P15 ", collaborators=["P17", "dia-chinh", "p17"], coefficient="1.5", directive="d1")
    ).then_event(
        lead="p15", collaborators=["p17", "dia-chinh"], coefficient="1.5", by="p14", due_version=1, assigned_on=None
    )


def test_a_task_recorded_later_than_given_says_when_it_was_given() -> None:
    given().when(assign(assigned_on=day("6-14"))).then_event(assigned_on=day("6-14"))


def test_a_due_date_on_a_day_off_rolls_as_the_task_says() -> None:
    given().when(assign(due=due("6-29"))).then_event(due=Due(text="6-29", date=day("7-1"), calendar="vn-2024-r1"))
    given().when(assign(due=Due(text="29/6", date=day("6-29"), roll="none"))).then_event(
        due=Due(text="29/6", date=day("6-29"), roll="none")
    )


def test_working_days_count_from_the_day_of_assignment_or_from_the_day_that_is_named() -> None:
    given().when(assign(due=Due(text="5 ngày làm việc", working_days=5))).then_event(
        due=Due(text="5 ngày làm việc", date=day("6-24"), working_days=5, calendar="vn-2024-r1")
    )
    named = Due(text="5 ngày làm việc", working_days=5, after="2024-06-20")
    given().when(assign(due=named)).then_event(
        due=Due(text=named.text, date=day("6-27"), working_days=5, after="2024-06-20", calendar="vn-2024-r1")
    )


def test_working_days_after_an_event_to_come_have_no_date_yet() -> None:
    waiting = Due(text="05 ngày sau khi có QĐ", working_days=5, after="có quyết định")
    given().when(assign(due=waiting)).then_event(due=waiting)


def test_a_part_of_a_running_task_and_a_task_taken_over_name_the_other() -> None:
    given(assigned()).when(assign(parent="t1")).then_event(parent="t1")
    given(assigned(), HANDED_BACK).when(assign(origin="taken_over", taken_over_from="t1", lead="p18")).then_event(
        origin="taken_over", taken_over_from="t1"
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (assign(task="t1"), "task-exists"),
        (assign(title="  "), "title-required"),
        (assign(lead="p99"), "staff-unknown"),
        (assign(lead="p19"), "staff-not-in-post"),
        (assign(collaborators=["p15"]), "lead-among-collaborators"),
        (assign(collaborators=["doi-xe"]), "collaborator-unknown"),
        (assign(field=8), "field-unknown"),
        (assign(coefficient="0"), "coefficient-not-positive"),
        (assign(coefficient="1,5"), "coefficient-not-positive"),
        (assign(coefficient="1/0"), "coefficient-not-positive"),
        (assign(coefficient="1.5/2"), "coefficient-not-positive"),
        (assign(directive="d9"), "directive-unknown"),
        (assign(parent="t9"), "task-unknown"),
        (assign(parent="t2"), "own-parent"),
        (assign(taken_over_from="t1"), "task-not-handed-back"),
        (assign(origin="taken_over"), "predecessor-required"),
        (assign(assigned_on=day("6-18")), "day-in-the-future"),
        (assign(due=Due(text="2 ngày", working_days=0)), "working-days-not-positive"),
        (assign(due=Due(text="Quý I năm sau", date=TODAY.replace(year=2025))), "calendar-missing"),
    ],
)
def test_an_assignment_is_refused(command: AssignTask, code: str) -> None:
    given(assigned()).when(command).then_refused(code)


def test_a_part_of_a_closed_task_and_a_task_of_a_withdrawn_directive_are_refused() -> None:
    given(assigned(), CANCELLED).when(assign(parent="t1")).then_refused("task-cancelled")
    given(ISSUED, DirectiveWithdrawn(directive="d1", reason="Thay thế")).when(assign(directive="d1")).then_refused(
        "directive-withdrawn"
    )


def test_only_leaders_and_the_office_assign() -> None:
    given().by("p16").when(assign()).then_refused("may-not-assign")
    given().by("p02").when(assign()).then_event(by="p02")


def test_a_lead_who_left_is_given_nothing() -> None:
    given(StaffLeft(staff="p15", valid_to=day("6-16"))).when(assign()).then_refused("staff-not-in-post")


# Who acts, and who types


def test_whoever_types_acts_unless_the_office_names_another() -> None:
    given().by("p02").when(assign(by="p01")).then_refused("only-the-office-records-for-others")
    given().by("p14").when(assign(by="p01")).then_event(by="p01")
    given().by("operator/cli", "office").when(assign(by="P14")).then_event(by="p14")


def test_an_operator_must_say_who_acts() -> None:
    given().by("operator/cli", "office").when(assign()).then_refused("by-required")
    given().by("operator/cli", "admin").when(assign(by="p14")).then_refused("only-the-office-records-for-others")


@pytest.mark.parametrize("written", ["0024-06-28", "0001-01-01", "9999-12-31"])
def test_a_date_of_another_age_is_a_slip_of_the_hand(written: str) -> None:
    slip = date.fromisoformat(written)
    given().when(assign(due=Due(text="hạn", date=slip, roll="none"))).then_refused("day-implausible")
    given().when(assign(assigned_on=slip)).then_refused("day-implausible")


def test_nobody_acts_who_is_not_in_post() -> None:
    given().by("operator/cli", "office").when(assign(by="p19")).then_refused("staff-not-in-post")


# Correcting


def test_wording_collaborators_and_field_are_corrected_with_a_reason() -> None:
    given(assigned()).when(
        CorrectTask(task="t1", title="Báo cáo năm", collaborators=["P17"], field=0, reason="Ghi nhầm")
    ).then(TaskCorrected(task="t1", by="p14", reason="Ghi nhầm", title="Báo cáo năm", collaborators=["p17"]))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": "Báo cáo quý II"}, "nothing-changes"),
        ({"title": " "}, "title-required"),
        ({"field": -1}, "field-unknown"),
        ({"collaborators": ["p15"]}, "lead-among-collaborators"),
        ({"title": "Khác", "reason": ""}, "reason-required"),
    ],
)
def test_a_correction_is_refused(more: dict[str, Any], code: str) -> None:
    given(assigned()).when(CorrectTask(**fields({"task": "t1", "reason": "Ghi nhầm"}, more))).then_refused(code)


def test_who_takes_part_does_not_choose_the_company() -> None:
    leave = CorrectTask(task="t1", collaborators=[], reason="Không tham gia nữa")
    shared = assigned(collaborators=["p02", "p18"])
    given(shared).by("p02").when(leave).then_refused("own-task")
    given(shared).when(replace(leave, by="p02")).then_refused("own-task")
    given(assigned(lead="p14", collaborators=["p18"])).when(leave).then_refused("own-task")
    given(shared).when(leave).then_event(by="p14", collaborators=[])


def test_the_coefficient_is_corrected_by_the_competent_person_also_after_completion() -> None:
    correct = CorrectCoefficient(task="t1", coefficient="2", reason="Theo danh mục")
    given(assigned(), reported(), completed()).by("p02").when(correct).then(
        CoefficientCorrected(task="t1", coefficient="2", reason="Theo danh mục", by="p02")
    )
    given(assigned()).by("p14").when(correct).then_refused("not-the-competent-authority")
    given(assigned(coefficient="2")).by("p02").when(correct).then_refused("nothing-changes")
    given(assigned(), CANCELLED).by("p02").when(correct).then_refused("task-cancelled")


# Taking on, progress


def test_the_lead_takes_a_task_on_once() -> None:
    given(assigned()).by("p15").when(AcknowledgeTask(task="t1")).then(TaskAcknowledged(task="t1", by="p15"))
    given(assigned(), TaskAcknowledged(task="t1", by="p15")).by("p15").when(AcknowledgeTask(task="t1")).then_refused(
        "already-acknowledged"
    )
    given(assigned()).by("p16").when(AcknowledgeTask(task="t1")).then_refused("not-the-lead")


def test_progress_is_noted_by_who_takes_part_and_by_the_office() -> None:
    note = NoteProgress(task="t1", note="Đã gửi thôn", percent=40)
    shared = assigned(collaborators=["p18", "dia-chinh"])
    for staff in ("p15", "p18", "p17", "p14"):
        given(shared).by(staff).when(note).then(ProgressNoted(task="t1", by=staff, note="Đã gửi thôn", percent=40))
    given(shared).by("p36").when(note).then_refused("not-taking-part")
    given(shared).by("p15").when(note).then_state(percent=40)


def test_progress_needs_words_and_a_true_percentage() -> None:
    given(assigned()).by("p15").when(NoteProgress(task="t1", note=" ")).then_refused("note-required")
    given(assigned()).by("p15").when(NoteProgress(task="t1", note="x", percent=101)).then_refused(
        "percent-out-of-range"
    )


# Reporting


def test_the_lead_reports_today() -> None:
    given(assigned()).by("p15").when(report()).then(
        ResultReported(task="t1", by="p15", on=TODAY, summary="Đã xong", evidence=[FILE])
    )
    given(assigned()).by("p15").when(report(on=day("6-16"))).then_refused("lead-reports-today")


def test_the_office_reports_an_earlier_day_in_its_own_name_with_the_reason() -> None:
    given(assigned()).when(report(on=day("6-15"), reason="Bản giấy nhận ngày 15/6")).then_event(
        by="p14", on=day("6-15"), reason="Bản giấy nhận ngày 15/6"
    )
    given(assigned()).when(report(on=day("6-15"))).then_refused("reason-required")


def test_what_the_office_types_for_the_lead_is_of_today_and_has_a_reason() -> None:
    given(assigned()).when(report(by="p15", reason="Gọi điện")).then_event(by="p15", on=TODAY)
    given(assigned()).when(report(by="p15")).then_refused("reason-required")
    given(assigned()).when(report(by="p15", reason="Gọi điện", on=day("6-15"))).then_refused("lead-reports-today")


def test_a_lead_in_the_office_dates_nothing_back_in_a_colleagues_name() -> None:
    colleague, own = appointed("p20", "office", tracker="p02"), assigned(lead="p14")
    late = report(by="p20", reason="Bản giấy nhận ngày 15/6", on=day("6-15"))
    given(colleague, own).when(late).then_refused("lead-reports-today")
    given(colleague, own).when(report(by="p20")).then_refused("reason-required")
    given(colleague, own).by("p20").when(late).then_event(by="p20", on=day("6-15"))


def test_a_village_head_reports_on_own_tasks_only() -> None:
    given(assigned(lead="p36")).by("p36").when(report()).then_event(by="p36")
    given(assigned()).by("p36").when(report()).then_refused("not-the-lead")
    given(assigned(collaborators=["p18"])).by("p18").when(report()).then_refused("not-the-lead")


def test_a_report_is_neither_of_tomorrow_nor_from_before_the_assignment() -> None:
    given(assigned()).when(report(on=day("6-18"), reason="x")).then_refused("day-in-the-future")
    given(assigned()).when(report(on=day("6-13"), reason="x")).then_refused("report-before-assignment")


def test_a_result_needs_evidence_or_an_explanation() -> None:
    given(assigned()).by("p15").when(report(evidence=[])).then_refused("evidence-or-explanation-required")
    given(assigned()).by("p15").when(report(evidence=[], explanation="Họp trực tiếp")).then_event(evidence=[])


def test_evidence_was_stored_for_the_task_and_counts_once() -> None:
    given(assigned()).by("p15").when(report(evidence=["b" * 64])).then_refused("evidence-not-stored")
    given(assigned()).by("p15").when(report(evidence=[FILE.sha256, FILE.sha256])).then_event(evidence=[FILE])
    given(assigned(task="t2")).by("p15").when(report(task="t2")).then_refused("evidence-not-stored")


def test_where_evidence_is_required_an_explanation_is_not_enough() -> None:
    given(assigned(evidence_required=True)).by("p15").when(report(evidence=[], explanation="Họp")).then_refused(
        "evidence-required"
    )


def test_a_result_needs_a_summary() -> None:
    given(assigned()).by("p15").when(report(summary="")).then_refused("summary-required")


def test_there_is_no_second_pending_report() -> None:
    given(assigned(), reported()).by("p15").when(report()).then_refused("result-pending")


# Verifying


def test_the_vice_chair_in_charge_accepts_and_the_day_is_that_of_the_report() -> None:
    given(assigned(), reported(on=day("6-15"))).by("p02").when(AcceptResult(task="t1")).then(
        TaskCompleted(task="t1", verified_by="p02", on=day("6-15"), quality="met")
    )


def test_the_chair_accepts_any_task_and_another_vice_chair_does_not() -> None:
    given(assigned(), reported()).by("p01").when(AcceptResult(task="t1")).then_event(verified_by="p01")
    given(assigned(), reported()).by("p03").when(AcceptResult(task="t1")).then_refused("not-the-competent-authority")
    given(assigned(), reported()).by("p14").when(AcceptResult(task="t1")).then_refused("not-the-competent-authority")


def test_the_office_records_an_acceptance_for_who_verified() -> None:
    given(assigned(), reported()).by("p14").when(AcceptResult(task="t1", by="p02")).then_event(verified_by="p02")


def test_neither_lead_nor_collaborator_verifies_nor_types_the_verification() -> None:
    accept = AcceptResult(task="t1")
    given(assigned(lead="p02"), reported(by="p02")).by("p02").when(accept).then_refused("own-task")
    given(assigned(collaborators=["p02"]), reported()).by("p02").when(accept).then_refused("own-task")
    given(assigned(collaborators=["dia-chinh"]), reported()).by("p17").when(accept).then_refused("own-task")
    given(assigned(lead="p14"), reported(by="p14")).by("p14").when(AcceptResult(task="t1", by="p02")).then_refused(
        "own-task"
    )


def test_the_chairs_own_task_is_verified_by_a_vice_chair() -> None:
    given(assigned(lead="p01"), reported(by="p01")).by("p03").when(AcceptResult(task="t1")).then_event(
        verified_by="p03"
    )


def test_the_vice_chair_is_in_charge_of_those_of_a_lead_who_left() -> None:
    given(assigned(), reported(), StaffLeft(staff="p15", valid_to=day("6-16"))).by("p02").when(
        AcceptResult(task="t1")
    ).then_event(verified_by="p02")


def test_trackers_in_a_circle_leave_the_task_to_the_chair() -> None:
    circle = (appointed("p15", "staff", tracker="p16"), appointed("p16", "staff", tracker="p15"))
    given(*circle, assigned(), reported()).by("p02").when(AcceptResult(task="t1")).then_refused(
        "not-the-competent-authority"
    )
    given(*circle, assigned(), reported()).by("p01").when(AcceptResult(task="t1")).then_event(verified_by="p01")


def test_exceeding_is_confirmed_by_a_competent_person_with_a_reason() -> None:
    beyond = Beyond(kind="quantity", reason="Thêm 5 thôn", confirmed_by="P01")
    given(assigned(), reported()).by("p14").when(AcceptResult(task="t1", by="p02", exceeded=beyond)).then_event(
        exceeded=Exceeded(kind="quantity", reason="Thêm 5 thôn", confirmed_by="p01")
    )
    alone = Beyond(kind="early", reason="Sớm 10 ngày")
    given(assigned(), reported()).by("p02").when(AcceptResult(task="t1", exceeded=alone)).then_event(
        exceeded=Exceeded(kind="early", reason="Sớm 10 ngày", confirmed_by="p02")
    )


@pytest.mark.parametrize(
    ("quality", "beyond", "code"),
    [
        ("met", Beyond(kind="early", reason=""), "reason-required"),
        ("not_met", Beyond(kind="early", reason="Sớm"), "exceeded-but-not-met"),
        ("met", Beyond(kind="early", reason="Sớm", confirmed_by="p15"), "own-task"),
        ("met", Beyond(kind="early", reason="Sớm", confirmed_by="p16"), "tracker-may-not-verify"),
    ],
)
def test_exceeding_is_refused(quality: Any, beyond: Beyond, code: str) -> None:
    command = AcceptResult(task="t1", by="p02", quality=quality, exceeded=beyond)
    given(assigned(), reported()).by("p14").when(command).then_refused(code)


def test_a_returned_result_gets_a_new_date_and_version() -> None:
    returned = ResultReturned(
        task="t1",
        by="p02",
        reason="Thiếu phụ lục",
        quality_failure=False,
        due=Due(text="6-25", date=day("6-25"), calendar="vn-2024-r1"),
        due_version=2,
    )
    sent_back = given(assigned(), reported()).by("p02").when(send_back())
    sent_back.then(returned)
    sent_back.then_state(status="open", due_version=2, first_report=None)


def test_after_a_return_the_next_report_counts() -> None:
    first = reported(on=day("6-15"))
    returned = ResultReturned(task="t1", by="p02", reason="Thiếu", quality_failure=True, due=due("6-25"), due_version=2)
    given(assigned(), first, returned, reported(on=TODAY)).by("p02").when(AcceptResult(task="t1")).then_event(on=TODAY)


def test_a_return_needs_a_date_from_today_on_and_a_reason() -> None:
    pending = given(assigned(), reported()).by("p02")
    pending.when(send_back(due=due("6-14"))).then_refused("due-date-past")
    pending.when(send_back(due=Due(text="sớm nhất"))).then_refused("due-date-required")
    pending.when(send_back(reason=" ")).then_refused("reason-required")


def test_a_wrong_result_is_reopened() -> None:
    reopened = TaskReopened(
        task="t1",
        by="p02",
        reason="Số liệu sai",
        quality_failure=True,
        due=Due(text="7-1", date=day("7-1"), calendar="vn-2024-r1"),
        due_version=2,
    )
    done = given(assigned(), reported(), completed()).by("p02")
    done.when(reopen()).then(reopened)
    done.when(reopen()).then_state(status="open", completed_on=None, quality=None)
    done.when(reopen(due=due("6-14"))).then_refused("due-date-past")


def test_an_objective_cause_is_confirmed_also_after_completion() -> None:
    confirm = confirm_cause(due_version=1, document="12/BC")
    given(assigned(), reported(), completed()).by("p02").when(confirm).then_event(
        of="lateness", due_version=1, document="12/BC", by="p02"
    )
    given(assigned()).by("p15").when(confirm_cause()).then_refused("own-task")
    given(assigned()).by("p16").when(confirm_cause()).then_refused("not-the-competent-authority")


def test_an_objective_cause_names_a_deadline_that_was_set() -> None:
    given(assigned()).by("p02").when(confirm_cause(due_version=2)).then_refused("due-version-unknown")
    given(assigned()).by("p02").when(confirm_cause(due_version=0)).then_refused("due-version-unknown")
    given(assigned()).by("p02").when(confirm_cause(of="quality", due_version=1)).then_refused(
        "quality-has-no-due-version"
    )


# Giving up


def test_the_lead_hands_back_what_is_beyond_them() -> None:
    command = HandBackTask(task="t1", kind="unable", reason="Quá sức")
    given(assigned()).by("p15").when(command).then(HANDED_BACK)
    given(assigned()).by("p02").when(command).then_refused("not-the-lead")
    given(assigned(), reported()).by("p15").when(command).then_refused("result-pending")


def test_the_work_of_who_moved_is_reassigned_by_others() -> None:
    command = HandBackTask(task="t1", kind="reassigned", reason="Chuyển công tác")
    given(assigned()).by("p14").when(command).then_event(kind="reassigned", by="p14")
    given(assigned()).by("p16").when(command).then_refused("may-not-assign")
    given(assigned(lead="p14")).by("p14").when(command).then_refused("own-task")
    for_another = HandBackTask(task="t1", kind="reassigned", reason="x", by="p02")
    given(assigned(lead="p14")).by("p14").when(for_another).then_refused("own-task")


def test_a_task_is_cancelled_by_the_competent_person() -> None:
    given(assigned()).by("p01").when(CancelTask(task="t1", reason="Giao nhầm")).then(CANCELLED)
    given(assigned()).by("p14").when(CancelTask(task="t1", reason="x")).then_refused("not-the-competent-authority")
    given(assigned()).by("p01").when(CancelTask(task="t1", reason="")).then_refused("reason-required")


# In which state

ON_A_RUNNING_TASK: tuple[Command, ...] = (
    report(),
    AcknowledgeTask(task="t1"),
    NoteProgress(task="t1", note="x"),
    HandBackTask(task="t1", kind="unable", reason="x"),
    CancelTask(task="t1", reason="x"),
    CorrectTask(task="t1", reason="x", title="y"),
    AcceptResult(task="t1"),
    send_back(),
)


@pytest.mark.parametrize("command", ON_A_RUNNING_TASK, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ((), "task-unknown"),
        ((assigned(), reported(), completed()), "task-completed"),
        ((assigned(), CANCELLED), "task-cancelled"),
        ((assigned(), HANDED_BACK), "task-handed-back"),
        ((carried_over(assigned(), CANCELLED),), "task-cancelled"),
    ],
    ids=["unknown", "completed", "cancelled", "handed back", "cancelled before a merger"],
)
def test_a_task_that_does_not_run_is_left_alone(command: Command, facts: Any, code: str) -> None:
    given(*facts).by("p01").when(command).then_refused(code)


def test_a_task_carried_over_goes_on_where_it_stood_in_the_former_commune() -> None:
    given(carried_over(assigned())).by("p15").when(report()).then_event(on=TODAY)
    given(carried_over(assigned(), reported(on=day("6-9")))).by("p02").when(AcceptResult(task="t1")).then_event(
        on=day("6-9")
    )
    given(carried_over(assigned()), carried_over(reported(on=day("6-9")))).by("p02").when(
        AcceptResult(task="t1")
    ).then_event(on=day("6-9"))


def test_what_has_no_report_is_neither_accepted_nor_returned_and_what_is_not_done_not_reopened() -> None:
    given(assigned()).by("p02").when(AcceptResult(task="t1")).then_refused("no-result-pending")
    given(assigned()).by("p02").when(send_back()).then_refused("no-result-pending")
    given(assigned()).by("p02").when(reopen()).then_refused("task-not-completed")
    given(assigned(), reported()).by("p02").when(reopen()).then_refused("result-pending")
    given(assigned(), CANCELLED).by("p02").when(confirm_cause()).then_refused("task-cancelled")


def test_the_commune_is_a_unit_that_collaborates() -> None:
    given().when(assign(collaborators=[COMMUNE])).then_event(collaborators=[COMMUNE])


def test_an_assignment_keeps_nothing_of_what_the_client_says_of_calendars() -> None:
    forged = Due(text="28/6", date=day("6-28"), roll="none", calendar="vn-2024-r9")
    given().when(assign(due=forged)).then_event(due=Due(text="28/6", date=day("6-28"), roll="none"))
