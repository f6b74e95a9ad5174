"""Which reminders a morning wants: the ladder rung by rung, who is told, what stops it, what was missed."""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.domain.fold import empty, evolve
from services.notifications.domain.occurrence import Occurrence, Wanted
from services.notifications.domain.plan import View, plan
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import Records
from services.notifications.domain.still_wanted import reason_to_drop
from services.notifications.domain.why import why
from shared import events as ev
from shared.calendar import published_from, undecided
from shared.events import VIETNAM, Due, PreferencesChanged, format_time
from tests.support import histories as h
from tests.support.histories import History

CALENDARS = Path("demo/data/lich-lam-viec")
TASK = "task/t1"


def calendar(year: int, revision: int = 1, *, off: Iterable[date] = ()) -> ev.CalendarPublished:
    file = json.loads((CALENDARS / f"{year}.json").read_text(encoding="utf-8"))
    found = published_from(
        file, calendar=f"vn-{year}-r{revision}", by="vp", decided=dict.fromkeys(undecided(file), True)
    )
    more = [ev.DayOff(date=each, name="Nghỉ", legal_basis="CV") for each in off]
    return msgspec.structs.replace(found, days_off=[*found.days_off, *more])


def commune(*years: int) -> History:
    """p01 chair; p02 vice-chair; p14 Office; p07 civil servant tracked by p02; p08 tracked by the chair."""
    return History().record(
        "2/1",
        h.opened(),
        *(calendar(year) for year in years or (2024,)),
        h.unit_defined("vp", "p14"),
        h.appointed("p01", roles=["chair"], post="Chủ tịch", leader=True, category="can_bo"),
        h.appointed("p02", roles=["vice_chair"], post="Phó Chủ tịch", leader=True, tracker="p01"),
        h.appointed("p14", roles=["office"], post="Văn phòng", tracker="p01"),
        h.appointed("p07", unit="tp", tracker="p02"),
        h.appointed("p08", unit="tp", tracker="p01"),
    )


def records(history: History) -> Records:
    folded = empty(history.commune)
    for envelope in history.envelopes():
        evolve(folded, envelope)
    return folded


def at(day: str, clock: str = "09:00") -> str:
    local = datetime.combine(h.day(day), datetime.strptime(clock, "%H:%M").time(), VIETNAM)  # noqa: DTZ007 - see VIETNAM
    return format_time(local)


def rung(one: Wanted | Occurrence) -> Any:
    return (one.about, one.rule, one.due_version, one.recipient, one.channel)


START = at("2/1", "10:00")


class Morning:
    """Plans moment after moment, and remembers what was wanted as the log would."""

    def __init__(self, history: History, **view: Any) -> None:
        self.history = history
        self.view = {"policies": [(START, default_policy())], **view}
        self.seen: set[Any] = set()
        self.since = START
        self.told: list[Wanted] = []

    def look(self, moment: str) -> list[Wanted]:
        view = View(records=records(self.history), seen=self.seen, **self.view)
        wanted, self.problems = plan(view, moment, self.since)
        self.seen |= {rung(one) for one in wanted}
        self.since = moment
        self.told += wanted
        return wanted

    def days(self, first: str, last: str) -> list[Wanted]:
        """Each day at 09:00, as if all before the first day had been looked at."""
        day, found = h.day(first), []
        self.since = max(self.since, at(first, "00:00"))
        while day <= h.day(last):
            found += self.look(at(f"{day:%d/%m/%Y}"))
            day += timedelta(days=1)
        return found


def lines(wanted: Iterable[Wanted]) -> list[tuple[str, str, str]]:
    return [(f"{one.run_on:%d/%m}", one.rule, one.recipient) for one in wanted if not one.suppressed]


