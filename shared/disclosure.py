"""What supervising bodies may see of numbers about people, so that no single person's can be worked out (ADR 0031).

The words are those of statistical disclosure control: a group of fewer people than the threshold is hidden (primary
suppression), and so many others with it that what is hidden cannot be had by subtraction (complementary, or secondary,
suppression). Hundepool et al., Handbook on Statistical Disclosure Control, 2nd ed., ch. 4 and 5.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

LEAST = 5  # people in a group that is shown
SUPERVISOR = "supervisor"

NOT_SHOWN = f"dưới {LEAST} người: không hiện"

Name = TypeVar("Name", bound=Hashable)


def sees_published_only(roles: Collection[str], allowed: Collection[str]) -> bool:
    """Is it only as a supervisor that somebody with these roles may ask?"""
    return {*roles} & {*allowed} == {SUPERVISOR}


def is_small(people: Collection[Any]) -> bool:
    """Would numbers of these people be those of few? Of nobody there is nothing to tell."""
    return 0 < len(people) < LEAST


def withheld(groups: Mapping[Name, Collection[str]]) -> set[Name]:
    """The groups of a divided total that are not shown: the small ones, and as the total less what is shown would give
    them, the smallest of the others too, until what is hidden is of enough people together."""
    hidden = {name for name, people in groups.items() if is_small(people)}
    shown = sorted(
        (name for name, people in groups.items() if people and name not in hidden),
        key=lambda name: (-len(groups[name]), str(name)),
    )
    while hidden and shown and is_small({person for name in hidden for person in groups[name]}):
        hidden.add(shown.pop())
    return hidden


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The people whose part in a number is another than before."""
    return {person for person in {*before, *after} if before.get(person) != after.get(person)}
