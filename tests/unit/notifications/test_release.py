"""When what is queued goes out, and what together: quiet hours, digests, and what was missed."""

from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from services.notifications.domain.occurrence import Occurrence
from services.notifications.domain.policy import default_policy
from services.notifications.domain.release import Terms, groups, opening
from shared.calendar import Calendar, Calendars
from shared.events import VIETNAM, PreferencesChanged, Quiet, Span, format_time

# Tết 2024: days off from Thursday 8 to Wednesday 14 February. Saturday 4 May is worked for Monday 29 April.
CALENDARS = Calendars(
    [
        Calendar(
            "vn-2024-r1",
            2024,
            frozenset({*(date(2024, 2, day) for day in (8, 9, 12, 13, 14)), date(2024, 4, 29)}),
            frozenset({date(2024, 5, 4)}),
        )
    ]
)
POLICY = default_policy()


def at(text: str) -> str:
    return format_time(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


def prefers(staff: str = "p07", **chosen: Any) -> dict[str, PreferencesChanged]:
    fields: dict[str, Any] = {"staff": staff, "channels": {}, "digest": False, "by": staff}
    return {staff: PreferencesChanged(**(fields | chosen))}


def terms(preferences: dict[str, PreferencesChanged] | None = None) -> Terms:
    return Terms(POLICY, preferences or {}, CALENDARS)


def occurrence(
    queued: str, rule: str = "due-1", *, run_on: str | None = None, recipient: str = "p07", **more: Any
) -> Occurrence:
    asked = next((each for each in POLICY.rules if each.rule == rule), None)
    fields: dict[str, Any] = {
        "reminder": f"{rule}/{queued}/{recipient}",
        "about": "task/t1",
        "channel": "email",
        "urgency": asked.urgency if asked else "immediate",
        "state": "queued",
        "state_at": at(queued),
        "attempt": 0,
    }
    return Occurrence(
        rule=rule,
        run_on=date.fromisoformat(run_on or queued[:10]),
        recipient=recipient,
        queued_at=at(queued),
        **(fields | more),
    )


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2024-06-14 07:29:59.999", "2024-06-14 07:30"),
        ("2024-06-14 07:30", None),
        ("2024-06-14 11:29:59.999", None),
        ("2024-06-14 11:30", "2024-06-14 13:00"),
        ("2024-06-14 13:00", None),
        ("2024-06-14 17:00", "2024-06-17 07:30"),
        ("2024-06-15 09:00", "2024-06-17 07:30"),
        ("2024-06-17 00:00", "2024-06-17 07:30"),
        # All of Tết.
        ("2024-02-07 17:00", "2024-02-15 07:30"),
        # A swapped Saturday is worked, its Monday is not.
        ("2024-04-29 09:00", "2024-04-30 07:30"),
        ("2024-05-03 17:00", "2024-05-04 07:30"),
        ("2024-05-04 09:00", None),
    ],
)
def test_the_next_opening(moment: str, opens: str | None) -> None:
    expected = opens and at(opens)
    assert opening(POLICY.quiet, None, CALENDARS, at(moment)) == expected


def test_personal_quiet_hours_come_on_top_of_the_policys() -> None:
    evening = [Span(from_="15:00", to="08:30")]
    assert opening(POLICY.quiet, evening, CALENDARS, at("2024-06-13 15:00")) == at("2024-06-14 08:30")
    assert opening(POLICY.quiet, evening, CALENDARS, at("2024-06-14 08:00")) == at("2024-06-14 08:30")
    assert opening(POLICY.quiet, evening, CALENDARS, at("2024-06-14 08:30")) is None


def test_other_systems_have_the_quiet_hours_of_the_policy_only() -> None:
    chosen = terms(prefers(quiet=[Span(from_="08:00", to="09:00")]))
    assert chosen.opening("p07", at("2024-06-14 08:30")) is not None
    assert chosen.opening("endpoint/e1", at("2024-06-14 08:30")) is None
    assert chosen.opening("endpoint/e1", at("2024-06-14 12:00")) is not None


def test_a_policy_may_work_on_days_off() -> None:
    quiet = Quiet(spans=[], days_off=False)
    assert opening(quiet, None, CALENDARS, at("2024-06-15 03:00")) is None


def test_who_is_never_open_is_looked_at_again() -> None:
    always = Quiet(spans=[Span(from_="07:00", to="07:00")])
    later = opening(always, None, CALENDARS, at("2024-06-14 09:00"))
    assert later == at("2024-07-15 09:00")


