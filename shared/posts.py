"""Who holds which post on a day, over staff.appointed, staff.changed and staff.left in the order of their recording.

An appointment sets all attributes from its day on, until the next one. A departure ends the appointment that was in
force on its last day, and no other. What else a person's events say is the service's own.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import msgspec

ONE_DAY = timedelta(days=1)


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One appointment, change or departure, in force from `on`."""

    on: date
    kind: Literal["appointed", "changed", "left"]
    fields: Mapping[str, Any] = {}


def appointed(valid_from: date, fields: Mapping[str, Any]) -> Step:
    return Step(valid_from, "appointed", fields)


def changed(valid_from: date, fields: Mapping[str, Any]) -> Step:
    return Step(valid_from, "changed", fields)


def left(valid_to: date) -> Step:
    return Step(valid_to + ONE_DAY, "left")


def with_step(steps: Sequence[Step], step: Step) -> list[Step]:
    """The steps in the order they take force, with one more that was recorded after all of them."""
    if step.kind != "changed":
        # The departures that this step sets aside: those of the appointment that it begins or ends.
        begun = step.on if step.kind == "appointed" else _begun(steps, step.on - ONE_DAY)
        ends = min((each.on for each in steps if each.kind == "appointed" and each.on > begun), default=date.max)
        steps = [each for each in steps if each.kind != "left" or not begun < each.on <= ends]
    return sorted([*steps, step], key=_place)


def _begun(steps: Sequence[Step], day: date) -> date:
    return max((each.on for each in steps if each.kind == "appointed" and each.on <= day), default=date.max)


def _place(step: Step) -> tuple[date, bool]:
    # On the day after one post ends another may begin, whichever was recorded first.
    return step.on, step.kind != "left"


def fields_on(steps: Sequence[Step], day: date) -> dict[str, Any] | None:
    """The attributes in force on a day, with their `valid_from`; None when the person is in no post."""
    fields: dict[str, Any] | None = None
    for step in steps:
        if step.on > day:
            break
        if step.kind == "left":
            fields = None
        elif step.kind == "appointed":
            fields = {**step.fields, "valid_from": step.on}
        elif fields is not None:
            fields = {**fields, **step.fields, "valid_from": step.on}
    return fields
