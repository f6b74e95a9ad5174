"""From what a morning wants to what was sent: quiet hours, digests, downtime, failures, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, event, insert, text

from services.notifications import outbox, views, worker
from services.notifications.channels.interface import Message, Permanent, Temporary
from services.notifications.channels.webhooks import Webhooks, new_secret
from services.notifications.outbox import DELAYS, JITTER, LEASE, claim, delay_after, waiting
from services.notifications.reactors import Reminding
from services.notifications.tables import endpoints
from services.notifications.views import PROJECTION
from shared.eventlog import EVERY_COMMUNE, Decision, Head, reading, writing
from shared.eventlog.feed import FeedError
from shared.events import CommuneClosed, ReminderEscalated, ReminderSentByHand, format_time
from shared.projection import all_positions
from shared.worker import Loops
from tests.support.histories import COMMUNE, assigned, cancelled, completed, day, opened, reported
from tests.support.logs import migrated, sqlite_url
from tests.support.mail import Postbox, smtp_server
from tests.support.reminding import PEOPLE, SILENT, World, calendar, mail_channel, moment, urging
from tests.support.waiting import until
from tests.support.web_sink import web_sink

Opened = Callable[..., World]


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
    """The watch begins on Monday, 3 June 2024."""
    return World(engine, "2024-06-03 08:00", email=mail_channel(postbox.port)).open()


@pytest.fixture
def silent(world: World) -> World:
    """Only what is queued by hand is told."""
    world.notifications.log.append(COMMUNE, lambda _: Decision([SILENT]), actor="staff/p14")
    world.look()
    return world


def mails_to(postbox: Postbox, staff: str) -> list[EmailMessage]:
    return [mail for mail in postbox.mails() if f"{staff}@" in str(mail["To"])]


class Odd:
    """A channel with an error of its own making."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, message: Message) -> None:
        raise self.error


# From plan to record


def test_the_watch_begins_with_the_default_policy_once(world: World) -> None:
    assert world.kinds() == ["reminder.policy_published"]
    world.to("2024-06-03 09:00")
    Reminding(world.notifications).step()
    assert world.kinds() == ["reminder.policy_published"]


def test_a_morning_from_queue_to_record(world: World, postbox: Postbox) -> None:
    world.record(assigned("t1", due="14/6"))
    world.to("2024-06-13 07:29")
    seen = len(world.occurrences())
    world.to("2024-06-13 07:30")
    fresh = {each.channel: each for each in world.occurrences(rule="due-1")}
    assert len(world.occurrences()) == seen + 2
    assert {channel: each.state for channel, each in fresh.items()} == {"inbox": "delivered", "email": "sent"}
    assert f"<{fresh['email'].sent_as}@xa.example>" in [str(mail["Message-ID"]) for mail in postbox.mails()]
    count = len(world.kinds())
    world.to("2024-06-13 07:31")
    Reminding(world.notifications).step()
    assert len(world.kinds()) == count


def test_a_morning_of_several_tasks_is_one_mail(world: World, postbox: Postbox) -> None:
    world.record(*(assigned(f"t{number}", due="20/6") for number in range(3)))
    world.to("2024-06-17 07:30")
    [mail] = mails_to(postbox, "p07")
    assert all(f"Nhiệm vụ t{number}" in mail.get_body(("plain",)).get_content() for number in range(3))  # type: ignore[union-attr]
    assert len({each.sent_as for each in world.occurrences(channel="email", rule="due-3")}) == 1


