"""Imports: what a confirmed file brought."""

from typing import Literal

from msgspec import field

from shared.events.catalogue import event
from shared.events.values import Data, Sha256


@event("import.confirmed", source="tasks", subject="import/{import_}")
class ImportConfirmed(Data):
    """`held` names the rows about whoever sent it, which wait for another sender: a staff id, or an annex row as
    "sheet!number"."""

    import_: str = field(name="import")
    kind: Literal["annex", "roster"]
    sha256: Sha256
    rows: int
    created: int
    changed: int
    waiting: int
    rejected: int
    by: str
    held: list[str] | None = None
