"""The reactor of scoring, live only: it announces a score whose figures differ from those last announced."""

import logging
import threading
from collections.abc import Mapping
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from services.scoring.domain.records import Assigned, Records, closed_by
from services.scoring.domain.sheet import Sheet, sheets
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION, Known, known_now
from shared.eventlog import Busy, ClockBehind, Decision, Transaction
from shared.events import ScoreUpdated, decode, subject_of
from shared.projection import all_positions
from shared.wake import Waiting
from shared.worker import IsOurs, all_communes

logger = logging.getLogger(__name__)

# Announcements follow a burst of events, not each of them.
PAUSE_S = 1.0
ACTOR = "service/scoring"


class ScoreAnnouncer:
    """Appends `rating.score_updated` after the records moved and after midnight, for the communes that `is_ours` names.

    It compares with scoring's own log first, so it may repeat.
    """

    def __init__(self, service: Scoring, is_ours: IsOurs = all_communes) -> None:
        self.service = service
        self.is_ours = is_ours
        self._announced_at: dict[str, tuple[dict[str, int], date]] = {}

    def run(self, stop: threading.Event) -> None:
        with Waiting(self.service.engine) as waiting:
            while not stop.is_set():
                try:
                    self.step(stop)
                except (SQLAlchemyError, Busy, ClockBehind) as error:
                    logger.warning("announcing scores waits: %s", error)
                waiting.sleep(stop, PAUSE_S, settle_s=PAUSE_S)

    def step(self, stop: threading.Event | None = None) -> int:
        """Look at each of our communes whose records moved, or whose day changed; returns how many scores it
        announced."""
        today = self.service.today
        announced = 0
        for commune, reached in all_positions(self.service.engine, PROJECTION.name).items():
            if stop and stop.is_set():
                break
            if not self.is_ours(commune) or any(at.fold_version != PROJECTION.fold_version for at in reached.values()):
                continue
            positions = {source: at.position for source, at in reached.items()}
            if self._announced_at.get(commune) != (positions, today):
                announced += self._announce(commune, today)
        return announced

    def _announce(self, commune: str, today: date) -> int:
        known = known_now(self.service.engine, self.service.logs, commune, today)
        changed = [
            update
            for year in ([] if closed_by(known.records, today) else _years(known.records, today))
            for sheet in sheets(known.records, year, today)
            if (update := self._update(commune, known, sheet))
        ]
        positions = {pin.source: pin.position for pin in known.inputs}
        if changed:
            self.service.log.append(commune, lambda tx: _unless_overtaken(tx, positions, changed), actor=ACTOR)
        self._announced_at[commune] = (positions, today)
        return len(changed)

    def _update(self, commune: str, known: Known, sheet: Sheet) -> ScoreUpdated | None:
        update = _score_update(sheet, known)
        body = self.service.log.last_of(commune, subject_of(update, commune))
        last = decode(body).data if body else None
        return None if last and _figures(last) == _figures(update) else update


def _years(records: Records, today: date) -> list[int]:
    """The rating years that tasks fall in so far."""
    dues = (moment.due for task in records.tasks.values() for moment in task.moments if isinstance(moment, Assigned))
    return sorted({due.year for due in dues if due and due.year <= today.year})


def _unless_overtaken(tx: Transaction, positions: Mapping[str, int], changed: list[ScoreUpdated]) -> Decision:
    # When another process appended meanwhile, the next round looks at what it recorded.
    return Decision(changed if tx.head.position == positions["scoring"] else [])


def _score_update(sheet: Sheet, known: Known) -> ScoreUpdated:
    return ScoreUpdated(
        staff=sheet.staff,
        year=sheet.year,
        rule_set=sheet.rule_set,
        figures=sheet.figures,
        level=sheet.level,
        evaluated_on=known.on,
        inputs=known.inputs,
    )


def _figures(update: ScoreUpdated) -> tuple[object, ...]:
    return update.rule_set, update.level, update.figures
