"""Imports: what a confirmed file brought."""

from typing import Literal

from msgspec import field

from shared.events.catalogue import event
from shared.events.values import Data, Sha256


@event("import.confirmed", source="tasks", subject="import/{import_}")
class ImportConfirmed(Data):
    import_: str = field(name="import")
    kind: Literal["annex", "roster"]
    sha256: Sha256
    rows: int
    created: int
    changed: int
    waiting: int
    rejected: int
    by: str
