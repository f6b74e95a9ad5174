"""Units: departments, and the areas of work in a deputy's charge."""

from datetime import date
from typing import Literal

import msgspec

from services.tasks.domain import Evolvers
from shared.events import UnitDefined


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said last, and `heads`: whoever was ever said to head it, since a rating reads by date."""

    unit: str
    kind: Literal["department", "area"]
    valid_from: date
    parent: str | None = None
    head: str | None = None
    valid_to: date | None = None
    heads: list[str] = []

    def was_headed_by(self, staff: str) -> bool:
        """Was, is or will this person be its head, by any of what was said?"""
        # A state stored before `heads` was kept still knows the last one.
        return staff in (*self.heads, self.head)

    def exists_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def _defined(state: Unit | None, data: UnitDefined, _: date) -> Unit:
    # A state stored before `heads` was kept still knows the last one.
    known = [*state.heads, state.head] if state else []
    heads = dict.fromkeys(head for head in (*known, data.head) if head)
    return Unit(data.unit, data.kind, data.valid_from, data.parent, data.head, data.valid_to, list(heads))


EVOLVE: Evolvers = {UnitDefined: _defined}
