"""Budgets: how much a person, and a commune, may change in a minute, and send and store in a day (ADR 0034).

Counted in this process, and shared through a table of the service's database whenever a twentieth of a budget was used.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import flask
from sqlalchemy import BigInteger, Column, Engine, MetaData, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import Busy
from shared.eventlog.database import writing
from shared.eventlog.spending import purse
from shared.hosts import host_of
from shared.web.problems import Rejected

log = logging.getLogger(__name__)

MINUTE, DAY = 60, 86_400
# A day begins at midnight in Vietnam.
UTC_PLUS_7 = 7 * 3600
MIB = 1024 * 1024
# What a commune has, in budgets of one person. An office of forty does not work at its limits all at once.
COMMUNE = 10
# A budget is compared with what other processes counted each time that this part of it was used.
STEPS = 20
# Addresses of strangers that are told apart in a minute; beyond, the count begins again.
ADDRESSES = 10_000

metadata = MetaData()

# One row per person and kind, and per commune (no actor); `begun` is the window's begin in Unix seconds.
budgets = Table(
    "budgets",
    metadata,
    Column("commune", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("commune", "actor", "kind", name="budgets_pk"),
    sqlite_with_rowid=False,
)

_ADD = text(
    "INSERT INTO budgets (commune, actor, kind, begun, used) VALUES (:commune, :actor, :kind, :begun, :used)"
    " ON CONFLICT (commune, actor, kind) DO UPDATE SET begun = excluded.begun, used = excluded.used"
    " + CASE WHEN budgets.begun = excluded.begun THEN budgets.used ELSE 0 END RETURNING used"
)


class Kind(NamedTuple):
    """One thing that is counted: in windows of so many seconds, refused with a code; `unit` is what the text counts."""

    name: str
    window: int
    refused: str
    variable: str
    unit: int = 1

    def begun(self, now: float) -> int:
        return int(now) - (int(now) + UTC_PLUS_7) % self.window


CHANGES = Kind("changes", MINUTE, "too-many-changes", "CCHC_CHANGES_A_MINUTE")
TEXT = Kind("text", DAY, "too-much-text", "CCHC_TEXT_MIB_A_DAY", MIB)
FILES = Kind("files", DAY, "too-many-files", "CCHC_FILES_MIB_A_DAY", MIB)
KINDS = (CHANGES, TEXT, FILES)


@dataclass(frozen=True)
class Allowances:
    """Of one person: changes a minute; bytes a day of text, and of files, sent or stored. Ten times as much of a
    commune."""

    changes: int = 120
    text: int = 2 * MIB
    files: int = 400 * MIB

    def of(self, kind: Kind, actor: str) -> int:
        own = int(getattr(self, kind.name))
        return own if actor else COMMUNE * own


class _Account:
    """What was used of one budget in its window; `unsaved` of it is not in the table yet."""

    def __init__(self, commune: str, actor: str, kind: Kind, limit: int) -> None:
        self.commune, self.actor, self.kind, self.limit = commune, actor, kind, limit
        self.begun = self.used = self.unsaved = 0

    def at(self, now: float) -> "_Account":
        if (begun := self.kind.begun(now)) != self.begun:
            self.begun, self.used, self.unsaved = begun, 0, 0
        return self


class Budgets:
    """The budgets of one service. A database that cannot be written refuses nothing here: the command says why."""

    def __init__(self, engine: Engine, allowed: Allowances, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._allowed = allowed
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str, Kind], _Account] = {}
        self._strangers: Counter[str] = Counter()
        self._strangers_since = 0

    def charge(self, commune: str, actor: str, *, text: int = 0, files: int = 0) -> None:
        """One change, with so many bytes of either kind. Raises Rejected (429), and then nothing is charged."""
        self._charge(commune, actor, 1, text, files)
        self.share(commune, actor)

    def charge_stored(self, commune: str, actor: str, *, text: int = 0, files: int = 0) -> None:
        """What a change stores beyond what was sent, within the transaction that stores it: others are told with
        `share`, once no transaction is open. Raises Rejected (429), and then nothing is charged."""
        self._charge(commune, actor, 0, text, files)

    def _charge(self, commune: str, actor: str, changes: int, text: int, files: int) -> None:
        with self._lock:
            for account, cost in self._affordable(commune, actor, changes, text, files):
                account.used += cost
                account.unsaved += cost

    def must_afford(self, commune: str, actor: str, *, text: int) -> None:
        """Raises Rejected (429) when so many bytes would not be charged now."""
        with self._lock:
            self._affordable(commune, actor, 0, text, 0)

    def _affordable(self, commune: str, actor: str, changes: int, text: int, files: int) -> list[tuple[_Account, int]]:
        now = self._clock()
        costs = [
            (self._account(commune, whose, kind).at(now), cost)
            for kind, cost in ((CHANGES, changes), (TEXT, text), (FILES, files))
            for whose in (actor, "")  # a row of the person before that of the commune, in every transaction
            if cost
        ]
        for account, cost in costs:
            if account.used + cost > account.limit:
                left = account.begun + account.kind.window - now
                raise _rejected(account.kind, "Bạn" if account.actor else "Cả xã", account.limit, left)
        return costs

    def share(self, commune: str, actor: str) -> None:
        """Tell other processes what a person and a commune have used, if it is worth telling."""
        now = self._clock()
        with self._lock:
            accounts = [self._account(commune, whose, kind).at(now) for kind in KINDS for whose in (actor, "")]
            due = [(each, each.unsaved) for each in accounts if each.unsaved and each.unsaved * STEPS >= each.limit]
            for account, _ in due:
                account.unsaved = 0
        if due:
            self._share(due)

    def charge_stranger(self, address: str) -> None:
        """One request that anybody may send and that changes something. Raises Rejected (429)."""
        host, now, limit = host_of(address), self._clock(), self._allowed.changes
        with self._lock:
            begun = CHANGES.begun(now)
            if begun != self._strangers_since or len(self._strangers) >= ADDRESSES:
                self._strangers.clear()
                self._strangers_since = begun
            if self._strangers[host] >= limit:
                raise _rejected(CHANGES, "Địa chỉ của bạn", limit, begun + CHANGES.window - now)
            self._strangers[host] += 1

    def _account(self, commune: str, actor: str, kind: Kind) -> _Account:
        key = (commune, actor, kind)
        if key not in self._accounts:
            self._accounts[key] = _Account(commune, actor, kind, self._allowed.of(kind, actor))
        return self._accounts[key]

    def _share(self, due: Sequence[tuple[_Account, int]]) -> None:
        """Add to the table what was used here, and learn what all processes together have used."""
        saved: list[tuple[_Account, int, int]] = []
        try:
            with writing(self._engine, due[0][0].commune) as connection:
                for account, unsaved in due:
                    row = {"commune": account.commune, "actor": account.actor, "kind": account.kind.name}
                    begun = account.begun
                    used = connection.execute(_ADD, row | {"begun": begun, "used": unsaved}).scalar_one()
                    saved.append((account, begun, used))
        except (SQLAlchemyError, Busy) as error:
            log.warning("budgets are not shared: %s", type(error).__name__)
            return
        with self._lock:
            for account, begun, used in saved:
                if account.begun == begun:
                    account.used = max(account.used, used + account.unsaved)


def _rejected(kind: Kind, whose: str, limit: int, left: float) -> Rejected:
    seconds = {"Retry-After": str(max(1, int(left) + 1))}
    return Rejected(kind.refused, seconds, whose=whose, limit=limit // kind.unit or 1, variable=kind.variable)


def spend_from(app: flask.Flask, budgets: Budgets) -> None:
    """Charge every request of the app that changes something."""
    app.extensions["cchc.budgets"] = budgets


class _Purse:
    """What the request under way stores, in the budgets of whoever asks; `sent` bytes of text it paid for at the door:
    most of what it stores is what it sent."""

    def __init__(self, budgets: Budgets, commune: str, actor: str, sent: int) -> None:
        self._budgets, self._commune, self._actor, self._sent = budgets, commune, actor, sent

    def must_afford(self, text: int) -> None:
        self._budgets.must_afford(self._commune, self._actor, text=max(0, text - self._sent))

    def pay(self, *, text: int = 0, files: int = 0) -> None:
        owed = max(0, text - self._sent)
        self._budgets.charge_stored(self._commune, self._actor, text=owed, files=files)
        self._sent -= text - owed

    def share(self) -> None:
        self._budgets.share(self._commune, self._actor)


def charge(commune: str, actor: str, *, upload: bool) -> None:
    """Charge the request that is being answered, and from now on what it stores."""
    if found := _budgets():
        size = flask.request.content_length or 0
        found.charge(commune, actor, **{"files" if upload else "text": size})
        flask.g.purse_outside = purse.get()
        flask.g.purse = _Purse(found, commune, actor, 0 if upload else size)
        purse.set(flask.g.purse)


def end_charging() -> None:
    """The thread's next work belongs to another request, or to the one that asked within this process."""
    if spent := flask.g.pop("purse", None):
        purse.set(flask.g.pop("purse_outside"))
        spent.share()


def charge_stranger() -> None:
    """Charge the request that is being answered, of somebody who need not be signed in."""
    if found := _budgets():
        found.charge_stranger(flask.request.remote_addr or "-")


def _budgets() -> Budgets | None:
    found: Any = flask.current_app.extensions.get("cchc.budgets")
    return found if isinstance(found, Budgets) else None
