"""What a check finds: a state, in words, and how to fix it."""

from collections.abc import Iterable
from typing import Literal

import msgspec

State = Literal["ok", "warning", "failure", "not_applicable"]

# How many names a finding lists before it only counts the rest.
NAMED = 5


class Finding(msgspec.Struct, frozen=True):
    """`detail` in words with the values found; `fix` the command to type, or what to do."""

    state: State
    detail: str
    fix: str | None = None


def ok(detail: str) -> Finding:
    return Finding("ok", detail)


def warning(detail: str, fix: str) -> Finding:
    return Finding("warning", detail, fix)


def failure(detail: str, fix: str) -> Finding:
    return Finding("failure", detail, fix)


def not_applicable(detail: str) -> Finding:
    return Finding("not_applicable", detail)


def some(names: Iterable[str]) -> str:
    """The first few names of communes, and how many more there are."""
    known = list(names)
    rest = len(known) - NAMED
    return "; ".join(known[:NAMED]) + (f" và {rest} xã nữa" if rest > 0 else "")
