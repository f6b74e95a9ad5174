"""The event log over SQL: append, append_verbatim, heads, read; and its way over Kafka."""

from shared.eventlog.chain import EMPTY, Head
from shared.eventlog.database import EVERY_COMMUNE, NO_COMMUNE, open_database, reading, snapshot, writing
from shared.eventlog.errors import (
    Ahead,
    Busy,
    ChainBreak,
    ClockBehind,
    EventTooLarge,
    KeyReused,
    StaleVersion,
    UnknownCommune,
)
from shared.eventlog.log import Appended, Decision, Key, Log, Transaction, utcnow

__all__ = [
    "EMPTY",
    "EVERY_COMMUNE",
    "NO_COMMUNE",
    "Ahead",
    "Appended",
    "Busy",
    "ChainBreak",
    "ClockBehind",
    "Decision",
    "EventTooLarge",
    "Head",
    "Key",
    "KeyReused",
    "Log",
    "StaleVersion",
    "Transaction",
    "UnknownCommune",
    "open_database",
    "reading",
    "snapshot",
    "utcnow",
    "writing",
]
