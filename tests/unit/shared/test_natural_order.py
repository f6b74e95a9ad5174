"""Lists that people read: numbers within a text count as numbers."""

import pytest

from shared.collation import natural


@pytest.mark.parametrize(
    "ordered",
    [["1", "7", "14"], ["p1", "p2", "p10"], ["II.2", "II.10", "III.1"], ["", "1", "a"], ["p01", "p1a", "p2"]],
)
def test_numbers_count_as_numbers(ordered: list[str]):
    assert sorted(set(ordered), key=natural) == ordered