def test_what_quiet_hours_hold_goes_out_merged_at_the_opening(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"), assigned("t2"))
    silent.to("2024-06-14 17:00")
    silent.queue(urging("t1", "p07", "2024-06-14"), urging("t2", "p07", "2024-06-14"))
    for quiet in ("2024-06-14 17:01", "2024-06-15 09:00", "2024-06-17 07:29"):
        silent.to(quiet)
        assert {each.state for each in silent.occurrences()} == {"queued"}
    silent.to("2024-06-17 07:30")
    assert {each.state for each in silent.occurrences()} == {"sent"}
    assert len(postbox.mails()) == 1


def test_three_days_of_downtime_come_in_one_message_to_each(world: World, postbox: Postbox) -> None:
    world.record(
        assigned("t1", due="11/6"),
        assigned("t2", due="12/6"),
        assigned("t3", due="13/6", lead="p02"),
        assigned("t4", due="20/6"),
    )
    world.to("2024-06-10 07:30")
    before = len(postbox.mails())
    assert {each.state for each in world.occurrences()} <= {"sent", "delivered", "suppressed"}
    told = {each.reminder for each in world.occurrences()}
    world.to("2024-06-13 09:10")
    missed = [each for each in world.occurrences() if each.reminder not in told]
    assert {each.run_on for each in missed} >= {day("11/6"), day("12/6"), day("13/6")}
    assert {each.state for each in missed} == {"sent", "delivered", "suppressed"}
    mails = postbox.mails()[before:]
    assert len(mails) == len({str(mail["To"]) for mail in mails}) == 3
    assert all("Nhắc bù" in str(mail["Subject"]) for mail in mails)


def test_levels_are_reached_once(world: World) -> None:
    world.record(assigned("t1", due="5/6"))
    for date in ("06", "07", "10", "11", "12", "13", "14", "17"):
        world.to(f"2024-06-{date} 07:30")
        world.to(f"2024-06-{date} 08:00")
    escalated = [data for data in world.events() if isinstance(data, ReminderEscalated)]
    assert [(each.from_level, each.to_level, each.overdue_working_days) for each in escalated] == [
        ("lead", "office", 1),
        ("office", "vice_chair", 5),
        ("vice_chair", "chair", 7),
    ]
    recipients = {each.reminder: each.recipient for each in world.occurrences()}
    assert [recipients[each.reminder] for each in escalated] == ["p14", "p02", "p01"]


def test_without_a_vice_chair_in_charge_the_chairmans_level_is_reached_at_once(world: World) -> None:
    world.record(assigned("t1", due="5/6", lead="p14"))
    for date in ("06", "07", "10", "11", "12", "13", "14", "17"):
        world.to(f"2024-06-{date} 07:30")
    escalated = [data for data in world.events() if isinstance(data, ReminderEscalated)]
    assert [(each.from_level, each.to_level, each.overdue_working_days) for each in escalated] == [
        ("lead", "office", 1),
        ("office", "chair", 5),
    ]


def test_levels_that_were_missed_are_passed_over(world: World) -> None:
    world.record(assigned("t1", due="5/6"))
    world.to("2024-06-14 09:30")
    [escalated] = [data for data in world.events() if isinstance(data, ReminderEscalated) if data.to_level == "chair"]
    assert escalated.overdue_working_days == 7
    assert escalated.from_level in ("office", "vice_chair")


def test_what_is_reported_before_it_is_sent_is_not_sent(world: World, postbox: Postbox) -> None:
    postbox.refusals["DATA"] = "451 4.3.0 later"
    world.record(assigned("t1", due="14/6"))
    world.to("2024-06-13 07:30")
    assert ("task/t1", "due-1", "p07", "email", "queued smtp 451 4.3.0") in world.states(rule="due-1")
    world.now = moment("2024-06-13 07:40")
    world.record(reported("t1", "13/6"))
    postbox.refusals.clear()
    world.to("2024-06-13 07:41")
    assert ("task/t1", "due-1", "p07", "email", "suppressed reported") in world.states(rule="due-1")
    assert mails_to(postbox, "p07") == []


def test_what_ended_while_nobody_looked_is_recorded_with_its_reason(world: World, postbox: Postbox) -> None:
    world.record(assigned("t1", due="14/6"))
    world.now = moment("2024-06-13 10:00")
    world.record(reported("t1", "13/6"), completed("t1", "13/6"))
    world.to("2024-06-14 09:30")
    states = world.states(about="task/t1")
    assert {state for *_, state in states} == {"suppressed completed"}
    assert ("task/t1", "due-1", "p07", "inbox", "suppressed completed") in states
    assert mails_to(postbox, "p07") == []


# What does not send


def test_what_waits_for_its_hour_is_not_looked_at_before(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"))
    silent.to("2024-06-14 17:00")
    silent.queue(urging("t1", "p07", "2024-06-14"))
    silent.look()
    tables = ("records", "occurrences", "deliveries")
    asked: list[str] = []

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.extend(table for table in tables if f"FROM {table}" in statement)

    event.listen(silent.engine, "before_cursor_execute", listen)
    for later in ("2024-06-14 17:01", "2024-06-15 09:00", "2024-06-17 07:29"):
        silent.now = moment(later)
        assert silent.reminding.step() == 0
    # At midnight a new day is planned, and again when the policy's next hour comes.
    assert "deliveries" not in asked
    silent.now = moment("2024-06-17 07:30")
    assert silent.reminding.step() == 1
    assert "deliveries" in asked
    assert len(postbox.mails()) == 1


def test_nothing_is_planned_before_the_records_are_up_to_date(world: World) -> None:
    world.record(assigned("t1", due="14/6"))
    world.now = moment("2024-06-13 07:30")
    assert world.reminding.step() == 0
    world.look()
    assert world.occurrences(rule="due-1")


def test_what_a_replica_learns_late_is_told_late(world: World) -> None:
    world.to("2024-06-13 07:30")
    world.now = moment("2024-06-12 16:00")
    world.record(assigned("t1", due="14/6"))
    world.reminding = Reminding(world.notifications)
    world.to("2024-06-13 07:31")
    assert ("task/t1", "due-1", "p07", "email", "sent") in world.states(rule="due-1")


def test_an_end_that_a_replica_learns_late_is_the_reason_for_silence(world: World) -> None:
    world.record(assigned("t1", due="28/6"))
    world.to("2024-06-12 12:00")  # within quiet hours
    world.queue(urging("t1", "p07", "2024-06-12"))
    world.now = moment("2024-06-12 11:00")
    world.record(cancelled("t1"))
    world.to("2024-06-12 13:00")
    assert world.states(rule="urge") == {("task/t1", "urge", "p07", "email", "suppressed cancelled")}


def test_a_rebuild_sends_and_records_nothing(world: World, postbox: Postbox) -> None:
    world.record(assigned("t1", due="14/6"), assigned("t2", due="5/6"))
    world.to("2024-06-13 07:30")
    rows, events, mails = world.occurrences(), world.kinds(), len(postbox.mails())
    with writing(world.engine, COMMUNE) as connection:
        assert views.rebuild(connection, COMMUNE, world.notifications.log) == len(events)
    world.runner.rebuild()
    world.reminding = Reminding(world.notifications)
    world.look()
    assert (world.occurrences(), world.kinds(), len(postbox.mails())) == (rows, events, mails)


def test_a_clock_that_goes_back_repeats_nothing(world: World, postbox: Postbox) -> None:
    world.record(assigned("t1", due="14/6"))
    world.to("2024-06-13 07:30")
    events = world.kinds()
    for earlier in ("2024-06-13 07:29", "2024-06-12 09:00"):
        world.to(earlier)
        world.reminding = Reminding(world.notifications)
        world.look()
    assert world.kinds() == events
    assert len(mails_to(postbox, "p07")) == 1


def test_a_closed_commune_reminds_nobody(world: World, postbox: Postbox) -> None:
    world.record(assigned("t1", due="14/6"))
    world.record(CommuneClosed(on=day("12/6"), successors=["xa-moi"], legal_basis="Nghị quyết"))
    world.to("2024-06-12 16:00")
    world.queue(urging("t1", "p07", "2024-06-12"))
    before = world.states()
    world.to("2024-06-13 07:30")
    assert {state for _, rule, *_, state in world.states(rule="urge")} <= {"sent", "suppressed commune_closed"}
    assert {key[:4] for key in world.states()} == {key[:4] for key in before}
    assert not world.occurrences(rule="due-1")


def test_a_commune_closed_before_its_watch_gets_no_policy(engine: Engine) -> None:
    world = World(engine, "2024-06-14 08:00")
    closed = CommuneClosed(on=day("12/6"), successors=[], legal_basis="Nghị quyết")
    world.record(opened(), closed)
    world.look()
    assert world.kinds() == []


def test_what_is_queued_when_a_commune_closes_is_not_sent(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"))
    silent.record(CommuneClosed(on=day("14/6"), successors=["xa-moi"], legal_basis="Nghị quyết"))
    silent.now = moment("2024-06-14 17:30")
    silent.queue(urging("t1", "p07", "2024-06-14"))
    silent.to("2024-06-17 08:00")
    assert silent.states() == {("task/t1", "urge", "p07", "email", "suppressed commune_closed")}
    assert postbox.mails() == []


def test_an_error_in_one_commune_does_not_stop_the_others(world: World, postbox: Postbox) -> None:
    for other in ("a-xa-hong", "z-xa-hong"):
        world.open(other)
    world.record(assigned("t1", due="14/6"))
    world.runner.catch_up()
    with writing(world.engine, EVERY_COMMUNE) as connection:
        connection.execute(text("UPDATE records SET body = 'x' WHERE commune LIKE '%hong' AND kind = 'person'"))
    world.reminding = Reminding(world.notifications)
    world.now = moment("2024-06-13 07:30")
    while world.reminding.step():
        pass
    assert len(mails_to(postbox, "p07")) == 1
    assert world.occurrences("a-xa-hong") == world.occurrences("z-xa-hong") == []


# Failures


def test_attempts_with_backoff_then_by_hand(silent: World, postbox: Postbox) -> None:
    postbox.refusals["DATA"] = "451 4.3.0 later"
    silent.record(assigned("t1"))
    silent.to("2024-06-04 08:00")
    silent.queue(urging("t1", "p07", "2024-06-04"))
    silent.look()
    messages = set()
    for attempt in range(1, len(DELAYS) + 1):
        [row] = silent.occurrences()
        assert (row.state, row.attempt) == ("queued", attempt)
        with reading(silent.engine, COMMUNE) as connection:
            [held] = waiting(connection, COMMUNE)
        assert held.message is not None
        messages.add(held.message)
        assert held.not_before == format_time(silent.now + delay_after(attempt, held.message))
        silent.now = moment(f"2024-06-{4 + attempt:02d} 08:00") if attempt < 4 else silent.now + timedelta(days=7)
        silent.look()
    [row] = silent.occurrences()
    assert (row.state, row.attempt) == ("failed", len(DELAYS) + 1)
    assert len(messages) == 1
    with reading(silent.engine, COMMUNE) as connection:
        assert waiting(connection, COMMUNE) == []
    by_hand = ReminderSentByHand(reminder=row.reminder, at=format_time(silent.now), by="p14")
    silent.notifications.log.append(COMMUNE, lambda _: Decision([by_hand]), actor="staff/p14")
    silent.look()
    assert [each.state for each in silent.occurrences()] == ["sent_by_hand"]


def test_a_retry_keeps_quiet_hours_too(silent: World, postbox: Postbox) -> None:
    postbox.refusals["DATA"] = "451 4.3.0 later"
    silent.record(assigned("t1"))
    silent.to("2024-06-04 11:29:30")
    silent.queue(urging("t1", "p07", "2024-06-04"))
    silent.look()
    postbox.refusals.clear()
    silent.to("2024-06-04 12:30")
    assert postbox.mails() == []
    silent.to("2024-06-04 13:00")
    assert [each.state for each in silent.occurrences()] == ["sent"]


@pytest.mark.parametrize(
    ("error", "state", "attempt"),
    [
        (Permanent("550"), "failed 550", 1),
        (Temporary("timeout"), "queued timeout", 1),
        (ZeroDivisionError("p07@xa.example"), "queued unexpected: ZeroDivisionError", 1),
    ],
)
def test_what_a_channel_answers(engine: Engine, error: Exception, state: str, attempt: int) -> None:
    world = World(engine, "2024-06-03 08:00", email=Odd(error)).open()
    world.record(assigned("t1"))
    world.to("2024-06-04 08:00")
    world.queue(urging("t1", "p07", "2024-06-04"))
    world.look()
    assert world.states(rule="urge") == {("task/t1", "urge", "p07", "email", state)}
    assert [each.attempt for each in world.occurrences(rule="urge")] == [attempt]


def test_who_has_no_address_is_not_written_to(silent: World) -> None:
    silent.record(assigned("t1", lead="p08"))
    silent.to("2024-06-04 08:00")
    silent.queue(urging("t1", "p08", "2024-06-04"))
    silent.look()
    assert silent.states() == {("task/t1", "urge", "p08", "email", "suppressed no_address")}


def test_a_channel_that_is_gone_fails_like_one_that_does_not_answer(engine: Engine) -> None:
    world = World(engine, "2024-06-03 08:00").open()
    world.record(assigned("t1"))
    world.to("2024-06-04 08:00")
    world.queue(urging("t1", "p07", "2024-06-04"))
    world.look()
    assert world.states(rule="urge") == {("task/t1", "urge", "p07", "email", "queued no_channel")}


def test_another_system_is_told_until_it_is_gone(world: World) -> None:
    """Rules of its own; after 410 nothing more is queued for it, and what waits is not sent."""
    with web_sink() as sink:
        url = f"http://127.0.0.1:{sink.port}/hooks"
        row = {"endpoint": "e1", "url": url, "secret": new_secret(), "rules": '["due-1"]', "created_at": "2024"}
        with writing(world.engine, COMMUNE) as connection:
            connection.execute(insert(endpoints).values(commune=COMMUNE, **row))
        hop = Webhooks(world.engine, world.clock, frozenset({f"127.0.0.1:{sink.port}"}))
        world.notifications = world.service(webhook=hop)
        world.reminding = Reminding(world.notifications)
        world.record(assigned("t1", due="14/6"), assigned("t2", due="17/6"))
        world.to("2024-06-13 07:30")
        assert world.states(channel="webhook") == {("task/t1", "due-1", "endpoint/e1", "webhook", "sent")}
        [occurrence] = world.occurrences(channel="webhook")
        assert sink.request.headers["webhook-id"] == occurrence.sent_as

        sink.status = 410
        world.to("2024-06-14 07:30")
        assert [each.state for each in world.occurrences(channel="webhook", about="task/t2")] == ["failed"]
        world.record(assigned("t3", due="19/6"))
        world.to("2024-06-18 07:30")
        assert world.occurrences(channel="webhook", about="task/t3") == []


def test_delays_grow_and_scatter() -> None:
    for attempt, delay in enumerate(DELAYS, 1):
        scattered = {delay_after(attempt, f"m{number}") for number in range(50)}
        assert len(scattered) > 40
        assert all(abs(each / delay - 1) <= JITTER for each in scattered)


# Several workers


def test_two_that_plan_and_send_at_once_do_it_once(world: World, postbox: Postbox) -> None:
    world.record(*(assigned(f"t{number}", due="14/6", lead=("p07", "p02", "p14")[number % 3]) for number in range(30)))
    world.now = moment("2024-06-13 07:30")
    world.runner.catch_up()
    both = threading.Barrier(2)

    def remind() -> None:
        reminding = Reminding(world.notifications)
        both.wait()
        # The other's lock or clock may be in the way: what is left is for the next look.
        until(lambda: not reminding.step() and not world.occurrences(states=["queued"]), deadline=60)

    threads = [threading.Thread(target=remind) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    due = world.occurrences(rule="due-1")
    assert Counter((each.channel, each.state) for each in due) == {("inbox", "delivered"): 30, ("email", "sent"): 30}
    kinds = Counter(world.kinds())
    assert kinds["reminder.queued"] == len(world.occurrences())
    assert (
        kinds["reminder.sent"] + kinds["reminder.delivered"] + kinds["reminder.suppressed"] == kinds["reminder.queued"]
    )
    assert len({str(mail["Message-ID"]) for mail in postbox.mails()}) == len(postbox.mails())


def test_a_claim_is_one_workers_until_its_lease_ends(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"))
    silent.to("2024-06-04 08:00")
    asked = urging("t1", "p07", "2024-06-04")
    silent.queue(asked)
    reminder, now = asked.id(COMMUNE), format_time(silent.now)
    engine = silent.engine
    first = claim(engine, COMMUNE, "m1", [reminder], worker="w1", now=now)
    assert first is not None
    assert claim(engine, COMMUNE, "m1", [reminder], worker="w2", now=now) is None
    silent.look()
    assert postbox.mails() == []
    silent.now += LEASE
    later = format_time(silent.now)
    assert claim(engine, COMMUNE, "m2", [reminder], worker="w2", now=later) is None
    second = claim(engine, COMMUNE, "m1", [reminder], worker="w2", now=later)
    assert second is not None and second.message == "m1"
    # The first one comes back: that its attempt failed says nothing any more.
    assert outbox.failed(silent.notifications.log, first, "timeout") == 0
    assert outbox.suppressed(silent.notifications.log, COMMUNE, {reminder: "no_address"}, worker="w1") == 0
    # That it was sent does, and is recorded once.
    assert outbox.sent(silent.notifications.log, first) == 1
    assert outbox.sent(silent.notifications.log, second) == 0
    assert outbox.failed(silent.notifications.log, second, "timeout") == 0
    assert [(each.state, each.sent_as) for each in silent.occurrences()] == [("sent", "m1")]


def test_after_a_lost_lease_the_same_message_is_sent(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"), assigned("t2"))
    silent.to("2024-06-04 08:00")
    asked = [urging(task, "p07", "2024-06-04", urgency="digest") for task in ("t1", "t2")]
    silent.queue(*asked)
    reminders = [each.id(COMMUNE) for each in asked]
    claim(silent.engine, COMMUNE, "m1", reminders, worker="dead", now=format_time(silent.now))
    silent.now += LEASE
    silent.look()
    assert [each.sent_as for each in silent.occurrences()] == ["m1", "m1"]
    assert str(postbox.mail()["Message-ID"]) == "<m1@xa.example>"


def test_the_message_in_hand_is_finished_and_no_other_begun(silent: World, postbox: Postbox) -> None:
    silent.record(assigned("t1"), assigned("t2"))
    silent.to("2024-06-04 08:00")
    silent.queue(urging("t1", "p07", "2024-06-04"), urging("t2", "p14", "2024-06-04"))
    stop = threading.Event()

    class Stopping:
        def send(self, message: Message) -> None:
            stop.set()
            mail_channel(postbox.port).send(message)

    reminding = Reminding(silent.service(email=Stopping()))
    assert reminding.step(stop) == 1
    assert len(postbox.mails()) == 1
    assert sorted(each.state for each in silent.occurrences()) == ["queued", "sent"]
    with reading(silent.engine, COMMUNE) as connection:
        assert [each.claimed_until for each in waiting(connection, COMMUNE)] == [None]
    reminding.run(stop)
    assert len(postbox.mails()) == 1


def test_nothing_is_told_from_replicas_that_are_still_being_filled(engine: Engine) -> None:
    world = World(engine, "2024-06-03 08:00")
    ends = {COMMUNE: Head(2, "", "")}
    answers: list[FeedError | dict[str, Head]] = [FeedError("away"), ends]

    def owner_heads() -> dict[str, Head]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, FeedError):
            raise answer
        return answer

    waiting = msgspec.structs.replace(world.notifications, owner_heads={"tasks": owner_heads})
    loops = Loops(worker.loops(waiting))
    loops.start()
    try:
        world.record(opened())
        until(lambda: len(answers) == 1, what="the owner is asked again")
        until(lambda: read_at(world) == 1, what="the first event is folded")
        assert world.kinds() == []
        world.record(calendar())
        until(lambda: world.kinds() == ["reminder.policy_published"], what="the watch begins")
    finally:
        loops.stop()
    assert loops.failure is None


def read_at(world: World) -> int:
    at = all_positions(world.engine, PROJECTION.name).get(COMMUNE, {})
    return at["tasks"].position if "tasks" in at else 0


def test_the_loops_of_the_worker_fold_plan_and_send(engine: Engine, postbox: Postbox) -> None:
    world = World(engine, "2024-06-03 08:00", email=mail_channel(postbox.port))
    loops = Loops(worker.loops(world.notifications))
    loops.start()
    try:
        world.record(opened(), calendar(), *PEOPLE)
        until(lambda: world.kinds() == ["reminder.policy_published"], what="the watch begins")
        world.record(assigned("t1", due="14/6"))
        world.now = moment("2024-06-13 07:30")
        until(postbox.mails, what="the morning's mail")
        until(lambda: {e.state for e in world.occurrences(rule="due-1")} == {"sent", "delivered"}, what="its record")
    finally:
        loops.stop()
    assert loops.failure is None
