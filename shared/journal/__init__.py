"""The journal (sổ truy vết): every change outside the log, and who tried what they may not; rows are only added.

`record(connection, commune, KIND, about=…)` in the transaction of the change. Who does it, and from where, the door
says: `act_as`. Each row carries the SHA-256 of the one before it in its commune, as events do.
"""

from shared.journal.acting import NOBODY, PROCESS, Acting, act_as, acting
from shared.journal.kinds import KINDS, Kind
from shared.journal.store import (
    End,
    Entry,
    Wanted,
    communes_of,
    end_of,
    entries,
    lines,
    note,
    note_first,
    record,
    seen,
    take_over,
    wrong,
)

__all__ = [
    "KINDS",
    "NOBODY",
    "PROCESS",
    "Acting",
    "End",
    "Entry",
    "Kind",
    "Wanted",
    "act_as",
    "acting",
    "communes_of",
    "end_of",
    "entries",
    "lines",
    "note",
    "note_first",
    "record",
    "seen",
    "take_over",
    "wrong",
]
