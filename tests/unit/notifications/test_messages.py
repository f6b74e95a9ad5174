"""What messages say, and to whom they name people."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pytest

from services.notifications.channels.interface import Contact, Message
from services.notifications.domain import records as kept
from services.notifications.domain.occurrence import Occurrence
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.links import Links
from services.notifications.messages import compose
from services.notifications.words import period_words, plain, shortened
from shared.events import (
    VIETNAM,
    AppealResolved,
    CalendarPublished,
    CommuneOpened,
    DayOff,
    RatingAppealed,
    StaffAppointed,
    UnitDefined,
    format_time,
)

NAMES = {
    "p01": Contact("p01", "Phạm Quốc An"),
    "p03": Contact("p03", "Lê Thị Thu"),
    "p07": Contact("p07", "Nguyễn Thị Hòa", "hoa@xa.example.org"),
    "p08": Contact("p08", "Trần Văn Bình"),
}


def at(text: str) -> str:
    return format_time(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


MORNING = at("2024-11-28 07:30")
BEGUN = at("2024-10-01 08:00")


def appointed(staff: str, post: str, *roles: str) -> kept.PersonRecord:
    data = StaffAppointed(
        staff=staff,
        category="cong_chuc",
        roles=[*roles],  # type: ignore[list-item]
        post=post,
        unit="xa",
        leader=False,
        rated=True,
        valid_from=date(2024, 1, 1),
    )
    return kept.PersonRecord(staff, [kept.Appointed(1, BEGUN, data)])


def commune(*tasks: TaskRecord, calendar: bool = True) -> Records:
    records = Records("tien-canh")
    opened = CommuneOpened(name="xã Tiên Cảnh", code="20878", parent="Tiên Phước", valid_from=date(2024, 1, 1))
    records.put("commune", "tien-canh", kept.CommuneRecord("tien-canh", [kept.Opened(1, BEGUN, opened)]))
    for person in (
        appointed("p01", "Chủ tịch UBND xã", "chair"),
        appointed("p03", "Công chức Văn phòng – Thống kê", "office", "staff"),
        appointed("p07", "Công chức Tư pháp – Hộ tịch", "staff"),
        appointed("p08", "Công chức Địa chính", "staff"),
        appointed("p20", "Thường trực HĐND xã", "supervisor"),
    ):
        records.put("person", person.staff, person)
    unit = UnitDefined(unit="u1", kind="department", valid_from=date(2024, 1, 1), head="p08")
    records.put("unit", "u1", kept.UnitRecord("u1", [kept.Defined(1, BEGUN, unit)]))
    directive = kept.DirectiveRecord("d1", "01/CT-UBND", "Cải cách hành chính", date(2024, 1, 15))
    records.put("directive", "d1", directive)
    if calendar:
        off = DayOff(date=date(2024, 12, 3), name="Ngày nghỉ", legal_basis="QĐ 1")
        year = CalendarPublished(calendar="vn-2024-r1", year=2024, days_off=[off], working_weekends=[], by="p01")
        records.put("calendar", "2024", kept.CalendarRecord(2024, [kept.Announced(1, BEGUN, year)]))
    for one in tasks:
        records.put("task", one.task, one)
    return records


def task(name: str = "t1", due: str | None = "2024-12-02", *then: kept.TaskMoment, **fields: Any) -> TaskRecord:
    deadline = date.fromisoformat(due) if due else None
    first = kept.DueSet(1, BEGUN, 1, deadline, None if due else "month", "assigned")
    given: dict[str, Any] = {"title": "Rà soát thủ tục hành chính", "product": "", "field": 2, "lead": "p07"}
    return TaskRecord(task=name, collaborators=["p08"], moments=[first, *then], **given | fields)


def occurrence(about: str = "task/t1", rule: str = "due-3", recipient: str = "p07", **fields: Any) -> Occurrence:
    given: dict[str, Any] = {
        "reminder": f"r-{about}-{rule}",
        "run_on": date(2024, 11, 28),
        "channel": "email",
        "urgency": "digest",
        "queued_at": MORNING,
        "state": "queued",
        "state_at": MORNING,
        "attempt": 0,
    }
    return Occurrence(about=about, rule=rule, recipient=recipient, **given | fields)


def composed(records: Records, *occurrences: Occurrence, when: str = MORNING, **given: Any) -> Message:
    contacts: Mapping[str, Contact] = given.pop("contacts", NAMES)
    first: Sequence[Occurrence] = occurrences or (occurrence(),)
    return compose(
        records,
        first,
        message="m1",
        recipient=given.pop("recipient", first[0].recipient),
        channel=given.pop("channel", "email"),
        at=when,
        contacts=contacts,
        link=lambda each: f"https://xa.example.org/{each.about}",
        **given,
    )


def subject(due: str | None, when: str = MORNING, **given: Any) -> str:
    return composed(commune(task(due=due), **given), when=when).subject


@pytest.mark.parametrize(
    ("due", "says"),
    [
        ("2024-12-02", "Còn 2 ngày làm việc"),
        # Tuesday 3 December is a day off, so is the weekend before.
        ("2024-12-04", "Còn 3 ngày làm việc"),
        ("2024-11-30", "Còn 1 ngày làm việc"),
        ("2024-11-28", "Đến hạn hôm nay"),
        ("2024-11-27", "Quá hạn 1 ngày làm việc"),
        ("2024-11-22", "Quá hạn 4 ngày làm việc"),
        (None, "Đến kỳ kiểm tra việc thường xuyên"),
    ],
)
def test_a_subject_says_how_long_there_is(due: str | None, says: str) -> None:
    assert subject(due) == f"{says}: Rà soát thủ tục hành chính"


def test_a_deadline_on_the_coming_day_off_has_no_working_days_left() -> None:
    assert subject("2024-11-30", at("2024-11-29 08:00")) == "Sắp đến hạn: Rà soát thủ tục hành chính"


def test_without_a_calendar_no_days_are_counted() -> None:
    assert subject("2024-12-02", calendar=False) == "Sắp đến hạn: Rà soát thủ tục hành chính"
    assert subject("2024-11-20", calendar=False) == "Quá hạn: Rà soát thủ tục hành chính"


def test_a_message_says_what_is_asked_with_its_link() -> None:
    records = commune(task(product="Báo cáo rà soát", directive="d1"))
    message = composed(records)
    [item] = message.items
    assert message.greeting == "Kính gửi Nguyễn Thị Hòa,"
    assert item.text == "Còn 2 ngày làm việc (hạn 02/12/2024): Rà soát thủ tục hành chính"
    assert item.details == [
        "Sản phẩm: Báo cáo rà soát",
        "Theo văn bản số 01/CT-UBND ngày 15/01/2024",
        "Đề nghị báo cáo kết quả; nếu chưa xong thì báo cáo tiến độ hoặc xin gia hạn.",
    ]
    assert item.link == "https://xa.example.org/task/t1"
    assert (item.due, item.due_version, item.staff) == ("2024-12-02", 1, "p07")
    assert message.thread == "task/t1"
    assert message.closing == "Tin tự động của hệ thống theo dõi nhiệm vụ, xã Tiên Cảnh. Không trả lời tin này."


@pytest.mark.parametrize(
    ("recipient", "ask"),
    [
        ("p01", "Đề nghị cho ý kiến chỉ đạo."),
        ("p03", "Đề nghị Văn phòng đôn đốc người chủ trì."),
        ("p08", "Đề nghị phối hợp với người chủ trì để hoàn thành đúng hạn."),
        ("p20", "Đề nghị giải quyết thay hoặc nhắc người chủ trì."),
    ],
)
def test_others_hear_who_leads_and_what_they_may_do(recipient: str, ask: str) -> None:
    [item] = composed(commune(task()), occurrence(recipient=recipient)).items
    assert item.details == ["Chủ trì: Nguyễn Thị Hòa", ask]


def test_the_head_of_a_unit_hears_as_its_lead() -> None:
    [item] = composed(commune(task(lead="u1")), occurrence(recipient="p08")).items
    assert item.details[-1].startswith("Đề nghị báo cáo kết quả")
    [item] = composed(commune(task(lead="u1")), occurrence(recipient="p03")).items
    assert item.details[0] == "Chủ trì: Trần Văn Bình"


def test_the_office_hears_of_a_slip_that_is_ready() -> None:
    message = composed(commune(task()), occurrence(rule="overdue-3", recipient="p03"), documents={"overdue-3"})
    assert message.items[0].details[-1] == "Phiếu đôn đốc đã soạn sẵn, đề nghị ký, ban hành."


def test_people_are_named_by_post_when_their_names_are_not_known() -> None:
    message = composed(commune(task()), occurrence(recipient="p03"), contacts={})
    assert message.greeting == "Kính gửi Công chức Văn phòng – Thống kê,"
    assert message.items[0].details[0] == "Chủ trì: Công chức Tư pháp – Hộ tịch"


def test_a_webhook_names_nobody() -> None:
    rungs = [occurrence(recipient="endpoint/e1"), occurrence(recipient="endpoint/e1", rule="due-1")]
    message = composed(commune(task()), *rungs, channel="webhook")
    assert not any(contact.name in str(message) for contact in NAMES.values() if contact.name)
    # A program counts occurrences; a person hears of each thing once.
    assert [item.rule for item in message.items] == ["due-1", "due-3"]
    assert len(composed(commune(task()), occurrence(), occurrence(rule="due-1")).items) == 1


def test_a_message_says_that_more_time_was_asked_for() -> None:
    asked = kept.Requested(2, at("2024-11-26 09:00"), "p07", date(2024, 12, 20))
    [item] = composed(commune(task("t1", "2024-11-27", asked)), occurrence(recipient="p03")).items
    assert "Đã xin gia hạn đến 20/12/2024, chưa được trả lời." in item.details


def test_a_reported_task_waits_for_verification() -> None:
    reported = kept.Reported(2, at("2024-11-26 09:00"), date(2024, 11, 26), "p07")
    message = composed(commune(task("t1", "2024-11-27", reported)), occurrence(recipient="p03"))
    assert message.subject.startswith("Đã báo cáo kết quả, chờ kiểm tra, xác nhận: ")
    assert message.items[0].details == ["Chủ trì: Nguyễn Thị Hòa", "Đề nghị kiểm tra, xác nhận kết quả."]


def test_an_ended_task_has_no_deadline_any_more() -> None:
    ended = kept.Ended(2, at("2024-11-26 09:00"), "cancelled")
    message = composed(commune(task("t1", "2024-12-02", ended)))
    assert message.subject == "Đã hủy: Rà soát thủ tục hành chính"
    assert message.items[0].due is None


def test_an_urging_carries_what_the_office_wrote() -> None:
    urged = occurrence(rule="urge", note="Chủ tịch yêu cầu\nxong trong tuần", by="p03", urgency="immediate")
    message = composed(commune(task(due="2024-11-27")), urged)
    assert message.subject == "Đôn đốc, quá hạn 1 ngày làm việc: Rà soát thủ tục hành chính"
    assert message.items[0].details[0] == "Ý kiến đôn đốc: Chủ tịch yêu cầu xong trong tuần"
    assert message.urgent


DIGEST = [("t1", "2024-12-02"), ("t2", "2024-11-27"), ("t3", "2024-11-28"), ("t4", None), ("t5", "2024-12-04")]


@pytest.mark.parametrize(("when", "part"), [(MORNING, "sáng"), (at("2024-11-28 13:00"), "chiều")])
def test_a_digest_is_grouped_by_urgency(when: str, part: str) -> None:
    records = commune(*(task(name, due) for name, due in DIGEST))
    message = composed(records, *(occurrence(f"task/{name}") for name, _ in DIGEST), when=when)
    assert message.subject == f"Việc cần theo dõi {part} 28/11/2024 (5 việc)"
    assert [(item.about, item.heading) for item in message.items] == [
        ("task/t2", "Quá hạn"),
        ("task/t3", "Đến hạn hôm nay"),
        ("task/t1", "Sắp đến hạn"),
        ("task/t5", "Sắp đến hạn"),
        ("task/t4", "Việc khác"),
    ]
    assert message.thread is None and not message.urgent


def test_a_catch_up_says_what_it_is() -> None:
    message = composed(commune(task()), catch_up=True)
    assert message.subject == "Nhắc bù các việc bị lỡ, 28/11/2024 (1 việc)"
    assert message.closing.startswith("Hệ thống vừa hoạt động lại sau thời gian dừng; đây là các thông báo bị lỡ")


def test_a_missing_sheet_is_asked_of_its_person_and_of_the_one_that_confirms() -> None:
    records = commune()
    own = composed(records, occurrence("sheet/2026-Q1/p07", "sheet"))
    assert own.subject == "Chưa tự đánh giá: Phiếu theo dõi, đánh giá quý I/2026 của Nguyễn Thị Hòa"
    assert own.items[0].details == ["Đề nghị tự đánh giá tiêu chí chung."]
    above = composed(records, occurrence("sheet/2026-Q1/p07", "sheet", "p01"))
    assert above.items[0].details == ["Đề nghị xác nhận kết quả tự đánh giá tiêu chí chung."]
    assert own.thread is None


def test_an_appeal_says_until_when_it_is_answered() -> None:
    records = commune()
    data = RatingAppealed(
        staff="p07",
        year=2024,
        appeal="a1",
        received_on=date(2024, 11, 21),
        text="Đề nghị xem lại",
        due=date(2024, 12, 2),
    )
    records.put("appeal", "a1", kept.AppealRecord("a1", [kept.Appealed(1, BEGUN, data)]))
    message = composed(records, occurrence("appeal/a1", "appeal", "p01"))
    title = "Kiến nghị của Nguyễn Thị Hòa về kết quả xếp loại năm 2024"
    assert message.subject == f"Cần trả lời trước 02/12/2024: {title}"
    assert message.items[0].text == f"Hạn trả lời 02/12/2024: {title}"
    assert message.items[0].details == ["Nhận ngày 21/11/2024. Đề nghị xem xét, trả lời."]
    assert "Đề nghị xem lại" not in str(message)


def _late() -> Records:
    signed = kept.Signed(2, at("2024-11-20 09:00"), "progress")
    return commune(
        task("t1", "2024-11-27"),
        task("t2", "2024-11-26", signed),
        task("t3", "2024-11-26", lead="p08", field=6),
        task("t4", "2024-12-20"),
    )


def test_the_week_comes_in_numbers_by_person_and_field() -> None:
    message = composed(_late(), occurrence("week/2024-W48", "weekly", "p01"))
    assert message.subject == "Báo cáo tuần 48/2024, đến 28/11/2024: 3 việc quá hạn trong 4 việc chưa xong"
    assert message.items[0].details == [
        "Quá hạn: trễ 1, chưa làm 2. Đến hạn trong tuần: 0.",
        "Chờ kiểm tra, xác nhận: 0. Xin gia hạn: 0.",
        "Quá hạn theo người chủ trì: Nguyễn Thị Hòa 2; Trần Văn Bình 1.",
        "Quá hạn theo lĩnh vực: Cải cách thủ tục hành chính 2; Xây dựng chính quyền điện tử, chính quyền số 1.",
    ]


def test_people_of_the_same_post_are_distinguished_by_id() -> None:
    message = composed(_late(), occurrence("week/2024-W48", "weekly", "p01"), contacts={})
    assert "Công chức Tư pháp – Hộ tịch (p07) 2" in message.items[0].details[2]


def test_supervisors_read_no_names() -> None:
    for about, rule in (("week/2024-W48", "weekly"), ("month/2024-11", "monthly")):
        message = composed(_late(), occurrence(about, rule, "p20"))
        assert not any(contact.name in str(message) for contact in NAMES.values() if contact.name)
        assert "p07" not in str(message.items)


def test_the_month_comes_as_it_ended() -> None:
    message = composed(_late(), occurrence("month/2024-11", "monthly", "p01"), when=at("2024-12-02 07:30"))
    assert message.subject == "Báo cáo tháng 11/2024, đến 30/11/2024: 3 việc quá hạn trong 4 việc chưa xong"


def test_a_long_title_is_shortened_between_words() -> None:
    long = "Rà soát, đơn giản hóa thủ tục hành chính thuộc thẩm quyền giải quyết của Ủy ban nhân dân xã " * 3
    message = composed(commune(task(title=long)))
    head, _, title = message.subject.partition(": ")
    assert head == "Còn 2 ngày làm việc" and title.endswith("…") and len(title) <= 80
    assert plain(long).startswith(title[:-1]) and plain(long)[len(title) - 1] in " ,"
    assert message.items[0].title == plain(long)


@pytest.mark.parametrize("text", ["Báo cáo\r\nBcc: all@example.org", "Báo\u2028cáo\x00 \u202eexe.doc\u200b x"])
def test_a_title_stays_on_one_line(text: str) -> None:
    message = composed(commune(task(title=text, product=text)), occurrence(note=text))
    for said in (message.subject, message.items[0].text, *message.items[0].details):
        assert said.isprintable()


def test_texts_are_composed() -> None:
    apart = unicodedata.normalize("NFD", "Rà soát thủ tục")
    message = composed(
        commune(task(title=apart)), contacts={"p07": Contact("p07", unicodedata.normalize("NFD", "Hòa"))}
    )
    assert unicodedata.is_normalized("NFC", message.subject + message.greeting + message.items[0].text)


def test_shortening_keeps_what_fits() -> None:
    assert shortened("Báo cáo", 7) == "Báo cáo"
    assert shortened("Báo cáo tháng", 10) == "Báo cáo…"
    assert shortened("x" * 20, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("period", "words"), [("2026-03", "tháng 3/2026"), ("2026-Q4", "quý IV/2026"), ("2026", "năm 2026")]
)
def test_periods_are_said_in_words(period: str, words: str) -> None:
    assert period_words(period) == words


def test_an_answered_appeal_or_an_unknown_task_still_makes_a_message() -> None:
    records = commune()
    resolved = AppealResolved(staff="p07", year=2024, appeal="a1", outcome="kept", on=date(2024, 11, 25), by="p01")  # type: ignore[arg-type]
    records.put("appeal", "a1", kept.AppealRecord("a1", [kept.Resolved(1, BEGUN, resolved)]))
    for about in ("appeal/a1", "task/t9"):
        assert composed(records, occurrence(about)).items[0].text.endswith(about.partition("/")[2])


SECRET = b"secret"


@pytest.mark.parametrize(
    ("about", "path"),
    [
        ("sheet/2026-Q1/p07", "/communes/tien-canh/years/2026/ratings/p07/sheet"),
        ("week/2024-W48", "/api/v1/notifications/communes/tien-canh/weekly.html?on=2024-11-28"),
        ("month/2024-10", "/api/v1/notifications/communes/tien-canh/monthly.html?month=2024-10"),
    ],
)
def test_a_message_leads_to_what_it_is_about(about: str, path: str) -> None:
    assert Links("https://xa.example.org", SECRET).to("tien-canh", occurrence(about)) == f"https://xa.example.org{path}"
    assert Links(None, SECRET).to("tien-canh", occurrence(about)) is None


@pytest.mark.parametrize("about", ["task/t1", "check/t1/2024-W24"])
def test_a_tasks_page_is_opened_by_an_address_that_nobody_can_guess(about: str) -> None:
    reminder = occurrence(about)
    key = Links("https://x", SECRET).signature("tien-canh", reminder.reminder)
    assert (
        Links("https://x", SECRET).to("tien-canh", reminder) == f"https://x/viec/tien-canh/{reminder.reminder}?k={key}"
    )
    assert key not in {
        Links(secret=b"another").signature("tien-canh", reminder.reminder),
        Links(secret=SECRET).signature("tien-an", reminder.reminder),
    }
    assert Links(secret=SECRET).is_genuine("tien-canh", reminder.reminder, key)
    assert not Links(secret=SECRET).is_genuine("tien-an", reminder.reminder, key)
    assert not Links().is_genuine("tien-canh", reminder.reminder, Links().signature("tien-canh", reminder.reminder))


def test_what_has_no_page_has_no_link() -> None:
    assert Links("https://xa.example.org", SECRET).to("tien-canh", occurrence("appeal/a1")) is None