def test_a_year_without_a_calendar_has_its_weekends_off() -> None:
    assert opening(POLICY.quiet, None, CALENDARS, at("2025-02-28 17:00")) == at("2025-03-03 07:30")


# Grouping


def released(*queued: Occurrence, now: str, preferences: dict[str, PreferencesChanged] | None = None) -> list[set[str]]:
    """The messages that go out, each as the rules in it."""
    found, _ = groups(queued, terms(preferences), at(now))
    return [{each.rule for each in group.occurrences} for group in found]


def test_what_is_immediate_goes_alone_and_the_rest_of_a_morning_as_one() -> None:
    morning = "2024-06-14 07:30:01"
    queued = [occurrence(morning, rule) for rule in ("due-1", "due-3", "due-7", "overdue-1")]
    assert released(*queued, now="2024-06-14 07:30:02") == [{"due-1"}, {"overdue-1"}, {"due-3", "due-7"}]


def test_each_recipient_and_channel_has_its_own_message() -> None:
    morning = "2024-06-14 07:30:01"
    mail = occurrence(morning, "due-3")
    queued = [mail, occurrence(morning, "due-3", recipient="p08"), msgspec.structs.replace(mail, channel="apprise")]
    found, later = groups(queued, terms(), at("2024-06-14 07:31"))
    assert [(group.recipient, group.channel) for group in found] == [
        ("p07", "email"),
        ("p08", "email"),
        ("p07", "apprise"),
    ]
    assert later is None


def test_what_was_held_goes_out_merged_at_the_opening() -> None:
    held = [occurrence("2024-06-14 11:30", "urge"), occurrence("2024-06-14 12:59", "urge", about="task/t2")]
    found, later = groups(held, terms(), at("2024-06-14 12:59:59"))
    assert (found, later) == ([], at("2024-06-14 13:00"))
    assert released(*held, now="2024-06-14 13:00") == [{"urge"}]


def test_what_a_person_asks_for_in_opening_hours_goes_alone() -> None:
    urged = [occurrence("2024-06-14 09:00", "urge", by="p14"), occurrence("2024-06-14 09:01", "due-3")]
    assert released(*urged, now="2024-06-14 09:02") == [{"urge"}, {"due-3"}]


def test_what_was_missed_comes_in_one_message_that_says_so() -> None:
    back = "2024-06-14 09:10"
    missed = [
        occurrence(back, "due-1", run_on="2024-06-12"),
        occurrence(back, "overdue-1", run_on="2024-06-13", about="task/t2"),
        occurrence(back, "due-0", run_on="2024-06-14", about="task/t3"),
    ]
    found, _ = groups(missed, terms(), at(back))
    assert [len(group.occurrences) for group in found] == [3]
    assert found[0].catch_up


def test_a_late_minute_is_not_a_miss() -> None:
    found, _ = groups([occurrence("2024-06-14 08:20", "due-0")], terms(), at("2024-06-14 08:20"))
    assert [group.catch_up for group in found] == [False]


def test_a_digest_waits_for_its_hour() -> None:
    later_digest = msgspec.structs.replace(POLICY, digest=msgspec.structs.replace(POLICY.digest, at="09:00"))
    queued = [occurrence("2024-06-14 07:30", "due-3")]
    found, later = groups(queued, Terms(later_digest, {}, CALENDARS), at("2024-06-14 08:00"))
    assert (found, later) == ([], at("2024-06-14 09:00"))


def test_who_prefers_digests_gets_all_but_escalations_with_the_next_one() -> None:
    queued = [
        occurrence("2024-06-14 07:30:01", "due-1"),
        occurrence("2024-06-14 08:00", "due-0", about="task/t2"),
        occurrence("2024-06-14 08:00", "overdue-5", about="task/t3"),
        occurrence("2024-06-14 08:00", "urge", about="task/t4", by="p14"),
    ]
    assert released(*queued, now="2024-06-14 08:01", preferences=prefers(digest=True)) == [
        {"overdue-5"},
        {"urge"},
        {"due-1"},
    ]
    found, later = groups(queued[1:2], terms(prefers(digest=True)), at("2024-06-14 08:01"))
    assert (found, later) == ([], at("2024-06-15 07:30"))
    # That is a Saturday: it waits until Monday.
    assert released(*queued[1:2], now="2024-06-15 08:00", preferences=prefers(digest=True)) == []
    assert released(*queued[1:2], now="2024-06-17 07:30", preferences=prefers(digest=True)) == [{"due-0"}]