def test_the_ladder_in_working_days():
    history = commune().record("3/6", h.assigned(due="28/6", lead="p07", collaborators=["p08"]))
    tasks = [one for one in Morning(history).days("3/6", "12/7") if one.about == TASK]
    assert lines(tasks) == [
        ("19/06", "due-7", "p07"),
        ("25/06", "due-3", "p07"),
        ("27/06", "due-1", "p07"),
        ("27/06", "due-1", "p08"),
        ("28/06", "due-0", "p07"),
        ("01/07", "overdue-1", "p07"),
        ("01/07", "overdue-1", "p14"),
        ("03/07", "overdue-3", "p07"),
        ("03/07", "overdue-3", "p14"),
        ("05/07", "overdue-5", "p02"),
        ("09/07", "overdue-7", "p01"),
    ]


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("30/6", "28/06"),  # a Sunday: on the Friday before
        ("28/6", "28/06"),
        ("2/9", "30/08"),  # the National Day weekend
        ("13/2", "07/02"),  # within Tết
        ("4/5", "04/05"),  # a Saturday that is worked for 29/4
    ],
)
def test_a_deadline_is_reminded_of_on_its_last_working_day(due: str, expected: str):
    history = commune().record("8/1", h.assigned(due=due))
    found = [line for line in lines(Morning(history).days("8/1", "10/9")) if line[1] == "due-0"]
    assert found == [(expected, "due-0", "p07")]


def test_what_was_recorded_after_a_rungs_time_has_no_such_rung():
    history = commune().record("27/6", h.assigned(due="28/6"))  # at 09:00, after 07:30 of due-1
    assert [line[1] for line in lines(Morning(history).days("27/6", "28/6"))] == ["due-0"]


