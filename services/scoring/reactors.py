"""What scoring does by itself, live only: it announces a score whose figures differ from those last announced."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from services.scoring.domain.records import Assigned, Records, closed_by
from services.scoring.domain.sheet import Sheet, sheets
from services.scoring.views import PROJECTION, Known, known_now
from shared.eventlog import Busy, ClockBehind, Decision, Log, Transaction, utcnow
from shared.events import VIETNAM, ScoreUpdated, decode, subject_of
from shared.projection import all_positions
from shared.wake import Waiting
from shared.worker import Mine, all_communes

logger = logging.getLogger(__name__)

# Announcements follow a burst of events, not each of them.
PAUSE_S = 1.0
ACTOR = "service/scoring"


class ScoreAnnouncer:
    """Appends `rating.score_updated` after the records moved and after midnight; comparing with its own log first
    makes it repeatable."""

    def __init__(
        self,
        engine: Engine,
        logs: Mapping[str, Log],
        clock: Callable[[], datetime] = utcnow,
        mine: Mine = all_communes,
    ) -> None:
        self.engine = engine
        self.logs = logs
        self.clock = clock
        self.mine = mine
        self._announced_at: dict[str, tuple[dict[str, int], date]] = {}

    def run(self, stop: threading.Event) -> None:
        with Waiting(self.engine) as waiting:
            while not stop.is_set():
                try:
                    self.step(stop)
                except (SQLAlchemyError, Busy, ClockBehind) as error:
                    logger.warning("announcing scores waits: %s", error)
                waiting.sleep(stop, PAUSE_S, settle_s=PAUSE_S)

    def step(self, stop: threading.Event | None = None) -> int:
        """Look at each commune of mine whose records moved, or whose day changed; returns how many scores were
        announced."""
        today = self.clock().astimezone(VIETNAM).date()
        announced = 0
        for commune, reached in all_positions(self.engine, PROJECTION.name).items():
            if stop and stop.is_set():
                break
            if not self.mine(commune) or any(at.fold_version != PROJECTION.fold_version for at in reached.values()):
                continue
            positions = {source: at.position for source, at in reached.items()}
            if self._announced_at.get(commune) != (positions, today):
                announced += self._announce(commune, today)
        return announced

    def _announce(self, commune: str, today: date) -> int:
        known = known_now(self.engine, self.logs, commune, today)
        changed = [
            update
            for year in ([] if closed_by(known.records, today) else _years(known.records, today))
            for found in sheets(known.records, year, today)
            if (update := self._update(commune, known, found))
        ]
        positions = {pin.source: pin.position for pin in known.inputs}
        if changed:
            self.logs["scoring"].append(commune, lambda tx: _unless_overtaken(tx, positions, changed), actor=ACTOR)
        self._announced_at[commune] = (positions, today)
        return len(changed)

    def _update(self, commune: str, known: Known, found: Sheet) -> ScoreUpdated | None:
        update = _score_update(found, known)
        body = self.logs["scoring"].last_of(commune, subject_of(update, commune))
        last = decode(body).data if body else None
        return None if last and _told(last) == _told(update) else update


def _years(records: Records, today: date) -> list[int]:
    """The rating years that tasks fall in so far."""
    dues = (moment.due for task in records.tasks.values() for moment in task.moments if isinstance(moment, Assigned))
    return sorted({due.year for due in dues if due and due.year <= today.year})


def _unless_overtaken(tx: Transaction, positions: Mapping[str, int], changed: list[ScoreUpdated]) -> Decision:
    # Somebody else appended meanwhile: what they recorded will be looked at in the next round.
    return Decision(changed if tx.head.position == positions["scoring"] else [])


def _score_update(found: Sheet, known: Known) -> ScoreUpdated:
    return ScoreUpdated(
        staff=found.staff,
        year=found.year,
        rule_set=found.rule_set,
        figures=found.figures,
        level=found.level,
        evaluated_on=known.on,
        inputs=known.inputs,
    )


def _told(update: ScoreUpdated) -> tuple[object, ...]:
    return update.rule_set, update.level, update.figures
