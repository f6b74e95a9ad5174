"""The tasks service's background process: recurring tasks are opened on their period's first day."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from services.tasks.erasure import expire_uploads
from services.tasks.reactors import react
from services.tasks.service import Tasks
from shared.eventlog import Busy, ClockBehind
from shared.worker import Loop

logger = logging.getLogger(__name__)

# An occurrence counts from its period's first day whenever it is opened, so a minute after midnight is soon enough.
PAUSE_S = 60.0
UPLOADS_PAUSE_S = 600.0


def loops(service: Tasks) -> dict[str, Loop]:
    """The loops of the service. Deadlines are recomputed by the command that publishes a calendar, not here."""

    def open_recurring(stop: threading.Event) -> None:
        while True:
            try:
                react(service, stop)
            except (SQLAlchemyError, Busy, ClockBehind) as error:
                logger.warning("opening recurring tasks waits: %s", error)
            if stop.wait(PAUSE_S):
                return

    def forget_uploads(stop: threading.Event) -> None:
        while True:
            try:
                expire_uploads(service, stop)
            except (SQLAlchemyError, Busy, OSError) as error:
                logger.warning("forgetting uploads waits: %s", error)
            if stop.wait(UPLOADS_PAUSE_S):
                return

    return {"recurring": open_recurring, "uploads": forget_uploads}