def test_a_row_recorded_late_starts_the_ladder_when_it_is_recorded():
    history = commune().record("12/6", h.assigned(due="31/1"))
    overdue = [line for line in lines(Morning(history).days("12/6", "28/6")) if line[1].startswith("overdue")]
    assert [line[:2] for line in overdue] == [
        ("13/06", "overdue-1"), ("13/06", "overdue-1"), ("17/06", "overdue-3"), ("17/06", "overdue-3"),
        ("19/06", "overdue-5"), ("21/06", "overdue-7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "end",
    [h.reported("t1", "27/6"), h.cancelled("t1"), h.handed_back("t1")],
    ids=["reported", "cancelled", "handed back"],
)
def test_nothing_more_is_wanted_once_it_is_done(end: Any):
    history = commune().record("3/6", h.assigned(due="28/6")).record("27/6", end)
    tasks = [one for one in Morning(history).days("3/6", "12/7") if one.about == TASK]
    assert [one.rule for one in tasks if not one.suppressed] == ["due-7", "due-3", "due-1"]


def test_a_return_arms_the_ladder_anew():
    history = commune().record("3/6", h.assigned(due="28/6")).record("20/6", h.reported("t1", "20/6"))
    history.record("24/6", h.returned("t1", "28/6", 2))
    tasks = [one for one in Morning(history).days("3/6", "1/7") if one.about == TASK]
    assert [(one.rule, one.due_version) for one in tasks if not one.suppressed] == [
        ("due-7", 1), ("due-3", 2), ("due-1", 2), ("due-0", 2), ("overdue-1", 2), ("overdue-1", 2),
    ]  # fmt: skip


def test_an_extension_has_a_ladder_of_its_own():
    history = commune().record("3/6", h.assigned(due="14/6")).record("12/6", h.asked("t1", "28/6"))
    history.record("13/6", h.granted("t1", "28/6", 2))
    tasks = [one for one in Morning(history).days("3/6", "28/6") if one.about == TASK and not one.suppressed]
    assert [(f"{one.run_on:%d/%m}", one.rule) for one in tasks] == [
        ("05/06", "due-7"), ("11/06", "due-3"), ("13/06", "due-1"),
        ("19/06", "due-7"), ("25/06", "due-3"), ("27/06", "due-1"), ("28/06", "due-0"),
    ]  # fmt: skip


def test_a_pending_request_holds_back_the_leaders_until_it_is_refused():
    history = commune().record("3/6", h.assigned(due="14/6")).record("13/6", h.asked("t1", "28/6"))
    morning = Morning(history)
    rules = {one.rule for one in morning.days("3/6", "26/6") if one.about == TASK}
    assert {"overdue-1", "overdue-3"} <= rules and rules.isdisjoint({"overdue-5", "overdue-7"})
    history.record("26/6", h.refused("t1"))
    held = [one for one in morning.look(at("26/6", "10:00")) if one.about == TASK]
    assert {(one.rule, one.recipient, one.suppressed) for one in held} == {
        ("overdue-5", "p02", None), ("overdue-7", "p01", None),
    }  # fmt: skip


def test_without_a_vice_chair_in_charge_the_chair_is_told_once():
    history = commune().record("3/6", h.assigned(due="14/6", lead="p08"))
    above = [one for one in Morning(history).days("3/6", "28/6") if one.recipient == "p01" and one.about == TASK]
    assert [one.rule for one in above] == ["overdue-5"]


def test_an_absent_lead_has_their_substitute_and_the_office_told():
    away = ev.AbsenceRecorded(
        staff="p07", absence="a1", kind="insured", from_=h.day("17/6"), to=h.day("30/6"), substitute="p08"
    )
    history = commune().record("3/6", h.assigned(due="28/6"), away)
    assert lines(Morning(history).days("18/6", "20/6")) == [("19/06", "due-7", "p08"), ("19/06", "due-7", "p14")]


def test_the_tracker_is_told_of_the_tasks_of_one_who_left():
    history = commune().record("3/6", h.assigned(due="28/6")).record("10/6", h.left("p07", "12/6"))
    assert lines(Morning(history).days("18/6", "20/6")) == [("19/06", "due-7", "p02")]


def test_a_unit_is_told_by_its_head_and_nobody_twice():
    history = commune().record("3/6", h.assigned(due="28/6", lead="p14", collaborators=["vp", "p07"]))
    assert lines(Morning(history).days("27/6", "27/6")) == [("27/06", "due-1", "p07"), ("27/06", "due-1", "p14")]


def test_of_rungs_that_were_missed_the_last_is_told():
    history = commune().record("3/6", h.assigned(due="28/6"))
    morning = Morning(history)
    morning.look(at("18/6"))
    back = [(one.rule, one.recipient, one.suppressed) for one in morning.look(at("2/7")) if one.about == TASK]
    assert back == [
        ("due-7", "p07", "superseded"), ("due-3", "p07", "superseded"), ("due-1", "p07", "superseded"),
        ("due-0", "p07", "superseded"), ("overdue-1", "p07", None), ("overdue-1", "p14", None),
    ]  # fmt: skip


def test_of_weeks_and_checks_that_were_missed_the_last_is_told():
    task = msgspec.structs.replace(h.assigned(due=None), due=Due(text="thường xuyên", cadence="week"))
    morning = Morning(commune().record("3/6", task))
    morning.look(at("3/6"))
    back = [(one.about, one.suppressed) for one in morning.look(at("24/6")) if one.recipient in {"p01", "p07"}]
    assert sorted(about for about, suppressed in back if suppressed is None) == ["check/t1/2024-W25", "week/2024-W26"]
    assert len(back) > 4 and {suppressed for _, suppressed in back} == {None, "superseded"}


def test_what_was_missed_and_is_done_is_recorded_with_the_reason():
    history = commune().record("3/6", h.assigned(due="28/6"))
    morning = Morning(history)
    morning.look(at("18/6"))
    history.record("26/6", h.reported("t1", "26/6")).record("27/6", h.completed("t1", "26/6"))
    back = [(one.rule, one.suppressed) for one in morning.look(at("1/7")) if one.about == TASK]
    assert back == [("due-7", "completed"), ("due-3", "completed")]


def test_a_new_channel_brings_nothing_up_again():
    history = commune().record("3/6", h.assigned(due="28/6"))
    morning = Morning(history)
    morning.days("3/6", "26/6")
    morning.view["channels"] = frozenset({"inbox", "email"})
    assert {(one.rule, one.channel) for one in morning.days("27/6", "27/6")} == {("due-1", "inbox"), ("due-1", "email")}


def test_people_choose_their_channels_but_keep_the_inbox():
    history = commune().record("3/6", h.assigned(due="28/6"))
    chosen = PreferencesChanged(staff="p07", channels={"email": False, "inbox": False}, digest=False, by="p07")
    channels = frozenset({"inbox", "email", "apprise"})
    morning = Morning(history, channels=channels, preferences={"p07": chosen}, addresses=frozenset({"p07"}))
    assert {one.channel for one in morning.days("27/6", "27/6")} == {"inbox", "apprise"}


def test_an_endpoint_is_told_once_of_the_rules_it_wants():
    history = commune().record("3/6", h.assigned(due="28/6"))
    morning = Morning(history, channels=frozenset({"inbox", "webhook"}), endpoints=[("e1", []), ("e2", ["due-0"])])
    told = [(one.rule, one.recipient) for one in morning.days("27/6", "28/6") if one.channel == "webhook"]
    assert sorted(told) == [("due-0", "endpoint/e1"), ("due-0", "endpoint/e2"), ("due-1", "endpoint/e1")]


def test_a_new_calendar_moves_what_is_to_come_and_repeats_nothing():
    history = commune().record("1/8", h.assigned(due="19/8"))
    morning = Morning(history)
    morning.days("1/8", "8/8")
    history.record("9/8", calendar(2024, 2, off=[date(2024, 8, 16)]))
    tasks = [
        (f"{one.run_on:%d/%m}", one.rule) for one in [*morning.told, *morning.days("9/8", "19/8")] if one.about == TASK
    ]
    assert tasks[:4] == [("08/08", "due-7"), ("13/08", "due-3"), ("15/08", "due-1"), ("19/08", "due-0")]


def test_a_task_done_all_the_time_is_looked_at_at_the_end_of_each_period():
    due = Due(text="thường xuyên", cadence="week")
    task = msgspec.structs.replace(h.assigned(due=None), due=due)
    history = commune().record("3/6", task)
    checks = [(f"{one.run_on:%d/%m}", one.about) for one in Morning(history).days("3/6", "21/6") if one.rule == "check"]
    assert checks == [("07/06", "check/t1/2024-W23"), ("14/06", "check/t1/2024-W24"), ("21/06", "check/t1/2024-W25")]


def test_the_leaders_have_their_week_on_its_first_working_day_and_the_month_on_its_first():
    supervisor = h.appointed("p90", roles=["supervisor"], post="Thường trực HĐND", rated=False)
    history = commune().record("8/1", supervisor)
    told = lines(Morning(history).days("25/4", "15/5"))
    assert told == [
        ("02/05", "monthly", "p01"), ("02/05", "monthly", "p90"),
        ("02/05", "weekly", "p01"), ("02/05", "weekly", "p02"),
        ("06/05", "weekly", "p01"), ("06/05", "weekly", "p02"),
        ("13/05", "weekly", "p01"), ("13/05", "weekly", "p02"),
    ]  # fmt: skip


def test_a_missing_period_sheet_is_asked_for_two_days_after_the_period():
    history = commune(2026)
    history.record("6/3/2026", h.period_common("2026-02", staff="p08", stage="self"))
    told = {(one.about, one.recipient) for one in Morning(history).days("2/3/2026", "5/3/2026") if one.rule == "sheet"}
    assert ("sheet/2026-02/p07", "p07") in told and ("sheet/2026-02/p07", "p02") in told
    assert ("sheet/2026-02/p08", "p08") in told  # recorded only on the 6th


def test_an_appeal_is_brought_up_on_its_fifth_day_while_nobody_answered():
    appeal = ev.RatingAppealed(
        staff="p07", year=2024, appeal="k1", received_on=h.day("9/12"), text="Đề nghị xem lại", due=h.day("18/12")
    )
    history = commune().record("9/12", appeal)
    told = [line for line in lines(Morning(history).days("9/12", "17/12")) if line[1] == "appeal"]
    assert told == [("16/12", "appeal", "p01"), ("16/12", "appeal", "p14")]
    resolved = ev.AppealResolved(staff="p07", year=2024, appeal="k1", outcome="dismissed", on=h.day("13/12"), by="p01")
    history.record("13/12", resolved)
    assert [line for line in lines(Morning(history).days("9/12", "17/12")) if line[1] == "appeal"] == []


def test_nothing_is_guessed_without_a_calendar():
    history = commune(2024).record("20/12", h.assigned(due="8/1/2025"))
    morning = Morning(history)
    assert [one for one in morning.days("20/12", "31/12") if one.about == TASK] == []
    assert [(problem.code, problem.params) for problem in morning.problems] == [("calendar-missing", {"year": 2025})]


def test_nothing_is_made_up_for_the_time_before_the_watch():
    history = commune().record("3/6", h.assigned(due="14/6"))
    morning = Morning(history, policies=[(at("18/6", "08:00"), default_policy())])
    tasks = [one.rule for one in morning.days("18/6", "25/6") if one.about == TASK]
    assert tasks == ["overdue-3", "overdue-3", "overdue-5", "overdue-7"]


def test_a_revision_of_the_policy_holds_from_its_time():
    quick = default_policy()
    rules = [each for each in quick.rules if each.rule in {"due-3", "overdue-1"}]
    later = msgspec.structs.replace(quick, policy="nhanh", rules=rules)
    history = commune().record("3/6", h.assigned(due="28/6"))
    morning = Morning(history, policies=[(START, quick), (at("20/6"), later)])
    tasks = [(one.rule, one.policy) for one in morning.days("3/6", "5/7") if one.about == TASK]
    assert tasks == [("due-7", "mac-dinh-1"), ("due-3", "nhanh"), ("overdue-1", "nhanh"), ("overdue-1", "nhanh")]


def test_what_was_held_back_is_told_by_the_policy_of_its_day():
    history = commune().record("3/6", h.assigned(due="14/6")).record("13/6", h.asked("t1", "28/6"))
    later = msgspec.structs.replace(default_policy(), policy="sau")
    morning = Morning(history, policies=[(START, default_policy()), (at("24/6", "10:00"), later)])
    morning.days("3/6", "26/6")
    history.record("26/6", h.refused("t1"))
    held = [one for one in morning.look(at("26/6", "10:00")) if one.about == TASK]
    assert [(one.rule, one.recipient, one.policy) for one in held] == [
        ("overdue-5", "p02", "mac-dinh-1"), ("overdue-7", "p01", "sau"),
    ]  # fmt: skip


def test_the_chair_is_told_when_nobody_was_at_the_rung_below():
    history = commune().record("3/6", h.assigned(due="14/6", lead="p08"))
    morning = Morning(history, policies=[(at("22/6", "08:00"), default_policy())])  # a day after overdue-5
    assert lines([one for one in morning.days("22/6", "28/6") if one.about == TASK]) == [("25/06", "overdue-7", "p01")]


def test_the_chair_is_told_though_the_vice_chair_left_after_the_rung_below():
    history = commune().record("3/6", h.assigned(due="14/6")).record("24/6", h.left("p02", "24/6"))
    above = [one for one in Morning(history).days("3/6", "28/6") if one.about == TASK and one.rule > "overdue-4"]
    assert lines(above) == [("21/06", "overdue-5", "p02"), ("25/06", "overdue-7", "p01")]


def test_what_waited_for_a_calendar_is_told_when_it_is_published():
    appeal = ev.RatingAppealed(
        staff="p07", year=2024, appeal="k1", received_on=h.day("30/12"), text="Đề nghị", due=h.day("9/1/2025")
    )
    history = commune(2024).record("20/12", h.assigned(due="31/12"), h.assigned("t2", due="2/1/2025"))
    history.record("30/12", appeal)
    morning = Morning(history)
    assert not morning.days("1/1/2025", "20/1/2025")
    history.record("20/1/2025", calendar(2025))
    told = [one for one in morning.look(at("20/1/2025", "10:00")) if not one.suppressed]
    assert {(one.about, one.rule, one.recipient) for one in told} >= {
        (TASK, "overdue-3", "p07"), (TASK, "overdue-5", "p02"), (TASK, "overdue-7", "p01"),
        ("task/t2", "overdue-3", "p07"), ("task/t2", "overdue-7", "p01"),
        ("appeal/k1", "appeal", "p14"), ("month/2024-12", "monthly", "p01"),
    }  # fmt: skip
    assert [one for one in morning.days("21/1/2025", "22/1/2025") if one.about.startswith("task/")] == []


def test_a_new_calendar_that_moves_a_rung_into_the_past_loses_nothing():
    history = commune().record("1/8", h.assigned(due="19/8"))
    morning = Morning(history)
    morning.days("1/8", "15/8")
    history.record("15/8", calendar(2024, 2, off=[date(2024, 8, 16)]))  # due-1 was to be told on that day
    assert lines(morning.look(at("15/8", "10:00"))) == [("15/08", "due-1", "p07")]


def test_an_appeal_recorded_late_is_brought_up_at_once():
    appeal = ev.RatingAppealed(
        staff="p07", year=2024, appeal="k1", received_on=h.day("9/12"), text="Đề nghị", due=h.day("18/12")
    )
    told = lines(Morning(commune().record("17/12", appeal)).days("9/12", "20/12"))
    assert [line for line in told if line[1] == "appeal"] == [("17/12", "appeal", "p01"), ("17/12", "appeal", "p14")]


def test_an_offset_may_lead_far_out_of_its_period():
    offsets = {"weekly": 6, "monthly": 25, "check": 3}
    rules = [msgspec.structs.replace(each, offset_days=offsets.get(each.rule, 0)) for each in default_policy().rules]
    policy = msgspec.structs.replace(default_policy(), rules=[each for each in rules if each.rule in offsets])
    task = msgspec.structs.replace(h.assigned(due=None), due=Due(text="thường xuyên", cadence="month"))
    morning = Morning(commune().record("8/1", task), policies=[(START, policy)])
    told = [(f"{one.run_on:%d/%m}", one.about) for one in morning.days("1/7", "6/8") if one.recipient in {"p01", "p07"}]
    assert set(told) >= {("03/07", "check/t1/2024-06"), ("09/07", "week/2024-W27"), ("02/08", "month/2024-06")}


def test_a_sheet_may_be_asked_for_of_the_leaders():
    rules = [msgspec.structs.replace(each, audience=["leaders"]) for each in default_policy().rules]
    policy = msgspec.structs.replace(default_policy(), rules=[each for each in rules if each.rule == "sheet"])
    told = Morning(commune(2026), policies=[(START, policy)]).days("2/3/2026", "5/3/2026")
    assert {one.recipient for one in told if one.about == "sheet/2026-02/p07"} == {"p01", "p02"}


def test_without_an_office_the_chair_is_told():
    history = (
        commune().record("3/6", h.assigned(due="28/6")).record("10/6", h.left("p14", "12/6"), h.left("p08", "12/6"))
    )
    history.record("13/6", h.changed("p07", "13/6", tracker=None), h.left("p07", "14/6"))
    assert lines(Morning(history).days("19/6", "19/6")) == [("19/06", "due-7", "p01")]


def test_an_absent_tracker_of_one_who_left_has_their_substitute_told():
    away = ev.AbsenceRecorded(
        staff="p02", absence="a1", kind="insured", from_=h.day("17/6"), to=h.day("30/6"), substitute="p08"
    )
    history = commune().record("3/6", h.assigned(due="28/6"), away).record("10/6", h.left("p07", "12/6"))
    assert lines(Morning(history).days("19/6", "19/6")) == [("19/06", "due-7", "p08"), ("19/06", "due-7", "p14")]


def test_what_was_missed_is_told_to_whoever_follows_one_who_left():
    history = commune().record("3/6", h.assigned(due="28/6")).record("20/6", h.left("p07", "20/6"))
    morning = Morning(history)
    morning.look(at("18/6"))
    assert ("19/06", "due-7", "p02") in lines(morning.look(at("21/6")))


def queued(one: Wanted) -> Occurrence:
    return Occurrence(
        reminder=one.id("tien-canh"), about=one.about, rule=one.rule, run_on=one.run_on, recipient=one.recipient,
        channel=one.channel, urgency=one.urgency, queued_at=one.wanted_at, state="queued", state_at=one.wanted_at,
        attempt=0, due_version=one.due_version,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ([h.reported("t1", "19/6")], "reported"),
        ([h.cancelled("t1")], "cancelled"),
        ([h.asked("t1", "5/7"), h.granted("t1", "5/7", 2)], "deadline_moved"),
        ([h.left("p07", "18/6")], "left"),
        ([], None),
    ],
)
def test_what_is_queued_is_not_sent_when_it_is_no_longer_so(then: list[Any], reason: str | None):
    history = commune().record("3/6", h.assigned(due="28/6"))
    [one] = Morning(history).days("19/6", "19/6")
    history.record("19/6", *then)
    assert reason_to_drop(View(records=records(history)), queued(one), at("19/6", "11:00")) == reason


