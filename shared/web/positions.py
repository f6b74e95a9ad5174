"""Read your writes: `Cchc-Position` says where a command was recorded, `Cchc-Wait-For` waits until readers see it."""

import re
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

import flask

from shared.web.problems import Rejected

# A projection usually arrives within a few milliseconds; looking more often would only slow it down.
PAUSE = 0.02
TEXT = re.compile(r"([a-z]{1,32})/([a-z0-9][a-z0-9-]{0,62})/(0|[1-9][0-9]{0,17})")


class Position(NamedTuple):
    """A place in the log of one source and commune, written `tasks/tien-canh/1234`."""

    source: str
    commune: str
    position: int

    def __str__(self) -> str:
        return f"{self.source}/{self.commune}/{self.position}"


class Reached(NamedTuple):
    """How far a projection has come, and whether an error stopped it there."""

    position: int
    parked: bool


def recorded_at(source: str, commune: str, position: int) -> dict[str, str]:
    """The header of a command's answer."""
    return {"Cchc-Position": str(Position(source, commune, position))}


def wait_for_header(reached: Callable[[str, str], Reached], *, deadline: float = 2.0) -> None:
    """Wait for the position in the request's `Cchc-Wait-For`, if any; it must be of the request's own commune.

    `reached(source, commune)` says how far the projection that the query reads has come.
    Raises Rejected: `wait-for` (400), and what `wait_for` raises.
    """
    header = flask.request.headers.get("Cchc-Wait-For")
    if header is None:
        return
    match = TEXT.fullmatch(header.strip())
    if match is None or match[2] != (flask.request.view_args or {}).get("commune"):
        raise Rejected("wait-for")
    wait_for(reached, Position(match[1], match[2], int(match[3])), deadline=deadline)


def after_waiting(
    reached: Callable[[str, str], Reached], roles_in_force: Callable[[str, str], Collection[str]]
) -> Callable[[str, str], Collection[str]]:
    """Roles as of the position that the request waits for: a person appointed just now has them."""

    def in_force(commune: str, staff: str) -> Collection[str]:
        wait_for_header(reached)
        return roles_in_force(commune, staff)

    return in_force


def wait_for(reached: Callable[[str, str], Reached], target: Position, *, deadline: float = 2.0) -> None:
    """Return when the projection has reached the target. Raises Rejected: `not-yet` after `deadline` seconds,
    `projection-parked` at once when it stands still before it."""
    end = time.monotonic() + deadline
    while True:
        position, parked = reached(target.source, target.commune)
        if position >= target.position:
            return
        if parked:
            raise Rejected("projection-parked")
        left = end - time.monotonic()
        if left <= 0:
            raise Rejected("not-yet")
        time.sleep(min(PAUSE, left))
