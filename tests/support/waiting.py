"""Waiting for a condition with a deadline: what tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, deadline: float = 20.0, what: str = "", every: float = 0.02) -> T:
    """Call `condition` until what it returns is true, and return that; AssertionError after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline:g} s: {what or condition}; last value {value!r}")
        time.sleep(every)
    return value
