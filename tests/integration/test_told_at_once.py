"""What is typed in a person's name, decided outside, or changes who judges reaches that person at once (G19)."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from services.notifications import views
from services.notifications.domain.policy import default_policy, validate
from services.notifications.domain.rules import ABOUT, AT_ONCE, JUDGES, OUTSIDE, TYPED
from services.notifications.letters import letters
from services.notifications.reactors import Reminding
from shared.eventlog import Decision, Log, writing
from shared.events import (
    AbsenceRecorded,
    CommuneSettingsChosen,
    Data,
    OpinionRecorded,
    PreferencesChanged,
    RatingDecided,
    Span,
    StaffChanged,
    format_time,
)
from shared.refusal import Refused
from tests.support.histories import (
    COMMUNE,
    appointed,
    assigned,
    completed,
    day,
    left,
    opened,
    reported,
    settings,
    unit_defined,
    unit_result,
)
from tests.support.logs import migrated, sqlite_url
from tests.support.mail import Postbox, smtp_server
from tests.support.reminding import PEOPLE, World, calendar, mail_channel

NIGHT = "2024-06-15 22:40"  # a Saturday


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = sqlite_url(tmp_path, "own") if request.param == "sqlite" else request.getfixturevalue("postgres")
    with migrated(url, "services.notifications") as engine:
        yield engine


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with smtp_server() as postbox:
        yield postbox


@pytest.fixture
def world(engine: Engine, postbox: Postbox) -> World:
    """p07 leads t1; the policy is the usual one."""
    world = World(engine, "2024-06-03 08:00", email=mail_channel(postbox.port)).open()
    world.record(assigned("t1", due="20/12", title="Báo cáo quý II"))
    world.look()
    return world


def by_chairman(event: Data) -> Data:
    """The same in the name of p01."""
    return msgspec.structs.replace(event, **dict.fromkeys({"by", "verified_by"} & {*event.__struct_fields__}, "p01"))


def typed(world: World, *events: Data, by: str = "staff/p14", at: str = NIGHT) -> None:
    """Somebody records these in one append, and the worker looks."""
    world.to(at)
    world.record(*events, actor=by)
    world.look()


def scored(world: World, event: Data, by: str = "staff/p14") -> None:
    """The same in the log of scoring."""
    log = Log(world.engine, "scoring", clock=world.clock, knows=lambda _: True)
    log.append(COMMUNE, lambda _: Decision([event]), actor=by)
    world.look()


def notices(world: World) -> set[tuple[str, str, str, str]]:
    """Rule, recipient, channel and state of every notice of an act."""
    return {
        (each.rule, each.recipient, each.channel, each.state) for each in world.occurrences() if each.rule in AT_ONCE
    }


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def test_a_result_typed_by_the_office_reaches_its_author_the_same_moment(world: World, postbox: Postbox) -> None:
    typed(world, reported("t1", on="27/5"))
    assert notices(world) == {(TYPED, "p07", "inbox", "delivered"), (TYPED, "p07", "email", "sent")}
    mail = postbox.mail()
    text = text_of(mail)
    assert "Ghi thay" in str(mail["Subject"])
    for said in (
        "Báo cáo kết quả: Báo cáo quý II",
        "Người ghi: Người p14, lúc 22:40 ngày 15/06/2024",
        "Ghi cho ngày 27/05/2024, khác ngày ghi",
        f"Vị trí trong nhật ký tasks: {world.tasks.head(COMMUNE).position}",
        "báo ngay Văn phòng hoặc Chủ tịch",
        "kiến nghị được giải quyết trong 07 ngày làm việc",
        f"https://xa.example/viec/{COMMUNE}/",
    ):
        assert said in text, said
    [lying] = world.occurrences(recipient="p07", channel="inbox", rule=TYPED)
    [letter] = letters(world.notifications, COMMUNE, [lying], format_time(world.now))
    assert letter.item.text == "Ghi thay: Báo cáo kết quả: Báo cáo quý II"
    assert letter.item.link is not None and letter.item.link.startswith(f"https://xa.example/viec/{COMMUNE}/")


def test_an_act_of_ones_own_is_told_to_nobody(world: World) -> None:
    typed(world, reported("t1", on="14/6"), by="staff/p07")
    assert notices(world) == set()


def test_what_a_service_does_by_itself_is_told_to_nobody(world: World) -> None:
    typed(world, by_chairman(assigned("t2", due="20/12")), by="service/tasks")
    assert notices(world) == set()
    typed(world, by_chairman(assigned("t3", due="20/12")), by="service/portal")
    assert {each[1] for each in notices(world)} == {"p01"}


def test_who_typed_for_two_people_at_once_tells_each_of_their_own(world: World, postbox: Postbox) -> None:
    typed(world, reported("t1", on="14/6"), by_chairman(completed("t1", on="14/6")))
    told = {str(mail["To"]): text_of(mail) for mail in postbox.mails()}
    assert len(told) == 2
    for address, text in told.items():
        assert ("Báo cáo kết quả" in text) == ("p07@" in address)
        assert ("Xác nhận hoàn thành" in text) == ("p01@" in address)


def test_two_hundred_rows_in_one_append_are_one_message_with_all_of_them(world: World, postbox: Postbox) -> None:
    rows = (assigned(f"r{number:03}", due="20/12", title=f"Dòng {number:03}") for number in range(200))
    typed(world, *map(by_chairman, rows))
    assert notices(world) == {(TYPED, "p01", "inbox", "delivered"), (TYPED, "p01", "email", "sent")}
    text = text_of(postbox.mail())
    assert all(f"Dòng {number:03}" in text for number in range(200))


def test_nothing_is_told_twice(world: World, postbox: Postbox) -> None:
    typed(world, reported("t1", on="14/6"))
    told, own = notices(world), world.kinds()
    world.runner.rebuild()
    with writing(world.engine, COMMUNE) as connection:
        views.rebuild(connection, COMMUNE, world.notifications.log)
    world.reminding = Reminding(world.notifications)  # another worker, which has seen nothing
    world.look()
    with writing(world.engine, COMMUNE) as connection:  # a log that was taken over brings no place
        connection.exec_driver_sql("DELETE FROM noticed")
    world.reminding = Reminding(world.notifications)
    world.look()
    assert (notices(world), world.kinds(), len(postbox.mails())) == (told, own, 1)


def test_who_types_for_another_cannot_switch_off_their_notice(world: World, postbox: Postbox) -> None:
    silent = PreferencesChanged(
        staff="p07", channels={"email": False}, digest=True, quiet=[Span(from_="00:00", to="23:59")], by="p14"
    )
    world.notifications.log.append(COMMUNE, lambda _: Decision([silent]), actor="staff/p14")
    typed(world, reported("t1", on="14/6"))
    assert (TYPED, "p07", "email", "sent") in notices(world)
    assert len(postbox.mails()) == 1


def test_what_a_person_chose_for_themselves_counts(world: World) -> None:
    chosen = PreferencesChanged(staff="p07", channels={"email": False}, digest=False, by="p07")
    world.notifications.log.append(COMMUNE, lambda _: Decision([chosen]), actor="staff/p07")
    typed(world, reported("t1", on="14/6"))
    assert notices(world) == {(TYPED, "p07", "inbox", "delivered")}


@pytest.mark.parametrize("rule", sorted(AT_ONCE))
def test_no_policy_takes_the_name_of_such_a_notice(rule: str) -> None:
    usual = default_policy()
    mine = msgspec.structs.replace(usual.rules[0], rule=rule)
    with pytest.raises(Refused) as refused:
        validate(msgspec.structs.replace(usual, rules=[mine]))
    assert refused.value.code == "policy-rule-twice"


def test_a_person_who_has_left_is_told_by_hand(world: World) -> None:
    typed(world, left("p07", "14/6"), at="2024-06-17 09:00")
    typed(world, reported("t1", on="14/6"), at="2024-06-17 10:00")
    waiting = {(each.channel, each.state, each.reason) for each in world.occurrences(recipient="p07", rule=TYPED)}
    assert ("inbox", "failed", "left") in waiting


def decided(staff: str, by: str) -> RatingDecided:
    return RatingDecided(
        staff=staff, year=2024, proposal="d1", level="tot", decided_on=day("14/6"), by=by, decision_number="15/QĐ-UBND"
    )


def test_an_outside_decision_is_told_to_the_person_and_the_chairman(world: World, postbox: Postbox) -> None:
    world.to(NIGHT)
    scored(world, decided("p07", "external"))
    assert {each[:2] for each in notices(world)} == {(OUTSIDE, "p07"), (OUTSIDE, "p01")}
    assert "Theo văn bản số 15/QĐ-UBND ngày 14/06/2024" in text_of(postbox.mails()[0])
    scored(world, OpinionRecorded(staff="p08", year=2024, on=day("14/6"), by_body="Đảng ủy xã", text="Nhất trí"))
    assert (OUTSIDE, "p08", "inbox", "delivered") in notices(world)


def test_the_result_of_a_unit_from_outside_is_told_to_its_head(world: World) -> None:
    world.record(unit_defined("kinh-te", "p08"))
    scored(world, type(unit_result())(unit="kinh-te", year=2024, figures=unit_result().figures, by="external"))
    assert {each[:2] for each in notices(world)} == {(ABOUT, "p08"), (OUTSIDE, "p08"), (OUTSIDE, "p01")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tracker": "p01"}, "Người theo dõi: từ Người p02 thành Người p01"),
        ({"rater": "external"}, "Người xếp loại: từ không ghi thành cấp trên"),
        ({"rated": False}, "Diện được xếp loại: từ có thành không"),
        ({"roles": ["staff", "office"]}, "Văn phòng"),
    ],
)
def test_a_change_of_who_judges_is_told(world: World, postbox: Postbox, change: dict[str, object], words: str) -> None:
    typed(world, StaffChanged(staff="p07", valid_from=day("15/6"), **change))  # type: ignore[arg-type]
    assert {each[:2] for each in notices(world)} == {(JUDGES, "p07"), (JUDGES, "p01")}
    assert all(words in text_of(mail) for mail in postbox.mails())


ABSENT = AbsenceRecorded(staff="p07", absence="a1", kind="unpaid", from_=day("1/2"), to=day("30/4"))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ABSENT, "Vắng từ ngày 01/02/2024 đến ngày 30/04/2024, loại: không hưởng lương."),
        (StaffChanged(staff="p07", valid_from=day("1/2"), category="hop_dong"), "Tính từ ngày 01/02/2024, ghi sau 135"),
        (StaffChanged(staff="p07", valid_from=day("15/6"), similar_group="x"), "Nhóm công việc tương đồng: từ không"),
    ],
)
def test_what_the_office_records_of_a_person_reaches_that_person(
    world: World, postbox: Postbox, event: Data, words: str
) -> None:
    """At night, with who recorded it, by inbox and channel; and nobody else."""
    typed(world, event)
    assert notices(world) == {(ABOUT, "p07", "inbox", "delivered"), (ABOUT, "p07", "email", "sent")}
    mail = postbox.mail()
    assert "Ghi về ông (bà)" in str(mail["Subject"])
    assert words in text_of(mail) and "Người ghi: Người p14, lúc 22:40 ngày 15/06/2024" in text_of(mail)


def test_an_end_of_an_appointment_is_told_to_who_leaves(world: World) -> None:
    typed(world, left("p07", "31/5"))
    [waiting] = world.occurrences(recipient="p07", rule=ABOUT, channel="inbox")
    assert (waiting.state, waiting.reason) == ("failed", "left")  # told by hand, from the Office's list
    [letter] = letters(world.notifications, COMMUNE, [waiting], format_time(world.now))
    assert "Ngày cuối giữ chức vụ: 31/05/2024." in letter.item.details


def test_what_a_person_records_of_themselves_or_a_service_by_itself_is_told_to_nobody(world: World) -> None:
    typed(world, ABSENT, by="staff/p07")
    typed(world, assigned("t2", due="20/12", assigned_on="1/6"), by="service/tasks")
    assert notices(world) == set()


def test_a_setting_of_a_year_is_told_to_everybody_rated_then(world: World) -> None:
    """Also to whoever is not rated any more, but was within the year; not to the one who sends it."""
    typed(world, StaffChanged(staff="p08", valid_from=day("15/6"), rated=False))
    chosen = msgspec.structs.replace(settings(2024, min_tasks=1), by="p01")
    scored(world, chosen, by="staff/p01")
    told = {each[1] for each in notices(world) if each[0] == ABOUT}
    assert told == {"p02", "p07", "p08", "p14"}


def test_that_trackers_verify_is_told_to_everybody_rated_and_the_chairman(world: World) -> None:
    chosen = CommuneSettingsChosen(settings={"tracker_verifies": True}, by="operator/cli", reason="Quy chế")
    typed(world, chosen, by="operator/cli")
    assert {each[:2] for each in notices(world)} == {(JUDGES, f"p{number:02}") for number in (1, 2, 7, 8, 14)}
    typed(world, msgspec.structs.replace(chosen, settings={"hour": 8}), by="operator/cli")
    assert len(notices(world)) == 10


def test_a_change_of_anything_else_of_a_post_is_told_to_nobody(world: World) -> None:
    typed(world, StaffChanged(staff="p07", valid_from=day("15/6"), post="Công chức"), appointed("p90"))
    assert notices(world) == set()


def test_a_result_that_the_office_reports_in_its_own_name_reaches_the_lead(world: World) -> None:
    typed(world, msgspec.structs.replace(reported("t1", on="27/5"), by="p14", lead="p07"))
    assert {each[:2] for each in notices(world)} == {(TYPED, "p07")}


def test_that_a_tracker_leaves_is_told_to_the_people_they_tracked(world: World) -> None:
    typed(world, left("p02", "14/6"))
    judges = {(JUDGES, "p07"), (JUDGES, "p08"), (JUDGES, "p01")}
    assert {each[:2] for each in notices(world)} == judges | {(ABOUT, "p02")}


def test_what_was_typed_before_the_watch_began_is_told_to_nobody(engine: Engine) -> None:
    world = World(engine, "2024-06-03 08:00")
    world.record(opened(), calendar(), *PEOPLE, assigned("t1", due="20/12"))
    world.record(reported("t1", on="27/5"), actor="staff/p14")
    world.look()
    assert notices(world) == set()
