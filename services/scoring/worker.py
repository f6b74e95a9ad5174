"""Scoring's background process: the records, the announcer, and on Kafka the replica of tasks and the own relay."""

from services.scoring.app import Scoring
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.views import PROJECTION
from shared.projection import Runner
from shared.worker import Loop


def loops(scoring: Scoring) -> dict[str, Loop]:
    """What runs beside the web app, whichever way the tasks log comes here."""
    return {
        "records": Runner(scoring.engine, scoring.logs, PROJECTION).run,
        "announcer": ScoreAnnouncer(scoring.engine, scoring.logs, scoring.clock).run,
    }
