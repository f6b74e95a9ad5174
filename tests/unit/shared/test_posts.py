"""Who holds which post on a day: the cases by name, and random histories against the reading that the rule sets own."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain import records as kept
from services.scoring.domain.rules.facts.people import post_on
from shared import posts
from shared.events import StaffAppointed, StaffChanged, StaffLeft
from shared.posts import Step, appointed, changed, fields_on, left, with_step

FIRST = date(2024, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def steps(*recorded: Step) -> list[Step]:
    found: list[Step] = []
    for step in recorded:
        found = with_step(found, step)
    return found


def post(recorded: list[Step], number: int) -> str | None:
    fields = fields_on(recorded, day(number))
    return str(fields["post"]) if fields else None


def test_a_post_is_held_from_its_day_to_the_last_in_post() -> None:
    found = steps(appointed(day(1), {"post": "a"}), changed(day(3), {"post": "b"}), left(day(5)))
    assert [post(found, number) for number in (0, 1, 3, 5, 6)] == [None, "a", "b", "b", None]


def test_a_departure_recorded_after_the_next_post_began_ends_the_one_before_only() -> None:
    found = steps(appointed(day(1), {"post": "a"}), appointed(day(5), {"post": "b"}), left(day(4)))
    assert [post(found, number) for number in (4, 5, 9)] == ["a", "b", "b"]


def test_who_is_appointed_again_before_their_departure_stays() -> None:
    found = steps(appointed(day(1), {"post": "a"}), left(day(5)), appointed(day(3), {"post": "b"}))
    assert [post(found, number) for number in (2, 3, 6)] == ["a", "b", "b"]


def test_the_last_departure_recorded_counts() -> None:
    assert post(steps(appointed(day(1), {"post": "a"}), left(day(3)), left(day(5))), 5) == "a"
    assert post(steps(appointed(day(1), {"post": "a"}), left(day(5)), left(day(3))), 4) is None


def test_a_change_recorded_before_an_appointment_of_the_same_day_is_replaced_by_it() -> None:
    found = steps(appointed(day(1), {"post": "a"}), changed(day(3), {"post": "b"}), appointed(day(3), {"post": "c"}))
    assert post(found, 3) == "c"


HISTORY = st.lists(st.tuples(st.sampled_from(["appointed", "changed", "left"]), st.integers(1, 6)), max_size=6)


@settings(max_examples=500, deadline=None)
@given(HISTORY)
def test_any_history_is_read_as_the_rule_sets_read_it(history: list[tuple[str, int]]) -> None:
    person, found = kept.PersonRecord("p07", []), list[Step]()
    for number, (kind, on) in enumerate([("appointed", 1), *history], 1):
        about = (number, str(number), "", "")
        name = f"post {number}"
        if kind == "appointed":
            data = StaffAppointed(
                staff="p07", category="cong_chuc", roles=[], post=name, unit="u", leader=False, valid_from=day(on)
            )
            person.moments.append(kept.Appointed(*about, data))
            found = with_step(found, posts.appointed(day(on), {"post": name}))
        elif kind == "changed":
            person.moments.append(kept.Changed(*about, StaffChanged(staff="p07", valid_from=day(on), post=name)))
            found = with_step(found, posts.changed(day(on), {"post": name}))
        else:
            person.moments.append(kept.Left(*about, StaffLeft(staff="p07", valid_to=day(on))))
            found = with_step(found, posts.left(day(on)))
    for number in range(9):
        held = post_on(person, day(number))
        assert post(found, number) == (held.post if held and held.in_post else None)