@pytest.mark.parametrize(
    ("staff", "day", "code"),
    [
        ("p07", "18/6", "no_rung"),
        ("p07", "19/6", "not_queued"),
        ("p08", "19/6", "others_told"),
        ("p07", "2/6", "not_assigned_yet"),
        ("p07", "2/7", "reported"),
    ],
)
def test_silence_has_its_reason(staff: str, day: str, code: str):
    history = (
        commune().record("3/6", h.assigned(due="28/6", collaborators=["p08"])).record("26/6", h.reported("t1", "26/6"))
    )
    view = View(records=records(history), policies=[(START, default_policy())])
    assert [line.code for line in why(view, [], staff, h.day(day), at("30/12"))] == [code]


def test_what_was_told_is_the_answer():
    history = commune().record("3/6", h.assigned(due="28/6"))
    [one] = Morning(history).days("19/6", "19/6")
    view = View(records=records(history), policies=[(START, default_policy())])
    sent = msgspec.structs.replace(queued(one), state="delivered")
    assert [(line.code, line.rule) for line in why(view, [sent], "p07", h.day("19/6"), at("30/12"))] == [
        ("delivered", "due-7")
    ]


# Whatever happens, and whenever somebody looks

DAYS = [date(2024, 6, 3) + timedelta(days=count) for count in range(60)]


