"""What the service does by itself, live only: commune after commune it plans, tells of acts, and sends
what is queued.

Nothing of it happens in a replay, and several workers may do it at once (see notices.py, planner.py and sender.py).
"""

import logging
import threading
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from services.notifications.notices import Noticing
from services.notifications.planner import Planner
from services.notifications.reach import Reach, caught_up, replicas_are_filled
from services.notifications.sender import Sender
from services.notifications.service import Notifications
from shared.eventlog import Busy, ClockBehind, UnknownCommune
from shared.events import format_time
from shared.wake import Waiting
from shared.worker import IsOurs, all_communes

logger = logging.getLogger(__name__)

PAUSE_S = 1.0
SETTLE_S = 0.1  # the records follow what was recorded
# A commune that fails is left alone for this long.
REST = timedelta(minutes=1)


class Reminding:
    """Plans and sends for every commune that is ours."""

    def __init__(self, service: Notifications, is_ours: IsOurs = all_communes) -> None:
        self.service = service
        self.is_ours = is_ours
        self.noticing = Noticing(service)
        self.planner = Planner(service)
        self.sender = Sender(service)
        self._resting: dict[str, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Run until stopped; the message in hand is finished, no other is claimed."""
        while not stop.is_set() and not replicas_are_filled(self.service):
            stop.wait(PAUSE_S)
        with Waiting(self.service.engine, *(log.engine for log in self.service.logs.values())) as waiting:
            while not stop.is_set():
                try:
                    busy = self.step(stop)
                except (SQLAlchemyError, Busy) as error:
                    logger.warning("reminding waits: %s", error)
                    busy = 0
                if not busy:
                    waiting.sleep(stop, PAUSE_S, settle_s=SETTLE_S)

    def step(self, stop: threading.Event | None = None) -> int:
        """Plan and send what is due now for each commune; returns how many events and attempts that made."""
        stop = stop or threading.Event()
        done = 0
        for commune, reach in caught_up(self.service, self.is_ours).items():
            now = self.service.clock()
            if stop.is_set():
                break
            if commune in self._resting and now < self._resting[commune]:
                continue
            try:
                done += self._remind(commune, reach, format_time(now), stop)
                self._resting.pop(commune, None)
            except (SQLAlchemyError, Busy, ClockBehind, UnknownCommune) as error:
                logger.warning("reminding in %s waits: %s", commune, error, extra={"commune": commune})
            except Exception:
                # The others go on; this one is tried again, and each time logs why it failed.
                logger.exception("reminding in %s failed", commune, extra={"commune": commune})
                self._resting[commune] = now + REST
        return done

    def _remind(self, commune: str, reach: Reach, at: str, stop: threading.Event) -> int:
        planned = self.noticing.queue(commune, reach.basis) + self.planner.plan(commune, reach.basis, at)
        if not planned and self.sender.is_asleep(commune, reach, at):
            return 0
        return planned + self.sender.deliver(commune, reach, at, stop)
