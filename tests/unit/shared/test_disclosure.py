"""What is hidden so that nobody's numbers can be worked out."""

from itertools import combinations
from random import Random

import pytest

from shared.disclosure import LEAST, changed, is_small, sees_published_only, withheld

ALLOWED = frozenset({"chair", "office", "supervisor"})


@pytest.mark.parametrize(
    ("roles", "only"),
    [({"supervisor"}, True), ({"supervisor", "staff"}, True), ({"supervisor", "office"}, False), ({"office"}, False)],
)
def test_who_supervises_and_does_nothing_else_there_sees_what_is_published(roles: set[str], only: bool) -> None:
    assert sees_published_only(roles, ALLOWED) is only


def test_a_small_group_takes_another_with_it() -> None:
    groups = {"a": {"p1", "p2"}, "b": set("123456"), "c": set("12345678"), "d": set()}
    assert withheld(groups) == {"a", "b"}


def test_small_groups_that_hide_each_other_take_none() -> None:
    assert withheld({"a": {"p1", "p2"}, "b": {"p3", "p4", "p5"}, "c": set("123456")}) == {"a", "b"}


def test_without_a_small_group_nothing_is_hidden() -> None:
    assert withheld({"a": set("12345"), "b": set()}) == set()


@pytest.mark.parametrize("seed", range(200))
def test_no_subtraction_gives_a_small_group(seed: int) -> None:
    """The total less any groups that are shown is of nobody, or of enough people."""
    random = Random(seed)
    people = [f"p{number}" for number in range(random.randint(LEAST, 25))]
    groups = {name: set(random.sample(people, random.randint(0, min(9, len(people))))) for name in range(6)}
    hidden = withheld(groups)
    shown = [name for name in groups if name not in hidden]
    everybody = set().union(*groups.values())
    if is_small(everybody):
        return  # then the total is not shown either
    assert not any(is_small(groups[name]) for name in shown)
    for number in range(len(shown) + 1):
        for taken in combinations(shown, number):
            left = set().union(*(groups[name] for name in groups if name not in taken))
            assert not is_small(left)


def test_people_whose_part_is_another() -> None:
    assert changed({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 1}) == {"b", "c", "d"}