@st.composite
def lives(draw: st.DrawFn) -> History:
    """Some tasks with the events of their lives, in an order that the tasks service allows."""
    happenings: list[tuple[date, int, Any]] = []
    for number in range(draw(st.integers(1, 3))):
        task, version = f"t{number}", 1
        begin = draw(st.integers(0, 15))
        due = begin + draw(st.integers(0, 20))
        happenings.append(
            (DAYS[begin], len(happenings), h.assigned(task, due=DAYS[due], lead=draw(st.sampled_from(["p07", "p08"]))))
        )
        day, status, asked = begin, "open", False
        for what in draw(
            st.lists(st.sampled_from(["report", "return", "accept", "ask", "grant", "refuse", "cancel"]), max_size=6)
        ):
            day = min(day + draw(st.integers(0, 8)), len(DAYS) - 1)
            on, later = DAYS[day], DAYS[min(day + draw(st.integers(0, 12)), len(DAYS) - 1)]
            event: Any = None
            if what == "report" and status == "open":
                event, status = h.reported(task, on), "reported"
            elif what == "return" and status == "reported":
                version += 1
                event, status, asked = h.returned(task, later, version), "open", False
            elif what == "accept" and status == "reported":
                event, status = h.completed(task, on), "done"
            elif what == "ask" and status == "open":
                event, asked = h.asked(task, later), True
            elif what == "grant" and asked and status == "open":
                version += 1
                event, asked = h.granted(task, later, version), False
            elif what == "refuse" and asked and status == "open":
                event, asked = h.refused(task), False
            elif what == "cancel" and status == "open":
                event, status = h.cancelled(task), "done"
            if event is not None:
                happenings.append((on, len(happenings), event))
    history = commune()
    for on, _, event in sorted(happenings, key=lambda each: each[:2]):
        history.record(on, event)
    return history


