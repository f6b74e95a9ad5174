"""Units: departments, and the areas of work in a deputy's charge."""

from datetime import date
from typing import Literal

import msgspec

from services.tasks.domain import Evolvers
from shared.events import UnitDefined


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    unit: str
    kind: Literal["department", "area"]
    valid_from: date
    parent: str | None = None
    head: str | None = None
    valid_to: date | None = None

    def exists_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def _defined(_: Unit | None, data: UnitDefined, __: date) -> Unit:
    return Unit(data.unit, data.kind, data.valid_from, data.parent, data.head, data.valid_to)


EVOLVE: Evolvers = {UnitDefined: _defined}
