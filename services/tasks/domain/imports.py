"""What a confirmed file brought: kept so that the same confirmation is not recorded twice."""

from datetime import date
from typing import Literal

import msgspec

from services.tasks.domain import Evolvers
from shared.events import ImportConfirmed


class Import(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: Literal["annex", "roster"]
    sha256: str
    confirmed_on: date
    by: str
    rows: int
    created: int
    changed: int
    waiting: int
    rejected: int
    held: list[str] = []


def _confirmed(_: Import | None, data: ImportConfirmed, day: date) -> Import:
    counts = (data.rows, data.created, data.changed, data.waiting, data.rejected)
    return Import(data.kind, data.sha256, day, data.by, *counts, data.held or [])


EVOLVE: Evolvers = {ImportConfirmed: _confirmed}
