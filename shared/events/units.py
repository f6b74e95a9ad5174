"""Units of a commune: departments (bộ phận) and the areas in a deputy's charge (mảng)."""

from typing import Literal

from shared.events.catalogue import event
from shared.events.values import Data, Day


@event("unit.defined", source="tasks", subject="unit/{unit}")
class UnitDefined(Data):
    """Names lie beside the log. The commune itself is the root unit."""

    unit: str
    kind: Literal["department", "area"]
    valid_from: Day
    parent: str | None = None
    head: str | None = None
    valid_to: Day | None = None
