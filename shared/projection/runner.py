"""The runner keeps a projection's rows up to date with its logs, and rebuilds rows of another fold version."""

import gc
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import EMPTY, Busy, Head, Log, snapshot, writing
from shared.eventlog.traces import traced
from shared.projection import positions as at
from shared.projection.positions import MovedMeanwhile, Position
from shared.projection.replay import CannotFold, Projection, advance, start
from shared.wake import Waiting
from shared.worker import IsOurs, all_communes

logger = logging.getLogger(__name__)

# A transaction stays short enough that commands do not wait noticeably behind it.
BATCH = 500
POLL_S = 0.05

# What is recorded at nearly the same time is folded in one transaction.
SETTLE_S = 0.01

# How many communes' states are cached; the rest are reloaded from their rows.
REMEMBERED = 64

Progress = Callable[[str, int, int], None]  # commune, how many are done, out of how many


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A state only grows while it is folded, and has no cycles: the collector would find nothing in it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Folded(msgspec.Struct):
    state: Any
    heads: dict[str, Head]


class Runner:
    """Folds logs into one projection's rows; rows and position commit together, so every event counts once.

    Several may run at once; `is_ours` divides the communes among them. Rows of a newer fold version are left alone.
    """

    def __init__(
        self, engine: Engine, logs: Mapping[str, Log], projection: Projection[Any], is_ours: IsOurs = all_communes
    ) -> None:
        self.engine = engine
        self.logs = {source: logs[source] for source in projection.sources}
        self.projection = projection
        self.is_ours = is_ours
        self._memory: dict[str, _Folded] = {}
        self._parked_here: set[str] = set()
        self._left: set[str] = set()

    def run(self, stop: threading.Event, progress: Progress | None = None) -> None:
        """Keep up until told to stop. Connection and lock errors are retried; only fold errors park."""
        with Waiting(self.engine, *(log.engine for log in self.logs.values())) as waiting:
            while not stop.is_set():
                try:
                    busy = self.step(progress, stop)
                except (SQLAlchemyError, Busy) as error:
                    logger.warning("projection %s waits: %s", self.projection.name, error)
                    busy = 0
                    stop.wait(1)
                if not busy:
                    waiting.sleep(stop, POLL_S, settle_s=SETTLE_S)

    def step(self, progress: Progress | None = None, stop: threading.Event | None = None) -> int:
        """Fold one batch of every commune of ours that is behind; return how many events were folded."""
        stop = stop or threading.Event()
        ends = {source: log.heads() for source, log in self.logs.items()}
        known = at.all_positions(self.engine, self.projection.name)
        ours = filter(self.is_ours, sorted({commune for heads in ends.values() for commune in heads}))
        communes = [commune for commune in ours if not self._left_to_newer(commune, known.get(commune, {}))]
        for commune in self._memory.keys() - set(communes):
            self._forget(commune)
        running = [commune for commune in communes if commune not in self._parked_here]
        stale = [commune for commune in running if not self._is_current(known.get(commune, {}))]
        rebuilt = self.rebuild(stale, progress, stop, again=False)
        behind = [
            commune
            for commune in running
            if commune not in stale
            and any(known[commune][s].position < heads.get(commune, EMPTY).position for s, heads in ends.items())
        ]
        return rebuilt + sum(self._advance(commune, BATCH) for commune in behind if not stop.is_set())

    def catch_up(self) -> None:
        """Fold everything that can be folded."""
        while self.step():
            pass

    def _is_current(self, known: Mapping[str, Position]) -> bool:
        version = self.projection.fold_version
        return all(source in known and known[source].fold_version == version for source in self.logs)

    def _is_newer(self, known: Mapping[str, Position]) -> bool:
        return any(at.fold_version > self.projection.fold_version for at in known.values())

    def _left_to_newer(self, commune: str, known: Mapping[str, Position]) -> bool:
        """So that two versions at once, as during a rollout, do not rebuild each other's rows for ever."""
        newer = self._is_newer(known)
        if newer and commune not in self._left:
            name, version = self.projection.name, self.projection.fold_version
            logger.error(
                "projection %s leaves %s to a newer program: this one is of fold %d",
                name,
                commune,
                version,
                extra={"commune": commune},
            )
        (self._left.add if newer else self._left.discard)(commune)
        return newer

    # Live

    def _advance(self, commune: str, limit: int) -> int:
        try:
            folded = self._remembered(commune)
            before = {source: head.position for source, head in folded.heads.items()}
            for source, log in self.logs.items():
                folded.heads[source] = advance(
                    self.projection, folded.state, log, commune, folded.heads[source], limit=limit
                )
            moves = {
                source: (before[source], head.position)
                for source, head in folded.heads.items()
                if head.position > before[source]
            }
            if moves:
                with writing(self.engine, commune) as connection:
                    at.move(connection, self.projection.name, commune, moves, self.projection.fold_version)
                    self.projection.save(connection, commune, folded.state)
            return sum(new - old for old, new in moves.values())
        except CannotFold as error:
            self._forget(commune)
            return self._fold_up_to(commune, error)
        except MovedMeanwhile:
            self._forget(commune)
            return 0
        except BaseException:
            # The rows may have been rolled back: what is in memory is no longer what is stored.
            self._forget(commune)
            raise

    def _fold_up_to(self, commune: str, error: CannotFold) -> int:
        """Fold what comes before the event that cannot be folded, then park there."""
        try:
            reached = self._remembered(commune).heads[error.source].position
        except MovedMeanwhile:
            return 0
        before = error.position - 1 - reached
        if before > 0:
            return self._advance(commune, before)
        self._park(commune, error)
        return 0

    def _remembered(self, commune: str) -> _Folded:
        if commune not in self._memory:
            with snapshot(self.engine, commune) as connection:
                known = at.read_positions(connection, self.projection.name, commune)
                if not self._is_current(known):
                    raise MovedMeanwhile(f"{self.projection.name}: {commune} is of another fold by now")
                state = self.projection.load(connection, commune)
            heads = {source: start(log, commune, known[source].position) for source, log in self.logs.items()}
            self._remember(commune, _Folded(state, heads))
        return self._memory[commune]

    def _remember(self, commune: str, folded: _Folded) -> None:
        while len(self._memory) >= REMEMBERED:
            self._forget(next(iter(self._memory)))
        self._memory[commune] = folded

    def _forget(self, commune: str) -> None:
        self._memory.pop(commune, None)

    def _park(self, commune: str, error: CannotFold) -> None:
        self._say_parked(error)
        with writing(self.engine, commune) as connection:
            at.set_parked(connection, self.projection.name, commune, error.source, str(error))
        # The next process tries again: a fixed fold comes with a restart.
        self._parked_here.add(commune)

    def _say_parked(self, error: CannotFold) -> None:
        about = {"commune": error.commune}
        for event in self.logs[error.source].read(error.commune, error.position - 1, 1):
            about |= traced(event)
        logger.error("projection %s parks %s: %s", self.projection.name, error.commune, error, extra=about)

    # Rebuild

    def rebuild(
        self,
        communes: Iterable[str] | None = None,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
        *,
        again: bool = True,
    ) -> int:
        """Rebuild communes of ours (default all); return how many events were folded. Readers see a commune's old rows
        until its new ones are complete. After an interruption it continues with the next commune.

        Without `again`, rows that another worker has brought to this fold version or a newer one stay.
        """
        if communes is None:
            communes = {commune for log in self.logs.values() for commune in log.heads()}
        todo = sorted(communes)
        folded = 0
        for done, commune in enumerate(todo, 1):
            if stop and stop.is_set():
                break
            if not self.is_ours(commune):
                continue
            with _collector_paused():
                folded += self._rebuild(commune, again)
            if progress:
                progress(commune, done, len(todo))
        return folded

    def _rebuild(self, commune: str, again: bool) -> int:
        self._forget(commune)  # nor cached afterwards: the whole states of all communes would take much memory
        self._parked_here.discard(commune)
        ends = {source: log.head(commune).position for source, log in self.logs.items()}
        failed: dict[str, CannotFold] = {}
        while True:
            try:
                heads = self._fold_anew(commune, ends, failed, again)
                break
            except CannotFold as error:
                failed[error.source] = error
                ends[error.source] = error.position - 1
        if failed:
            self._parked_here.add(commune)
            for stopped_at in failed.values():
                self._say_parked(stopped_at)
        return sum(head.position for head in heads.values())

    def _fold_anew(
        self, commune: str, ends: Mapping[str, int], failed: Mapping[str, CannotFold], again: bool
    ) -> dict[str, Head]:
        """Fold up to `ends` in memory, then up to the present and into the rows in one transaction."""
        name, state = self.projection.name, self.projection.empty(commune)
        heads = {
            source: advance(self.projection, state, log, commune, EMPTY, until=ends[source])
            for source, log in self.logs.items()
        }
        with writing(self.engine, commune) as connection:
            known = at.read_positions(connection, name, commune, lock=True)
            if not again and (self._is_current(known) or self._is_newer(known)):
                return {}
            if any(source in known and known[source].position > heads[source].position for source in failed):
                # The old rows hold more than the new fold can give: they stay until it is fixed.
                for source, error in failed.items():
                    at.set_parked(connection, name, commune, source, str(error))
                return heads
            if not failed:
                for source, log in self.logs.items():
                    heads[source] = advance(self.projection, state, log, commune, heads[source])
            self.projection.replace(connection, commune, state)
            reached = {source: head.position for source, head in heads.items()}
            parked = {source: str(error) for source, error in failed.items()}
            at.set_positions(connection, name, commune, reached, self.projection.fold_version, parked)
        return heads
