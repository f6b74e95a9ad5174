"""The journal (sổ truy vết): every change outside the log, and who tried what they may not; rows are only added.

`record(connection, commune, KIND, about=…)` in the transaction of the change. Who does it, and from where, the door
says: `act_as`. Each row carries the SHA-256 of the one before it in its commune, as events do.
"""

from shared.journal.acting import PROCESS, Acting, act_as, acting
from shared.journal.kinds import KINDS, Kind
from shared.journal.store import Entry, Wanted, entries, lines, note, record, seen, take_over, wrong

__all__ = [
    "KINDS",
    "PROCESS",
    "Acting",
    "Entry",
    "Kind",
    "Wanted",
    "act_as",
    "acting",
    "entries",
    "lines",
    "note",
    "record",
    "seen",
    "take_over",
    "wrong",
]