def lived(history: History, looks: Iterable[date]) -> dict[Any, str | None]:
    """Rung → why it was only recorded, for somebody who looks at 09:30 of these days."""
    envelopes = history.envelopes()
    told: dict[Any, str | None] = {}
    since = START
    for day in looks:
        moment = at(f"{day:%d/%m/%Y}", "09:30")
        known = empty(history.commune)
        for envelope in envelopes:
            if envelope.time <= moment:
                evolve(known, envelope)
        wanted, _ = plan(View(records=known, policies=[(START, default_policy())], seen=told.keys()), moment, since)
        for one in wanted:
            assert rung(one) not in told
            if one.about.startswith("task/"):
                task = one.about.removeprefix("task/")
                ended = [e for e in envelopes if getattr(e.data, "task", None) == task and e.time <= moment]
                if one.suppressed is None:
                    assert type(ended[-1].data).__name__ not in {"ResultReported", "TaskCompleted", "TaskCancelled"}
            told[rung(one)] = one.suppressed
        again, _ = plan(View(records=known, policies=[(START, default_policy())], seen=told.keys()), moment, since)
        assert again == []
        since = moment
    return told


@settings(max_examples=150, deadline=None)
@given(lives(), st.sets(st.integers(1, len(DAYS) - 2), max_size=50))
def test_whoever_looks_seldom_records_the_rungs_of_whoever_looks_daily(history: History, missed: set[int]):
    daily = lived(history, DAYS)
    seldom = lived(history, [day for index, day in enumerate(DAYS) if index not in missed])

    def rungs(told: dict[Any, str | None]) -> set[Any]:
        # Levels above the Office wait for an answer, which may come while nobody looks.
        return {key for key in told if key[0].startswith("task/") and key[1] not in {"overdue-5", "overdue-7"}}

    assert rungs(seldom) == rungs(daily)
    # What a daily look tells is never only recorded, unless it is over within the day or a later rung takes its place.
    assert all(
        why in {None, "superseded", "reported", "completed", "cancelled", "deadline_moved"} for why in seldom.values()
    )
